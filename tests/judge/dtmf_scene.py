"""Room: what the DTMF judge plays, and how it counts what was heard.  Knows no limit and no
standard; must not share a generator with the product.

A scene is sixteen lines, one for each key, cut into cells of one trial each.  A trial is one key,
sent in bursts; phases, the place in the cell and the noise are drawn from a seed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.judge import oracle, signals
from tests.judge.signals import HIGH_HZ, KEYS, LOW_HZ, RATE, Law, Pcm, samples

LINES = len(KEYS)
LEAD_MS = 60.0  # of a cell, before the key; up to 20 ms more by chance
TAIL_MS = 120.0  # after the key: longer than any column's time to see its end
WARM_UP_MS = 500.0  # before the first cell: what is steady may be learned
LINE_NOISE_DBM0 = -65.0  # chosen: a quiet line
LOOK_BACK = (1, 2, 4)  # steps; chosen: holes lie near the edge
SIGNS = ((1, 1), (1, -1), (-1, 1), (-1, -1))


class Heard(NamedTuple):
    """A digit as a receiver told it; twist None where it does not tell."""

    line: int
    key: str
    begin: int
    end: int | None
    level_dbm0: float
    twist_db: float | None


Receiver = Callable[[Pcm], list[Heard]]


class NoDetectorError(RuntimeError):
    """The detector of the product has no Python face yet."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How each key is sent.  `bursts`: (on, off) in ms, one after another.

    Level of the stronger tone, twist high over low in dB.  Frequency errors: percent of each tone
    with its signs by trial (`signs`, (low, high), 0 = that tone is right), and Hz on top of it.
    Noise is white, 0 to 4 kHz; `noise_when`: there all the time, or with the key alone.
    `steady`: frequencies that stand on the line all the time, `steady_dbm0` each.
    """

    bursts: tuple[tuple[float, float], ...] = ((50.0, 0.0),)
    level_dbm0: float = -10.0
    twist_db: float = 0.0
    percent: float = 0.0
    hz: float = 0.0
    signs: tuple[tuple[int, int], ...] = SIGNS
    noise_dbm0: float = LINE_NOISE_DBM0
    noise_when: Literal["always", "with"] = "always"
    noise_band_hz: tuple[float, float] | None = None
    steady: tuple[float, ...] = ()
    steady_dbm0: float = -120.0
    third: bool = False  # a third tone with the key, 300 to 3400 Hz away from its tones
    third_dbm0: float = -120.0
    warm_up_ms: float = WARM_UP_MS
    law: Law = "alaw"


@dataclass(frozen=True)
class Scene:
    """`pcm` (16, samples) with one trial of key k on line k in each cell."""

    pcm: Pcm
    begins: NDArray[np.int64]  # (16, trials): first sample of the key
    ends: NDArray[np.int64]  # (16, trials): one past its last
    cell: int  # samples
    start: int  # of the first cell
    trial: Trial
    group: NDArray[np.int64] = field(repr=False)  # (trials,): index into trial.signs

    @property
    def trials(self) -> int:
        return int(self.begins.shape[1])


def _tones(trial: Trial, group: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Frequencies of both tones, (16, trials)."""
    signs = np.asarray(trial.signs, float)[group]  # (trials, 2)
    made = []
    for tone, table in ((0, LOW_HZ), (1, HIGH_HZ)):
        right = np.array([table[divmod(k, 4)[tone]] for k in range(LINES)])[:, None]
        sign = signs[None, :, tone]
        made.append(right * (1 + sign * trial.percent / 100) + sign * trial.hz)
    return made[0], made[1]


def _third_hz(rng: np.random.Generator, low: NDArray[Any], high: NDArray[Any]) -> NDArray[Any]:
    """A frequency of the telephone band for each trial, 12 % and more away from both tones."""
    hz = rng.uniform(300, 3400, low.shape)
    for _ in range(50):
        near = (np.abs(hz / low - 1) < 0.12) | (np.abs(hz / high - 1) < 0.12)
        hz = np.where(near, rng.uniform(300, 3400, low.shape), hz)
    return hz


def _mask(trial: Trial, cell: int, offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where the key is on, (16, trials, cell)."""
    at = np.arange(cell)[None, None, :] - offsets[:, :, None]
    on = np.zeros(at.shape, bool)
    begin = 0.0
    for on_ms, off_ms in trial.bursts:
        on |= (at >= samples(begin)) & (at < samples(begin + on_ms))
        begin += on_ms + off_ms
    return on


def _cell_ms(trial: Trial) -> float:
    return LEAD_MS + 20 + sum(on + off for on, off in trial.bursts) + TAIL_MS


def length(trial: Trial, trials: int) -> int:
    """Samples of a scene."""
    return samples(trial.warm_up_ms) + trials * samples(_cell_ms(trial))


def make(
    trial: Trial, trials: int, seed: int, under: NDArray[np.float64] | None = None
) -> Scene:
    """The scene; the same for the same arguments.  `under`: sound below the keys, (16, samples)
    and at least as long as the scene."""
    rng = np.random.default_rng(seed)
    key_ms = sum(on + off for on, off in trial.bursts) - trial.bursts[-1][1]
    cell, start = samples(_cell_ms(trial)), samples(trial.warm_up_ms)
    offsets = samples(LEAD_MS) + rng.integers(0, samples(20), (LINES, trials))
    group = np.arange(trials) % len(trial.signs)
    low, high = _tones(trial, group)
    t = np.arange(cell)[None, None, :] / RATE
    phase = rng.uniform(0, 2 * np.pi, (3, LINES, trials, 1))
    low_dbm0 = trial.level_dbm0 + min(0.0, -trial.twist_db)
    sound = signals.peak(low_dbm0) * np.sin(2 * np.pi * low[..., None] * t + phase[0])
    sound += signals.peak(low_dbm0 + trial.twist_db) * np.sin(
        2 * np.pi * high[..., None] * t + phase[1]
    )
    if trial.third:
        hz = _third_hz(rng, low, high)[..., None]
        sound += signals.peak(trial.third_dbm0) * np.sin(2 * np.pi * hz * t + phase[2])
    on = _mask(trial, cell, offsets)
    sound *= on
    if trial.noise_when == "with":
        sound += on * signals.white(rng, on.shape, trial.noise_dbm0)
    begins = start + cell * np.arange(trials)[None, :] + offsets
    line = np.concatenate([np.zeros((LINES, start)), sound.reshape(LINES, -1)], axis=1)
    _add_steady(line, trial, rng)
    if under is not None:
        line += under[:, : line.shape[1]]
    pcm = signals.through(line, trial.law)
    return Scene(pcm, begins, begins + samples(key_ms), cell, start, trial, group)


def _add_steady(line: NDArray[np.float64], trial: Trial, rng: np.random.Generator) -> None:
    """Noise and tones that stand on the line all the time, in place."""
    floor = trial.noise_dbm0 if trial.noise_when == "always" else LINE_NOISE_DBM0
    if trial.noise_band_hz is None:
        line += signals.white(rng, line.shape, floor)
    else:
        line += signals.band_noise(rng, line.shape, floor, *trial.noise_band_hz)
    t = np.arange(line.shape[1]) / RATE
    for hz in trial.steady:
        shift = rng.uniform(0, 2 * np.pi, (LINES, 1))
        line += signals.peak(trial.steady_dbm0) * np.sin(2 * np.pi * hz * t + shift)


# ---- receivers ----


def ours(limits: Any = "itu") -> Receiver:
    """The product's receiver with a variant's limits.  NoDetectorError."""
    if find_spec("cti_board.dsp.dtmf") is None:
        raise NoDetectorError("cti_board.dsp.dtmf is not there yet")
    find_digits = import_module("cti_board.dsp.dtmf").find_digits

    def hear(pcm: Pcm) -> list[Heard]:
        return [
            Heard(d.line, d.key, d.begin, d.end, d.level_dbm0, d.twist_db)
            for d in find_digits(pcm, limits)
        ]

    return hear


def theirs(**params: Any) -> Receiver:
    """libspandsp's receiver; params as `oracle.dtmf_heard`.  Its times are those of its reports,
    its level that of both tones together."""

    def hear(pcm: Pcm) -> list[Heard]:
        spans = oracle.dtmf_heard(pcm, **params)
        return [Heard(s.line, s.what, s.begin, s.end, s.level, None) for s in spans]

    return hear


# ---- counting ----


def by_cell(scene: Scene, heard: Sequence[Heard]) -> list[list[list[Heard]]]:
    """Digits of each line and trial, by where they begin; [line][trial].  A digit in the lead-in
    belongs to the first trial: nothing is heard for nothing."""
    cells: list[list[list[Heard]]] = [[[] for _ in range(scene.trials)] for _ in range(LINES)]
    for digit in heard:
        place = (digit.begin - scene.start) // scene.cell
        cells[digit.line][min(max(place, 0), scene.trials - 1)].append(digit)
    return cells


def found(scene: Scene, heard: Sequence[Heard], times: int = 1) -> float:
    """Share of trials with exactly the key sent, `times` times; the worst of the sign groups."""
    cells = by_cell(scene, heard)
    right = np.array([
        [[d.key for d in cell] == [KEYS[line]] * times for cell in row]
        for line, row in enumerate(cells)
    ])
    return _worst(right, scene, min)


def taken(scene: Scene, heard: Sequence[Heard]) -> float:
    """Share of trials in which any digit was heard; the worst of the sign groups."""
    any_digit = np.array([[bool(cell) for cell in row] for row in by_cell(scene, heard)])
    return _worst(any_digit, scene, max)


def _worst(hit: NDArray[np.bool_], scene: Scene, worst: Callable[[list[float]], float]) -> float:
    groups = range(len(scene.trial.signs)) if scene.trial.percent or scene.trial.hz else [None]
    return worst([
        float(np.mean(hit if g is None else hit[:, scene.group == g])) for g in groups
    ])


def edge(
    good: Callable[[float], bool], easy: float, hard: float, step: float, looks: int = 5
) -> float | None:
    """The last place from `easy` towards `hard` up to which all is good, to `step`.

    Looks at `looks` places first, then halves, then looks back from what it found, so that a
    hole on the way is not jumped over.  None: not even the easiest place is good.
    """
    count = round(abs(hard - easy) / step)
    sign = step if hard > easy else -step
    known: dict[int, bool] = {}

    def good_at(place: int) -> bool:
        if place not in known:
            known[place] = good(easy + sign * place)
        return known[place]

    if not good_at(0):
        return None
    low, high = 0, count + 1
    for place in sorted({round(count * n / looks) for n in range(1, looks + 1)}):
        if not good_at(place):
            high = place
            break
        low = place
    while True:
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if good_at(middle) else (low, middle)
        holes = [low - back for back in LOOK_BACK if low > back and not good_at(low - back)]
        if not holes:
            return round(easy + sign * low, 6)
        high = min(holes)
        low = max(place for place, well in known.items() if well and place < high)
