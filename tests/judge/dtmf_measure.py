"""Room: measures one quantity of a DTMF receiver: how far it can be pushed until digits are lost,
or until they are gone.  Knows no limit; what is asked stands in dtmf_limits_table.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from tests.judge import dtmf_scene as scene_of
from tests.judge.dtmf_scene import Receiver, Trial

FOUND = 0.99  # share of digits that counts as heard
GONE = 0.01  # share that counts as not heard
SEED = 20_240_517  # chosen: any
SCENES = 48  # kept: the same places are looked at for every receiver; some 2 MB each
ALONE = ((1, 0), (-1, 0), (0, 1), (0, -1))  # one tone wrong, the other right


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value is pushed from `easy` to `hard` in `step`; `trial(value)` says what is sent.

    `times`: how often the key must be found; 0: it must not be heard at all.
    """

    trial: Callable[[float], Trial]
    easy: float
    hard: float
    step: float
    times: int = 1


def _bursts(*ms: float) -> tuple[tuple[float, float], ...]:
    return tuple(zip(ms[::2], ms[1::2], strict=True))


QUANTITIES = {
    "frequency accepted": Quantity(lambda v: Trial(percent=v), 0.25, 4, 0.05),
    "frequency gone": Quantity(
        lambda v: Trial(percent=v, signs=scene_of.SIGNS + ALONE), 5, 1, 0.05, times=0),
    "level highest": Quantity(lambda v: Trial(level_dbm0=v), -10, 3, 0.5),
    "level lowest": Quantity(lambda v: Trial(level_dbm0=v), -18, -48, 0.5),
    "level gone": Quantity(lambda v: Trial(level_dbm0=v), -62, -20, 0.5, times=0),
    "twist high": Quantity(lambda v: Trial(level_dbm0=-6, twist_db=v), 0, 16, 0.25),
    "twist low": Quantity(lambda v: Trial(level_dbm0=-6, twist_db=-v), 0, 16, 0.25),
    "tone found": Quantity(lambda v: Trial(bursts=_bursts(v, 0)), 60, 20, 0.5),
    "tone none": Quantity(lambda v: Trial(bursts=_bursts(v, 0)), 8, 45, 0.5, times=0),
    "break bridged": Quantity(lambda v: Trial(bursts=_bursts(60, v, 60, 0)), 1, 45, 0.5),
    "pause seen": Quantity(lambda v: Trial(bursts=_bursts(60, v, 60, 0)), 90, 8, 0.5, times=2),
    "cycle": Quantity(
        lambda v: Trial(bursts=_bursts(v / 2, v / 2, v / 2, v / 2, v / 2, v / 2)), 160, 50, 1,
        times=3),
}


@lru_cache(maxsize=SCENES)
def _scene(trial: Trial, trials: int) -> scene_of.Scene:
    return scene_of.make(trial, trials, SEED)


def enough(trial: Trial, trials: int) -> int:
    """Trials of a scene: with frequency errors each combination of signs is counted for itself,
    so each gets its share: of 24 trials, 7 (112 digits, of which one may be lost)."""
    signs = len(trial.signs)
    return signs * max(2, round(trials * 7 / 24)) if trial.percent or trial.hz else trials


def rate(trial: Trial, receiver: Receiver, trials: int, times: int = 1) -> float:
    """Share of digits found `times` times (0: share of trials with any digit)."""
    scene = _scene(trial, enough(trial, trials))
    heard = receiver(scene.pcm)
    return scene_of.found(scene, heard, times) if times else scene_of.taken(scene, heard)


def measure(
    quantity: Quantity, receiver: Receiver, trials: int, extra_hz: float = 0.0
) -> float | None:
    """The last value that is good, coming from the easy side; None where none is."""

    def good(value: float) -> bool:
        trial = quantity.trial(value)
        if extra_hz:
            trial = replace(trial, hz=extra_hz)
        share = rate(trial, receiver, trials, quantity.times)
        return share >= FOUND if quantity.times else share <= GONE

    return scene_of.edge(good, quantity.easy, quantity.hard, quantity.step)
