"""The list of checks in docs/conformance.md: made from the registry, written by

    python -m tests.conformance.page
"""

from pathlib import Path

from cti_board.testing import all_checks
from cti_board.testing.registry import GROUPS, SHORT, Check

PAGE = Path(__file__).parent.parent.parent / "docs/conformance.md"
BEGIN, END = "<!-- checks: begin -->", "<!-- checks: end -->"


def sentence(check: Check) -> str:
    """What a check verifies; ValueError where its docstring goes on in a second line: the page and
    the reports take the first alone."""
    lines = (check.run.__doc__ or "").strip().splitlines()
    if lines[1:] and lines[1].strip():
        raise ValueError(f"{check.id}: what it verifies is cut after {lines[0]!r}")
    return check.verifies


def listing() -> str:
    """A table for each group: check, lines, capability, what it verifies.

    ValueError as `sentence`.
    """
    rows: dict[str, tuple[list[str], str, str]] = {}
    for check in all_checks().values():
        line = SHORT[check.line] if check.line is not None else ""
        several = check.id.endswith(f".{line}") and check.id.count(".") == 2
        name = check.id.rpartition(".")[0] if several else check.id
        rows.setdefault(name, ([], check.need, sentence(check)))[0].append(line)
    parts = []
    for group in GROUPS:
        parts.append(f"### {group}\n\n| Check | Lines | Needs | Verifies |\n|---|---|---|---|")
        parts += [
            f"| `{name}` | {' '.join(lines)} | {need} | {text} |"
            for name, (lines, need, text) in rows.items()
            if name.startswith(f"{group}.")
        ]
        parts[-1] += "\n"
    return "\n".join(parts).strip()


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{listing()}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
