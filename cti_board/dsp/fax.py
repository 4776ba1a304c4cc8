"""Room: calling and answer tones of facsimile and modems on numpy arrays.  Must not know what is
done about a fax: that is for the flow of a call.

Kinds: ``cng`` 1100 Hz in bursts and ``ced`` 2100 Hz (ITU-T T.30), ``ans_pr`` 2100 Hz whose phase
is reversed each 450 ms (ITU-T V.25), ``ansam`` 2100 Hz with 15 Hz amplitude modulation and
``ansam_pr`` with both (ITU-T V.8), ``ct`` 1300 Hz in bursts (ITU-T V.25).  Measured limits are in
docs/r2-and-fax.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cti_board._native._media import ffi, lib
from cti_board.dsp.lanes import FRAME, RATE, Bank, Hit, Sound, end_within, rows, with_silence

Kind = Literal["cng", "ced", "ans_pr", "ansam", "ansam_pr", "ct"]
KINDS: tuple[Kind, ...] = (
    "cng",
    "ced",
    "ans_pr",
    "ansam",
    "ansam_pr",
    "ct",
)  # as enum ctb_fax_tone
BURST_MS = {"cng": 3500, "ct": 2350}  # burst and pause, as the sender makes them
LONGEST_MS = 3_600_000  # chosen: an hour is no tone any more
EDGE = FRAME // 4  # the end of a tone is placed within 5 ms
FLUSH = 3 * FRAME  # chosen: silence after the sound that ends a burst (30 ms) and shows it


@dataclass(frozen=True, slots=True)
class FaxTone:
    """A tone as it was heard; of a calling tone, one burst.

    ``begin`` and ``end`` are sample numbers of the line, ``end`` None where it was still on at
    the end of the sound.
    """

    line: int
    kind: Kind
    begin: int
    end: int | None
    level_dbm0: float


def make_fax_tone(
    kind: Kind, ms: float | None = None, level_dbm0: float = -13.0
) -> NDArray[np.int16]:
    """A tone of ``ms`` as int16 (samples,), 8000 Hz.

    ``ms`` None: one burst and its pause of a calling tone, the standard's length of an answer
    tone (``ced`` 3 s, ``ans_pr`` 3.3 s, ``ansam`` 5 s).  A longer ``ms`` of a calling tone
    repeats the burst.  The level is -60 to 0 dBm0; with amplitude modulation its mean.
    ValueError for an unknown kind, a level or a length out of range.
    """
    if kind not in KINDS:
        raise ValueError(f"a kind is one of {', '.join(KINDS)}, not {kind!r}")
    if not -60.0 <= level_dbm0 <= 0.0:
        raise ValueError(f"a level is -60 to 0 dBm0, not {level_dbm0}")
    if ms is not None and not 1 <= ms <= LONGEST_MS:
        raise ValueError(f"a length is 1 to {LONGEST_MS} ms, not {ms}")
    wanted = BURST_MS.get(kind, 0) if ms is None else round(ms)
    state = ffi.new("char[]", lib.ctb_fax_gen_size())
    generator = ffi.cast("ctb_fax_gen_t *", state)
    lib.ctb_fax_gen_start(generator, KINDS.index(kind) + 1, round(level_dbm0 * 100), wanted)
    parts, made = [], RATE
    while made == RATE:
        second = np.zeros(RATE, np.int32)
        made = lib.ctb_fax_gen_add(generator, ffi.cast("int32_t *", second.ctypes.data), RATE)
        parts.append(second[:made])
    return np.clip(np.concatenate(parts), -32768, 32767).astype(np.int16)


class FaxDetector:
    """Detectors of up to sixteen lines for sound that comes in pieces of whole 20 ms frames."""

    def __init__(self, lines: int = 1) -> None:
        """ValueError for a number of lines other than 1..16; MemoryError when there is no room."""
        self._bank = Bank("fax", lines, lib.ctb_fax_bank_arm)
        self._on: dict[int, FaxTone] = {}
        self._begin: dict[int, int] = {}  # as the bank says, which may be before the first sample

    def feed(self, sound: Sound) -> list[FaxTone]:
        """The tones that ended in this piece, in the order of their ends.

        sound: int16, float (1.0 = full scale) or uint8 A-law, (samples,) or (lines, samples),
        8000 Hz.  ValueError for another array or number of lines, and for a piece after one
        that was not whole frames.
        """
        return list(self._tones(self._bank.feed(sound)))

    def rest(self) -> list[FaxTone]:
        """The answer tones that are on now, one a line at most; their ``end`` is None."""
        return [self._on[line] for line in sorted(self._on)]

    def _tones(self, hits: Iterable[Hit]) -> Iterable[FaxTone]:
        for hit in hits:
            if hit.kind == lib.CTB_EV_FAX_ON:
                begin = self._begin[hit.line] = hit.at - hit.d
                kind = KINDS[hit.a - 1]
                self._on[hit.line] = FaxTone(hit.line, kind, max(begin, 0), None, hit.b / 100)
            elif hit.line in self._on:
                was = self._on.pop(hit.line)
                yield replace(was, end=max(self._begin[hit.line] + hit.b, 0))


def find_fax_tones(sound: Sound) -> list[FaxTone]:
    """Every tone in a sound, in the order of (begin, line); each burst of a calling tone is one.

    sound: int16, float (1.0 = full scale) or uint8 A-law, (samples,) or (up to sixteen lines,
    samples), 8000 Hz.  ValueError for another array.  A tone whose kind is not certain before
    the end of the sound (500 ms of 2100 Hz) is not told.
    """
    lines = rows(sound)
    samples = lines.shape[1]
    detector = FaxDetector(len(lines))
    told = [
        replace(tone, end=end_within(tone.end, samples, EDGE))
        for tone in detector.feed(with_silence(lines, FLUSH)) + detector.rest()
        if tone.begin < samples
    ]
    return sorted(told, key=lambda tone: (tone.begin, tone.line))
