"""What the tests of the records share: a clock set by hand, and a day of calls."""

import random
import struct
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ivr.record import (
    AgentState,
    CallAnswered,
    CallEnded,
    CallOffered,
    Digits,
    Event,
    LegEnded,
    LegStarted,
    RecordingEnded,
    RecordingStarted,
    SegmentStarted,
    VoicemailSaved,
    mask,
)

CHINA = timezone(timedelta(hours=8))
START = datetime(2026, 3, 9, 8, 0, tzinfo=CHINA)


class HandClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, start: datetime = START) -> None:
        self.start = start
        self.now_samples = 0

    def wall(self) -> datetime:
        return self.start + timedelta(microseconds=125 * self.now_samples)


def call_events(name: str, start: int, rng: random.Random) -> Iterator[tuple[int, Event]]:
    """The facts of one call, each with its sample: some 25 of them."""
    at = start
    path = f"recordings/2026/03/09/{name}.c.wav"

    def later(low: int, high: int) -> int:
        nonlocal at
        at += 160 * rng.randint(low, high)
        return at

    yield at, CallOffered(name, channel="fxo0", ani="01012345678", dnis="96300")
    yield later(10, 300), CallAnswered(name)
    yield at, LegStarted(name, "c", "caller", channel="fxo0", number="01012345678")
    yield at, SegmentStarted(name, "ivr", "main@1")
    yield at, RecordingStarted(name, path, leg="c")
    recorded = at
    for node in ("language", "menu", "account", "pin"):
        yield later(10, 200), Digits(name, mask("1234"), node=node, masked=True)
    yield later(1, 50), SegmentStarted(name, "queue", "orders")
    yield later(0, 2000), SegmentStarted(name, "ring", "1001")
    yield at, LegStarted(name, "a", "agent", channel="fxs1", number="1001")
    yield at, AgentState("1001", "available", "ringing", seat="s1", call=name)
    yield later(20, 400), SegmentStarted(name, "talk", "1001")
    yield at, AgentState("1001", "available", "in_call", seat="s1", call=name)
    for _ in range(2):
        yield later(100, 900), SegmentStarted(name, "hold", "1001")
        yield later(10, 300), SegmentStarted(name, "talk", "1001")
    yield later(100, 900), LegEnded(name, "a", side="far")
    yield at, AgentState("1001", "available", "wrap_up", seat="s1")
    yield at, SegmentStarted(name, "voicemail", "box1")
    yield later(100, 300), VoicemailSaved(name, "box1", f"voicemail/{name}.wav", 8000)
    yield at, LegEnded(name, "c", side="far")
    yield at, CallEnded(name, 16, "far")
    yield at + 160, RecordingEnded(name, path, at - recorded, "0" * 64)


def day_events(calls: int, seed: int) -> list[tuple[int, Event]]:
    """The facts of a day of overlapping calls in the order of their samples."""
    rng = random.Random(seed)
    facts: list[tuple[int, int, Event]] = []
    for number in range(calls):
        start = 160 * rng.randint(0, 50 * calls)
        facts += [(at, number, event) for at, event in call_events(f"c{number:05d}", start, rng)]
    facts.sort(key=lambda fact: fact[:2])
    return [(at, event) for at, _, event in facts]


def wav_bytes(sound: bytes, sides: int = 2, data_bytes: int | None = None) -> bytes:
    """An A-law WAV file; `data_bytes` is what its header says, by default the truth."""
    said = len(sound) if data_bytes is None else data_bytes
    shape = struct.pack("<HHIIHHH", 6, sides, 8000, 8000 * sides, sides, 8, 0)
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(shape)) + shape
    body += b"fact" + struct.pack("<II", 4, said // sides)
    body += b"data" + struct.pack("<I", said)
    pad = b"\0" if said == len(sound) and said & 1 else b""
    whole = min(len(body) + said + (said & 1), 0xFFFFFFFF)
    return b"RIFF" + struct.pack("<I", whole) + body + sound + pad


def write_file(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
