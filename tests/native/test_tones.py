"""Tones: the generator, and the call-progress detector against national plans."""

import shutil
import subprocess
from typing import Any

import numpy as np
import pytest

from tests.native import dsp_rig as rig
from tests.native.dsp_rig import TONE_OFF, TONE_ON, ffi, lib

MS = 8
Steps = list[tuple[tuple[float, ...], int, int]]
CN = {  # GB/T 3380: 450 Hz
    1: ([((450,), 0, 0)], 1),
    2: ([((450,), 1000, 4000)], 1),
    3: ([((450,), 350, 350)], 3),
    4: ([((450,), 700, 700)], 2),
    5: ([((450,), 100, 100)] * 3 + [((450,), 400, 400)], 2),
}
US = {  # ANSI T1.401
    1: ([((350, 440), 0, 0)], 1),
    2: ([((440, 480), 2000, 4000)], 1),
    3: ([((480, 620), 500, 500)], 3),
    4: ([((480, 620), 250, 250)], 3),
}
EU = {  # ITU-T E.180: 425 Hz
    1: ([((425,), 0, 0)], 1),
    2: ([((425,), 1000, 4000)], 1),
    3: ([((425,), 500, 500)], 3),
    4: ([((425,), 250, 250)], 3),
    6: ([((950,), 330, 0), ((1400,), 330, 0), ((1800,), 330, 1000)], 1),
}
AU = {  # ACIF S002: 413 and 438 Hz beat, busy is one tone between them
    1: ([((413, 438), 0, 0)], 1),
    2: ([((413, 438), 400, 200), ((413, 438), 400, 2000)], 1),
    3: ([((425,), 375, 375)], 3),
}
PLANS = {"cn": CN, "us": US, "eu": EU, "au": AU}


def c_tone(
    number: int, steps: Steps, min_cycles: int, cycles: int = 0, dbm0: float = -10.0
) -> dict[str, Any]:
    return {
        "id": number,
        "steps": len(steps),
        "cycles": cycles,
        "min_cycles": min_cycles,
        "step": [
            {"hz": [*hz, 0.0][:2], "dbm0": [dbm0, dbm0], "on_ms": on, "off_ms": off}
            for hz, on, off in steps
        ],
    }


def c_plan(plan: dict[int, tuple[Steps, int]]) -> Any:
    return ffi.new("ctb_tone_t[]", [c_tone(n, *tone) for n, tone in plan.items()])


def line(
    steps: Steps, total_ms: float, dbm0: float = -10.0, times: float = 1.0, off_hz: float = 0.0
) -> rig.Signal:
    """500 ms of silence, the tone for about total_ms, 1 s of silence."""
    parts, made = [rig.silence(500)], 0.0
    while made < total_ms:
        for hz, on, off in steps:
            on_ms = on * times if on or off else total_ms
            parts += [rig.tone([f + off_hz for f in hz], on_ms, dbm0), rig.silence(off * times)]
            made += on_ms + off * times
    return np.concatenate([*parts, rig.silence(1000)])


def heard(
    plan: dict[int, tuple[Steps, int]], signals: list[rig.Signal]
) -> list[list[tuple[int, int]]]:
    return [[(h.kind, h.a) for h in hits] for hits in rig.listen("tone", signals, c_plan(plan))]


def plan_events() -> list[list[rig.Hit]]:
    """Every tone of the plans in noise, for the comparison of instruction sets."""
    rng, found = np.random.default_rng(5), []
    for plan in PLANS.values():
        signals = [line(steps, 6000, -20) for steps, _ in plan.values()]
        signals = [s + rig.noise(rng, len(s), -32) for s in signals]
        found += rig.listen("tone", signals, c_plan(plan))
    return found


# ---- the detector ----


@pytest.mark.parametrize("country", PLANS)
@pytest.mark.parametrize("dbm0", [-10.0, -25.0, -40.0])
def test_each_tone_of_a_plan_is_found_and_no_other(country, dbm0):
    plan = PLANS[country]
    signals = [line(steps, 12000, dbm0) for steps, _ in plan.values()]
    for hits, number in zip(rig.listen("tone", signals, c_plan(plan)), plan, strict=True):
        on = [h for h in hits if h.kind == TONE_ON]
        assert {h.a for h in hits} == {number}
        assert [h.kind for h in hits][:2] == [TONE_ON, TONE_OFF][: len(hits)]
        total = dbm0 + 3 * (len(plan[number][0][0][0]) - 1)
        assert abs(on[0].b - 100 * total) < 100
        assert (
            abs(on[0].at - on[0].d - 500 * MS) <= 520 * MS
        )  # one burst may be missed at the start


@pytest.mark.parametrize("times", [0.9, 1.1])
@pytest.mark.parametrize("off_hz", [-25.0, 0.0, 25.0])
def test_chinese_tones_within_their_tolerances(times, off_hz):
    signals = [line(steps, 12000, -15, times, off_hz) for steps, _ in CN.values()]
    for hits, number in zip(heard(CN, signals), CN, strict=True):
        assert hits[0] == (TONE_ON, number)
        assert {a for _, a in hits} == {number}


def test_busy_is_found_within_four_cycles_and_ends():
    hits = rig.listen("tone", [line(CN[3][0], 4200)], c_plan(CN))[0]
    assert [(h.kind, h.a) for h in hits] == [(TONE_ON, 3), (TONE_OFF, 3)]
    assert hits[0].at <= (500 + 4 * 700) * MS
    assert abs(hits[0].at - hits[0].d - 500 * MS) <= 20 * MS
    assert 350 * MS <= hits[1].at - (500 + 4200 - 350) * MS <= 450 * MS


def test_busy_joined_in_the_middle_is_found_within_four_cycles():
    for missing in range(0, 700, 90):
        signal = line(CN[3][0], 7000)[(500 + missing) * MS :]
        hits = heard(CN, [signal])[0]
        at = rig.listen("tone", [signal], c_plan(CN))[0][0].at
        assert hits[0] == (TONE_ON, 3)
        assert at <= 4 * 700 * MS


def test_dial_tone_of_its_own_frequencies_is_on_after_300_ms():
    hits = rig.listen("tone", [line(US[1][0], 3000)], c_plan(US))[0]
    assert [(h.kind, h.a) for h in hits] == [(TONE_ON, 1), (TONE_OFF, 1)]
    assert abs(hits[0].at - (500 + 300) * MS) <= 40 * MS
    assert abs(hits[1].at - (500 + 3000) * MS) <= 80 * MS


def test_dial_tone_that_shares_its_frequency_outlasts_the_longest_burst():
    """China: 1 s of 450 Hz may be ringback; dial tone is told apart right after."""
    hits = rig.listen("tone", [line(CN[1][0], 3000)], c_plan(CN))[0]
    assert [(h.kind, h.a) for h in hits] == [(TONE_ON, 1), (TONE_OFF, 1)]
    assert hits[0].at <= (500 + 1200) * MS
    alone = {1: CN[1], 3: CN[3]}
    assert rig.listen("tone", [line(CN[1][0], 3000)], c_plan(alone))[0][0].at <= (500 + 450) * MS


@pytest.mark.parametrize("country", PLANS)
@pytest.mark.parametrize("snr_db", [20, 10, 6, 3, 0])
def test_cadences_in_noise_are_found_once(country, snr_db):
    """What counts is tone against noise: a noisy pause is a pause.  White noise, 0 to 4 kHz."""
    rng = np.random.default_rng(7)
    plan = PLANS[country]
    signals = [line(steps, 12000, -15) for steps, _ in plan.values()]
    signals = [s + rig.noise(rng, len(s), -15 - snr_db) for s in signals]
    for hits, number in zip(heard(plan, signals), plan, strict=True):
        assert [a for kind, a in hits if kind == TONE_ON] == [number]


@pytest.mark.parametrize("country", PLANS)
def test_white_noise_is_no_tone_and_no_end_of_one(country):
    rng = np.random.default_rng(3)
    plan = PLANS[country]
    alone = [rig.noise(rng, 30000 * MS, dbm0) for dbm0 in (-10, -20, -30, -40)]
    assert heard(plan, alone) == [[]] * 4
    long = line(plan[2][0], 40000, -15)  # ringback: most of it is pause
    found = heard(plan, [long + rig.noise(rng, len(long), -25) for _ in range(8)])
    assert [[a for kind, a in hits if kind == TONE_ON] for hits in found] == [[2]] * 8


def test_a_pair_may_be_off_in_frequency_and_time():
    for off_hz, times in ((-12.0, 1.0), (12.0, 1.0), (0.0, 0.9), (0.0, 1.1)):
        found = heard(US, [line(steps, 12000, -15, times, off_hz) for steps, _ in US.values()])
        assert [hits[0] for hits in found] == [(TONE_ON, n) for n in US]
    assert heard(US, [line(steps, 12000, -15, 1.0, 40.0) for steps, _ in US.values()]) == [[]] * 4


@pytest.mark.parametrize("modulation_hz", [16.0, 25.0, 33.0, 50.0])
def test_a_modulated_tone_is_heard_by_its_carrier(modulation_hz):
    """India, Japan, Singapore, South Africa, Thailand; modulated by all of it."""
    plan = {1: ([((400,), 0, 0)], 1), 2: ([((400,), 400, 200), ((400,), 400, 2000)], 1)}
    signals = [line(steps, 9000, -15) for steps, _ in plan.values()]
    time = np.arange(max(map(len, signals))) / rig.RATE
    beat = 1 + np.cos(2 * np.pi * modulation_hz * time)
    found = heard(plan, [s * beat[: len(s)] for s in signals])
    assert [[a for kind, a in hits if kind == TONE_ON] for hits in found] == [[1], [2]]


@pytest.mark.parametrize("country", PLANS)
def test_digits_at_busy_tempo_are_not_busy(country):
    steps = {"cn": 350, "us": 500, "eu": 500, "au": 375}[country]
    rng = np.random.default_rng(1)
    signals = []
    for _ in range(16):
        keys = rng.integers(0, 16, 12)
        signals.append(
            np.concatenate(
                [p for k in keys for p in (rig.dtmf(rig.KEYS[k], steps), rig.silence(steps))]
            )
        )
    assert heard(PLANS[country], signals) == [[]] * 16


@pytest.mark.parametrize("country", PLANS)
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_speech_is_no_tone(country, tmp_path):
    from tests.native.test_dtmf import VOICES, speech  # the same voices

    signals = [speech(v, tmp_path) for v in VOICES]
    assert heard(PLANS[country], signals) == [[]] * len(signals)


@pytest.mark.parametrize("off_hz", [-80.0, -60.0, 60.0, 80.0])
def test_other_frequencies_are_no_tone_of_the_plan(off_hz):
    assert heard(CN, [line(steps, 6000, -10, 1.0, off_hz) for steps, _ in CN.values()]) == [[]] * 5


def test_other_cadences_are_no_tone_of_the_plan():
    others: list[Steps] = [
        [((450,), 200, 200)],
        [((450,), 500, 500)],
        [((450,), 400, 4000)],
        [((450,), 350, 700)],
        [((450,), 2000, 4000)],
    ]
    found = heard(CN, [line(steps, 12000) for steps in others])
    assert found[:4] == [[]] * 4
    assert {a for _, a in found[4]} == {1}  # 2 s of it is dial tone while it lasts


@pytest.mark.skipif(shutil.which("sox") is None, reason="sox is not installed")
def test_tones_of_sox():
    signals = []
    for steps, _ in CN.values():
        on, off = (steps[0][1], steps[0][2]) if steps[0][1] else (3000, 500)
        raw = subprocess.run(
            [
                "sox",
                "-n",
                "-r",
                "8000",
                "-b",
                "16",
                "-e",
                "signed",
                "-t",
                "raw",
                "-",
                "-D",
                "synth",
                str(on / 1000),
                "sine",
                "450",
                "gain",
                "-15",
                "pad",
                "0",
                str(off / 1000),
                "repeat",
                "9",
            ],
            check=True,
            capture_output=True,
        ).stdout
        signals.append(np.frombuffer(raw, "<i2").astype(float))
    found = heard(CN, signals[:4])
    assert [hits[0] for hits in found] == [(TONE_ON, n) for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    "tones",
    [
        [c_tone(1, [((50,), 0, 0)], 1)],
        [c_tone(1, [((450,), 100, 100)] * 8, 3)],  # more runs than are remembered
        [c_tone(1, [((450,), 0, 100)], 1)],
        [c_tone(n, [((300.0 + 20 * n,), 0, 0)], 1) for n in range(13)],
    ],
)
def test_a_plan_that_cannot_be_heard_is_refused(tones):
    bank = rig.Bank("tone")
    plan = ffi.new("ctb_tone_t[]", tones)
    assert lib.ctb_tone_bank_plan(bank.bank, plan, len(tones)) == -22


def test_lanes_are_independent_and_a_new_arming_forgets():
    signals = [line(steps, 6000) for steps, _ in CN.values()]
    together = rig.listen("tone", signals, c_plan(CN))
    bank = rig.Bank("tone", c_plan(CN))
    codes = rig.lines(signals)
    for lane, expected in enumerate(together):
        place = 15 - lane
        alone = np.full_like(codes, 0xD5)
        alone[place] = codes[lane]
        bank.arm(place)
        bank.at = 0
        assert bank.run(alone, 1 << place)[place] == expected


# ---- the generator ----


def generate(tone: dict[str, Any], samples: int, block: int = 160) -> tuple[rig.Signal, int]:
    gen = ffi.new("char[]", lib.ctb_tone_gen_size())
    start = ffi.cast("ctb_tone_gen_t *", gen)
    lib.ctb_tone_gen_start(start, ffi.new("ctb_tone_t *", tone))
    out, total = np.zeros(samples, np.int32), 0
    for at in range(0, samples, block):
        part = out[at : at + block]
        made = lib.ctb_tone_gen_add(start, ffi.cast("int32_t *", part.ctypes.data), len(part))
        total += made
        if made < len(part):
            break
    return out.astype(float), total


def test_a_generated_cadence_has_its_times_and_levels():
    signal, made = generate(
        c_tone(1, [((450,), 350, 350), ((440, 480), 100, 50)], 1, dbm0=-13), 850 * MS * 3
    )
    assert made == 850 * MS * 3
    for cycle in range(3):
        part = signal[cycle * 850 * MS : (cycle + 1) * 850 * MS]
        assert abs(20 * np.log10(np.sqrt(np.mean(part[: 350 * MS] ** 2)) / rig.rms(-13))) < 0.03
        assert not part[350 * MS : 700 * MS].any()
        assert (
            abs(20 * np.log10(np.sqrt(np.mean(part[700 * MS : 800 * MS] ** 2)) / rig.rms(-10)))
            < 0.1
        )
        assert not part[800 * MS :].any()


def test_a_tone_with_cycles_ends_and_says_where():
    signal, made = generate(c_tone(1, [((450,), 25, 15)], 1, cycles=3), 8000)
    assert made == 3 * 40 * MS
    assert not signal[made:].any()


def test_a_tone_does_not_drift_in_an_hour():
    samples = 3600 * 8000
    signal, made = generate(c_tone(1, [((440.5, 0.0), 0, 0)], 1, dbm0=-10), samples, 160 * 500)
    assert made == samples
    t = np.arange(samples - 8000, samples) / 8000
    basis = np.stack([np.sin(2 * np.pi * 440.5 * t), np.cos(2 * np.pi * 440.5 * t)], axis=1)
    (a, b), residue, *_ = np.linalg.lstsq(basis, signal[-8000:], rcond=None)
    assert abs(20 * np.log10(np.hypot(a, b) / rig.peak(-10))) < 0.001
    assert abs(np.degrees(np.arctan2(b, a))) < 2.0  # within 2 degrees of the exact phase
    assert residue[0] / 8000 < 0.2


@pytest.mark.parametrize("block", [1, 13, 160, 1000])
def test_a_tone_is_the_same_in_any_blocks(block):
    tone = c_tone(1, [((450,), 35, 17), ((620, 480), 11, 0)], 1)
    assert (generate(tone, 4000, block)[0] == generate(tone, 4000, 4000)[0]).all()


def test_an_empty_tone_ends_at_once():
    assert generate(c_tone(1, [], 1), 160)[1] == 0
