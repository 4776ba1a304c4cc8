"""Two simulated boards whose clocks are 50 ppm apart, bridged for a virtual hour."""

import asyncio

import numpy as np

from cti_board import Switch, open_board, run
from cti_board.audio import decode_alaw, encode_alaw

SECONDS = 3600
PPM = 50


class Clicks:
    """Takes a stereo recording as it comes; keeps where each side's clicks began."""

    def __init__(self) -> None:
        self.samples = 0
        self.at: tuple[list[int], list[int]] = ([], [])

    def update(self, data: bytes) -> None:
        for side in (0, 1):
            loud = np.flatnonzero(np.abs(decode_alaw(data[side::2]).astype(int)) > 8000)
            for place in loud:
                where = self.samples + int(place)
                if not self.at[side] or where > self.at[side][-1] + 4000:
                    self.at[side].append(where)
        self.samples += len(data) // 2


def click() -> bytes:
    """One second with one loud sample."""
    second = np.zeros(8000, dtype=np.int16)
    second[0] = 16000
    return encode_alaw(second)


async def bridge() -> tuple[Clicks, int, dict[str, int]]:
    async with (
        open_board("sim:fxo=0,fxs=1,e1=0,phones=0") as one,
        open_board(f"sim:fxo=0,fxs=1,e1=0,phones=0,ppm={PPM}") as two,
    ):
        here, there = one.channels[0], two.channels[0]
        for board in (one, two):
            board.street.telephones[0].off_hook()
        await asyncio.sleep(1)
        Switch(one.loop).connect(here, there)
        clicks = Clicks()
        recorder = here.record(sink=clicks, stereo=True)
        before = one.loop.engine.stats()
        for board in (one, two):
            board.street.telephones[0].play(click(), times=0)
        await asyncio.sleep(SECONDS)
        result = await recorder.stop()
        after = one.loop.engine.stats()
        return clicks, result.samples, {k: after[k] - before[k] for k in ("slips_rx", "slips_tx")}


def test_slips_are_as_many_as_they_must_be_and_the_recording_does_not_drift():
    clicks, samples, slips = run(bridge, clock="virtual")
    expected = SECONDS * 50 * PPM * 1e-6  # frames of 20 ms
    assert abs(slips["slips_rx"] - expected) <= 1
    assert abs(slips["slips_tx"] - expected) <= 1
    assert samples == SECONDS * 8000
    assert clicks.samples == samples
    own, other = (np.array(side) for side in clicks.at)
    assert set(np.diff(own)) == {8000}  # our own board: exact
    assert len(other) >= SECONDS - 2  # a dropped frame may have held a click
    second = 8000 / (1 + PPM * 1e-6)
    since_first = other - other[0]
    drift = since_first - np.round(since_first / second) * second
    assert np.max(np.abs(drift)) <= 2 * 160  # held by the slips: never more than two frames
