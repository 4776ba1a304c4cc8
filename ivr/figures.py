"""Room: what a centre shows of itself: plain values, made anew at each look.

Must not hold anything alive: no calls, no agents, no channels.
"""

from dataclasses import asdict, dataclass, field

RATE = 8000  # samples a second: ITU-T G.711


@dataclass(frozen=True, slots=True)
class LineRow:
    """One outside line.  ``since_s`` seconds in this state."""

    name: str
    state: str
    since_s: float


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call that is in the centre.

    ``where``: ring, ivr, queue, talk or voicemail; ``agent`` rings or talks ("" if none).
    """

    call: str
    line: str
    ani: str
    where: str
    since_s: float
    agent: str = ""


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent.  ``chosen``: available, paused; ``observed``: idle, ringing, in_call, wrap_up."""

    number: str
    name: str
    port: str
    chosen: str
    observed: str
    off_hook: bool
    since_s: float
    served: int
    call: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """What has happened since the centre opened.

    ``offered = served + abandoned + refused + in_progress`` at every moment.

    - served: the caller got what the menu has: an agent, an account, a message left;
    - abandoned: the caller left before that;
    - refused: we ended it before that (too many wrong entries, a fault, closing down).
    Lengths are sums over calls that have ended, in seconds: ``call_s`` from offer to end,
    ``leg_s`` from answer to end (this is what is recorded), ``talk_s`` with an agent,
    ``queue_s`` waiting (agents ringing included); ``recorded_s`` is what the recorders hold and
    ``lost_samples`` what found no room, ``longest_wait_s`` the longest time in the queue.
    """

    at_s: float = 0.0
    offered: int = 0
    answered: int = 0
    served: int = 0
    abandoned: int = 0
    refused: int = 0
    in_progress: int = 0
    waiting: int = 0
    talked: int = 0
    accounts: int = 0
    messages: int = 0
    no_answers: int = 0
    faults: int = 0
    recordings: int = 0
    files: int = 0
    lost_samples: int = 0
    call_s: float = 0.0
    leg_s: float = 0.0
    talk_s: float = 0.0
    queue_s: float = 0.0
    recorded_s: float = 0.0
    longest_wait_s: float = 0.0

    @property
    def balanced(self) -> bool:
        """Every call offered is accounted for."""
        return self.offered == self.served + self.abandoned + self.refused + self.in_progress

    def as_json(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A centre at one moment, for the live view."""

    at_s: float
    lines: tuple[LineRow, ...] = ()
    calls: tuple[CallRow, ...] = ()
    agents: tuple[AgentRow, ...] = ()
    figures: Figures = field(default_factory=Figures)


@dataclass(slots=True)
class Tally:
    """The running sums behind Figures; lengths in samples, so that nothing is rounded."""

    offered: int = 0
    answered: int = 0
    served: int = 0
    abandoned: int = 0
    refused: int = 0
    talked: int = 0
    accounts: int = 0
    messages: int = 0
    no_answers: int = 0
    faults: int = 0
    recordings: int = 0
    files: int = 0
    lost_samples: int = 0
    call: int = 0
    leg: int = 0
    talk: int = 0
    queue: int = 0
    recorded: int = 0
    longest_wait: int = 0

    def figures(self, at_s: float, *, in_progress: int, waiting: int) -> Figures:
        return Figures(
            at_s=at_s, in_progress=in_progress, waiting=waiting,
            offered=self.offered, answered=self.answered, served=self.served,
            abandoned=self.abandoned, refused=self.refused, talked=self.talked,
            accounts=self.accounts, messages=self.messages, no_answers=self.no_answers,
            faults=self.faults, recordings=self.recordings, files=self.files,
            lost_samples=self.lost_samples,
            call_s=self.call / RATE, leg_s=self.leg / RATE, talk_s=self.talk / RATE,
            queue_s=self.queue / RATE, recorded_s=self.recorded / RATE,
            longest_wait_s=self.longest_wait / RATE,
        )  # fmt: skip
