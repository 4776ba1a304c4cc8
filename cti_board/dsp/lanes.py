"""Room: runs a detector bank of the media plane over numpy arrays.  Knows no signal by name:
the modules beside it say what the hits mean.

Sound is 8000 Hz: int16 linear (full scale 32768), float in -1..1 (1.0 = full scale), or uint8
A-law codes.  One line is an array (samples,), up to sixteen are (lines, samples).  Values that are
not finite are no sound: every face refuses them.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cti_board._native._media import ffi, lib

RATE = 8000
FRAME = int(lib.CTB_FRAME_SAMPLES)
LANES = int(lib.CTB_LANES)
MOST_HITS = 256
FULL_SCALE = 32768.0
LOUDEST = 1e6  # chosen: no sound; powers of more would leave the range of 32-bit floats

Sound = NDArray[Any]


class Hit(NamedTuple):
    """What a bank found: ``at`` is the sample of the line at which it was decided."""

    line: int
    at: int
    kind: int
    a: int
    b: int
    c: int
    d: int


def rows(sound: Sound) -> NDArray[np.float32]:
    """Any accepted sound as float32 (lines, samples), 1.0 = full scale.

    ValueError for another dtype, another shape, no line or more than sixteen, or values that are
    no sound (not finite, or beyond a million).
    """
    array = np.asarray(sound)
    if array.ndim == 1:
        array = array[None]
    if array.ndim != 2 or not 1 <= len(array) <= LANES:
        raise ValueError(f"sound is (samples,) or (up to {LANES} lines, samples): {array.shape}")
    if array.dtype == np.uint8:
        codes = np.ascontiguousarray(array)
        linear = np.empty(codes.shape, np.int16)
        lib.ctb_alaw_decode(
            ffi.cast("int16_t *", linear.ctypes.data),
            ffi.cast("uint8_t *", codes.ctypes.data),
            codes.size,
        )
        array = linear
    if array.dtype == np.int16:
        return np.asarray(array / np.float32(FULL_SCALE), np.float32)
    if array.dtype.kind == "f":
        check_float(array)
        return np.asarray(array, np.float32)
    raise ValueError(f"sound is int16, uint8 (A-law) or float, not {array.dtype}")


def check_float(array: NDArray[np.floating[Any]]) -> None:
    """ValueError where float sound has values that are not finite, or beyond a million."""
    if not array.size:
        return
    low, high = float(array.min()), float(array.max())  # not a number is handed on by both
    most = max(-low, high)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("the sound has values that are not finite")
    if most > LOUDEST:
        raise ValueError(f"float sound is -1 to 1; this has {most:g}")


def with_silence(lines: NDArray[np.float32], silence: int) -> NDArray[np.float32]:
    """The lines filled up with silence to a whole frame and by ``silence`` samples more, so that a
    bank decides all that lies in them."""
    out = np.zeros((len(lines), -(-lines.shape[1] // FRAME) * FRAME + silence), np.float32)
    out[:, : lines.shape[1]] = lines
    return out


def end_within(end: int | None, samples: int, edge: int) -> int | None:
    """An end that a bank told in the silence after a sound of ``samples``; None where it lies in
    the sound's last ``edge`` samples or after it: what was cut there was still on."""
    return None if end is None or end > samples - edge else end


def frames(lines: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Whole frames, lane-major as a bank takes them: (first sample, (160, 16)); the last frame
    is filled up with silence.  The array is used again: copy what is kept."""
    frame = np.zeros((FRAME, LANES), np.float32)
    for start in range(0, lines.shape[1], FRAME):
        part = lines[:, start : start + FRAME]
        if part.shape[1] < FRAME:
            frame[:] = 0
        frame[: part.shape[1], : len(lines)] = part.T
        yield start, frame


class Bank:
    """One bank of C detectors: ``ctb_<noun>_bank_alloc``, ``_run`` and ``_free``.

    ``arm(bank, lane)`` arms one lane.  Keeps its state from call to call: a stream may be fed
    in pieces of whole frames.  ValueError for a number of lines other than 1..16, MemoryError
    when there is no room for it.
    """

    def __init__(self, noun: str, lines: int, arm: Callable[[Any, int], object]) -> None:
        if lines not in range(1, LANES + 1):
            raise ValueError(f"a bank has 1..{LANES} lines, not {lines}")
        out = ffi.new(f"ctb_{noun}_bank_t **")
        if getattr(lib, f"ctb_{noun}_bank_alloc")(out) != 0:
            raise MemoryError(f"no memory for a bank of {noun} detectors")
        self.handle = ffi.gc(out[0], getattr(lib, f"ctb_{noun}_bank_free"))
        self._run = getattr(lib, f"ctb_{noun}_bank_run")
        self._hits = ffi.new("ctb_hit_t[]", MOST_HITS)
        self._lines, self._mask = lines, (1 << lines) - 1
        self._at = 0
        for lane in range(lines):
            arm(self.handle, lane)

    def feed(self, sound: Sound) -> list[Hit]:
        """The hits of this piece, in order of decision.

        ValueError as `rows`, for another number of lines than was armed, and for a piece after
        one that ended inside a frame: the bank has heard silence there.
        """
        lines = rows(sound)
        if len(lines) != self._lines:
            raise ValueError(f"{self._lines} lines are listened to, not {len(lines)}")
        if self._at % FRAME and lines.shape[1]:
            raise ValueError(f"only the last piece may end inside a frame of {FRAME} samples")
        found = []
        for start, frame in frames(lines):
            pointer = ffi.cast("const float (*)[16]", ffi.from_buffer(frame))
            count = self._run(self.handle, pointer, self._mask, self._hits, MOST_HITS)
            for hit in self._hits[0:count]:
                at = self._at + start + hit.offset
                found.append(Hit(hit.lane, at, hit.kind, hit.a, hit.b, hit.c, hit.d))
        self._at += lines.shape[1]
        return found
