"""Room: the centre's records, one line of the journal.

Makes and reads lines; must not open files.  A line is one JSON object with sorted keys,
no spaces, UTF-8, no floats:

    {"at":N,"data":{...},"hash":"H","prev":"P","seq":N,"type":"T","wall":"W"}

H is the BLAKE2b-256 of the same text without its "hash" member; P is the H of the line
before, 64 zeros for the first.  So the members that are hashed are exactly the bytes of
the file, and checking a line needs no JSON parser.
"""

import json
import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from ivr.record.event import Event, event_data, event_from

HASH_BYTES = 32  # chosen: BLAKE2b-256 (RFC 7693), 128-bit strength against collisions
GENESIS = "0" * (2 * HASH_BYTES)

_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)
_LINE = re.compile(
    rb'(\{"at":(-?\d{1,19}),"data":(\{.*\}),)"hash":"([0-9a-f]{64})",'
    rb'("prev":"([0-9a-f]{64})","seq":(\d{1,18}),"type":"([a-z0-9_]+)","wall":"([^"\\]*)"\})'
)


class Head(NamedTuple):
    """A place in the chain: the line `seq` has the hash `hash`."""

    seq: int
    hash: str


@dataclass(frozen=True)
class Entry:
    """One line of the journal.  `event` is None when this version does not know its type."""

    seq: int
    at: int
    wall: str
    event: Event | None
    hash: str


class RawLine(NamedTuple):
    """A line that has the right form; `sound` says whether its hash is right."""

    seq: int
    at: int
    data: bytes
    hash: str
    prev: str
    type: str
    wall: str
    computed: str

    @property
    def sound(self) -> bool:
        return self.hash == self.computed


def canonical(value: Any) -> str:
    """The one JSON spelling of `value`."""
    return _ENCODER.encode(value)


def make_line(head: Head, at: int, wall: str, event: Event) -> tuple[bytes, Entry]:
    """The line that follows `head`, with its newline, and what it says.

    Raises ValueError for an event that may not be kept.
    """
    seq = head.seq + 1
    first = f'{{"at":{at},"data":{canonical(event_data(event))},'
    last = f'"prev":"{head.hash}","seq":{seq},"type":"{event.type}","wall":"{wall}"}}'
    digest = blake2b((first + last).encode(), digest_size=HASH_BYTES).hexdigest()
    line = f'{first}"hash":"{digest}",{last}\n'.encode()
    return line, Entry(seq, at, wall, event, digest)


def split_line(line: bytes) -> RawLine | None:
    """The members of a line (without its newline), or None if it has not the form of one."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    first, at, data, stated, last, prev, seq, kind, wall = found.groups()
    computed = blake2b(first + last, digest_size=HASH_BYTES).hexdigest()
    try:
        text = wall.decode()
    except UnicodeDecodeError:
        return None
    return RawLine(
        int(seq), int(at), data, stated.decode(), prev.decode(), kind.decode(), text, computed
    )


def read_entry(raw: RawLine) -> Entry | None:
    """What a sound line says; None for a damaged one."""
    if not raw.sound:
        return None
    try:
        data = json.loads(raw.data)
    except ValueError:
        return None
    return Entry(raw.seq, raw.at, raw.wall, event_from(raw.type, data), raw.hash)
