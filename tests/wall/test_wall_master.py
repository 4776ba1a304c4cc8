"""A card that paces itself is the time base; when it stops, time goes on, and it comes back."""

import asyncio

import pytest

from cti_board import Capabilities, open_board, run
from cti_board import events as ev
from cti_board.errors import DriverError, NotSupportedError
from tests.native.loop_card import build
from tests.native.test_engine import Bytes, sine


@pytest.mark.wall
def test_the_card_is_the_time_base(tmp_path):
    card = build(tmp_path)
    sound = sine(700, 1.0)

    async def main():
        async with open_board(f"lib:{card}?2,0,paced") as board:
            heard, frames = Bytes(), board.loop.engine.frames
            recorder = board.channels[1].record(sink=heard)
            await board.channels[0].play(sound)
            await recorder.stop()
            stream = board.events(ev.BoardLost, ev.BoardBack)
            board.channels[0].capabilities |= Capabilities.GAIN
            board.channels[0].set_gain(0.3, 0)  # the loop card stops for 30 frames
            async with asyncio.timeout(5):
                lost, back = await stream.get(), await stream.get()
            with pytest.raises((DriverError, NotSupportedError), match="time base already"):
                async with open_board(f"lib:{card}?2,0,paced"):
                    pass
            return heard.data, lost, back, board.loop.engine.frames - frames

    data, lost, back, frames = run(main, clock="wall")
    assert sound in data
    assert isinstance(lost, ev.BoardLost)
    assert isinstance(back, ev.BoardBack)
    assert 19 <= (back.at - lost.at) / 160 <= 23
    assert frames >= 80


def test_virtual_time_refuses_a_card_that_paces_itself(tmp_path):
    card = build(tmp_path)

    async def main():
        async with open_board(f"lib:{card}?2,0,paced"):
            pass

    with pytest.raises((DriverError, NotSupportedError), match="wall clock"):
        run(main, clock="virtual")
