"""A plan learned from recordings of an exchange that no plan knows."""

import numpy as np
import pytest

from cti_board.dsp.learn import learn_plan, learn_tones
from cti_board.dsp.progress import find_tones
from cti_board.tones import PLANS, Cadence, Tone, plan_from_toml, plan_to_toml
from tests.native import dsp_rig as rig

MS = 8
SNR_DB = 15.0


def voice(rng: np.random.Generator, ms: float) -> rig.Signal:
    """Syllables of harmonics that glide, as before and after a tone on a tape."""
    time = np.arange(round(ms * MS)) / rig.RATE
    pitch = rng.uniform(110, 200) * (1 + 0.2 * np.sin(2 * np.pi * rng.uniform(0.5, 1.5) * time))
    phase = 2 * np.pi * np.cumsum(pitch) / rig.RATE
    sound = sum(np.sin(k * phase + rng.uniform(0, 6)) / k for k in range(1, 18))
    return np.asarray(rig.rms(-16) * sound * np.maximum(np.sin(2 * np.pi * 2.7 * time), 0))


def tone_sound(tone: Tone, ms: float) -> rig.Signal:
    bursts, parts, made = tone.cadence.on_off_ms or ((round(ms), 0),), [], 0.0
    while made < ms:
        for i, (on, off) in enumerate(bursts):
            hz = tone.steps_hz[i : i + 1] or tone.hz
            parts += [rig.tone(hz, on, tone.level_dbm0), rig.silence(off)]
            made += on + off
    return np.concatenate(parts)


def recording(
    rng: np.random.Generator, tone: Tone, cycles: float, cut_ms: float = 0.0
) -> np.ndarray:
    """Speech, the tone from its middle on, speech; noise 15 dB under the tone; A-law codes."""
    ms = cycles * (sum(map(sum, tone.cadence.on_off_ms)) or 1000)
    sound = tone_sound(tone, ms)[round(cut_ms * MS) :]
    sound = np.concatenate([voice(rng, 800), rig.silence(200), sound, voice(rng, 600)])
    power_dbm0 = tone.level_dbm0 + 10 * np.log10(len(tone.hz))
    return rig.alaw_codes(sound + rig.noise(rng, len(sound), power_dbm0 - SNR_DB))


def invented(rng: np.random.Generator, pair: bool) -> list[Tone]:
    low = round(float(rng.uniform(380, 500)), 1)
    hz = (low, low + float(rng.integers(45, 150))) if pair else (low,)
    busy, ring = int(rng.integers(320, 540)), int(rng.integers(800, 1400))
    fast, pause = int(busy * rng.uniform(0.4, 0.6)), int(rng.integers(3000, 4800))
    times = {"dial": (), "ringback": ((ring, pause),), "busy": ((busy, busy),)}
    times["congestion"] = ((fast, fast),)
    return [Tone(name, hz, Cadence(on_off), -12.0) for name, on_off in times.items()]


CYCLES = {"dial": 4, "ringback": 2.3, "busy": 6, "congestion": 8}


def agree(learned: Tone, true: Tone) -> bool:
    hz = zip(learned.hz, true.hz, strict=True)
    pairs = zip(learned.cadence.on_off_ms, true.cadence.on_off_ms, strict=True)
    times = [(a, b) for x, y in pairs for a, b in zip(x, y, strict=True)]
    return all(abs(a - b) <= 2 for a, b in hz) and all(abs(a - b) <= 0.05 * b for a, b in times)


@pytest.mark.parametrize("seed", range(6))
def test_an_invented_country_is_learned_and_then_heard(seed):
    rng = np.random.default_rng(seed)
    tones = invented(rng, pair=seed % 2 == 1)
    tapes = [recording(rng, t, CYCLES[t.name], float(rng.uniform(0, 200))) for t in tones]
    learned = learn_tones(tapes, "xx", "four tapes")
    assert learned.plan.source == "learned from four tapes"
    assert [t.tone.name for t in learned.tones] == [t.name for t in learned.plan.tones]
    for true in tones:
        (found,) = [t for t in learned.tones if t.tone.name == true.name]
        assert agree(found.tone, true), (found.tone, true)
        assert abs(found.tone.level_dbm0 - true.level_dbm0) < 1.0
        assert abs(found.snr_db - SNR_DB) < 4
        assert 0.4 <= found.confidence <= 1
    others = [tone_sound(t, CYCLES[t.name] * 1000 + 8000) for t in tones]
    lines = rig.lines([np.concatenate([rig.silence(400), s, rig.silence(600)]) for s in others])
    heard = find_tones(lines[: len(tones)], learned.plan)
    assert {(t.line, t.name) for t in heard} == {(n, t.name) for n, t in enumerate(tones)}


def test_one_tape_with_all_the_tones_gives_the_same_plan():
    rng = np.random.default_rng(20)
    tones = invented(rng, pair=False)
    tape = np.concatenate([recording(rng, t, CYCLES[t.name]) for t in tones])
    found = {t.name: t for t in learn_plan(tape).tones}
    assert set(found) == {t.name for t in tones}
    assert all(agree(found[t.name], t) for t in tones)


@pytest.mark.parametrize("country", ["cn", "uk", "it"])
def test_a_known_country_is_learned_with_its_own_names(country):
    """China's congestion is slower than its busy: only its plan can say so."""
    rng = np.random.default_rng(5)
    wanted = [t for t in PLANS[country].tones if t.name not in ("sit", "call_waiting")]
    tapes = [recording(rng, t, 26 if "howler" in t.name else t.min_cycles + 2.6) for t in wanted
             if t.cadence.on_off_ms or t.name == "dial"]  # fmt: skip
    found = {t.name: t for t in learn_plan(tapes, country).tones}
    assert set(found) >= {"ringback", "busy", "congestion"}
    for name in ("ringback", "busy", "congestion"):
        assert agree(found[name], PLANS[country].tone(name))


def test_special_information_tone_is_learned_as_one_tone():
    rng = np.random.default_rng(6)
    sit, busy = PLANS["de"].tone("sit"), PLANS["de"].tone("busy")
    found = learn_plan([recording(rng, sit, 1), recording(rng, busy, 5)]).tone("sit")
    assert np.allclose(found.steps_hz, sit.steps_hz, atol=2)
    on = [on for on, _ in found.cadence.on_off_ms]
    assert np.allclose(on, 330, atol=16)


def test_a_modulated_tone_is_learned_by_its_carrier():
    tone = tone_sound(Tone("ringback", (400.0,), Cadence(((1000, 2000),))), 9000)
    beat = 1 + 0.9 * np.cos(2 * np.pi * 16 * np.arange(len(tone)) / rig.RATE)
    rng = np.random.default_rng(1)
    (found,) = learn_plan((tone * beat + rig.noise(rng, len(tone), -30)) / 32768).tones
    assert found.name == "ringback"
    assert np.allclose(found.hz, 400, atol=2)
    assert np.allclose(found.cadence.on_off_ms, [(1000, 2000)], rtol=0.05)


def test_a_learned_plan_can_be_kept_as_text():
    rng = np.random.default_rng(8)
    learned = learn_plan(recording(rng, Tone("busy", (425.0,), Cadence(((300, 300),))), 8), "xx")
    assert plan_from_toml(plan_to_toml(learned), "xx.toml") == learned
    assert learned.source == "learned from 1 recording"
    assert "busy: " in learned.note
    assert "dB over the noise" in learned.note


def test_the_report_trusts_a_short_or_noisy_recording_less():
    rng = np.random.default_rng(9)
    busy = Tone("busy", (425.0,), Cadence(((300, 300),)))
    (long,) = learn_tones(recording(rng, busy, 10)).tones
    noisy = rig.ALAW[recording(rng, busy, 10)].astype(float)
    noisy += rig.noise(rng, len(noisy), busy.level_dbm0 - 11)
    (worse,) = learn_tones(noisy / 32768).tones
    assert worse.confidence < long.confidence
    assert worse.snr_db < long.snr_db
    assert long.cycles >= 8


@pytest.mark.parametrize(
    ("sound", "told"),
    [
        (np.zeros(0, np.int16), r"less than 1 s; needed: a recording at 8000 Hz"),
        (np.zeros(4000, np.int16), r"less than 1 s; needed"),
        (np.zeros(80000, np.int16), r"no steady tone of one or two frequencies was found; needed"),
        (np.zeros((3, 2, 2), np.int16), r"one line, \(samples,\): \(3, 2, 2\)"),
        ([np.zeros(80000), np.zeros((2, 80000))], r"one line, \(samples,\): \(2, 80000\)"),
        ([np.zeros(80000), np.full(8, np.nan)], r"values that are not finite"),
        (np.zeros(80000, np.int64), r"int16, uint8 \(A-law\) or float, not int64"),
    ],
)
def test_what_teaches_nothing_is_refused_with_what_is_needed(sound, told):
    with pytest.raises(ValueError, match=told):
        learn_plan(sound)


def test_bursts_that_do_not_repeat_are_refused_with_their_frequency():
    rng = np.random.default_rng(2)
    bursts = [(300, 700), (520, 410), (900, 250), (210, 1300), (650, 500)]
    parts = [x for on, off in bursts for x in (rig.tone([425], on), rig.silence(off))]
    sound = np.concatenate(parts)
    with pytest.raises(ValueError, match="bursts of 425 Hz were found, but no cadence repeats"):
        learn_plan(sound + rig.noise(rng, len(sound), -40))


@pytest.mark.parametrize("seed", range(4))
def test_speech_noise_and_notes_teach_nothing(seed):
    rng = np.random.default_rng(seed)
    notes = [rig.tone([440 * 2 ** (int(n) / 12)], 400, -15) for n in rng.integers(-9, 9, 20)]
    melody = np.concatenate(notes) + rig.tone([220], 8000, -20)
    for sound in (voice(rng, 8000), rig.noise(rng, 64000, -20), melody):
        with pytest.raises(ValueError, match="needed: a recording"):
            learn_plan(rig.alaw_codes(sound))
