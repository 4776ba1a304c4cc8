"""The level meter and the telephone shape of speech, against signals whose level is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.prompt.alaw import RATE_HZ, decode, encode
from ivr.prompt.espeak import LEAD_MS, LEVEL_DBM0, TAIL_MS, band_pass, set_level, shape, trim
from ivr.prompt.level import active_level_dbm0, clipped_runs, peak_dbfs, rms_dbm0

SINE_DBM0 = 3.14  # ITU-T G.711, a sine at the full scale of A-law


def sine(amplitude: float, seconds: float = 2.0, hz: float = 1004.0) -> np.ndarray:
    return np.asarray(amplitude * np.sin(2 * np.pi * hz * np.arange(seconds * RATE_HZ) / RATE_HZ))


def speech_like(seed: int, seconds: float = 4.0) -> np.ndarray:
    """Noise in bursts of 250 ms, every second one silent."""
    noise = np.random.default_rng(seed).laplace(0, 0.02, round(seconds * RATE_HZ))
    return np.asarray(noise * (np.arange(len(noise)) // (RATE_HZ // 4) % 2 == 0))


def power_db(samples: np.ndarray, hz: float) -> float:
    at = 2 * np.pi * hz * np.arange(len(samples)) / RATE_HZ
    return float(20 * np.log10(abs(np.mean(samples * np.exp(-1j * at))) + 1e-12))


@given(st.floats(-40, 3))
def test_the_level_of_a_steady_tone_is_its_power(level_dbm0: float) -> None:
    samples = sine(10 ** ((level_dbm0 - SINE_DBM0) / 20))
    assert rms_dbm0(samples) == pytest.approx(level_dbm0, abs=0.01)
    assert active_level_dbm0(samples) == pytest.approx(level_dbm0, abs=0.3)


def test_pauses_do_not_count() -> None:
    talk = sine(0.1, seconds=5.0)
    pause = np.zeros(5 * RATE_HZ)
    alone, between = (
        active_level_dbm0(talk),
        active_level_dbm0(np.concatenate([pause, talk, pause])),
    )
    assert between == pytest.approx(alone, abs=0.4)  # the hangover of 200 ms after 5 s of talk
    assert rms_dbm0(np.concatenate([pause, talk, pause])) < alone - 4


@given(st.integers(0, 2**32 - 1), st.floats(-20, 6))
def test_louder_by_so_many_decibels_is_measured_so(seed: int, gain_db: float) -> None:
    samples = speech_like(seed, 2.0)
    louder = samples * 10 ** (gain_db / 20)
    assert active_level_dbm0(louder) - active_level_dbm0(samples) == pytest.approx(gain_db, abs=0.2)


def test_silence_has_no_level() -> None:
    for samples in (np.zeros(0), np.zeros(8000), np.full(8000, 1e-7)):
        assert active_level_dbm0(samples) == -np.inf
    assert rms_dbm0(np.zeros(10)) == peak_dbfs(np.zeros(0)) == -np.inf


@pytest.mark.parametrize(("amplitude", "clipped"), [(0.9, False), (1.0, False), (2.0, True)])
def test_clipping_is_three_samples_at_full_scale(amplitude: float, clipped: bool) -> None:
    # 1004 Hz at full scale reaches the top code in two samples of a period at most
    assert bool(clipped_runs(decode(encode(sine(amplitude))))) is clipped


@pytest.mark.parametrize("hz", [400, 1000, 2000, 3200])
def test_the_band_of_a_telephone_passes(hz: int) -> None:
    assert power_db(band_pass(sine(0.5, hz=hz)), hz) == pytest.approx(
        power_db(sine(0.5, hz=hz), hz), abs=0.5
    )


@pytest.mark.parametrize("hz", [50, 100, 150, 3700, 3900])
def test_what_is_outside_does_not(hz: int) -> None:
    assert power_db(band_pass(sine(0.5, hz=hz))[800:-800], hz) < power_db(sine(0.5, hz=hz), hz) - 30


@pytest.mark.parametrize(("before", "after"), [(0, 0), (1000, 3000), (10, 4000)])
def test_trimming_leaves_a_short_lead_and_tail(before: int, after: int) -> None:
    talk = sine(0.3, seconds=0.5)
    kept = trim(np.concatenate([np.zeros(before), talk, np.zeros(after)]))
    longest = len(talk) + (LEAD_MS + TAIL_MS + 10) * RATE_HZ // 1000
    assert len(talk) + (LEAD_MS + TAIL_MS) * RATE_HZ // 1000 <= len(kept) <= longest
    assert np.sum(kept**2) == pytest.approx(np.sum(talk**2))


def test_a_peak_limits_the_level() -> None:
    samples = speech_like(1)
    samples[5] = 5.0
    set_low = set_level(samples)
    assert peak_dbfs(set_low) == pytest.approx(-1.0)
    assert active_level_dbm0(set_low) < LEVEL_DBM0


@pytest.mark.parametrize("rate_hz", [8000, 22050])
def test_shaped_speech_is_at_the_level_without_clipping(rate_hz: int) -> None:
    rough = np.repeat(speech_like(3), 3)[: 2 * rate_hz] * 3
    shaped = shape(rough, rate_hz)
    heard = decode(encode(shaped))
    assert active_level_dbm0(heard) == pytest.approx(LEVEL_DBM0, abs=0.5)
    assert clipped_runs(heard) == 0
