"""Room: the one clock of the process.  A leaf; must not know boards, loops or calls.

All time is an integer count of samples at 8000 Hz that stands on frame boundaries (160 samples,
20 ms).  In virtual time the wall is a configured start plus that count.
"""

from datetime import datetime, timedelta
from typing import Protocol

RATE = 8000
FRAME_SAMPLES = 160
FRAMES_PER_S = RATE // FRAME_SAMPLES


class FrameSource(Protocol):
    """What counts frames: the engine."""

    @property
    def frames(self) -> int: ...


def samples_of(seconds: float) -> int:
    """Seconds as samples, to the nearest."""
    return round(seconds * RATE)


def frames_of(seconds: float) -> int:
    """Seconds as frames: to the nearest sample, then up to the grid of frames."""
    return -(-samples_of(seconds) // FRAME_SAMPLES)


class Clock:
    """Monotonic; one per process.  ``start`` is an aware datetime that sample 0 stands for."""

    def __init__(self, source: FrameSource, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("the clock's start must carry a time zone")
        self._source = source
        self._start = start

    @property
    def now_samples(self) -> int:
        """Samples since the start, on a frame boundary."""
        return self._source.frames * FRAME_SAMPLES

    @property
    def now(self) -> float:
        """Seconds since the start, on a frame boundary."""
        return self._source.frames / FRAMES_PER_S

    def wall(self) -> datetime:
        """The time of day of the present frame, with its zone."""
        return self.wall_at(self.now_samples)

    def wall_at(self, samples: int) -> datetime:
        """The time of day of any sample number."""
        return self._start + timedelta(microseconds=samples * 125)
