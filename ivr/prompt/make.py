"""Room: the centre's prompts, remaking all the sound of a folder by one command.

    python -m ivr.prompt.make            our own catalogue
    python -m ivr.prompt.make FOLDER     the prompts that FOLDER/catalogue.toml adds

Must not touch what it did not make: a recording which is not in the manifest, or which was
replaced since, stays.  Made recordings whose prompt is gone are removed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from . import espeak
from .alaw import RATE_HZ, Samples, encode
from .catalogue import DATA, TEXTS, Prompt, find_recordings, read_texts
from .errors import PromptError
from .manifest import Made, Manifest, digest, read_manifest, write_manifest
from .sound import SOUNDS


@dataclass(frozen=True, slots=True)
class Making:
    """What make_all did."""

    engine: str
    made: int
    kept: int
    removed: int
    seconds: float
    size: int


def make_all(folder: Path = DATA, *, report: Callable[[str], None] = lambda line: None) -> Making:
    """Makes every recording of the folder's catalogue.toml; `report` gets a line for each.

    PromptError if espeak-ng is missing or a text cannot be spoken; recordings that were made
    before that stay, and the manifest with them.
    """
    if not (folder / TEXTS).exists():
        raise PromptError(f"{folder / TEXTS}: there is no catalogue to make recordings of")
    version = espeak.engine()
    prompts = read_texts([folder])
    before = read_manifest(folder)
    theirs = _others(folder, before)
    made: dict[str, Made] = {}
    size = 0
    try:
        for prompt in prompts.values():
            for name in prompt.folders:
                key = f"{name}/{prompt.id}"
                if key in theirs:
                    report(f"{key}: kept, not made by this command")
                    continue
                data = make_one(prompt, name)
                _write(folder, key, data)
                made[key] = Made(said(prompt, name), digest(data))
                size += len(data)
                report(f"{key}: {len(data) / RATE_HZ:.2f} s")
    except BaseException:  # also Ctrl-C: a file missing from the manifest counts as a human's
        write_manifest(folder, Manifest(version, {**before.made, **made}))
        raise
    removed = _remove(folder, before.made.keys() - made.keys() - theirs)
    write_manifest(folder, Manifest(version, made))
    return Making(version, len(made), len(theirs), removed, size / RATE_HZ, size)


def make_one(prompt: Prompt, folder: str) -> bytes:
    """One recording as A-law; `folder` is a language, or `both`."""
    if prompt.kind == "sound":
        return encode(_sound(prompt)())
    pause = np.zeros(espeak.PAUSE_MS * RATE_HZ // 1000)
    parts: list[Samples] = []
    for lang, text in _spoken(prompt, folder):
        parts += [pause] * bool(parts) + [espeak.speak(text, lang)]
    return encode(np.concatenate(parts))


def said(prompt: Prompt, folder: str) -> str:
    """What decides the recording: it is stale when this has changed since it was made."""
    if prompt.kind == "sound":
        return f"ivr.prompt.sound: {_sound(prompt).__name__}"
    return " | ".join(espeak.said(text, lang) for lang, text in _spoken(prompt, folder))


def _spoken(prompt: Prompt, folder: str) -> list[tuple[str, str]]:
    """(language, text for the synthesiser) of everything in one recording."""
    langs = prompt.texts if prompt.shared else [folder]
    if "zh" in langs and not prompt.pinyin:
        raise PromptError(
            f"prompt {prompt.id!r} has no pinyin, and the synthesiser reads no "
            "characters: add it, or record the prompt"
        )
    return [(lang, str(prompt.pinyin) if lang == "zh" else prompt.texts[lang]) for lang in langs]


def _sound(prompt: Prompt) -> Callable[[], Samples]:
    if prompt.id not in SOUNDS:
        raise PromptError(
            f"sound {prompt.id!r}: only {', '.join(SOUNDS)} can be made; record the others"
        )
    return SOUNDS[prompt.id]


def _others(folder: Path, manifest: Manifest) -> set[str]:
    """The recordings that are there and that this command did not make."""
    keys = set()
    for found in find_recordings(folder):
        key = f"{found.folder}/{found.id}"
        made = manifest.made.get(key)
        if (
            made is None
            or found.file.suffix != ".al"
            or digest(found.file.read_bytes()) != made.sha256
        ):
            keys.add(key)
    return keys


def _write(folder: Path, key: str, data: bytes) -> None:
    file = folder / f"{key}.al"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)


def _remove(folder: Path, keys: Iterable[str]) -> int:
    files = [folder / f"{key}.al" for key in keys]
    there = [file for file in files if file.exists()]
    for file in there:
        file.unlink()
    return len(there)


@click.command()
@click.argument(
    "folder", default=DATA, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
def main(folder: Path) -> None:
    """Make all recordings of a prompt folder again, with espeak-ng."""
    try:
        done = make_all(folder, report=click.echo)
    except PromptError as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"{done.made} made, {done.kept} kept, {done.removed} removed: "
        f"{done.seconds:.0f} s, {done.size / 1e6:.2f} MB, {done.engine}"
    )


if __name__ == "__main__":
    main()
