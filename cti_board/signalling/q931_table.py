"""Room: basic calls of ITU-T Q.931 (section 5, annex A's diagrams), both roles, as data; and the
restart of channels (5.5).  Must not know octets, links, a loop or who runs it: pri.py does.

One table for a user, one for a network: they differ in the answer of a call (5.2.7, 5.2.8) and in
the length of two timers.  ``STATE_NUMBER`` gives the standard's numbers (9.2.4, 4.5.7).
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum, unique
from typing import Literal, TypeAlias

from cti_board.fsm import Go, Ignore, Limit, Refuse, Rows, Symbol, Table, state
from cti_board.signalling.cause import Cause
from cti_board.signalling.q931_codec import Id, Kind

Role: TypeAlias = Literal["user", "network"]


class IsdnCause(IntEnum):
    """Q.850 causes of the protocol itself, beside those of every line (cause.py)."""

    CHANNEL_UNACCEPTABLE = 6
    STATUS_ANSWER = 30
    BEARER_NOT_IMPLEMENTED = 65
    INVALID_REFERENCE = 81
    CHANNEL_DOES_NOT_EXIST = 82
    MANDATORY_MISSING = 96
    TYPE_NOT_IMPLEMENTED = 97
    ELEMENT_NOT_IMPLEMENTED = 99
    ELEMENT_CONTENTS = 100
    WRONG_STATE = 101


class PriState(Symbol):
    NULL = "null"
    SETUP_SENT = "setup_sent"
    SETUP_REPEATED = "setup_repeated"
    OVERLAP_SENDING = "overlap_sending"
    OUT_PROCEEDING = "out_proceeding"
    OUT_INBAND = "out_inband"  # proceeding, and the far end says that something is heard
    DELIVERED = "delivered"
    OVERLAP_RECEIVING = "overlap_receiving"
    OVERLAP_ENDED = "overlap_ended"  # T302 ran out: is what came a number?
    IN_PROCEEDING = "in_proceeding"  # offered to us
    RECEIVED = "received"  # we alert
    CONNECT_REQUEST = "connect_request"
    ACTIVE = "active"
    NO_LINK = "no_link"  # active, but the data link is gone
    DISCONNECT_REQUEST = "disconnect_request"
    RELEASE_REQUEST = "release_request"
    RELEASE_REPEATED = "release_repeated"


class PriEvent(Symbol):
    SEIZE = "seize"
    DIAL = "dial"
    ACCEPT = "accept"
    ANSWER = "answer"
    REJECT = "reject"
    HANG_UP = "hang_up"
    SETUP = "setup"  # with the whole number
    SETUP_MORE = "setup_more"  # more digits will come
    COMPLETE = "complete"  # ours: the number is whole
    SETUP_ACK = "setup_ack"
    PROCEEDING = "proceeding"
    PROGRESS = "progress"
    ALERTING = "alerting"
    CONNECT = "connect"
    CONNECT_ACK = "connect_ack"
    DISCONNECT = "disconnect"
    RELEASE = "release"
    RELEASE_COMPLETE = "release_complete"
    INFORMATION = "information"
    NOTIFY = "notify"
    STATUS_NULL = "status_null"  # the far end knows no such call
    STATUS = "status"
    STATUS_ENQUIRY = "status_enquiry"
    STRANGE = "strange"  # a message type that is not implemented
    BAD_CHANNEL = "bad_channel"  # the first answer names a channel that cannot be
    LINK_DOWN = "link_down"
    LINK_UP = "link_up"
    LINK_RESET = "link_reset"
    RESTARTED = "restarted"  # the call's channel was restarted
    FAULT = "fault"
    TIMEOUT = "timeout"


@unique
class PriAction(Symbol):
    """The value: the call's method and its arguments."""

    SEND_SETUP = ("send_setup",)
    SEND_SETUP_ACK = ("send_first", Kind.SETUP_ACK)
    SEND_PROCEEDING = ("send_first", Kind.PROCEEDING)
    SEND_PROCEEDING_LATER = ("send", Kind.PROCEEDING)
    SEND_ALERTING = ("send", Kind.ALERTING)
    SEND_CONNECT = ("send", Kind.CONNECT)
    SEND_CONNECT_ACK = ("send", Kind.CONNECT_ACK)
    SEND_INFORMATION = ("send_information",)
    SEND_DISCONNECT = ("send_cause", Kind.DISCONNECT)
    DISCONNECT_TIMER = ("send_cause", Kind.DISCONNECT, Cause.TIMER_EXPIRY)
    DISCONNECT_NO_ANSWER = ("send_cause", Kind.DISCONNECT, Cause.NO_ANSWER)
    DISCONNECT_NUMBER = ("send_cause", Kind.DISCONNECT, Cause.INVALID_NUMBER)
    DISCONNECT_CHANNEL = ("send_cause", Kind.DISCONNECT, IsdnCause.CHANNEL_UNACCEPTABLE)
    DISCONNECT_FAILURE = ("send_cause", Kind.DISCONNECT, Cause.TEMPORARY_FAILURE)
    SEND_RELEASE = ("send_release",)
    REPEAT_RELEASE = ("send_cause", Kind.RELEASE)
    SEND_RELEASE_COMPLETE = ("send_release_complete",)
    RELEASE_COMPLETE_TIMER = ("send_cause", Kind.RELEASE_COMPLETE, Cause.TIMER_EXPIRY)
    STATUS_WRONG_STATE = ("send_status", IsdnCause.WRONG_STATE)
    STATUS_NO_SUCH_TYPE = ("send_status", IsdnCause.TYPE_NOT_IMPLEMENTED)
    STATUS_ANSWER = ("send_status", IsdnCause.STATUS_ANSWER)
    ENQUIRE = ("send", Kind.STATUS_ENQUIRY)
    KEEP_DIGITS = ("keep_digits",)
    OFFER_WHAT_CAME = ("offer_what_came",)
    TELL_OFFERED = ("tell_offered",)
    TELL_PROCEEDING = ("tell_proceeding",)
    TELL_ALERTING = ("tell_alerting",)
    TELL_ANSWERED = ("tell_answered",)
    TELL_CLEARED = ("tell_cleared",)  # by the message's cause
    CLEARED_TIMER = ("tell_cleared", Cause.TIMER_EXPIRY)
    CLEARED_NO_ANSWER = ("tell_cleared", Cause.NO_ANSWER)
    CLEARED_NO_RESPONSE = ("tell_cleared", Cause.NO_USER_RESPONDING)
    CLEARED_NUMBER = ("tell_cleared", Cause.INVALID_NUMBER)
    CLEARED_CHANNEL = ("tell_cleared", IsdnCause.CHANNEL_UNACCEPTABLE)
    CLEARED_ORDER = ("tell_cleared", Cause.OUT_OF_ORDER)
    CLEARED_FAILURE = ("tell_cleared", Cause.TEMPORARY_FAILURE)
    CLEARED_STATE = ("tell_cleared", IsdnCause.WRONG_STATE)
    RELEASED = ("released",)
    RESTART_CHANNEL = ("restart_channel",)


S: TypeAlias = PriState
E: TypeAlias = PriEvent
A: TypeAlias = PriAction
R: TypeAlias = Go[PriState, PriAction] | Refuse | Ignore

MESSAGES: dict[int, PriEvent] = {
    Kind.SETUP_ACK: E.SETUP_ACK, Kind.PROCEEDING: E.PROCEEDING, Kind.PROGRESS: E.PROGRESS,
    Kind.ALERTING: E.ALERTING, Kind.CONNECT: E.CONNECT, Kind.CONNECT_ACK: E.CONNECT_ACK,
    Kind.DISCONNECT: E.DISCONNECT, Kind.RELEASE: E.RELEASE, Kind.INFORMATION: E.INFORMATION,
    Kind.RELEASE_COMPLETE: E.RELEASE_COMPLETE, Kind.NOTIFY: E.NOTIFY, Kind.STATUS: E.STATUS,
    Kind.STATUS_ENQUIRY: E.STATUS_ENQUIRY, Kind.SETUP: E.SETUP,
}  # fmt: skip

# 3.1: what a message must hold (a SETUP's channel: towards a user only; see pri.py)
MANDATORY: dict[int, tuple[Id, ...]] = {
    Kind.SETUP: (Id.BEARER,), Kind.DISCONNECT: (Id.CAUSE,), Kind.PROGRESS: (Id.PROGRESS,),
    Kind.STATUS: (Id.CAUSE, Id.CALL_STATE), Kind.NOTIFY: (Id.NOTIFICATION,),
    Kind.RESTART: (Id.RESTART,), Kind.RESTART_ACK: (Id.RESTART,),
}  # fmt: skip

# 9.2.4: (user, network)
STATE_NUMBER = {
    S.NULL: (0, 0), S.SETUP_SENT: (1, 6), S.SETUP_REPEATED: (1, 6), S.OVERLAP_SENDING: (2, 25),
    S.OUT_PROCEEDING: (3, 9), S.OUT_INBAND: (3, 9), S.DELIVERED: (4, 7),
    S.OVERLAP_RECEIVING: (25, 2), S.OVERLAP_ENDED: (25, 2),
    S.IN_PROCEEDING: (9, 3), S.RECEIVED: (7, 4), S.CONNECT_REQUEST: (8, 10),
    S.ACTIVE: (10, 10), S.NO_LINK: (10, 10),
    S.DISCONNECT_REQUEST: (11, 12), S.RELEASE_REQUEST: (19, 19), S.RELEASE_REPEATED: (19, 19),
}  # fmt: skip

ANSWERS = (E.SETUP_ACK, E.PROCEEDING, E.PROGRESS, E.ALERTING, E.CONNECT, E.CONNECT_ACK)
COMMANDS = (E.SEIZE, E.DIAL, E.ACCEPT, E.ANSWER, E.REJECT, E.HANG_UP)

BUSY = "this call is under way"
OURS = "the call is ours, nothing was offered"
THEIRS = "the far end dials"
ENDING = "the call is ending"
DONE = "the number is whole"
NO_CALL = "there is no call"
SECOND = "a second SETUP of a call that is there (Q.931 5.8.3.2 e)"
HARMLESS = "information for people"
FITS = "the states may differ (Q.931 5.8.11)"
WAITING = "only clearing counts here"
LINKED = "the call waits for no link"
KEPT = "the far end repeats what was lost (Q.931 5.8.8)"
LATER = "nothing waits for it"
EARLY = "the call is not answered yet"
FIRST_ONLY = "the channel was agreed upon"


def end(*actions: A) -> Go[S, A]:
    return Go(S.NULL, (*actions, A.RELEASED))


def wrong_state(events: Iterable[E]) -> dict[E, Go[S, A]]:
    """5.8.4: STATUS, and the state stays."""
    text = "a message of this state"
    return {e: Go(None, (A.STATUS_WRONG_STATE,), text) for e in events}


def call(fitting: dict[E, R], refuse: Mapping[str, Iterable[E]]) -> dict[E, R]:
    """A state of a call: what fits, what every such state does beside, what is refused."""
    rows: dict[E, R] = {
        E.HANG_UP: Go(S.DISCONNECT_REQUEST, (A.SEND_DISCONNECT,)),
        E.DISCONNECT: Go(S.RELEASE_REQUEST, (A.TELL_CLEARED, A.SEND_RELEASE)),
        E.RELEASE: end(A.TELL_CLEARED, A.SEND_RELEASE_COMPLETE),
        E.RELEASE_COMPLETE: end(A.TELL_CLEARED),
        E.STATUS_NULL: end(A.CLEARED_STATE),
        E.STATUS_ENQUIRY: Go(None, (A.STATUS_ANSWER,)),
        E.STRANGE: Go(None, (A.STATUS_NO_SUCH_TYPE,), "a message type of basic calls"),
        E.LINK_DOWN: end(A.CLEARED_ORDER),
        E.RESTARTED: end(A.CLEARED_FAILURE),
        E.FAULT: end(A.CLEARED_FAILURE),
        **wrong_state(ANSWERS),
    }
    quiet = {
        SECOND: (E.SETUP, E.SETUP_MORE), HARMLESS: (E.INFORMATION, E.NOTIFY), FITS: (E.STATUS,),
        KEPT: (E.LINK_RESET,), LINKED: (E.LINK_UP,), LATER: (E.COMPLETE, E.TIMEOUT),
        FIRST_ONLY: (E.BAD_CHANNEL,),
    }  # fmt: skip
    rows |= {e: Ignore(why) for why, events in quiet.items() for e in events}
    rows |= {e: Refuse(why) for why, events in refuse.items() for e in events}
    return rows | fitting


def ending(fitting: dict[E, Go[S, A]]) -> dict[E, R]:
    """A state in which a call is being cleared (5.3)."""
    return state(
        {
            E.STATUS_NULL: end(),
            E.RELEASE_COMPLETE: end(),
            E.STATUS_ENQUIRY: Go(None, (A.STATUS_ANSWER,)),
            E.LINK_DOWN: end(),
            E.RESTARTED: end(),
            E.FAULT: end(),
            **fitting,
        },
        ignore={
            WAITING: tuple(e for e in (*ANSWERS, E.INFORMATION, E.NOTIFY, E.STRANGE, E.STATUS,
                                       E.BAD_CHANNEL, E.COMPLETE, E.DISCONNECT, E.LINK_RESET,
                                       E.LINK_UP, E.SETUP, E.SETUP_MORE)
                           if e not in fitting),
            ENDING: (E.HANG_UP,),
        },
        refuse={ENDING: (E.SEIZE, E.DIAL, E.ACCEPT, E.ANSWER, E.REJECT)},
    )  # fmt: skip


NOT_DIALLING = {OURS: (E.ACCEPT, E.ANSWER, E.REJECT), BUSY: (E.SEIZE,), DONE: (E.DIAL,)}
DIALLING = {OURS: (E.ACCEPT, E.ANSWER, E.REJECT), BUSY: (E.SEIZE,)}
NOT_WHOLE = {BUSY: (E.SEIZE,), THEIRS: (E.DIAL,), EARLY: (E.ACCEPT, E.ANSWER)}
CALLED = {BUSY: (E.SEIZE,), THEIRS: (E.DIAL,)}
TALKING = {BUSY: (E.SEIZE, E.DIAL, E.ACCEPT, E.ANSWER, E.REJECT)}

CONNECTED = Go(S.ACTIVE, (A.SEND_CONNECT_ACK, A.TELL_ANSWERED))
PROCEEDS = Go(S.OUT_PROCEEDING, (A.TELL_PROCEEDING,))
RINGS = Go(S.DELIVERED, (A.TELL_ALERTING,))
INBAND: Go[S, A] = Go(S.OUT_INBAND)
NO_CHANNEL = Go(
    S.DISCONNECT_REQUEST, (A.CLEARED_CHANNEL, A.DISCONNECT_CHANNEL), "a channel that is free"
)
LOST_DIGITS = Go(  # 5.8.8: digits may be missing
    S.DISCONNECT_REQUEST, (A.CLEARED_FAILURE, A.DISCONNECT_FAILURE), "a data link that stays"
)
REJECTED = Go(S.DISCONNECT_REQUEST, (A.SEND_DISCONNECT,))


def sent(timeout: Go[S, A]) -> dict[E, R]:
    return call(
        {
            E.SETUP_ACK: Go(S.OVERLAP_SENDING, (A.SEND_INFORMATION,)),
            E.PROCEEDING: PROCEEDS, E.ALERTING: RINGS, E.CONNECT: CONNECTED,
            E.BAD_CHANNEL: NO_CHANNEL, E.TIMEOUT: timeout,
            E.DIAL: Go(None),  # sent when SETUP ACK comes
        },
        DIALLING,
    )  # fmt: skip


def rows(role: Role) -> Rows[S, E, A]:
    answered = Go(S.CONNECT_REQUEST, (A.SEND_CONNECT,))
    if role == "network":  # 5.1.8: the calling user need not acknowledge
        answered = Go(S.ACTIVE, (A.SEND_CONNECT, A.TELL_ANSWERED))
    timer = (A.CLEARED_TIMER, A.DISCONNECT_TIMER)
    return {
        S.NULL: state(
            {
                E.SEIZE: Go(S.SETUP_SENT, (A.SEND_SETUP,)),
                E.SETUP: Go(S.IN_PROCEEDING, (A.SEND_PROCEEDING, A.TELL_OFFERED)),
                E.SETUP_MORE: Go(S.OVERLAP_RECEIVING, (A.SEND_SETUP_ACK, A.KEEP_DIGITS)),
            },
            ignore={NO_CALL: tuple(e for e in E if e not in (E.SETUP, E.SETUP_MORE, *COMMANDS)),
                    "it has ended": (E.HANG_UP,)},
            refuse={NO_CALL: (E.DIAL, E.ACCEPT, E.ANSWER, E.REJECT)},
        ),
        S.SETUP_SENT: sent(Go(S.SETUP_REPEATED, (A.SEND_SETUP,))),
        S.SETUP_REPEATED: sent(end(A.CLEARED_NO_RESPONSE, A.RELEASE_COMPLETE_TIMER)),
        S.OVERLAP_SENDING: call({
            E.DIAL: Go(S.OVERLAP_SENDING, (A.SEND_INFORMATION,)),
            E.PROCEEDING: PROCEEDS, E.ALERTING: RINGS, E.CONNECT: CONNECTED,
            E.PROGRESS: Go(None), E.LINK_RESET: LOST_DIGITS,
            E.TIMEOUT: Go(S.DISCONNECT_REQUEST, (A.CLEARED_NUMBER, A.DISCONNECT_NUMBER)),
        }, DIALLING),
        S.OUT_PROCEEDING: call({
            E.PROGRESS: INBAND, E.ALERTING: RINGS, E.CONNECT: CONNECTED,
            E.TIMEOUT: Go(S.DISCONNECT_REQUEST, timer),
        }, NOT_DIALLING),
        S.OUT_INBAND: call({
            E.PROGRESS: Go(None), E.ALERTING: RINGS, E.CONNECT: CONNECTED,
            E.TIMEOUT: Go(S.DISCONNECT_REQUEST, timer),
        }, NOT_DIALLING),
        S.DELIVERED: call({
            E.PROGRESS: Go(None), E.CONNECT: CONNECTED,
            E.TIMEOUT: Go(S.DISCONNECT_REQUEST, (A.CLEARED_NO_ANSWER, A.DISCONNECT_NO_ANSWER)),
        }, NOT_DIALLING),
        S.OVERLAP_RECEIVING: call({
            E.INFORMATION: Go(S.OVERLAP_RECEIVING, (A.KEEP_DIGITS,)),
            E.COMPLETE: Go(S.IN_PROCEEDING, (A.SEND_PROCEEDING_LATER, A.TELL_OFFERED)),
            E.TIMEOUT: Go(S.OVERLAP_ENDED, (A.OFFER_WHAT_CAME,)),
            E.REJECT: REJECTED, E.LINK_RESET: LOST_DIGITS,
        }, NOT_WHOLE),
        S.OVERLAP_ENDED: call({
            E.COMPLETE: Go(S.IN_PROCEEDING, (A.SEND_PROCEEDING_LATER, A.TELL_OFFERED)),
            E.TIMEOUT: Go(S.DISCONNECT_REQUEST, (A.DISCONNECT_NUMBER,)),
            E.REJECT: REJECTED,
        }, NOT_WHOLE),
        S.IN_PROCEEDING: call({
            E.ACCEPT: Go(S.RECEIVED, (A.SEND_ALERTING,)),
            E.ANSWER: answered, E.REJECT: REJECTED,
            E.TIMEOUT: Go(S.DISCONNECT_REQUEST, timer),
        }, CALLED),
        S.RECEIVED: call({
            E.ANSWER: answered, E.REJECT: REJECTED,
            E.TIMEOUT: Go(S.DISCONNECT_REQUEST, (A.CLEARED_NO_ANSWER, A.DISCONNECT_NO_ANSWER)),
        }, {**CALLED, "it alerts already": (E.ACCEPT,)}),
        S.CONNECT_REQUEST: call({
            E.CONNECT_ACK: Go(S.ACTIVE, (A.TELL_ANSWERED,)),
            E.TIMEOUT: Go(S.DISCONNECT_REQUEST, timer),
        }, TALKING),
        S.ACTIVE: call({
            E.LINK_DOWN: Go(S.NO_LINK),  # 5.8.9
            E.CONNECT_ACK: Ignore("a calling user may acknowledge"),
            E.PROGRESS: Go(None),
        }, TALKING),
        S.NO_LINK: call({
            E.LINK_UP: Go(S.ACTIVE, (A.ENQUIRE,)),
            E.LINK_DOWN: Ignore("it is down"),
            E.HANG_UP: end(),
            E.TIMEOUT: end(A.CLEARED_ORDER),
        }, TALKING),
        S.DISCONNECT_REQUEST: ending({
            E.DISCONNECT: Go(S.RELEASE_REQUEST, (A.SEND_RELEASE,)),  # 5.3.5 clear collision
            E.RELEASE: end(A.SEND_RELEASE_COMPLETE),
            E.TIMEOUT: Go(S.RELEASE_REQUEST, (A.SEND_RELEASE,)),
        }),
        S.RELEASE_REQUEST: ending({
            E.RELEASE: end(),  # 5.3.5 clear collision
            E.TIMEOUT: Go(S.RELEASE_REPEATED, (A.REPEAT_RELEASE,)),
        }),
        S.RELEASE_REPEATED: ending({
            E.RELEASE: end(),
            E.TIMEOUT: Go(S.NULL, (A.RELEASED, A.RESTART_CHANNEL)),
        }),
    }  # fmt: skip


# (state, user's ms, network's ms, source); Q.931 tables 9-1 and 9-2
TIMES = (
    (S.SETUP_SENT, 4_000, 4_000, "T303"), (S.SETUP_REPEATED, 4_000, 4_000, "T303"),
    (S.OVERLAP_SENDING, 30_000, 20_000, "T304"), (S.OUT_PROCEEDING, 30_000, 10_000, "T310"),
    (S.OUT_INBAND, 180_000, 180_000, "chosen: as T301"),
    (S.DELIVERED, 180_000, 180_000, "T301"), (S.OVERLAP_RECEIVING, 15_000, 15_000, "T302"),
    (S.OVERLAP_ENDED, 1_000, 1_000, "chosen: it is decided at once"),
    (S.IN_PROCEEDING, 180_000, 180_000, "chosen: as T301"),
    (S.RECEIVED, 240_000, 240_000, "chosen: longer than the far end's T301"),
    (S.CONNECT_REQUEST, 4_000, 4_000, "T313"), (S.NO_LINK, 90_000, 90_000, "T309"),
    (S.DISCONNECT_REQUEST, 30_000, 30_000, "T305"), (S.RELEASE_REQUEST, 4_000, 4_000, "T308"),
    (S.RELEASE_REPEATED, 4_000, 4_000, "T308"),
)  # fmt: skip


def table(role: Role) -> Table[S, E, A]:
    return Table(
        name=f"ISDN PRI, {role} side", states=S, events=E, actions=A,
        commands=frozenset(COMMANDS), start=S.NULL, rest=frozenset({S.NULL, S.ACTIVE}),
        timeout=E.TIMEOUT, fault=E.FAULT, rows=rows(role),
        limits={s: Limit(network if role == "network" else user, source)
                for s, user, network, source in TIMES},
    )  # fmt: skip


CALL: dict[Role, Table[S, E, A]] = {"user": table("user"), "network": table("network")}


class RestartState(Symbol):
    IDLE = "idle"
    ASKED = "asked"
    ASKED_AGAIN = "asked_again"


class RestartEvent(Symbol):
    START = "start"
    ACKNOWLEDGED = "acknowledged"
    LINK_DOWN = "link_down"
    FAULT = "fault"
    TIMEOUT = "timeout"


@unique
class RestartAction(Symbol):
    """The value: the span's method and its arguments."""

    SEND_RESTART = ("send_restart",)
    BACK = ("channel_back",)
    KEEP_OUT = ("channel_out",)
    NEXT = ("next_restart",)


RS: TypeAlias = RestartState
RE: TypeAlias = RestartEvent
RA: TypeAlias = RestartAction

_ACKED = Go(RS.IDLE, (RA.BACK, RA.NEXT))
_LOST = Go(RS.IDLE, (RA.KEEP_OUT,))
_LATER = {"one after the other": (RE.START,)}
T316 = Limit(120_000, "T316")

RESTART: Table[RS, RE, RA] = Table(
    name="ISDN PRI, restart of channels", states=RS, events=RE, actions=RA,
    commands=frozenset({RE.START}), start=RS.IDLE, rest=frozenset({RS.IDLE}),
    timeout=RE.TIMEOUT, fault=RE.FAULT,
    rows={
        RS.IDLE: state(
            {RE.START: Go(RS.ASKED, (RA.SEND_RESTART,))},
            ignore={"nothing was asked": (RE.ACKNOWLEDGED, RE.LINK_DOWN, RE.FAULT, RE.TIMEOUT)},
        ),
        RS.ASKED: state(
            {
                RE.ACKNOWLEDGED: _ACKED, RE.LINK_DOWN: _LOST, RE.FAULT: _LOST,
                RE.TIMEOUT: Go(RS.ASKED_AGAIN, (RA.SEND_RESTART,)),
            },
            refuse=_LATER,
        ),
        RS.ASKED_AGAIN: state(
            {
                RE.ACKNOWLEDGED: _ACKED, RE.LINK_DOWN: _LOST, RE.FAULT: _LOST,
                RE.TIMEOUT: Go(RS.IDLE, (RA.KEEP_OUT, RA.NEXT), "RESTART ACKNOWLEDGE"),
            },
            refuse=_LATER,
        ),
    },
    limits={RS.ASKED: T316, RS.ASKED_AGAIN: T316},
)  # fmt: skip
