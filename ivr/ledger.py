"""Room: the centre's hand on its records: facts in, at once; disk and rows in their own time.

Must not know calls.  A disk that refuses must not end a call: a fact that could not be written
waits here, in order, with its time, and is tried again.  That it was late is a fact, too.
"""

import asyncio
import errno
from collections import deque
from collections.abc import Callable

from cti_board import EngineLoop, jobs

from .record import Alarm, Event, JournalError, RecordError, RecordStore
from .record.volume import list_volumes

SYNC_S = 0.5  # chosen: a power cut takes less than a second of facts
FLUSH_S = 2.0  # chosen: rows are this old at most on a wall clock
FLUSH_VIRTUAL_S = 60.0  # chosen: a simulated day has no reader
LATE_MAX = 200_000  # chosen: facts that wait; hours of a busy centre in some 100 MB
SOURCE = "records"  # of the alarms
REFUSALS = (JournalError, RecordError, OSError)


class Ledger:
    """Facts of the centre.  ``trouble`` is what the disk refuses now, "" when all is well.

    Each change between the two is an alarm of source "records".  ``watchers`` hear each fact with
    its sample, also one that waits; they must neither wait nor raise.
    """

    def __init__(self, store: RecordStore, loop: EngineLoop) -> None:
        self.store = store
        self._loop = loop
        self._late: deque[tuple[int, Event]] = deque()
        self._unwritten = self._unflushed = ""  # why the journal, and why the disk or the rows
        self._refusal = ""  # the code of the last refusal
        self._alarm = ""  # the code of the alarm that is raised, "" when none is
        self._delayed = 0  # facts of this trouble that had to wait
        self._newest = ""  # the journal's last file: while we run it must stay
        self._incomplete = False  # closed without all facts
        self.lost = 0  # facts that found no room to wait
        self.watchers: list[Callable[[int, Event], None]] = []

    @property
    def now(self) -> int:
        """The sample number."""
        return self._loop.clock.now_samples

    @property
    def late(self) -> int:
        """Facts that the disk has refused so far and that wait here."""
        return len(self._late)

    @property
    def trouble(self) -> str:
        return self._unwritten or self._unflushed

    def tell(self, event: Event, at: int | None = None) -> None:
        """Journal a fact of sample ``at`` (now).  Call it before the fact is acted on."""
        lost = self.lost
        self._take(event, self.now if at is None else at)
        self._delayed += bool(self._late) and self.lost == lost
        self._announce()

    def _take(self, event: Event, at: int) -> None:
        if len(self._late) >= LATE_MAX:
            self._write()
        if len(self._late) < LATE_MAX:
            self._late.append((at, event))
            self._write()
        else:
            self.lost += 1
        for watcher in self.watchers:
            watcher(at, event)

    def _write(self) -> None:
        while self._late:
            at, event = self._late[0]
            try:
                self.store.append(event, at)
            except REFUSALS as error:
                self._unwritten = str(error)
                self._refusal = _code(error)
                return
            self._late.popleft()
        self._unwritten = ""

    def _announce(self) -> None:
        """That the disk refuses, and that it takes facts again, are facts."""
        if self.trouble and not self._alarm:
            self._alarm = self._refusal
            self._take(Alarm(SOURCE, self._alarm, self.trouble), self.now)
        elif self._alarm and not self.trouble:
            code, self._alarm = self._alarm, ""
            delayed, self._delayed = self._delayed, 0
            words = f"{delayed} facts were written late"
            words += f", {self.lost} are lost" if self.lost else ""
            self._take(Alarm(SOURCE, code, words, raised=False), self.now)

    async def keep(self) -> None:
        """Sync and project until cancelled."""
        pause_s = FLUSH_VIRTUAL_S if self._loop.virtual else SYNC_S
        flushed = self._loop.time()
        while True:
            await asyncio.sleep(pause_s)
            self._write()
            if self._loop.virtual or self._loop.time() - flushed >= FLUSH_S:
                flushed = self._loop.time()
                await self._flush()
            elif self.store.needs_sync:
                await self._do(self.store.sync)
            self._announce()

    async def close(self) -> None:
        """Everything written and projected; RecordError says how many facts are not."""
        self._write()
        await self._flush()
        self._announce()
        self._incomplete = bool(self._late or self.lost)
        if self._incomplete:
            missing = len(self._late) + self.lost
            raise RecordError(f"{missing} facts could not be written: {self.trouble}")
        if self._unflushed:
            raise RecordError(self._unflushed)

    def let_go(self) -> None:
        """Close the store.  Blocks on the disk.

        Where facts are missing the run gets no line of a clean end: the next one then closes
        what the journal has open.
        """
        if not self._incomplete:
            self.store.close()
            return
        self.store.engine.dispose()
        try:
            self.store.journal.close()
        except REFUSALS:
            return  # close() has told of the disk

    async def _flush(self) -> None:
        if await self._do(self._flush_and_look):
            self._unflushed = ""

    def _flush_and_look(self) -> None:
        """Sync and project; and the journal is still where it was."""
        self.store.flush()
        folder = self.store.journal.folder
        names = [volume.path.name for volume in list_volumes(folder)]
        if self._newest and self._newest not in names:
            raise JournalError("find", folder / self._newest, errno.ENOENT)
        self._newest = names[-1] if names else ""

    async def _do(self, work: Callable[[], object]) -> bool:
        """Off the loop; False when the disk refused."""
        try:
            await jobs.run(work)
        except REFUSALS as error:
            self._unflushed, self._refusal = str(error), _code(error)
            return False
        return True


def _code(error: Exception) -> str:
    """ENOSPC and its like; the kind of the error where the system gave none."""
    number = getattr(error, "errno", None) or 0
    return errno.errorcode.get(number, type(error).__name__)
