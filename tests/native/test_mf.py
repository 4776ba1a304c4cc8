"""R2 receivers against ITU-T Q.441, Q.454 and Q.455; signals from numpy, through A-law."""

import hashlib
from itertools import pairwise

import numpy as np
import pytest

from tests.native import dsp_rig as rig
from tests.native.dsp_rig import ffi, lib

pytest.importorskip("cti_board._native._media", reason="the media plane is not built")
from cti_board.dsp import lanes, mf

HZ = {
    "forward": (1380, 1500, 1620, 1740, 1860, 1980),
    "backward": (1140, 1020, 900, 780, 660, 540),
}  # ITU-T Q.441
PAIRS = dict(enumerate(((i, j) for j in range(1, 6) for i in range(j)), 1))  # table 5/Q.441
LEAD_MS = 50
DIRECTIONS = pytest.mark.parametrize("set_", ["forward", "backward"])


def sines(hz, dbm0, samples, rng):
    t = np.arange(samples) / rig.RATE
    return sum(
        rig.peak(level) * np.sin(2 * np.pi * f * t + rng.uniform(0, 2 * np.pi))
        for f, level in zip(hz, dbm0, strict=True)
    )


def signal(number, set_, rng, ms=60.0, dbm0=-10.0, twist=0.0, off_hz=0.0, lead=LEAD_MS, tail=60.0):
    """Silence, one signal with random phases and its tones off by +-off_hz, silence."""
    hz = [HZ[set_][i] + off_hz * rng.choice([-1, 1]) for i in PAIRS[number]]
    x = sines(hz, (dbm0, dbm0 + twist), round(ms * 8), rng)
    return np.concatenate([rig.silence(lead), x, rig.silence(tail)])


def heard(signals, set_):
    """What find_signals says of each of the signals, sixteen at a time."""
    found = [[] for _ in signals]
    for first in range(0, len(signals), rig.LANES):
        part = signals[first : first + rig.LANES]
        for one in mf.find_signals(rig.lines(part), set_):
            found[first + one.line].append(one)
    return found


def share_right(make, set_, repeats=2, seed=1):
    """The share of all fifteen signals that are found once, right, and ended."""
    rng, signals, numbers = np.random.default_rng(seed), [], []
    for _ in range(repeats):
        for number in PAIRS:
            signals.append(make(number, rng))
            numbers.append(number)
    found = heard(signals, set_)
    right = [
        [one.signal for one in all_] == [number] and all_[0].end is not None
        for all_, number in zip(found, numbers, strict=True)
    ]
    return sum(right) / len(right)


@DIRECTIONS
def test_every_signal_with_its_times_and_levels(set_):
    rng, signals, cut = np.random.default_rng(2), [], []
    for number in PAIRS:
        cut.append(int(rng.integers(0, 160)))
        signals.append(
            signal(number, set_, rng, twist=-3.0, lead=LEAD_MS + cut[-1] / 8, off_hz=4.0)
        )
    begins, ends = [], []
    for number, all_, at in zip(PAIRS, heard(signals, set_), cut, strict=True):
        assert [one.signal for one in all_] == [number]
        low_first = set_ == "forward"
        assert all_[0].level_dbm0 == pytest.approx(-10.0, abs=0.6)
        assert all_[0].twist_db == pytest.approx(-3.0 if low_first else 3.0, abs=0.7)
        begins.append(all_[0].begin - (400 + at))
        ends.append(all_[0].end - (880 + at))
    assert np.median(np.abs(begins)) <= 8  # 1 ms
    assert np.median(np.abs(ends)) <= 12
    assert max(map(abs, begins + ends)) <= 24  # 3 ms


@DIRECTIONS
def test_frequencies_off_by_ten_hertz_and_both_levels(set_):
    for dbm0 in (-5.0, -35.0):  # ITU-T Q.454
        assert share_right(lambda n, r, d=dbm0: signal(n, set_, r, dbm0=d, off_hz=10), set_) == 1


@DIRECTIONS
def test_frequencies_far_off_are_no_signal(set_):
    rng = np.random.default_rng(3)
    signals = [signal(n, set_, rng, off_hz=60.0) for n in PAIRS]
    assert not any(heard(signals, set_))


@DIRECTIONS
@pytest.mark.parametrize("twist", [-7.0, 7.0])  # ITU-T Q.454
def test_twist_of_seven_decibels(set_, twist):
    assert share_right(lambda n, r: signal(n, set_, r, dbm0=-15, twist=twist, off_hz=10), set_) == 1


@DIRECTIONS
@pytest.mark.parametrize(
    "made",
    [{"dbm0": -42.0}, {"twist": -20.0}, {"ms": 7.0}, {"ms": 5.0}],  # ITU-T Q.455
)
def test_what_must_not_operate_the_receiver(set_, made):
    rng = np.random.default_rng(4)
    signals = [
        signal(n, set_, rng, lead=LEAD_MS + rng.uniform(0, 20), **made)
        for _ in range(8) for n in PAIRS
    ]  # fmt: skip
    assert not any(heard(signals, set_))


@DIRECTIONS
def test_one_tone_alone_and_three_tones_are_none(set_):
    rng, signals = np.random.default_rng(5), []
    for _ in range(3):
        for number, pair in PAIRS.items():
            extra = [i for i in range(6) if i not in pair][number % 4]
            hz = [HZ[set_][i] for i in (*pair, extra)]
            signals.append(np.concatenate([rig.silence(50), sines(hz, (-10, -10, -15), 800, rng)]))
            alone = HZ[set_][number % 6] + rng.uniform(-60, 60)
            signals.append(np.concatenate([rig.silence(50), sines([alone], [-10], 800, rng)]))
    assert not any(heard(signals, set_))


@DIRECTIONS
def test_a_third_tone_twenty_decibels_down_disturbs_nothing(set_):
    def made(number, rng):
        x = signal(number, set_, rng, ms=100)
        extra = next(i for i in range(6) if i not in PAIRS[number])
        x[400:1200] += sines([HZ[set_][extra]], [-30], 800, rng)
        return x

    assert share_right(made, set_) == 1


@DIRECTIONS
@pytest.mark.parametrize(("snr_db", "ms", "share"), [(10, 25, 1.0), (5, 40, 1.0), (0, 60, 0.96)])
def test_white_noise(set_, snr_db, ms, share):
    def made(number, rng):
        x = signal(number, set_, rng, ms=ms, dbm0=-15, lead=100, tail=100)
        return x + rig.noise(rng, len(x), -12.0 - snr_db)  # both tones together: -12 dBm0

    assert share_right(made, set_, repeats=4) >= share


@DIRECTIONS
def test_our_own_signal_of_the_other_direction_comes_back_as_echo(set_):
    """13 dB over the far end's: sent at -8 dBm0, echoed at -18, received at -31."""
    other = "backward" if set_ == "forward" else "forward"

    def made(number, rng):
        x = signal(number, set_, rng, dbm0=-31, lead=100, tail=100)
        own = [HZ[other][i] for i in PAIRS[int(rng.integers(1, 16))]]
        return x + sines(own, (-18, -18), len(x), rng)

    assert share_right(made, set_) == 1


@DIRECTIONS
def test_an_interruption_of_seven_milliseconds_does_not_end_a_signal(set_):
    def made(number, rng):
        x = signal(number, set_, rng, ms=80)
        at = 400 + 320 + int(rng.integers(0, 80))
        x[at : at + 56] = 0
        return x

    assert share_right(made, set_, repeats=4) == 1


@DIRECTIONS
def test_operate_and_release_times_together_are_under_70_ms(set_):
    """ITU-T Q.457; ours: 25 and 20 ms, the frame of 20 ms not counted."""
    rng = np.random.default_rng(6)
    params = ffi.new("ctb_mf_params_t *", getattr(lib, f"ctb_mf_{set_}"))
    operate, release = [], []
    for _ in range(8):
        lead = LEAD_MS + rng.uniform(0, 20)
        signals = [signal(n, set_, rng, lead=lead) for n in PAIRS]
        bank = lanes.Bank("mf", 16, lambda b, lane: lib.ctb_mf_bank_arm(b, lane, params))
        for hit in bank.feed(rig.lines(signals)):
            if hit.kind == lib.CTB_EV_MF_BEGIN:
                operate.append(hit.at / 8 - lead)
            else:
                release.append(hit.at / 8 - lead - 60)
    assert len(operate) == len(release) == 8 * 15
    assert max(operate) <= 27.5
    assert max(release) <= 20.0


@DIRECTIONS
def test_signals_of_a_compelled_sequence_with_pauses_of_twenty_milliseconds(set_):
    rng = np.random.default_rng(7)
    numbers = [int(n) for n in rng.integers(1, 16, 40)]
    line = np.concatenate([signal(n, set_, rng, lead=10, tail=10) for n in numbers])
    found = heard([line], set_)[0]
    assert [one.signal for one in found] == numbers
    assert all(a.end <= b.begin for a, b in pairwise(found))


@DIRECTIONS
def test_a_compelled_sequence_with_the_echo_of_each_answer(set_):
    """Our answer, echoed 13 dB over the far end's signal, begins and ends while we listen."""
    other = "backward" if set_ == "forward" else "forward"
    rng, numbers, at = np.random.default_rng(12), [], 800
    line = np.zeros(8 * 5000)
    for _ in range(24):
        numbers.append(int(rng.integers(1, 16)))
        length, answered = int(rng.uniform(720, 1120)), int(rng.uniform(280, 480))
        hz = [HZ[set_][i] + rng.uniform(-10, 10) for i in PAIRS[numbers[-1]]]
        line[at : at + length] += sines(hz, (-31, -31), length, rng)
        echo = length - answered + int(rng.uniform(200, 320))
        own = [HZ[other][i] for i in PAIRS[int(rng.integers(1, 16))]]
        at += answered
        line[at : at + echo] += sines(own, (-18, -18), echo, rng)
        at += echo + int(rng.uniform(160, 480))
    found = heard([line], set_)[0]
    assert [one.signal for one in found] == numbers


def test_chinas_backward_signals_have_four_frequencies():
    rng = np.random.default_rng(8)
    found = heard([signal(n, "backward", rng) for n in PAIRS], "backward_cn")
    assert [[one.signal for one in all_] for all_ in found] == [[n] for n in range(1, 7)] + [[]] * 9


def test_the_other_direction_is_not_heard():
    rng = np.random.default_rng(9)
    for set_, other in (("forward", "backward"), ("backward", "forward")):
        assert not any(heard([signal(n, other, rng) for n in PAIRS], set_))


def test_noise_and_dtmf_are_no_signals():
    rng = np.random.default_rng(10)
    signals = [rig.noise(rng, 16000, -20.0) for _ in range(8)]
    for keys in (rig.KEYS[:8], rig.KEYS[8:]):
        signals.append(np.concatenate([[*rig.dtmf(key, 70), *rig.silence(50)] for key in keys]))
    for set_ in HZ:
        assert not any(heard(signals, set_))


def busy_lines(seed=11):
    """Sixteen lines: signals of both sets, of all lengths, levels and twists, in noise."""
    rng, signals = np.random.default_rng(seed), []
    for lane in range(16):
        parts = [
            signal(int(rng.integers(1, 16)), "backward" if lane % 3 else "forward", rng,
                   ms=rng.uniform(10, 90), dbm0=rng.uniform(-37, -5), twist=rng.uniform(-9, 9),
                   off_hz=rng.uniform(0, 15), lead=5, tail=rng.uniform(5, 60))
            for _ in range(12)
        ]  # fmt: skip
        x = np.concatenate(parts)
        signals.append(x + rig.noise(rng, len(x), rng.uniform(-60, -20)))
    return signals


def arm(bank, lane, lines):
    params = lib.ctb_mf_backward if lines[lane] % 3 else lib.ctb_mf_forward
    lib.ctb_mf_bank_arm(bank, lane, ffi.new("ctb_mf_params_t *", params))


def bank_of(lines):
    """A bank whose lane hears what busy_lines made for line lines[lane]."""
    return lanes.Bank("mf", len(lines), lambda bank, lane: arm(bank, lane, lines))


def event_hash():
    hits = bank_of(range(16)).feed(rig.lines(busy_lines()))
    return f"{len(hits)} {hashlib.sha256(repr(hits).encode()).hexdigest()}"


@pytest.mark.parametrize("wish", rig.SETS)
def test_every_instruction_set_finds_the_same_events_at_the_same_samples(wish):
    words = rig.on_set(wish, "test_mf", "event_hash()")
    assert words == event_hash().split()
    assert int(words[0]) > 200


def test_a_lane_hears_the_same_whatever_its_neighbours():
    codes = rig.lines(busy_lines())
    together = bank_of(range(16)).feed(codes)
    for line in (0, 7, 13):
        alone = bank_of([line]).feed(codes[line])
        assert [hit[1:] for hit in alone] == [hit[1:] for hit in together if hit.line == line]
        assert len(alone) > 5


def test_arming_a_used_lane_is_arming_a_fresh_one():
    codes = rig.lines(busy_lines())
    expected = bank_of(range(16)).feed(codes)
    used = bank_of(range(16))
    first = used.feed(codes[:, : 160 * 27])
    for lane in range(16):
        arm(used.handle, lane, range(16))
    again = used.feed(codes)
    assert first != []
    assert [hit._replace(at=hit.at - 160 * 27) for hit in again] == expected


def test_a_lane_outside_the_mask_keeps_its_state():
    """Time stands still for it."""
    codes = rig.lines(busy_lines())[:2]
    expected = bank_of([0, 1]).feed(codes)
    split = bank_of([0, 1])
    found = split.feed(codes[:, : 160 * 21])
    split._mask = 2
    found += split.feed(codes[:, 160 * 21 :])
    split._mask, split._at = 1, 160 * 21
    found += split.feed(codes[:, 160 * 21 :])
    assert sorted(found) == sorted(expected)
    assert {hit.line for hit in found} == {0, 1}


def test_too_little_room_for_hits_drops_the_later_ones():
    bank = bank_of([0] * 16)
    frame = np.zeros((160, 16), np.float32)
    frame[:] = (sines((1380, 1500), (-10, -10), 160, np.random.default_rng(0)) / 32768)[:, None]
    hits = ffi.new("ctb_hit_t[16]")
    counts = [
        lib.ctb_mf_bank_run(
            bank.handle, ffi.cast("const float (*)[16]", ffi.from_buffer(frame)), 0xFFFF, hits, 5
        )
        for _ in range(3)
    ]
    assert sum(counts) == 5
    assert max(counts) == 5


def test_no_memory_for_a_bank():
    out = ffi.new("ctb_mf_bank_t **")
    for allocation in range(2):
        lib.ctb_engine_fail_alloc(allocation)
        try:
            assert lib.ctb_mf_bank_alloc(out) == -12
        finally:
            lib.ctb_engine_fail_alloc(-1)
    lib.ctb_mf_bank_free(ffi.NULL)
