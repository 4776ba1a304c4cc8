"""Room: the line echo canceller on numpy arrays.  Must not know boards, channels or calls; the
filters and all decisions are C (``ctb_echo.h``).

What it does: takes the echo of what we sent out of what we heard, without delay.
How it works and its limits: docs/echo.md.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cti_board._native._media import ffi, lib
from cti_board.dsp.lanes import FRAME, LANES, Sound, frames, rows

TAIL_MS = (16, 64, 8)  # chosen: from, to, step; G.168 asks the maker to state the capacity
DELAY_SAMPLES = (0, int(lib.CTB_ECHO_DELAY_MAX))


@dataclass(frozen=True, slots=True)
class EchoSettings:
    """How a line is cleaned.  ValueError names the range of what is outside it."""

    tail_ms: int = 32  # length of the echo path that is modelled, ms
    delay: int = 0  # samples from a tx sample to the first that its echo can reach
    nonlinear: bool = True  # what is left of the echo becomes comfort noise
    tone_disable: bool = True  # off while 2100 Hz with phase reversals is heard, G.168 clause 7

    def __post_init__(self) -> None:
        low, high, step = TAIL_MS
        if self.tail_ms not in range(low, high + 1, step):
            raise ValueError(f"tail_ms is {low} to {high} in steps of {step}: {self.tail_ms}")
        if self.delay not in range(DELAY_SAMPLES[0], DELAY_SAMPLES[1] + 1):
            raise ValueError(f"delay is 0 to {DELAY_SAMPLES[1]} samples: {self.delay}")


class EchoCanceller:
    """Cancellers for up to sixteen lines; what they learned lasts from `feed` to `feed`."""

    def __init__(
        self,
        lines: int = 1,
        tail_ms: int = 32,
        delay: int = 0,
        nonlinear: bool = True,
        tone_disable: bool = True,
    ) -> None:
        """``lines`` 1 to 16, ``tail_ms`` 16 to 64 in steps of 8, ``delay`` 0 to 1600 samples:
        ValueError for others.  MemoryError when there is no room for the filters."""
        if lines not in range(1, LANES + 1):
            raise ValueError(f"lines is 1 to {LANES}: {lines}")
        self.lines = lines
        self.settings = EchoSettings(tail_ms, delay, nonlinear, tone_disable)
        out = ffi.new("ctb_echo_bank_t **")
        if lib.ctb_echo_bank_alloc(out) != 0:
            raise MemoryError("no memory for a bank of echo cancellers")
        self._bank = ffi.gc(out[0], lib.ctb_echo_bank_free)
        for line in range(lines):
            self.reset(line)

    def reset(self, line: int) -> None:
        """Forgets what the line's canceller learned, as for a new call.  ValueError: no such
        line."""
        if line not in range(self.lines):
            raise ValueError(f"line is 0 to {self.lines - 1}: {line}")
        wanted = self.settings
        params = ffi.new("ctb_echo_params_t *")
        params.tail_ms, params.delay = wanted.tail_ms, wanted.delay
        params.nonlinear, params.tone_disable = wanted.nonlinear, wanted.tone_disable
        if lib.ctb_echo_bank_arm(self._bank, line, params) != 0:
            raise ValueError(f"the canceller refuses {wanted}")

    def feed(self, rx: Sound, tx: Sound) -> NDArray[np.float32]:
        """rx without the echo of tx, sample for sample, as float32, 1.0 = full scale.

        ``rx`` and ``tx`` are int16, float or uint8 (A-law), both (samples,) for one line or
        (lines, samples), in whole frames of 160 samples at 8000 Hz; the shape of the answer is
        that of ``rx``.  ValueError: other shapes, and as `lanes.rows`.
        """
        heard, sent = rows(rx), rows(tx)
        if heard.shape[1] % FRAME:
            raise ValueError(f"a piece is whole frames of {FRAME} samples: {heard.shape[1]}")
        return self._clean(heard, sent).reshape(np.shape(rx))

    def _clean(
        self, heard: NDArray[np.float32], sent: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        if heard.shape != sent.shape or len(heard) != self.lines:
            raise ValueError(f"rx and tx have {self.lines} lines of one length: "
                             f"{heard.shape}, {sent.shape}")
        clean = np.empty_like(heard)
        for (start, line), (_, echo) in zip(frames(heard), frames(sent), strict=True):
            lib.ctb_echo_bank_run(
                self._bank,
                ffi.cast("float (*)[16]", ffi.from_buffer(line)),
                ffi.cast("const float (*)[16]", ffi.from_buffer(echo)),
                (1 << self.lines) - 1,
            )
            part = clean[:, start : start + FRAME]
            part[:] = line[: part.shape[1], : self.lines].T
        return clean

    @property
    def erle_db(self) -> tuple[float, ...]:
        """Echo return loss enhancement of each line, dB: what the filter alone takes away of an
        echo (G.168, A_CANC), a mean over the last 128 ms of echo alone; 0 before there was any."""
        return tuple(self._state(line)[0] for line in range(self.lines))

    @property
    def double_talk(self) -> tuple[bool, ...]:
        """Of each line: somebody at its far end was heard over the echo in the last hop (4 ms)."""
        return tuple(self._state(line)[1] for line in range(self.lines))

    def _state(self, line: int) -> tuple[float, bool]:
        talk: Any = ffi.new("int *")
        erle = lib.ctb_echo_bank_erle(self._bank, line, talk)
        return erle / 100, bool(talk[0])


def cancel_echo(
    rx: Sound,
    tx: Sound,
    tail_ms: int = 32,
    delay: int = 0,
    nonlinear: bool = True,
    tone_disable: bool = True,
) -> NDArray[np.float32]:
    """rx without the echo of tx, by fresh cancellers: float32, shaped like ``rx``.

    ``rx`` and ``tx``: int16, float (1.0 = full scale) or uint8 (A-law), (samples,) or up to 16
    (lines, samples), of one length, 8000 Hz.  ``tail_ms`` 16 to 64 in steps of 8 is the longest
    echo path; ``delay`` 0 to 1600 samples come before it.  ``nonlinear``: what is left of the
    echo becomes comfort noise.  ``tone_disable``: off while 2100 Hz with phase reversals is
    heard (ITU-T G.168 clause 7).  ValueError: another shape, length or range.
    """
    heard, sent = rows(rx), rows(tx)
    canceller = EchoCanceller(len(heard), tail_ms, delay, nonlinear, tone_disable)
    return canceller._clean(heard, sent).reshape(np.shape(rx))
