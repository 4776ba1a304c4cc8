"""Two files played and one recorded on a disk where each access takes 30 ms; prints figures.

Started by test_wall_faults.py in a process of its own, with drivers/slow_disk.c preloaded.
"""

import asyncio
import ctypes
import json
import sys
import tempfile
from pathlib import Path

from cti_board import open_board, run
from tests.native.loop_card import build


async def main(folder: Path) -> dict[str, int]:
    slow_ms = ctypes.c_int.in_dll(ctypes.CDLL(None), "slow_disk_ms")
    sound = folder / "long.al"
    sound.write_bytes(b"\x55" * 200_000)
    async with open_board(f"lib:{build(folder)}?4") as board:
        recorder = board.channels[2].record(folder / "r.wav")
        players = [board.channels[i].play(sound) for i in range(2)]
        await asyncio.sleep(0.5)
        slow_ms.value = 30
        await asyncio.sleep(float(sys.argv[1]))
        slow_ms.value = 0
        for player in players:
            player.stop()
        result = await recorder.stop()
        return {
            "underruns": board.loop.engine.stats()["underruns"],
            "lost_samples": result.lost_samples,
        }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(run(lambda: main(Path(name)), clock="wall")))
