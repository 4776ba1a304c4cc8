"""Event streams: a getter that was cancelled does not silence the one after it."""

import asyncio

from cti_board import events as ev
from cti_board.pump import Pump

KEY = ("channel", 0, 0)


def test_a_getter_after_a_cancelled_one_is_woken():
    async def main():
        pump = Pump()
        stream = pump.subscribe(KEY)
        first = asyncio.create_task(stream.get())
        await asyncio.sleep(0)
        first.cancel()
        second = asyncio.create_task(stream.get())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        event = ev.OffHook(1, 160, 0, 0)
        pump.dispatch([event])
        return await asyncio.wait_for(second, 5) is event

    assert asyncio.run(main())
