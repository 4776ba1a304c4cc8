"""Room: the centre's prompts, the list of the recordings that make.py made, beside them.

It says by which synthesiser, of what text, and with what digest: so that a text which was
changed without remaking its sound is found, and a human recording is never overwritten.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .errors import PromptError

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Made:
    """One made recording: what was said, and the SHA-256 of the file."""

    said: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`made` is by "<folder>/<id>"."""

    engine: str = ""
    made: Mapping[str, Made] = field(default_factory=dict)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_manifest(root: Path) -> Manifest:
    """The list of a folder; an empty one if nothing was made there."""
    file = root / MANIFEST
    if not file.exists():
        return Manifest()
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
        made = {key: Made(one["said"], one["sha256"]) for key, one in tree["made"].items()}
        return Manifest(str(tree["engine"]), made)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PromptError(
            f"{file}: is damaged ({error!r}): remove it and make the recordings again"
        ) from error


def write_manifest(root: Path, manifest: Manifest) -> None:
    made = {
        key: {"said": one.said, "sha256": one.sha256} for key, one in sorted(manifest.made.items())
    }
    tree = {"engine": manifest.engine, "made": made}
    text = json.dumps(tree, ensure_ascii=False, indent=1) + "\n"
    (root / MANIFEST).write_text(text, encoding="utf-8")
