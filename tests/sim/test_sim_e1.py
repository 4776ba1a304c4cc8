"""E1 timeslots with CAS bits (ITU-T Q.421): the exchange's end as caller and as called."""

import pytest
from sim_card import dbm0, ffi, keys, level_at, lib, read_keys, sine, to_alaw, to_linear

CAS = lib.CTB_EV_RAW_CAS
IDLE, SEIZED, ANSWERED, ACK = 0b1001, 0b0001, 0b0101, 0b1101      # clear-back, blocked = ACK
SPAN = 0


@pytest.fixture
def d(sim):
    return sim("e1=1,phones=4")


def incoming(d, end=0, number="77001234"):
    d.lift(end)
    d.dial(end, number, b=50, c=50)
    seized = d.until(CAS)
    assert seized.a == SEIZED
    return seized


def answered(d):
    channel = incoming(d).channel
    d.cas(channel, ACK)
    d.run(1000)
    d.cas(channel, ANSWERED)
    d.report(0, lib.CTB_SE_ANSWERED)
    return channel


def outgoing(d, channel=3, digits="88000001"):
    d.cas(channel, SEIZED)
    assert d.until(CAS, channel=channel).a == ACK
    d.say(channel, keys(digits))
    return channel


# ---- the exchange calls ------------------------------------------------------------------------


def test_a_call_in_is_seized_acknowledged_addressed_and_answered(d):
    d.watch(0, 1)
    channel = incoming(d).channel
    tap = d.tap(channel)
    d.run(200)
    assert dbm0(to_linear(tap)) < -60                      # no digits before the acknowledgement
    d.cas(channel, ACK)
    tap.clear()
    d.run(1000)
    assert read_keys(to_linear(tap)) == "1234"
    d.report(0, lib.CTB_SE_TONE, b=lib.CTB_TONE_RINGBACK)
    d.cas(channel, ANSWERED)
    d.report(0, lib.CTB_SE_ANSWERED)
    d.play(0, to_alaw(sine(1000, 200)))
    tap.clear()
    ear = d.hear(0, 200)
    d.say(channel, sine(600, 200))
    d.run(200)
    assert level_at(to_linear(tap), 1000) == pytest.approx(-10, abs=0.3)
    assert level_at(to_linear(ear), 600) == pytest.approx(-10, abs=0.3)


def test_the_caller_leaves_first(d):
    channel = answered(d)
    d.events.clear()
    d.hang_up(0)
    forward = d.until(CAS)
    assert (forward.channel, forward.a) == (channel, IDLE)     # clear-forward
    d.lift(1)
    d.dial(1, "77001234", b=50, c=50)
    assert d.until(CAS).channel != channel                     # not free before release guard
    d.cas(channel, IDLE)
    d.run(100)
    d.lift(2)
    d.dial(2, "77001234", b=50, c=50)
    assert d.until(CAS).channel == channel


def test_the_card_leaves_first_by_clear_back(d):
    channel = answered(d)
    d.watch(0, 1)
    d.events.clear()
    d.cas(channel, ACK)
    at = d.now
    d.report(0, lib.CTB_SE_CLEARED, 40)
    forward = d.until(CAS)
    assert forward.a == IDLE
    assert forward.at - at == 8000                             # timed release
    d.cas(channel, IDLE)
    d.report(0, lib.CTB_SE_TONE, b=lib.CTB_TONE_BUSY)


def test_a_caller_who_gives_up_before_the_acknowledgement(d):
    channel = incoming(d).channel
    d.hang_up(0)
    assert d.until(CAS, channel=channel).a == IDLE


def test_the_card_refuses_a_call(d):
    d.watch(0, 1)
    channel = incoming(d).channel
    d.cas(channel, ACK)
    d.run(1000)
    d.cas(channel, IDLE)
    assert d.until(CAS, channel=channel).a == IDLE
    d.report(0, lib.CTB_SE_TONE, b=lib.CTB_TONE_CONGESTION)


def test_a_seizure_without_acknowledgement_times_out(d):
    d.watch(0, 1)
    seized = incoming(d)
    released = d.until(CAS)
    assert (released.a, released.at - seized.at) == (IDLE, 16_000)
    d.report(0, lib.CTB_SE_TONE, b=lib.CTB_TONE_CONGESTION)


def test_double_seizure_is_released_after_100_ms(d):
    d.watch(0, 1)
    channel = incoming(d).channel
    d.cas(channel, SEIZED)                                     # we seize it at the same time
    at = d.now
    released = d.until(CAS)
    assert (released.a, released.at - at) == (IDLE, 800)
    d.cas(channel, IDLE)
    d.report(0, lib.CTB_SE_TONE, b=lib.CTB_TONE_CONGESTION)
    d.cas(channel, SEIZED)
    assert d.until(CAS, channel=channel).a == ACK              # and can be used again


def test_blocked_timeslots_are_not_seized(d):
    for channel in range(29):
        d.cas(channel, ACK)                                    # blocked: 11 while idle
    assert incoming(d).channel == 29
    d.watch(1, 1)
    d.lift(1)
    d.dial(1, "77001234", b=50, c=50)
    d.report(1, lib.CTB_SE_TONE, b=lib.CTB_TONE_CONGESTION)
    d.cas(5, IDLE)
    assert incoming(d, 2).channel == 5


# ---- the card calls ----------------------------------------------------------------------------


def test_a_call_out_is_acknowledged_routed_and_answered(d):
    d.cas(3, SEIZED)
    at = d.now
    ack = d.until(CAS)
    assert (ack.channel, ack.a, ack.at - at) == (3, ACK, 80)
    d.say(3, keys("88000001"))
    tap = d.tap(3)
    d.report(1, lib.CTB_SE_RING_BEGIN)
    tap.clear()
    d.run(200)
    assert level_at(to_linear(tap), 450) == pytest.approx(-10, abs=0.3)
    d.lift(1)
    assert d.until(CAS).a == ANSWERED
    d.say(3, sine(600, 200))
    ear = d.hear(1, 200)
    d.run(200)
    assert level_at(to_linear(ear), 600) == pytest.approx(-10, abs=0.3)


def test_the_subscriber_leaves_first(d):
    outgoing(d)
    d.report(1, lib.CTB_SE_RING_BEGIN)
    d.lift(1)
    assert d.until(CAS).a == ANSWERED
    d.hang_up(1)
    assert d.until(CAS).a == ACK                               # clear-back
    d.cas(3, IDLE)
    at = d.now
    rest = d.until(CAS)
    assert (rest.a, rest.at - at) == (IDLE, 160)


def test_the_card_leaves_first(d):
    outgoing(d)
    d.report(1, lib.CTB_SE_RING_BEGIN)
    d.lift(1)
    assert d.until(CAS).a == ANSWERED
    d.cas(3, IDLE)
    d.report(1, lib.CTB_SE_CLEARED, 40)
    assert d.until(CAS).a == IDLE
    outgoing(d, digits="88000002")
    d.report(2, lib.CTB_SE_RING_BEGIN)


def test_the_card_gives_up_while_it_rings(d):
    outgoing(d)
    d.report(1, lib.CTB_SE_RING_BEGIN)
    d.cas(3, IDLE)
    d.report(1, lib.CTB_SE_RING_STOPPED, 40)


def test_seizing_again_at_once_waits_for_the_release_guard(d):
    outgoing(d)
    d.report(1, lib.CTB_SE_RING_BEGIN)
    d.cas(3, IDLE)
    d.run(20)
    d.cas(3, SEIZED)
    assert d.until(CAS, channel=3).a == IDLE
    assert d.until(CAS, channel=3).a == ACK


def test_a_vacant_number_is_told_in_the_band(d):
    outgoing(d, digits="99")
    d.run(1000)
    tap = d.tap(3)
    d.run(1400)
    assert d.seen(CAS) == []                                   # the bits stay
    assert level_at(to_linear(tap), 450) < -11                 # with pauses


def test_no_acknowledgement_by_fault(d):
    d.fault(lib.CTB_SF_NO_SEIZE_ACK, SPAN, 1)
    d.cas(0, SEIZED)
    d.run(3000)
    assert not d.seen(CAS)
    d.cas(0, IDLE)
    d.fault(lib.CTB_SF_NO_SEIZE_ACK, SPAN, 0)
    d.cas(0, SEIZED)
    assert d.until(CAS).a == ACK


def test_calls_from_line_to_timeslot_and_back(sim):
    d = sim("fxo=1,e1=1,phones=1")
    d.hook(0, True)
    d.run(400)
    d.say(0, keys("77005678"))
    seized = d.until(CAS)
    d.cas(seized.channel, ACK)
    tap = d.tap(seized.channel)
    d.run(1000)
    assert read_keys(to_linear(tap)) == "5678"
    d.cas(seized.channel, ANSWERED)
    d.run(100)
    d.say(0, sine(600, 200))
    tap.clear()
    d.run(200)
    assert level_at(to_linear(tap), 600) == pytest.approx(-10, abs=0.3)


# ---- alarms ------------------------------------------------------------------------------------


def alarms(d):
    return [(e.kind, e.span, e.a) for e in d.events
            if e.kind in (lib.CTB_EV_ALARM_RAISED, lib.CTB_EV_ALARM_CLEARED)]


def current(d):
    out = ffi.new("uint32_t *")
    assert d.table.get_alarms(d.board, SPAN, out) == 0
    return out[0]


@pytest.mark.parametrize("name", ["LOS", "LFA", "LMFA", "AIS", "RAI"])
def test_alarms_are_raised_and_cleared(d, name):
    bit = getattr(lib, f"CTB_ALARM_{name}")
    d.fault(lib.CTB_SF_ALARM, SPAN, bit)
    d.drain()
    assert alarms(d) == [(lib.CTB_EV_ALARM_RAISED, SPAN, bit)]
    assert d.events[0].channel == lib.CTB_NO_CHANNEL
    assert current(d) == bit
    d.fault(lib.CTB_SF_ALARM, SPAN, 0)
    d.drain()
    assert alarms(d)[1:] == [(lib.CTB_EV_ALARM_CLEARED, SPAN, bit)]
    assert current(d) == 0


@pytest.mark.parametrize("name", ["LOS", "LFA", "AIS"])
def test_without_frames_there_is_no_sound_and_no_signalling(d, name):
    channel = answered(d)
    d.fault(lib.CTB_SF_ALARM, SPAN, getattr(lib, f"CTB_ALARM_{name}"))
    d.play(0, to_alaw(sine(1000, 200)))
    tap, ear = d.tap(channel), d.hear(0, 200)
    d.say(channel, sine(600, 200))
    d.run(200)
    assert dbm0(to_linear(tap)) < -60
    assert dbm0(to_linear(ear)) < -60
    d.events.clear()
    d.hang_up(0)
    d.run(2000)
    assert not d.seen(CAS)                                     # frozen
    d.fault(lib.CTB_SF_ALARM, SPAN, 0)
    assert d.until(CAS, 20).a == IDLE                          # what was missed


def test_loss_of_multiframe_freezes_bits_but_not_sound(d):
    channel = answered(d)
    d.fault(lib.CTB_SF_ALARM, SPAN, lib.CTB_ALARM_LMFA)
    ear = d.hear(0, 200)
    d.say(channel, sine(600, 200))
    d.cas(channel, ACK)                                        # clear-back is not seen
    d.run(200)
    assert level_at(to_linear(ear), 600) == pytest.approx(-10, abs=0.3)
    assert not d.seen(lib.CTB_EV_STREET, a=lib.CTB_SE_CLEARED)
    d.fault(lib.CTB_SF_ALARM, SPAN, 0)
    d.report(0, lib.CTB_SE_CLEARED, 20)


def test_calls_avoid_a_span_in_alarm(sim):
    d = sim("e1=2,phones=2")
    d.fault(lib.CTB_SF_ALARM, 0, lib.CTB_ALARM_LOS)
    d.events.clear()
    assert incoming(d).channel == 30
    d.fault(lib.CTB_SF_ALARM, 1, lib.CTB_ALARM_LOS)
    d.watch(1, 1)
    d.lift(1)
    d.dial(1, "77001234", b=50, c=50)
    d.report(1, lib.CTB_SE_TONE, b=lib.CTB_TONE_CONGESTION)


def test_the_far_end_answers_our_alarm_with_rai(d):
    d.do(SPAN, lib.CTB_OP_ALARM, a=lib.CTB_ALARM_AIS)
    d.drain()
    assert alarms(d) == [(lib.CTB_EV_ALARM_RAISED, SPAN, lib.CTB_ALARM_RAI)]
    d.do(SPAN, lib.CTB_OP_ALARM, a=0)
    assert current(d) == 0
