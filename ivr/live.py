"""Room: how a running centre looks on a terminal, and as lines of text.

Must not change anything: it reads snapshots and facts.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cti_board import jobs

from .app import Centre
from .config import CentreConfig
from .figures import AgentRow, Figures, Snapshot
from .record import (
    AgentState,
    Alarm,
    CallAnswered,
    CallEnded,
    CallOffered,
    Event,
    SegmentStarted,
    VoicemailSaved,
)

PERIOD_S = 0.25  # chosen: four pictures a second are smooth for a table
WHERE = {
    "ring": "振铃 ring", "ivr": "菜单 menu", "queue": "排队 queue", "talk": "通话 talk",
    "hold": "保持 hold", "voicemail": "留言 message",
}  # fmt: skip
SEEN = {
    "idle": ("空闲 idle", "green"), "ringing": ("振铃 ringing", "yellow"),
    "in_call": ("通话 in call", "cyan"), "wrap_up": ("整理 wrap-up", "blue"),
}  # fmt: skip
STATE_WORDS = {
    "logged_out": "签出", "available": "就绪", "on_break": "小休", "waiting": "空闲",
    "ringing": "振铃", "in_call": "通话", "wrap_up": "整理",
}  # fmt: skip
BUSY_LINE, BAD_LINE = "cyan", "bold red"
IDLE = "idle"
BAD_STATES = ("no_feed", "lost", "blocked", "alarm")
AGENT_HEADS = (
    "工号 no.", "姓名 name", "话机 port", "状态 state", "时长 s", "接听 served", "呼叫 call",
)  # fmt: skip
CALL_HEADS = ("呼叫 call", "线路 line", "主叫 caller", "位置 where", "时长 s", "坐席 agent")
FIGURES = (
    ("呼入 offered", "offered"), ("应答 answered", "answered"), ("已服务 served", "served"),
    ("放弃 abandoned", "abandoned"), ("拒绝 refused", "refused"), ("在线 now", "in_progress"),
    ("排队 waiting", "waiting"), ("留言 messages", "messages"), ("故障 faults", "faults"),
)  # fmt: skip


# ---- the picture ---------------------------------------------------------------------------


def picture(config: CentreConfig, shot: Snapshot, wall: datetime, trouble: str) -> RenderableType:
    """The whole screen."""
    title = f"{config.ivr.name_zh}  {config.ivr.name_en}  {config.board.url}"
    parts: list[RenderableType] = [
        Panel(figures_row(shot.figures), title=title, subtitle=f"{wall:%H:%M:%S}"),
        Panel(lines(shot), title="外线 lines"),
        Columns([agents(shot.agents), calls(shot)], padding=(0, 3)),
    ]
    if trouble:
        parts.insert(1, Text(f"记录 records: {trouble}", style=BAD_LINE))
    return Group(*parts)


def figures_row(figures: Figures) -> Table:
    table = Table.grid(expand=True, padding=(0, 1))
    cells = []
    for words, name in FIGURES:
        table.add_column(justify="center")
        cells.append(Text.assemble((words + "\n", "dim"), (str(getattr(figures, name)), "bold")))
    table.add_row(*cells)
    return table


def lines(shot: Snapshot) -> Columns:
    """The lines that are not idle, and how many are."""
    busy = [one for one in shot.lines if one.state != IDLE]
    words = [Text(f"{one.name} {one.state}", style=line_style(one.state)) for one in busy]
    words.append(Text(f"空闲 idle: {len(shot.lines) - len(busy)}", style="dim"))
    return Columns(words, padding=(0, 2), equal=True)


def line_style(state: str) -> str:
    return BAD_LINE if state in BAD_STATES else BUSY_LINE


def agents(rows: Iterable[AgentRow]) -> Table:
    table = Table(title="坐席 agents", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for head in AGENT_HEADS:
        table.add_column(head)
    for one in rows:
        words, style = seen(one)
        table.add_row(one.number, one.name, one.port, Text(words, style=style),
                      f"{one.since_s:.0f}", str(one.served), one.call)  # fmt: skip
    return table


def seen(one: AgentRow) -> tuple[str, str]:
    """The word for an agent's state, and its colour."""
    if one.observed == "idle" and one.chosen == "paused":
        return "小休 paused", "magenta"
    if one.observed == "idle" and one.off_hook:
        return "摘机 off hook", "magenta"
    return SEEN[one.observed]


def calls(shot: Snapshot) -> Table:
    table = Table(title="呼叫 calls", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for head in CALL_HEADS:
        table.add_column(head)
    for one in shot.calls:
        where, since = WHERE[one.where], f"{one.since_s:.0f}"
        table.add_row(one.call, one.line, one.ani, where, since, one.agent)
    return table


async def show(centre: Centre, console: Console) -> None:
    """The live view, until cancelled.  The picture is drawn off the loop."""
    clock = centre.board.loop.clock
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def draw(shot: Snapshot, wall: datetime, trouble: str) -> None:
            live.update(picture(centre.config, shot, wall, trouble), refresh=True)

        while True:
            await jobs.run(draw, centre.snapshot(), clock.wall(), centre.ledger.trouble)
            await asyncio.sleep(PERIOD_S)


# ---- lines of text -------------------------------------------------------------------------


def sentence(event: Event) -> str:
    """A fact in one line; "" for one that is not told."""
    match event:
        case CallOffered():
            return f"{event.call} 呼入 offered {event.channel} {event.ani or '-'}"
        case CallAnswered():
            return f"{event.call} 应答 answered"
        case SegmentStarted():
            return f"{event.call} {WHERE[event.kind]} {event.ref}".rstrip()
        case VoicemailSaved():
            return f"{event.call} 留言 message {event.samples / 8000:.1f} s {event.path}"
        case CallEnded():
            return f"{event.call} 结束 ended cause={event.cause} side={event.side}"
        case AgentState():
            words = [STATE_WORDS[one] for one in (event.chosen, event.observed) if one]
            state = f"{event.chosen} {event.observed}".rstrip()
            more = " ".join(one for one in (event.reason, event.call) if one)
            return f"坐席 agent {event.agent} {'/'.join(words)} {state} {more}".rstrip()
        case Alarm():
            state = "告警 alarm" if event.raised else "恢复 cleared"
            return f"{state} {event.source} {event.code} {event.text}".rstrip()
        case _:
            return ""


@asynccontextmanager
async def telling(centre: Centre, write: Callable[[str], None]) -> AsyncIterator[None]:
    """One line for each change until this is left, the last ones included.

    ``write`` may wait: it runs off the loop; it must not raise.
    """
    waiting: deque[str] = deque()
    news, over = asyncio.Event(), asyncio.Event()
    clock = centre.board.loop.clock

    def hear(at: int, event: Event) -> None:
        if text := sentence(event):
            waiting.append(f"{clock.wall_at(at):%H:%M:%S.%f}"[:-3] + f" {text}")
            news.set()

    async def work() -> None:
        while waiting or not over.is_set():
            await news.wait()
            news.clear()
            text = "\n".join(waiting)
            waiting.clear()
            if text:
                await jobs.run(write, text)

    centre.ledger.watchers.append(hear)
    task = asyncio.create_task(work())
    try:
        yield
    finally:
        centre.ledger.watchers.remove(hear)
        over.set()
        news.set()
        await task
