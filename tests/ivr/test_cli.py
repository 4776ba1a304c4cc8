"""The `ivr` command: exit codes, and one clear line for each thing that is wrong."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ivr.cli import Length, main
from ivr.record import CallEnded, CallOffered, RecordStore

from .record_kit import HandClock


def ivr(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def records(folder: Path) -> Path:
    """A journal and rows of ten calls."""
    store = RecordStore(folder / "records", HandClock(), sync="close")
    for number in range(10):
        store.append(CallOffered(f"c{number}"))
        store.append(CallEnded(f"c{number}", 16, "far"))
    store.close()
    return folder / "records"


def test_every_command_has_help_in_both_languages():
    for name in ("run", "day", "call", "prompt", "verify"):
        found = ivr(name, "--help")
        assert found.exit_code == 0
        assert any("\u4e00" <= letter <= "\u9fff" for letter in found.output), name


def test_a_file_that_is_not_there_is_one_line_and_exit_2(tmp_path):
    found = ivr("run", str(tmp_path / "none.toml"))
    assert found.exit_code == 2
    assert found.stderr == f"ivr: {tmp_path}/none.toml: cannot be read: No such file or directory\n"


def test_every_fault_of_a_file_is_told(tmp_path):
    file = tmp_path / "centre.toml"
    file.write_text("[ivr]\nringz = 1\nrings = 0\n")
    found = ivr("run", str(file))
    assert found.exit_code == 2
    assert found.stderr.splitlines() == [
        f"ivr: {file}: agent: there is none: a centre needs at least one [[agent]]",
        f"{file}:2: ivr.ringz: is no key of a centre; did you mean 'rings'?",
        f"{file}:3: ivr.rings: should be 1 to 20 rings, not 0",
    ]


def test_a_board_that_is_not_there(tmp_path):
    file = tmp_path / "centre.toml"
    file.write_text('[board]\nurl = "none:1"\n[[agent]]\nnumber = "1"\nport = "fxs0"\n')
    found = ivr("run", str(file), "--records", str(tmp_path / "r"))
    assert found.exit_code == 2
    assert found.stderr.startswith("ivr: no board 'none:1': it should begin with one of")


@pytest.mark.parametrize(("text", "seconds"), [
    ("30", 30.0), ("30s", 30.0), ("5m", 300.0), ("1.5h", 5400.0),
])  # fmt: skip
def test_lengths_of_time(text, seconds):
    assert Length().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "0s", "abc", "-3s", "5d", "1e3"])
def test_what_is_no_length_of_time(text):
    found = ivr("run", "--for", text)
    assert found.exit_code == 2
    assert "is no length of time, as in 30s, 5m or 1.5h" in found.stderr


@pytest.mark.parametrize("text", ["8785h", "9" * 400, "999999999s"])
def test_a_length_of_time_has_a_bound(text):
    found = ivr("run", "--for", text)
    assert found.exit_code == 2
    assert "more than a year (8784h)" in found.stderr


def test_a_length_of_time_is_written_in_ascii():
    assert "is no length of time" in ivr("run", "--for", "\uff13\uff10").stderr


@pytest.mark.parametrize("value", ["nan", "inf", "0", "601"])
def test_callers_a_minute_are_a_number(value):
    found = ivr("run", "--callers", value)
    assert (found.exit_code, "'--callers'" in found.stderr) == (2, True)


def test_sound_records_are_verified(tmp_path):
    found = ivr("verify", str(records(tmp_path)))
    assert found.exit_code == 0
    assert "sound" in found.output


def test_an_edited_line_is_named(tmp_path):
    folder = records(tmp_path)
    (volume,) = (folder / "journal").glob("*.jsonl")
    volume.write_bytes(volume.read_bytes().replace(b'"c3"', b'"c9"', 1))
    found = ivr("verify", str(folder), "--json")
    assert found.exit_code == 1
    report = json.loads(found.output)
    assert len(report["faults"]) == 1
    assert "edited" in report["faults"][0]


def test_lines_cut_off_the_end_are_found_by_the_rows(tmp_path):
    folder = records(tmp_path)
    (volume,) = (folder / "journal").glob("*.jsonl")
    lines = volume.read_bytes().splitlines(keepends=True)
    volume.write_bytes(b"".join(lines[:-3]))
    found = ivr("verify", str(folder))
    assert found.exit_code == 1
    assert "deleted" in found.output


def test_a_witness_shows_a_journal_made_anew(tmp_path):
    folder = records(tmp_path)
    head = json.loads(ivr("verify", str(folder), "--json").output)["head"]
    assert ivr("verify", str(folder), "--witness", head).exit_code == 0
    number, _, _ = head.partition(":")
    assert ivr("verify", str(folder), "--witness", f"{number}:{'0' * 64}").exit_code == 1


def test_verify_cannot_tell(tmp_path):
    found = ivr("verify", str(tmp_path))
    assert found.exit_code == 2
    assert found.stderr == f"ivr: {tmp_path}/journal: there is no journal\n"
    assert ivr("verify", str(records(tmp_path)), "--witness", "12").exit_code == 2


def test_verify_changes_nothing(tmp_path):
    folder = records(tmp_path)
    before = {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    assert ivr("verify", str(folder)).exit_code == 0
    after = {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    grown = {one for one in after.keys() - before.keys() if not one.name.endswith(("-wal", "-shm"))}
    assert not grown
    assert {one: after[one] for one in before} == before


def test_our_prompts_are_sound():
    found = ivr("prompt", "check")
    assert (found.exit_code, found.output) == (0, "0 faults\n")


def test_a_missing_override_prompt_is_told(tmp_path):
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "welcom.wav").write_bytes(b"RIFF")
    found = ivr("prompt", "check", str(tmp_path), "--json")
    assert found.exit_code == 1
    assert any("welcom" in one for one in json.loads(found.output))
    assert ivr("prompt", "list", str(tmp_path)).exit_code == 2


def test_prompts_are_listed_with_their_texts():
    found = ivr("prompt", "list")
    assert found.exit_code == 0
    assert "main_menu" in found.output
