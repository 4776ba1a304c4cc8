"""Room: the centre's prompts, looking over all recordings before callers hear them.

Must not change anything.  It finds what is missing, damaged, stale, misnamed, clipped, too loud,
too quiet, too long or too short, in our folder and in an override, and goes on after each finding.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .alaw import RATE_HZ, decode, read_recording
from .catalogue import (
    DATA,
    SUFFIXES,
    Prompt,
    Recording,
    check_belongs,
    check_single,
    find_recordings,
    find_strays,
    read_texts,
    stray_message,
)
from .errors import PromptError
from .level import active_level_dbm0, clipped_runs
from .make import said
from .manifest import digest, read_manifest


class Problem(StrEnum):
    MISSING = "missing"
    UNREADABLE = "unreadable"
    MISNAMED = "misnamed"
    STALE = "stale"
    CLIPPED = "clipped"
    TOO_LOUD = "too loud"
    TOO_QUIET = "too quiet"
    TOO_LONG = "too long"
    TOO_SHORT = "too short"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of one recording.  `folder` is a language, or `both` for a shared prompt."""

    problem: Problem
    id: str
    folder: str
    file: Path | None
    detail: str

    def __str__(self) -> str:
        return f"{self.folder}/{self.id}: {self.problem}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a recording of a kind may be: seconds, and dBm0 of active level (ITU-T P.56)."""

    shortest_s: float
    longest_s: float
    quietest_dbm0: float
    loudest_dbm0: float


# chosen: a caller notices 6 dB from prompt to prompt, and 10 dB below -16 is hard to follow
LIMITS: Mapping[str, Limits] = {
    "sentence": Limits(0.4, 20.0, -26.0, -10.0),
    "word": Limits(0.1, 1.5, -26.0, -10.0),
    "sound": Limits(0.05, 300.0, -30.0, -10.0),
}


def check_catalogue(override: Path | None = None, *, data: Path = DATA) -> list[Finding]:
    """Every fault of every recording, in the order of the catalogue.

    PromptError only where a catalogue.toml or a manifest cannot be read at all.
    """
    roots = [data] if override is None else [data, override]
    prompts = read_texts(roots)
    findings: list[Finding] = []
    chosen: dict[tuple[str, str], Recording] = {}
    for root in roots:
        findings += _misnamed(root, prompts)
        chosen |= {(one.folder, one.id): one for one in find_recordings(root)}
        findings += _stale(root, prompts)
    for prompt in prompts.values():
        for folder in prompt.folders:
            findings += _check_one(prompt, folder, chosen.get((folder, prompt.id)))
    return findings


def _misnamed(root: Path, prompts: Mapping[str, Prompt]) -> Iterator[Finding]:
    """Sound files that are in the wrong place, belong to no prompt, or are there twice."""
    for file in find_strays(root):
        yield Finding(
            Problem.MISNAMED, file.stem, file.parent.name, file, stray_message(root, file)
        )
    for found in find_recordings(root):
        try:
            check_belongs(found, prompts)
            check_single(found)
        except PromptError as error:
            yield _finding(Problem.MISNAMED, found, str(error))


def _check_one(prompt: Prompt, folder: str, found: Recording | None) -> list[Finding]:
    if found is None:
        wanted = f"no {folder}/{prompt.id}{' or '.join(SUFFIXES)}"
        return [Finding(Problem.MISSING, prompt.id, folder, None, wanted)]
    try:
        data = read_recording(found.file)
    except PromptError as error:
        return [_finding(Problem.UNREADABLE, found, str(error))]
    return [
        _finding(problem, found, detail) for problem, detail in measure(data, LIMITS[prompt.kind])
    ]


def measure(data: bytes, limits: Limits) -> Iterator[tuple[Problem, str]]:
    """The faults of one recording (A-law bytes) against limits."""
    seconds = len(data) / RATE_HZ
    if seconds < limits.shortest_s:
        yield Problem.TOO_SHORT, f"{seconds:.2f} s, at least {limits.shortest_s} s"
        return  # too short to have a level
    if seconds > limits.longest_s:
        yield Problem.TOO_LONG, f"{seconds:.2f} s, at most {limits.longest_s} s"
    samples = decode(data)
    runs = clipped_runs(samples)
    if runs:
        yield Problem.CLIPPED, f"{runs} places at full scale; record it again with less gain"
    level = active_level_dbm0(samples)
    if level < limits.quietest_dbm0:
        yield Problem.TOO_QUIET, f"{level:.1f} dBm0, at least {limits.quietest_dbm0} dBm0"
    if level > limits.loudest_dbm0:
        yield Problem.TOO_LOUD, f"{level:.1f} dBm0, at most {limits.loudest_dbm0} dBm0"


def _stale(root: Path, prompts: Mapping[str, Prompt]) -> Iterator[Finding]:
    """Made recordings, still as they were made, whose text or voice has changed since."""
    for key, made in read_manifest(root).made.items():
        folder, id = key.split("/")
        file = root / f"{key}.al"
        prompt = prompts.get(id)
        if prompt is None or folder not in prompt.folders or not file.exists():
            continue  # misnamed or missing, and found as that
        try:
            now = said(prompt, folder)
        except PromptError as error:
            now = str(error)
        if now != made.said and digest(file.read_bytes()) == made.sha256:
            detail = f"says {made.said!r}, now: {now!r}; make the recordings again"
            yield Finding(Problem.STALE, id, folder, file, detail)


def _finding(problem: Problem, found: Recording, detail: str) -> Finding:
    return Finding(problem, found.id, found.folder, found.file, detail)
