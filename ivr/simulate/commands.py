"""Room: the commands `ivr day` and `ivr call`: words in, tables or JSON out.  Must not simulate.

Exit codes: 0 well; 1 the day does not add up; 2 bad input or something that cannot be done.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cti_board import audio, errors
from ivr import config as configuration
from ivr.account import AccountError
from ivr.options import Number
from ivr.prompt import PromptError
from ivr.record import JournalError, RecordError
from ivr.simulate import one_call
from ivr.simulate.day import DayPlan, day_config, live_through, record_folder
from ivr.simulate.keys import SYNTAX, KeysError, read_steps
from ivr.simulate.stopwatch import Stopwatch
from ivr.simulate.tally import cost_figures, day_figures, differences, read_rows

BAD = (
    errors.CtiError, configuration.ConfigError, AccountError, PromptError, JournalError,
    RecordError, KeysError, OSError, ValueError,
)  # fmt: skip
REFERENCE_WRAP_UP_S = 20.0  # chosen: of a day of the centre that comes with the program
PAGE = 120  # columns where there is no terminal
CENTRE = click.argument(
    "centre", type=click.Path(path_type=Path), default=configuration.DEFAULT, required=False
)


@contextmanager
def _told() -> Iterator[None]:
    """One clear line on stderr instead of a traceback."""
    try:
        yield
    except BAD as error:
        click.echo(f"ivr: {error}", err=True)
        sys.exit(2)


# ---- ivr day ---------------------------------------------------------------------------


@click.command()
@CENTRE
@click.option("--seed", default=1, show_default=True, help="The same seed is the same day.")
@click.option("--calls", default=1200, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--hours", default=8.0, show_default=True, type=Number(0.05, 24.0))
@click.option("--agents", type=click.IntRange(1), help="The first so many of the centre's agents.")
@click.option("--talk", "talk_s", default=153.0, show_default=True, type=Number(20, 900),
              help="Mean talk, seconds.")  # fmt: skip
@click.option("--wrap-up", "wrap_up_s", type=Number(0, 600),
              help="After-call work, seconds: else the file's, 20 without one.")  # fmt: skip
@click.option("--record", "recordings", default="1/100", show_default=True,
              help="Recordings kept as files: all, hash (none), 1/N; all are hashed.")  # fmt: skip
@click.option("--records", "folder", type=click.Path(path_type=Path, file_okay=False),
              help="Where the records go; without it they are gone afterwards.")  # fmt: skip
@click.option("--media", type=click.Choice(["host", "board"]), default="host", show_default=True,
              help="Who plays, records, detects: this machine or the simulated card.")  # fmt: skip
@click.option("--no-jump", is_flag=True, help="Compute every frame; the trace is the same.")
@click.option("--json", "as_json", is_flag=True)
def day(
    centre: Path, seed: int, calls: int, hours: float, agents: int | None, talk_s: float,
    wrap_up_s: float | None, recordings: str, folder: Path | None, media: str, no_jump: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """一天的话务（虚拟时间）。Live through a day of the centre in virtual time.

    Simulated callers and agents, every sample of sound, the real centre.  Exit code 1 if the
    calls, their records and what was heard do not add up.
    """
    plan = DayPlan(seed=seed, calls=calls, hours=hours, talk_s=talk_s, jump=not no_jump)
    with _told(), record_folder(folder) as records:
        found = configuration.load(centre)
        if wrap_up_s is None and centre == configuration.DEFAULT:
            wrap_up_s = REFERENCE_WRAP_UP_S
        wanted = day_config(
            found, folder=records, recordings=recordings, agents=agents, media=media,
            wrap_up_s=wrap_up_s,
        )  # fmt: skip
        watch = Stopwatch()
        with _progress(calls) as told:
            lived = live_through(plan, wanted, told=told)
        rows = read_rows(lived)
        figures = day_figures(lived, rows) | cost_figures(lived, watch.wall_s, watch.cpu_s)
        wrong = differences(lived, rows)
    if as_json:
        click.echo(json.dumps(figures | {"differences": wrong}, ensure_ascii=False, indent=2))
    else:
        show_day(figures)
    for line in wrong:
        click.echo(f"ivr day: {line}", err=True)
    sys.exit(1 if wrong else 0)


@contextmanager
def _progress(calls: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr where that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True,
                  auto_refresh=False) as bar:  # fmt: skip
        task = bar.add_task("通话 calls", total=calls)

        def told(done: int) -> None:
            if not bar.disable and (done % 10 == 0 or done == calls):
                bar.update(task, completed=done, refresh=True)

        yield told


DAY_ROWS: tuple[tuple[str, str, Callable[[dict[str, Any]], str]], ...] = (
    ("呼入 offered", "", lambda f: f"{f['offered']}"),
    ("应答 answered", "", lambda f: f"{f['answered']}"),
    ("已服务 served", "agent, account told or message kept", lambda f: f"{f['served']}"),
    ("放弃 abandoned", "the caller left first", lambda f: f"{f['abandoned']}"),
    ("拒绝 refused", "the centre ended it first", lambda f: f"{f['refused']}"),
    ("呼叫时长 call time", "offer to end, all calls", lambda f: f"{f['call_s']:.0f} s"),
    ("各方时长 leg time", "callers' and agents' legs", lambda f: f"{f['leg_s']:.0f} s"),
    ("检测时长 armed", "DTMF + tone + talk detectors", lambda f: f"{f['armed_s']:.0f} s"),
    ("菜单 menu", "mean of a call", lambda f: f"{f['ivr_mean_s']:.1f} s"),
    ("通话 talk", "mean of those who talked", lambda f: f"{f['talk_mean_s']:.1f} s"),
    ("录音 recorded", "every answered call, two sides", lambda f: f"{f['recorded_bytes']} B"),
    ("录音文件 files", "kept; the others are hashed only", lambda f: f"{f['files']}"),
    ("占用率 occupancy", "see below", lambda f: f"{f['occupancy']:.1%}"),
    ("服务水平 80/20", "talked within 20 s / (talked + left waiting)",
     lambda f: f"{f['service_level']:.1%}"),
    ("平均等待 ASA", "from entering the queue to the talk", lambda f: f"{f['asa_s']:.1f} s"),
    ("未关闭 open handles", "must be 0", lambda f: f"{f['open_handles']}"),
    ("用时 wall", "this machine", lambda f: f"{f['wall_s']:.1f} s"),
    ("处理器 CPU", "for a second of call", lambda f: f"{f['cpu_ms_per_call_s']:.3f} ms"),
)  # fmt: skip


def _console() -> Console:
    """stdout; wide enough for a table where it is no terminal."""
    wide = Console()
    return wide if wide.is_terminal else Console(width=PAGE)


def show_day(figures: dict[str, Any]) -> None:
    """The figures of a day as a table."""
    title = (
        f"seed {figures['seed']}: {figures['hours']:g} h, {figures['calls']} calls, "
        f"{figures['agents']} agents, "
        f"wrap-up {figures['wrap_up_s']:g} s, {figures['board']}"
    )
    table = Table(title=title, title_justify="left", show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for name, meaning, value in DAY_ROWS:
        table.add_row(name, value(figures), meaning)
    _console().print(table)
    f = figures
    click.echo(
        "占用率 occupancy = (talk + hold + wrap-up) / (those + idle) = "
        f"{f['handle_s']:.0f} / ({f['handle_s']:.0f} + {f['idle_s']:.0f}) s; "
        f"breaks ({f['break_s']:.0f} s) and ringing ({f['ringing_s']:.0f} s) are neither"
    )
    click.echo(f"轨迹 trace    {f['trace_hash']}")
    click.echo(f"记录 records  {f['records_hash']}")


# ---- ivr call --------------------------------------------------------------------------


@click.command()
@CENTRE
@click.option("--wav", type=click.Path(path_type=Path), help="What the caller says: any WAV.")
@click.option("--keys", default="", help=f"Steps, comma between them: {SYNTAX}.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=Path("heard.wav"),
              show_default=True, help="What the caller heard, from the answer on.")  # fmt: skip
@click.option("--records", "folder", type=click.Path(path_type=Path, file_okay=False),
              default=Path("call-records"), show_default=True,
              help="Where records and recordings go.")  # fmt: skip
@click.option("--number", default="", help="What is dialled; without it the pilot number.")
@click.option("--seed", default=1, show_default=True, help="Of the simulated agents.")
@click.option("--stay", "stay_s", default=30.0, show_default=True, type=Number(0, 900),
              help="Seconds on the line after the last step.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True)
def call(
    centre: Path, wav: Path | None, keys: str, out: Path, folder: Path, number: str, seed: int,
    stay_s: float, as_json: bool,
) -> None:  # fmt: skip
    """一次通话。Put your own WAV and keys into one simulated telephone, and hear what it hears."""
    with _told():
        steps = read_steps(keys)
        found = configuration.load(centre)
        if not found.board.url.startswith("sim:"):
            raise ValueError(f"{found.board.url!r} is a real card: ivr call needs sim:")
        wanted = replace(
            found, record=replace(found.record, folder=folder.resolve(), recordings="all")
        )
        heard = one_call.place_call(wanted, steps, wav, number=number, seed=seed, stay_s=stay_s)
        if heard.answered:
            audio.write_wave(out, heard.heard)
    if as_json:
        click.echo(json.dumps(_call_json(heard, out), ensure_ascii=False, indent=2))
    else:
        show_call(heard, out)
    sys.exit(0 if heard.answered else 1)


def _call_json(heard: one_call.Heard, out: Path) -> dict[str, Any]:
    return {
        "answered": heard.answered,
        "cleared_by": heard.cleared_by,
        "heard": str(out) if heard.answered else None,
        "heard_s": heard.heard_s,
        "recording": str(heard.recording) if heard.recording else None,
        "recordings": [str(path) for path in heard.recordings],
        "timeline": [moment.as_json() for moment in heard.moments],
    }


def show_call(heard: one_call.Heard, out: Path) -> None:
    """The timeline and the files as text."""
    table = Table(show_header=True, box=None)
    table.add_column("时间 s", justify="right")
    for head in ("谁 who", "事件", "what"):
        table.add_column(head, overflow="fold")
    for moment in heard.moments:
        table.add_row(f"{moment.at_s:.2f}", moment.who, moment.zh, moment.en)
    _console().print(table)
    if not heard.answered:
        click.echo("没有应答 the call was not answered", err=True)
        return
    click.echo(f"听到 heard: {out} ({heard.heard_s:.1f} s)")
    click.echo(f"录音 recording: {heard.recording}")
