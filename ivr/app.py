"""Room: the composition root of a centre: the only place that wires its objects together.

`open_centre` opens the board, the prompts and the records that a configuration names; `Centre`
runs lines, agents' telephones and flows until it is left.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType

from cti_board import Board

from .config import CentreConfig
from .desk import Desk
from .figures import Figures, Snapshot
from .prompt import Catalogue
from .record import RecordStore


class Centre:
    """A running centre: an async context manager; leaving it ends every call cleanly.

    What others use: `config`, `board`, `desk` (agents), `accounts` (balances in fen by account
    number: what a caller may key), `first_answer`, `snapshot()`, `figures()`, `open_handles()`.
    """

    def __init__(
        self, config: CentreConfig, board: Board, *, catalogue: Catalogue, store: RecordStore
    ) -> None:
        self.config, self.board = config, board
        self.catalogue, self.store = catalogue, store
        self.accounts: Mapping[str, int] = {}
        self.desk: Desk
        self.first_answer = asyncio.Event()  # an agent answered a caller

    async def __aenter__(self) -> "Centre": ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def snapshot(self) -> Snapshot:
        """Lines, calls and agents as they are now, for the live view."""

    def figures(self) -> Figures:
        """What has happened since the centre was opened."""

    def open_handles(self) -> list[str]:
        """What is not at rest, in words: channels not idle, players, recorders, files, tasks.

        Empty after the last call has ended, and after the centre was left.
        """


@asynccontextmanager
async def open_centre(config: CentreConfig) -> AsyncIterator[Centre]:
    """Open the board, the prompts and the records of ``config``, and run the centre.

    CtiError (board), PromptError, AccountError, JournalError or RecordError say what is wrong.
    ``centre.store.recovery`` tells what was mended after a killed run.
    """
    yield
