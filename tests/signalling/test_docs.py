"""docs/signalling-tables.md is the tables' own text, and docs/signalling.md names true figures.

CTB_GOLDEN=write writes the tables anew.
"""

import os
import re
from pathlib import Path

import pytest

from cti_board.fsm import table_text
from cti_board.signalling.cas_r2_table import CAS
from cti_board.signalling.cas_r2_variants import VARIANTS
from cti_board.signalling.fxo_table import FXO
from cti_board.signalling.fxs_table import FXS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/signalling-tables.md"
PROSE = (ROOT / "docs/signalling.md").read_text(encoding="utf-8")
HEAD = """# State tables of signalling

Made from the data in `cti_board/signalling`; [what they are for](signalling.md). Below each table:
what a state ignores or refuses, and why.
"""


def variants_text():
    lines = ["### Bits of CAS variants", "", "ABCD, as sent; received bits are masked.", "",
             "| Variant | idle | seized | answered | acknowledged | blocked | mask | refusal |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for one in VARIANTS.values():
        bits = (one.idle, one.seized, one.answered, one.acknowledged, one.blocked, one.mask)
        cells = " | ".join(f"{value:04b}" for value in bits)
        lines.append(f"| {one.name}: {one.source} | {cells} | {one.refuse} |")
    return "\n".join([*lines, ""])


def test_the_tables_in_print_are_the_tables():
    text = "\n".join([HEAD, *(table_text(t) for t in (FXO, FXS, CAS)), variants_text()])
    if os.environ.get("CTB_GOLDEN") == "write":
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text


def milliseconds():
    """The defaults of line.c."""
    source = (ROOT / "cti_board/_native/src/line.c").read_text(encoding="utf-8")
    return {name: int(value) for name, value in re.findall(r"\.(\w+)_ms = (\d+)", source)}


@pytest.mark.parametrize(("event", "names"), [
    ("OffHook", ["off_hook"]), ("PulseDigit", ["pulse_min", "pulse_max", "pulse_gap"]),
    ("HookFlash", ["flash_min", "flash_max"]), ("OnHook", ["on_hook"]),
    ("RingBegin", ["ring_min"]), ("RingStopped", ["ring_timeout"]),
    ("LoopBreak", ["break_min", "break_max"]), ("BatteryChange", ["break_max", "break_min"]),
    ("PolarityReversal", ["polarity"]), ("CasChange", ["cas"]),
])  # fmt: skip
def test_the_debouncing_times_of_the_page_are_those_of_the_code(event, names):
    row = next(line for line in PROSE.splitlines() if line.startswith(f"| `{event}`"))
    numbers = [int(n) for n in re.findall(r"(?<![.\w])\d+", re.sub(r"\(.*?\)", "", row))]
    wanted = [milliseconds()[name] for name in names]
    assert [n for n in numbers if n in wanted][: len(wanted)] == wanted
    assert set(numbers) == set(wanted)


@pytest.mark.parametrize(("table", "state", "says"), [
    (FXO, "GUARD", "2 s on-hook"), (FXO, "ID_GAP", "2.5 s after"),
    (FXO, "RINGBACK_ENDED", "within 3 s"), (FXO, "HEARING", "7 s of sound"),
    (FXO, "PROCEEDING", "After a minute"), (FXO, "CONNECTED", "12 hours"),
    (FXS, "DIALLING", "pause of 4 s"), (FXS, "BUSY", "for a minute"),
    (CAS, "DOUBLE", "for 100 ms"), (CAS, "RELEASING", "within 10 s"),
])  # fmt: skip
def test_the_limits_of_the_page_are_those_of_the_tables(table, state, says):
    assert says in re.sub(r"\s+", " ", PROSE)
    ms = table.limits[table.states[state]].ms
    number = re.search(r"\d+(\.\d+)?", says)
    scale = next(v for k, v in {" ms": 1, " s": 1000, " hours": 3.6e6, "minute": 6e4}.items()
                 if k in says)  # fmt: skip
    assert ms == float(number[0] if number else 1) * scale
