"""`ivr run` as a person starts it: on the wall clock, in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .centre_kit import LINES, SEATS, centre_file

pytestmark = pytest.mark.wall
LIMIT_S = 90.0
ROOT = Path(__file__).parents[2]


def ivr(folder: Path, *words: str) -> "subprocess.Popen[str]":
    file = centre_file(folder, "", LINES.replace("e1=0", "e1=1"), SEATS)
    command = [sys.executable, "-m", "ivr.cli", *words, str(file), "--records", str(folder / "r")]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip


def end(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=LIMIT_S)
    return process.returncode, out, err


def until_line(process: "subprocess.Popen[str]", word: str) -> str:
    assert process.stdout is not None
    return next(line for line in process.stdout if word in line)


def verified(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "ivr.cli", "verify", str(folder / "r")], capture_output=True,
        text=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=LIMIT_S,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_a_time_that_was_asked_for_and_json(tmp_path):
    code, out, err = end(ivr(tmp_path, "run", "--for", "3s", "--callers", "60", "--json"))
    assert (code, err) == (0, "")
    figures = json.loads(out)
    assert figures["offered"] == (
        figures["served"] + figures["abandoned"] + figures["refused"] + figures["in_progress"]
    )
    assert 2.9 < figures["at_s"] < 15.0


def test_until_the_first_answer(tmp_path):
    code, out, err = end(ivr(tmp_path, "run", "--until", "first-answer", "--callers", "60"))
    assert (code, err) == (0, "")
    assert "通话 talk" in out
    assert verified(tmp_path)[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_a_signal_ends_well(tmp_path, number):
    process = ivr(tmp_path, "run", "--callers", "60", "--plain")
    until_line(process, "answered")
    process.send_signal(number)
    code, out, err = end(process)
    assert (code, err) == (0, "")
    assert out.splitlines()[-2].startswith("呼入 offered")
    code, text = verified(tmp_path)
    assert code == 0, text


def test_a_killed_run_is_mended_by_the_next(tmp_path):
    process = ivr(tmp_path, "run", "--callers", "60", "--plain")
    until_line(process, "answered")
    process.kill()
    end(process)
    code, out, err = end(ivr(tmp_path, "run", "--for", "1s", "--no-callers"))
    assert (code, err) == (0, "")
    assert out.startswith("run 2: the run before ended suddenly")
    assert "closed: " in out
    code, text = verified(tmp_path)
    assert code == 0, text


def test_two_centres_do_not_share_records(tmp_path):
    first = ivr(tmp_path, "run", "--callers", "60", "--plain")
    until_line(first, "offered")
    code, out, err = end(ivr(tmp_path, "run", "--for", "1s"))
    first.send_signal(signal.SIGINT)
    assert end(first)[0] == 0
    assert (code, out) == (2, "")
    assert "another centre has these records open" in err


def test_a_reader_that_leaves_ends_it_well(tmp_path):
    process = ivr(tmp_path, "run", "--callers", "60", "--plain")
    until_line(process, "offered")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.wait(timeout=LIMIT_S) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
    code, text = verified(tmp_path)
    assert code == 0, text
