"""Room: the data link of a D channel after ITU-T Q.921 (and Q.921 annex B's diagrams), as data.
Must not know frames' bytes, sequence numbers, a loop or a call: q921.py does.

States 4 to 8 of Q.921 for a fixed TEI.  Not here: own receiver busy (we take all that comes).
"""

from enum import unique
from typing import TypeAlias

from cti_board.fsm import Go, Limit, Rows, Symbol, Table, state

T200_MS = 1_000  # Q.921 5.9.1
T203_MS = 10_000  # Q.921 5.9.8
N200 = 3  # Q.921 5.9.2: retransmissions


class LinkState(Symbol):
    RELEASED = "released"  # 4, TEI assigned
    ESTABLISHING = "establishing"  # 5, awaiting establishment
    RELEASING = "releasing"  # 6, awaiting release
    ESTABLISHED = "established"  # 7, multiple frame established
    RECOVERY = "recovery"  # 8, timer recovery


class LinkEvent(Symbol):
    ESTABLISH = "establish"
    RELEASE = "release"
    DATA = "data"
    SABME = "sabme"
    DISC = "disc"
    UA = "ua"  # F = 1
    UA_ODD = "ua_odd"  # F = 0
    DM = "dm"  # F = 0: please set up
    DM_FINAL = "dm_final"  # F = 1
    UI = "ui"
    XID = "xid"
    REJECTED = "rejected"  # FRMR, or a frame that asks for one (Q.921 5.8.5)
    I = "i"  # noqa: E741  the standard's name; in sequence
    I_GAP = "i_gap"  # N(S) is not V(R)
    RR = "rr"
    RNR = "rnr"
    REJ = "rej"
    RR_FINAL = "rr_final"  # a response with F = 1
    RNR_FINAL = "rnr_final"
    REJ_FINAL = "rej_final"
    NR_ERROR = "nr_error"  # N(R) acknowledges what was not sent
    T200 = "t200"
    T203 = "t203"
    FAULT = "fault"
    GIVE_UP = "give_up"  # T200 ran out for the last time


@unique
class LinkAction(Symbol):
    """The value: the link's method and its arguments."""

    SEND_SABME = ("send_sabme",)
    SEND_SABME_AGAIN = ("send_again", "sabme")
    SEND_DISC = ("send_disc",)
    SEND_DISC_AGAIN = ("send_again", "disc")
    SEND_UA = ("send_answer", "ua")
    SEND_DM = ("send_answer", "dm")
    SEND_ENQUIRY = ("send_enquiry",)
    SEND_ENQUIRY_AGAIN = ("send_again", "enquiry")
    RESET = ("reset",)  # V(S) = V(A) = V(R) = 0, exceptions cleared
    DROP = ("drop",)  # what waits to be sent is discarded
    QUEUE = ("queue",)
    DELIVER = ("deliver",)
    ASK_REPEAT = ("ask_repeat",)
    ACKNOWLEDGED = ("acknowledged",)  # by N(R), timers too
    ACKNOWLEDGED_ONLY = ("acknowledged_only",)  # by N(R), T200 goes on
    PEER_READY = ("set_peer_busy", False)
    PEER_BUSY = ("set_peer_busy", True)
    ANSWER_POLL = ("answer_poll",)
    GO_BACK = ("go_back",)  # send again from N(R)
    PUMP = ("pump",)
    START_T203 = ("start_t203",)
    WAIT_BUSY = ("wait_busy",)
    STOP = ("stop_timers",)
    TELL_UP = ("tell_up",)
    TELL_RESET = ("tell_reset",)
    TELL_DOWN = ("tell_down",)


S: TypeAlias = LinkState
E: TypeAlias = LinkEvent
A: TypeAlias = LinkAction

SUPERVISORY = (E.RR, E.RNR, E.REJ)
FINAL = (E.RR_FINAL, E.RNR_FINAL, E.REJ_FINAL)
NUMBERED = (E.I, E.I_GAP, *SUPERVISORY, *FINAL, E.NR_ERROR)
TIMERS = (E.T200, E.T203)

NO_LINK = "there is no data link yet"
DOWN = "there is no data link to carry it"
ALREADY = "it is under way or done"
UNNUMBERED = "layer 3 of a PRI uses numbered frames only"
NOT_RUNNING = "no such timer runs"
BY_LIMIT = "the state's limit ends it"
WAITING = "only the answer counts here"
ODD = "an answer to nothing"

SET_UP = (A.RESET, A.SEND_SABME)
STARTED = (A.SEND_UA, A.RESET, A.START_T203)
CLOSED = (A.STOP, A.DROP, A.TELL_DOWN)
AGAIN = Go(S.ESTABLISHING, SET_UP)  # Q.921 5.7.2: re-establishment, queue kept
QUIET = {UNNUMBERED: (E.UI, E.XID)}

ACK = (A.ACKNOWLEDGED, A.PUMP)
ACK_ONLY = (A.ACKNOWLEDGED_ONLY, A.PUMP)


def error(text: str) -> Go[S, A]:
    return Go(None, (), text)


def common() -> dict[E, Go[S, A]]:
    """What ESTABLISHED and RECOVERY do alike."""
    return {
        E.ESTABLISH: AGAIN,
        E.RELEASE: Go(S.RELEASING, (A.DROP, A.SEND_DISC)),
        E.DATA: Go(None, (A.QUEUE, A.PUMP)),
        # Q.921 5.5.1.2 and 5.7.2: the peer begins anew
        E.SABME: Go(S.ESTABLISHED, (*STARTED, A.TELL_RESET, A.PUMP)),
        E.DISC: Go(S.RELEASED, (A.SEND_UA, *CLOSED)),
        E.UA: error("no UA: nothing was asked (MDL error C)"),
        E.UA_ODD: error("no UA: nothing was asked (MDL error D)"),
        E.DM: Go(S.ESTABLISHING, SET_UP, "no DM (MDL error E)"),
        E.REJECTED: Go(S.ESTABLISHING, SET_UP, "a frame that fits (MDL error K to O)"),
        E.NR_ERROR: Go(S.ESTABLISHING, SET_UP, "N(R) of what was sent (MDL error J)"),
        E.FAULT: Go(S.RELEASED, CLOSED),
    }


ROWS: Rows[S, E, A] = {
    S.RELEASED: state(
        {
            E.ESTABLISH: Go(S.ESTABLISHING, (A.DROP, *SET_UP)),
            E.SABME: Go(S.ESTABLISHED, (A.DROP, *STARTED, A.TELL_UP)),
            E.DISC: Go(None, (A.SEND_DM,)),
            E.DM: Go(S.ESTABLISHING, (A.DROP, *SET_UP)),
            E.UA: error("no UA: nothing was asked (MDL error C)"),
            E.UA_ODD: error("no UA: nothing was asked (MDL error D)"),
        },
        refuse={DOWN: (E.DATA,)},
        ignore={
            **QUIET, NO_LINK: (*NUMBERED, E.REJECTED), ODD: (E.DM_FINAL,),
            NOT_RUNNING: (*TIMERS, E.GIVE_UP), DOWN: (E.FAULT,), ALREADY: (E.RELEASE,),
        },
    ),
    S.ESTABLISHING: state(
        {
            E.RELEASE: Go(S.RELEASING, (A.DROP, A.SEND_DISC)),
            E.DATA: Go(None, (A.QUEUE,)),
            E.SABME: Go(None, (A.SEND_UA,)),
            E.DISC: Go(None, (A.SEND_DM,)),
            E.UA: Go(S.ESTABLISHED, (A.RESET, A.START_T203, A.TELL_UP, A.PUMP)),
            E.UA_ODD: error("UA with F=1 (MDL error D)"),
            E.DM_FINAL: Go(S.RELEASED, CLOSED),
            E.T200: Go(None, (A.SEND_SABME_AGAIN,)),
            E.GIVE_UP: Go(S.RELEASED, CLOSED, "an answer to SABME (MDL error G)"),
            E.FAULT: Go(S.RELEASED, CLOSED),
        },
        ignore={
            **QUIET, NO_LINK: (*NUMBERED, E.REJECTED), WAITING: (E.DM,), NOT_RUNNING: (E.T203,),
            ALREADY: (E.ESTABLISH,),
        },
    ),
    S.RELEASING: state(
        {
            E.SABME: Go(None, (A.SEND_DM,)),
            E.DISC: Go(None, (A.SEND_UA,)),
            E.UA: Go(S.RELEASED, CLOSED),
            E.UA_ODD: error("UA with F=1 (MDL error D)"),
            E.DM_FINAL: Go(S.RELEASED, CLOSED),
            E.T200: Go(None, (A.SEND_DISC_AGAIN,)),
            E.GIVE_UP: Go(S.RELEASED, CLOSED, "an answer to DISC (MDL error H)"),
            E.FAULT: Go(S.RELEASED, CLOSED),
        },
        refuse={DOWN: (E.DATA, E.ESTABLISH)},
        ignore={
            **QUIET, NO_LINK: (*NUMBERED, E.REJECTED), WAITING: (E.DM,), NOT_RUNNING: (E.T203,),
            ALREADY: (E.RELEASE,),
        },
    ),
    S.ESTABLISHED: state(
        {
            **common(),
            E.DM_FINAL: error("no DM with F=1: nothing was asked (MDL error B)"),
            E.I: Go(None, (A.DELIVER, *ACK)),
            E.I_GAP: Go(None, (A.ASK_REPEAT, *ACK), "the next N(S)"),
            E.RR: Go(None, (A.PEER_READY, A.ANSWER_POLL, *ACK)),
            E.RNR: Go(None, (A.PEER_BUSY, A.ANSWER_POLL, A.ACKNOWLEDGED, A.WAIT_BUSY)),
            E.REJ: Go(None, (A.PEER_READY, A.ANSWER_POLL, A.GO_BACK, A.PUMP)),
            E.RR_FINAL: Go(None, (A.PEER_READY, *ACK), "no F=1: no poll (MDL error A)"),
            E.RNR_FINAL: Go(
                None, (A.PEER_BUSY, A.ACKNOWLEDGED, A.WAIT_BUSY), "no F=1: no poll (MDL error A)"
            ),
            E.REJ_FINAL: Go(
                None, (A.PEER_READY, A.GO_BACK, A.PUMP), "no F=1: no poll (MDL error A)"
            ),
            E.T200: Go(S.RECOVERY, (A.SEND_ENQUIRY,)),  # Q.921 5.6.7
            E.T203: Go(S.RECOVERY, (A.SEND_ENQUIRY,)),  # Q.921 5.10
        },
        ignore={**QUIET, BY_LIMIT: (E.GIVE_UP,)},
    ),
    S.RECOVERY: state(
        {
            **common(),
            E.DM_FINAL: Go(S.ESTABLISHING, SET_UP, "no DM (MDL error B)"),
            E.I: Go(None, (A.DELIVER, *ACK_ONLY)),
            E.I_GAP: Go(None, (A.ASK_REPEAT, *ACK_ONLY), "the next N(S)"),
            E.RR: Go(None, (A.PEER_READY, A.ANSWER_POLL, *ACK_ONLY)),
            E.RNR: Go(None, (A.PEER_BUSY, A.ANSWER_POLL, A.ACKNOWLEDGED_ONLY)),
            E.REJ: Go(None, (A.PEER_READY, A.ANSWER_POLL, A.ACKNOWLEDGED_ONLY)),
            E.RR_FINAL: Go(S.ESTABLISHED, (A.PEER_READY, A.GO_BACK, A.PUMP)),
            E.RNR_FINAL: Go(S.ESTABLISHED, (A.PEER_BUSY, A.GO_BACK, A.WAIT_BUSY)),
            E.REJ_FINAL: Go(S.ESTABLISHED, (A.PEER_READY, A.GO_BACK, A.PUMP)),
            E.T200: Go(None, (A.SEND_ENQUIRY_AGAIN,)),
            E.GIVE_UP: Go(S.ESTABLISHING, SET_UP, "an answer to the enquiry (MDL error I)"),
        },
        ignore={**QUIET, NOT_RUNNING: (E.T203,)},
    ),
}

LIMITS = {
    S.ESTABLISHING: Limit((N200 + 1) * T200_MS, "Q.921 5.5.1.3: N200 + 1 times T200"),
    S.RELEASING: Limit((N200 + 1) * T200_MS, "Q.921 5.5.3.2: N200 + 1 times T200"),
    S.RECOVERY: Limit(N200 * T200_MS, "Q.921 5.6.7: N200 times T200"),
}

LINK: Table[S, E, A] = Table(
    name="Q.921 data link", states=S, events=E, actions=A,
    commands=frozenset({E.ESTABLISH, E.RELEASE, E.DATA}),
    start=S.RELEASED, rest=frozenset({S.RELEASED, S.ESTABLISHED}), timeout=E.GIVE_UP,
    fault=E.FAULT, rows=ROWS, limits=LIMITS,
)  # fmt: skip
