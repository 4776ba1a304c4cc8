"""Room: tests of the signal library.  Must not be imported by the product.

Signals made with numpy (never with the library's own generators), its own reading of the
G.711 tables, and a runner that feeds sixteen A-law lines to a bank and collects its hits.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("cti_board._native._media", reason="the media plane is not built")
from cti_board._native._media import ffi, lib

RATE = 8000
FRAME = 160
LANES = 16
LOW_HZ = (697, 770, 852, 941)  # ITU-T Q.23
HIGH_HZ = (1209, 1336, 1477, 1633)
KEYS = "123A456B789C*0#D"
SETS = ("none", "sse", "avx2", "avx512")  # words of CTB_SIMD, the least first
DTMF_BEGIN, DTMF_END, TONE_ON, TONE_OFF, TALK_BEGIN, TALK_END = range(32, 38)

Signal = NDArray[np.float64]


class Hit(NamedTuple):
    """One hit of a bank; ``at`` is the line's sample number."""

    at: int
    kind: int
    a: int
    b: int
    c: int
    d: int


# ---- ITU-T G.711, read from its tables ----


def alaw_table() -> NDArray[np.int16]:
    """What each A-law code decodes to, 13 bits left-justified in 16 (table 1/G.711)."""
    code = np.arange(256) ^ 0x55
    segment, step = (code >> 4) & 7, code & 15
    width = np.where(segment == 0, 2, 2 << np.maximum(segment - 1, 0))  # of an interval, in 4096
    start = np.where(segment == 0, 0, 32 << np.maximum(segment - 1, 0))
    value = start + width * step + width // 2
    return (np.where(code & 0x80, value, -value) * 8).astype(np.int16)


def ulaw_table() -> NDArray[np.int16]:
    """What each mu-law code decodes to, 14 bits left-justified in 16 (table 2/G.711)."""
    code = 255 - np.arange(256)
    segment, step = (code >> 4) & 7, code & 15
    value = (33 + 2 * step << segment) - 33
    return (np.where(code & 0x80, -value, value) * 4).astype(np.int16)


ALAW = alaw_table()


def alaw_codes(linear: NDArray[Any]) -> NDArray[np.uint8]:
    """A-law codes of 16-bit samples: the interval of table 1/G.711 that a sample lies in."""
    positive = np.array(sorted((c for c in range(256) if ALAW[c] > 0), key=lambda c: ALAW[c]))
    negative = np.array(sorted((c for c in range(256) if ALAW[c] < 0), key=lambda c: -ALAW[c]))
    x = np.clip(np.round(linear), -32768, 32767).astype(int)
    magnitude = np.where(x < 0, ~x, x) >> 4 << 4
    edges = np.concatenate(
        [[0], np.cumsum([16] * 32 + [16 << k for k in range(1, 7) for _ in range(16)])]
    )[:-1]
    index = np.searchsorted(edges, magnitude, side="right") - 1
    return np.where(x < 0, negative[index], positive[index]).astype(np.uint8)


# ---- signals ----


def peak(dbm0: float) -> float:
    """Peak of a sine in 16-bit linear; A-law overload is +3.14 dBm0 (ITU-T G.711)."""
    return float(32768 * 10 ** ((dbm0 - 3.14) / 20))


def rms(dbm0: float) -> float:
    return peak(dbm0) / 2**0.5


def silence(ms: float) -> Signal:
    return np.zeros(round(ms * RATE / 1000))


def tone(hz: Sequence[float], ms: float, dbm0: float = -10.0) -> Signal:
    t = np.arange(round(ms * RATE / 1000)) / RATE
    return peak(dbm0) * np.sum([np.sin(2 * np.pi * f * t) for f in hz], axis=0)


def noise(rng: np.random.Generator, n: int, dbm0: float) -> Signal:
    return rng.normal(0.0, rms(dbm0), n)


def dtmf(
    key: str,
    ms: float,
    dbm0: float = -10.0,
    twist_db: float = 0.0,
    low_off: float = 0.0,
    high_off: float = 0.0,
    phase: tuple[float, float] = (0.0, 0.0),
) -> Signal:
    """A key's two tones; level of the low one, twist = high over low, frequency offsets."""
    row, column = divmod(KEYS.index(key), 4)
    t = np.arange(round(ms * RATE / 1000)) / RATE
    low = peak(dbm0) * np.sin(2 * np.pi * LOW_HZ[row] * (1 + low_off) * t + phase[0])
    high = peak(dbm0 + twist_db) * np.sin(
        2 * np.pi * HIGH_HZ[column] * (1 + high_off) * t + phase[1]
    )
    return np.asarray(low + high)


def cadence(
    hz: Sequence[float],
    on_off_ms: Sequence[tuple[float, float]],
    total_ms: float,
    dbm0: float = -10.0,
) -> Signal:
    """Half a second of silence, then a cadence for at least ``total_ms``."""
    parts, made = [silence(500)], 0.0
    while made < total_ms:
        for on, off in on_off_ms:
            parts += [tone(hz, on, dbm0), silence(off)]
            made += on + off
    return np.concatenate(parts)


def phases(rng: np.random.Generator) -> tuple[float, float]:
    """Two random phases."""
    a, b = rng.uniform(0, 2 * np.pi, 2)
    return float(a), float(b)


def busy_lines(seed: int = 3) -> list[Signal]:
    """Sixteen different lines: digits in noise, dial tone, tones of odd lengths and twists."""
    rng, signals = np.random.default_rng(seed), []
    for lane in range(16):
        parts = [silence(50 + 7 * lane)]
        for _ in range(14):
            key = KEYS[int(rng.integers(16))]
            parts += [
                dtmf(
                    key,
                    float(rng.uniform(20, 90)),
                    float(rng.uniform(-26, -6)),
                    float(rng.uniform(-9, 5)),
                    float(rng.uniform(-0.02, 0.02)),
                    float(rng.uniform(-0.02, 0.02)),
                    phases(rng),
                ),
                silence(float(rng.uniform(5, 80))),
            ]
        signal = np.concatenate(parts)
        signals.append(signal + noise(rng, len(signal), float(rng.uniform(-60, -25))))
    return signals


# ---- banks ----


def lines(signals: Sequence[Signal]) -> NDArray[np.uint8]:
    """A-law of up to sixteen lines, whole frames, the rest idle (D5)."""
    frames = -(-max(len(s) for s in signals) // FRAME)
    codes = np.full((LANES, frames * FRAME), 0xD5, np.uint8)
    for lane, signal in enumerate(signals):
        codes[lane, : len(signal)] = alaw_codes(signal)
    return codes


class Bank:
    """One detector bank of the library: kind is dtmf, tone or talk."""

    def __init__(self, kind: str, plan: Any = None) -> None:
        self.kind = kind
        out = ffi.new(f"ctb_{kind}_bank_t **")
        assert getattr(lib, f"ctb_{kind}_bank_alloc")(out) == 0
        self.bank = ffi.gc(out[0], getattr(lib, f"ctb_{kind}_bank_free"))
        self._run = getattr(lib, f"ctb_{kind}_bank_run")
        self.frame = np.zeros((FRAME, LANES), np.float32)
        self.hits = ffi.new("ctb_hit_t[256]")
        self.at = 0
        if plan is not None:
            assert lib.ctb_tone_bank_plan(self.bank, plan, len(plan)) == 0

    def arm(self, lane: int, **params: float) -> None:
        if self.kind == "tone":
            lib.ctb_tone_bank_arm(self.bank, lane)
            return
        default = getattr(lib, f"ctb_{self.kind}_default")
        wanted = ffi.new(f"ctb_{self.kind}_params_t *", default)
        for name, value in params.items():
            setattr(wanted, name, value)
        getattr(lib, f"ctb_{self.kind}_bank_arm")(self.bank, lane, wanted)

    def run(self, codes: NDArray[np.uint8], mask: int = 0xFFFF, most: int = 256) -> list[list[Hit]]:
        """Hits of each lane; the line's clock goes on from call to call."""
        found: list[list[Hit]] = [[] for _ in range(LANES)]
        sources = ffi.new("const uint8_t *[16]")
        lanes = ffi.cast("float (*)[16]", self.frame.ctypes.data)
        codes = np.ascontiguousarray(codes)
        for start in range(0, codes.shape[1], FRAME):
            for lane in range(LANES):
                sources[lane] = ffi.cast("uint8_t *", codes[lane, start:].ctypes.data)
            lib.ctb_alaw_to_lanes(lanes, sources)
            count = self._run(
                self.bank,
                ffi.cast("const float (*)[16]", self.frame.ctypes.data),
                mask,
                self.hits,
                most,
            )
            assert 0 <= count <= most
            order = [(h.offset, h.lane) for h in self.hits[0:count]]
            assert order == sorted(order)
            for h in self.hits[0:count]:
                found[h.lane].append(Hit(self.at + h.offset, h.kind, h.a, h.b, h.c, h.d))
            self.at += FRAME
        return found


def listen(
    kind: str, signals: Sequence[Signal], plan: Any = None, **params: float
) -> list[list[Hit]]:
    """Hits of each of the signals, heard side by side by a fresh bank."""
    bank = Bank(kind, plan)
    for lane in range(LANES):
        bank.arm(lane, **params)
    return bank.run(lines(signals))[: len(signals)]


def digits(hits: Sequence[Hit]) -> str:
    return "".join(chr(h.a) for h in hits if h.kind == DTMF_BEGIN)


# ---- instruction sets ----


def words_on(wish: str, code: str) -> list[str]:
    """What Python code prints after the name of the set that it ran on; '' wishes for nothing."""
    name = "print(rig.ffi.string(rig.lib.ctb_simd_name()).decode())"
    done = subprocess.run(
        [sys.executable, "-c", f"from tests.native import dsp_rig as rig\n{name}\n{code}"],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={key: value for key, value in os.environ.items() if key != "CTB_SIMD"}
        | ({"CTB_SIMD": wish} if wish else {}),
    )
    return done.stdout.split()


@cache
def best_set() -> str:
    """What this machine runs when nobody wishes for anything."""
    return words_on("", "")[0]


def on_set(wish: str, module: str, expression: str) -> list[str]:
    """The words that an expression of a module of tests.native prints on this instruction set, in
    a process of its own that says which one it ran on.  Skips where the machine has it not."""
    code = f"from tests.native import {module}\nprint({module}.{expression})"
    name, *words = words_on(wish, code)
    if SETS.index(wish) > SETS.index(best_set()):
        pytest.skip(f"this machine has {best_set()} at most, not {wish}")
    assert name == wish
    return words
