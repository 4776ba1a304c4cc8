"""Call-progress tones that are hard: special information tone, howler, first and last samples,
music, three-way calls."""

import numpy as np
import pytest

from tests.native import dsp_rig as rig
from tests.native.dsp_rig import TONE_OFF, TONE_ON
from tests.native.test_tones import CN, MS, c_plan, heard, line

SIT = {
    3: ([((450,), 350, 350)], 3),
    8: ([((950,), 330, 0), ((1400,), 330, 0), ((1800,), 330, 1000)], 1),
}


@pytest.mark.parametrize("off_hz", [-50.0, 0.0, 50.0])  # ITU-T E.180
@pytest.mark.parametrize(("on_ms", "gap_ms"), [(265, 0), (330, 0), (330, 30), (395, 0)])
def test_special_information_tone_is_heard_from_one_sending(off_hz, on_ms, gap_ms):
    burst = [rig.tone([hz + off_hz], on_ms, -20) for hz in (950, 1400, 1800)]
    gap = rig.silence(gap_ms)
    signal = np.concatenate(
        [rig.silence(500), burst[0], gap, burst[1], gap, burst[2], rig.silence(2000)]
    )
    on, off = rig.listen("tone", [signal], c_plan(SIT))[0]
    assert (on.kind, on.a, off.kind, off.a) == (TONE_ON, 8, TONE_OFF, 8)
    assert abs(on.at - on.d - 500 * MS) <= 30 * MS
    assert abs(off.at - off.d - (500 + 3 * on_ms + 2 * gap_ms) * MS) <= 30 * MS


def test_the_three_frequencies_in_another_order_are_no_special_information_tone():
    burst = {hz: rig.tone([hz], 330, -20) for hz in (950, 1400, 1800)}
    for order in ((1400, 950, 1800), (1800, 1400, 950), (950, 1800, 1400)):
        signal = np.concatenate([rig.silence(500), *(burst[hz] for hz in order), rig.silence(900)])
        assert heard(SIT, [signal]) == [[]]


def test_a_continuous_tone_may_ask_for_more_time_and_its_steps_may_grow():
    plan = {6: ([((950,), 1000, 0)] * 5, 1)}
    quiet, loud = rig.tone([950], 700, -20), rig.tone([950], 1500, -20)
    assert heard(plan, [np.concatenate([rig.silence(300), quiet, rig.silence(900)])]) == [[]]
    rising = [rig.tone([950], 1000, dbm0) for dbm0 in (-25, -20, -15, -10, -5)]
    signals = [np.concatenate([rig.silence(300), *x, rig.silence(900)]) for x in ([loud], rising)]
    assert heard(plan, signals) == [[(TONE_ON, 6), (TONE_OFF, 6)]] * 2


def test_a_tone_begins_with_its_first_burst_and_ends_with_its_last():
    """Also where the silence before it has the length of its pause."""
    for number, (steps, _) in CN.items():
        cycles = 9000 // (sum(on + off for _, on, off in steps) or 9000) + 1
        sound = sum(on + off for _, on, off in steps) * cycles - steps[-1][2] or 9000
        lead = steps[-1][2] or 500
        signal = np.concatenate([rig.silence(lead), line(steps, 9000)[500 * MS :]])
        on, off = rig.listen("tone", [np.concatenate([signal, rig.silence(5000)])], c_plan(CN))[0]
        assert abs(on.at - on.d - lead * MS) <= 20 * MS, number
        assert abs(off.at - off.d - (lead + sound) * MS) <= 20 * MS, number


def test_notes_at_busy_tempo_among_other_notes_are_not_busy():
    """A pause that is as loud as the tone, and no white noise, is no pause."""
    rng, parts = np.random.default_rng(2), []
    for _ in range(14):
        parts.append(rig.tone([450], 350, -15) + rig.tone([900], 350, -30))
        parts.append(rig.tone([float(rng.choice([294, 330, 587, 698])), 220], 350, -17))
    assert heard(CN, [np.concatenate(parts)]) == [[]]


def test_sounds_of_a_three_way_call_are_no_busy():
    """Two ringbacks at once, beeps of people who come and go, the reminder, ringback, then talk."""
    rng = np.random.default_rng(9)
    ring = rig.cadence([450], [(1000, 4000)], 20000, -15)
    second = np.concatenate([rig.silence(2600), ring])[: len(ring)]
    beeps = rig.cadence([1400], [(400, 10000)], 30000, -15)
    chirps = rig.cadence([425], [(350, 1100), (350, 900), (350, 350), (350, 2000)], 20000, -15)
    talk = np.concatenate([ring[: 8000 * 9], _voice(rng, 8000 * 9)])
    for hits in heard(CN, [ring + second, beeps, chirps, talk]):
        assert not {a for _, a in hits} & {3, 4, 5}


def _voice(rng: np.random.Generator, samples: int) -> rig.Signal:
    """Syllables of harmonics that glide."""
    time = np.arange(samples) / rig.RATE
    pitch = 150 + 40 * np.sin(2 * np.pi * 0.7 * time) + 8 * np.sin(2 * np.pi * 5 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / rig.RATE
    sound = sum(np.sin(k * phase + rng.uniform(0, 6)) / k for k in range(1, 16))
    syllables = np.maximum(np.sin(2 * np.pi * 2.3 * time), 0)
    return np.asarray(rig.rms(-15) * sound * syllables)
