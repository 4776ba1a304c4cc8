"""Room: one call of the user's own making: a WAV and keys into a simulated telephone, the real
centre at the other end, and what the caller heard.  Must not know how the centre serves calls.
"""

import asyncio
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cti_board import Board, FarEndReport, audio, jobs, run
from ivr.app import Centre, open_centre
from ivr.config import CentreConfig
from ivr.record import CallOffered, Entry, RecordingStarted, RunStarted
from ivr.simulate.agents import simulated_agents
from ivr.simulate.callers import ANSWER_S, PAUSE_S, street_of
from ivr.simulate.handset import FarEndLeft, Handset
from ivr.simulate.keys import Do, Step
from ivr.simulate.timeline import Moment, timeline

LONGEST_S = 1800.0  # chosen: half an hour of what the caller hears is kept
PROMPT_S = 10.0  # chosen: if nothing is said for so long, the next step is done anyway
AFTER_KEYS_S = 0.6  # chosen: the ear has noticed that the prompt which the key stopped is over
NUMBER_MAX = 15  # ITU-T E.164: the longest number
NUMBER = re.compile(rf"[0-9]{{1,{NUMBER_MAX}}}")
STEREO = 2  # sides of the recording of a whole call
DRAIN_S = 30  # chosen: the centre's busy tone detection and goodbye


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of the call.  ``heard``: A-law from the answer on; paths are absolute."""

    answered: bool
    cleared_by: str  # "caller", "centre" or "" (never answered)
    heard: bytes
    recording: Path | None
    recordings: list[Path]
    moments: list[Moment]

    @property
    def heard_s(self) -> float:
        return len(self.heard) / 8000


class OneCaller:
    """Does the steps, hears everything."""

    def __init__(self, hand: Handset, steps: list[Step], wav: bytes, stay_s: float) -> None:
        self._hand, self._steps, self._wav, self._stay_s = hand, steps, wav, stay_s
        self.answered = False
        self.cleared_by = ""
        self.heard = b""

    async def call(self, number: str) -> None:
        """The whole call; the receiver is on its hook afterwards."""
        hand = self._hand
        try:
            if not await hand.dial(number) or not await hand.until(FarEndReport.ANSWERED, ANSWER_S):
                return
            self.answered, self.cleared_by = True, "caller"
            ear = hand.phone.hear(LONGEST_S)
            try:
                hand.connected()
                hand.watch(speech=True)
                async with asyncio.timeout(LONGEST_S):
                    await self._act()
            except TimeoutError:
                pass
            except FarEndLeft:
                self.cleared_by = "centre"
            finally:
                self.heard = await ear.stop()
        finally:
            hand.close()

    async def _act(self) -> None:
        speaks = any(step.do is Do.SPEAK for step in self._steps)
        mouth = self._hand.say(self._wav) if self._wav and not speaks else None
        for step in self._steps:
            await self._do(step)
        if self._steps and self._steps[-1].do is Do.HANG_UP:
            return
        while mouth is not None and not mouth.ended.done():
            await self._hand.stay(0.5)
        await self._hand.stay(self._stay_s)

    async def _do(self, step: Step) -> None:
        hand = self._hand
        if step.do is Do.PRESS:
            await hand.until_speech(PROMPT_S)
            await hand.press(step.keys)
            await hand.stay(AFTER_KEYS_S)
        elif step.do is Do.WAIT:
            await hand.stay(step.seconds)
        elif step.do is Do.PROMPT:
            await hand.until_speech(PROMPT_S)
            await hand.until_silence(PAUSE_S, LONGEST_S)
        elif step.do is Do.SPEAK and self._wav:
            hand.say(self._wav)
            await hand.stay(len(self._wav) / 8000)


async def _call(
    config: CentreConfig, steps: list[Step], wav: bytes, *, number: str, seed: int, stay_s: float
) -> Heard:
    async with open_centre(config) as centre:
        board: Board = centre.board
        agents = asyncio.create_task(simulated_agents(centre, board, random.Random(seed)))
        try:
            hand = Handset(street_of(board).subscribers[0])
            caller = OneCaller(hand, steps, wav, stay_s)
            await caller.call(number or street_of(board).PILOT)
            await _drain(centre)
        finally:
            agents.cancel()
            await asyncio.gather(agents, return_exceptions=True)
        return await _report(centre, caller)


async def _drain(centre: Centre) -> None:
    for _ in range(DRAIN_S):
        if not centre.figures().in_progress and not centre.open_handles():
            return
        await asyncio.sleep(1.0)


def this_run(entries: Iterable[Entry]) -> list[Entry]:
    """The facts of the last run: the folder may hold calls of earlier ones."""
    found: list[Entry] = []
    for entry in entries:
        if isinstance(entry.event, RunStarted):
            found.clear()
        found.append(entry)
    return found


async def _report(centre: Centre, caller: OneCaller) -> Heard:
    entries = await jobs.run(lambda: this_run(centre.store.journal.read()))
    calls = [entry.event.call for entry in entries if isinstance(entry.event, CallOffered)]
    call = calls[-1] if calls else ""
    files = [
        (entry.event.sides, centre.store.folder / entry.event.path)
        for entry in entries
        if isinstance(entry.event, RecordingStarted) and entry.event.call == call
    ]
    return Heard(
        answered=caller.answered, cleared_by=caller.cleared_by, heard=caller.heard,
        recording=next((path for sides, path in files if sides == STEREO), None),
        recordings=[path for _, path in files],
        moments=timeline(entries, call) if call else [],
    )  # fmt: skip


def place_call(
    config: CentreConfig, steps: list[Step], wav: Path | None = None, *, number: str = "",
    seed: int = 1, stay_s: float = 30.0,
) -> Heard:  # fmt: skip
    """One call in virtual time.

    ValueError for a number that cannot be dialled, FileFormatError and OSError for the WAV, the
    centre's errors.
    """
    if number and not NUMBER.fullmatch(number):
        raise ValueError(f"--number is 1 to {NUMBER_MAX} digits, not {number!r}")
    sound = b"" if wav is None else audio.load(wav)
    return run(
        lambda: _call(config, steps, sound, number=number, seed=seed, stay_s=stay_s),
        clock="virtual",
    )
