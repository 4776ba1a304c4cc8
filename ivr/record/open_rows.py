"""Room: the centre's records, the rows that are not finished.

Holds the open rows and those that a batch of facts has changed, reads them from the
file and writes them to it.  What a fact means is decided in ivr.record.rows, not here.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Self

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects.sqlite import Insert, insert

from ivr.record.clock import shift_text
from ivr.record.event import CallOffered, RecordingStarted, VoicemailSaved
from ivr.record.journal_line import Entry
from ivr.record.tables import TABLES, agent_state, call, call_leg, call_segment, recording, run

Row = dict[str, Any]
IN_CHUNK = 500  # chosen: well below SQLite's limit of bound values


class OpenCall:
    """A call that has not ended, with its parts."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.legs: dict[str, Row] = {}
        self.segment: Row | None = None
        self.segments = 0
        self.covered_to: int = row["start_at"]  # the segments reach to here


class OpenRows:
    """The open rows, and the changed ones until write()."""

    def __init__(self) -> None:
        self.calls: dict[str, OpenCall] = {}
        self.recordings: dict[str, Row] = {}  # by path, those without their result
        self.agents: dict[str, Row] = {}
        self.runs: dict[int, Row] = {}  # those without their end
        self.run = 0
        self.unfit = 0  # facts that fitted nothing
        self.ended: dict[str, str] = {}  # this batch's ended calls: id to tenant
        self.paths: set[str] = set()  # this batch's recordings that exist
        self.dirty: dict[str, dict[Any, Row]] = {table.name: {} for table in TABLES}

    @classmethod
    def load(cls, connection: Connection) -> Self:
        """The open rows of the file."""
        state = cls()
        for row in _rows(connection, select(run).order_by(run.c.id)):
            state.run = row["id"]
            if row["end_at"] is None:
                state.runs[row["id"]] = row
        for row in _rows(connection, select(call).where(call.c.end_at.is_(None))):
            state.calls[row["id"]] = OpenCall(row)
        for ids in _chunks(sorted(state.calls)):
            for row in _rows(connection, select(call_leg).where(call_leg.c.call_id.in_(ids))):
                state.calls[row["call_id"]].legs[row["leg"]] = row
            state._load_segments(connection, ids)
        for row in _rows(connection, select(recording).where(recording.c.samples.is_(None))):
            state.recordings[row["path"]] = row
        for row in _rows(connection, select(agent_state).where(agent_state.c.end_at.is_(None))):
            state.agents[row["agent"]] = row
        return state

    def _load_segments(self, connection: Connection, ids: Sequence[str]) -> None:
        query = select(call_segment).where(call_segment.c.call_id.in_(ids))
        for row in _rows(connection, query.order_by(call_segment.c.call_id, call_segment.c.id)):
            owner = self.calls[row["call_id"]]
            owner.segments = row["position"]
            owner.segment = row if row["end_at"] is None else None
            owner.covered_to = row["start_at"] if row["end_at"] is None else row["end_at"]

    def prepare(self, connection: Connection, entries: Iterable[Entry]) -> None:
        """Look up what this batch may refer to and is no longer open."""
        ids: set[str] = set()
        paths: set[str] = set()
        for entry in entries:
            match entry.event:
                case CallOffered(call=name) | VoicemailSaved(call=name):
                    ids.add(name)
                case RecordingStarted(call=name, path=path):
                    ids.add(name)
                    paths.add(path)
        for some in _chunks(sorted(ids - self.calls.keys())):
            found = connection.execute(
                select(call.c.id, call.c.tenant_id).where(call.c.id.in_(some))
            )
            self.ended.update((name, tenant) for name, tenant in found)
        for some in _chunks(sorted(paths)):
            self.paths.update(
                connection.execute(select(recording.c.path).where(recording.c.path.in_(some)))
                .scalars()
                .all()
            )

    def write(self, connection: Connection) -> None:
        """Write the changed rows, parents before children."""
        for table in TABLES:
            rows = self.dirty[table.name]
            if rows:
                connection.execute(_UPSERT[table.name], list(rows.values()))
                rows.clear()
        self.ended.clear()
        self.paths.clear()

    def part(self, entry: Entry, tenant: str, owner: str) -> Row:
        return {
            "id": entry.seq,
            "tenant_id": tenant,
            "journal_seq": entry.seq,
            "call_id": owner,
        }

    def tenant_of(self, name: str) -> str | None:
        owner = self.calls.get(name)
        return self.ended.get(name) if owner is None else str(owner.row["tenant_id"])

    def put(self, table: Table, row: Row) -> None:
        self.dirty[table.name][row["id"]] = row

    def touch(self, table: Table, row: Row, seq: int) -> None:
        row["journal_seq"] = seq
        self.put(table, row)

    def end(self, table: Table, row: Row, seq: int, at: int, wall: str) -> None:
        row["end_at"], row["end_wall"] = clamp(row["start_at"], at, wall)
        self.touch(table, row, seq)


def begun(entry: Entry) -> Row:
    return {"start_at": entry.at, "start_wall": entry.wall, "end_at": None, "end_wall": None}


def clamp(low: int, at: int, wall: str) -> tuple[int, str]:
    """`at` and its wall time, but not before `low`: no interval runs backwards."""
    return (at, wall) if at >= low else (low, shift_text(wall, low - at))


def _rows(connection: Connection, query: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[i : i + IN_CHUNK] for i in range(0, len(values), IN_CHUNK))


def _upsert(table: Table) -> Insert:
    statement = insert(table)
    others = {c.name: statement.excluded[c.name] for c in table.c if c.name != "id"}
    return statement.on_conflict_do_update(index_elements=["id"], set_=others)


_UPSERT = {table.name: _upsert(table) for table in TABLES}
