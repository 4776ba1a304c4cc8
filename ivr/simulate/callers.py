"""Room: simulated people, those who call.  A caller is a coroutine on an outside telephone of the
street; what it does next depends on what it hears.  Must not look into the centre's calls.

How a caller knows where it is, with ears only: a prompt is speech; it has ended after a short
silence; music in the queue has no silence; when somebody has spoken and then waits, it is the
caller's turn to talk.
"""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from cti_board import Board, FarEndReport, Street, Telephone
from ivr.simulate.behaviour import LIVE_INTENTS, Behaviour, Intent, draw
from ivr.simulate.handset import FarEndLeft, Handset
from ivr.simulate.voice import Voices

if TYPE_CHECKING:
    from ivr.app import Centre

DIRECT = "7700{:04}"  # the centre's direct numbers on its E1: firmware_sim/README.md
LANGUAGE_KEYS = {"zh": "1", "en": "2"}
ACCOUNT_KEY, MESSAGE_KEY, AGENT_KEY, YES_KEY = "1", "2", "0", "1"
ANSWER_S = 60.0  # chosen: nobody lets it ring longer
PROMPT_S = 20.0  # chosen: after that a caller tries the key anyway
# both are counted from the ear's report, which comes 0.5 s after the last sound
PAUSE_S = 0.3  # chosen: so long a silence ends a prompt, longer than one inside a sentence
TURN_S = 0.7  # chosen: so long a silence after speech means "it is your turn"
LIVE_TALK_S = 60.0  # chosen: short, for whoever watches the live view
BETWEEN_CALLS_S = 3.0  # chosen: the exchange frees the line before its owner calls again


class End(Enum):
    """How a caller saw its call end."""

    NO_DIAL_TONE = "no_dial_tone"
    NO_ANSWER = "no_answer"
    LEFT_MENU = "left_menu"  # hung up in the menus, as it meant to
    GAVE_UP = "gave_up"  # waited too long
    TALKED = "talked"
    SATISFIED = "satisfied"  # account heard or message left
    CLEARED = "cleared"  # the centre ended it before the caller had what it wanted


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call as the caller saw it: from ``phone``, samples ``began`` to ``ended``."""

    behaviour: Behaviour
    answered: bool
    end: End
    phone: str
    began: int
    ended: int


class Caller:
    """One call of one person."""

    def __init__(self, hand: Handset, behaviour: Behaviour, voices: Voices) -> None:
        self.hand, self.behaviour, self._voices = hand, behaviour, voices
        self._end = End.NO_DIAL_TONE
        self._answered = False

    async def call(self, number: str) -> Outcome:
        """The whole call; the receiver is on its hook when this returns or raises."""
        phone = self.hand.phone
        clock = phone.street.board.loop.clock
        began = clock.now_samples
        try:
            if await self.hand.dial(number):
                self._end = End.NO_ANSWER
                if await self.hand.until(FarEndReport.ANSWERED, ANSWER_S):
                    await self._be_served()
        except FarEndLeft:
            pass
        finally:
            self.hand.close()
        return Outcome(
            self.behaviour, self._answered, self._end, phone.number, began, clock.now_samples
        )

    async def _be_served(self) -> None:
        self._answered, self._end = True, End.CLEARED
        self.hand.connected()
        self.hand.watch(speech=True)
        keys = menu_keys(self.behaviour)
        leaving = self.behaviour.intent is Intent.LEAVE
        for step, key in enumerate(keys[: self.behaviour.leave_at] if leaving else keys):
            await self._hear_question(step)
            await self.hand.press(key)
        if leaving:
            await self._hear_question(self.behaviour.leave_at)
            self._end = End.LEFT_MENU
        elif self.behaviour.wants_agent:
            await self._wait_for_agent()
        elif self.behaviour.intent is Intent.MESSAGE:
            await self._leave_message()
        else:
            await self._hear_question(len(keys))
            self._end = End.SATISFIED

    async def _hear_question(self, step: int) -> None:
        """Until the caller would press a key: in the prompt or after it, and a thought later."""
        if self.behaviour.types_ahead and step == 0:
            return
        await self.hand.until_speech(PROMPT_S)
        if not self.behaviour.barges_in:
            await self.hand.until_silence(PAUSE_S, PROMPT_S)
        await self.hand.stay(self.behaviour.think(step))

    async def _wait_for_agent(self) -> None:
        """In the queue, until somebody speaks and then waits for an answer."""
        self._end = End.GAVE_UP
        await self.hand.until_speech(PROMPT_S)
        if not await self.hand.until_silence(TURN_S, self.behaviour.patience_s):
            return
        self._end = End.TALKED
        self.hand.watch()
        self.hand.say(self._voices.talk(self.behaviour.language, self.behaviour.voice), times=0)
        await self.hand.stay(max(self.behaviour.talk_s - self.behaviour.linger_s, 1.0))
        self.hand.quiet()
        await self.hand.stay(self.behaviour.linger_s)

    async def _leave_message(self) -> None:
        """Listen to the end (the beep is heard as speech too), speak, press #, hear the thanks."""
        await self.hand.until_speech(PROMPT_S)
        await self.hand.until_silence(TURN_S, PROMPT_S)
        self.hand.say(self._voices.talk(self.behaviour.language, self.behaviour.voice), times=0)
        await self.hand.stay(self.behaviour.message_s)
        self.hand.quiet()
        await self.hand.press("#")
        self._end = End.SATISFIED
        await self.hand.until_speech(PROMPT_S)
        await self.hand.until_silence(TURN_S, PROMPT_S)


def menu_keys(behaviour: Behaviour) -> list[str]:
    """What a caller presses, question by question, when nothing goes wrong but its own keying."""
    language = LANGUAGE_KEYS[behaviour.language]
    account = [
        key
        for numbers in behaviour.accounts
        for key in (ACCOUNT_KEY, *(f"{number}#" for number in numbers), YES_KEY)
    ]
    wishes = {
        Intent.AGENT: [AGENT_KEY],
        Intent.ACCOUNT_THEN_AGENT: [*account, AGENT_KEY],
        Intent.ACCOUNT: account,
        Intent.MESSAGE: [MESSAGE_KEY],
        Intent.LEAVE: [ACCOUNT_KEY],
    }[behaviour.intent]
    if behaviour.types_ahead:
        return [language + wishes[0], *wishes[1:]]
    return [language, *wishes]


class Callers:
    """The outside telephones of a street; a call takes the one that was idle longest."""

    def __init__(self, street: Street, voices: Voices) -> None:
        self._idle: deque[Telephone] = deque(street.subscribers)
        self._voices = voices
        self.pilot = street.PILOT

    @property
    def any_idle(self) -> bool:
        return bool(self._idle)

    async def call(self, behaviour: Behaviour) -> Outcome:
        """Place one call; IndexError when every telephone is in use."""
        phone = self._idle.popleft()
        number = DIRECT.format(behaviour.number % 10_000) if behaviour.through_e1 else self.pilot
        try:
            outcome = await Caller(Handset(phone), behaviour, self._voices).call(number)
            await asyncio.sleep(BETWEEN_CALLS_S)
            return outcome
        finally:
            self._idle.append(phone)


def street_of(board: Board) -> Street:
    """The board's street; ValueError for a card that has none."""
    if board.street is None:
        raise ValueError(f"{board.url}: a real card has no simulated callers")
    return board.street


async def arrivals(
    centre: "Centre", board: Board, rng: random.Random, per_minute: float
) -> None:
    """Callers until cancelled: the first at once, then a Poisson process.

    One that finds no idle telephone does not call.
    """
    callers = Callers(street_of(board), Voices(centre.kit.catalogue))
    accounts: Sequence[str] = sorted(centre.accounts)
    number = 0
    async with asyncio.TaskGroup() as calls:
        while True:
            behaviour = draw(
                rng, number, accounts=accounts, talk_s=LIVE_TALK_S, intents=LIVE_INTENTS
            )
            number += 1
            if callers.any_idle:
                calls.create_task(callers.call(behaviour))
            await asyncio.sleep(rng.expovariate(per_minute / 60))
