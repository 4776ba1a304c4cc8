"""Who answered: the policy on events alone, and on recordings made here."""

import asyncio
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("cti_board._native._media", reason="the media plane is not built")
from cti_board import events as ev
from cti_board import open_board, run
from cti_board.dsp import g711
from cti_board.dsp.answer import AnswerLimits, AnswerListener, classify_answer
from cti_board.dsp.answer_events import line_events
from cti_board.dsp.answer_sit import Burst, is_sit, may_be_sit, sit_kind
from cti_board.dsp.fax import make_fax_tone
from cti_board.dsp.progress import make_tone
from cti_board.tones import plan
from tests.native.test_engine import card  # noqa: F401 - card is a fixture

RATE = 8000
Sound = NDArray[np.float64]


def silence(ms: float) -> Sound:
    return np.zeros(round(ms * 8))


def tone(hz: float, ms: float, dbm0: float = -15.0) -> Sound:
    peak = 10 ** ((dbm0 - 3.14) / 20)
    return np.asarray(peak * np.sin(2 * np.pi * hz * np.arange(round(ms * 8)) / RATE))


def voice(ms: float, seed: int = 1) -> Sound:
    """Harmonics of a pitch that moves, in syllables of 180 ms: no steady tone anywhere."""
    rng = np.random.default_rng(seed)
    n = round(ms * 8)
    t = np.arange(n) / RATE
    pitch = rng.uniform(100, 220) * (1 + 0.08 * np.sin(2 * np.pi * (3 * t + rng.random())))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sound = sum(np.sin(k * phase) * rng.uniform(0.3, 1) / k for k in range(1, 14))
    return np.asarray(0.06 * sound * (0.35 + np.abs(np.sin(np.pi * t / 0.18))))


def ringback(country: str, bursts: int) -> Sound:
    one = plan(country).tone("ringback")
    period = sum(on + off for on, off in one.cadence.on_off_ms)
    return np.asarray(make_tone(one, period * bursts) / 32768)


def alaw(*parts: Sound, seed: int = 9) -> NDArray[np.uint8]:
    whole = np.concatenate(parts)
    noisy = whole + np.random.default_rng(seed).normal(0, 3e-4, len(whole))  # -64 dBm0
    return g711.alaw_encode(np.clip(noisy * 32768, -32768, 32767).astype(np.int16))


# ---- recordings ---------------------------------------------------------------------------


@pytest.mark.parametrize("country", ["cn", "us", "uk"])
@pytest.mark.parametrize("rings", [0, 1, 2])
def test_a_short_greeting_and_a_wait_is_a_human(country, rings):
    before = ringback(country, rings) if rings else silence(100)
    sound = alaw(before, silence(300), voice(700), silence(3000))
    answer = classify_answer(sound, country)
    assert answer.kind == "human", answer
    assert abs(answer.greeting_ms - 700) <= 150
    assert 1100 <= (answer.at - len(before)) / 8 - 1000 <= 1500
    assert answer.beep_at is None
    assert "voice" in answer.why


@pytest.mark.parametrize("hz", [440, 620, 950, 1000, 1100, 1300, 1400, 1900])
@pytest.mark.parametrize("beep_ms", [220, 500, 1000])
def test_a_long_greeting_is_a_machine_and_its_beep_is_found(hz, beep_ms):
    greeting = [voice(1800, 2), silence(600), voice(2200, 3)]
    parts = [silence(400), *greeting, silence(700), tone(hz, beep_ms)]
    end = sum(map(len, parts))
    answer = classify_answer(alaw(*parts, silence(2000)), "us" if hz < 500 else "cn")
    assert answer.kind == "machine", answer
    if hz != 440:  # a frequency of that plan: not known as a beep
        assert answer.beep_at is not None
        assert abs(answer.beep_at - end) <= 320


def test_a_beep_soon_after_a_short_greeting_is_a_machine():
    parts = [silence(300), voice(900), silence(600), tone(1000, 400)]
    answer = classify_answer(alaw(*parts, silence(2000)))
    assert answer.kind == "machine"
    assert answer.beep_at == pytest.approx(sum(map(len, parts)), abs=320)


@pytest.mark.parametrize("greeting_ms", [2000, 3000, 3800])
@pytest.mark.parametrize("wait_ms", [1000, 2000, 3000])
def test_a_beep_long_after_a_sentence_is_a_machine(greeting_ms, wait_ms):
    parts = [silence(300), voice(greeting_ms), silence(wait_ms), tone(1000, 400)]
    answer = classify_answer(alaw(*parts, silence(4000)))
    assert answer.kind == "machine", answer
    assert answer.beep_at == pytest.approx(sum(map(len, parts)), abs=320)


@pytest.mark.parametrize("greeting_ms", [1900, 3000, 3800])
def test_a_person_who_says_a_sentence_is_waited_for(greeting_ms):
    """Until a machine would have beeped."""
    answer = classify_answer(alaw(silence(300), voice(greeting_ms), silence(5000)))
    assert answer.kind == "human", answer
    assert answer.at / 8 - 300 - greeting_ms == pytest.approx(3300, abs=150)


@pytest.mark.parametrize("wait_ms", [1700, 2300, 3000])
def test_who_asks_again_is_a_person_at_once(wait_ms):
    parts = [silence(300), voice(3000), silence(wait_ms)]
    answer = classify_answer(alaw(*parts, voice(700, 4), silence(5000)))
    assert answer.kind == "human", answer
    assert "again" in answer.why
    assert abs(answer.greeting_ms - 3000) <= 150
    assert 250 <= (answer.at - sum(map(len, parts))) / 8 <= 500


def test_an_announcement_that_goes_on_after_a_long_pause_is_a_machine():
    greeting = [voice(2000), silence(450), voice(2000, 4)]
    parts = [silence(300), *greeting, silence(1800), voice(3000, 5), silence(500)]
    answer = classify_answer(alaw(*parts, tone(1000, 400), silence(2000)))
    assert answer.kind == "machine"
    assert answer.at / 8 <= 300 + 4600 + 500


def test_a_beep_alone_is_a_machine_without_a_greeting():
    answer = classify_answer(alaw(silence(600), tone(1400, 600), silence(3000)))
    assert (answer.kind, answer.greeting_ms) == ("machine", 0)
    assert "without a greeting" in answer.why


@pytest.mark.parametrize("kind", ["cng", "ced", "ans_pr", "ansam", "ansam_pr", "ct"])
@pytest.mark.parametrize("rings", [0, 2])
def test_fax_tones_are_a_fax(kind, rings):
    sound = alaw(ringback("cn", rings), silence(500), make_fax_tone(kind) / 32768, silence(500))
    answer = classify_answer(sound)
    assert answer.kind == "fax", answer
    assert kind in answer.why


SITS = {
    "standard": ((950, 330), (1400, 330)),
    "vacant_code": ((985.2, 380), (1370.6, 274)),
    "intercept": ((913.8, 274), (1370.6, 274)),
    "no_circuit": ((985.2, 380), (1428.5, 380)),
    "no_circuit_distant": ((913.8, 380), (1370.6, 380)),
    "reorder": ((913.8, 274), (1428.5, 380)),
    "reorder_distant": ((985.2, 274), (1370.6, 380)),
    "ineffective": ((913.8, 380), (1428.5, 274)),
    "unassigned": ((985.2, 274), (1428.5, 274)),
}


@pytest.mark.parametrize("kind", list(SITS))
def test_each_information_tone_has_its_cause(kind):
    bursts = [tone(hz, ms) for hz, ms in (*SITS[kind], (1776.7, 380))]
    answer = classify_answer(alaw(silence(500), *bursts, silence(300), voice(4000)), "us")
    assert (answer.kind, answer.sit) == ("sit", kind)
    assert answer.at <= 8 * (500 + sum(ms for _, ms in SITS[kind]) + 250)


@pytest.mark.parametrize("country", ["cn", "us", "de", "uk", "fr"])
@pytest.mark.parametrize("name", ["busy", "congestion"])
@pytest.mark.parametrize("cut", [0, 333, 1250])
def test_tones_of_failure(country, name, cut):
    sound = make_tone(plan(country).tone(name), 9000)[cut:] / 32768
    assert classify_answer(alaw(silence(200), sound), country).kind == name


def test_vacant_number_and_dial_tone():
    for name in ("vacant", "dial"):
        sound = make_tone(plan("cn").tone(name), 6000) / 32768
        assert classify_answer(alaw(silence(200), sound)).kind == name


@pytest.mark.parametrize("country", ["cn", "us", "uk", "jp"])
def test_ringback_alone_is_no_answer(country):
    assert classify_answer(alaw(ringback(country, 3)), country).kind == "no_answer"
    assert classify_answer(alaw(ringback(country, 3)[5000:]), country).kind == "no_answer"


def test_no_answer_comes_after_a_minute_of_ringing():
    answer = classify_answer(alaw(ringback("cn", 14)))
    assert answer.kind == "no_answer"
    assert answer.at / 8 == pytest.approx(AnswerLimits().no_answer_ms, abs=20)


def test_silence_is_told_after_six_seconds_and_later_after_ringing():
    assert classify_answer(alaw(silence(9000))).at == 6000 * 8
    answer = classify_answer(alaw(ringback("cn", 2), silence(9000)))
    assert answer.kind == "silence"
    assert classify_answer(alaw(silence(50))).kind == "silence"


def test_sound_that_ends_early_gives_the_best_guess():
    assert classify_answer(alaw(silence(200), voice(700), silence(300))).kind == "human"
    announcement = (voice(2000), silence(500), voice(2200))
    assert classify_answer(alaw(silence(200), *announcement)).kind == "machine"


def test_one_line_and_a_known_country():
    with pytest.raises(ValueError, match="one line, not 2"):
        classify_answer(np.zeros((2, 8000), np.int16))
    with pytest.raises(ValueError, match="no tone plan for 'zz'"):
        classify_answer(np.zeros(8000, np.int16), "zz")


# ---- the policy on events -------------------------------------------------------------------


def test_an_answer_is_said_once_and_a_beep_once_more():
    listener = AnswerListener("cn")
    assert listener.on_event(ev.TalkBegin(1, 4000, 0, 0, -20.0)) is None
    said = [listener.on_time(at) for at in range(4160, 44000, 160)]
    assert [a.kind for a in said if a is not None] == ["machine"]
    listener.on_event(ev.TalkEnd(2, 44000, 0, 0, 5000))
    listener.on_event(ev.BeepOn(3, 50000, 0, 0, 1000.0, -20.0, 1200))
    told = listener.on_event(ev.BeepOff(4, 54000, 0, 0, 1000.0, 5000, 160))
    assert told is not None
    assert told.beep_at == 53840
    assert listener.on_time(60000) is None
    assert listener.finish(60000) is told


def test_a_voice_in_place_of_the_next_ringback_burst_is_whole():
    """The plan's detector tells the ringback only when its pause is over, inside the first word."""
    sound = alaw(ringback("cn", 1)[: 8 * 4960], voice(350), silence(3000))
    answer = classify_answer(sound)
    assert answer.kind == "human"
    assert abs(answer.greeting_ms - 350) <= 100


def test_ringback_that_only_the_plan_heard_was_no_voice():
    listener = AnswerListener("cn")
    listener.on_event(ev.TalkBegin(1, 480, 0, 0, -20.0))
    listener.on_event(ev.ToneOn(2, 8400, 0, 0, "ringback", -20.0))
    listener.on_event(ev.TalkEnd(3, 11200, 0, 0, 1000))
    assert listener.finish(40000).kind == "no_answer"


def test_limits_are_parameters():
    limits = AnswerLimits(wait_short_ms=600)
    for wanted, ms in ((AnswerLimits(), 1200), (limits, 600)):
        listener = AnswerListener("cn", wanted)
        listener.on_event(ev.TalkBegin(1, 1000, 0, 0, -20.0))
        listener.on_event(ev.TalkEnd(2, 8520, 0, 0, 540))
        at = next(at for at in range(8520, 40000, 40) if listener.on_time(at))
        assert at == pytest.approx(520 + 540 * 8 + ms * 8, abs=40)


def test_other_events_and_ends_without_begins_change_nothing():
    listener = AnswerListener("cn")
    for event in (
        ev.TalkEnd(1, 160, 0, 0, 100),
        ev.BeepOff(2, 320, 0, 0, 1000.0, 1600, 160),
        ev.ToneOff(3, 480, 0, 0, "busy"),
        ev.OffHook(4, 640, 0, 0),
        ev.ToneOn(5, 800, 0, 0, "reminder", -10.0),
    ):
        assert listener.on_event(event) is None
    assert listener.finish(960).kind == "silence"


def test_every_code_of_the_information_tone_has_a_kind():
    kinds = [
        sit_kind([Burst(f1, 0, d1), Burst(f2, d1, d1 + d2), Burst(1777.0, d1 + d2, None)])
        for f1, f2, d1, d2 in product((914.0, 985.0), (1371.0, 1429.0), (2192, 3040), (2192, 3040))
    ]
    assert len(set(kinds)) == 9
    assert kinds.count("standard") == 8


def test_what_is_no_information_tone():
    good = [Burst(950, 0, 2640), Burst(1400, 2640, 5280), Burst(1800, 5280, None)]
    assert is_sit(good)
    assert may_be_sit(good[:1])
    assert may_be_sit(good[:2])
    assert not may_be_sit([Burst(1400, 0, None)])
    assert not is_sit(good[:2])
    assert not is_sit(good[::-1])
    assert not is_sit([good[0], good[1], Burst(1800, 9000, None)])
    assert not is_sit([Burst(950, 0, 8000), good[1], good[2]])


def test_a_live_line_gives_the_same_events_as_a_recording(card):  # noqa: F811
    """Over a channel of a board, with all four armed: the listener hears what arrays give."""
    codes = alaw(silence(400), voice(900), silence(600), tone(1000, 400), silence(1500))

    async def main():
        async with open_board(f"lib:{card}?2") as board:
            sender, hearer = board.channels
            kinds = (ev.TalkBegin, ev.TalkEnd, ev.BeepOn, ev.BeepOff)
            events = hearer.events(*kinds)
            hearer.arm(tones=True, talk=True, fax=True, beep=True)
            listener = AnswerListener("cn")
            await sender.play(codes.tobytes())
            await asyncio.sleep(0.2)
            heard = []
            while (event := events.get_nowait()) is not None:
                heard.append(event)
                listener.on_event(event)
            return heard, listener.answer

    heard, answer = run(main, clock="virtual")
    expected = line_events(codes, plan("cn"))
    shape = [(type(e).__name__, getattr(e, "hz", 0)) for e in heard]
    assert shape == [(type(e).__name__, getattr(e, "hz", 0)) for e in expected]
    assert len({a.at - b.at for a, b in zip(heard, expected, strict=True)}) == 1
    assert answer is not None
    assert answer.kind == "machine"
    assert answer.beep_at is not None
