"""Room: loop start towards a telephone (FXS), as data.  Must not know a channel or a call."""

from enum import unique
from typing import TypeAlias

from cti_board.fsm import Go, Limit, Rows, Symbol, Table, state
from cti_board.signalling.cause import Cause


class FxsState(Symbol):
    IDLE = "idle"
    DIAL_TONE = "dial_tone"  # lifted, no digit yet
    DIALLING = "dialling"
    OFFERED = "offered"  # the telephone calls us
    ACCEPTED = "accepted"  # ... and hears ringback
    ID_FIRST = "id_first"  # the caller's number goes out in DTMF, then we ring
    ID_GAP = "id_gap"  # we ring; after the first burst the caller's number goes out by FSK
    RINGING = "ringing"  # we ring the telephone
    CONNECTED = "connected"
    BUSY = "busy"  # we are done, the handset is still off
    PARKED = "parked"  # ... and stays off
    LOST = "lost"  # the board is gone


class FxsEvent(Symbol):
    SEIZE = "seize"
    ANSWER = "answer"
    ACCEPT = "accept"
    REJECT = "reject"
    HANG_UP = "hang_up"
    OFF_HOOK = "off_hook"
    ON_HOOK = "on_hook"
    FLASH = "flash"
    DIGIT = "digit"
    COMPLETE = "complete"  # ours: the number is whole
    NO_DIALLING = "no_dialling"  # ours: this telephone may not call
    SEND_FIRST = "send_first"  # ours: a number to send, and how
    SEND_IN_GAP = "send_in_gap"
    SENT = "sent"  # our digits are out
    BOARD_LOST = "board_lost"
    BOARD_BACK = "board_back"
    FAULT = "fault"
    TIMEOUT = "timeout"


@unique
class FxsAction(Symbol):
    """The value: the line's method and its arguments."""

    RING = ("ring",)
    RING_ON = ("ring_on",)
    SEND_ID = ("send_id",)
    RING_STOP = ("ring_stop",)
    BEGIN_DIALLING = ("begin_dialling",)
    KEEP_DIGIT = ("keep_digit",)
    SEND_RINGBACK = ("send_tone", "ringback")
    SEND_BUSY = ("send_tone", "busy")
    SEND_REFUSAL = ("send_refusal",)
    STOP_TONE = ("stop_tone",)
    LOOP_BREAK = ("loop_break",)
    HEAR_NOTHING = ("hear_nothing",)
    RESYNC = ("resync",)
    TELL_OFFERED = ("tell_offered",)
    TELL_ALERTING = ("tell_alerting",)
    TELL_FAULT = ("tell_seize_failed", Cause.TEMPORARY_FAILURE, "the board failed")
    ANSWERED_BY_US = ("tell_answered", "us")
    ANSWERED_HOOK = ("tell_answered", "off-hook")
    CLEARED = ("tell_cleared", Cause.NORMAL_CLEARING)
    CLEARED_NO_ANSWER = ("tell_cleared", Cause.NO_ANSWER)
    CLEARED_FAILURE = ("tell_cleared", Cause.TEMPORARY_FAILURE)
    CLEARED_TIMER = ("tell_cleared", Cause.TIMER_EXPIRY)
    RELEASED = ("tell_released",)


S: TypeAlias = FxsState
E: TypeAlias = FxsEvent
A: TypeAlias = FxsAction

NO_CALL = "there is no call"
UNDER_WAY = "the telephone is in use"
OURS = "the call is ours, nothing was offered"
NO_NUMBER = "no number is being dialled"
NOT_RUNNING = "no such timer runs"
PRESENT = "the board is there"
LIFTED = "the handset is off already"
RESTING = "the handset is on already"
THEIRS = "the application hears it from the channel"
SENDING = "it is on its way already"
NOTHING_RINGS = "we do not ring this telephone"
OURS_TO_SEND = (E.SEND_FIRST, E.SEND_IN_GAP, E.SENT)
NOTHING_SENT = "we sent no digits, or ring already"
FLASHES = "a flash before the conversation means nothing"

QUIET = (A.STOP_TONE, A.HEAR_NOTHING)
DIALS = {
    E.ON_HOOK: Go(S.IDLE, QUIET), E.BOARD_LOST: Go(S.LOST, QUIET),
    E.FAULT: Go(S.BUSY, (A.HEAR_NOTHING, A.SEND_BUSY)),
}  # fmt: skip
OFFER = Go(S.OFFERED, (*QUIET, A.TELL_OFFERED))
CALLING = {
    E.ANSWER: Go(S.CONNECTED, (A.STOP_TONE, A.ANSWERED_BY_US)),
    E.REJECT: Go(S.BUSY, (A.SEND_REFUSAL,)), E.HANG_UP: Go(S.BUSY, (A.SEND_REFUSAL,)),
    E.ON_HOOK: Go(S.IDLE, (A.STOP_TONE, A.CLEARED, A.RELEASED)),
    E.TIMEOUT: Go(S.BUSY, (A.CLEARED_TIMER, A.SEND_BUSY)),
    E.BOARD_LOST: Go(S.LOST, (A.STOP_TONE, A.CLEARED_FAILURE, A.RELEASED)),
    E.FAULT: Go(S.BUSY, (A.CLEARED_FAILURE, A.SEND_BUSY)),
}  # fmt: skip

RING_ON = Go(S.RINGING, (A.RING_ON,))
CALLED = {
    E.OFF_HOOK: Go(S.CONNECTED, (A.RING_STOP, A.ANSWERED_HOOK)),
    E.HANG_UP: Go(S.IDLE, (A.RING_STOP, A.RELEASED)),
    E.REJECT: Go(S.IDLE, (A.RING_STOP, A.RELEASED)),
    E.BOARD_LOST: Go(S.LOST, (A.RING_STOP, A.CLEARED_FAILURE, A.RELEASED)),
    E.FAULT: Go(S.IDLE, (A.RING_STOP, A.TELL_FAULT, A.RELEASED)),
}
RINGING_REFUSED = {UNDER_WAY: (E.SEIZE,), OURS: (E.ANSWER, E.ACCEPT)}

ROWS: Rows[S, E, A] = {
    S.IDLE: state(
        {
            E.SEIZE: Go(S.RINGING, (A.RING, A.TELL_ALERTING)),
            E.OFF_HOOK: Go(S.DIAL_TONE, (A.BEGIN_DIALLING,)),
            E.BOARD_LOST: Go(S.LOST),
        },
        ignore={
            NOTHING_RINGS: OURS_TO_SEND,
            NO_CALL: (E.REJECT, E.HANG_UP, E.FLASH, E.FAULT), RESTING: (E.ON_HOOK,),
            NO_NUMBER: (E.DIGIT, E.COMPLETE, E.NO_DIALLING), PRESENT: (E.BOARD_BACK,),
            NOT_RUNNING: (E.TIMEOUT,),
        },
        refuse={NO_CALL: (E.ANSWER, E.ACCEPT)},
    ),
    S.DIAL_TONE: state(
        {
            E.DIGIT: Go(S.DIALLING, (A.STOP_TONE, A.KEEP_DIGIT)),
            E.NO_DIALLING: Go(S.BUSY, (A.SEND_BUSY,)),
            E.TIMEOUT: Go(S.BUSY, (A.HEAR_NOTHING, A.SEND_BUSY)), **DIALS,
        },
        ignore={
            NOTHING_RINGS: OURS_TO_SEND,
            LIFTED: (E.OFF_HOOK,), FLASHES: (E.FLASH,), NO_CALL: (E.REJECT, E.HANG_UP),
            NO_NUMBER: (E.COMPLETE,), PRESENT: (E.BOARD_BACK,),
        },
        refuse={UNDER_WAY: (E.SEIZE,), NO_CALL: (E.ANSWER, E.ACCEPT)},
    ),
    S.DIALLING: state(
        {
            E.DIGIT: Go(S.DIALLING, (A.KEEP_DIGIT,)), E.COMPLETE: OFFER, E.TIMEOUT: OFFER, **DIALS,
        },
        ignore={
            NOTHING_RINGS: OURS_TO_SEND,
            LIFTED: (E.OFF_HOOK,), FLASHES: (E.FLASH,), NO_CALL: (E.REJECT, E.HANG_UP),
            "it dials already": (E.NO_DIALLING,), PRESENT: (E.BOARD_BACK,),
        },
        refuse={UNDER_WAY: (E.SEIZE,), NO_CALL: (E.ANSWER, E.ACCEPT)},
    ),
    S.OFFERED: state(
        {E.ACCEPT: Go(S.ACCEPTED, (A.SEND_RINGBACK,)), **CALLING},
        ignore={
            NOTHING_RINGS: OURS_TO_SEND,
            LIFTED: (E.OFF_HOOK,), FLASHES: (E.FLASH,), PRESENT: (E.BOARD_BACK,),
            "the number is whole": (E.DIGIT, E.COMPLETE, E.NO_DIALLING),
        },
        refuse={UNDER_WAY: (E.SEIZE,)},
    ),
    S.ACCEPTED: state(
        CALLING,
        ignore={
            NOTHING_RINGS: OURS_TO_SEND,
            LIFTED: (E.OFF_HOOK,), FLASHES: (E.FLASH,), PRESENT: (E.BOARD_BACK,),
            "the number is whole": (E.DIGIT, E.COMPLETE, E.NO_DIALLING),
            "accepted already": (E.ACCEPT,),
        },
        refuse={UNDER_WAY: (E.SEIZE,)},
    ),
    S.ID_FIRST: state(
        {E.SENT: RING_ON, E.TIMEOUT: RING_ON, **CALLED},
        ignore={
            RESTING: (E.ON_HOOK,), FLASHES: (E.FLASH,), PRESENT: (E.BOARD_BACK,),
            NO_NUMBER: (E.DIGIT, E.COMPLETE, E.NO_DIALLING), SENDING: (E.SEND_FIRST, E.SEND_IN_GAP),
        },
        refuse=RINGING_REFUSED,
    ),
    S.ID_GAP: state(
        {E.TIMEOUT: Go(S.RINGING, (A.SEND_ID,)), **CALLED},
        ignore={
            RESTING: (E.ON_HOOK,), FLASHES: (E.FLASH,), PRESENT: (E.BOARD_BACK,),
            NO_NUMBER: (E.DIGIT, E.COMPLETE, E.NO_DIALLING),
            SENDING: (E.SEND_FIRST, E.SEND_IN_GAP), NOTHING_SENT: (E.SENT,),
        },
        refuse=RINGING_REFUSED,
    ),
    S.RINGING: state(
        {
            E.SEND_FIRST: Go(S.ID_FIRST), E.SEND_IN_GAP: Go(S.ID_GAP),
            E.TIMEOUT: Go(S.IDLE, (A.RING_STOP, A.CLEARED_NO_ANSWER, A.RELEASED)), **CALLED,
        },
        ignore={
            RESTING: (E.ON_HOOK,), FLASHES: (E.FLASH,), PRESENT: (E.BOARD_BACK,),
            NO_NUMBER: (E.DIGIT, E.COMPLETE, E.NO_DIALLING), NOTHING_SENT: (E.SENT,),
        },
        refuse=RINGING_REFUSED,
    ),
    S.CONNECTED: state(
        {
            E.ON_HOOK: Go(S.IDLE, (A.CLEARED, A.RELEASED)),
            E.HANG_UP: Go(S.BUSY, (A.LOOP_BREAK, A.SEND_BUSY)),
            E.REJECT: Go(S.BUSY, (A.LOOP_BREAK, A.SEND_BUSY)),
            E.TIMEOUT: Go(S.BUSY, (A.CLEARED_TIMER, A.SEND_BUSY)),
            E.BOARD_LOST: Go(S.LOST, (A.CLEARED_FAILURE, A.RELEASED)),
            E.FAULT: Go(S.BUSY, (A.CLEARED_FAILURE, A.SEND_BUSY)),
        },
        ignore={
            NOTHING_RINGS: OURS_TO_SEND,
            LIFTED: (E.OFF_HOOK,), THEIRS: (E.FLASH, E.DIGIT), PRESENT: (E.BOARD_BACK,),
            NO_NUMBER: (E.COMPLETE, E.NO_DIALLING),
        },
        refuse={UNDER_WAY: (E.SEIZE,), "answered already": (E.ANSWER, E.ACCEPT)},
    ),
    S.BUSY: state(
        {
            E.ON_HOOK: Go(S.IDLE, (A.STOP_TONE, A.RELEASED)),
            E.TIMEOUT: Go(S.PARKED, (A.STOP_TONE, A.RELEASED)),
            E.BOARD_LOST: Go(S.LOST, (A.STOP_TONE, A.RELEASED)),
            E.FAULT: Go(S.PARKED, (A.RELEASED,)),
        },
        ignore={
            NOTHING_RINGS: OURS_TO_SEND,
            LIFTED: (E.OFF_HOOK,), "the call is over": (E.FLASH, E.REJECT, E.HANG_UP),
            NO_NUMBER: (E.DIGIT, E.COMPLETE, E.NO_DIALLING), PRESENT: (E.BOARD_BACK,),
        },
        refuse={UNDER_WAY: (E.SEIZE,), "the call is over": (E.ANSWER, E.ACCEPT)},
    ),
    S.PARKED: state(
        {E.ON_HOOK: Go(S.IDLE), E.BOARD_LOST: Go(S.LOST)},
        ignore={
            NOTHING_RINGS: OURS_TO_SEND,
            LIFTED: (E.OFF_HOOK,), "the call is over": (E.FLASH, E.REJECT, E.HANG_UP, E.FAULT),
            NO_NUMBER: (E.DIGIT, E.COMPLETE, E.NO_DIALLING), PRESENT: (E.BOARD_BACK,),
            NOT_RUNNING: (E.TIMEOUT,),
        },
        refuse={UNDER_WAY: (E.SEIZE,), "the call is over": (E.ANSWER, E.ACCEPT)},
    ),
    S.LOST: state(
        {E.BOARD_BACK: Go(S.IDLE, (A.RING_STOP, A.STOP_TONE, A.RESYNC))},
        ignore={
            "the board is lost: a late report": (
                E.OFF_HOOK, E.ON_HOOK, E.FLASH, E.DIGIT, E.COMPLETE, E.NO_DIALLING, E.FAULT,
                *OURS_TO_SEND,
            ),
            NO_CALL: (E.REJECT, E.HANG_UP), "lost already": (E.BOARD_LOST,),
            NOT_RUNNING: (E.TIMEOUT,),
        },
        refuse={"the board is lost": (E.SEIZE, E.ANSWER, E.ACCEPT)},
    ),
}  # fmt: skip

LIMITS = {
    S.DIAL_TONE: Limit(20_000, "chosen: exchanges give 10 to 20 s for the first digit"),
    S.DIALLING: Limit(4_000, "chosen: the pause after which a number without end mark is whole"),
    S.OFFERED: Limit(60_000, "chosen: nobody listens that long to nothing"),
    S.ACCEPTED: Limit(120_000, "chosen: as long as exchanges ring"),
    S.ID_FIRST: Limit(6_000, "chosen: 22 digits of 0.12 s and a pause take 3.2 s"),
    S.ID_GAP: Limit(1_500, "the burst and 0.5 s more, see loop_start.py; Telcordia GR-30"),
    S.RINGING: Limit(120_000, "chosen: as long as exchanges ring; callers of ours ask for less"),
    S.CONNECTED: Limit(43_200_000, "chosen: 12 h is a stuck line, not a conversation"),
    S.BUSY: Limit(60_000, "chosen: after a minute of busy tone nobody listens"),
}

FXS = Table(
    name="loop start, FXS", states=S, events=E, actions=A,
    commands=frozenset({E.SEIZE, E.ANSWER, E.ACCEPT, E.REJECT, E.HANG_UP}),
    start=S.IDLE, rest=frozenset({S.IDLE, S.PARKED, S.LOST}), timeout=E.TIMEOUT, fault=E.FAULT,
    rows=ROWS, limits=LIMITS,
)  # fmt: skip
