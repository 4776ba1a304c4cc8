"""How simulated callers are drawn, what they press, and how their voices are made."""

import random
import re
from collections import Counter
from itertools import pairwise

import pytest

from ivr.account import number_is_right
from ivr.prompt import Catalogue
from ivr.simulate.behaviour import (
    INTENTS,
    PATIENCE_MAX_S,
    PATIENCE_MIN_S,
    Intent,
    draw,
    draw_arrivals,
    draw_day,
    miskey,
)
from ivr.simulate.callers import menu_keys
from ivr.simulate.voice import PAUSES_MS, RATE_HZ, SILENCE, VOICES, Voices

ACCOUNTS = ("60083037", "60294436", "60404225")


def day(seed=1, calls=2000, **more):
    return draw_day(random.Random(seed), calls, accounts=ACCOUNTS, **more)


def test_the_same_seed_is_the_same_day_and_another_is_not():
    assert day(5) == day(5)
    assert day(5) != day(6)


def test_nearly_everybody_wants_an_agent_and_every_intent_is_met():
    drawn = Counter(one.intent for one in day())
    assert set(drawn) == set(Intent) == set(INTENTS)
    assert sum(one.wants_agent for one in day()) / 2000 > 0.9
    for intent, weight in INTENTS.items():
        assert drawn[intent] / 2000 == pytest.approx(weight / 100, abs=0.03)


def test_talks_have_exactly_the_mean_that_was_asked_for_and_are_log_normal():
    talks = [one.talk_s for one in day(talk_s=90.0) if one.wants_agent]
    assert sum(talks) / len(talks) == pytest.approx(90.0, abs=1e-9)
    assert 0.4 < (sum((t - 90) ** 2 for t in talks) / len(talks)) ** 0.5 / 90 < 0.8
    assert sorted(talks)[len(talks) // 2] < 85  # skewed: the median is below the mean


def test_patience_has_its_bounds():
    assert all(PATIENCE_MIN_S <= one.patience_s <= PATIENCE_MAX_S for one in day())


def test_arrivals_are_all_within_the_day_in_order_and_spread_over_it():
    times = draw_arrivals(random.Random(3), 1200, 28_800.0)
    assert len(times) == 1200
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] < 28_800
    per_hour = Counter(int(t // 3600) for t in times)
    assert min(per_hour.values()) > 110
    gaps = [b - a for a, b in pairwise(times)]
    short = sum(gap < 24 for gap in gaps) / len(gaps)
    assert short == pytest.approx(0.632, abs=0.04)  # exponential: 1 - 1/e are below the mean


def test_without_accounts_nobody_asks_for_one():
    drawn = {draw(random.Random(seed), 0).intent for seed in range(2000)}
    assert drawn == {Intent.AGENT, Intent.MESSAGE, Intent.LEAVE}


@pytest.mark.parametrize("seed", range(50))
def test_a_miskeyed_account_has_one_digit_wrong_and_so_no_check_digit(seed):
    wrong = miskey(random.Random(seed), ACCOUNTS[0])
    assert sum(a != b for a, b in zip(wrong, ACCOUNTS[0], strict=True)) == 1
    assert not number_is_right(wrong)


def test_what_callers_press_follows_the_menu():
    for one in day():
        keys = menu_keys(one)
        text = "".join(keys)
        assert re.fullmatch(r"[0-9#]+", text)
        assert text[0] == ("2" if one.language == "en" else "1")
        assert len(keys[0]) == (2 if one.types_ahead else 1)
        assert ("#" in text) == (one.intent in (Intent.ACCOUNT, Intent.ACCOUNT_THEN_AGENT))
        if one.wants_agent:
            assert text.endswith("0")
        if "#" in text:
            assert all(number_is_right(numbers[-1]) for numbers in one.accounts)
            assert text.count("#") == sum(map(len, one.accounts))


# ---- voices ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def voices():
    return Voices(Catalogue.load())


def silences(sound):
    """Lengths of the runs of silence, in ms."""
    runs = re.findall(re.escape(SILENCE) + rb"{800,}", sound)
    return [len(run) * 1000 // RATE_HZ for run in runs]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_voices_are_bursts_of_speech_with_pauses(voices, lang):
    loops = {voices.talk(lang, number) for number in range(VOICES)}
    assert len(loops) == VOICES
    for loop in loops:
        assert len(loop) >= 24 * RATE_HZ
        found = silences(loop)
        assert len(found) >= 4
        assert max(found) <= max(PAUSES_MS) + 400  # a recording begins and ends softly
        assert loop.count(SILENCE) < 0.7 * len(loop)


def test_a_voice_is_made_once_and_the_same_each_time(voices):
    assert voices.talk("zh", 3) is voices.talk("zh", 3)
    assert voices.talk("zh", 3) == Voices(Catalogue.load()).talk("zh", 3)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_greeting_leaves_the_caller_time_to_speak(voices, lang):
    assert silences(voices.greeting(lang))[-1] >= 4000
