"""One call of one's own: keys by hand and inside a WAV, a message, an agent; what was heard and
what was recorded."""

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from cti_board import audio
from ivr import config as configuration
from ivr.simulate.keys import read_steps
from ivr.simulate.one_call import place_call
from tests.native import spandsp_oracle

RATE = 8000
ACCOUNT = "60083037"


@pytest.fixture
def config(tmp_path):
    found = configuration.load(configuration.DEFAULT)
    record = replace(found.record, folder=tmp_path / "records", recordings="all")
    return replace(found, record=record)


def place(config, keys, wav=None, **more):
    return place_call(config, read_steps(keys), wav, **{"stay_s": 5.0, **more})


def keyed(heard):
    """What the centre heard as keys: (keys, where)."""
    marked = [m.en.removeprefix("keyed ") for m in heard.moments if m.en.startswith("keyed ")]
    return [tuple(text[:-1].split(" (")) for text in marked]


def segments(heard):
    return [m.en.removeprefix("now: ") for m in heard.moments if m.en.startswith("now: ")]


def sides(path):
    """Caller and centre of a stereo recording, linear."""
    body = path.read_bytes()
    data = body[body.index(b"data") + 8 :]
    return audio.decode_alaw(data[0::2]), audio.decode_alaw(data[1::2])


def find(pattern, sound):
    """At which sample of ``sound`` the pattern lies, and how alike it is there (0 to 1)."""
    x, y = pattern.astype(float), sound.astype(float)
    size = len(y) + len(x)
    scores = np.fft.irfft(np.fft.rfft(y, size) * np.conj(np.fft.rfft(x, size)), size)
    best = int(np.argmax(scores[: len(y) - len(x) + 1]))
    there = np.linalg.norm(y[best : best + len(x)])
    return best, float(scores[best] / max(np.linalg.norm(x) * there, 1.0))


def test_keys_lead_through_the_menu_and_the_account_is_told(config):
    heard = place(config, f"1,p,1,{ACCOUNT}#,p,1,w3,h")
    assert heard.answered
    assert heard.cleared_by == "caller"
    assert keyed(heard) == [
        ("1", "language"), ("1", "main"), (ACCOUNT, "account"), ("1", "confirm"),
    ]  # fmt: skip
    assert segments(heard)[0] == "menu"
    assert heard.moments[0].en.startswith("call offered on fxo0 from 88000000")
    assert "call ended: the far side hung up" in heard.moments[-2].en


def test_what_was_heard_is_the_centres_side_of_the_recording(config):
    heard = place(config, "1,w4,h")
    _, centre = sides(heard.recording)
    own = audio.decode_alaw(heard.heard)
    assert 0 < len(centre) - len(own) < 4 * RATE  # busy tone is known after some cycles
    at, alike = find(own[RATE : 4 * RATE], centre)
    assert alike > 0.99
    assert abs(at - RATE) < 0.1 * RATE
    assert np.abs(own).max() > 3000


def test_a_number_on_the_e1_can_be_called(config):
    heard = place(config, "2,w2,h", number="77000003")
    assert "call offered on e1/" in heard.moments[0].en
    assert "dialled 0003" in heard.moments[0].en
    assert keyed(heard) == [("2", "language")]


def test_a_number_that_nobody_has_is_not_answered(config):
    heard = place(config, "1", number="66009999")
    assert not heard.answered
    assert heard.heard == b""
    assert heard.recording is None
    assert heard.moments == []


def test_a_call_that_is_not_answered_is_not_told_as_an_older_one(config):
    assert place(config, "1,w1,h").moments
    heard = place(config, "1", number="66009999")
    assert (heard.answered, heard.recording, heard.recordings, heard.moments) == (
        False, None, [], [],
    )  # fmt: skip


@pytest.mark.parametrize("number", ["abc", "12 34", "１２３", "1" * 16, "#"])
def test_what_is_no_number_is_not_dialled(config, number):
    with pytest.raises(ValueError, match="is 1 to 15 digits"):
        place(config, "1", number=number)
    assert not config.record.folder.exists()


def test_steps_after_the_centre_has_hung_up_are_not_done(config):
    heard = place(config, "1,p,2,w200,1", stay_s=600.0)
    assert heard.cleared_by == "centre"
    assert [m.en for m in heard.moments if m.en.startswith("call ended")] == [
        "call ended: we hung up, Q.850 cause 16, refused"
    ]


def test_an_agent_is_reached_and_heard(config):
    heard = place(config, "1,p,0,w30,h")
    assert keyed(heard) == [("1", "language"), ("0", "main")]
    talk = next(m for m in heard.moments if m.en.startswith("now: talk"))
    own = audio.decode_alaw(heard.heard)
    from_talk = own[round((talk.at_s - heard.moments[0].at_s) * RATE) :][: 4 * RATE]
    assert np.abs(from_talk).max() > 2000
    assert "agent 801 joins on fxs0" in [m.en for m in heard.moments]


@pytest.fixture
def speech(tmp_path):
    """A stereo WAV of 44.1 kHz that somebody recorded: three seconds of warbling."""
    import soundfile

    t = np.arange(3 * 44_100) / 44_100
    sound = 0.3 * np.sin(2 * np.pi * (500 * t + 150 * np.sin(2 * np.pi * 1.7 * t)))
    soundfile.write(tmp_path / "speech.wav", np.stack([sound, 0.8 * sound], axis=1), 44_100)
    return tmp_path / "speech.wav"


def test_a_wav_is_left_as_a_message(config, speech):
    heard = place(config, "1,p,2,p,w1,s,#,p,h", speech)
    assert any("message kept in main" in m.en for m in heard.moments)
    message = next(path for path in heard.recordings if ".message" in path.name)
    wave = audio.open_wave(message)
    kept = audio.decode_alaw(message.read_bytes()[wave.offset : wave.offset + wave.size])
    said = audio.decode_alaw(audio.load(speech))
    at, alike = find(said[: 2 * RATE], kept)
    assert alike > 0.98
    assert at < 4 * RATE


def test_without_a_step_the_wav_is_spoken_from_the_answer_on(config, speech):
    heard = place(config, "", speech)
    caller, _ = sides(heard.recording)
    said = audio.decode_alaw(audio.load(speech))
    at, alike = find(said[: 2 * RATE], caller)
    assert alike > 0.98
    assert at < 0.2 * RATE
    assert heard.heard_s == pytest.approx(3.0 + 5.0, abs=0.6)


# ---- keys of another program, inside a WAV -------------------------------------------------

DTMF_HZ = {"1": (697, 1209), "2": (697, 1336), "0": (941, 1336)}  # ITU-T Q.23


def test_keys_that_sox_made_count_as_keys(config, tmp_path):
    sox = shutil.which("sox")
    if sox is None:
        pytest.skip("sox is not installed")
    parts = []
    for place_, (digit, wait_s) in enumerate((("2", 1.0), ("0", 1.5))):
        low, high = DTMF_HZ[digit]
        part = tmp_path / f"{place_}.wav"
        subprocess.run(
            [sox, "-n", "-r", "16000", "-b", "16", "-c", "1", part, "synth", "0.12", "sine",
             str(low), "sine", str(high), "remix", "-", "gain", "-9", "pad", str(wait_s), "0.3"],
            check=True, capture_output=True,
        )  # fmt: skip
        parts.append(part)
    subprocess.run([sox, *parts, tmp_path / "keys.wav"], check=True, capture_output=True)
    heard = place(config, "", tmp_path / "keys.wav", stay_s=12.0)
    assert keyed(heard) == [("2", "language"), ("0", "main")]
    assert "talk 801" in segments(heard)


def test_keys_that_spandsp_made_count_as_keys(config, tmp_path):
    oracle = spandsp_oracle.load()
    quiet = np.zeros(RATE, np.int16)
    signal = np.concatenate(
        [quiet]
        + [
            part
            for digits in ("1", "1", f"{ACCOUNT}#", "1")
            for part in (spandsp_oracle.dtmf_signal(oracle, digits, -10, 2, 60, 60), quiet)
        ]
    )
    audio.write_wave(tmp_path / "keys.wav", audio.encode_alaw(signal))
    heard = place(config, "", tmp_path / "keys.wav", stay_s=2.0)
    assert keyed(heard) == [
        ("1", "language"), ("1", "main"), (ACCOUNT, "account"), ("1", "confirm"),
    ]  # fmt: skip


def test_the_same_call_is_the_same_sound(config, tmp_path):
    again = replace(config, record=replace(config.record, folder=tmp_path / "again"))
    one, other = (place(each, "2,p,0,w12,h") for each in (config, again))
    assert one.heard == other.heard
    assert one.moments == other.moments
    assert one.recording.read_bytes() == other.recording.read_bytes()
