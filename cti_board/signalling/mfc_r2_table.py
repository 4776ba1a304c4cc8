"""Room: compelled register signalling after ITU-T Q.440 to Q.490, both ends, as data.
Must not know what a signal number means (r2_variants.py), a channel, a loop or a call.

A compelled cycle (Q.457): the outgoing register sends until it hears the answer; the incoming one
answers until it hears the sending end; the next cycle begins when the answer has ended.
"""

from enum import unique
from typing import TypeAlias

from cti_board.fsm import Go, Limit, Rows, Symbol, Table, state
from cti_board.signalling.cause import Cause


class OutState(Symbol):
    IDLE = "idle"
    SENDING = "sending"  # our signal sounds, no answer yet
    ANSWERED = "answered"  # ours is off, the answer sounds
    SILENT = "silent"  # nothing more to send: a pulse is awaited
    PULSED = "pulsed"  # the pulse sounds


class OutEvent(Symbol):
    START = "start"
    STOP = "stop"
    HEARD = "heard"  # a backward signal begins
    ENDED = "ended"
    MORE = "more"  # ours: the next signal is to be sent
    NO_MORE = "no_more"  # ours: there is none
    DONE = "done"  # ours: the outcome is known
    WRONG = "wrong"  # ours: no such request
    FAULT = "fault"
    TIMEOUT = "timeout"


@unique
class OutAction(Symbol):
    """The value: the register's method and its arguments."""

    LISTEN = ("listen", True)
    DEAF = ("listen", False)
    SEND = ("send",)
    SILENCE = ("silence",)
    KEEP = ("keep",)
    DECIDE = ("decide",)
    DECIDE_PULSE = ("decide", True)
    TELL = ("tell",)
    TELL_NO_ANSWER = ("fail", Cause.TIMER_EXPIRY, "no answer to a register signal")
    TELL_STUCK = ("fail", Cause.TEMPORARY_FAILURE, "the answer does not end")
    TELL_NO_PULSE = ("fail", Cause.TIMER_EXPIRY, "no end of the address")
    TELL_WRONG = ("fail", Cause.TEMPORARY_FAILURE, "wrong register signal")
    TELL_FAULT = ("fail", Cause.TEMPORARY_FAILURE, "the board failed")


OS: TypeAlias = OutState
OE: TypeAlias = OutEvent
OA: TypeAlias = OutAction

OURS = "nothing is being decided"
UNDER_WAY = "the register works already"
AT_REST = "the register is at rest"
NOT_RUNNING = "no such timer runs"
LATE_END = "the end of a signal that is done with"
OUT_OURS = (OE.MORE, OE.NO_MORE, OE.DONE, OE.WRONG)


def out_ends(*tell: OA, expected: str = "") -> Go[OS, OA]:
    return Go(OS.IDLE, (OA.SILENCE, OA.DEAF, *tell), expected)


OUT_ALWAYS = {OE.STOP: out_ends(), OE.FAULT: out_ends(OA.TELL_FAULT)}
OUT_DECIDED = {
    OE.MORE: Go(OS.SENDING, (OA.SEND,)), OE.DONE: out_ends(OA.TELL),
    OE.WRONG: out_ends(OA.TELL_WRONG, expected="a request of this variant"),
    OE.HEARD: out_ends(OA.TELL_WRONG, expected="the end of the signal before"),
}  # fmt: skip

OUT_ROWS: Rows[OS, OE, OA] = {
    OS.IDLE: state(
        {OE.START: Go(OS.SENDING, (OA.LISTEN, OA.SEND))},
        ignore={AT_REST: (OE.STOP, OE.HEARD, OE.ENDED, OE.FAULT), OURS: OUT_OURS,
                NOT_RUNNING: (OE.TIMEOUT,)},
    ),
    OS.SENDING: state(
        {OE.HEARD: Go(OS.ANSWERED, (OA.SILENCE, OA.KEEP)),
         OE.TIMEOUT: out_ends(OA.TELL_NO_ANSWER, expected="a backward signal"), **OUT_ALWAYS},
        ignore={LATE_END: (OE.ENDED,), OURS: OUT_OURS}, refuse={UNDER_WAY: (OE.START,)},
    ),
    OS.ANSWERED: state(
        {OE.ENDED: Go(None, (OA.DECIDE,)), **OUT_DECIDED, OE.NO_MORE: Go(OS.SILENT),
         OE.TIMEOUT: out_ends(OA.TELL_STUCK, expected="the end of the answer"), **OUT_ALWAYS},
        refuse={UNDER_WAY: (OE.START,)},
    ),
    OS.SILENT: state(
        {OE.HEARD: Go(OS.PULSED, (OA.KEEP,)),
         OE.TIMEOUT: out_ends(OA.TELL_NO_PULSE, expected="a pulse"), **OUT_ALWAYS},
        ignore={LATE_END: (OE.ENDED,), OURS: OUT_OURS}, refuse={UNDER_WAY: (OE.START,)},
    ),
    OS.PULSED: state(
        {OE.ENDED: Go(None, (OA.DECIDE_PULSE,)), **OUT_DECIDED,
         OE.TIMEOUT: out_ends(OA.TELL_STUCK, expected="the end of a pulse"), **OUT_ALWAYS},
        ignore={"a pulse asks for no digit": (OE.NO_MORE,)}, refuse={UNDER_WAY: (OE.START,)},
    ),
}  # fmt: skip

OUT_LIMITS = {
    OS.SENDING: Limit(15_000, "ITU-T Q.476: T1, a forward signal lasts 15 +-3 s at most"),
    OS.ANSWERED: Limit(24_000, "ITU-T Q.476: T2, no forward signal for 24 s at most"),
    OS.SILENT: Limit(24_000, "ITU-T Q.476: T2, no forward signal for 24 s at most"),
    OS.PULSED: Limit(1_000, "chosen: a pulse lasts 150 +-30 ms, ITU-T Q.442"),
}

OUTGOING = Table(
    name="R2 register, outgoing", states=OS, events=OE, actions=OA,
    commands=frozenset({OE.START, OE.STOP}), start=OS.IDLE, rest=frozenset({OS.IDLE}),
    timeout=OE.TIMEOUT, fault=OE.FAULT, rows=OUT_ROWS, limits=OUT_LIMITS,
)  # fmt: skip


class InState(Symbol):
    IDLE = "idle"
    FIRST = "first"  # no digit yet
    NEXT = "next"  # asked for more, and the far end owes a signal
    OPEN = "open"  # asked for a digit that need not exist
    ANSWERING = "answering"  # both signals sound
    PULSING = "pulsing"  # our pulse: the address is complete
    DECISION = "decision"  # the caller's end waits: is the called line free?
    VERDICT = "verdict"  # our signal of group B sounds, and its own
    SETTLING = "settling"  # all is said; the far end has to hear our silence
    GIVING_UP = "giving_up"  # our congestion sounds


class InEvent(Symbol):
    START = "start"
    STOP = "stop"
    ACCEPT = "accept"  # a verdict: the called line is free
    REFUSE = "refuse"
    HEARD = "heard"  # a forward signal begins
    ENDED = "ended"
    DECIDE = "decide"  # ours: all is known
    WRONG = "wrong"  # ours: no such signal
    MAY_END = "may_end"  # ours: perhaps there is no further digit
    FAULT = "fault"
    TIMEOUT = "timeout"


@unique
class InAction(Symbol):
    """The value: the register's method and its arguments."""

    LISTEN = ("listen", True)
    DEAF = ("listen", False)
    TAKE = ("take",)
    SILENCE = ("silence",)
    LOOK = ("look",)
    PULSE = ("pulse",)
    LOOK_AGAIN = ("look_again",)
    TELL_WHOLE = ("tell_whole",)
    SEND_FREE = ("send_verdict", True)
    SEND_REFUSAL = ("send_verdict", False)
    GIVE_UP = ("give_up",)
    TELL_DONE = ("tell_done",)
    TELL_FAILED = ("fail_again",)
    BLAME_SILENCE = ("blame", Cause.TIMER_EXPIRY, "no register signal")
    BLAME_SIGNAL = ("blame", Cause.TEMPORARY_FAILURE, "wrong register signal")
    TELL_STUCK = ("fail", Cause.TEMPORARY_FAILURE, "the forward signal does not end")
    TELL_LEFT = ("fail", Cause.TEMPORARY_FAILURE, "the far end gave up")
    TELL_FAULT = ("fail", Cause.TEMPORARY_FAILURE, "the board failed")


IS: TypeAlias = InState
IE: TypeAlias = InEvent
IA: TypeAlias = InAction

NO_DECISION = "no decision is due"
IN_OURS = (IE.DECIDE, IE.WRONG, IE.MAY_END)
COMMANDS = {NO_DECISION: (IE.ACCEPT, IE.REFUSE), UNDER_WAY: (IE.START,)}


def in_ends(*tell: IA, expected: str = "") -> Go[IS, IA]:
    return Go(IS.IDLE, (IA.SILENCE, IA.DEAF, *tell), expected)


def gives_up(blame: IA, expected: str) -> Go[IS, IA]:
    return Go(IS.GIVING_UP, (blame, IA.GIVE_UP), expected)


IN_ALWAYS = {IE.STOP: in_ends(), IE.FAULT: in_ends(IA.TELL_FAULT)}
IN_SILENT = gives_up(IA.BLAME_SILENCE, "a forward signal")
IN_STUCK = in_ends(IA.TELL_STUCK, expected="the end of the forward signal")
IN_TAKES = {IE.HEARD: Go(IS.ANSWERING, (IA.TAKE,))}

IN_ROWS: Rows[IS, IE, IA] = {
    IS.IDLE: state(
        {IE.START: Go(IS.FIRST, (IA.LISTEN,))},
        ignore={AT_REST: (IE.STOP, IE.HEARD, IE.ENDED, IE.FAULT), OURS: IN_OURS,
                NOT_RUNNING: (IE.TIMEOUT,)},
        refuse={NO_DECISION: (IE.ACCEPT, IE.REFUSE)},
    ),
    IS.FIRST: state(
        {**IN_TAKES, IE.TIMEOUT: IN_SILENT, **IN_ALWAYS},
        ignore={LATE_END: (IE.ENDED,), OURS: IN_OURS}, refuse=COMMANDS,
    ),
    IS.NEXT: state(
        {**IN_TAKES, IE.MAY_END: Go(IS.OPEN), IE.TIMEOUT: IN_SILENT, **IN_ALWAYS},
        ignore={LATE_END: (IE.ENDED,), OURS: (IE.DECIDE, IE.WRONG)}, refuse=COMMANDS,
    ),
    IS.OPEN: state(
        {**IN_TAKES, IE.TIMEOUT: Go(IS.PULSING, (IA.PULSE,)), **IN_ALWAYS},
        ignore={LATE_END: (IE.ENDED,), OURS: IN_OURS}, refuse=COMMANDS,
    ),
    IS.ANSWERING: state(
        {
            IE.ENDED: Go(IS.NEXT, (IA.SILENCE, IA.LOOK)),
            IE.DECIDE: Go(IS.DECISION, (IA.TELL_WHOLE,)),
            IE.WRONG: gives_up(IA.BLAME_SIGNAL, "a signal of this group"), IE.TIMEOUT: IN_STUCK,
            IE.HEARD: gives_up(IA.BLAME_SIGNAL, "the end of the signal before"), **IN_ALWAYS,
        },
        ignore={OURS: (IE.MAY_END,)}, refuse=COMMANDS,
    ),
    IS.PULSING: state(
        {IE.TIMEOUT: Go(IS.NEXT, (IA.SILENCE, IA.LOOK_AGAIN)), **IN_ALWAYS},
        ignore={"looked at when the pulse is over": (IE.HEARD, IE.ENDED), OURS: IN_OURS},
        refuse=COMMANDS,
    ),
    IS.DECISION: state(
        {
            IE.ACCEPT: Go(IS.VERDICT, (IA.SEND_FREE,)),
            IE.REFUSE: Go(IS.VERDICT, (IA.SEND_REFUSAL,)),
            IE.TIMEOUT: Go(IS.VERDICT, (IA.SEND_FREE,)),
            IE.ENDED: in_ends(IA.TELL_LEFT, expected="the signal until the verdict"),
            **IN_ALWAYS,
        },
        ignore={"the first one counts": (IE.HEARD,), OURS: IN_OURS},
        refuse={UNDER_WAY: (IE.START,)},
    ),
    IS.VERDICT: state(
        {IE.ENDED: Go(IS.SETTLING, (IA.SILENCE,)), IE.TIMEOUT: IN_STUCK, **IN_ALWAYS},
        ignore={"the first one counts": (IE.HEARD,), OURS: IN_OURS}, refuse=COMMANDS,
    ),
    IS.SETTLING: state(
        {IE.TIMEOUT: in_ends(IA.TELL_DONE), **IN_ALWAYS},
        ignore={"all is said": (IE.HEARD, IE.ENDED), OURS: IN_OURS}, refuse=COMMANDS,
    ),
    IS.GIVING_UP: state(
        {IE.TIMEOUT: in_ends(IA.TELL_FAILED), **IN_ALWAYS},
        ignore={"it has lost already": (IE.HEARD, IE.ENDED), OURS: IN_OURS}, refuse=COMMANDS,
    ),
}  # fmt: skip

IN_LIMITS = {
    IS.FIRST: Limit(15_000, "ITU-T Q.476: T3, 8 to 24 s without a forward signal"),
    IS.NEXT: Limit(15_000, "ITU-T Q.476: T3, 8 to 24 s without a forward signal"),
    IS.OPEN: Limit(5_000, "chosen: digits of a sender follow in 0.3 s, those of a hand in 4 s"),
    IS.ANSWERING: Limit(15_000, "ITU-T Q.476: T1, a forward signal lasts 15 +-3 s at most"),
    IS.PULSING: Limit(160, "ITU-T Q.442: 150 +-30 ms"),
    IS.DECISION: Limit(8_000, "chosen: below T1 of the far end, 12 s at least"),
    IS.VERDICT: Limit(15_000, "ITU-T Q.476: T1, a forward signal lasts 15 +-3 s at most"),
    IS.SETTLING: Limit(100, "chosen: ITU-T Q.457, operate and release within 80 ms"),
    IS.GIVING_UP: Limit(160, "ITU-T Q.442: A-4 as a pulse of 150 +-30 ms"),
}

INCOMING = Table(
    name="R2 register, incoming", states=IS, events=IE, actions=IA,
    commands=frozenset({IE.START, IE.STOP, IE.ACCEPT, IE.REFUSE}), start=IS.IDLE,
    rest=frozenset({IS.IDLE}), timeout=IE.TIMEOUT, fault=IE.FAULT, rows=IN_ROWS, limits=IN_LIMITS,
)  # fmt: skip
