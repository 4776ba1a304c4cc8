"""Room: noise on an idle line: level, weighted noise, mains hum, impulses.  Needs the line quiet;
whoever sends meanwhile is measured too."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cti_board.dsp.measure.result import RATE, Result, Signal, cannot, clipped, dbm0, samples
from cti_board.dsp.measure.weighting_table import C_MESSAGE, PSOPHOMETRIC

LEAST = 4000  # chosen: half a second; shorter readings of noise scatter by more than 0.2 dB
DBRN_OF_DBM = 90.0  # IEEE 743: 0 dBrn is -90 dBm
IMPULSE_DEAD_SAMPLES = 1000  # ITU-T O.71: 125 ms
STEPS_OF_ALAW = 1.5  # chosen: a sound that passes slowly leaves its value by one step
STILL_SAMPLES = 80  # chosen: no sound of 16 2/3 Hz and more at -45 dBm0 stands longer in A-law
HUM_ORDERS = (1, 2, 3)


def weights(hz: Signal, table: Sequence[tuple[float, float]]) -> Signal:
    """Power factors of a weighting at these frequencies (0 Hz: nothing passes)."""
    x = np.log([f for f, _ in table])
    y = np.array([db for _, db in table])
    place = np.log(np.maximum(hz, 1e-3))
    db = np.interp(place, x, y)
    low, high = place < x[0], place > x[-1]
    db = np.where(low, y[0] + (place - x[0]) * (y[1] - y[0]) / (x[1] - x[0]), db)
    db = np.where(high, y[-1] + (place - x[-1]) * (y[-1] - y[-2]) / (x[-1] - x[-2]), db)
    return np.asarray(np.where(hz > 0, 10 ** (db / 10), 0.0))


def _spectrum(x: Signal) -> tuple[Signal, Signal]:
    """Frequencies, and mean square in each line of the spectrum (Hann window)."""
    window = np.hanning(len(x))
    power = np.abs(np.fft.rfft((x - x.mean()) * window)) ** 2
    power[1:-1] *= 2
    hz = np.asarray(np.fft.rfftfreq(len(x), 1 / RATE), np.float64)
    return hz, power / (len(x) * np.sum(window**2))


def _spread_db(power: Signal, seconds: float, bin_hz: float) -> float:
    """Standard deviation of a noise reading: 4.34 dB over the root of bandwidth times time."""
    total = float(power.sum())
    if total <= 0:
        return 0.0
    bandwidth = total**2 / float(np.sum(power**2)) * bin_hz
    return float(4.34 / np.sqrt(max(bandwidth * seconds, 1.0)))


def level(sound: NDArray[Any]) -> Result:
    """True rms level of everything but the constant part, dBm0."""
    x = samples(sound)
    value = dbm0(float(np.var(x)))
    if value == float("-inf"):
        return cannot("level", "dBm0", "there is no sound at all: digital silence")
    if clipped(x):
        return cannot("level", "dBm0", "the sound is clipped")
    return Result("level", "dBm0", value)


def _weighted(sound: NDArray[Any], name: str, unit: str, table: Any, offset: float) -> Result:
    x = samples(sound, LEAST)
    if clipped(x):
        return cannot(name, unit, "the sound is clipped")
    hz, power = _spectrum(x)
    power = power * weights(hz, table)
    value = dbm0(float(power.sum()))
    if value == float("-inf"):
        return cannot(name, unit, "there is no sound at all: digital silence")
    spread = _spread_db(power, len(x) / RATE, RATE / len(x))
    return Result(name, unit, value + offset, spread)


def psophometric(sound: NDArray[Any]) -> Result:
    """Psophometric noise in dBm0p, ITU-T O.41.  ValueError: under half a second."""
    return _weighted(sound, "psophometric noise", "dBm0p", PSOPHOMETRIC, 0.0)


def c_message(sound: NDArray[Any]) -> Result:
    """C-message noise in dBrnC0, IEEE 743.  ValueError: under half a second."""
    return _weighted(sound, "C-message noise", "dBrnC0", C_MESSAGE, DBRN_OF_DBM)


def hum(sound: NDArray[Any], mains_hz: float = 50.0) -> list[Result]:
    """Levels of the mains frequency and its second and third harmonic, by a joint fit.

    ValueError: under half a second, or mains that is not 45 to 65 Hz.
    """
    x = samples(sound, LEAST)
    if not 45 <= mains_hz <= 65:
        raise ValueError(f"mains_hz is 45 to 65: {mains_hz}")
    w = 2 * np.pi * mains_hz / RATE * np.arange(len(x))
    columns = [f(k * w) for k in HUM_ORDERS for f in (np.cos, np.sin)]
    fit = np.linalg.lstsq(np.column_stack([*columns, np.ones(len(x))]), x, rcond=None)[0]
    found = []
    for i, order in enumerate(HUM_ORDERS):
        name, power = f"hum {order * mains_hz:g} Hz", float(np.sum(fit[2 * i : 2 * i + 2] ** 2) / 2)
        value = dbm0(power)
        if value == float("-inf"):
            found.append(cannot(name, "dBm0", "there is no sound at all: digital silence"))
        else:
            found.append(Result(name, "dBm0", value))
    return found


@dataclass(frozen=True, slots=True)
class Impulses:
    """Impulsive noise after ITU-T O.71: at most one count in 125 ms."""

    count: int
    at: tuple[int, ...]
    seconds: float


def impulses(sound: NDArray[Any], threshold_dbm0: float = -22.0) -> Impulses:
    """Peaks over the peak of a sine of ``threshold_dbm0``; needs the line without other sound."""
    x = samples(sound)
    over = np.flatnonzero(np.abs(x - x.mean()) > 10 ** ((threshold_dbm0 - 3.14) / 20))
    at: list[int] = []
    for place in over:
        if not at or place - at[-1] >= IMPULSE_DEAD_SAMPLES:
            at.append(int(place))
    return Impulses(len(at), tuple(at), len(x) / RATE)


@dataclass(frozen=True, slots=True)
class Gap:
    """The sound stood still for ``samples`` from ``at`` on."""

    at: int
    samples: int


def gaps(sound: NDArray[Any], least_samples: int = 8, around_dbm0: float = -45.0) -> list[Gap]:
    """Places where sound stands still (one value) and goes on: frames lost, rings empty.

    ``around_dbm0``: the 20 ms before and after must be at least this loud, so that ordinary
    pauses do not count.  Nor does what a slow sound (mains hum) does in A-law: the sound must jump
    by more than A-law's step where it stops or goes on, or stand for 10 ms.
    ValueError: ``least_samples`` under 2.
    """
    if least_samples < 2:
        raise ValueError(f"least_samples is at least 2: {least_samples}")
    x = samples(sound)
    still = np.concatenate([[0], (np.diff(x) == 0).astype(np.int8), [0]])
    edges = np.diff(still)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    found, margin = [], RATE // 50
    for start, end in zip(starts, ends, strict=True):
        length = int(end - start + 1)
        before, after = x[max(0, start - margin) : start], x[end + 1 : end + 1 + margin]
        if length < least_samples or len(before) < margin // 2 or len(after) < margin // 2:
            continue
        if length < STILL_SAMPLES and not _jumps(x, int(start), int(end)):
            continue
        if min(dbm0(float(np.var(before))), dbm0(float(np.var(after)))) >= around_dbm0:
            found.append(Gap(int(start), length))
    return found


def _jumps(x: Signal, start: int, end: int) -> bool:
    """Whether the value of ``start`` to ``end`` is entered or left by more than A-law's step."""
    for inside, outside in ((x[start], x[start - 1]), (x[end], x[end + 1])):
        most = max(abs(inside), abs(outside)) * 4096
        step = max(2.0, 2.0 ** np.floor(np.log2(max(most, 1.0))) / 16) / 4096  # ITU-T G.711 table 1
        if abs(inside - outside) > STEPS_OF_ALAW * step:
            return True
    return False
