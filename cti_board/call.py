"""Room: conversations, and groups of lines that bring and place them.  Must not know bits, tones or
hook states (signalling), nor what a call is for (the application).

A `Call` goes offered -> accepted -> connected -> cleared when it comes to us, and seizing ->
proceeding -> alerting -> connected -> cleared when we place it.  Once cleared it stays so; the
channel carries the next call.  ``async with call:`` ends the block's work when the far end clears.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from types import TracebackType
from typing import Literal

from cti_board import events as ev
from cti_board.channel import DIGITS, PULSES, Channel
from cti_board.errors import (
    CallCleared,
    CtiTimeoutError,
    InvalidStateError,
    NotSupportedError,
    SeizeError,
)
from cti_board.signalling.cause import Cause
from cti_board.signalling.line import (
    Answered,
    AnyLine,
    CasLine,
    LineOptions,
    Report,
    SeizeFailed,
    make_line,
)
from cti_board.signalling.port import LineType

__all__ = ["Call", "CallState", "LineOptions", "LineRow", "TrunkGroup"]

SEIZE_ATTEMPTS = 2  # ITU-T Q.422: after double seizure once more, on another circuit
MAX_NUMBER = 60  # as `Channel.send_digits`



class CallState(Enum):
    SEIZING = "seizing"
    PROCEEDING = "proceeding"
    ALERTING = "alerting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    CONNECTED = "connected"
    CLEARED = "cleared"


@dataclass(slots=True, eq=False)
class _Scope:
    """An ``async with call`` block that runs."""

    task: "asyncio.Task[object]"
    cancelling: int
    fired: bool = False


class Call:
    """One conversation.  ``direction`` is "in" or "out"; ``*_at`` are sample numbers, -1 = not yet.

    ``answered_by`` says how the answer is known: "us", "off-hook", "line bits", "polarity
    reversal", or a guess of a line that has no answer signal: "end of ringback", "sound without a
    tone".  ``ani_source`` (FSK, DTMF), ``ani_name`` and ``ani_absence`` (O out of area, P private)
    come from caller ID on analog lines.  ``cause`` (ITU-T Q.850) is 0 until the call is cleared;
    ``by_far_end`` says who cleared.
    """

    def __init__(
        self, line: AnyLine, channel: Channel, number: int, direction: Literal["in", "out"],
        *, ani: str, dnis: str, category: str = "", at: int = -1,
        ani_source: str = "", ani_name: str = "", ani_absence: str = "",
    ) -> None:  # fmt: skip
        self.channel = channel
        self.direction = direction
        self.ani, self.dnis, self.category = ani, dnis, category
        self.ani_source, self.ani_name, self.ani_absence = ani_source, ani_name, ani_absence
        self.state = CallState.OFFERED if direction == "in" else CallState.SEIZING
        self.cause = 0
        self.by_far_end = False
        self.answered_by = ""
        self.began_at, self.answered_at, self.cleared_at = at, -1, -1
        self._line, self._number = line, number
        self._settled, self._over = asyncio.Event(), asyncio.Event()
        self._scopes: list[_Scope] = []
        self._refused = ""  # why the line could not be seized

    def __repr__(self) -> str:
        return f"<Call {self.direction} {self.channel.name} {self.state.value}>"

    # ---- commands -----------------------------------------------------------------------

    def accept(self) -> None:
        """An offered call will be answered: where the line can, the caller hears ringback."""
        if self._mine():
            self._line.accept()
            self.state = CallState.ACCEPTED

    async def answer(self) -> None:
        """Answer an offered call; on return it is connected.  CallCleared: the caller had gone."""
        if self._mine():
            self._line.answer()
        await self._settled.wait()
        if self.state is CallState.CLEARED:
            raise CallCleared(self.cause)

    def reject(self, cause: int = Cause.CALL_REJECTED) -> None:
        """Refuse an offered call.  An analog trunk can only let it ring.  Idempotent.

        InvalidStateError: it was answered, or it is ours.
        """
        if self.state is CallState.CLEARED:
            return
        if self.state not in (CallState.OFFERED, CallState.ACCEPTED):
            raise InvalidStateError(self.state, "reject")
        if self._mine():
            self._line.reject(cause)
            self._clear(cause, self.channel.now_samples, by_far_end=False)

    def hang_up(self, cause: int = Cause.NORMAL_CLEARING) -> None:
        """End our side, in any state.  Idempotent; never raises."""
        if self._mine():
            self._line.refusal = cause
            self._line.hang_up()
            self._clear(cause, self.channel.now_samples, by_far_end=False)

    async def wait_cleared(self) -> int:
        """Wait for the end, whoever brings it; returns the cause."""
        await self._over.wait()
        return self.cause

    def _mine(self) -> bool:
        """The line is still busy with this call."""
        return (
            self.state is not CallState.CLEARED
            and self._line.call == self._number
            and not self._line.over
        )

    # ---- async with ---------------------------------------------------------------------

    async def __aenter__(self) -> "Call":
        """The block ends with CallCleared when the far end clears, and is left on-hook."""
        if self.state is CallState.CLEARED:
            raise CallCleared(self.cause)
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("async with call: needs a task")
        self._scopes.append(_Scope(task, task.cancelling()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        task = asyncio.current_task()
        scope = next(s for s in reversed(self._scopes) if s.task is task)
        self._scopes.remove(scope)
        if not self._scopes:
            self.hang_up()
        if scope.fired:
            # as asyncio.timeout does: ours, unless someone else cancels the task as well
            left = scope.task.uncancel()
            if left <= scope.cancelling and kind is asyncio.CancelledError:
                raise CallCleared(self.cause) from error

    # ---- what the line reports ------------------------------------------------------------

    def _take(self, event: ev.CallEvent) -> None:
        if self.state is CallState.CLEARED:
            return
        match event:
            case ev.CallProceeding():
                self.state = CallState.PROCEEDING
            case ev.CallAlerting():
                self.state = CallState.ALERTING
            case Answered():
                self.state = CallState.CONNECTED
                self.answered_by, self.answered_at = event.method, event.at
                self._settled.set()
            case SeizeFailed():
                self._refused = event.reason
                self._clear(event.cause, event.at, by_far_end=True)
            case ev.CallDisconnected():
                self._clear(event.cause, event.at, by_far_end=True)
            case ev.CallReleased():
                self._clear(Cause.NORMAL_UNSPECIFIED, event.at, by_far_end=True)

    def _clear(self, cause: int, at: int, *, by_far_end: bool) -> None:
        self.state = CallState.CLEARED
        self.cause, self.cleared_at, self.by_far_end = int(cause), at, by_far_end
        self._settled.set()
        self._over.set()
        if by_far_end:
            self._end_blocks()

    def _end_blocks(self) -> None:
        """Every ``async with`` of this call ends with CallCleared."""
        for scope in self._scopes:
            if not scope.fired:
                scope.fired = True
                scope.task.cancel("the call is cleared")

    def _failure(self) -> Exception:
        """Why a call of ours did not come about."""
        if self._refused:
            return SeizeError(f"{self.channel.name}: {self._refused}")
        return CallCleared(self.cause)


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line as it is now: ``state`` in a word ("idle" when free), ``since`` a sample number."""

    name: str
    state: str
    since: int


class TrunkGroup:
    """Runs the signalling of some channels; brings calls from them and places calls on them.

    An async context manager: leaving it hangs up every call and ends the calls' blocks.
    ``rings``: at which burst an FXO call is offered; ``hunt``: "linear" takes the first free
    channel, "cyclic" the one after the last taken; ``options``: all else.
    """

    def __init__(
        self, channels: Iterable[Channel], *, rings: int = 1,
        hunt: Literal["linear", "cyclic"] = "linear", options: LineOptions | None = None,
    ) -> None:  # fmt: skip
        if hunt not in ("linear", "cyclic"):
            raise ValueError(f"hunt is linear or cyclic, not {hunt!r}")
        self.channels = tuple(channels)
        self._options = replace(options or LineOptions(), rings=rings)
        self._hunt, self._next = hunt, 0
        self._reports: asyncio.Queue[Report] = asyncio.Queue()
        self._lines: dict[int, AnyLine] = {}  # by place in channels
        self._calls: dict[tuple[AnyLine, int], Call] = {}
        self._offers: deque[Call] = deque()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "TrunkGroup":
        lines = [make_line(c, self._reports, self._options_of(c)) for c in self.channels]
        self._lines = dict(enumerate(lines))
        self._task = asyncio.create_task(self._run(), name="trunk group")
        try:
            for line in lines:
                line.start()
        except BaseException:  # those that did start must not stay
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        await self._close()

    async def _close(self) -> None:
        for call in list(self._calls.values()):
            call.hang_up()
            call._end_blocks()
        for line in self._lines.values():
            await line.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._arrived.set()
        while not self._reports.empty():
            self._take(self._reports.get_nowait())

    def _options_of(self, channel: Channel) -> LineOptions:
        if channel.line_type is not LineType.FXS or self._options.ring_on_ms:
            return self._options
        plan = channel.board.tone_plan
        return replace(self._options, ring_on_ms=plan.ring_on_ms, ring_off_ms=plan.ring_off_ms)

    # ---- calls ----------------------------------------------------------------------------

    async def offered(self) -> Call:
        """The next call that comes in and has not gone again."""
        while True:
            if self._task is None:
                raise InvalidStateError("closed", "offered")
            if self._offers:
                return self._offers.popleft()
            self._arrived.clear()
            await self._arrived.wait()

    async def call(
        self, number: str = "", *, channel: Channel | None = None, timeout_s: float = 60.0,
        ani: str = "",
    ) -> Call:  # fmt: skip
        """Place a call and return it when it is answered.

        On a trunk ``number`` is dialled; on an FXS channel the telephone rings (``ani`` is shown
        there).  Without ``channel`` a free one is hunted.  SeizeError: no free line, no dial tone,
        glare; CallCleared: busy (17), vacant (1), congestion (34) and so on; CtiTimeoutError: no
        answer within ``timeout_s`` s; ValueError: not a number.
        """
        if self._task is None:
            raise InvalidStateError("closed", "call")
        place = self._choose(number, channel)
        for attempt in range(SEIZE_ATTEMPTS):
            call = self._place(place, number, ani)
            await self._wait_answer(call, timeout_s)
            if call.state is not CallState.CLEARED:
                break
            again = channel is None and attempt + 1 < SEIZE_ATTEMPTS
            if not again or call.cause != Cause.CIRCUIT_NOT_AVAILABLE:
                raise call._failure()
            try:
                place = self._choose(number, None)
            except SeizeError:
                raise call._failure() from None
        return call

    def _choose(self, number: str, channel: Channel | None) -> int:
        if channel is not None:
            place = self.channels.index(channel)
            self._check_free(place)
        else:
            telephones = not number
            place = self._hunted(telephones)
        if channel is None or channel.line_type is not LineType.FXS:
            self._check_number(number, self.channels[place])
        return place

    def _check_free(self, place: int) -> None:
        line, channel = self._lines[place], self.channels[place]
        if line.idle:
            return
        if channel.line_type is LineType.FXS:
            raise CallCleared(Cause.USER_BUSY)
        raise SeizeError(f"{line.name} is not free: {line.state}")

    def _hunted(self, telephones: bool) -> int:
        count = len(self.channels)
        first = self._next if self._hunt == "cyclic" else 0
        for step in range(count):
            place = (first + step) % count
            fits = (self.channels[place].line_type is LineType.FXS) == telephones
            if fits and self._lines[place].idle:
                self._next = place + 1
                return place
        raise SeizeError("no free line in the group")

    def _check_number(self, number: str, channel: Channel) -> None:
        if channel.line_type is LineType.FXS:
            return
        pulse = self._options.pulse and channel.line_type is LineType.FXO
        allowed = PULSES if pulse else DIGITS
        if not 0 < len(number) <= MAX_NUMBER or set(number.upper()) - allowed:
            raise ValueError(f"{number!r} cannot be dialled")

    def _place(self, place: int, number: str, ani: str) -> Call:
        line, channel = self._lines[place], self.channels[place]
        now = channel.now_samples
        count = line.seize(number, ani=ani)
        call = Call(line, channel, count, "out", ani=ani, dnis=number, at=now)
        self._calls[line, count] = call
        return call

    async def _wait_answer(self, call: Call, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await call._settled.wait()
        except TimeoutError:
            if call.state is CallState.CONNECTED:
                return
            call.hang_up(Cause.NO_ANSWER)
            if call.state is CallState.CLEARED and call.by_far_end:
                return
            name = call.channel.name
            raise CtiTimeoutError(f"{name}: no answer within {timeout_s} s") from None
        except BaseException:
            call.hang_up()
            raise

    # ---- lines ------------------------------------------------------------------------------

    def lines(self) -> tuple[LineRow, ...]:
        """Every line as it is now, in the order of the channels."""
        return tuple(LineRow(one.name, one.state, one.since) for one in self._lines.values())

    def line(self, channel: Channel) -> AnyLine:
        """The line of a channel: its trace, its protocol errors, its faults."""
        return self._lines[self.channels.index(channel)]

    def block(self, channel: Channel) -> None:
        """E1: take a timeslot out of service, both ways.  InvalidStateError during a call."""
        self._cas(channel, "block").block()

    def unblock(self, channel: Channel) -> None:
        self._cas(channel, "unblock").unblock()

    def _cas(self, channel: Channel, what: str) -> CasLine:
        line = self.line(channel)
        if not isinstance(line, CasLine):
            raise NotSupportedError(f"{channel.name}: {what} is for E1 timeslots with CAS")
        return line

    # ---- reports ------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            self._take(await self._reports.get())

    def _take(self, report: Report) -> None:
        key, event = (report.line, report.call), report.event
        if isinstance(event, ev.CallOffered):
            self._offer(report, event)
            return
        call = self._calls.get(key)
        if call is None:
            return
        call._take(event)
        if call.state is CallState.CLEARED:
            with suppress(ValueError):
                self._offers.remove(call)
        if isinstance(event, ev.CallReleased):
            del self._calls[key]

    def _offer(self, report: Report, event: ev.CallOffered) -> None:
        place = next(p for p, line in self._lines.items() if line is report.line)
        call = Call(
            report.line, self.channels[place], report.call, "in", ani=event.ani, dnis=event.dnis,
            category=event.category, at=event.at, ani_source=event.ani_source,
            ani_name=event.ani_name, ani_absence=event.ani_absence,
        )  # fmt: skip
        self._calls[report.line, report.call] = call
        self._offers.append(call)
        self._arrived.set()
