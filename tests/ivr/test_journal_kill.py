"""Power cuts and kill -9: what append() returned for is there afterwards."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ivr.record import Digits, Journal, JournalError, Note
from tests.ivr.record_kit import HandClock, write_file

ROOT = Path(__file__).parents[2]
LINES = 7


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> tuple[str, bytes]:
    """The name and bytes of a journal of one volume."""
    folder = tmp_path_factory.mktemp("written")
    journal = Journal(folder, HandClock())
    for number in range(LINES):
        journal.append(Digits("c1", str(number), node="菜单"))
    journal.close()
    path = next(folder.glob("*.jsonl"))
    return path.name, path.read_bytes()


def reopened(folder: Path, name: str, data: bytes) -> Journal:
    write_file(folder / name, data)
    return Journal(folder, HandClock())


def test_cut_at_every_byte_of_the_last_lines_loses_no_whole_line(written, tmp_path):
    name, data = written
    lines = data.splitlines(keepends=True)
    for size in range(len(b"".join(lines[:-3])), len(data) + 1):
        folder = tmp_path / str(size)
        journal = reopened(folder, name, data[:size])
        whole = data[: size + 1].count(b"\n")  # a line that lacks only its newline is whole
        rest = data[data[:size].rfind(b"\n") + 1 : size]
        torn = rest if rest and whole == data[:size].count(b"\n") else b""
        assert [entry.event.text for entry in journal.read()] == [str(n) for n in range(whole)]
        assert journal.head.seq == whole
        assert journal.tail.torn_bytes == len(torn)
        if torn:
            assert journal.tail.torn == folder / "journal.torn-1"
            assert journal.tail.torn.read_bytes() == torn
        else:
            assert journal.tail.torn is None
        assert journal.append(Note("on")).seq == whole + 1
        assert journal.verify().faults == ()
        journal.close()


def test_rubbish_after_a_power_cut_is_kept_aside(written, tmp_path):
    """Beyond the last sync a file system may show zeros or old blocks, several lines long."""
    name, data = written
    rng = random.Random(7)
    for number, rubbish in enumerate((b"\0" * 5000, rng.randbytes(3000), b"\n\n\n", b"{}\n{}\n")):
        journal = reopened(tmp_path / str(number), name, data + rubbish)
        assert journal.head.seq == LINES
        assert journal.tail.torn is not None
        assert journal.tail.torn.read_bytes() == rubbish
        journal.append(Note("on"))
        assert journal.verify().sound
        journal.close()


def test_each_torn_end_is_kept(written, tmp_path):
    name, data = written
    for number in (1, 2, 3):
        journal = reopened(tmp_path, name, data + b'{"at":')
        assert journal.tail.torn == tmp_path / f"journal.torn-{number}"
        journal.close()


def test_a_volume_without_a_sound_line_goes_on_from_the_one_before(tmp_path):
    journal = Journal(tmp_path, HandClock(), max_volume_bytes=300)
    for number in range(3):
        journal.append(Note(str(number)))
    journal.close()
    last = tmp_path / "journal-000000000003-20260309.jsonl"
    for rest in (b"", last.read_bytes()[:100]):
        last.write_bytes(rest)
        journal = Journal(tmp_path, HandClock(), max_volume_bytes=300)
        assert journal.head.seq == 2
        assert journal.append(Note("again")).seq == 3
        assert journal.verify().sound
        journal.close()


def test_damage_inside_is_left_for_verify_and_does_not_stop_the_centre(written, tmp_path):
    name, data = written
    lines = data.splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"text":"3"', b'"text":"8"')
    journal = reopened(tmp_path, name, b"".join(lines))
    assert journal.tail.damaged == (4,)
    assert journal.tail.torn is None
    assert journal.append(Note("on")).seq == LINES + 1
    assert [entry.seq for entry in journal.read()] == [1, 2, 3, 5, 6, 7, 8]
    assert [(fault.kind, fault.seq) for fault in journal.verify().faults] == [("edited", 4)]
    journal.close()


def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalError, match=r"ENOTDIR|EEXIST"):
        Journal(tmp_path / "file", HandClock())


APPEND_FOR_EVER = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from record_kit import HandClock
from ivr.record import Digits, Journal
journal = Journal(Path(sys.argv[1]), HandClock(), max_volume_bytes=40_000)
for number in range(100_000):  # the parent ends this long before
    entry = journal.append(Digits("c1", "9" * (number % 300)))
    os.write(1, b"%d\\n" % entry.seq)
"""


def kill_while_appending(folder: Path, after: int) -> int:
    """Let a process append until it has reported `after` lines, kill -9; the last reported."""
    with subprocess.Popen(
        [sys.executable, "-c", APPEND_FOR_EVER, str(folder), str(Path(__file__).parent)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        seen = [child.stdout.readline() for _ in range(after)]
        child.send_signal(signal.SIGKILL)
        seen += child.stdout.readlines()
    assert child.returncode == -signal.SIGKILL
    return int([line for line in seen if line.endswith(b"\n")][-1])


def test_kill_9_in_the_middle_of_appending_loses_nothing(tmp_path):
    rng = random.Random(20260309)
    reported = 0
    for _ in range(4):
        reported = kill_while_appending(tmp_path, rng.randint(1, 700))
        journal = Journal(tmp_path, HandClock())
        assert journal.head.seq >= reported
        assert [entry.seq for entry in journal.read()] == list(range(1, journal.head.seq + 1))
        assert journal.tail.damaged == ()
        assert journal.verify().faults == ()
        journal.close()
    assert reported > 0
