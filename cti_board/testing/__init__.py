"""The conformance kit: what a driver's author runs against a board.

Write a `Rig` (a board, and a far end for each of its lines), then::

    from cti_board import run
    from cti_board.testing import SimRig, run_checks, table

    async def main():
        return await run_checks(SimRig("sim:fxo=2,fxs=3,e1=1"))

    print(table(run(main, clock="virtual")))

docs/conformance.md has the list of checks.  Importing this package imports nothing else: a name
is loaded when it is used, so that a test run which needs none of it does not pay for it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cti_board.testing.groups import (
        check_board,
        check_call,
        check_faults,
        check_line,
        check_media,
        check_switch,
    )
    from cti_board.testing.registry import Check, all_checks
    from cti_board.testing.rig import FarEnd, Faults, Hearing, Rig, Speaking
    from cti_board.testing.runner import (
        Result,
        Status,
        held_against,
        read_ledger,
        run_check,
        run_checks,
        selected,
        table,
    )
    from cti_board.testing.sim_rig import SimFarEnd, SimRig

_HOME = {
    "registry": ("Check", "all_checks"),
    "rig": ("FarEnd", "Faults", "Hearing", "Rig", "Speaking"),
    "runner": ("Result", "Status", "held_against", "read_ledger", "run_check", "run_checks",
               "selected", "table"),
    "sim_rig": ("SimFarEnd", "SimRig"),
    "groups": ("check_board", "check_call", "check_faults", "check_line", "check_media",
               "check_switch"),
}  # fmt: skip

__all__ = [
    "Check", "FarEnd", "Faults", "Hearing", "Result", "Rig", "SimFarEnd", "SimRig", "Speaking",
    "Status", "all_checks", "check_board", "check_call", "check_faults", "check_line",
    "check_media", "check_switch", "held_against", "read_ledger", "run_check", "run_checks",
    "selected", "table",
]  # fmt: skip


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        for module, names in _HOME.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
