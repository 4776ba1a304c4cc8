"""Room: the judges' table as text, as JSON and as an exit code.  Measures nothing and judges
nothing: the verdict is the row's own.
"""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.judge.row import Row

PASS, FAIL, CANNOT_TELL = 0, 1, 2  # exit codes of `python -m tests.judge`
UNKNOWN = "can't tell"  # a note that begins so: the row could not be measured here
WIDTH = 168
COLOURS = {"pass": "green", "fail": "bold red", "info": "dim"}


def unknown(group: str, name: str, why: str) -> Row:
    """A row that could not be measured here: no figure, no verdict, and why."""
    return Row(group, name, "", None, note=f"{UNKNOWN}: {why}")


def blinded(row: Row, why: str) -> Row:
    """The row where the rival is not there: ours by itself, and why nothing is beside it."""
    if row.theirs is None or row.note.startswith(UNKNOWN):
        return row
    note = "; ".join(filter(None, [f"{UNKNOWN} libspandsp's: {why}", row.note]))
    return replace(row, theirs=None, note=note)


def absent(group: str, name: str, why: str, limit: float = 0.0) -> Row:
    """A row whose detector is not there yet: it fails, and says so."""
    return Row(group, name, "", None, limit=limit, note=why)


def figure(value: float | None) -> str:
    """A figure with the digits that matter; a dash for none."""
    if value is None:
        return "-"
    size = abs(value)
    if value == int(value) and size < 1e6:
        return f"{value:.0f}"
    return f"{value:.0f}" if size >= 1000 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def asked(row: Row) -> str:
    """What the row asks: its limit, and whether ours must not be behind."""
    parts = []
    if row.limit is not None:
        parts.append(("≥ " if row.better == "high" else "≤ ") + figure(row.limit))
    if row.ahead:
        parts.append("not behind")
    return ", ".join(parts)


def remark(row: Row) -> str:
    """The limit's source, the rival where it is another than the usual, and the note."""
    rival = f"rival: {row.rival}" if row.rival != "libspandsp" else ""
    return "; ".join(filter(None, [row.source, rival, row.note]))


def table(rows: Sequence[Row]) -> Table:
    """The one table: a line a row, in the order given."""
    out = Table(title="Ours beside libspandsp, on the same sound in the same run")
    for head, justify in (("group", "left"), ("what", "left"), ("unit", "left"), ("ours", "right"),
                          ("libspandsp", "right"), ("asked", "left"), ("verdict", "left"),
                          ("made", "right"), ("source, note", "left")):
        out.add_column(head, justify=justify, overflow="fold")  # type: ignore[arg-type]
    last = None
    for row in rows:
        if last not in (None, row.group):
            out.add_section()
        colour, last = COLOURS[row.verdict], row.group
        out.add_row(row.group, row.name, row.unit, figure(row.ours), figure(row.theirs),
                    asked(row), f"[{colour}]{row.verdict}[/]", f"{100 * row.synthetic:.0f} %",
                    remark(row))
    return out


def text(rows: Sequence[Row], width: int = WIDTH) -> str:
    """The table and its sums, as plain text."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(table(rows))
    console.print(summary_line(rows))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def meets(row: Row) -> tuple[bool, bool | None]:
    """Whether ours and the rival do what a row asks: the rival its limit, or not to be behind
    ours where there is none; None where it was not measured.  Of a row that only informs:
    (False, None)."""
    if row.verdict == "info":
        return False, None
    if not row.compared:
        return row.verdict == "pass", None
    than = row.limit if row.limit is not None else row.ours
    return row.verdict == "pass", than is None or bool(row.reaches(row.theirs, than))


def summary(rows: Sequence[Row]) -> dict[str, int]:
    """How many rows pass, fail, only inform, and could not be measured; how many ask for something
    (`judged`) and are met by ours; on how many of those the rival was measured by itself
    (`compared`), and how many of these each side meets."""
    counts = {verdict: sum(r.verdict == verdict for r in rows) for verdict in COLOURS}
    both = [meets(r) for r in rows if r.compared]
    return {
        **counts,
        "unknown": sum(r.note.startswith(UNKNOWN) for r in rows),
        "judged": counts["pass"] + counts["fail"],
        "met_ours": counts["pass"],
        "compared": len(both),
        "compared_ours": sum(ours for ours, _ in both),
        "compared_theirs": sum(bool(theirs) for _, theirs in both),
    }


def summary_line(rows: Sequence[Row]) -> str:
    """One sentence for the end of the table."""
    s = summary(rows)
    line = (f"{s['pass']} pass, {s['fail']} fail, {s['info']} for information; ours meets "
            f"{s['met_ours']} of the {s['judged']} rows that ask; of the {s['compared']} among "
            f"them on which libspandsp was measured, ours meets {s['compared_ours']}, libspandsp "
            f"{s['compared_theirs']}")
    return line + (f"; {s['unknown']} could not be measured in full" if s["unknown"] else "")


def _plain(value: float | None) -> float | None:
    """Without numpy's own types."""
    return None if value is None else float(value)


def as_json(rows: Sequence[Row], **more: Any) -> dict[str, Any]:
    """The table for programs: `rows`, `summary`, and whatever else is given."""
    return {
        "rows": [
            {
                "group": r.group, "name": r.name, "unit": r.unit, "rival": r.rival,
                "ours": _plain(r.ours), "theirs": _plain(r.theirs), "limit": _plain(r.limit),
                "better": r.better, "ahead": r.ahead, "ratio": r.ratio, "verdict": r.verdict,
                "synthetic": _plain(r.synthetic), "source": r.source, "note": r.note,
            }
            for r in rows
        ],
        "summary": summary(rows),
        **more,
    }


def exit_code(rows: Sequence[Row]) -> int:
    """FAIL when any row fails, else CANNOT_TELL when one could not be measured, else PASS."""
    if any(r.verdict == "fail" for r in rows):
        return FAIL
    return CANNOT_TELL if any(r.note.startswith(UNKNOWN) for r in rows) else PASS
