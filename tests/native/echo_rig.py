"""Room: tests of the echo canceller.  Must not be imported by the product.

Sources, echo paths and lines made with numpy: what we send passes A-law, an echo path and the
near end are added up, and the sum passes A-law again.  Levels are dBm0, signals 16-bit linear.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.native.dsp_rig import ALAW, RATE, alaw_codes, rms

Signal = NDArray[np.float64]
LINES = 16
VOICED, NOISE, PAUSE = 390, 1600, 811  # samples: 48.69, 200 and 101.38 ms, ITU-T P.501


def through_alaw(signal: Signal) -> Signal:
    return np.asarray(ALAW[alaw_codes(signal)], float)


def level(signal: NDArray[Any]) -> float:
    """dBm0 of 16-bit samples; silence is -100."""
    power = float(np.mean(np.square(signal, dtype=float)))
    return 20 * np.log10(max(np.sqrt(power) / rms(0), 1e-5))


def scaled(signal: Signal, dbm0: float) -> Signal:
    return signal / np.sqrt(np.mean(signal**2)) * rms(dbm0)


def white(rng: np.random.Generator, seconds: float, dbm0: float) -> Signal:
    return np.asarray(rng.normal(0, rms(dbm0), round(seconds * RATE)))


def composite(rng: np.random.Generator, seconds: float, dbm0: float) -> Signal:
    """After the composite source signal of ITU-T P.501: a vowel, noise of the telephone band, a
    pause; the sign changes from period to period."""
    t = np.arange(VOICED) / RATE
    orders = np.arange(1, 21)
    phase = rng.uniform(0, 2 * np.pi, len(orders))
    parts = np.cos(2 * np.pi * 165 * orders[:, None] * t + phase[:, None]) / orders[:, None] ** 0.7
    vowel = parts.sum(axis=0) / np.sqrt(np.mean(parts.sum(axis=0) ** 2))
    pieces, sign = [], 1.0
    for _ in range(int(np.ceil(seconds * RATE / (VOICED + NOISE + PAUSE)))):
        spectrum = np.fft.rfft(rng.normal(size=NOISE))
        hz = np.fft.rfftfreq(NOISE, 1 / RATE)
        hiss = np.fft.irfft(np.where((hz > 200) & (hz < 3600), spectrum, 0))
        pieces += [sign * vowel, sign * hiss / np.std(hiss), np.zeros(PAUSE)]
        sign = -sign
    return scaled(np.concatenate(pieces)[: round(seconds * RATE)], dbm0)


def _syllable(rng: np.random.Generator, pitch: float) -> Signal:
    """A vowel of three formants between fricatives, with a glide of the pitch."""
    n = int(rng.integers(900, 2000))
    t = np.arange(n) / RATE
    glide = pitch * (1 + rng.uniform(-0.15, 0.15) * t / t[-1])
    turns = np.cumsum(glide) / RATE
    formants = rng.uniform((250, 800, 2000), (800, 2200, 3200))[:, None]
    orders = np.arange(1, int(3600 / pitch))
    gain = (1 / (1 + ((orders * pitch - formants) / (60 + 0.05 * formants)) ** 2)).sum(axis=0)
    weights = gain / np.sqrt(orders) * np.exp(1j * orders**2)
    first, harmonics = np.exp(2j * np.pi * turns), np.zeros(n, complex)
    for weight in weights[::-1]:  # a polynomial of the first harmonic
        harmonics = (harmonics + weight) * first
    vowel = harmonics.real
    hiss = np.diff(rng.normal(size=int(rng.integers(300, 700)) + 1))
    shape = np.sin(np.pi * np.arange(n) / n) ** 0.5
    return np.concatenate([hiss * 0.15, vowel / np.std(vowel) * shape])


def talk(rng: np.random.Generator, seconds: float, dbm0: float) -> Signal:
    """Made speech: syllables of changing pitch, formants and loudness, with pauses."""
    pitch, pieces, have = float(rng.uniform(90, 230)), [], 0
    while have < seconds * RATE:
        piece = _syllable(rng, pitch * float(rng.uniform(0.85, 1.2))) * rng.uniform(0.3, 1.0)
        gap = np.zeros(int(rng.choice([0, 200, 600, 2400])))
        pieces += [piece, gap]
        have += len(piece) + len(gap)
    return scaled(np.concatenate(pieces)[: round(seconds * RATE)], dbm0)


def hybrid(rng: np.random.Generator, kind: int, loss_db: float = 8.0, taps: int = 250) -> Signal:
    """An echo path of the given loss to white noise, of the telephone band: a short burst, two
    reflections, a peak with a ringing tail, or a long rough decay."""
    path = np.zeros(taps)
    if kind % 4 == 0:
        at = int(rng.integers(4, 40))
        path[at : at + 60] = rng.normal(size=60) * np.exp(-np.arange(60) / 10)
    elif kind % 4 == 1:
        for gain, first in ((1.0, int(rng.integers(2, 30))), (0.5, int(rng.integers(80, 150)))):
            t = np.arange(50)
            ring = np.cos(2 * np.pi * t * rng.uniform(0.05, 0.2) + rng.uniform(0, 6))
            path[first : first + 50] += gain * np.exp(-t / 8) * ring
    elif kind % 4 == 2:
        at = int(rng.integers(5, 60))
        t = np.arange(taps - at)
        path[at:] = np.exp(-t / 18) * np.cos(2 * np.pi * t * 0.07) * rng.choice([-1, 1])
        path[at] += rng.choice([-1, 1])
    else:
        at = int(rng.integers(0, 60))
        t = np.arange(taps - at)
        path[at:] = rng.normal(size=len(t)) * np.exp(-t / 40)
    spectrum, hz = np.fft.rfft(path, 1024), np.fft.rfftfreq(1024, 1 / RATE)
    band = 1 / (1 + (180 / np.maximum(hz, 1)) ** 6) / (1 + (hz / 3500) ** 24)
    path = np.fft.irfft(spectrum * band)[:taps]
    return np.asarray(path / np.sqrt(np.sum(path**2)) * 10 ** (-loss_db / 20))


def echo(sent: Signal, path: Signal) -> Signal:
    return np.convolve(sent, path)[: len(sent)]


def sent_lines(source: Any, seconds: float, dbm0: float, seed: int) -> Signal:
    """Sixteen different lines of a source, through A-law: (lines, samples)."""
    rng = np.random.default_rng(seed)
    return np.array([through_alaw(source(rng, seconds, dbm0)) for _ in range(LINES)])


def heard_lines(
    sent: Signal, seed: int, loss_db: float = 8.0, near: Any = 0.0, noise_dbm0: float = -65.0
) -> Signal:
    """What comes back: each line has an echo path of its own, noise, and the near end."""
    rng = np.random.default_rng(seed)
    back = [echo(line, hybrid(rng, kind, loss_db)) for kind, line in enumerate(sent)]
    quiet = rng.normal(0, rms(noise_dbm0), np.shape(sent))
    return through_alaw(np.array(back) + quiet + near)


def span(lines: NDArray[Any], begin_s: float, end_s: float) -> NDArray[Any]:
    return lines[:, round(begin_s * RATE) : round(end_s * RATE)]


def loss(
    before: NDArray[Any], after: NDArray[Any], begin_s: float, end_s: float
) -> NDArray[np.float64]:
    """How much lower each line's level is after than before, dB, from begin to end (seconds)."""
    first, last = span(before, begin_s, end_s), span(after, begin_s, end_s)
    return np.array([level(a) - level(b) for a, b in zip(first, last, strict=True)])
