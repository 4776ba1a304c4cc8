"""The DTMF receiver against ITU-T Q.24, where NTT's and AT&T's columns agree.

Signals come from numpy, sox and libspandsp, never from our own generator, whose own tests
are at the end.  Speech is espeak-ng's: synthetic, and only a first sieve against talk-off.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import soxr

from tests.native import dsp_rig as rig
from tests.native import spandsp_oracle
from tests.native.dsp_rig import DTMF_BEGIN, DTMF_END, KEYS, ffi, lib

MS = 8  # samples
ROOT = Path(__file__).parents[2]
SENTENCES = {
    "en": "Good morning, you have reached the water company. Hello? My name is Peter Wellington, "
          "the pipe in Moor Lane is broken since Tuesday. Five six seven, nobody came. Oh really? "
          "Who are you? How low we go. Mama knew a new moon. We all owe you a year.",
    "cmn": "您好，请问有什么可以帮您？我家的水管漏水了，地址是人民路一百二十八号。我要订烟，红塔山五条，"
           "玉溪三条。哦，好的，明天上午送到。啊，嗯，一二三四五六七八九零。",
}
VOICES = ["en-us", "en-us+f2", "en-us+f4", "en-us+m3", "en-us+klatt", "en-us+croak", "en-gb",
          "cmn", "cmn+f1", "cmn+f3", "cmn+m2", "cmn+klatt2"]


def rate_found(make: Callable[[str, np.random.Generator], rig.Signal], bursts: int = 4,
               pause_ms: float = 60, under: Callable[[np.random.Generator, int], rig.Signal] | None
               = None, seed: int = 1) -> tuple[float, int]:
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


def phases(rng: np.random.Generator) -> tuple[float, float]:
    a, b = rng.uniform(0, 2 * np.pi, 2)
    return float(a), float(b)


# ---- ITU-T Q.24 ---------------------------------------------------------------------------


@pytest.mark.parametrize("off", [-0.015, -0.01, 0.01, 0.015])
@pytest.mark.parametrize("which", ["both", "low", "high"])
def test_frequencies_within_1_5_percent_are_accepted(off, which):
    low, high = off * (which != "high"), off * (which != "low")
    assert rate_found(lambda k, r: rig.dtmf(k, 50, low_off=low, high_off=high,
                                            phase=phases(r))) == (1.0, 0)


@pytest.mark.parametrize("off", [-0.06, -0.045, -0.035, 0.035, 0.045, 0.06])
@pytest.mark.parametrize("which", ["both", "low", "high"])
def test_frequencies_3_5_percent_off_are_rejected(off, which):
    low, high = off * (which != "high"), off * (which != "low")
    assert rate_found(lambda k, r: rig.dtmf(k, 100, low_off=low, high_off=high,
                                            phase=phases(r))) == (0.0, 0)


@pytest.mark.parametrize("dbm0", [0, -3, -10, -20, -24])
def test_levels_are_accepted(dbm0):
    assert rate_found(lambda k, r: rig.dtmf(k, 50, dbm0, phase=phases(r))) == (1.0, 0)


def test_a_level_of_minus_55_is_rejected():
    assert rate_found(lambda k, r: rig.dtmf(k, 100, -55, phase=phases(r))) == (0.0, 0)


@pytest.mark.parametrize(("dbm0", "twist"), [(-12, 4), (-20, 4), (-8, -8), (-15, -8), (-10, -4)])
def test_twist_is_accepted(dbm0, twist):
    assert rate_found(lambda k, r: rig.dtmf(k, 50, dbm0, twist, phase=phases(r)), 8) == (1.0, 0)


@pytest.mark.parametrize("off", [0, -0.015, 0.015])
@pytest.mark.parametrize("twist", [4, 0, -8])
def test_tones_of_40_ms_are_found(off, twist):
    assert rate_found(lambda k, r: rig.dtmf(k, 40, -10, twist, off, off, phases(r)), 8) == (1.0, 0)


@pytest.mark.parametrize("ms", [5, 10, 15, 20, 23])
@pytest.mark.parametrize("twist", [4, 0, -8])
def test_tones_of_23_ms_are_rejected(ms, twist):
    assert rate_found(lambda k, r: rig.dtmf(k, ms, -10, twist, phase=phases(r)), 8) == (0.0, 0)


@pytest.mark.parametrize("ms", [40, 50, 70])
def test_a_pause_of_40_ms_makes_a_new_digit(ms):
    assert rate_found(lambda k, r: np.concatenate(
        [rig.dtmf(k, 50, phase=phases(r)), rig.silence(ms), rig.dtmf(k, 50, phase=phases(r))]
    )) == (2.0, 0)


@pytest.mark.parametrize("ms", [1, 4, 7, 10])
def test_an_interruption_of_10_ms_is_bridged(ms):
    assert rate_found(lambda k, r: np.concatenate(
        [rig.dtmf(k, 50, phase=phases(r)), rig.silence(ms), rig.dtmf(k, 50, phase=phases(r))]
    )) == (1.0, 0)


def test_digits_of_93_ms_each():
    assert rate_found(lambda k, r: rig.dtmf(k, 45, phase=phases(r)), 20, 48) == (1.0, 0)


@pytest.mark.parametrize("snr_db", [24, 15])
def test_digits_in_noise(snr_db):
    """White noise in 0-4 kHz against both tones together (-7 dBm0)."""
    assert rate_found(lambda k, r: rig.dtmf(k, 50, phase=phases(r)), 16,
                      under=lambda r, n: rig.noise(r, n, -7 - snr_db)) == (1.0, 0)


@pytest.mark.parametrize("hz", [(450,), (350, 440), (425,)])
@pytest.mark.parametrize("over_db", [-10, 0, 6, 10])
def test_digits_over_dial_tone(hz, over_db):
    """Dial tone at a level relative to each tone of the digit."""
    assert rate_found(lambda k, r: rig.dtmf(k, 50, -18, phase=phases(r)), 8,
                      under=lambda r, n: rig.tone(hz, n / MS, -18 + over_db)) == (1.0, 0)


# ---- times ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dbm0", "twist", "off"), [(-10, 0, 0), (-24, 0, 0.015), (-8, -8, 0), (-12, 4, -0.015)])
def test_begin_and_end_are_early_and_well_placed(dbm0, twist, off):
    rng, on_ms = np.random.default_rng(4), 50
    starts, signals = [], []
    for key in KEYS:
        parts, start = [rig.silence(300)], []
        for _ in range(6):
            parts.append(np.zeros(int(rng.integers(0, 160))))
            start.append(sum(map(len, parts)))
            parts += [rig.dtmf(key, on_ms, dbm0, twist, off, off, phases(rng)), rig.silence(60)]
        signals.append(np.concatenate(parts))
        starts.append(start)
    for hits, start in zip(rig.listen("dtmf", signals), starts, strict=True):
        assert [h.kind for h in hits] == [DTMF_BEGIN, DTMF_END] * 6
        for begin, end, first in zip(hits[::2], hits[1::2], start, strict=True):
            last = first + on_ms * MS
            assert begin.at - first <= 45 * MS
            assert end.at - last <= 27 * MS
            assert abs(begin.at - begin.d - first) <= 4 * MS
            assert abs(end.at - end.d - last) <= 3 * MS
            assert abs(end.b - on_ms * MS) <= 4 * MS
            assert abs(begin.b - 100 * dbm0) <= 70
            assert abs(begin.c - 100 * twist) <= 130  # the stronger group leaks at 400 Hz


def test_a_long_tone_is_one_digit():
    hits = rig.listen("dtmf", [rig.dtmf("5", 6000)])[0]
    assert [(h.kind, chr(h.a)) for h in hits] == [(DTMF_BEGIN, "5")]
    assert rig.digits(rig.listen("dtmf", [np.concatenate([rig.dtmf("5", 6000), rig.silence(60)])])[0]) == "5"


def test_another_digit_without_a_pause_ends_the_first():
    hits = rig.listen("dtmf", [np.concatenate([rig.dtmf("1", 60), rig.dtmf("6", 60), rig.silence(60)])])[0]
    assert [(h.kind, chr(h.a)) for h in hits] == [
        (DTMF_BEGIN, "1"), (DTMF_END, "1"), (DTMF_BEGIN, "6"), (DTMF_END, "6")]


@pytest.mark.parametrize(("name", "value", "accepted", "rejected"), [
    ("min_dbm0", -36.0, rig.dtmf("8", 50, -34), rig.dtmf("8", 50, -38)),
    ("min_on_ms", 60.0, rig.dtmf("8", 70), rig.dtmf("8", 50)),
    ("twist_high_db", 8.0, rig.dtmf("8", 50, -12, 8), rig.dtmf("8", 50, -12, 10)),
    ("twist_low_db", 3.0, rig.dtmf("8", 50, -12, -3), rig.dtmf("8", 50, -12, -5)),
])
def test_national_variants_are_parameters(name, value, accepted, rejected):
    quiet = rig.silence(60)
    heard = rig.listen("dtmf", [np.concatenate([accepted, quiet]), np.concatenate([rejected, quiet])],
                       **{name: value})
    assert [rig.digits(hits) for hits in heard] == ["8", ""]


def test_min_off_ms_bridges_longer_breaks():
    tone = rig.dtmf("8", 50)
    signal = np.concatenate([tone, rig.silence(30), tone, rig.silence(100)])
    assert rig.digits(rig.listen("dtmf", [signal])[0]) == "88"
    assert rig.digits(rig.listen("dtmf", [signal], min_off_ms=40.0)[0]) == "8"


# ---- not digits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", [
    *(rig.tone([hz], 2000, -5) for hz in (425, 697, 770, 941, 1004, 1209, 1477, 1633, 2100)),
    rig.tone([350, 440], 2000), rig.tone([440, 480], 2000), rig.tone([480, 620], 2000),
    rig.tone([697, 770], 1000), rig.tone([1209, 1477], 1000),
    rig.tone([697, 1209, 1477], 1000), rig.tone([697, 770, 1209], 1000),
    rig.tone([700, 900], 1000), rig.tone([900, 1100], 1000), rig.tone([1300, 1500], 1000),
    rig.noise(np.random.default_rng(9), 80000, -10),
], ids=str)
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


# ---- other makers' signals ---------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "twist", "on", "off"), [(-10, 0, 50, 50), (-20, 4, 45, 48), (-12, -8, 40, 45)])
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
            ["sox", "-n", "-r", "8000", "-b", "16", "-e", "signed", "-t", "raw", "-", "-D", "synth", "0.05",
             "sine", str(low), "sine", str(high), "remix", "1,2", "gain", "-10", "pad", "0.1", "0.1"],
            check=True, capture_output=True).stdout
        signals.append(np.frombuffer(raw, "<i2").astype(float))
    assert "".join(map(rig.digits, rig.listen("dtmf", signals))) == KEYS


# ---- lanes and instruction sets ---------------------------------------------------------------------


def busy_lines(seed: int = 3) -> list[rig.Signal]:
    """Sixteen different lines: digits in noise, dial tone, tones of odd lengths and twists."""
    rng, signals = np.random.default_rng(seed), []
    for lane in range(16):
        parts = [rig.silence(50 + 7 * lane)]
        for _ in range(14):
            key = KEYS[int(rng.integers(16))]
            parts += [rig.dtmf(key, float(rng.uniform(20, 90)), float(rng.uniform(-26, -6)),
                               float(rng.uniform(-9, 5)), float(rng.uniform(-0.02, 0.02)),
                               float(rng.uniform(-0.02, 0.02)), phases(rng)),
                      rig.silence(float(rng.uniform(5, 80)))]
        signal = np.concatenate(parts)
        signals.append(signal + rig.noise(rng, len(signal), float(rng.uniform(-60, -25))))
    return signals


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
    from tests.native import test_talk, test_tones  # they need this module's signals

    signals = busy_lines()
    found = [rig.listen("dtmf", signals), rig.listen("talk", signals), test_talk.talk_events(),
             test_tones.plan_events()]
    return hashlib.sha256(repr(found).encode()).hexdigest()


@pytest.mark.parametrize("wish", ["none", "sse", "avx2", "avx512", "strange"])
def test_every_instruction_set_finds_the_same_events_at_the_same_samples(wish):
    code = ("from tests.native import test_dtmf as t; "
            "print(t.ffi.string(t.lib.ctb_simd_name()).decode(), t.event_hash())")
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True,
                          cwd=ROOT, env={**os.environ, "CTB_SIMD": wish})
    name, found = done.stdout.split()
    here = ffi.string(lib.ctb_simd_name()).decode()
    order = ["none", "sse", "avx2", "avx512"]
    if wish in order and order.index(wish) <= order.index(here):
        assert name == wish
    assert found == event_hash()


# ---- the generators ---------------------------------------------------------------------------------


def dial(digits: str, on_ms: int = 50, off_ms: int = 50, level: int = -1000, twist: int = 0,
         block: int = 160) -> rig.Signal:
    gen = ffi.new("char[]", lib.ctb_dial_gen_size())
    start = ffi.cast("ctb_dial_gen_t *", gen)
    assert lib.ctb_dial_gen_start(start, digits.encode(), on_ms, off_ms, level, twist, ffi.new("int *")) == 0
    out: list[np.ndarray] = []
    while True:
        acc = np.zeros(block, np.int32)
        made = lib.ctb_dial_gen_add(start, ffi.cast("int32_t *", acc.ctypes.data), block)
        out.append(acc[:made])
        if made < block:
            return np.concatenate(out).astype(float)


def test_a_dialled_string_has_its_levels_lengths_and_frequencies():
    signal = dial("9,5", 80, 40, -1200, 200)
    assert len(signal) == (80 + 40 + 500 + 80 + 40) * MS
    parts = [signal[: 80 * MS], signal[620 * MS : 700 * MS]]
    assert not signal[80 * MS : 620 * MS].any()
    for key, part in zip("95", parts, strict=True):
        t = np.arange(len(part)) / rig.RATE
        row, column = divmod(KEYS.index(key), 4)
        basis = [f(2 * np.pi * hz * t) for hz in (rig.LOW_HZ[row], rig.HIGH_HZ[column])
                 for f in (np.sin, np.cos)]
        weights, residue, *_ = np.linalg.lstsq(np.stack(basis, axis=1), part, rcond=None)
        assert abs(20 * np.log10(np.hypot(*weights[:2]) / rig.peak(-12))) < 0.01
        assert abs(20 * np.log10(np.hypot(*weights[2:]) / rig.peak(-10))) < 0.01
        assert residue[0] / len(part) < 0.2  # rounding to whole numbers alone: 1/12


@pytest.mark.parametrize("block", [1, 7, 160, 333])
def test_a_dialled_string_is_the_same_in_any_blocks(block):
    assert (dial("1*D,0", block=block) == dial("1*D,0", block=4096)).all()


@pytest.mark.parametrize(("digits", "bad"), [("12x4", 2), ("a", 0), ("123 ", 3), ("1" * 256, 255)])
def test_a_bad_digit_is_named(digits, bad):
    gen, index = ffi.new("char[]", lib.ctb_dial_gen_size()), ffi.new("int *")
    start = ffi.cast("ctb_dial_gen_t *", gen)
    assert lib.ctb_dial_gen_start(start, digits.encode(), 50, 50, -1000, 0, index) == -22
    assert index[0] == bad


def heard_by(names: Iterable[str]) -> None:
    oracle = spandsp_oracle.load()
    for digits in names:
        assert spandsp_oracle.dtmf_heard(oracle, dial(digits).astype(np.int16)) == digits


def test_libspandsp_hears_what_we_dial():
    heard_by([KEYS, "13901234567", "*21*8675309#"])
