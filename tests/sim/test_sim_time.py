"""Time: the same seed gives the same samples and events, and frames that are passed over by
idle_hint change nothing."""

import hashlib
import random
from types import SimpleNamespace

import numpy as np
import pytest
from sim_card import FRAME, SILENCE, ffi, keys, lib, sine, to_alaw, to_linear

SPEC = "fxo=3,fxs=3,e1=1,phones=6"
SOUND = to_alaw(np.r_[sine(700, 500), np.zeros(3000), sine(1900, 300)])


def dial(d, p, **fields):
    d.command(p.end, lib.CTB_OP_STREET, a=lib.CTB_ST_DIAL, text=p.number, **fields)


def impair(d, p):
    d.street(p.end, lib.CTB_ST_IMPAIR, b=200, c=-4500 * p.flag, d=1300 * (1 - p.flag), e=700)


def rest(d, p):
    """The whole street goes quiet."""
    for end in range(9):
        d.hang_up(end)
        d.street(end, lib.CTB_ST_IMPAIR)
    for channel in range(3):
        d.hook(channel, False)
        d.do(3 + channel, lib.CTB_OP_RING, a=0)
        d.cas(6 + channel, 9)


# what people, card and street may do; p: where and how
ACTS = [
    lambda d, p: d.lift(p.end), lambda d, p: d.lift(p.end), lambda d, p: d.hang_up(p.end), rest,
    lambda d, p: d.hang_up(p.end), lambda d, p: d.hook(p.fxo, False), rest, rest, rest,
    lambda d, p: dial(d, p, b=50, c=50), lambda d, p: dial(d, p, f=1), impair,
    lambda d, p: d.play(p.end, SOUND, p.flag + 1), lambda d, p: d.watch(p.end, 7),
    lambda d, p: d.command(p.end, lib.CTB_OP_STREET, a=lib.CTB_ST_FLASH, b=200),
    lambda d, p: d.hook(p.fxo, True), lambda d, p: d.hook(p.fxo, True),
    lambda d, p: d.hook(p.fxo, False), lambda d, p: d.command(p.fxo, lib.CTB_OP_FLASH, a=150),
    lambda d, p: d.say(p.fxo, keys(p.number)),
    lambda d, p: d.command(p.fxo, lib.CTB_OP_PULSE_DIAL, text="88000003", a=100, b=60),
    lambda d, p: d.do(p.fxs, lib.CTB_OP_RING, a=1000, b=4000, text="123", c=1),
    lambda d, p: d.do(p.fxs, lib.CTB_OP_RING, a=0),
    lambda d, p: d.say(p.fxs, np.r_[sine(450, 1500), np.zeros(800)]),
    lambda d, p: d.cas(p.slot, p.bits), lambda d, p: d.cas(p.slot, p.bits),
    lambda d, p: d.fault(lib.CTB_SF_LINE_CUT, p.fxo, p.flag),
    lambda d, p: d.fault(lib.CTB_SF_ALARM, 2, p.alarm),
    lambda d, p: d.option(lib.CTB_SO_CALLER_ID, p.three),
    lambda d, p: d.option(lib.CTB_SO_CLEAR, p.three * 2 + p.flag),
]


def tone(d, p):
    t = ffi.new("ctb_tone_t *", {"id": 1, "steps": 1, "cycles": 2})
    t.step[0] = {"hz": [450, 0], "dbm0": [-10, 0], "on_ms": 150, "off_ms": 350}
    d.do(p.fxs, lib.CTB_OP_TONE, data=t, cookie=77)


# what the card's own processor may do
BOARD_ACTS = [
    tone, lambda d, p: d.do(p.fxs, lib.CTB_OP_DETECT_ARM, a=7 * p.flag),
    lambda d, p: d.do(p.fxo, lib.CTB_OP_DETECT_ARM, a=7 * p.flag),
    lambda d, p: d.do(p.fxo, lib.CTB_OP_LISTEN, a=p.fxs if p.flag else -1),
    lambda d, p: d.do(p.fxs, lib.CTB_OP_LISTEN, a=p.fxo if p.flag else -1),
    lambda d, p: d.do(p.fxo, lib.CTB_OP_DIAL, text=p.number, a=60, b=60, c=-900, d=200),
]
NUMBERS = ["66000000", "66008000", "88000002", "88000004", "77001234", "12"]


def script(seed, frames, acts=ACTS):
    """Frame number -> what to do then, and with whom."""
    rng = random.Random(seed)
    plan = {}
    for _ in range(frames // 25):
        picks = SimpleNamespace(
            end=rng.randrange(9), fxo=rng.randrange(3), fxs=3 + rng.randrange(3),
            slot=6 + rng.randrange(3), number=rng.choice(NUMBERS), flag=rng.randrange(2),
            bits=rng.choice([9, 1, 5, 13]), alarm=rng.choice([0, 0, 1, 8, 16]),
            three=rng.randrange(3))
        plan.setdefault(rng.randrange(frames), []).append((rng.choice(acts), picks))
    return plan


class Trace:
    """A hash of everything that the card let out, silence included."""

    def __init__(self, d):
        self.d, self.hash, self.live = d, hashlib.sha256(), 0

    def frame(self):
        for channel in range(self.d.channels):
            if self.d.live(channel):
                self.live += 1
                self.hash.update(b"%d:%d" % (self.d.frames, channel))
                self.hash.update(self.d.rx[channel * FRAME:(channel + 1) * FRAME])

    def result(self):
        events = [tuple(vars(e).values()) for e in self.d.events]
        return self.hash.hexdigest(), self.live, events


def run(d, plan, frames, jumps=None):
    """Follow the script; with `jumps` (a random.Random) pass over frames where possible."""
    trace, skipped = Trace(d), 0
    stops = sorted([*plan, frames])
    while d.frames < frames:
        for act, picks in plan.get(d.frames, []):
            act(d, picks)
        d.drain()
        if jumps and not d.talkers:
            room = min(s for s in stops if s > d.frames) - d.frames
            went, _ = d.skip(jumps.randrange(room + 1))
            skipped += went
            if went:
                continue
        d.step()
        trace.frame()
    return trace.result(), skipped


@pytest.mark.parametrize("spec", ["", ",media=board", ",latency=2,country=uk"])
@pytest.mark.parametrize("seed", range(4))
def test_passing_over_quiet_frames_changes_nothing(sim, seed, spec):
    frames, acts = 8000, ACTS + BOARD_ACTS * ("board" in spec)
    slow, _ = run(sim(SPEC + spec), script(seed, frames, acts), frames)
    fast, skipped = run(sim(SPEC + spec), script(seed, frames, acts), frames, random.Random(seed))
    assert fast[2] == slow[2]
    assert fast[:2] == slow[:2]
    assert slow[1] > 100
    assert len(slow[2]) > 50
    assert skipped > frames // 20


def test_the_same_seed_is_the_same_run(sim):
    first, _ = run(sim(SPEC + ",seed=5"), script(1, 3000), 3000)
    again, _ = run(sim(SPEC + ",seed=5"), script(1, 3000), 3000)
    assert first == again


def noise(sim, spec, channel=0):
    d = sim(spec)
    for end in range(2):
        d.street(end, lib.CTB_ST_IMPAIR, c=-4000)
        d.lift(end)
    taps = [d.tap(0), d.tap(1)]
    d.run(1000)
    return [bytes(t) for t in taps]


def test_noise_depends_on_seed_and_line(sim):
    one, same, other = (noise(sim, f"fxs=2,phones=0,seed={s}") for s in (1, 1, 2))
    assert one == same
    assert one[0] != other[0]
    for a, b in [(one[0], other[0]), (one[0], one[1])]:
        assert np.corrcoef(to_linear(a), to_linear(b))[0, 1] == pytest.approx(0, abs=0.05)


def test_an_idle_street_passes_over_any_time(sim):
    d = sim(SPEC)
    assert d.skip(1_000_000) == (1_000_000, True)
    d.do(3, lib.CTB_OP_RING, a=1000, b=4000)
    assert d.skip(100) == (0, False)              # the first burst begins in the coming frame
    d.step()
    d.drain()
    assert d.skip(1000) == (49, False)            # the burst ends in the 50th frame after
    d.step()
    assert d.events[-1].at == 1_000_000 * FRAME + 8000


def test_events_that_wait_are_not_passed_over(sim):
    d = sim(SPEC)
    d.lift(0)
    assert d.skip(10) == (0, False)
    d.drain()
    assert d.skip(10) == (10, True)               # off-hook and quiet


def test_sound_is_not_passed_over(sim):
    d = sim(SPEC)
    d.lift(0)
    d.play(0, SOUND)
    d.drain()
    assert d.skip(10) == (0, False)
    d.run(1200)
    d.drain()
    assert d.skip(10)[0] == 10
    d.hook(0, True)
    d.run(400)
    d.drain()
    assert d.skip(10)[0] == 0                     # dial tone
    assert d.skip(0)[0] == 0


def test_times_of_events_are_not_bound_to_frames(sim):
    d = sim("fxs=1,phones=0")
    d.lift(0)
    d.street(0, lib.CTB_ST_FLASH, b=95)
    assert d.until(lib.CTB_EV_RAW_HOOK, a=0).at == 0
    assert d.until(lib.CTB_EV_RAW_HOOK, a=1).at == 95 * 8


def test_what_ends_within_a_frame_is_told_in_order(sim):
    d = sim("fxs=3,phones=0")
    for end, samples in enumerate((150, 30, 90)):
        d.lift(end)
        d.play(end, bytes(samples), cookie=samples)
    d.step()
    done = d.seen(lib.CTB_EV_STREET)
    assert [(e.at, e.cookie) for e in done] == [(30, 30), (90, 90), (150, 150)]


def test_events_come_in_order_of_time(sim):
    d = sim(SPEC)
    run(d, script(11, 5000), 5000)
    times = [e.at for e in d.events]
    assert times == sorted(times)


@pytest.mark.parametrize("frames", [1, 3])
def test_declared_latency_is_real(sim, frames):
    d = sim(f"fxs=1,phones=0,latency={frames}")
    assert d.info.latency_rx == d.info.latency_tx == frames * FRAME
    d.lift(0)
    sound = bytes(range(1, 161)) * 4
    d.play(0, sound)
    tap, ear = d.tap(0), d.hear(0, 200)
    d.talkers[0] = sound
    d.run(200)
    for heard in (tap, ear):
        assert set(heard[:frames * FRAME]) == {SILENCE}
        assert bytes(heard[frames * FRAME:frames * FRAME + 640]) == sound
        assert set(heard[frames * FRAME + 640:]) == {SILENCE}


def test_sound_on_its_way_is_not_passed_over(sim):
    d = sim("fxs=1,phones=0,latency=4")
    d.lift(0)
    d.play(0, bytes(160))
    d.step()
    d.drain()
    assert d.skip(10)[0] == 0
    d.run(100)
    assert d.skip(10)[0] == 10
