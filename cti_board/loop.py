"""Room: asyncio on the engine's time.  The engine sits in the selector's seat, so that
``asyncio.sleep``, ``timeout`` and ``TaskGroup`` work untouched on a wall clock and in virtual time.
Must not know boards, channels or calls.

Virtual: ``select(timeout)`` runs frames to the deadline or to the end of the first frame that
posted an event.  Wall: the ordinary selector and the engine's eventfd; the loop hands its next
deadline to the engine, which signals at that frame.  A tie goes to the line event on both.
"""

import asyncio
import os
import selectors
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from cti_board.clock import FRAME_SAMPLES, FRAMES_PER_S, RATE, Clock, frames_of
from cti_board.engine import Engine
from cti_board.errors import CtiError, StalledError
from cti_board.pump import Pump

T = TypeVar("T")
VIRTUAL_START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)  # chosen: a Monday morning
LAGS = 10_000  # chosen: over three minutes of batches, one a frame
LONGEST_FRAMES = 3600 * FRAMES_PER_S  # chosen: how far one select may run


class _Selector(selectors.BaseSelector):
    """What both share: a real selector for descriptors, and the engine."""

    def __init__(self, engine: Engine, pump: Pump) -> None:
        self.real = selectors.DefaultSelector()
        self.engine = engine
        self.pump = pump

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self.real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self.real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self.real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self.real.get_map()

    def close(self) -> None:
        self.real.close()


class VirtualSelector(_Selector):
    """Time goes on only here, and only when no job is out."""

    def __init__(self, engine: Engine, pump: Pump, *, jump: bool) -> None:
        super().__init__(engine, pump)
        self.jump = jump
        self.jobs_out = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.jobs_out:  # the clock stands still until a job's result comes
            return self.real.select(0 if timeout == 0 else None)
        ready = self.real.select(0) if len(self.real.get_map()) > 1 or timeout == 0 else []
        if ready or (timeout is not None and timeout <= 0):
            return ready
        frames = LONGEST_FRAMES if timeout is None else min(frames_of(timeout), LONGEST_FRAMES)
        if timeout is None and len(self.real.get_map()) <= 1 and self.engine.quiet():
            raise StalledError(
                "every task waits, no timer runs and no line can change "
                "(work in a thread: use jobs.run, the clock does not know asyncio.to_thread)"
            )
        if frames > 0:
            self.engine.run(frames, jump=self.jump)
            self.pump.dispatch(self.engine.poll())
        return ready


class WallSelector(_Selector):
    """The eventfd wakes the loop; deadlines are kept by the engine, on its frames."""

    def __init__(self, engine: Engine, pump: Pump) -> None:
        super().__init__(engine, pump)
        self._wake = self.real.register(engine.eventfd(), selectors.EVENT_READ)
        self.frames_seen = 0  # by the loop's last look at the clock, from which it reckons timeouts
        self.lag_samples: deque[int] = deque(maxlen=LAGS)
        self.worst_lag_samples = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        wait = timeout is None
        if timeout is not None and timeout > 0:
            deadline = frames_of(self.frames_seen / FRAMES_PER_S + timeout)
            self.engine.set_deadline(deadline)
            wait = self.engine.frames < deadline  # it may have come while the loop was reckoning
        ready = self.real.select(None if wait else 0)
        others = [item for item in ready if item[0] is not self._wake]
        if len(others) != len(ready):
            os.eventfd_read(self.engine.eventfd())
        found = self.engine.poll()
        if found:
            self._measure(min(event.at for event in found))
            self.pump.dispatch(found)
        return others

    def _measure(self, oldest: int) -> None:
        """Lag from the end of the oldest event's frame to here, in samples (whole frames)."""
        end = (oldest // FRAME_SAMPLES + 1) * FRAME_SAMPLES
        lag = max(0, self.engine.clock.now_samples - end)
        self.lag_samples.append(lag)
        self.worst_lag_samples = max(self.worst_lag_samples, lag)


class EngineLoop(asyncio.SelectorEventLoop):
    """An event loop whose ``time()`` is frames x 160 / 8000 on both clocks."""

    def __init__(self, engine: Engine, *, jump: bool = True) -> None:
        self.engine = engine
        self.pump = Pump()
        self.selector: VirtualSelector | WallSelector = (
            WallSelector(engine, self.pump)
            if engine.wall
            else VirtualSelector(engine, self.pump, jump=jump)
        )
        super().__init__(self.selector)
        self._clock_resolution = 0.5 / RATE  # half a sample: a deadline counts when its frame came
        self._conferences = set(range(64))  # CTB_MAX_CONFERENCES
        self.job_pool = ThreadPoolExecutor(1 if not engine.wall else 4, "cti-job")

    def time(self) -> float:
        frames = self.engine.frames
        if isinstance(self.selector, WallSelector):
            self.selector.frames_seen = frames
        return frames / FRAMES_PER_S

    def lag_ms(self) -> tuple[float, float]:
        """How long events waited for the loop, in ms: (99th percentile, worst).

        Of the oldest event of each batch, from the end of its frame; whole frames.  The percentile
        is of the last 10 000 batches, the worst of all.  In virtual time nothing waits: (0, 0).
        """
        if not isinstance(self.selector, WallSelector) or not self.selector.lag_samples:
            return 0.0, 0.0
        lags = sorted(self.selector.lag_samples)
        p99 = lags[(len(lags) - 1) * 99 // 100]
        return p99 * 1000 / RATE, self.selector.worst_lag_samples * 1000 / RATE

    @property
    def clock(self) -> Clock:
        return self.engine.clock

    def take_conference(self) -> int:
        """The number of a free conference; CtiError when all are taken."""
        if not self._conferences:
            raise CtiError("all conferences of the media plane are taken")
        number = min(self._conferences)
        self._conferences.discard(number)
        return number

    def give_conference(self, number: int) -> None:
        self._conferences.add(number)

    @property
    def virtual(self) -> bool:
        return not self.engine.wall

    def close(self) -> None:
        if not self.is_closed():
            self.job_pool.shutdown(wait=True)
        super().close()


def running() -> EngineLoop:
    """The engine's loop of the calling task; RuntimeError elsewhere."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, EngineLoop):
        raise RuntimeError("this needs the engine's loop: start the program with cti_board.run()")
    return loop


def run(
    main: Callable[[], Coroutine[Any, Any, T]],
    *,
    clock: Literal["wall", "virtual"] = "wall",
    start: datetime | None = None,
    jump: bool = True,
) -> T:
    """Run ``main()`` to its end on a new engine and return its result.

    ``clock`` "wall" paces frames in real time; "virtual" runs them as fast as the machine can,
    with the same events in the same order.  ``start`` is the aware time of day of sample 0
    (virtual: a fixed Monday morning unless given; wall: now).  ``jump=False`` computes every
    frame even where nothing can happen; the trace is the same.
    """
    if clock not in ("wall", "virtual"):
        raise ValueError(f"clock is 'wall' or 'virtual', not {clock!r}")
    wall = clock == "wall"
    begin = start or (datetime.now(UTC).astimezone() if wall else VIRTUAL_START)
    engine = Engine(wall=wall, start=begin)
    try:
        if wall:
            engine.start()
        with asyncio.Runner(loop_factory=lambda: EngineLoop(engine, jump=jump)) as runner:
            return runner.run(main())
    finally:
        engine.close()
