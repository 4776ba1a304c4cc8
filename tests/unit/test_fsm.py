"""fsm.py: a table with a hole cannot be made, and the machine does what the table says."""

from enum import Enum

import pytest

from cti_board.errors import InvalidStateError
from cti_board.fsm import (
    ERRORS,
    TRACE,
    Go,
    Ignore,
    Limit,
    Machine,
    Refuse,
    Table,
    state,
    table_text,
)


class S(Enum):
    SHUT = "shut"
    OPEN = "open"


class E(Enum):
    OPEN = "open"
    SHUT = "shut"
    WIND = "wind"
    KEY = "key"
    FAULT = "fault"
    TIMEOUT = "timeout"


class A(Enum):
    MOVE = "move"
    BELL = "bell"


ROWS = {
    S.SHUT: state(
        {E.OPEN: Go(S.OPEN, (A.MOVE, A.BELL)), E.KEY: Go(None, (A.BELL,), "a knock")},
        ignore={"it is shut": (E.WIND, E.FAULT), "nothing runs": (E.TIMEOUT,)},
        refuse={"shut already": (E.SHUT,)},
    ),
    S.OPEN: state(
        {
            E.SHUT: Go(S.SHUT, (A.MOVE,)), E.WIND: Go(S.SHUT), E.TIMEOUT: Go(S.SHUT),
            E.FAULT: Go(S.SHUT, (A.BELL,)), E.KEY: Go(S.OPEN),
        },
        refuse={"open already": (E.OPEN,)},
    ),
}  # fmt: skip
PARTS = {
    "name": "door", "states": S, "events": E, "actions": A, "start": S.SHUT,
    "commands": frozenset({E.OPEN, E.SHUT}), "rest": frozenset({S.SHUT}), "timeout": E.TIMEOUT,
    "fault": E.FAULT, "rows": ROWS, "limits": {S.OPEN: Limit(500, "chosen: for the test")},
}  # fmt: skip


def door(**changes):
    return Table(**{**PARTS, **changes})


def rows(where, event, row):
    """The door's rows with one of them changed; None takes it out."""
    changed = {s: dict(of) for s, of in ROWS.items()}
    if row is None:
        del changed[where][event]
    else:
        changed[where][event] = row
    return changed


class Wood(Enum):
    OAK = 1


@pytest.mark.parametrize(("changes", "says"), [
    ({"rows": rows(S.OPEN, E.WIND, None)}, "OPEN lacks WIND"),
    ({"rows": rows(S.OPEN, E.WIND, Go(Wood.OAK))}, "unknown state"),
    ({"rows": rows(S.OPEN, E.WIND, Go(S.SHUT, (Wood.OAK,)))}, "unknown actions"),
    ({"rows": rows(S.OPEN, E.WIND, Refuse("no"))}, "cannot be refused"),
    ({"rows": {**ROWS, S.OPEN: {**ROWS[S.OPEN], Wood.OAK: Go(None)}}}, "not of this table"),
    ({"limits": {}}, "OPEN has no time limit"),
    ({"limits": {**PARTS["limits"], S.SHUT: Limit(1, "")}}, "resting place and has a limit"),
    ({"rows": rows(S.OPEN, E.TIMEOUT, Go(S.OPEN))}, "TIMEOUT does not lead"),
    ({"rows": rows(S.OPEN, E.TIMEOUT, Ignore("no"))}, "TIMEOUT does not lead"),
    ({"rows": rows(S.OPEN, E.FAULT, Go(None))}, "FAULT does not lead"),
])  # fmt: skip
def test_a_wrong_table_cannot_be_made(changes, says):
    with pytest.raises(ValueError, match=says):
        door(**changes)


def test_an_event_with_two_rows_is_an_error():
    with pytest.raises(ValueError, match="two rows"):
        state({E.OPEN: Go(None)}, ignore={"": (E.OPEN,)})


class Door:
    """A machine whose actions are written down; ``bell`` may be made to do something."""

    def __init__(self, **limits):
        self.done, self.limits = [], []
        self.on = {}
        self.machine = Machine(door(), self.do, self.limits.append, limits)

    def do(self, action):
        self.done.append(action.name)
        if action in self.on:
            self.on[action]()


def test_actions_limits_and_trace():
    one = Door()
    one.machine.feed(E.OPEN, 100)
    assert (one.machine.state, one.machine.since, one.done) == (S.OPEN, 100, ["MOVE", "BELL"])
    one.machine.feed(E.KEY, 200)  # entered again: the limit anew, the state as old as before
    one.machine.feed(E.WIND, 300)
    assert (one.machine.state, one.machine.since) == (S.SHUT, 300)
    assert one.limits == [500, 500, None]
    assert [str(step).split() for step in one.machine.trace] == [
        ["100", "SHUT", "OPEN", "->", "OPEN"], ["200", "OPEN", "KEY", "->", "OPEN"],
        ["300", "OPEN", "WIND", "->", "SHUT"],
    ]  # fmt: skip


def test_a_refused_command_raises_and_changes_nothing():
    one = Door()
    with pytest.raises(InvalidStateError, match="shut is not possible in state SHUT") as refused:
        one.machine.feed(E.SHUT, 5)
    assert (refused.value.state, refused.value.command) == (S.SHUT, "shut")
    assert (one.machine.state, one.done, one.limits) == (S.SHUT, [], [])
    one.machine.feed(E.OPEN, 6)
    assert one.machine.state is S.OPEN


def test_an_ignored_event_only_leaves_a_trace():
    one = Door()
    one.machine.feed(E.WIND, 7)
    assert one.machine.trace[-1].note == "it is shut"
    assert (one.done, one.limits, one.machine.error_count) == ([], [], 0)


def test_what_breaks_the_protocol_is_recorded():
    one = Door()
    for at in range(ERRORS + 4):
        one.machine.feed(E.KEY, at)
    assert one.machine.error_count == ERRORS + 4
    assert len(one.machine.errors) == ERRORS
    error = one.machine.errors[0]
    assert (error.signalling, error.got, error.expected) == ("door", "KEY", "a knock")
    assert one.limits == []  # it stayed where it was


def test_an_event_fed_by_an_action_waits_until_all_actions_are_done():
    one = Door()
    one.on[A.MOVE] = lambda: one.machine.feed(E.WIND, 10)
    one.machine.feed(E.OPEN, 10)
    assert one.done == ["MOVE", "BELL"]
    assert one.machine.state is S.SHUT
    assert [step.event for step in one.machine.trace] == [E.OPEN, E.WIND]


def test_a_failing_action_brings_the_line_down_and_is_raised():
    one = Door()

    def fail():
        raise OSError("stuck")

    one.on[A.MOVE] = fail
    with pytest.raises(OSError, match="stuck"):
        one.machine.feed(E.OPEN, 10)
    assert one.machine.state is S.SHUT
    assert one.done == ["MOVE", "BELL", "BELL"]  # the others were done, then those of the fault
    assert one.limits == [500, None]
    del one.on[A.MOVE]
    one.machine.feed(E.OPEN, 20)
    assert one.machine.state is S.OPEN


def test_limits_can_be_replaced_by_name():
    one = Door(OPEN=70)
    one.machine.feed(E.OPEN, 0)
    assert one.limits == [70]
    endless = Door(OPEN=0)
    endless.machine.feed(E.OPEN, 0)
    assert endless.limits == [None]
    with pytest.raises(ValueError, match="no limit 'SHUT'; there are OPEN"):
        Door(SHUT=10)


def test_the_trace_is_bounded():
    one = Door()
    for at in range(3 * TRACE):
        one.machine.feed(E.WIND, at)
    assert len(one.machine.trace) == TRACE
    assert one.machine.trace[0].at == 2 * TRACE


def test_a_table_in_print_names_every_pair_and_every_limit():
    text = table_text(door())
    assert "| SHUT | OPEN | OPEN | move, bell |" in text
    assert "| **OPEN** | | at most 500 ms (chosen: for the test) | |" in text
    assert "- SHUT ignores (it is shut): WIND, FAULT" in text
    assert "- OPEN refuses (open already): OPEN" in text
