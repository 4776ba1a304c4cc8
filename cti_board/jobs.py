"""Room: the one door for blocking work (database, files, text-to-speech).  No policy.

On a wall clock a job runs in a thread.  In virtual time it does too, one at a time in order of
submission, the clock stands still while it is out, and its result arrives ``latency_s`` later.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from cti_board.loop import VirtualSelector, running

T = TypeVar("T")


async def run(fn: Callable[..., T], *args: Any, latency_s: float = 0.0) -> T:
    """Run ``fn(*args)`` off the loop and return what it returns (or raise what it raises).

    ``latency_s``: how long it takes in virtual time, >= 0; on a wall clock it takes what it takes.
    """
    if latency_s < 0:
        raise ValueError(f"latency_s is not negative: {latency_s}")
    loop = running()
    selector = loop.selector
    due = loop.time() + latency_s
    if not isinstance(selector, VirtualSelector):
        return await loop.run_in_executor(loop.job_pool, fn, *args)
    selector.jobs_out += 1
    future = loop.run_in_executor(loop.job_pool, fn, *args)

    def came_back(_: object) -> None:
        selector.jobs_out -= 1

    future.add_done_callback(came_back)
    try:
        return await asyncio.shield(future)
    finally:
        if future.done() and (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
