"""Room: measuring sound with numpy: what a far end heard, what was recorded.
Must not use the media plane's detectors, generators or G.711 tables: they are under test.

All sound is A-law at 8000 Hz unless it says linear; levels are dBm0 of a sine (ITU-T G.711:
full scale is +3.14 dBm0); positions and lengths are samples.
"""

import random
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RATE = 8000
IDLE = 0xD5  # ITU-T G.711: A-law code of zero
FULL_SCALE_DBM0 = 3.14  # ITU-T G.711 clause 6: sine at the overload point of A-law
OVERLOAD = 32768.0  # ITU-T G.711 table 1: virtual decision value 4096, on the 16-bit scale
LOW_HZ = (697.0, 770.0, 852.0, 941.0)  # ITU-T Q.23
HIGH_HZ = (1209.0, 1336.0, 1477.0, 1633.0)  # ITU-T Q.23
KEYS = ("123A", "456B", "789C", "*0#D")  # ITU-T Q.23
ALL_DIGITS = "0123456789*#ABCD"

Linear = npt.NDArray[np.float64]


def _alaw_table() -> Linear:
    """ITU-T G.711 table 1: sign, exponent, mantissa, even bits inverted; on the 16-bit scale."""
    table = np.empty(256)
    for code in range(256):
        bits = code ^ 0x55
        exponent, mantissa = bits >> 4 & 7, bits & 15
        size = (2 * mantissa + 1) if exponent == 0 else (2 * mantissa + 33) << exponent - 1
        table[code] = (size if bits & 0x80 else -size) * 8
    return table


def _ulaw_table() -> Linear:
    """ITU-T G.711 table 2: all bits inverted, bias 33; on the 16-bit scale."""
    table = np.empty(256)
    for code in range(256):
        bits = code ^ 0xFF
        size = ((2 * (bits & 15) + 33) << (bits >> 4 & 7)) - 33
        table[code] = (-size if bits & 0x80 else size) * 4
    return table


ALAW = _alaw_table()
ULAW = _ulaw_table()
_ORDER = np.argsort(ALAW, kind="stable")
_EDGES = (ALAW[_ORDER][:-1] + ALAW[_ORDER][1:]) / 2


def linear(alaw: bytes) -> Linear:
    """A-law to linear, 16-bit scale."""
    return np.asarray(ALAW[np.frombuffer(alaw, dtype=np.uint8)])


def alaw(samples: Linear) -> bytes:
    """Linear (16-bit scale) to the nearest A-law codes."""
    return bytes(_ORDER[np.searchsorted(_EDGES, samples)].astype(np.uint8).tobytes())


def _lossless(a: int) -> bool:
    """Whether the code survives a mu-law line: one mu-law value is nearest, and well inside."""
    gaps = np.sort(np.abs(ULAW - ALAW[a]))
    back = np.sort(np.abs(ALAW - ULAW[np.argmin(np.abs(ULAW - ALAW[a]))]))
    nearest = int(np.argmin(np.abs(ALAW - ULAW[np.argmin(np.abs(ULAW - ALAW[a]))])))
    return nearest == a and gaps[1] > 1.5 * gaps[0] and back[1] > 1.5 * back[0]


LOSSLESS = [a for a in range(256) if abs(ALAW[a]) > 300 and _lossless(a)]


def pattern(seed: int, samples: int, *, ulaw: bool = False) -> bytes:
    """Noise that occurs nowhere else: each code is drawn at random.

    ``ulaw``: only codes that a mu-law card gives back unchanged.
    """
    rng = random.Random(seed)
    codes = LOSSLESS if ulaw else range(256)
    return bytes(rng.choices(codes, k=samples))


def sine(*parts: tuple[float, float], samples: int) -> bytes:
    """A sum of sines: (Hz, dBm0) each."""
    return alaw(_sines(parts, samples))


def _sines(parts: tuple[tuple[float, float], ...], samples: int) -> Linear:
    t = np.arange(samples) / RATE
    x = np.zeros(samples)
    for hz, dbm0 in parts:
        x += OVERLOAD * 10 ** ((dbm0 - FULL_SCALE_DBM0) / 20) * np.sin(2 * np.pi * hz * t)
    return x


def cadence(parts: tuple[tuple[float, float], ...], on_off_ms: tuple[tuple[int, int], ...],
            cycles: int) -> bytes:  # fmt: skip
    """Sines switched on and off; () is one second without a break a cycle."""
    steps = on_off_ms or ((1000, 0),)
    one = b"".join(
        alaw(_sines(parts, on * 8)) + bytes([IDLE]) * (off * 8) for on, off in steps
    )
    return one * cycles


def speech(seed: int, seconds: float, dbm0: float = -18.0) -> bytes:
    """Something like a voice: a buzz with formant-like bands in syllables of about 0.2 s."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    t = np.arange(n) / RATE
    pitch = 2 * np.pi * 117.0 * t
    x = sum(np.sin(k * pitch + k * k) / k for k in range(1, 28))
    x = np.asarray(x) * (1.0 + 0.5 * np.sin(2 * np.pi * 4.3 * t)) + rng.normal(0, 0.2, n)
    x *= OVERLOAD * 10 ** ((dbm0 - FULL_SCALE_DBM0) / 20) / np.sqrt(2) / np.sqrt(np.mean(x * x))
    return alaw(np.clip(x, -OVERLOAD, OVERLOAD))


def silence(samples: int) -> bytes:
    return bytes([IDLE]) * samples


def place(what: bytes, where: bytes) -> int | None:
    """The first sample at which ``what`` lies in ``where``, every sample the same; None."""
    at = where.find(what)
    return at if at >= 0 else None


def lag(reference: bytes, heard: bytes) -> tuple[int, float]:
    """Best shift of ``reference`` within ``heard`` and its normalised correlation (1 = alike)."""
    a, b = linear(reference), linear(heard)
    n = len(a) + len(b)
    product = np.fft.irfft(np.fft.rfft(b, n) * np.conj(np.fft.rfft(a, n)), n)[: max(1, len(b))]
    at = int(np.argmax(product))
    part = b[at : at + len(a)]
    scale = np.sqrt(float(np.sum(a[: len(part)] ** 2)) * float(np.sum(part**2)))
    return at, float(np.dot(a[: len(part)], part) / scale) if scale else 0.0


def differences(sent: bytes, heard: bytes) -> str:
    """For a person: how two sounds that should be the same differ."""
    n = min(len(sent), len(heard))
    a, b = np.frombuffer(sent[:n], np.uint8), np.frombuffer(heard[:n], np.uint8)
    wrong = np.flatnonzero(a != b)
    if not wrong.size:
        return f"{len(sent)} samples sent, {len(heard)} heard, those alike"
    return f"{wrong.size} of {n} samples differ, the first is number {wrong[0]}"


def level_dbm0(x: Linear, hz: float) -> float:
    """Level of one frequency over the whole of ``x`` (Hann window: 50 Hz apart needs 40 ms)."""
    if not len(x):
        return -120.0
    window = np.hanning(len(x) + 2)[1:-1]
    phasor = np.exp(-2j * np.pi * hz * np.arange(len(x)) / RATE)
    peak = 2 * abs(np.dot(x * window, phasor)) / window.sum()
    return FULL_SCALE_DBM0 + 20 * float(np.log10(max(peak, 1e-3) / OVERLOAD))


def power_dbm0(x: Linear) -> float:
    """Power of everything in ``x``; -120 for nothing."""
    rms = float(np.sqrt(np.mean(x * x))) if len(x) else 0.0
    return FULL_SCALE_DBM0 + 20 * float(np.log10(max(rms * np.sqrt(2), 1e-2) / OVERLOAD))


def strongest_hz(x: Linear, count: int = 1, apart_hz: float = 40.0) -> list[float]:
    """The strongest frequencies, each to about 0.2 Hz over 0.5 s, low ones first."""
    size = 1 << max(15, int(len(x) * 4).bit_length())
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)), size))
    found: list[float] = []
    for _ in range(count):
        i = int(np.argmax(spectrum[1:-1])) + 1
        a, b, c = np.log(np.maximum(spectrum[i - 1 : i + 2], 1e-9))
        shift = (a - c) / (2 * (a - 2 * b + c)) if a - 2 * b + c else 0.0
        found.append((i + float(shift)) * RATE / size)
        far = round(apart_hz * size / RATE)
        spectrum[max(0, i - far) : i + far + 1] = 0
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Burst:
    """Sound between two silences: its first sample and its length."""

    start: int
    length: int

    @property
    def end(self) -> int:
        return self.start + self.length


def bursts(x: Linear, *, floor_dbm0: float = -45.0, join: int = 80) -> list[Burst]:
    """Where there is sound above ``floor_dbm0``; gaps up to ``join`` samples are bridged."""
    threshold = OVERLOAD * 10 ** ((floor_dbm0 - FULL_SCALE_DBM0) / 20)
    loud = np.flatnonzero(np.abs(x) > threshold)
    if not loud.size:
        return []
    cuts = np.flatnonzero(np.diff(loud) > join)
    starts = loud[np.concatenate(([0], cuts + 1))]
    ends = loud[np.concatenate((cuts, [loud.size - 1]))]
    return [Burst(int(s), int(e - s + 1)) for s, e in zip(starts, ends, strict=True)]


@dataclass(frozen=True, slots=True)
class Key:
    """One DTMF digit as measured: Hz and dBm0 of its two tones."""

    digit: str
    burst: Burst
    low_hz: float
    high_hz: float
    low_dbm0: float
    high_dbm0: float


def keys(x: Linear) -> list[Key]:
    """The DTMF digits in ``x``, burst by burst; a burst that is none of them has digit ''."""
    return [_key(x, burst) for burst in bursts(x) if burst.length >= 160]


def _key(x: Linear, burst: Burst) -> Key:
    part = x[burst.start : burst.end]
    low_hz, high_hz = strongest_hz(part, 2, apart_hz=150.0)
    row = int(np.argmin([abs(f - low_hz) for f in LOW_HZ]))
    column = int(np.argmin([abs(f - high_hz) for f in HIGH_HZ]))
    # ITU-T Q.24: a tone 3.5 % off must not be taken for the digit
    near = abs(low_hz / LOW_HZ[row] - 1) < 0.035 and abs(high_hz / HIGH_HZ[column] - 1) < 0.035
    return Key(KEYS[row][column] if near else "", burst, low_hz, high_hz,
               level_dbm0(part, low_hz), level_dbm0(part, high_hz))  # fmt: skip
