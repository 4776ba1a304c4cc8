"""Automatic level: speech reaches its target by ITU-T P.56, the rest is left as it is."""

import hashlib
from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.native import dsp_rig as rig
from tests.native.dsp_rig import FRAME, LANES, ffi, lib
from tests.native.test_talk import phrases, pink

RATE = rig.RATE
ZERO_DBM0 = 10 * np.log10(rig.rms(0.0) ** 2)


class Agc:
    """A bank of its own; lines are float, 16-bit scale as the rig's signals."""

    def __init__(self, **params: float) -> None:
        out = ffi.new("ctb_agc_bank_t **")
        assert lib.ctb_agc_bank_alloc(out) == 0
        self.bank = ffi.gc(out[0], lib.ctb_agc_bank_free)
        for lane in range(LANES):
            assert self.arm(lane, **params) == 0

    def arm(self, lane: int, **params: float) -> int:
        wanted = ffi.new("ctb_agc_params_t *", lib.ctb_agc_default)
        for name, value in params.items():
            setattr(wanted, name, value)
        return int(lib.ctb_agc_bank_arm(self.bank, lane, wanted))

    def frame(self, lanes: Any, mask: int = 0xFFFF) -> None:
        lib.ctb_agc_bank_run(self.bank, ffi.cast("float (*)[16]", lanes.ctypes.data), mask)

    def gain(self, lane: int = 0) -> float:
        return lib.ctb_agc_bank_gain(self.bank, lane) / 100

    def run(self, signals: list[rig.Signal], mask: int = 0xFFFF) -> tuple[Any, Any]:
        """(lines out, 16-bit scale; gain in dB after each frame), lane by lane."""
        frames = min(len(s) for s in signals) // FRAME
        data = np.zeros((frames, FRAME, LANES), np.float32)
        for lane, signal in enumerate(signals):
            data[:, :, lane] = signal[: frames * FRAME].reshape(frames, FRAME) / 32768
        gains = np.zeros((frames, LANES))
        for i in range(frames):
            self.frame(data[i], mask)
            gains[i] = [self.gain(lane) for lane in range(LANES)]
        return data.reshape(-1, LANES).T.astype(float) * 32768, gains.T


def speech_level(signal: rig.Signal) -> float:
    """Active speech level in dBm0 by ITU-T P.56 method B, sample by sample."""
    keep = float(np.exp(-1 / (0.03 * RATE)))  # two stages of smoothing, each of 30 ms
    after = np.arange(RATE)
    size = len(signal) + RATE
    response = np.fft.rfft((1 - keep) ** 2 * (after + 1) * keep**after, size)
    envelope = np.fft.irfft(np.fft.rfft(np.abs(signal), size) * response, size)[: len(signal)]
    energy, before = float(np.sum(signal**2)), None
    for bits in range(15, 0, -1):
        threshold = 2.0 ** (bits - 1)
        last = np.maximum.accumulate(np.where(envelope >= threshold, np.arange(len(signal)), -RATE))
        active = int(np.sum(np.arange(len(signal)) - last <= 0.2 * RATE))  # hangover 200 ms
        if active == 0:
            continue
        mean = 10 * np.log10(energy / active)
        margin = mean - 20 * np.log10(threshold) - 15.9
        if margin >= 0:
            if before is None:
                return float(mean - ZERO_DBM0)
            part = margin / (margin - before[1])
            return float(mean + (before[0] - mean) * part - ZERO_DBM0)
        before = (mean, margin)
    raise AssertionError("silence has no level")


@cache
def spoken(seed: int, dbm0: float, count: int = 12) -> rig.Signal:
    """Phrases with an active level of dbm0, limited to 16 bits."""
    signal = phrases(np.random.default_rng(seed), count, -20.0)
    limited = np.clip(signal * 10 ** ((dbm0 - speech_level(signal)) / 20), -32768, 32767)
    limited.setflags(write=False)  # others get the same array
    return limited


@pytest.mark.parametrize("noise_dbm0", [None, -55])
def test_soft_and_loud_speech_reaches_the_target(noise_dbm0):
    rng, levels = np.random.default_rng(3), [-38.0, -30.0, -24.0, -19.0, -12.0, -8.0]
    signals = [spoken(n, dbm0) for n, dbm0 in enumerate(levels)]
    if noise_dbm0 is not None:
        signals = [s + rig.noise(rng, len(s), noise_dbm0) for s in signals]
    out, gains = Agc().run(signals)
    settled = out.shape[1] * 2 // 3
    for lane, dbm0 in enumerate(levels):
        assert abs(speech_level(out[lane, settled:]) + 19) < 1.0, dbm0
        assert np.ptp(gains[lane, settled // FRAME :]) < 1.5, dbm0
        assert np.abs(out[lane]).max() < 0.984 * 32768


def test_target_and_bounds_are_followed():
    soft, loud = spoken(1, -38), spoken(2, -8)
    out, gains = Agc(target_dbm0=-25.0).run([soft])
    assert abs(speech_level(out[0, out.shape[1] // 2 :]) + 25) < 1.0
    _, gains = Agc(max_gain_db=6.0, max_loss_db=3.0).run([soft, loud])
    assert np.all(gains <= 6.01)
    assert np.all(gains >= -3.01)
    assert gains[0, -1] > 5.9
    assert gains[1, -1] < -2.9


@pytest.mark.parametrize(
    "params",
    [
        {"target_dbm0": 1.0},
        {"target_dbm0": -41.0},
        {"max_gain_db": 31.0},
        {"max_loss_db": -1.0},
        {"threshold_dbm0": -71.0},
        {"threshold_dbm0": float("nan")},
    ],
)
def test_strange_parameters_are_refused(params):
    assert Agc().arm(0, **params) < 0


def test_a_lane_that_is_not_there_is_refused():
    agc = Agc()
    assert agc.arm(16) < 0
    assert agc.arm(-1) < 0


def test_silence_noise_and_tones_let_the_gain_hold():
    rng = np.random.default_rng(9)
    steady = [
        rig.silence(20000),
        rig.noise(rng, 20 * RATE, -40),
        pink(rng, 20 * RATE, -40),
        rig.tone([450], 20000, -35),
        rig.tone([350, 440], 20000, -35),
        rig.noise(rng, 20 * RATE, -55),
    ]
    fresh, gains = Agc().run(steady)
    assert np.all(gains[: len(steady)] == 0)
    assert np.allclose(fresh[1], steady[1], atol=0.01)
    before = spoken(4, -30, 6)
    _, gains = Agc().run([np.concatenate([before, s]) for s in steady])
    end = len(before) // FRAME
    for lane in range(len(steady)):
        moved = gains[lane, end:] - gains[lane, end]
        assert np.abs(moved).max() <= 3.2, lane  # the first second of what turns out steady
        assert np.abs(np.diff(moved[100:])).max() == 0, lane
    assert np.all(gains[:3, end] > 8)


def test_the_gain_moves_slower_than_a_digit():
    """Digits in the middle of speech far too soft: level within 0.5 dB, twist as it was."""
    digit = rig.dtmf("7", 100, -34.0, 2.0)
    parts = [phrases(np.random.default_rng(6), 1, -38)[: 1400 * 8], digit, rig.silence(60)]
    signal = np.concatenate(parts * 5)
    out, gains = Agc().run([signal])
    assert gains[0, -1] > 8
    t = np.arange(160) / RATE
    row, column = rig.LOW_HZ[2], rig.HIGH_HZ[0]

    def levels(part: Any) -> tuple[float, float]:
        low, high = (np.abs(np.mean(part * np.exp(-2j * np.pi * f * t))) for f in (row, column))
        return 20 * np.log10(low), 20 * np.log10(high)

    period = sum(map(len, parts))
    for n in range(5):
        start = n * period + len(parts[0])
        first, last = (
            np.subtract(levels(out[0, at : at + 160]), levels(signal[at : at + 160]))
            for at in (start + 80, start + 640)
        )
        assert abs(last[0] - first[0]) <= 0.5
        assert abs((last[1] - last[0]) - (first[1] - first[0])) < 0.1


def test_a_shout_is_limited_without_clipping():
    soft = spoken(5, -36, 8)
    shout = rig.tone([500], 2000, 0.0)
    out, gains = Agc().run([np.concatenate([soft, shout])])
    assert gains[0, len(soft) // FRAME] > 14
    loud = out[0, len(soft) + 160 :]
    assert np.abs(out).max() <= 0.984 * 32768
    assert np.abs(loud[:4000]).max() > 0.9 * 32768
    spectrum = np.abs(np.fft.rfft(loud[800 : 800 + 8000] * np.hanning(8000))) ** 2
    near = spectrum[490:511].sum()
    assert 10 * np.log10((spectrum.sum() - near) / near) < -40


def test_the_gain_has_no_steps():
    """A sine under speech that is too soft: the ratio of out to in changes as a ramp."""
    signal = spoken(7, -36, 6)
    out, _ = Agc().run([signal])
    signal = signal[: out.shape[1]]
    sure = np.abs(signal) > 60
    gain_db = 20 * np.log10(out[0][sure] / signal[sure])
    assert gain_db[-1] > 10
    distance = np.diff(np.nonzero(sure)[0])
    steps = np.abs(np.diff(gain_db))[distance < 80]
    assert steps.max() <= 0.045  # one step of 10 ms at 4 dB/s, no more


def test_softer_speech_after_louder_is_brought_up():
    signal = np.concatenate([spoken(8, -10, 6), spoken(9, -36, 16)])
    out, gains = Agc().run([signal])
    assert gains[0, -1] > 14
    assert abs(speech_level(out[0, -8 * RATE :]) + 19) < 1.5


def test_lines_outside_the_mask_are_left_alone():
    signal = spoken(10, -32, 4)
    whole, gains = Agc().run([signal] * LANES)
    cut = len(signal) // FRAME // 2 * FRAME
    split = Agc()
    split.run([signal[:cut]] * LANES)
    untouched, _ = split.run([signal[cut:]] * LANES, mask=0xFFF7)
    size = untouched.shape[1]
    assert np.allclose(untouched[3], signal[cut : cut + size], atol=0.002)  # float32 of it
    assert split.gain(3) == gains[3, cut // FRAME - 1]
    assert (untouched[4] == whole[4, cut : cut + size]).all()
    late, _ = split.run([signal[cut:]] * LANES, mask=1 << 3)
    assert (late[3] == whole[3, cut : cut + size]).all()


def test_arming_forgets_and_a_lane_never_armed_is_armed_as_usual():
    signal = spoken(11, -32, 4)
    used = Agc()
    expected, _ = used.run([signal] * LANES)
    for lane in range(LANES):
        used.arm(lane)
    assert used.gain() == 0
    assert (used.run([signal] * LANES)[0] == expected).all()
    out = ffi.new("ctb_agc_bank_t **")
    assert lib.ctb_agc_bank_alloc(out) == 0
    fresh = Agc.__new__(Agc)
    fresh.bank = ffi.gc(out[0], lib.ctb_agc_bank_free)
    assert (fresh.run([signal] * LANES)[0] == expected).all()


def test_what_is_no_number_becomes_silence():
    agc = Agc()
    frame = np.full((FRAME, LANES), 0.1, np.float32)
    frame[5] = [np.nan, np.inf, -np.inf, 3e38] * 4
    agc.frame(frame)
    assert np.isfinite(frame).all()
    assert (frame[5] == 0).all()
    out, gains = agc.run([spoken(12, -30, 8)])
    assert np.isfinite(out).all()
    assert gains[0, -1] > 9


def levels_hash() -> str:
    """Of sixteen lines of speech, noise, digits and shouts after the bank."""
    rng = np.random.default_rng(13)
    signals = [
        np.concatenate(
            [
                phrases(rng, 3, float(rng.uniform(-40, -5))),
                rig.dtmf("5", 100, -6.0),
                rig.noise(rng, 8000, float(rng.uniform(-50, -10))),
                rig.tone([500], 500, 2.0),
            ]
        )
        for _ in range(LANES)
    ]
    out, gains = Agc().run(signals)
    return hashlib.sha256(out.tobytes() + gains.tobytes()).hexdigest()


@pytest.mark.parametrize("wish", rig.SETS)
def test_every_instruction_set_gives_the_same_samples(wish):
    assert rig.on_set(wish, "test_agc", "levels_hash()") == [levels_hash()]


@pytest.mark.parametrize("nth", [0, 1])
def test_no_memory_is_told_and_nothing_leaks(nth):
    out = ffi.new("ctb_agc_bank_t **")
    lib.ctb_engine_fail_alloc(nth)
    try:
        assert lib.ctb_agc_bank_alloc(out) < 0
    finally:
        lib.ctb_engine_fail_alloc(-1)
    assert out[0] == ffi.NULL
