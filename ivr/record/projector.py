"""Room: the centre's records, the one writer of the rows.

Takes facts in batches, each batch one transaction together with the journal's position:
so a fact is in the rows once, whatever dies when.  Must not read the journal by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from ivr.record.errors import RecordError
from ivr.record.journal_line import GENESIS, Entry, Head
from ivr.record.rows import RowState
from ivr.record.tables import TABLES, journal_position

BATCH = 5000  # chosen: facts in one transaction when catching up


@dataclass(frozen=True)
class Applied:
    """What apply() did: facts taken, and facts that fitted nothing (unknown call ...)."""

    facts: int
    unfit: int


class Projector:
    """Applies facts to the rows.  Used by one thread at a time, not always the same."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._state: RowState | None = None
        with engine.connect() as connection:
            self._position = read_position(connection)

    @property
    def position(self) -> Head:
        """The last fact that is in the rows."""
        return self._position

    def apply(self, entries: Sequence[Entry]) -> Applied:
        """Take the facts after `position`, in one transaction; those before are known.

        Raises RecordError if the rows cannot be written: then nothing of it was.
        """
        new = [entry for entry in entries if entry.seq > self._position.seq]
        if not new:
            return Applied(0, 0)
        try:
            with self._engine.begin() as connection:
                state = self._ready_state(connection)
                unfit = state.unfit
                state.prepare(connection, new)
                for entry in new:
                    state.take(entry)
                state.write(connection)
                head = Head(new[-1].seq, new[-1].hash)
                _write_position(connection, head)
        except SQLAlchemyError as error:
            self._state = None  # ahead of the file now: read it again next time
            raise RecordError(f"the rows cannot be written: {error}") from error
        self._position = head
        return Applied(len(new), state.unfit - unfit)

    def catch_up(self, entries: Iterable[Entry]) -> Applied:
        """Apply many facts, a transaction for each BATCH of them."""
        facts = unfit = 0
        batch: list[Entry] = []
        for entry in entries:
            batch.append(entry)
            if len(batch) == BATCH:
                done = self.apply(batch)
                facts, unfit = facts + done.facts, unfit + done.unfit
                batch.clear()
        done = self.apply(batch)
        return Applied(facts + done.facts, unfit + done.unfit)

    def clear(self) -> None:
        """Remove all rows, to make them again from fact 1."""
        try:
            with self._engine.begin() as connection:
                for table in (*reversed(TABLES), journal_position):
                    connection.execute(delete(table))
        except SQLAlchemyError as error:
            raise RecordError(f"the rows cannot be cleared: {error}") from error
        finally:
            self._state = None
        self._position = Head(0, GENESIS)

    def _ready_state(self, connection: Connection) -> RowState:
        if self._state is None:
            self._state = RowState.load(connection)
        return self._state


def read_position(connection: Connection) -> Head:
    """How far into the journal the rows go."""
    query = select(journal_position.c.seq, journal_position.c.hash)
    found = connection.execute(query).one_or_none()
    return Head(0, GENESIS) if found is None else Head(found.seq, found.hash)


def _write_position(connection: Connection, head: Head) -> None:
    values = {"id": 1, "seq": head.seq, "hash": head.hash}
    statement = insert(journal_position).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
