"""Steady tones that nobody announced: the beep bank on tones, pairs, noise and every lane."""

import hashlib

import numpy as np
import pytest

from tests.native import dsp_rig as rig
from tests.native.dsp_rig import lib, noise, silence, tone

ON, OFF = 43, 44  # CTB_EV_BEEP_*


def bank() -> "rig.Bank":
    made = rig.Bank("beep")
    for lane in range(16):
        lib.ctb_beep_bank_arm(made.bank, lane)
    return made


def heard(*parts: rig.Signal, snr_floor: float = -65.0, seed: int = 5) -> list[rig.Hit]:
    sound = np.concatenate([silence(300), *parts, silence(400)])
    sound = sound + noise(np.random.default_rng(seed), len(sound), snr_floor)
    return bank().run(rig.lines([sound]))[0]


@pytest.mark.parametrize("hz", [350, 425, 450, 620, 950, 1000, 1400, 1800, 2100, 2900])
@pytest.mark.parametrize("floor", [-65.0, -25.0])
def test_a_single_tone_has_its_frequency_begin_and_length(hz, floor):
    on, off = heard(tone([hz], 400, -12.0), snr_floor=floor)
    assert (on.kind, off.kind) == (ON, OFF)
    assert abs(on.a / 10 - hz) <= 0.012 * hz
    assert abs(on.b / 100 + 12.0) <= 0.5
    assert abs(on.at - on.d - 2400) <= 160
    assert abs(off.at - off.d - 5600) <= 240
    assert abs(off.b - 3200) <= 320


@pytest.mark.parametrize("pair", [(350, 440), (440, 480), (480, 620), (400, 450), (400, 425)])
def test_two_frequencies_are_a_tone_without_a_frequency(pair):
    on, off = heard(tone(pair, 700, -15.0))
    assert (on.kind, on.a, off.kind, off.a) == (ON, 0, OFF, 0)
    assert abs(on.at - on.d - 2400) <= 240
    assert abs(off.b - 5600) <= 480


def test_three_tones_in_a_row_are_three():
    hits = heard(tone([914], 274), tone([1371], 274), tone([1777], 380))
    assert [h.kind for h in hits] == [ON, OFF] * 3
    assert [round(h.a / 10) for h in hits[::2]] == pytest.approx([914, 1371, 1777], rel=0.01)
    assert [h.b / 8 for h in hits[1::2]] == pytest.approx([274, 274, 380], abs=25)


@pytest.mark.parametrize(
    "sound",
    [
        tone([1000], 120),
        tone([1000], 400, -52.0),
        noise(np.random.default_rng(3), 16000, -15.0),
        np.concatenate([tone([600], 60), tone([900], 60)] * 8),
        rig.peak(-12.0) * np.sin(2 * np.pi * (500 + 300 * np.arange(8000) / 8000)
                                 * np.arange(8000) / 8000),
    ],
    ids=["short", "soft", "noise", "changing", "gliding"],
)  # fmt: skip
def test_what_is_no_steady_tone_is_not_told(sound):
    assert heard(sound) == []


def test_speech_has_no_beeps():
    """Made of harmonics whose pitch moves by a few percent, as a voice does."""
    t = np.arange(16000) / 8000
    pitch = 2 * np.pi * np.cumsum(140 * (1 + 0.06 * np.sin(2 * np.pi * 4 * t))) / 8000
    voice = sum(np.sin(k * pitch) / k for k in range(1, 12)) * rig.peak(-18.0)
    assert heard(voice) == []


def test_arming_forgets_and_strange_samples_are_silence():
    used = bank()
    used.run(rig.lines([tone([1000], 300)] * 16))
    for lane in range(16):
        lib.ctb_beep_bank_arm(used.bank, lane)
    assert used.run(rig.lines([silence(400)] * 16)) == [[]] * 16
    out = rig.ffi.new("ctb_beep_bank_t **")
    assert lib.ctb_beep_bank_alloc(out) == 0
    frame = np.full((160, 16), np.nan, np.float32)
    frame[:, 1] = np.inf
    hits = rig.ffi.new("ctb_hit_t[]", 64)
    pointer = rig.ffi.cast("const float (*)[16]", frame.ctypes.data)
    assert [lib.ctb_beep_bank_run(out[0], pointer, 0xFFFF, hits, 64) for _ in range(20)] == [0] * 20
    lib.ctb_beep_bank_free(out[0])


def beep_events() -> list[list[rig.Hit]]:
    """Sixteen lines of tones, pairs and noise, for the hash of `test_lanes`."""
    rng = np.random.default_rng(17)
    lines = []
    for lane in range(16):
        hz = [float(rng.uniform(340, 3700))] + [500.0 + 20 * lane] * (lane % 2)
        parts = [silence(100 + 7 * lane), tone(hz, 250 + 40 * lane, -5.0 - 2 * lane), silence(200)]
        sound = np.concatenate(parts * 2)
        lines.append(sound + noise(rng, len(sound), -45.0 + lane))
    return bank().run(rig.lines(lines))


def event_hash() -> str:
    events = beep_events()
    digest = hashlib.sha256(repr(events).encode()).hexdigest()
    return f"{sum(map(len, events))} {digest}"


@pytest.mark.parametrize("wish", rig.SETS)
def test_every_instruction_set_hears_the_same(wish):
    words = rig.on_set(wish, "test_beep", "event_hash()")
    assert words == event_hash().split()
    assert int(words[0]) >= 40
