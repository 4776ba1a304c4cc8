"""The tone plans: facts, the door for countries, and plans kept as text."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti_board.tones import (
    IDS,
    NAMES,
    PLANS,
    Cadence,
    Tone,
    TonePlan,
    plan,
    plan_from_toml,
    plan_to_toml,
)

ASKED = {"cn", "us", "de", "uk", "fr", "jp", "au", "in", "br"}
ASKED |= {"ru", "it", "es", "nl", "sg", "kr", "hk", "tw", "za"}


def cadence(country: str, name: str) -> tuple[tuple[int, int], ...]:
    return plan(country).tone(name).cadence.on_off_ms


def test_the_countries_that_were_asked_for_have_plans():
    assert set(PLANS) >= ASKED


@pytest.mark.parametrize("country", PLANS)
def test_a_plan_is_whole_and_names_its_source(country):
    found = PLANS[country]
    assert found.country == country
    assert re.search(r"E\.180|GB/T|T1\.401|IDA|TNA", found.source)
    assert {"dial", "ringback", "busy"} <= {t.name for t in found.tones} <= set(NAMES)
    assert found.ring_on_ms > 0 < found.ring_off_ms
    for tone in found.tones:
        assert 1 <= len(tone.hz) <= 2
        assert all(300 <= hz <= 3400 for hz in (*tone.hz, *tone.steps_hz))
        assert len(tone.cadence.on_off_ms) <= 8
        assert len(tone.steps_hz) in (0, len(tone.cadence.on_off_ms))
        assert -30 <= tone.level_dbm0 <= 0


def test_times_of_the_standards():
    """GB/T 3380, ANSI T1.401, BT SIN 350, ITU-T E.180."""
    assert cadence("cn", "busy") == ((350, 350),)
    assert cadence("cn", "congestion") == ((700, 700),)
    assert cadence("cn", "toll") == ((200, 200), (200, 600))
    assert cadence("cn", "vacant") == ((100, 100),) * 3 + ((400, 400),)
    assert cadence("cn", "call_waiting") == ((400, 4000),)
    assert cadence("cn", "reminder") == ((400, 10000),)
    assert plan("cn").tone("howler").hz == (950.0,)
    levels = plan("cn").tone("howler").steps_dbm0
    assert len(levels) == 5
    assert list(levels) == sorted(set(levels))
    assert cadence("us", "ringback") == ((2000, 4000),)
    assert plan("us").tone("busy").hz == (480.0, 620.0)
    assert cadence("uk", "ringback") == ((400, 200), (400, 2000))
    assert plan("de").tone("sit").steps_hz == (950.0, 1400.0, 1800.0)
    assert cadence("jp", "ringback") == ((1000, 2000),)


def test_ids_of_the_first_tones_are_those_of_the_street():
    assert NAMES[:4] == ("dial", "ringback", "busy", "congestion")
    assert NAMES[4:8] == ("vacant", "howler", "call_waiting", "sit")
    assert IDS["dial"] == 1
    assert IDS["reminder"] == len(NAMES)


def test_a_country_without_a_plan_is_told_which_there_are():
    with pytest.raises(ValueError, match=r"no tone plan for 'xx'; there are at, au, .*za"):
        plan("xx")


def test_a_name_that_comes_twice_is_sent_as_the_first():
    assert [t.hz for t in plan("fr").tones if t.name == "dial"] == [(440.0,), (330.0, 440.0)]
    assert plan("fr").tone("dial").hz == (440.0,)
    with pytest.raises(KeyError, match="'fr' has no 'vacant'; it has dial, ringback, busy"):
        plan("fr").tone("vacant")


# ---- plans as text ----


@pytest.mark.parametrize("country", PLANS)
def test_a_plan_survives_being_text(country):
    assert plan_from_toml(plan_to_toml(PLANS[country])) == PLANS[country]


@given(st.text(max_size=40), st.floats(-60, 3), st.integers(1, 32))
def test_any_note_level_and_cycles_survive(note, level, cycles):
    note = "".join(c for c in note if not 0xD800 <= ord(c) <= 0xDFFF)
    tone = Tone("busy", (425.0,), Cadence(((1, 0), (60000, 60000))), level, cycles, (425.0, 900.0))
    some = TonePlan("xx", 'a "source" \\ with marks', (tone,), 1000, 4000, note)
    assert plan_from_toml(plan_to_toml(some)) == some


PLAIN = plan_to_toml(replace(PLANS["de"], tones=PLANS["de"].tones[:2]))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('country = "de"', "country = de", r"my\.toml: Invalid value \(at line 1"),
        ('country = "de"', "", r"my\.toml: country: missing"),
        ('country = "de"', "country = 49", r"my\.toml: country: a text is needed, not 49"),
        ("note =", "notes =", r"my\.toml: notes: no such key; there are country, note, ring_ms"),
        ("[1000, 4000]", "[1000]", r"my\.toml: ring_ms: \[on, off\] in ms is needed"),
        ("hz = [425.0]", "", r"my\.toml: tone 1: hz: missing"),
        ("hz = [425.0]", "hz = [42.5]", r"my\.toml: tone 1: hz: 42\.5 is not within 100 \.\. 3900"),
        ("hz = [425.0]", "hz = [400, 425, 450]", r"my\.toml: tone 1: hz: a list of 1 to 2 is nee"),
        ("hz = [425.0]", "hz = ['425']", r"my\.toml: tone 1: hz: a number is needed, not '425'"),
        ("[[1000, 4000]]", "[[0, 4000]]", r"my\.toml: tone 2: on_off_ms: a burst of 0 ms"),
        ("[[1000, 4000]]", "[[1, 99999]]", r"my\.toml: tone 2: on_off_ms: 99999 is not within"),
        ("[[1000, 4000]]", "1000", r"my\.toml: tone 2: on_off_ms: a list of 0 to 8 is needed"),
        ("min_cycles = 1", "min_cycles = true", r"tone 2: min_cycles: a number is needed"),
        ("min_cycles = 1", "steps_hz = [1]", r"my\.toml: tone 2: steps_hz: 1 is not within 100"),
        ("min_cycles = 1", "steps_hz = [500, 600]", r"tone 2: steps_hz: 2 values for 1 bursts"),
        ("level_dbm0 = -10.0", "level_dbm0 = 9", r"my\.toml: tone 1: level_dbm0: 9 is not within"),
        ("min_cycles = 1", "min_cycles = 2.6", r"min_cycles: a whole number of cycles .* 2\.6"),
        ("[[1000, 4000]]", "[[350.5, 350]]", r"on_off_ms: a whole number of ms .* 350\.5"),
        ("[1000, 4000]", "[0, 0]", r"my\.toml: ring_ms: ringing has a burst and a pause"),
        ("[1000, 4000]", "[1000, 0]", r"my\.toml: ring_ms: ringing has a burst and a pause"),
        ('note = ""', "note = 5", r"my\.toml: note: a text is needed, not 5"),
        ("level_dbm0 = -10.0", "level_dbm0 = nan", r"tone 1: level_dbm0: nan is not within"),
        ("name =", "nane =", r"my\.toml: tone 1: nane: no such key"),
    ],
)
def test_a_wrong_text_is_told_by_file_and_key(old, new, told):
    assert old in PLAIN
    with pytest.raises(ValueError, match=told):
        plan_from_toml(PLAIN.replace(old, new, 1), "my.toml")


def test_a_text_without_tones_is_no_plan():
    text = PLAIN[: PLAIN.index("[[tone]]")]
    for wrong in (text, text + "tone = 5\n"):
        with pytest.raises(ValueError, match=r"p\.toml: tone: at least one table \[\[tone\]\]"):
            plan_from_toml(wrong, "p.toml")


def test_a_plan_of_more_tones_than_the_detector_hears_is_refused():
    text = PLAIN[: PLAIN.index("[[tone]]")]
    one = '[[tone]]\nname = "dial"\nhz = [425.0]\n'
    assert len(plan_from_toml(text + 32 * one).tones) == 32
    with pytest.raises(ValueError, match=r"p\.toml: tone: 40; a plan has at most 32"):
        plan_from_toml(text + 40 * one, "p.toml")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"country": ""}, "country: a text is needed"),
        ({"ring_off_ms": 0}, "ring_ms: ringing has a burst and a pause"),
        ({"ring_on_ms": 1000.5}, "ring_ms: a whole number of ms"),
        ({"tones": ()}, "at least one table"),
        ({"tones": (Tone("a", (425.0,)),) * 33}, "33; a plan has at most 32"),
        ({"tones": (Tone("a", (50.0,)),)}, r"tone 1: hz: 50\.0 is not within"),
        ({"tones": (Tone("a", (425.0,), min_cycles=40),)}, "tone 1: min_cycles: 40"),
        ({"tones": (Tone("a", (425.0,), level_dbm0=float("nan")),)}, "level_dbm0: nan"),
        ({"tones": (Tone("a", (425.0,), Cadence(((100, -5),))),)}, "on_off_ms: -5"),
    ],
)
def test_a_plan_that_could_not_be_read_back_is_not_written(wrong, told):
    with pytest.raises(ValueError, match=f"the plan '.*' cannot be kept.*{told}"):
        plan_to_toml(replace(PLANS["de"], **wrong))


def test_a_plan_says_what_it_leaves_out_and_whom_it_follows():
    assert "no call waiting" in plan("hk").note
    assert "call_waiting" not in {tone.name for tone in plan("hk").tones}
    ringing = (plan("tw").ring_on_ms, plan("tw").ring_off_ms)
    assert (ringing, *cadence("tw", "ringback")) == ((1000, 4000), (1000, 2000))
    assert "ringing and call waiting: the public zone table" in plan("tw").source
    assert "4 s" in plan("tw").note
