"""Room: CAS line signalling after ITU-T Q.421 and Q.422, both directions, as data.
Must not know bits (cas_r2_variants.py), a channel, a loop or a call.
"""

from enum import unique
from typing import TypeAlias

from cti_board.fsm import Go, Limit, Rows, Symbol, Table, state
from cti_board.signalling.cause import Cause


class CasState(Symbol):
    IDLE = "idle"
    BLOCKED = "blocked"  # the far end may not be seized
    CLOSED = "closed"  # blocked by us
    SEIZING = "seizing"
    ADDRESS = "address"  # acknowledged; digits go out
    PROCEEDING = "proceeding"
    ALERTING = "alerting"
    CONNECTED_OUT = "connected_out"
    DOUBLE = "double"  # both ends seized
    RELEASING = "releasing"  # we sent idle and wait for the far end's
    SEIZED = "seized"  # seized by the far end, no digit yet
    COLLECTING = "collecting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    CONNECTED_IN = "connected_in"
    CLEARING = "clearing"  # we sent clear-back
    GUARD = "guard"  # both ends idle, a moment yet
    ALARM = "alarm"
    LOST = "lost"  # the board is gone


class CasEvent(Symbol):
    SEIZE = "seize"
    ANSWER = "answer"
    ACCEPT = "accept"
    REJECT = "reject"
    HANG_UP = "hang_up"
    BLOCK = "block"
    UNBLOCK = "unblock"
    BITS_IDLE = "bits_idle"  # idle, clear-forward, release guard
    BITS_SEIZED = "bits_seized"
    BITS_ANSWERED = "bits_answered"
    BITS_BACK = "bits_back"  # seizure acknowledged, clear-back, blocked
    DIALLED = "dialled"
    DIGIT = "digit"
    COMPLETE = "complete"  # ours: the number is whole
    RINGBACK = "ringback"
    BUSY = "busy"
    CONGESTION = "congestion"
    VACANT = "vacant"
    ALARM = "alarm"
    ALARM_OFF = "alarm_off"
    BOARD_LOST = "board_lost"
    BOARD_BACK = "board_back"
    FAULT = "fault"
    TIMEOUT = "timeout"


@unique
class CasAction(Symbol):
    """The value: the line's method and its arguments."""

    SEND_IDLE = ("send_bits", "idle")
    SEND_SEIZED = ("send_bits", "seized")
    SEND_ACKNOWLEDGED = ("send_bits", "acknowledged")
    SEND_ANSWERED = ("send_bits", "answered")
    SEND_CLEAR_BACK = ("send_bits", "acknowledged", "clear-back")
    SEND_BLOCKED = ("send_bits", "blocked")
    SEND_REFUSAL = ("send_refusal",)
    SEND_DIGITS = ("send_digits",)
    SEND_RINGBACK = ("send_tone", "ringback")
    STOP_TONE = ("stop_tone",)
    CLEAR_DIGITS = ("clear_digits",)
    KEEP_DIGIT = ("keep_digit",)
    LOOK_AGAIN = ("look_again",)
    HEAR_DIGITS = ("hear_digits",)
    HEAR_TONES = ("hear_tones",)
    HEAR_NOTHING = ("hear_nothing",)
    RESYNC = ("resync",)
    TELL_OFFERED = ("tell_offered",)
    TELL_NO_ACK = ("tell_seize_failed", Cause.NO_CIRCUIT, "no seizure acknowledgement")
    TELL_GLARE = ("tell_seize_failed", Cause.CIRCUIT_NOT_AVAILABLE, "glare")
    TELL_ALARM = ("tell_seize_failed", Cause.OUT_OF_ORDER, "the span is in alarm")
    TELL_FAULT = ("tell_seize_failed", Cause.TEMPORARY_FAILURE, "the board failed")
    TELL_PROTOCOL = ("tell_seize_failed", Cause.TEMPORARY_FAILURE, "wrong line bits")
    TELL_PROCEEDING = ("tell_proceeding",)
    TELL_ALERTING = ("tell_alerting",)
    ANSWERED_BY_US = ("tell_answered", "us")
    ANSWERED_BITS = ("tell_answered", "line bits")
    CLEARED = ("tell_cleared", Cause.NORMAL_CLEARING)
    CLEARED_BUSY = ("tell_cleared", Cause.USER_BUSY)
    CLEARED_CONGESTION = ("tell_cleared", Cause.NO_CIRCUIT)
    CLEARED_VACANT = ("tell_cleared", Cause.UNALLOCATED_NUMBER)
    CLEARED_NO_RESPONSE = ("tell_cleared", Cause.NO_USER_RESPONDING)
    CLEARED_NO_ANSWER = ("tell_cleared", Cause.NO_ANSWER)
    CLEARED_ORDER = ("tell_cleared", Cause.OUT_OF_ORDER)
    CLEARED_FAILURE = ("tell_cleared", Cause.TEMPORARY_FAILURE)
    CLEARED_TIMER = ("tell_cleared", Cause.TIMER_EXPIRY)
    RELEASED = ("tell_released",)


S: TypeAlias = CasState
E: TypeAlias = CasEvent
A: TypeAlias = CasAction

TONES = (E.RINGBACK, E.BUSY, E.CONGESTION, E.VACANT)
DIGITS = (E.DIGIT, E.COMPLETE)
ENDS = (E.REJECT, E.HANG_UP)

LATE = "the detectors are off: a late report"
NO_CALL = "there is no call"
UNDER_WAY = "a call is under way on this timeslot"
OURS = "the call is ours, nothing was offered"
NOT_DIALLING = "nothing is being dialled"
NOT_RUNNING = "no such timer runs"
HEALTHY = "there is no alarm, the board is there"
SAME = "these are the bits of this state"
WAITING = "only idle counts here"
IN_CALL = "not during a call: hang up first"
NOT_CLOSED = "it is not blocked by us"

QUIET = (A.STOP_TONE, A.HEAR_NOTHING)
FREE = {LATE: (*TONES, *DIGITS), NOT_DIALLING: (E.DIALLED,)}
WELL = {HEALTHY: (E.ALARM_OFF, E.BOARD_BACK)}


def clear_forward(*tell: A, expected: str = "") -> Go[S, A]:
    """We called and end it: idle bits, then wait for the far end's."""
    return Go(S.RELEASING, (*QUIET, A.SEND_IDLE, *tell, A.LOOK_AGAIN), expected)


def cleared_by_far(*tell: A) -> Go[S, A]:
    """The far end called and cleared: our idle bits are the release guard."""
    return Go(S.GUARD, (*QUIET, A.SEND_IDLE, *tell))


def breakdown(alarm: A, failure: A) -> dict[E, Go[S, A]]:
    """Alarm and loss of the board during a call."""
    return {
        E.ALARM: Go(S.ALARM, (*QUIET, A.SEND_BLOCKED, alarm, A.RELEASED)),
        E.BOARD_LOST: Go(S.LOST, (*QUIET, failure, A.RELEASED)),
    }


SEIZING_DOWN = breakdown(A.TELL_ALARM, A.TELL_FAULT)
SETUP_DOWN = breakdown(A.CLEARED_ORDER, A.CLEARED_FAILURE)
TALK_DOWN = breakdown(A.CLEARED_FAILURE, A.CLEARED_FAILURE)
NO_CALL_DOWN = {
    E.ALARM: Go(S.ALARM, (*QUIET, A.SEND_BLOCKED, A.RELEASED)),
    E.BOARD_LOST: Go(S.LOST, (*QUIET, A.RELEASED)),
}
IDLE_DOWN = {E.ALARM: Go(S.ALARM, (A.SEND_BLOCKED,)), E.BOARD_LOST: Go(S.LOST)}
SEIZED_HERE = Go(S.SEIZED, (A.SEND_ACKNOWLEDGED, A.CLEAR_DIGITS, A.HEAR_DIGITS))
OUT_HANGS_UP = dict.fromkeys(ENDS, clear_forward())
OUT_TONES = {
    E.BUSY: clear_forward(A.CLEARED_BUSY), E.CONGESTION: clear_forward(A.CLEARED_CONGESTION),
    E.VACANT: clear_forward(A.CLEARED_VACANT),
}  # fmt: skip
OUT_WRONG = {
    E.BITS_SEIZED: clear_forward(A.CLEARED_FAILURE, expected="an answer"),
    E.BITS_IDLE: clear_forward(A.CLEARED_FAILURE, expected="an answer or clear-back"),
}
OUT_REFUSED = {UNDER_WAY: (E.SEIZE,), OURS: (E.ANSWER, E.ACCEPT), IN_CALL: (E.BLOCK,),
               NOT_CLOSED: (E.UNBLOCK,)}  # fmt: skip
IN_REFUSED = {UNDER_WAY: (E.SEIZE,), IN_CALL: (E.BLOCK,), NOT_CLOSED: (E.UNBLOCK,)}
REFUSE = Go(S.RELEASING, (*QUIET, A.SEND_REFUSAL, A.LOOK_AGAIN))
OFFER = Go(S.OFFERED, (A.HEAR_NOTHING, A.TELL_OFFERED))
IN_WRONG = (E.BITS_ANSWERED, E.BITS_BACK)
IN_SETUP = {
    E.ANSWER: Go(S.CONNECTED_IN, (A.STOP_TONE, A.SEND_ANSWERED, A.ANSWERED_BY_US)),
    E.REJECT: REFUSE, E.HANG_UP: REFUSE, E.BITS_IDLE: cleared_by_far(A.CLEARED),
    E.TIMEOUT: Go(S.RELEASING, (*QUIET, A.SEND_REFUSAL, A.CLEARED_TIMER, A.LOOK_AGAIN)),
    E.FAULT: Go(S.RELEASING, (*QUIET, A.SEND_REFUSAL, A.CLEARED_FAILURE, A.LOOK_AGAIN)),
    **dict.fromkeys(IN_WRONG, Go(None, (), "clear-forward")), **SETUP_DOWN,
}  # fmt: skip

ROWS: Rows[S, E, A] = {
    S.IDLE: state(
        {
            E.SEIZE: Go(S.SEIZING, (A.SEND_SEIZED,)), E.BLOCK: Go(S.CLOSED, (A.SEND_BLOCKED,)),
            E.BITS_SEIZED: SEIZED_HERE, E.BITS_BACK: Go(S.BLOCKED),
            E.BITS_ANSWERED: Go(S.BLOCKED, (), "seizure"), **IDLE_DOWN,
        },
        ignore={**FREE, **WELL, NO_CALL: (*ENDS, E.FAULT), SAME: (E.BITS_IDLE,),
                NOT_RUNNING: (E.TIMEOUT,)},
        refuse={NO_CALL: (E.ANSWER, E.ACCEPT), NOT_CLOSED: (E.UNBLOCK,)},
    ),
    S.BLOCKED: state(
        {
            E.BITS_IDLE: Go(S.IDLE), E.BITS_SEIZED: SEIZED_HERE,
            E.BLOCK: Go(S.CLOSED, (A.SEND_BLOCKED,)), **IDLE_DOWN,
        },
        ignore={**FREE, **WELL, NO_CALL: (*ENDS, E.FAULT), NOT_RUNNING: (E.TIMEOUT,),
                WAITING: (E.BITS_BACK, E.BITS_ANSWERED)},
        refuse={"blocked by the far end": (E.SEIZE,), NO_CALL: (E.ANSWER, E.ACCEPT),
                NOT_CLOSED: (E.UNBLOCK,)},
    ),
    S.CLOSED: state(
        {E.UNBLOCK: Go(S.GUARD, (A.SEND_IDLE,)), **IDLE_DOWN},
        ignore={**FREE, **WELL, NO_CALL: (*ENDS, E.FAULT), NOT_RUNNING: (E.TIMEOUT,),
                "looked at when we open again": (E.BITS_IDLE, E.BITS_SEIZED, E.BITS_ANSWERED,
                                                 E.BITS_BACK),
                "blocked already": (E.BLOCK,)},
        refuse={"blocked by us": (E.SEIZE,), NO_CALL: (E.ANSWER, E.ACCEPT)},
    ),
    S.SEIZING: state(
        {
            E.BITS_BACK: Go(S.ADDRESS, (A.SEND_DIGITS,)),
            E.BITS_SEIZED: Go(S.DOUBLE, (A.TELL_GLARE,)),
            E.BITS_ANSWERED: clear_forward(A.TELL_PROTOCOL, expected="acknowledgement"),
            E.TIMEOUT: clear_forward(A.TELL_NO_ACK), E.FAULT: clear_forward(A.TELL_FAULT),
            **OUT_HANGS_UP, **SEIZING_DOWN,
        },
        ignore={**FREE, **WELL, "the acknowledgement is awaited": (E.BITS_IDLE,)},
        refuse=OUT_REFUSED,
    ),
    S.ADDRESS: state(
        {
            E.DIALLED: Go(S.PROCEEDING, (A.HEAR_TONES, A.TELL_PROCEEDING)),
            E.BITS_ANSWERED: Go(S.CONNECTED_OUT, (*QUIET, A.TELL_PROCEEDING, A.ANSWERED_BITS)),
            E.TIMEOUT: clear_forward(A.CLEARED_FAILURE), E.FAULT: clear_forward(A.CLEARED_FAILURE),
            **OUT_HANGS_UP, **OUT_WRONG, **SETUP_DOWN,
        },
        ignore={LATE: (*TONES, *DIGITS), SAME: (E.BITS_BACK,), **WELL},
        refuse=OUT_REFUSED,
    ),
    S.PROCEEDING: state(
        {
            E.RINGBACK: Go(S.ALERTING, (A.TELL_ALERTING,)),
            E.BITS_ANSWERED: Go(S.CONNECTED_OUT, (*QUIET, A.ANSWERED_BITS)),
            E.TIMEOUT: clear_forward(A.CLEARED_NO_RESPONSE),
            E.FAULT: clear_forward(A.CLEARED_FAILURE),
            **OUT_HANGS_UP, **OUT_TONES, **OUT_WRONG, **SETUP_DOWN,
        },
        ignore={LATE: DIGITS, SAME: (E.BITS_BACK,), "all was sent": (E.DIALLED,), **WELL},
        refuse=OUT_REFUSED,
    ),
    S.ALERTING: state(
        {
            E.BITS_ANSWERED: Go(S.CONNECTED_OUT, (*QUIET, A.ANSWERED_BITS)),
            E.TIMEOUT: clear_forward(A.CLEARED_NO_ANSWER),
            E.FAULT: clear_forward(A.CLEARED_FAILURE),
            **OUT_HANGS_UP, **OUT_TONES, **OUT_WRONG, **SETUP_DOWN,
        },
        ignore={LATE: DIGITS, SAME: (E.BITS_BACK,), "all was sent": (E.DIALLED,),
                "heard already": (E.RINGBACK,), **WELL},
        refuse=OUT_REFUSED,
    ),
    S.CONNECTED_OUT: state(
        {
            E.BITS_BACK: clear_forward(A.CLEARED),
            E.BITS_IDLE: clear_forward(A.CLEARED, expected="clear-back"),
            E.BITS_SEIZED: clear_forward(A.CLEARED_FAILURE, expected="clear-back"),
            E.TIMEOUT: clear_forward(A.CLEARED_TIMER), E.FAULT: clear_forward(A.CLEARED_FAILURE),
            **OUT_HANGS_UP, **TALK_DOWN,
        },
        ignore={**FREE, **WELL, SAME: (E.BITS_ANSWERED,)},
        refuse=OUT_REFUSED,
    ),
    S.DOUBLE: state(
        {
            E.TIMEOUT: clear_forward(), E.FAULT: clear_forward(), **NO_CALL_DOWN,
        },
        ignore={**FREE, **WELL, NO_CALL: ENDS,
                "the seizure is held first": (E.BITS_IDLE, E.BITS_SEIZED, E.BITS_ANSWERED,
                                              E.BITS_BACK)},
        refuse={"both ends seized": (E.SEIZE,), NO_CALL: (E.ANSWER, E.ACCEPT),
                IN_CALL: (E.BLOCK,), NOT_CLOSED: (E.UNBLOCK,)},
    ),
    S.RELEASING: state(
        {
            E.BITS_IDLE: Go(S.GUARD, (A.STOP_TONE, A.SEND_IDLE)),
            E.TIMEOUT: Go(S.BLOCKED, (A.STOP_TONE, A.SEND_IDLE, A.RELEASED), "idle"),
            E.FAULT: Go(S.BLOCKED, (A.RELEASED,)), **NO_CALL_DOWN,
        },
        ignore={**FREE, **WELL, "released already": ENDS,
                WAITING: (E.BITS_SEIZED, E.BITS_ANSWERED, E.BITS_BACK)},
        refuse={"the timeslot is not idle yet": (E.SEIZE,), NO_CALL: (E.ANSWER, E.ACCEPT),
                IN_CALL: (E.BLOCK,), NOT_CLOSED: (E.UNBLOCK,)},
    ),
    S.SEIZED: state(
        {
            E.DIGIT: Go(S.COLLECTING, (A.KEEP_DIGIT,)), E.BITS_IDLE: cleared_by_far(),
            E.TIMEOUT: REFUSE, E.FAULT: REFUSE,
            **dict.fromkeys(IN_WRONG, Go(None, (), "clear-forward")), **NO_CALL_DOWN,
        },
        ignore={LATE: (*TONES, E.COMPLETE), NOT_DIALLING: (E.DIALLED,), NO_CALL: ENDS,
                SAME: (E.BITS_SEIZED,), **WELL},
        refuse={**IN_REFUSED, "not offered yet": (E.ANSWER, E.ACCEPT)},
    ),
    S.COLLECTING: state(
        {
            E.DIGIT: Go(S.COLLECTING, (A.KEEP_DIGIT,)), E.COMPLETE: OFFER, E.TIMEOUT: OFFER,
            E.BITS_IDLE: cleared_by_far(), E.FAULT: REFUSE,
            **dict.fromkeys(IN_WRONG, Go(None, (), "clear-forward")), **NO_CALL_DOWN,
        },
        ignore={LATE: TONES, NOT_DIALLING: (E.DIALLED,), NO_CALL: ENDS, SAME: (E.BITS_SEIZED,),
                **WELL},
        refuse={**IN_REFUSED, "not offered yet": (E.ANSWER, E.ACCEPT)},
    ),
    S.OFFERED: state(
        {E.ACCEPT: Go(S.ACCEPTED, (A.SEND_RINGBACK,)), **IN_SETUP},
        ignore={LATE: TONES, NOT_DIALLING: (E.DIALLED,), "the number is whole": DIGITS,
                SAME: (E.BITS_SEIZED,), **WELL},
        refuse=IN_REFUSED,
    ),
    S.ACCEPTED: state(
        IN_SETUP,
        ignore={LATE: TONES, NOT_DIALLING: (E.DIALLED,), "the number is whole": DIGITS,
                SAME: (E.BITS_SEIZED,), "accepted already": (E.ACCEPT,), **WELL},
        refuse=IN_REFUSED,
    ),
    S.CONNECTED_IN: state(
        {
            E.HANG_UP: Go(S.CLEARING, (A.SEND_CLEAR_BACK,)),
            E.REJECT: Go(S.CLEARING, (A.SEND_CLEAR_BACK,)),
            E.BITS_IDLE: cleared_by_far(A.CLEARED),
            E.TIMEOUT: Go(S.CLEARING, (A.SEND_CLEAR_BACK, A.CLEARED_TIMER)),
            E.FAULT: Go(S.CLEARING, (A.SEND_CLEAR_BACK, A.CLEARED_FAILURE)),
            **dict.fromkeys(IN_WRONG, Go(None, (), "clear-forward")), **TALK_DOWN,
        },
        ignore={**FREE, **WELL, SAME: (E.BITS_SEIZED,)},
        refuse={**IN_REFUSED, "answered already": (E.ANSWER, E.ACCEPT)},
    ),
    S.CLEARING: state(
        {
            E.BITS_IDLE: cleared_by_far(), E.TIMEOUT: clear_forward(), E.FAULT: clear_forward(),
            **dict.fromkeys(IN_WRONG, Go(None, (), "clear-forward")), **NO_CALL_DOWN,
        },
        ignore={**FREE, **WELL, "cleared already": ENDS,
                "the far end holds the seizure still": (E.BITS_SEIZED,)},
        refuse={**IN_REFUSED, NO_CALL: (E.ANSWER, E.ACCEPT)},
    ),
    S.GUARD: state(
        {
            E.TIMEOUT: Go(S.IDLE, (A.RELEASED, A.LOOK_AGAIN)),
            E.BITS_SEIZED: Go(S.SEIZED, (A.RELEASED, A.SEND_ACKNOWLEDGED, A.CLEAR_DIGITS,
                                         A.HEAR_DIGITS)),
            E.FAULT: Go(S.GUARD), **NO_CALL_DOWN,
        },
        ignore={**FREE, **WELL, "released already": ENDS,
                "looked at when the guard time is over": (E.BITS_IDLE, E.BITS_ANSWERED,
                                                          E.BITS_BACK)},
        refuse={"the timeslot is not idle yet": (E.SEIZE,), NO_CALL: (E.ANSWER, E.ACCEPT),
                IN_CALL: (E.BLOCK,), NOT_CLOSED: (E.UNBLOCK,)},
    ),
    S.ALARM: state(
        {E.ALARM_OFF: Go(S.GUARD, (A.SEND_IDLE,)), E.BOARD_LOST: Go(S.LOST)},
        ignore={**FREE, NO_CALL: (*ENDS, E.FAULT), "in alarm already": (E.ALARM,),
                "done when the alarm is over": (E.BLOCK, E.UNBLOCK),
                "bits mean nothing in an alarm": (E.BITS_IDLE, E.BITS_SEIZED, E.BITS_ANSWERED,
                                                  E.BITS_BACK),
                HEALTHY: (E.BOARD_BACK,), NOT_RUNNING: (E.TIMEOUT,)},
        refuse={"the span is in alarm": (E.SEIZE,), NO_CALL: (E.ANSWER, E.ACCEPT)},
    ),
    S.LOST: state(
        {E.BOARD_BACK: Go(S.GUARD, (A.RESYNC, A.SEND_IDLE))},
        ignore={**FREE, NO_CALL: (*ENDS, E.FAULT), "the board is lost": (
                    E.BITS_IDLE, E.BITS_SEIZED, E.BITS_ANSWERED, E.BITS_BACK, E.ALARM,
                    E.ALARM_OFF, E.BOARD_LOST),
                "done when the board is back": (E.BLOCK, E.UNBLOCK), NOT_RUNNING: (E.TIMEOUT,)},
        refuse={"the board is lost": (E.SEIZE, E.ANSWER, E.ACCEPT)},
    ),
}  # fmt: skip

LIMITS = {
    S.SEIZING: Limit(2_000, "ITU-T Q.422: the acknowledgement, satellites included, within 2 s"),
    S.ADDRESS: Limit(30_000, "chosen: 60 digits take 8.4 s"),
    S.PROCEEDING: Limit(60_000, "chosen: post-dial delay after ITU-T E.721 is far below"),
    S.ALERTING: Limit(120_000, "chosen: exchanges give up after 60 to 90 s"),
    S.CONNECTED_OUT: Limit(43_200_000, "chosen: 12 h is a stuck line, not a conversation"),
    S.DOUBLE: Limit(100, "ITU-T Q.422: at double seizure held at least 100 ms"),
    S.RELEASING: Limit(10_000, "chosen: then the far end counts as blocked"),
    S.SEIZED: Limit(10_000, "chosen: exchanges send the first digit within 2 s"),
    S.COLLECTING: Limit(3_000, "chosen: digits follow each other within 0.2 s"),
    S.OFFERED: Limit(60_000, "chosen: nobody listens that long to nothing"),
    S.ACCEPTED: Limit(120_000, "chosen: as long as exchanges ring"),
    S.CONNECTED_IN: Limit(43_200_000, "chosen: 12 h is a stuck line, not a conversation"),
    S.CLEARING: Limit(120_000, "ITU-T Q.118: 1 to 2 minutes until the caller's end clears"),
    S.GUARD: Limit(100, "chosen: longer than the recognition time of 20 ms and two frames"),
}

CAS = Table(
    name="CAS after Q.421", states=S, events=E, actions=A,
    commands=frozenset({E.SEIZE, E.ANSWER, E.ACCEPT, E.REJECT, E.HANG_UP, E.BLOCK, E.UNBLOCK}),
    start=S.IDLE, rest=frozenset({S.IDLE, S.BLOCKED, S.CLOSED, S.ALARM, S.LOST}),
    timeout=E.TIMEOUT, fault=E.FAULT, rows=ROWS, limits=LIMITS,
)  # fmt: skip
