"""Call-progress tones on arrays: every tone of every country as itself, through A-law."""

import numpy as np
import pytest

from cti_board.dsp.progress import HeardTone, find_tones, make_tone
from cti_board.tones import PLANS, Cadence, Tone, TonePlan, plan
from tests.native import dsp_rig as rig

MS = 8
CYCLES_MORE = 1.2  # than the detector asks for: it may join in the middle of one


def numpy_tone(tone: Tone, ms: float, dbm0: float) -> rig.Signal:
    """The tone's bursts made with numpy, for at least ``ms``."""
    bursts = tone.cadence.on_off_ms or ((round(ms), 0),)
    parts, made = [], 0.0
    while made < ms:
        for i, (on, off) in enumerate(bursts):
            hz = tone.steps_hz[i : i + 1] or tone.hz
            parts += [rig.tone(hz, on, dbm0), rig.silence(off)]
            made += on + off
    return np.concatenate(parts)


def length_of(tone: Tone) -> float:
    cycle = sum(map(sum, tone.cadence.on_off_ms)) or 3000
    return max(3000.0, cycle * (tone.min_cycles + CYCLES_MORE))


def country_lines(country: str, dbm0: float) -> np.ndarray:
    sounds = [
        np.concatenate([rig.silence(600), numpy_tone(t, length_of(t), dbm0), rig.silence(1500)])
        for t in PLANS[country].tones
    ]
    return rig.lines(sounds)[: len(sounds)]


@pytest.mark.parametrize("dbm0", [-10.0, -38.0])
@pytest.mark.parametrize("country", PLANS)
def test_every_tone_of_a_country_is_found_as_itself_once(country, dbm0):
    tones = PLANS[country].tones
    found = find_tones(country_lines(country, dbm0), country)
    by_line = [[t for t in found if t.line == n] for n in range(len(tones))]
    for tone, heard in zip(tones, by_line, strict=True):
        assert [h.name for h in heard] == [tone.name]
        assert abs(heard[0].begin - 600 * MS) <= 50 * MS
        assert abs(heard[0].level_dbm0 - dbm0 - 3.01 * (len(tone.hz) - 1)) < 1.0


@pytest.mark.parametrize("country", PLANS)
def test_every_country_at_10_db_over_white_noise(country):
    rng = np.random.default_rng(12)
    lines = rig.ALAW[country_lines(country, -15.0)].astype(float)
    noisy = rig.alaw_codes(lines + rig.noise(rng, lines.size, -25.0).reshape(lines.shape))
    found = find_tones(noisy, country)
    for n, tone in enumerate(PLANS[country].tones):
        assert [t.name for t in found if t.line == n] == [tone.name]


@pytest.mark.parametrize("country", ["cn", "us", "uk", "au"])
def test_what_is_sent_is_found_with_its_edges(country):
    for tone in PLANS[country].tones:
        sound = np.concatenate([np.zeros(4000, np.int16), make_tone(tone, length_of(tone))])
        sounding = 4000 + int(np.flatnonzero(sound[4000:])[-1])
        (heard,) = find_tones(np.concatenate([sound, np.zeros(16 * 8000, np.int16)]), country)
        assert heard.name == tone.name
        assert heard.end is not None
        assert abs(heard.begin - 4000) <= 40 * MS
        assert abs(heard.end - sounding) <= 40 * MS


def test_a_tone_that_is_still_on_has_no_end():
    dial = rig.tone([350, 440], 2000, -13)
    (heard,) = find_tones(dial.astype(np.int16), "us")
    assert heard == HeardTone(0, "dial", heard.begin, None, heard.level_dbm0)
    assert heard.begin <= 20 * MS
    assert abs(heard.level_dbm0 - -10) < 0.4


def test_a_burst_that_ends_with_the_sound_is_still_judged():
    sit = PLANS["de"].tone("sit")
    sound = np.concatenate([np.zeros(1600, np.int16), make_tone(sit, 990)])
    (heard,) = find_tones(sound, "de")
    assert (heard.name, heard.end) == ("sit", None)


@pytest.mark.parametrize("form", ["int16", "float", "alaw"])
def test_sound_comes_in_three_forms(form):
    sound = np.concatenate([rig.silence(300), numpy_tone(plan("cn").tone("busy"), 4000, -10)])
    given = {
        "int16": sound.astype(np.int16),
        "float": sound / 32768,
        "alaw": rig.alaw_codes(sound),
    }[form]
    assert [t.name for t in find_tones(given)] == ["busy"]
    both = find_tones(np.stack([given, given]))
    assert [(t.line, t.name) for t in both] == [(0, "busy"), (1, "busy")]


def test_a_made_tone_has_its_frequencies_levels_and_times():
    sound = make_tone(plan("cn").tone("howler"), 10_000).astype(float)
    steps = [sound[n * 16000 + 800 : (n + 1) * 16000 - 800] for n in range(5)]
    levels = [20 * np.log10(np.sqrt(np.mean(s**2)) / rig.rms(0)) for s in steps]
    assert np.allclose(levels, plan("cn").tone("howler").steps_dbm0, atol=0.05)
    sit = make_tone(plan("de").tone("sit"), 990)
    for n, hz in enumerate((950, 1400, 1800)):
        part = sit[n * 2640 : (n + 1) * 2640].astype(float)
        assert abs(np.argmax(np.abs(np.fft.rfft(part, 8000))) - hz) <= 1
    assert len(make_tone(plan("cn").tone("busy"), 12.5)) == 100
    assert len(make_tone(plan("cn").tone("busy"), 0)) == 0


def test_what_cannot_be_made_or_heard_is_refused():
    with pytest.raises(ValueError, match="-1 ms"):
        make_tone(plan("cn").tone("busy"), -1)
    with pytest.raises(ValueError, match="three: 3 frequencies"):
        make_tone(Tone("three", (400.0, 425.0, 450.0)), 100)
    with pytest.raises(ValueError, match="long: 9 bursts"):
        make_tone(Tone("long", (400.0,), Cadence(((100, 100),) * 9)), 100)
    for ms in (float("inf"), float("nan"), 3_600_001):
        with pytest.raises(ValueError, match="a length of"):
            make_tone(plan("cn").tone("busy"), ms)
    silence = np.zeros(800, np.int16)
    with pytest.raises(ValueError, match="no tone plan for 'xx'"):
        find_tones(silence, "xx")
    deep = TonePlan("xx", "test", (Tone("hum", (50.0,)),), 1000, 4000)
    with pytest.raises(ValueError, match="cannot hear this plan: hum"):
        find_tones(silence, deep)
    with pytest.raises(ValueError, match="16 lines"):
        find_tones(np.zeros((17, 800), np.int16))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"hz": ()}, "odd: 0 frequencies"), ({"hz": (5000.0,)}, r"odd: 5000\.0 Hz"),
        ({"hz": (float("nan"),)}, "odd: nan Hz"), ({"hz": (400.0, -1.0)}, r"odd: -1\.0 Hz"),
        ({"level_dbm0": 30.0}, r"odd: 30\.0 dBm0"), ({"level_dbm0": float("nan")}, "odd: nan dBm0"),
        ({"cadence": Cadence(((-100, 100),))}, "odd: -100 ms"),
        ({"cadence": Cadence(((0, 100),))}, "odd: 0 ms"),
        ({"cadence": Cadence(((100, -1),))}, "odd: -1 ms"),
        ({"cadence": Cadence(((1 << 40, 1),))}, "odd: 1099511627776 ms"),
        ({"min_cycles": -1}, "odd: -1 cycles"), ({"min_cycles": 33}, "odd: 33 cycles"),
        ({"cadence": Cadence(((1, 1),)), "steps_hz": (9999.0,)}, r"odd: 9999\.0 Hz"),
        ({"cadence": Cadence(((1, 1),)), "steps_dbm0": (9.0,)}, r"odd: 9\.0 dBm0"),
    ],
)  # fmt: skip
def test_a_tone_that_no_line_carries_is_refused_by_sender_and_detector(wrong, told):
    tone = Tone(**{"name": "odd", "hz": (400.0,), **wrong})
    with pytest.raises(ValueError, match=told):
        make_tone(tone, 100)
    with pytest.raises(ValueError, match=told):
        find_tones(np.zeros(800, np.int16), TonePlan("xx", "test", (tone,), 1000, 4000))


def test_a_plan_of_names_of_ones_own_is_listened_for():
    own = TonePlan("xx", "test", (Tone("cuckoo", (660.0,), Cadence(((300, 300),))),), 1000, 4000)
    sound = numpy_tone(own.tones[0], 3000, -10)
    assert [t.name for t in find_tones(sound / 32768, own)] == ["cuckoo"]


def test_silence_and_nothing_hold_no_tone():
    assert find_tones(np.zeros(0, np.int16)) == []
    assert find_tones(np.zeros((3, 8000), np.int16)) == []
