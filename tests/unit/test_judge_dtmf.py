"""Room: tests of the DTMF and talk-off judges with receivers made for the test.  Measures no
detector; needs neither libspandsp nor recordings.
"""

from dataclasses import replace

import numpy as np
import pytest

from tests.judge import corpus, dtmf, dtmf_echo, dtmf_scene, signals, table, talk_off
from tests.judge.dtmf_limits_table import BETTER, COLUMNS, DEFAULT, UNIT
from tests.judge.dtmf_measure import QUANTITIES, enough
from tests.judge.dtmf_scene import Heard, Trial
from tests.judge.row import Row
from tests.judge.signals import KEYS, RATE


def test_every_limit_has_a_quantity_a_unit_and_a_direction():
    for column in COLUMNS:
        assert set(column.limits) <= set(QUANTITIES) == set(UNIT) == set(BETTER), column.title
        assert column.shown <= set(column.limits)
    assert set(DEFAULT) == set(QUANTITIES)


@pytest.mark.parametrize(("accepted", "refused"), [
    ("frequency accepted", "frequency gone"), ("level gone", "level lowest"),
    ("tone none", "tone found"), ("break bridged", "pause seen"),
])
def test_the_columns_do_not_contradict_each_other(accepted, refused):
    least = [c.limits[refused] for c in COLUMNS if refused in c.limits]
    most = [c.limits[accepted] for c in COLUMNS if accepted in c.limits]
    assert max(most) < min(least), "one receiver can do all that every column asks"


def test_the_default_is_asked_no_less_than_both_columns_of_the_recommendation():
    for column in COLUMNS[:2]:
        for name, limit in column.limits.items():
            chosen = DEFAULT[name][0]
            assert chosen >= limit if BETTER[name] == "high" else chosen <= limit, name


def test_the_rival_gets_parameters_for_a_column():
    by_title = {c.title: dtmf.rival_params(c) for c in COLUMNS}
    assert by_title["Q.24 Australia"] == {
        "twist_high_db": 11, "twist_low_db": 11, "threshold_dbm0": -28}
    assert by_title["Q.24 AT&T"]["threshold_dbm0"] == -29, "no lower than is asked, and a bit"
    assert "threshold_dbm0" not in by_title["ETSI ES 201 235-3"]


def test_the_better_of_two_figures():
    assert dtmf.better_of("twist high", 3.0, None, 5.0) == 5.0
    assert dtmf.better_of("tone found", 35.0, 33.0) == 33.0
    assert dtmf.better_of("tone found", None) is None


@pytest.mark.parametrize("snr_db", [0, 12])
@pytest.mark.parametrize("twist_db", [0, -6])
def test_snr_is_of_both_tones_over_the_noise(snr_db, twist_db):
    trial = dtmf.noise_trial(snr_db, on_ms=1000, twist_db=twist_db)
    clean = dtmf_scene.make(Trial(trial.bursts, trial.level_dbm0, twist_db, law="linear"), 1, 1)
    tones = signals.level(clean.pcm[0, clean.begins[0, 0] : clean.ends[0, 0]])
    noisy = dtmf_scene.make(trial, 1, 1)
    assert signals.level(noisy.pcm[0, : noisy.start]) == pytest.approx(tones - snr_db, abs=0.3)


def test_each_sign_gets_its_digits():
    assert enough(Trial(), 24) == 24
    assert enough(Trial(percent=1.0), 24) == 28
    assert enough(Trial(percent=1.0), 8) == 8
    assert enough(QUANTITIES["frequency gone"].trial(2.0), 24) == 56


# ---- a receiver that is not there ----


def missing(monkeypatch, module):
    def refuse(limits="itu"):
        raise dtmf_scene.NoDetectorError("cti_board.dsp.dtmf is not there yet")

    monkeypatch.setattr(module.dtmf_scene, "ours", refuse)


@pytest.mark.parametrize("judge", [dtmf, talk_off])
def test_without_a_detector_the_judge_says_so_and_fails(monkeypatch, judge):
    missing(monkeypatch, judge)
    (only,) = judge.rows(True)
    assert only.verdict == "fail"
    assert "not there yet" in only.note


# ---- talk-off ----


def noisy_recordings():
    rng = np.random.default_rng(3)
    return [(f"r{n}", signals.white(rng, RATE, -20).astype(np.int16)) for n in range(16)]


def false_at(second, key):
    """A receiver that hears one digit at a second of line 2."""
    return lambda pcm: [Heard(2, key, int(second * RATE), None, -10.0, 0.0)]


def test_false_digits_are_counted_for_each_and_found_in_their_recording(monkeypatch):
    batch = corpus.laid_out("set", noisy_recordings(), -15.0, made=False)
    monkeypatch.setattr(talk_off.dtmf_scene, "ours", lambda *_: false_at(0.7, "5"))
    monkeypatch.setattr(talk_off.dtmf_scene, "theirs", lambda **_: lambda pcm: [])
    spent, found = talk_off.false_digits(batch, talk_off.PLAIN[0])
    assert spent == pytest.approx(16 / 3600)
    (one,) = found
    assert (one.who, one.key, one.batch, one.variant) == ("ours", "5", "set", "-15 dBm0")
    assert one.recording == next(m.name for m in batch.marks if m.line == 2)
    assert one.second == pytest.approx(0.5)
    assert talk_off.row("x", spent, found, made=False).verdict == "fail"
    assert talk_off.row("x", spent, [], made=False).verdict == "pass"


def test_a_quick_run_makes_every_kind_of_row(monkeypatch):
    batch = corpus.laid_out("set", noisy_recordings(), -15.0, made=False)
    monkeypatch.setattr(talk_off.corpus, "speech", lambda name: batch)
    monkeypatch.setattr(talk_off.corpus, "made_speech", lambda: batch)
    monkeypatch.setattr(talk_off.dtmf_scene, "ours", lambda *_: lambda pcm: [])
    monkeypatch.setattr(talk_off.dtmf_scene, "theirs", lambda **_: false_at(0.7, "*"))
    rows = list(talk_off.rows(True))
    names = [r.name for r in rows]
    assert len(names) == len(set(names)) or len(talk_off.QUICK_SETS) > 1
    assert {r.verdict for r in rows} == {"pass"}
    assert {r.synthetic for r in rows} == {0.0, 1.0}
    total = next(r for r in rows if r.name == "all recordings and variants")
    assert total.theirs == len(talk_off.QUICK_SETS) * (len(talk_off.PLAIN) + talk_off.EASY)


def test_missing_recordings_are_no_verdict(monkeypatch):
    def refuse(*_):
        raise corpus.SpeechMissingError("no network")

    monkeypatch.setattr(talk_off.corpus, "speech", refuse)
    monkeypatch.setattr(talk_off.corpus, "made_speech", refuse)
    monkeypatch.setattr(talk_off.dtmf_scene, "ours", lambda *_: lambda pcm: [])
    rows = list(talk_off.rows(True))
    assert [r.verdict for r in rows] == ["info", "info"]
    assert all(r.note == "can't tell: no network" for r in rows)


def test_every_false_digit_is_listed(monkeypatch, capsys):
    batch = corpus.laid_out("set", noisy_recordings(), -15.0, made=False)
    monkeypatch.setattr(talk_off.oracle, "missing", lambda: "")
    monkeypatch.setattr(talk_off, "batches", lambda quick: [batch])
    monkeypatch.setattr(talk_off.corpus, "made_speech", lambda: batch)
    monkeypatch.setattr(talk_off, "CHANGED", ())
    monkeypatch.setattr(talk_off.dtmf_scene, "ours", lambda *_: false_at(0.7, "5"))
    monkeypatch.setattr(talk_off.dtmf_scene, "theirs", lambda **_: lambda pcm: [])
    assert talk_off.main(["--verbose", "--quick"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * len(talk_off.PLAIN)
    assert lines[0].split("\t")[:3] == ["set", "-15 dBm0", "ours"]


# ---- echo ----


def test_echo_paths_are_causal_and_lose_nothing_at_0_db():
    paths = dtmf_echo.echo_paths(np.random.default_rng(1))
    assert paths.shape[0] == 16
    assert np.sum(paths**2, axis=1) == pytest.approx(np.ones(16))
    assert (paths[:, :8] == 0).all()
    spectrum = np.abs(np.fft.rfft(paths, 800, axis=1))
    assert (spectrum[:, 0] < 0.2).all(), "a hybrid passes no direct current"


def test_the_lowest_return_loss_is_found(monkeypatch):
    rng = np.random.default_rng(2)
    monkeypatch.setattr(dtmf_echo, "prompts",
                        lambda n: signals.white(rng, (16, n), -15).astype(np.int16))
    scene, said = dtmf_echo._scene(20.0, 2)
    assert scene.pcm.shape == said.shape
    quiet = slice(scene.start - 4000, scene.start)
    echo = np.mean([signals.level(line[quiet]) for line in scene.pcm])
    assert echo == pytest.approx(-35, abs=1.0)

    def receiver(pcm):
        """Hears everything while the echo is under -30 dBm0."""
        if np.mean([signals.level(line[quiet]) for line in pcm]) > -30:
            return []
        return [Heard(k, KEYS[k], int(scene.begins[k, n]), None, -16.0, 0.0)
                for k in range(16) for n in range(2)]

    assert dtmf_echo.least_erl(receiver, None, 2) == pytest.approx(15, abs=1)
    assert dtmf_echo.least_erl(receiver, lambda rx, tx: rx // 8, 2) == 0


def test_what_this_machine_lacks_is_no_failure(monkeypatch):
    def lacking(trials):
        """Rows with sox."""
        raise signals.MissingError("sox is not installed")
        yield

    def there(trials):
        """Rows without."""
        yield Row("dtmf", f"{trials} trials", "", 1.0)

    monkeypatch.setattr(dtmf_scene, "ours", lambda *_: lambda pcm: [])
    for part in ("default_rows", "noise_rows", "dial_rows", "law_rows", "_columns"):
        monkeypatch.setattr(dtmf, part, there)
    monkeypatch.setattr(dtmf.dtmf_line, "PARTS", (lacking,))
    monkeypatch.setattr(dtmf.dtmf_echo, "PARTS", ())
    rows = list(dtmf.rows(True))
    assert [r.name for r in rows] == [*["8 trials"] * 4, "Rows with sox", "True trials"]
    assert rows[4].note == "can't tell: sox is not installed"
    assert table.exit_code(rows) == table.CANNOT_TELL


def test_echo_rows_say_when_the_speech_is_made(monkeypatch):
    def refuse(name):
        raise corpus.SpeechMissingError("no network")

    made = corpus.laid_out("made", noisy_recordings(), -15.0, made=True)
    dtmf_echo.voices.cache_clear()
    monkeypatch.setattr(corpus, "speech", refuse)
    monkeypatch.setattr(corpus, "made_speech", lambda: made)
    assert dtmf_echo.made_share() == 1.0
    dtmf_echo.voices.cache_clear()
    monkeypatch.setattr(corpus, "speech", lambda name: replace(made, made=False))
    assert dtmf_echo.made_share() == 0.5
    dtmf_echo.voices.cache_clear()
