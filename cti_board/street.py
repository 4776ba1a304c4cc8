"""Room: the far ends of a board that has a street: telephones, the exchange, faults.
A real card has none (``board.street`` is None).  Must not know channels' commands or calls.
"""

import asyncio
import os
import re
from collections.abc import Generator
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from cti_board import events as ev
from cti_board._native._media import ffi, lib
from cti_board.audio import decode_alaw
from cti_board.errors import CtiTimeoutError, DriverError
from cti_board.pump import EventStream
from cti_board.tones import NAMES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cti_board.board import Board

TONES = dict(enumerate(("none", *NAMES)))  # enum ctb_street_tone
CLEAR_BUSY, CLEAR_REVERSAL, CLEAR_BREAK = 1, 2, 4


class FarEndReport(IntEnum):
    """What a `StreetReport` tells (its ``what``); ``b`` is in brackets."""

    RING_BEGIN = 1
    RING_END = 2
    RING_STOPPED = 3
    TONE = 4  # [number of the tone now heard, see TONES; 0 none]
    SPEECH_BEGIN = 5
    SPEECH_END = 6  # [length, ms]
    DIGIT = 7  # [ASCII]
    DIAL_DONE = 8
    PLAY_DONE = 9  # [1 cut short]
    HEAR_DONE = 10  # [samples]
    CALLER_ID = 11  # the text
    ANSWERED = 12  # the exchange: the call that this end dialled was answered
    CLEARED = 13  # the exchange: the other party left
    INFO = 14


class Ear:
    """What a far end hears, while it hears it: A-law bytes, 8000 a second."""

    def __init__(self, phone: "Telephone", seconds: float) -> None:
        self._phone = phone
        self._buffer = ffi.new("uint8_t[]", max(160, round(seconds * 8000)))
        self.began_at = phone.street.board.loop.clock.now_samples
        self._stopping = False
        self._done = phone.begin(
            lib.CTB_ST_HEAR_START, keep=self._buffer, data=self._buffer, size=len(self._buffer)
        )

    async def stop(self) -> bytes:
        """End and return what was heard.  BoardError: the board was closed meanwhile."""
        if not self._stopping and not self._done.done():
            self._phone.command(lib.CTB_ST_HEAR_STOP)
            self._stopping = True
        report = _report(self._phone, await asyncio.shield(self._done))
        return bytes(ffi.buffer(self._buffer, report.b))

    async def linear(self) -> "npt.NDArray[np.int16]":
        """`stop`, as 16-bit linear samples."""
        return decode_alaw(await self.stop())


class Mouth:
    """A sound that a far end speaks.  ``await mouth`` waits for its end; who is cancelled while
    waiting leaves it speaking.  ``ended`` is done when it has ended; do not cancel it."""

    def __init__(self, phone: "Telephone", sound: bytes, times: int) -> None:
        self._phone = phone
        self._stopping = False
        data = ffi.from_buffer("uint8_t[]", sound)
        self.ended = phone.begin(lib.CTB_ST_PLAY, keep=data, b=times, data=data, size=len(sound))

    def __await__(self) -> Generator[Any, None, ev.StreetReport]:
        return self._end().__await__()

    async def _end(self) -> ev.StreetReport:
        return _report(self._phone, await asyncio.shield(self.ended))

    def stop(self) -> None:
        """No effect when it has ended or is being stopped."""
        if not self._stopping and not self.ended.done():
            self._phone.command(lib.CTB_ST_PLAY_STOP)
            self._stopping = True


def _report(phone: "Telephone", event: ev.Event) -> ev.StreetReport:
    """What ended a far end's work; DriverError when the card refused it."""
    if isinstance(event, ev.StreetReport):
        return event
    error = event.error if isinstance(event, ev.CommandFailed) else 0
    raise DriverError(f"far end {phone.end}: {os.strerror(error)}", code=-error)


class Telephone:
    """A far end: ``end`` is its number; end i is plugged into FXS port i while i < fxs."""

    def __init__(self, street: "Street", end: int, number: str) -> None:
        self.street, self.end, self.number = street, end, number
        self._watching = 0

    def command(
        self,
        what: int,
        *,
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
        board = self.street.board
        board.loop.engine.post(
            board.place,
            self.end,
            lib.CTB_OP_STREET,
            a=what,
            b=b,
            c=c,
            d=d,
            e=e,
            f=f,
            cookie=cookie,
            data=data,
            size=size,
            text=text,
        )

    def begin(self, what: int, *, keep: object = None, **args: Any) -> "asyncio.Future[Any]":
        """A command whose end is reported: the future of that report (or CommandFailed).

        ``keep`` stays alive until then or until the board is closed, whoever waits or not.
        """
        board = self.street.board
        cookie = board.loop.engine.next_cookie()
        done = board.loop.pump.completion(cookie, board.place, keep)
        try:
            self.command(what, cookie=cookie, **args)
        except BaseException:
            board.loop.pump.forget(cookie)
            raise
        return done

    def events(self) -> EventStream:
        """Reports of this far end from now on."""
        board = self.street.board
        return board.loop.pump.subscribe(("street", board.place, self.end))

    def off_hook(self) -> None:
        self.command(lib.CTB_ST_OFF_HOOK)

    answer = off_hook

    def on_hook(self) -> None:
        self.command(lib.CTB_ST_ON_HOOK)

    hang_up = on_hook

    def flash(self, length_ms: int = 100) -> None:
        self.command(lib.CTB_ST_FLASH, b=length_ms)

    async def keys(
        self,
        digits: str,
        *,
        on_ms: int = 70,
        off_ms: int = 70,
        pulse: bool = False,
        level_dbm0: float = -8.0,
        twist_db: float = 2.0,
    ) -> None:
        """Press keys (``,`` waits 500 ms); returns when the last is let go.

        DriverError: the card refuses; BoardError: the board was closed meanwhile.
        """
        for start in range(0, len(digits), 60):
            done = self.begin(
                lib.CTB_ST_DIAL,
                b=on_ms,
                c=off_ms,
                d=round(level_dbm0 * 100),
                e=round(twist_db * 100),
                f=int(pulse),
                text=digits[start : start + 60],
            )
            _report(self, await done)

    dial = keys

    async def call(self, number: str, *, keys: str = "") -> None:
        """Off-hook, dial, wait for the answer, press keys, stay until the other side clears."""
        reports = self.events()
        try:
            self.off_hook()
            await self.wait_tone("dial")
            await self.dial(number)
            await self.wait(lib.CTB_SE_ANSWERED, stream=reports)
            if keys:
                await self.keys(keys)
            await self.wait(lib.CTB_SE_CLEARED, stream=reports, timeout_s=3600)
        finally:
            reports.close()
            if self.street.board.number >= 0:
                self.on_hook()

    def play(self, sound: bytes, *, times: int = 1) -> Mouth:
        """Speak A-law bytes; ``times`` 0 = for ever; replaces what is spoken."""
        return Mouth(self, sound, times)

    def hear(self, seconds: float) -> Ear:
        """Listen for at most ``seconds``; stop the ear for what it heard."""
        return Ear(self, seconds)

    def watch(self, *, tones: bool = False, speech: bool = False, digits: bool = False) -> None:
        """Report tones, speech, digits from now on (nothing: stop reporting)."""
        self.command(lib.CTB_ST_WATCH, b=tones | speech << 1 | digits << 2)

    def impair(
        self,
        *,
        loss_db: float = 0.0,
        noise_dbm0: float = 0.0,
        echo_db: float = 0.0,
        echo_delay: int = 0,
        twist_db: float = 0.0,
    ) -> None:
        """This end's line, both ways; ``noise_dbm0`` 0 = none, ``echo_db`` 0 = no echo;
        ``echo_delay`` in samples."""
        self.command(
            lib.CTB_ST_IMPAIR,
            b=round(loss_db * 100),
            c=round(noise_dbm0 * 100),
            d=round(echo_db * 100),
            e=echo_delay,
            f=round(twist_db * 100),
        )

    def stick_key(self, digit: str, on: bool) -> None:
        """Fault: a key that stays down."""
        self.command(lib.CTB_ST_FAULT, b=lib.CTB_SF_STUCK_KEY, d=int(on), text=digit)

    async def wait(
        self,
        what: int,
        *,
        b: int | None = None,
        timeout_s: float = 60.0,
        stream: EventStream | None = None,
    ) -> ev.StreetReport:
        """The next report of this kind (and value); CtiTimeoutError after ``timeout_s``."""
        own = stream or self.events()
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    event = await own.get()
                    if (
                        isinstance(event, ev.StreetReport)
                        and event.what == what
                        and b in (None, event.b)
                    ):
                        return event
        except TimeoutError:
            raise CtiTimeoutError(
                f"far end {self.end} reported nothing of kind {what} for {timeout_s} s"
            ) from None
        finally:
            if stream is None:
                own.close()

    async def wait_ring(self, timeout_s: float = 60.0) -> None:
        """The next ringing burst begins."""
        await self.wait(lib.CTB_SE_RING_BEGIN, timeout_s=timeout_s)

    async def wait_tone(self, name: str, timeout_s: float = 30.0) -> None:
        """A call-progress tone is recognised (dial, ringback, busy ...)."""
        number = next(n for n, t in TONES.items() if t == name)
        self.watch(tones=True, speech=True)
        await self.wait(lib.CTB_SE_TONE, b=number, timeout_s=timeout_s)

    async def wait_answer(self, timeout_s: float = 60.0) -> None:
        """The exchange says that the call this end dialled was answered."""
        await self.wait(lib.CTB_SE_ANSWERED, timeout_s=timeout_s)


class Street:
    """All far ends of one board, and faults by command."""

    PILOT = "66008000"  # hunts a free FXO line; see firmware_sim/README.md

    def __init__(self, board: "Board") -> None:
        self.board = board
        fxs = sum(1 for c in board.channels if c.name.startswith("fxs"))
        self._fxs = fxs
        said = re.search(r"\bphones=(\d+)", board.url)  # also behind another driver: spy:sim:...
        outside = int(said[1]) if said else 60
        self.telephones = [Telephone(self, i, "") for i in range(fxs)]
        self.subscribers = [Telephone(self, fxs + i, str(88000000 + i)) for i in range(outside)]

    def _fault(self, b: int, c: int, d: int) -> None:
        self.board.loop.engine.post(
            self.board.place, 0, lib.CTB_OP_STREET, a=lib.CTB_ST_FAULT, b=b, c=c, d=d
        )

    def cut_line(self, channel: int, cut: bool = True) -> None:
        self._fault(lib.CTB_SF_LINE_CUT, channel, int(cut))

    def set_alarm(self, span: int, alarm: ev.Alarm) -> None:
        """The span's alarms are now exactly these (0 clears)."""
        self._fault(lib.CTB_SF_ALARM, span, int(alarm))

    def miss_rings(self, channel: int, bursts: int) -> None:
        self._fault(lib.CTB_SF_MISSED_RING, channel, bursts)

    def stop_clock(self, frames: int) -> None:
        self._fault(lib.CTB_SF_STOP_CLOCK, 0, frames)

    def no_dial_tone(self, channel: int, on: bool = True) -> None:
        self._fault(lib.CTB_SF_NO_DIAL_TONE, channel, int(on))

    def congest(self, on: bool = True) -> None:
        self._fault(lib.CTB_SF_CONGESTION, 0, int(on))

    def no_seize_ack(self, span: int, on: bool = True) -> None:
        self._fault(lib.CTB_SF_NO_SEIZE_ACK, span, int(on))

    def option(self, what: int, value: int, channel: int = -1) -> None:
        """CTB_SO_* of ctb_street.h for one FXO port or all (-1)."""
        self.board.loop.engine.post(
            self.board.place, 0, lib.CTB_OP_STREET, a=lib.CTB_ST_OPTION, b=what, c=channel, d=value
        )
