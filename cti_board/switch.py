"""Room: who hears whom.  Cross-connects and conferences; no routing policy.

`listen` is one-way; `connect` is two listens.  A listened channel is heard one frame (20 ms) later.
"""

from typing import NewType

from cti_board._native._media import lib
from cti_board.channel import Channel
from cti_board.loop import EngineLoop

Timeslot = NewType("Timeslot", int)


class Switch:
    """Cross-connects channels of all boards of one engine."""

    def __init__(self, loop: EngineLoop) -> None:
        self._loop = loop

    def listen(self, sink: Channel, source: Channel | None) -> None:
        """``sink``'s far end hears ``source``'s; None: nothing any more."""
        board = -1 if source is None else source.board.number
        number = 0 if source is None else source.number
        self._loop.engine.post(
            sink.board.number, sink.number, lib.CTB_EOP_LISTEN, a=board, b=number
        )

    def connect(self, a: Channel, b: Channel) -> None:
        """Both hear each other."""
        self.listen(a, b)
        self.listen(b, a)

    def disconnect(self, a: Channel, b: Channel) -> None:
        self.listen(a, None)
        self.listen(b, None)


class Conference:
    """Up to 32 channels hear the sum of the others; a listen-only member is not heard."""

    def __init__(self, loop: EngineLoop) -> None:
        self._loop = loop
        self._number = loop.take_conference()
        self._members: set[Channel] = set()

    def join(self, channel: Channel, *, listen_only: bool = False) -> None:
        self._members.add(channel)
        self._loop.engine.post(
            channel.board.number,
            channel.number,
            lib.CTB_EOP_CONF_JOIN,
            a=self._number,
            b=2 if listen_only else 1,
        )

    def leave(self, channel: Channel) -> None:
        self._members.discard(channel)
        self._loop.engine.post(channel.board.number, channel.number, lib.CTB_EOP_CONF_LEAVE)

    def close(self) -> None:
        """Everyone leaves; the place is free again."""
        for channel in list(self._members):
            self.leave(channel)
        self._loop.give_conference(self._number)
