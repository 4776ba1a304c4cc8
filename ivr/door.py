"""Room: what all `ivr` commands share at the door: faults become lines, and an exit code.

Must not know what a command does.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from cti_board import errors

from .account import AccountError
from .config import ConfigError
from .prompt import PromptError
from .record import JournalError, RecordError

BAD_INPUT = 2
INTERRUPTED = 130  # as shells say it: 128 + SIGINT
TOLD = (
    ConfigError, errors.CtiError, AccountError, PromptError, JournalError, RecordError, OSError,
)  # fmt: skip


class Door(click.Group):
    """A group whose commands end with lines on stderr, never with a traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        with told():  # also of what is printed before a command runs, as its help
            return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with told():
            return super().invoke(ctx)


@contextmanager
def told() -> Iterator[None]:
    """What can go wrong becomes lines on stderr and exit code 2; Ctrl-C is exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        complain("interrupted")
        sys.exit(INTERRUPTED)
    except TOLD as error:
        _end([error])
    except BaseExceptionGroup as group:
        if group.split(TOLD)[1] is not None:
            raise  # there is a fault of ours in it
        _end(leaves(group))


def leaves(error: BaseException) -> list[BaseException]:
    """The errors of a group of groups; a single one is its own leaf."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for one in error.exceptions for leaf in leaves(one)]


def _end(found: list[BaseException]) -> None:
    settle_stdout()
    if not all(isinstance(one, BrokenPipeError) for one in found):  # nobody reads: no fault
        for text in dict.fromkeys(map(_words, found)):
            complain(text)
    sys.exit(BAD_INPUT)


def _words(error: BaseException) -> str:
    busy = isinstance(error, JournalError) and error.errno == errno.EWOULDBLOCK
    return f"{error} (another centre has these records open)" if busy else str(error)


def complain(text: str) -> None:
    """A line on stderr, where that can be written."""
    with suppress(OSError):
        click.echo(f"ivr: {text}", err=True)


def settle_stdout() -> None:
    """What stdout could not take must not be tried again at the exit: that is a traceback."""
    try:
        sys.stdout.flush()
    except OSError:
        drop_stdout()


def drop_stdout() -> None:
    """From now on nothing that is written to stdout goes anywhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
