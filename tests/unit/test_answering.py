"""Who answers a call over the simulated exchange: a person, a machine, a fax; or nobody."""

import asyncio

import pytest

from cti_board import AnswerWatch, TrunkGroup, open_board, run
from cti_board.dsp.fax import make_fax_tone
from cti_board.dsp.g711 import alaw_encode
from cti_board.errors import CallCleared
from tests.unit.test_answer import alaw, silence, tone, voice

SIM = "sim:fxo=1,fxs=0,e1=0,phones=2"


async def call_out(sound, *, lift: bool = True):
    """A call to a telephone that plays this when it is lifted: the answer, the beep, and when."""
    async with open_board(SIM) as board:
        line, far = board.channels[0], board.street.subscribers[1]
        async with TrunkGroup([line]) as trunks, AnswerWatch(line, dialling=True) as watch:
            placing = asyncio.create_task(trunks.call(far.number, channel=line, timeout_s=40))
            if lift:
                await asyncio.sleep(12)
                far.off_hook()
                await asyncio.sleep(0.6)
                lifted = line.now_samples
                far.play(sound.tobytes())
            answer = await watch.answer(45)
            beep = await watch.beep(8) if answer.kind == "machine" else False
            decided = line.now_samples
            placing.cancel()
            await asyncio.gather(placing, return_exceptions=True)
            return answer, beep, (decided - lifted) / 8000 if lift else 0.0


def test_a_person_says_hello():
    answer, _, seconds = run(
        lambda: call_out(alaw(silence(300), voice(600), silence(4000))), clock="virtual"
    )
    assert answer.kind == "human"
    assert seconds < 3.5


def test_a_machine_speaks_and_beeps():
    greeting = alaw(silence(300), voice(5000), silence(400), tone(1000, 400), silence(3000))
    answer, beep, seconds = run(lambda: call_out(greeting), clock="virtual")
    assert (answer.kind, beep) == ("machine", True)
    assert 6.0 < seconds < 7.5


def test_a_fax_answers():
    ced = alaw_encode(make_fax_tone("ced", 3000, -12.0))
    answer, _, seconds = run(lambda: call_out(ced), clock="virtual")
    assert answer.kind == "fax"
    assert seconds < 2.0


def test_nobody_answers():
    answer, _, _ = run(lambda: call_out(None, lift=False), clock="virtual")
    assert answer.kind == "no_answer"


def test_the_far_end_is_busy():
    async def main():
        async with open_board(SIM) as board:
            line, far = board.channels[0], board.street.subscribers[1]
            far.off_hook()
            await asyncio.sleep(1)
            async with TrunkGroup([line]) as trunks, AnswerWatch(line, dialling=True) as watch:
                with pytest.raises(CallCleared):
                    await trunks.call(far.number, channel=line)
                return await watch.answer(5)

    assert run(main, clock="virtual").kind == "busy"


def test_nothing_is_heard_outside_the_block():
    async def main():
        async with open_board(SIM) as board:
            with pytest.raises(RuntimeError, match="outside the block"):
                await AnswerWatch(board.channels[0]).answer()

    run(main, clock="virtual")


def test_detectors_are_off_again_after_the_block():
    async def main():
        async with open_board(SIM) as board:
            line = board.channels[0]
            async with AnswerWatch(line):
                inside = dict(line._armed)
            return inside, dict(line._armed)

    inside, after = run(main, clock="virtual")
    assert {name for name, count in inside.items() if count} == {"talk", "tones", "fax", "beep"}
    assert not any(after.values())
