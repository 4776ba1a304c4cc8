"""media=board: the card's own processor plays, records, dials, hears and connects."""

import numpy as np
import pytest
from sim_card import SILENCE, dbm0, ffi, keys, level_at, lib, read_keys, sine, to_alaw, to_linear

END, STOPPED, DIGIT, CLOSED = 0, 1, 2, 5
EINVAL, EBUSY, ENOENT, ENOSYS = -22, -16, -2, -38


class Ring:
    """A ctb_ring_t and its memory."""

    def __init__(self, size, data=b""):
        self.memory = ffi.new("uint8_t[]", size)
        self.ring = ffi.new("ctb_ring_t *", {"data": self.memory, "size": size})
        self.write(data)

    def write(self, data):
        head, size = self.ring.head, self.ring.size
        assert head + len(data) - self.ring.tail <= size
        for i, byte in enumerate(data):
            self.memory[(head + i) % size] = byte
        self.ring.head = head + len(data)

    def close(self):
        self.ring.closed = 1

    def read(self):
        head, tail, size = self.ring.head, self.ring.tail, self.ring.size
        out = bytes(self.memory[i % size] for i in range(tail, head))
        self.ring.tail = head
        return out


@pytest.fixture
def d(sim):
    board = sim("fxs=3,phones=0,media=board")
    board.lift(0)
    board.lift(1)
    board.drain()
    board.events.clear()
    return board


def play(d, channel, data, cookie=1, size=16384, close=True):
    ring = Ring(size, data)
    if close:
        ring.close()
    d.keep.append(ring)
    d.do(channel, lib.CTB_OP_PLAY_START, data=ring.ring, cookie=cookie)
    return ring


def tone(d, channel, *steps, cycles=0, cookie=1, tone_id=1):
    t = ffi.new("ctb_tone_t *", {"id": tone_id, "steps": len(steps), "cycles": cycles})
    for i, (hz, level, on, off) in enumerate(steps):
        t.step[i] = {"hz": hz, "dbm0": level, "on_ms": on, "off_ms": off}
    d.do(channel, lib.CTB_OP_TONE, data=t, cookie=cookie)


def test_a_player_is_heard_and_ends_on_its_sample(d):
    sound = bytes(range(256)) * 4 + bytes(70)
    ear = d.hear(0, 160)
    play(d, 0, sound, cookie=9)
    d.run(160)
    assert bytes(ear[:1094]) == sound
    assert set(ear[1094:]) == {SILENCE}
    [done] = d.seen(lib.CTB_EV_PLAY_DONE)
    assert (done.at, done.channel, done.cookie, done.a, done.b) == (1094, 0, 9, END, 1094)


def test_a_ring_wraps_and_is_filled_again(d):
    ear = d.hear(0, 400)
    sound = bytes(np.random.default_rng(3).integers(0, 256, 3000, dtype=np.uint8))
    ring = play(d, 0, sound[:900], size=1024, close=False)
    done = 900
    while done < 3000:
        d.step()
        room = min(1024 - (ring.ring.head - ring.ring.tail), 3000 - done)
        ring.write(sound[done:done + room])
        done += room
    ring.close()
    d.run(400)
    assert bytes(ear[:3000]) == sound
    assert not d.seen(lib.CTB_EV_MEDIA_UNDERRUN)


def test_an_empty_ring_is_told_once_and_goes_on(d):
    ear = d.hear(0, 200)
    ring = play(d, 0, bytes([5]) * 400, cookie=2, close=False)
    d.run(100)
    [under] = d.seen(lib.CTB_EV_MEDIA_UNDERRUN)
    assert (under.at, under.cookie, under.a) == (400, 2, 80)
    ring.write(bytes([6]) * 100)
    ring.close()
    d.run(100)
    assert set(ear[400:800]) == {SILENCE}
    assert set(ear[800:900]) == {6}
    assert d.seen(lib.CTB_EV_PLAY_DONE)[0].b == 500


def test_stop_and_pause(d):
    ear = d.hear(0, 200)
    play(d, 0, bytes([7]) * 4000, cookie=3)
    d.run(40)
    d.do(0, lib.CTB_OP_PLAY_PAUSE, cookie=3, a=1)
    d.run(40)
    d.do(0, lib.CTB_OP_PLAY_PAUSE, cookie=3, a=0)
    d.run(40)
    d.do(0, lib.CTB_OP_PLAY_STOP, cookie=3, a=DIGIT)
    d.run(80)
    assert [set(ear[i:i + 320]) for i in (0, 320, 640, 960)] == [{7}, {SILENCE}, {7}, {SILENCE}]
    [done] = d.seen(lib.CTB_EV_PLAY_DONE)
    assert (done.a, done.b) == (DIGIT, 640)
    assert d.command(0, lib.CTB_OP_PLAY_STOP, cookie=3) == ENOENT


def test_everything_that_sounds_is_added(d):
    ear = d.hear(0, 200)
    play(d, 0, to_alaw(sine(1000, 400)), cookie=1)
    play(d, 0, to_alaw(sine(1500, 400, -13)), cookie=2)
    tone(d, 0, ([450, 0], [-16, 0], 0, 0), cookie=3)
    d.say(0, sine(2000, 400, -19))
    d.run(200)
    x = to_linear(ear)
    assert [round(level_at(x, f)) for f in (1000, 1500, 450, 2000)] == [-10, -13, -16, -19]


def test_two_sounds_without_a_tone_are_added_too(d):
    ear = d.hear(0, 200)
    play(d, 0, to_alaw(sine(1000, 400)), cookie=1)
    play(d, 0, to_alaw(sine(1500, 400, -13)), cookie=2)
    d.run(200)
    assert [round(level_at(to_linear(ear), f)) for f in (1000, 1500)] == [-10, -13]


def test_tones_with_cadence_end_and_can_be_stopped(d):
    ear = d.hear(0, 2000)
    tone(d, 0, ([350, 440], [-13, -13], 100, 50), ([620, 0], [-10, 0], 70, 30), cycles=2, cookie=4)
    d.run(600)
    [done] = d.seen(lib.CTB_EV_TONE_DONE)
    assert (done.at, done.cookie, done.a) == (500 * 8, 4, END)
    x = to_linear(ear)
    assert [round(level_at(x[2000:2800], f)) for f in (350, 440)] == [-13, -13]
    assert level_at(x[1200:1760], 620) == pytest.approx(-10, abs=0.4)
    assert dbm0(x[820:1180]) < -60
    tone(d, 0, ([450, 0], [-10, 0], 0, 0), cookie=5)
    d.run(200)
    d.events.clear()
    d.do(0, lib.CTB_OP_TONE_STOP)
    d.drain()
    assert [(e.cookie, e.a) for e in d.seen(lib.CTB_EV_TONE_DONE)] == [(5, STOPPED)]


def test_digits_are_dialled(d):
    ear = d.hear(0, 1000)
    d.do(0, lib.CTB_OP_DIAL, text="5#A", a=70, b=80, c=-800, d=200, cookie=6)
    d.run(1000)
    x = to_linear(ear)
    assert read_keys(x) == "5#A"
    assert level_at(x[:560], 770) == pytest.approx(-8, abs=0.3)
    assert level_at(x[:560], 1336) == pytest.approx(-6, abs=0.3)
    [done] = d.seen(lib.CTB_EV_TONE_DONE)
    assert (done.at, done.cookie, done.a) == (450 * 8, 6, END)
    assert d.command(0, lib.CTB_OP_DIAL, text="5x", a=70, b=70) == EINVAL


def test_recording_both_sides(d):
    ring = Ring(16384)
    d.do(0, lib.CTB_OP_RECORD_START, data=ring.ring, cookie=8, a=2)
    said, sent = bytes(range(256)) * 2, bytes([9]) * 400
    d.play(0, said)
    play(d, 0, sent)
    d.run(100)
    d.do(0, lib.CTB_OP_RECORD_STOP, cookie=8)
    d.drain()
    heard = ring.read()
    assert heard[0::2] == said + bytes([SILENCE]) * (800 - 512)
    assert heard[1::2] == sent + bytes([SILENCE]) * 400
    [done] = d.seen(lib.CTB_EV_RECORD_DONE)
    assert (done.cookie, done.a, done.b, done.d) == (8, STOPPED, 800, 0)
    assert ring.ring.closed == 1
    assert d.command(0, lib.CTB_OP_RECORD_STOP, cookie=8) == ENOENT


def test_recording_one_side_of_a_silent_line(d):
    ring = Ring(4096)
    d.do(2, lib.CTB_OP_RECORD_START, data=ring.ring, cookie=1, a=1)
    d.run(200)
    assert ring.read() == bytes([SILENCE]) * 1600


def test_a_full_ring_loses_sound_and_says_so(d):
    ring = Ring(1024)
    d.do(0, lib.CTB_OP_RECORD_START, data=ring.ring, cookie=8, a=1)
    d.run(200)
    over = d.seen(lib.CTB_EV_MEDIA_OVERRUN)
    assert [(e.at, e.cookie, e.a) for e in over] == [(1024, 8, 96)]
    assert ring.ring.lost == 1600 - 1024
    d.do(0, lib.CTB_OP_RECORD_STOP, cookie=8, a=DIGIT)
    d.drain()
    [done] = d.seen(lib.CTB_EV_RECORD_DONE)
    assert (done.a, done.b, done.d) == (DIGIT, 1024, 576)


def test_channels_hear_each_other(d):
    d.do(0, lib.CTB_OP_LISTEN, a=1)
    ear, other = d.hear(0, 200), d.hear(1, 200)
    sound = bytes(range(1, 161)) * 4
    d.play(1, sound)
    d.run(200)
    assert bytes(ear[160:800]) == sound                        # one frame later
    assert dbm0(to_linear(other)) < -60                        # one way only
    d.do(0, lib.CTB_OP_LISTEN, a=-1)
    d.play(1, sound)
    ear = d.hear(0, 100)
    d.run(100)
    assert dbm0(to_linear(ear)) < -60
    assert d.command(0, lib.CTB_OP_LISTEN, a=99) == EINVAL


def test_a_cross_connect_is_added_to_what_the_card_plays(d):
    d.do(0, lib.CTB_OP_LISTEN, a=1)
    ear = d.hear(0, 220)
    d.play(1, to_alaw(sine(1000, 400)))
    play(d, 0, to_alaw(sine(1500, 400)))
    d.run(220)
    x = to_linear(ear)[160:]
    assert [round(level_at(x, f)) for f in (1000, 1500)] == [-10, -10]


@pytest.mark.parametrize("shift", [0, 25, 80, 133])
def test_digits_are_reported_with_level_twist_and_times(d, shift):
    d.do(0, lib.CTB_OP_DETECT_ARM, a=1)
    low, high = 770, 1336
    key = sine(low, 60, -12) + sine(high, 60, -9)
    d.play(0, to_alaw(np.r_[np.zeros(800 + shift), key, np.zeros(800)]))
    d.run(400)
    [begin] = d.seen(lib.CTB_EV_DTMF_BEGIN)
    [end] = d.seen(lib.CTB_EV_DTMF_END)
    slack = d.info.time_uncertainty
    assert (begin.channel, begin.a, end.a) == (0, ord("5"), ord("5"))
    assert begin.c == pytest.approx(300, abs=60)
    assert begin.b == pytest.approx(-724, abs=100)             # power of both
    assert begin.at - begin.d == pytest.approx(800 + shift, abs=slack)
    assert end.at - end.d == pytest.approx(800 + shift + 480, abs=slack)
    assert end.b == pytest.approx(480, abs=2 * slack)


def test_tones_of_the_plan_are_reported(d):
    plan = ffi.new("ctb_tone_t[2]")
    plan[0] = {"id": 1, "steps": 1, "min_cycles": 1}
    plan[0].step[0] = {"hz": [450, 0], "dbm0": [-10, 0]}
    plan[1] = {"id": 3, "steps": 1, "min_cycles": 2}
    plan[1].step[0] = {"hz": [450, 0], "dbm0": [-10, 0], "on_ms": 350, "off_ms": 350}
    d.do(lib.CTB_NO_CHANNEL, lib.CTB_OP_TONE_PLAN, data=plan, size=ffi.sizeof(plan))
    d.do(0, lib.CTB_OP_DETECT_ARM, a=2)
    d.play(0, to_alaw(np.concatenate([np.r_[sine(450, 350), np.zeros(2800)]] * 5)))
    d.run(6000)
    told = [(e.kind, e.a) for e in d.events if e.kind in (lib.CTB_EV_TONE_ON, lib.CTB_EV_TONE_OFF)]
    assert told == [(lib.CTB_EV_TONE_ON, 3), (lib.CTB_EV_TONE_OFF, 3)]
    assert d.seen(lib.CTB_EV_TONE_ON)[0].b == pytest.approx(-1000, abs=100)
    assert d.command(0, lib.CTB_OP_TONE_PLAN, data=plan, size=7) == EINVAL


def test_talk_is_reported(d):
    d.do(0, lib.CTB_OP_DETECT_ARM, a=4)
    rng = np.random.default_rng(4)
    d.play(0, to_alaw(np.r_[np.zeros(800), rng.normal(0, 2000, 8000), np.zeros(80)]))
    d.run(2000)
    [begin] = d.seen(lib.CTB_EV_TALK_BEGIN)
    [end] = d.seen(lib.CTB_EV_TALK_END)
    assert begin.at == pytest.approx(800 + 480, abs=80)
    assert begin.a == pytest.approx(100 * dbm0(np.array([2000.0])), abs=150)
    assert end.a == pytest.approx(1000, abs=20)
    assert end.at == pytest.approx(8800 + 4000, abs=80)


def test_only_what_is_armed_is_reported(d):
    d.play(0, to_alaw(keys("123")), times=0)
    d.run(400)
    assert not d.events
    d.do(0, lib.CTB_OP_DETECT_ARM, a=1)
    d.run(400)
    assert d.seen(lib.CTB_EV_DTMF_BEGIN)
    d.do(0, lib.CTB_OP_DETECT_ARM, a=0)
    d.events.clear()
    d.run(400)
    assert not d.events
    assert d.command(0, lib.CTB_OP_DETECT_ARM, a=8) == ENOSYS


def test_the_host_hears_while_the_card_works(d):
    d.do(0, lib.CTB_OP_DETECT_ARM, a=1)
    d.play(0, to_alaw(sine(1000, 200)))
    tap = d.tap(0)
    d.run(200)
    assert level_at(to_linear(tap), 1000) == pytest.approx(-10, abs=0.3)


def test_closing_a_channel_ends_all_its_media(d):
    d.table.channel_open(d.board, 0)
    ring = Ring(1024)
    play(d, 0, bytes(800), cookie=1)
    d.do(0, lib.CTB_OP_RECORD_START, data=ring.ring, cookie=2, a=1)
    tone(d, 0, ([450, 0], [-10, 0], 0, 0), cookie=3)
    d.do(0, lib.CTB_OP_DETECT_ARM, a=7)
    d.do(0, lib.CTB_OP_LISTEN, a=1)
    d.run(20)
    d.table.channel_close(d.board, 0)
    d.drain()
    done = {(e.kind, e.cookie, e.a) for e in d.events}
    assert done == {(lib.CTB_EV_PLAY_DONE, 1, CLOSED), (lib.CTB_EV_RECORD_DONE, 2, CLOSED),
                    (lib.CTB_EV_TONE_DONE, 3, CLOSED)}
    d.run(40)
    d.drain()
    assert d.skip(10) == (10, True)


def test_wrong_rings_and_too_many(d):
    assert d.command(0, lib.CTB_OP_PLAY_START) == EINVAL
    odd = Ring(1024)
    odd.ring.size = 1000
    assert d.command(0, lib.CTB_OP_PLAY_START, data=odd.ring) == EINVAL
    good = Ring(1024)
    assert d.command(0, lib.CTB_OP_RECORD_START, data=good.ring, a=3) == EINVAL
    results = [d.command(0, lib.CTB_OP_PLAY_START, data=good.ring, cookie=i) for i in range(5)]
    assert results == [0, 0, 0, 0, EBUSY]
    bad = ffi.new("ctb_tone_t *", {"steps": 0})
    assert d.command(0, lib.CTB_OP_TONE, data=bad) == EINVAL


def test_quiet_frames_are_passed_over_when_nothing_is_at_work(d):
    d.do(0, lib.CTB_OP_DETECT_ARM, a=7)
    d.do(1, lib.CTB_OP_LISTEN, a=0)
    assert d.skip(50)[0] == 50
    play(d, 0, bytes(320))
    assert d.skip(50)[0] == 0
    d.run(60)
    d.drain()
    assert d.skip(50)[0] == 50
