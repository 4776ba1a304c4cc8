"""Looking over recordings: our own are clean, and every kind of fault is found, each alone."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ivr.prompt import PromptError
from ivr.prompt.alaw import RATE_HZ, encode
from ivr.prompt.catalogue import DATA, read_texts
from ivr.prompt.check import Problem, check_catalogue


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """An empty override."""
    for name in ("zh", "en", "both"):
        (tmp_path / "mine" / name).mkdir(parents=True)
    return tmp_path / "mine"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A copy of our folder, to damage."""
    shutil.copytree(DATA, tmp_path / "data")
    return tmp_path / "data"


def tone(seconds: float, amplitude: float) -> bytes:
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return encode(amplitude * np.sin(2 * np.pi * 700 * at))


def test_our_own_recordings_have_no_fault() -> None:
    assert check_catalogue() == []


def test_an_empty_override_has_none(mine: Path) -> None:
    assert check_catalogue(mine) == []


@pytest.mark.parametrize(
    ("name", "seconds", "amplitude", "problem"),
    [
        ("zh/goodbye", 0.3, 0.1, Problem.TOO_SHORT),
        ("zh/goodbye", 21.0, 0.1, Problem.TOO_LONG),
        ("en/digit_1", 0.05, 0.1, Problem.TOO_SHORT),
        ("en/digit_1", 2.0, 0.1, Problem.TOO_LONG),
        ("zh/goodbye", 1.0, 0.02, Problem.TOO_QUIET),
        ("zh/goodbye", 1.0, 0.0, Problem.TOO_QUIET),
        ("en/goodbye", 1.0, 0.5, Problem.TOO_LOUD),
        ("both/hold_music", 301.0, 0.1, Problem.TOO_LONG),
    ],
)
def test_one_bad_recording_is_one_finding(
    mine: Path, name: str, seconds: float, amplitude: float, problem: Problem
) -> None:
    (mine / f"{name}.al").write_bytes(tone(seconds, amplitude))
    (finding,) = check_catalogue(mine)
    assert finding.problem is problem
    assert f"{finding.folder}/{finding.id}" == name
    assert finding.file == mine / f"{name}.al"
    assert str(finding).startswith(f"{name}: {problem.value}: ")


def test_clipping_is_found(mine: Path) -> None:
    quiet_but_clipped = tone(1.0, 0.1) + tone(0.01, 3.0) + tone(1.0, 0.1)
    (mine / "zh/goodbye.al").write_bytes(quiet_but_clipped)
    assert [finding.problem for finding in check_catalogue(mine)] == [Problem.CLIPPED]


def test_a_missing_recording_is_found_in_its_language(data: Path) -> None:
    (data / "en/goodbye.al").unlink()
    (data / "both/beep.al").unlink()
    found = [(f.problem, f.folder, f.id, f.file) for f in check_catalogue(data=data)]
    assert found == [
        (Problem.MISSING, "en", "goodbye", None),
        (Problem.MISSING, "both", "beep", None),
    ]


def test_a_text_that_an_override_adds_needs_its_recordings(mine: Path) -> None:
    (mine / "catalogue.toml").write_text('[word.leak]\nzh = "漏水"\n', encoding="utf-8")
    (finding,) = check_catalogue(mine)
    assert (finding.problem, finding.folder, finding.id) == (Problem.MISSING, "zh", "leak")


def test_an_unreadable_recording_does_not_hide_the_next(mine: Path) -> None:
    soundfile.write(mine / "en/goodbye.wav", np.zeros(8000), RATE_HZ, subtype="PCM_24")
    (mine / "zh/goodbye.wav").write_bytes(b"not a sound")
    found = check_catalogue(mine)
    assert [(f.problem, f.folder) for f in found] == [
        (Problem.UNREADABLE, "zh"),
        (Problem.UNREADABLE, "en"),
    ]
    assert "PCM_24" in found[1].detail


@pytest.mark.parametrize(
    "name", ["en/godbye.al", "en/welcome.al", "goodbye.al", "en/goodbye.mp3", "EN/goodbye.al"]
)
def test_a_recording_that_nobody_would_hear_is_found(mine: Path, name: str) -> None:
    (mine / name).parent.mkdir(exist_ok=True)
    (mine / name).write_bytes(tone(1.0, 0.1))
    (finding,) = check_catalogue(mine)
    assert finding.problem is Problem.MISNAMED
    assert finding.file == mine / name


def test_two_files_for_one_prompt_are_found(mine: Path) -> None:
    soundfile.write(mine / "en/goodbye.wav", np.full(8000, 0.1), RATE_HZ)
    (mine / "en/goodbye.al").write_bytes(tone(1.0, 0.1))
    problems = {finding.problem for finding in check_catalogue(mine)}
    assert Problem.MISNAMED in problems


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Thank you for calling. Goodbye."', '"Goodbye."'),
        ('pinyin = "gan3xie4 nin2de5 lai2dian4, zai4jian4."', 'pinyin = "zai4jian4."'),
        ('pinyin = "gan3xie4 nin2de5 lai2dian4, zai4jian4."', ""),
    ],
)
def test_a_text_that_changed_without_its_sound_is_stale(data: Path, old: str, new: str) -> None:
    file = data / "catalogue.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    (finding,) = check_catalogue(data=data)
    assert (finding.problem, finding.id) == (Problem.STALE, "goodbye")
    human = data / finding.folder / "goodbye.al"
    human.write_bytes(tone(1.0, 0.1))  # a person has recorded the new text: nothing is stale
    assert check_catalogue(data=data) == []


def test_a_catalogue_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="no such folder"):
        check_catalogue(tmp_path / "none")


def test_findings_come_in_the_order_of_the_catalogue(data: Path) -> None:
    for file in data.rglob("*.al"):
        file.unlink()
    found = [(finding.folder, finding.id) for finding in check_catalogue(data=data)]
    prompts = read_texts([data]).values()
    assert found == [(name, prompt.id) for prompt in prompts for name in prompt.folders]
