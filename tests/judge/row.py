"""Room: one line of the judges' table.  Measures nothing itself."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "fail", "info"]


@dataclass(frozen=True, slots=True)
class Row:
    """What was asked, what ours did, what the rival did in the same run.

    ``limit`` is the figure asked for (None: only shown), reached when ours is at least it
    (``better`` "high") or at most it ("low").  ``theirs`` is None where the rival has nothing
    of the kind; ``rival`` names it.  ``synthetic`` is the share of made sound, 0..1.
    ``ahead`` asks that ours is also no worse than theirs.  ``ratio``: ours is already a ratio of
    the two, so theirs is 1 by itself and tells nothing of what the rival reaches.
    """

    group: str
    name: str
    unit: str
    ours: float | None
    theirs: float | None = None
    limit: float | None = None
    better: Literal["high", "low"] = "high"
    ahead: bool = False
    rival: str = "libspandsp"
    synthetic: float = 1.0
    source: str = ""  # of the limit: standard and clause, or `chosen`
    note: str = ""
    ratio: bool = False

    def reaches(self, value: float | None, than: float) -> bool:
        if value is None:
            return False
        return value >= than if self.better == "high" else value <= than

    @property
    def compared(self) -> bool:
        """Whether the row asks something, and the rival was measured by itself."""
        return self.verdict != "info" and self.theirs is not None and not self.ratio

    @property
    def verdict(self) -> Verdict:
        """fail: the limit is missed, or ours is behind where it must not be."""
        if self.limit is None and not (self.ahead and self.theirs is not None):
            return "info"
        good = self.limit is None or self.reaches(self.ours, self.limit)
        if self.ahead and self.theirs is not None:
            good = good and self.reaches(self.ours, self.theirs)
        return "pass" if good else "fail"
