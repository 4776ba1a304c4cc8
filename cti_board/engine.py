"""Room: the Python face of the C engine.  The only module that talks to `_native`'s engine calls
(media objects excepted).  Must not know what a channel, a call or a tone plan means.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from cti_board import events as ev
from cti_board._native._media import ffi, lib
from cti_board.clock import Clock
from cti_board.dsp.fax import KINDS as FAX_TONES
from cti_board.errors import BoardNotFoundError, DriverError, check

POLL = 256
NOWHERE = 0xFFFFFFFF
ENOENT = 2
ABSENCE = {ord("O"): "O", ord("P"): "P"}  # out of area, private: Telcordia GR-30


def number(c_number: int) -> int:
    """Of a channel or a board; -1: none of them (it concerns the board, or the engine)."""
    return -1 if c_number == NOWHERE else c_number


def _text(c: Any) -> str:
    return bytes(ffi.string(c.text)).decode("utf-8", "replace")


def _caller_id(c: Any) -> ev.CallerId:
    number, date, name = [*bytes(ffi.string(c.text)).split(b"\t", 2), b"", b""][:3]
    return ev.CallerId(
        c.seq, c.at, c.board, c.channel, ev.plain_text(number), "fsk" if c.a == 1 else "dtmf",
        c.b == 1, ev.plain_text(name), ev.plain_text(date), ABSENCE.get(c.c, ""),
    )  # fmt: skip


def _plain(kind: Callable[..., ev.Event]) -> Callable[[Any], ev.Event]:
    return lambda c: kind(c.seq, c.at, c.board, number(c.channel))


def _with_a(kind: Callable[..., ev.Event]) -> Callable[[Any], ev.Event]:
    return lambda c: kind(c.seq, c.at, c.board, number(c.channel), c.a)


def _media(kind: Callable[..., ev.Event]) -> Callable[[Any], ev.Event]:
    return lambda c: kind(c.seq, c.at, c.board, number(c.channel), c.cookie, c.a)


def _alarm(kind: Callable[..., ev.Event]) -> Callable[[Any], ev.Event]:
    return lambda c: kind(c.seq, c.at, c.board, -1, c.span, ev.Alarm(c.a))


def _play_done(c: Any) -> ev.Event:
    reason = ev.DoneReason(c.a)
    digit = chr(c.c) if reason is ev.DoneReason.DIGIT else ""
    error = -c.c if reason is ev.DoneReason.ERROR else 0
    return ev.PlayDone(c.seq, c.at, c.board, c.channel, c.cookie, reason, c.b, digit, error)


DECODE: dict[int, Callable[[Any], ev.Event]] = {
    lib.CTB_EV_RING_BEGIN: _plain(ev.RingBegin),
    lib.CTB_EV_RING_END: _with_a(ev.RingEnd),
    lib.CTB_EV_RING_STOPPED: _plain(ev.RingStopped),
    lib.CTB_EV_OFF_HOOK: _plain(ev.OffHook),
    lib.CTB_EV_ON_HOOK: _plain(ev.OnHook),
    lib.CTB_EV_HOOK_FLASH: _with_a(ev.HookFlash),
    lib.CTB_EV_WINK: _with_a(ev.Wink),
    lib.CTB_EV_POLARITY: lambda c: ev.PolarityReversal(c.seq, c.at, c.board, c.channel, c.a != 0),
    lib.CTB_EV_LOOP_BREAK: _with_a(ev.LoopBreak),
    lib.CTB_EV_BATTERY: lambda c: ev.BatteryChange(c.seq, c.at, c.board, c.channel, c.a != 0),
    lib.CTB_EV_CAS: lambda c: ev.CasChange(c.seq, c.at, c.board, c.channel, c.a, c.b),
    lib.CTB_EV_PULSE_DIGIT: lambda c: ev.PulseDigit(c.seq, c.at, c.board, c.channel, chr(c.a)),
    lib.CTB_EV_DTMF_BEGIN: lambda c: ev.DtmfBegin(
        c.seq, c.at, c.board, c.channel, chr(c.a), c.b / 100, c.c / 100, c.d
    ),
    lib.CTB_EV_DTMF_END: lambda c: ev.DtmfEnd(c.seq, c.at, c.board, c.channel, chr(c.a), c.b, c.d),
    lib.CTB_EV_TALK_BEGIN: lambda c: (ev.TalkTxBegin if c.b else ev.TalkBegin)(
        c.seq, c.at, c.board, c.channel, c.a / 100
    ),
    lib.CTB_EV_TALK_END: lambda c: (ev.TalkTxEnd if c.b else ev.TalkEnd)(
        c.seq, c.at, c.board, c.channel, c.a
    ),
    lib.CTB_EV_MF_BEGIN: lambda c: ev.MfBegin(
        c.seq, c.at, c.board, c.channel, c.a, c.b / 100, c.c / 100, c.d
    ),
    lib.CTB_EV_MF_END: lambda c: ev.MfEnd(c.seq, c.at, c.board, c.channel, c.a, c.b, c.d),
    lib.CTB_EV_FAX_ON: lambda c: ev.FaxToneOn(
        c.seq, c.at, c.board, c.channel, FAX_TONES[c.a - 1], c.b / 100, c.d
    ),
    lib.CTB_EV_FAX_OFF: lambda c: ev.FaxToneOff(
        c.seq, c.at, c.board, c.channel, FAX_TONES[c.a - 1], c.b
    ),
    lib.CTB_EV_BEEP_ON: lambda c: ev.BeepOn(
        c.seq, c.at, c.board, c.channel, c.a / 10, c.b / 100, c.d
    ),
    lib.CTB_EV_BEEP_OFF: lambda c: ev.BeepOff(c.seq, c.at, c.board, c.channel, c.a / 10, c.b, c.d),
    lib.CTB_EV_CALLER_ID: _caller_id,
    lib.CTB_EV_PLAY_DONE: _play_done,
    lib.CTB_EV_RECORD_DONE: lambda c: ev.RecordDone(
        c.seq, c.at, c.board, c.channel, c.cookie, ev.DoneReason(c.a), c.b, -c.c, c.d, c.board_at
    ),
    lib.CTB_EV_TONE_DONE: lambda c: ev.ToneDone(
        c.seq, c.at, c.board, c.channel, c.cookie, ev.DoneReason(c.a)
    ),
    lib.CTB_EV_RECORD_DATA: _media(ev.RecordData),
    lib.CTB_EV_MEDIA_OVERRUN: _media(ev.MediaOverrun),
    lib.CTB_EV_MEDIA_UNDERRUN: _media(ev.MediaUnderrun),
    lib.CTB_EV_RECORD_ERROR: lambda c: ev.RecordError(
        c.seq, c.at, c.board, c.channel, c.cookie, -c.a
    ),
    lib.CTB_EV_ALARM_RAISED: _alarm(ev.AlarmRaised),
    lib.CTB_EV_ALARM_CLEARED: _alarm(ev.AlarmCleared),
    lib.CTB_EV_COMMAND_FAILED: lambda c: ev.CommandFailed(
        c.seq, c.at, c.board, number(c.channel), c.cookie, -c.a, c.b
    ),
    lib.CTB_EV_BOARD_LOST: lambda c: ev.BoardLost(c.seq, c.at, c.board, -1, -c.a),
    lib.CTB_EV_BOARD_BACK: _plain(ev.BoardBack),
    lib.CTB_EV_OVERRUN: lambda c: ev.Overrun(c.seq, c.at, number(c.board), -1, c.a),
    lib.CTB_EV_SLIP: lambda c: ev.Slip(c.seq, c.at, c.board, -1, c.a, "tx" if c.b else "rx"),
    lib.CTB_EV_LATE: lambda c: ev.Late(c.seq, c.at, number(c.board), -1, c.a),
    lib.CTB_EV_STREET: lambda c: ev.StreetReport(
        c.seq, c.at, c.board, c.channel, c.a, c.b, c.c, c.d, c.cookie, _text(c)
    ),
}

ENDS = frozenset({lib.CTB_EV_PLAY_DONE, lib.CTB_EV_RECORD_DONE, lib.CTB_EV_TONE_DONE})


class Engine:
    """The C engine.  ``wall``: frames come from a timer; else from `run` (virtual time)."""

    def __init__(self, *, wall: bool, start: datetime, lead_frames: int = 3) -> None:
        out = ffi.new("ctb_engine_t **")
        check(lib.ctb_engine_new(out, wall, lead_frames), "engine", "start")
        self._engine = out[0]
        self._buffer = ffi.new("ctb_event_t[]", POLL)
        self._args = ffi.new("ctb_args_t *")
        self._tone_names: dict[int, dict[int, str]] = {}
        self._cookie = 0
        self._trace: Any = None
        self.wall = wall
        self.clock = Clock(self, start)

    @property
    def pointer(self) -> Any:
        """The C object, for media objects that belong to it."""
        return self._engine

    def close(self) -> None:
        """Ends the frame thread and closes what is open.  Idempotent."""
        if self._engine is not None:
            lib.ctb_engine_free(self._engine)
            self._engine = None

    @property
    def frames(self) -> int:
        return int(lib.ctb_engine_frames(self._engine))

    # ---- boards ----------------------------------------------------------------

    def open_board(self, library: str, spec: str) -> int:
        """Loads a driver library and opens a board; BoardNotFoundError or DriverError.

        The loop stands still meanwhile: loading the library and the driver's own ``open`` run in
        the caller's thread.  Open boards before calls are served; those that are open already
        keep their frames, which have a thread of their own on a wall clock.
        """
        board, err = ffi.new("uint32_t *"), ffi.new("char[]", 512)
        rc = lib.ctb_engine_board_open(
            self._engine, library.encode(), spec.encode(), board, err, 512
        )
        if rc < 0:
            text = bytes(ffi.string(err)).decode("utf-8", "replace")
            kind = BoardNotFoundError if -rc == ENOENT else DriverError
            raise kind(text, code=rc, driver=library)
        return int(board[0])

    def close_board(self, board: int) -> None:
        check(lib.ctb_engine_board_close(self._engine, board), "engine", "close board")

    def board_info(self, board: int) -> Any:
        info = ffi.new("ctb_board_info_t *")
        check(lib.ctb_engine_board_info(self._engine, board, info), "engine", "describe")
        return info

    def span_info(self, board: int, span: int) -> Any:
        info = ffi.new("ctb_span_info_t *")
        check(lib.ctb_engine_span_info(self._engine, board, span, info), "driver", "describe span")
        return info

    def channel_info(self, board: int, channel: int) -> Any:
        info = ffi.new("ctb_channel_info_t *")
        check(
            lib.ctb_engine_channel_info(self._engine, board, channel, info),
            "driver",
            "describe channel",
        )
        return info

    def alarms(self, board: int, span: int) -> ev.Alarm:
        out = ffi.new("uint32_t *")
        check(lib.ctb_engine_alarms(self._engine, board, span, out), "driver", "alarms")
        return ev.Alarm(out[0])

    def driver_name(self, board: int) -> str:
        name = lib.ctb_engine_driver_name(self._engine, board)
        return bytes(ffi.string(name)).decode()

    def name_tones(self, board: int, names: dict[int, str]) -> None:
        """What the ids of the board's tone plan are called in events."""
        self._tone_names[board] = names

    # ---- commands and events -----------------------------------------------------

    def next_cookie(self) -> int:
        self._cookie += 1
        return self._cookie

    def post(
        self,
        board: int,
        channel: int,
        op: int,
        *,
        a: int = 0,
        b: int = 0,
        c: int = 0,
        d: int = 0,
        e: int = 0,
        f: int = 0,
        cookie: int = 0,
        data: Any = None,
        size: int = 0,
        text: str = "",
    ) -> None:
        """A command for the next frame boundary.  ValueError: text too long."""
        args, raw = self._args, text.encode()
        if len(raw) > 63:
            raise ValueError(f"a command's text is at most 63 bytes: {text!r}")
        args.a, args.b, args.c, args.d, args.e, args.f = a, b, c, d, e, f
        args.cookie, args.size = cookie, size
        args.data = ffi.NULL if data is None else ffi.cast("void *", data)
        ffi.memmove(args.text, raw + b"\0", len(raw) + 1)
        check(
            lib.ctb_engine_post(self._engine, board, channel & NOWHERE, op, args), "engine", "post"
        )

    def poll(self) -> list[ev.Event]:
        """All events that wait, in order."""
        found: list[ev.Event] = []
        while count := lib.ctb_engine_poll(self._engine, self._buffer, POLL):
            if self._trace is not None:
                self._trace.update(ffi.buffer(self._buffer, count * ffi.sizeof("ctb_event_t")))
            found.extend(self._decode(self._buffer[i]) for i in range(count))
            if count < POLL:
                break
        return found

    def _decode(self, c: Any) -> ev.Event:
        """One event; what cannot be understood becomes a DriverFault, and the rest goes on."""
        try:
            return DECODE.get(c.kind, self._tone)(c)
        except Exception as error:  # values of a driver may be anything
            text = f"event of kind {c.kind} with a={c.a} b={c.b} c={c.c} d={c.d}: {error}"
            cookie = c.cookie if c.kind in ENDS else 0
            return ev.DriverFault(c.seq, c.at, number(c.board), number(c.channel), text, cookie)

    def _tone(self, c: Any) -> ev.Event:
        name = self._tone_names.get(c.board, {}).get(c.a, str(c.a))
        if c.kind == lib.CTB_EV_TONE_ON:
            return ev.ToneOn(c.seq, c.at, c.board, c.channel, name, c.b / 100)
        if c.kind == lib.CTB_EV_TONE_OFF:
            return ev.ToneOff(c.seq, c.at, c.board, c.channel, name)
        raise ValueError("no such kind")

    def trace(self) -> None:
        """From now on every event and every sample counts in `trace_hash`."""
        self._trace = hashlib.blake2b(digest_size=16)
        lib.ctb_engine_hash_media(self._engine, 1)

    def trace_hash(self) -> str:
        """Hex of all events and all media since `trace`."""
        if self._trace is None:
            raise ValueError("trace() was not called")
        return f"{self._trace.hexdigest()}-{self.stats()['media_hash']:016x}"

    def stats(self) -> dict[str, int]:
        out = ffi.new("ctb_engine_stats_t *")
        lib.ctb_engine_stats(self._engine, out)
        return {
            name: int(getattr(out, name)) for name, _ in ffi.typeof("ctb_engine_stats_t").fields
        }

    # ---- time ----------------------------------------------------------------------

    def run(self, max_frames: int, *, jump: bool) -> int:
        """Virtual time: frames until an event is posted or the limit; how many went by."""
        return int(lib.ctb_engine_run(self._engine, max_frames, jump))

    def quiet(self) -> bool:
        """Virtual time: nothing plays or records and no card will report by itself."""
        return bool(lib.ctb_engine_quiet(self._engine))

    def start(self) -> None:
        check(lib.ctb_engine_start(self._engine), "engine", "start the frame thread")

    def stop(self) -> None:
        lib.ctb_engine_stop(self._engine)

    def eventfd(self) -> int:
        return int(lib.ctb_engine_eventfd(self._engine))

    def set_deadline(self, frame: int) -> None:
        lib.ctb_engine_set_deadline(self._engine, frame)

    def stall_io(self, frames: int) -> None:
        """Fault: the disk stands still for so many frames."""
        lib.ctb_engine_stall_io(self._engine, frames)
