"""Room: the centre's hand on its records: facts in, at once; disk and rows in their own time.

Must not know calls.  A disk that refuses must not end a call: a fact that could not be written
waits here, in order, with its time, and is tried again.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from cti_board import EngineLoop, jobs

from .record import Event, JournalError, RecordError, RecordStore

SYNC_S = 0.5  # chosen: a power cut takes less than a second of facts
FLUSH_S = 2.0  # chosen: rows are this old at most on a wall clock
FLUSH_VIRTUAL_S = 60.0  # chosen: a simulated day has no reader


class Ledger:
    """Facts of the centre.  ``trouble`` is the last refusal of the disk, "" when all is well.

    ``watchers`` hear each fact with its sample; they must neither wait nor raise.
    """

    def __init__(self, store: RecordStore, loop: EngineLoop) -> None:
        self.store = store
        self._loop = loop
        self._late: deque[tuple[int, Event]] = deque()
        self.trouble = ""
        self.watchers: list[Callable[[int, Event], None]] = []

    @property
    def now(self) -> int:
        """The sample number."""
        return self._loop.clock.now_samples

    @property
    def late(self) -> int:
        """Facts that the disk has refused so far and that wait here."""
        return len(self._late)

    def tell(self, event: Event, at: int | None = None) -> None:
        """Journal a fact of sample ``at`` (now).  Call it before the fact is acted on."""
        at = self.now if at is None else at
        self._late.append((at, event))
        self._write()
        for watcher in self.watchers:
            watcher(at, event)

    def _write(self) -> None:
        while self._late:
            at, event = self._late[0]
            try:
                self.store.append(event, at)
            except JournalError as error:
                self.trouble = str(error)
                return
            self._late.popleft()
        self.trouble = ""

    async def keep(self) -> None:
        """Sync and project until cancelled."""
        pause_s = FLUSH_VIRTUAL_S if self._loop.virtual else SYNC_S
        flushed = self._loop.time()
        while True:
            await asyncio.sleep(pause_s)
            self._write()
            if self._loop.virtual or self._loop.time() - flushed >= FLUSH_S:
                flushed = self._loop.time()
                await self._do(self.store.flush)
            elif self.store.needs_sync:
                await self._do(self.store.sync)

    async def close(self) -> None:
        """Everything written and projected; JournalError or RecordError if it cannot be."""
        self._write()
        await jobs.run(self.store.flush)

    async def _do(self, work: Callable[[], object]) -> None:
        try:
            await jobs.run(work)
        except (JournalError, RecordError) as error:
            self.trouble = str(error)
