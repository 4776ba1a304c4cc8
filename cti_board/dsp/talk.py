"""Room: who talks and when: talk found in sound, and what two directions of a call make together.
Must not know boards, channels or calls.

What: `find_talk` marks the talk of each line; `TalkMeter` listens to both directions of one call
and adds up talk, talk-over (both at once) and dead air (nobody).
How: the C bank of the media plane; a talk is given back from its first loud step to its last one,
not to the end of the hangover.

Limits: tones and music that pause are talk; a steady sound is talk for its first four seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from cti_board._native._media import ffi, lib
from cti_board.dsp.lanes import FRAME, RATE, Bank, Hit, Sound, end_within, rows, with_silence

STEP = RATE // 100  # the bank's steps, 10 ms
MS = RATE // 1000
BEGIN = int(lib.CTB_EV_TALK_BEGIN)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TalkLimits:
    """When sound is talk: loud for ``min_ms`` at ``on_dbm0``, quiet for ``hang_ms`` under
    ``off_dbm0``; both levels move up with the line's own noise.  ValueError for levels outside
    -90..3 dBm0, a lower ``on_dbm0`` than ``off_dbm0``, times outside 10..60000 ms."""

    on_dbm0: float = lib.ctb_talk_default.on_dbm0
    off_dbm0: float = lib.ctb_talk_default.off_dbm0
    min_ms: float = lib.ctb_talk_default.min_ms
    hang_ms: float = lib.ctb_talk_default.hang_ms

    def __post_init__(self) -> None:
        if not -90 <= self.off_dbm0 <= self.on_dbm0 <= 3:
            raise ValueError(f"-90 <= off <= on <= 3 dBm0: {self.off_dbm0}, {self.on_dbm0}")
        for name, value in (("min_ms", self.min_ms), ("hang_ms", self.hang_ms)):
            if not 10 <= value <= 60000:
                raise ValueError(f"{name} is 10..60000, not {value}")


@dataclass(frozen=True, slots=True)
class Talk:
    """Talk on one line, in samples of it; ``end`` None = still on at the end of the sound.
    ``level_dbm0``: of the loud steps that began it."""

    line: int
    begin: int
    end: int | None
    level_dbm0: float


class TalkFinder:
    """The bank with its hits made into talks; keeps its state from `feed` to `feed`."""

    def __init__(self, lines: int = 1, limits: TalkLimits | None = None) -> None:
        """ValueError for lines outside 1..16."""
        limits = limits or TalkLimits()
        self._lead = int(max(1, limits.min_ms / 10 + 0.5)) * STEP
        self._open: dict[int, Talk] = {}
        self._bank = Bank("talk", lines, lambda bank, lane: _arm(bank, lane, limits))

    def feed(self, sound: Sound) -> list[Talk]:
        """Talks that ended in this piece (whole frames; the last one is filled with silence), in
        order of their end.  ValueError for another number of lines, for a piece after one that
        was not whole frames, and as `lanes.rows`."""
        return [talk for hit in self._bank.feed(sound) if (talk := self._take(hit)) is not None]

    def talking(self) -> list[Talk]:
        """Talks that go on, by line; `end` is None."""
        return [self._open[line] for line in sorted(self._open)]

    def _take(self, hit: Hit) -> Talk | None:
        if hit.kind == BEGIN:
            self._open[hit.line] = Talk(hit.line, hit.at - self._lead, None, hit.a / 100)
            return None
        begun = self._open.pop(hit.line)
        return Talk(hit.line, begun.begin, begun.begin + hit.a * MS, begun.level_dbm0)


def _arm(bank: Any, lane: int, limits: TalkLimits) -> None:
    wanted = ffi.new("ctb_talk_params_t *")
    for name in ("on_dbm0", "off_dbm0", "min_ms", "hang_ms"):
        setattr(wanted, name, getattr(limits, name))
    lib.ctb_talk_bank_arm(bank, lane, wanted)


def find_talk(sound: Sound, limits: TalkLimits | None = None) -> list[Talk]:
    """The talk of up to sixteen lines, by begin.  Silence is thought after the sound: talk that
    ends 10 ms (a step) before the last sample has its end.  ValueError as `lanes.rows`."""
    lines = rows(sound)
    limits = limits or TalkLimits()
    finder, samples = TalkFinder(len(lines), limits), lines.shape[1]
    padded = with_silence(lines, int(limits.hang_ms * MS) + FRAME)
    found = [
        replace(talk, end=end_within(talk.end, samples, STEP))
        for talk in finder.feed(padded) + finder.talking()
        if talk.begin < samples
    ]
    return sorted(found, key=lambda talk: (talk.begin, talk.line))


@dataclass(frozen=True, slots=True)
class TalkReport:
    """Two directions of one call, in samples; seconds and shares are made of them.

    ``rx`` is the far end's talk, ``tx`` ours; ``over``: both at once; ``dead``: nobody, each
    longer than the limit, counted from the first sample of the silence.
    """

    samples: int
    rx: tuple[Span, ...]
    tx: tuple[Span, ...]
    over: tuple[Span, ...]
    dead: tuple[Span, ...]

    @property
    def rx_s(self) -> float:
        return _seconds(self.rx)

    @property
    def tx_s(self) -> float:
        return _seconds(self.tx)

    @property
    def over_s(self) -> float:
        return _seconds(self.over)

    @property
    def dead_s(self) -> float:
        return _seconds(self.dead)

    @property
    def rx_share(self) -> float:
        """The far end's part of all talk, 0..1; 0.5 where nobody talked."""
        both = self.rx_s + self.tx_s
        return self.rx_s / both if both else 0.5


class TalkMeter:
    """Talk, talk-over and dead air of one call from both directions, fed side by side."""

    def __init__(self, dead_air_s: float = 3.0, limits: TalkLimits | None = None) -> None:
        """ValueError for a ``dead_air_s`` that is not above 0."""
        if not dead_air_s > 0:
            raise ValueError(f"dead_air_s is above 0, not {dead_air_s}")
        self._longest = round(dead_air_s * RATE)
        self._finder = TalkFinder(2, limits)
        self._done: list[Talk] = []
        self._samples = 0

    def feed(self, rx: Sound, tx: Sound) -> None:
        """The next piece of both, equally long; whole frames, except the last.
        ValueError for unequal lengths and as `lanes.rows`."""
        received, sent = rows(rx), rows(tx)
        if received.shape != sent.shape or len(received) != 1:
            raise ValueError(f"one line each way, equally long: {received.shape}, {sent.shape}")
        if self._samples % FRAME:
            raise ValueError(f"only the last piece may end inside a frame of {FRAME} samples")
        self._done += self._finder.feed(np.concatenate([received, sent]))
        self._samples += received.shape[1]

    def report(self) -> TalkReport:
        """What was heard so far; talk that goes on counts to the last sample."""
        talks = self._done + self._finder.talking()
        end = self._samples
        rx, tx = (
            _joined((t.begin, min(end, t.end or end)) for t in talks if t.line == line)
            for line in (0, 1)
        )
        over = _common(rx, tx)
        dead = tuple(gap for gap in _gaps((*rx, *tx), end) if gap[1] - gap[0] > self._longest)
        return TalkReport(end, rx, tx, over, dead)


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    out: list[Span] = []
    for begin, end in sorted(spans):
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((begin, end))
    return tuple(out)


def _common(a: Iterable[Span], b: tuple[Span, ...]) -> tuple[Span, ...]:
    found = ((max(x[0], y[0]), min(x[1], y[1])) for x in a for y in b)
    return tuple(sorted(span for span in found if span[0] < span[1]))


def _gaps(spans: Iterable[Span], end: int) -> list[Span]:
    edges = [(0, 0), *_joined(spans), (end, end)]
    return [(a[1], b[0]) for a, b in pairwise(edges) if a[1] < b[0]]


def _seconds(spans: Iterable[Span]) -> float:
    return sum(end - begin for begin, end in spans) / RATE
