"""Room: signals and echo paths for judging echo cancellers after ITU-T G.168.  Must share nothing
with what the canceller was tuned on.

The Recommendation's own tables (annex C: composite source signal; annex D: echo paths D.2 to D.9)
are read from libspandsp's header, which prints them; OSError where that header is not installed.
"""

import re
from functools import cache
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from tests.judge.signals2 import RATE, RMS, Linear, Samples, alaw, level, noise

HEADER = Path("/usr/include/spandsp/g168models.h")
CSS_RATE = 44_100  # G.168 annex C: the voiced samples are at 44.1 kHz
VOICED_MS, NOISE_MS, PAUSE_MS = 48.62, 200.0, 101.38  # annex C, single talk
NEAR_MS = (72.69, 200.0, 127.31)  # annex C, double talk
FLOOR_DBM0 = -70.0  # chosen: noise of a quiet line, under A-law's own
PATHS = tuple(f"D.{n}" for n in range(2, 10))


@cache
def tables() -> dict[str, NDArray[np.float64]]:
    """Every table of whole numbers in the header, by its name there.  OSError."""
    found = re.findall(r"const int(?:32_t)? (\w+)\[\](?:\[2\])?\s*=\s*\{(.*?)\};",
                       HEADER.read_text(encoding="latin-1"), re.DOTALL)
    return {name: np.array(re.findall(r"-?\d+", body), float) for name, body in found}


def _voiced(name: str, ms: float) -> Samples:
    """The voiced part: one period again and again, brought to 8 kHz."""
    period = tables()[name]
    times = int(np.ceil(ms * CSS_RATE / 1000 / len(period)))
    wave = soxr.resample(np.tile(period, times), CSS_RATE, RATE)
    return np.asarray(wave[: round(ms * 8)], np.float64)


def _flat_noise(rng: np.random.Generator, ms: float) -> Samples:
    """Noise of constant magnitude and random phase in 200 to 3600 Hz (annex C's pseudo noise
    has such a spectrum)."""
    n = round(ms * 8)
    hz = np.fft.rfftfreq(n, 1 / RATE)
    spectrum = np.exp(2j * np.pi * rng.random(len(hz))) * ((hz > 200) & (hz < 3600))
    return np.asarray(np.fft.irfft(spectrum, n))


def _css(rng: np.random.Generator, seconds: float, table: str, parts: tuple[float, ...]) -> Samples:
    voiced, pause = _voiced(table, parts[0]), np.zeros(round(parts[2] * 8))
    out: list[Samples] = []
    sign, done = 1.0, 0
    while done < seconds * RATE:
        hiss = _flat_noise(rng, parts[1])
        hiss *= np.sqrt(np.mean(voiced**2) / np.mean(hiss**2))
        out += [sign * voiced, sign * hiss, pause]
        done += len(voiced) + len(hiss) + len(pause)
        sign = -sign
    return np.concatenate(out)[: round(seconds * RATE)]


def at(sound: Samples, dbm0: float) -> Samples:
    """The sound at this mean level, pauses included (as the Recommendation's meter sees it over
    whole periods)."""
    return np.asarray(sound * 10 ** ((dbm0 - level(sound)) / 20))


def css(rng: np.random.Generator, seconds: float, dbm0: float) -> Samples:
    """The composite source signal of the far talker."""
    return at(_css(rng, seconds, "css_c1", (VOICED_MS, NOISE_MS, PAUSE_MS)), dbm0)


def near_css(rng: np.random.Generator, seconds: float, dbm0: float) -> Samples:
    """The composite source signal of the near talker."""
    return at(_css(rng, seconds, "css_c3", NEAR_MS), dbm0)


@cache
def path(name: str) -> NDArray[np.float64]:
    """An echo path's impulse response, 0 dB for the composite source signal."""
    taps = tables()[f"line_model_{name.replace('.', '').lower()}_coeffs"]
    probe = css(np.random.default_rng(3), 2.0, -10.0)
    return np.asarray(taps * 10 ** ((-10.0 - level(np.convolve(probe, taps))) / 20))


def echo(tx: NDArray[np.int16], name: str, erl_db: float, delay_ms: float = 0.0) -> Samples:
    """What comes back of tx."""
    whole = np.convolve(tx.astype(np.float64), path(name)) * 10 ** (-erl_db / 20)
    return np.concatenate([np.zeros(round(delay_ms * 8)), whole])[: len(tx)]


def heard(rng: np.random.Generator, *parts: Samples) -> Linear:
    """The line's sum of these, with its floor of noise, through A-law."""
    total = np.sum(parts, axis=0)
    return alaw(total + noise(rng, len(total), FLOOR_DBM0))


def power_dbm0(sound: NDArray[np.float64], begin_s: float, end_s: float) -> float:
    """Level of a piece of sound."""
    piece = sound[round(begin_s * RATE) : round(end_s * RATE)]
    return float(10 * np.log10(max(float(np.mean(piece**2)), 1e-3) / RMS**2))
