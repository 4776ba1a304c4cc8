"""Room: what every line has: its machine, its timer, its task and what it tells of calls.
Must not know what a `Call` is, nor any one signalling (loop_start.py, cas_r2.py).

A line's task takes the channel's events one by one to the state machine; commands go to the same
machine at once.  What happens to calls goes into a queue as `Report`s.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

from cti_board import events as ev
from cti_board.dsp.caller_id import STANDARDS, Standard
from cti_board.errors import BoardError, CtiError
from cti_board.fsm import Machine, Table
from cti_board.hearing import ECHO_TAILS_MS, LEVEL_RANGE_DBM0
from cti_board.signalling.cause import Cause
from cti_board.signalling.port import EventStream, LinePort

S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)
A = TypeVar("A", bound=Enum)

RATE = 8000  # samples a second, as everywhere
LINE_OPS = frozenset({1, 2, 5, 6, 39})  # CTB_OP_HOOK, RING, PULSE_DIAL, CAS, DIAL of ctb_driver.h
DETECTORS = ("dtmf", "tones", "talk", "fsk")
MAX_DIGITS = 32  # chosen: ITU-T E.164 has 15, with a prefix and an extension

log = logging.getLogger("cti_board.signalling")


@dataclass(frozen=True, slots=True)
class LineOptions:
    """How a group of lines behaves.  FXO, FXS, E1: who uses it.

    ``limits`` replaces time limits of the state tables, in ms, by state name.
    """

    rings: int = 1  # FXO: offer a call at this burst
    caller_id: str = "fsk"  # FXO, FXS: none, fsk or dtmf
    caller_id_standard: Standard = "bell202"  # FXS: or v23; FXO hears both
    pulse: bool = False  # FXO: dial pulses, not DTMF
    answer_reversal: bool = False  # FXO: the exchange reverses at the answer; believe nothing else
    clear_by_tone: bool = True  # FXO: busy tone and its like end a conversation
    dialling: bool = True  # FXS: a lifted telephone gets dial tone and may call us
    dnis_digits: int = 0  # FXS, E1: so many digits are a number; 0: a pause or '#' ends it
    ring_on_ms: int = 0  # FXS: 0 = the country's cadence
    ring_off_ms: int = 0
    loop_break_ms: int = 0  # FXS: sent when we hang up; 0 = none
    variant: str = "itu"  # E1: see cas_r2_variants.py
    registers: str = "dtmf"  # E1: how numbers go: dtmf, or mfc (compelled R2 signals)
    r2_variant: str = "itu"  # E1, mfc: see r2_variants.py
    category: str = "subscriber"  # E1, mfc: what we are, by the variant's name for it
    ask_ani: bool = True  # E1, mfc: ask for the caller's category and number
    ani_digits: int = 0  # E1, mfc: at most so many of it; 0: to its end
    echo_tail_ms: int = 0  # all: in conversation, echoes up to so late are cancelled; 0 = none
    level_dbm0: float | None = None  # all: in conversation, speech is brought to this level
    limits: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.rings < 1 or self.dnis_digits < 0:
            raise ValueError("rings is at least 1, dnis_digits is not negative")
        if self.registers not in ("dtmf", "mfc") or self.ani_digits < 0:
            raise ValueError("registers is dtmf or mfc, ani_digits is not negative")
        if self.caller_id not in ("none", "fsk", "dtmf"):
            raise ValueError(f"caller_id is none, fsk or dtmf, not {self.caller_id!r}")
        if self.caller_id_standard not in STANDARDS:
            raise ValueError(f"caller_id_standard is bell202 or v23: {self.caller_id_standard!r}")
        if self.echo_tail_ms and self.echo_tail_ms not in ECHO_TAILS_MS:
            raise ValueError(f"echo_tail_ms is 0, or 16 to 64 in steps of 8: {self.echo_tail_ms}")
        low, high = LEVEL_RANGE_DBM0
        if self.level_dbm0 is not None and not low <= self.level_dbm0 <= high:
            raise ValueError(f"level_dbm0 is {low:g} to {high:g}: {self.level_dbm0}")


@dataclass(slots=True)
class SeizeFailed(ev.CallDisconnected):
    """The line could not be taken; ``reason`` in words."""

    reason: str


@dataclass(slots=True)
class Answered(ev.CallAnswered):
    """``method``: how we know."""

    method: str


@dataclass(frozen=True, slots=True)
class Report:
    """What happened to call number ``call`` of ``line``."""

    line: "AnyLine"
    call: int
    event: ev.CallEvent


Reports: TypeAlias = "asyncio.Queue[Report]"


class Line(Generic[S, E, A]):
    """One channel's signalling.  Commands raise InvalidStateError where they do not fit.

    ``call`` numbers the calls of this line from 1; ``over`` is true once that call has ended, as
    far as the line knows.
    """

    # each kind of line names its events of these meanings
    board_lost: E
    board_back: E
    dialled: E

    def __init__(
        self, port: LinePort, table: Table[S, E, A], options: LineOptions, reports: Reports
    ) -> None:
        self.port, self.options, self.reports = port, options, reports
        self.call, self.over = 0, True
        self.commands = {str(e.value): e for e in table.commands}
        self.number = self.ani = ""
        self._cleaned = False
        self.refusal = int(Cause.NORMAL_CLEARING)  # why we end or refuse the call
        self.faults: deque[str] = deque(maxlen=16)
        self._actions: dict[A, Callable[[], None]] = {
            a: partial(getattr(self, a.value[0]), *a.value[1:]) for a in table.actions
        }
        # limits of other kinds of line in the same group are not for this one
        limits = {n: ms for n, ms in options.limits.items() if n in table.states.__members__}
        self.machine: Machine[S, E, A] = Machine(table, self._do, self._set_limit, limits)
        self._timer: asyncio.TimerHandle | None = None
        self._heard: frozenset[str] = frozenset()
        self._sending = 0  # cookie of the digits on their way
        self._tone = False  # one of ours sounds
        self._open = False  # a call whose release has not been told
        self._task: asyncio.Task[None] | None = None
        self._stream: EventStream

    # ---- what others see -------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self.port.name

    @property
    def state(self) -> str:
        return str(self.machine.state.value)

    @property
    def since(self) -> int:
        """Sample number of the last change of state."""
        return self.machine.since

    @property
    def idle(self) -> bool:
        return self.machine.state is self.machine.table.start

    # ---- commands --------------------------------------------------------------------------

    def seize(self, number: str, *, ani: str = "") -> int:
        """Place a call; returns its number on this line.  SeizeFailed or Answered will follow."""
        if self.idle:
            self.number, self.ani = number, ani
            self.begin_call()
        self.command("seize")
        return self.call

    def answer(self) -> None:
        self.command("answer")

    def accept(self) -> None:
        """The call will be answered later: the caller may hear ringback."""
        self.command("accept")

    def reject(self, cause: int = Cause.CALL_REJECTED) -> None:
        """Refuse an offered call.  On an FXO line it only rings on unanswered."""
        self.refusal, self.over = cause, True
        self.command("reject")

    def hang_up(self) -> None:
        """End our side, whatever the state; idle again after the guard time.

        Never raises: an error of the board is kept in ``faults``.
        """
        self.over = True
        try:
            self.command("hang_up")
        except Exception as error:  # the table has brought the line down by its fault
            self._fault(error)

    def command(self, name: str) -> None:
        self.machine.feed(self.commands[name], self.port.now_samples)

    # ---- the task --------------------------------------------------------------------------

    def start(self) -> None:
        """Listen to the channel from now on."""
        stream = self.port.events(*self.listens())
        try:
            self.rest()
            self.port.resync()
        except BaseException:
            stream.close()
            raise
        self._stream = stream
        self._task = asyncio.get_running_loop().create_task(
            self._run(stream), name=f"line {self.name}"
        )

    async def close(self) -> None:
        """Hang up and stop listening.  Idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        self.hang_up()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._stream.close()
        self._set_limit(None)
        try:
            self.hear()
        except Exception as error:  # a board that is gone has no detectors
            self._fault(error)

    async def _run(self, stream: EventStream) -> None:
        while True:
            try:
                event = await stream.get()
            except BoardError as error:  # closed under the line: nothing will come any more
                self._fault(error)
                return
            self.take(event)

    def take(self, event: ev.Event) -> None:
        """One event of the channel.  An error is kept in ``faults``: other lines go on."""
        try:
            meaning = self._general(event)
            if meaning is not None:
                self.machine.feed(meaning, event.at)
        except Exception as error:
            self._fault(error)

    def _general(self, event: ev.Event) -> E | None:
        match event:
            case ev.BoardLost():
                return self.board_lost
            case ev.BoardBack():
                return self.board_back
            case ev.CommandFailed():
                ours = event.op in LINE_OPS or (event.cookie and event.cookie == self._sending)
                return self.machine.table.fault if ours else None
            case ev.ToneDone():
                return self._digits_sent(event)
            case _:
                return self.meaning(event)

    def _digits_sent(self, event: ev.ToneDone) -> E | None:
        if event.cookie != self._sending or not self._sending:
            return None
        self._sending = 0
        if event.reason is ev.DoneReason.END:
            return self.dialled
        return self.machine.table.fault

    def _fault(self, error: Exception) -> None:
        self.faults.append(f"{type(error).__name__}: {error}")
        trace = None if isinstance(error, CtiError) else error
        log.error("%s: %s", self.name, error, exc_info=trace)

    # ---- for the kinds of line -------------------------------------------------------------

    def listens(self) -> tuple[type[ev.Event], ...]:
        """The kinds of event that this kind of line cares for."""
        return (ev.BoardLost, ev.BoardBack, ev.CommandFailed, ev.ToneDone)

    def meaning(self, event: ev.Event) -> E | None:
        """What an event of the channel means to the table; None: nothing."""
        raise NotImplementedError

    def rest(self) -> None:
        """Bring the channel to its idle condition."""

    def post(self, event: E) -> None:
        """From within an action: fed when the present event is done with."""
        self.machine.feed(event, self.machine.at)

    def hear(self, *detectors: str) -> None:
        """Exactly these detectors run for signalling."""
        wanted = frozenset(detectors)
        if wanted != self._heard:
            self.port.arm(**{
                name: name in wanted for name in DETECTORS
                if (name in wanted) != (name in self._heard)
            })  # fmt: skip
            self._heard = wanted

    def hear_nothing(self) -> None:
        self.hear()

    def send_digits(self) -> None:
        self._sending = self.port.send_digits(self.number, pulse=self.options.pulse)

    def send_tone(self, tone: str) -> None:
        self.port.send_tone(tone)
        self._tone = True

    def stop_tone(self) -> None:
        """Ends our tone or digits, where there are any."""
        if self._tone or self._sending:
            self._tone, self._sending = False, 0
            self.port.stop_tone()

    def resync(self) -> None:
        self.port.resync()

    # ---- telling ---------------------------------------------------------------------------

    def begin_call(self) -> None:
        self.call += 1
        self.over, self._open = False, True

    def tell(self, event: ev.CallEvent) -> None:
        self.reports.put_nowait(Report(self, self.call, event))

    def tell_offered(self) -> None:
        self.begin_call()
        self.tell(ev.CallOffered(self.machine.at, self.ani, self.number))

    def tell_proceeding(self) -> None:
        self.tell(ev.CallProceeding(self.machine.at))

    def tell_alerting(self) -> None:
        self.tell(ev.CallAlerting(self.machine.at))

    def tell_answered(self, method: str) -> None:
        self._clean(True)
        self.tell(Answered(self.machine.at, method))

    def tell_cleared(self, cause: int) -> None:
        if not self.over:
            self.over = True
            self.tell(ev.CallDisconnected(self.machine.at, cause))

    def tell_seize_failed(self, cause: int, reason: str) -> None:
        if not self.over:
            self.over = True
            self.tell(SeizeFailed(self.machine.at, cause, reason))

    def tell_released(self) -> None:
        self._clean(False)
        if self._open:
            self.over, self._open = True, False
            self.tell(ev.CallReleased(self.machine.at))

    # ---- plumbing --------------------------------------------------------------------------

    def _clean(self, on: bool) -> None:
        """Line cleaning while there is a conversation; nothing is sent where none is wanted."""
        options = self.options
        if on and (options.echo_tail_ms or options.level_dbm0 is not None):
            self.port.clean(echo_tail_ms=options.echo_tail_ms, level_dbm0=options.level_dbm0)
            self._cleaned = True
        elif not on and self._cleaned:
            self.port.clean()
            self._cleaned = False

    def _do(self, action: A) -> None:
        self._actions[action]()

    def _set_limit(self, ms: int | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if ms is not None:
            when = self.machine.at / RATE + ms / 1000
            self._timer = asyncio.get_running_loop().call_at(when, self._run_out)

    def _run_out(self) -> None:
        self._timer = None
        try:
            self.machine.feed(self.machine.table.timeout, self.port.now_samples)
        except Exception as error:
            self._fault(error)


AnyLine: TypeAlias = Line[Any, Any, Any]


def whole_number(digits: str, wanted: int) -> bool:
    """Enough digits, or ended by '#'."""
    return digits.endswith("#") or len(digits) == wanted or len(digits) >= MAX_DIGITS
