"""Room: simulated people, how one of them behaves: drawn once, before the call, from a seed.
Pure: a random.Random in, plain data out.  Must not know telephones or the centre.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ivr.simulate.voice import VOICES


class Intent(Enum):
    """What a caller wants."""

    AGENT = "agent"
    ACCOUNT_THEN_AGENT = "account_then_agent"
    ACCOUNT = "account"
    MESSAGE = "message"
    LEAVE = "leave"  # hangs up somewhere in the menus


# chosen: a customer service line: nearly everybody wants a person, most after their account
INTENTS = {
    Intent.AGENT: 17,
    Intent.ACCOUNT_THEN_AGENT: 80,
    Intent.ACCOUNT: 1,
    Intent.MESSAGE: 1,
    Intent.LEAVE: 1,
}
# chosen: something of everything, and soon, for whoever watches the live view
LIVE_INTENTS = {
    Intent.AGENT: 60,
    Intent.ACCOUNT_THEN_AGENT: 25,
    Intent.ACCOUNT: 5,
    Intent.MESSAGE: 5,
    Intent.LEAVE: 5,
}
ENGLISH_SHARE = 0.2  # chosen
E1_SHARE = 0.5  # chosen: half dial the pilot number, half a direct number
BARGE_IN_SHARE = 0.3  # chosen: those who know the menu
TYPE_AHEAD_SHARE = 0.05  # chosen: those who know it by heart
SECOND_ACCOUNT_SHARE = 0.35  # chosen: the shop's and one's own
MISKEY_SHARE = 0.1  # chosen
THINK_S = (0.8, 3.6)  # chosen: from hearing the question to the first key; centres wait 5 s
LINGER_S = (0.5, 7.0)  # chosen: from the last word to hanging up
PATIENCE_MIN_S = 20.0  # chosen: nobody gives up at once
PATIENCE_MORE_S = 280.0  # chosen: mean of the rest, exponential as in the Erlang-A model
PATIENCE_MAX_S = 290.0  # chosen: below the default centre's max_wait_s
TALK_SIGMA = 0.6  # chosen: log-normal, standard deviation about 0.66 of the mean
TALK_MIN_S, TALK_MAX_S = 20.0, 900.0  # chosen


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One caller.  Times in seconds; ``think_s`` before each answer to a prompt.

    ``accounts``: what is asked about, one after another; of each the numbers that are keyed, of
    which the last is right and those before are mis-keyed.
    """

    number: int
    language: str
    intent: Intent
    through_e1: bool
    accounts: tuple[tuple[str, ...], ...]
    think_s: tuple[float, ...]
    barges_in: bool
    types_ahead: bool
    patience_s: float
    talk_s: float
    linger_s: float
    leave_at: int
    message_s: float
    voice: int

    def think(self, step: int) -> float:
        """How long this caller thinks before step ``step`` of the menu."""
        return self.think_s[step % len(self.think_s)]

    @property
    def wants_agent(self) -> bool:
        return self.intent in (Intent.AGENT, Intent.ACCOUNT_THEN_AGENT)


def miskey(rng: random.Random, account: str) -> str:
    """``account`` with one digit wrong, as a person keys it."""
    place = rng.randrange(len(account))
    other = str((int(account[place]) + rng.randrange(1, 10)) % 10)
    return account[:place] + other + account[place + 1 :]


def draw_accounts(rng: random.Random, accounts: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """One account or two of those that exist, and how they are keyed."""
    if not accounts:
        return ()
    found = []
    for _ in range(2 if rng.random() < SECOND_ACCOUNT_SHARE else 1):
        right = rng.choice(accounts)
        wrong = (miskey(rng, right),) if rng.random() < MISKEY_SHARE else ()
        found.append((*wrong, right))
    return tuple(found)


def draw_talk(rng: random.Random, mean_s: float) -> float:
    """Log-normal with this mean, cut at both ends."""
    mu = math.log(mean_s) - TALK_SIGMA**2 / 2
    return min(max(rng.lognormvariate(mu, TALK_SIGMA), TALK_MIN_S), TALK_MAX_S)


def draw(
    rng: random.Random, number: int, *, accounts: Sequence[str] = (), talk_s: float = 150.0,
    intents: Mapping[Intent, int] = INTENTS,
) -> Behaviour:  # fmt: skip
    """One caller; ``accounts`` are those that exist, ``talk_s`` is the mean of the talk time."""
    intent = rng.choices(list(intents), weights=list(intents.values()))[0]
    if not accounts and intent in (Intent.ACCOUNT, Intent.ACCOUNT_THEN_AGENT):
        intent = Intent.AGENT
    return Behaviour(
        number=number,
        language="en" if rng.random() < ENGLISH_SHARE else "zh",
        intent=intent,
        through_e1=rng.random() < E1_SHARE,
        accounts=draw_accounts(rng, accounts),
        think_s=tuple(rng.uniform(*THINK_S) for _ in range(4)),
        barges_in=rng.random() < BARGE_IN_SHARE,
        types_ahead=rng.random() < TYPE_AHEAD_SHARE,
        patience_s=min(PATIENCE_MIN_S + rng.expovariate(1 / PATIENCE_MORE_S), PATIENCE_MAX_S),
        talk_s=draw_talk(rng, talk_s),
        linger_s=rng.uniform(*LINGER_S),
        leave_at=rng.randrange(3),
        message_s=rng.uniform(4.0, 15.0),
        voice=rng.randrange(VOICES),
    )


def draw_day(
    rng: random.Random, calls: int, *, accounts: Sequence[str] = (), talk_s: float = 150.0
) -> list[Behaviour]:
    """The callers of a day, their talk times scaled to have exactly the mean ``talk_s``.

    Scaling takes chance out of the load (a few per cent of a day of 1,200 calls) and leaves the
    distribution as it is.
    """
    drawn = [draw(rng, number, accounts=accounts, talk_s=talk_s) for number in range(calls)]
    talks = [b.talk_s for b in drawn if b.wants_agent]
    if not talks:
        return drawn
    factor = talk_s * len(talks) / sum(talks)
    return [replace(b, talk_s=b.talk_s * factor) for b in drawn]


def draw_arrivals(rng: random.Random, calls: int, day_s: float) -> list[float]:
    """When they call: ``calls`` points of a Poisson process of the day, given their number."""
    return sorted(rng.uniform(0.0, day_s) for _ in range(calls))
