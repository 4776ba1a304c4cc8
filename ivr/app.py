"""Room: the composition root of a centre: the only place that wires its objects together.

`open_centre` opens the board, the prompts and the records that a configuration names; `Centre`
runs lines, agents' telephones and flows until it is left.
"""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

from cti_board import (
    Board,
    Call,
    LineOptions,
    LineType,
    Switch,
    TrunkGroup,
    errors,
    events,
    jobs,
    open_board,
    running,
)

from . import handles, menu
from .account import load_accounts
from .config import CentreConfig
from .desk import Agent, Chosen, Desk, Observed
from .figures import RATE, AgentRow, CallRow, Figures, LineRow, Snapshot, Tally
from .ledger import Ledger
from .prompt import LANGUAGES, Catalogue, phrase
from .record import AgentState, Alarm, RecordStore
from .record.event import Chosen as ChosenFact
from .record.event import Observed as ObservedFact
from .session import CAUSE_FAULT, CAUSE_NORMAL, FAR, US, Equipment, Session

TRUNKS = (LineType.FXO, LineType.E1_CAS)
SPEECH_DBM0 = -19.0  # chosen: the middle of what exchanges carry, docs/tones.md
DRAIN_S = 5.0  # chosen: how long an exit waits for recordings to be hashed and lines to be idle
CODE_AVAILABLE, CODE_PAUSED = "*1", "*0"  # chosen: what agents dial on their telephones
CHOSEN: Mapping[Chosen, ChosenFact] = {
    Chosen.AVAILABLE: "available", Chosen.PAUSED: "on_break",
}  # fmt: skip
OBSERVED: Mapping[Observed, ObservedFact] = {
    Observed.IDLE: "waiting", Observed.RINGING: "ringing", Observed.IN_CALL: "in_call",
    Observed.WRAP_UP: "wrap_up",
}  # fmt: skip


Serve = Callable[[Call], Coroutine[None, None, None]]


class Centre:
    """A running centre: an async context manager; leaving it ends every call cleanly.

    What others use: `config`, `board`, `desk` (agents, `desk.choose`), `accounts` (balances in
    fen by account number: what a caller may key), `ledger` (its `watchers` hear every fact),
    `first_answer`, `snapshot()`, `figures()`, `open_handles()`.
    """

    def __init__(
        self, config: CentreConfig, board: Board, *, catalogue: Catalogue, store: RecordStore,
        accounts: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        self.config, self.board, self.store = config, board, store
        self.catalogue = catalogue
        self.accounts: Mapping[str, int] = accounts or {}
        self.ledger = Ledger(store, running())
        self.first_answer = asyncio.Event()  # an agent answered a caller
        outside = [one for one in board.channels if one.line_type in TRUNKS]
        if not outside:
            raise errors.BoardError(f"{config.board.url} has no outside line: nobody can call")
        cleaned = config.board.echo_tail_ms or config.board.auto_level
        if cleaned and not all(one.sends_all_from_here for one in outside):
            raise errors.BoardError(
                f"{config.board.url} plays and records by itself, its lines cannot be cleaned: "
                "board.echo_tail_ms should be 0, board.auto_level false"
            )
        self.trunks = TrunkGroup(
            outside, rings=config.ivr.rings,
            options=LineOptions(
                echo_tail_ms=config.board.echo_tail_ms,
                level_dbm0=SPEECH_DBM0 if config.board.auto_level else None,
            ),
        )  # fmt: skip
        self.desk = Desk(
            self._seats(), wrap_up_s=config.queue.wrap_up_s, now=lambda: self.ledger.now,
            tell=self._agent_changed,
        )  # fmt: skip
        self.phones = TrunkGroup(
            [agent.channel for agent in self.desk.agents],
            options=LineOptions(dnis_digits=len(CODE_PAUSED)),
        )
        self.kit = Equipment(
            config, catalogue, self.accounts, self.ledger, self.desk, self.phones,
            Switch(board.loop), Tally(), self.first_answer,
        )  # fmt: skip
        self._sessions: dict[str, Session] = {}
        self._children: set[asyncio.Task[None]] = set()
        self._tasks = asyncio.TaskGroup()
        self._stack = AsyncExitStack()
        self._number = 0
        self._open = False  # lines are run: from entering to leaving

    def _seats(self) -> list[Agent]:
        """An agent for each telephone that the configuration names; BoardError if there is none."""
        ports = {one.name: one for one in self.board.channels if one.line_type is LineType.FXS}
        seats = []
        for agent in self.config.agents:
            if agent.port not in ports:
                there = f"{self.config.board.url} has {', '.join(ports) or 'no FXS port'}"
                raise errors.BoardError(f"agent {agent.number} sits at {agent.port}; {there}")
            seats.append(Agent(agent, ports[agent.port], self.ledger.now))
        return seats

    async def __aenter__(self) -> "Centre":
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.trunks)
            await stack.enter_async_context(self.phones)
            await stack.enter_async_context(self._tasks)
            self._stack = stack.pop_all()
        self._open = True
        self.desk.sign_in()
        self._start(self._take_calls(self.trunks, self._handle))
        self._start(self._take_calls(self.phones, self._serve_agent))
        for work in (self._watch_hooks(), self._watch_alarms(), self.ledger.keep()):
            self._start(work)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        try:
            for _ in range(2):  # the second time for what did not end in time
                for task in self._children:
                    task.cancel()
                if self._children:
                    await asyncio.wait(self._children, timeout=DRAIN_S)
            if self.kit.endings:
                await asyncio.wait(self.kit.endings, timeout=DRAIN_S)
        finally:
            try:
                await self._stack.__aexit__(kind, error, trace)
            except BaseExceptionGroup as group:
                if group.split(lambda one: one is error)[1] is not None:
                    raise  # not (only) what the body raised: that needs no wrapping
            finally:
                self._open = False
                self._sign_out()
                await self.ledger.close()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        """A task of the centre: one that fails ends the centre, and says why."""
        task = self._tasks.create_task(work)
        self._children.add(task)
        task.add_done_callback(self._children.discard)

    # ---- what runs -----------------------------------------------------------------

    async def _take_calls(self, group: TrunkGroup, serve: Serve) -> None:
        """Each call that a group offers, in a task of its own."""
        while True:
            self._start(serve(await group.offered()))

    async def _handle(self, call: Call) -> None:
        """One caller, from offer to the last fact."""
        self._number += 1
        name = f"{self.store.recovery.run}-{self._number:06d}"
        session = self._sessions[name] = Session(self.kit, call, self._number, name)
        session.offered()
        cause, side = CAUSE_NORMAL, US
        try:
            async with call:
                await call.answer()
                session.answered()
                await menu.serve(session)
        except errors.CallCleared as cleared:
            cause, side = cleared.cause, FAR
        except Exception as fault:  # whatever it is, it must not end the other calls
            cause = CAUSE_FAULT
            self.kit.tally.faults += 1
            self.ledger.tell(Alarm("call", type(fault).__name__, _where(fault), call=name))
        finally:
            call.hang_up()
            session.ended(cause, side)
            del self._sessions[name]
            await session.finish_recording()

    async def _serve_agent(self, call: Call) -> None:
        """An agent has lifted the handset and dialled: codes for available and paused."""
        agent = self.desk.of_channel(call.channel.number)
        codes = {CODE_AVAILABLE: Chosen.AVAILABLE, CODE_PAUSED: Chosen.PAUSED}
        try:
            if agent is None or call.dnis not in codes:
                call.reject(1)  # ITU-T Q.850: unallocated number
                return
            async with call:
                await call.answer()
                self.desk.choose(agent, codes[call.dnis], "keyed")
                await call.channel.beep()
        except errors.CallCleared:
            pass
        except Exception as fault:  # one telephone must not end the calls of the others
            self.kit.tally.faults += 1
            seat = f"agent {agent.number}" if agent else call.channel.name
            self.ledger.tell(Alarm(seat, type(fault).__name__, _where(fault)))
        finally:
            call.hang_up()

    async def _watch_hooks(self) -> None:
        """Handsets that are lifted and put back."""
        stream = self.board.events(events.OffHook, events.OnHook)
        try:
            async for event in stream:
                if (agent := self.desk.of_channel(event.channel)) is not None:
                    self.desk.hook(agent, isinstance(event, events.OffHook))
        finally:
            stream.close()

    async def _watch_alarms(self) -> None:
        """What goes wrong with the card becomes a fact."""
        kinds = (events.AlarmRaised, events.AlarmCleared, events.BoardLost, events.BoardBack,
                 events.Overrun)  # fmt: skip
        stream = self.board.events(*kinds)
        try:
            async for event in stream:
                if isinstance(event, events.AlarmRaised | events.AlarmCleared):
                    source, code = f"span {event.span}", event.alarm.name or str(event.alarm)
                else:
                    source, code = "board", type(event).__name__
                raised = not isinstance(event, events.AlarmCleared | events.BoardBack)
                self.ledger.tell(Alarm(source, code, raised=raised), event.at)
        finally:
            stream.close()

    def _agent_changed(self, agent: Agent) -> None:
        self.ledger.tell(
            AgentState(agent.number, CHOSEN[agent.chosen], OBSERVED[agent.observed], agent.reason,
                       agent.config.port, agent.call)
        )  # fmt: skip

    def _sign_out(self) -> None:
        self.desk.close()
        for agent in self.desk.agents:
            self.ledger.tell(AgentState(agent.number, "logged_out", seat=agent.config.port))

    # ---- what it shows ---------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Lines, calls and agents as they are now, for the live view."""
        now = self.ledger.now
        return Snapshot(
            at_s=now / RATE,
            lines=tuple(
                LineRow(row.name, str(row.state), (now - row.since) / RATE)
                for row in self.trunks.lines()
            ),
            calls=tuple(
                CallRow(one.name, one.channel.name, one.call.ani, one.where,
                        (now - one.since) / RATE, one.agent.number if one.agent else "")
                for one in self._sessions.values()
            ),
            agents=tuple(
                AgentRow(one.number, one.config.name, one.config.port, one.chosen, one.observed,
                         one.off_hook, (now - one.since) / RATE, one.served, one.call)
                for one in self.desk.agents
            ),
            figures=self.figures(),
        )  # fmt: skip

    def figures(self) -> Figures:
        """What has happened since the centre was opened."""
        return self.kit.tally.figures(
            self.ledger.now / RATE, in_progress=len(self._sessions), waiting=self.desk.waiting
        )

    def open_handles(self) -> list[str]:
        """What is not at rest, in words: channels not idle, players, recorders, files, tasks.

        Empty some seconds after the last call has ended, and after the centre was left.
        """
        found = [f"call {name}" for name in self._sessions]
        for group in (self.trunks, self.phones) if self._open else ():
            busy = (one for one in group.lines() if one.state != "idle")
            found += [f"channel {one.name}: {one.state}" for one in busy]
        found += [f"{len(self.kit.players)} players"] if self.kit.players else []
        found += [f"{len(self.kit.recorders)} recorders"] if self.kit.recorders else []
        found += [f"{len(self.kit.endings)} recordings being closed"] if self.kit.endings else []
        files = handles.open_files(self.store.folder / "recordings")
        return found + [f"file {one}" for one in files]


def _where(fault: Exception) -> str:
    """The message, and the innermost place in our files."""
    last = traceback.extract_tb(fault.__traceback__)[-1]
    return f"{fault} ({Path(last.filename).name}:{last.lineno})"


def check_prompts(catalogue: Catalogue) -> None:
    """Every prompt that a call may need has its recordings: PromptError at the start, not later."""
    for language in LANGUAGES:
        for one in sorted({*menu.PROMPTS, *phrase.vocabulary(language)}):
            catalogue.audio(one, language)


@asynccontextmanager
async def open_centre(
    config: CentreConfig, *, records: Path | None = None
) -> AsyncIterator[Centre]:
    """Open the board, the prompts and the records of ``config``, and run the centre.

    ``records`` replaces the configuration's folder.  CtiError (board), PromptError, AccountError,
    JournalError or RecordError say what is wrong.  ``centre.store.recovery`` tells what was
    mended after a killed run.
    """
    loop = running()
    catalogue = Catalogue.load(config.beside(config.prompt.folder))
    check_prompts(catalogue)
    accounts = load_accounts(config.beside(config.ivr.account_file))
    folder = records or config.record.folder
    folder.mkdir(parents=True, exist_ok=True)
    async with open_board(config.board.url, country=config.board.country) as board:
        store = RecordStore(folder, loop.clock, sync="close" if loop.virtual else "group",
                            version=version("cti-board"))  # fmt: skip
        try:
            centre = Centre(config, board, catalogue=catalogue, store=store, accounts=accounts)
        except BaseException:
            await jobs.run(store.close)
            raise
        try:
            async with centre:
                yield centre
        finally:
            await jobs.run(centre.ledger.let_go)
