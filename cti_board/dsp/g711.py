"""Room: ITU-T G.711 on arrays.  Must not know files, boards or channels.

What: A-law and mu-law codes (uint8) to 16-bit linear samples and back, bit-exact to ITU-T G.191.
How: the block functions of the media plane; arrays of any shape keep it.

Limits: encoding of floats rounds to 16 bits first, ties to even, and limits to their range.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cti_board._native._media import ffi, lib
from cti_board.dsp.lanes import check_float

Codes = NDArray[np.uint8]
Linear = NDArray[np.int16]
FULL_SCALE = 32768.0


def alaw_decode(codes: ArrayLike) -> Linear:
    """Samples (13 bits left-justified in 16) of A-law codes: uint8, any shape.

    ValueError for another dtype.
    """
    return _expanded(lib.ctb_alaw_decode, codes)


def ulaw_decode(codes: ArrayLike) -> Linear:
    """Samples (14 bits left-justified in 16) of mu-law codes: uint8, any shape.

    ValueError for another dtype.
    """
    return _expanded(lib.ctb_ulaw_decode, codes)


def alaw_encode(samples: ArrayLike) -> Codes:
    """A-law codes of samples: int16, or float in -1..1 (1.0 = 32768), any shape.

    ValueError for another dtype and for floats that are no sound (not finite, beyond a million).
    """
    return _compressed(lib.ctb_alaw_encode, samples)


def ulaw_encode(samples: ArrayLike) -> Codes:
    """mu-law codes of samples: int16, or float in -1..1 (1.0 = 32768), any shape.

    ValueError for another dtype and for floats that are no sound (not finite, beyond a million).
    """
    return _compressed(lib.ctb_ulaw_encode, samples)


def ulaw_to_alaw(codes: ArrayLike) -> Codes:
    """A-law codes of mu-law codes, through linear.  ValueError for another dtype than uint8."""
    return _recoded(lib.ctb_ulaw_to_alaw, codes)


def alaw_to_ulaw(codes: ArrayLike) -> Codes:
    """mu-law codes of A-law codes, through linear.  ValueError for another dtype than uint8."""
    return _recoded(lib.ctb_alaw_to_ulaw, codes)


def _whole(values: ArrayLike, dtype: type[np.generic]) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype != dtype:
        raise ValueError(f"{np.dtype(dtype).name} is wanted, not {array.dtype}")
    return np.ascontiguousarray(array).reshape(array.shape)


def _expanded(function: Any, values: ArrayLike) -> Linear:
    codes = _whole(values, np.uint8)
    out = np.empty(codes.shape, np.int16)
    function(_at("int16_t *", out), _at("uint8_t *", codes), codes.size)
    return out


def _compressed(function: Any, values: ArrayLike) -> Codes:
    array = np.asarray(values)
    if array.dtype.kind == "f":
        check_float(array)
        array = np.clip(np.rint(array * FULL_SCALE), -32768, 32767).astype(np.int16)
    linear = _whole(array, np.int16)
    out = np.empty(linear.shape, np.uint8)
    function(_at("uint8_t *", out), _at("int16_t *", linear), linear.size)
    return out


def _recoded(function: Any, values: ArrayLike) -> Codes:
    codes = _whole(values, np.uint8)
    out = np.empty(codes.shape, np.uint8)
    function(_at("uint8_t *", out), _at("uint8_t *", codes), codes.size)
    return out


def _at(kind: str, array: NDArray[Any]) -> Any:
    return ffi.cast(kind, array.ctypes.data)
