"""Room: what a driver's author supplies: a rig, which is a board and someone at the far end of its
lines.  Types only; must not check anything and must not know any card.

A rig that cannot do something raises NotSupportedError from that method: the check that needs it
then says "can't tell" and why.
"""

from collections.abc import Generator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, runtime_checkable

from cti_board.board import Board
from cti_board.channel import Channel
from cti_board.events import Alarm


class Hearing(Protocol):
    """A far end that listens: ``began_at`` is the engine sample of the first sample heard."""

    began_at: int

    async def stop(self) -> bytes:
        """End and return what was heard: A-law, 8000 a second, silence included."""


class Speaking(Protocol):
    """A far end that speaks; ``await`` waits for the end of the sound."""

    def __await__(self) -> Generator[Any, None, Any]: ...
    def stop(self) -> None: ...


@runtime_checkable
class FarEnd(Protocol):
    """The other end of one channel's line: a telephone, or a subscriber behind an exchange.

    Commands take effect at the next frame boundary.  Samples are engine samples.
    """

    @property
    def number(self) -> str:
        """What the card dials to reach it; "" when it cannot be dialled."""

    @property
    def dnis(self) -> str:
        """What its calls to the card ask for, as the card is told; "" when it is not."""

    async def ring(self) -> None:
        """Call the channel; returns when the call has been asked for."""

    async def answer(self) -> None:
        """Take the loop: lift the handset, ringing or not."""

    async def hang_up(self) -> None: ...

    async def flash(self, length_ms: int) -> None: ...

    async def send_digits(self, digits: str, *, on_ms: int = 70, off_ms: int = 70,
                          pulse: bool = False, level_dbm0: float = -8.0,
                          twist_db: float = 2.0) -> None:  # fmt: skip
        """Press keys; returns when the last is let go.  Level of the low tone; twist is high
        over low."""

    def play(self, sound: bytes, *, times: int = 1) -> Speaking:
        """Speak A-law; ``times`` 0 = for ever."""

    def hear(self, seconds: float) -> Hearing:
        """Listen, at most for so long.  The rig must not use the card's detectors."""

    def set_alarm(self, alarm: Alarm) -> None:
        """E1: the span's alarms towards the card are now exactly these."""

    async def wait_ring(self, timeout_s: float = 30.0) -> int:
        """The sample at which the next ringing burst begins here."""

    async def wait_ring_end(self, timeout_s: float = 30.0) -> int:
        """The sample at which the burst ends."""

    async def wait_caller_id(self, timeout_s: float = 30.0) -> str:
        """The caller's number as this end is told it."""

    async def wait_answered(self, timeout_s: float = 30.0) -> int:
        """The call of `ring` was answered."""

    async def wait_cleared(self, timeout_s: float = 30.0) -> int:
        """This end is told that the card left the call."""


class Faults(Protocol):
    """What may go wrong around a board, on purpose."""

    def cut_line(self, channel: Channel, cut: bool) -> None: ...
    def stop_clock(self, frames: int) -> None: ...
    def stick_key(self, channel: Channel, digit: str, on: bool) -> None: ...
    def miss_rings(self, channel: Channel, bursts: int) -> None: ...
    def no_dial_tone(self, channel: Channel, on: bool) -> None: ...
    def congest(self, on: bool) -> None: ...
    def no_seize_ack(self, channel: Channel, on: bool) -> None: ...

    def clear_by(self, channel: Channel, *, busy: bool = False, reversal: bool = False,
                 loop_break: bool = False) -> None:  # fmt: skip
        """How the exchange tells this FXO line that the far end left."""

    def answer_reversal(self, channel: Channel, on: bool) -> None:
        """Whether the exchange reverses the polarity when a call out is answered."""


class Rig(Protocol):
    """One way to reach a card, and far ends for its lines.

    ``required``: capabilities (names without CTB_CAP_) that this backend must declare.
    ``path_samples``: what the rig's own wires add between a line and its far end, one way.
    """

    name: str
    required: frozenset[str]
    path_samples: int

    def board(self) -> AbstractAsyncContextManager[Board]:
        """A freshly opened board, all lines idle."""

    def far_end(self, channel: Channel) -> FarEnd:
        """The same object for the same channel of one board."""

    def faults(self, board: Board) -> Faults:
        """NotSupportedError where faults cannot be made."""
