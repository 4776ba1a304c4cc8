"""Room: tests of the sound that judges: levels and frequencies measured by FFT, the codes of G.711,
scenes, counting, speech on lines.  Needs neither libspandsp nor a detector nor recordings.
"""

import itertools
import shutil

import numpy as np
import pytest

from tests.judge import corpus, dtmf_measure, dtmf_scene, signals
from tests.judge.dtmf_scene import Heard, Trial
from tests.judge.signals import KEYS, RATE


def spectrum(sound):
    """Levels of all frequencies, dBm0 of a sine; 8000 samples: one bin is one hertz."""
    assert len(sound) == RATE
    size = np.abs(np.fft.rfft(np.asarray(sound, float))) / (RATE / 2)
    return 20 * np.log10(np.maximum(size, 1e-6) / signals.peak(0.0))


# ---- signals ----


def test_a_tone_has_its_level_and_its_frequency():
    made = signals.tone(941, 1000, -12)
    levels = spectrum(made)
    assert levels.argmax() == 941
    assert levels[941] == pytest.approx(-12, abs=0.01)
    assert signals.level(made) == pytest.approx(-12, abs=0.01)


def test_noise_has_its_level_and_its_band():
    rng = np.random.default_rng(1)
    assert signals.level(signals.white(rng, 80_000, -30)) == pytest.approx(-30, abs=0.1)
    made = signals.band_noise(rng, (2, RATE), -20, 300, 3300)
    assert signals.level(made) == pytest.approx(-20, abs=0.01)
    levels = spectrum(made[0])
    assert levels[:300].max() < -100
    assert levels[3301:].max() < -100


def test_the_digital_milliwatt_is_zero_dbm0():
    # table 5/G.711: 34 21 21 34 B4 A1 A1 B4, and what these codes decode to
    wave = signals.through(signals.tone(1000, 1000, 0.0, np.pi / 8), "alaw")
    assert sorted({abs(int(v)) for v in wave}) == [8960, 20992]
    assert signals.level(wave) == pytest.approx(0, abs=0.02)


def test_alaw_and_mulaw_have_the_values_of_their_tables():
    alaw, ulaw = signals.heard_as("alaw"), signals.heard_as("ulaw")
    assert len(set(alaw.tolist())) == 256
    assert len(set(ulaw.tolist())) == 255, "plus and minus zero are one"
    assert alaw.max() == 32256
    assert ulaw.max() == 32124
    assert alaw[32768] == 8
    assert alaw[32767] == -8
    assert ulaw[32768] == 0
    for table in (alaw, ulaw):
        assert (np.diff(table.astype(int)) >= 0).all()
        assert (table[::-1][:-1] == -table[1:] if table is ulaw else table[::-1] == -table).all()
    value = np.arange(-32768, 32768)
    assert (signals.heard_as("linear") == value).all()
    again = alaw.astype(int)
    assert (alaw[again + 32768] == alaw).all(), "a decoded value stays what it is"


def test_what_is_too_loud_is_clipped():
    assert signals.through(np.array([1e6, -1e6]), "linear").tolist() == [32767, -32768]


@pytest.mark.skipif(not shutil.which("sox"), reason="sox is not installed")
def test_sox_makes_two_tones_of_the_level_asked():
    levels = spectrum(signals.sox_tones((770, 1477), 1000, -14))
    assert set(np.argsort(levels)[-2:]) == {770, 1477}
    assert levels[[770, 1477]] == pytest.approx([-14, -14], abs=0.05)


# ---- scenes ----


def test_a_scene_says_where_its_keys_are():
    scene = dtmf_scene.make(Trial(((50, 0),), -10, twist_db=-4, noise_dbm0=-90), 3, 7)
    assert scene.pcm.shape == (16, scene.start + 3 * scene.cell)
    for line in (0, 5, 15):
        for n in range(3):
            begin, end = scene.begins[line, n], scene.ends[line, n]
            assert end - begin == 400
            around = np.abs(scene.pcm[line].astype(int))
            assert around[begin - 80 : begin].max() < 100
            assert around[end : end + 80].max() < 100
            key = scene.pcm[line, begin:end]
            strongest = np.argmax(np.abs(np.fft.rfft(key, RATE)))
            assert abs(strongest - signals.LOW_HZ[line // 4]) < 8, "the low tone is the stronger"
            assert signals.level(key) == pytest.approx(-10 + 10 * np.log10(1 + 10**-0.4), abs=0.4)


def test_frequency_errors_and_twist_are_what_was_asked():
    trial = Trial(((1000, 0),), -10, twist_db=-3, percent=50, hz=5, signs=((1, -1),),
                  noise_dbm0=-90, law="linear")
    scene = dtmf_scene.make(trial, 1, 3)
    key, begin = KEYS.index("5"), scene.begins[KEYS.index("5"), 0]
    levels = spectrum(scene.pcm[key, begin : begin + RATE])
    low, high = 1155 + 5, 668 - 5
    assert set(np.argsort(levels)[-2:]) == {low, high}
    assert levels[low] == pytest.approx(-10, abs=0.05)
    assert levels[high] == pytest.approx(-13, abs=0.05)


def test_the_same_seed_makes_the_same_scene():
    first, again, other = (dtmf_scene.make(Trial(), 2, seed) for seed in (1, 1, 2))
    assert (first.pcm == again.pcm).all()
    assert (first.pcm != other.pcm).any()


def test_noise_and_third_tone_only_where_they_are_asked():
    trial = Trial(((100, 0),), noise_dbm0=-20, noise_when="with")
    scene = dtmf_scene.make(trial, 1, 1)
    assert signals.level(scene.pcm[0, : scene.start]) < -60
    third = dtmf_scene.make(Trial(((1000, 0),), third=True, third_dbm0=-30, law="linear"), 1, 1)
    begin = third.begins[0, 0]
    levels = spectrum(third.pcm[0, begin : begin + RATE])
    levels[[697, 1209]] = -120
    levels[690:705] = levels[1200:1220] = -120
    assert levels.max() == pytest.approx(-30, abs=2)


# ---- counting ----


def heard(scene, line, trial, key=None, shift=0):
    begin = int(scene.begins[line, trial]) + shift
    return Heard(line, key or KEYS[line], begin, begin + 400, -10.0, 0.0)


def everything(scene):
    return [heard(scene, line, n) for line in range(16) for n in range(scene.trials)]


def test_found_counts_the_right_key_once():
    scene = dtmf_scene.make(Trial(), 4, 1)
    right = everything(scene)
    assert dtmf_scene.found(scene, right) == 1.0
    assert dtmf_scene.taken(scene, right) == 1.0
    assert dtmf_scene.found(scene, right[1:]) == 63 / 64
    assert dtmf_scene.found(scene, [*right, heard(scene, 3, 2, shift=300)]) == 63 / 64
    assert dtmf_scene.found(scene, [heard(scene, 0, 0, "9"), *right[1:]]) == 63 / 64
    assert dtmf_scene.found(scene, right * 2, times=2) == 1.0
    assert dtmf_scene.taken(scene, []) == 0.0
    early = Heard(0, "1", 10, 20, -10.0, 0.0)
    assert dtmf_scene.found(scene, [early, *right]) == 63 / 64, "nothing may be heard for nothing"


def test_of_frequency_errors_the_worst_sign_counts():
    scene = dtmf_scene.make(Trial(percent=1.0), 4, 1)
    lost = [d for d in everything(scene) if d.begin != int(scene.begins[d.line, 2])]
    assert dtmf_scene.found(scene, lost) == 0.0
    assert dtmf_scene.taken(scene, [heard(scene, 0, 1)]) == 1 / 16


@pytest.mark.parametrize(("easy", "hard", "bad", "expected"), [
    (0, 10, lambda v: v > 6.5, 6.5),
    (10, 0, lambda v: v < 6.5, 6.5),
    (0, 10, lambda v: v > 20, 10),
    (0, 10, lambda v: True, None),
    (0, 10, lambda v: 1 < v < 9 or v > 9.5, 1.0),  # a hole on the way is not jumped over
    (0, 10, lambda v: v == 5.5 or v > 6.5, 5.0),  # nor is one near the edge
])
def test_the_edge_is_the_last_good_place(easy, hard, bad, expected):
    assert dtmf_scene.edge(lambda v: not bad(v), easy, hard, 0.5) == expected


def test_a_quantity_is_pushed_until_digits_are_lost():
    def receiver(pcm):
        """Hears all keys of the scene while their level is over -30 dBm0."""
        scene = dtmf_measure._scene(trial_of[0], 4)
        if signals.level(scene.pcm[0, scene.begins[0, 0] : scene.ends[0, 0]]) < -30 + 3:
            return []
        return everything(scene)

    trial_of = [Trial()]
    quantity = dtmf_measure.QUANTITIES["level lowest"]

    def pushed(value):
        trial_of[0] = quantity.trial(value)
        return trial_of[0]

    found = dtmf_measure.measure(
        dtmf_measure.Quantity(pushed, quantity.easy, quantity.hard, quantity.step), receiver, 4)
    assert found == pytest.approx(-30, abs=0.5)


# ---- speech on lines ----


def speech_like(seed, seconds, dbm0):
    """Noise that is on and off like words, at an active level."""
    rng = np.random.default_rng(seed)
    on = np.repeat(rng.uniform(size=int(seconds * 4)) < 0.5, RATE // 4)
    on[: RATE // 4] = True
    sound = signals.white(rng, len(on), dbm0) * on
    return np.clip(sound, -32768, 32767).astype(np.int16)


def test_the_active_level_leaves_out_the_pauses():
    for dbm0 in (-15, -30):
        assert corpus.active_level(speech_like(1, 4, dbm0)) == pytest.approx(dbm0, abs=0.3)
    assert corpus.active_level(np.zeros(RATE)) < -80


def test_recordings_lie_on_lines_at_one_level_and_are_found_again():
    recordings = [(f"r{n}", speech_like(n, 1 + n % 3, -10 - n)) for n in range(20)]
    batch = corpus.laid_out("set", recordings, -15.0, made=False)
    assert batch.sound.shape[0] == 16
    assert len(batch.marks) == 20
    assert batch.hours == pytest.approx(sum(len(s) for _, s in recordings) / RATE / 3600)
    by_line = {}
    for mark in batch.marks:
        part = batch.sound[mark.line, mark.begin : mark.end]
        assert corpus.active_level(part) == pytest.approx(-15, abs=0.3)
        assert batch.where(mark.line, mark.begin + 800) == (mark.name, 0.1)
        by_line.setdefault(mark.line, []).append((mark.begin, mark.end))
    for places in by_line.values():
        places.sort()
        assert all(end < begin for (_, end), (begin, _) in itertools.pairwise(places))


def test_changes_keep_the_level_and_the_marks():
    batch = corpus.laid_out("set", [("a", speech_like(1, 4, -20))], -15.0, made=False)
    mark = batch.marks[0]

    def level_of(changed):
        m = changed.marks[0]
        return corpus.active_level(changed.sound[m.line, m.begin : m.end])

    assert level_of(batch.at_level(-27)) == pytest.approx(-27, abs=0.3)
    for changed in (batch.tilted(3), batch.tilted(-3), batch.band(600, 1700)):
        assert level_of(changed) == pytest.approx(-15, abs=0.7)
    faster = batch.at_speed(1.25)
    assert faster.marks[0].end == int(mark.end / 1.25)
    assert faster.hours == pytest.approx(batch.hours / 1.25, rel=1e-3)
    assert signals.level(batch.in_noise(-40, 1).sound[(mark.line + 1) % 16]) == pytest.approx(
        -40, abs=0.2)
    assert batch.heard().dtype == np.int16


def test_a_tone_under_speech_is_on_every_line():
    batch = corpus.laid_out("set", [("a", speech_like(1, 2, -20))], -15.0, made=False)
    over = batch.over_tone(450, -20)
    assert signals.level(over.sound[9]) == pytest.approx(-20, abs=0.05)


@pytest.fixture
def fetching(monkeypatch, tmp_path):
    """Commands that `corpus` runs; `refused` decides which fail."""
    ran, refused = [], []
    monkeypatch.setattr(corpus, "BUILD", tmp_path)
    for kept in (corpus._download, corpus._update):
        kept.cache_clear()

    def run(words):
        ran.append([word for word in words if word not in ("sudo", "-n")][:2])
        if any(part in words for part in refused):
            raise corpus.SpeechMissingError("apt-get download: no network")
        if "update" in words:
            refused.clear()  # with the lists a package can be fetched
        if words[:2] == ["apt-get", "download"]:
            (tmp_path / f"{words[2]}_1_all.deb").touch()
        if words[0] == "dpkg":
            (tmp_path / words[3]).mkdir()

    monkeypatch.setattr(corpus, "_run", run)
    yield ran, refused
    for kept in (corpus._download, corpus._update):
        kept.cache_clear()


def updates(ran):
    return sum("update" in words for words in ran)


def test_without_a_network_the_speech_is_missing_and_it_is_asked_once(fetching):
    ran, refused = fetching
    refused += ["download", "update"]
    for _ in range(3):
        with pytest.raises(corpus.SpeechMissingError, match=r"no network.*package lists"):
            corpus.unpacked("one")
    assert len(ran) == 2
    with pytest.raises(corpus.SpeechMissingError):
        corpus.unpacked("another")
    assert updates(ran) == 1, "the lists are fetched once in a run"


def test_on_a_bare_machine_the_lists_are_fetched_first(fetching, tmp_path):
    ran, refused = fetching
    refused.append("download")
    assert corpus.unpacked("one") == tmp_path / "one"
    assert [words[-1] for words in ran] == ["download", "update", "download", "-x"]
    corpus.unpacked("one")
    assert len(ran) == 4, "what is there is not fetched again"


def test_what_is_kept_goes_with_what_it_was_made_of():
    kept = corpus.kept_as("made", 8000, ("a", 1))
    assert kept == corpus.kept_as("made", 8000, ("a", 1))
    assert kept != corpus.kept_as("made", 8000, ("a", 2))
    assert kept.name.startswith("made.")
    assert kept.suffix == ".npz"


def test_without_sox_it_is_told(monkeypatch):
    def absent(*_, **__):
        raise FileNotFoundError("sox")

    monkeypatch.setattr(signals.subprocess, "run", absent)
    with pytest.raises(signals.MissingError, match="sox is not installed"):
        signals.sox_tones((697, 1209), 50, -12)
