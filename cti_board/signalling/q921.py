"""Room: the data link of a D channel: ITU-T Q.921 for point-to-point working, SAPI 0, TEI 0.
Must not know Q.931, calls, boards or channels: it asks a port that carries frames.

What: `Link.send` queues layer 3 messages; frames from the line go to `Link.take`; what happens is
told upwards as `Up`, `Down`, `Reset` and `Data`.  Modulo 128, window 7.
How: the table (q921_table.py) decides, this file keeps V(S), V(A), V(R), the window and the one
timer (T200 while something is outstanding, else T203).

Frames are without flags and without the FCS: octets from the address on.
Limits: own receiver is never busy; TEI management, UI and XID are ignored.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol, TypeAlias

from cti_board.errors import ProtocolError
from cti_board.fsm import Machine
from cti_board.signalling.q921_table import LINK, N200, T200_MS, T203_MS, LinkEvent, LinkState

RATE = 8000  # samples a second, as everywhere
MODULO = 128  # Q.921 3.5.2.1
K = 7  # Q.921 5.9.5: window of a PRI at 64 kbit/s
N201 = 260  # Q.921 5.9.3: octets of an information field
LONGEST_QUEUE = 512  # chosen: seconds of signalling; more means a dead link
FINAL_EVENTS = {
    LinkEvent.RR: LinkEvent.RR_FINAL, LinkEvent.RNR: LinkEvent.RNR_FINAL,
    LinkEvent.REJ: LinkEvent.REJ_FINAL,
}  # fmt: skip

SABME, DM, UI, DISC, UA, FRMR, XID = 0x6F, 0x0F, 0x03, 0x43, 0x63, 0x87, 0xAF  # Q.921 table 5
PF_U = 0x10  # the P/F bit of an unnumbered frame
RR, RNR, REJ = 0x01, 0x05, 0x09
U_COMMANDS = {SABME: LinkEvent.SABME, DISC: LinkEvent.DISC, UI: LinkEvent.UI}
SUPERVISORY = {RR: LinkEvent.RR, RNR: LinkEvent.RNR, REJ: LinkEvent.REJ}

Role: TypeAlias = Literal["user", "network"]


class FramePort(Protocol):
    """What the data link asks of a D channel."""

    @property
    def now_samples(self) -> int: ...

    def send_frame(self, frame: bytes) -> None:
        """Send one HDLC frame; flags and FCS are the port's business."""


@dataclass(frozen=True, slots=True)
class Up:
    """The data link is established."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The peer set the data link up anew: messages may have been lost."""


@dataclass(frozen=True, slots=True)
class Down:
    """There is no data link."""


@dataclass(frozen=True, slots=True)
class Data:
    """A layer 3 message arrived, in order."""

    message: bytes


Indication: TypeAlias = Up | Reset | Down | Data


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, taken apart.  ``event`` is what it is before sequence numbers are looked at."""

    event: LinkEvent
    command: bool
    poll: bool  # P of a command, F of a response
    ns: int = 0
    nr: int = 0
    info: bytes = b""

    @property
    def numbered(self) -> bool:
        return self.event is LinkEvent.I or self.event in FINAL_EVENTS


def address(role: Role, *, command: bool, from_us: bool = True) -> bytes:
    """SAPI 0, TEI 0; C/R of Q.921 3.3.2: a network's commands and a user's responses carry 1."""
    bit = command == ((role == "network") == from_us)
    return bytes((int(bit) << 1, 0x01))


def parse(frame: bytes, role: Role) -> Frame:
    """Take apart what the ``role``'s peer sent.  ProtocolError: not for us, or not a frame."""
    if len(frame) < 3:
        raise ProtocolError("Q.921", f"{len(frame)} octets", "at least 3")
    command = frame[:2] == address(role, command=True, from_us=False)
    if not command and frame[:2] != address(role, command=False, from_us=False):
        raise ProtocolError("Q.921", f"address {frame[:2].hex()}", "SAPI 0, TEI 0")
    control = frame[2]
    if control & 3 == 3:
        return _unnumbered(frame, command)
    bad = Frame(LinkEvent.REJECTED, command, False)
    if len(frame) < 4:
        return bad
    poll, nr = bool(frame[3] & 1), frame[3] >> 1
    if control & 1:
        event = SUPERVISORY.get(control)
        return bad if event is None or len(frame) > 4 else Frame(event, command, poll, nr=nr)
    if not command or not 0 < len(frame) - 4 <= N201:
        return bad
    return Frame(LinkEvent.I, True, poll, control >> 1, nr, frame[4:])


def _unnumbered(frame: bytes, command: bool) -> Frame:
    kind, poll = frame[2] & ~PF_U, bool(frame[2] & PF_U)
    empty = len(frame) == 3
    event: LinkEvent | None
    if kind == XID:
        event = LinkEvent.XID
    elif command:
        event = U_COMMANDS.get(kind) if empty or kind == UI else None
    elif kind == UA and empty:
        event = LinkEvent.UA if poll else LinkEvent.UA_ODD
    elif kind == DM and empty:
        event = LinkEvent.DM_FINAL if poll else LinkEvent.DM
    else:
        event = None  # FRMR, too, asks for a new link
    return Frame(event or LinkEvent.REJECTED, command, poll)


class Link:
    """One data link.  ``tell`` gets what happened, after the event is done with.

    ``t200_ms``, ``t203_ms``, ``n200``: Q.921 5.9.  Counters: ``garbage`` frames that were none of
    ours, ``resent`` I frames, ``lost`` messages dropped because the link was down or full.
    ``faults``: errors of the port when a timer wanted to send.
    """

    def __init__(
        self, port: FramePort, role: Role, tell: Callable[[Indication], None], *,
        t200_ms: int = T200_MS, t203_ms: int = T203_MS, n200: int = N200,
    ) -> None:  # fmt: skip
        if t200_ms <= 0 or t203_ms <= t200_ms or n200 < 1:
            raise ValueError("T200 is positive, T203 longer than T200, N200 at least 1")
        self.port, self.role, self._tell = port, role, tell
        self._t200_ms, self._t203_ms, self._n200 = t200_ms, t203_ms, n200
        limits = {
            "ESTABLISHING": (n200 + 1) * t200_ms, "RELEASING": (n200 + 1) * t200_ms,
            "RECOVERY": n200 * t200_ms,
        }  # fmt: skip
        self._actions = {
            a: partial(getattr(self, f"_{a.value[0]}"), *a.value[1:]) for a in LINK.actions
        }
        self.machine = Machine(LINK, lambda a: self._actions[a](), self._set_limit, limits)
        self._limit: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_is: LinkEvent | None = None
        self._told: deque[Indication] = deque()
        self._telling = False
        self._frame = Frame(LinkEvent.UI, True, False)
        self._message = b""
        self._waiting: deque[bytes] = deque()  # from V(A) on: sent and not acknowledged, then new
        self._next = self._sent = 0  # of those: V(S) - V(A), and how many ever went out
        self._va = self._vr = 0
        self._rejecting = self._peer_busy = self._lossy = False
        self._tries = 0
        self.garbage = self.resent = self.lost = 0
        self.faults: deque[str] = deque(maxlen=16)

    # ---- what others see -------------------------------------------------------------------

    @property
    def up(self) -> bool:
        return self.machine.state in (LinkState.ESTABLISHED, LinkState.RECOVERY)

    @property
    def state(self) -> str:
        return str(self.machine.state.value)

    def establish(self) -> None:
        """Bring the link up; `Up`, or after N200 tries `Down`, follows."""
        self._feed(LinkEvent.ESTABLISH)

    def release(self) -> None:
        """Take the link down; `Down` follows."""
        self._feed(LinkEvent.RELEASE)

    def send(self, message: bytes) -> bool:
        """Queue one layer 3 message of 1 to 260 octets; False (and counted): no link, or full."""
        if not 0 < len(message) <= N201:
            raise ValueError(f"a message has 1 to {N201} octets, not {len(message)}")
        down = self.machine.state in (LinkState.RELEASED, LinkState.RELEASING)
        if down or len(self._waiting) >= LONGEST_QUEUE:
            self.lost += 1
            return False
        self._message = message
        self._feed(LinkEvent.DATA)
        return True

    def take(self, frame: bytes) -> None:
        """One frame from the line.  Never raises on what it holds: garbage is counted."""
        try:
            self._frame = parse(frame, self.role)
        except ProtocolError:
            self.garbage += 1
            return
        self._feed(self._classify(self._frame))

    def close(self) -> None:
        """Stop all timers; nothing is sent and nothing told any more."""
        self._stop_timers()
        self._set_limit(None)

    # ---- from frames to events -------------------------------------------------------------

    def _classify(self, frame: Frame) -> LinkEvent:
        if not frame.numbered:
            return frame.event
        if (frame.nr - self._va) % MODULO > self._sent:
            return LinkEvent.NR_ERROR
        if frame.event is LinkEvent.I:
            return LinkEvent.I if frame.ns == self._vr else LinkEvent.I_GAP
        return frame.event if frame.command or not frame.poll else FINAL_EVENTS[frame.event]

    def _feed(self, event: LinkEvent) -> None:
        try:
            self.machine.feed(event, self.port.now_samples)
        finally:
            self._flush()

    def _flush(self) -> None:
        if self._telling:
            return  # whoever is telling goes on with what came
        self._telling = True
        try:
            while self._told:
                self._tell(self._told.popleft())
        finally:
            self._telling = False

    # ---- sending ---------------------------------------------------------------------------

    def _put(self, command: bool, *octets: int, info: bytes = b"") -> None:
        head = address(self.role, command=command)
        self.port.send_frame(head + bytes(octets) + info)

    def _send_sabme(self) -> None:
        self._tries = 0
        self._put(True, SABME | PF_U)
        self._start(LinkEvent.T200)

    def _send_disc(self) -> None:
        self._tries = 0
        self._put(True, DISC | PF_U)
        self._start(LinkEvent.T200)

    def _send_enquiry(self) -> None:
        self._tries = 1
        self._put(True, RR, self._vr << 1 | 1)
        self._start(LinkEvent.T200)

    def _send_again(self, what: str) -> None:
        """T200 ran out; the state's limit, not this, ends the tries."""
        if self._tries >= self._n200:
            return
        tries = self._tries + 1
        {"sabme": self._send_sabme, "disc": self._send_disc, "enquiry": self._send_enquiry}[what]()
        self._tries = tries

    def _send_answer(self, what: str) -> None:
        kind = UA if what == "ua" else DM
        self._put(False, kind | (PF_U if self._frame.poll else 0))

    def _answer_poll(self) -> None:
        if self._frame.command and self._frame.poll:
            self._put(False, RR, self._vr << 1 | 1)

    def _pump(self) -> None:
        """Send what the window and the peer allow (Q.921 5.6.1)."""
        while not self._peer_busy and self._next < min(len(self._waiting), K):
            ns = (self._va + self._next) % MODULO
            self._put(True, ns << 1, self._vr << 1, info=self._waiting[self._next])
            self.resent += self._next < self._sent
            self._next += 1
            self._sent = max(self._sent, self._next)
            if self._timer_is is not LinkEvent.T200:
                self._start(LinkEvent.T200)

    # ---- receiving -------------------------------------------------------------------------

    def _deliver(self) -> None:
        self._vr = (self._vr + 1) % MODULO
        self._rejecting = False
        self._told.append(Data(self._frame.info))
        self._put(False, RR, self._vr << 1 | self._frame.poll)

    def _ask_repeat(self) -> None:
        """Q.921 5.8.1: one REJ until the gap is filled."""
        if not self._rejecting:
            self._rejecting = True
            self._put(False, REJ, self._vr << 1 | self._frame.poll)
        elif self._frame.poll:
            self._put(False, RR, self._vr << 1 | 1)

    def _acknowledged_only(self) -> bool:
        count = (self._frame.nr - self._va) % MODULO
        for _ in range(count):
            self._waiting.popleft()
        self._va = self._frame.nr
        self._next, self._sent = max(self._next - count, 0), self._sent - count
        return count > 0

    def _acknowledged(self) -> None:
        moved = self._acknowledged_only()
        if not self._sent:
            self._start(LinkEvent.T203)
        elif moved:
            self._start(LinkEvent.T200)

    def _go_back(self) -> None:
        """V(S) = N(R); whatever was sent after it goes again."""
        self._acknowledged_only()
        self._next = 0
        self._start(LinkEvent.T203)

    def _set_peer_busy(self, busy: bool) -> None:
        self._peer_busy = busy

    def _wait_busy(self) -> None:
        """Q.921 5.6.5: T200 supervises a busy peer."""
        self._start(LinkEvent.T200)

    def _reset(self) -> None:
        """Both directions begin at 0.  What was sent and not acknowledged is lost (5.5.1.2)."""
        for _ in range(self._sent):
            self._waiting.popleft()
        self.lost += self._sent
        self._lossy = self._sent > 0
        self._next = self._sent = self._va = self._vr = 0
        self._rejecting = self._peer_busy = False

    def _drop(self) -> None:
        self.lost += len(self._waiting)
        self._waiting.clear()
        self._next = self._sent = 0

    def _queue(self) -> None:
        self._waiting.append(self._message)

    # ---- telling and timing ----------------------------------------------------------------

    def _tell_up(self) -> None:
        self._told.append(Up())

    def _tell_reset(self) -> None:
        if self._lossy:  # the peer missed our UA, say: nothing to tell
            self._told.append(Reset())

    def _tell_down(self) -> None:
        self._told.append(Down())

    def _start_t203(self) -> None:
        self._start(LinkEvent.T203)

    def _stop_timers(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._timer_is = None

    def _start(self, which: LinkEvent) -> None:
        """Q.921: while T200 runs T203 does not, and the other way round."""
        self._stop_timers()
        ms = self._t200_ms if which is LinkEvent.T200 else self._t203_ms
        when = self.machine.at / RATE + ms / 1000
        self._timer_is = which
        self._timer = asyncio.get_running_loop().call_at(when, self._feed_timer, which)

    def _set_limit(self, ms: int | None) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        if ms is not None:
            when = self.machine.at / RATE + ms / 1000
            loop = asyncio.get_running_loop()
            self._limit = loop.call_at(when, self._feed_timer, LINK.timeout)

    def _feed_timer(self, event: LinkEvent) -> None:
        if event is self._timer_is:
            self._timer = self._timer_is = None
        try:
            self._feed(event)
        except Exception as error:  # the table's fault has brought the link down
            self.faults.append(f"{type(error).__name__}: {error}")
