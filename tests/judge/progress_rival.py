"""Room: libspandsp's cadence tables for the judges of call progress: the same national tones,
written down as well as its receiver can use them.  Judges nothing; must not know the product.

Its super_tone_rx knows a tone by the least and most time of each element, and measures times in
blocks of 128 samples.  A table that asks for exactly the tolerance of a standard leaves it no room
for its own step, and a long table may hide a tone behind another; so there are several tables, and
the better figure counts.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.judge import oracle
from tests.judge.national_tones import Shape
from tests.judge.oracle import Element
from tests.judge.signals2 import Linear, theirs

Table = dict[str, list[Element]]
Found = list[list[Any]]

SHARE = 0.1  # GB/T 3380: times +-10 %
BLOCK_MS = 16.0  # 128 samples: what its receiver measures times in
LEAST_MS = 30.0  # chosen: a tenth of a burst of 100 ms is less than one block
STEADY_MS = 1300.0  # a steady tone is longer than any burst: China's longest of 1 s and some
Slack = Callable[[float], float]


def narrow(ms: float) -> float:
    """The standard's tolerance and nothing else."""
    return SHARE * ms


def wide(ms: float) -> float:
    """The standard's tolerance, 30 ms at least, and a block of the receiver's."""
    return max(SHARE * ms, LEAST_MS) + BLOCK_MS


def widest(ms: float) -> float:
    """Two blocks: a burst's begin and its end may both fall within one."""
    return wide(ms) + BLOCK_MS


SLACKS = (narrow, wide, widest)


def elements(of: Shape, slack: Slack = narrow, steady_ms: float = STEADY_MS) -> list[Element]:
    """One tone: (f1, f2, least ms, most ms) of each burst and pause; most 0 = without end."""
    def between(hz: Sequence[float], ms: float) -> Element:
        first, second = (int(hz[0]) if hz else 0), (int(hz[1]) if len(hz) > 1 else 0)
        return first, second, max(int(ms - slack(ms)), 1), int(ms + slack(ms))

    if not of.on_off_ms:
        return [(*between(of.hz, 0.0)[:2], int(steady_ms), 0)]
    rows: list[Element] = []
    for index, (on, off) in enumerate(of.on_off_ms):
        rows.append(between((of.steps_hz[index],) if of.steps_hz else of.hz, on))
        rows += [between((), off)] if off else []
    return rows


def table(tones: Mapping[str, Shape], slack: Slack) -> Table:
    """A plan of tones; a steady tone is longer than the plan's longest burst may be."""
    bursts = [on for of in tones.values() for on, _ in of.on_off_ms]
    steady = max([STEADY_MS, *(on + slack(on) + BLOCK_MS for on in bursts)])
    return {name: elements(of, slack, steady) for name, of in tones.items()}


def tables(tones: Mapping[str, Shape], without: Sequence[str] = ("sit",)) -> list[Table]:
    """By each of SLACKS; each also without the tones named, where it has them: a rival that need
    not tell them hears the others better."""
    found = [table(tones, slack) for slack in SLACKS]
    if set(without) & set(tones):
        fewer = {name: of for name, of in tones.items() if name not in without}
        found += [table(fewer, slack) for slack in SLACKS]
    return found


def heard(sounds: Sequence[Linear], of: Sequence[Table]) -> list[Found]:
    """What the rival finds in each sound, by each table."""
    return [theirs(oracle.tones_heard, sounds, one) for one in of]
