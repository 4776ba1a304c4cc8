"""Room: the centre's records, the files of the journal.

The journal is a row of files, its volumes, named after the number of their first line
and the day on which they were begun.  This module finds and reads them and mends the end
of the last one; it must not append facts.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ivr.record.errors import JournalError
from ivr.record.journal_line import GENESIS, Entry, Head, RawLine, read_entry, split_line

_NAME = re.compile(r"journal-(\d{12})-(\d{8})\.jsonl")
_TORN = re.compile(r"journal\.torn-(\d+)")


@dataclass(frozen=True)
class Volume:
    """One file: `first` is the number of its first line, `day` is YYYYMMDD."""

    first: int
    day: str
    path: Path


@dataclass(frozen=True)
class Tail:
    """The end of a journal, as found at opening.

    `last` is the last sound line (None: there is none), `size` the bytes of the last
    volume that are kept.  `torn` is the file that now holds what was cut off.
    `damaged` are the numbers of lines inside the last volume that are not sound: such a
    line is left where it is, for verify() to explain.
    """

    volume: Volume | None
    size: int
    last: RawLine | None
    torn: Path | None = None
    torn_bytes: int = 0
    damaged: tuple[int, ...] = ()

    @property
    def head(self) -> Head:
        return Head(0, GENESIS) if self.last is None else Head(self.last.seq, self.last.hash)


def volume_name(first: int, day: str) -> str:
    return f"journal-{first:012d}-{day}.jsonl"


def list_volumes(folder: Path) -> list[Volume]:
    """The volumes of `folder` in the order of their lines.  JournalError if it cannot be read."""
    found = []
    try:
        paths = list(folder.iterdir())
    except OSError as error:
        raise JournalError("list", folder, error.errno or 0) from error
    for path in paths:
        name = _NAME.fullmatch(path.name)
        if name is not None:
            found.append(Volume(int(name[1]), name[2], path))
    return sorted(found, key=lambda volume: (volume.first, volume.path.name))


def read_entries(folder: Path, first: int = 1, last: int | None = None) -> Iterator[Entry]:
    """The sound lines with numbers `first` to `last`, in order.

    May run while another thread appends, for lines that were appended before.  Raises
    JournalError if a volume cannot be read.
    """
    volumes = list_volumes(folder)
    for volume, after in zip(volumes, [*volumes[1:], None], strict=True):
        if after is not None and after.first <= first:
            continue
        for line in _lines(volume.path):
            raw = split_line(line[:-1])
            if raw is None or raw.seq < first:
                continue
            if last is not None and raw.seq > last:
                return
            entry = read_entry(raw)
            if entry is not None:
                yield entry


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a volume, one by one."""
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise JournalError("read", path, error.errno or 0) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise JournalError("read", path, error.errno or 0) from error


def mend_tail(folder: Path) -> Tail:
    """Find the end of the journal in `folder`; cut off and keep aside what is torn.

    A power cut may leave the last line short, or, beyond the last sync, rubbish in place
    of several lines: all bytes after the last sound line of the last volume go to
    journal.torn-N.  A whole last line that only lacks its newline gets it.
    """
    volumes = list_volumes(folder)
    if not volumes:
        return Tail(None, 0, None)
    newest = volumes[-1]
    data = _read(newest.path)
    last, end, damaged = _last_sound(data, newest.first)
    torn: Path | None = None
    if end < len(data):
        torn = _keep_aside(folder, newest.path, data[end:], end)
    elif last is not None and not data.endswith(b"\n"):
        _finish_line(newest.path)
        end += 1
    for older in reversed(volumes[:-1]):
        if last is not None:
            break
        last, _, _ = _last_sound(_read(older.path), older.first)
    return Tail(newest, end, last, torn, len(data) - end if torn else 0, damaged)


def _last_sound(data: bytes, first: int) -> tuple[RawLine | None, int, tuple[int, ...]]:
    """The last sound line of a volume, the offset after it, damaged lines before it."""
    last: RawLine | None = None
    end = start = 0
    pending: list[int] = []
    damaged: list[int] = []
    expected = first
    for line in data.split(b"\n"):
        stop = min(start + len(line) + 1, len(data))
        raw = split_line(line)
        if raw is not None and raw.sound:
            last, end, expected = raw, stop, raw.seq + 1
            damaged += pending
            pending.clear()
        elif line:
            pending.append(expected)
            expected += 1
        start = stop
    return last, end, tuple(damaged)


def _keep_aside(folder: Path, path: Path, rest: bytes, end: int) -> Path:
    torn = folder / "journal.torn"
    try:
        numbers = [int(name[1]) for p in folder.iterdir() if (name := _TORN.fullmatch(p.name))]
        torn = folder / f"{torn.name}-{max(numbers, default=0) + 1}"
        with torn.open("xb") as file:
            file.write(rest)
            file.flush()
            os.fsync(file.fileno())
        os.truncate(path, end)
    except OSError as error:
        raise JournalError("keep the torn end of", path, error.errno or 0) from error
    return torn


def _finish_line(path: Path) -> None:
    try:
        with path.open("ab") as file:
            file.write(b"\n")
    except OSError as error:
        raise JournalError("finish the last line of", path, error.errno or 0) from error
