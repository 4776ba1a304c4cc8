"""The Python faces of the library: strange arrays, arguments, bytes are refused or do no harm."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cti_board._native._media", reason="the media plane is not built")
from cti_board.dsp import (
    agc,
    answer,
    caller_id,
    dtmf,
    echo,
    fax,
    g711,
    learn,
    measure,
    mf,
    progress,
    talk,
)
from cti_board.tones import plan
from tests.fuzz.sounds import line

SEED = 2026
TRIES = 60
Face = Callable[..., Any]

# of 60 strange arrays, how many at least are answered; the others are no sound or too short, or
# hold nothing of what is measured
HEARING: dict[str, tuple[Face, int]] = {
    "find_talk": (talk.find_talk, 10),
    "level_speech": (agc.level_speech, 10),
    "cancel_echo": (lambda sound: echo.cancel_echo(sound, sound), 10),
    "find_digits": (dtmf.find_digits, 10),
    "find_tones": (progress.find_tones, 10),
    "learn_plan": (learn.learn_plan, 0),
    "classify_answer": (answer.classify_answer, 10),
    "find_signals": (mf.find_signals, 10),
    "find_signals backward": (partial(mf.find_signals, set_="backward"), 10),
    "find_signals backward_cn": (partial(mf.find_signals, set_="backward_cn"), 10),
    "find_fax_tones": (fax.find_fax_tones, 10),
    "find_fsk": (caller_id.find_fsk, 10),
    "find_dtmf_id": (caller_id.find_dtmf_id, 10),
    "alaw_encode": (g711.alaw_encode, 10),
    "ulaw_encode": (g711.ulaw_encode, 10),
    "alaw_decode": (g711.alaw_decode, 5),
    "ulaw_decode": (g711.ulaw_decode, 5),
    "alaw_to_ulaw": (g711.alaw_to_ulaw, 5),
    "ulaw_to_alaw": (g711.ulaw_to_alaw, 5),
    "level": (measure.level, 10),
    "psophometric": (measure.psophometric, 4),
    "c_message": (measure.c_message, 4),
    "hum": (measure.hum, 4),
    "impulses": (measure.impulses, 5),
    "gaps": (measure.gaps, 5),
    "fit_sine": (measure.fit_sine, 1),
    "fit_sine_at": (partial(measure.fit_sine_at, hz=1004.0), 4),
    "distortion": (measure.distortion, 4),
    "find_slips": (partial(measure.find_slips, hz=1004.0), 0),
    "measure_multitone": (partial(measure.measure_multitone, sent_level_dbm0=-10.0), 0),
    "measure_sweep": (partial(measure.measure_sweep, measure.sweep(-10.0, 0.5)), 1),
    "measure_echo_path": (partial(measure.measure_echo_path, level_dbm0=-10.0), 0),
}


def strange(rng: np.random.Generator) -> np.ndarray:
    """An array of any kind that a program may hand over."""
    samples = int(rng.choice([0, 1, 2, 159, 160, 161, 500, 4000, 12000]))
    sound = line(max(samples, 1), rng)[:samples]
    with np.errstate(over="ignore", invalid="ignore"):
        kind = int(rng.integers(7))
        if kind == 0:
            return np.nan_to_num(np.clip(sound * 32768, -32768, 32767)).astype(np.int16)
        if kind == 1:
            return rng.integers(0, 256, samples).astype(np.uint8)
        if kind == 2:
            return sound.astype(np.float32)
        if kind == 3:
            sound[:: int(rng.integers(1, 50))] = rng.choice([np.nan, np.inf, -np.inf, 1e300])
            return sound
        if kind == 4:
            return np.stack([sound] * int(rng.integers(1, 20))).astype(np.float32)
        if kind == 5:
            return rng.integers(-9, 9, samples)
        return sound.reshape(1, -1, 1)


@pytest.mark.parametrize("name", HEARING)
def test_a_face_that_hears_refuses_or_survives_strange_arrays(name):
    face, least = HEARING[name]
    rng, answered = np.random.default_rng(SEED), 0
    for _ in range(TRIES):
        sound = strange(rng)
        before = sound.tobytes()
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                found = face(sound)
        except ValueError:
            continue
        finally:
            assert sound.tobytes() == before
        answered += 1
        if isinstance(found, np.ndarray):
            assert np.isfinite(found).all()
    assert answered >= least


NUMBERS = (0, 1, -1, 0.3, 17, 250, -13.5, -90, 3.14, 1004.0, 1e12, float("nan"), float("inf"))
SECONDS = (-1.0, 0.0, 0.0001, 0.19, 0.3, 1.0, 5.0)
WORDS = ("", "1", "12D#*A", "0,5", "x", "\0", "号", "1" * 300, "bell202", "v23", "cng", "ansam_pr")
# what each asks for: n a number, s seconds, i a whole number, p a small one, w a word, b bytes
SENDING: dict[str, tuple[Face, str]] = {
    "make_digits": (lambda w, a, b, c, d: dtmf.make_digits(
        w, level_dbm0=a, twist_db=b, on_ms=c, off_ms=d), "wnnii"),
    "make_tone": (partial(progress.make_tone, plan("cn").tone("busy")), "n"),
    "make_signal": (lambda i, a, b: mf.make_signal(i, ms=a, level_dbm0=b), "inn"),
    "make_fax_tone": (fax.make_fax_tone, "wnn"),
    "make_fsk": (lambda m, w, a, b, c, d: caller_id.make_fsk(
        m, w, a, twist_db=b, seizure_bits=c, mark_bits=d), "bwnnii"),
    "make_dtmf_id": (lambda w, a, b, c, d: caller_id.make_dtmf_id(
        w, level_dbm0=a, twist_db=b, on_ms=c, off_ms=d), "wnnii"),
    "fsk_sound": (caller_id.fsk_sound, "www"),
    "build_message": (lambda number, name, date: caller_id.build_message(
        caller_id.CallerId(number, name, date)), "www"),
    "excitation": (measure.excitation, "np"),
    "multitone": (measure.multitone, "ns"),
    "sweep": (measure.sweep, "ns"),
    "test_tone": (measure.test_tone, "nns"),
    "digital_milliwatt": (measure.digital_milliwatt, "s"),
}  # fmt: skip


def drawn(kind: str, rng: np.random.Generator) -> Any:
    if kind == "w":
        return WORDS[int(rng.integers(len(WORDS)))]
    if kind == "b":
        return rng.bytes(int(rng.choice([0, 1, 2, 30, 258, 259, 400])))
    if kind == "s":
        return SECONDS[int(rng.integers(len(SECONDS)))]
    if kind == "p":
        return int(rng.integers(-2, 20))
    if kind == "i":
        return int(rng.choice([-1, 0, 1, 5, 40, 80, 300, 10**7]))
    return NUMBERS[int(rng.integers(len(NUMBERS)))]


@pytest.mark.parametrize("name", SENDING)
def test_a_face_that_sends_refuses_or_makes_sound_of_strange_arguments(name):
    face, kinds = SENDING[name]
    rng, answered = np.random.default_rng(SEED), 0
    for _ in range(200):
        words = [drawn(kind, rng) for kind in kinds]
        try:
            made = face(*words)
        except ValueError:
            continue
        answered += 1
        if isinstance(made, np.ndarray):
            assert made.dtype == np.int16
            assert made.ndim == 1
        else:
            assert isinstance(made, bytes)
    assert answered > 0


def test_any_bytes_are_a_callers_message_or_refused():
    rng, parsed = np.random.default_rng(SEED), 0
    for _ in range(3000):
        data = bytearray(rng.bytes(int(rng.integers(0, 40))))
        if len(data) > 1 and rng.random() < 0.9:  # most look right from outside
            data[0], data[1] = int(rng.choice([4, 0x80])), int(rng.integers(len(data) - 1))
        if len(data) > 4 and rng.random() < 0.7:
            data[2], data[3] = int(rng.choice([1, 2, 4, 7, 8])), int(rng.integers(len(data) - 3))
        try:
            found = caller_id.parse_message(bytes(data))
        except ValueError:
            continue
        parsed += 1
        assert set(found.number) <= set("0123456789ABCD*#+")
        assert found.date == "" or found.date.isdigit()
    assert parsed > 300
