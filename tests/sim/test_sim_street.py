"""The street: telephones' ears and mouths, tone plans, what lines do to sound, G.711."""

from itertools import pairwise

import numpy as np
import pytest
from sim_card import LINEAR, dbm0, keys, level_at, lib, sine, to_alaw, to_linear

TONE = lib.CTB_SE_TONE
PORT = 0           # the FXS port of end 0


@pytest.fixture
def d(sim):
    board = sim("fxs=2,phones=0")
    board.lift(0)
    return board


# ---- tone plans --------------------------------------------------------------------------------

# frequencies and level of each, on/off ms.  cn GB/T 3380-1982; us ANSI T1.401; uk, de ITU-T E.180
# supplement 2; SIT ITU-T E.180
CALLS = {"dial": None, "ringback": "88000001", "busy": "88000000", "vacant": "12"}
PLANS = {
    ("cn", "dial"): ([450], -10, []), ("cn", "ringback"): ([450], -10, [1000, 4000]),
    ("cn", "busy"): ([450], -10, [350, 350]),
    ("cn", "vacant"): ([450], -10, [100, 100, 100, 100, 100, 100, 400, 400]),
    ("us", "dial"): ([350, 440], -13, []), ("us", "ringback"): ([440, 480], -19, [2000, 4000]),
    ("us", "busy"): ([480, 620], -24, [500, 500]), ("us", "vacant"): ([950], -14, [990, 1000]),
    ("uk", "dial"): ([350, 440], -13, []),
    ("uk", "ringback"): ([400, 450], -13, [400, 200, 400, 2000]),
    ("uk", "busy"): ([400], -10, [375, 375]), ("uk", "vacant"): ([400], -10, []),
    ("de", "dial"): ([425], -10, []), ("de", "ringback"): ([425], -10, [1000, 4000]),
    ("de", "busy"): ([425], -10, [480, 480]), ("de", "vacant"): ([950], -14, [990, 1000]),
}
IDS = {"dial": 1, "ringback": 2, "busy": 3, "congestion": 4, "vacant": 5, "sit": 8}


def runs(x):
    """Whole runs as (first sample, sounds, length in ms), without the first and the last one."""
    sound = np.abs(x).reshape(-1, 40).max(axis=1) > 200
    edges = np.flatnonzero(np.diff(sound.astype(int))) + 1
    return [(int(a) * 40, bool(sound[a]), int(b - a) * 5)
            for a, b in pairwise(edges)]


@pytest.mark.parametrize(("country", "name"), PLANS)
def test_every_tone_has_its_frequencies_level_and_cadence(sim, country, name):
    d = sim(f"fxo=1,phones=2,country={country}")
    d.watch(0, 1)
    d.lift(0)
    if CALLS[name]:
        d.dial(0, CALLS[name], b=50, c=50)
        d.run(len(CALLS[name]) * 100 + 20)
        if name != "ringback":
            d.run(100)
    ear = d.hear(0, 13_000)
    d.run(13_000)
    x = to_linear(ear)
    hz, level, cadence = PLANS[country, name]
    window = x[1600:9600]
    if cadence:
        found = runs(x)
        assert any(all(abs(length - due) <= 5 for (_, _, length), due
                       in zip(found, (cadence * 20)[k:], strict=False)
                       ) and found[0][1] == (k % 2 == 0) for k in range(len(cadence))), found
        first, _, length = max((r for r in found if r[1]), key=lambda r: r[2])
        window = x[first:first + (320 if hz == [950] else length) * 8]
    for f in hz:
        assert level_at(window, f) == pytest.approx(level, abs=0.8)
    told = [e.b for e in d.seen(lib.CTB_EV_STREET, a=TONE) if e.b]
    expected = IDS["sit"] if name == "vacant" and country in ("us", "de") else IDS[name]
    assert told[-1] == expected


@pytest.mark.parametrize("country", ["cn", "us", "uk", "de"])
def test_congestion(sim, country):
    d = sim(f"fxo=1,phones=2,country={country}")
    d.fault(lib.CTB_SF_CONGESTION, value=1)
    d.watch(0, 1)
    d.lift(0)
    d.dial(0, "88000001")
    told = d.report(0, TONE, b=lib.CTB_TONE_CONGESTION)
    assert told.at < 8 * 7000
    lengths = {"cn": {700}, "us": {250}, "de": {240}, "uk": {400, 350, 225, 525}}[country]
    ear = d.hear(0, 4000)
    d.run(4000)
    assert {length for _, _, length in runs(to_linear(ear))} == lengths


# ---- ears --------------------------------------------------------------------------------------


def test_the_ear_knows_tones_by_frequency_and_cadence_only(d):
    d.watch(0, 1)
    rng = np.random.default_rng(5)
    busy = np.concatenate([np.r_[sine(450, 350), np.zeros(2800)] for _ in range(6)])
    d.say(PORT, busy + rng.normal(0, 60, len(busy)))           # about 35 dB below
    assert d.report(0, TONE, b=lib.CTB_TONE_BUSY).at < 8 * 1500
    assert d.report(0, TONE, b=lib.CTB_TONE_NONE).at > 8 * 4000
    d.run(8000)
    d.events.clear()
    wrong = np.concatenate([np.r_[sine(450, 200), np.zeros(1600)] for _ in range(10)])
    d.say(PORT, wrong)                                         # 200/200 is no tone of this plan
    d.run(6000)
    assert not d.seen(lib.CTB_EV_STREET)
    d.say(PORT, np.concatenate([np.r_[sine(620, 350), np.zeros(2800)] for _ in range(6)]))
    d.run(6000)
    assert not d.seen(lib.CTB_EV_STREET)


def voice(ms, seed=1):
    """Voiced sound: a buzz of 120 Hz with two formants that move, in syllables."""
    t = np.arange(ms * 8) / 8000
    x = sum(np.sin(2 * np.pi * 120 * k * t + k * seed)
            * (np.exp(-((120 * k - 500 - 200 * np.sin(5 * t)) / 150) ** 2)
               + 0.4 * np.exp(-((120 * k - 1500) / 250) ** 2)) for k in range(1, 28))
    return 4000 * x * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))


def test_speech_is_told_with_its_length(d):
    d.watch(0, 2)
    d.run(200)
    d.say(PORT, voice(2000))
    begin = d.report(0, lib.CTB_SE_SPEECH_BEGIN)
    assert 1600 + 60 * 8 <= begin.at <= 1600 + 120 * 8
    end = d.report(0, lib.CTB_SE_SPEECH_END)
    assert end.b == pytest.approx(2000, abs=60)
    assert end.at == pytest.approx((200 + 2000 + 500) * 8, abs=400)


def test_a_tone_of_the_plan_is_not_speech_and_speech_is_no_tone(d):
    d.watch(0, 3)
    d.say(PORT, sine(450, 2000))
    d.run(3000)
    assert [e.a for e in d.seen(lib.CTB_EV_STREET)] == [TONE, TONE]       # dial tone, none
    d.run(7000)
    d.events.clear()
    d.say(PORT, voice(3000))
    d.run(4000)
    assert [e.a for e in d.seen(lib.CTB_EV_STREET)] == [lib.CTB_SE_SPEECH_BEGIN,
                                                        lib.CTB_SE_SPEECH_END]


def test_keys_are_heard_and_speech_gives_none(d):
    d.watch(0, 4)
    d.say(PORT, keys("0123456789*#ABCD", 50, 50))
    d.run(2000)
    assert "".join(chr(e.b) for e in d.seen(lib.CTB_EV_STREET, a=lib.CTB_SE_DIGIT)) == \
        "0123456789*#ABCD"
    d.events.clear()
    for seed in range(10):
        d.say(PORT, voice(3000, seed))
        d.run(3000)
    assert not d.seen(lib.CTB_EV_STREET)


def test_nothing_is_told_that_was_not_asked_for(d):
    d.watch(0, 0)
    d.say(PORT, np.r_[keys("12"), sine(450, 2000), voice(500)])
    d.run(4000)
    assert not d.seen(lib.CTB_EV_STREET)


# ---- mouths ------------------------------------------------------------------------------------


def test_a_sound_is_repeated_without_a_seam(d):
    sound = bytes(range(200))
    d.play(0, sound, times=4, cookie=3)
    tap = d.tap(PORT)
    d.run(120)
    assert bytes(tap)[:800] == sound * 4
    assert set(tap[800:]) == {0xD5}
    done = d.seen(lib.CTB_EV_STREET, a=lib.CTB_SE_PLAY_DONE)
    assert [(e.at, e.cookie, e.b) for e in done] == [(800, 3, 0)]


def test_a_new_sound_replaces_the_old_one_and_stop_stops(d):
    d.play(0, bytes(1600), times=0, cookie=1)
    d.run(60)
    d.play(0, bytes(1600), times=0, cookie=2)
    d.run(60)
    d.street(0, lib.CTB_ST_PLAY_STOP)
    d.drain()
    done = d.seen(lib.CTB_EV_STREET, a=lib.CTB_SE_PLAY_DONE)
    assert [(e.at, e.cookie, e.b) for e in done] == [(480, 1, 1), (960, 2, 1)]
    d.run(20)
    assert not d.live(PORT)


def test_keys_are_added_to_what_is_said(d):
    d.play(0, to_alaw(sine(400, 200)))
    d.dial(0, "5", b=200)
    tap = d.tap(PORT)
    d.run(200)
    x = to_linear(tap)
    assert [round(level_at(x, f)) for f in (400, 770, 1336)] == [-10, -9, -7]


def test_hearing_stops_by_command(d):
    d.hear(0, 1000, cookie=6)
    d.run(100)
    d.street(0, lib.CTB_ST_HEAR_STOP)
    d.drain()
    [done] = d.seen(lib.CTB_EV_STREET)
    assert (done.a, done.b, done.cookie) == (lib.CTB_SE_HEAR_DONE, 800, 6)


# ---- lines -------------------------------------------------------------------------------------


def both_ways(d, ms=1000, **impairment):
    d.street(0, lib.CTB_ST_IMPAIR, **impairment)
    d.play(0, to_alaw(sine(1000, ms)))
    d.say(PORT, sine(1000, ms))
    tap, ear = d.tap(PORT), d.hear(0, ms)
    d.run(ms)
    return to_linear(tap), to_linear(ear)


def test_loss(d):
    for x in both_ways(d, b=600):
        assert level_at(x, 1000) == pytest.approx(-16, abs=0.2)


def test_no_impairment_restores_the_line(d):
    both_ways(d, b=600)
    for x in both_ways(d):
        assert level_at(x, 1000) == pytest.approx(-10, abs=0.1)


@pytest.mark.parametrize("level", [-50, -40, -30])
def test_noise_has_its_level_and_is_white(d, level):
    d.street(0, lib.CTB_ST_IMPAIR, c=level * 100)
    tap, ear = d.tap(PORT), d.hear(0, 4000)
    d.run(4000)
    for x in (to_linear(tap), to_linear(ear)):
        assert dbm0(x) == pytest.approx(level, abs=0.6)
        spectrum = np.abs(np.fft.rfft(x[:32000].reshape(-1, 320), axis=1)) ** 2
        bands = spectrum.mean(axis=0)[1:].reshape(-1, 16).mean(axis=1)
        assert 10 * np.log10(bands.max() / bands.min()) < 2
    assert np.corrcoef(to_linear(tap), to_linear(ear))[0, 1] == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("delay", [0, 40, 160, 333, 2000])
def test_echo_comes_back_after_its_delay(d, delay):
    d.street(0, lib.CTB_ST_IMPAIR, d=1200, e=delay)
    burst = np.r_[voice(40), np.zeros(4000)]
    d.say(PORT, burst)
    tap = d.tap(PORT)
    d.run(540)
    x = to_linear(tap)
    heard = to_linear(to_alaw(burst))
    lag = int(np.argmax(np.correlate(x, heard[:320], "valid")))
    assert lag == delay
    gain = np.dot(x[lag:lag + 320], heard[:320]) / np.dot(heard[:320], heard[:320])
    assert 20 * np.log10(gain) == pytest.approx(-12, abs=0.3)


def test_the_talker_hears_the_own_echo(d):
    d.street(0, lib.CTB_ST_IMPAIR, d=1000, e=800)
    d.play(0, to_alaw(sine(1000, 200)))
    ear = d.hear(0, 300)
    d.run(300)
    x = to_linear(ear)
    assert dbm0(x[:800]) < -60
    assert level_at(x[800:2400], 1000) == pytest.approx(-20, abs=0.3)


@pytest.mark.parametrize("slope", [-800, -400, 400, 800])
def test_twist_tilts_the_line(d, slope):
    levels = []
    for hz in (800, 1400):
        d.street(0, lib.CTB_ST_IMPAIR, f=slope)
        d.play(0, to_alaw(sine(hz, 200, -20)))
        tap = d.tap(PORT)
        d.run(200)
        levels.append(level_at(to_linear(tap)[160:1440], hz))
    assert levels[1] - levels[0] == pytest.approx(slope / 100, abs=0.3)
    assert sum(levels) / 2 == pytest.approx(-20, abs=0.3)


def test_an_impaired_subscriber_line_reaches_the_other_side(sim):
    d = sim("fxo=1,phones=1")
    d.street(0, lib.CTB_ST_IMPAIR, b=300, c=-4500, d=1500, e=100)
    d.lift(0)
    d.dial(0, "66000000", b=50, c=50)
    d.until(lib.CTB_EV_RAW_RING)
    d.hook(0, True)
    d.run(40)
    tap = d.tap(0)
    d.say(0, sine(1000, 400))
    d.run(400)
    x = to_linear(tap)[800:]
    assert level_at(x, 1000) == pytest.approx(-25, abs=0.5)
    residue = x - x.mean()
    residue -= 2 * np.real(np.mean(x * np.exp(-2j * np.pi * np.arange(len(x)) / 8))
                           * np.exp(2j * np.pi * np.arange(len(x)) / 8))
    assert dbm0(residue) == pytest.approx(-45, abs=1)


@pytest.mark.parametrize("fields", [
    {"b": 1500}, {"c": -3000}, {"d": 1000, "e": 300}, {"f": 500}, {"f": -500},
    {"b": 600, "c": -4000, "d": 1200, "e": 80, "f": 300}])
def test_the_exchange_understands_keys_over_a_bad_line(sim, fields):
    d = sim("phones=60,fxo=1")
    d.street(0, lib.CTB_ST_IMPAIR, **fields)
    d.lift(0)
    d.run(600)                                     # the dial tone's echo is on the line
    d.dial(0, "88000047", b=60, c=60)
    d.report(47, lib.CTB_SE_RING_BEGIN)


# ---- G.711 -------------------------------------------------------------------------------------


def ulaw_value(code):
    """ITU-T G.711 table 2, written for the tests; 16 bits."""
    bits = ~code & 0xFF
    magnitude = (((bits & 15) * 2 + 33 << (bits >> 4 & 7)) - 33) * 4
    return -magnitude if bits & 0x80 else magnitude


def ulaw_code(x):
    biased = min(abs(x) // 4 + 33, 8191)
    segment = biased.bit_length() - 6
    return ~((x < 0) << 7 | segment << 4 | biased >> segment + 1 & 15) & 0xFF


def test_sound_of_the_street_is_a_law_and_the_card_may_speak_mu_law(sim):
    d = sim("fxs=1,phones=0,law=ulaw")
    d.lift(0)
    every = bytes(range(256)) + bytes(64)
    d.play(0, every)
    tap, ear = d.tap(0), d.hear(0, 40)
    d.talkers[0] = every
    d.run(40)
    silence = 0xD5, 0xFF                           # stays silence
    for code in range(256):
        if code != silence[0]:
            assert tap[code] == ulaw_code(int(LINEAR[code]))
        wanted = ulaw_value(code)
        if code not in (0x7F, 0xFF):
            distance = abs(LINEAR - wanted)
            assert abs(LINEAR[ear[code]] - wanted) == distance.min()
    assert tap[silence[0]] == 0xFF
    assert ear[0x7F] == ear[0xFF] == 0xD5


def test_coding_picks_the_nearest_code(d):
    d.do(PORT, lib.CTB_OP_GAIN, a=-150)
    d.play(0, bytes(range(256)) + bytes(64))
    tap = d.tap(PORT)
    d.run(40)
    wanted = LINEAR * 10 ** (-1.5 / 20)
    got = to_linear(tap)[:256]
    nearest = np.abs(LINEAR[None, :] - wanted[:, None]).min(axis=1)
    # thresholds of G.711 lie half way between values to within one unit of 16 bits
    assert (np.abs(got - wanted) <= nearest + 1).all()
