"""The talk detector: energy, shortest talk, hangover."""

import numpy as np
import pytest

from tests.native import dsp_rig as rig
from tests.native.dsp_rig import TALK_BEGIN, TALK_END

MS = 8


def talk_events() -> list[list[rig.Hit]]:
    """Bursts of noise of many lengths and levels, for the comparison of instruction sets."""
    rng = np.random.default_rng(11)
    signals = [
        np.concatenate(
            [
                p
                for _ in range(12)
                for p in (
                    rig.noise(rng, int(rng.integers(40, 6000)), float(rng.uniform(-55, -20))),
                    rig.silence(float(rng.uniform(20, 900))),
                )
            ]
        )
        for _ in range(16)
    ]
    return rig.listen("talk", signals)


def test_a_burst_is_one_talk_with_its_level_and_length():
    rng = np.random.default_rng(2)
    signal = np.concatenate([rig.silence(500), rig.noise(rng, 800 * MS, -20), rig.silence(1000)])
    begin, end = rig.listen("talk", [signal])[0]
    assert (begin.kind, end.kind) == (TALK_BEGIN, TALK_END)
    assert abs(begin.at - (500 + 60) * MS) <= 10 * MS
    assert abs(begin.a + 2000) <= 150
    assert abs(end.at - (1300 + 400) * MS) <= 20 * MS
    assert abs(end.a - 800) <= 20


@pytest.mark.parametrize(("gap_ms", "talks"), [(100, 1), (350, 1), (450, 2), (1000, 2)])
def test_a_pause_shorter_than_the_hangover_does_not_end_it(gap_ms, talks):
    burst = rig.tone([700], 300, -15)
    signal = np.concatenate([burst, rig.silence(gap_ms), burst, rig.silence(600)])
    kinds = [h.kind for h in rig.listen("talk", [signal])[0]]
    assert kinds == [TALK_BEGIN, TALK_END] * talks


@pytest.mark.parametrize(
    ("signal", "why"),
    [
        (rig.tone([700], 40, -15), "too short"),
        (rig.tone([700], 2000, -44), "too faint"),
        (np.full(8000, 3000.0), "a constant offset"),
        (np.tile(np.concatenate([rig.tone([700], 20, -10), rig.silence(60)]), 20), "clicks"),
    ],
)
def test_what_is_not_talk(signal, why):
    assert rig.listen("talk", [np.concatenate([signal, rig.silence(500)])])[0] == [], why


def test_between_the_two_levels_nothing_changes():
    signal = np.concatenate(
        [rig.tone([700], 300, -20), rig.tone([700], 2000, -40), rig.silence(600)]
    )
    begin, end = rig.listen("talk", [signal])[0]
    assert begin.kind == TALK_BEGIN
    assert end.kind == TALK_END
    assert abs(end.a - 2300) <= 20


def test_parameters():
    signal = np.concatenate([rig.tone([700], 300, -44), rig.silence(300)])
    hits = rig.listen("talk", [signal], on_dbm0=-46.0, off_dbm0=-50.0, min_ms=200.0, hang_ms=100.0)[
        0
    ]
    assert [h.kind for h in hits] == [TALK_BEGIN, TALK_END]
    assert hits[0].at == 200 * MS
    assert hits[1].at == 400 * MS


def test_arming_again_forgets():
    bank = rig.Bank("talk")
    bank.arm(4)
    codes = rig.lines([rig.silence(400)] * 4 + [rig.tone([700], 400)])
    assert [h.kind for h in bank.run(codes, 1 << 4)[4]] == [TALK_BEGIN]
    bank.arm(4)
    assert [h.kind for h in bank.run(codes, 1 << 4)[4]] == [TALK_BEGIN]
