"""One SIMD lane is one line: lanes are independent, arming forgets, every set gives the same."""

import hashlib
import platform
from pathlib import Path

import numpy as np
import pytest

from tests.native import dsp_rig as rig
from tests.native import test_talk, test_tones
from tests.native.dsp_rig import busy_lines


def test_a_lane_hears_the_same_whatever_its_place_and_neighbours():
    signals = busy_lines()
    together = rig.listen("dtmf", signals)
    assert sum(map(len, together)) > 100
    for lane in range(0, 16, 5):
        alone = rig.Bank("dtmf")
        place = (lane + 11) % 16
        alone.arm(place)
        codes = np.full((16, rig.lines(signals).shape[1]), 0xD5, np.uint8)
        codes[place] = rig.lines(signals)[lane]
        assert alone.run(codes, 1 << place)[place] == together[lane]


def test_arming_a_used_lane_is_arming_a_fresh_one():
    codes = rig.lines(busy_lines())
    fresh = rig.Bank("dtmf")
    for lane in range(16):
        fresh.arm(lane)
    expected = fresh.run(codes)
    used = rig.Bank("dtmf")
    for lane in range(16):
        used.arm(lane)
    used.run(rig.lines(busy_lines(seed=8))[:, : 160 * 33])
    for lane in range(16):
        used.arm(lane)
    used.at = 0
    assert used.run(codes) == expected


def test_a_lane_outside_the_mask_keeps_its_state():
    """Time stands still for it: its neighbours' frames do not pass."""
    codes = rig.lines(busy_lines())
    whole = rig.Bank("dtmf")
    for lane in range(16):
        whole.arm(lane)
    expected = whole.run(codes)
    split = rig.Bank("dtmf")
    for lane in range(16):
        split.arm(lane)
    cut = 160 * 41
    first = split.run(codes[:, :cut])
    others = np.delete(np.arange(16), 3)
    mixed = codes.copy()
    mixed[3] = 0x2A  # what lane 3 must not hear
    rest = split.run(mixed[:, cut:], mask=0xFFFF & ~(1 << 3))
    split.at = cut
    late = split.run(codes[:, cut:], mask=1 << 3)
    assert all(first[n] + rest[n] == expected[n] for n in others)
    assert rest[3] == []
    assert first[3] + late[3] == expected[3]


def test_too_little_room_for_hits_drops_the_later_ones():
    bank = rig.Bank("dtmf")
    for lane in range(16):
        bank.arm(lane)
    codes = rig.lines([rig.dtmf("1", 60)] * 16)
    assert sum(len(h) for h in bank.run(codes, most=5)) == 5


def event_hash() -> str:
    """Of every event of every bank on sixteen busy lines; the same on every instruction set."""
    signals = busy_lines()
    found = [
        rig.listen("dtmf", signals),
        rig.listen("talk", signals),
        test_talk.talk_events(),
        test_tones.plan_events(),
    ]
    return hashlib.sha256(repr(found).encode()).hexdigest()


@pytest.mark.parametrize("wish", rig.SETS)
def test_every_instruction_set_finds_the_same_events_at_the_same_samples(wish):
    assert rig.on_set(wish, "test_lanes", "event_hash()") == [event_hash()]


def test_a_wish_for_a_strange_set_is_no_wish():
    assert rig.words_on("strange", "") == [rig.best_set()]


def test_the_best_set_is_what_the_processor_has():
    """Else the sets beyond would be skipped for ever."""
    info = Path("/proc/cpuinfo")
    if platform.machine() != "x86_64" or not info.exists():
        pytest.skip("no list of the processor's sets")
    flags = set(info.read_text().split("flags")[1].split("\n")[0].split())
    has_512 = {"avx512f", "avx512bw", "avx512vl", "avx512dq"} <= flags
    assert rig.best_set() == ("avx512" if has_512 else "avx2" if "avx2" in flags else "sse")


@pytest.mark.parametrize("kind", ["dtmf", "talk"])
def test_a_lane_never_armed_is_armed_as_usual(kind):
    codes = rig.lines(busy_lines()[:2])
    armed = rig.Bank(kind)
    for lane in range(16):
        armed.arm(lane)
    assert rig.Bank(kind).run(codes) == armed.run(codes)
