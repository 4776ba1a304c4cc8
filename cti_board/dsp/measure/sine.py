"""Room: a sine wave in sound: its frequency, level, distortion, and samples lost in it.
Least squares after IEEE 1057 clause 4.1.4 (three parameters) and 4.1.4.3 (four).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cti_board.dsp.measure.result import RATE, Result, Signal, cannot, clipped, dbm0, samples

LEAST = 400  # chosen: 50 ms; fewer samples hold too few cycles of 300 Hz
ROUNDS = 12  # chosen: of Gauss-Newton; three are enough for a clean tone
SILENCE_DBM0 = -70.0  # chosen: under the noise of an idle A-law channel (-66 dBm0)
RANGE_HZ = (10.0, 3990.0)
GUESS_HZ = 50.0  # chosen: how far a first guess may be off; in short sounds by GUESS_LINES
GUESS_LINES = 2.5  # of the spectrum: a little more than half a Hann window's main lobe
LEAST_SINAD_DB = 1.0  # chosen: the strongest line of white noise has up to 0.35 dB in 400 samples
SETTLED_LINES = 1e-3  # chosen: the last step, in lines of the spectrum; a clean tone makes 1e-12
TONE_SHARE = 0.8  # chosen: of all power; a tone 6 dB over noise
SLIP_BLOCK = 80  # chosen: 10 ms; places a lost sample within 10 ms


@dataclass(frozen=True, slots=True)
class SineFit:
    """The sine that fits best.  ``sinad_db``: all power over all but the sine;
    ``hz_uncertainty``: standard deviation (Cramer-Rao bound for the residue as white noise)."""

    hz: float
    hz_uncertainty: float
    level_dbm0: float
    phase: float
    dc: float
    sinad_db: float
    residue_dbm0: float


def _design(hz: float, n: int) -> Signal:
    w = 2 * np.pi * hz / RATE * np.arange(n)
    return np.column_stack([np.cos(w), np.sin(w), np.ones(n)])


def _report(x: Signal, hz: float, a: float, b: float, c: float) -> SineFit:
    n = len(x)
    residue = x - _design(hz, n) @ np.array([a, b, c])
    noise, power = float(np.mean(residue**2)), (a * a + b * b) / 2
    ratio = power / noise if noise > 0 else np.inf
    spread = np.sqrt(3 / max(ratio, 1e-12)) / (np.pi * n**1.5) * RATE if np.isfinite(ratio) else 0
    return SineFit(
        hz=hz,
        hz_uncertainty=float(spread),
        level_dbm0=dbm0(power),
        phase=float(np.arctan2(-b, a)),
        dc=float(c),
        sinad_db=float(10 * np.log10((power + noise) / noise)) if noise > 0 else float("inf"),
        residue_dbm0=dbm0(noise),
    )


def _check_hz(hz: float) -> None:
    if not RANGE_HZ[0] <= hz <= RANGE_HZ[1]:
        raise ValueError(f"hz is {RANGE_HZ[0]:g} to {RANGE_HZ[1]:g}: {hz}")


def fit_sine_at(sound: NDArray[Any], hz: float) -> SineFit:
    """Level, phase and distortion at a known frequency (three parameters).

    ValueError: fewer than 400 samples, or a frequency outside 10..3990 Hz.
    """
    x = samples(sound, LEAST)
    _check_hz(hz)
    a, b, c = np.linalg.lstsq(_design(hz, len(x)), x, rcond=None)[0]
    return _report(x, hz, a, b, c)


def _guess(x: Signal, near: float | None) -> float:
    """Frequency of the strongest line, by a parabola over the Hann spectrum's logarithm; of those
    about ``near`` where that is given."""
    size = 1 << (4 * len(x) - 1).bit_length()
    power = np.abs(np.fft.rfft((x - x.mean()) * np.hanning(len(x)), size)) ** 2 + 1e-30
    low, high = 1, len(power) - 1
    if near is not None:
        reach = max(GUESS_HZ, GUESS_LINES * RATE / len(x)) * size / RATE
        place = near * size / RATE
        low, high = max(low, int(place - reach)), min(high, int(place + reach) + 2)
    k = int(np.argmax(power[low:high])) + low
    left, top, right = np.log(power[k - 1 : k + 2])
    bend = min(left - 2 * top + right, -1e-9)  # at the edge of what is near there may be no peak
    return float((k + np.clip((left - right) / (2 * bend), -1, 1)) * RATE / size)


def _settle(x: Signal, hz: float) -> tuple[float, float, float, float]:
    """Frequency and the three amplitudes, by Gauss-Newton from a guess within a line of it."""
    f, line, t = hz, RATE / len(x), 2 * np.pi * np.arange(len(x)) / RATE
    a, b, c = np.linalg.lstsq(_design(f, len(x)), x, rcond=None)[0]
    for _ in range(ROUNDS):
        base = _design(f, len(x))
        slope = t * (-a * base[:, 1] + b * base[:, 0])
        a, b, c, step = np.linalg.lstsq(np.column_stack([base, slope]), x, rcond=None)[0]
        f += step
        if abs(step) < 1e-9 or not abs(f - hz) <= GUESS_LINES * line:
            break
    if not abs(step) <= SETTLED_LINES * line or not abs(f - hz) <= GUESS_LINES * line:
        raise ValueError(f"there is no tone near {hz:.0f} Hz that the fit settles on")
    return float(f), float(a), float(b), float(c)


def fit_sine(sound: NDArray[Any], hz: float | None = None) -> SineFit:
    """Frequency, level, phase and distortion of the strongest sine (four parameters).

    ``hz`` is a first guess, 10..3990, good to 50 Hz: the strongest sine near it is measured (None:
    of all).  ValueError: fewer than 400 samples, a guess out of range, silence (under -70 dBm0),
    no sine that the fit settles on, or one that hardly stands out of the rest (SINAD under 1 dB:
    noise alone).
    """
    x = samples(sound, LEAST)
    if hz is not None:
        _check_hz(hz)
    if dbm0(float(np.var(x))) < SILENCE_DBM0:
        raise ValueError("there is no tone: the line is silent")
    f, a, b, c = _settle(x, _guess(x, hz))
    if not RANGE_HZ[0] <= f <= RANGE_HZ[1]:
        raise ValueError("there is no tone between 10 and 3990 Hz")
    fit = _report(x, f, a, b, c)
    if fit.sinad_db < LEAST_SINAD_DB:
        raise ValueError(f"there is no tone: the strongest, {f:.0f} Hz, is lost in other sound")
    return fit


def distortion(sound: NDArray[Any], hz: float | None = None, harmonics: int = 5) -> list[Result]:
    """Level, frequency, SINAD, total harmonic distortion (2nd to ``harmonics``-th, below
    4 kHz) of a test tone; ``hz`` as `fit_sine`.  Silence, noise and clipping give results that
    could not be measured.  ValueError: what is no sound, fewer than 400 samples, a guess out of
    10..3990 Hz, ``harmonics`` under 2."""
    names = {"level": "dBm0", "frequency": "Hz", "SINAD": "dB", "THD": "dB"}
    x = samples(sound, LEAST)
    if hz is not None:
        _check_hz(hz)
    if harmonics < 2:
        raise ValueError(f"harmonics are counted from the 2nd on, not to the {harmonics}th")
    if clipped(x):
        why = "the tone is clipped: lower its level"
        return [cannot(name, unit, why) for name, unit in names.items()]
    try:
        fit = fit_sine(x, hz)
    except ValueError as error:
        return [cannot(name, unit, str(error)) for name, unit in names.items()]
    orders = [k for k in range(2, harmonics + 1) if k * fit.hz < RATE / 2 - 10]
    columns = [_design(k * fit.hz, len(x))[:, :2] for k in (1, *orders)]
    weights = np.linalg.lstsq(np.hstack([*columns, np.ones((len(x), 1))]), x, rcond=None)[0]
    powers = np.array([np.sum(weights[2 * i : 2 * i + 2] ** 2) / 2 for i in range(len(columns))])
    level_spread = 4.34 * np.sqrt(2 / len(x) / max(10 ** (fit.sinad_db / 10) - 1, 1e-9))
    thd = (
        Result("THD", "dB", float(10 * np.log10(max(powers[1:].sum() / powers[0], 1e-20))))
        if orders
        else cannot("THD", "dB", f"no harmonic of {fit.hz:.0f} Hz lies below 4 kHz")
    )
    return [
        Result("level", "dBm0", fit.level_dbm0, float(level_spread)),
        Result("frequency", "Hz", fit.hz, fit.hz_uncertainty),
        Result("SINAD", "dB", fit.sinad_db),
        thd,
    ]


@dataclass(frozen=True, slots=True)
class Slip:
    """``samples`` > 0 were lost, < 0 repeated, within 20 ms of sample ``at``."""

    at: int
    samples: int


def find_slips(sound: NDArray[Any], hz: float) -> list[Slip]:
    """Samples lost or repeated in a steady tone, by steps of its phase.

    The tone must not share a factor with 8000 Hz that hides them; a slip is told up to half a
    period: 1020 Hz shows -3 to +3.  ValueError: no steady tone of this frequency.
    """
    x = samples(sound, 4 * SLIP_BLOCK)
    fit = fit_sine_at(x, hz)
    blocks = len(x) // SLIP_BLOCK
    turns = x[: blocks * SLIP_BLOCK] * np.exp(
        -2j * np.pi * hz / RATE * np.arange(blocks * SLIP_BLOCK)
    )
    phasor = turns.reshape(blocks, SLIP_BLOCK).mean(axis=1)
    share = 2 * float(np.mean(np.abs(phasor) ** 2)) / max(float(np.var(x)), 1e-20)
    if dbm0(float(np.var(x))) < SILENCE_DBM0 or share < TONE_SHARE:
        raise ValueError(f"there is no steady tone of {hz:g} Hz ({fit.level_dbm0:.1f} dBm0)")
    step = 2 * np.pi * hz / RATE
    drift = np.angle(np.sum(phasor[1:] * phasor[:-1].conj()))
    still = phasor * np.exp(-1j * drift * np.arange(blocks))  # turned back: a slip is a step
    jump = np.round(np.angle(still[2:] * still[:-2].conj()) / step)  # over the block between
    places = np.flatnonzero(jump) + 1
    found = []
    for group in np.split(places, np.flatnonzero(np.diff(places) > 2) + 1):
        if len(group):
            before, after = still[group[0] - 1], still[group[-1] + 1]
            count = round(float(np.angle(after * before.conj())) / step)
            middle = int((group[0] + group[-1] + 1) * SLIP_BLOCK // 2)
            found.append(Slip(middle, count))
    return found
