"""Room: what an instrument says: a value with its uncertainty, or why there is none.
Measures nothing, knows no limits of its own."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cti_board.dsp.lanes import check_float, rows

RATE = 8000
FULL_SCALE = 32768.0
FULL_SCALE_DBM0 = 3.14  # ITU-T G.711: a sine at the A-law overload point
CLIPPED = 32256 / FULL_SCALE  # ITU-T G.711: the highest A-law value; sines over +2.7 dBm0 reach it

Signal = NDArray[np.float64]
Verdict = Literal["pass", "fail", "can't measure"]


@dataclass(frozen=True, slots=True)
class Result:
    """One reading.  ``value`` is None when it could not be measured: ``reason`` says why.

    ``uncertainty`` is one standard deviation in the unit of the value, None where it is not
    stated.
    """

    name: str
    unit: str
    value: float | None
    uncertainty: float | None = None
    reason: str = ""

    def against(self, low: float | None = None, high: float | None = None) -> Verdict:
        """The verdict for limits in the result's unit; None is no limit."""
        if self.value is None:
            return "can't measure"
        good = (low is None or self.value >= low) and (high is None or self.value <= high)
        return "pass" if good else "fail"

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.name}: can't measure: {self.reason}"
        spread = "" if self.uncertainty is None else f" ± {self.uncertainty:.2g}"
        return f"{self.name}: {self.value:.2f}{spread} {self.unit}"


def cannot(name: str, unit: str, reason: str) -> Result:
    """A result without a value."""
    return Result(name, unit, None, None, reason)


def samples(sound: NDArray[Any], least: int = 1) -> Signal:
    """One line of sound as float64 (samples,), 1.0 = full scale.

    Accepts int16, float in -1..1, or uint8 A-law codes.  ValueError: another dtype or shape,
    values that are no sound (not finite, beyond a million), or fewer than ``least`` samples.
    """
    array = np.asarray(sound)
    if array.ndim != 1:
        raise ValueError(f"sound is one line, (samples,): {array.shape}")
    if len(array) < least:
        raise ValueError(f"this needs at least {least} samples, there are {len(array)}")
    if array.dtype == np.uint8:
        return np.asarray(rows(array)[0], np.float64)
    if array.dtype == np.int16:
        return np.asarray(array / FULL_SCALE, np.float64)
    if array.dtype.kind != "f":
        raise ValueError(f"sound is int16, uint8 (A-law) or float, not {array.dtype}")
    check_float(array)
    return np.asarray(array, np.float64)


def dbm0(mean_square: float) -> float:
    """Level of a mean square (1.0 = full scale squared); -inf dB for nothing."""
    if mean_square <= 0:
        return float("-inf")
    return float(10 * np.log10(2 * mean_square) + FULL_SCALE_DBM0)


def peak_of(level_dbm0: float) -> float:
    """Peak of a sine of this level, 1.0 = full scale."""
    return float(10 ** ((level_dbm0 - FULL_SCALE_DBM0) / 20))


def clipped(x: Signal) -> bool:
    """Whether at least three samples stand at the end of the scale."""
    return int(np.count_nonzero(np.abs(x) >= CLIPPED)) >= 3
