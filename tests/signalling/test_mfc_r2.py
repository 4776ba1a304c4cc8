"""R2 registers, one against the other over simulated delays; and against ends that misbehave."""

import random

import pytest

from cti_board.errors import InvalidStateError
from cti_board.fsm import Go, Ignore, Machine, Refuse
from cti_board.signalling.mfc_r2 import Address
from cti_board.signalling.mfc_r2_table import INCOMING, OUTGOING
from cti_board.signalling.r2_variants import VARIANTS, Ask, r2_variant

from .mfc_r2_rig import MS, Pair, faithful

TABLES = [OUTGOING, INCOMING]
PAIRS = [(t, s, e) for t in TABLES for s in t.states for e in t.events]
EVERY = pytest.mark.parametrize("variant", VARIANTS.values(), ids=lambda v: v.name)


def pair_id(value):
    return getattr(value, "name", value)


# ---- the tables --------------------------------------------------------------------------


@pytest.mark.parametrize(("table", "state", "event"), PAIRS, ids=pair_id)
def test_every_pair_does_what_its_row_says(table, state, event):
    done, limits = [], []
    machine = Machine(table, done.append, limits.append)
    machine.state = state
    row = table.flat[state, event]
    if isinstance(row, Refuse):
        with pytest.raises(InvalidStateError):
            machine.feed(event, 8)
    else:
        machine.feed(event, 8)
    if isinstance(row, Go):
        assert tuple(done) == row.actions
        assert machine.state is (row.to or state)
    else:
        assert isinstance(row, Refuse | Ignore)
        assert row.why
        assert (machine.state, done, limits) == (state, [], [])


@pytest.mark.parametrize("table", TABLES, ids=pair_id)
def test_every_state_is_reached_and_every_action_is_used(table):
    rows = [row for row in table.flat.values() if isinstance(row, Go)]
    assert {row.to for row in rows} - {None} == set(table.states)
    assert {action for row in rows for action in row.actions} == set(table.actions)


@pytest.mark.parametrize("table", TABLES, ids=pair_id)
def test_a_register_can_be_stopped_in_every_state(table):
    stop = next(e for e in table.commands if e.value == "stop")
    assert not [s for s in table.states if isinstance(table.flat[s, stop], Refuse)]


# ---- the variants ------------------------------------------------------------------------


@EVERY
def test_a_variant_can_ask_accept_and_refuse(variant):
    asks = set(variant.group_a.values()) | set(variant.group_c.values())
    assert {Ask.NEXT, Ask.LINE, Ask.CATEGORY, Ask.CONGESTION} <= asks
    most = 6 if variant.backward == "backward_cn" else 15
    for group in (variant.group_a, variant.group_b, variant.group_c):
        assert all(1 <= signal <= most for signal in group)
    for table in (variant.categories, variant.ani_category):
        assert all(1 <= signal <= 15 for signal in table)
        assert len(set(table.values())) == len(table)
    assert variant.group_b[variant.free()].free
    assert not variant.group_b[variant.free(charge=False)].charge or not any(
        line.free and not line.charge for line in variant.group_b.values()
    )
    for cause in (17, 34, 1, 27, 21, 16, 41, 22):
        assert not variant.group_b[variant.line(cause)].free
    assert variant.group_b[variant.line(17)].cause == 17
    assert variant.source


def test_signals_of_the_recommendation():
    """ITU-T Q.441: A-1, A-3 to A-5; B-3 to B-8; II-1, II-2; end I-15."""
    itu = r2_variant("itu")
    asks = [itu.ask(a) for a in (Ask.NEXT, Ask.LINE, Ask.CONGESTION, Ask.CATEGORY, Ask.ACCEPT)]
    assert asks == [1, 3, 4, 5, 6]
    assert [itu.line(c) for c in (17, 34, 1, 27)] == [3, 4, 5, 8]
    assert (itu.free(), itu.free(charge=False), itu.dnis_end, itu.ani_end) == (6, 7, 15, 15)
    assert [itu.category(n) for n in ("subscriber", "priority", "operator", "moon")] == [1, 2, 5, 1]
    with pytest.raises(ValueError, match="no R2 variant 'mars'; there are argentina"):
        r2_variant("mars")


# ---- calls -------------------------------------------------------------------------------

CAUSES = (None, 17, 34, 1, 27, 21)


def numbers(chance):
    return ("".join(chance.choices("0123456789", k=chance.randint(1, 16))),
            "".join(chance.choices("0123456789", k=chance.randint(0, 16))))  # fmt: skip


@EVERY
@pytest.mark.parametrize("delay_ms", [0, 40, 270])
@pytest.mark.parametrize("known", [True, False], ids=["length known", "length unknown"])
def test_25_calls(variant, delay_ms, known):
    chance = random.Random(f"{variant.name} {delay_ms} {known}")
    for number in range(25):
        dnis, ani = numbers(chance)
        category = chance.choice(list((variant.ani_category or variant.categories).values()))
        cause = CAUSES[number % len(CAUSES)]
        pair = Pair(variant, number, delay_ms)
        pair.verdict = lambda address, cause=cause: cause
        pair.call(dnis, ani=ani, category=category, dnis_digits=len(dnis) if known else 0)
        address, done = pair.in_told
        assert (address.dnis, address.ani, address.category) == (dnis, ani, category)
        assert not address.withheld
        (outcome,) = pair.out_told
        assert not outcome.reason
        assert not done.reason
        assert (outcome.free, done.free) == (cause is None, cause is None)
        wanted = variant.group_b[variant.line(cause)].cause if cause else 0
        assert outcome.cause == wanted
        assert pair.silent()
        assert not pair.out.machine.errors
        assert not pair.incoming.machine.errors


@EVERY
def test_a_withheld_number_is_told_or_absent(variant):
    pair = Pair(variant).call("1234", ani="5678", withheld=True, dnis_digits=4)
    address = pair.in_told[0]
    assert (address.dnis, address.ani) == ("1234", "")
    assert address.withheld is bool(variant.ani_withheld)
    assert pair.out_told[0].free


@EVERY
def test_without_the_callers_number_the_category_comes_with_the_end(variant):
    name = variant.category_name(2)
    pair = Pair(variant).call("907", ani="5678", category=name, dnis_digits=3, ask_ani=False)
    assert (pair.in_told[0].dnis, pair.in_told[0].ani) == ("907", "")
    assert pair.in_told[0].category == name
    assert variant.ask(Ask.CATEGORY) not in pair.in_wire.sent


@pytest.mark.parametrize("variant", [v for v in VARIANTS.values() if not v.ani_by_next],
                         ids=lambda v: v.name)  # fmt: skip
def test_only_so_many_digits_of_the_caller(variant):
    pair = Pair(variant).call("12345", ani="987654321", dnis_digits=5, ani_digits=4)
    assert (pair.in_told[0].ani, pair.in_told[0].dnis) == ("9876", "12345")


def test_the_cycles_of_a_call_after_itu():
    """II-1, then the caller's digits and I-15 on A-5; A-3, II-1, B-6."""
    pair = Pair(r2_variant("itu")).call("42", ani="7", dnis_digits=2)
    assert pair.out_wire.sent == [4, 1, 7, 15, 2, 1]
    assert pair.in_wire.sent == [5, 5, 5, 1, 3, 6]


def test_the_cycles_of_a_call_in_china():
    """GF 002-9002: A1 for digits, A6 for KA, A1 to the end of the caller's number, A3, KD, KB1."""
    pair = Pair(r2_variant("china")).call("42", ani="7", dnis_digits=2)
    assert pair.out_wire.sent == [4, 2, 1, 7, 15, 3]
    assert pair.in_wire.sent == [1, 6, 1, 1, 3, 1]


def test_the_cycles_of_a_call_in_mexico():
    """A-6 to group C, C-1 for the caller's digits, C-3 to group B."""
    pair = Pair(r2_variant("mexico")).call("42", ani="7", dnis_digits=2)
    assert pair.out_wire.sent == [4, 2, 1, 7, 15, 1]
    assert pair.in_wire.sent == [1, 6, 1, 1, 3, 1]


def test_group_c_returns_to_the_called_number():
    """C-5: the next digit, in group A again."""
    pair = Pair(r2_variant("mexico")).call("42", ani="7")
    assert pair.in_wire.sent == [6, 1, 1, 5, 1, 3, 1]
    assert pair.in_told[0].dnis == "42"


def test_a_silent_end_of_the_address_is_ended_by_a_pulse():
    """ITU-T Q.442: the caller has no more, the called end sends A-3 for 150 +-30 ms."""
    pair = Pair(r2_variant("brazil")).call("4233", ani="7")
    assert [str(s.event.value) for s in pair.incoming.machine.trace].count("timeout") == 3
    length = pulse_length(pair)
    assert 120 * MS <= length <= 180 * MS
    assert pair.out_told[0].free


def pulse_length(pair):
    steps = list(pair.incoming.machine.trace)
    begin = next(s for s in steps if s.to.value == "pulsing")
    end = next(s for s in steps if s.state.value == "pulsing" and s.event.value == "timeout")
    return end.at - begin.at


def test_no_verdict_is_a_free_line():
    pair = Pair(r2_variant("itu"))
    pair.hears = None
    pair.incoming._tell = pair.in_told.append
    pair.call("42", ani="7", dnis_digits=2)
    assert isinstance(pair.in_told[0], Address)
    assert pair.in_told[1].free
    assert pair.in_told[1].at - pair.in_told[0].at >= 8000 * MS
    assert pair.out_told[0].free


@pytest.mark.parametrize(("wanted", "digit"), [(1, 4), (2, 2), (7, 1)])
def test_requests_for_other_digits(wanted, digit):
    """ITU-T Q.441: A-1 is n+1, A-2 n-1, A-7 n-2; the third digit was the last."""
    pair = Pair(r2_variant("itu"), in_tamper=nothing)
    pair.incoming.receive(0)
    pair.out.call("1234", 0)
    for asked in (1, 1, wanted):
        pair.out.heard(asked, pair.clock.now)
        pair.out.ended(pair.clock.now)
    assert pair.out_wire.sent == [1, 2, 3, digit]
    pair.out.stop(0)
    assert not pair.out.at_work
    assert pair.out_told == []


@pytest.mark.parametrize(
    ("signal", "free", "cause"), [(6, True, 0), (4, False, 34), (15, False, 34)]
)
def test_a_call_is_settled_in_group_a(signal, free, cause):
    pair = Pair(r2_variant("itu"), in_tamper=nothing)
    pair.out.call("1234", 0)
    pair.out.heard(signal, 800)
    pair.out.ended(1600)
    assert [(o.free, o.cause, o.ringing, o.reason) for o in pair.out_told] == [
        (free, cause, False, "")
    ]


def test_a_vacant_number_in_china():
    pair = Pair(r2_variant("china"))
    pair.out.call("1234", 0)
    pair.out.heard(5, 800)
    pair.out.ended(1600)
    assert pair.out_told[0].cause == 1


@pytest.mark.parametrize(("dnis", "ani"), [("", "1"), ("12*", ""), ("12", "+86")])
def test_what_is_no_digit_cannot_be_sent(dnis, ani):
    pair = Pair(r2_variant("itu"))
    with pytest.raises(ValueError, match="R2 registers send digits"):
        pair.out.call(dnis, 0, ani=ani)
    assert pair.silent()


# ---- misbehaviour ------------------------------------------------------------------------


def nothing(signal, count):
    return []


def lost(which):
    return lambda signal, count: [] if count == which else [(0, signal)]


def wrong(which, instead):
    return lambda signal, count: [(0, instead if count == which else signal)]


def garbage(seed):
    chance = random.Random(seed)

    def tamper(signal, count):
        roll = chance.random()
        if roll < 0.6:
            return [(0, signal)]
        return [] if roll < 0.8 else [(0, chance.randint(1, 15))]

    return tamper


@EVERY
@pytest.mark.parametrize("which", range(1, 7))
@pytest.mark.parametrize("way", ["forward", "backward"])
def test_a_lost_signal_is_cleared_by_a_timer(variant, which, way):
    """The outgoing end knows within T1 (15 s), the incoming one within T3 (15 s) after that."""
    tampers = {"forward": (lost(which), faithful), "backward": (faithful, lost(which))}[way]
    pair = Pair(variant, which, 0, *tampers).call("123456", ani="789", dnis_digits=6)
    assert pair.silent()
    assert len(pair.out_told) == 1
    assert pair.out_told[0].reason or not pair.out_told[0].free
    assert pair.in_told[-1].reason
    assert pair.clock.now < 60 * 8000


@EVERY
@pytest.mark.parametrize("which", range(1, 6))
def test_a_wrong_signal_ends_the_call(variant, which):
    """A signal that no group of the variant has."""
    none = 6 if variant.backward == "backward_cn" else 13
    pair = Pair(variant, which, 0, faithful, wrong(which, none))
    pair.call("123456", ani="789", dnis_digits=6, ask_ani=variant.name != "china")
    assert pair.silent()
    assert len(pair.out_told) == 1
    if variant.name != "china":  # all six of its signals are something
        assert pair.out_told[0].reason == "wrong register signal"
        assert pair.out_told[0].cause == 41


@EVERY
@pytest.mark.parametrize("signal", [11, 13, 14])
def test_a_signal_of_the_wrong_group_gets_congestion(variant, signal):
    """I-11 and the like are no digits here: A-4, and the called end gives up."""
    pair = Pair(variant, 1, 0, wrong(2, signal)).call("123456", dnis_digits=6, ask_ani=False)
    assert pair.silent()
    assert pair.in_wire.sent[-1] == 4
    assert pair.in_told[-1].reason == "wrong register signal"
    assert (pair.out_told[0].free, pair.out_told[0].cause) == (False, 34)


@EVERY
def test_silence_gets_congestion(variant):
    pair = Pair(variant)
    pair.incoming.receive(0)
    pair.clock.run()
    assert pair.in_wire.sent == [4]
    (outcome,) = pair.in_told
    assert (outcome.cause, outcome.reason) == (102, "no register signal")
    assert 8_000 * MS <= outcome.at <= 24_200 * MS  # ITU-T Q.476, T3
    assert pair.silent()


@EVERY
def test_no_answer_at_all(variant):
    pair = Pair(variant)
    pair.out.call("123", 0)
    pair.clock.run()
    (outcome,) = pair.out_told
    assert (outcome.cause, outcome.reason) == (102, "no answer to a register signal")
    assert 12_000 * MS <= outcome.at <= 18_000 * MS  # ITU-T Q.476, T1
    assert pair.silent()


@EVERY
def test_an_answer_that_does_not_end(variant):
    pair = Pair(variant)
    pair.out.call("123", 0)
    pair.out.heard(1, 800)
    pair.clock.run()
    assert pair.out_told[0].reason == "the answer does not end"
    assert pair.silent()


@EVERY
def test_a_forward_signal_that_does_not_end(variant):
    pair = Pair(variant)
    pair.incoming.receive(0)
    pair.incoming.heard(1, 800)
    pair.clock.run()
    assert pair.in_told[0].reason == "the forward signal does not end"
    assert pair.silent()


def test_two_signals_without_an_end_between():
    pair = Pair(r2_variant("itu"))
    pair.out.call("123", 0)
    pair.out.heard(1, 800)
    pair.out.heard(3, 900)
    assert pair.out_told[0].reason == "wrong register signal"
    pair.incoming.receive(900)
    pair.incoming.heard(1, 1000)
    pair.incoming.heard(2, 1100)
    pair.clock.run()
    assert pair.in_told[0].reason == "wrong register signal"
    assert pair.silent()


def test_the_caller_gives_up_before_the_verdict():
    pair = Pair(r2_variant("itu"))
    pair.verdict = lambda address: pair.out.stop(pair.clock.now)
    pair.incoming.accept = lambda at: None
    pair.call("12", dnis_digits=2)
    assert pair.in_told[-1].reason == "the far end gave up"
    assert pair.silent()


@EVERY
@pytest.mark.parametrize("seed", range(25))
def test_garbage_always_ends(variant, seed):
    """Of ten signals two are lost and two are something else, both ways."""
    chance = random.Random(seed)
    dnis, ani = numbers(chance)
    pair = Pair(variant, seed, chance.choice((0, 60)), garbage(seed), garbage(seed + 1000))
    pair.call(dnis, ani=ani, dnis_digits=chance.choice((0, len(dnis))))
    assert pair.silent()
    assert len(pair.out_told) == 1
    assert sum(not isinstance(news, Address) for news in pair.in_told) == 1
