"""Room: the centre's records, its door.

What the rest of the centre uses: append a fact, have the rows brought up to date, find a
path for a recording.  Must not decide what a fact means.

append() and recording_path() belong to one thread, the loop.  sync(), flush(), rebuild() and
verify() block on the disk: call them through jobs.run, from any thread.
"""

import re
import threading
from collections import deque
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ivr.record.audit import ROWS_NAME
from ivr.record.check import check_recordings
from ivr.record.clock import RecordClock
from ivr.record.errors import JournalError, RecordError
from ivr.record.event import Event, RunEnded, RunStarted
from ivr.record.export import export_hash
from ivr.record.journal import Journal, SyncPolicy
from ivr.record.journal_line import Entry, Head
from ivr.record.migrate import upgrade
from ivr.record.projector import Applied, Projector
from ivr.record.recovery import Closed, RecoveryReport, close_open, find_suspect, note_tail
from ivr.record.tables import open_engine, run
from ivr.record.verify import JournalCheck

QUEUE_MAX = 50_000  # chosen: facts kept in memory for flush(); beyond, it reads the journal
NAME_MAX = 200  # chosen: bytes of a file name; Linux allows 255
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


class RecordStore:
    """The records in `folder`: journal/, records.sqlite, recordings/YYYY/MM/DD/.

    Opening mends what the last run left; `recovery` says what that was.  Raises
    JournalError if the journal cannot be opened, for example by a second process.
    """

    def __init__(
        self,
        folder: Path,
        clock: RecordClock,
        *,
        sync: SyncPolicy = "group",
        version: str = "",
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._queue: deque[Entry] = deque()
        self._flushing = threading.Lock()
        self.unfit = 0  # facts so far that fitted no row
        self.journal = Journal(folder / "journal", clock, sync=sync)
        try:
            self._engine, self._projector, reason = _open_rows(folder / ROWS_NAME, self.journal)
            try:
                self.recovery = self._recover(version, reason)
            except BaseException:
                self._engine.dispose()
                raise
        except BaseException:
            self.journal.close()
            raise

    @property
    def engine(self) -> Engine:
        """For reading rows; another process uses tables.open_engine(read_only=True)."""
        return self._engine

    @property
    def needs_flush(self) -> bool:
        return self._projector.position.seq < self.journal.head.seq

    @property
    def needs_sync(self) -> bool:
        return self.journal.needs_sync

    def append(self, event: Event, at: int | None = None) -> int:
        """Journal one fact, then queue it for the rows; returns its number.

        `at`: the sample at which it happened, now if left out.  Raises JournalError if the
        system refused (disk full ...): nothing was kept, and the caller may try again.
        """
        entry = self.journal.append(event, at)
        if len(self._queue) < QUEUE_MAX:
            self._queue.append(entry)
        return entry.seq

    def sync(self) -> int:
        """Wait until every fact appended so far survives a power cut.  Before money moves."""
        return self.journal.sync()

    def flush(self) -> Applied:
        """Sync the journal, then bring the rows up to date with it.

        The rows are written even if the sync failed; its JournalError is raised afterwards.
        Raises RecordError if the rows cannot be written: the next flush tries again.
        """
        with self._flushing:
            failed: JournalError | None = None
            if self.journal.needs_sync:
                try:
                    self.journal.sync()
                except JournalError as error:
                    failed = error
            done = self._project()
            if failed is not None:
                raise failed
            return done

    def rebuild(self) -> Applied:
        """Make all rows again from the journal."""
        with self._flushing:
            self._queue.clear()
            self._projector.clear()
            return self._project()

    def verify(self, witness: Head | None = None) -> tuple[JournalCheck, list[str]]:
        """Check every line of the journal and every recording against its fact.

        Without a witness the rows serve as one: they know the journal's head of the last
        flush.
        """
        self.flush()
        check = self.journal.verify(witness or self._projector.position)
        return check, check_recordings(self.journal.read(), self.folder)

    def rows_hash(self) -> str:
        """The hash of the canonical export of all rows."""
        with self._engine.connect() as connection:
            return export_hash(connection)

    def recording_path(self, call: str, leg: str, part: int = 1) -> Path:
        """Where to record a leg; the day's folder is made.  `part` counts within the leg."""
        if part < 1:
            raise ValueError(f"part {part}: from 1")
        day = self._clock.wall()
        folder = self.folder / "recordings" / day.strftime("%Y/%m/%d")
        folder.mkdir(parents=True, exist_ok=True)
        return folder / _file_name((call, leg) if part == 1 else (call, leg, str(part)))

    def relative(self, path: Path) -> str:
        """`path` as the facts name it: relative to the store's folder."""
        return path.relative_to(self.folder).as_posix()

    def close(self) -> None:
        """End the run in good order: everything written, synced and closed."""
        if self.journal.closed:
            return
        try:
            self.append(RunEnded(self.recovery.run))
            self.flush()
        finally:
            self._engine.dispose()
            self.journal.close()

    def _project(self) -> Applied:
        """Take what is queued; what is not (a failed flush, a full queue) is read."""
        target = self.journal.head.seq
        batch = [self._queue.popleft() for _ in range(len(self._queue))]
        steps = [self._read_to(batch[0].seq - 1)] if batch else []
        steps.append(self._projector.catch_up(batch))
        steps.append(self._read_to(target))
        done = Applied(sum(step.facts for step in steps), sum(step.unfit for step in steps))
        self.unfit += done.unfit
        return done

    def _read_to(self, last: int) -> Applied:
        """Bring the rows up to fact `last` from the journal, if they are behind it."""
        reached = self._projector.position.seq
        if reached >= last:
            return Applied(0, 0)
        return self._projector.catch_up(self.journal.read(reached + 1, last))

    def _recover(self, version: str, reason: str) -> RecoveryReport:
        replayed = self._project().facts
        tail = self.journal.tail
        with self._engine.connect() as connection:
            found = connection.execute(run.select().order_by(run.c.id.desc()).limit(1))
            last_run = found.one_or_none()
            suspect = find_suspect(connection, self.folder)
        number = 1 if last_run is None else last_run.id + 1
        at, wall = (tail.last.at, tail.last.wall) if tail.last else (0, "")
        self.append(RunStarted(number, version, at, wall))
        note_tail(self.journal)
        self._project()
        closed = close_open(self.journal, self._engine, self.folder)
        self._project()
        clean = last_run is None or bool(last_run.clean)
        return self._report(number, clean, replayed, reason, closed, suspect)

    def _report(
        self,
        number: int,
        clean: bool,
        replayed: int,
        reason: str,
        closed: Closed,
        suspect: tuple[str, ...],
    ) -> RecoveryReport:
        tail = self.journal.tail
        return RecoveryReport(
            run=number,
            clean=clean,
            torn=tail.torn.name if tail.torn else "",
            torn_bytes=tail.torn_bytes,
            damaged=tail.damaged,
            replayed=replayed,
            rebuilt=reason,
            calls=closed.calls,
            legs=closed.legs,
            segments=closed.segments,
            agents=closed.agents,
            recordings=closed.recordings,
            suspect=suspect,
        )


def _file_name(parts: Iterable[str]) -> str:
    """A name without unsafe characters, another one for each other call, leg and part."""
    name = ".".join(_UNSAFE.sub(_escape, part) for part in parts)
    if len(name) > NAME_MAX:
        digest = blake2b(name.encode(), digest_size=16).hexdigest()
        name = f"{name[: NAME_MAX - 33]}.{digest}"
    return name + ".wav"


def _escape(found: re.Match[str]) -> str:
    return "".join(f"~{byte:02X}" for byte in found[0].encode())


def _open_rows(path: Path, journal: Journal) -> tuple[Engine, Projector, str]:
    """The rows, on this version's tables and not ahead of the journal.

    Rows that are of no use (damaged, or of facts that the journal lost in a power cut)
    are put aside and made again; the last value says why.
    """
    engine = open_engine(path)
    reason = ""
    try:
        upgrade(engine)
        projector = Projector(engine)
    except SQLAlchemyError as error:
        engine.dispose()
        reason = str(getattr(error, "orig", error))
        _put_aside(path)
        engine = open_engine(path)
        upgrade(engine)
        projector = Projector(engine)
    except RecordError:
        engine.dispose()
        raise
    if not reason and not _agree(projector.position, journal):
        reason = "they had facts that the journal has not"
        projector.clear()
    return engine, projector, reason


def _agree(position: Head, journal: Journal) -> bool:
    """Whether the journal has, at the rows' position, the line that they were made of."""
    if position.seq == 0 or position == journal.head:
        return True
    found = next(journal.read(position.seq, position.seq), None)
    return found is not None and found.hash == position.hash


def _put_aside(path: Path) -> None:
    number = 1
    while (aside := path.with_name(f"{path.name}.bad-{number}")).exists():
        number += 1
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
