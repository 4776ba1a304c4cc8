"""Room: steady tones in a recording: where they sound, and their frequencies.  Knows no tone's
meaning; `cti_board.dsp.learn` names them.

What does it do?  Finds every burst of one or two steady frequencies, within 2 Hz and some 2 ms,
at a signal-to-noise ratio of 10 dB and more; speech and music around them are left out.

How does it work?
1. Frames of 32 ms in which two narrow lobes hold most of the energy make segments.
2. A segment's frequencies are the peaks of its long spectrum; sinusoids at these frequencies
   must explain it.  Two sidebands that lie alike on both sides are modulation of the carrier.
3. Segments of like frequencies are one voice.  The recording is mixed down by the voice's
   frequencies; where the envelope passes half of its height, a burst begins or ends.
Limits: a pair must lie 2 / (length of its bursts) apart; 200 to 3400 Hz; a burst of 60 ms or more.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 8000
FRAME, HOP = 256, 64  # chosen: 32 ms, so that a burst of 75 ms fills five frames
BINS = 512
LOW_HZ, HIGH_HZ = 200.0, 3400.0
LOBE = 5  # bins of 15.6 Hz to each side: the main lobe of 32 ms
TONAL = 0.75  # chosen: share of the lobes; white noise 6 dB under the tone leaves 0.8
WEAK = 0.1  # chosen: of the first lobe's energy; below, a second lobe is none
LEAST_POWER = 1e-5  # chosen: mean square, -44 dBm0
LEAST_FRAMES = 5
SMOOTH = 5  # frames: 64 ms, a period of 16 Hz modulation
JUMP = 3  # bins that the strongest lobe may move: the two of a pair take turns
PURE = 0.7  # chosen: of a segment's energy in its sinusoids; a vowel's glide has less
SECOND_DB = 12.0  # chosen: the weaker of a pair
LONGEST = 2 * RATE  # chosen: of a segment, for its spectrum
TRANSFORM = 1 << 17
LIKE_HZ = 12.0  # chosen: two segments of one voice
LEAST_BURST, LEAST_GAP = 320, 160  # samples: 40 ms, 20 ms
WINDOW = 160  # samples of the envelope: 20 ms, and whole beats of a pair

Signal = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Voice:
    """One or two frequencies (Hz, rising); ``beat`` Hz: their distance, or a modulation's."""

    hz: tuple[float, ...]
    beat: float

    def like(self, other: "Voice") -> bool:
        alike = zip(self.hz, other.hz, strict=False)
        return len(self.hz) == len(other.hz) and all(abs(a - b) <= LIKE_HZ for a, b in alike)


@dataclass(frozen=True, slots=True)
class Burst:
    """Samples ``begin`` to ``end``; ``power`` the mean square of its tone (1.0 = full scale
    squared), ``rest`` that of everything else in it."""

    begin: int
    end: int
    power: float
    rest: float


@dataclass(slots=True)
class Segment:
    """A stretch of one recording in which a voice is steady."""

    recording: int
    begin: int
    end: int
    voice: Voice


def find_segments(sound: Signal, recording: int) -> list[Segment]:
    """The steady stretches of a recording (float, 1.0 = full scale)."""
    if len(sound) < FRAME:
        return []
    tonal, lobes = _lobes(sound)
    found = []
    for first, last in _stretches(tonal, lobes):
        begin, end = first * HOP + HOP, last * HOP + FRAME - HOP
        voice = _voice(sound[begin + 2 * HOP : end - 2 * HOP][:LONGEST])
        if voice is not None:
            found.append(Segment(recording, begin, end, voice))
    return found


def voices_of(segments: list[Segment]) -> list[tuple[Voice, list[Segment]]]:
    """Segments of like frequencies together, the longest voice first; its frequencies are the
    means over its segments, the long ones counting most."""
    groups: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda s: s.begin - s.end):
        for group in groups:
            if group[0].voice.like(segment.voice):
                group.append(segment)
                break
        else:
            groups.append([segment])
    voices = []
    for group in groups:
        weight = np.array([min(s.end - s.begin, LONGEST) for s in group], float) ** 3
        hz = np.average([s.voice.hz for s in group], axis=0, weights=weight)
        beat = group[0].voice.beat
        voices.append((Voice(tuple(float(f) for f in hz), beat), group))
    return voices


def find_bursts(sound: Signal, voice: Voice, segments: list[Segment]) -> list[Burst]:
    """Where a voice sounds in one recording; ``segments`` are its own of this recording."""
    envelope = _envelope(sound, voice)
    all_of_it = envelope + _sidebands(sound, voice)
    inside = np.zeros(len(sound), bool)
    for segment in segments:
        inside[segment.begin : segment.end] = True
    height = float(np.median(envelope[inside]))
    begins, ends = _edges(envelope > height / 4)  # half of the amplitude
    bursts = []
    for begin, end in zip(begins, ends, strict=True):
        if len(voice.hz) > 1:
            begin, end = _refined(sound, voice.hz, begin, end)
        if 2 * np.count_nonzero(inside[begin:end]) < min(end - begin, 2 * FRAME):
            continue  # speech that passes over the frequency
        part = slice(begin + WINDOW // 2, max(end - WINDOW // 2, begin + WINDOW // 2 + 1))
        power = float(np.mean(envelope[part]))
        rest = max(float(np.mean(sound[part] ** 2) - np.mean(all_of_it[part])), 1e-12)
        bursts.append(Burst(int(begin), int(end), power, rest))
    return bursts


def _lobes(sound: Signal) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Of each frame: is it tonal, and the bins of its two lobes (twice the first where the
    second is weak)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(FRAME), BINS, axis=1)) ** 2
    spectrum = _smooth(spectrum)
    low, high = round(LOW_HZ * BINS / RATE), round(HIGH_HZ * BINS / RATE)
    spectrum[:, :low] = spectrum[:, high:] = 0.0
    total = np.sum(spectrum, axis=1) + 1e-30
    bins = np.arange(spectrum.shape[1])
    places, energies = [], []
    for _ in range(2):
        place = np.argmax(spectrum, axis=1)
        lobe = np.abs(bins - place[:, None]) <= LOBE
        energies.append(np.sum(spectrum * lobe, axis=1))
        places.append(place)
        spectrum = np.where(lobe, 0.0, spectrum)
    places[1] = np.where(energies[1] > WEAK * energies[0], places[1], places[0])
    loud = _smooth(np.mean(frames**2, axis=1)[:, None])[:, 0] > LEAST_POWER
    tonal = ((energies[0] + energies[1]) / total >= TONAL) & loud
    return tonal, np.stack(places, axis=1)


def _smooth(rows: Signal) -> Signal:
    """Means over SMOOTH rows: the nulls of a modulated tone are no gaps."""
    total = np.cumsum(np.pad(rows, ((SMOOTH // 2 + 1, SMOOTH // 2), (0, 0))), axis=0)
    return np.asarray((total[SMOOTH:] - total[:-SMOOTH]) / SMOOTH)


def _stretches(tonal: NDArray[np.bool_], lobes: NDArray[np.int64]) -> list[tuple[int, int]]:
    """First and last frames of stretches whose strongest lobe stays one of the first frame's."""
    found, first = [], None
    for i in range(len(tonal) + 1):
        on = i < len(tonal) and bool(tonal[i])
        if first is not None:
            stays = on and bool(np.min(np.abs(lobes[i, 0] - lobes[first])) <= JUMP)
            if not stays:
                if i - first >= LEAST_FRAMES:
                    found.append((first, i - 1))
                first = None
        if on and first is None:
            first = i
    return found


def _voice(part: Signal) -> Voice | None:
    """The frequencies of a steady stretch; None where sinusoids do not explain it."""
    width = 2.0 * RATE / len(part)  # half a main lobe of the Hann window, Hz
    peaks = _peaks(part, width)
    (first, power), others = peaks[0], peaks[1:]
    near = [f for f, p in others if p > power * 10 ** (-SECOND_DB / 10)]
    if len(near) == 2 and abs(near[0] + near[1] - 2 * first) < max(6.0, width / 2):
        voice, fitted = Voice((first,), abs(near[0] - first)), [first, *near]
    elif near:
        pair = sorted((first, near[0]))
        voice, fitted = Voice(tuple(pair), pair[1] - pair[0]), pair
    else:
        voice, fitted = Voice((first,), 0.0), [first]
    return voice if _explained(part, fitted) >= PURE else None


def _peaks(part: Signal, width: float) -> list[tuple[float, float]]:
    """The three strongest (Hz, power) of the spectrum, each out of the main lobes of the others."""
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), TRANSFORM)) ** 2
    hz = np.fft.rfftfreq(TRANSFORM, 1 / RATE)
    spectrum[(hz < LOW_HZ) | (hz > HIGH_HZ)] = 0.0
    found = []
    for _ in range(3):
        top = int(np.argmax(spectrum))
        found.append((float(hz[top]), float(spectrum[top])))
        spectrum[np.abs(hz - hz[top]) < width] = 0.0
    return found


def _explained(part: Signal, hz: list[float]) -> float:
    """The share of the energy that sinusoids of these frequencies hold, in pieces of 100 ms."""
    piece = min(len(part), RATE // 10)
    pieces = part[: len(part) // piece * piece].reshape(-1, piece).T
    phase = 2 * np.pi * np.outer(np.arange(piece) / RATE, hz)
    base, _ = np.linalg.qr(np.hstack([np.cos(phase), np.sin(phase)]))
    return float(np.sum((base.T @ pieces) ** 2) / (np.sum(pieces**2) + 1e-30))


def _envelope(sound: Signal, voice: Voice) -> Signal:
    """Mean square of the voice about each sample, over 20 ms or whole beats."""
    window = WINDOW
    if voice.beat > 0:
        window = round(np.ceil(WINDOW / RATE * voice.beat) * RATE / voice.beat)
    time = np.arange(len(sound)) / RATE
    power = np.zeros(len(sound))
    for hz in voice.hz:
        mixed = np.concatenate([[0], np.cumsum(sound * np.exp(-2j * np.pi * hz * time))])
        index = np.arange(len(sound))
        left = np.clip(index - window // 2, 0, len(sound))
        right = np.clip(index - window // 2 + window, 0, len(sound))
        power += 2 * np.abs((mixed[right] - mixed[left]) / window) ** 2
    return power


def _sidebands(sound: Signal, voice: Voice) -> Signal:
    """Mean square of a modulated voice beside its carrier."""
    if len(voice.hz) > 1 or voice.beat == 0:
        return np.zeros(len(sound))
    low, high = voice.hz[0] - voice.beat, voice.hz[0] + voice.beat
    return _envelope(sound, Voice((low, high), voice.beat))


def _refined(sound: Signal, hz: tuple[float, ...], begin: int, end: int) -> tuple[int, int]:
    """The edges of a pair's burst.  Over a part of a beat the two are not orthogonal, so the
    envelope is too early; what there is of the burst's own tone, taken beyond its edge, is not."""
    edges = []
    for edge, inward in ((begin, 1), (end, -1)):
        near = edge + inward * WINDOW // 2
        far = edge + inward * min(5 * WINDOW, end - begin - WINDOW // 2)
        inside = np.arange(min(near, far), max(near, far))
        around = np.arange(max(edge - 2 * WINDOW, 0), min(edge + 2 * WINDOW, len(sound)))
        if not len(inside) or not len(around):
            return begin, end
        base = np.hstack([f(2 * np.pi / RATE * np.outer(inside, hz)) for f in (np.cos, np.sin)])
        fit = np.linalg.lstsq(base, sound[inside], rcond=None)[0]
        base = np.hstack([f(2 * np.pi / RATE * np.outer(around, hz)) for f in (np.cos, np.sin)])
        model = base @ fit
        present = float(np.sum(model * sound[around]))
        energy = np.cumsum((model**2)[::-inward])
        count = int(np.searchsorted(energy, present))
        edges.append(int(around[0]) + count if inward < 0 else int(around[-1]) + 1 - count)
    return (edges[0], edges[1]) if edges[0] < edges[1] else (begin, end)


def _edges(on: NDArray[np.bool_]) -> tuple[list[int], list[int]]:
    """Begins and ends of the stretches that are on; short gaps filled, short bursts dropped."""
    change = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]])))
    begins, ends = list(change[::2]), list(change[1::2])
    for i in range(len(begins) - 1, 0, -1):
        if begins[i] - ends[i - 1] < LEAST_GAP:
            del begins[i], ends[i - 1]
    kept = [(b, e) for b, e in zip(begins, ends, strict=True) if e - b >= LEAST_BURST]
    return [int(b) for b, _ in kept], [int(e) for _, e in kept]
