"""The start after a sudden end: what was open is closed, said, and kept."""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from ivr.record import (
    AgentState,
    CallAnswered,
    CallEnded,
    CallOffered,
    ClosedAtRestart,
    Digits,
    LegStarted,
    Note,
    RecordingEnded,
    RecordingStarted,
    RecordStore,
    SegmentStarted,
    check_files,
    check_rows,
)
from ivr.record.recovery import MendedRecording
from ivr.record.tables import agent_state, call, recording
from tests.ivr.record_kit import HandClock, call_events, wav_bytes, write_file

ROOT = Path(__file__).parents[2]


def after_a_crash(store: RecordStore, folder: Path) -> RecordStore:
    """The store that a new run opens on what a kill -9 now would leave of `store`."""
    shutil.copytree(store.folder, folder)
    return RecordStore(folder, HandClock())


def open_call(store: RecordStore, clock: HandClock, name: str) -> Path:
    """A call in mid-talk at sample 8000, its recording begun at sample 160."""
    clock.now_samples = 0
    store.append(CallOffered(name))
    clock.now_samples = 160
    store.append(CallAnswered(name))
    store.append(LegStarted(name, "c", "caller"))
    store.append(SegmentStarted(name, "ivr"))
    path = store.recording_path(name, "c")
    store.append(RecordingStarted(name, store.relative(path), leg="c"))
    clock.now_samples = 8000
    store.append(SegmentStarted(name, "talk", "1001"))
    return path


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(tmp_path, clock):
    store = RecordStore(tmp_path / "first", clock, version="0.1")
    yield store
    store.close()


def test_an_empty_folder_begins_run_one(store):
    assert (store.recovery.run, store.recovery.clean) == (1, True)
    assert store.recovery.nothing_lost
    assert str(store.recovery) == "run 1: the run before ended well"


def test_a_clean_end_leaves_nothing_to_do(tmp_path, clock):
    store = RecordStore(tmp_path, clock)
    for at, event in call_events("c1", 160, random.Random(1)):
        clock.now_samples = at
        store.append(event)
    store.append(AgentState("1001", "logged_out"))
    store.close()
    store.close()
    again = RecordStore(tmp_path, clock)
    assert again.recovery.run == 2
    assert again.recovery.clean
    assert again.recovery.lines() == ["run 2: the run before ended well"]
    again.close()


@pytest.mark.parametrize("flushed", [False, True])
def test_what_was_open_is_closed_with_a_fact_that_says_which(store, clock, tmp_path, flushed):
    path = open_call(store, clock, "c1")
    store.append(AgentState("1001", "available", "in_call", seat="s1", call="c1"))
    write_file(path, wav_bytes(b"\x55" * 2 * 20_000, data_bytes=16_000))
    if flushed:
        store.flush()
    again = after_a_crash(store, tmp_path / "second")
    report = again.recovery
    assert (report.run, report.clean, report.calls, report.legs, report.segments) == (
        2, False, ("c1",), 1, 1,
    )  # fmt: skip
    assert report.agents == ("1001",)
    assert report.replayed == (0 if flushed else 7)
    (one,) = report.recordings
    assert one == MendedRecording(store.relative(path), 20_000, mended=True)
    assert report.nothing_lost
    assert "closed: 1 calls, 1 legs, 1 segments: c1" in str(report)
    with again.engine.connect() as connection:
        assert check_rows(connection) == []
        assert check_files(connection, again.folder) == []
        row = connection.execute(select(call)).one()
        # the sound goes on to sample 160 + 20 000, past the last fact at 8000
        assert (row.end_at, row.cause, row.side) == (20_160, 41, "unknown")
        assert row.closed_at_restart == 1
        assert row.end_wall == "2026-03-09T00:00:02.520000+00:00"
        sound = connection.execute(select(recording)).one()
        assert (sound.start_at, sound.end_at, sound.samples) == (160, 20_160, 20_000)
        assert sound.error == "closed at restart"
        state = connection.execute(select(agent_state)).one()
        assert (state.end_at, state.end_wall) == (8000, "2026-03-09T00:00:01.000000+00:00")
    closings = [e.event for e in again.journal.read() if isinstance(e.event, ClosedAtRestart)]
    assert [fact.call for fact in closings] == ["c1", ""]
    assert (closings[0].legs, len(closings[0].segments)) == (("c",), 1)
    assert closings[0].recordings == (store.relative(path),)
    before = again.rows_hash()
    again.rebuild()
    assert again.rows_hash() == before
    again.close()


def test_a_crash_in_the_middle_of_recovery_is_recovered_from(store, clock, tmp_path):
    for name in ("c1", "c2", "c3"):
        write_file(open_call(store, clock, name), wav_bytes(b"\x55" * 16_000, data_bytes=0))
    store.append(AgentState("1001", "available"))
    whole = after_a_crash(store, tmp_path / "whole")
    query = select(call.c.id, call.c.end_at, call.c.end_wall).order_by(call.c.id)
    with whole.engine.connect() as connection:
        ends = connection.execute(query).all()
    assert len(ends) == 3
    facts = whole.journal.head.seq - store.journal.head.seq
    assert facts == 8  # the run, 3 calls, 3 recordings, the agent
    journal = next((whole.folder / "journal").glob("*.jsonl")).read_bytes().splitlines(True)
    for kept in range(facts):
        folder = tmp_path / f"cut{kept}"
        shutil.copytree(whole.folder, folder, ignore=shutil.ignore_patterns("records*"))
        target = next((folder / "journal").glob("*.jsonl"))
        target.write_bytes(b"".join(journal[: store.journal.head.seq + kept]))
        again = RecordStore(folder, HandClock())
        with again.engine.connect() as connection:
            assert connection.execute(query).all() == ends
            assert check_rows(connection) == []
            assert check_files(connection, folder) == []
        again.close()
    whole.close()


def test_a_recording_that_outlived_its_call_is_closed_alone(store, clock, tmp_path):
    path = open_call(store, clock, "c1")
    write_file(path, wav_bytes(b"\x55" * 16_000, data_bytes=0))
    store.append(CallEnded("c1", 16, "far"))
    again = after_a_crash(store, tmp_path / "second")
    assert again.recovery.calls == ()
    assert [one.samples for one in again.recovery.recordings] == [8000]
    with again.engine.connect() as connection:
        row = connection.execute(select(call)).one()
        assert (row.end_at, row.cause, row.closed_at_restart) == (8000, 16, 0)
        assert check_rows(connection) == []
    again.close()


@pytest.mark.parametrize(("data", "error"), [
    (None, "there is no file"), (b"", "no header"), (b"\0" * 400, "not a WAV file"),
])  # fmt: skip
def test_a_recording_without_header_or_file_is_reported(store, clock, tmp_path, data, error):
    path = open_call(store, clock, "c1")
    if data is not None:
        path.write_bytes(data)
    clock.now_samples = 9600
    store.append(Digits("c1", "1"))  # the last that is known of this run
    again = after_a_crash(store, tmp_path / "second")
    (one,) = again.recovery.recordings
    assert error in one.error
    assert not again.recovery.nothing_lost
    assert error in str(again.recovery)
    with again.engine.connect() as connection:
        assert check_rows(connection) == []
        query = select(recording.c.samples, call.c.end_at).join(call)
        assert connection.execute(query).one() == (0, 9600)
    again.close()


def test_an_ended_recording_that_the_power_cut_took_is_reported(store, clock, tmp_path):
    path = open_call(store, clock, "c1")
    write_file(path, wav_bytes(b"\x55" * 16_000))
    store.append(RecordingEnded("c1", store.relative(path), 8000))
    store.append(CallEnded("c1", 16, "far"))
    path.write_bytes(wav_bytes(b"\x55" * 16_000)[:9000])
    again = after_a_crash(store, tmp_path / "second")
    assert len(again.recovery.suspect) == 1
    assert "the row says 8000" in again.recovery.suspect[0]
    assert not again.recovery.nothing_lost
    again.close()


def test_the_torn_end_of_the_journal_is_in_the_report_and_noted(store, clock, tmp_path):
    store.append(Note("x"))
    shutil.copytree(store.folder, tmp_path / "second")
    with next((tmp_path / "second" / "journal").glob("*.jsonl")).open("ab") as file:
        file.write(b'{"at":12')
    again = RecordStore(tmp_path / "second", HandClock())
    assert (again.recovery.torn, again.recovery.torn_bytes) == ("journal.torn-1", 8)
    assert "8 torn bytes kept in journal.torn-1" in str(again.recovery)
    notes = [e.event.text for e in again.journal.read() if isinstance(e.event, Note)]
    assert notes == ["x", "journal: 8 torn bytes kept in journal.torn-1"]
    again.close()


def test_damaged_rows_are_put_aside_and_made_again(store, clock, tmp_path):
    open_call(store, clock, "c1")
    store.append(CallEnded("c1", 16, "far"))
    store.flush()
    with store.engine.connect() as connection:
        want = connection.execute(select(call)).one()
    folder = tmp_path / "second"
    shutil.copytree(store.folder, folder)
    for suffix in ("-wal", "-shm"):
        (folder / f"records.sqlite{suffix}").unlink(missing_ok=True)
    (folder / "records.sqlite").write_bytes(b"not a database, by no means" * 400)
    again = RecordStore(folder, HandClock())
    assert "not a database" in again.recovery.rebuilt
    assert (folder / "records.sqlite.bad-1").exists()
    with again.engine.connect() as connection:
        assert connection.execute(select(call)).one() == want
    again.close()


def test_rows_of_facts_that_a_power_cut_took_are_made_again(store, clock, tmp_path):
    store.append(CallOffered("c1"))
    store.append(CallEnded("c1", 16, "far"))
    kept = (lines := next((store.folder / "journal").glob("*.jsonl"))).read_bytes()
    store.append(CallOffered("c2"))
    store.flush()
    shutil.copytree(store.folder, tmp_path / "second")
    (tmp_path / "second" / "journal" / lines.name).write_bytes(kept)
    again = RecordStore(tmp_path / "second", HandClock())
    assert again.recovery.rebuilt == "they had facts that the journal has not"
    with again.engine.connect() as connection:
        assert connection.scalars(select(call.c.id)).all() == ["c1"]
    before = again.rows_hash()
    again.rebuild()
    assert again.rows_hash() == before
    again.close()


CALLS_FOR_EVER = """
import os, random, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from record_kit import HandClock, call_events
from ivr.record import RecordStore
clock = HandClock()
store = RecordStore(Path(sys.argv[1]), clock)
rng = random.Random(store.recovery.run)
for number in range(10_000):  # the parent ends this long before
    name = f"r{store.recovery.run:02d}-{number:05d}"
    for step, (at, event) in enumerate(call_events(name, clock.now_samples, rng)):
        clock.now_samples = at
        seq = store.append(event)
        if step % 9 == 0:
            store.flush()
        os.write(1, b"%d\\n" % seq)
"""


def test_kill_9_again_and_again_loses_no_call(tmp_path):
    """Each run is killed somewhere in its calls; the next one closes what that left."""
    killed_at = [0]
    for after in (3, 40, 121, 333):
        with subprocess.Popen(
            [sys.executable, "-c", CALLS_FOR_EVER, str(tmp_path), str(Path(__file__).parent)],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
        ) as child:  # fmt: skip
            assert child.stdout is not None
            seen = [child.stdout.readline() for _ in range(after)]
            child.send_signal(signal.SIGKILL)
            seen += child.stdout.readlines()
        assert child.returncode == -signal.SIGKILL
        killed_at.append(int([line for line in seen if line.endswith(b"\n")][-1]))
    store = RecordStore(tmp_path, HandClock())
    assert store.recovery.run == 5
    assert not store.recovery.clean
    assert store.journal.verify().faults == ()
    assert store.journal.head.seq > killed_at[-1] > killed_at[-2]
    offered = {e.event.call for e in store.journal.read() if isinstance(e.event, CallOffered)}
    with store.engine.connect() as connection:
        assert set(connection.scalars(select(call.c.id))) == offered
        assert {name[:3] for name in offered} == {"r01", "r02", "r03", "r04"}
        assert check_rows(connection) == []
    before = store.rows_hash()
    store.rebuild()
    assert store.rows_hash() == before
    store.close()
