"""Faults of the street: each begins, shows and ends."""

import pytest
from sim_card import dbm0, ffi, keys, level_at, lib, read_keys, sine, to_alaw, to_linear

RING, BATTERY = lib.CTB_EV_RAW_RING, lib.CTB_EV_RAW_BATTERY
FXO, FXS = 0, 1
CALLER = 1


@pytest.fixture
def d(sim):
    board = sim("fxo=1,fxs=1,phones=2")
    board.option(lib.CTB_SO_CALLER_ID, 0)
    return board


def ring_line(d):
    d.lift(CALLER)
    d.dial(CALLER, "66000000", b=50, c=50)


def test_a_cut_line_loses_its_feed_and_cannot_be_rung(d):
    d.run(20)
    d.fault(lib.CTB_SF_LINE_CUT, FXO, 1)
    d.drain()
    assert [(e.channel, e.a, e.at) for e in d.seen(BATTERY)] == [(FXO, 0, 160)]
    d.events.clear()
    ring_line(d)
    d.watch(CALLER, 1)
    d.report(CALLER, lib.CTB_SE_TONE, b=lib.CTB_TONE_RINGBACK)     # the caller knows nothing
    d.run(2000)
    assert not d.seen(RING)
    d.fault(lib.CTB_SF_LINE_CUT, FXO, 0)
    assert d.until(BATTERY).a == 1
    assert d.until(RING).a == 1                                     # the next burst


def test_a_line_cut_in_a_burst_stops_the_ring(d):
    ring_line(d)
    d.until(RING, a=1)
    d.run(100)
    d.fault(lib.CTB_SF_LINE_CUT, FXO, 1)
    d.drain()
    told = [(e.kind, e.a) for e in d.events if e.kind in (RING, BATTERY)]
    assert told == [(RING, 0), (BATTERY, 0)]


def test_a_line_cut_in_a_call_ends_it_for_the_other_side(d):
    ring_line(d)
    d.until(RING, a=1)
    d.hook(FXO, True)
    d.report(CALLER, lib.CTB_SE_ANSWERED)
    d.fault(lib.CTB_SF_LINE_CUT, FXO, 1)
    at = d.now
    d.play(CALLER, to_alaw(sine(1000, 200)))
    tap = d.tap(FXO)
    cleared = d.report(CALLER, lib.CTB_SE_CLEARED)
    assert cleared.at - at == 400 * 8                               # seen as hanging up
    assert dbm0(to_linear(tap)) < -60
    d.fault(lib.CTB_SF_LINE_CUT, FXO, 0)                            # still holding the loop:
    d.run(400)
    assert d.live(FXO)                                              # dial tone


def test_a_cut_telephone_line(d):
    d.lift(0)
    d.run(20)
    d.events.clear()
    d.fault(lib.CTB_SF_LINE_CUT, FXS, 1)
    d.drain()
    assert [e.a for e in d.seen(lib.CTB_EV_RAW_HOOK)] == [0]
    d.play(0, to_alaw(sine(1000, 100)))
    tap = d.tap(FXS)
    d.run(100)
    assert dbm0(to_linear(tap)) < -60
    d.events.clear()
    d.fault(lib.CTB_SF_LINE_CUT, FXS, 0)
    assert d.until(lib.CTB_EV_RAW_HOOK).a == 1
    d.hang_up(0)
    d.fault(lib.CTB_SF_LINE_CUT, FXS, 1)
    d.do(FXS, lib.CTB_OP_RING, a=1000, b=4000)
    d.run(2000)
    assert not d.seen(lib.CTB_EV_STREET, a=lib.CTB_SE_RING_BEGIN)
    d.fault(lib.CTB_SF_LINE_CUT, FXS, 0)
    d.report(0, lib.CTB_SE_RING_BEGIN)


def test_a_stuck_key_sounds_while_the_handset_is_off(d):
    d.street(0, lib.CTB_ST_FAULT, b=lib.CTB_SF_STUCK_KEY, text="5", d=1)
    tap = d.tap(FXS)
    d.run(200)
    assert dbm0(to_linear(tap)) < -60
    d.lift(0)
    tap.clear()
    d.run(2000)
    x = to_linear(tap)
    assert read_keys(x) == "5"                                      # one key, without end
    assert level_at(x[-1600:], 1336) == pytest.approx(-7, abs=0.3)
    d.street(0, lib.CTB_ST_FAULT, b=lib.CTB_SF_STUCK_KEY, d=0)
    tap.clear()
    d.run(100)
    assert dbm0(to_linear(tap)) < -60
    assert d.command(0, lib.CTB_OP_STREET, a=lib.CTB_ST_FAULT, b=lib.CTB_SF_STUCK_KEY, text="x",
                     d=1) == -22


def test_bursts_that_are_missed_are_not_reported(d):
    d.fault(lib.CTB_SF_MISSED_RING, FXO, 2)
    ring_line(d)
    first = d.until(RING, 20_000)
    assert first.a == 1
    assert first.at > 8 * 10_000                                    # bursts at 1, 6 and 11 s
    d.run(1500)
    assert [e.a for e in d.seen(RING)] == [0]


def test_a_stopped_clock_gives_no_frames(d):
    d.lift(0)
    d.run(100)
    d.fault(lib.CTB_SF_STOP_CLOCK, value=3)
    assert [d.step() for _ in range(5)] == [0, 0, 0, 1, 1]
    d.fault(lib.CTB_SF_STOP_CLOCK, value=-1)
    assert [d.step() for _ in range(200)] == [0] * 200
    assert d.skip(10) == (0, False)
    d.hang_up(0)
    d.drain()
    assert d.events[-1].at == d.now                                 # its own time stood still
    d.fault(lib.CTB_SF_STOP_CLOCK, value=0)
    assert d.step() == 1


def test_no_dial_tone_and_nobody_listens(d):
    d.fault(lib.CTB_SF_NO_DIAL_TONE, FXO, 1)
    d.hook(FXO, True)
    tap = d.tap(FXO)
    d.run(1000)
    assert dbm0(to_linear(tap)) < -60
    d.say(FXO, keys("88000001"))
    d.run(3000)
    assert not d.seen(lib.CTB_EV_STREET)
    d.hook(FXO, False)
    d.run(500)
    d.fault(lib.CTB_SF_NO_DIAL_TONE, FXO, 0)
    d.hook(FXO, True)
    d.run(500)
    assert d.live(FXO)


def test_congestion_answers_every_call(d):
    d.fault(lib.CTB_SF_CONGESTION, value=1)
    d.watch(CALLER, 1)
    ring_line(d)
    d.report(CALLER, lib.CTB_SE_TONE, b=lib.CTB_TONE_CONGESTION)
    d.hang_up(CALLER)
    d.run(500)
    d.fault(lib.CTB_SF_CONGESTION, value=0)
    ring_line(d)
    d.until(RING, a=1)


def test_alarms_are_of_a_span_that_is_there(d):
    out = ffi.new("uint32_t *")
    assert d.table.get_alarms(d.board, 5, out) == -22
    assert d.table.get_alarms(d.board, 0, out) == 0
    assert out[0] == 0
