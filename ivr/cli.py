"""Room: the door of the `ivr` command.  Thin: words in, a line or JSON out, exit codes.

Exit codes: 0 well; 1 found faulty (prompts, records, a day, a call that nobody answered);
2 cannot tell, or bad input; 130 interrupted.
"""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import click
from rich.console import Console
from rich.table import Table

from cti_board import run

from . import config as configuration
from . import live
from .app import Centre, open_centre
from .config import CentreConfig
from .door import INTERRUPTED, Door, complain, drop_stdout
from .figures import Figures
from .options import Number
from .prompt import Catalogue
from .prompt.catalogue import DATA as PROMPTS
from .prompt.check import check_catalogue
from .prompt.make import make_all
from .verify_command import verify

UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST_S = 366 * 24 * 3600.0  # chosen: a year; a centre that should run on has no --for
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CENTRE = click.argument(
    "centre", required=False, default=configuration.DEFAULT, type=click.Path(path_type=Path)
)


class Length(click.ParamType[float]):
    """A length of time: 30, 30s, 5m or 1.5h."""

    name = "TIME"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh]?)", str(value))
        if found is None or float(found[1]) == 0:
            self.fail(f"{value!r} is no length of time, as in 30s, 5m or 1.5h", param, ctx)
        length_s = float(found[1]) * UNITS_S[found[2]]
        if length_s > LONGEST_S:
            self.fail(f"more than a year ({LONGEST_S / 3600:g}h); without it there is no end",
                      param, ctx)  # fmt: skip
        return length_s


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cti-board", prog_name="ivr")
def main() -> None:
    """电话中心。A telephone centre on one PC: menu, queue, agents, recordings."""


# ---- ivr run -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What `ivr run` was asked."""

    for_s: float | None
    until_answer: bool
    callers_per_minute: float
    seed: int
    records: Path | None
    plain: bool
    as_json: bool


@main.command("run")
@CENTRE
@click.option("--for", "for_s", type=Length(), help="End after this time, as in 30s or 5m.")
@click.option("--until", type=click.Choice(["first-answer"]),
              help="End when an agent has answered a caller.")  # fmt: skip
@click.option("--callers", type=Number(min=0.1, max=600), default=12.0, show_default=True,
              metavar="N", help="Simulated callers a minute, on a simulated card.")  # fmt: skip
@click.option("--no-callers", is_flag=True, help="No simulated callers and agents.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the simulated people.")
@click.option("--records", type=click.Path(path_type=Path, file_okay=False),
              help="Where the records go.")  # fmt: skip
@click.option("--plain", is_flag=True, help="Lines of text instead of the live view.")
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON.")
def run_command(
    centre: Path, for_s: float | None, until: str | None, callers: float, no_callers: bool,
    seed: int, records: Path | None, plain: bool, as_json: bool,
) -> None:  # fmt: skip
    """运行电话中心。Run a centre on the wall clock until Ctrl-C.

    CENTRE is its file; without it the centre that comes with the program runs.
    """
    options = RunOptions(for_s, until is not None, 0 if no_callers else callers, seed, records,
                         plain, as_json)  # fmt: skip
    config = configuration.load(centre)
    try:
        run(lambda: serve(config, options), clock="wall")
    except asyncio.CancelledError:
        complain("stopped without waiting for calls to end")
        sys.exit(INTERRUPTED)


async def serve(config: CentreConfig, options: RunOptions) -> None:
    """The centre from opening to the end that was asked for, or a signal; then its summary.

    The view ends before the centre, so that the terminal is itself again; lines of text end after
    it, so that they tell how the last calls end.
    """
    end = asyncio.Event()
    centre: Centre | None = None
    try:
        with signals(end):
            async with AsyncExitStack() as last, open_centre(
                config, records=options.records
            ) as centre:
                write = writer(end)
                recovery = centre.store.recovery
                if not options.as_json and recovery.run > 1:
                    write(str(recovery))
                screen = None if options.plain or options.as_json else terminal()
                if screen is None and not options.as_json:
                    await last.enter_async_context(live.telling(centre, write))
                async with people(centre, options), view(centre, screen):
                    await until_end(centre, options, end)
    finally:  # also when the centre could not close well
        if centre is not None:
            report(centre.figures(), options.as_json)


def report(figures: Figures, as_json: bool) -> None:
    """The last lines of `ivr run`.  A terminal that is gone is no fault of the run."""
    try:
        click.echo(json.dumps(figures.as_json()) if as_json else summary(figures))
    except BrokenPipeError:
        drop_stdout()
    except OSError as error:
        drop_stdout()
        if as_json:
            raise
        complain(f"the summary: {error.strerror or error}")


@contextmanager
def signals(end: asyncio.Event) -> Iterator[None]:
    """Ctrl-C, SIGTERM or a terminal that closes ends well; a second one does not wait for calls.

    A third one is what the system makes of it.  What was ignored at the start (nohup) stays so.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    numbers = [one for one in ENDING if signal.getsignal(one) is not signal.SIG_IGN]
    told: list[bool] = []

    def forget() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)

    def stop() -> None:
        end.set()
        if told and task is not None:
            task.cancel()
            forget()
        told.append(True)

    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        forget()


async def until_end(centre: Centre, options: RunOptions, end: asyncio.Event) -> None:
    """The signal, the length that was asked for, or the first answer."""
    waits = [asyncio.create_task(end.wait())]
    if options.until_answer:
        waits.append(asyncio.create_task(centre.first_answer.wait()))
    try:
        await asyncio.wait(
            waits, timeout=options.for_s, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for task in waits:
            task.cancel()


@asynccontextmanager
async def people(centre: Centre, options: RunOptions) -> AsyncIterator[None]:
    """Simulated callers and agents, where the board has a street and they are wanted."""
    if centre.board.street is None or not options.callers_per_minute:
        yield
        return
    from .simulate import arrivals, simulated_agents

    async with asyncio.TaskGroup() as tasks:
        rng = Random(options.seed)
        working = [
            tasks.create_task(
                simulated_agents(centre, centre.board, Random(rng.getrandbits(64)))
            ),
            tasks.create_task(
                arrivals(centre, centre.board, Random(rng.getrandbits(64)),
                         options.callers_per_minute)
            ),
        ]  # fmt: skip
        yield
        for task in working:
            task.cancel()


def terminal() -> Console | None:
    """The console, where stdout is a terminal."""
    console = Console()
    return console if console.is_terminal else None


def writer(end: asyncio.Event) -> Callable[[str], None]:
    """Writes lines, from any thread.  A reader that leaves ends the centre, a full disk not."""
    loop = asyncio.get_running_loop()

    def write(text: str) -> None:
        try:
            click.echo(text)
        except BrokenPipeError:
            drop_stdout()
            loop.call_soon_threadsafe(end.set)
        except OSError as error:
            unseen(error)

    return write


def unseen(error: OSError) -> None:
    """Nothing can be shown any more: calls matter more."""
    drop_stdout()
    complain(f"standard output: {error.strerror or error}: the centre goes on without it")


@asynccontextmanager
async def view(centre: Centre, screen: Console | None) -> AsyncIterator[None]:
    """The live view on a terminal; nothing elsewhere."""
    if screen is None:
        yield
        return

    async def showing() -> None:
        try:
            await live.show(centre, screen)
        except OSError as error:
            unseen(error)

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(showing())
        yield
        task.cancel()


def summary(figures: Figures) -> str:
    """The last lines of `ivr run`."""
    return (
        f"呼入 offered {figures.offered}: 已服务 served {figures.served}, "
        f"放弃 abandoned {figures.abandoned}, 拒绝 refused {figures.refused}\n"
        f"通话 talk {figures.talk_s:.0f} s, 录音 recorded {figures.recorded_s:.0f} s in "
        f"{figures.recordings} recordings, lost {figures.lost_samples} samples, "
        f"留言 messages {figures.messages}"
    )


# ---- ivr prompt ----------------------------------------------------------------------------

FOLDER = click.argument(
    "folder", required=False, type=click.Path(path_type=Path, file_okay=False, exists=True)
)


@main.group()
def prompt() -> None:
    """提示音。The prompts: make, check and list them."""


@prompt.command("make")
@click.argument("folder", default=PROMPTS,
                type=click.Path(path_type=Path, file_okay=False, exists=True))  # fmt: skip
def prompt_make(folder: Path) -> None:
    """Speak all prompts of FOLDER/catalogue.toml again; recordings by people stay."""
    done = make_all(folder, report=click.echo)
    click.echo(
        f"{done.made} made, {done.kept} kept, {done.removed} removed: "
        f"{done.seconds:.0f} s, {done.size / 1e6:.2f} MB, {done.engine}"
    )


@prompt.command("check")
@FOLDER
@click.option("--json", "as_json", is_flag=True)
def prompt_check(folder: Path | None, as_json: bool) -> None:
    """Look over every recording, ours and those of FOLDER.  Exit 1 if one is faulty."""
    findings = check_catalogue(folder)
    if as_json:
        click.echo(json.dumps([str(one) for one in findings], ensure_ascii=False))
    else:
        for one in findings:
            click.echo(one)
        click.echo(f"{len(findings)} faults")
    sys.exit(1 if findings else 0)


@prompt.command("list")
@FOLDER
def prompt_list(folder: Path | None) -> None:
    """Every prompt with its texts."""
    catalogue = Catalogue.load(folder)
    table = Table("名 id", "类 kind", "中文", "English")
    for one in catalogue.prompts.values():
        table.add_row(one.id, one.kind, one.texts.get("zh", ""), one.texts.get("en", ""))
    Console().print(table)


# ---- commands of their own files ------------------------------------------------------------

main.add_command(verify)


def _add_simulation() -> None:
    """`ivr day` and `ivr call` belong to the simulated people."""
    from .simulate.commands import call, day

    main.add_command(day)
    main.add_command(call)


_add_simulation()

if __name__ == "__main__":
    main()
