"""Room: the echo path of a line: impulse response, delay, return loss.  The excitation is a
pseudo-random sequence with a flat spectrum: correlating its answer over whole periods gives the
response directly.  (A two-valued sequence would do too, but A-law treats two values unevenly.)
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cti_board.dsp.measure.result import (
    FULL_SCALE,
    FULL_SCALE_DBM0,
    RATE,
    Result,
    Signal,
    cannot,
    clipped,
    samples,
)

PERIOD = 4096  # samples: 0.51 s
SEED = 21  # chosen: of the first 300 the lowest peak, 10.0 dB over the rms
MOST_LEVEL_DBM0 = -5.0  # chosen: the peaks stay 1 dB under the end of the scale
MOST_PERIODS = 1000  # chosen: eight minutes
MOST_DELAY = 1600  # samples: 200 ms, and as much room for a tail
BANDS_HZ = {"ERL": (560.0, 1965.0), "SRL low": (260.0, 500.0), "SRL high": (2200.0, 3400.0)}
# IEEE 743: the 3 dB points of its filters; here each band counts flat
ONSET_SHARE = 0.1  # chosen: of the greatest tap; the bulk delay ends there
TAIL_ENERGY = 0.999  # chosen: 30 dB; what follows is under the noise of A-law


def sequence() -> Signal:
    """One period: every line of the spectrum equally strong, phases at random; mean square 1."""
    phase = np.random.default_rng(SEED).uniform(0, 2 * np.pi, PERIOD // 2 - 1)
    spectrum = np.concatenate([[0], np.exp(1j * phase), [1]])
    wave = np.fft.irfft(spectrum, PERIOD)
    return np.asarray(wave / np.sqrt(np.mean(wave**2)))


def _rms(level_dbm0: float) -> float:
    return float(10 ** ((level_dbm0 - FULL_SCALE_DBM0) / 20) / np.sqrt(2))


def excitation(level_dbm0: float, periods: int) -> NDArray[np.int16]:
    """The sequence ``periods`` times at this level, int16.  The first period fills the path: ask
    for one more than are measured.  ValueError: over -5 dBm0, or under two periods."""
    if not -90 <= level_dbm0 <= MOST_LEVEL_DBM0 or not 2 <= periods <= MOST_PERIODS:
        raise ValueError(
            f"level_dbm0 is at most {MOST_LEVEL_DBM0:g} (and at least -90), "
            f"periods 2 to {MOST_PERIODS}"
        )
    wave = np.round(_rms(level_dbm0) * sequence() * FULL_SCALE)
    return np.tile(wave, periods).astype(np.int16)


@dataclass(frozen=True, slots=True)
class EchoPath:
    """``response``: taps from the sent sample on (float64, 1.0 = no loss); ``delay``: samples to
    the first tap that counts; ``tail``: samples that hold 99.9 % of its energy;
    ``noise_db``: how far the noise of the measurement lies under the response."""

    response: Signal
    delay: int
    tail: int
    results: tuple[Result, ...]
    noise_db: float

    def result(self, name: str) -> Result:
        """ERL, SRL low, SRL high, echo loss (weighted, ITU-T G.122), or flat loss."""
        return next(r for r in self.results if r.name == name)


def measure_echo_path(sound: NDArray[Any], level_dbm0: float, at: int = 0) -> EchoPath:
    """The path that answered `excitation(level_dbm0, ...)`.

    ``at`` is the sample of the recording at which the sequence began to be sent: with it the
    delay is the path's own.  Uses the whole periods after the first.  ValueError: ``at`` is
    negative, under two periods after it, or clipped.
    """
    if at < 0:
        raise ValueError(f"at is a sample of the recording, 0 or more: {at}")
    x = samples(sound)[at:]
    periods = len(x) // PERIOD - 1
    if periods < 1:
        raise ValueError(f"this needs {2 * PERIOD} samples after the start, there are {len(x)}")
    if clipped(x):
        raise ValueError("the sound is clipped: send the sequence at a lower level")
    rows = x[PERIOD : (periods + 1) * PERIOD].reshape(periods, PERIOD)
    mean = rows.mean(axis=0)
    reference = np.fft.rfft(sequence() * _rms(level_dbm0))
    reference[0] = 1.0  # the sequence has no constant part; what came back loses its own
    response = np.fft.irfft(np.fft.rfft(mean - mean.mean()) / reference, PERIOD)
    floor = float(np.median(response**2)) / 0.455  # the median of a squared normal variable
    window = response[: 2 * MOST_DELAY]
    return _describe(window, floor)


def _describe(response: Signal, floor: float) -> EchoPath:
    energy = float(np.sum(np.maximum(response**2 - floor, 0.0)))
    top = float(np.max(np.abs(response)))
    if top**2 < 16 * floor or top < 1e-4:
        why = "nothing comes back: any echo is under the noise"
        none = tuple(cannot(name, "dB", why) for name in (*BANDS_HZ, "echo loss", "flat loss"))
        return EchoPath(response, 0, 0, none, 0.0)
    delay = int(np.argmax(np.abs(response) >= ONSET_SHARE * top))
    gathered = np.cumsum(np.where(response**2 > 9 * floor, response**2, 0.0))
    tail = int(np.argmax(gathered >= TAIL_ENERGY * gathered[-1])) + 1 - delay
    kept = np.where(np.arange(len(response)) < delay + max(2 * tail, 64), response, 0.0)
    hz = np.asarray(np.fft.rfftfreq(8192, 1 / RATE), np.float64)
    gain = np.abs(np.fft.rfft(kept, 8192)) ** 2
    spread = 4.34 * np.sqrt(floor * len(response) / max(energy, 1e-20))
    results = [
        Result(name, "dB", _loss(gain[(hz >= low) & (hz <= high)]), float(spread))
        for name, (low, high) in BANDS_HZ.items()
    ]
    results.append(Result("echo loss", "dB", echo_loss(hz, gain), float(spread)))
    results.append(Result("flat loss", "dB", float(-10 * np.log10(energy)), float(spread)))
    return EchoPath(response, delay, tail, tuple(results), float(10 * np.log10(top**2 / floor)))


def _loss(gain: Signal) -> float:
    return float(-10 * np.log10(max(float(gain.mean()), 1e-12)))


def echo_loss(hz: Signal, gain: Signal) -> float:
    """Weighted echo loss in dB of a power gain, 300 to 3400 Hz by equal parts of the logarithm
    of the frequency (ITU-T G.122 annex B.4): a flat gain of 1 gives 0 dB."""
    inside = (hz >= 300) & (hz <= 3400)
    f, a = np.log10(hz[inside]), gain[inside]
    total = float(np.sum((a[1:] + a[:-1]) * np.diff(f)))
    full = 2 * float(f[-1] - f[0])
    return float(-10 * np.log10(max(total / full, 1e-12)))
