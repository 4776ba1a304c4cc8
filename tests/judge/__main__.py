"""Room: the command `python -m tests.judge` (`make bench-dsp`): runs the judges, prints the table.
Must not measure or judge: each judge module has ``rows(quick)`` and perhaps ``curves(quick)``.

Exit codes: 0 all rows pass, 1 one fails, 2 it cannot be told (no libspandsp: ours is judged by
itself; no recordings).
"""

import argparse
import json
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.judge import oracle, picture, table
from tests.judge.row import Row

JUDGES = ("dtmf", "talk_off", "progress", "answers", "caller_id", "r2", "fax", "echo", "speed")
OUT = Path(__file__).parents[2] / "out"


def present(only: Sequence[str] = ()) -> list[str]:
    """The judges that exist, of those asked for; ValueError for a name that is none."""
    for name in only:
        if name not in JUDGES:
            raise ValueError(f"no judge {name!r}; there are {', '.join(JUDGES)}")
    return [n for n in JUDGES if (not only or n in only) and find_spec(f"tests.judge.{n}")]


def judged(name: str, quick: bool) -> Iterator[Row]:
    """The rows of one judge; a judge that breaks is a row that fails and says why.  Without the
    rival: ours alone."""
    absent = oracle.missing()
    try:
        for row in import_module(f"tests.judge.{name}").rows(quick):
            yield table.blinded(row, absent) if absent else row
    except oracle.OracleMissingError as error:
        yield table.unknown(name, "the rest of this judge", str(error))
    except Exception as error:  # one broken judge must not hide the others' rows
        traceback.print_exc()
        yield table.absent(name, "the judge itself", f"{type(error).__name__}: {error}")


def curves_of(names: Sequence[str], quick: bool) -> list[picture.Curve]:
    """What the judges have to draw."""
    found: list[picture.Curve] = []
    for name in names:
        module: ModuleType = import_module(f"tests.judge.{name}")
        if hasattr(module, "curves"):
            found += module.curves(quick)
    return found


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.judge", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help=f"one judge of {', '.join(JUDGES)}; may be repeated")
    parser.add_argument("--quick", action="store_true", help="fewer trials, less speech")
    parser.add_argument("--json", type=Path, default=OUT / "dsp.json", metavar="FILE")
    parser.add_argument("--picture", type=Path, default=OUT / "dsp.png", metavar="FILE")
    return parser.parse_args(words)


def run(names: Sequence[str], quick: bool) -> list[Row]:
    """All rows; a progress bar on stderr where that is a terminal."""
    rows: list[Row] = []
    errors = Console(stderr=True)
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
                  TextColumn("{task.fields[what]}"), console=errors, transient=True,
                  disable=not errors.is_terminal) as bar:
        task = bar.add_task("judges", total=len(names), what="")
        for name in names:
            bar.update(task, description=name)
            for row in judged(name, quick):
                rows.append(row)
                bar.update(task, what=row.name[:60])
            bar.advance(task)
    return rows


def main(words: Sequence[str] | None = None) -> int:
    asked = parse(words)
    try:
        names = present(asked.only)
    except ValueError as error:
        print(error, file=sys.stderr)
        return table.CANNOT_TELL
    why = oracle.missing()
    if why:
        print(f"{table.UNKNOWN} libspandsp's figures: {why}", file=sys.stderr)
    rows = run(names, asked.quick)
    width = max(Console().width, table.WIDTH)
    Console(width=width).print(table.table(rows))
    print(table.summary_line(rows))
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    shown = table.as_json(rows, quick=asked.quick, judges=names)
    asked.json.write_text(json.dumps(shown, indent=1, ensure_ascii=False) + "\n")
    picture.draw(rows, curves_of(names, asked.quick), asked.picture)
    code = table.exit_code(rows)
    return table.CANNOT_TELL if why and code == table.PASS else code


if __name__ == "__main__":
    sys.exit(main())
