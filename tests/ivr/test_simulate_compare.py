"""What a caller saw against the rows: each way to be wrong is named, no total is believed."""

import random
from dataclasses import replace

import pytest

from ivr.simulate.behaviour import draw
from ivr.simulate.callers import End, Outcome
from ivr.simulate.compare import CallSeen, contradictions, unproved

PILOT = replace(draw(random.Random(1), 7), through_e1=False)
DIRECT = replace(PILOT, through_e1=True)
PHONE = "88000004"
SERVED = CallSeen("1-000001", PHONE, "", 1000, True, "served", True, 0, 0)
LEFT = replace(SERVED, outcome="abandoned", talked=False)


def seen(end, behaviour=PILOT, answered=True):
    return Outcome(behaviour, answered, end, PHONE, 500, 90_000)


@pytest.mark.parametrize(("end", "call"), [
    (End.TALKED, SERVED),
    (End.SATISFIED, replace(SERVED, talked=False, accounts=1)),
    (End.GAVE_UP, LEFT),
    (End.GAVE_UP, replace(SERVED, talked=False, accounts=1)),
    (End.LEFT_MENU, LEFT),
    (End.CLEARED, replace(LEFT, outcome="refused")),
])  # fmt: skip
def test_stories_that_agree(end, call):
    assert contradictions([seen(end)], [call]) == []
    assert unproved([call]) == []


@pytest.mark.parametrize(("end", "call"), [
    (End.TALKED, LEFT),
    (End.SATISFIED, replace(LEFT, outcome="refused")),
    (End.LEFT_MENU, replace(LEFT, outcome="served")),
    (End.GAVE_UP, replace(LEFT, outcome="served")),
    (End.GAVE_UP, replace(LEFT, outcome="refused")),
    (End.CLEARED, LEFT),
    (End.TALKED, replace(SERVED, outcome="")),
])  # fmt: skip
def test_stories_that_do_not(end, call):
    (said,) = contradictions([seen(end)], [call])
    assert said.startswith(f"caller 7 ({end.value}): call 1-000001 is ")


def test_a_direct_call_is_found_by_what_was_dialled():
    call = replace(SERVED, ani="", dnis="0007")
    assert contradictions([seen(End.TALKED, DIRECT)], [call]) == []
    assert contradictions([seen(End.TALKED, DIRECT)], [replace(call, dnis="0008")]) == [
        "caller 7 (talked) has 0 calls in the rows"
    ]


def test_each_caller_has_one_call_in_its_own_time():
    later = replace(SERVED, name="1-000002", start=90_001)
    assert contradictions([seen(End.TALKED)], [SERVED, later]) == []
    twice = replace(later, start=2000)
    assert contradictions([seen(End.TALKED)], [SERVED, twice]) == [
        "caller 7 (talked) has 2 calls in the rows"
    ]


def test_an_answer_that_only_one_side_knows():
    said = contradictions([seen(End.NO_ANSWER, answered=False)], [SERVED])
    assert said == ["caller 7 (no_answer): answered False, the row of 1-000001 does not say so"]


@pytest.mark.parametrize("call", [
    replace(LEFT, outcome="served"),
    replace(SERVED, outcome="abandoned"),
    replace(LEFT, outcome="refused", messages=1),
    replace(LEFT, outcome="refused", accounts=2),
    replace(LEFT, outcome=""),
])  # fmt: skip
def test_an_outcome_needs_its_reason(call):
    assert len(unproved([SERVED, call, LEFT])) == 1


def test_many_are_counted():
    said = unproved([replace(LEFT, outcome="served")] * 9)
    assert len(said) == 6
    assert said[-1] == "and 4 more"
