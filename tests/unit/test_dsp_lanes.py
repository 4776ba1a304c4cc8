"""What all faces of the detectors share: which sound they take, in which pieces, and how they tell
a signal that is cut by the end of the sound."""

import warnings

import numpy as np
import pytest

from cti_board.dsp.agc import SpeechLevel, level_speech
from cti_board.dsp.caller_id import (
    CallerId,
    FskReceiver,
    build_message,
    find_dtmf_id,
    find_fsk,
    make_dtmf_id,
    make_fsk,
)
from cti_board.dsp.dtmf import DtmfReceiver, find_digits, make_digits
from cti_board.dsp.echo import cancel_echo
from cti_board.dsp.fax import FaxDetector, find_fax_tones, make_fax_tone
from cti_board.dsp.g711 import alaw_encode
from cti_board.dsp.lanes import rows
from cti_board.dsp.learn import learn_plan
from cti_board.dsp.measure import level
from cti_board.dsp.mf import MfReceiver, find_signals, make_signal
from cti_board.dsp.progress import find_tones
from cti_board.dsp.talk import TalkFinder, TalkLimits, find_talk

MS = 8
FACES = {
    "digits": find_digits, "signals": find_signals, "fax tones": find_fax_tones,
    "tones": find_tones, "talk": find_talk, "fsk": find_fsk, "dtmf id": find_dtmf_id,
    "level": level, "learn": learn_plan, "agc": level_speech, "g711": alaw_encode,
    "echo": lambda sound: cancel_echo(sound, sound), "fsk stream": FskReceiver().feed,
}  # fmt: skip
RECEIVERS = (DtmfReceiver, MfReceiver, FaxDetector, TalkFinder, SpeechLevel)


def quiet(ms):
    return np.zeros(round(ms * MS), np.int16)


# ---- which sound ----


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_values_that_are_not_finite_are_refused_by_all(face, kind, value):
    sound = np.zeros(16000, kind)
    sound[777] = value
    with pytest.raises(ValueError, match="not finite"):
        FACES[face](sound)


@pytest.mark.parametrize("face", FACES)
def test_values_that_are_no_sound_are_refused_by_all(face):
    sound = np.zeros(16000)
    for value in (-1e7, 1e7, 3e38, 1e300):
        sound[777] = value
        with pytest.raises(ValueError, match="-1 to 1"):
            FACES[face](sound)


def test_half_floats_are_sound_without_a_warning():
    sound = (make_digits("5") / 32768).astype(np.float16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [digit.key for digit in find_digits(sound)] == ["5"]
        assert rows(np.array([65504.0], np.float16)).max() == 65504.0


def test_no_line_and_too_many_are_refused():
    for wrong in ((0, 160), (17, 160), (1, 1, 160)):
        with pytest.raises(ValueError, match="up to 16 lines"):
            rows(np.zeros(wrong, np.int16))


# ---- receivers ----


@pytest.mark.parametrize("receiver", RECEIVERS)
@pytest.mark.parametrize("lines", [-1, 0, 17, 400, 1 << 40])
def test_a_number_of_lines_that_no_bank_has_is_refused(receiver, lines):
    with pytest.raises(ValueError, match=r"1\.\.16"):
        receiver(lines)


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_pieces_that_do_not_fit_are_refused(receiver):
    of_two = receiver(2)
    for wrong in (np.zeros(160, np.int16), np.zeros((3, 160), np.int16)):
        with pytest.raises(ValueError, match="2 lines"):
            of_two.feed(wrong)
    of_two.feed(np.zeros((2, 320), np.int16))
    of_two.feed(np.zeros((2, 100), np.int16))
    of_two.feed(np.zeros((2, 0), np.int16))
    with pytest.raises(ValueError, match="last piece"):
        of_two.feed(np.zeros((2, 160), np.int16))


def test_a_stream_in_small_pieces_is_not_swallowed():
    receiver, sound = DtmfReceiver(), make_digits("159")
    receiver.feed(sound[:100])
    with pytest.raises(ValueError, match="last piece may end inside a frame of 160"):
        receiver.feed(sound[100:200])


# ---- the end of the sound ----

LAST = {
    "digits": (find_digits, make_digits("5", on_ms=100, off_ms=0)),
    "signals": (find_signals, make_signal(7, ms=100)),
    "fax tones": (find_fax_tones, make_fax_tone("cng", 500)),
}


@pytest.mark.parametrize("level_db", [0, -15])
@pytest.mark.parametrize("start", [0, 333, 1600])
@pytest.mark.parametrize("name", LAST)
def test_a_signal_that_is_over_has_its_end_and_one_that_is_cut_has_none(name, start, level_db):
    find, made = LAST[name]
    sound = np.concatenate([np.zeros(start), made / 32768 * 10 ** (level_db / 20)])
    for silence in range(0, 900, 97):
        short = 60 if name == "fax tones" else 40  # 7.5 and 5 ms
        whole = np.concatenate([sound, np.zeros(short + silence)])
        [heard] = find(whole)
        assert heard.end == pytest.approx(start + len(made), abs=40)
        assert 0 <= heard.begin <= start + 80
        [still] = find(sound[: len(sound) - silence // 3])
        assert (still.begin, still.end) == (heard.begin, None)


def test_talk_that_is_over_has_its_end():
    t = np.arange(8000) / 8000
    talk = 0.1 * np.sin(2 * np.pi * 500 * t) * (t % 0.25 < 0.2)
    talk = talk[: 950 * MS]  # ends in a tone
    for limits in (None, TalkLimits(hang_ms=3000)):
        [cut] = find_talk(np.concatenate([quiet(500), talk]), limits)
        assert cut.end is None
        for silence in (20, 150, 1000):
            [heard] = find_talk(np.concatenate([quiet(500), talk, quiet(silence)]), limits)
            assert heard.end == pytest.approx(1450 * MS, abs=80)
            assert heard.begin == cut.begin


@pytest.mark.parametrize("before", [0, 1, 7, 20])
def test_nothing_begins_before_the_sound(before):
    sound = np.concatenate([quiet(before), make_dtmf_id("12"), quiet(20)])
    [told] = find_dtmf_id(sound)
    assert told.begin == pytest.approx(before * MS, abs=40)
    assert 0 <= told.begin < told.end <= len(sound)
    for number in range(1, 16):
        [signal] = find_signals(np.concatenate([quiet(before), make_signal(number), quiet(20)]))
        assert 0 <= signal.begin == pytest.approx(before * MS, abs=40)


@pytest.mark.parametrize("cut", [0, 66, 80])
def test_no_message_ends_after_the_sound(cut):
    sound = make_fsk(build_message(CallerId("12345678")), mark_bits=80)
    [message] = find_fsk(sound[: len(sound) - cut])  # ten marks follow its last stop bit
    assert 0 <= message.begin < message.end == min(len(sound) - 68, len(sound) - cut)
