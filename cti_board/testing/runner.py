"""Room: runs checks against a rig and says what came out.  Must not know what a check does.

Four outcomes: pass; fail (the board is wrong, with the reason); not supported (the board does not
declare it, and refuses it as it should); can't tell (the rig, or the check itself, could not show
it).  A ledger of known gaps is strict: an entry that passes is an error, too.
"""

import asyncio
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path

from cti_board.board import Board
from cti_board.channel import Channel
from cti_board.errors import CtiError, NotSupportedError
from cti_board.loop import running
from cti_board.signalling.port import LineType
from cti_board.testing.bench import IDLE, Bench, CantTell, CheckFailed
from cti_board.testing.registry import LIMIT_S, SHORT, Check, all_checks
from cti_board.testing.rig import Rig


class Status(Enum):
    PASS = "pass"
    FAIL = "fail"
    NOT_SUPPORTED = "not supported"
    CANT_TELL = "can't tell"


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found.  ``measured``: differences from the declared or expected values."""

    id: str
    status: Status
    reason: str = ""
    measured: Mapping[str, float] = field(default_factory=dict)
    known: bool = False  # the ledger says so

    def __str__(self) -> str:
        return f"{self.id}: {self.status.value}" + (f": {self.reason}" if self.reason else "")


# what a channel must refuse when it does not declare the capability
REFUSED: dict[str, Callable[[Channel], object]] = {
    "RING": lambda c: c.ring(1000, 4000),
    "FLASH": lambda c: c.flash(100),
    "WINK": lambda c: c.wink(200),
    "PULSE_DIAL": lambda c: c.send_digits("1", pulse=True),
    "POLARITY": lambda c: c.reverse_polarity(True),
    "LOOP_BREAK": lambda c: c.loop_break(400),
    "CAS": lambda c: c.set_cas(IDLE),
    "GAIN": lambda c: c.set_gain(0.0, 0.0),
    "ALARMS": lambda c: c.span.alarms,
}
REPORTED_ONLY = {("POLARITY", LineType.FXO), ("LOOP_BREAK", LineType.FXO)}  # nothing to refuse


def _declares(bench: Bench, check: Check) -> bool:
    if not check.need:
        return True
    if check.line is None:
        return bench.declares(check.need)
    return bench.declares(check.need, bench.channel) or (
        check.need == "ALARMS" and bench.declares(check.need)
    )


def _refuses(bench: Bench, check: Check) -> None:
    """Undeclared: the command must raise NotSupportedError, at once and by itself."""
    if check.line is None or (check.need, check.line) in REPORTED_ONLY:
        return
    try:
        REFUSED[check.need](bench.channel)
    except NotSupportedError:
        return
    raise CheckFailed(f"{check.need} is not declared, but the command for it is not refused")


async def _run(rig: Rig, check: Check, board: Board) -> Result:
    bench = Bench(rig, board, check.line)
    if check.line is not None and not [c for c in board.channels if c.line_type is check.line]:
        return Result(check.id, Status.NOT_SUPPORTED, f"no {SHORT[check.line]} channel")
    if not _declares(bench, check):
        _refuses(bench, check)
        return Result(check.id, Status.NOT_SUPPORTED, f"{check.need} is not declared, and refused")
    await check.run(bench)
    failed = [e for e in board.loop.pump.failed if e.board == board.number]
    if len(failed) > bench.may_fail:
        raise CheckFailed(f"the driver refused a command: {failed[0]}")
    return Result(check.id, Status.PASS, "", bench.measured)


def _open_media() -> int:
    stats = running().engine.stats()
    return stats["players"] + stats["recorders"]


async def run_check(rig: Rig, check: Check) -> Result:
    """One check on a freshly opened board.  Never raises on account of the board."""
    before = _open_media()
    running().pump.failed.clear()
    try:
        async with asyncio.timeout(LIMIT_S), rig.board() as board:
            result = await _run(rig, check, board)
        await asyncio.sleep(0)
        if result.status is Status.PASS and _open_media() > before:
            return Result(check.id, Status.FAIL, "a player or recorder is left after close")
        return result
    except CheckFailed as error:
        return Result(check.id, Status.FAIL, str(error))
    except CantTell as error:
        return Result(check.id, Status.CANT_TELL, str(error))
    except (CtiError, TimeoutError) as error:
        return Result(check.id, Status.FAIL, f"{type(error).__name__}: {error}")
    except Exception as error:  # the check broke: that says nothing of the board
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = f"the check broke: {error!r} ({Path(where.filename).name}:{where.lineno})"
        return Result(check.id, Status.CANT_TELL, text)


def selected(patterns: Iterable[str]) -> list[Check]:
    """Checks whose id fits one of the patterns (``media.*``); ValueError for one that fits none."""
    checks = all_checks()
    for pattern in (patterns := list(patterns)):
        if not any(fnmatchcase(name, pattern) for name in checks):
            raise ValueError(f"no check is called {pattern!r}")
    return [c for c in checks.values() if any(fnmatchcase(c.id, p) for p in patterns)]


async def run_checks(
    rig: Rig, *patterns: str, ledger: Mapping[str, str] | None = None
) -> list[Result]:
    """Run the checks that fit the patterns (none: all) and return what each found.

    With a ledger, a failure that it names is ``known``, and what it names without need becomes a
    failure.
    """
    results = [await run_check(rig, check) for check in selected(patterns or ("*",))]
    return [held_against(ledger or {}, result) for result in results]


def held_against(ledger: Mapping[str, str], result: Result) -> Result:
    """The result as it counts when these gaps are known."""
    if result.id not in ledger:
        return result
    if result.status is Status.FAIL:
        reason = f"{result.reason} (known: {ledger[result.id]})"
        return Result(result.id, result.status, reason, result.measured, known=True)
    reason = f"the ledger has it, but the outcome is {result.status.value}: take it out"
    return Result(result.id, Status.FAIL, reason, result.measured)


def read_ledger(path: Path) -> dict[str, str]:
    """``check id: reason`` a line, # begins a comment; ValueError names file, line and fault."""
    known, ledger = all_checks(), dict[str, str]()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        name, colon, reason = (part.strip() for part in text.partition(":"))
        where = f"{path}:{number}"
        if not colon or not reason:
            raise ValueError(f"{where}: should be `check id: reason`")
        if name not in known:
            raise ValueError(f"{where}: there is no check {name!r}")
        if name in ledger:
            raise ValueError(f"{where}: {name} is there twice")
        ledger[name] = reason
    return ledger


def table(results: Iterable[Result]) -> str:
    """For a person: one line a check, and the counts."""
    rows = list(results)
    count = {status: sum(1 for r in rows if r.status is status) for status in Status}
    lines = []
    for r in rows:
        figures = " ".join(f"{name}={value:g}" for name, value in r.measured.items())
        lines.append(f"{r.status.value:14} {r.id:34} {r.reason or figures}".rstrip())
    lines.append(", ".join(f"{n} {status.value}" for status, n in count.items() if n))
    return "\n".join(lines)
