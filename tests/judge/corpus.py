"""Room: recordings of people speaking, for the judges: fetched once, read, brought to a level,
laid on sixteen lines.  Judges nothing; a detector must never be tuned on it.

The recordings are the spoken prompts of Debian's telephony packages, fetched with `apt-get
download` into build/speech and unpacked there; no root is needed.  `SpeechMissingError` where
they are not there and cannot be had.  Made speech (espeak-ng) is kept apart.
"""

import hashlib
import os
import subprocess
import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from tests.judge import signals
from tests.judge.signals import RATE, Law, Pcm

BUILD = Path(__file__).parents[2] / "build" / "speech"
FETCH_S = 180  # chosen: a slow mirror; then it cannot be told
LINES = 16
GAP = RATE // 5  # silence between recordings
SHORTEST = RATE // 20  # shorter files hold nothing that is spoken
# prompts that are no speech
NOT_SPEECH = ("silence", "beep", "confbridge-join", "confbridge-leave", "ascending-2tone",
              "descending-2tone", "dial-tone", "tt-monkeys")

PACKAGES = {
    "en": "asterisk-core-sounds-en-wav",
    "es": "asterisk-core-sounds-es-wav",
    "fr": "asterisk-core-sounds-fr-wav",
    "it": "asterisk-core-sounds-it-wav",
    "ru": "asterisk-core-sounds-ru-wav",
    "it menardi": "asterisk-prompt-it-menardi-wav",
    "es co": "asterisk-prompt-es-co",
    "fr armelle": "asterisk-prompt-fr-armelle",
}

# voices of espeak-ng that are for judging alone: (language, voice, pitch, words a minute)
MADE = tuple(
    (language, voice, pitch, pace)
    for n, language in enumerate(("et", "lv", "lt", "sl", "is", "cy", "eu", "mk", "sq", "hy"))
    for voice, pitch, pace in (
        (f"m{n % 7 + 1}", 15 + 5 * n, 130),
        (f"f{n % 4 + 1}", 70, 150 + 5 * n),
        ("croak", 40, 120),
    )
)


class SpeechMissingError(signals.MissingError):
    """The recordings are not here and cannot be fetched; the text says why."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a recording lies: on which line, from which sample to which."""

    line: int
    begin: int
    end: int
    name: str


@dataclass(frozen=True)
class Batch:
    """Sixteen lines of speech, float32 in units of 16-bit linear, each recording at the same
    active level `dbm0`; the rest of a line is silence."""

    name: str
    sound: NDArray[np.float32]
    marks: tuple[Mark, ...]
    dbm0: float
    speed: float = 1.0
    made: bool = False

    @property
    def hours(self) -> float:
        """Hours of recordings, gaps not counted."""
        return sum(m.end - m.begin for m in self.marks) / RATE / 3600

    def where(self, line: int, at: int) -> tuple[str, float]:
        """The recording that lies at a sample, and the second in it."""
        for mark in self.marks:
            if mark.line == line and mark.begin <= at < mark.end + GAP:
                return mark.name, (at - mark.begin) / RATE
        return "?", at / RATE

    def at_level(self, dbm0: float) -> "Batch":
        """The same at another active level."""
        gain = np.float32(10 ** ((dbm0 - self.dbm0) / 20))
        return replace(self, sound=self.sound * gain, dbm0=dbm0)

    def at_speed(self, speed: float) -> "Batch":
        """Played faster or slower: pitch and pace together."""
        rows = [soxr.resample(row, RATE * speed, RATE, quality="MQ") for row in self.sound]
        marks = tuple(
            Mark(m.line, int(m.begin / speed), int(m.end / speed), m.name) for m in self.marks
        )
        return replace(self, sound=np.stack(rows), marks=marks, speed=speed)

    def tilted(self, db_per_octave: float) -> "Batch":
        """A tilt of the spectrum around 1 kHz, and the same level as before."""
        size = 1 << (self.sound.shape[1] - 1).bit_length()
        hz = np.maximum(np.fft.rfftfreq(size, 1 / RATE), 100.0)
        gain = 10 ** (db_per_octave * np.log2(hz / 1000) / 20)
        rows = [_filtered(row, gain, size) for row in self.sound]
        return replace(self, sound=np.stack(rows))

    def band(self, low_hz: float, high_hz: float) -> "Batch":
        """A band alone, and the same level as before: what is outside it betrays speech."""
        size = 1 << (self.sound.shape[1] - 1).bit_length()
        hz = np.fft.rfftfreq(size, 1 / RATE)
        gain = ((hz >= low_hz) & (hz <= high_hz)).astype(np.float64)
        return replace(self, sound=np.stack([_filtered(row, gain, size) for row in self.sound]))

    def over_tone(self, hz: float, dbm0: float) -> "Batch":
        """Over a tone that stands on all lines."""
        tone = signals.tone(hz, 1000 * self.sound.shape[1] / RATE, dbm0).astype(np.float32)
        return replace(self, sound=self.sound + tone)

    def in_noise(self, dbm0: float, seed: int) -> "Batch":
        """With white noise on all lines."""
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal(self.sound.shape, np.float32)
        return replace(self, sound=self.sound + np.float32(signals.rms(dbm0)) * noise)

    def heard(self, law: Law = "alaw") -> Pcm:
        """int16 (16, samples) as it comes out of the line."""
        return signals.through(self.sound, law)


def _filtered(row: NDArray[np.float32], gain: NDArray[Any], size: int) -> NDArray[np.float32]:
    out = np.fft.irfft(np.fft.rfft(row, size) * gain, size)[: len(row)]
    before, after = float(np.mean(row**2)), float(np.mean(out**2))
    return np.asarray(out * (before / max(after, 1e-9)) ** 0.5, np.float32)


# ---- fetching ----


def _run(words: list[str]) -> None:
    try:
        subprocess.run(words, cwd=BUILD, check=True, capture_output=True, timeout=FETCH_S)
    except FileNotFoundError as error:
        raise SpeechMissingError(f"{words[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise SpeechMissingError(f"{words[0]} took longer than {FETCH_S} s") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise SpeechMissingError(f"{' '.join(words[:2])}: {' '.join(said)}") from error


@cache
def _update() -> str:
    """Fetches the package lists, once in a run; why that could not be, or nothing."""
    try:
        _run([*([] if os.getuid() == 0 else ["sudo", "-n"]), "apt-get", "update"])
    except SpeechMissingError as error:
        return f"; and the package lists could not be fetched: {error}"
    return ""


@cache
def _download(package: str) -> str:
    """Fetches a package's archive, once in a run; a bare machine has no package lists, so they are
    fetched on the first miss.  Why there is none, or nothing."""
    try:
        _run(["apt-get", "download", package])
    except SpeechMissingError as error:
        if why := _update():
            return f"{error}{why}"
        try:
            _run(["apt-get", "download", package])
        except SpeechMissingError as again:
            return str(again)
    return ""


def unpacked(package: str) -> Path:
    """Where a package is unpacked; fetches it the first time.  SpeechMissingError."""
    there = BUILD / package
    if not there.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        if not list(BUILD.glob(f"{package}_*.deb")) and (why := _download(package)):
            raise SpeechMissingError(why)
        archive = next(BUILD.glob(f"{package}_*.deb"))
        part = f"{package}.{os.getpid()}.part"
        _run(["dpkg", "-x", archive.name, part])
        (BUILD / part).rename(there)
    return there


def kept_as(name: str, *made_of: object) -> Path:
    """The file that keeps what was read or made; another when any of `made_of` changes."""
    mark = hashlib.sha256(repr(made_of).encode()).hexdigest()[:12]
    return BUILD / f"{name}.{mark}.npz"


def _read(path: Path) -> Pcm:
    if path.suffix == ".gsm":
        return signals.sox_file(path)
    with wave.open(str(path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
            raise SpeechMissingError(f"{path.name} is not 8000 Hz, one channel, 16 bit")
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).copy()


def _recordings(name: str) -> list[tuple[str, Pcm]]:
    root = unpacked(PACKAGES[name])
    kept = kept_as(PACKAGES[name], RATE, NOT_SPEECH, SHORTEST)
    if kept.exists():
        with np.load(kept) as data:
            return [(key, data[key]) for key in data.files]
    paths = [p for p in sorted(root.rglob("*")) if p.suffix in {".wav", ".gsm"}]
    found = {
        str(p.relative_to(root)): _read(p)
        for p in paths
        if not any(word in str(p.relative_to(root)) for word in NOT_SPEECH)
    }
    found = {key: sound for key, sound in found.items() if len(sound) >= SHORTEST}
    _keep(kept, found)
    return list(found.items())


def _keep(path: Path, found: dict[str, Pcm]) -> None:
    """Written whole or not at all: another run may be reading."""
    part = path.with_suffix(f".{os.getpid()}.part.npz")
    np.savez(part, **found)  # type: ignore[arg-type]
    part.rename(path)


# ---- speech on lines ----


def active_level(sound: NDArray[Any]) -> float:
    """Level while there is speech, dBm0: frames of 20 ms no more than 15.9 dB under the result
    (the margin of ITU-T P.56), found by repeating.  -120 for silence."""
    count = len(sound) // 160
    if count == 0:
        return signals.level(sound)
    power = np.mean(np.square(sound[: 160 * count].astype(np.float64)).reshape(-1, 160), axis=1)
    active = np.ones(count, bool)
    for _ in range(12):
        mean = float(np.mean(power[active])) if active.any() else 0.0
        again = power > mean * 10 ** (-15.9 / 10)
        if (again == active).all() or not again.any():
            break
        active = again
    return 10 * float(np.log10(max(float(np.mean(power[active])), 1e-3))) - 20 * float(
        np.log10(signals.rms(0.0))
    )


def laid_out(name: str, recordings: list[tuple[str, Pcm]], dbm0: float, made: bool) -> Batch:
    """Recordings on sixteen lines, the longest first, each on the line that is shortest."""
    ends, places = [GAP] * LINES, []
    for title, sound in sorted(recordings, key=lambda r: (-len(r[1]), r[0])):
        line = ends.index(min(ends))
        places.append((line, ends[line], title, sound))
        ends[line] += len(sound) + GAP
    lines = np.zeros((LINES, max(ends)), np.float32)
    marks = []
    for line, begin, title, sound in places:
        gain = 10 ** ((dbm0 - active_level(sound)) / 20)
        lines[line, begin : begin + len(sound)] = sound * min(gain, 100.0)
        marks.append(Mark(line, begin, begin + len(sound), title))
    return Batch(name, lines, tuple(marks), dbm0, made=made)


@cache
def speech(name: str) -> Batch:
    """One set of PACKAGES at -15 dBm0 active.  SpeechMissingError."""
    return laid_out(name, _recordings(name), -15.0, made=False)


def all_speech() -> Iterator[Batch]:
    """Every set at -15 dBm0 active, one after another.  SpeechMissingError."""
    for name in PACKAGES:
        yield speech(name)


def hours() -> float:
    """Hours of different recordings in all sets.  SpeechMissingError."""
    return sum(batch.hours for batch in all_speech())


# ---- made speech ----


def _sentence(n: int) -> str:
    rng = np.random.default_rng(n)
    numbers = ", ".join(str(int(v)) for v in rng.integers(0, 100_000, 30))
    letters = " ".join(rng.choice(list("abcdefghiklmnoprstuvz"), 20))
    return f"{numbers}. {letters}."


def _espeak(n: int, language: str, voice: str, pitch: int, pace: int) -> Pcm:
    words = ["espeak-ng", "-v", f"{language}+{voice}", "-p", str(pitch), "-s", str(pace),
             "--stdout", _sentence(n)]
    try:
        done = subprocess.run(words, check=True, capture_output=True, timeout=FETCH_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise SpeechMissingError(f"espeak-ng: {error}") from error
    raw = np.frombuffer(done.stdout[44:], np.int16).astype(np.float64)  # after its WAV header
    made = soxr.resample(raw, 22050, RATE)  # the rate of all its voices
    return np.asarray(np.clip(np.rint(made), -32768, 32767), np.int16)


@cache
def made_speech() -> Batch:
    """Speech by espeak-ng in voices kept for judging, at -15 dBm0 active.  SpeechMissingError."""
    kept = kept_as("made", RATE, [(one, _sentence(n)) for n, one in enumerate(MADE)])
    if kept.exists():
        with np.load(kept) as data:
            recordings = [(key, data[key]) for key in data.files]
    else:
        recordings = [("-".join(map(str, one)), _espeak(n, *one)) for n, one in enumerate(MADE)]
        BUILD.mkdir(parents=True, exist_ok=True)
        _keep(kept, dict(recordings))
    return laid_out("made speech", recordings, -15.0, made=True)
