"""Room: simulated people, the agents: each sits at a telephone on an FXS port.  Must not look
into the centre's calls: an agent hears the bell, the caller, silence and busy tone.
"""

import asyncio
import random
from typing import TYPE_CHECKING

from cti_board import Board, FarEndReport, Telephone
from ivr.simulate.callers import street_of
from ivr.simulate.handset import FarEndLeft, Handset
from ivr.simulate.voice import VOICES, Voices

if TYPE_CHECKING:
    from ivr.app import Centre

REACT_S = (2.0, 6.0)  # chosen: from the first ring to lifting the receiver
CLOSES_SHARE = 0.3  # chosen: calls in which the agent hangs up once the caller says no more
CLOSE_AFTER_S = 2.5  # chosen: with the ear's 0.5 s longer than any pause of a voice (voice.py)
FIRST_WORDS_S = 10.0  # chosen: how long an agent waits for a caller's first word
LONGEST_S = 36_000.0  # chosen: longer than any wait for a ring and any talk


class Agent:
    """Somebody at a telephone."""

    def __init__(self, phone: Telephone, rng: random.Random, voices: Voices, lang: str) -> None:
        self._rng, self._voices, self._lang = rng, voices, lang
        self._voice = rng.randrange(VOICES)
        self._hand = Handset(phone)

    async def work(self) -> None:
        """Answer every call until cancelled; the receiver is on its hook afterwards."""
        hand = self._hand
        try:
            while True:
                if not hand.ringing:
                    await hand.until(FarEndReport.RING_BEGIN, LONGEST_S)
                await hand.stay(self._rng.uniform(*REACT_S))
                if hand.ringing:
                    await self._answer()
                    hand.put_down()
        finally:
            hand.close()

    async def _answer(self) -> None:
        try:
            self._hand.lift()
            self._hand.connected()
            await self._talk()
        except FarEndLeft:
            return  # the caller is gone

    async def _talk(self) -> None:
        hand, closes = self._hand, self._rng.random() < CLOSES_SHARE
        hand.watch(tones=True, speech=True)
        hand.say(self._voices.greeting(self._lang))
        await hand.until_speech(FIRST_WORDS_S)
        hand.say(self._voices.talk(self._lang, self._voice), times=0)
        if closes:
            await hand.until_silence(CLOSE_AFTER_S, LONGEST_S)
        else:
            hand.watch(tones=True)
            await hand.stay(LONGEST_S)


async def simulated_agents(centre: "Centre", board: Board, rng: random.Random) -> None:
    """Every agent of the centre answers its telephone, until cancelled."""
    telephones, voices = street_of(board).telephones, Voices(centre.kit.catalogue)
    agents = [
        Agent(telephones[one.port_number], random.Random(rng.random()), voices, one.languages[0])
        for one in centre.config.agents
    ]
    async with asyncio.TaskGroup() as work:
        for agent in agents:
            work.create_task(agent.work())
