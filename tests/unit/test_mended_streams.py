"""Streams and completions: who is served, what ends them, what a closed board leaves behind."""

import asyncio
import gc
import weakref

import pytest
from cti_board._native._media import lib

from cti_board import events as ev
from cti_board.errors import BoardError
from cti_board.pump import Pump, ends

LINE = ("channel", 0, 0)
GONE = BoardError("sim: is not open")


def hook(seq):
    return ev.OffHook(seq, 160 * seq, 0, 0)


async def turn(times=3):
    for _ in range(times):
        await asyncio.sleep(0)


def test_two_getters_at_once_are_both_served_in_order():
    async def main():
        pump = Pump()
        stream = pump.subscribe(LINE)
        first, second = asyncio.create_task(stream.get()), asyncio.create_task(stream.get())
        await turn()
        pump.dispatch([hook(1), hook(2)])
        async with asyncio.timeout(5):
            return [(await first).seq, (await second).seq]

    assert asyncio.run(main()) == [1, 2]


def test_a_getter_cancelled_after_it_was_woken_hands_the_event_on():
    async def main():
        pump = Pump()
        stream = pump.subscribe(LINE)
        first, second = asyncio.create_task(stream.get()), asyncio.create_task(stream.get())
        await turn()
        pump.dispatch([hook(1)])
        first.cancel()
        async with asyncio.timeout(5):
            return (await second).seq, first.cancelled()

    assert asyncio.run(main()) == (1, True)


def test_an_event_that_is_given_back_wakes_who_waits():
    async def main():
        stream = Pump().subscribe(LINE)
        getter = asyncio.create_task(stream.get())
        await turn()
        stream.push_back(hook(7))
        async with asyncio.timeout(5):
            return (await getter).seq

    assert asyncio.run(main()) == 7


def test_closing_a_stream_wakes_all_who_wait():
    async def main():
        stream = Pump().subscribe(LINE)
        getters = [asyncio.create_task(stream.get()) for _ in range(3)]
        await turn()
        stream.close()
        stream.close()
        return await asyncio.gather(*getters, return_exceptions=True)

    errors = asyncio.run(main())
    assert [type(e) for e in errors] == [ValueError] * 3
    assert "closed" in str(errors[0])


def test_a_closed_board_ends_its_streams_after_their_last_event():
    async def main():
        pump = Pump()
        board, line, far = (pump.subscribe(k) for k in (("board", 0, 0), LINE, ("street", 0, 2)))
        other = pump.subscribe(("channel", 1, 0))
        waiting = asyncio.create_task(far.get())
        await turn()
        pump.dispatch([hook(1)])
        pump.close_board(0, GONE)
        later = pump.subscribe(LINE)  # of another board that took its place
        pump.dispatch([hook(2), ev.OffHook(3, 480, 1, 0)])
        with pytest.raises(BoardError, match="is not open"):
            await waiting
        seen = [(await board.get()).seq, (await line.get()).seq]
        for stream in (board, line):
            assert stream.get_nowait() is None
            with pytest.raises(BoardError, match="is not open"):
                await stream.get()
        return seen, (await later.get()).seq, (await other.get()).seq

    assert asyncio.run(main()) == ([1, 1], 2, 3)


def test_events_of_the_engine_reach_every_board_and_channel_once():
    async def main():
        pump = Pump()
        keys = [("board", 0, 0), ("board", 1, 0), LINE, ("channel", 1, 5)]
        streams = [pump.subscribe(k) for k in keys] + [pump.subscribe(*keys)]
        far = pump.subscribe(("street", 0, -1))
        pump.dispatch([ev.Overrun(1, 0, -1, -1, 12), ev.Late(2, 0, -1, -1, 3)])
        counts = []
        for stream in streams:
            kinds = []
            while event := stream.get_nowait():
                kinds.append(type(event))
            counts.append(kinds)
        return counts, far.get_nowait()

    counts, far = asyncio.run(main())
    assert counts == [[ev.Overrun, ev.Late]] * 5
    assert far is None


@pytest.mark.parametrize(
    ("op", "over"),
    [
        (lib.CTB_EOP_PLAY, True),
        (lib.CTB_EOP_RECORD, True),
        (lib.CTB_EOP_TONE, True),
        (lib.CTB_EOP_DIAL, True),
        (lib.CTB_OP_PULSE_DIAL, True),
        (lib.CTB_OP_STREET, True),
        (lib.CTB_EOP_PLAY_STOP, False),
        (lib.CTB_EOP_PLAY_PAUSE, False),
        (lib.CTB_EOP_RECORD_STOP, False),
        (lib.CTB_EOP_RECORD_MASK, False),
    ],
)
def test_only_the_command_that_began_a_cookie_ends_it_by_failing(op, over):
    failed = ev.CommandFailed(1, 0, 0, 0, 9, 5, op)
    assert ends(failed) == (9 if over else 0)


def test_reports_on_the_way_end_nothing():
    assert ends(ev.MediaOverrun(1, 0, 0, 0, 9, 160)) == 0
    assert ends(ev.RecordError(1, 0, 0, 0, 9, 28)) == 0
    assert ends(ev.StreetReport(1, 0, 0, 0, lib.CTB_SE_DIGIT, 0, 0, 0, 9, "")) == 0
    assert ends(ev.StreetReport(1, 0, 0, 0, lib.CTB_SE_HEAR_DONE, 0, 0, 0, 9, "")) == 9
    assert ends(ev.ToneDone(1, 0, 0, 0, 9, ev.DoneReason.END)) == 9


class Memory:
    """Stands for a buffer that C uses."""


@pytest.mark.parametrize("how", ["report", "board closed"])
def test_memory_lives_until_the_report_whoever_still_waits(how):
    async def main():
        pump, memory = Pump(), Memory()
        alive = weakref.ref(memory)
        pump.completion(4, 0, keep=memory).cancel()
        del memory
        await turn()
        gc.collect()
        before = alive() is not None
        if how == "report":
            pump.dispatch([ev.StreetReport(1, 0, 0, 0, lib.CTB_SE_PLAY_DONE, 0, 0, 0, 4, "")])
        else:
            pump.close_board(0, GONE)
        await turn()
        gc.collect()
        return before, alive() is not None

    assert asyncio.run(main()) == (True, False)


def test_completions_of_a_closed_board_end_with_its_error():
    async def main():
        pump = Pump()
        mine, other = pump.completion(1, 0), pump.completion(2, 1)
        pump.close_board(0, GONE)
        with pytest.raises(BoardError, match="is not open"):
            await mine
        return other.done()

    assert asyncio.run(main()) is False


def test_a_forgotten_cookie_is_not_waited_for():
    async def main():
        pump = Pump()
        future = pump.completion(1, 0)
        pump.forget(1)
        pump.close_board(0, GONE)
        return future.done()

    assert asyncio.run(main()) is False
