"""Room: state tables as data, and the machine that runs one.  A leaf: no line, no call, no loop.

What: a `Table` says for every pair of state and event what follows: a transition (`Go`), a refusal
(`Refuse`, commands only) or nothing (`Ignore`), each with its reason.  A table with a hole or an
unknown name cannot be made.
How: a state may have a time limit.  Entering the state starts it, leaving stops it; when it runs
out the table's ``timeout`` event is fed.  Every state that is no resting place has a limit, and
limits lead to a resting place, so nothing stays stuck: that, too, is checked when a table is made.
Actions may feed further events: those wait until the present one is done with (run to completion).
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeAlias, TypeVar

from cti_board.errors import InvalidStateError, ProtocolError


class Symbol(Enum):
    """For states, events and actions: an Enum whose members are hashed by identity, in C."""

    __hash__ = object.__hash__


S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)
A = TypeVar("A", bound=Enum)

TRACE = 64  # chosen: more than two whole calls of the longest table
ERRORS = 16  # chosen: enough to see a pattern


@dataclass(frozen=True, slots=True)
class Go(Generic[S, A]):
    """Do ``actions`` and be in ``to`` (None: stay, and the time limit goes on).

    ``to`` of the same state enters it again: its limit starts anew.  ``expected`` says what the
    far end should have sent instead: the event is recorded as a ProtocolError.
    """

    to: S | None
    actions: tuple[A, ...] = ()
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Refuse:
    """A command that does not fit: InvalidStateError, nothing changes."""

    why: str


@dataclass(frozen=True, slots=True)
class Ignore:
    """An event that may come here and means nothing."""

    why: str


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a state may last: ``ms``, and where that number comes from."""

    ms: int
    source: str


Row: TypeAlias = Go[S, A] | Refuse | Ignore
Rows: TypeAlias = Mapping[S, Mapping[E, Row[S, A]]]


def state(
    on: Mapping[E, Go[S, A]],
    *,
    ignore: Mapping[str, Iterable[E]] | None = None,
    refuse: Mapping[str, Iterable[E]] | None = None,
) -> dict[E, Row[S, A]]:
    """The rows of one state; ``ignore`` and ``refuse``: reason -> events.  ValueError: twice."""
    rows: dict[E, Row[S, A]] = dict(on)
    silent: list[tuple[Row[S, A], Iterable[E]]] = []
    silent += [(Ignore(why), events) for why, events in (ignore or {}).items()]
    silent += [(Refuse(why), events) for why, events in (refuse or {}).items()]
    for row, events in silent:
        for event in events:
            if event in rows:
                raise ValueError(f"{event} has two rows")
            rows[event] = row
    return rows


@dataclass(frozen=True, eq=False)
class Table(Generic[S, E, A]):
    """All of one protocol.  ValueError names what is missing, unknown or stuck."""

    name: str
    states: type[S]
    events: type[E]
    actions: type[A]
    commands: frozenset[E]  # events that we cause and that may be refused
    start: S
    rest: frozenset[S]  # states without a time limit
    timeout: E
    fault: E  # an action failed: must lead towards rest from every other state
    rows: Rows[S, E, A]
    limits: Mapping[S, Limit]
    flat: dict[tuple[S, E], Row[S, A]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        flat = {(s, e): row for s, rows in self.rows.items() for e, row in rows.items()}
        object.__setattr__(self, "flat", flat)
        problems = [*self._holes(), *self._wrong_rows(), *self._stuck()]
        if problems:
            raise ValueError(f"table {self.name}: " + "; ".join(problems))

    def _holes(self) -> Iterable[str]:
        for s in self.states:
            missing = [e.name for e in self.events if (s, e) not in self.flat]
            if missing:
                yield f"{s.name} lacks {', '.join(missing)}"

    def _wrong_rows(self) -> Iterable[str]:
        for (s, e), row in self.flat.items():
            if not isinstance(s, self.states) or not isinstance(e, self.events):
                yield f"{s}, {e} are not of this table"
            elif isinstance(row, Refuse) and e not in self.commands:
                yield f"{s.name}: {e.name} comes from the line and cannot be refused"
            elif isinstance(row, Go):
                if row.to is not None and not isinstance(row.to, self.states):
                    yield f"{s.name}, {e.name}: unknown state {row.to}"
                unknown = [a for a in row.actions if not isinstance(a, self.actions)]
                if unknown:
                    yield f"{s.name}, {e.name}: unknown actions {unknown}"

    def _stuck(self) -> Iterable[str]:
        for s in self.states:
            if s in self.rest:
                if s in self.limits:
                    yield f"{s.name} is a resting place and has a limit"
            elif s not in self.limits:
                yield f"{s.name} has no time limit"
            else:
                for event in (self.timeout, self.fault):
                    if not self._leads_to_rest(s, event):
                        yield f"{s.name}: {event.name} does not lead to a resting place"

    def _leads_to_rest(self, begin: S, event: E) -> bool:
        """Following ``event`` and then only time-outs ends in a resting place."""
        seen: set[tuple[S, E]] = set()
        here, by = begin, event
        while here not in self.rest and (here, by) not in seen:
            seen.add((here, by))
            row = self.flat.get((here, by))
            if not isinstance(row, Go) or row.to is None:
                return False
            here, by = row.to, self.timeout
        return here in self.rest


@dataclass(slots=True)
class Step:
    """One line of a trace: at sample ``at``, ``event`` in ``state``, and what followed."""

    at: int
    state: Enum
    event: Enum
    to: Enum
    note: str = ""

    def __str__(self) -> str:
        note = f"  ({self.note})" if self.note else ""
        return f"{self.at:>9} {self.state.name} {self.event.name} -> {self.to.name}{note}"


class Machine(Generic[S, E, A]):
    """Runs a table.  ``do`` carries out actions; ``set_limit(ms)`` starts the one timer, None
    stops it; ``limits`` replaces limits by state name, in ms (0: none)."""

    def __init__(
        self, table: Table[S, E, A], do: Callable[[A], None],
        set_limit: Callable[[int | None], None], limits: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        self.table = table
        self.state = table.start
        self.at = self.since = 0
        self.trace: deque[Step] = deque(maxlen=TRACE)
        self.errors: deque[ProtocolError] = deque(maxlen=ERRORS)
        self.error_count = 0
        self._do, self._set_limit = do, set_limit
        self._limits = {s: limit.ms for s, limit in table.limits.items()}
        self._queue: deque[E] = deque()
        self._busy = False
        for name, ms in (limits or {}).items():
            if name not in table.states.__members__ or table.states[name] not in self._limits:
                have = ", ".join(s.name for s in self._limits)
                raise ValueError(f"{table.name}: no limit {name!r}; there are {have}")
            self._limits[table.states[name]] = ms

    @property
    def resting(self) -> bool:
        return self.state in self.table.rest

    def feed(self, event: E, at: int) -> None:
        """What has happened at sample ``at``.  InvalidStateError: a refused command.

        An error of an action is raised after the table's ``fault`` has brought the line down.
        """
        self._queue.append(event)
        if self._busy:
            return
        self.at = at
        self._busy = True
        try:
            while self._queue:
                self._step(self._queue.popleft())
        except InvalidStateError:
            raise
        except Exception:
            self._queue.clear()
            self._step(self.table.fault)
            raise
        finally:
            self._queue.clear()
            self._busy = False

    def _step(self, event: E) -> None:
        here = self.state
        row = self.table.flat[here, event]
        if isinstance(row, Go):
            self._go(here, event, row)
            return
        self.trace.append(Step(self.at, here, event, here, row.why))
        if isinstance(row, Refuse):
            raise InvalidStateError(here, event.name.lower())

    def _go(self, here: S, event: E, row: Go[S, A]) -> None:
        to = here if row.to is None else row.to
        note = ""
        if row.expected:
            note = f"expected {row.expected}"
            self.error_count += 1
            self.errors.append(ProtocolError(self.table.name, event.name, row.expected))
        self.trace.append(Step(self.at, here, event, to, note))
        if row.to is not None:
            self.state = to
            if to is not here:
                self.since = self.at
            self._set_limit(self._limits.get(to) or None)
        failed: Exception | None = None
        for action in row.actions:  # each is done, whatever became of those before it
            try:
                self._do(action)
            except Exception as error:
                failed = failed or error
        if failed is not None:
            raise failed


def table_text(table: Table[S, E, A]) -> str:
    """A table as Markdown: one line for each transition; what is ignored or refused below."""
    lines = [f"### {table.name}", "", "| In | On | Then | Does |", "|---|---|---|---|"]
    quiet = []
    for s in table.states:
        if s in table.limits:
            limit = table.limits[s]
            lines.append(f"| **{s.name}** | | at most {limit.ms} ms ({limit.source}) | |")
        else:
            lines.append(f"| **{s.name}** | | rests here | |")
        reasons: dict[str, list[str]] = {}
        for e in table.events:
            row = table.flat[s, e]
            if isinstance(row, Go):
                does = ", ".join(a.name.lower() for a in row.actions)
                then = "stays" if row.to is None else row.to.name
                lines.append(f"| {s.name} | {e.name} | {then} | {does} |")
            else:
                verb = "refuses" if isinstance(row, Refuse) else "ignores"
                reasons.setdefault(f"{verb} ({row.why})", []).append(e.name)
        quiet += [f"- {s.name} {what}: {', '.join(names)}" for what, names in reasons.items()]
    return "\n".join([*lines, "", *quiet, ""])
