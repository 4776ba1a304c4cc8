"""Room: loss against frequency of a path: tones in, tones out.  What is sent and what came back
must be of the same path; where in the recording the answer begins need not be known for tones."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cti_board.dsp.measure.result import (
    FULL_SCALE,
    RATE,
    Result,
    Signal,
    cannot,
    clipped,
    dbm0,
    peak_of,
    samples,
)
from cti_board.dsp.measure.weighting_table import G712_MASK

PERIOD = 512  # samples: 64 ms
STEP_HZ = RATE / PERIOD
TONES_HZ = tuple(STEP_HZ * (13 + 10 * k) for k in range(23))  # IEEE 743: 203.125 to 3640.625 Hz
REFERENCE_HZ = 1020.0  # ITU-T G.712 clause 1.1
CODING_DB = 0.06  # measured: A-law's error of one tone of the 23; the period repeats it
NOISE_LIMIT_DB = 20.0  # chosen: a tone must be this far over its neighbours


@dataclass(frozen=True, slots=True)
class Response:
    """``loss_db`` at ``hz``, against the loss at 1020 Hz; ``reference_db`` is that loss itself,
    sent over received.  NaN where noise hides the tone."""

    hz: tuple[float, ...]
    loss_db: tuple[float, ...]
    reference_db: float
    uncertainty_db: float

    def against_g712(self) -> list[Result]:
        """The worst place of each band of ITU-T G.712 clause 7 as a margin in dB (negative =
        outside the mask)."""
        found = []
        for low, high, least, most in G712_MASK:
            name = f"{low:g}-{high:g} Hz"
            inside = [v for f, v in zip(self.hz, self.loss_db, strict=True) if low <= f <= high]
            good = [v for v in inside if not np.isnan(v)]
            if not inside or len(good) < len(inside):
                found.append(cannot(name, "dB", "no tone in the band, or noise over one"))
            else:
                margin = min(min(v - least, most - v) for v in good)
                found.append(Result(name, "dB", float(margin), self.uncertainty_db))
        return found


def multitone(level_dbm0: float, seconds: float) -> NDArray[np.int16]:
    """23 tones at once, ``level_dbm0`` in all, int16; phases after Newman keep the peak low.
    ValueError: a level that would clip (over -6 dBm0), under 0.2 s."""
    if not -90 <= level_dbm0 <= -6 or not 0.2 <= seconds <= 3600:
        raise ValueError("level_dbm0 is at most -6 (and at least -90), seconds 0.2 to 3600")
    n = np.arange(PERIOD)
    each = peak_of(level_dbm0 - 10 * np.log10(len(TONES_HZ)))
    count = len(TONES_HZ)
    wave = np.sum(
        [
            np.cos(2 * np.pi * hz / RATE * n + np.pi * k * k / count)
            for k, hz in enumerate(TONES_HZ)
        ],
        axis=0,
    )
    period = np.round(each * wave * (FULL_SCALE - 1)).astype(np.int16)
    return np.tile(period, -(-round(seconds * RATE) // PERIOD))


def measure_multitone(sound: NDArray[Any], sent_level_dbm0: float) -> Response:
    """Loss of each of the 23 tones in what came back.

    ``sound`` holds at least eight periods (0.51 s) of the tones, without their beginning.
    ValueError: shorter, clipped, or no tones.
    """
    x = samples(sound, 8 * PERIOD)
    if clipped(x):
        raise ValueError("the sound is clipped: send the tones at a lower level")
    periods = len(x) // PERIOD
    block = x[: periods * PERIOD]
    power = 2 * np.abs(np.fft.rfft(block) / len(block)) ** 2
    place = np.array([round(hz / STEP_HZ) * periods for hz in TONES_HZ])
    tone = power[place]
    near = np.concatenate([np.arange(2, periods // 2 + 1), -np.arange(2, periods // 2 + 1)])
    noise = power[np.clip(place[:, None] + near[None], 0, len(power) - 1)].mean(axis=1)
    clear = tone > noise * 10 ** (NOISE_LIMIT_DB / 10)
    if not clear.any():
        raise ValueError("the tones did not come back: none is over the noise")
    level = np.array([dbm0(float(p)) for p in tone])
    loss = sent_level_dbm0 - 10 * np.log10(len(TONES_HZ)) - level
    loss[~clear] = np.nan
    return _relative(np.array(TONES_HZ), loss, float(np.max(noise[clear] / tone[clear])))


def _relative(hz: Signal, loss: Signal, noise_share: float) -> Response:
    known = ~np.isnan(loss)
    reference = float(np.interp(REFERENCE_HZ, hz[known], loss[known]))
    spread = float(np.hypot(8.7 * np.sqrt(noise_share / 2), CODING_DB))
    return Response(
        tuple(map(float, hz)), tuple(float(v) for v in loss - reference), reference, spread
    )


def sweep(level_dbm0: float, seconds: float = 4.0) -> NDArray[np.int16]:
    """A sine that rises from 150 to 3800 Hz in equal time per octave, int16, faded at its ends."""
    if not -90 <= level_dbm0 <= 0 or not 0.5 <= seconds <= 60:
        raise ValueError("level_dbm0 is -90 to 0, seconds 0.5 to 60")
    t = np.arange(round(seconds * RATE)) / RATE
    rate = np.log(3800 / 150) / seconds
    wave = np.sin(2 * np.pi * 150 / rate * (np.exp(rate * t) - 1))
    fade = np.minimum(1.0, np.minimum(t, t[::-1]) / 0.02)
    return np.asarray(np.round(peak_of(level_dbm0) * wave * fade * (FULL_SCALE - 1)), np.int16)


def measure_sweep(
    sent: NDArray[Any], sound: NDArray[Any], hz: tuple[float, ...] = TONES_HZ
) -> Response:
    """Loss at these frequencies from a sweep and all that came back of it (begin and end of the
    recording within half a second of the sweep's).  Each place is a mean over a twelfth of an
    octave.  ValueError: recordings shorter than the sweep, clipped, or silent."""
    x, y = samples(sent, RATE // 2), samples(sound, RATE // 2)
    if len(y) < len(x):
        raise ValueError(f"the recording is shorter than the sweep: {len(y)} of {len(x)} samples")
    if clipped(y):
        raise ValueError("the sound is clipped: send the sweep at a lower level")
    if dbm0(float(np.var(y))) < -70:
        raise ValueError("the sweep did not come back: the line is silent")
    size = 1 << (len(y) + len(x)).bit_length()
    grid = np.fft.rfftfreq(size, 1 / RATE)
    sent_power, back = np.abs(np.fft.rfft(x, size)) ** 2, np.abs(np.fft.rfft(y, size)) ** 2
    loss = []
    for f in hz:
        near = (grid >= f * 2 ** (-1 / 24)) & (grid <= f * 2 ** (1 / 24))
        loss.append(10 * np.log10(sent_power[near].sum() / back[near].sum()))
    inside = (np.array(hz) >= 180) & (np.array(hz) <= 3600)
    return _relative(np.array(hz), np.where(inside, loss, np.nan), 0.0)
