"""Room: what somebody does on the telephone, written as text: ``1,w2,10386#``.  Pure."""

import re
from dataclasses import dataclass
from enum import Enum

LONGEST_WAIT_S = 600.0  # chosen: ten minutes
_KEYS = re.compile(r"[0-9*#ABCD]{1,60}")
_WAIT = re.compile(r"w(\d{1,3}(?:\.\d{1,3})?)")
SYNTAX = (
    "keys (0-9 * # A-D), wN to wait N seconds, p to wait until the prompt ends, "
    "s to speak the WAV, h to hang up"
)


class KeysError(Exception):
    """A text of steps cannot be read; it names the item and what would be right."""


class Do(Enum):
    """One thing that a caller does."""

    PRESS = "press"
    WAIT = "wait"
    PROMPT = "prompt"
    SPEAK = "speak"
    HANG_UP = "hang_up"


@dataclass(frozen=True, slots=True)
class Step:
    """``keys`` for PRESS, ``seconds`` for WAIT."""

    do: Do
    keys: str = ""
    seconds: float = 0.0


_WORDS = {"p": Do.PROMPT, "s": Do.SPEAK, "h": Do.HANG_UP}


def read_steps(text: str) -> list[Step]:
    """The steps of a text, in order; none for an empty one.  KeysError names the first bad item."""
    if not text.strip():
        return []
    items = [item.strip() for item in text.split(",")]
    steps = [_read(place, item) for place, item in enumerate(items, 1)]
    for place, step in enumerate(steps[:-1], 1):
        if step.do is Do.HANG_UP:
            raise KeysError(f"item {place} hangs up: nothing can follow it")
    return steps


def _read(place: int, item: str) -> Step:
    if item in _WORDS:
        return Step(_WORDS[item])
    if wait := _WAIT.fullmatch(item):
        seconds = float(wait[1])
        if not 0 < seconds <= LONGEST_WAIT_S:
            raise KeysError(f"item {place}, {item!r}: wait up to {LONGEST_WAIT_S:g} s")
        return Step(Do.WAIT, seconds=seconds)
    if _KEYS.fullmatch(item):
        return Step(Do.PRESS, keys=item)
    what = f"item {place}, {item!r}" if item else f"item {place} is empty"
    raise KeysError(f"{what}: an item is {SYNTAX}")
