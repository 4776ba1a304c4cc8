"""The wall clock's selector on an engine whose frames the test counts; the stall message."""

import asyncio
import os

import pytest

from cti_board import events as ev
from cti_board import run, running
from cti_board.errors import StalledError
from cti_board.loop import EngineLoop


class Frames:
    """An engine as the wall selector sees it.  `signals`: a deadline that is set comes at once."""

    wall = True

    def __init__(self):
        self.frames, self.deadlines, self.waiting, self.signals = 0, [], [], True
        self.clock = self
        self._fd = os.eventfd(0, os.EFD_NONBLOCK)

    @property
    def now_samples(self):
        return self.frames * 160

    def eventfd(self):
        return self._fd

    def set_deadline(self, frame):
        self.deadlines.append(frame)
        if self.signals:
            os.eventfd_write(self._fd, 1)

    def poll(self):
        found, self.waiting = self.waiting, []
        return found


@pytest.fixture
def wall():
    engine = Frames()
    loop = EngineLoop(engine)
    yield loop
    loop.close()
    os.close(engine.eventfd())


@pytest.mark.parametrize(
    ("seen", "late", "timeout", "deadline"),
    [
        (100, 0, 0.02, 101),
        (100, 3, 0.05, 103),  # the loop reckoned for three frames: the deadline stays where it was
        (100, 1, 0.0201, 102),
        (7, 2, 1.0, 57),
        (180_000_007, 4, 0.1, 180_000_012),  # after six weeks the grid is as exact
    ],
)
def test_a_deadline_is_absolute_whatever_the_loop_took_to_reckon_it(
    wall, seen, late, timeout, deadline
):
    wall.engine.frames = seen
    now = wall.time()
    wall.engine.frames = seen + late
    assert wall.selector.select(now + timeout - now) == []
    assert wall.engine.deadlines == [deadline]


def test_a_deadline_that_has_come_meanwhile_is_not_waited_for(wall):
    wall.engine.frames, wall.engine.signals = 100, False
    wall.time()
    wall.engine.frames = 110
    assert wall.selector.select(0.1) == []  # would wait for ever: nothing signals


def test_lag_is_that_of_the_oldest_event_from_the_end_of_its_frame(wall):
    assert wall.lag_ms() == (0.0, 0.0)
    engine = wall.engine
    engine.frames = 10
    engine.waiting = [ev.OnHook(1, 6 * 160 + 5, 0, 0), ev.OnHook(2, 9 * 160 + 159, 0, 0)]
    wall.selector.select(0)
    assert wall.lag_ms() == (60.0, 60.0)  # frame 6 ended at the count of 7
    engine.waiting = [ev.OnHook(3, 9 * 160 + 1, 0, 0)]
    wall.selector.select(0)
    assert list(wall.selector.lag_samples) == [480, 0]


def test_the_99th_percentile_of_lag_and_the_worst(wall):
    engine = wall.engine
    for lag in [*range(100), 400]:
        engine.frames += 1
        engine.waiting = [ev.OnHook(1, 0, 0, 0)]
        engine.frames = lag + 1
        wall.selector.select(0)
    assert wall.lag_ms() == (99 * 20.0, 400 * 20.0)
    for _ in range(10_000):  # the percentile is of the latest, the worst stays
        engine.frames = 1
        engine.waiting = [ev.OnHook(1, 0, 0, 0)]
        wall.selector.select(0)
    assert wall.lag_ms() == (0.0, 8000.0)


def test_nothing_lags_in_virtual_time():
    async def main():
        await asyncio.sleep(1)
        return running().lag_ms()

    assert run(main, clock="virtual") == (0.0, 0.0)


def test_a_stall_says_which_door_threads_go_through():
    async def main():
        await asyncio.Event().wait()

    with pytest.raises(StalledError, match=r"jobs\.run.*asyncio\.to_thread"):
        run(main, clock="virtual")
