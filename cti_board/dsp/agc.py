"""Room: automatic level: speech brought to one level, on arrays and streams.
Must not know boards, channels or calls.

What: each line's active speech level (ITU-T P.56) walks to a target; noise, silence and tones let
the gain hold, a limiter keeps the loudest samples under the A-law overload point.
How: the C bank of the media plane, one gain a line.

Limits: the gain moves by at most 3 dB up and 4 dB down a second, so speech 20 dB too soft needs
seven seconds of talking; music counts as speech.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cti_board._native._media import ffi, lib
from cti_board.dsp.lanes import FRAME, LANES, Sound, rows


@dataclass(frozen=True, slots=True)
class LevelLimits:
    """Target of the active speech level (-40..0 dBm0), most gain and loss (0..30 dB), and the
    level under which sound is noise (-70..-10 dBm0).  ValueError outside these."""

    target_dbm0: float = lib.ctb_agc_default.target_dbm0
    max_gain_db: float = lib.ctb_agc_default.max_gain_db
    max_loss_db: float = lib.ctb_agc_default.max_loss_db
    threshold_dbm0: float = lib.ctb_agc_default.threshold_dbm0

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("target_dbm0", self.target_dbm0, -40, 0),
            ("max_gain_db", self.max_gain_db, 0, 30),
            ("max_loss_db", self.max_loss_db, 0, 30),
            ("threshold_dbm0", self.threshold_dbm0, -70, -10),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name} is {least}..{most}, not {value}")


class SpeechLevel:
    """The automatic level of up to sixteen lines; keeps its state from `feed` to `feed`."""

    def __init__(self, lines: int = 1, limits: LevelLimits | None = None) -> None:
        """ValueError for lines outside 1..16; MemoryError when there is no room."""
        if not 1 <= lines <= LANES:
            raise ValueError(f"1..{LANES} lines, not {lines}")
        limits = limits or LevelLimits()
        out = ffi.new("ctb_agc_bank_t **")
        if lib.ctb_agc_bank_alloc(out) != 0:
            raise MemoryError("no memory for a bank of automatic levels")
        self.lines, self._samples = lines, 0
        self._bank = ffi.gc(out[0], lib.ctb_agc_bank_free)
        params = ffi.new("ctb_agc_params_t *")
        for name in ("target_dbm0", "max_gain_db", "max_loss_db", "threshold_dbm0"):
            setattr(params, name, getattr(limits, name))
        for lane in range(lines):
            if lib.ctb_agc_bank_arm(self._bank, lane, params) != 0:
                raise ValueError(f"the media plane refuses {limits}")

    def feed(self, sound: Sound) -> NDArray[np.float32]:
        """The same sound at its new level, float32 (lines, samples) within -1..1.

        Whole frames of 160 samples, except the last piece.  Samples beyond eight times full scale
        become silence.  ValueError as `lanes.rows`, for another number of lines, and for a piece
        after one that was not whole frames.
        """
        lines = rows(sound)
        if len(lines) != self.lines:
            raise ValueError(f"{self.lines} lines, not {len(lines)}")
        if self._samples % FRAME and lines.shape[1]:
            raise ValueError(f"only the last piece may end inside a frame of {FRAME} samples")
        samples, frame = lines.shape[1], np.zeros((FRAME, LANES), np.float32)
        out, mask = np.empty_like(lines), (1 << self.lines) - 1
        pointer = ffi.cast("float (*)[16]", frame.ctypes.data)
        for start in range(0, samples, FRAME):
            size = min(FRAME, samples - start)
            frame[:size, : self.lines] = lines[:, start : start + size].T
            frame[size:] = 0
            lib.ctb_agc_bank_run(self._bank, pointer, mask)
            out[:, start : start + size] = frame[:size, : self.lines].T
        self._samples += samples
        return out

    def gain_db(self, line: int = 0) -> float:
        """The line's gain now.  ValueError for a line that is not there."""
        if not 0 <= line < self.lines:
            raise ValueError(f"line 0..{self.lines - 1}, not {line}")
        return float(lib.ctb_agc_bank_gain(self._bank, line)) / 100


def level_speech(
    sound: Sound,
    target_dbm0: float = lib.ctb_agc_default.target_dbm0,
    *,
    max_gain_db: float = lib.ctb_agc_default.max_gain_db,
    max_loss_db: float = lib.ctb_agc_default.max_loss_db,
    threshold_dbm0: float = lib.ctb_agc_default.threshold_dbm0,
) -> NDArray[np.float32]:
    """Sound with its speech at ``target_dbm0``: float32 of the same shape, within -1..1.

    ValueError as `LevelLimits` and `lanes.rows`.
    """
    limits = LevelLimits(target_dbm0, max_gain_db, max_loss_db, threshold_dbm0)
    lines = rows(sound)
    return SpeechLevel(len(lines), limits).feed(lines).reshape(np.shape(sound))
