"""Room: simulated people, their voices: loops of speech with pauses, made of the catalogue's
sentences.  Must not know telephones.  All sounds are A-law, 8000 a second.
"""

import random
from functools import lru_cache

from ivr.prompt import Catalogue

RATE_HZ = 8000
SILENCE = b"\xd5"  # ITU-T G.711, A-law's positive zero
PAUSES_MS = (300, 500, 800, 1200, 1800)  # chosen: within and between the turns of a talk
LOOP_S = 24.0  # chosen: long enough that a talk is not one phrase over and over
GREETING_PAUSE_S = 4.0  # chosen: the agent waits for the caller's first words
VOICES = 8  # chosen: so many different loops a language
NOT_SAID = frozenset({"welcome", "language_choice"})  # both languages in one recording


class Voices:
    """Speech for callers and agents.  Loops are made once and shared."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.talk = lru_cache(maxsize=None)(self._talk)
        self.greeting = lru_cache(maxsize=None)(self._greeting)

    def _sentences(self, lang: str) -> list[str]:
        return [
            prompt.id
            for prompt in self._catalogue.prompts.values()
            if prompt.kind == "sentence" and lang in prompt.texts and prompt.id not in NOT_SAID
        ]

    def _talk(self, lang: str, number: int) -> bytes:
        """Loop ``number`` of a language: bursts of speech, pauses of up to 1.8 s between."""
        rng = random.Random(f"{lang} {number}")
        loop, ids = bytearray(), self._sentences(lang)
        while len(loop) < LOOP_S * RATE_HZ:
            loop += self._catalogue.audio(rng.choice(ids), lang)
            loop += SILENCE * (rng.choice(PAUSES_MS) * RATE_HZ // 1000)
        return bytes(loop)

    def _greeting(self, lang: str) -> bytes:
        """What an agent says first, and then the pause in which the caller is expected to speak."""
        spoken = self._catalogue.join(("agent_number", "digit_1", "agent_serves"), lang)
        return spoken + SILENCE * round(GREETING_PAUSE_S * RATE_HZ)
