"""The talk detector: energy, shortest talk, hangover."""

import numpy as np
import pytest

from tests.native import dsp_rig as rig
from tests.native.dsp_rig import TALK_BEGIN, TALK_END

MS = 8


def talk_events() -> list[list[rig.Hit]]:
    """Bursts of many lengths and levels, and noise that is learned, to compare instruction sets."""
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
    steady = [
        np.concatenate([rig.noise(rng, 48000, float(rng.uniform(-40, -20))), phrases(rng, 2, -20)])
        for _ in range(16)
    ]
    return rig.listen("talk", signals) + rig.listen("talk", steady)


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


# ---- the line's own noise ----


def pink(rng: np.random.Generator, n: int, dbm0: float) -> rig.Signal:
    """3 dB less an octave from 50 Hz up."""
    spectrum = np.fft.rfft(rng.normal(0.0, 1.0, n))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(n, 1 / rig.RATE), 50.0))
    sound = np.fft.irfft(spectrum, n)
    return np.asarray(sound * rig.rms(dbm0) / np.sqrt(np.mean(sound**2)))


def phrases(rng: np.random.Generator, count: int, dbm0: float) -> rig.Signal:
    """Syllables of a voice of 120 Hz, 180 ms on and 60 ms off, in phrases of 1.5 s with pauses
    of 1 s; the level is that of the syllables."""
    t = np.arange(180 * MS) / rig.RATE
    parts = []
    for _ in range(count):
        for _ in range(6):
            pitch = float(rng.uniform(100, 150))
            voice = sum(np.cos(2 * np.pi * pitch * k * t) / (1 + k / 4) for k in range(1, 24))
            voice *= np.sin(np.pi * t / t[-1]) ** 0.5
            parts += [voice * rig.rms(dbm0) / np.sqrt(np.mean(voice**2)), rig.silence(60)]
        parts.append(rig.silence(1000))
    return np.concatenate(parts)


@pytest.mark.parametrize("dbm0", [-35, -20, -10])
@pytest.mark.parametrize("colour", [rig.noise, pink])
def test_steady_noise_stops_being_talk_and_stays_so(colour, dbm0):
    rng = np.random.default_rng(5)
    hits = rig.listen("talk", [colour(rng, 60 * rig.RATE, dbm0)])[0]
    assert [h.kind for h in hits] == [TALK_BEGIN, TALK_END]
    assert 3500 <= hits[1].a <= 4500
    assert hits[1].at <= 5 * rig.RATE


@pytest.mark.parametrize("colour", [rig.noise, pink])
def test_speech_in_noise_is_talk_and_its_pauses_are_not(colour):
    """Speech at -30 dBm0, noise at -45 dBm0: under the fixed threshold, and over it at -35."""
    rng = np.random.default_rng(6)
    for noise_dbm0, voice_dbm0 in ((-45, -30), (-35, -18)):
        speech = np.concatenate([rig.silence(6000), phrases(rng, 12, voice_dbm0)])
        signal = speech + colour(rng, len(speech), noise_dbm0)
        hits = [h for h in rig.listen("talk", [signal])[0] if h.at > 6 * rig.RATE]
        assert [h.kind for h in hits] == [TALK_BEGIN, TALK_END] * 12
        assert all(abs(h.a - 1440) <= 120 for h in hits if h.kind == TALK_END)


def test_noise_that_stops_is_forgotten_at_once():
    rng = np.random.default_rng(8)
    quiet = np.concatenate([rig.silence(600), rig.tone([700], 300, -30), rig.silence(600)])
    signal = np.concatenate([rig.noise(rng, 6 * rig.RATE, -25), quiet])
    hits = [h for h in rig.listen("talk", [signal])[0] if h.at > 6 * rig.RATE]
    assert [h.kind for h in hits] == [TALK_BEGIN, TALK_END]


def test_what_is_no_number_is_silence_and_harms_nothing():
    bank = rig.Bank("talk")
    bank.arm(0)
    frame = np.zeros((rig.FRAME, rig.LANES), np.float32)
    pointer = rig.ffi.cast("const float (*)[16]", frame.ctypes.data)
    for value in (np.nan, np.inf, -np.inf, 3e38):
        frame[7, 0] = value
        assert bank._run(bank.bank, pointer, 1, bank.hits, 256) == 0
    tone = rig.lines([np.concatenate([rig.tone([700], 300), rig.silence(600)])])
    assert [h.kind for h in bank.run(tone, 1)[0]] == [TALK_BEGIN, TALK_END]
