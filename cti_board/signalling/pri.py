"""Room: an ISDN PRI: the calls of one D channel, after ITU-T Q.931, as user or as network.
Must not know what a `Call` is, nor which board the D channel belongs to: it asks a `FramePort`.

What: `PriSpan.seize` places calls; what happens to calls goes into ``reports``.  Frames from the
line go to `PriSpan.take`.
How: the data link (q921.py) is brought up and kept up; each call reference has a `PriCall`
(pri_call.py) with its state table; channels are shared here (5.1.2, 5.2.3, 5.7); messages that fit
no call or are not well formed are answered here (5.8).
Limits: point-to-point (TEI 0), one D channel for one E1, circuit-switched calls; no supplementary
services, no hold, no segmentation.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

from cti_board.errors import CtiError, ProtocolError, SeizeError
from cti_board.signalling.cause import Cause
from cti_board.signalling.pri_call import (
    RATE,
    PriCall,
    PriOptions,
    PriReport,
    check_digits,
)
from cti_board.signalling.pri_restart import Restarts
from cti_board.signalling.q921 import Data, FramePort, Indication, Link, Reset, Up
from cti_board.signalling.q931_codec import (
    AUDIO_3K1,
    SPEECH,
    Bearer,
    CauseValue,
    ChannelId,
    Id,
    Ies,
    Kind,
    Message,
    decode,
    encode,
)
from cti_board.signalling.q931_table import (
    CALL,
    MANDATORY,
    MESSAGES,
    IsdnCause,
    PriEvent,
    Role,
)

TIMESLOTS = (*range(1, 16), *range(17, 32))  # ITU-T G.704: 0 is framing, 16 the D channel
RETRY_S = 1.0  # chosen: as T200, between a data link that came down and the next try
FIRST_ANSWERS = (Kind.SETUP_ACK, Kind.PROCEEDING, Kind.ALERTING, Kind.CONNECT)

PriReports: TypeAlias = "asyncio.Queue[PriReport]"


class PriSpan:
    """One D channel and its B channels.  ``start`` before anything else, ``close`` at the end.

    Counters: ``garbage`` messages that were none, ``defects`` with something wrong in them,
    ``lost`` that could not be sent.  ``faults``: errors, the newest last.
    """

    def __init__(
        self, port: FramePort, role: Role, reports: PriReports, *,
        channels: Iterable[int] = TIMESLOTS, options: PriOptions | None = None,
    ) -> None:  # fmt: skip
        self.channels = tuple(channels)
        if not self.channels or not set(self.channels) <= set(TIMESLOTS):
            raise ValueError(f"channels are timeslots 1 to 15 and 17 to 31, not {self.channels}")
        self.port, self.role, self.reports = port, role, reports
        self.options = options or PriOptions()
        wrong = [n for n, _ in self.options.limits if n not in CALL[role].states.__members__]
        if wrong:
            raise ValueError(f"no state {wrong[0]!r} in {CALL[role].name}")
        self.link = Link(port, role, self._indication)
        self.calls: dict[tuple[int, bool], PriCall] = {}  # (reference, ours)
        self.faults: deque[str] = deque(maxlen=16)
        self.garbage = self.defects = self.lost = 0
        self._next_ref = 0
        self._closed = False
        self._retry: asyncio.TimerHandle | None = None
        self.restarts = Restarts(self)

    # ---- what others see and do --------------------------------------------------------------

    @property
    def now_samples(self) -> int:
        return self.port.now_samples

    @property
    def up(self) -> bool:
        return self.link.up

    @property
    def out(self) -> frozenset[int]:
        """Channels whose restart is not acknowledged yet."""
        return frozenset(self.restarts.channels)

    def start(self) -> None:
        """Bring the data link up; it is kept up from now on."""
        self._establish()

    def close(self) -> None:
        """End all calls without a word, stop all timers.  Idempotent."""
        self._closed = True
        for call in list(self.calls.values()):
            call.feed(PriEvent.RESTARTED)
        if self._retry is not None:
            self._retry.cancel()
        self.restarts.close()
        self.link.close()

    def seize(
        self, number: str, *, ani: str = "", name: str = "", channel: int | None = None,
        whole: bool = True,
    ) -> PriCall:  # fmt: skip
        """Place a call; CallAnswered or CallDisconnected will follow in ``reports``.

        ``whole=False``: more digits come by `PriCall.dial`.  ``name`` goes out as display, at most
        34 printable ASCII characters (longer ones are cut).  SeizeError: no link, no free channel.
        """
        check_digits(number)
        check_digits(ani)
        if channel is not None and channel not in self.channels:
            raise ValueError(f"channel {channel} is none of this span")
        if not self.link.up:
            raise SeizeError("the data link is down")
        free = self.free()
        if not free or (channel is not None and channel not in free):
            raise SeizeError("no free channel" if channel is None else f"{channel} is not free")
        # chosen: the sides hunt from opposite ends, so that they seldom want the same channel
        pick = channel or (free[0] if self.role == "network" else free[-1])
        call = PriCall(self, self._new_ref(), ours=True, channel=pick)
        call.dnis, call.ani = number, ani
        call.ani_name = "".join(c for c in name if " " <= c <= "~")[:34]
        self.calls[call.ref, True] = call
        call.seize(whole=whole)
        return call

    def free(self) -> list[int]:
        """Channels that no call has and that are not out, ascending."""
        taken = {c.channel for c in self.calls.values()} | self.out
        return sorted(set(self.channels) - taken)

    def restart(self, channel: int) -> None:
        """Bring a channel to idle on both sides (5.5); it is ``out`` until that is done."""
        if channel not in self.channels:
            raise ValueError(f"channel {channel} is none of this span")
        for call in [c for c in self.calls.values() if c.channel == channel]:
            call.feed(PriEvent.RESTARTED)
        self.restarts.add(channel)

    def take(self, frame: bytes) -> None:
        """One frame of the D channel, without FCS.  Never raises: garbage is counted."""
        try:
            self.link.take(frame)
        except Exception as error:
            self.fault(error)

    # ---- the data link -----------------------------------------------------------------------

    def _establish(self) -> None:
        self._retry = None
        try:
            self.link.establish()
        except CtiError as error:  # releasing, or the port refuses: the link tells Down
            self.fault(error)

    def _indication(self, what: Indication) -> None:
        if isinstance(what, Data):
            self._message(what.message)
        elif isinstance(what, Up):
            self._all(PriEvent.LINK_UP)
            self.restarts.try_next()
        elif isinstance(what, Reset):
            self._all(PriEvent.LINK_RESET)
        elif not self._closed:
            self._all(PriEvent.LINK_DOWN)
            self.restarts.link_down()
            if self._retry is None:
                when = self.now_samples / RATE + RETRY_S
                self._retry = asyncio.get_running_loop().call_at(when, self._establish)

    def _all(self, event: PriEvent) -> None:
        for call in list(self.calls.values()):
            try:
                call.feed(event)
            except Exception as error:  # the others go on
                self.fault(error)

    def send(self, message: Message) -> None:
        """A message to the far end; without a link it is lost, and counted."""
        if not self.link.send(encode(message)):
            self.lost += 1

    # ---- messages ----------------------------------------------------------------------------

    def _message(self, octets: bytes) -> None:
        try:
            message = decode(octets)
        except ProtocolError:
            self.garbage += 1
            return
        try:
            if message.ref == 0:
                self._global(message)
                return
            call = self.calls.get((message.ref, message.to_origin))
            if call is None:
                self._without_call(message)
            elif message.kind != Kind.SETUP:
                self._with_call(call, message)
        except Exception as error:
            self.fault(error)

    def _with_call(self, call: PriCall, message: Message) -> None:
        event = MESSAGES.get(message.kind)
        if event is None:
            call.feed(PriEvent.STRANGE, message)
            return
        clearing = event in (PriEvent.DISCONNECT, PriEvent.RELEASE, PriEvent.RELEASE_COMPLETE)
        defect = defect_of(message, clearing=clearing)
        call.defect = defect if clearing else None
        if defect is not None:
            self.defects += 1
            if not clearing:
                if event is not PriEvent.STATUS:  # two ends would answer each other for ever
                    call.send_defect(defect)
                return
        if event is PriEvent.STATUS and message.call_state == 0:
            event = PriEvent.STATUS_NULL
        elif message.kind in FIRST_ANSWERS and call.pending and not self._agree(call, message):
            event = PriEvent.BAD_CHANNEL
        call.feed(event, message)

    def _agree(self, call: PriCall, message: Message) -> bool:
        """The first answer to our SETUP settles the channel (5.1.2, 5.2.3.1)."""
        named = message.channel.channels if message.channel else ()
        if not named or named[0] == call.channel:
            return call.channel is not None
        if self.options.exclusive or named[0] not in self.free():
            return False
        call.channel = named[0]
        return True

    def _without_call(self, message: Message) -> None:
        """5.8.3.2."""
        if message.kind == Kind.SETUP:
            if not message.to_origin:
                self._setup(message)
        elif message.kind == Kind.STATUS and not message.call_state:
            return  # 5.8.11: null here, null there
        elif message.kind != Kind.RELEASE_COMPLETE:
            wrong = message.kind == Kind.STATUS
            cause = IsdnCause.WRONG_STATE if wrong else IsdnCause.INVALID_REFERENCE
            self._refuse(message, CauseValue(cause))

    def _refuse(self, message: Message, cause: CauseValue) -> None:
        ies: Ies = {Id.CAUSE: cause}
        flag = not message.to_origin
        self.send(Message(Kind.RELEASE_COMPLETE, message.ref, flag, ies))

    def _setup(self, setup: Message) -> None:
        defect = defect_of(setup, clearing=False)
        if defect is None and self.role == "user" and Id.CHANNEL not in setup.ies:
            bad = Id.CHANNEL in setup.bad
            defect = CauseValue(
                IsdnCause.ELEMENT_CONTENTS if bad else IsdnCause.MANDATORY_MISSING,
                diagnostic=bytes((Id.CHANNEL,)),
            )
        if defect is not None:
            self.defects += 1
            self._refuse(setup, defect)
            return
        bearer = setup.ies.get(Id.BEARER)
        if not isinstance(bearer, Bearer) or bearer.capability not in (SPEECH, AUDIO_3K1):
            self._refuse(setup, CauseValue(IsdnCause.BEARER_NOT_IMPLEMENTED))
            return
        channel, cause = self._choose(setup.channel)
        if channel is None:
            self._refuse(setup, CauseValue(cause))
            return
        call = PriCall(self, setup.ref, ours=False, channel=channel)
        call.take_setup(setup)
        self.calls[setup.ref, False] = call
        whole = call.whole_number(setup)
        call.feed(PriEvent.SETUP if whole else PriEvent.SETUP_MORE, setup)

    def _choose(self, wish: ChannelId | None) -> tuple[int | None, int]:
        """The channel for a SETUP of the far end, or None and the cause (5.1.2, 5.2.3.1)."""
        free = self.free()
        if wish is not None and wish.channels:
            named = wish.channels[0]
            if self.role == "user":
                self._yield_channel(named)
                free = self.free()
            if named in free:
                return named, 0
            if wish.exclusive:
                known = named in self.channels
                gone = Cause.CIRCUIT_NOT_AVAILABLE if known else IsdnCause.CHANNEL_DOES_NOT_EXIST
                return None, gone
        elif wish is not None and not wish.any:
            return None, Cause.NO_CIRCUIT  # a waiting call without a channel is not for us
        if not free:
            return None, Cause.NO_CIRCUIT
        return (free[0] if self.role == "network" else free[-1]), 0

    def _yield_channel(self, channel: int) -> None:
        """5.7, glare: the network's call has the channel, ours may get another."""
        for call in self.calls.values():
            if call.ours and call.pending and call.channel == channel:
                call.channel = None

    # ---- the global call reference: restart (5.5) --------------------------------------------

    def _global(self, message: Message) -> None:
        if message.kind == Kind.RESTART:
            self._restarted(message)
        elif message.kind == Kind.RESTART_ACK:
            if message.to_origin:
                self.restarts.acknowledged()
        elif message.kind != Kind.STATUS:
            self._global_status(message, CauseValue(IsdnCause.INVALID_REFERENCE))

    def _global_status(self, message: Message, cause: CauseValue) -> None:
        state = 61 if self.restarts.asking else 0  # 4.5.7: REST 1, REST 0
        ies: Ies = {Id.CAUSE: cause, Id.CALL_STATE: state}
        self.send(Message(Kind.STATUS, 0, not message.to_origin, ies))

    def _restarted(self, message: Message) -> None:
        """The far end wants channels, or the whole interface, to be idle."""
        defect = defect_of(message, clearing=False)
        indicator, wish = message.ies.get(Id.RESTART), message.channel
        if defect is None and indicator not in (0, 6, 7):  # 4.5.25
            defect = CauseValue(IsdnCause.ELEMENT_CONTENTS, diagnostic=bytes((Id.RESTART,)))
        if defect is None and indicator == 0 and (wish is None or not wish.channels):
            defect = CauseValue(IsdnCause.MANDATORY_MISSING, diagnostic=bytes((Id.CHANNEL,)))
        if defect is not None:
            self.defects += 1
            self._global_status(message, defect)
            return
        named = set(wish.channels) if indicator == 0 and wish else set(self.channels)
        for call in [c for c in self.calls.values() if c.channel in named]:
            call.feed(PriEvent.RESTARTED)
        ies: Ies = {i: message.ies[i] for i in (Id.CHANNEL, Id.RESTART) if i in message.ies}
        self.send(Message(Kind.RESTART_ACK, 0, not message.to_origin, ies))

    # ---- for the calls -----------------------------------------------------------------------

    def report(self, report: PriReport) -> None:
        self.reports.put_nowait(report)

    def call_over(self, call: PriCall) -> None:
        self.calls.pop((call.ref, call.ours), None)

    def call_unreleased(self, channel: int | None) -> None:
        if channel is not None:
            self.restart(channel)

    def call_fault(self, call: PriCall, error: Exception) -> None:
        self.fault(error)

    def fault(self, error: Exception) -> None:
        self.faults.append(f"{type(error).__name__}: {error}")

    def _new_ref(self) -> int:
        while True:
            self._next_ref = self._next_ref % 0x7FFF + 1
            if (self._next_ref, True) not in self.calls:
                return self._next_ref


def defect_of(message: Message, *, clearing: bool) -> CauseValue | None:
    """5.8.6 and 5.8.7: the cause to answer with, or None: the message can be acted upon.

    A clearing message is acted upon all the same; the cause goes back in the answer.
    """
    needed = MANDATORY.get(message.kind, ())
    wrong = [i for i in needed if i in message.bad]
    missing = [i for i in needed if i not in message.ies and i not in message.bad]
    # 4.5.1: identifiers 0 to 15 demand comprehension
    strange = [i for i in message.unknown if clearing or i < 0x10]
    for cause, ies in (
        (IsdnCause.MANDATORY_MISSING, missing),
        (IsdnCause.ELEMENT_NOT_IMPLEMENTED, strange),
        (IsdnCause.ELEMENT_CONTENTS, wrong),
    ):
        if ies:
            return CauseValue(cause, diagnostic=bytes(ies))
    return None


__all__ = ["TIMESLOTS", "PriCall", "PriOptions", "PriReport", "PriReports", "PriSpan"]
