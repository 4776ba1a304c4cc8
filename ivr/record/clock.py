"""Room: the centre's records, time.

The records never ask the operating system for the time: a clock is handed in, virtual
or real, and this module turns it into the two stamps that every fact carries.
"""

from datetime import UTC, datetime, timedelta
from typing import Protocol

SAMPLES_PER_SECOND = 8000  # ITU-T G.711 clause 2: sampling rate
SAMPLE_US = 125  # 1 000 000 / 8000, exact


class RecordClock(Protocol):
    """The part of a clock that the records need."""

    @property
    def now_samples(self) -> int:
        """Samples since this run of the program began."""

    def wall(self) -> datetime:
        """The civil time of `now_samples`, with its zone."""


def wall_text(moment: datetime, samples: int = 0) -> str:
    """UTC ISO 8601 text, microseconds, of `moment` moved by `samples`.

    Always UTC and always the same width, so that text order is time order.
    Raises ValueError for a moment without a zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a wall time needs its zone")
    moved = moment + timedelta(microseconds=samples * SAMPLE_US)
    return moved.astimezone(UTC).isoformat(timespec="microseconds")


def shift_text(wall: str, samples: int) -> str:
    """`wall` (as made by wall_text) moved by `samples`."""
    return wall_text(datetime.fromisoformat(wall), samples)
