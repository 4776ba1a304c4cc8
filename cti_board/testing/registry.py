"""Room: the list of all checks: what each is called, needs and verifies.  Must not run any.

Checks enter themselves with the `check` decorator; a check that is meant for several line types
is entered once for each, as ``media.play_exact.fxo``, ``media.play_exact.fxs`` ...
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cti_board.signalling.port import LineType

if TYPE_CHECKING:
    from cti_board.testing.bench import Bench

CheckFunction = Callable[["Bench"], Awaitable[None]]
GROUPS = ("board", "media", "line", "call", "switch", "faults")
SHORT = {LineType.FXO: "fxo", LineType.FXS: "fxs", LineType.E1_CAS: "e1"}
EACH = (LineType.FXO, LineType.FXS, LineType.E1_CAS)
LIMIT_S = 120.0  # chosen: no check has reason to take two minutes of the board's time


@dataclass(frozen=True, slots=True)
class Check:
    """One small check.

    ``line``: the type of channel that it is about, None for the board as a whole.  ``need``: the
    capability (a name without CTB_CAP_) that this channel or board must declare, "" none.
    """

    id: str
    line: LineType | None
    need: str
    verifies: str
    run: CheckFunction

    @property
    def group(self) -> str:
        return self.id.partition(".")[0]


CHECKS: dict[str, Check] = {}


def check(name: str, *lines: LineType, need: str = "") -> Callable[[CheckFunction], CheckFunction]:
    """Enter a check.  Its docstring's first line is what it verifies; ValueError without one."""

    def enter(function: CheckFunction) -> CheckFunction:
        verifies = (function.__doc__ or "").strip().partition("\n")[0]
        if not verifies or name.partition(".")[0] not in GROUPS:
            raise ValueError(f"{name}: a check has a group of {GROUPS} and a docstring")
        for line in lines or (None,):
            full = f"{name}.{SHORT[line]}" if line is not None and len(lines) > 1 else name
            if full in CHECKS:
                raise ValueError(f"{full} is entered twice")
            CHECKS[full] = Check(full, line, need, verifies, function)
        return function

    return enter


def all_checks() -> dict[str, Check]:
    """Every check by its id, in the order in which they should run."""
    from importlib import import_module

    for module in ("board", "media", "detect", "line", "cas", "call", "switch", "faults"):
        import_module(f"cti_board.testing.checks.{module}")
    return dict(sorted(CHECKS.items(), key=lambda item: GROUPS.index(item[1].group)))
