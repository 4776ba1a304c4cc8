"""The DTMF receiver against ITU-T Q.24, where NTT's and AT&T's columns agree.

Signals come from numpy, sox and libspandsp, never from our own generator, whose own tests
are at the end.  Speech is espeak-ng's: synthetic, and only a first sieve against talk-off.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soxr

from tests.native import dsp_rig as rig
from tests.native import spandsp_oracle
from tests.native.dsp_rig import DTMF_BEGIN, DTMF_END, KEYS

MS = 8  # samples
ROOT = Path(__file__).parents[2]
SENTENCES = {
    "en": "Good morning, you have reached the water company. Hello? My name is Peter Wellington, "
    "the pipe in Moor Lane is broken since Tuesday. Five six seven, nobody came. Oh really? "
    "Who are you? How low we go. Mama knew a new moon. We all owe you a year.",
    "cmn": "您好，请问有什么可以帮您？我家的水管漏水了，地址是人民路一百二十八号。我要订烟，"
    "红塔山五条，玉溪三条。哦，好的，明天上午送到。啊，嗯，一二三四五六七八九零。",
}
VOICES = [
    "en-us",
    "en-us+f2",
    "en-us+f4",
    "en-us+m3",
    "en-us+klatt",
    "en-us+croak",
    "en-gb",
    "cmn",
    "cmn+f1",
    "cmn+f3",
    "cmn+m2",
    "cmn+klatt2",
]


def rate_found(
    make: Callable[[str, np.random.Generator], rig.Signal],
    bursts: int = 4,
    pause_ms: float = 60,
    under: Callable[[np.random.Generator, int], rig.Signal] | None = None,
    seed: int = 1,
) -> tuple[float, int]:
    """Digits found of all 16 keys x bursts (1.0 = each once), and wrong ones; pauses jitter."""
    rng = np.random.default_rng(seed)
    signals = []
    for key in KEYS:
        parts = [rig.silence(600)]
        for _ in range(bursts):
            parts += [make(key, rng), rig.silence(pause_ms), np.zeros(int(rng.integers(0, 40)))]
        signal = np.concatenate([*parts, rig.silence(80)])
        signals.append(signal if under is None else signal + under(rng, len(signal)))
    found = [rig.digits(hits) for hits in rig.listen("dtmf", signals)]
    right = sum(f.count(k) for f, k in zip(found, KEYS, strict=True))
    return right / (16 * bursts), sum(map(len, found)) - right


# ---- ITU-T Q.24 ----


@pytest.mark.parametrize("off", [-0.018, -0.015, 0.015, 0.018])
@pytest.mark.parametrize("which", ["both", "low", "high"])
def test_frequencies_within_1_8_percent_are_accepted(off, which):
    low, high = off * (which != "high"), off * (which != "low")
    assert rate_found(
        lambda k, r: rig.dtmf(k, 50, low_off=low, high_off=high, phase=rig.phases(r))
    ) == (1.0, 0)


@pytest.mark.parametrize("off", [-0.06, -0.045, -0.03, 0.03, 0.045, 0.06])
@pytest.mark.parametrize("which", ["both", "low", "high"])
def test_frequencies_3_percent_off_are_rejected(off, which):
    low, high = off * (which != "high"), off * (which != "low")
    assert rate_found(
        lambda k, r: rig.dtmf(k, 100, low_off=low, high_off=high, phase=rig.phases(r))
    ) == (0.0, 0)


@pytest.mark.parametrize("dbm0", [0, -3, -10, -20, -24])
def test_levels_are_accepted(dbm0):
    assert rate_found(lambda k, r: rig.dtmf(k, 50, dbm0, phase=rig.phases(r))) == (1.0, 0)


def test_a_level_of_minus_55_is_rejected():
    assert rate_found(lambda k, r: rig.dtmf(k, 100, -55, phase=rig.phases(r))) == (0.0, 0)


@pytest.mark.parametrize(
    ("dbm0", "twist"), [(-12, 6), (-20, 6), (-8, -8.5), (-15, -8.5), (-10, -4)]
)
def test_twist_is_accepted(dbm0, twist):
    assert rate_found(lambda k, r: rig.dtmf(k, 50, dbm0, twist, phase=rig.phases(r)), 8) == (1.0, 0)


@pytest.mark.parametrize("off", [0, -0.015, 0.015])
@pytest.mark.parametrize("twist", [4, 0, -8])
def test_tones_of_40_ms_are_found(off, twist):
    assert rate_found(lambda k, r: rig.dtmf(k, 40, -10, twist, off, off, rig.phases(r)), 8) == (
        1.0,
        0,
    )


@pytest.mark.parametrize("ms", [5, 10, 15, 20, 23])
@pytest.mark.parametrize("twist", [4, 0, -8])
def test_tones_of_23_ms_are_rejected(ms, twist):
    assert rate_found(lambda k, r: rig.dtmf(k, ms, -10, twist, phase=rig.phases(r)), 8) == (0.0, 0)


@pytest.mark.parametrize("ms", [30, 40, 70])
def test_a_pause_of_30_ms_makes_a_new_digit(ms):
    assert rate_found(
        lambda k, r: np.concatenate(
            [
                rig.dtmf(k, 50, phase=rig.phases(r)),
                rig.silence(ms),
                rig.dtmf(k, 50, phase=rig.phases(r)),
            ]
        )
    ) == (2.0, 0)


@pytest.mark.parametrize("ms", [1, 5, 10, 15, 20])
def test_an_interruption_of_20_ms_is_bridged(ms):
    assert rate_found(
        lambda k, r: np.concatenate(
            [
                rig.dtmf(k, 50, phase=rig.phases(r)),
                rig.silence(ms),
                rig.dtmf(k, 50, phase=rig.phases(r)),
            ]
        )
    ) == (1.0, 0)


def test_digits_of_93_ms_each():
    assert rate_found(lambda k, r: rig.dtmf(k, 45, phase=rig.phases(r)), 20, 48) == (1.0, 0)


@pytest.mark.parametrize("snr_db", [24, 15])
def test_digits_in_noise(snr_db):
    """White noise in 0-4 kHz against both tones together (-7 dBm0)."""
    assert rate_found(
        lambda k, r: rig.dtmf(k, 50, phase=rig.phases(r)),
        16,
        under=lambda r, n: rig.noise(r, n, -7 - snr_db),
    ) == (1.0, 0)


@pytest.mark.parametrize("hz", [(450,), (350, 440), (425,)])
@pytest.mark.parametrize("over_db", [-10, 0, 10, 16])
def test_digits_over_dial_tone(hz, over_db):
    """Dial tone at a level relative to each tone of the digit."""
    assert rate_found(
        lambda k, r: rig.dtmf(k, 50, -18, phase=rig.phases(r)),
        8,
        under=lambda r, n: rig.tone(hz, n / MS, -18 + over_db),
    ) == (1.0, 0)


# ---- times ----


@pytest.mark.parametrize(
    ("dbm0", "twist", "off"), [(-10, 0, 0), (-24, 0, 0.015), (-8, -8, 0), (-12, 4, -0.015)]
)
def test_begin_and_end_are_early_and_well_placed(dbm0, twist, off):
    rng, on_ms = np.random.default_rng(4), 50
    starts, signals = [], []
    for key in KEYS:
        parts, start = [rig.silence(300)], []
        for _ in range(6):
            parts.append(np.zeros(int(rng.integers(0, 160))))
            start.append(sum(map(len, parts)))
            parts += [rig.dtmf(key, on_ms, dbm0, twist, off, off, rig.phases(rng)), rig.silence(60)]
        signals.append(np.concatenate(parts))
        starts.append(start)
    for hits, start in zip(rig.listen("dtmf", signals), starts, strict=True):
        assert [h.kind for h in hits] == [DTMF_BEGIN, DTMF_END] * 6
        for begin, end, first in zip(hits[::2], hits[1::2], start, strict=True):
            last = first + on_ms * MS
            assert begin.at - first <= 42 * MS
            assert end.at - last <= 34 * MS  # breaks of 20 ms are bridged, so no sooner
            assert abs(begin.at - begin.d - first) <= 3 * MS
            assert abs(end.at - end.d - last) <= 3 * MS
            assert abs(end.b - on_ms * MS) <= 4 * MS
            assert abs(begin.b - 100 * dbm0) <= 90
            assert abs(begin.c - 100 * twist) <= 130  # the stronger group leaks at 400 Hz


def test_a_long_tone_is_one_digit():
    hits = rig.listen("dtmf", [rig.dtmf("5", 6000)])[0]
    assert [(h.kind, chr(h.a)) for h in hits] == [(DTMF_BEGIN, "5")]
    assert (
        rig.digits(rig.listen("dtmf", [np.concatenate([rig.dtmf("5", 6000), rig.silence(60)])])[0])
        == "5"
    )


def test_another_digit_without_a_pause_ends_the_first():
    hits = rig.listen(
        "dtmf", [np.concatenate([rig.dtmf("1", 60), rig.dtmf("6", 60), rig.silence(60)])]
    )[0]
    assert [(h.kind, chr(h.a)) for h in hits] == [
        (DTMF_BEGIN, "1"),
        (DTMF_END, "1"),
        (DTMF_BEGIN, "6"),
        (DTMF_END, "6"),
    ]


@pytest.mark.parametrize(
    ("name", "value", "accepted", "rejected"),
    [
        ("min_dbm0", -36.0, rig.dtmf("8", 50, -34), rig.dtmf("8", 50, -38)),
        ("min_on_ms", 60.0, rig.dtmf("8", 70), rig.dtmf("8", 50)),
        ("twist_high_db", 8.0, rig.dtmf("8", 50, -12, 8), rig.dtmf("8", 50, -12, 10)),
        ("twist_low_db", 3.0, rig.dtmf("8", 50, -12, -3), rig.dtmf("8", 50, -12, -5)),
    ],
)
def test_national_variants_are_parameters(name, value, accepted, rejected):
    quiet = rig.silence(60)
    heard = rig.listen(
        "dtmf",
        [np.concatenate([accepted, quiet]), np.concatenate([rejected, quiet])],
        **{name: value},
    )
    assert [rig.digits(hits) for hits in heard] == ["8", ""]


def test_min_off_ms_bridges_longer_breaks():
    tone = rig.dtmf("8", 50)
    signal = np.concatenate([tone, rig.silence(30), tone, rig.silence(100)])
    assert rig.digits(rig.listen("dtmf", [signal])[0]) == "88"
    assert rig.digits(rig.listen("dtmf", [signal], min_off_ms=40.0)[0]) == "8"


# ---- not digits ----


@pytest.mark.parametrize(
    "signal",
    [
        *(rig.tone([hz], 2000, -5) for hz in (425, 697, 770, 941, 1004, 1209, 1477, 1633, 2100)),
        rig.tone([350, 440], 2000),
        rig.tone([440, 480], 2000),
        rig.tone([480, 620], 2000),
        rig.tone([697, 770], 1000),
        rig.tone([1209, 1477], 1000),
        rig.tone([697, 1209, 1477], 1000),
        rig.tone([697, 770, 1209], 1000),
        rig.tone([700, 900], 1000),
        rig.tone([900, 1100], 1000),
        rig.tone([1300, 1500], 1000),
        rig.noise(np.random.default_rng(9), 80000, -10),
    ],
    ids=str,
)
def test_other_signals_are_not_digits(signal):
    assert rig.digits(rig.listen("dtmf", [signal])[0]) == ""


def speech(voice: str, folder: Path) -> rig.Signal:
    """One voice at -15 dBm0 while it speaks, 8 kHz."""
    path = folder / f"{voice}.wav"
    text = SENTENCES["cmn" if voice.startswith("cmn") else "en"]
    subprocess.run(["espeak-ng", "-v", voice, "-w", str(path), text], check=True)
    raw = path.read_bytes()
    rate = int.from_bytes(raw[24:28], "little")
    sound = soxr.resample(np.frombuffer(raw[44:], "<i2").astype(float), rate, rig.RATE)
    power = (sound[: len(sound) // 160 * 160] ** 2).reshape(-1, 160).mean(axis=1)
    return sound * rig.rms(-15) / np.sqrt(power[power > power.max() / 1000].mean())


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_speech_makes_no_digits(tmp_path):
    voices = [speech(v, tmp_path) for v in VOICES]
    for speed in (1.0, 1.15):
        signals = [np.interp(np.arange(0, len(s) - 1, speed), np.arange(len(s)), s) for s in voices]
        assert "".join(map(rig.digits, rig.listen("dtmf", signals))) == ""


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_digits_are_found_over_an_echo_of_speech(tmp_path):
    """A caller dials into our prompt; its echo is 20 dB under the digit's tones."""
    echo = speech("en-us", tmp_path) * rig.rms(-20) / rig.rms(-5)
    digit = np.concatenate([rig.dtmf("7", 80, -10), rig.silence(120)])
    signal = np.tile(digit, len(echo) // len(digit))
    heard = rig.digits(rig.listen("dtmf", [signal + echo[: len(signal)]])[0])
    assert heard == "7" * (len(signal) // len(digit))


# ---- other makers' signals ----


@pytest.mark.parametrize(
    ("level", "twist", "on", "off"), [(-10, 0, 50, 50), (-20, 4, 45, 48), (-12, -8, 40, 45)]
)
def test_digits_of_libspandsp(level, twist, on, off):
    signal = spandsp_oracle.dtmf_signal(spandsp_oracle.load(), KEYS, level, twist, on, off)
    heard = rig.listen("dtmf", [np.concatenate([signal.astype(float), rig.silence(60)])])[0]
    assert rig.digits(heard) == KEYS


@pytest.mark.skipif(shutil.which("sox") is None, reason="sox is not installed")
def test_digits_of_sox():
    signals = []
    for key in KEYS:
        low, high = rig.LOW_HZ[KEYS.index(key) // 4], rig.HIGH_HZ[KEYS.index(key) % 4]
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
                "0.05",
                "sine",
                str(low),
                "sine",
                str(high),
                "remix",
                "1,2",
                "gain",
                "-10",
                "pad",
                "0.1",
                "0.1",
            ],
            check=True,
            capture_output=True,
        ).stdout
        signals.append(np.frombuffer(raw, "<i2").astype(float))
    assert "".join(map(rig.digits, rig.listen("dtmf", signals))) == KEYS
