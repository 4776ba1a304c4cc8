"""Every pair of state and event of every table, one by one; and lines under random events."""

import asyncio
import random
from collections import defaultdict

import pytest

from cti_board import events as ev
from cti_board.errors import CtiError, InvalidStateError
from cti_board.fsm import Go, Ignore, Machine, Refuse
from cti_board.signalling.cas_r2_table import CAS
from cti_board.signalling.cas_r2_variants import VARIANTS, variant
from cti_board.signalling.fxo_table import FXO
from cti_board.signalling.fxs_table import FXS
from cti_board.signalling.line import Answered, LineOptions, SeizeFailed, make_line
from cti_board.signalling.port import LineType

from .fake_port import RATE, FakePort, run

TABLES = [FXO, FXS, CAS]
PAIRS = [(t, s, e) for t in TABLES for s in t.states for e in t.events]


def pair_id(value):
    return getattr(value, "name", value)


@pytest.mark.parametrize("table", TABLES, ids=pair_id)
def test_every_pair_has_one_row(table):
    assert set(table.flat) == {(s, e) for s in table.states for e in table.events}
    assert sum(len(rows) for rows in table.rows.values()) == len(table.flat)


@pytest.mark.parametrize(("table", "state", "event"), PAIRS, ids=pair_id)
def test_pair(table, state, event):
    """The machine does for this pair what its row says, and nothing else."""
    done, limits = [], []
    machine = Machine(table, done.append, limits.append)
    machine.state = state
    row = table.flat[state, event]
    if isinstance(row, Refuse):
        assert event in table.commands
        with pytest.raises(InvalidStateError):
            machine.feed(event, 8)
    else:
        machine.feed(event, 8)
    if isinstance(row, Go):
        assert tuple(done) == row.actions
        assert machine.state is (row.to or state)
        limit = table.limits.get(row.to) if row.to else None
        assert limits == ([limit.ms if limit else None] if row.to else [])
        assert bool(machine.errors) == bool(row.expected)
    else:
        assert row.why
        assert (machine.state, done, limits) == (state, [], [])
        assert isinstance(row, Refuse | Ignore)
    assert len(machine.trace) == 1


@pytest.mark.parametrize("table", TABLES, ids=pair_id)
def test_every_state_is_reached_and_every_action_is_used(table):
    reached, todo, used = set(), [table.start], set()
    while todo:
        state = todo.pop()
        if state in reached:
            continue
        reached.add(state)
        for event in table.events:
            row = table.flat[state, event]
            if isinstance(row, Go):
                used |= set(row.actions)
                todo += [row.to] if row.to else []
    assert reached == set(table.states)
    assert used == set(table.actions), "an action that nothing does"


@pytest.mark.parametrize("table", TABLES, ids=pair_id)
def test_a_call_can_be_ended_in_every_state(table):
    """hang_up is never refused, so a line can always be given back."""
    hang_up = next(e for e in table.commands if e.value == "hang_up")
    assert not [s for s in table.states if isinstance(table.flat[s, hang_up], Refuse)]


@pytest.mark.parametrize("one", VARIANTS.values(), ids=pair_id)
def test_a_variant_of_bits_tells_its_signals_apart(one):
    seen = [bits & one.mask for bits in (one.idle, one.seized, one.answered, one.acknowledged)]
    assert len(set(seen)) == 4
    assert all(0 <= bits <= 15 for bits in (*seen, one.blocked))
    assert one.blocked & one.mask not in (one.idle & one.mask, one.seized & one.mask)
    assert one.refuse in ("release", "tone")
    assert "Q.421" in one.source or one.name != "itu"


def test_itu_bits_are_those_of_the_recommendation():
    """Q.421: forward and backward A and B; C=0, D=1."""
    itu = variant("itu")
    assert f"{itu.idle:04b} {itu.seized:04b} {itu.answered:04b}" == "1001 0001 0101"
    assert f"{itu.acknowledged:04b} {itu.blocked:04b}" == "1101 1101"
    with pytest.raises(ValueError, match="no CAS variant 'mars'; there are itu"):
        variant("mars")


# ---- random events ---------------------------------------------------------------------

TONES = ("dial", "ringback", "busy", "congestion", "vacant", "sit", "howler")
STIMULI = {
    LineType.FXO: [
        lambda r: (ev.RingBegin, {}),
        lambda r: (ev.RingEnd, {"length_ms": r.choice((20, 1000))}),
        lambda r: (ev.RingStopped, {}),
        lambda r: (ev.CallerId, {"number": "123", "method": "fsk", "valid": r.random() < 0.7}),
        lambda r: (ev.ToneOn, {"tone": r.choice(TONES), "level_dbm0": -10.0}),
        lambda r: (ev.ToneOff, {"tone": r.choice(TONES)}),
        lambda r: (ev.TalkBegin, {"level_dbm0": -10.0}),
        lambda r: (ev.PolarityReversal, {"reversed": r.random() < 0.5}),
        lambda r: (ev.LoopBreak, {"length_ms": 400}),
        lambda r: (ev.BatteryChange, {"present": r.random() < 0.7}),
    ],
    LineType.FXS: [
        lambda r: (ev.OffHook, {}), lambda r: (ev.OnHook, {}),
        lambda r: (ev.HookFlash, {"length_ms": 300}),
        lambda r: (ev.PulseDigit, {"digit": r.choice("0123456789")}),
        lambda r: (ev.DtmfBegin, {"digit": r.choice("0123456789*#ABCD"), "level_dbm0": -8.0,
                                  "twist_db": 2.0, "age_samples": 320}),
    ],
    LineType.E1_CAS: [
        lambda r: (ev.CasChange, {"bits": r.choice((1, 5, 9, 13, r.randrange(16))),
                                  "previous": 9}),
        lambda r: (ev.CasChange, {"bits": 9, "previous": 1}),
        lambda r: (ev.DtmfBegin, {"digit": r.choice("0123456789#"), "level_dbm0": -8.0,
                                  "twist_db": 2.0, "age_samples": 320}),
        lambda r: (ev.ToneOn, {"tone": r.choice(TONES), "level_dbm0": -10.0}),
    ],
}  # fmt: skip
RARE = [  # of 25
    lambda r: (ev.AlarmRaised, {"span": 0, "alarm": r.choice((ev.Alarm.LOS, ev.Alarm.RAI))}),
    lambda r: (ev.AlarmCleared, {"span": 0, "alarm": ev.Alarm.LOS}),
    lambda r: (ev.AlarmCleared, {"span": 0, "alarm": ev.Alarm.RAI}),
    lambda r: (ev.BoardLost, {"error": -5}), lambda r: (ev.BoardBack, {}),
    lambda r: (ev.CommandFailed, {"cookie": 0, "error": -5, "op": r.choice((1, 2, 6, 11))}),
]
COMMANDS = ("seize", "answer", "accept", "reject", "hang_up")
CALM = {
    LineType.FXO: [(ev.BoardBack, {}), (ev.BatteryChange, {"present": True}),
                   (ev.RingStopped, {})],
    LineType.FXS: [(ev.BoardBack, {}), (ev.OnHook, {})],
    LineType.E1_CAS: [(ev.BoardBack, {}),
                      *((ev.AlarmCleared, {"span": 0, "alarm": a}) for a in ev.Alarm),
                      (ev.CasChange, {"bits": 9, "previous": 1})],
}  # fmt: skip


def command(line, name, chance):
    try:
        if name == "seize":
            line.seize(chance.choice(("12", "88000001")))
        else:
            getattr(line, name)()
    except CtiError:
        return


async def storm(kind, seed, caller_id):
    """400 random events and commands; returns the line, its port and its reports at the end."""
    chance = random.Random(seed)
    reports = asyncio.Queue()
    port = FakePort(kind)
    options = LineOptions(
        rings=chance.choice((1, 3)), caller_id=caller_id, dnis_digits=chance.choice((0, 2)),
        answer_reversal=chance.random() < 0.3, limits={"CONNECTED": 600_000},
    )  # fmt: skip
    line = make_line(port, reports, options)
    line.start()
    for _ in range(400):
        await asyncio.sleep(chance.choice((0, 0.02, 0.1, 0.7, 3, 9)))
        if chance.random() < 0.35:
            command(line, chance.choice(COMMANDS), chance)
        else:
            pool = RARE if chance.random() < 0.04 else STIMULI[kind]
            what, values = chance.choice(pool)(chance)
            port.post(what, **values)
    await asyncio.sleep(1)
    command(line, "hang_up", chance)
    for _ in range(2):  # the second time for a call that came meanwhile
        for what, values in CALM[kind]:
            port.post(what, **values)
        await asyncio.sleep(200)  # longer than any limit on the way to rest
    return line, port, reports


@pytest.mark.parametrize("caller_id", ["none", "fsk", "dtmf"])
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", list(STIMULI), ids=pair_id)
def test_no_line_stays_stuck_and_every_call_has_one_end(kind, seed, caller_id):
    async def main():
        line, port, reports = await storm(kind, seed, caller_id)
        assert line.state == "idle", "\n".join(map(str, line.machine.trace))
        assert not line.faults, line.faults
        armed = {name for name, on in port.armed.items() if on}
        idle_dtmf = kind is LineType.FXO and caller_id == "dtmf"
        assert armed == ({"dtmf"} if idle_dtmf else set())
        stories = defaultdict(list)
        while not reports.empty():
            report = reports.get_nowait()
            stories[report.call].append(report.event)
        assert list(stories) == sorted(stories)
        assert stories
        for story in stories.values():
            check_story(story)
        await line.close()
        assert not any(port.armed.values())

    run(main)


ORDER = {ev.CallOffered: 0, ev.CallProceeding: 1, ev.CallAlerting: 2, Answered: 3,
         SeizeFailed: 4, ev.CallDisconnected: 4, ev.CallReleased: 5}  # fmt: skip


def check_story(story):
    kinds = [type(event) for event in story]
    order = [ORDER[kind] for kind in kinds]
    assert order == sorted(set(order)), kinds
    assert kinds[-1] is ev.CallReleased
    assert not (SeizeFailed in kinds and Answered in kinds)
    assert [event.at for event in story] == sorted(event.at for event in story)
    assert all(event.at <= 40_000 * RATE for event in story)
