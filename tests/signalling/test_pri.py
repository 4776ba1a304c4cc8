"""Calls on a PRI: every pair of the tables, two spans end to end, channels, timers, the link."""

import asyncio
from pathlib import Path

import pytest

from cti_board.errors import InvalidStateError, SeizeError
from cti_board.fsm import Go, Machine, Refuse
from cti_board.signalling.pri import TIMESLOTS, PriOptions, PriSpan
from cti_board.signalling.q931_codec import (
    ChannelId,
    Id,
    Kind,
    Number,
    Progress,
    encode,
)
from cti_board.signalling.q931_table import CALL, RESTART, TIMES, PriEvent, PriState

from .fake_port import run
from .pri_rig import CHANNEL_1, Wire, active, cause, cut, pri_test, setup, told

TABLES = [CALL["user"], CALL["network"], RESTART]
PAIRS = [(t, s, e) for t in TABLES for s in t.states for e in t.events]


# ---- the tables -------------------------------------------------------------------------


def pair_id(value):
    return getattr(value, "name", value)


@pytest.mark.parametrize(("table", "state", "event"), PAIRS, ids=pair_id)
def test_pair(table, state, event):
    """The machine does for this pair what its row says, and nothing else."""
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
        assert (tuple(done), machine.state) == (row.actions, row.to or state)
        assert bool(machine.errors) == bool(row.expected)
    else:
        assert (done, limits, machine.state) == ([], [], state)
        assert row.why


@pytest.mark.parametrize("table", TABLES, ids=pair_id)
def test_every_state_is_reached_and_every_action_is_used(table):
    reached, todo, used = set(), [table.start], set()
    while todo:
        here = todo.pop()
        if here not in reached:
            reached.add(here)
            rows = [table.flat[here, e] for e in table.events]
            used |= {a for row in rows if isinstance(row, Go) for a in row.actions}
            todo += [row.to for row in rows if isinstance(row, Go) and row.to]
    only_user = {PriState.CONNECT_REQUEST} if table is CALL["network"] else set()
    assert reached == set(table.states) - only_user
    assert used == set(table.actions)


def test_a_call_can_be_ended_in_every_state():
    for table in (CALL["user"], CALL["network"]):
        rows = [table.flat[s, PriEvent.HANG_UP] for s in table.states]
        assert not [row for row in rows if isinstance(row, Refuse)]


# ---- calls, end to end ------------------------------------------------------------------


@pytest.mark.parametrize("caller_is", ["user", "network"])
@pytest.mark.parametrize("clears", ["caller", "called"])
def test_a_call(caller_is, clears):
    async def main():
        wires = Wire(), Wire()
        roles = (caller_is, "network" if caller_is == "user" else "user")
        a, b = (PriSpan(w, r, asyncio.Queue()) for w, r in zip(wires, roles, strict=True))
        wires[0].other, wires[1].other = b, a
        a.start()
        b.start()
        await asyncio.sleep(0.1)
        out = a.seize("01087654321", ani="13800138000", name="Li Lei")
        await asyncio.sleep(0.1)
        report = b.reports.get_nowait()
        came, offer = report.call, report.event
        assert (offer.ani, offer.dnis, offer.ani_name) == ("13800138000", "01087654321", "Li Lei")
        assert (came.channel, came.state) == (out.channel, "in_proceeding")
        assert out.channel == (31 if caller_is == "user" else 1)
        came.accept()
        await asyncio.sleep(0.1)
        assert told(a) == [("Proceeding",), ("Alerting",)]
        came.answer()
        await asyncio.sleep(0.1)
        assert (told(a), told(b)) == ([("Answered",)], [("Answered",)])
        assert (out.state, came.state) == ("active", "active")
        first, second, ends = (out, came, b) if clears == "caller" else (came, out, a)
        first.hang_up()
        await asyncio.sleep(0.1)
        assert (first.state, second.state) == ("null", "null")
        assert told(ends) == [("Disconnected", 16), ("Released",)]
        assert told(a if ends is b else b) == [("Released",)]
        assert (len(a.free()), len(b.free())) == (30, 30)
        assert (a.garbage, a.defects, b.garbage, b.defects) == (0, 0, 0, 0)
        assert not a.faults
        assert not b.faults
        for span in (a, b):
            span.close()

    run(main)


@pri_test()
async def test_setup_octets(span, peer):
    """As Q.931 4.5 wants them, octet by octet."""
    span.seize("123", ani="55", name="Bob", channel=3)
    (setup,) = await peer.hears()
    assert encode(setup).hex(" ") == (
        "08 02 00 01 05 "  # reference 1, from its origin; SETUP
        "a1 "  # sending complete
        "04 03 90 90 a3 "  # 3.1 kHz, 64 kbit/s circuit, A-law
        "18 03 a1 83 83 "  # primary rate, preferred, B channel 3
        "28 03 42 6f 62 "  # display
        "6c 04 01 80 35 35 "  # E.164, allowed, user-provided
        "70 04 81 31 32 33"
    )
    assert peer.octets == [encode(setup)]


@pri_test()
async def test_a_refused_call_tells_its_cause(span, peer):
    call = span.seize("1")
    await peer.hears()
    peer.say(Kind.RELEASE_COMPLETE, cause(17), to_origin=True)
    assert await peer.kinds() == []
    assert told(span) == [("Disconnected", 17), ("Released",)]
    assert call.state == "null"
    with pytest.raises(InvalidStateError):
        call.answer()


@pri_test()
async def test_a_call_is_rejected_with_our_cause(span, peer):
    peer.say(Kind.SETUP, setup())
    assert await peer.kinds() == [Kind.PROCEEDING]
    span.reports.get_nowait().call.reject(17)
    (disconnect,) = await peer.hears()
    assert (disconnect.kind, disconnect.cause) == (Kind.DISCONNECT, 17)
    peer.say(Kind.RELEASE)
    assert await peer.kinds() == [Kind.RELEASE_COMPLETE]
    assert told(span) == [("Released",)]


@pri_test(options=PriOptions(overlap=True, dnis_digits=6))
async def test_overlap_receiving(span, peer):
    """5.2.4: digits until there are six, T302 anew with each."""
    peer.say(Kind.SETUP, setup(called="12", whole=False))
    assert await peer.kinds() == [Kind.SETUP_ACK]
    for digit in "345":
        await asyncio.sleep(14)
        peer.say(Kind.INFORMATION, {Id.CALLED: Number(digit)})
    assert await peer.kinds() == []
    peer.say(Kind.INFORMATION, {Id.CALLED: Number("6")})
    assert await peer.kinds() == [Kind.PROCEEDING]
    assert span.reports.get_nowait().event.dnis == "123456"


@pytest.mark.parametrize(("first", "more", "offered"), [
    ("", {Id.CALLED: Number("77#")}, "77"), ("7", {Id.COMPLETE: b""}, "7"),
    ("7", {Id.KEYPAD: "8"}, "78"), ("7", None, "7"), ("", None, None),
])  # fmt: skip
def test_ends_of_overlap_receiving(first, more, offered):
    @pri_test(options=PriOptions(overlap=True))
    async def main(span, peer):
        peer.say(Kind.SETUP, setup(called=first, whole=False))
        if more:
            peer.say(Kind.INFORMATION, more)
        await asyncio.sleep(15.2)
        found = [r.event.dnis for r in span.reports._queue if hasattr(r.event, "dnis")]
        assert found == ([offered] if offered is not None else [])
        last = (await peer.hears())[-1]
        assert (last.kind, last.cause) == (
            (Kind.PROCEEDING, None) if offered is not None else (Kind.DISCONNECT, 28)
        )

    main()


@pri_test()
async def test_overlap_sending(span, peer):
    call = span.seize("12", whole=False)
    call.dial("3")
    (first,) = await peer.hears()
    assert (first.number(Id.CALLED).digits, Id.COMPLETE in first.ies) == ("12", False)
    peer.say(Kind.SETUP_ACK, {Id.CHANNEL: ChannelId((31,))}, to_origin=True)
    await asyncio.sleep(0.1)
    call.dial("45")
    digits = [m.number(Id.CALLED).digits for m in await peer.hears()]
    assert digits == ["3", "45"]
    await asyncio.sleep(29)
    call.dial("6")
    await peer.hears(29)
    assert call.state == "overlap_sending"
    (last,) = await peer.hears(2)
    assert (last.kind, last.cause) == (Kind.DISCONNECT, 28)  # T304
    with pytest.raises(InvalidStateError):
        call.dial("7")


# ---- channels ---------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "wish", "gets"), [
    ("user", ChannelId((5,)), 5), ("network", None, 1), ("network", ChannelId(any=True), 1),
    ("user", ChannelId((9,), False), 31), ("user", ChannelId((9,)), -44),
    ("user", ChannelId(()), -34), ("user", None, -96), ("network", ChannelId((8,)), -82),
    ("network", ChannelId((8,), False), 1),
])  # fmt: skip
def test_the_channel_of_a_setup(role, wish, gets):
    channels = TIMESLOTS if role == "user" else (1, 2)

    @pri_test(role, channels=channels)
    async def main(span, peer):
        if 9 in span.channels:
            peer.say(Kind.SETUP, setup(ChannelId((9,))), ref=9)
            await peer.hears()
        peer.say(Kind.SETUP, setup(wish))
        (answer,) = await peer.hears()
        if gets < 0:
            assert (answer.kind, answer.cause) == (Kind.RELEASE_COMPLETE, -gets)
        else:
            assert (answer.kind, answer.channel) == (Kind.PROCEEDING, ChannelId((gets,)))

    main()


@pri_test(channels=(1, 2, 3))
async def test_the_answer_may_name_another_channel(span, peer):
    call = span.seize("1")
    assert (await peer.hears())[0].channel == ChannelId((3,), False)
    peer.say(Kind.PROCEEDING, {Id.CHANNEL: ChannelId((2,))}, to_origin=True)
    await peer.hears()
    assert (call.channel, span.free()) == (2, [1, 3])
    other = span.seize("2")
    await peer.hears()
    peer.say(Kind.PROCEEDING, {Id.CHANNEL: ChannelId((2,))}, ref=2, to_origin=True)
    (answer,) = await peer.hears()
    assert (answer.kind, answer.cause, other.over) == (Kind.DISCONNECT, 6, True)
    assert told(span) == [("Proceeding",), ("Disconnected", 6)]


@pri_test(channels=(7, 8))
async def test_glare_as_user_the_network_wins(span, peer):
    """5.7: both sides want channel 8 at once."""
    ours = span.seize("1")
    peer.say(Kind.SETUP, setup(ChannelId((8,))))
    answers = await peer.hears()
    assert [m.kind for m in answers] == [Kind.SETUP, Kind.PROCEEDING]
    theirs = span.reports.get_nowait().call
    assert (theirs.channel, ours.channel) == (8, None)
    peer.say(Kind.PROCEEDING, {Id.CHANNEL: ChannelId((7,))}, to_origin=True)
    await peer.hears()
    assert (ours.channel, ours.state, span.free()) == (7, "out_proceeding", [])
    with pytest.raises(SeizeError, match="no free channel"):
        span.seize("2")


@pri_test("network", channels=(7, 8))
async def test_glare_as_network_ours_wins(span, peer):
    ours = span.seize("1")
    peer.say(Kind.SETUP, setup(ChannelId((7,))))
    peer.say(Kind.SETUP, setup(ChannelId((7,), False)), ref=2)
    _, exclusive, preferred = await peer.hears()
    assert (exclusive.kind, exclusive.cause) == (Kind.RELEASE_COMPLETE, 44)
    assert (preferred.kind, preferred.channel) == (Kind.PROCEEDING, ChannelId((8,)))
    assert ours.channel == 7


# ---- timers -----------------------------------------------------------------------------


@pri_test()
async def test_t303_a_second_setup_and_then_the_end(span, peer):
    span.seize("1")
    assert await peer.kinds(3.9) == [Kind.SETUP]
    assert await peer.kinds(0.3) == [Kind.SETUP]
    (last,) = await peer.hears(4)
    assert (last.kind, last.cause) == (Kind.RELEASE_COMPLETE, 102)
    assert told(span) == [("Disconnected", 18), ("Released",)]


@pytest.mark.parametrize(("role", "messages", "ms", "expects"), [
    ("user", [Kind.PROCEEDING], 30_000, 102), ("network", [Kind.PROCEEDING], 10_000, 102),
    ("user", [Kind.ALERTING], 180_000, 19), ("user", [Kind.SETUP_ACK], 30_000, 28),
    ("network", [Kind.SETUP_ACK], 20_000, 28),
    ("user", [Kind.PROCEEDING, Kind.PROGRESS], 180_000, 102),
])  # fmt: skip
def test_timers_of_an_outgoing_call(role, messages, ms, expects):
    """T310, T301, T304, tables 9-1 and 9-2."""

    @pri_test(role)
    async def main(span, peer):
        span.seize("1")
        await peer.hears()
        for kind in messages:
            ies = {Id.PROGRESS: Progress(8)} if kind == Kind.PROGRESS else {}
            peer.say(kind, ies, to_origin=True)
        assert await peer.kinds(ms / 1000 - 0.1) == []
        (last,) = await peer.hears(0.3)
        assert (last.kind, last.cause) == (Kind.DISCONNECT, expects)

    main()


@pri_test()
async def test_t305_t308_and_then_the_channel_is_restarted(span, peer):
    peer.say(Kind.SETUP, setup())
    await peer.hears()
    span.reports.get_nowait().call.hang_up()
    assert await peer.kinds(29.9) == [Kind.DISCONNECT]
    (release,) = await peer.hears(0.3)
    assert (release.kind, release.cause) == (Kind.RELEASE, 16)
    assert await peer.kinds(4) == [Kind.RELEASE]
    (restart,) = await peer.hears(4)
    assert (restart.kind, restart.ref, restart.channel) == (Kind.RESTART, 0, CHANNEL_1)
    assert (told(span), span.out) == ([("Released",)], {1})
    assert await peer.kinds(120) == [Kind.RESTART]  # T316
    peer.say(Kind.RESTART_ACK, {Id.CHANNEL: CHANNEL_1, Id.RESTART: 0}, ref=0, to_origin=True)
    await peer.hears()
    assert (span.out, len(span.free())) == (frozenset(), 30)


@pri_test()
async def test_t313_connect_is_not_acknowledged(span, peer):
    peer.say(Kind.SETUP, setup())
    await peer.hears()
    call = span.reports.get_nowait().call
    call.answer()
    assert await peer.kinds(3.9) == [Kind.CONNECT]
    assert await peer.kinds(0.3) == [Kind.DISCONNECT]
    assert told(span) == [("Disconnected", 102)]


def test_the_times_are_those_of_the_tables_9_1_and_9_2():
    times = {source: (user, network) for _, user, network, source in TIMES}
    assert {t: v for t, v in times.items() if t.startswith("T")} == {
        "T303": (4000, 4000), "T304": (30_000, 20_000), "T310": (30_000, 10_000),
        "T301": (180_000, 180_000), "T302": (15_000, 15_000), "T313": (4000, 4000),
        "T309": (90_000, 90_000), "T305": (30_000, 30_000), "T308": (4000, 4000),
    }  # fmt: skip


# ---- the data link goes -----------------------------------------------------------------


@pri_test()
async def test_t309_an_active_call_outlives_a_short_loss(span, peer):
    """5.8.9: and a call that is not active does not."""
    call, ringing = await active(span, peer), span.seize("1")
    peer.say(Kind.PROCEEDING, {Id.CHANNEL: ChannelId((31,))}, to_origin=True)
    await peer.hears()
    cut(span, peer, True)
    await asyncio.sleep(40)
    assert (span.up, call.state, ringing.state) == (False, "no_link", "null")
    assert ("Disconnected", 27) in told(span)
    cut(span, peer, False)
    assert Kind.STATUS_ENQUIRY in await peer.kinds(10)
    assert call.state == "active"
    peer.say(Kind.STATUS, {**cause(30), Id.CALL_STATE: 0})
    await peer.hears()
    assert told(span) == [("Disconnected", 101), ("Released",)]


@pri_test()
async def test_t309_runs_out(span, peer):
    call = await active(span, peer)
    cut(span, peer, True)
    await asyncio.sleep(130)
    assert (call.state, told(span)) == ("null", [("Disconnected", 27), ("Released",)])
    with pytest.raises(SeizeError, match="data link is down"):
        span.seize("1")


def test_the_times_of_the_page_are_those_of_the_table():
    page = (Path(__file__).resolve().parents[2] / "docs/pri.md").read_text(encoding="utf-8")
    for _, user, network, source in TIMES:
        if source.startswith("T"):
            (row,) = [line for line in page.splitlines() if line.startswith(f"| {source} ")]
            cells = [cell.strip() for cell in row.split("|")[2:4]]
            assert cells[0] == f"{user // 1000} s"
            assert cells[1] in (f"{network // 1000} s", "–")
