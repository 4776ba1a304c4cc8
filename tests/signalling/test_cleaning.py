"""Line cleaning is on while there is a conversation, and only where it was asked for."""

import asyncio

import pytest

from cti_board import events as ev
from cti_board.call import LineOptions, TrunkGroup
from cti_board.signalling.port import LineType

from .fake_port import run
from .test_call import at, lines, sent


def cleanings(options: LineOptions) -> list[str]:
    async def main():
        (port,) = lines(LineType.FXO, 1)
        async with TrunkGroup([port], options=options) as group:
            at(1.0, port, ev.RingBegin)
            call = await group.offered()
            before = sent(port, "clean")
            async with call:
                await call.answer()
                during = sent(port, "clean")
                await asyncio.sleep(1)
                call.hang_up()
            await asyncio.sleep(5)
            return before, during, sent(port, "clean")

    return run(main)


def test_nothing_is_cleaned_unless_asked_for():
    assert cleanings(LineOptions(caller_id="none")) == ([], [], [])


def test_cleaning_begins_with_the_answer_and_ends_with_the_call():
    options = LineOptions(caller_id="none", echo_tail_ms=32, level_dbm0=-19.0)
    before, during, after = cleanings(options)
    assert before == []
    assert during == ["clean 32 -19.0"]
    assert after == ["clean 32 -19.0", "clean 0 None"]


@pytest.mark.parametrize("tail", [8, 20, 72, -16])
def test_a_tail_that_no_canceller_has_is_refused(tail):
    with pytest.raises(ValueError, match=f"echo_tail_ms is 0, or 16 to 64 .*{tail}"):
        LineOptions(echo_tail_ms=tail)


@pytest.mark.parametrize("level", [1.0, -41.0, 50.0])
def test_a_level_that_no_control_has_is_refused(level):
    with pytest.raises(ValueError, match=f"level_dbm0 is -40 to 0: {level}"):
        LineOptions(level_dbm0=level)
