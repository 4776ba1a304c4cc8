"""Room: what signalling needs of a channel.  Types only: no behaviour, no import of call or board.

`cti_board.channel.Channel` satisfies this protocol.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from enum import IntEnum
from typing import Protocol

from cti_board.capability import Capabilities
from cti_board.events import Alarm, Event


class LineType(IntEnum):
    """Which side we are, as in ctb_driver.h."""

    FXO = 1
    FXS = 2
    E1_CAS = 3
    E1_CLEAR = 4
    E1_HDLC = 5


class EventStream(Protocol):
    """Events of one channel from the moment of subscription, in order."""

    def __aiter__(self) -> AsyncIterator[Event]: ...
    async def get(self) -> Event: ...
    def get_nowait(self) -> Event | None: ...
    def close(self) -> None: ...


class Playing(Protocol):
    """Sound on its way."""

    def stop(self) -> None: ...


class LinePort(Protocol):
    """One channel as signalling sees it: commands take effect at the next frame boundary."""

    @property
    def name(self) -> str: ...
    @property
    def line_type(self) -> LineType: ...
    @property
    def capabilities(self) -> Capabilities: ...
    @property
    def now_samples(self) -> int:
        """The engine's sample number, on a frame boundary."""

    @property
    def alarms(self) -> Alarm:
        """Alarms of the span now; none on analog lines."""

    def wall(self) -> datetime:
        """The time of day, with its zone."""

    def events(self, *kinds: type[Event]) -> EventStream:
        """A new stream of this channel's events, all kinds when none is named."""

    def set_hook(self, off_hook: bool) -> None:
        """FXO: take (True) or leave the loop."""

    def ring(self, on_ms: int, off_ms: int, *, ani: str = "", caller_id: str = "none") -> None:
        """FXS: ring with this cadence until ring_stop; caller_id none, fsk or dtmf is for cards
        with BOARD_CALLER_ID."""

    def ring_stop(self) -> None: ...
    def flash(self, length_ms: int) -> None: ...
    def wink(self, length_ms: int) -> None: ...
    def reverse_polarity(self, reversed_: bool) -> None: ...
    def loop_break(self, length_ms: int) -> None: ...
    def set_cas(self, bits: int) -> None: ...

    def send_digits(
        self, digits: str, *, on_ms: int = 70, off_ms: int = 70, pulse: bool = False
    ) -> int:
        """Start sending; returns the cookie that comes back in ToneDone.  ValueError: bad digit."""

    def send_tone(self, tone: str, *, cycles: int = 0) -> int:
        """A tone of the board's plan by name (dial, ringback, busy ...) until stopped."""

    def send_mf(self, signal: int, set_: str) -> int:
        """E1: R2 signal 1 to 15 until stop_tone; sets: forward, backward, backward_cn."""

    def listen_for_mf(self, set_: str) -> None:
        """E1: the set of R2 signals that arm(mf=True) hears from its next arming on."""

    def stop_tone(self) -> None: ...
    def play(self, *sources: bytes) -> Playing:
        """Send A-law codes, on-hook too."""

    def clean(self, *, echo_tail_ms: int = 0, level_dbm0: float | None = None) -> None:
        """Take our echo out of what is received, bring speech to a level; neither: as it is."""

    def resync(self) -> None:
        """Report the line's levels once more (OnHook or OffHook, BatteryChange, CasChange ...)."""

    def arm(
        self,
        *,
        dtmf: bool | None = None,
        tones: bool | None = None,
        talk: bool | None = None,
        fsk: bool | None = None,
        mf: bool | None = None,
    ) -> None:
        """Arm or disarm detectors (None = leave).  Nested: each arm needs its disarm."""
