"""Room: what the world's administrations ask of a DTMF receiver.  Data only.

Quantities: frequencies in percent, levels in dBm of each tone, twist in dB (high: the high tone
is stronger), times in ms.  "accept" and "found" must be heard, "gone" and "none" must not.
Where a column says nothing there is no limit; between two columns of one receiver lies a gap in
which nothing is tested.

One pair contradicts: NTT must not hear -29 dBm, the MT8870 chip hears it; that limit of the chip
is left out, and its twist is only shown, since no administration asks for it (`shown`).
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Column:
    """One administration: `variant` is the name of its limits in the product."""

    title: str
    variant: str
    limits: dict[str, float]
    extra_hz: float = 0.0  # added to the accepted frequency error
    shown: frozenset[str] = frozenset()  # measured, not asked


BETTER: dict[str, Literal["high", "low"]] = {
    "frequency accepted": "high", "frequency gone": "low", "level highest": "high",
    "level lowest": "low", "level gone": "high", "twist high": "high", "twist low": "high",
    "tone found": "low", "tone none": "high", "break bridged": "high", "pause seen": "low",
    "cycle": "low",
}
UNIT = {
    "frequency accepted": "%", "frequency gone": "%", "level highest": "dBm0",
    "level lowest": "dBm0", "level gone": "dBm0", "twist high": "dB", "twist low": "dB",
    "tone found": "ms", "tone none": "ms", "break bridged": "ms", "pause seen": "ms",
    "cycle": "ms/digit",
}

COLUMNS = (
    Column("Q.24 AT&T", "att", {
        "frequency accepted": 1.5, "frequency gone": 3.5, "level highest": 0, "level lowest": -25,
        "level gone": -55, "twist high": 4, "twist low": 8, "tone found": 40, "tone none": 23,
        "pause seen": 40, "break bridged": 10, "cycle": 93}),
    Column("Q.24 NTT", "ntt", {
        "frequency accepted": 1.8, "frequency gone": 3.0, "level highest": -3, "level lowest": -24,
        "level gone": -29, "twist high": 5, "twist low": 5, "tone found": 40, "tone none": 24,
        "pause seen": 30, "break bridged": 10, "cycle": 120}),
    Column("Q.24 Denmark", "dk", {
        "frequency accepted": 1.5, "level highest": -2, "level lowest": -27, "level gone": -36,
        "twist high": 6, "twist low": 6, "tone found": 40, "tone none": 20, "pause seen": 40,
        "break bridged": 20, "cycle": 100}, extra_hz=2),
    Column("Q.24 Australia", "au", {
        "frequency accepted": 1.5, "frequency gone": 7.0, "level highest": -5, "level lowest": -27,
        "level gone": -30, "twist high": 10, "twist low": 10, "tone found": 40, "tone none": 25,
        "pause seen": 70, "break bridged": 12, "cycle": 125}, extra_hz=4),
    Column("Q.24 Brazil", "br", {
        "frequency accepted": 1.8, "frequency gone": 3.0, "level highest": -3, "level lowest": -25,
        "level gone": -50, "twist high": 9, "twist low": 9, "tone found": 40, "tone none": 20,
        "pause seen": 30, "break bridged": 10, "cycle": 120}),
    Column("ETSI ES 201 235-3", "etsi", {
        "frequency accepted": 1.5, "twist high": 6, "twist low": 6, "tone found": 40,
        "tone none": 20, "pause seen": 40, "break bridged": 20}, extra_hz=2),
    Column("China YDN 065", "cn", {
        "frequency accepted": 1.8, "frequency gone": 3.0, "level highest": -4, "level lowest": -23,
        "level gone": -31, "twist high": 6, "twist low": 6, "tone found": 40, "tone none": 30}),
    Column("MT8870D chip", "itu", {
        "frequency accepted": 1.5, "frequency gone": 3.5, "level highest": 1,
        "twist high": 8, "twist low": 8, "tone found": 40, "tone none": 20, "pause seen": 40,
        "break bridged": 20}, extra_hz=2,
        shown=frozenset({"twist high", "twist low"})),
)

# asked of the default: the stricter of both columns of ITU-T Q.24, and what we chose beyond
DEFAULT = {
    "frequency accepted": (1.8, "Q.24 NTT"), "frequency gone": (3.0, "Q.24 NTT"),
    "level highest": (0.0, "Q.24 AT&T"), "level lowest": (-25.0, "Q.24 AT&T"),
    "level gone": (-29.0, "Q.24 NTT"), "twist high": (6.0, "chosen: most columns"),
    "twist low": (8.5, "chosen: Q.24 AT&T and half a dB"), "tone found": (40.0, "Q.24"),
    "tone none": (24.0, "Q.24 NTT"), "break bridged": (10.0, "Q.24"),
    "pause seen": (30.0, "Q.24 NTT"), "cycle": (93.0, "Q.24 AT&T"),
}
