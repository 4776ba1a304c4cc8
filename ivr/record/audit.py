"""Room: the centre's records, the look-over of a whole folder.  Must not change anything in it.

The hash chain of the journal is the proof; rows and recordings are compared with what it says:
the rows by making them again elsewhere, a recording by the hash in its own fact.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.exc import SQLAlchemyError

from ivr.record.check import check_recordings
from ivr.record.errors import RecordError
from ivr.record.export import export_hash
from ivr.record.journal_line import Entry, Head
from ivr.record.migrate import REVISION, current_revision, upgrade
from ivr.record.projector import Projector, read_position
from ivr.record.tables import TABLES, journal_position, metadata, open_engine, open_still
from ivr.record.verify import JournalCheck, verify_journal
from ivr.record.volume import list_volumes, read_entries

ROWS_NAME = "records.sqlite"
BESIDE = ("-wal", "-journal")  # SQLite's files that hold what is not in the main file yet
TOLD_MAX = 10  # chosen: so many differing rows are told one by one
COPIES = 3  # chosen: tries to copy rows that a running centre writes to

FileState = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Audit:
    """What was found.  `rows` and `recordings` are sentences, none if all is well."""

    journal: JournalCheck
    rows: tuple[str, ...]
    recordings: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return self.journal.sound and not self.rows and not self.recordings


def audit(folder: Path, witness: Head | None = None) -> Audit:
    """Check journal, rows and recordings of `folder`, which another process may have open.

    Without a witness the rows serve as one: they know the journal's head of the last flush.
    Raises RecordError where it cannot tell: no journal, unreadable rows.
    """
    journal, rows = folder / "journal", folder / ROWS_NAME
    _need_journal(journal)
    with TemporaryDirectory(prefix="ivr-verify-") as scratch:
        if not rows.is_file():
            check = _need_lines(journal, witness)
            found = check_recordings(read_entries(journal), folder)
            return Audit(check, (f"{ROWS_NAME}: it is not there",), tuple(found))
        try:
            with still_rows(rows, Path(scratch)) as connection:
                position = read_position(connection)
                seen = position if position.seq else None
                check = _need_lines(journal, witness or seen)
                entries = read_entries(journal)
                wrong, found = _compare(connection, position, entries, folder, Path(scratch))
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            raise RecordError(f"{rows}: the rows cannot be read: {reason}") from error
    return Audit(check, tuple(wrong), tuple(found))


def _need_journal(journal: Path) -> None:
    if not journal.is_dir():
        raise RecordError(f"{journal}: there is no journal")
    for volume in list_volumes(journal):
        if not volume.path.is_file():
            raise RecordError(f"{volume.path}: it has the name of a volume and is no file")


def _need_lines(journal: Path, witness: Head | None) -> JournalCheck:
    check = verify_journal(journal, witness)
    if not check.lines:
        raise RecordError(f"{journal}: the journal holds no line")
    return check


# ---- the rows, as they are --------------------------------------------------------------


@contextmanager
def still_rows(rows: Path, scratch: Path) -> Iterator[Connection]:
    """The rows as they are now; nothing is written beside them.

    Rows with facts outside of the main file (a killed or a running centre), or of an older
    version's tables, are read from a copy in `scratch`.
    """
    still = rows
    if _unmerged(rows):
        still = _copy(rows, scratch)
    elif _revision(rows) != REVISION:
        still = scratch / rows.name
        shutil.copyfile(rows, still)
    if still is not rows:
        _make_ready(still)
    engine = open_still(still)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _unmerged(rows: Path) -> bool:
    """Whether another file holds what is not in the main one yet."""
    return any(size for name, size, _ in _state(rows) if name != rows.name)


def _state(rows: Path) -> FileState:
    """Name, size and time of the files; the same twice: nobody wrote between."""
    found = []
    for path in (rows, *(rows.with_name(rows.name + suffix) for suffix in BESIDE)):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        found.append((path.name, state.st_size, state.st_mtime_ns))
    return tuple(found)


def _copy(rows: Path, scratch: Path) -> Path:
    for _ in range(COPIES):
        before = _state(rows)
        for name, _, _ in before:
            shutil.copyfile(rows.with_name(name), scratch / name)
        if _state(rows) == before:
            return scratch / rows.name
    raise RecordError(f"{rows}: a running centre writes too much to read it: try again")


def _revision(rows: Path) -> str | None:
    engine = open_still(rows)
    try:
        with engine.connect() as connection:
            return current_revision(connection)
    finally:
        engine.dispose()


def _make_ready(copy: Path) -> None:
    """Merge what lies beside a copy into it, and bring it to this version's tables."""
    engine = open_engine(copy)
    try:
        upgrade(engine)
    finally:
        engine.dispose()


# ---- the rows, as they should be --------------------------------------------------------


def _compare(
    connection: Connection, position: Head, entries: Iterable[Entry], folder: Path, scratch: Path
) -> tuple[list[str], list[str]]:
    """What is wrong with the rows and with the recordings, in one reading of the journal."""
    recordings: list[str] = []

    def facts() -> Iterator[Entry]:
        for entry in entries:
            recordings.extend(check_recordings((entry,), folder))
            yield entry

    engine = open_engine(scratch / "again.sqlite")
    try:
        metadata.create_all(engine)
        stream = facts()
        Projector(engine).catch_up(takewhile(lambda one: one.seq <= position.seq, stream))
        for _ in stream:  # facts that are not in the rows yet
            pass
        with engine.connect() as again:
            return _differences(connection, again), recordings
    finally:
        engine.dispose()


def _differences(connection: Connection, again: Connection) -> list[str]:
    """Rows that are not what the journal makes, in words; the first TOLD_MAX of them."""
    if _hash(connection) == export_hash(again):
        return []
    told: list[str] = []
    count = 0
    for table in (*TABLES, journal_position):
        for sentence in _table_differences(table, connection, again):
            count += 1
            if len(told) < TOLD_MAX:
                told.append(sentence)
    if count > len(told):
        told.append(f"rows: {count - len(told)} more differ")
    return told or ["rows: they are not what the journal makes"]


def _hash(connection: Connection) -> str:
    """Nothing where a value has no spelling in the export: no row of ours has such a value."""
    try:
        return export_hash(connection)
    except (TypeError, ValueError):
        return ""


def _table_differences(table: Table, connection: Connection, again: Connection) -> Iterator[str]:
    found, right = _rows(table, connection), _rows(table, again)
    for key in (one for one in right if one not in found):
        yield f"rows: {table.name} {key}: the row is missing"
    for key, row in found.items():
        if key not in right:
            yield f"rows: {table.name} {key}: the journal knows nothing of it"
            continue
        for name, value in row.items():
            if repr(value) != repr(right[key][name]):
                yield (f"rows: {table.name} {key}: {name} is {value!r},"
                       f" the journal says {right[key][name]!r}")  # fmt: skip


def _rows(table: Table, connection: Connection) -> dict[Any, dict[str, Any]]:
    query = select(table).order_by(table.c.id)
    return {row["id"]: dict(row) for row in connection.execute(query).mappings()}
