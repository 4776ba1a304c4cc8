"""Facts and a disk that refuses: nothing is lost, nothing ends."""

import asyncio
import errno
from pathlib import Path

import pytest

from cti_board import run, running
from ivr.ledger import FLUSH_VIRTUAL_S, Ledger
from ivr.record import CallEnded, CallOffered, JournalError, Note, RecordError, RecordStore


class FullDisk(RecordStore):
    """A store whose disk is full while ``full`` is set."""

    full = False

    def append(self, event, at=None):
        if self.full:
            raise JournalError("append to", Path("journal"), errno.ENOSPC)
        return super().append(event, at)

    def flush(self):
        if self.full:
            raise RecordError("rows cannot be written: disk full")
        return super().flush()


def with_ledger(folder: Path, test) -> None:
    async def main() -> None:
        store = FullDisk(folder, running().clock, sync="close")
        await test(Ledger(store, running()), store)
        store.close()

    run(main, clock="virtual")


def notes(store: RecordStore) -> list[tuple[int, str]]:
    return [(e.at, e.event.text) for e in store.journal.read() if isinstance(e.event, Note)]


def test_facts_that_the_disk_refused_are_written_in_order_with_their_time(tmp_path):
    async def test(ledger: Ledger, store: FullDisk) -> None:
        ledger.tell(Note("before"))
        store.full = True
        ledger.tell(Note("one"))
        await asyncio.sleep(1.0)
        ledger.tell(Note("two"))
        assert (ledger.late, ledger.trouble) == (2, "journal: append to journal: ENOSPC")
        store.full = False
        await asyncio.sleep(1.0)
        ledger.tell(Note("three"))
        assert (ledger.late, ledger.trouble) == (0, "")
        assert notes(store) == [(0, "before"), (0, "one"), (8000, "two"), (16000, "three")]

    with_ledger(tmp_path, test)


def test_rows_follow_by_themselves(tmp_path):
    async def test(ledger: Ledger, store: FullDisk) -> None:
        keeping = asyncio.create_task(ledger.keep())
        ledger.tell(CallOffered("c"))
        ledger.tell(CallEnded("c", 16, "far"))
        assert store.needs_flush
        await asyncio.sleep(FLUSH_VIRTUAL_S + 1)
        assert not store.needs_flush
        keeping.cancel()
        await asyncio.wait([keeping])

    with_ledger(tmp_path, test)


def test_rows_that_cannot_be_written_are_told_and_tried_again(tmp_path):
    async def test(ledger: Ledger, store: FullDisk) -> None:
        keeping = asyncio.create_task(ledger.keep())
        store.full = True
        ledger.tell(Note("late"))
        await asyncio.sleep(FLUSH_VIRTUAL_S + 1)
        assert "disk full" in ledger.trouble
        store.full = False
        await asyncio.sleep(FLUSH_VIRTUAL_S + 1)
        assert (ledger.late, ledger.trouble, store.needs_flush) == (0, "", False)
        keeping.cancel()
        await asyncio.wait([keeping])

    with_ledger(tmp_path, test)


def test_closing_says_when_the_records_are_not_complete(tmp_path):
    async def test(ledger: Ledger, store: FullDisk) -> None:
        store.full = True
        ledger.tell(Note("lost"))
        with pytest.raises(RecordError, match="disk full"):
            await ledger.close()
        store.full = False
        await ledger.close()
        assert notes(store) == [(0, "lost")]

    with_ledger(tmp_path, test)


def test_watchers_hear_every_fact_with_its_time(tmp_path):
    async def test(ledger: Ledger, store: FullDisk) -> None:
        heard = []
        ledger.watchers.append(lambda at, event: heard.append((at, event.text)))
        store.full = True
        ledger.tell(Note("one"))
        ledger.tell(Note("two"), 42)
        store.full = False
        assert heard == [(0, "one"), (42, "two")]

    with_ledger(tmp_path, test)
