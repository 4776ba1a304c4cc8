"""Room: a running centre as one picture that fits the terminal, whatever its size.

Must not ask a centre anything: a snapshot goes in, something to draw comes out.  Where rows are
few, lines become counts, agents come before calls, and a table that is cut says how much it lacks;
where columns are few, whole columns go, never a part of a heading.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Generic, TypeVar

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.columns import Columns
from rich.console import ConsoleDimensions, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .config import CentreConfig
from .figures import AgentRow, CallRow, Figures, LineRow, Snapshot

WHERE = {
    "ring": "振铃 ring", "ivr": "菜单 menu", "queue": "排队 queue", "talk": "通话 talk",
    "hold": "保持 hold", "voicemail": "留言 message",
}  # fmt: skip
SEEN = {
    "idle": ("空闲 idle", "green"), "ringing": ("振铃 ringing", "yellow"),
    "in_call": ("通话 in call", "cyan"), "wrap_up": ("整理 wrap-up", "blue"),
}  # fmt: skip
BUSY_LINE, BAD_LINE = "cyan", "bold red"
IDLE = "idle"
BAD_STATES = ("no_feed", "lost", "blocked", "alarm")
FIGURES = (
    ("呼入", "offered", "offered"), ("应答", "answered", "answered"),
    ("已服务", "served", "served"), ("放弃", "abandoned", "abandoned"),
    ("拒绝", "refused", "refused"), ("在线", "now", "in_progress"),
    ("排队", "waiting", "waiting"), ("留言", "messages", "messages"), ("故障", "faults", "faults"),
)  # fmt: skip
LOW_ROWS = 36  # chosen: below, no titles, rules and frames, and lines are one row
LINE_ROWS = 3  # chosen: more rows of busy lines than this become counts
FRAME_ROWS, FRAME_COLUMNS = 2, 4  # of a panel
GAP, LOW_GAP = 3, 2  # columns between two columns of a table, with its frame and without
BESIDE = 3  # columns between two tables

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column of a table; of those that do not fit the one with the highest ``rank`` goes."""

    head: str
    width: int
    rank: int
    cell: Callable[[Row], Text | str]


def _state(one: AgentRow) -> Text:
    words, style = seen(one)
    return Text(words, style=style)


AGENTS: tuple[Column[AgentRow], ...] = (
    Column("工号 no.", 8, 0, lambda one: one.number),
    Column("姓名 name", 9, 4, lambda one: one.name),
    Column("话机 port", 9, 6, lambda one: one.port),
    Column("状态 state", 13, 1, _state),
    Column("时长 s", 6, 2, lambda one: f"{one.since_s:.0f}"),
    Column("接听 served", 11, 5, lambda one: str(one.served)),
    Column("呼叫 call", 9, 3, lambda one: one.call),
)
CALLS: tuple[Column[CallRow], ...] = (
    Column("呼叫 call", 9, 0, lambda one: one.call),
    Column("线路 line", 10, 5, lambda one: one.line),
    Column("主叫 caller", 12, 4, lambda one: one.ani),
    Column("位置 where", 12, 1, lambda one: WHERE[one.where]),
    Column("时长 s", 6, 2, lambda one: f"{one.since_s:.0f}"),
    Column("坐席 agent", 10, 3, lambda one: one.agent),
)


def picture(
    config: CentreConfig, shot: Snapshot, wall: datetime, trouble: str, size: ConsoleDimensions
) -> RenderableType:
    """The whole screen: at most ``size`` rows and columns."""
    width, low = size.width, size.height < LOW_ROWS
    title = f"{config.ivr.name_zh}  {config.ivr.name_en}  {config.board.url}"
    table, rows = figures_table(shot.figures, width - FRAME_COLUMNS, max(1, size.height // 8))
    parts: list[RenderableType] = [Panel(table, title=Text(title), subtitle=f"{wall:%H:%M:%S}")]
    used = rows + FRAME_ROWS
    if trouble:
        parts.append(one_row(Text(f"记录 records: {trouble}", style=BAD_LINE)))
        used += 1
    if low:
        parts.append(one_row(Text("外线 lines: ") + line_counts(shot.lines)))
        used += 1
    else:
        words, rows = lines(shot.lines, width - FRAME_COLUMNS)
        parts.append(Panel(words, title="外线 lines"))
        used += rows + FRAME_ROWS
    parts.append(tables(shot, ConsoleDimensions(width, size.height - used), low=low))
    return Group(*parts)


def one_row(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def figures_table(figures: Figures, width: int, most: int) -> tuple[Group, int]:
    """The figures in up to ``most`` rows of them, and how many rows of the screen that takes."""
    widths = [max(cell_len(zh), cell_len(en)) + 1 for zh, en, _ in FIGURES]
    fitting = len(FIGURES) if sum(widths) <= width else max(1, width // max(widths))
    tables: list[RenderableType] = []
    for first in range(0, len(FIGURES), fitting)[:most]:
        table = Table.grid(expand=True, padding=(0, 0))
        cells = []
        for zh, en, name in FIGURES[first : first + fitting]:
            table.add_column(justify="center", no_wrap=True)
            value = str(getattr(figures, name))
            cells.append(Text.assemble((f"{zh}\n{en}\n", "dim"), (value, "bold")))
        table.add_row(*cells)
        tables.append(table)
    return Group(*tables), 3 * len(tables)


def lines(rows: Sequence[LineRow], width: int) -> tuple[RenderableType, int]:
    """The lines that are not idle, and how many are; counts where that takes too many rows."""
    busy = [one for one in rows if one.state != IDLE]
    words = [Text(f"{one.name} {one.state}", style=line_style(one.state)) for one in busy]
    words.append(Text(f"空闲 idle: {len(rows) - len(busy)}", style="dim"))
    beside = max(1, (width + LOW_GAP) // (max(one.cell_len for one in words) + LOW_GAP))
    needed = ceil(len(words) / beside)
    if needed > LINE_ROWS:
        return one_row(line_counts(rows)), 1
    return Columns(words, padding=(0, LOW_GAP), equal=True), needed


def line_counts(rows: Iterable[LineRow]) -> Text:
    """How many lines are in each state; the bad ones first."""
    counts = Counter(one.state for one in rows)
    order = sorted(counts, key=lambda state: (state not in BAD_STATES, state == IDLE, state))
    words = [(f"{state} {counts[state]}  ", line_style(state)) for state in order]
    return Text.assemble(*words)


def line_style(state: str) -> str:
    if state == IDLE:
        return "dim"
    return BAD_LINE if state in BAD_STATES else BUSY_LINE


def seen(one: AgentRow) -> tuple[str, str]:
    """The word for an agent's state, and its colour."""
    if one.observed == "idle" and one.chosen == "paused":
        return "小休 paused", "magenta"
    if one.observed == "idle" and one.off_hook:
        return "摘机 off hook", "magenta"
    return SEEN[one.observed]


def tables(shot: Snapshot, size: ConsoleDimensions, *, low: bool) -> RenderableType:
    """Agents and calls: side by side where both fit whole, else agents first."""
    heads = 1 if low else 3  # the heading, with a title and a rule where there is room
    gap = LOW_GAP if low else GAP
    whole = table_width(AGENTS, gap) + BESIDE + table_width(CALLS, gap)
    if whole <= size.width:
        room = size.height - heads
        pair = Table.grid(padding=(0, BESIDE, 0, 0))
        pair.add_row(
            fit("坐席 agents", AGENTS, shot.agents, size.width, room, low=low),
            fit("呼叫 calls", CALLS, shot.calls, size.width, room, low=low),
        )
        return pair
    room = size.height - 2 * heads
    for_agents = min(len(shot.agents), max(1, room - min(len(shot.calls), max(1, room // 4))))
    return Group(
        fit("坐席 agents", AGENTS, shot.agents, size.width, for_agents, low=low),
        fit("呼叫 calls", CALLS, shot.calls, size.width, room - for_agents, low=low),
    )


def table_width(columns: Sequence[Column[Row]], gap: int) -> int:
    return sum(one.width for one in columns) + gap * (len(columns) - 1)


def plain(cell: Text | str) -> Text:
    """Words as they are: what a caller's exchange sent is no markup."""
    return cell if isinstance(cell, Text) else Text(cell)


def fit(
    title: str, columns: Sequence[Column[Row]], rows: Sequence[Row], width: int, room: int, *,
    low: bool,
) -> Table:  # fmt: skip
    """A table of at most ``room`` rows below its heading, in ``width`` columns."""
    kept, gap = list(columns), LOW_GAP if low else GAP
    while len(kept) > 1 and table_width(kept, gap) > width:
        kept.remove(max(kept, key=lambda one: one.rank))
    table = Table(title=None if low else title, title_justify="left", pad_edge=False,
                  box=None if low else SIMPLE_HEAD, show_edge=False)  # fmt: skip
    for one in kept:
        table.add_column(one.head, width=min(one.width, width), no_wrap=True, overflow="ellipsis")
    shown = rows if len(rows) <= room else rows[: max(0, room - 1)]
    for row in shown:
        table.add_row(*(plain(one.cell(row)) for one in kept))
    if len(shown) < len(rows):
        table.add_row(Text(f"+{len(rows) - len(shown)} more", style="dim"))
    return table
