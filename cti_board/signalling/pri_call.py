"""Room: one ISDN call: runs a table of q931_table.py.  Must not know frames, the data link or how
channels are shared: it asks its span (pri.py) for those.
"""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from cti_board import events as ev
from cti_board.fsm import Machine
from cti_board.signalling.cause import Cause
from cti_board.signalling.q931_codec import (
    Bearer,
    CauseValue,
    ChannelId,
    Id,
    Ies,
    Kind,
    Message,
    Number,
)
from cti_board.signalling.q931_table import CALL, STATE_NUMBER, PriEvent, PriState, Role

RATE = 8000  # samples a second, as everywhere
MAX_DIGITS = 32  # chosen: ITU-T E.164 has 15, with a prefix and an extension
PRESENTATION = {0: "", 1: "P", 2: "O"}  # 4.5.10: allowed, restricted, not available


@dataclass(frozen=True, slots=True)
class PriOptions:
    """How calls of a span behave.

    ``limits`` replaces time limits of the state table, in ms, by state name.
    """

    bearer: Bearer = field(default_factory=Bearer)  # 3.1 kHz audio, A-law
    exclusive: bool = False  # our SETUP's channel: this one or none
    overlap: bool = False  # a SETUP without "sending complete" may lack digits
    dnis_digits: int = 0  # overlap: so many are a number; 0: '#', T302 or the far end ends it
    number_type: int = 0  # called and calling numbers that we send (4.5.10): unknown
    number_plan: int = 1  # E.164
    limits: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        if self.dnis_digits < 0:
            raise ValueError("dnis_digits is not negative")
        if not 0 <= self.number_type <= 7 or not 0 <= self.number_plan <= 15:
            raise ValueError("a number's type is 0 to 7, its plan 0 to 15")


@dataclass(frozen=True, slots=True)
class PriReport:
    """What happened to a call."""

    call: "PriCall"
    event: ev.CallEvent


class CallOwner(Protocol):
    """What a call asks of its span."""

    role: Role
    options: PriOptions

    @property
    def now_samples(self) -> int: ...

    def send(self, message: Message) -> None: ...

    def report(self, report: PriReport) -> None: ...

    def call_over(self, call: "PriCall") -> None: ...

    def call_unreleased(self, channel: int | None) -> None:
        """RELEASE was never answered: the channel's state is not known."""

    def call_fault(self, call: "PriCall", error: Exception) -> None: ...


class PriCall:
    """One call reference.  Commands raise InvalidStateError where they do not fit.

    ``ours``: we sent the SETUP.  ``channel``: the timeslot, or None while none is agreed upon.
    ``over``: the call has ended, as far as we know.
    """

    def __init__(self, span: CallOwner, ref: int, *, ours: bool, channel: int | None) -> None:
        self.span, self.ref, self.ours, self.channel = span, ref, ours, channel
        self.ani = self.ani_name = self.ani_absence = self.dnis = ""
        self.bearer = span.options.bearer
        self.over = False
        self.refusal = int(Cause.NORMAL_CLEARING)  # why we end or refuse the call
        self.defect: CauseValue | None = None  # what was wrong with a DISCONNECT or RELEASE
        self._whole = True  # the SETUP says that no more digits come
        self._digits = ""  # to be sent
        self._message: Message | None = None
        table = CALL[span.role]
        self._actions = {a: partial(getattr(self, a.value[0]), *a.value[1:]) for a in table.actions}
        self.machine = Machine(
            table, lambda a: self._actions[a](), self._set_limit, dict(span.options.limits)
        )
        self._timer: asyncio.TimerHandle | None = None

    # ---- what others see -------------------------------------------------------------------

    @property
    def state(self) -> str:
        return str(self.machine.state.value)

    @property
    def state_number(self) -> int:
        """Q.931 4.5.7."""
        return STATE_NUMBER[self.machine.state][self.span.role == "network"]

    @property
    def pending(self) -> bool:
        """Our SETUP is not answered: the channel is a wish."""
        return self.machine.state in (PriState.SETUP_SENT, PriState.SETUP_REPEATED)

    def seize(self, *, whole: bool) -> None:
        """Send the SETUP; numbers, name and channel are set before."""
        self._whole = whole
        self.feed(PriEvent.SEIZE)

    def dial(self, digits: str) -> None:
        """More digits of a number that was not whole (overlap sending)."""
        check_digits(digits)
        self._digits += digits
        try:
            self.feed(PriEvent.DIAL)
        except Exception:
            self._digits = ""
            raise
        self.dnis += digits

    def accept(self) -> None:
        """The call will be answered later: the caller is told that it rings (ALERTING)."""
        self.feed(PriEvent.ACCEPT)

    def answer(self) -> None:
        self.feed(PriEvent.ANSWER)

    def reject(self, cause: int = Cause.CALL_REJECTED) -> None:
        """Refuse an offered call."""
        self.refusal, before = check_cause(cause), self.refusal
        try:
            self.feed(PriEvent.REJECT)
        except Exception:
            self.refusal = before
            raise
        self.over = True

    def hang_up(self, cause: int = Cause.NORMAL_CLEARING) -> None:
        """End our side, whatever the state.  An error of the port goes to the span's faults."""
        if not self.over:
            self.refusal = check_cause(cause)
        self.over = True
        try:
            self.feed(PriEvent.HANG_UP)
        except Exception as error:  # the table has ended the call by its fault
            self.span.call_fault(self, error)

    def feed(self, event: PriEvent, message: Message | None = None) -> None:
        self._message = message
        self.machine.feed(event, self.span.now_samples)

    def close(self) -> None:
        self._set_limit(None)

    # ---- sending ---------------------------------------------------------------------------

    def send(self, kind: Kind, ies: Ies | None = None) -> None:
        self.span.send(Message(kind, self.ref, not self.ours, ies or {}))

    def send_first(self, kind: Kind) -> None:
        """The first answer to a SETUP says which channel it is (5.2.3.1)."""
        channels = () if self.channel is None else (self.channel,)
        self.send(kind, {Id.CHANNEL: ChannelId(channels)})

    def send_setup(self) -> None:
        options = self.span.options
        channels = () if self.channel is None else (self.channel,)
        ies: Ies = {
            Id.BEARER: self.bearer,
            Id.CHANNEL: ChannelId(channels, options.exclusive, any=not channels),
            Id.CALLED: Number(self.dnis, options.number_type, options.number_plan),
        }
        if self.ani:
            ies[Id.CALLING] = Number(self.ani, options.number_type, options.number_plan)
        elif self.ani_absence:
            presentation = {"P": 1, "O": 2}[self.ani_absence]
            ies[Id.CALLING] = Number("", 0, 0, presentation, 3)
        if self.ani_name:
            ies[Id.DISPLAY] = self.ani_name
        if self._whole:
            ies[Id.COMPLETE] = b""
        self.send(Kind.SETUP, ies)

    def send_information(self) -> None:
        digits, self._digits = self._digits, ""
        if digits:
            more = Number(digits, 0, self.span.options.number_plan)
            self.send(Kind.INFORMATION, {Id.CALLED: more})

    def send_cause(self, kind: Kind, cause: int | None = None) -> None:
        if cause is not None:
            self.refusal = cause
        self.send(kind, {Id.CAUSE: CauseValue(self.refusal)})

    def send_release(self) -> None:
        """5.3.3: the cause is given once; what was wrong with the DISCONNECT goes back."""
        if self.defect is not None:
            self.send(Kind.RELEASE, {Id.CAUSE: self.defect})
        elif self._message is not None:
            self.send(Kind.RELEASE)
        else:
            self.send_cause(Kind.RELEASE)

    def send_release_complete(self) -> None:
        ies: Ies = {} if self.defect is None else {Id.CAUSE: self.defect}
        self.send(Kind.RELEASE_COMPLETE, ies)

    def send_status(self, cause: int) -> None:
        """5.8: the diagnostic of an unexpected message is its type (Q.850 table 1)."""
        about = b"" if self._message is None or cause == 30 else bytes((self._message.kind,))
        self.send_defect(CauseValue(cause, diagnostic=about))

    def send_defect(self, cause: CauseValue) -> None:
        self.send(Kind.STATUS, {Id.CAUSE: cause, Id.CALL_STATE: self.state_number})

    # ---- digits of the far end -------------------------------------------------------------

    def take_setup(self, setup: Message) -> None:
        """What the SETUP says of caller and number."""
        calling, called = setup.number(Id.CALLING), setup.number(Id.CALLED)
        self.dnis = called.digits if called else setup.text(Id.KEYPAD)
        if calling is not None:
            self.ani_absence = PRESENTATION.get(calling.presentation, "")
            self.ani = calling.digits if not self.ani_absence else ""
        self.ani_name = "" if self.ani_absence == "P" else setup.text(Id.DISPLAY)
        bearer = setup.ies.get(Id.BEARER)
        if isinstance(bearer, Bearer):
            self.bearer = bearer

    def whole_number(self, message: Message) -> bool:
        """Overlap receiving: is this the last of the digits?"""
        wanted = self.span.options.dnis_digits
        if self.dnis.endswith("#"):
            self.dnis = self.dnis[:-1]
            return True
        enough = len(self.dnis) >= (wanted or MAX_DIGITS)
        return not self.span.options.overlap or Id.COMPLETE in message.ies or enough

    def keep_digits(self) -> None:
        message = self._message
        if message is None or message.kind == Kind.SETUP:
            return  # its digits are kept already
        called = message.number(Id.CALLED)
        digits = called.digits if called else message.text(Id.KEYPAD)
        self.dnis = (self.dnis + digits)[:MAX_DIGITS]
        if self.whole_number(message):
            self.post(PriEvent.COMPLETE)

    def offer_what_came(self) -> None:
        """T302 ran out (5.2.4): what came is a number, nothing is none."""
        self.post(PriEvent.COMPLETE if self.dnis else PriEvent.TIMEOUT)

    # ---- telling ---------------------------------------------------------------------------

    def post(self, event: PriEvent) -> None:
        """From within an action: fed when the present event is done with."""
        self.machine.feed(event, self.machine.at)

    def tell(self, event: ev.CallEvent) -> None:
        self.span.report(PriReport(self, event))

    def tell_offered(self) -> None:
        self.tell(ev.CallOffered(
            self.machine.at, self.ani, self.dnis, ani_name=self.ani_name,
            ani_absence=self.ani_absence,
        ))  # fmt: skip

    def tell_proceeding(self) -> None:
        self.tell(ev.CallProceeding(self.machine.at))

    def tell_alerting(self) -> None:
        self.tell(ev.CallAlerting(self.machine.at))

    def tell_answered(self) -> None:
        self.tell(ev.CallAnswered(self.machine.at))

    def tell_cleared(self, cause: int | None = None) -> None:
        if cause is None:
            given = self._message.cause if self._message is not None else None
            cause = given or Cause.NORMAL_UNSPECIFIED  # 5.8.6.1: as if 31 had been given
        if not self.over:
            self.over = True
            self.tell(ev.CallDisconnected(self.machine.at, cause))

    def released(self) -> None:
        self.over = True
        self.span.call_over(self)
        self.tell(ev.CallReleased(self.machine.at))

    def restart_channel(self) -> None:
        self.span.call_unreleased(self.channel)

    # ---- plumbing --------------------------------------------------------------------------

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
            self.feed(PriEvent.TIMEOUT)
        except Exception as error:
            self.span.call_fault(self, error)


def check_digits(digits: str) -> str:
    """ValueError: not a number that a called party IE can hold."""
    if len(digits) > MAX_DIGITS or not all(c in "0123456789*#" for c in digits):
        raise ValueError(f"a number has at most {MAX_DIGITS} of 0-9 * #, not {digits!r}")
    return digits


def check_cause(cause: int) -> int:
    if not 1 <= cause <= 127:
        raise ValueError(f"a Q.850 cause is 1 to 127, not {cause}")
    return int(cause)
