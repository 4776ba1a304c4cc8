"""Room: the centre's prompts, how loud speech is.  Pure: samples in, dBm0 out.

What: the active speech level of ITU-T P.56, method B, and the clipping of a recording.
How: the envelope of the samples (two equal first-order smoothings) is compared with fifteen
thresholds, 6 dB apart; for each, the time above it (with a hangover) gives a level A of the
active part.  The wanted level is A where it stands 15.9 dB above its threshold.
Limits: written for files, not for streams; below about -70 dBm0 the answer is -inf.
"""

import numpy as np

from .alaw import RATE_HZ, Samples

FULL_SCALE_SINE_DBM0 = 3.14  # ITU-T G.711, A-law
SMOOTHING_S = 0.03  # ITU-T P.56
HANGOVER_S = 0.2  # ITU-T P.56
MARGIN_DB = 15.9  # ITU-T P.56
THRESHOLDS = 2.0 ** np.arange(-15, 0)  # ITU-T P.56, full scale 1.0
LARGEST_ALAW = 32256 / 32768  # ITU-T G.711: the largest value that A-law can decode to
CLIP_RUN = 3  # chosen: one sample at full scale is a loud peak, three in a row are flat


def rms_dbm0(samples: Samples) -> float:
    """Level of all samples; -inf for silence or none."""
    power = float(np.mean(samples**2)) if len(samples) else 0.0
    return _dbm0(power)


def peak_dbfs(samples: Samples) -> float:
    """The largest sample in dB below full scale."""
    peak = float(np.max(np.abs(samples))) if len(samples) else 0.0
    return float(20 * np.log10(peak)) if peak else -np.inf


def active_level_dbm0(samples: Samples) -> float:
    """Active speech level by ITU-T P.56 method B; -inf where nothing is active."""
    energy = float(np.sum(samples**2))
    if not energy:
        return -np.inf
    envelope = _envelope(samples)
    before: tuple[float, float] | None = None
    for threshold in THRESHOLDS:
        active = _active_samples(envelope, float(threshold))
        if not active:
            break
        level = 10 * np.log10(energy / active)
        excess = level - 20 * np.log10(threshold) - MARGIN_DB
        if excess <= 0:
            if before is None:
                break
            share = before[1] / (before[1] - excess)
            return _dbm0(10 ** ((before[0] + share * (level - before[0])) / 10))
        before = (level, excess)
    # even the loudest threshold that is reached lies far below: as good as a steady tone
    return _dbm0(10 ** (before[0] / 10)) if before else -np.inf


def clipped_runs(samples: Samples) -> int:
    """How often CLIP_RUN or more samples in a row stand at the largest A-law value."""
    full = np.abs(samples) >= LARGEST_ALAW - 1e-6
    edges = np.flatnonzero(np.diff(np.concatenate(([0], full.astype(np.int8), [0]))))
    return int(np.sum(edges[1::2] - edges[::2] >= CLIP_RUN))


def _dbm0(power: float) -> float:
    if not power:
        return -np.inf
    return float(10 * np.log10(power) + 10 * np.log10(2) + FULL_SCALE_SINE_DBM0)


def _envelope(samples: Samples) -> Samples:
    """|samples| through two first-order smoothings, as one convolution."""
    decay = np.exp(-1 / (RATE_HZ * SMOOTHING_S))
    lags = np.arange(int(RATE_HZ * SMOOTHING_S * 20))
    response = (1 - decay) ** 2 * (lags + 1) * decay**lags
    size = 1 << (len(samples) + len(lags)).bit_length()
    spectrum = np.fft.rfft(np.abs(samples), size) * np.fft.rfft(response, size)
    return np.asarray(np.fft.irfft(spectrum, size)[: len(samples)])


def _active_samples(envelope: Samples, threshold: float) -> int:
    """How many samples are above the threshold or less than the hangover after one that is."""
    index = np.arange(len(envelope))
    latest = np.maximum.accumulate(np.where(envelope >= threshold, index, -len(index) - RATE_HZ))
    return int(np.sum(index - latest <= HANGOVER_S * RATE_HZ))
