"""Room: which special information tone three bursts are.  Must not know calls, channels or banks.

ITU-T E.180/Q.35: 950, 1400 and 1800 Hz (+-50), 330 ms each (+-70).  North America codes the cause
in the length (274 or 380 ms) and the frequency (low or high) of the first two bursts (Telcordia
SR-2275, section 6.21).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

SitKind = Literal[
    "standard",
    "vacant_code",
    "intercept",
    "no_circuit",
    "no_circuit_distant",
    "reorder",
    "reorder_distant",
    "ineffective",
    "unassigned",
]

BANDS_HZ = ((890.0, 1010.0), (1340.0, 1460.0), (1740.0, 1860.0))  # E.180, with 10 Hz more
STANDARD_HZ = (950.0, 1400.0)
NEAR_HZ = 14.0  # chosen: less than half way to North America's 914, 985, 1371 and 1429 Hz
LONG_MS = 327  # half way between 274 and 380 ms
SHORTEST_MS, LONGEST_MS = 200, 480  # chosen: E.180 330 +-70 ms, and what a detector may be off
MOST_GAP_MS = 120  # chosen: the standard has no pauses; old announcement machines have some

# (first is long, first is high, second is long, second is high)
_KINDS: dict[tuple[bool, bool, bool, bool], SitKind] = {
    (True, True, False, False): "vacant_code",
    (False, False, False, False): "intercept",
    (True, True, True, True): "no_circuit",
    (True, False, True, False): "no_circuit_distant",
    (False, False, True, True): "reorder",
    (False, True, True, False): "reorder_distant",
    (True, False, False, True): "ineffective",
    (False, True, False, True): "unassigned",
}


class Burst(NamedTuple):
    """A steady tone in samples of the line; ``hz`` 0: two frequencies; ``end`` None: still on."""

    hz: float
    begin: int
    end: int | None


def is_sit(bursts: Sequence[Burst]) -> bool:
    """The last three bursts rise as a special information tone does; the third may be on."""
    if len(bursts) < len(BANDS_HZ):
        return False
    three = bursts[-len(BANDS_HZ) :]
    in_bands = all(low <= b.hz <= high for b, (low, high) in zip(three, BANDS_HZ, strict=True))
    return in_bands and all(
        a.end is not None
        and SHORTEST_MS <= _ms(a.end - a.begin) <= LONGEST_MS
        and _ms(b.begin - a.end) <= MOST_GAP_MS
        for a, b in pairwise(three)
    )


def may_be_sit(bursts: Sequence[Burst]) -> bool:
    """The last burst may be the first or the second of a special information tone."""
    return BANDS_HZ[0][0] <= bursts[-1].hz <= BANDS_HZ[0][1] or (
        len(bursts) > 1
        and all(
            low <= b.hz <= high for b, (low, high) in zip(bursts[-2:], BANDS_HZ[:2], strict=True)
        )
    )


def sit_kind(bursts: Sequence[Burst]) -> SitKind:
    """Of three bursts for which `is_sit`: the cause that North America codes, else standard."""
    first, second = bursts[-3], bursts[-2]
    if all(abs(b.hz - hz) <= NEAR_HZ for b, hz in zip((first, second), STANDARD_HZ, strict=True)):
        return "standard"
    code = (
        _is_long(first),
        first.hz > STANDARD_HZ[0],
        _is_long(second),
        second.hz > STANDARD_HZ[1],
    )
    return _KINDS.get(code, "standard")  # the other eight mean nothing


def _is_long(burst: Burst) -> bool:
    end = burst.begin if burst.end is None else burst.end
    return _ms(end - burst.begin) >= LONG_MS


def _ms(samples: int) -> float:
    return samples / 8
