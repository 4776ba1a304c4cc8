"""`ivr day` and `ivr call` as commands: what they say, and their exit codes."""

import json

import pytest
from click.testing import CliRunner

from cti_board import audio
from ivr.simulate.commands import call, day


def run(command, *words):
    return CliRunner().invoke(command, [str(word) for word in words])


REAL = '[board]\nurl = "dahdi:1"\n[[agent]]\nnumber = "1"\nport = "fxs0"\n'


@pytest.mark.parametrize(("words", "said"), [
    (["--agents", "11"], "11 agents: the centre has 10"),
    (["--record", "some"], '"all", "hash" or "1/N"'),
    (["--record", "1/0"], '"all", "hash" or "1/N"'),
    (["missing.toml"], "missing.toml: cannot be read"),
    (["real.toml"], "is a real card"),
])  # fmt: skip
def test_a_day_that_cannot_be_says_why_in_one_line(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real.toml").write_text(REAL)
    done = run(day, *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


@pytest.mark.parametrize(("words", "said"), [
    (["--keys", "1,x"], "item 2, 'x'"),
    (["--wav", "no.wav"], "no.wav: no such file"),
    (["--wav", "bad.wav"], "bad.wav: cannot be read as sound"),
    (["--wav", "empty.wav"], "empty.wav: holds no sound"),
    (["--wav", "."], "cannot be read as sound"),
    (["missing.toml"], "missing.toml: cannot be read"),
    (["real.toml"], "is a real card"),
])  # fmt: skip
def test_a_call_that_cannot_be_says_why_in_one_line(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real.toml").write_text(REAL)
    (tmp_path / "bad.wav").write_bytes(b"RIFF\x10\0\0\0WAVEfmt ")
    audio.write_wave(tmp_path / "empty.wav", b"")
    done = run(call, *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "heard.wav").exists()


@pytest.mark.parametrize(("command", "option"), [
    (day, "--hours"), (day, "--talk"), (day, "--wrap-up"), (call, "--stay"),
])  # fmt: skip
@pytest.mark.parametrize("value", ["nan", "-nan", "inf", "-inf", "1e999"])
def test_a_number_is_finite(command, option, value):
    done = run(command, option, value)
    assert done.exit_code == 2
    assert f"Invalid value for '{option}'" in done.stderr


FILE = '[board]\nurl = "sim:fxo=16,fxs=1,e1=1"\n[queue]\nwrap_up_s = 3\n'
FILE += '[[agent]]\nnumber = "1"\nport = "fxs0"\n'


@pytest.mark.parametrize(("words", "wrap_up_s"), [
    (["own.toml"], 3.0), (["own.toml", "--wrap-up", 7], 7.0), ([], 20.0), (["--wrap-up", 0], 0.0),
])  # fmt: skip
def test_wrap_up_is_what_the_file_says_and_is_told(words, wrap_up_s, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.toml").write_text(FILE)
    done = run(day, *words, "--calls", 1, "--hours", 0.05, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["wrap_up_s"] == wrap_up_s


def test_a_short_day_as_a_table(tmp_path):
    words = "--calls", 3, "--hours", 0.05, "--records", tmp_path / "kept", "--record", "all"
    done = run(day, *words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "10 agents, wrap-up 20 s, sim:" in done.stdout
    assert "占用率 occupancy" in done.stdout
    assert "(talk + hold + wrap-up) / (those + idle)" in done.stdout
    assert (tmp_path / "kept/records.sqlite").is_file()
    assert len(list((tmp_path / "kept/recordings").rglob("*.caller.wav"))) == 3


def test_a_day_does_not_mix_with_older_records(tmp_path):
    (tmp_path / "journal").mkdir()
    done = run(day, "--calls", 1, "--hours", 0.05, "--records", tmp_path)
    assert done.exit_code == 2
    assert "holds records already" in done.stderr


def test_a_call_as_json(tmp_path):
    done = run(call, "--keys", "1,w1,h", "--out", tmp_path / "h.wav", "--records", tmp_path / "r",
               "--json")  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["answered"] is True
    assert told["cleared_by"] == "caller"
    assert [moment["en"] for moment in told["timeline"] if "keyed" in moment["en"]] == [
        "keyed 1 (language)"
    ]
    wave = audio.open_wave(tmp_path / "h.wav")
    assert wave.samples == round(told["heard_s"] * 8000)
    assert told["recording"].endswith(".caller.wav")
