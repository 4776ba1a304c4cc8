"""The journal: its lines, its chain, its volumes, and what a full or broken disk does to it."""

import errno
import json
import os
import resource
import subprocess
import sys
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.record import (
    Alarm,
    CallEnded,
    CallOffered,
    ClosedAtRestart,
    Digits,
    Event,
    Journal,
    JournalError,
    Note,
    RecordingEnded,
    SegmentStarted,
    mask,
)
from ivr.record.event import event_data, event_from
from ivr.record.journal_line import GENESIS, canonical
from tests.ivr.record_kit import HandClock

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def journal(tmp_path, clock):
    journal = Journal(tmp_path, clock)
    yield journal
    journal.close()


def lines_of(folder: Path) -> list[bytes]:
    data = b"".join(path.read_bytes() for path in sorted(folder.glob("*.jsonl")))
    assert not data or data.endswith(b"\n")
    return data.split(b"\n")[:-1]


# ---- lines -------------------------------------------------------------------


def test_a_line_is_canonical_json_and_carries_its_hash_and_the_one_before(journal, clock):
    clock.now_samples = 8001
    journal.append(CallOffered("c1", ani="13800000000", flow="烟草订货"))
    journal.append(Note('喂\n\u2028"\\'))
    first, second = (json.loads(line) for line in lines_of(journal.folder))
    assert list(first) == sorted(first) == ["at", "data", "hash", "prev", "seq", "type", "wall"]
    assert (first["at"], first["wall"]) == (8001, "2026-03-09T00:00:01.000125+00:00")
    assert (first["prev"], second["prev"]) == (GENESIS, first["hash"])
    assert second["data"]["text"] == '喂\n\u2028"\\'
    for line, said in zip(lines_of(journal.folder), (first, second), strict=True):
        assert canonical(said).encode() == line
        body = {key: value for key, value in said.items() if key != "hash"}
        assert blake2b(canonical(body).encode(), digest_size=32).hexdigest() == said["hash"]
    assert "烟草订货".encode() in lines_of(journal.folder)[0]


def test_a_fact_of_an_earlier_sample_gets_that_samples_wall_time(journal, clock):
    clock.now_samples = 16000
    entry = journal.append(Note("late"), at=8000)
    assert (entry.at, entry.wall) == (8000, "2026-03-09T00:00:01.000000+00:00")


@pytest.mark.parametrize(
    "event",
    [
        Note(1.5),  # type: ignore[arg-type]
        Note(b"x"),  # type: ignore[arg-type]
        Note("\ud800"),
        Alarm("span1", "LOS", raised=float("nan")),  # type: ignore[arg-type]
        CallEnded("c1", 1 << 63, "us"),
        ClosedAtRestart(0, "", segments=(1.0,)),  # type: ignore[arg-type]
        CallOffered(""),
    ],
)
def test_what_may_not_be_kept_is_refused_and_leaves_no_line(journal, event):
    with pytest.raises(ValueError, match=r"."):
        journal.append(event)
    assert lines_of(journal.folder) == []
    assert journal.append(Note("next")).seq == 1


def test_a_wall_time_without_zone_is_refused(tmp_path):
    journal = Journal(tmp_path, HandClock(datetime(2026, 3, 9)))  # noqa: DTZ001
    with pytest.raises(ValueError, match="zone"):
        journal.append(Note("x"))
    journal.close()


@given(st.sampled_from(get_args(Event)).flatmap(st.builds))
def test_every_event_comes_back_from_its_data(event):
    try:
        data = json.loads(canonical(event_data(event)))
    except ValueError:  # an int out of range, no call id
        return
    assert event_from(event.type, data) == event


def test_events_of_other_versions_are_read_as_far_as_known():
    assert event_from("call_teleported", {"call": "c1"}) is None
    assert event_from("note", {"text": "x", "colour": "red"}) == Note("x")
    assert event_from("call_ended", {"call": "c1"}) is None


def test_mask_hides_digits():
    assert mask("123456") == mask("1") == "xxxx"
    assert mask("") == ""
    assert mask("6222020200112233", keep_last=4) == "xxxxxxxxxxxx2233"
    assert mask("1234567", keep_last=4) == "xxxxxxx"
    with pytest.raises(ValueError, match="keep_last"):
        mask("1234567890", keep_last=5)


# ---- chain and volumes ----------------------------------------------------------


def test_opening_again_goes_on_with_numbers_and_chain(tmp_path, clock):
    for run in range(3):
        journal = Journal(tmp_path, clock)
        assert journal.head.seq == 2 * run
        journal.append(Note("a"))
        journal.append(Note("b"))
        journal.close()
    check = Journal(tmp_path, clock).verify()
    assert (check.lines, check.head.seq, check.faults) == (6, 6, ())


def test_volumes_change_with_the_day_and_with_the_size(tmp_path, clock):
    journal = Journal(tmp_path, clock, max_volume_bytes=700)
    for number in range(5):
        journal.append(Note(str(number)))
    clock.now_samples = 8000 * 3600 * 17  # 01:00 of the next day in the clock's zone
    journal.append(Note("tomorrow"))
    names = [path.name for path in sorted(tmp_path.glob("*.jsonl"))]
    assert names == [
        "journal-000000000001-20260309.jsonl",
        "journal-000000000003-20260309.jsonl",
        "journal-000000000005-20260309.jsonl",
        "journal-000000000006-20260310.jsonl",
    ]
    assert all(path.stat().st_size <= 700 for path in tmp_path.glob("*.jsonl"))
    assert [entry.seq for entry in journal.read()] == [1, 2, 3, 4, 5, 6]
    assert [entry.event.text for entry in journal.read(3, 5)] == ["2", "3", "4"]
    assert journal.verify().sound
    journal.close()
    again = Journal(tmp_path, clock)
    assert again.head == journal.head
    again.close()


def test_a_second_process_is_refused(journal, clock):
    with pytest.raises(JournalError, match=r"lock .*EAGAIN") as caught:
        Journal(journal.folder, clock)
    assert caught.value.errno == errno.EWOULDBLOCK


def test_a_closed_journal_takes_nothing(tmp_path, clock):
    journal = Journal(tmp_path, clock)
    journal.close()
    journal.close()
    with pytest.raises(ValueError, match="closed"):
        journal.append(Note("x"))


# ---- verify ------------------------------------------------------------------


@pytest.fixture
def written(tmp_path, clock):
    """A closed journal of six lines in one volume: its file and its lines."""
    journal = Journal(tmp_path, clock)
    for number in range(6):
        clock.now_samples += 160
        journal.append(Digits("c1", str(number), node="菜单"))
    journal.close()
    path = next(tmp_path.glob("*.jsonl"))
    return path, path.read_bytes().splitlines(keepends=True)


def check_of(path: Path, data: bytes | list[bytes], witness=None):
    from ivr.record.verify import verify_journal

    path.write_bytes(b"".join(data) if isinstance(data, list) else data)
    return verify_journal(path.parent, witness)


def faults_of(path: Path, data: bytes | list[bytes], witness=None) -> list[tuple[str, int, int]]:
    return [(fault.kind, fault.seq, fault.last) for fault in check_of(path, data, witness).faults]


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80])
def test_any_byte_edited_is_found_and_its_line_named(written, flip):
    path, lines = written
    data = b"".join(lines)
    at = 0
    for seq, line in enumerate(lines, 1):
        for offset in range(len(line)):
            edited = bytearray(data)
            edited[at + offset] ^= flip
            faults = faults_of(path, bytes(edited))
            assert faults, f"line {seq}, byte {offset}"
            assert faults[0][1] == seq, f"line {seq}, byte {offset}: {faults}"
        at += len(line)


def test_deleted_swapped_doubled_and_foreign_lines_are_named(written):
    path, lines = written
    assert faults_of(path, lines) == []
    assert faults_of(path, [*lines[:2], *lines[4:]]) == [("deleted", 3, 4)]
    assert faults_of(path, lines[2:]) == [("deleted", 1, 2)]
    swapped = [lines[0], lines[2], lines[1], *lines[3:]]
    assert faults_of(path, swapped) == [("moved", 2, 2)]
    assert faults_of(path, [*lines[:3], lines[1], *lines[3:]]) == [("moved", 2, 2)]
    assert faults_of(path, [*lines[:3], b"\n", *lines[3:]]) == [("edited", 4, 4)]
    spoilt = [*lines[:2], b"rubbish\n", *lines[4:]]
    assert faults_of(path, spoilt) == [("edited", 3, 3), ("deleted", 4, 4)]


def test_a_line_edited_with_a_new_hash_is_found_by_the_next(written):
    path, lines = written
    said = json.loads(lines[2])
    said["data"]["text"] = "9"
    del said["hash"]
    said["hash"] = blake2b(canonical(said).encode(), digest_size=32).hexdigest()
    forged = [*lines[:2], canonical(said).encode() + b"\n", *lines[3:]]
    assert faults_of(path, forged) == [("rewritten", 3, 3)]


def test_a_witness_shows_a_rewritten_chain_and_a_shortened_journal(written, tmp_path):
    path, lines = written
    witness = check_of(path, lines).head
    assert witness.seq == 6
    assert faults_of(path, lines[:4], witness) == [("deleted", 5, 6)]
    assert faults_of(path, lines[:4]) == []  # nothing inside tells that lines once followed
    clock = HandClock()
    other = Journal(tmp_path / "other", clock)
    for number in range(6):
        clock.now_samples += 160
        other.append(Digits("c1", "9" if number == 2 else str(number), node="菜单"))
    other.close()
    forged = next((tmp_path / "other").glob("*.jsonl")).read_bytes()
    assert faults_of(path, forged) == []
    assert faults_of(path, forged, witness) == [("rewritten", 6, 6)]


def test_a_volume_taken_away_is_named(tmp_path, clock):
    journal = Journal(tmp_path, clock, max_volume_bytes=700)
    for number in range(6):
        journal.append(Note(str(number)))
    journal.close()
    (tmp_path / "journal-000000000003-20260309.jsonl").unlink()
    found = journal.verify(journal.head).faults
    assert [(fault.kind, fault.seq, fault.last) for fault in found] == [("deleted", 3, 4)]


# ---- a disk that refuses --------------------------------------------------------


@pytest.mark.parametrize("taken", [0, 1, 100])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_refused_append_leaves_nothing_and_the_next_goes_on(journal, monkeypatch, taken, code):
    journal.append(Note("before"))
    before = journal.head
    real = os.write

    def full(fd: int, data: bytes) -> int:
        if taken:
            return real(fd, data[:taken])  # the kernel takes a part, and says so
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(JournalError) as caught:
        journal.append(Note("lost"))
    assert caught.value.errno == (errno.ENOSPC if taken else code)
    assert caught.value.file.name.startswith("journal-")
    assert journal.head == before
    monkeypatch.undo()
    journal.append(Note("after"))
    assert [entry.event.text for entry in journal.read()] == ["before", "after"]
    assert journal.verify().sound


def test_a_half_line_that_cannot_be_removed_at_once_is_removed_later(journal, monkeypatch):
    journal.append(Note("before"))
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:50]))

    def refuse(fd: int, size: int) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, "ftruncate", refuse)
    with pytest.raises(JournalError):
        journal.append(Note("lost"))
    with pytest.raises(JournalError) as caught:  # still not: nothing may be written behind it
        journal.append(Note("lost too"))
    assert caught.value.errno == errno.EIO
    monkeypatch.undo()
    journal.append(Note("after"))
    assert [entry.event.text for entry in journal.read()] == ["before", "after"]
    assert journal.verify().sound


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from record_kit import HandClock
from ivr.record import Journal, JournalError, Note
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal(Path(sys.argv[1]), HandClock())
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
kept = failed = 0
while failed < 2:
    try:
        journal.append(Note("x" * 50))
        kept += 1
    except JournalError as error:
        failed += 1
        assert Path(error.file).stat().st_size < 2000, "a half line was left"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.append(Note("room again"))
journal.close()
print(kept)
"""


def test_the_kernels_own_short_write_is_taken_back(tmp_path, clock):
    """A file size limit makes the real write(2) take a part of a line, as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), str(Path(__file__).parent)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    journal = Journal(tmp_path, clock)
    texts = [entry.event.text for entry in journal.read()]
    assert journal.tail.torn is None
    assert len(texts) == int(done.stdout) + 1 > 2
    assert texts[-1] == "room again"
    assert journal.verify().sound
    journal.close()


def test_a_volume_that_cannot_be_made_is_reported(tmp_path, clock):
    journal = Journal(tmp_path, clock, max_volume_bytes=300)
    journal.append(Note("one"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(JournalError) as caught:
            journal.append(Note("two"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert caught.value.errno == errno.EMFILE
    journal.append(Note("two"))
    assert [entry.event.text for entry in journal.read()] == ["one", "two"]
    journal.close()


# ---- sync --------------------------------------------------------------------


def test_group_sync_covers_what_was_appended_and_every_volume(tmp_path, clock, monkeypatch):
    journal = Journal(tmp_path, clock, max_volume_bytes=300)
    synced: list[str] = []
    real = os.fdatasync

    def watch(fd: int) -> None:
        synced.append(Path(f"/proc/self/fd/{fd}").resolve().name)
        real(fd)

    monkeypatch.setattr(os, "fdatasync", watch)
    assert not journal.needs_sync
    for number in range(3):
        journal.append(Note(str(number)))
    assert journal.needs_sync
    assert journal.synced_seq == 0
    assert journal.sync() == 3
    assert (journal.needs_sync, journal.synced_seq) == (False, 3)
    # the folder too: it holds their names
    volumes = [f"journal-{n:012d}-20260309.jsonl" for n in (1, 2, 3, 4)]
    assert sorted(synced) == sorted([*volumes[:3], tmp_path.name])
    synced.clear()
    journal.append(SegmentStarted("c1", "ivr"))
    journal.sync()
    assert sorted(synced) == sorted([*volumes[2:], tmp_path.name])
    journal.close()
    synced.clear()
    again = Journal(tmp_path, clock)  # the process before may have died without its sync
    assert again.needs_sync
    again.sync()
    assert synced[:2] == volumes[2:]
    again.close()


def test_sync_at_close_waits_for_the_disk_only_when_a_volume_ends(tmp_path, clock, monkeypatch):
    calls: list[int] = []
    monkeypatch.setattr(os, "fdatasync", calls.append)
    journal = Journal(tmp_path, clock, sync="close", max_volume_bytes=700)
    journal.append(Note("first"))
    calls.clear()
    journal.append(Note("same volume"))
    assert (calls, journal.needs_sync) == ([], False)
    journal.append(Note("next volume"))
    assert calls
    calls.clear()
    journal.close()
    assert calls
    with pytest.raises(ValueError, match="sync"):
        Journal(tmp_path, clock, sync="never")  # type: ignore[arg-type]


def test_a_failed_sync_is_never_taken_for_a_success_later(journal, monkeypatch):
    journal.append(RecordingEnded("c1", "a.wav", 160))

    def broken(fd: int) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(JournalError) as caught:
        journal.sync()
    assert caught.value.errno == errno.EIO
    monkeypatch.undo()
    journal.append(Note("calls go on"))
    with pytest.raises(JournalError):
        journal.sync()
    assert (journal.synced_seq, journal.needs_sync) == (0, True)
    with pytest.raises(JournalError):
        journal.close()
    assert journal.closed
