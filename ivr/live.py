"""Room: how a running centre looks on a terminal, and as lines of text.

Must not change anything: it reads snapshots and facts.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from rich.console import Console
from rich.live import Live

from cti_board import jobs

from .app import Centre
from .figures import Snapshot
from .picture import WHERE, picture
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
STATE_WORDS = {
    "logged_out": "签出", "available": "就绪", "on_break": "小休", "waiting": "空闲",
    "ringing": "振铃", "in_call": "通话", "wrap_up": "整理",
}  # fmt: skip

# ---- the live view -------------------------------------------------------------------------


async def show(centre: Centre, console: Console) -> None:
    """The live view, until cancelled.  The picture is drawn off the loop."""
    clock = centre.board.loop.clock
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def draw(shot: Snapshot, wall: datetime, trouble: str) -> None:
            live.update(picture(centre.config, shot, wall, trouble, console.size), refresh=True)

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
