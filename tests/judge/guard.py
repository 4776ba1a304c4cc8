"""Room: runs the parts of a judge one by one, so that a part that cannot be judged is a row that
says so: it fails where a face is not there or a detector raises, it cannot be told where this
machine lacks a program, recordings or the rival.  Must not measure.
"""

import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from tests.judge import table
from tests.judge.dtmf_scene import NoDetectorError
from tests.judge.oracle import OracleMissingError
from tests.judge.row import Row
from tests.judge.signals import MissingError
from tests.judge.signals2 import AbsentError

Part = Callable[[bool], Iterator[Row]]


def title(part: Part) -> str:
    """The first line of the part's docstring."""
    return (part.__doc__ or part.__name__).strip().splitlines()[0].rstrip(".")


def plain(row: Row) -> Row:
    """The row with Python's own numbers, which JSON takes; a measurement may end in numpy's."""
    figures = {name: None if value is None else float(value) for name, value in
               (("ours", row.ours), ("theirs", row.theirs), ("limit", row.limit))}
    return replace(row, synthetic=float(row.synthetic), **figures)


def guarded(group: str, parts: Iterable[Part], quick: bool) -> Iterator[Row]:
    """The rows of all parts; a part that breaks ends in one row that fails or cannot be told."""
    for part in parts:
        try:
            yield from map(plain, part(quick))
        except (AbsentError, NoDetectorError) as error:
            yield table.absent(group, title(part), str(error))
        except (MissingError, OracleMissingError) as error:
            yield table.unknown(group, title(part), str(error))
        except Exception as error:  # one broken part must not hide the others' rows
            traceback.print_exc()
            yield table.absent(group, title(part), f"{type(error).__name__}: {error}")
