"""Room: who hears whom.  Cross-connects and conferences; no routing policy.

`listen` is one-way; `connect` is two listens.  A listened channel is heard one frame (20 ms) later.
"""

from typing import NewType

from cti_board._native._media import lib
from cti_board.channel import Channel
from cti_board.errors import CtiError
from cti_board.loop import EngineLoop

Timeslot = NewType("Timeslot", int)
MAX_MEMBERS = 32  # of a conference of the media plane


class Switch:
    """Cross-connects channels of all boards of one engine."""

    def __init__(self, loop: EngineLoop) -> None:
        self._loop = loop

    def listen(self, sink: Channel, source: Channel | None) -> None:
        """``sink``'s far end hears ``source``'s; None: nothing any more."""
        board = -1 if source is None else source.board.place
        number = 0 if source is None else source.number
        self._loop.engine.post(sink.board.place, sink.number, lib.CTB_EOP_LISTEN, a=board, b=number)

    def connect(self, a: Channel, b: Channel) -> None:
        """Both hear each other."""
        self.listen(a, b)
        self.listen(b, a)

    def disconnect(self, a: Channel, b: Channel) -> None:
        self.listen(a, None)
        self.listen(b, None)


class Conference:
    """Up to 32 channels hear the sum of the others; a listen-only member is not heard.

    A channel is in one conference at a time: joining another takes it out of the first.
    """

    def __init__(self, loop: EngineLoop) -> None:
        self._loop = loop
        self._number = loop.take_conference()
        self._members: set[Channel] = set()
        self._open = True

    @property
    def members(self) -> frozenset[Channel]:
        """Channels that joined and neither left, nor joined another, nor lost their board."""
        self._members = {
            c for c in self._members if c.conference == self._number and c.board.number >= 0
        }
        return frozenset(self._members)

    def join(self, channel: Channel, *, listen_only: bool = False) -> None:
        """CtiError: it is full, or closed."""
        if not self._open:
            raise CtiError("the conference is closed")
        if channel not in self.members and len(self._members) >= MAX_MEMBERS:
            raise CtiError(f"a conference has at most {MAX_MEMBERS} members")
        self._loop.engine.post(
            channel.board.place,
            channel.number,
            lib.CTB_EOP_CONF_JOIN,
            a=self._number,
            b=2 if listen_only else 1,
        )
        channel.conference = self._number
        self._members.add(channel)

    def leave(self, channel: Channel) -> None:
        """No effect on a channel that is not a member."""
        if channel in self.members:
            self._loop.engine.post(
                channel.board.place, channel.number, lib.CTB_EOP_CONF_LEAVE, a=self._number
            )
            channel.conference = -1
            self._members.discard(channel)

    def close(self) -> None:
        """Everyone leaves; the place is free again.  Idempotent."""
        if self._open:
            for channel in self.members:
                self.leave(channel)
            self._open = False
            self._loop.give_conference(self._number)
