"""Room: the six groups of checks as plain async functions.  No check lives here."""

from collections.abc import Awaitable, Callable

from cti_board.testing.registry import GROUPS
from cti_board.testing.rig import Rig
from cti_board.testing.runner import Result, run_checks

GroupFunction = Callable[[Rig], Awaitable[list[Result]]]


async def check_board(rig: Rig) -> list[Result]:
    """What the board says of itself, opening and closing, its sample clock."""
    return await run_checks(rig, "board.*")


async def check_media(rig: Rig) -> list[Result]:
    """Playing, recording, tones, digits and the detectors."""
    return await run_checks(rig, "media.*")


async def check_line(rig: Rig) -> list[Result]:
    """Hook, ringing, flash, pulses, polarity, feed; E1 bits and alarms."""
    return await run_checks(rig, "line.*")


async def check_call(rig: Rig) -> list[Result]:
    """Calls in and out through trunk groups: numbers, causes, who cleared."""
    return await run_checks(rig, "call.*")


async def check_switch(rig: Rig) -> list[Result]:
    """Who hears whom: cross-connects and conferences."""
    return await run_checks(rig, "switch.*")


async def check_faults(rig: Rig) -> list[Result]:
    """Faults of line and exchange: reported, and the next call works."""
    return await run_checks(rig, "faults.*")


BY_GROUP: dict[str, GroupFunction] = dict(
    zip(GROUPS, (check_board, check_media, check_line, check_call, check_switch, check_faults),
        strict=True)
)
