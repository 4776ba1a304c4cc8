"""FXS ports: the card rings telephones, they answer, dial, flash and talk."""

import pytest
from sim_card import dbm0, level_at, lib, read_keys, sine, to_alaw, to_linear

HOOK = lib.CTB_EV_RAW_HOOK
PORT = 1           # with fxo=1: channel 1 is the FXS port of end 0


@pytest.fixture
def d(sim):
    return sim("fxo=1,fxs=2,phones=1")


def ring(d, on=1000, off=4000, **fields):
    d.do(PORT, lib.CTB_OP_RING, a=on, b=off, **fields)


def test_a_telephone_rings_with_the_cadence_that_the_card_gives(d):
    d.run(100)
    ring(d, 700, 1300)
    start = d.now
    d.run(5000)
    bells = [((e.at - start) // 8, e.a) for e in d.seen(lib.CTB_EV_STREET, channel=0)]
    begin, end = lib.CTB_SE_RING_BEGIN, lib.CTB_SE_RING_END
    assert bells == [(0, begin), (700, end), (2000, begin), (2700, end), (4000, begin), (4700, end)]
    ring(d, 0)
    d.run(3000)
    assert [e.a for e in d.seen(lib.CTB_EV_STREET)][6:] == [lib.CTB_SE_RING_STOPPED]


@pytest.mark.parametrize("wait_ms", [300, 2500])
def test_lifting_the_handset_trips_the_ring(d, wait_ms):
    ring(d)
    d.run(wait_ms)
    d.events.clear()
    at = d.now
    d.lift(0)
    d.run(10_000)
    assert [(e.at, e.channel, e.a) for e in d.seen(HOOK)] == [(at, PORT, 1)]
    bells = [e.a for e in d.seen(lib.CTB_EV_STREET)]
    assert bells == ([lib.CTB_SE_RING_END] if wait_ms < 1000 else [])


def test_ringing_a_telephone_that_is_off_hook_does_nothing(d):
    d.lift(0)
    ring(d)
    d.run(3000)
    assert not d.seen(lib.CTB_EV_STREET)


@pytest.mark.parametrize(("kind", "after_ms"), [(1, 1000), (2, 0)])
def test_a_card_with_media_of_its_own_sends_the_number(sim, kind, after_ms):
    d = sim("fxo=1,fxs=1,phones=1,media=board")
    ring(d, text="13800138000", c=kind)
    told = d.report(0, lib.CTB_SE_CALLER_ID)
    assert told.text == "13800138000"
    assert told.at == after_ms * 8


def test_talk_goes_both_ways_at_once(d):
    d.lift(0)
    sound = bytes(range(256)) * 5
    d.play(0, sound, cookie=7)
    tap, ear = d.tap(PORT), d.hear(0, 160, cookie=8)
    d.talkers[PORT] = sound[::-1]
    d.run(160)
    assert bytes(tap) == sound
    assert bytes(ear) == sound[::-1]
    assert d.seen(lib.CTB_EV_STREET, a=lib.CTB_SE_HEAR_DONE, cookie=8)[0].b == 1280
    done = d.seen(lib.CTB_EV_STREET, a=lib.CTB_SE_PLAY_DONE, cookie=7)[0]
    assert (done.at, done.b) == (1280, 0)


def test_a_telephone_dials_with_keys(d):
    d.lift(0)
    tap = d.tap(PORT)
    d.dial(0, "13,7#", b=80, c=80, d=-600, e=300, cookie=5)
    done = d.report(0, lib.CTB_SE_DIAL_DONE)
    assert (done.at, done.cookie) == ((4 * 160 + 500) * 8, 5)
    x = to_linear(tap)
    assert read_keys(x) == "137#"
    assert level_at(x[80:560], 697) == pytest.approx(-6, abs=0.5)
    assert level_at(x[80:560], 1209) == pytest.approx(-3, abs=0.5)
    assert dbm0(x[(320 + 10) * 8:(320 + 480) * 8]) < -60        # the pause of the comma


def test_a_telephone_dials_with_its_hook(d):
    d.lift(0)
    d.run(20)
    d.events.clear()
    d.dial(0, "20", f=1, cookie=4)
    d.report(0, lib.CTB_SE_DIAL_DONE, 5000)
    d.events.clear()
    d.hang_up(0)
    d.lift(0)
    d.run(20)
    d.events.clear()
    start = d.now
    d.dial(0, "2", f=1)
    d.run(1000)
    edges = [((e.at - start) / 8, e.a) for e in d.seen(HOOK)]
    assert edges == [(100, 0), (160, 1), (200, 0), (260, 1)]    # 60 ms open, 40 ms closed


@pytest.mark.parametrize("ms", [90, 500])
def test_a_flash_is_an_opening_of_exactly_that_length(d, ms):
    d.lift(0)
    d.run(200)
    d.street(0, lib.CTB_ST_FLASH, b=ms)
    opened = d.until(HOOK, a=0)
    closed = d.until(HOOK, a=1)
    assert closed.at - opened.at == ms * 8


def test_hanging_up_during_a_flash_stays_open(d):
    d.lift(0)
    d.run(100)
    d.events.clear()
    d.street(0, lib.CTB_ST_FLASH, b=500)
    d.run(100)
    d.hang_up(0)
    d.run(1000)
    assert [e.a for e in d.seen(HOOK)] == [0]


def test_an_on_hook_telephone_is_silent_and_deaf(d):
    d.play(0, to_alaw(sine(1000, 200)))
    ear, tap = d.hear(0, 100), d.tap(PORT)
    d.say(PORT, sine(1000, 100))
    d.run(100)
    assert dbm0(to_linear(tap)) < -60
    assert dbm0(to_linear(ear)) < -60
    d.lift(0)                                  # now what was to be played begins
    tap.clear()
    d.run(200)
    assert level_at(to_linear(tap), 1000) == pytest.approx(-10, abs=0.3)


def test_hanging_up_cuts_short_what_was_playing_and_dialling(d):
    d.lift(0)
    d.play(0, to_alaw(sine(1000, 200)), times=0, cookie=1)
    d.dial(0, "1234567890", cookie=2)
    d.run(300)
    d.hang_up(0)
    d.drain()
    assert [(e.a, e.b, e.cookie) for e in d.seen(lib.CTB_EV_STREET)] == [
        (lib.CTB_SE_DIAL_DONE, 1, 2), (lib.CTB_SE_PLAY_DONE, 1, 1)]


def test_a_loop_break_silences_the_line_for_its_time(d):
    d.lift(0)
    ear = d.hear(0, 1000)
    d.say(PORT, sine(1000, 1000))
    d.run(200)
    d.do(PORT, lib.CTB_OP_LOOP_BREAK, a=400)
    d.run(800)
    x = to_linear(ear)
    assert level_at(x[:1600], 1000) == pytest.approx(-10, abs=0.3)
    assert dbm0(x[1600:4800]) < -60
    assert level_at(x[4800:8000], 1000) == pytest.approx(-10, abs=0.3)


def test_polarity_is_taken(d):
    d.do(PORT, lib.CTB_OP_POLARITY, a=1)
    d.do(PORT, lib.CTB_OP_RESYNC)
    assert d.until(lib.CTB_EV_LINE_STATE).c & 2


def test_two_telephones_do_not_hear_each_other(d):
    d.lift(0)
    d.lift(1)
    d.play(0, to_alaw(sine(1000, 200)))
    tap, ear = d.tap(PORT + 1), d.hear(1, 200)
    d.run(200)
    assert dbm0(to_linear(tap)) < -60
    assert dbm0(to_linear(ear)) < -60


def test_a_query_tells_how_a_telephone_stands(d):
    d.street(0, lib.CTB_ST_QUERY)
    info = d.report(0, lib.CTB_SE_INFO)
    assert (info.b, info.c, info.text) == (0, 0, "")
    d.lift(0)
    d.street(0, lib.CTB_ST_QUERY)
    assert d.report(0, lib.CTB_SE_INFO).b == 1
    d.street(2, lib.CTB_ST_QUERY)
    info = d.report(2, lib.CTB_SE_INFO)
    assert (info.b, info.c, info.text) == (0, 0, "88000000")
