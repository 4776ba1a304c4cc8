"""Room: a simulated day, call by call: what each caller saw against what the records say of it.
Pure but for reading rows.  Must not trust a total: a total that is made in one place cannot differ.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from ivr.simulate.callers import DIRECT, End, Outcome

EXTENSION = slice(-4, None)  # the digits of a direct number that the exchange passes on
OUTCOMES = ("served", "abandoned", "refused")
ENDS_SERVED = (End.TALKED, End.SATISFIED)
ENDS_LEFT = (End.LEFT_MENU, End.GAVE_UP)
TOLD_MAX = 5  # chosen: so many contradictions are told one by one


@dataclass(frozen=True, slots=True)
class CallSeen:
    """One call as the rows have it.  ``accounts`` and ``messages`` are counts."""

    name: str
    ani: str
    dnis: str
    start: int
    answered: bool
    outcome: str
    talked: bool
    accounts: int
    messages: int

    @property
    def got_something(self) -> bool:
        """An agent, an account or a message, by rows that the outcome is not made of."""
        return self.talked or bool(self.accounts) or bool(self.messages)


def read_calls(connection: Connection) -> tuple[CallSeen, ...]:
    """All calls in the order of their offers."""
    rows = connection.execute(text(
        "SELECT id, ani, dnis, start_at, answer_at IS NOT NULL, outcome,"
        " EXISTS (SELECT 1 FROM call_segment WHERE call_id = call.id AND kind = 'talk'),"
        " accounts, (SELECT count(*) FROM voicemail WHERE call_id = call.id)"
        " FROM call ORDER BY start_at, id"
    ))  # fmt: skip
    return tuple(
        CallSeen(name, ani, dnis, start, bool(answered), outcome, bool(talked), accounts, messages)
        for name, ani, dnis, start, answered, outcome, talked, accounts, messages in rows
    )


def unproved(calls: Iterable[CallSeen]) -> list[str]:
    """Calls whose outcome is not borne out by talks, accounts and messages."""
    wrong = []
    for one in calls:
        if one.outcome not in OUTCOMES or (one.outcome == "served") != one.got_something:
            wrong.append(f"call {one.name} is {one.outcome or 'nothing'}, with talk {one.talked}, "
                         f"{one.accounts} accounts, {one.messages} messages")  # fmt: skip
    return _few(wrong)


def contradictions(outcomes: Sequence[Outcome], calls: Sequence[CallSeen]) -> list[str]:
    """Callers and rows that do not tell the same story, each caller with the row of its call."""
    return _few([*_contradictions(outcomes, calls)])


def _contradictions(outcomes: Sequence[Outcome], calls: Sequence[CallSeen]) -> Iterator[str]:
    by_key: dict[str, list[CallSeen]] = {}
    for one in calls:
        by_key.setdefault(one.dnis or one.ani, []).append(one)
    for seen in outcomes:
        own = [one for one in by_key.get(key_of(seen), ()) if seen.began <= one.start <= seen.ended]
        who = f"caller {seen.behaviour.number} ({seen.end.value})"
        if len(own) != 1:
            yield f"{who} has {len(own)} calls in the rows"
        elif seen.answered != own[0].answered:
            yield f"{who}: answered {seen.answered}, the row of {own[0].name} does not say so"
        elif own[0].outcome not in possible(seen, own[0]):
            yield f"{who}: call {own[0].name} is {own[0].outcome or 'nothing'}"


def key_of(seen: Outcome) -> str:
    """What the centre knows of the caller: the direct number, or the caller's own."""
    if seen.behaviour.through_e1:
        return DIRECT.format(seen.behaviour.number % 10_000)[EXTENSION]
    return seen.phone


def possible(seen: Outcome, call: CallSeen) -> tuple[str, ...]:
    """What a call can be, by how its caller saw it end.

    Who leaves while waiting was served if an account had been told, or an agent had answered
    and not spoken yet.
    """
    if seen.end in ENDS_SERVED:
        return ("served",)
    if seen.end in ENDS_LEFT:
        return ("served",) if call.got_something else ("abandoned",)
    if seen.end is End.CLEARED:
        return ("served", "refused")
    return ("abandoned",)


def _few(sentences: list[str]) -> list[str]:
    more = len(sentences) - TOLD_MAX
    return sentences[:TOLD_MAX] + ([f"and {more} more"] if more > 0 else [])
