"""Room: the centre's records, the journal that all of them come from.

Appends facts to hash-chained lines; must not know tables, calls or the meaning of a fact.
A line is one write(2), so a fact that append() returned for survives the death of the
process; sync() makes it survive a power cut.

append() belongs to one thread, sync() may be called from any: it blocks on the disk.
"""

import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

from ivr.record.clock import RecordClock, wall_text
from ivr.record.errors import JournalError
from ivr.record.event import Event
from ivr.record.journal_line import Entry, Head, make_line
from ivr.record.verify import JournalCheck, verify_journal
from ivr.record.volume import Tail, Volume, list_volumes, mend_tail, read_entries, volume_name

SyncPolicy = Literal["group", "close"]
MAX_VOLUME_BYTES = 16 << 20  # chosen: some 50 000 lines, the last volume is read at opening
LOCK_NAME = "journal.lock"
_MODE = 0o640


class Journal:
    """The journal in `folder`, open for appending.

    sync="group": the owner calls sync() at least once a second, and before it acts on
    money.  sync="close": the disk is waited for only when a volume is closed, in the
    thread that appends (simulation, tests).
    """

    def __init__(
        self,
        folder: Path,
        clock: RecordClock,
        *,
        sync: SyncPolicy = "group",
        max_volume_bytes: int = MAX_VOLUME_BYTES,
    ) -> None:
        """Open or begin a journal, mending its end; `tail` says what was found.

        Raises JournalError, with EWOULDBLOCK if another process has it open.
        """
        if sync not in ("group", "close"):
            raise ValueError(f"sync {sync!r}: group or close")
        self.folder = folder
        self.policy: SyncPolicy = sync
        self._clock = clock
        self._max_bytes = max_volume_bytes
        self._lock_fd = _lock_folder(folder)
        self._files = threading.Lock()  # guards _fd, _retired and _new_name between threads
        self._syncing = threading.Lock()  # one sync at a time
        self._fd = -1
        self._retired: list[tuple[int, Path]] = []
        self._new_name = True
        self._dirty_end = False
        self._sync_error: JournalError | None = None
        try:
            self.tail: Tail = mend_tail(folder)
            self._volume = self.tail.volume
            if self._volume is not None:
                self._open_old(self._volume)
        except BaseException:
            os.close(self._lock_fd)
            raise
        self._size = self.tail.size
        self._head = self.tail.head
        self._synced = 0 if sync == "group" else self._head.seq

    @property
    def head(self) -> Head:
        """The last line's number and hash; the hash of everything up to here."""
        return self._head

    @property
    def synced_seq(self) -> int:
        """The last line that is known to survive a power cut."""
        return self._synced

    @property
    def closed(self) -> bool:
        return self._lock_fd < 0

    @property
    def needs_sync(self) -> bool:
        return self.policy == "group" and self._synced < self._head.seq

    def append(self, event: Event, at: int | None = None) -> Entry:
        """Write one line.  When this returns, the fact survives the end of the process.

        `at` is the sample at which it happened, now if left out.  Raises ValueError for an
        event that may not be kept, JournalError if the system refused: then nothing of the
        line is left and the journal stands as before.
        """
        if self._lock_fd < 0:
            raise ValueError("the journal is closed")
        now = self._clock.now_samples
        wall = self._clock.wall()
        when = now if at is None else at
        line, entry = make_line(self._head, when, wall_text(wall, when - now), event)
        volume = self._ready_volume(entry.seq, len(line), wall)
        self._write(line, volume.path)
        self._size += len(line)
        self._head = Head(entry.seq, entry.hash)
        return entry

    def read(self, first: int = 1, last: int | None = None) -> Iterator[Entry]:
        """The sound lines `first` to `last`; damaged ones are left out (see verify)."""
        return read_entries(self.folder, first, self._head.seq if last is None else last)

    def verify(self, witness: Head | None = None) -> JournalCheck:
        """Check every line of every volume; `witness` is a head noted earlier elsewhere."""
        return verify_journal(self.folder, witness)

    def sync(self) -> int:
        """Wait until all that was appended before is on the disk; returns its last number.

        Once the disk has failed a sync, every later one raises the same JournalError: the
        system may have thrown the failed pages away, so a later success would mean nothing.
        """
        with self._syncing:
            if self._sync_error is not None:
                raise self._sync_error
            with self._files:
                mark = self._head.seq
                retired, self._retired = self._retired, []
                current, path = self._fd, self._volume.path if self._volume else self.folder
                new_name, self._new_name = self._new_name, False
            try:
                while retired:
                    _sync_fd(*retired.pop(), close=True)
                if current >= 0:
                    _sync_fd(current, path)
                if new_name:
                    _sync_folder(self.folder)
            except JournalError as error:
                self._sync_error = error
                for old, _ in retired:
                    os.close(old)
                raise
            self._synced = max(self._synced, mark)
            return mark

    def close(self) -> None:
        """Sync and close.  A second close does nothing."""
        if self._lock_fd < 0:
            return
        try:
            self.sync()
        finally:
            for old, _ in self._retired:
                os.close(old)
            if self._fd >= 0:
                os.close(self._fd)
            os.close(self._lock_fd)
            self._fd = self._lock_fd = -1

    def _ready_volume(self, seq: int, length: int, wall: datetime) -> Volume:
        """The volume that takes the next line: the same day's, and not over size."""
        day = wall.strftime("%Y%m%d")
        now = self._volume
        if now is not None and (
            self._size == 0 or (now.day == day and self._size + length <= self._max_bytes)
        ):
            return now
        volume = Volume(seq, day, self.folder / volume_name(seq, day))
        fd = _open_volume(volume.path)
        with self._files:
            if self._fd >= 0 and now is not None:
                self._retired.append((self._fd, now.path))
            self._fd, self._volume, self._new_name = fd, volume, True
        self._size = os.fstat(fd).st_size
        if self.policy == "close":
            self.sync()
        return volume

    def _open_old(self, newest: Volume) -> None:
        """Go on in the newest volume; the first sync takes the one before it along.

        The process before us may have died between changing volumes and its next sync.
        """
        self._fd = _open_volume(newest.path)
        before = [v for v in list_volumes(self.folder) if v.first < newest.first]
        if before:
            self._retired.append((_open_volume(before[-1].path), before[-1].path))

    def _write(self, line: bytes, path: Path) -> None:
        try:
            if self._dirty_end:
                self._cut_back()
            written = os.write(self._fd, line)
        except OSError as error:
            self._cut_back_quietly()
            raise JournalError("append to", path, error.errno or errno.EIO) from error
        if written != len(line):  # the disk took a part: it is full
            self._cut_back_quietly()
            raise JournalError("append to", path, errno.ENOSPC)

    def _cut_back(self) -> None:
        os.ftruncate(self._fd, self._size)
        self._dirty_end = False

    def _cut_back_quietly(self) -> None:
        """Remove a half-written line now, or, if even that fails, before the next append."""
        self._dirty_end = True
        try:
            self._cut_back()
        except OSError:
            return


def _lock_folder(folder: Path) -> int:
    path = folder / LOCK_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    except OSError as error:
        raise JournalError("open", path, error.errno or errno.EIO) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise JournalError("lock", path, error.errno or errno.EIO) from error
    return fd


def _open_volume(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _MODE)
    except OSError as error:
        raise JournalError("open", path, error.errno or errno.EIO) from error


def _sync_fd(fd: int, path: Path, *, close: bool = False) -> None:
    try:
        os.fdatasync(fd)
    except OSError as error:
        raise JournalError("sync", path, error.errno or errno.EIO) from error
    finally:
        if close:
            os.close(fd)


def _sync_folder(folder: Path) -> None:
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise JournalError("open", folder, error.errno or errno.EIO) from error
    _sync_fd(fd, folder, close=True)
