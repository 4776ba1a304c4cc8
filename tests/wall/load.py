"""240 channels at once on the wall clock, each playing, recording and detecting; prints figures.

    python -m tests.wall.load [seconds]

The card is the loop card of the tests (channel 2k hears 2k+1), so that what is measured is the
engine and the driver ABI, with no street behind it.
"""

import asyncio
import json
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np

from cti_board import events as ev
from cti_board import open_board, run
from cti_board.audio import encode_alaw
from tests.native.loop_card import build

CHANNELS = 240
DIGITS = "159#"
LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
PAD = "123A456B789C*0#D"


def speech_and_digits() -> bytes:
    """Two seconds: four digits of 80 ms (numpy-made), the rest babble-like noise at -20 dBm0."""
    rng = np.random.default_rng(7)
    x = rng.normal(0, 1500, 16000)
    for i, digit in enumerate(DIGITS):
        row, column = divmod(PAD.index(digit), 4)
        t = np.arange(640) / 8000
        at = 1000 + i * 3500
        x[at - 400 : at + 1040] = 0
        x[at : at + 640] = 5000 * (
            np.sin(2 * np.pi * LOW[row] * t) + np.sin(2 * np.pi * HIGH[column] * t)
        )
    return encode_alaw(np.clip(x, -32000, 32000).astype(np.int16))


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def load(card: Path, folder: Path, seconds: float) -> dict[str, float]:
    """Run it; a dict of figures."""
    sound = speech_and_digits()
    async with open_board(f"lib:{card}?{CHANNELS}") as board:
        for channel in board.channels:
            channel.arm(dtmf=True)
        digits = board.events(ev.DtmfBegin)
        recorders = [c.record(folder / f"{c.number}.wav") for c in board.channels]
        players = [c.play(sound, loops=0) for c in board.channels]
        await asyncio.sleep(1)
        before, cpu, t0 = board.loop.engine.stats(), cpu_s(), board.loop.time()
        await asyncio.sleep(seconds)
        after, spent, span = board.loop.engine.stats(), cpu_s() - cpu, board.loop.time() - t0
        for player in players:
            player.stop()
        results = await asyncio.gather(*(r.stop() for r in recorders))
        heard = 0
        while digits.get_nowait() is not None:
            heard += 1
        call_s = CHANNELS * span
        busy = (after["busy_ns"] - before["busy_ns"]) / 1e9
        lag_p99_ms, lag_worst_ms = board.loop.lag_ms()
        return {
            "channels": CHANNELS,
            "seconds": span,
            "overruns": after["overruns"],
            "underruns": after["underruns"],
            "lost_samples": sum(r.lost_samples for r in results),
            "record_errors": sum(r.error != 0 for r in results),
            "digits_heard": heard,
            "digits_sent_about": len(DIGITS) * CHANNELS * (span + 1) / 2,
            "event_lag_p99_ms": lag_p99_ms,
            "event_lag_worst_ms": lag_worst_ms,
            "worst_lateness_ms": after["late_max_ns"] / 1e6,
            "frame_thread_percent_of_core": 100 * busy / span,
            "process_percent_of_core": 100 * spent / span,
            "cpu_ms_per_call_s": 1000 * spent / call_s,
        }


def measure(seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        card = build(Path(folder))
        return run(lambda: load(card, Path(folder), seconds), clock="wall")


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0), indent=2))
