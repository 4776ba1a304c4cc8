"""Room: the centre's prompts, the catalogue: what can be said, and its sound.

Must not decide what is said when (flow/) nor how numbers are read (phrase.py).

A catalogue is one or two folders.  Ours is `data/` beside this file.  A second folder, the
override, replaces it recording by recording: <override>/<lang>/<id>.wav or .al, and may add
prompts with a catalogue.toml of its own, in our format.  A prompt which is shared by the
languages lies in the folder `both`.  Everything is read once, in load(): a recording that
cannot be used stops the start of the centre, not a call.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .alaw import RATE_HZ, SILENCE, read_recording
from .errors import PromptError

DATA = Path(__file__).parent / "data"
TEXTS = "catalogue.toml"
LANGUAGES = ("zh", "en")
SHARED = "both"
KINDS = ("sentence", "word", "sound")
SUFFIXES = (".wav", ".al")
# chosen: what people record in; of these only SUFFIXES are read
SOUND_SUFFIXES = {
    ".wav",
    ".al",
    ".alaw",
    ".ul",
    ".raw",
    ".pcm",
    ".au",
    ".mp3",
    ".m4a",
    ".ogg",
    ".flac",
}
KEYS = {"zh", "en", "pinyin", "shared"}


@dataclass(frozen=True, slots=True)
class Prompt:
    """What one prompt says.  `texts` is by language, zh before en."""

    id: str
    kind: str
    texts: Mapping[str, str]
    pinyin: str | None = None
    shared: bool = False

    @property
    def folders(self) -> tuple[str, ...]:
        """Where its recordings lie."""
        return (SHARED,) if self.shared else tuple(self.texts)

    def folder(self, lang: str) -> str:
        return SHARED if self.shared else lang


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound file found in a folder of the catalogue."""

    folder: str
    id: str
    file: Path


class Catalogue:
    """All prompts with their sound.  Does not change once it is loaded."""

    def __init__(
        self,
        prompts: Mapping[str, Prompt],
        sounds: Mapping[tuple[str, str], bytes],
        roots: tuple[Path, ...],
    ) -> None:
        self.prompts = prompts
        self._sounds = sounds
        self._roots = roots

    @classmethod
    def load(cls, override: Path | None = None, *, data: Path = DATA) -> "Catalogue":
        """Reads data/ and then the override, whose recordings win.

        PromptError names the first file that cannot be used.
        """
        roots = (data,) if override is None else (data, override)
        prompts = read_texts(roots)
        sounds = {}
        for root in roots:
            for stray in find_strays(root):
                raise PromptError(stray_message(root, stray))
            for found in find_recordings(root):
                check_belongs(found, prompts)
                check_single(found)
                sounds[found.folder, found.id] = read_recording(found.file)
        return cls(prompts, sounds, roots)

    def text(self, id: str, lang: str) -> str:
        """What the prompt says, for a screen, a report or a synthesiser."""
        prompt = self._prompt(id)
        if lang not in prompt.texts:
            raise PromptError(
                f"prompt {id!r} says nothing in {lang!r}, only in {', '.join(prompt.texts)}"
            )
        return prompt.texts[lang]

    def audio(self, id: str, lang: str) -> bytes:
        """The recording: A-law, 8000 Hz, mono."""
        self.text(id, lang)
        folder = self._prompt(id).folder(lang)
        try:
            return self._sounds[folder, id]
        except KeyError:
            places = ", ".join(
                str(root / folder / f"{id}{suffix}")
                for root in reversed(self._roots)
                for suffix in SUFFIXES
            )
            raise PromptError(
                f"prompt {id!r} has no {lang!r} recording: looked for {places}"
            ) from None

    def join(self, ids: Iterable[str], lang: str, *, gap_ms: int = 0) -> bytes:
        """One recording of several prompts, with silence of gap_ms between them."""
        gap = SILENCE * (gap_ms * RATE_HZ // 1000)
        return gap.join(self.audio(id, lang) for id in ids)

    def digest(self, id: str, lang: str) -> str:
        """SHA-256 of the recording in hex: which version of a prompt a caller has heard."""
        return hashlib.sha256(self.audio(id, lang)).hexdigest()

    def _prompt(self, id: str) -> Prompt:
        try:
            return self.prompts[id]
        except KeyError:
            places = ", ".join(str(root / TEXTS) for root in self._roots)
            raise PromptError(f"no prompt {id!r}: not in {places}") from None


def read_texts(roots: Iterable[Path]) -> dict[str, Prompt]:
    """The prompts of every catalogue.toml in the folders; only the first folder must have one."""
    prompts: dict[str, Prompt] = {}
    for number, root in enumerate(roots):
        file = root / TEXTS
        if not root.is_dir():
            raise PromptError(f"{root}: no such folder of prompts")
        if number and not file.exists():
            continue
        for prompt in _parse_texts(file):
            if prompt.id in prompts:
                raise PromptError(
                    f"{file}: {prompt.id!r} is in the catalogue already; "
                    "a new text needs a new name"
                )
            prompts[prompt.id] = prompt
    return prompts


def _parse_texts(file: Path) -> Iterator[Prompt]:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PromptError(f"{file}: cannot be read: {error}") from error
    for kind, entries in tables.items():
        if kind not in KINDS or not isinstance(entries, dict):
            raise PromptError(f"{file}: [{kind}] is none of {', '.join(KINDS)}")
        for id, entry in entries.items():
            yield _parse_prompt(f"{file}: [{kind}.{id}]", kind, id, entry)


def _parse_prompt(where: str, kind: str, id: str, entry: Any) -> Prompt:
    if not isinstance(entry, dict) or entry.keys() - KEYS:
        raise PromptError(f"{where}: only {', '.join(sorted(KEYS))} may stand here")
    if not id.isidentifier() or id != id.lower():
        raise PromptError(f"{where}: a name is lower-case letters, digits and _")
    texts = {lang: entry[lang] for lang in LANGUAGES if lang in entry}
    if not texts or not all(isinstance(text, str) and text for text in texts.values()):
        raise PromptError(f"{where}: needs the text in at least one of {', '.join(LANGUAGES)}")
    shared = entry.get("shared", False)
    if not isinstance(shared, bool) or (shared and len(texts) < len(LANGUAGES)):
        raise PromptError(f"{where}: shared is true or false, and needs every language")
    return Prompt(id, kind, texts, entry.get("pinyin"), shared)


def find_recordings(root: Path) -> Iterator[Recording]:
    """Every .wav and .al file of the language folders, in a fixed order."""
    for folder in (SHARED, *LANGUAGES):
        for file in sorted((root / folder).glob("*")):
            if file.suffix in SUFFIXES:
                yield Recording(folder, file.stem, file)


def find_strays(root: Path) -> Iterator[Path]:
    """Sound files that lie where, or are named so that, they are never read."""
    for file in sorted(root.rglob("*")):
        if file.suffix.lower() in SOUND_SUFFIXES:
            place = file.relative_to(root).parts
            in_folder = len(place) == 2 and place[0] in (SHARED, *LANGUAGES)
            if not in_folder or file.suffix not in SUFFIXES:
                yield file


def stray_message(root: Path, file: Path) -> str:
    folders = " or ".join(str(root / name) for name in (*LANGUAGES, SHARED))
    return f"{file}: is not read; right would be a .wav or .al file (small letters) in {folders}"


def check_single(found: Recording) -> None:
    """Two files for one prompt leave open which is meant: PromptError."""
    others = [found.file.with_suffix(suffix) for suffix in SUFFIXES]
    if sum(other.exists() for other in others) > 1:
        names = " and ".join(other.name for other in others)
        raise PromptError(f"{found.file.parent}: has {names}; keep one of them")


def check_belongs(found: Recording, prompts: Mapping[str, Prompt]) -> None:
    """A recording that nothing would ever play is a misspelt name: PromptError."""
    prompt = prompts.get(found.id)
    if prompt is None:
        raise PromptError(
            f"{found.file}: no prompt is named {found.id!r}; correct the name, "
            f"or add it to {found.file.parent.parent / TEXTS}"
        )
    if found.folder not in prompt.folders:
        raise PromptError(
            f"{found.file}: {found.id!r} has no recording in {found.folder}/; "
            f"it belongs in {' or '.join(f'{name}/' for name in prompt.folders)}"
        )
