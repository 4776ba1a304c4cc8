"""Room: the centre's records, what must hold for the rows.

Each check returns sentences for a person, none if all is well.  Must not change anything.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import Connection, func, select

from ivr.record.event import HASH_ONLY, RecordingEnded
from ivr.record.journal_line import Entry
from ivr.record.tables import call, call_leg, call_segment, recording
from ivr.record.wav import hash_file, read_wav

FRAME_TOLERANCE = 320  # chosen: a frame (160 samples) at each end of a recording


def check_rows(connection: Connection, *, closed: bool = True) -> list[str]:
    """Segments cover each call without gap or overlap, recordings are as long as they say.

    closed=True also demands that every call, leg and recording has its end, as after a
    day's last call.
    """
    faults = _check_cover(connection) + _check_sums(connection) + _check_lengths(connection)
    if closed:
        faults += _check_closed(connection)
    return faults


def check_files(connection: Connection, folder: Path) -> list[str]:
    """Every ended recording's file is what its row says: see check_recordings."""
    query = select(recording).where(recording.c.samples.is_not(None)).order_by(recording.c.id)
    faults: list[str] = []
    for row in connection.execute(query):
        faults += _check_file(folder, row.path, row.samples, row.blake2b, row.error)
    return faults


def check_recordings(entries: Iterable[Entry], folder: Path) -> list[str]:
    """Every recording whose end is among the facts has its file, of that length and hash.

    Of a recording that has no file (HASH_ONLY) there is nothing to look at.  One that ended
    with an error (disk full ...) may be shorter than it ran, or not there at all: that was
    told when it happened.  Where it has a hash its file must still be that one.
    """
    faults: list[str] = []
    for entry in entries:
        fact = entry.event
        if isinstance(fact, RecordingEnded):
            faults += _check_file(folder, fact.path, fact.samples, fact.blake2b, fact.error)
    return faults


def _check_file(folder: Path, name: str, samples: int, digest: str, error: str) -> Iterator[str]:
    if name.startswith(HASH_ONLY) or (error and not digest):
        return
    path = folder / name
    try:
        held = read_wav(path).samples
        found = hash_file(path) if digest else ""
    except (OSError, ValueError) as fault:
        yield f"recording {name}: {fault}"
        return
    if held != samples and not error:
        yield f"recording {name}: {held} samples, the journal says {samples}"
    elif found != digest:
        yield f"recording {name}: the file was changed"


def _check_cover(connection: Connection) -> list[str]:
    """The first segment begins with its call, each other where the one before ends."""
    faults = []
    query = (
        select(
            call_segment.c.call_id,
            call_segment.c.position,
            call_segment.c.start_at,
            call_segment.c.end_at,
            call.c.start_at.label("call_start"),
            call.c.end_at.label("call_end"),
        )
        .join(call)
        .order_by(call_segment.c.call_id, call_segment.c.position)
    )
    name, reached, number = None, 0, 0
    for row in connection.execute(query):
        if row.call_id != name:
            name, reached, number = row.call_id, row.call_start, 0
        number += 1
        if row.position != number:
            faults.append(f"call {name}: segment {number} is missing")
        if reached is None or row.start_at != reached:
            faults.append(f"call {name}: segment {row.position} starts at {row.start_at},"
                          f" the one before ends at {reached}")  # fmt: skip
        if row.call_end is not None and row.end_at is None:
            faults.append(f"call {name}: segment {row.position} is open in an ended call")
        reached, number = row.end_at, row.position
    return faults


def _check_sums(connection: Connection) -> list[str]:
    total = func.coalesce(func.sum(call_segment.c.end_at - call_segment.c.start_at), 0)
    query = (
        select(call.c.id, (call.c.end_at - call.c.start_at).label("duration"), total.label("sum"))
        .outerjoin(call_segment)
        .where(call.c.end_at.is_not(None))
        .group_by(call.c.id)
        .order_by(call.c.id)
    )
    return [
        f"call {row.id}: segments sum to {row.sum} samples, it lasted {row.duration}"
        for row in connection.execute(query)
        if row.sum != row.duration
    ]


def _check_lengths(connection: Connection) -> list[str]:
    query = select(recording).where(recording.c.samples.is_not(None)).order_by(recording.c.id)
    faults = []
    for row in connection.execute(query):
        held = row.samples + row.lost_samples
        lasted = row.end_at - row.start_at
        if not row.error and abs(held - lasted) > FRAME_TOLERANCE:
            faults.append(f"recording {row.path}: {held} samples, it ran for {lasted}")
    return faults


def _check_closed(connection: Connection) -> list[str]:
    faults = []
    for table in (call, call_leg, recording):
        query = select(table.c.id).where(table.c.end_at.is_(None)).order_by(table.c.id)
        faults += [f"{table.name} {name} has no end" for name in connection.scalars(query)]
    query = select(recording.c.path).where(
        recording.c.samples.is_(None), recording.c.end_at.is_not(None)
    )
    faults += [f"recording {path} has no result" for path in connection.scalars(query)]
    return faults
