"""Room: the registers of R2 signalling, outgoing and incoming, on the tables of mfc_r2_table.py.
Must not know line bits, a `Call`, nor which board the channel belongs to.

What: an outgoing register gives the called number, the caller's number and category, digit by
digit as it is asked; an incoming one asks, and says whether the called line is free.
How: signals go through a `Sound`, time limits through ``set_limit``, results through ``tell``, so
that a register runs on a channel (mfc_r2_port.py) and in a simulation of delays alike.
Not here: transit working, echo suppressors (A-11 to A-14 of ITU-T Q.441).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Generic, Protocol, TypeAlias, TypeVar

from cti_board.fsm import Machine, Table
from cti_board.signalling.cause import Cause
from cti_board.signalling.mfc_r2_table import (
    INCOMING,
    OUTGOING,
    InAction,
    InEvent,
    InState,
    OutAction,
    OutEvent,
    OutState,
)
from cti_board.signalling.r2_variants import Ask, R2Variant

MAX_DIGITS = 32  # chosen: ITU-T E.164 has 15, with a prefix and an extension
DIGITS = "1234567890"  # ITU-T Q.441: signals 1 to 10
BACK = {Ask.REPEAT: 1, Ask.BACK_2: 2, Ask.BACK_3: 3}  # ITU-T Q.441

S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)
A = TypeVar("A", bound=Enum)


class Sound(Protocol):
    """What a register needs of a channel."""

    def send(self, signal: int) -> None:
        """Send signal 1 to 15 until `stop`."""

    def stop(self) -> None: ...
    def listen(self, on: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Address:
    """All that the incoming register has asked for, at sample ``at``; ``withheld``: the caller
    does not want the number known.  A verdict is due."""

    at: int
    dnis: str
    ani: str
    category: str
    withheld: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """A register is done at sample ``at``.  ``free``: the called line is free (outgoing), or was
    said to be (incoming).  ``cause`` is that of ITU-T Q.850; ``reason`` is empty where the
    registers have understood each other; ``ringing``: the line is known to ring."""

    at: int
    free: bool
    cause: int = 0
    charge: bool = True
    ringing: bool = False
    reason: str = ""


Tell: TypeAlias = "Callable[[Address | Outcome], None]"
SetLimit: TypeAlias = Callable[[int | None], None]


class Register(Generic[S, E, A]):
    """What both ends have: a machine, a signal that sounds, a signal heard."""

    start: E
    quit: E
    begin: E
    end: E

    def __init__(
        self, table: Table[S, E, A], variant: R2Variant, sound: Sound, set_limit: SetLimit,
        tell: Tell, limits: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        self.variant, self.sound, self._tell = variant, sound, tell
        actions = {a: partial(getattr(self, a.value[0]), *a.value[1:]) for a in table.actions}
        own = {n: ms for n, ms in (limits or {}).items() if n in table.states.__members__}
        self.machine: Machine[S, E, A] = Machine(table, lambda a: actions[a](), set_limit, own)
        self._sounds = self._listens = False
        self._signal = 0  # the last one heard
        self._far = False  # it sounds still

    @property
    def at_work(self) -> bool:
        return not self.machine.resting

    def stop(self, at: int) -> None:
        """Fall silent; nothing is told.  Harmless at rest."""
        self.machine.feed(self.quit, at)

    def heard(self, signal: int, at: int) -> None:
        """A signal of the far end begins."""
        self._signal, self._far = signal, True
        self.machine.feed(self.begin, at)

    def ended(self, at: int) -> None:
        self._far = False
        self.machine.feed(self.end, at)

    def time_out(self, at: int) -> None:
        """The time limit asked for by ``set_limit`` has run out."""
        self.machine.feed(self.machine.table.timeout, at)

    # ---- actions -----------------------------------------------------------------------------

    def listen(self, on: bool) -> None:
        if on != self._listens:
            self._listens, self._far = on, False
            self.sound.listen(on)

    def silence(self) -> None:
        if self._sounds:
            self._sounds = False
            self.sound.stop()

    def fail(self, cause: int, reason: str) -> None:
        self._tell(Outcome(self.machine.at, free=False, cause=cause, reason=reason))

    def _send(self, signal: int) -> None:
        self.silence()
        self.sound.send(signal)
        self._sounds = True

    def _post(self, event: E) -> None:
        self.machine.feed(event, self.machine.at)


class OutgoingRegister(Register[OutState, OutEvent, OutAction]):
    """The caller's end.  It answers what it is asked; `Outcome` is told once."""

    start, quit = OutEvent.START, OutEvent.STOP
    begin, end = OutEvent.HEARD, OutEvent.ENDED

    def __init__(
        self, variant: R2Variant, sound: Sound, set_limit: SetLimit, tell: Tell,
        limits: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(OUTGOING, variant, sound, set_limit, tell, limits)
        self.dnis = self.ani = self.category = ""
        self._withheld = False

    def call(
        self, dnis: str, at: int, *, ani: str = "", category: str = "subscriber",
        withheld: bool = False,
    ) -> None:  # fmt: skip
        """Give these numbers.  ValueError: something that is no digit, or no digit at all."""
        if not dnis or set(dnis + ani) - set(DIGITS):
            raise ValueError(f"R2 registers send digits, not {dnis!r} and {ani!r}")
        self.dnis, self.ani, self.category, self._withheld = dnis, ani, category, withheld
        self._place = 0  # in the called number: the last digit sent
        self._ani_place = -1  # in the caller's number; -1: not asked for
        self._group = "A"  # of the far end's requests
        self._next = signal_of(dnis[0])
        self.machine.feed(self.start, at)

    # ---- actions -----------------------------------------------------------------------------

    def send(self) -> None:
        self._send(self._next)

    def keep(self) -> None:
        self._request = self._signal

    def tell(self) -> None:
        self._tell(self._outcome)

    def decide(self, pulse: bool = False) -> None:
        """What the request means, now that it has ended."""
        if self._group == "B":
            self._take_line()
            return
        group = self.variant.group_c if self._group == "C" else self.variant.group_a
        ask = group.get(self._request)
        again = not (self.variant.group_c or self.variant.ani_by_next)
        if ask is Ask.CATEGORY and again and not pulse and self._ani_place >= 0:
            ask = Ask.ANI  # A-5 again, in national use
        elif ask is Ask.NEXT and self.variant.ani_by_next and 0 <= self._ani_place <= len(self.ani):
            ask = Ask.ANI
        self._obey(ask, pulse)

    def _obey(self, ask: Ask | None, pulse: bool) -> None:
        match ask:
            case Ask.LINE:
                self._group = "B"
                self._reply(self.variant.category(self.category))
            case Ask.CATEGORY:
                self._ani_place = 0
                self._group = "C" if self.variant.group_c else "A"
                self._reply(self.variant.category(self.category, for_ani=True))
            case Ask.ACCEPT:
                self._finish(free=True)
            case Ask.CONGESTION:
                self._finish(free=False, cause=Cause.NO_CIRCUIT)
            case Ask.VACANT:
                self._finish(free=False, cause=Cause.UNALLOCATED_NUMBER)
            case Ask.ANI if not pulse:
                self._send_ani()
            case Ask.NEXT | Ask.FIRST | Ask.REPEAT | Ask.BACK_2 | Ask.BACK_3 if not pulse:
                self._send_dnis(ask)
            case _:
                self._post(OutEvent.WRONG)

    def _send_dnis(self, ask: Ask) -> None:
        self._group, v = "A", self.variant
        if not v.ani_by_next:
            self._ani_place = -1
        place = {Ask.NEXT: self._place + 1, Ask.FIRST: 0}.get(ask, self._place - BACK.get(ask, 0))
        if place < 0:
            self._post(OutEvent.WRONG)
            return
        self._place = min(place, len(self.dnis))
        if self._place < len(self.dnis):
            self._reply(signal_of(self.dnis[self._place]))
        elif v.dnis_end:
            self._reply(v.dnis_end)
        else:
            self._post(OutEvent.NO_MORE)

    def _send_ani(self) -> None:
        if self._ani_place < len(self.ani) and not self._withheld:
            self._reply(signal_of(self.ani[self._ani_place]))
            self._ani_place += 1
            return
        self._ani_place = len(self.ani) + 1  # the end has been said
        v = self.variant
        self._reply((self._withheld and v.ani_withheld) or v.ani_end)

    def _take_line(self) -> None:
        line = self.variant.group_b.get(self._request)
        if line is None:
            self._post(OutEvent.WRONG)
        else:
            self._finish(free=line.free, cause=line.cause, charge=line.charge, ringing=line.free)

    def _reply(self, signal: int) -> None:
        self._next = signal
        self._post(OutEvent.MORE)

    def _finish(
        self, *, free: bool, cause: int = 0, charge: bool = True, ringing: bool = False
    ) -> None:
        self._outcome = Outcome(self.machine.at, free, cause, charge, ringing)
        self._post(OutEvent.DONE)


class IncomingRegister(Register[InState, InEvent, InAction]):
    """The called end.  `Address` is told when a verdict is due, `Outcome` once, at the end."""

    start, quit = InEvent.START, InEvent.STOP
    begin, end = InEvent.HEARD, InEvent.ENDED

    def __init__(
        self, variant: R2Variant, sound: Sound, set_limit: SetLimit, tell: Tell,
        limits: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(INCOMING, variant, sound, set_limit, tell, limits)
        self._phases = {
            "dnis": self._take_dnis, "category": self._take_category, "ani": self._take_ani,
        }  # fmt: skip
        self._refused_with, self._charge, self._blamed = 0, True, (0, "")

    @property
    def deciding(self) -> bool:
        """A verdict is due."""
        return self.machine.state is InState.DECISION

    def receive(
        self, at: int, *, dnis_digits: int = 0, ask_ani: bool = True, ani_digits: int = 0
    ) -> None:
        """Ask for a number of ``dnis_digits`` (0: to its end) and, where ``ask_ani``, for the
        caller's category and number, at most ``ani_digits`` of it (0: to its end).

        A number that is shorter than ``dnis_digits`` is not offered: congestion after T3.
        """
        self.dnis = self.ani = self.category = ""
        self.withheld = self._whole = self._in_c = False
        self._asked, self._phase = not ask_ani, "dnis"
        self._dnis_digits, self._ani_digits = dnis_digits, ani_digits
        self._refused_with, self._charge = 0, True
        self.machine.feed(self.start, at)

    def accept(self, at: int, *, charge: bool = True) -> None:
        """The called line is free.  InvalidStateError: nobody asks."""
        self._charge = charge
        self.machine.feed(InEvent.ACCEPT, at)

    def refuse(self, at: int, cause: int = Cause.USER_BUSY) -> None:
        """It is not, for this cause of ITU-T Q.850.  InvalidStateError: nobody asks."""
        self._refused_with = cause
        self.machine.feed(InEvent.REFUSE, at)

    # ---- actions -----------------------------------------------------------------------------

    def take(self) -> None:
        if self._phase == "line":
            if not self.category:
                self.category = self.variant.category_name(self._signal)
            self._post(InEvent.DECIDE)
            return
        reply = self._phases[self._phase](self._signal)
        if reply:
            self._send(reply)
        else:
            self._post(InEvent.WRONG)

    def look(self) -> None:
        if self._phase == "dnis" and not self._dnis_digits:
            self._post(InEvent.MAY_END)

    def look_again(self) -> None:
        if self._far:
            self._post(InEvent.HEARD)

    def pulse(self) -> None:
        self._phase = "line"
        self._send(self.variant.ask(Ask.LINE))

    def tell_whole(self) -> None:
        self._tell(Address(self.machine.at, self.dnis, self.ani, self.category, self.withheld))

    def send_verdict(self, free: bool) -> None:
        v = self.variant
        self._send(v.free(charge=self._charge) if free else v.line(self._refused_with))

    def tell_done(self) -> None:
        cause = self._refused_with
        self._tell(Outcome(self.machine.at, not cause, cause, self._charge, ringing=not cause))

    def blame(self, cause: int, reason: str) -> None:
        self._blamed = (cause, reason)

    def give_up(self) -> None:
        self._send(self.variant.ask(Ask.CONGESTION, group_c=self._in_c))

    def fail_again(self) -> None:
        self.fail(*self._blamed)

    # ---- what a signal is, and what is asked next; 0: a wrong signal --------------------------

    def _take_dnis(self, signal: int) -> int:
        if signal <= len(DIGITS):
            self.dnis += digit_of(signal)
        elif signal == self.variant.dnis_end and self.dnis:
            self._whole = True
        else:
            return 0
        wanted = self._dnis_digits or MAX_DIGITS
        self._whole = self._whole or len(self.dnis) >= wanted
        return self._ask_next()

    def _take_category(self, signal: int) -> int:
        self.category = self.variant.category_name(signal, for_ani=True)
        return self._ask_ani()

    def _take_ani(self, signal: int) -> int:
        v = self.variant
        if signal <= len(DIGITS):
            self.ani += digit_of(signal)
        elif signal == v.ani_withheld:
            self.withheld = True
        elif signal != v.ani_end:
            return 0
        wanted = MAX_DIGITS if v.ani_by_next else self._ani_digits or MAX_DIGITS
        if signal <= len(DIGITS) and len(self.ani) < wanted:
            return self._ask_ani()
        return self._ask_next()

    def _ask_next(self) -> int:
        """After a digit of the called number, or when the caller's is known."""
        v, early = self.variant, self.variant.ani_first or not self._dnis_digits
        if not self._asked and (self._whole or early):
            self._asked, self._phase, self._in_c = True, "category", bool(v.group_c)
            return v.ask(Ask.CATEGORY)
        self._phase, ask = ("line", Ask.LINE) if self._whole else ("dnis", Ask.NEXT)
        signal = v.ask(ask, group_c=self._in_c)
        self._in_c = False
        return signal

    def _ask_ani(self) -> int:
        self._phase = "ani"
        v = self.variant
        if v.group_c:
            return v.ask(Ask.ANI, group_c=True)
        return v.ask(Ask.NEXT if v.ani_by_next else Ask.CATEGORY)


def signal_of(digit: str) -> int:
    return DIGITS.index(digit) + 1


def digit_of(signal: int) -> str:
    return DIGITS[signal - 1]
