"""Facts and a disk that refuses: nothing is lost, nothing ends."""

import asyncio
import errno
from pathlib import Path

import pytest

from cti_board import run, running
from ivr import ledger as room
from ivr.ledger import FLUSH_VIRTUAL_S, Ledger
from ivr.record import (
    Alarm,
    CallEnded,
    CallOffered,
    JournalError,
    Note,
    RecordError,
    RecordStore,
    RunEnded,
)


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
        assert (ledger.late, ledger.trouble) == (3, "journal: append to journal: ENOSPC")
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


def test_a_disk_that_takes_facts_again_gets_the_rows_too(tmp_path):
    async def test(ledger: Ledger, store: FullDisk) -> None:
        keeping = asyncio.create_task(ledger.keep())
        store.full = True
        ledger.tell(Note("late"))
        await asyncio.sleep(FLUSH_VIRTUAL_S + 1)
        assert "ENOSPC" in ledger.trouble
        store.full = False
        await asyncio.sleep(2 * FLUSH_VIRTUAL_S + 1)
        assert (ledger.late, ledger.trouble, store.needs_flush) == (0, "", False)
        keeping.cancel()
        await asyncio.wait([keeping])

    with_ledger(tmp_path, test)


def test_closing_says_when_the_records_are_not_complete(tmp_path):
    async def test(ledger: Ledger, store: FullDisk) -> None:
        store.full = True
        ledger.tell(Note("lost"))
        with pytest.raises(RecordError, match=r"2 facts could not be written: .* ENOSPC"):
            await ledger.close()
        store.full = False
        await ledger.close()
        assert notes(store) == [(0, "lost")]

    with_ledger(tmp_path, test)


def test_watchers_hear_every_fact_with_its_time(tmp_path):
    async def test(ledger: Ledger, store: FullDisk) -> None:
        heard = []
        ledger.watchers.append(lambda at, event: heard.append((at, event.text)))
        ledger.tell(Note("zero"))
        store.full = True
        ledger.tell(Note("one"))
        ledger.tell(Note("two"), 42)
        store.full = False
        ledger.tell(Note("three"), 43)
        full = "journal: append to journal: ENOSPC"
        assert heard == [(0, "zero"), (0, "one"), (0, full), (42, "two"), (43, "three"),
                         (0, "2 facts were written late")]  # fmt: skip

    with_ledger(tmp_path, test)


def alarms(store: RecordStore) -> list[tuple[str, str, str, bool]]:
    found = [e.event for e in store.journal.read() if isinstance(e.event, Alarm)]
    return [(one.source, one.code, one.text, one.raised) for one in found]


def test_that_facts_were_late_is_a_fact(tmp_path):
    async def test(ledger: Ledger, store: FullDisk) -> None:
        for _ in range(2):
            store.full = True
            ledger.tell(Note("one"))
            ledger.tell(Note("two"))
            store.full = False
            ledger.tell(Note("three"))
        text = "journal: append to journal: ENOSPC"
        assert alarms(store) == [
            ("records", "ENOSPC", text, True),
            ("records", "ENOSPC", "2 facts were written late", False),
        ] * 2

    with_ledger(tmp_path, test)


def test_rows_that_cannot_be_written_are_one_alarm_however_long_it_lasts(tmp_path):
    async def test(ledger: Ledger, store: FullDisk) -> None:
        keeping = asyncio.create_task(ledger.keep())
        ledger.tell(Note("one"))

        def refuse() -> None:
            raise OSError(errno.EIO, "rows")

        good, store.flush = store.flush, refuse
        await asyncio.sleep(5 * FLUSH_VIRTUAL_S + 1)
        assert ledger.trouble == "[Errno 5] rows"
        store.flush = good
        await asyncio.sleep(FLUSH_VIRTUAL_S + 1)
        assert ledger.trouble == ""
        assert alarms(store) == [
            ("records", "EIO", "[Errno 5] rows", True),
            ("records", "EIO", "0 facts were written late", False),
        ]
        keeping.cancel()
        await asyncio.wait([keeping])

    with_ledger(tmp_path, test)


def test_a_journal_that_is_removed_while_it_is_written_is_told(tmp_path):
    async def test(ledger: Ledger, store: FullDisk) -> None:
        keeping = asyncio.create_task(ledger.keep())
        ledger.tell(Note("one"))
        await asyncio.sleep(FLUSH_VIRTUAL_S + 1)
        (volume,) = store.journal.folder.glob("journal-*")
        volume.unlink()
        await asyncio.sleep(FLUSH_VIRTUAL_S + 1)
        assert ledger.trouble == f"journal: find {volume}: ENOENT"
        keeping.cancel()
        await asyncio.wait([keeping])
        with pytest.raises(RecordError, match="ENOENT"):
            await ledger.close()

    with_ledger(tmp_path, test)


def test_facts_that_find_no_room_to_wait_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "LATE_MAX", 3)

    async def test(ledger: Ledger, store: FullDisk) -> None:
        store.full = True
        for number in range(5):
            ledger.tell(Note(str(number)))
        assert (ledger.late, ledger.lost) == (3, 3)
        store.full = False
        ledger.tell(Note("more"))
        with pytest.raises(RecordError, match="3 facts could not be written"):
            await ledger.close()
        assert [text for _, text in notes(store)] == ["0", "1", "more"]
        assert alarms(store)[-1][2] == "2 facts were written late, 3 are lost"

    with_ledger(tmp_path, test)


def test_a_run_whose_facts_are_missing_does_not_end_well(tmp_path):
    """Even if there is room again a moment later."""
    ended = []

    async def main() -> None:
        store = FullDisk(tmp_path, running().clock, sync="close")
        ledger = Ledger(store, running())
        ledger.tell(CallOffered("c"))
        store.full = True
        ledger.tell(CallEnded("c", 16, "far"))
        with pytest.raises(RecordError, match="2 facts"):
            await ledger.close()
        store.full = False
        ledger.let_go()
        assert store.journal.closed
        again = RecordStore(tmp_path, running().clock, sync="close")
        ended.append((again.recovery.clean, again.recovery.calls))
        again.close()

    run(main, clock="virtual")
    assert ended == [(False, ("c",))]


def test_a_run_whose_facts_are_all_written_ends_well(tmp_path):
    async def main() -> None:
        store = FullDisk(tmp_path, running().clock, sync="close")
        ledger = Ledger(store, running())
        store.full = True
        ledger.tell(Note("late"))
        store.full = False
        await ledger.close()
        ledger.let_go()
        again = RecordStore(tmp_path, running().clock, sync="close")
        assert again.recovery.clean
        assert [e.event.run for e in again.journal.read() if isinstance(e.event, RunEnded)] == [1]
        again.close()

    run(main, clock="virtual")
