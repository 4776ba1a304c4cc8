"""Automatic level on arrays: shapes, streams, limits."""

import numpy as np
import pytest

pytest.importorskip("cti_board._native._media", reason="the media plane is not built")
from cti_board.dsp.agc import LevelLimits, SpeechLevel, level_speech

RATE = 8000


def syllables(seconds: float, dbm0: float, seed: int = 1) -> np.ndarray:
    """A voice of 130 Hz in syllables of 200 ms with gaps of 50 ms; level of the syllables."""
    t = np.arange(round(seconds * RATE)) / RATE
    wobble = 1 + 0.02 * np.random.default_rng(seed).uniform(-1, 1)
    voice = sum(np.cos(2 * np.pi * 130 * wobble * k * t) / k for k in range(1, 20))
    voice *= np.abs(np.sin(np.pi * t / 0.25)) * (t % 0.25 < 0.2)
    wanted = 10 ** ((dbm0 - 3.14) / 20) / 2**0.5
    loud = voice[np.abs(voice) > 0]
    return (voice * wanted / np.sqrt(np.mean(loud**2))).astype(np.float32)


def power_dbm0(sound: np.ndarray) -> float:
    loud = sound[np.abs(sound) > 1e-9]
    return float(10 * np.log10(np.mean(loud**2) * 2) + 3.14)


@pytest.mark.parametrize("dbm0", [-35, -20, -10])
def test_speech_comes_to_the_target(dbm0):
    out = level_speech(syllables(20, dbm0))
    assert abs(power_dbm0(out[-5 * RATE :]) + 18) < 1.5  # without its gaps it is 1 dB louder


def test_shape_kind_and_length_are_kept():
    for size in (0, 1, 159, 160, 1000):
        out = level_speech(np.zeros((3, size), np.int16))
        assert out.shape == (3, size)
        assert out.dtype == np.float32
    assert level_speech(np.full(500, 0xD5, np.uint8)).shape == (500,)


def test_a_stream_in_pieces_is_the_whole():
    sound = np.stack([syllables(4, -35), syllables(4, -8, 2)])
    level = SpeechLevel(2)
    pieces = [level.feed(sound[:, start : start + 1600]) for start in range(0, 4 * RATE, 1600)]
    assert (np.concatenate(pieces, axis=1) == level_speech(sound)).all()
    assert level.gain_db(0) > 3
    assert level.gain_db(1) < -3


def test_what_is_far_too_loud_does_no_harm():
    sound = syllables(4, -30)
    sound[1000:1010] = [9.0, -9.0, 1e6, -1e6, 100.0] * 2
    out = level_speech(sound)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 0.984


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("target_dbm0", 0.5),
        ("max_gain_db", -1.0),
        ("max_loss_db", 30.5),
        ("threshold_dbm0", float("nan")),
    ],
)
def test_limits_are_checked(name, value):
    with pytest.raises(ValueError, match=name):
        LevelLimits(**{name: value})


def test_lines_are_checked():
    with pytest.raises(ValueError, match="lines"):
        SpeechLevel(0)
    level = SpeechLevel(2)
    with pytest.raises(ValueError, match="2 lines"):
        level.feed(np.zeros(160, np.int16))
    with pytest.raises(ValueError, match="line 0"):
        level.gain_db(2)
