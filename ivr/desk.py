"""Room: the agents and the queue: who is free, who waits, who gets whom.

Must not ring telephones, play sounds or write records: it tells each change of state to the one
function that it was given.  What a person chose and what we observe are two enums.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from cti_board import Channel

from .config import AgentConfig

NO_ANSWER = "no answer"
REST_S = 2.0  # chosen: before a telephone that could not be rung is tried again


class Chosen(StrEnum):
    """What the person at the seat chose (or, after no answer, we for them)."""

    AVAILABLE = "available"
    PAUSED = "paused"


class Observed(StrEnum):
    """What we see of the seat."""

    IDLE = "idle"
    RINGING = "ringing"
    IN_CALL = "in_call"
    WRAP_UP = "wrap_up"


@dataclass(slots=True, eq=False)
class Agent:
    """One seat.  Times are sample numbers; ``off_hook`` also while no call of ours is on."""

    config: AgentConfig
    channel: Channel
    since: int
    chosen: Chosen = Chosen.AVAILABLE
    observed: Observed = Observed.IDLE
    off_hook: bool = False
    idle_since: int = 0
    reason: str = ""
    call: str = ""
    served: int = 0
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def number(self) -> str:
        return self.config.number

    @property
    def free(self) -> bool:
        """May be offered a call."""
        return (
            self.chosen is Chosen.AVAILABLE
            and self.observed is Observed.IDLE
            and not self.off_hook
            and self.timer is None
        )


@dataclass(slots=True, eq=False)
class Ticket:
    """One caller's place in the queue: lower numbers came earlier and keep their place."""

    number: int
    call: str
    language: str
    granted: "asyncio.Future[Agent] | None" = None


class Desk:
    """First come, first served; the agent who has been idle longest.

    ``tell`` hears every change of an agent's state; ``now`` is the sample number.  All methods
    belong to the loop's thread.
    """

    def __init__(
        self, agents: Iterable[Agent], *, wrap_up_s: float, now: Callable[[], int],
        tell: Callable[[Agent], None],
    ) -> None:  # fmt: skip
        self.agents = list(agents)
        self._wrap_up_s, self._now, self._tell = wrap_up_s, now, tell
        self._tickets = 0
        self._line: list[Ticket] = []  # callers without an agent, in the order of their numbers

    # ---- callers -----------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Callers for whom no agent is found yet."""
        return len(self._line)

    def enter(self, call: str, language: str) -> Ticket:
        """A place at the end of the queue."""
        self._tickets += 1
        return Ticket(self._tickets, call, language)

    def ahead(self, ticket: Ticket) -> int | None:
        """How many callers wait before this one; None when it does not wait (any more)."""
        return self._line.index(ticket) if ticket in self._line else None

    async def agent_for(self, ticket: Ticket) -> Agent:
        """The agent whose telephone to ring for this caller; it is then reserved (ringing).

        Cancelling gives the place, or the agent already found, to the next.  After an agent who
        did not answer, ask again with the same ticket: it keeps its place.
        """
        if ticket.granted is not None:
            raise ValueError(f"{ticket.call} waits already")
        ticket.granted = asyncio.get_running_loop().create_future()
        place = sum(1 for other in self._line if other.number < ticket.number)
        self._line.insert(place, ticket)
        self._match()
        try:
            return await ticket.granted
        except asyncio.CancelledError:
            if ticket in self._line:
                self._line.remove(ticket)
            elif not ticket.granted.cancelled():
                self.give_back(ticket.granted.result())
            raise
        finally:
            ticket.granted = None

    def _match(self) -> None:
        """Give free agents to callers, in the order in which they came."""
        for ticket in list(self._line):
            if ticket.granted is None or ticket.granted.done():
                self._line.remove(ticket)  # cancelled, and not yet run: waits no more
                continue
            agent = self._longest_idle(ticket.language)
            if agent is None:
                continue  # nobody who speaks it is free; others may have more luck
            self._line.remove(ticket)
            self._change(agent, observed=Observed.RINGING, call=ticket.call)
            ticket.granted.set_result(agent)

    def _longest_idle(self, language: str) -> Agent | None:
        """Of those who speak the language (of all, where nobody does)."""
        speak = [one for one in self.agents if language in one.config.languages] or self.agents
        free = [one for one in speak if one.free]
        return min(free, key=lambda one: one.idle_since, default=None)

    # ---- what becomes of a reserved agent ------------------------------------------

    def answered(self, agent: Agent) -> None:
        self._change(agent, observed=Observed.IN_CALL)

    def no_answer(self, agent: Agent) -> None:
        """The telephone rang too long: the agent is paused until they show up again."""
        if agent.chosen is Chosen.AVAILABLE:
            self._change(agent, chosen=Chosen.PAUSED, reason=NO_ANSWER)
        self._change(agent, observed=Observed.IDLE, call="")

    def give_back(self, agent: Agent) -> None:
        """Not answered, and not the agent's doing: keeps the place among the idle."""
        if agent.observed is Observed.RINGING:
            self._change(agent, observed=Observed.IDLE, call="")
            self._match()

    def rest(self, agent: Agent) -> None:
        """The telephone could not be rung: another agent, and this one after a short while."""
        self._later(agent, REST_S)
        self._change(agent, observed=Observed.IDLE, call="")
        self._match()

    def finished(self, agent: Agent) -> None:
        """The talk is over: after-call work, and then free again."""
        agent.served += 1
        self._change(agent, observed=Observed.WRAP_UP)
        self._later(agent, self._wrap_up_s)

    def _later(self, agent: Agent, delay_s: float) -> None:
        """Not free until ``delay_s`` are over."""
        if agent.timer is not None:
            agent.timer.cancel()
        agent.timer = asyncio.get_running_loop().call_later(delay_s, self._rested, agent)

    def _rested(self, agent: Agent) -> None:
        agent.timer = None
        if agent.observed is Observed.WRAP_UP:
            agent.idle_since = self._now()
            self._change(agent, observed=Observed.IDLE, call="")
        self._match()

    # ---- what the agent does ---------------------------------------------------------

    def choose(self, agent: Agent, chosen: Chosen, reason: str = "") -> None:
        """The person's choice; a call that is on goes on."""
        if agent.chosen is not chosen or agent.reason != reason:
            self._change(agent, chosen=chosen, reason=reason)
            self._match()

    def hook(self, agent: Agent, off_hook: bool) -> None:
        """The telephone was lifted or put back.

        Lifted without a call of ours it is busy.  Whoever was paused for not answering and lifts
        and puts back the handset is there again.
        """
        agent.off_hook = off_hook
        if off_hook or agent.observed is not Observed.IDLE:
            return
        agent.idle_since = self._now()
        if agent.chosen is Chosen.PAUSED and agent.reason == NO_ANSWER:
            self._change(agent, chosen=Chosen.AVAILABLE, reason="")
        self._match()

    def find(self, number: str) -> Agent:
        """The agent of this number; KeyError."""
        for agent in self.agents:
            if agent.number == number:
                return agent
        raise KeyError(f"no agent {number!r}")

    def of_channel(self, number: int) -> Agent | None:
        """The agent at a channel of the board."""
        return next((one for one in self.agents if one.channel.number == number), None)

    def sign_in(self) -> None:
        """Everybody is there: the first state of each."""
        for agent in self.agents:
            agent.idle_since = self._now()
            self._change(agent)

    def close(self) -> None:
        """No timer of ours runs any more."""
        for agent in self.agents:
            if agent.timer is not None:
                agent.timer.cancel()
                agent.timer = None

    def _change(
        self, agent: Agent, *, chosen: Chosen | None = None, observed: Observed | None = None,
        reason: str | None = None, call: str | None = None,
    ) -> None:  # fmt: skip
        agent.chosen = chosen or agent.chosen
        agent.observed = observed or agent.observed
        agent.reason = agent.reason if reason is None else reason
        agent.call = agent.call if call is None else call
        agent.since = self._now()
        self._tell(agent)
