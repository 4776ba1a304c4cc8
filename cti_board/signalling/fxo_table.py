"""Room: loop start towards an exchange (FXO), as data.  Must not know a channel, a loop or a call.

What an analog line can and cannot say: without a polarity reversal it has no answer signal, and
without a tone, a reversal or a loop break nothing tells that the far end has left.  The table
names the method with each answer; `docs/signalling.md` says what each is worth.
"""

from enum import unique
from typing import TypeAlias

from cti_board.fsm import Go, Limit, Rows, Symbol, Table, state
from cti_board.signalling.cause import Cause


class FxoState(Symbol):
    IDLE = "idle"
    ID_EARLY = "id_early"  # polarity changed on-hook: the caller's number may come before ring 1
    RINGING = "ringing"  # a burst, or the pause after it; not offered yet
    ID_GAP = "id_gap"  # the pause in which the caller's number may come
    OFFERED = "offered"
    REFUSED = "refused"  # it rings on and nobody will answer
    SEIZING = "seizing"  # loop taken, dial tone awaited
    DIALLING = "dialling"
    PROCEEDING = "proceeding"  # number sent, nothing known
    HEARING = "hearing"  # sound that no tone of the plan accounts for, so far
    ALERTING = "alerting"  # ringback
    RINGBACK_ENDED = "ringback_ended"
    FRESH = "fresh"  # the first seconds of a conversation
    CONNECTED = "connected"
    GLARE = "glare"  # we seized, and it was a call to us
    GUARD = "guard"  # on-hook, until the exchange has surely seen it
    NO_FEED = "no_feed"
    LOST = "lost"  # the board is gone


class FxoEvent(Symbol):
    SEIZE = "seize"
    ANSWER = "answer"
    ACCEPT = "accept"
    REJECT = "reject"
    HANG_UP = "hang_up"
    RING = "ring"
    RING_OFF = "ring_off"
    RING_TRIPPED = "ring_tripped"  # it rang before we took the loop
    RING_STOPPED = "ring_stopped"
    CALLER_ID = "caller_id"
    OFFER = "offer"  # ours: enough rings, and the number known or not coming
    DIAL_TONE = "dial_tone"
    RINGBACK = "ringback"
    RINGBACK_GONE = "ringback_gone"
    BUSY = "busy"
    CONGESTION = "congestion"
    VACANT = "vacant"
    TALK = "talk"
    DIALLED = "dialled"
    REVERSED = "reversed"  # away from the polarity that the idle line had
    REVERSED_BACK = "reversed_back"
    LOOP_BREAK = "loop_break"
    FEED_LOST = "feed_lost"
    FEED_BACK = "feed_back"
    BOARD_LOST = "board_lost"
    BOARD_BACK = "board_back"
    FAULT = "fault"
    TIMEOUT = "timeout"


@unique
class FxoAction(Symbol):
    """The value: the line's method and its arguments."""

    TAKE_LOOP = ("take_loop",)
    LEAVE_LOOP = ("leave_loop",)
    SEND_DIGITS = ("send_digits",)
    FIRST_RING = ("first_ring",)
    COUNT_RING = ("count_ring",)
    ID_OVER = ("id_over",)
    OFFER_IF_DUE = ("offer_if_due",)
    HEAR_IDLE = ("hear_idle",)
    HEAR_ID = ("hear_id",)
    HEAR_PROGRESS = ("hear_progress",)
    HEAR_ANSWER = ("hear_answer",)
    HEAR_CALL = ("hear_call",)
    RESYNC = ("resync",)
    TELL_OFFERED = ("tell_offered",)
    TELL_GLARE = ("tell_seize_failed", Cause.CIRCUIT_NOT_AVAILABLE, "glare")
    TELL_NO_DIAL_TONE = ("tell_seize_failed", Cause.NO_CIRCUIT, "no dial tone")
    TELL_LINE_BUSY = ("tell_seize_failed", Cause.NO_CIRCUIT, "busy tone instead of dial tone")
    TELL_NO_FEED = ("tell_seize_failed", Cause.OUT_OF_ORDER, "no feed on the line")
    TELL_FAULT = ("tell_seize_failed", Cause.TEMPORARY_FAILURE, "the board failed")
    TELL_PROCEEDING = ("tell_proceeding",)
    TELL_ALERTING = ("tell_alerting",)
    ANSWERED_BY_US = ("tell_answered", "us")
    ANSWERED_REVERSAL = ("tell_answered", "polarity reversal")
    ANSWERED_RINGBACK = ("tell_answered", "end of ringback")
    ANSWERED_TALK = ("tell_answered", "sound without a tone")
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


S: TypeAlias = FxoState
E: TypeAlias = FxoEvent
A: TypeAlias = FxoAction

TONES = (E.DIAL_TONE, E.RINGBACK, E.RINGBACK_GONE, E.BUSY, E.CONGESTION, E.VACANT, E.TALK)
POLARITY = (E.REVERSED, E.REVERSED_BACK)
RINGS = (E.RING, E.RING_OFF, E.RING_TRIPPED, E.RING_STOPPED)
RING_ENDS = (E.RING_OFF, E.RING_TRIPPED, E.RING_STOPPED)

LATE = "the detectors are off: a late report"
NO_CALL = "there is no call"
UNDER_WAY = "a call is under way on this line"
OURS = "the call is ours, nothing was offered"
NOT_DIALLING = "nothing is being dialled"
NOT_RUNNING = "no such timer runs"
FEEDS = "the feed is there"
PRESENT = "the board is there"
NOT_SPEAKING = "says nothing about a call in this state"
TRIPPED = "the end of the ringing that our off-hook trips"

OFF = (A.LEAVE_LOOP, A.HEAR_IDLE)
HANG = Go(S.GUARD, OFF)
FAILED = Go(S.GUARD, (*OFF, A.CLEARED_FAILURE))
NORMAL = Go(S.GUARD, (*OFF, A.CLEARED))
OVER_FEED = Go(S.NO_FEED, (*OFF, A.CLEARED_ORDER, A.RELEASED))
OVER_BOARD = Go(S.LOST, (*OFF, A.CLEARED_FAILURE, A.RELEASED))
TONE_CLEARS = {
    E.BUSY: Go(S.GUARD, (*OFF, A.CLEARED_BUSY)),
    E.CONGESTION: Go(S.GUARD, (*OFF, A.CLEARED_CONGESTION)),
    E.VACANT: Go(S.GUARD, (*OFF, A.CLEARED_VACANT)),
}
CALL_OVER = {
    E.HANG_UP: HANG, E.REJECT: HANG, E.FEED_LOST: OVER_FEED, E.BOARD_LOST: OVER_BOARD,
    E.FAULT: FAILED,
}  # fmt: skip
ANSWER_REVERSAL = Go(S.FRESH, (A.HEAR_CALL, A.ANSWERED_REVERSAL))
OUTGOING_REFUSED = {UNDER_WAY: (E.SEIZE,), OURS: (E.ANSWER, E.ACCEPT)}
RING_HERE = Go(S.RINGING, (A.FIRST_RING, A.HEAR_ID, A.OFFER_IF_DUE))
RING_AGAIN = Go(S.RINGING, (A.COUNT_RING, A.OFFER_IF_DUE))
RING_FEED = Go(S.NO_FEED, (A.HEAR_IDLE,))
RING_BOARD = Go(S.LOST, (A.HEAR_IDLE,))
RING_FAULT = Go(S.IDLE, (A.HEAR_IDLE,))
ID_AWAITED = Go(S.ID_EARLY, (A.HEAR_ID,))
ID_HERE: Go[S, A] = Go(None, (A.OFFER_IF_DUE,))
OFFER = Go(S.OFFERED, (A.TELL_OFFERED, A.HEAR_IDLE))
NOT_OFFERED = {"not offered yet": (E.ANSWER, E.ACCEPT), UNDER_WAY: (E.SEIZE,)}
GLARE_HERE = Go(S.GLARE, (A.TELL_GLARE, A.RELEASED, A.HEAR_CALL, A.TELL_OFFERED))
SEIZE_OFF = Go(S.GUARD, (*OFF, A.TELL_LINE_BUSY))

ROWS: Rows[S, E, A] = {
    S.IDLE: state(
        {
            E.SEIZE: Go(S.SEIZING, (A.TAKE_LOOP, A.HEAR_PROGRESS)),
            E.RING: RING_HERE, E.REVERSED: ID_AWAITED, E.REVERSED_BACK: ID_AWAITED,
            E.FEED_LOST: Go(S.NO_FEED),
            E.BOARD_LOST: Go(S.LOST),
        },
        ignore={
            LATE: TONES, NO_CALL: (E.HANG_UP, E.REJECT, *RING_ENDS, E.OFFER),
            "kept for the ringing that follows": (E.CALLER_ID,), NOT_DIALLING: (E.DIALLED,),
            NOT_SPEAKING: (E.LOOP_BREAK, E.FAULT), FEEDS: (E.FEED_BACK,),
            PRESENT: (E.BOARD_BACK,), NOT_RUNNING: (E.TIMEOUT,),
        },
        refuse={NO_CALL: (E.ANSWER, E.ACCEPT)},
    ),
    S.ID_EARLY: state(
        {
            E.RING: RING_HERE, E.TIMEOUT: RING_FAULT, E.FAULT: RING_FAULT,
            E.FEED_LOST: RING_FEED, E.BOARD_LOST: RING_BOARD,
        },
        ignore={
            LATE: TONES, NO_CALL: (E.HANG_UP, E.REJECT, *RING_ENDS, E.OFFER),
            "kept for the ringing that follows": (E.CALLER_ID,), NOT_DIALLING: (E.DIALLED,),
            NOT_SPEAKING: (*POLARITY, E.LOOP_BREAK), FEEDS: (E.FEED_BACK,),
            PRESENT: (E.BOARD_BACK,),
        },
        refuse={"a call is about to come in": (E.SEIZE,), NO_CALL: (E.ANSWER, E.ACCEPT)},
    ),
    S.RINGING: state(
        {
            E.RING: RING_AGAIN, E.RING_OFF: Go(S.ID_GAP), E.CALLER_ID: ID_HERE, E.OFFER: OFFER,
            E.RING_STOPPED: Go(S.IDLE, (A.HEAR_IDLE,)), E.TIMEOUT: Go(S.IDLE, (A.HEAR_IDLE,)),
            E.FEED_LOST: RING_FEED, E.BOARD_LOST: RING_BOARD, E.FAULT: RING_FAULT,
        },
        ignore={
            LATE: TONES, NO_CALL: (E.HANG_UP, E.REJECT), NOT_DIALLING: (E.DIALLED,),
            NOT_SPEAKING: (*POLARITY, E.LOOP_BREAK, E.RING_TRIPPED), FEEDS: (E.FEED_BACK,),
            PRESENT: (E.BOARD_BACK,),
        },
        refuse=NOT_OFFERED,
    ),
    S.ID_GAP: state(
        {
            E.RING: RING_AGAIN, E.CALLER_ID: ID_HERE, E.OFFER: OFFER,
            E.RING_STOPPED: Go(S.IDLE, (A.HEAR_IDLE,)),
            E.TIMEOUT: Go(S.RINGING, (A.ID_OVER, A.OFFER_IF_DUE)),
            E.FEED_LOST: RING_FEED, E.BOARD_LOST: RING_BOARD, E.FAULT: RING_FAULT,
        },
        ignore={
            LATE: TONES, NO_CALL: (E.HANG_UP, E.REJECT), NOT_DIALLING: (E.DIALLED,),
            NOT_SPEAKING: (*POLARITY, E.LOOP_BREAK, E.RING_OFF, E.RING_TRIPPED),
            FEEDS: (E.FEED_BACK,), PRESENT: (E.BOARD_BACK,),
        },
        refuse=NOT_OFFERED,
    ),
    S.OFFERED: state(
        {
            E.ANSWER: Go(S.FRESH, (A.TAKE_LOOP, A.HEAR_CALL, A.ANSWERED_BY_US)),
            E.ACCEPT: Go(None), E.REJECT: Go(S.REFUSED), E.HANG_UP: Go(S.REFUSED),
            E.RING_STOPPED: Go(S.IDLE, (A.CLEARED, A.RELEASED)),
            E.TIMEOUT: Go(S.REFUSED, (A.CLEARED_TIMER,)),
            E.FEED_LOST: Go(S.NO_FEED, (A.CLEARED_ORDER, A.RELEASED)),
            E.BOARD_LOST: Go(S.LOST, (A.CLEARED_FAILURE, A.RELEASED)),
            E.FAULT: Go(S.REFUSED, (A.CLEARED_FAILURE,)),
        },
        ignore={
            LATE: TONES, "it rings on": (E.RING, E.RING_OFF, E.RING_TRIPPED),
            NOT_DIALLING: (E.DIALLED,), "it was offered without it": (E.CALLER_ID, E.OFFER),
            NOT_SPEAKING: (*POLARITY, E.LOOP_BREAK), FEEDS: (E.FEED_BACK,),
            PRESENT: (E.BOARD_BACK,),
        },
        refuse={UNDER_WAY: (E.SEIZE,)},
    ),
    S.REFUSED: state(
        {
            E.RING: Go(S.REFUSED), E.RING_STOPPED: Go(S.IDLE, (A.RELEASED,)),
            E.TIMEOUT: Go(S.IDLE, (A.RELEASED,)), E.FEED_LOST: Go(S.NO_FEED, (A.RELEASED,)),
            E.BOARD_LOST: Go(S.LOST, (A.RELEASED,)), E.FAULT: Go(S.IDLE, (A.RELEASED,)),
        },
        ignore={
            LATE: TONES, "refused already": (E.REJECT, E.HANG_UP), NOT_DIALLING: (E.DIALLED,),
            "it rings on": (E.RING_OFF, E.RING_TRIPPED, E.CALLER_ID, E.OFFER),
            NOT_SPEAKING: (*POLARITY, E.LOOP_BREAK), FEEDS: (E.FEED_BACK,),
            PRESENT: (E.BOARD_BACK,),
        },
        refuse={"the call was refused": (E.ANSWER, E.ACCEPT), UNDER_WAY: (E.SEIZE,)},
    ),
    S.SEIZING: state(
        {
            E.DIAL_TONE: Go(S.DIALLING, (A.SEND_DIGITS,)),
            E.TIMEOUT: Go(S.GUARD, (*OFF, A.TELL_NO_DIAL_TONE)),
            E.RING: GLARE_HERE, E.RING_TRIPPED: GLARE_HERE,
            E.HANG_UP: HANG, E.REJECT: HANG,
            E.BUSY: SEIZE_OFF, E.CONGESTION: SEIZE_OFF, E.VACANT: SEIZE_OFF,
            E.FEED_LOST: Go(S.NO_FEED, (*OFF, A.TELL_NO_FEED, A.RELEASED)),
            E.BOARD_LOST: Go(S.LOST, (*OFF, A.TELL_FAULT, A.RELEASED)),
            E.FAULT: Go(S.GUARD, (*OFF, A.TELL_FAULT)),
        },
        ignore={
            "only a dial tone counts": (E.RINGBACK, E.RINGBACK_GONE, E.TALK),
            TRIPPED: (E.RING_OFF, E.RING_STOPPED), NO_CALL: (E.CALLER_ID, E.OFFER),
            NOT_SPEAKING: (*POLARITY, E.LOOP_BREAK), NOT_DIALLING: (E.DIALLED,),
            FEEDS: (E.FEED_BACK,), PRESENT: (E.BOARD_BACK,),
        },
        refuse=OUTGOING_REFUSED,
    ),
    S.DIALLING: state(
        {
            E.DIALLED: Go(S.PROCEEDING, (A.HEAR_ANSWER, A.TELL_PROCEEDING)),
            E.RINGBACK: Go(S.ALERTING, (A.TELL_PROCEEDING, A.TELL_ALERTING)),
            E.REVERSED: ANSWER_REVERSAL, E.TIMEOUT: FAILED, **TONE_CLEARS, **CALL_OVER,
        },
        ignore={
            "ends with the first digit": (E.DIAL_TONE,), "our own digits": (E.TALK,),
            NOT_SPEAKING: (E.RINGBACK_GONE, E.REVERSED_BACK, E.LOOP_BREAK),
            TRIPPED: RINGS, NO_CALL: (E.CALLER_ID, E.OFFER), FEEDS: (E.FEED_BACK,),
            PRESENT: (E.BOARD_BACK,),
        },
        refuse=OUTGOING_REFUSED,
    ),
    S.PROCEEDING: state(
        {
            E.TALK: Go(S.HEARING), E.RINGBACK: Go(S.ALERTING, (A.TELL_ALERTING,)),
            E.REVERSED: ANSWER_REVERSAL, E.DIAL_TONE: NORMAL,
            E.TIMEOUT: Go(S.GUARD, (*OFF, A.CLEARED_NO_RESPONSE)), **TONE_CLEARS, **CALL_OVER,
        },
        ignore={
            NOT_SPEAKING: (E.RINGBACK_GONE, E.REVERSED_BACK, E.LOOP_BREAK),
            "all was sent": (E.DIALLED,), TRIPPED: RINGS, NO_CALL: (E.CALLER_ID, E.OFFER),
            FEEDS: (E.FEED_BACK,), PRESENT: (E.BOARD_BACK,),
        },
        refuse=OUTGOING_REFUSED,
    ),
    S.HEARING: state(
        {
            E.RINGBACK: Go(S.ALERTING, (A.TELL_ALERTING,)), E.REVERSED: ANSWER_REVERSAL,
            E.DIAL_TONE: NORMAL, E.TIMEOUT: Go(S.FRESH, (A.HEAR_CALL, A.ANSWERED_TALK)),
            **TONE_CLEARS, **CALL_OVER,
        },
        ignore={
            "heard already": (E.TALK,), "all was sent": (E.DIALLED,), TRIPPED: RINGS,
            NOT_SPEAKING: (E.RINGBACK_GONE, E.REVERSED_BACK, E.LOOP_BREAK),
            NO_CALL: (E.CALLER_ID, E.OFFER), FEEDS: (E.FEED_BACK,), PRESENT: (E.BOARD_BACK,),
        },
        refuse=OUTGOING_REFUSED,
    ),
    S.ALERTING: state(
        {
            E.RINGBACK_GONE: Go(S.RINGBACK_ENDED), E.REVERSED: ANSWER_REVERSAL,
            E.DIAL_TONE: NORMAL, E.TIMEOUT: Go(S.GUARD, (*OFF, A.CLEARED_NO_ANSWER)),
            **TONE_CLEARS, **CALL_OVER,
        },
        ignore={
            "ringback is sound, too": (E.TALK,), "heard already": (E.RINGBACK,),
            "all was sent": (E.DIALLED,), TRIPPED: RINGS,
            NOT_SPEAKING: (E.REVERSED_BACK, E.LOOP_BREAK),
            NO_CALL: (E.CALLER_ID, E.OFFER), FEEDS: (E.FEED_BACK,), PRESENT: (E.BOARD_BACK,),
        },
        refuse=OUTGOING_REFUSED,
    ),
    S.RINGBACK_ENDED: state(
        {
            E.RINGBACK: Go(S.ALERTING), E.REVERSED: ANSWER_REVERSAL, E.DIAL_TONE: NORMAL,
            E.TIMEOUT: Go(S.FRESH, (A.HEAR_CALL, A.ANSWERED_RINGBACK)),
            **TONE_CLEARS, **CALL_OVER,
        },
        ignore={
            "a busy tone begins as sound, too": (E.TALK,), "heard already": (E.RINGBACK_GONE,),
            "all was sent": (E.DIALLED,), TRIPPED: RINGS,
            NOT_SPEAKING: (E.REVERSED_BACK, E.LOOP_BREAK),
            NO_CALL: (E.CALLER_ID, E.OFFER), FEEDS: (E.FEED_BACK,), PRESENT: (E.BOARD_BACK,),
        },
        refuse=OUTGOING_REFUSED,
    ),
    S.FRESH: state(
        {
            E.TIMEOUT: Go(S.CONNECTED), E.REVERSED_BACK: NORMAL, E.LOOP_BREAK: NORMAL,
            E.DIAL_TONE: NORMAL, E.BUSY: NORMAL, E.CONGESTION: NORMAL, E.VACANT: NORMAL,
            **CALL_OVER,
        },
        ignore={
            "the answer signal of a call that we know to be answered": (E.REVERSED,),
            NOT_SPEAKING: (E.RINGBACK, E.RINGBACK_GONE, E.TALK), "all was sent": (E.DIALLED,),
            TRIPPED: RINGS, "it was offered without it": (E.CALLER_ID, E.OFFER),
            FEEDS: (E.FEED_BACK,), PRESENT: (E.BOARD_BACK,),
        },
        refuse={UNDER_WAY: (E.SEIZE,), "answered already": (E.ANSWER, E.ACCEPT)},
    ),
    S.CONNECTED: state(
        {
            E.REVERSED: NORMAL, E.REVERSED_BACK: NORMAL, E.LOOP_BREAK: NORMAL,
            E.DIAL_TONE: NORMAL, E.BUSY: NORMAL, E.CONGESTION: NORMAL, E.VACANT: NORMAL,
            E.TIMEOUT: Go(S.GUARD, (*OFF, A.CLEARED_TIMER)),
            E.RING: Go(None, (), "no ringing on a closed loop"), **CALL_OVER,
        },
        ignore={
            NOT_SPEAKING: (E.RINGBACK, E.RINGBACK_GONE, E.TALK), "all was sent": (E.DIALLED,),
            TRIPPED: RING_ENDS,
            "it was offered without it": (E.CALLER_ID, E.OFFER),
            FEEDS: (E.FEED_BACK,), PRESENT: (E.BOARD_BACK,),
        },
        refuse={UNDER_WAY: (E.SEIZE,), "answered already": (E.ANSWER, E.ACCEPT)},
    ),
    S.GLARE: state(
        {
            E.ANSWER: Go(S.FRESH, (A.ANSWERED_BY_US,)), E.ACCEPT: Go(None),
            E.TIMEOUT: Go(S.GUARD, (*OFF, A.CLEARED_TIMER)), E.LOOP_BREAK: NORMAL,
            E.DIAL_TONE: NORMAL, E.BUSY: NORMAL, E.CONGESTION: NORMAL, E.VACANT: NORMAL,
            **CALL_OVER,
        },
        ignore={
            TRIPPED: RINGS, NOT_SPEAKING: (*POLARITY, E.RINGBACK, E.RINGBACK_GONE, E.TALK),
            "it was offered without it": (E.CALLER_ID, E.OFFER), NOT_DIALLING: (E.DIALLED,),
            FEEDS: (E.FEED_BACK,), PRESENT: (E.BOARD_BACK,),
        },
        refuse={UNDER_WAY: (E.SEIZE,)},
    ),
    S.GUARD: state(
        {
            E.TIMEOUT: Go(S.IDLE, (A.RELEASED,)),
            E.RING: Go(S.RINGING, (A.RELEASED, A.FIRST_RING, A.HEAR_ID, A.OFFER_IF_DUE)),
            E.FEED_LOST: Go(S.NO_FEED, (A.RELEASED,)),
            E.BOARD_LOST: Go(S.LOST, (A.RELEASED,)), E.FAULT: Go(S.GUARD),
        },
        ignore={
            LATE: TONES, "hung up already": (E.HANG_UP, E.REJECT),
            NOT_SPEAKING: (*POLARITY, E.LOOP_BREAK), NOT_DIALLING: (E.DIALLED,),
            NO_CALL: (*RING_ENDS, E.OFFER),
            "kept for the ringing that follows": (E.CALLER_ID,),
            FEEDS: (E.FEED_BACK,), PRESENT: (E.BOARD_BACK,),
        },
        refuse={"the line is not idle yet": (E.SEIZE,), NO_CALL: (E.ANSWER, E.ACCEPT)},
    ),
    S.NO_FEED: state(
        {E.FEED_BACK: Go(S.IDLE), E.RING: RING_HERE, E.BOARD_LOST: Go(S.LOST)},
        ignore={
            LATE: TONES, NO_CALL: (E.HANG_UP, E.REJECT, *RING_ENDS, E.OFFER),
            NOT_SPEAKING: (*POLARITY, E.LOOP_BREAK, E.FEED_LOST, E.CALLER_ID, E.FAULT),
            NOT_DIALLING: (E.DIALLED,), PRESENT: (E.BOARD_BACK,), NOT_RUNNING: (E.TIMEOUT,),
        },
        refuse={"the line has no feed": (E.SEIZE,), NO_CALL: (E.ANSWER, E.ACCEPT)},
    ),
    S.LOST: state(
        {E.BOARD_BACK: Go(S.IDLE, (A.LEAVE_LOOP, A.HEAR_IDLE, A.RESYNC))},
        ignore={
            LATE: (*TONES, *RINGS, *POLARITY, E.LOOP_BREAK, E.CALLER_ID, E.OFFER, E.DIALLED,
                   E.FEED_LOST, E.FEED_BACK, E.FAULT),
            NO_CALL: (E.HANG_UP, E.REJECT), "lost already": (E.BOARD_LOST,),
            NOT_RUNNING: (E.TIMEOUT,),
        },
        refuse={"the board is lost": (E.SEIZE, E.ANSWER, E.ACCEPT)},
    ),
}  # fmt: skip

LIMITS = {
    S.ID_EARLY: Limit(6_000, "chosen: ETSI EN 300 659-1: sent within 3 s, and a ring follows"),
    S.RINGING: Limit(8_000, "chosen: the detector reports the end of ringing after 6 s"),
    S.ID_GAP: Limit(2_500, "chosen: the message begins 0.5 s after ring 1 and takes 1.2 s"),
    S.OFFERED: Limit(120_000, "chosen: as long as exchanges ring"),
    S.REFUSED: Limit(10_000, "chosen: the detector reports the end of ringing after 6 s"),
    S.SEIZING: Limit(5_000, "chosen: a dial tone comes within 3 s and is known 1.5 s later"),
    S.DIALLING: Limit(120_000, "chosen: 60 digits in pulses take 100 s"),
    S.PROCEEDING: Limit(60_000, "chosen: post-dial delay after ITU-T E.721 is far below"),
    S.HEARING: Limit(7_000, "chosen: longer than one ringback cycle of any plan"),
    S.ALERTING: Limit(120_000, "chosen: exchanges give up after 60 to 90 s"),
    S.RINGBACK_ENDED: Limit(3_000, "chosen: three cycles of busy take 2.1 s"),
    S.FRESH: Limit(2_000, "chosen: an answer reversal comes within this"),
    S.CONNECTED: Limit(43_200_000, "chosen: 12 h is a stuck line, not a conversation"),
    S.GLARE: Limit(10_000, "chosen: the caller hears silence meanwhile"),
    S.GUARD: Limit(2_000, "chosen: exchanges take 0.4 to 1.5 s on-hook for clearing"),
}

FXO = Table(
    name="loop start, FXO", states=S, events=E, actions=A,
    commands=frozenset({E.SEIZE, E.ANSWER, E.ACCEPT, E.REJECT, E.HANG_UP}),
    start=S.IDLE, rest=frozenset({S.IDLE, S.NO_FEED, S.LOST}), timeout=E.TIMEOUT, fault=E.FAULT,
    rows=ROWS, limits=LIMITS,
)  # fmt: skip
