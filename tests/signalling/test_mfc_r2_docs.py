"""docs/mfc-r2.md says what the tables say."""

import re
from pathlib import Path

import pytest

from cti_board.signalling.mfc_r2_table import INCOMING, OUTGOING
from cti_board.signalling.r2_variants import VARIANTS, Ask

PAGE = (Path(__file__).resolve().parents[2] / "docs/mfc-r2.md").read_text(encoding="utf-8")
ORDER = ("itu", "argentina", "brazil", "mexico", "china")


def cells(row):
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| {row} |"))
    return dict(zip(ORDER, [c.strip() for c in line.split("|")[2:-1]], strict=True))


def signals(text, group):
    """The numbers of ``group`` in a cell: ``A-4, C-4`` or ``KB2, KB3``."""
    return [int(n) for n in re.findall(rf"(?<!K)\b{group}-?(\d+)", text)]


@pytest.mark.parametrize(("row", "free", "cause", "charge"), [
    ("free, charged", True, 0, True), ("free, not charged", True, 0, False),
    ("busy (17)", False, 17, True), ("congestion (34)", False, 34, True),
    ("vacant number (1)", False, 1, True), ("number changed (22)", False, 22, True),
    ("out of order (27)", False, 27, True),
])  # fmt: skip
def test_group_b_of_the_page(row, free, cause, charge):
    for name, cell in cells(row).items():
        wanted = [s for s, one in VARIANTS[name].group_b.items()
                  if (one.free, one.cause, one.charge) == (free, cause, charge)]  # fmt: skip
        assert signals(cell, "KB" if name == "china" else "B") == wanted, (row, name)


@pytest.mark.parametrize(("row", "ask"), [
    ("next digit", Ask.NEXT), ("address complete, to group B", Ask.LINE),
    ("congestion before the end", Ask.CONGESTION),
])  # fmt: skip
def test_requests_of_the_page(row, ask):
    for name, cell in cells(row).items():
        wanted = [s for s, one in VARIANTS[name].group_a.items() if one is ask]
        assert signals(cell, "A") == wanted, (row, name)
        in_c = [s for s, one in VARIANTS[name].group_c.items() if one is ask]
        assert signals(cell, "C") in ([], in_c)


@pytest.mark.parametrize(("row", "field"), [
    ("end of the called number", "dnis_end"), ("end of the caller's number", "ani_end"),
    ("number withheld", "ani_withheld"),
])  # fmt: skip
def test_ends_of_the_page(row, field):
    for name, cell in cells(row).items():
        value = getattr(VARIANTS[name], field)
        assert signals(cell, "I") == ([value] if value else []), (row, name)


def test_who_is_asked_when():
    for name, cell in cells("caller asked after").items():
        assert cell == ("first digit" if VARIANTS[name].ani_first else "last digit")


def test_limits_of_the_page():
    for table in (OUTGOING, INCOMING):
        for state, limit in table.limits.items():
            rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
            row = [line for line in rows if state.name in re.split(r"[:,| ]+", line)]
            if state.name == "PULSING":
                assert f"A-3 for {limit.ms} ms" in PAGE
            elif state.name == "GIVING_UP":
                assert f"congestion for {limit.ms} ms" in PAGE
            else:
                text = f"{limit.ms} ms" if limit.ms < 1000 else f"{limit.ms // 1000} s"
                assert len(row) == 1, state
                assert row[0].split("|")[2].strip().startswith(text), state
