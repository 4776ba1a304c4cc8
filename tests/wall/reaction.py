"""Reaction in samples, each term: a key begins -> the prompt stops; a key ends -> the next prompt.

    python -m tests.wall.reaction [virtual|wall] [keys]

The key's own samples are made here with numpy and played into the line, at an offset that moves
through the frame, so that first and last sample are known exactly; what the caller hears is
recorded, and the prompt's end and the next prompt's begin are found in that recording.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from cti_board import events as ev
from cti_board import open_board, run
from cti_board.audio import encode_alaw
from tests.native.loop_card import build

LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
PAD = "123A456B789C*0#D"
KEY_MS = 90
SETTLE = 40 * 8  # the key begins this long after its sound's first sample


class Bytes:
    def __init__(self) -> None:
        self.data = bytearray()

    def update(self, data: bytes) -> None:
        self.data += data


def key(digit: str, lead: int) -> bytes:
    """A-law: ``lead`` idle samples, the key for KEY_MS, nothing else."""
    row, column = divmod(PAD.index(digit), 4)
    t = np.arange(KEY_MS * 8) / 8000
    tone = 4500 * (np.sin(2 * np.pi * LOW[row] * t) + np.sin(2 * np.pi * HIGH[column] * t))
    return encode_alaw(np.concatenate([np.zeros(lead), tone]).astype(np.int16))


def constant(value: int, seconds: float) -> bytes:
    """A prompt that can be told apart sample by sample."""
    return encode_alaw(np.full(round(seconds * 8000), value, dtype=np.int16))


async def one(board, digit: str, lead: int) -> dict[str, int]:
    line, caller = board.channels[0], board.channels[1]
    heard = Bytes()
    recorder = caller.record(sink=heard)
    said = Bytes()
    witness = line.record(sink=said)
    await asyncio.sleep(0.1)
    stream = line.events(ev.DtmfBegin, ev.DtmfEnd)
    line.arm(dtmf=True)
    first = line.play(constant(800, 30), stop_on_digit=True)
    await asyncio.sleep(0.2)
    sound = key(digit, lead)
    caller.play(sound)
    begin = await stream.get()
    end = await stream.get()
    after = line.play(constant(-800, 0.2))
    await first
    await after
    began_recording = (await recorder.stop()).began_at
    line_began = (await witness.stop()).began_at
    line.arm(dtmf=False)
    stream.close()
    data = bytes(heard.data)
    low, high = constant(800, 1 / 8000), constant(-800, 1 / 8000)
    stopped = began_recording + data.rindex(low) + 1
    next_first = began_recording + data.index(high)
    key_last = line_began + bytes(said.data).rindex(sound[-24:]) + 24
    key_first = key_last - KEY_MS * 8
    return {
        "begin_decided": begin.at - key_first,
        "begin_to_silence": stopped - key_first,
        "end_decided": end.at - key_last,
        "end_to_next": next_first - key_last,
        "right_digit": int(begin.digit == digit),
    }


async def measure(card: Path, keys: int) -> list[dict[str, int]]:
    rows = []
    async with open_board(f"lib:{card}?2") as board:
        for i in range(keys):
            rows.append(await one(board, "1234567890*#ABCD"[i % 16], SETTLE + (i * 37) % 160))
            await asyncio.sleep(0.1)
    return rows


def reaction(clock: str, keys: int) -> dict[str, dict[str, float]]:
    """Milliseconds: median, 99th percentile and worst of each term."""
    with tempfile.TemporaryDirectory() as folder:
        card = build(Path(folder))
        rows = run(lambda: measure(card, keys), clock=clock)
    if not all(row["right_digit"] for row in rows):
        raise AssertionError("a key was misread")
    out = {}
    for term in ("begin_decided", "begin_to_silence", "end_decided", "end_to_next"):
        ms = np.array([row[term] for row in rows]) / 8
        out[term] = {
            "median_ms": float(np.median(ms)),
            "p99_ms": float(np.percentile(ms, 99)),
            "worst_ms": float(ms.max()),
        }
    return out


if __name__ == "__main__":
    mode = sys.argv[1] if len(sys.argv) > 1 else "virtual"
    print(json.dumps(reaction(mode, int(sys.argv[2]) if len(sys.argv) > 2 else 320), indent=2))
