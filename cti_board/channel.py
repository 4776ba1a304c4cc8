"""Room: one line appearance: FXO/FXS port or E1 timeslot, its commands and its event stream.
Must not know what a call is, nor which signalling runs on it.

Commands take effect at the next frame boundary.  What the board does not declare raises
NotSupportedError.  Satisfies `cti_board.signalling.port.LinePort`.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cti_board import events as ev
from cti_board._native._media import ffi, lib
from cti_board.capability import Capabilities
from cti_board.dsp.progress import c_tone
from cti_board.errors import BoardError, MediaError, NotSupportedError
from cti_board.hearing import Hearing
from cti_board.media import DigitCollector, Digits, HashLike, Player, Recorder, Source
from cti_board.pump import EventStream
from cti_board.signalling.port import LineType
from cti_board.tones import BEEP, Tone

if TYPE_CHECKING:
    from cti_board.board import Board, Span

CALLER_ID = {"none": 0, "fsk": 1, "dtmf": 2}
DIGITS = frozenset("0123456789*#ABCD,")
PULSES = frozenset("0123456789,")


def tone_struct(tone: Tone, number: int, cycles: int = 0) -> object:
    """A Tone as the C struct ctb_tone_t; ``cycles`` 0 is for ever.  ValueError: it has more
    bursts or frequencies than the struct."""
    return ffi.new("ctb_tone_t *", {**c_tone(tone, number), "cycles": cycles})


class Channel(Hearing):
    """One line.  Made by the board; ``number`` counts from 0 on its board."""

    def __init__(self, board: "Board", number: int) -> None:
        info = board.loop.engine.channel_info(board.number, number)
        self.board, self.number = board, number
        self.line_type = LineType(info.type)
        self.timeslot = int(info.timeslot)
        self.span_number = int(info.span)
        self.capabilities = Capabilities(info.capabilities)
        self.conference = -1  # number of the one that it joined, see switch.py
        Hearing.__init__(self)
        self._digits: EventStream | None = None

    def __repr__(self) -> str:
        return f"<Channel {self.name}>"

    @property
    def name(self) -> str:
        """``fxo0``, ``fxs3``, ``e1/0:17`` (span and timeslot)."""
        if self.line_type is LineType.FXO:
            return f"fxo{self.timeslot}"
        if self.line_type is LineType.FXS:
            return f"fxs{self.timeslot}"
        return f"e1/{self.span.name}:{self.timeslot}"

    @property
    def span(self) -> "Span":
        return self.board.spans[self.span_number]

    @property
    def now_samples(self) -> int:
        """The engine's sample number, on a frame boundary."""
        return self.board.loop.clock.now_samples

    def wall(self) -> datetime:
        """The time of day of this moment, with its zone."""
        return self.board.loop.clock.wall()

    @property
    def alarms(self) -> ev.Alarm:
        """Alarms of the span now.  NotSupportedError: the card does not tell."""
        return self.span.alarms

    # ---- events ------------------------------------------------------------------
    # Every command raises BoardError when the board is not open.

    def events(self, *kinds: type[ev.Event]) -> EventStream:
        """A new stream of this channel's events (of ``kinds``; all when none is named),
        with its span's alarms and its board's loss among them.  Close it when done."""
        key = ("channel", self.board.place, self.number)
        return self.board.loop.pump.subscribe(key, kinds=kinds)

    # ---- the line ------------------------------------------------------------------

    def set_hook(self, off_hook: bool) -> None:
        """FXO: take (True) or leave the loop."""
        self._only(LineType.FXO, "set_hook")
        self._post(lib.CTB_OP_HOOK, a=int(off_hook))

    def ring(self, on_ms: int, off_ms: int, *, ani: str = "", caller_id: str = "none") -> None:
        """FXS: ring with this cadence (ms) until `ring_stop`; caller_id none, fsk or dtmf."""
        self._only(LineType.FXS, "ring")
        self._need("RING")
        if on_ms <= 0 or off_ms <= 0:
            raise ValueError(f"ringing needs on and off times above 0 ms: {on_ms}, {off_ms}")
        if caller_id not in CALLER_ID:
            raise ValueError(f"caller_id is none, fsk or dtmf, not {caller_id!r}")
        if not self.capabilities & Capabilities.BOARD_CALLER_ID:
            ani, caller_id = "", "none"  # a card that did not say so must not send it
        self._post(lib.CTB_OP_RING, a=on_ms, b=off_ms, c=CALLER_ID[caller_id], text=ani[:32])

    def ring_stop(self) -> None:
        self._only(LineType.FXS, "ring_stop")
        self._post(lib.CTB_OP_RING)

    def flash(self, length_ms: int = 100) -> None:
        """FXO: open the loop for ``length_ms``."""
        self._need("FLASH")
        self._post(lib.CTB_OP_FLASH, a=_positive("length_ms", length_ms))

    def wink(self, length_ms: int = 200) -> None:
        self._need("WINK")
        self._post(lib.CTB_OP_WINK, a=_positive("length_ms", length_ms))

    def reverse_polarity(self, reversed_: bool) -> None:
        """FXS: the feed's polarity."""
        self._only(LineType.FXS, "reverse_polarity")
        self._need("POLARITY")
        self._post(lib.CTB_OP_POLARITY, a=int(reversed_))

    def loop_break(self, length_ms: int = 400) -> None:
        """FXS: take the feed away for ``length_ms`` (disconnect signal)."""
        self._only(LineType.FXS, "loop_break")
        self._need("LOOP_BREAK")
        self._post(lib.CTB_OP_LOOP_BREAK, a=_positive("length_ms", length_ms))

    def set_cas(self, bits: int) -> None:
        """E1: signalling bits to send, A=8 B=4 C=2 D=1."""
        self._only(LineType.E1_CAS, "set_cas")
        self._need("CAS")
        if not 0 <= bits <= 15:
            raise ValueError(f"CAS bits are 0 to 15: {bits}")
        self._post(lib.CTB_OP_CAS, a=bits)

    def set_gain(self, rx_db: float, tx_db: float) -> None:
        self._need("GAIN")
        self._post(lib.CTB_OP_GAIN, a=round(rx_db * 100), b=round(tx_db * 100))

    def resync(self) -> None:
        """Report the line's levels once more (OnHook or OffHook, BatteryChange, CasChange ...)."""
        self._post(lib.CTB_OP_RESYNC)

    # ---- tones and digits ------------------------------------------------------------

    def send_digits(
        self,
        digits: str,
        *,
        on_ms: int = 70,
        off_ms: int = 70,
        pulse: bool = False,
        level_dbm0: float = -8.0,
        twist_db: float = 2.0,
    ) -> int:
        """Start sending; returns the cookie that comes back in ToneDone.

        DTMF (ITU-T Q.23; level of the low tone, twist = high over low) or pulses at 10/s.
        ',' is a pause of 500 ms.  ValueError names a character that cannot be sent.
        """
        digits = digits.upper()
        allowed = PULSES if pulse else DIGITS
        for place, digit in enumerate(digits):
            if digit not in allowed:
                raise ValueError(f"character {place + 1} of {digits!r} cannot be sent: {digit!r}")
        if not 0 < len(digits) <= 60:
            raise ValueError(f"1 to 60 digits at a time, not {len(digits)}")
        cookie = self.board.loop.engine.next_cookie()
        if pulse:
            self._need("PULSE_DIAL")
            self._post(lib.CTB_OP_PULSE_DIAL, a=100, b=61, text=digits, cookie=cookie)
        else:
            self._post(
                lib.CTB_EOP_DIAL,
                a=_positive("on_ms", on_ms),
                b=_positive("off_ms", off_ms),
                c=round(level_dbm0 * 100),
                d=round(twist_db * 100),
                text=digits,
                cookie=cookie,
            )
        return cookie

    def send_tone(self, tone: str | Tone, *, cycles: int = 0) -> int:
        """A tone of the board's plan by name, or any Tone; ``cycles`` 0 = until stopped."""
        what = self.board.tone_plan.tone(tone) if isinstance(tone, str) else tone
        cookie = self.board.loop.engine.next_cookie()
        self._post(lib.CTB_EOP_TONE, data=tone_struct(what, 0, cycles), cookie=cookie)
        return cookie

    async def beep(self) -> None:
        """One short tone (300 ms, 1000 Hz): recording begins.  MediaError: it cannot be sent."""
        done = self.board.loop.pump.completion(self.send_tone(BEEP, cycles=1), self.board.place)
        event = await done
        if isinstance(event, ev.CommandFailed):
            raise MediaError(f"{self.name}: no beep: {os.strerror(event.error)}")
        if isinstance(event, ev.ToneDone) and event.reason is ev.DoneReason.CLOSED:
            raise BoardError(f"{self.board.url} is not open")

    def stop_tone(self) -> None:
        self._post(lib.CTB_EOP_TONE_STOP)

    # ---- media -----------------------------------------------------------------------

    def play(
        self,
        *sources: Source,
        stop_on_digit: bool = False,
        offset_s: float = 0.0,
        loops: int = 1,
        gain_db: float = 0.0,
    ) -> Player:
        """Play sounds one after another without a gap; ``await`` the player for its end.

        Sources: A-law bytes, Sound, or a file (A-law, mu-law or PCM16 at 8000 Hz).  ``loops`` 0
        repeats for ever; gain -60 to +20 dB.  FileFormatError, OSError at once.
        """
        if not sources:
            raise ValueError("nothing to play")
        if offset_s < 0 or loops < 0 or not -60 <= gain_db <= 20:
            raise ValueError("offset_s and loops are not negative, gain_db is -60 to 20")
        return Player(
            self.board.loop,
            self.board.place,
            self.number,
            sources,
            stop_on_digit=stop_on_digit,
            offset_s=offset_s,
            loops=loops,
            gain_db=gain_db,
        )

    def record(
        self,
        path: Path | str | None = None,
        *,
        sink: HashLike | None = None,
        stereo: bool = False,
        max_s: float = 0.0,
        silence_s: float = 0.0,
        ring_s: float = 4.0,
        overwrite: bool = False,
    ) -> Recorder:
        """Record the line (left when stereo; our side right) to an A-law WAV file, or to a sink.

        ``max_s`` and ``silence_s`` (silence of the line) end it by themselves, 0 = never.
        MediaError if the file cannot be made, or is there already (unless ``overwrite``); a disk
        that fills later ends the file, not the call.  A sink that raises ends the recording:
        awaiting it gives MediaError.
        """
        return Recorder(
            self.board.loop,
            self.board.place,
            self.number,
            path=None if path is None else Path(path),
            sink=sink,
            stereo=stereo,
            max_s=max_s,
            silence_s=silence_s,
            ring_s=max(ring_s, 2.0) if path is not None else 8.0,
            overwrite=overwrite,
        )

    def open_digits(self) -> None:
        """From now on digits are heard and kept (typing ahead counts)."""
        if self._digits is None:
            digits = self.events(ev.DtmfBegin, ev.DtmfEnd, ev.PulseDigit)
            try:
                self.arm(dtmf=True)
            except BaseException:
                digits.close()
                raise
            self._digits = digits

    def close_digits(self) -> None:
        """Hear no more digits; a closed board hears none anyway."""
        if self._digits is not None:
            self._digits.close()
            self._digits = None
            if self.board.number >= 0:
                self.arm(dtmf=False)

    def flush_digits(self) -> None:
        """Forget digits keyed so far."""
        if self._digits is not None:
            self._digits.clear()

    async def collect(
        self,
        *prompt: Source,
        max_digits: int,
        termchars: str = "#",
        first_timeout_s: float = 5.0,
        interdigit_timeout_s: float = 3.0,
        bargein: bool = True,
    ) -> Digits:
        """Play a prompt (or none) and collect digits.

        With ``bargein`` the first key stops the prompt and counts; without it keys during the
        prompt are forgotten.  Reasons: max, term, noinput, timeout.
        """
        fresh = self._digits is None
        self.open_digits()
        assert self._digits is not None
        player = None
        try:
            collector = DigitCollector(
                self._digits,
                max_digits=max_digits,
                termchars=termchars,
                first_timeout_s=first_timeout_s,
                interdigit_timeout_s=interdigit_timeout_s,
            )
            if prompt and not (bargein and self._typed_ahead()):
                player = self.play(*prompt, stop_on_digit=bargein)
                if not bargein:
                    await player
                    self.flush_digits()
            return await collector.run(player if player and not player.done else None)
        finally:
            if player is not None:
                player.stop()
            if fresh:
                self.close_digits()

    def _typed_ahead(self) -> bool:
        assert self._digits is not None
        while (event := self._digits.get_nowait()) is not None:
            if not isinstance(event, ev.DtmfEnd):
                self._digits.push_back(event)
                return True
        return False

    # ---- plumbing ----------------------------------------------------------------------

    def _post(self, op: int, **args: object) -> None:
        self.board.loop.engine.post(self.board.place, self.number, op, **args)  # type: ignore[arg-type]

    def _only(self, wanted: LineType, command: str) -> None:
        if self.line_type is not wanted:
            raise NotSupportedError(
                f"{command} is for {wanted.name} channels, {self.name} is {self.line_type.name}"
            )

    def _need(self, capability: str) -> None:
        if not self.capabilities & Capabilities[capability]:
            raise NotSupportedError(f"{self.name}: the board does not declare {capability}")


def _positive(name: str, value: int) -> int:
    if value <= 0:
        raise ValueError(f"{name} is above 0: {value}")
    return value
