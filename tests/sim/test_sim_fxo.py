"""FXO lines: the exchange rings, the card answers, dials and is told that the far end left."""

import numpy as np
import pytest
from sim_card import dbm0, keys, level_at, lib, read_keys, sine, to_alaw, to_linear

RING, BATTERY, POLARITY = lib.CTB_EV_RAW_RING, lib.CTB_EV_RAW_BATTERY, lib.CTB_EV_RAW_POLARITY
CALLER = 1         # with fxs=1: end 0 is the telephone at the FXS port


def call(d, number="66000000", end=CALLER):
    d.lift(end)
    d.dial(end, number, b=50, c=50)


def ringing(sim, spec="fxo=2,fxs=1,phones=4"):
    d = sim(spec)
    d.option(lib.CTB_SO_CALLER_ID, 0)
    call(d)
    first = d.until(RING, channel=0, a=1)
    return d, first.at


def talking(sim, **options):
    d, _ = ringing(sim)
    for name, value in options.items():
        d.option(getattr(lib, name), value)
    d.hook(0, True)
    d.report(CALLER, lib.CTB_SE_ANSWERED)
    return d


# ---- called -----------------------------------------------------------------------------------


def test_an_outside_subscriber_rings_a_line_in_the_country_cadence(sim):
    d, first = ringing(sim)
    d.run(11_000)
    rings = [(e.at - first, e.a) for e in d.seen(RING)]
    assert rings == [(8000, 0), (40_000, 1), (48_000, 0), (80_000, 1), (88_000, 0)]


@pytest.mark.parametrize(("country", "edges"), [
    ("us", [2000, 6000, 8000]), ("de", [1000, 5000, 6000]),
    ("uk", [400, 600, 1000, 3000, 3400, 3600, 4000])])
def test_ring_cadence_of_other_countries(sim, country, edges):
    d, first = ringing(sim, f"fxo=1,fxs=1,phones=2,country={country}")
    d.run(edges[-1] + 40)
    assert [(e.at - first) / 8 for e in d.seen(RING)] == edges


def test_ring_cadence_by_option(sim):
    d = sim("fxo=1,fxs=1,phones=1")
    d.option(lib.CTB_SO_RING_MS, 500 << 16 | 700)
    call(d)
    first = d.until(RING).at
    d.run(2000)
    assert [(e.at - first) // 8 for e in d.seen(RING)] == [500, 1200, 1700]


def test_the_caller_hears_dial_tone_then_ringback_and_is_answered(sim):
    d = sim("fxo=1,fxs=1,phones=1")
    d.watch(CALLER)
    d.lift(CALLER)
    d.report(CALLER, lib.CTB_SE_TONE, b=lib.CTB_TONE_DIAL)
    d.dial(CALLER, "66000000", cookie=42)
    d.report(CALLER, lib.CTB_SE_TONE, b=lib.CTB_TONE_NONE)   # the first digit ends it
    assert d.report(CALLER, lib.CTB_SE_DIAL_DONE).cookie == 42
    d.report(CALLER, lib.CTB_SE_TONE, b=lib.CTB_TONE_RINGBACK)
    d.hook(0, True)
    d.report(CALLER, lib.CTB_SE_ANSWERED)


@pytest.mark.parametrize("wait_ms", [500, 2500])
def test_the_card_answers_in_a_burst_and_between_two(sim, wait_ms):
    d, _ = ringing(sim)
    d.run(wait_ms)
    d.events.clear()
    at = d.now
    d.hook(0, True)
    d.run(6000)
    stops = d.seen(RING)
    assert [(e.at, e.a) for e in stops] == ([(at, 0)] if wait_ms < 1000 else [])
    assert d.seen(lib.CTB_EV_STREET, a=lib.CTB_SE_ANSWERED)[0].at == at


def test_taking_the_loop_before_the_first_burst_answers_the_call(sim):
    """Glare on a loop-start line: whoever takes the loop gets the call that is waiting."""
    d = sim("fxo=1,fxs=1,phones=1")
    d.option(lib.CTB_SO_CALLER_ID, 2)
    call(d)
    tap = d.tap(0)
    while dbm0(to_linear(tap)[-160:] if tap else np.zeros(1)) < -40:     # the D before ring 1
        d.step()
        assert d.now < 40_000
    assert not d.seen(RING)
    d.hook(0, True)
    d.report(CALLER, lib.CTB_SE_ANSWERED, 100)
    d.run(3000)
    assert not d.seen(RING)


def test_sound_goes_both_ways_unchanged_and_in_the_same_frame(sim):
    d = talking(sim)
    sound = bytes(range(256)) * 5
    d.play(CALLER, sound)
    tap, ear = d.tap(0), d.hear(CALLER, 160)
    d.talkers[0] = sound[::-1]
    d.run(160)
    assert bytes(tap) == sound
    assert bytes(ear) == sound[::-1]


def test_a_caller_who_gives_up_stops_the_ring(sim):
    d, first = ringing(sim)
    d.run(200)
    d.hang_up(CALLER)
    d.run(6000)
    [stop] = d.seen(RING)
    assert stop.a == 0
    # the exchange waits 400 ms: a shorter opening is a flash or a pulse
    assert stop.at == pytest.approx(first + 200 * 8 + 400 * 8, abs=160)


def test_the_pilot_number_hunts_and_then_is_busy(sim):
    d = sim("fxo=2,fxs=1,phones=4")
    rung = []
    for end in (1, 2):
        call(d, "66008000", end)
        rung.append(d.until(RING, a=1).channel)
    assert rung == [0, 1]
    d.watch(3, 1)
    call(d, "66008000", 3)
    d.report(3, lib.CTB_SE_TONE, b=lib.CTB_TONE_BUSY)
    d.hang_up(1)
    d.hang_up(3)
    d.run(1000)
    call(d, "66008000", 3)
    assert d.until(RING, a=1).channel == 0


@pytest.mark.parametrize(("number", "tone"), [
    ("66000001", "BUSY"), ("66000009", "VACANT"), ("12345678", "VACANT"), ("88000001", "BUSY"),
    ("88000999", "VACANT"), ("77001234", "VACANT"), ("6600", "VACANT"), ("88000000", "BUSY")])
def test_calls_that_cannot_be_completed(sim, number, tone):
    d = sim("fxo=2,fxs=1,phones=4")
    d.hook(1, True)                 # line 1 is taken by the card
    d.lift(2)                       # 88000001 is off-hook
    d.watch(CALLER, 1)
    call(d, number)                 # 88000000 is the caller itself
    d.report(CALLER, lib.CTB_SE_TONE, b=getattr(lib, f"CTB_TONE_{tone}"))


# ---- the far end left --------------------------------------------------------------------------


def cadence(codes, frames=2):
    """Lengths of on and off in ms, from the envelope in steps of 5 ms."""
    x = np.abs(to_linear(codes)).reshape(-1, 40).max(axis=1) > 300
    edges = np.flatnonzero(np.diff(x.astype(int))) + 1
    return [int(n) * 5 for n in np.diff(edges)]


def test_busy_tone_tells_that_the_caller_left(sim):
    d = talking(sim)
    d.hang_up(CALLER)
    d.run(420)
    tap = d.tap(0)
    d.run(3000)
    assert set(cadence(tap)) == {350}
    loud = to_linear(tap)
    assert level_at(loud[np.abs(loud) > 0][:1600], 450) == pytest.approx(-10, abs=0.6)
    assert not d.seen(POLARITY) + d.seen(BATTERY)


def test_clearing_by_polarity_and_by_loop_break_without_a_tone(sim):
    d = talking(sim, CTB_SO_CLEAR=6)
    d.hang_up(CALLER)
    reversal = d.until(POLARITY, a=1)
    lost = d.until(BATTERY, a=0)
    back = d.until(BATTERY, a=1)
    assert reversal.at == lost.at
    assert back.at - lost.at == 400 * 8
    assert not d.live(0)
    d.hook(0, False)
    d.until(POLARITY, a=0)          # the line goes back to normal when it is free


def test_answer_reversal_and_its_return(sim):
    d = sim("fxo=1,fxs=1,phones=1")
    d.option(lib.CTB_SO_ANSWER_REVERSAL, 1)
    d.option(lib.CTB_SO_CLEAR, 2)
    d.hook(0, True)
    d.say(0, keys("88000000"))
    d.report(CALLER, lib.CTB_SE_RING_BEGIN)
    assert not d.seen(POLARITY)
    at = d.now
    d.lift(CALLER)
    d.run(20)
    assert [(e.at, e.a) for e in d.seen(POLARITY)] == [(at, 1)]
    d.events.clear()
    d.hang_up(CALLER)
    assert d.until(POLARITY).a == 0


def test_a_forgotten_line_hears_busy_then_the_howler_and_is_parked(sim):
    d = talking(sim)
    d.hang_up(CALLER)
    d.run(420)
    d.run(59_900)
    tap = d.tap(0)
    d.run(10_000)
    x = to_linear(tap)
    steps = [dbm0(x[4000 + 16_000 * i:12_000 + 16_000 * i]) for i in range(5)]
    assert level_at(x[4000:12_000], 950) == pytest.approx(steps[0], abs=0.5)
    assert steps == sorted(steps)
    assert steps[4] - steps[0] > 12
    d.run(51_000)
    d.run(200)
    assert not d.live(0)
    d.hook(0, False)
    d.run(500)
    d.hook(0, True)
    d.run(400)
    assert d.live(0)                # dial tone again


# ---- calling -----------------------------------------------------------------------------------


def test_the_card_dials_with_keys_and_talks(sim):
    d = sim("fxo=1,fxs=1,phones=4")
    tap = d.tap(0)
    d.hook(0, True)
    d.run(1000)
    x = to_linear(tap)
    assert dbm0(x[:1600]) < -60                                # 200 ms until the dial tone
    assert level_at(x[1600:8000], 450) == pytest.approx(-10, abs=0.3)
    d.say(0, keys("88000002"))
    rung = d.report(CALLER + 2, lib.CTB_SE_RING_BEGIN)
    d.run(300)
    ringback = to_linear(tap)[rung.at:rung.at + 1600]
    assert level_at(ringback, 450) == pytest.approx(-10, abs=0.3)
    d.lift(CALLER + 2)
    d.run(60)
    d.play(CALLER + 2, to_alaw(sine(1000, 200)))
    tap.clear()
    d.run(200)
    assert level_at(to_linear(tap), 1000) == pytest.approx(-10, abs=0.3)


@pytest.mark.parametrize("on_off", [(40, 40), (50, 50), (70, 70), (200, 60)])
@pytest.mark.parametrize("shift", [0, 37, 83, 120])
def test_the_exchange_reads_keys_of_every_length_wherever_they_begin(sim, on_off, shift):
    d = sim("fxo=1,fxs=1,phones=70")
    d.hook(0, True)
    d.run(400)
    d.say(0, np.concatenate([np.zeros(shift), keys("88000044", *on_off)]))
    d.report(CALLER + 44, lib.CTB_SE_RING_BEGIN)


def test_the_card_dials_by_pulses(sim):
    d = sim("fxo=1,fxs=1,phones=70")
    d.hook(0, True)
    d.run(400)
    d.do(0, lib.CTB_OP_PULSE_DIAL, text="88000059", a=100, b=60, cookie=9)
    begun = d.now
    done = d.until(lib.CTB_EV_TONE_DONE, 30_000)
    assert (done.channel, done.cookie, done.a) == (0, 9, lib.CTB_DONE_END)
    # 100 ms, then 8+8+4x10+5+9 pulses of 100 ms less the last make, 7 pauses of 800 ms for one make
    assert done.at - begun == 8 * (100 + 70 * 100 - 40 + 7 * (800 - 40))
    d.report(CALLER + 59, lib.CTB_SE_RING_BEGIN)


def test_hanging_up_ends_pulse_dialling(sim):
    d = sim("fxo=1,fxs=1,phones=1")
    d.hook(0, True)
    d.do(0, lib.CTB_OP_PULSE_DIAL, text="88", a=100, b=60, cookie=3)
    d.run(300)
    d.hook(0, False)
    d.drain()
    [done] = d.seen(lib.CTB_EV_TONE_DONE)
    assert (done.cookie, done.a) == (3, lib.CTB_DONE_STOPPED)


def test_no_answer_ends_after_90_seconds(sim):
    d = sim("fxo=1,fxs=1,phones=1")
    d.hook(0, True)
    d.say(0, keys("88000000"))
    d.report(CALLER, lib.CTB_SE_RING_BEGIN)
    stopped = d.report(CALLER, lib.CTB_SE_RING_STOPPED, 95_000)
    assert stopped.at / 8000 == pytest.approx(91.1, abs=0.5)
    tap = d.tap(0)
    d.run(3000)
    assert set(cadence(tap)) == {350}


def test_no_digits_end_in_busy_tone(sim):
    d = sim("fxo=1,fxs=1,phones=1")
    d.hook(0, True)
    d.run(20_300)
    tap = d.tap(0)
    d.run(2000)
    assert set(cadence(tap)) == {350}


def test_a_flash_is_not_a_hang_up(sim):
    d = talking(sim)
    d.do(0, lib.CTB_OP_FLASH, a=300)
    d.say(0, sine(600, 600))
    ear = d.hear(CALLER, 600)
    d.run(600)
    x = to_linear(ear)
    assert dbm0(x[:2400]) < -60                               # open for 300 ms
    assert level_at(x[2400:4800], 600) == pytest.approx(-10, abs=0.3)
    d.do(0, lib.CTB_OP_FLASH, a=500)                          # too long: this is hanging up
    d.report(CALLER, lib.CTB_SE_CLEARED, 1000)


def test_gain_changes_both_ways(sim):
    d = talking(sim)
    d.do(0, lib.CTB_OP_GAIN, a=-600, b=300)
    d.play(CALLER, to_alaw(sine(1000, 400)))
    tap, ear = d.tap(0), d.hear(CALLER, 400)
    d.say(0, sine(600, 400))
    d.run(400)
    assert level_at(to_linear(tap), 1000) == pytest.approx(-16, abs=0.2)
    assert level_at(to_linear(ear), 600) == pytest.approx(-7, abs=0.2)


# ---- who is calling ----------------------------------------------------------------------------


def fsk_bytes(x, mark, space):
    """An independent demodulator: instantaneous frequency, start bits by their falling edge."""
    spectrum = np.fft.fft(x)
    hz = np.fft.fftfreq(len(x), 1 / 8000)
    analytic = np.fft.ifft(np.where((hz > 600) & (hz < 3200), 2 * spectrum, 0))
    turn = np.convolve(analytic[1:] * np.conj(analytic[:-1]), np.ones(5) / 5, "same")
    bit = np.angle(turn) * 8000 / (2 * np.pi) < (mark + space) / 2
    loud = np.abs(analytic)[1:] > 800
    out, at, ones, samples = [], 0, 0, 8000 / 1200
    while at < len(bit) - 70:
        if not loud[at] or bit[at]:
            ones = ones + 1 if loud[at] else 0
            at += 1
        elif ones > 100 or out:
            values = [bit[round(at + (k + 0.5) * samples)] for k in range(10)]
            assert (values[0], values[9]) == (False, True)
            out.append(sum(int(v) << i for i, v in enumerate(values[1:9])))
            at += round(9.4 * samples)
        else:
            ones = 0
            at += 1
    return bytes(out)


@pytest.mark.parametrize(("country", "mark", "space"), [
    ("cn", 1200, 2200), ("us", 1200, 2200), ("de", 1300, 2100), ("uk", 1300, 2100)])
def test_the_callers_number_by_fsk_between_rings(sim, country, mark, space):
    d = sim(f"fxo=1,fxs=1,phones=4,country={country}")
    call(d, end=CALLER + 3)
    tap = d.tap(0)
    d.until(RING, a=1)
    bursts = 2 if country == "uk" else 1
    end = [d.until(RING, a=0).at for _ in range(bursts)][-1]
    start = len(tap) - (d.now - end)
    d.run(1900)
    x = to_linear(tap)[start:]
    assert dbm0(x[:3900]) < -60                               # half a second of silence first
    first = int(np.flatnonzero(np.abs(x) > 100)[0])
    assert first == pytest.approx(4000, abs=160)
    assert dbm0(x[first:first + 2000]) == pytest.approx(-13.5, abs=0.5)
    message = fsk_bytes(x, mark, space)
    assert message[0] == 0x80
    assert message[1] == len(message) - 3
    assert sum(message) % 256 == 0
    assert message[2:4] == b"\x01\x08"
    assert message[12:14] == b"\x02\x08"
    assert message[14:22] == b"88000003"


def test_the_callers_number_by_keys_before_the_first_ring(sim):
    d = sim("fxo=1,fxs=1,phones=4")
    d.option(lib.CTB_SO_CALLER_ID, 2)
    d.lift(CALLER + 3)
    d.dial(CALLER + 3, "66000000")
    tap = d.tap(0)
    d.until(RING, 20_000, a=1)
    assert read_keys(to_linear(tap)) == "D88000003C"


def test_no_number_when_the_option_says_so(sim):
    d, _ = ringing(sim)
    tap = d.tap(0)
    d.run(5500)
    assert dbm0(to_linear(tap)) < -60


def test_answering_cuts_the_callers_number_short(sim):
    d = sim("fxo=1,fxs=1,phones=1")
    call(d)
    d.until(RING, a=0)
    d.run(700)
    assert d.live(0)
    d.hook(0, True)
    d.run(20)
    assert not d.live(0)
