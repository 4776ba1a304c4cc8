"""Room: which channels of a PRI wait for their restart (ITU-T Q.931 5.5), one after the other.
Must not know calls, frames or the data link: it asks its span (pri.py).
"""

import asyncio
from collections import deque
from functools import partial
from typing import Protocol

from cti_board.fsm import Machine
from cti_board.signalling.pri_call import RATE
from cti_board.signalling.q931_codec import ChannelId, Id, Ies, Kind, Message
from cti_board.signalling.q931_table import RESTART, RestartEvent, RestartState


class RestartOwner(Protocol):
    """What restarts ask of their span."""

    @property
    def now_samples(self) -> int: ...

    @property
    def up(self) -> bool: ...

    def send(self, message: Message) -> None: ...

    def fault(self, error: Exception) -> None: ...


class Restarts:
    """``channels`` wait, the first is being asked for; each is tried until it is acknowledged."""

    def __init__(self, span: RestartOwner) -> None:
        self.span = span
        self.channels: deque[int] = deque()
        actions = {a: partial(getattr(self, a.value[0]), *a.value[1:]) for a in RESTART.actions}
        self.machine = Machine(RESTART, lambda a: actions[a](), self._set_limit)
        self._timer: asyncio.TimerHandle | None = None

    @property
    def asking(self) -> bool:
        return self.machine.state is not RestartState.IDLE

    def add(self, channel: int) -> None:
        if channel not in self.channels:
            self.channels.append(channel)
        self.try_next()

    def try_next(self) -> None:
        """Where a channel waits, none is being asked for and the link is up."""
        if self.channels and self.span.up and not self.asking:
            self._feed(RestartEvent.START)

    def acknowledged(self) -> None:
        self._feed(RestartEvent.ACKNOWLEDGED)

    def link_down(self) -> None:
        self._feed(RestartEvent.LINK_DOWN)

    def close(self) -> None:
        self._set_limit(None)

    # ---- actions ---------------------------------------------------------------------------

    def send_restart(self) -> None:
        ies: Ies = {Id.CHANNEL: ChannelId((self.channels[0],)), Id.RESTART: 0}
        self.span.send(Message(Kind.RESTART, 0, False, ies))

    def channel_back(self) -> None:
        self.channels.popleft()

    def channel_out(self) -> None:
        """Not acknowledged: the others first, then it again."""
        self.channels.rotate(-1)

    def next_restart(self) -> None:
        if self.channels and self.span.up:
            self.machine.feed(RestartEvent.START, self.machine.at)

    # ---- plumbing --------------------------------------------------------------------------

    def _feed(self, event: RestartEvent) -> None:
        try:
            self.machine.feed(event, self.span.now_samples)
        except Exception as error:  # the table's fault has brought it to rest
            self.span.fault(error)

    def _set_limit(self, ms: int | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if ms is not None:
            when = self.machine.at / RATE + ms / 1000
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(when, self._feed, RestartEvent.TIMEOUT)
