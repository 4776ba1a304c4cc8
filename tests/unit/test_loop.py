"""One clock, same code: asyncio in virtual time and the door for blocking work."""

import asyncio
import os
import threading
from datetime import UTC, datetime

import pytest

from cti_board import jobs, run, running
from cti_board.clock import Clock, frames_of, samples_of
from cti_board.errors import CtiError
from cti_board.switch import Conference


def test_sleep_stands_on_the_frame_grid():
    async def main():
        loop, seen = running(), []
        for seconds in (0.02, 0.03, 0.0201, 1.0, 0.0):
            before = loop.time()
            await asyncio.sleep(seconds)
            seen.append(round((loop.time() - before) * 50, 6))
        return seen, loop.clock.now_samples

    seen, samples = run(main, clock="virtual")
    assert seen == [1, 2, 2, 50, 0]
    assert samples == 55 * 160


def test_a_day_of_timers_costs_no_time_and_keeps_order():
    async def main():
        order = []

        async def at(seconds, name):
            await asyncio.sleep(seconds)
            order.append(name)

        async with asyncio.TaskGroup() as group:
            for i in range(200):
                group.create_task(at(86_400 - i * 400, i))
        return order, running().time()

    order, now = run(main, clock="virtual")
    assert order == list(range(199, -1, -1))
    assert now == 86_400


def test_timeout_is_virtual():
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        return running().time()

    assert run(main, clock="virtual") == 3600


def test_jobs_stand_the_clock_still_and_return_in_order():
    async def main():
        loop, done = running(), []
        gate = threading.Event()

        async def job(name, latency_s, wait):
            def work():
                if wait:
                    gate.wait(5)
                return threading.current_thread() is not threading.main_thread()

            elsewhere = await jobs.run(work, latency_s=latency_s)
            done.append((name, loop.time(), elsewhere))

        async with asyncio.TaskGroup() as group:
            group.create_task(job("slow", 0.5, True))
            group.create_task(job("quick", 0.1, False))
            group.create_task(_open(gate))
        return done

    async def _open(gate):
        gate.set()

    done = run(main, clock="virtual")
    assert [(name, elsewhere) for name, _, elsewhere in done] == [("quick", True), ("slow", True)]
    assert done[0][1] == pytest.approx(0.1)
    assert done[1][1] == pytest.approx(0.5)


def test_a_failing_job_raises_here():
    def fail():
        raise ZeroDivisionError("in the job")

    async def main():
        await jobs.run(fail, latency_s=0.2)

    with pytest.raises(ZeroDivisionError):
        run(main, clock="virtual")
    with pytest.raises(ValueError, match="latency_s"):
        run(lambda: jobs.run(print, latency_s=-1), clock="virtual")


def test_descriptors_are_served_in_virtual_time():
    async def main():
        read, write = os.pipe()
        got = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(
            read, lambda: got.done() or got.set_result(os.read(read, 9))
        )
        os.write(write, b"hello")
        async with asyncio.timeout(1):
            data = await got
        asyncio.get_running_loop().remove_reader(read)
        os.close(read)
        os.close(write)
        return data

    assert run(main, clock="virtual") == b"hello"


def test_wall_time_is_start_plus_samples():
    start = datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)

    async def main():
        await asyncio.sleep(2)
        clock = running().clock
        return clock.wall(), clock.now, clock.wall_at(8)

    wall, now, first = run(main, clock="virtual", start=start)
    assert wall == datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC)
    assert now == 2.0
    assert first == datetime(2026, 2, 28, 23, 59, 59, 1000, tzinfo=UTC)
    with pytest.raises(ValueError, match="time zone"):
        Clock(None, datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("seconds", "frames"), [(0, 0), (0.02, 1), (0.020001, 1), (0.0201, 2), (1, 50)]
)
def test_deadlines_go_to_the_sample_and_then_up_to_the_grid(seconds, frames):
    assert frames_of(seconds) == frames
    assert samples_of(seconds) == round(seconds * 8000)


def test_a_wrong_clock_and_a_foreign_loop_are_refused():
    async def nothing():
        return None

    with pytest.raises(ValueError, match="lunar"):
        run(nothing, clock="lunar")
    with pytest.raises(RuntimeError, match=r"cti_board\.run"):
        asyncio.run(jobs.run(print))


def test_conferences_are_counted():
    async def main():
        rooms = [Conference(running()) for _ in range(64)]
        with pytest.raises(CtiError, match="taken"):
            Conference(running())
        rooms[3].close()
        Conference(running())

    run(main, clock="virtual")
