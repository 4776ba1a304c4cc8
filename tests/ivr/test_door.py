"""The door of the `ivr` command: no traceback, whatever goes wrong, and whoever stops reading."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from cti_board import errors, run
from ivr.cli import main, signals
from ivr.door import Door, leaves
from ivr.record import JournalError

ROOT = Path(__file__).parents[2]


def ends_with(error: BaseException) -> Result:
    """A command that ends with an error."""
    group = click.command(cls=Door)(lambda: None)

    @group.command("go")
    def go() -> None:
        raise error

    return CliRunner().invoke(group, ["go"])


@pytest.mark.parametrize(("error", "code", "lines"), [
    (errors.BoardError("no card"), 2, ["ivr: no card"]),
    (OSError(errno.ENOSPC, "No space"), 2, [f"ivr: [Errno {errno.ENOSPC}] No space"]),
    (JournalError("lock", Path("j"), errno.EWOULDBLOCK), 2,
     ["ivr: journal: lock j: EAGAIN (another centre has these records open)"]),
    (ExceptionGroup("two", [errors.MediaError("a"), ExceptionGroup("in", [OSError("b")])]), 2,
     ["ivr: a", "ivr: b"]),
    (ExceptionGroup("same", [errors.MediaError("a"), errors.MediaError("a")]), 2, ["ivr: a"]),
    (BrokenPipeError(errno.ESPIPE, "gone"), 2, []),
    (KeyboardInterrupt(), 130, ["ivr: interrupted"]),
])  # fmt: skip
def test_what_goes_wrong_is_told_in_lines(error, code, lines):
    found = ends_with(error)
    assert (found.exit_code, found.stderr.splitlines()) == (code, lines)


def test_a_fault_of_ours_is_not_hidden():
    group = ExceptionGroup("ours", [errors.MediaError("a"), ZeroDivisionError()])
    found = ends_with(group)
    assert found.exception is group
    assert [type(one) for one in leaves(group)] == [errors.MediaError, ZeroDivisionError]


def test_an_interrupt_of_any_command_is_130():
    assert isinstance(main, Door)


async def turns() -> None:
    """Many short waits: in each the loop looks for signals."""
    for _ in range(100):
        await asyncio.sleep(0.02)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("words", [("prompt", "list"), ("--help",)])
def test_a_stdout_that_is_full_is_one_line(words):
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ivr.cli", *words], stdout=full, stderr=subprocess.PIPE,
            text=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "ivr: [Errno 28] No space left on device\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
                         ids=lambda one: one.name)  # fmt: skip
def test_the_first_signal_asks_and_the_second_does_not_wait(number):
    seen = []
    before = signal.getsignal(number)

    async def centre() -> None:
        end = asyncio.Event()
        with signals(end):
            signal.raise_signal(number)
            await turns()
            seen.append(end.is_set())
            signal.raise_signal(number)
            await turns()
            seen.append("waited")

    with pytest.raises(asyncio.CancelledError):
        run(centre, clock="virtual")
    assert seen == [True]
    assert signal.getsignal(number) == before


def test_a_signal_that_was_ignored_at_the_start_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def centre() -> None:
        end = asyncio.Event()
        with signals(end):
            signal.raise_signal(signal.SIGHUP)
            await turns()
            assert not end.is_set()

    try:
        run(centre, clock="virtual")
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
