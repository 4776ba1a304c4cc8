"""The wall clock under faults: signals, a disk that is slow, an exchange that hangs."""

import asyncio
import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cti_board._native._media import lib

from cti_board import events as ev
from cti_board import open_board, run
from tests.native.loop_card import build

pytestmark = pytest.mark.wall
SYS_TGKILL = 234 if os.uname().machine == "x86_64" else 131  # Linux: x86-64, arm64
ROOT = Path(__file__).parent.parent.parent


def test_signals_do_not_stop_time(tmp_path):
    card = build(tmp_path)
    before = {n: signal.signal(n, lambda *_: None) for n in (signal.SIGUSR1, signal.SIGUSR2)}

    async def main():
        async with open_board(f"lib:{card}?2") as board:
            threads = [int(name) for name in os.listdir("/proc/self/task")]  # noqa: PTH208
            frames = board.loop.engine.frames
            for _ in range(20):
                for thread in threads:
                    for number in before:
                        os.kill(os.getpid(), number)
                        _tgkill(thread, number)
                await asyncio.sleep(0.02)
            return board.loop.engine.frames - frames

    try:
        assert run(main, clock="wall") >= 20
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tgkill(thread, number):
    """To one thread of ours, whichever it is; the call has no name in Python."""
    ctypes.CDLL(None).syscall(SYS_TGKILL, os.getpid(), thread, int(number))


def test_a_slow_disk_starves_nobody(tmp_path):
    shim = tmp_path / "slow_disk.so"
    source = ROOT / "tests/native/drivers/slow_disk.c"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(shim), str(source), "-ldl"], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.wall.slow_disk", "6"],
        cwd=ROOT,
        env=os.environ | {"LD_PRELOAD": str(shim)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"underruns": 0, "lost_samples": 0}


def test_an_exchange_that_hangs_loses_its_board_and_not_the_time(tmp_path):
    card = build(tmp_path)

    async def main():
        async with open_board(f"lib:{card}?2") as board:
            loop = board.loop
            stream = board.events(ev.BoardLost, ev.BoardBack)
            loop.engine.post(board.number, 0, lib.CTB_OP_GAIN, b=100)  # hangs for 1 s
            start = loop.time()
            lost = await stream.get()
            waited = loop.time() - start
            await asyncio.sleep(0.3)
            slept = loop.time() - start - waited
            async with asyncio.timeout(5):
                back = await stream.get()
            return lost, back, waited, slept

    lost, back, waited, slept = run(main, clock="wall")
    assert isinstance(lost, ev.BoardLost)
    assert isinstance(back, ev.BoardBack)
    assert waited < 0.6
    assert 0.28 <= slept <= 0.4
