"""Room: DTMF digits on numpy arrays, heard and sent.  Must not know what a digit is for: menus,
calls and dial plans are for others.

What: ITU-T Q.23 signals; each administration's limits of ITU-T Q.24 are a row of `VARIANTS`.
How: the receiver bank and the generator of the media plane, the same that run on live channels.

Limits: docs/tones.md, with what was measured.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from cti_board._native._media import ffi, lib
from cti_board.dsp.lanes import FRAME, RATE, Bank, Hit, Sound, end_within, rows, with_silence

MS = RATE // 1000
EDGE = FRAME // 8  # measured: ends are placed within 13 samples
FLUSH = 3 * FRAME  # chosen: the receiver's own delay, beyond the pause that ends a digit
LONGEST_MS = 60_000  # chosen: of a tone or pause; a minute is no digit any more
_DEFAULT = lib.ctb_dtmf_default


@dataclass(frozen=True, slots=True)
class DtmfLimits:
    """What a receiver takes for a digit.

    ``min_dbm0``: least level of each tone, -60..0.  ``twist_high_db``, ``twist_low_db``: how
    much stronger the high, the low tone may be, 0..15.  ``min_on_ms``: shortest tone, 20..200.
    ``min_off_ms``: pause that ends a digit, shorter breaks are bridged, 5..200.
    ``max_off_percent``: greatest error of each frequency, 0.5..3.  ValueError out of range.
    """

    min_dbm0: float = _DEFAULT.min_dbm0
    twist_high_db: float = _DEFAULT.twist_high_db
    twist_low_db: float = _DEFAULT.twist_low_db
    min_on_ms: float = _DEFAULT.min_on_ms
    min_off_ms: float = _DEFAULT.min_off_ms
    max_off_percent: float = _DEFAULT.max_off_percent
    source: str = "chosen: passes every column of ITU-T Q.24 but the widest twists"

    def __post_init__(self) -> None:
        for name, least, most in (
            ("min_dbm0", -60, 0),
            ("twist_high_db", 0, 15),
            ("twist_low_db", 0, 15),
            ("min_on_ms", 20, 200),
            ("min_off_ms", 5, 200),
            ("max_off_percent", 0.5, 3),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"{name} is {least}..{most}, not {value}")


# Each limit lies between what its source asks to be accepted and what it asks to be rejected.
VARIANTS: dict[str, DtmfLimits] = {
    "itu": DtmfLimits(),
    "att": DtmfLimits(-30, 4, 8, 32, 25, 2.3, "ITU-T Q.24 table A-1, AT&T: -25/-55 dBm, 1.5/3.5 %"),
    "ntt": DtmfLimits(-26.5, 5, 5, 32, 20, 2.3, "ITU-T Q.24, NTT: -24/-29 dBm, 1.8/3 %, 30 ms off"),
    "dk": DtmfLimits(-31, 6, 6, 32, 30, 2.3, "ITU-T Q.24, Denmark: -27/-36 dBm, 20 ms bridged"),
    "au": DtmfLimits(
        -28.5, 10, 10, 32, 40, 2.4, "ITU-T Q.24, Australia: -27/-30 dBm, 1.5 % + 4 Hz, 70 ms off"
    ),
    "br": DtmfLimits(-30, 9, 9, 32, 20, 2.3, "ITU-T Q.24, Brazil: -25/-50 dBm, 1.8/3 %, 30 ms off"),
    "etsi": DtmfLimits(-30, 6, 6, 32, 30, 2.3, "ETSI ES 201 235-3: 1.5 % + 2 Hz, 40/20 ms"),
    "cn": DtmfLimits(-27, 6, 6, 35, 25, 2.3, "YDN 065: -23/-31 dBm, 1.8/3 %, under 30 ms none"),
}


@dataclass(frozen=True, slots=True)
class Digit:
    """A digit as it was heard.

    ``begin`` and ``end`` are sample numbers of the line, ``end`` None where it was still on at
    the end of the sound; the level (dBm0) is that of the low tone, the twist (dB) that of the
    high tone over the low one.
    """

    line: int
    key: str
    begin: int
    end: int | None
    level_dbm0: float
    twist_db: float


def find_limits(name: str) -> DtmfLimits:
    """The limits of a national variant; ValueError where there is none of that name."""
    if name not in VARIANTS:
        raise ValueError(f"no DTMF limits {name!r}; there are {', '.join(sorted(VARIANTS))}")
    return VARIANTS[name]


class DtmfReceiver:
    """Receivers of up to sixteen lines for sound that comes in pieces of whole 20 ms frames."""

    def __init__(self, lines: int = 1, limits: DtmfLimits | str = "itu") -> None:
        """limits: a row of `VARIANTS` by its name, or one's own.  ValueError for an unknown
        name or a number of lines other than 1..16; MemoryError when there is no room."""
        limits = find_limits(limits) if isinstance(limits, str) else limits
        names = [field.name for field in fields(limits) if field.name != "source"]
        params = ffi.new("ctb_dtmf_params_t *", {name: getattr(limits, name) for name in names})
        self._bank = Bank(
            "dtmf", lines, lambda bank, lane: lib.ctb_dtmf_bank_arm(bank, lane, params)
        )
        self._on: dict[int, Digit] = {}

    def feed(self, sound: Sound) -> list[Digit]:
        """The digits that ended in this piece, in the order of their ends.

        sound: int16, float (1.0 = full scale) or uint8 A-law, (samples,) or (lines, samples),
        8000 Hz; the last frame is filled up with silence, so pieces are whole frames but for
        the last.  ValueError for another array or number of lines, and for a piece after one
        that was not whole frames.
        """
        return list(self._digits(self._bank.feed(sound)))

    def rest(self) -> list[Digit]:
        """The digits that are on now, one a line at most; their ``end`` is None."""
        return [self._on[line] for line in sorted(self._on)]

    def _digits(self, hits: Iterable[Hit]) -> Iterable[Digit]:
        for hit in hits:
            at = max(hit.at - hit.d, 0)
            if hit.kind == lib.CTB_EV_DTMF_BEGIN:
                self._on[hit.line] = Digit(hit.line, chr(hit.a), at, None, hit.b / 100, hit.c / 100)
            elif hit.line in self._on:
                was = self._on.pop(hit.line)
                yield Digit(was.line, was.key, was.begin, at, was.level_dbm0, was.twist_db)


def find_digits(sound: Sound, limits: DtmfLimits | str = "itu") -> list[Digit]:
    """Every digit in a sound, in the order of (begin, line).

    sound: int16, float (1.0 = full scale) or uint8 A-law, (samples,) or (up to sixteen lines,
    samples), 8000 Hz.  limits: a row of `VARIANTS` by its name, or one's own.  Silence is thought
    after the sound: a digit that ends 5 ms before the last sample has its end, one that is cut
    there has None.  ValueError for another array or an unknown name.
    """
    lines = rows(sound)
    limits = find_limits(limits) if isinstance(limits, str) else limits
    receiver, samples = DtmfReceiver(len(lines), limits), lines.shape[1]
    padded = with_silence(lines, FLUSH + int(limits.min_off_ms * MS))
    found = [
        replace(digit, end=end_within(digit.end, samples, EDGE))
        for digit in receiver.feed(padded) + receiver.rest()
        if digit.begin < samples
    ]
    return sorted(found, key=lambda digit: (digit.begin, digit.line))


def check_sent(level_dbm0: float, twist_db: float, on_ms: int, off_ms: int) -> None:
    """ValueError for a level, a twist or a time at which no digits are sent (`make_digits`)."""
    if not -60 <= level_dbm0 <= 0 or not -15 <= twist_db <= 15:
        raise ValueError(f"levels are -60..0 dBm0, twists -15..15 dB: {level_dbm0}, {twist_db}")
    if not 0 < on_ms <= LONGEST_MS or not 0 <= off_ms <= LONGEST_MS:
        raise ValueError(f"times are 1 (pauses 0) to {LONGEST_MS} ms: {on_ms}, {off_ms}")


def make_digits(
    text: str,
    *,
    level_dbm0: float = -7.0,
    twist_db: float = 2.0,
    on_ms: int = 70,
    off_ms: int = 70,
) -> NDArray[np.int16]:
    """Digits as they are sent: int16 (samples,), 8000 Hz; the pause after the last belongs to it.

    text: 0-9 * # A-D, a comma is a pause of 500 ms; up to 255 characters.  The level (dBm0,
    -60..0) is that of the low tone, the twist (dB, -15..15) that of the high one over it; the
    defaults are those of common telephones [chosen within ITU-T Q.23 and ETSI ES 201 235-2].
    ValueError for another character (its place is said), a level, twist or time out of range.
    """
    check_sent(level_dbm0, twist_db, on_ms, off_ms)
    generator = ffi.new("char[]", lib.ctb_dial_gen_size())
    state, bad = ffi.cast("ctb_dial_gen_t *", generator), ffi.new("int *")
    level, twist = round(level_dbm0 * 100), round(twist_db * 100)
    code = text.encode("ascii", "replace").replace(b"\0", b"?")
    if lib.ctb_dial_gen_start(state, code, on_ms, off_ms, level, twist, bad) != 0:
        raise ValueError(f"character {bad[0] + 1} cannot be dialled: {text!r}")
    piece = np.zeros(RATE, np.int32)
    parts = []
    while True:
        piece[:] = 0
        made = lib.ctb_dial_gen_add(state, ffi.cast("int32_t *", piece.ctypes.data), len(piece))
        parts.append(np.clip(piece[:made], -32768, 32767).astype(np.int16))
        if made < len(piece):
            return np.concatenate(parts)
