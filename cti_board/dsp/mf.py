"""Room: R2 interregister signals on numpy arrays.  Must not know the compelled procedure: which
signal answers which is for signalling.

Signals are two of six frequencies (ITU-T Q.441); the limits of the receiver are those of
ITU-T Q.454 and Q.455, its measured ones are in docs/r2-and-fax.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cti_board._native._media import ffi, lib
from cti_board.dsp.lanes import FRAME, RATE, Bank, Hit, Sound, end_within, rows, with_silence

SetName = Literal["forward", "backward", "backward_cn"]
SETS: tuple[SetName, ...] = ("forward", "backward", "backward_cn")
SIGNALS = range(1, 16)  # ITU-T Q.441 table 5
SIGNALS_CN = range(1, 7)  # of four backward frequencies
EDGE = FRAME // 8  # measured: ends are placed within 17 samples
FLUSH = 3 * FRAME  # chosen: silence after the sound that ends a signal and shows it
LONGEST_MS = 3_600_000  # chosen: an hour is no signal any more


@dataclass(frozen=True, slots=True)
class MfSignal:
    """A signal as it was heard.

    ``begin`` and ``end`` are sample numbers of the line, ``end`` None where it was still on at
    the end of the sound; the level (dBm0) is that of the stronger tone, the twist (dB) that of
    the higher frequency over the lower one.
    """

    line: int
    signal: int
    begin: int
    end: int | None
    level_dbm0: float
    twist_db: float


def frequencies(signal: int, set_: SetName) -> tuple[float, float]:
    """The two frequencies (Hz) of a signal, in the order of ITU-T Q.441.

    ValueError for a set or a signal that there is not.
    """
    tone = _tone(signal, set_, 0.0)
    return float(tone.step[0].hz[0]), float(tone.step[0].hz[1])


def _tone(signal: int, set_: SetName, level_dbm0: float) -> Any:
    if set_ not in SETS:
        raise ValueError(f"a set of signals is one of {', '.join(SETS)}, not {set_!r}")
    known = SIGNALS_CN if set_ == "backward_cn" else SIGNALS
    if signal not in known:
        raise ValueError(f"the set {set_} has the signals 1 to {known[-1]}, not {signal!r}")
    tone = ffi.new("ctb_tone_t *")
    number = lib.CTB_MF_FORWARD if set_ == "forward" else lib.CTB_MF_BACKWARD
    lib.ctb_mf_tone(tone, number, signal, round(level_dbm0 * 100))
    return tone


def make_signal(
    signal: int, set_: SetName = "forward", ms: float = 60.0, level_dbm0: float = -11.5
) -> NDArray[np.int16]:
    """A signal of ``ms`` as int16 (samples,), 8000 Hz.

    The level (dBm0, -60 to 0) is that of each tone; -11.5 is the transmitter's of ITU-T Q.454.
    ValueError for an unknown set or signal, a level or a length out of range.
    """
    if not -60.0 <= level_dbm0 <= 0.0:
        raise ValueError(f"a level is -60 to 0 dBm0, not {level_dbm0}")
    if not 0.0 < ms <= LONGEST_MS:
        raise ValueError(f"a length is 0 to {LONGEST_MS} ms, not {ms}")
    samples = round(ms * RATE / 1000)
    sum_ = np.zeros(samples, np.int32)
    generator = ffi.new("char[]", lib.ctb_tone_gen_size())
    state = ffi.cast("ctb_tone_gen_t *", generator)
    lib.ctb_tone_gen_start(state, _tone(signal, set_, level_dbm0))
    lib.ctb_tone_gen_add(state, ffi.cast("int32_t *", sum_.ctypes.data), samples)
    return np.clip(sum_, -32768, 32767).astype(np.int16)


class MfReceiver:
    """Receivers of up to sixteen lines for sound that comes in pieces of whole 20 ms frames."""

    def __init__(self, lines: int = 1, set_: SetName = "forward") -> None:
        """ValueError for an unknown set or a number of lines other than 1..16; MemoryError when
        there is no room."""
        if set_ not in SETS:
            raise ValueError(f"a set of signals is one of {', '.join(SETS)}, not {set_!r}")
        params = ffi.new("ctb_mf_params_t *", getattr(lib, f"ctb_mf_{set_}"))
        self._bank = Bank("mf", lines, lambda bank, lane: lib.ctb_mf_bank_arm(bank, lane, params))
        self._on: dict[int, MfSignal] = {}

    def feed(self, sound: Sound) -> list[MfSignal]:
        """The signals that ended in this piece, in the order of their ends.

        sound: int16, float (1.0 = full scale) or uint8 A-law, (samples,) or (lines, samples),
        8000 Hz.  ValueError for another array or number of lines, and for a piece after one
        that was not whole frames.
        """
        return list(self._signals(self._bank.feed(sound)))

    def rest(self) -> list[MfSignal]:
        """The signals that are on now, one a line at most; their ``end`` is None."""
        return [self._on[line] for line in sorted(self._on)]

    def _signals(self, hits: Iterable[Hit]) -> Iterable[MfSignal]:
        for hit in hits:
            at = max(hit.at - hit.d, 0)
            if hit.kind == lib.CTB_EV_MF_BEGIN:
                self._on[hit.line] = MfSignal(hit.line, hit.a, at, None, hit.b / 100, hit.c / 100)
            elif hit.line in self._on:
                yield replace(self._on.pop(hit.line), end=at)


def find_signals(sound: Sound, set_: SetName = "forward") -> list[MfSignal]:
    """Every signal of the set in a sound, in the order of (begin, line).

    sound: int16, float (1.0 = full scale) or uint8 A-law, (samples,) or (up to sixteen lines,
    samples), 8000 Hz.  ``backward_cn`` has four frequencies and six signals.  Silence is thought
    after the sound: a signal that ends 5 ms before the last sample has its end, one that is cut
    there has None.  ValueError for another array or an unknown set.
    """
    lines = rows(sound)
    receiver, samples = MfReceiver(len(lines), set_), lines.shape[1]
    found = [
        replace(signal, end=end_within(signal.end, samples, EDGE))
        for signal in receiver.feed(with_silence(lines, FLUSH)) + receiver.rest()
        if signal.begin < samples
    ]
    return sorted(found, key=lambda signal: (signal.begin, signal.line))
