"""Room: learns the tone plan of an unknown exchange from recordings of its tones.  Must not know
boards, channels or files.

What does it do?  `learn_tones` measures every steady tone in the recordings (frequencies within
2 Hz, times within 5 %), names it by its shape, and says how sure it is; `learn_plan` gives the
plan alone.  Recordings may hold several tones, speech before and after, and noise 15 dB under
the tone.

How does it work?  `cti_board.dsp.learn_bursts` finds the bursts; what repeats is a cadence; a
cadence is named after ITU-T E.180/Q.35:
- without a pause: dial tone; three rising frequencies one after the other: special information;
- a pause of 1.8 s and more: ringback, or call waiting where little of the time is tone;
- bursts as long as their pauses: busy, and congestion where a second one is faster;
- any other pattern: congestion, then vacant.
Where all that was learned agrees with the plan of a known country, its names are taken instead.
Limits: a cadence of at most four bursts, heard three times (with a long pause: once and the
next burst); bursts of 60 ms and more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cti_board.dsp.lanes import RATE, Sound, rows
from cti_board.dsp.learn_bursts import Burst, Segment, Voice, find_bursts, find_segments, voices_of
from cti_board.tones import PLANS, SIT_HZ, Cadence, Tone, TonePlan

MS = RATE // 1000
POWER_0DBM0 = 0.5 * 10 ** (-3.14 / 10)  # overload is +3.14 dBm0, ITU-T G.711
LEAST_S = 1.0
LONG_PAUSE_MS = 1800  # ITU-T E.180: ringback's pause is 3 to 5 s; Japan has 2 s, less 10 %
CONTINUOUS_MS = 2400  # chosen: longer than any country's ringback burst, 2 s and 10 %
CUT_MS = 2000  # chosen: ... or where the recording cuts it; a note of music is shorter
MOST_BURSTS = 4
SAME_SHARE, SAME_MS = 0.10, 20.0  # chosen: two times of one cadence
WAITING_DUTY = 0.13  # chosen: call waiting sounds for less, ringback for more
WAITING_MS = 600  # chosen: ... unless its burst is long; E.180: ringback's is 0.67 s and more
RATIO = 1.5  # ITU-T E.180: on over off of busy and congestion, 0.67 to 1.5
SIT_NEAR_HZ = 60.0  # ITU-T E.180: +-50 Hz, and the grain
SIT_MS = (240, 420)  # ITU-T E.180: 330 +-70 ms
SIT_GAP_MS = 60
KNOWN_HZ, KNOWN_SHARE = 10.0, 0.08  # chosen: agreement with a known country
GOOD_SNR_DB = 15.0
LEAST_SNR_DB = 9.0  # chosen: the harmonics of a voice stand 8 dB over the rest of it
LEAST_CONFIDENCE = 0.4  # chosen: what chance and speech give stays under it
LONG_MS = 1000  # chosen: a continuous tone that is not dial tone is believed after 1 s
NEEDED = (
    "needed: a recording at 8000 Hz with a continuous tone of 2.5 s, or three cycles of a "
    "cadence (of ringback: two bursts), 15 dB over the noise"
)


Span = tuple[int, int, int]  # recording, first sample, last sample


@dataclass(frozen=True, slots=True)
class LearnedTone:
    """A tone of the plan and how well it is known: ``cycles`` heard, ``snr_db``, ``spread`` the
    largest deviation of a time from its mean (0..1), ``confidence`` 0..1, ``remark`` why."""

    tone: Tone
    cycles: float
    snr_db: float
    spread: float
    confidence: float
    remark: str


@dataclass(frozen=True, slots=True)
class Learned:
    """What the recordings gave: the plan, and a report of each of its tones, in its order."""

    plan: TonePlan
    tones: tuple[LearnedTone, ...]


@dataclass(frozen=True, slots=True)
class _Shape:
    """A cadence as measured, before it has a name; ``times`` on, off, on, off ... in ms."""

    hz: tuple[float, ...]
    times: tuple[float, ...]
    cycles: float
    spread: float
    power: float
    rest: float
    steps_hz: tuple[float, ...] = ()

    @property
    def pause(self) -> float:
        return max(self.times[1::2], default=0.0)

    @property
    def period(self) -> float:
        return sum(self.times)

    @property
    def duty(self) -> float:
        return sum(self.times[::2]) / max(self.period, 1e-9)

    @property
    def symmetric(self) -> bool:
        return len(self.times) == 2 and 1 / RATIO <= self.times[0] / self.times[1] <= RATIO


def learn_plan(sounds: Sound | Sequence[Sound], country: str = "xx") -> TonePlan:
    """The plan alone, with ``source`` "learned from ..."; arguments and errors as `learn_tones`."""
    return learn_tones(sounds, country).plan


def learn_tones(sounds: Sound | Sequence[Sound], country: str = "xx", source: str = "") -> Learned:
    """The plan of the exchange that was recorded, with a report.

    ``sounds``: one recording (samples,), several as (recordings, samples) or as a sequence of
    arrays; 8000 Hz, int16, uint8 A-law or float -1..1.  ``source`` says where they come from.
    ValueError says what is needed: nothing recorded, too short, a recording of more than one line,
    values that are not finite, no steady tone, no cadence.
    """
    recordings = _recordings(sounds)
    segments = [s for n, sound in enumerate(recordings) for s in find_segments(sound, n)]
    if not segments:
        raise ValueError(f"no steady tone of one or two frequencies was found; {NEEDED}")
    voices = voices_of(segments)
    shapes, used = _information_tones(recordings, voices)
    for voice, own in voices:
        rest = [s for s in own if not any(_within(s, one) for one in used)]
        shapes += _cadences(recordings, voice, rest)
    shapes = [s for s in _merge(shapes) if _confidence(s) >= LEAST_CONFIDENCE]
    if not shapes:
        heard = ", ".join("+".join(f"{f:.0f}" for f in v.hz) for v, _ in voices[:4])
        raise ValueError(f"bursts of {heard} Hz were found, but no cadence repeats; {NEEDED}")
    learned = tuple(_learned(name, shape) for name, shape in _named(shapes))
    ring = next((t.tone.cadence for t in learned if t.tone.name == "ringback"), None)
    on_ms, off_ms = (ring.on_off_ms[0][0], ring.on_off_ms[-1][1]) if ring else (1000, 4000)
    origin = source or f"{len(recordings)} recording{'s' if len(recordings) > 1 else ''}"
    note = "; ".join(f"{t.tone.name}: {t.remark}" for t in learned)
    tones = tuple(t.tone for t in learned)
    plan = TonePlan(country, f"learned from {origin}", tones, on_ms, off_ms, note)
    return Learned(plan, learned)


def _recordings(sounds: Sound | Sequence[Sound]) -> list[np.ndarray]:
    many = list(sounds) if not isinstance(sounds, np.ndarray) or sounds.ndim == 2 else [sounds]
    if wide := [np.shape(one) for one in many if np.ndim(one) != 1]:
        raise ValueError(f"each recording is one line, (samples,): {wide[0]}")
    found = [np.asarray(rows(np.asarray(one))[0], np.float64) for one in many]
    if sum(map(len, found)) < LEAST_S * RATE:
        raise ValueError(f"recordings of less than {LEAST_S:g} s; {NEEDED}")
    return [one - np.mean(one) for one in found if len(one)]


# ---- from bursts to cadences ----


def _cadences(recordings: list[np.ndarray], voice: Voice, own: list[Segment]) -> list[_Shape]:
    shapes = []
    for n, sound in enumerate(recordings):
        here = [s for s in own if s.recording == n]
        if here:
            bursts = find_bursts(sound, voice, here)
            shapes += _repeated(voice, bursts, len(sound))
    return shapes


def _repeated(voice: Voice, bursts: list[Burst], samples: int) -> list[_Shape]:
    """The cadences of one recording, and what is left of it without a pause."""
    shapes, start = [], 0
    while start < len(bursts):
        best = (0, 0, 0)  # bursts covered, -bursts of a cycle, -where it begins
        for first in (start, start + 1):
            for period in range(1, MOST_BURSTS + 1):
                best = max(best, (_extent(bursts, first, period), -period, -first))
        count, period, first = best[0], -best[1], -best[2] if best[0] else start + 1
        for one in bursts[start:first]:
            if _is_continuous(one, samples):
                length = (one.end - one.begin) / MS
                shapes.append(_Shape(voice.hz, (), length / 1000, 0.0, one.power, one.rest))
        if count:
            shapes.append(_shape(voice, bursts[first : first + count], period))
        start = first + count
    return shapes


def _is_continuous(burst: Burst, samples: int) -> bool:
    length = (burst.end - burst.begin) / MS
    cut = burst.begin < 10 * MS or burst.end > samples - 10 * MS
    return length >= (CUT_MS if cut else CONTINUOUS_MS)


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= max(SAME_SHARE * max(a, b), SAME_MS)


def _extent(bursts: list[Burst], first: int, period: int) -> int:
    """How many bursts from ``first`` on repeat with this period; 0 = too few to believe.

    The first and the last may be shorter: the recording, or the call, was cut there.
    """
    on = [(b.end - b.begin) / MS for b in bursts[first:]]
    off = [
        (b.begin - a.end) / MS for a, b in zip(bursts[first:], bursts[first + 1 :], strict=False)
    ]
    if len(on) <= period or not (_near(on[0], on[period]) or on[0] < on[period]):
        return 0
    count = period + 1
    while count < len(on) and _near(off[count - 1], off[count - 1 - period]):
        count += 1
        if not _near(on[count - 1], on[count - 1 - period]):
            count -= on[count - 1] > on[count - 1 - period]
            break
    if max(off[:period]) >= LONG_PAUSE_MS:
        once = period <= 2 and _near(on[0], on[period])  # three times are no accident
        enough = count > (period + 1 if period <= 2 else 2 * period) or once
    else:
        enough = count > 2 * period + (period == 1)
    return count if enough else 0


def _shape(voice: Voice, bursts: list[Burst], period: int) -> _Shape:
    """Means of each time over the cycles; first and last burst only where there is no other."""
    on: list[list[float]] = [[] for _ in range(period)]
    off: list[list[float]] = [[] for _ in range(period)]
    for i, burst in enumerate(bursts):
        on[i % period].append((burst.end - burst.begin) / MS)
        if i + 1 < len(bursts):
            off[i % period].append((bursts[i + 1].begin - burst.end) / MS)
    for i, heard in enumerate(on):
        whole = heard[i == 0 : len(heard) - ((len(bursts) - 1) % period == i)]
        on[i] = whole or [max(heard)]
    last = max(range(period), key=lambda i: float(np.mean(off[i])))  # the longest pause ends it
    times, spread = [], 0.0
    for i in range(period):
        for heard in (on[(last + 1 + i) % period], off[(last + 1 + i) % period]):
            mean = float(np.mean(heard))
            times.append(mean)
            spread = max([spread, *(abs(t - mean) / mean for t in heard)])
    power, rest = (float(np.median([getattr(b, k) for b in bursts])) for k in ("power", "rest"))
    return _Shape(voice.hz, tuple(times), (len(bursts) - 1) / period, spread, power, rest)


def _information_tones(
    recordings: list[np.ndarray], voices: list[tuple[Voice, list[Segment]]]
) -> tuple[list[_Shape], list[Span]]:
    """Special information tone: three voices that take turns, and where they do."""
    three = []
    for hz in SIT_HZ:
        near = [v for v in voices if len(v[0].hz) == 1 and abs(v[0].hz[0] - hz) <= SIT_NEAR_HZ]
        if not near:
            return [], []
        three.append(min(near, key=lambda v: abs(v[0].hz[0] - hz)))
    shapes, spans = [], []
    for n, sound in enumerate(recordings):
        bursts = []
        for voice, own in three:
            here = [s for s in own if s.recording == n]
            bursts.append(find_bursts(sound, voice, here) if here else [])
        for a in bursts[0]:
            b = _follower(a, bursts[1])
            c = _follower(b, bursts[2]) if b else None
            if b and c:
                shapes.append(_information_shape([v.hz[0] for v, _ in three], (a, b, c)))
                spans.append((n, a.begin, c.end))
    return shapes, spans


def _within(segment: Segment, span: Span) -> bool:
    recording, begin, end = span
    middle = (segment.begin + segment.end) // 2
    return segment.recording == recording and begin <= middle <= end


def _follower(burst: Burst, others: list[Burst]) -> Burst | None:
    for other in others:
        gap, length = (other.begin - burst.end) / MS, (other.end - other.begin) / MS
        if abs(gap) <= SIT_GAP_MS and SIT_MS[0] <= length <= SIT_MS[1]:
            return other
    return None


def _information_shape(hz: list[float], bursts: tuple[Burst, Burst, Burst]) -> _Shape:
    times = [t for b in bursts for t in ((b.end - b.begin) / MS, 0.0)]
    times[-1] = 1000.0  # ITU-T E.180: the pause, which need not be heard
    power, rest = bursts[0].power, bursts[0].rest
    return _Shape((hz[0],), tuple(times), 1.0, 0.0, power, rest, tuple(hz))


def _merge(shapes: list[_Shape]) -> list[_Shape]:
    """The same tone in several recordings is one; the one that was heard longest stands."""
    kept: list[_Shape] = []
    for shape in sorted(shapes, key=lambda s: -s.cycles):
        for i, other in enumerate(kept):
            if _same(shape, other):
                kept[i] = replace(other, cycles=other.cycles + shape.cycles)
                break
        else:
            kept.append(shape)
    return kept


def _same(a: _Shape, b: _Shape) -> bool:
    if len(a.times) != len(b.times) or len(a.hz) != len(b.hz) or a.steps_hz[:1] != b.steps_hz[:1]:
        return False
    alike = all(abs(f - g) <= KNOWN_HZ for f, g in zip(a.hz, b.hz, strict=True))
    return alike and all(_near(s, t) for s, t in zip(a.times, b.times, strict=True))


# ---- names ----


def _named(shapes: list[_Shape]) -> list[tuple[str, _Shape]]:
    known = _known_names(shapes)
    if known:
        return list(zip(known, shapes, strict=True))
    names: list[tuple[str, _Shape]] = []
    plain = [s for s in shapes if not s.times]
    for i, shape in enumerate(sorted(plain, key=lambda s: s.hz[0])):
        names.append(("dial" if i == 0 else "vacant" if shape.hz[0] < 900 else "howler", shape))
    names += [("sit", s) for s in shapes if s.steps_hz]
    cadences = [s for s in shapes if s.times and not s.steps_hz]
    slow = sorted((s for s in cadences if s.pause >= LONG_PAUSE_MS), key=lambda s: -s.duty)
    for i, shape in enumerate(slow):
        rings = shape.duty >= WAITING_DUTY or shape.times[0] >= WAITING_MS
        names.append(("ringback" if i == 0 and rings else "call_waiting", shape))
    fast = [s for s in cadences if s.pause < LONG_PAUSE_MS]
    even = sorted((s for s in fast if s.symmetric), key=lambda s: -s.period)
    names += list(zip(("busy", "congestion", *["vacant"] * len(even)), even, strict=False))
    for shape in fast:
        if not shape.symmetric:
            taken = {name for name, _ in names}
            names.append(("vacant" if "congestion" in taken else "congestion", shape))
    return names


def _known_names(shapes: list[_Shape]) -> list[str]:
    """The names of a known country's plan where it has all of these (two at least); else []."""
    for plan in PLANS.values():
        names = [next((t.name for t in plan.tones if _agrees(s, t)), "") for s in shapes]
        if len(names) > 1 and all(names):
            return names
    return []


def _agrees(shape: _Shape, tone: Tone) -> bool:
    hz, times = tone.hz, [float(t) for pair in tone.cadence.on_off_ms for t in pair]
    times = times if any(times[1::2]) else []
    if tone.steps_hz or shape.steps_hz:
        return tone.name == "sit" and bool(shape.steps_hz)
    if len(hz) != len(shape.hz) or len(times) != len(shape.times):
        return False
    alike = all(abs(f - g) <= KNOWN_HZ for f, g in zip(sorted(hz), shape.hz, strict=True))
    pairs = zip(times, shape.times, strict=True)
    return alike and all(abs(t - s) <= max(KNOWN_SHARE * t, SAME_MS) for t, s in pairs)


def _learned(name: str, shape: _Shape) -> LearnedTone:
    times = [round(t) for t in shape.times]
    if not times and name != "dial":
        times = [LONG_MS, 0]
    cadence = Cadence(tuple(zip(times[::2], times[1::2], strict=True)))
    level = 10 * np.log10(shape.power / len(shape.hz) / POWER_0DBM0)
    slow = shape.pause >= LONG_PAUSE_MS or bool(shape.steps_hz)
    cycles = 1 if slow else 3 if len(shape.times) == 2 else 2
    tone = Tone(
        name,
        tuple(round(f, 1) for f in shape.hz),
        cadence,
        round(float(level), 1),
        cycles,
        tuple(round(f, 1) for f in shape.steps_hz),
    )
    snr = float(10 * np.log10(shape.power / shape.rest))
    heard = f"{shape.cycles:.1f} {'cycles' if shape.times else 's'}"
    remark = f"{heard}, {snr:.0f} dB over the noise, times within {100 * shape.spread:.0f} %"
    return LearnedTone(tone, shape.cycles, snr, shape.spread, _confidence(shape), remark)


def _confidence(shape: _Shape) -> float:
    """1 for enough cycles, a good signal-to-noise ratio and times that agree."""
    slow = shape.pause >= LONG_PAUSE_MS
    wanted = CONTINUOUS_MS / 1000 if not shape.times else 1 if shape.steps_hz else 2 if slow else 3
    snr = 10 * np.log10(shape.power / shape.rest)
    if snr < LEAST_SNR_DB:
        return 0.0
    share = min(1.0, shape.cycles / wanted) * min(1.0, snr / GOOD_SNR_DB)
    return round(float(share * (1 - min(1.0, shape.spread / SAME_SHARE) / 2)), 2)
