"""`ivr run` as a person starts it: on the wall clock, in a process of its own.

All centres are started at once and have their calls side by side: waiting for the first caller
of one after the other would take a minute.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from .centre_kit import LINES, SEATS, centre_file

pytestmark = pytest.mark.wall
LIMIT_S = 90.0
ROOT = Path(__file__).parents[2]


def ivr(
    folder: Path, *words: str, stdout: int | IO[str] = subprocess.PIPE
) -> "subprocess.Popen[str]":
    file = centre_file(folder, "", LINES.replace("e1=0", "e1=1"), SEATS)
    command = [sys.executable, "-m", "ivr.cli", *words, str(file), "--records", str(folder / "r")]
    return subprocess.Popen(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, bufsize=1,
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


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BUSY = ("run", "--callers", "60", "--plain")
RUNS = {
    "json": ("run", "--for", "3s", "--callers", "60", "--json"),
    "first": ("run", "--until", "first-answer", "--callers", "60"),
    "SIGINT": BUSY,
    "SIGTERM": BUSY,
    "SIGHUP": BUSY,
    "full": ("run", "--for", "5s", "--callers", "60", "--plain"),
    "killed": BUSY,
    "reader": BUSY,
}
Crowd = dict[str, tuple[Path, "subprocess.Popen[str]"]]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    started: Crowd = {}
    for name, words in RUNS.items():
        folder = tmp_path_factory.mktemp(name)
        if name == "full":
            with Path("/dev/full").open("w", encoding="utf-8") as full:
                started[name] = folder, ivr(folder, *words, stdout=full)
        else:
            started[name] = folder, ivr(folder, *words)
    yield started
    for _, process in started.values():
        if process.poll() is None:
            process.kill()
            process.wait()


def test_a_time_that_was_asked_for_and_json(crowd):
    code, out, err = end(crowd["json"][1])
    assert (code, err) == (0, "")
    figures = json.loads(out)
    assert figures["offered"] == (
        figures["served"] + figures["abandoned"] + figures["refused"] + figures["in_progress"]
    )
    assert 2.9 < figures["at_s"] < 15.0


@pytest.mark.parametrize("number", SIGNALS, ids=lambda one: one.name)
def test_a_signal_ends_well(crowd, number):
    folder, process = crowd[number.name]
    answered = until_line(process, "answered").split()[1]
    if number is signal.SIGINT:  # and while it runs no other centre takes its records
        code, out, err = end(ivr(folder, "run", "--for", "1s"))
        assert (code, out) == (2, "")
        assert "another centre has these records open" in err
    process.send_signal(number)
    code, out, err = end(process)
    assert (code, err) == (0, "")
    assert out.splitlines()[-2].startswith("呼入 offered")
    offered = {line.split()[1] for line in out.splitlines() if " 呼入 offered " in line}
    ended = {line.split()[1] for line in out.splitlines() if " 结束 ended " in line}
    assert offered | {answered} <= ended
    code, text = verified(folder)
    assert code == 0, text


def test_a_killed_run_is_mended_by_the_next(crowd):
    folder, process = crowd["killed"]
    until_line(process, "answered")
    process.kill()
    end(process)
    code, out, err = end(ivr(folder, "run", "--for", "1s", "--no-callers"))
    assert (code, err) == (0, "")
    assert out.startswith("run 2: the run before ended suddenly")
    assert "closed: " in out
    code, text = verified(folder)
    assert code == 0, text


def test_a_reader_that_leaves_ends_it_well(crowd):
    folder, process = crowd["reader"]
    until_line(process, "offered")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.wait(timeout=LIMIT_S) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
    code, text = verified(folder)
    assert code == 0, text


def test_a_stdout_that_is_full_ends_no_call(crowd):
    folder, process = crowd["full"]
    code, _, err = end(process)
    assert code == 0
    assert err == (
        "ivr: standard output: No space left on device: the centre goes on without it\n"
    )
    code, text = verified(folder)
    assert code == 0, text


def test_until_the_first_answer(crowd):
    folder, process = crowd["first"]
    code, out, err = end(process)
    assert (code, err) == (0, "")
    assert "通话 talk" in out
    assert verified(folder)[0] == 0
