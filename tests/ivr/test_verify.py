"""`ivr verify`: what was falsified is found wherever it was done, an honest failure is not called
that, and the evidence stays as it is."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from ivr.cli import main
from ivr.record import (
    CallEnded,
    CallOffered,
    RecordError,
    RecordingEnded,
    RecordingStarted,
    RecordStore,
    audit,
    hash_file,
)
from ivr.record.audit import still_rows

from .record_kit import HandClock, wav_bytes, write_file

SOUND = b"\x55" * 640  # 320 samples of two sides
CALLS = 4


def ivr(*words: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in words])


def say(store: RecordStore) -> None:
    """Some calls, each with its recording."""
    for number in range(CALLS):
        name = f"c{number}"
        path = store.recording_path(name, "caller")
        store.append(CallOffered(name))
        store.append(RecordingStarted(name, store.relative(path), "caller"))
        write_file(path, wav_bytes(SOUND))
        store.append(RecordingEnded(name, store.relative(path), 320, hash_file(path)))
        store.append(CallEnded(name, 16, "far"))


@pytest.fixture
def records(tmp_path):
    folder = tmp_path / "records"
    store = RecordStore(folder, HandClock(), sync="close")
    say(store)
    store.close()
    return folder


def wav_of(folder: Path, name: str = "c2") -> Path:
    (path,) = folder.rglob(f"{name}.caller.wav")
    return path


def change_rows(folder: Path, *statements: str) -> None:
    """As somebody does who has the sqlite3 program."""
    rows = sqlite3.connect(folder / "records.sqlite")
    for statement in statements:
        rows.execute(statement)
    rows.commit()
    rows.close()


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        one.relative_to(folder).as_posix(): (one.read_bytes(), one.stat().st_mtime_ns)
        for one in folder.rglob("*")
        if one.is_file()
    }


# ---- what was falsified -----------------------------------------------------------------


def test_a_recording_exchanged_together_with_its_row_is_found(records):
    path = wav_of(records)
    path.write_bytes(wav_bytes(b"\x54" * 640))
    change_rows(records, f"UPDATE recording SET blake2b = '{hash_file(path)}' WHERE call_id = 'c2'")
    done = ivr("verify", records, "--json")
    told = json.loads(done.output)
    assert (done.exit_code, told["sound"], told["faults"]) == (1, False, [])
    name = path.relative_to(records).as_posix()
    assert told["recordings"] == [f"recording {name}: the file was changed"]
    assert len(told["rows"]) == 1
    assert "blake2b is" in told["rows"][0]


def test_a_recording_deleted_together_with_its_row_is_found(records):
    wav_of(records).unlink()
    change_rows(records, "DELETE FROM recording WHERE call_id = 'c2'")
    done = ivr("verify", records)
    assert done.exit_code == 1
    assert "No such file" in done.output
    assert "the row is missing" in done.output


@pytest.mark.parametrize("statement", [
    "UPDATE call SET ani = '10086' WHERE id = 'c1'",
    "UPDATE call SET ani = x'00ff' WHERE id = 'c1'",
    "UPDATE recording SET samples = 320.5 WHERE call_id = 'c1'",
    "DELETE FROM call_segment WHERE call_id = 'c3'",
    "UPDATE journal_position SET hash = 'f'",
    "INSERT INTO voicemail VALUES (9999, 'main', 1, 'c1', 'main', 'x.wav', 1, 1, '')",
])  # fmt: skip
def test_a_falsified_row_is_found(records, statement):
    change_rows(records, statement)
    found = audit(records)
    assert not found.sound
    assert found.rows
    assert found.recordings == ()


def test_many_falsified_rows_are_counted(records):
    change_rows(records, "UPDATE call SET ani = '1', dnis = '2', channel = '3'")
    found = audit(records)
    assert len(found.rows) == 11
    assert found.rows[-1] == f"rows: {3 * CALLS - 10} more differ"


def test_rows_that_are_gone_are_found_and_recordings_still_looked_at(records):
    (records / "records.sqlite").unlink()
    wav_of(records).write_bytes(wav_bytes(b"\x54" * 640))
    found = audit(records)
    assert found.journal.sound
    assert found.rows == ("records.sqlite: it is not there",)
    assert len(found.recordings) == 1
    assert not (records / "records.sqlite").exists()


def test_rows_ahead_of_the_journal_are_found_also_with_another_witness(records):
    early = audit(records).journal.head
    (volume,) = (records / "journal").glob("*.jsonl")
    lines = volume.read_bytes().splitlines(keepends=True)
    volume.write_bytes(b"".join(lines[:-1]))
    assert any("journal_position" in one for one in audit(records).rows)
    assert not audit(records, early._replace(seq=early.seq - 1)).sound


# ---- what is no falsehood ---------------------------------------------------------------


def test_sound_records_are_sound(records):
    found = audit(records)
    assert (found.sound, found.rows, found.recordings) == (True, (), ())


def test_a_recording_that_failed_is_no_falsehood(tmp_path):
    store = RecordStore(tmp_path, HandClock(), sync="close")
    store.append(CallOffered("c1"))
    path, gone = store.recording_path("c1", "caller"), store.recording_path("c1", "message")
    for one in (path, gone):
        store.append(RecordingStarted("c1", store.relative(one)))
    write_file(path, wav_bytes(SOUND))
    full = "No space left on device"
    store.append(
        RecordingEnded("c1", store.relative(path), 9000, hash_file(path), 8680, error=full)
    )
    store.append(RecordingEnded("c1", store.relative(gone), 0, error=full))
    store.append(CallEnded("c1", 16, "far"))
    assert store.verify()[1] == []
    store.close()
    assert audit(tmp_path).sound
    path.write_bytes(wav_bytes(b"\x54" * 640))
    assert audit(tmp_path).recordings == (
        f"recording {path.relative_to(tmp_path)}: the file was changed",
    )


def test_facts_that_are_not_in_the_rows_yet_are_no_fault_and_their_recordings_count(tmp_path):
    store = RecordStore(tmp_path, HandClock(), sync="close")
    say(store)
    assert audit(tmp_path).sound  # the centre runs, and has projected nothing of it
    wav_of(tmp_path).unlink()
    assert len(audit(tmp_path).recordings) == 1
    store.close()


# ---- the evidence stays -----------------------------------------------------------------


def test_a_sound_folder_is_not_touched(records):
    before = state(records)
    assert ivr("verify", records).exit_code == 0
    assert state(records) == before


def test_a_killed_run_is_read_from_a_copy_and_not_touched(tmp_path):
    store = RecordStore(tmp_path / "live", HandClock(), sync="close")
    say(store)
    store.flush()
    killed = Path(shutil.copytree(tmp_path / "live", tmp_path / "killed"))
    store.close()
    assert (killed / "records.sqlite-wal").stat().st_size > 0
    before = state(killed)
    assert audit(killed).sound
    assert state(killed) == before
    change_rows(killed, "UPDATE call SET dnis = '1' WHERE id = 'c0'")
    assert not audit(killed).sound


def test_rows_that_a_centre_writes_to_without_end_cannot_be_read(records, tmp_path, monkeypatch):
    rows = records / "records.sqlite"
    (records / "records.sqlite-wal").write_bytes(b"\0" * 32)
    real = shutil.copyfile

    def busy(source, target):
        real(source, target)
        with rows.open("ab") as file:
            file.write(b"\0" * 4096)

    monkeypatch.setattr(shutil, "copyfile", busy)
    with pytest.raises(RecordError, match="try again"), still_rows(rows, tmp_path):
        pass


def test_rows_are_looked_at_in_one_moment_without_a_pragma(records, tmp_path):
    with still_rows(records / "records.sqlite", tmp_path) as connection:
        assert connection.execute(text("SELECT count(*) FROM call")).scalar() == CALLS
        assert sorted(one.name for one in records.iterdir()) == [
            "journal", "recordings", "records.sqlite",
        ]  # fmt: skip
    assert list(tmp_path.glob("*.sqlite")) == []  # nothing to copy


def test_rows_of_an_older_version_are_compared_in_a_copy(records):
    change_rows(
        records,
        "ALTER TABLE call DROP COLUMN outcome",
        "ALTER TABLE call DROP COLUMN accounts",
        "UPDATE alembic_version SET version_num = '0001'",
    )
    before = state(records)
    assert audit(records).sound
    assert state(records) == before


# ---- cannot tell ------------------------------------------------------------------------


@pytest.mark.parametrize("spoil", ["text", "cut", "page", "no table"])
def test_damaged_rows_are_one_line_and_exit_2(records, spoil):
    rows = records / "records.sqlite"
    data = rows.read_bytes()
    if spoil == "text":
        rows.write_bytes(b"This is no database, but it is long enough to be looked at." * 20)
    elif spoil == "cut":
        rows.write_bytes(data[: len(data) // 2])
    elif spoil == "page":
        rows.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    else:
        change_rows(records, "DROP TABLE voicemail")
    before = state(records)
    done = ivr("verify", records)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"ivr: {rows}: the rows cannot be read: ")
    assert len(done.stderr.splitlines()) == 1
    assert state(records) == before


def test_rows_of_a_newer_version_are_told(records):
    change_rows(records, "UPDATE alembic_version SET version_num = '9999'")
    done = ivr("verify", records)
    assert (done.exit_code, "newer version" in done.stderr) == (2, True)


def test_a_folder_with_the_name_of_a_volume_is_named(records):
    odd = records / "journal/journal-000000000099-20260309.jsonl"
    odd.mkdir()
    done = ivr("verify", records)
    assert done.exit_code == 2
    assert done.stderr == f"ivr: {odd}: it has the name of a volume and is no file\n"


@pytest.mark.parametrize("witness", ["12", "١٢:" + "0" * 64, "12:" + "0" * 63, "12:" + "G" * 64,
                                     "9" * 400 + ":" + "0" * 64])  # fmt: skip
def test_a_witness_has_one_spelling(records, witness):
    done = ivr("verify", records, "--witness", witness)
    assert done.exit_code == 2
    assert "NUMBER:HASH" in done.stderr
