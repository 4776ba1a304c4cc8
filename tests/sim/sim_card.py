"""The simulated card driven through its ABI alone: no engine, cffi without a compiler."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cffi
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from cti_board._native.build import declarations  # noqa: E402
from firmware_sim import LIBRARY_PATH  # noqa: E402

FRAME = 160
SILENCE = 0xD5
ffi = cffi.FFI()
for header in ("ctb_driver.h", "ctb_street.h"):
    text = declarations((ROOT / "cti_board/_native/include" / header).read_text())
    ffi.cdef("\n".join(line for line in text.splitlines() if not line.endswith("...")))
ffi.cdef("const ctb_driver_t *ctb_driver_get(uint32_t abi_version);")
# another build of the library, with a sanitizer for example, can be named
lib = ffi.dlopen(os.environ.get("CTB_SIM_LIBRARY", str(LIBRARY_PATH)))


def _codes() -> np.ndarray:
    """ITU-T G.711 A-law written once more, for the tests: value of every code."""
    bits = np.arange(256) ^ 0x55
    segment, step = (bits >> 4) & 7, bits & 15
    magnitude = np.where(segment > 0, (2 * step + 33) << np.maximum(segment - 1, 0), 2 * step + 1)
    return np.where(bits & 0x80, magnitude, -magnitude) * 8


LINEAR = _codes()
_ORDER = np.argsort(LINEAR)
_EDGES = (LINEAR[_ORDER][1:] + LINEAR[_ORDER][:-1]) / 2


def to_linear(codes: bytes | np.ndarray) -> np.ndarray:
    return LINEAR[np.frombuffer(bytes(codes), dtype=np.uint8)].astype(float)


def to_alaw(samples: np.ndarray) -> bytes:
    return _ORDER[np.searchsorted(_EDGES, samples)].astype(np.uint8).tobytes()


def sine(hz: float, ms: float, dbm0: float = -10.0, *more: float) -> np.ndarray:
    t = np.arange(round(ms * 8)) / 8000
    peak = 32768 * 10 ** ((dbm0 - 3.14) / 20)
    return sum(peak * np.sin(2 * np.pi * f * t) for f in (hz, *more))


def dbm0(samples: np.ndarray) -> float:
    """Level of a signal: a sine of 0 dBm0 has a peak 3.14 dB under full scale."""
    mean_square = float(np.mean(samples ** 2)) / 32768 ** 2
    return 10 * np.log10(2 * mean_square + 1e-30) + 3.14


def level_at(samples: np.ndarray, hz: float) -> float:
    """Level of one frequency, dBm0; windows of whole periods give exact figures."""
    phasor = np.mean(samples * np.exp(-2j * np.pi * hz * np.arange(len(samples)) / 8000)) * 2
    return 20 * np.log10(abs(phasor) / 32768 + 1e-30) + 3.14


KEYS = {"1": (697, 1209), "2": (697, 1336), "3": (697, 1477), "A": (697, 1633),
        "4": (770, 1209), "5": (770, 1336), "6": (770, 1477), "B": (770, 1633),
        "7": (852, 1209), "8": (852, 1336), "9": (852, 1477), "C": (852, 1633),
        "*": (941, 1209), "0": (941, 1336), "#": (941, 1477), "D": (941, 1633)}  # ITU-T Q.23


def keys(digits: str, on_ms: float = 60, off_ms: float = 60, level: float = -9) -> np.ndarray:
    pause = np.zeros(round(off_ms * 8))
    return np.concatenate([x for d in digits for x in (sine(KEYS[d][0], on_ms, level, KEYS[d][1]),
                                                       pause)])


def read_keys(samples: np.ndarray) -> str:
    """Which keys sound, by spectra of 20 ms every 10 ms: an independent, slow reader."""
    digits, last, held = "", "", 0
    for at in range(0, len(samples) - 160, 80):
        window = samples[at:at + 160]
        power = {f: 10 ** (level_at(window, f) / 10) for pair in KEYS.values() for f in pair}
        total = 10 ** (dbm0(window) / 10)
        best = max(KEYS, key=lambda k: min(power[f] for f in KEYS[k]))
        pair = sum(power[f] for f in KEYS[best])
        name = best if total > 1e-4 and pair > 0.8 * total else ""
        held = held + 1 if name == last else 1
        last = name
        if name and held == 2:
            digits += name
    return digits


class Driver:
    """One open board, its functions and the frames that went by."""

    def __init__(self, spec: str) -> None:
        self.table = lib.ctb_driver_get(lib.CTB_ABI_VERSION)
        out, err = ffi.new("ctb_board_t **"), ffi.new("char[200]")
        result = self.table.open(out, spec.encode(), err, len(err))
        self.message = ffi.string(err).decode()
        if result:
            raise OSError(-result, self.message)
        self.board = out[0]
        info = ffi.new("ctb_board_info_t *")
        assert self.table.describe(self.board, info) == 0
        self.info = info[0]
        self.channels = info.channels
        self.tx = bytearray([SILENCE]) * (FRAME * self.channels)
        self.tx_live = ffi.new("uint64_t[16]")
        self.rx = bytearray(FRAME * self.channels)
        self.rx_live = ffi.new("uint64_t[16]")
        self._tx, self._rx = ffi.from_buffer(self.tx), ffi.from_buffer(self.rx)
        self.frames = 0
        self.events: list[SimpleNamespace] = []
        self.talkers: dict[int, bytes] = {}     # channel -> A-law still to be sent
        self.taps: dict[int, bytearray] = {}    # channel -> what was received
        self.keep: list[Any] = []               # memory that the driver may use

    def close(self) -> None:
        self.table.close(self.board)

    # -- commands ------------------------------------------------------------------------

    def command(self, channel: int, op: int, **fields: Any) -> int:
        args = ffi.new("ctb_args_t *")
        for name, value in fields.items():
            if name == "text":
                args.text = value.encode()
            elif name == "data":
                args.data = ffi.cast("void *", value)
            else:
                setattr(args, name, value)
        return self.table.command(self.board, channel, op, args)

    def do(self, channel: int, op: int, **fields: Any) -> None:
        result = self.command(channel, op, **fields)
        assert result == 0, f"operation {op}: {result}"

    def street(self, end: int, op: int, **fields: Any) -> None:
        self.do(end, lib.CTB_OP_STREET, a=op, **fields)

    def hook(self, channel: int, closed: bool) -> None:
        self.do(channel, lib.CTB_OP_HOOK, a=int(closed))

    def lift(self, end: int) -> None:
        self.street(end, lib.CTB_ST_OFF_HOOK)

    def hang_up(self, end: int) -> None:
        self.street(end, lib.CTB_ST_ON_HOOK)

    def dial(self, end: int, digits: str, **fields: Any) -> None:
        self.street(end, lib.CTB_ST_DIAL, text=digits, **fields)

    def play(self, end: int, sound: bytes, times: int = 1, cookie: int = 0) -> None:
        data = ffi.from_buffer(sound)
        self.keep.append(data)
        self.street(end, lib.CTB_ST_PLAY, data=data, size=len(sound), b=times, cookie=cookie)

    def hear(self, end: int, ms: int, cookie: int = 0) -> bytearray:
        ear = bytearray([0]) * (ms * 8)
        data = ffi.from_buffer(ear)
        self.keep.append(data)
        self.street(end, lib.CTB_ST_HEAR_START, data=data, size=len(ear), cookie=cookie)
        return ear

    def watch(self, end: int, mask: int = 7) -> None:
        self.street(end, lib.CTB_ST_WATCH, b=mask)

    def option(self, option: int, value: int, channel: int = -1) -> None:
        self.street(0, lib.CTB_ST_OPTION, b=option, c=channel, d=value)

    def fault(self, fault: int, where: int = 0, value: int = 0) -> None:
        self.street(0, lib.CTB_ST_FAULT, b=fault, c=where, d=value)

    def cas(self, channel: int, bits: int) -> None:
        self.do(channel, lib.CTB_OP_CAS, a=bits)

    def say(self, channel: int, samples: np.ndarray) -> None:
        """Send this to the line from the next frame on."""
        self.talkers[channel] = to_alaw(samples)

    def tap(self, channel: int) -> bytearray:
        self.taps[channel] = bytearray()
        return self.taps[channel]

    # -- time ------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        return self.frames * FRAME

    def _send(self) -> None:
        for word in range(16):
            self.tx_live[word] = 0
        for channel, sound in list(self.talkers.items()):
            frame = sound[:FRAME]
            self.tx[channel * FRAME:channel * FRAME + len(frame)] = frame
            if len(frame) < FRAME:
                rest = bytes([SILENCE]) * (FRAME - len(frame))
                self.tx[channel * FRAME + len(frame):(channel + 1) * FRAME] = rest
            self.tx_live[channel // 64] |= 1 << channel % 64
            self.talkers[channel] = sound[FRAME:]
            if not self.talkers[channel]:
                del self.talkers[channel]

    def live(self, channel: int) -> bool:
        return bool(self.rx_live[channel // 64] >> channel % 64 & 1)

    def step(self) -> int:
        """One exchange; its events are appended."""
        self._send()
        went = self.table.exchange(self.board, self._tx, self.tx_live, self._rx, self.rx_live)
        assert went in (0, 1)
        self.frames += went
        for channel, heard in self.taps.items():
            frame = self.rx[channel * FRAME:(channel + 1) * FRAME]
            heard += frame if self.live(channel) else bytes([SILENCE]) * FRAME
        self.drain()
        return went

    def drain(self) -> None:
        event = ffi.new("ctb_event_t *")
        while self.table.next_event(self.board, event):
            names = ("at", "cookie", "channel", "kind", "span", "a", "b", "c", "d")
            self.events.append(SimpleNamespace(
                **{name: getattr(event, name) for name in names},
                text=ffi.string(event.text).decode()))

    def run(self, ms: float) -> None:
        for _ in range(round(ms / 20)):
            self.step()

    def skip(self, frames: int) -> tuple[int, bool]:
        never = ffi.new("int *")
        went = self.table.idle_hint(self.board, frames, never)
        self.frames += went
        return went, bool(never[0])

    def until(self, kind: int, ms: float = 10_000, **want: Any) -> SimpleNamespace:
        """Run to the first event not yet taken that fits; events before it are dropped."""
        for _ in range(round(ms / 20) + 1):
            self.drain()
            while self.events:
                event = self.events.pop(0)
                fits = all(getattr(event, name) == value for name, value in want.items())
                if event.kind == kind and fits:
                    return event
            self.step()
        pytest.fail(f"no event {kind} {want} within {ms} ms")

    def report(self, end: int, what: int, ms: float = 10_000, **want: Any) -> SimpleNamespace:
        return self.until(lib.CTB_EV_STREET, ms, channel=end, a=what, **want)

    def seen(self, kind: int, **want: Any) -> list[SimpleNamespace]:
        return [e for e in self.events if e.kind == kind
                and all(getattr(e, name) == value for name, value in want.items())]
