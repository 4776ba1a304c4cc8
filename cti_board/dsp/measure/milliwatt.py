"""Room: test tones: the digital milliwatt, sines of exact length.  Sends nothing by itself."""

import numpy as np
from numpy.typing import NDArray

from cti_board.dsp.measure.result import FULL_SCALE, RATE, peak_of

# ITU-T G.711 table 5: A-law codes of 1 kHz at 0 dBm0, eight to a cycle
DIGITAL_MILLIWATT = bytes((0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4))
TEST_HZ = (1004.0, 1020.0)  # IEEE 743; ITU-T O.6: not a divisor of 8000 Hz
RANGE_HZ = (10.0, 3990.0)
MOST_DBM0 = 3.0
MOST_S = 3600  # chosen: an hour is no test any more


def digital_milliwatt(seconds: float) -> bytes:
    """Whole cycles of the digital milliwatt, A-law; at least one.  ValueError: not above 0, up to
    an hour."""
    if not 0 < seconds <= MOST_S:
        raise ValueError(f"seconds is above 0, up to {MOST_S}: {seconds}")
    return DIGITAL_MILLIWATT * max(1, round(seconds * RATE / len(DIGITAL_MILLIWATT)))


def test_tone(hz: float, level_dbm0: float, seconds: float) -> NDArray[np.int16]:
    """A sine of this level, int16 (samples,), its length cut to whole cycles where they end on
    a sample within 0.01 of one.  ValueError: 10 to 3990 Hz, up to +3 dBm0, up to an hour."""
    if not RANGE_HZ[0] <= hz <= RANGE_HZ[1]:
        raise ValueError(f"hz is {RANGE_HZ[0]:g} to {RANGE_HZ[1]:g}: {hz}")
    if not level_dbm0 <= MOST_DBM0:
        raise ValueError(f"level_dbm0 is at most {MOST_DBM0:g}: {level_dbm0}")
    if not 0 < seconds <= MOST_S:
        raise ValueError(f"seconds is above 0, up to {MOST_S}: {seconds}")
    n = _whole_cycles(hz, round(seconds * RATE))
    wave = peak_of(level_dbm0) * np.sin(2 * np.pi * hz / RATE * np.arange(n))
    return np.asarray(np.round(wave * (FULL_SCALE - 1)), np.int16)


def _whole_cycles(hz: float, n: int) -> int:
    """The greatest length up to n at which the next sample is the first one again."""
    count = np.arange(1, int(n * hz / RATE) + 1)
    if not len(count):
        return n
    ends = count * RATE / hz
    near = np.abs(ends - np.round(ends)) < 0.01
    return round(float(ends[near][-1])) if near.any() else n


test_tone.__test__ = False  # type: ignore[attr-defined]  # not a test of pytest's
