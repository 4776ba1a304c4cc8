"""Making recordings: espeak-ng itself, what may be overwritten, the tone and the melody."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ivr.prompt import PromptError, espeak
from ivr.prompt.alaw import RATE_HZ, decode, encode
from ivr.prompt.catalogue import DATA, read_texts
from ivr.prompt.espeak import Voice, synthesise
from ivr.prompt.level import active_level_dbm0, clipped_runs, rms_dbm0
from ivr.prompt.make import main, make_all, make_one, said
from ivr.prompt.manifest import digest, read_manifest
from ivr.prompt.sound import SOUNDS, beep, hold_music

TEXTS = """
[sentence.hello]
zh = "您好。"
pinyin = "nin2hao3."
en = "Hello."
[sentence.both_hello]
shared = true
zh = "您好。"
pinyin = "nin2hao3."
en = "Hello."
[sound]
beep = { shared = true, zh = "滴声", en = "a tone" }
"""

needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="espeak-ng is not installed (apt install espeak-ng)"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "catalogue.toml").write_text(TEXTS, encoding="utf-8")
    return tmp_path


def files(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*.*"))}


def edit(root: Path, old: str, new: str) -> None:
    file = root / "catalogue.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@needs_espeak
def test_one_command_makes_all_and_makes_it_alike(folder: Path) -> None:
    lines: list[str] = []
    done = make_all(folder, report=lines.append)
    first = files(folder)
    assert (done.made, done.kept, done.removed) == (4, 0, 0)
    assert set(first) == {
        "catalogue.toml",
        "manifest.json",
        "zh/hello.al",
        "en/hello.al",
        "both/both_hello.al",
        "both/beep.al",
    }
    assert done.size == sum(len(data) for name, data in first.items() if name.endswith(".al"))
    assert len(lines) == 4
    make_all(folder)
    assert files(folder) == first


@needs_espeak
def test_speech_has_the_level_and_does_not_clip(folder: Path) -> None:
    make_all(folder)
    for name, data in files(folder).items():
        if name.endswith("hello.al"):
            # the pause of a shared prompt counts in part: its speech is a little louder
            assert active_level_dbm0(decode(data)) == pytest.approx(espeak.LEVEL_DBM0, abs=1.0)
            assert clipped_runs(decode(data)) == 0


@needs_espeak
def test_a_shared_prompt_is_chinese_and_then_english(folder: Path) -> None:
    make_all(folder)
    made = files(folder)
    pause = espeak.PAUSE_MS * RATE_HZ // 1000
    chinese, english = made["zh/hello.al"], made["en/hello.al"]
    both = made["both/both_hello.al"]
    assert both == chinese + encode(np.zeros(pause)) + english


@needs_espeak
def test_human_recordings_stay(folder: Path) -> None:
    make_all(folder)
    (folder / "en/hello.al").write_bytes(encode(beep()))
    (folder / "zh/hello.al").rename(folder / "zh/hello.wav")
    before = files(folder)
    done = make_all(folder)
    assert (done.made, done.kept) == (2, 2)
    after = files(folder)
    for name in ("en/hello.al", "zh/hello.wav"):
        assert after[name] == before[name]
    assert "zh/hello.al" not in after
    assert make_all(folder).kept == 2  # and they stay the human's the next time


@needs_espeak
def test_recordings_of_prompts_that_are_gone_are_removed(folder: Path) -> None:
    make_all(folder)
    edit(folder, "[sentence.hello]", "[sentence.hi]")
    done = make_all(folder)
    assert done.removed == 2
    assert not (folder / "zh/hello.al").exists()
    assert (folder / "zh/hi.al").exists()


@needs_espeak
def test_after_a_failure_what_was_made_is_still_known_as_made(folder: Path) -> None:
    edit(folder, "[sound]\n", '[sentence.bad]\nzh = "好"\n[sound]\n')
    with pytest.raises(PromptError, match="'bad' has no pinyin"):
        make_all(folder)
    assert set(read_manifest(folder).made) == {"zh/hello", "en/hello", "both/both_hello"}
    edit(folder, 'zh = "好"', 'zh = "好"\npinyin = "hao3"')
    assert make_all(folder).kept == 0


@needs_espeak
def test_the_mandarin_voice_must_not_fall_back_to_english() -> None:
    samples, rate_hz = synthesise("huan1ying2", espeak.VOICES["zh"])
    assert rate_hz > RATE_HZ
    assert np.any(samples)
    for text, voice in (("hello", espeak.VOICES["zh"]), ("huan1ying2", Voice("cmn", 180))):
        with pytest.raises(PromptError, match="as English"):
            synthesise(text, voice)


@needs_espeak
def test_every_chinese_text_of_ours_is_read_as_chinese() -> None:
    text = " ".join(p.pinyin for p in read_texts([DATA]).values() if p.pinyin)
    samples, _ = synthesise(text, espeak.VOICES["zh"])
    assert np.any(samples)


@needs_espeak
@pytest.mark.parametrize("text", ["", " ", "..."])
def test_a_text_without_sound(text: str) -> None:
    with pytest.raises(PromptError, match=r"made (no sound|only silence)"):
        synthesise(text, espeak.VOICES["en"])


@needs_espeak
def test_a_voice_that_is_not_there() -> None:
    with pytest.raises(PromptError, match="espeak-ng failed"):
        synthesise("hello", Voice("xx", 180))


@needs_espeak
@pytest.mark.parametrize("id", ["goodbye", "digit_yao", "welcome", "hold_music"])
def test_our_recordings_are_what_the_command_makes(id: str) -> None:
    if espeak.engine() != read_manifest(DATA).engine:
        pytest.skip("another espeak-ng than the one of our recordings")
    prompt = read_texts([DATA])[id]
    for name in prompt.folders:
        ours = decode((DATA / name / f"{id}.al").read_bytes())
        made = decode(make_one(prompt, name))
        assert len(made) == len(ours)
        # another processor may round one code differently, no more
        assert np.max(np.abs(made - ours)) < 0.05
        assert np.std(made - ours) < 0.001


def test_without_espeak_the_message_says_how_to_install_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    before = files(folder)
    with pytest.raises(PromptError, match=r"espeak-ng is not installed.*apt install espeak-ng"):
        make_all(folder)
    assert files(folder) == before
    result = CliRunner().invoke(main, [str(folder)])
    assert result.exit_code == 1
    assert "apt install espeak-ng" in result.output


@pytest.mark.parametrize(
    ("script", "message"),
    [("echo no data >&2; exit 3", r"failed \(3\): no data"), ("exit 0", "made no sound")],
)
def test_an_espeak_that_does_not_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    fake = tmp_path / "espeak-ng"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PromptError, match=message):
        synthesise("hello", espeak.VOICES["en"])


@needs_espeak
def test_the_command_reports(folder: Path) -> None:
    result = CliRunner().invoke(main, [str(folder)])
    assert result.exit_code == 0
    assert "both/beep: 0.25 s" in result.output
    assert "4 made, 0 kept, 0 removed" in result.output


def test_a_folder_without_a_catalogue(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="no catalogue"):
        make_all(tmp_path)


def test_a_sound_that_nobody_composed(folder: Path) -> None:
    edit(folder, "beep =", "birds =")
    prompt = read_texts([folder])["birds"]
    with pytest.raises(PromptError, match="only beep, hold_music can be made"):
        make_one(prompt, "both")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"engine": "x"}', '{"engine": "x", "made": {"a": 1}}']
)
def test_a_damaged_manifest_is_named(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(PromptError, match=r"manifest\.json: is damaged"):
        read_manifest(folder)


def test_the_manifest_knows_every_recording_of_ours() -> None:
    manifest = read_manifest(DATA)
    prompts = read_texts([DATA])
    wanted = {f"{name}/{p.id}": said(p, name) for p in prompts.values() for name in p.folders}
    assert {key: made.said for key, made in manifest.made.items()} == wanted
    for key, made in manifest.made.items():
        assert digest((DATA / f"{key}.al").read_bytes()) == made.sha256
    assert json.loads((DATA / "manifest.json").read_text(encoding="utf-8"))["engine"]


def test_the_melody_is_a_soft_loop_of_fifteen_seconds() -> None:
    music = hold_music()
    assert len(music) == 15 * RATE_HZ
    assert rms_dbm0(music) == pytest.approx(-20.0, abs=0.1)
    steps = np.abs(np.diff(music))
    assert abs(music[0] - music[-1]) <= np.max(steps)  # no click where it begins again
    assert np.mean(music[-RATE_HZ // 4 :] ** 2) > 0.01 * np.mean(music**2)  # nor a hole


def key_blocks(samples: np.ndarray) -> int:
    """In how many blocks of 40 ms two key frequencies, a low and a high one, hold the power."""
    low, high = (697, 770, 852, 941), (1209, 1336, 1477, 1633)  # ITU-T Q.23
    window = np.hamming(320)
    at = np.arange(320) / RATE_HZ
    bank = np.exp(-2j * np.pi * np.outer([*low, *high], at)) * window
    blocks = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    tone_power = 2 * np.abs(blocks @ bank.T / np.sum(window)) ** 2
    share = tone_power / (np.mean(blocks**2, axis=1, keepdims=True) + 1e-12)
    rows, columns = share[:, :4].max(axis=1), share[:, 4:].max(axis=1)
    return int(np.sum((rows > 0.2) & (columns > 0.2)))


def test_the_melody_holds_no_dtmf_key() -> None:
    at = np.arange(RATE_HZ) / RATE_HZ
    key_5 = np.sin(2 * np.pi * 770 * at) + np.sin(2 * np.pi * 1336 * at)
    assert key_blocks(key_5) == 25  # the measure itself works
    assert key_blocks(hold_music()) == 0


def test_the_beep_is_a_tone_between_silences() -> None:
    samples = beep()
    assert len(samples) == RATE_HZ // 4
    assert max(abs(samples[0]), abs(samples[-1])) < 0.01
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    assert np.argmax(spectrum) * RATE_HZ / len(samples) == pytest.approx(1000, abs=4)
    assert rms_dbm0(samples) == pytest.approx(-13.0, abs=0.3)


def test_every_sound_of_the_catalogue_can_be_made() -> None:
    sounds = {p.id for p in read_texts([DATA]).values() if p.kind == "sound"}
    assert sounds == set(SOUNDS)
