"""The catalogue: our recordings, a folder of human ones over them, and what is wrong in it."""

import hashlib
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ivr.prompt import Catalogue, PromptError
from ivr.prompt.alaw import RATE_HZ, decode, encode
from ivr.prompt.catalogue import DATA

FIRST_IVR = [
    "welcome",
    "language_choice",
    "main_menu",
    "noinput",
    "nomatch",
    "enter_account",
    "account_is",
    "account_wrong",
    "account_confirm",
    "leave_message",
    "message_saved",
    "message_empty",
    "transferring",
    "all_busy",
    "agent_number",
    "agent_serves",
    "no_answer",
    "try_later",
    "goodbye",
    "hold_music",
    "beep",
    "press_0_for_agent",
    "too_many_errors",
    "queue_ahead",
    "queue_next",
    "balance_is",
    "error_sorry",
]


def alaw_value(code: int) -> int:
    """One A-law code as a 16-bit sample, written from ITU-T G.711, table 1."""
    code ^= 0x55
    segment, step = (code >> 4) & 7, code & 15
    size = (step * 2 + 1) * 8 if not segment else (step * 2 + 33) * 8 << (segment - 1)
    return size if code & 0x80 else -size


def tone(seconds: float = 0.5, rate_hz: int = RATE_HZ, hz: float = 700.0) -> np.ndarray:
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.asarray(0.2 * np.sin(2 * np.pi * hz * at))


def put(root: Path, name: str, samples: np.ndarray, rate_hz: int = RATE_HZ, **form: str) -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, samples, rate_hz, **form)
    return file


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("id", FIRST_IVR)
def test_the_first_ivr_can_speak(id: str, lang: str) -> None:
    catalogue = Catalogue.load()
    assert catalogue.text(id, lang)
    assert len(catalogue.audio(id, lang)) > RATE_HZ // 5


def test_every_text_has_its_recording() -> None:
    catalogue = Catalogue.load()
    for prompt in catalogue.prompts.values():
        for lang in prompt.texts:
            assert catalogue.audio(prompt.id, lang)


def test_the_data_stay_small() -> None:
    assert sum(file.stat().st_size for file in DATA.rglob("*.al")) < 1_650_000


def test_alaw_is_g711_in_both_directions() -> None:
    codes = bytes(range(256))
    values = np.array([alaw_value(code) for code in codes]) / 32768
    assert np.array_equal(decode(codes), values)
    assert encode(values) == codes


def test_a_shared_prompt_is_one_recording_with_two_texts() -> None:
    catalogue = Catalogue.load()
    assert catalogue.audio("welcome", "zh") == catalogue.audio("welcome", "en")
    assert catalogue.text("welcome", "zh") != catalogue.text("welcome", "en")


def test_join_is_the_recordings_in_a_row() -> None:
    catalogue = Catalogue.load()
    one, two = (catalogue.audio(id, "zh") for id in ("digit_1", "digit_2"))
    assert catalogue.join(["digit_1", "digit_2"], "zh") == one + two
    assert catalogue.join(["digit_1", "digit_2"], "zh", gap_ms=10) == one + b"\xd5" * 80 + two
    assert catalogue.join([], "zh") == b""


def test_the_digest_names_the_version_that_was_heard() -> None:
    catalogue = Catalogue.load()
    audio = catalogue.audio("goodbye", "en")
    assert catalogue.digest("goodbye", "en") == hashlib.sha256(audio).hexdigest()


def test_an_unknown_prompt_is_named() -> None:
    with pytest.raises(PromptError, match=r"'welcom'.*catalogue\.toml"):
        Catalogue.load().audio("welcom", "zh")


def test_a_language_without_the_prompt_is_named() -> None:
    with pytest.raises(PromptError, match=r"'digit_yao'.*'en'.*only in zh"):
        Catalogue.load().text("digit_yao", "en")


def test_a_missing_recording_says_where_it_was_looked_for(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(DATA, data)
    (data / "en/goodbye.al").unlink()
    mine = tmp_path / "mine"
    mine.mkdir()
    with pytest.raises(PromptError) as raised:
        Catalogue.load(mine, data=data).audio("goodbye", "en")
    for part in ("'goodbye'", "'en'", f"{mine}/en/goodbye.wav", f"{data}/en/goodbye.al"):
        assert part in str(raised.value)


def test_a_human_recording_replaces_one_file_only(tmp_path: Path) -> None:
    ours = Catalogue.load()
    put(tmp_path, "zh/goodbye.wav", tone(), subtype="ALAW")
    mixed = Catalogue.load(tmp_path)
    assert mixed.audio("goodbye", "zh") == encode(tone())
    assert mixed.audio("goodbye", "en") == ours.audio("goodbye", "en")
    assert mixed.audio("welcome", "zh") == ours.audio("welcome", "zh")


def test_raw_alaw_replaces_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "both").mkdir()
    (tmp_path / "both/welcome.al").write_bytes(bytes(range(256)))
    assert Catalogue.load(tmp_path).audio("welcome", "en") == bytes(range(256))


@pytest.mark.parametrize("subtype", ["ALAW", "ULAW", "PCM_16"])
@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100, 48000])
def test_wav_of_every_right_form_sounds_the_same(
    tmp_path: Path, subtype: str, rate_hz: int
) -> None:
    put(tmp_path, "en/goodbye.wav", tone(rate_hz=rate_hz), rate_hz, subtype=subtype)
    heard = decode(Catalogue.load(tmp_path).audio("goodbye", "en"))
    assert len(heard) == RATE_HZ // 2
    middle = slice(400, -400)  # a filter rings where the tone begins and ends
    wanted = tone()
    error = heard[middle] - wanted[middle]
    assert np.std(error) < 0.03 * np.std(wanted)  # two companding steps, 35 dB each


def test_alaw_wav_keeps_every_code(tmp_path: Path) -> None:
    codes = bytes(range(256))
    put(tmp_path, "en/goodbye.wav", decode(codes), subtype="ALAW")
    assert Catalogue.load(tmp_path).audio("goodbye", "en") == codes


@pytest.mark.parametrize("subtype", ["PCM_24", "PCM_U8", "FLOAT", "GSM610"])
def test_a_wav_of_another_form_is_refused_with_the_right_one(tmp_path: Path, subtype: str) -> None:
    file = put(tmp_path, "en/goodbye.wav", tone(), subtype=subtype)
    with pytest.raises(PromptError) as raised:
        Catalogue.load(tmp_path)
    message = str(raised.value)
    assert str(file) in message
    assert subtype in message
    assert "16-bit PCM, A-law or u-law" in message


def test_stereo_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "en/goodbye.wav", np.stack([tone(), tone()], axis=1))
    with pytest.raises(PromptError, match=r"2 channels.*mono"):
        Catalogue.load(tmp_path)


def test_a_wav_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    file = put(tmp_path, "en/goodbye.wav", tone())
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(PromptError, match=r"goodbye\.wav: is cut short.*copy it again"):
        Catalogue.load(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no RIFF header"),
        (b"ID3\x03 a song", "no RIFF header"),
        (b"RIFF" + struct.pack("<I", 24) + b"WAVEjunk" + b"\0" * 16, "is not a sound file"),
    ],
)
def test_damaged_wav(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en/goodbye.wav").write_bytes(content)
    with pytest.raises(PromptError, match=message) as raised:
        Catalogue.load(tmp_path)
    assert str(tmp_path / "en/goodbye.wav") in str(raised.value)


def test_a_wav_without_samples(tmp_path: Path) -> None:
    put(tmp_path, "en/goodbye.wav", np.zeros(0))
    with pytest.raises(PromptError, match="no samples"):
        Catalogue.load(tmp_path)


def test_raw_files_that_are_none(tmp_path: Path) -> None:
    file = put(tmp_path, "en/goodbye.wav", tone())
    file.rename(file.with_suffix(".al"))
    with pytest.raises(PromptError, match=r"rename it to \.wav"):
        Catalogue.load(tmp_path)
    file.with_suffix(".al").write_bytes(b"")
    with pytest.raises(PromptError, match="is empty"):
        Catalogue.load(tmp_path)


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "en/goodbye.al").mkdir(parents=True)
    with pytest.raises(PromptError, match="cannot be read"):
        Catalogue.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("en/godbye.wav", "no prompt is named 'godbye'"),
        ("en/welcome.wav", "it belongs in both/"),
        ("en/digit_yao.wav", "it belongs in zh/"),
        ("goodbye.wav", "is not read"),
        ("EN/goodbye.wav", "is not read"),
        ("en/deep/goodbye.wav", "is not read"),
        ("en/goodbye.WAV", "is not read"),
        ("en/goodbye.flac", "is not read"),
    ],
)
def test_a_recording_that_nobody_would_hear_is_an_error(
    tmp_path: Path, name: str, message: str
) -> None:
    file = put(tmp_path, name, tone())
    with pytest.raises(PromptError, match=message) as raised:
        Catalogue.load(tmp_path)
    assert str(file) in str(raised.value)


def test_other_files_may_lie_there(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en/README.txt").write_text("recorded by Li, studio 2")
    assert Catalogue.load(tmp_path).audio("goodbye", "en")


def test_two_files_for_one_prompt(tmp_path: Path) -> None:
    put(tmp_path, "en/goodbye.wav", tone())
    (tmp_path / "en/goodbye.al").write_bytes(encode(tone()))
    with pytest.raises(PromptError, match=r"goodbye\.wav and goodbye\.al; keep one"):
        Catalogue.load(tmp_path)


def test_an_override_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="no such folder"):
        Catalogue.load(tmp_path / "none")


def test_an_override_may_add_prompts(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text(
        '[sentence.leak]\nzh = "报修漏水请按1。"\nen = "For a leak, press 1."\n', encoding="utf-8"
    )
    put(tmp_path, "zh/leak.wav", tone())
    catalogue = Catalogue.load(tmp_path)
    assert catalogue.text("leak", "zh") == "报修漏水请按1。"
    assert catalogue.audio("leak", "zh") == encode(np.round(tone() * 32768) / 32768)
    with pytest.raises(PromptError, match="'leak' has no 'en' recording"):
        catalogue.audio("leak", "en")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sentence.goodbye]\nzh = '再见'", "'goodbye' is in the catalogue already"),
        ("[sentence.a]\nde = 'Hallo'", "only en, pinyin, shared, zh"),
        ("[sentence.a]\npinyin = 'ni3'", "needs the text"),
        ("[sentence.a]\nzh = ''", "needs the text"),
        ("[sentence.a]\nzh = '好'\nshared = true", "every language"),
        ("[sentence.Leak]\nzh = '好'", "lower-case"),
        ("[sentence]\na = 'text'", "may stand here"),
        ("[phrase.a]\nzh = '好'", r"\[phrase\] is none of sentence, word, sound"),
        ("[sentence", "cannot be read"),
    ],
)
def test_a_wrong_catalogue_names_its_place(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "catalogue.toml").write_text(text, encoding="utf-8")
    with pytest.raises(PromptError, match=message) as raised:
        Catalogue.load(tmp_path)
    assert str(tmp_path / "catalogue.toml") in str(raised.value)
