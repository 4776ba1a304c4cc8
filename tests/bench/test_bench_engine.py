"""What a second of 240 busy channels costs, beside the same work done with numpy in the same run.

`make bench` prints both; the ratio is what counts, a shared machine's milliseconds do not.
Each channel plays A-law, is recorded, and its DTMF detector is armed.
"""

import asyncio
import tempfile
from pathlib import Path

import numpy as np
import pytest

from cti_board import open_board, run
from cti_board.audio import decode_alaw
from tests.native.loop_card import build
from tests.wall.load import CHANNELS, HIGH, LOW, speech_and_digits

FRAMES = 50  # one second


@pytest.mark.benchmark(group="a second of 240 channels: play, record, detect")
def test_engine(benchmark):
    with tempfile.TemporaryDirectory() as folder:
        card = build(Path(folder))

        async def main():
            async with open_board(f"lib:{card}?{CHANNELS}") as board:
                sound, sink = speech_and_digits(), Counter()
                for channel in board.channels:
                    channel.arm(dtmf=True)
                    channel.record(sink=sink)
                    channel.play(sound, loops=0)
                await asyncio.sleep(1)
                engine = board.loop.engine

                def second():
                    done = 0
                    while done < FRAMES:
                        done += engine.run(FRAMES - done, jump=False)
                        board.loop.pump.dispatch(engine.poll())

                benchmark.pedantic(second, rounds=20, iterations=1, warmup_rounds=1)
                return sink.size

        assert run(main, clock="virtual") > 0


@pytest.mark.benchmark(group="a second of 240 channels: play, record, detect")
def test_numpy_rival(benchmark):
    """Table decode, 8 tone powers by one matrix product a frame, and a copy: no decision, no
    debouncing, no level or twist: less than what the engine does."""
    sound = np.frombuffer(speech_and_digits(), dtype=np.uint8)
    table = decode_alaw(bytes(range(256))).astype(np.float32)
    t = np.arange(160) / 8000
    basis = np.stack([np.exp(2j * np.pi * f * t) for f in (*LOW, *HIGH)], axis=1).astype(
        np.complex64
    )
    frames = np.stack(
        [np.roll(sound, 97 * c)[:8000].reshape(50, 160) for c in range(CHANNELS)], axis=1
    )

    def second():
        kept = []
        for frame in frames:
            power = np.abs(table[frame] @ basis)
            kept.append((frame.copy(), power.argmax(axis=1)))
        return kept

    assert len(benchmark.pedantic(second, rounds=20, iterations=1, warmup_rounds=1)) == FRAMES


class Counter:
    def __init__(self):
        self.size = 0

    def update(self, data):
        self.size += len(data)
