"""Room: a whole day of the centre in virtual time: callers, agents with their breaks, and what it
all came to.  Must not count by itself what the centre's records say: it reads them (tally.py).
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cti_board import Board, run, running
from ivr.app import Centre, open_centre
from ivr.config import PART, CentreConfig
from ivr.desk import Chosen
from ivr.figures import Figures
from ivr.simulate.agents import simulated_agents
from ivr.simulate.behaviour import Behaviour, draw_arrivals, draw_day
from ivr.simulate.callers import Callers, Outcome, street_of
from ivr.simulate.voice import Voices

# chosen: one break after another, each agent both, so that never more than one seat is empty
COFFEE_S, LUNCH_S = 720.0, 1800.0
DAY_S = 28_800.0  # the day that those breaks belong to; a shorter day has shorter breaks
COFFEE_FROM, LUNCH_FROM = 0.05, 0.31  # chosen: of the day
DRAIN_S = 120.0  # chosen: busy tone detection, wrap-up and goodbyes after the last caller


@dataclass(frozen=True, slots=True)
class DayPlan:
    """What is simulated.  ``talk_s``: mean talk; ``jump``: skip frames in which nothing can be."""

    seed: int = 1
    calls: int = 1200
    hours: float = 8.0
    talk_s: float = 153.0
    jump: bool = True

    @property
    def day_s(self) -> float:
        return self.hours * 3600.0


@dataclass(slots=True)
class Day:
    """What a day came to, before it is compared and shown."""

    plan: DayPlan
    config: CentreConfig
    folder: Path
    outcomes: list[Outcome] = field(default_factory=list)
    not_placed: int = 0
    figures: Figures = field(default_factory=Figures)
    open_handles: list[str] = field(default_factory=list)
    engine: dict[str, int] = field(default_factory=dict)
    trace_hash: str = ""
    ended_s: float = 0.0


def breaks_of(seat: int, day_s: float) -> list[tuple[float, float]]:
    """When the agent at ``seat`` is away: (from, length) in seconds of a day."""
    scale = day_s / DAY_S
    return [
        (COFFEE_FROM * day_s + seat * COFFEE_S * scale, COFFEE_S * scale),
        (LUNCH_FROM * day_s + seat * LUNCH_S * scale, LUNCH_S * scale),
    ]


async def take_breaks(centre: Centre, number: str, breaks: list[tuple[float, float]]) -> None:
    """One agent's pauses; a call that is on when a break begins is finished first."""
    agent, now = centre.desk.find(number), 0.0
    for begin, length in breaks:
        await asyncio.sleep(begin - now)
        centre.desk.choose(agent, Chosen.PAUSED, "break")
        await asyncio.sleep(length)
        centre.desk.choose(agent, Chosen.AVAILABLE)
        now = begin + length


class Stage:
    """The street's side of a day."""

    def __init__(
        self, centre: Centre, board: Board, plan: DayPlan, told: Callable[[int], None]
    ) -> None:
        self.centre, self.board, self.plan = centre, board, plan
        self._told = told
        self._callers = Callers(street_of(board), Voices(centre.kit.catalogue))
        self.outcomes: list[Outcome] = []
        self.not_placed = 0

    async def play(self) -> None:
        """Everybody comes, calls, works and goes home."""
        rng = random.Random(self.plan.seed)
        agents = random.Random(rng.random())
        people = draw_day(
            rng, self.plan.calls, accounts=sorted(self.centre.accounts), talk_s=self.plan.talk_s
        )
        times = draw_arrivals(rng, self.plan.calls, self.plan.day_s)
        staff = [asyncio.create_task(simulated_agents(self.centre, self.board, agents))]
        for seat, agent in enumerate(self.centre.config.agents):
            plan = breaks_of(seat, self.plan.day_s)
            staff.append(asyncio.create_task(take_breaks(self.centre, agent.number, plan)))
        try:
            await self._all_call(list(zip(times, people, strict=True)))
            await self._settle()
        finally:
            for task in staff:
                task.cancel()
            await asyncio.gather(*staff, return_exceptions=True)

    async def _all_call(self, calls: list[tuple[float, Behaviour]]) -> None:
        began = running().time()
        async with asyncio.TaskGroup() as group:
            for at, behaviour in calls:
                await asyncio.sleep(at - (running().time() - began))
                if self._callers.any_idle:
                    group.create_task(self._one(behaviour))
                else:
                    self.not_placed += 1

    async def _one(self, behaviour: Behaviour) -> None:
        self.outcomes.append(await self._callers.call(behaviour))
        self._told(len(self.outcomes))

    async def _settle(self) -> None:
        """The centre still hears busy tone, says goodbye and wraps up when the last caller left."""
        for _ in range(round(DRAIN_S)):
            if not self.centre.figures().in_progress and not self.centre.open_handles():
                return
            await asyncio.sleep(1.0)


async def _live(plan: DayPlan, config: CentreConfig, told: Callable[[int], None]) -> Day:
    loop = running()
    loop.engine.trace()
    day = Day(plan, config, config.record.folder)
    async with open_centre(config) as centre:
        stage = Stage(centre, centre.board, plan, told)
        await stage.play()
        day.outcomes, day.not_placed = stage.outcomes, stage.not_placed
        day.figures, day.open_handles = centre.figures(), centre.open_handles()
        day.ended_s = loop.time()
    day.engine = loop.engine.stats()
    day.trace_hash = loop.engine.trace_hash()
    return day


def live_through(
    plan: DayPlan, config: CentreConfig, *, told: Callable[[int], None] = lambda _: None
) -> Day:
    """Simulate a day; ``told`` hears how many calls are over.  Errors are those of the centre."""
    return run(lambda: _live(plan, config, told), clock="virtual", jump=plan.jump)


@contextmanager
def record_folder(wanted: Path | None) -> Iterator[Path]:
    """``wanted``, or a folder that is gone afterwards.  ValueError: it holds records already."""
    if wanted is not None:
        if (wanted / "journal").exists():
            raise ValueError(f"{wanted} holds records already: a day needs a folder of its own")
        yield wanted
        return
    with TemporaryDirectory(prefix="ivr-day-") as folder:
        yield Path(folder)


def day_config(
    config: CentreConfig, *, folder: Path, recordings: str = "1/100", agents: int | None = None,
    media: str = "host", wrap_up_s: float | None = None,
) -> CentreConfig:  # fmt: skip
    """A centre for a simulated day; what is not given stays as its file says.

    ValueError: more agents than it has, not a simulated board, no such way to keep recordings.
    """
    if recordings not in ("all", "hash") and not PART.fullmatch(recordings):
        raise ValueError(f'recordings are "all", "hash" or "1/N", not {recordings!r}')
    if not config.board.url.startswith("sim:"):
        raise ValueError(f"{config.board.url!r} is a real card: a day is simulated on sim:")
    seats = config.agents if agents is None else config.agents[:agents]
    if agents is not None and not 1 <= agents <= len(config.agents):
        raise ValueError(f"{agents} agents: the centre has {len(config.agents)}")
    url = config.board.url if media == "host" else f"{config.board.url},media={media}"
    return replace(
        config,
        board=replace(config.board, url=url),
        agents=seats,
        queue=config.queue if wrap_up_s is None else replace(config.queue, wrap_up_s=wrap_up_s),
        record=replace(config.record, folder=folder, recordings=recordings),
    )
