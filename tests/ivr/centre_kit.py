"""What the tests of the centre share: a small centre in virtual time, its diary, a caller."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cti_board import EngineLoop, FarEndReport, Telephone, run, running
from ivr.app import Centre, open_centre
from ivr.config import load
from ivr.figures import Figures
from ivr.record import Event, check_files, check_rows, open_engine

LINES = "sim:fxo=4,fxs=2,e1=0"
PILOT = "66008000"  # hunts a free FXO line
SEATS = """
[[agent]]
number = "801"
port = "fxs0"
[[agent]]
number = "802"
port = "fxs1"
"""
ACCOUNT, BALANCE = "60083037", "24.05"
LONG_S = 120.0  # no step of a test takes longer, in virtual time


@dataclass
class Diary:
    """Facts as they come; `until` waits for one that has not been waited for yet."""

    facts: list[tuple[int, Event]] = field(default_factory=list)
    seen: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, at: int, event: Event) -> None:
        self.facts.append((at, event))
        self.news.set()

    async def until(self, kind: type[Event], /, **wanted: object) -> Event:
        """The next fact of a kind with these values; everything before it is passed over."""
        async with asyncio.timeout(LONG_S):
            while True:
                while self.seen < len(self.facts):
                    event = self.facts[self.seen][1]
                    self.seen += 1
                    if isinstance(event, kind) and fits(event, wanted):
                        return event
                self.news.clear()
                await self.news.wait()

    def of(self, kind: type[Event], /, **wanted: object) -> list[Any]:
        """All facts of a kind with these values so far."""
        return [event for _, event in self.facts if isinstance(event, kind) and fits(event, wanted)]


def fits(event: Event, wanted: dict[str, object]) -> bool:
    return all(getattr(event, name) == value for name, value in wanted.items())


class Caller:
    """An outside subscriber who does what a test says."""

    def __init__(self, phone: Telephone) -> None:
        self.phone = phone

    async def dial(self, number: str = PILOT) -> None:
        self.phone.off_hook()
        await self.phone.wait_tone("dial")
        await self.phone.dial(number)

    async def press(self, keys: str) -> None:
        await self.phone.keys(keys)

    def hang_up(self) -> None:
        self.phone.on_hook()

    async def until_cleared(self) -> None:
        await self.phone.wait(FarEndReport.CLEARED, timeout_s=LONG_S)
        self.hang_up()


@dataclass
class Place:
    """A centre with its street."""

    centre: Centre
    diary: Diary

    @property
    def loop(self) -> EngineLoop:
        return self.centre.board.loop

    def caller(self, number: int = 0) -> Caller:
        assert self.centre.board.street is not None
        return Caller(self.centre.board.street.subscribers[number])

    def telephone(self, seat: int) -> Telephone:
        assert self.centre.board.street is not None
        return self.centre.board.street.telephones[seat]

    async def at_rest(self) -> None:
        """Until every call is over and every line idle."""
        async with asyncio.timeout(LONG_S):
            while self.centre.open_handles():
                await asyncio.sleep(0.2)
                assert self.centre.figures().balanced


@dataclass
class Left:
    """What is left of a centre that was closed."""

    figures: Figures
    facts: list[tuple[int, Event]]
    handles: list[str]
    row_faults: list[str]
    file_faults: list[str]
    folder: Path

    def of(self, kind: type[Event], /, **wanted: object) -> list[Any]:
        """The facts of a kind with these values, in order."""
        return [event for _, event in self.facts if isinstance(event, kind) and fits(event, wanted)]


def centre_file(folder: Path, settings: str, board: str, seats: str) -> Path:
    file = folder / "centre.toml"
    file.write_text(f'[board]\nurl = "{board}"\n{settings}\n{seats}', encoding="utf-8")
    return file


def live(
    folder: Path, play: Callable[[Place], Awaitable[None]], settings: str = "", *,
    board: str = LINES, seats: str = SEATS, faultless: bool = True,
) -> Left:  # fmt: skip
    """Open a centre in virtual time, let ``play`` happen, close it; what must always hold holds."""
    config = load(centre_file(folder, settings, board, seats))
    diary = Diary()
    left: list[Left] = []

    async def main() -> None:
        async with open_centre(config, records=folder / "records") as centre:
            centre.ledger.watchers.append(diary.hear)
            place = Place(centre, diary)
            await play(place)
        handles = centre.open_handles()
        left.append(Left(centre.figures(), diary.facts, handles, [], [], folder / "records"))

    run(main, clock="virtual")
    (one,) = left
    one.row_faults, one.file_faults = look_over(one.folder)
    assert one.figures.balanced
    assert one.figures.in_progress == 0
    assert one.handles == []
    assert one.row_faults == []
    assert one.file_faults == []
    if faultless:
        assert one.figures.faults == 0
    return one


def look_over(folder: Path) -> tuple[list[str], list[str]]:
    engine = open_engine(folder / "records.sqlite", read_only=True)
    try:
        with engine.connect() as connection:
            return check_rows(connection), check_files(connection, folder)
    finally:
        engine.dispose()


def now_s() -> float:
    return running().time()
