"""Room: calling line identification on numpy arrays: what a message says, its sound, what a line
says.  Must not know lines and calls: when it is sent or awaited is for signalling.

FSK: Bell 202 (Telcordia GR-30; China YDN 069) and ITU-T V.23 (ETSI EN 300 659), single (04H) and
multiple (80H) data message.  DTMF: a start code, the number, an end code or a pause (ETSI EN 300
659-1 annex B; China's second form).  What the receiver can do: docs/caller-id.md.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cti_board._native._media import ffi, lib
from cti_board.dsp.dtmf import Digit, check_sent, find_digits
from cti_board.dsp.lanes import FRAME, FULL_SCALE, RATE, Sound, rows, with_silence
from cti_board.events import plain_text

Form = Literal["mdmf", "sdmf"]
Standard = Literal["bell202", "v23"]
STANDARDS: tuple[Standard, ...] = ("bell202", "v23")  # by enum ctb_fsk_standard
DATE, NUMBER, NO_NUMBER, NAME, NO_NAME = 0x01, 0x02, 0x04, 0x07, 0x08  # ETSI EN 300 659-3, 5.3
SDMF, MDMF = 0x04, 0x80  # Telcordia GR-30
DATE_DIGITS = 8  # MMDDhhmm
DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # of a month
OWN = {DATE: "date", NUMBER: "number", NO_NUMBER: "number_absence", NAME: "name",
       NO_NAME: "name_absence"}  # fmt: skip
MOST_BYTES = 255  # a message's length is one byte, Telcordia GR-30; its parameters need 2 more each
MOST_BITS = 8000  # chosen: of seizure or marks, 6.7 s; the standards have 300
TWIST_DB = 30.0  # chosen: of what is sent; receivers are asked for 6 to 10
TAIL = 4 * FRAME  # silence after a sound, so that its last bits are decided
DIGITS, STARTS, ENDS = "0123456789", "DABC", "C#"
LONGEST_NUMBER = 20  # ETSI EN 300 659-3, 5.3.2
MOST_GAP_MS = 250  # chosen: a longer pause ends a number without an end code


@dataclass(frozen=True, slots=True)
class CallerId:
    """Who calls.  Empty: not said.

    ``date`` is MMDDhhmm, an ``absence`` O (out of area) or P (private).  ``others`` are the
    parameters of a multiple message that have no field here, in their order.
    """

    number: str = ""
    name: str = ""
    date: str = ""
    number_absence: str = ""
    name_absence: str = ""
    others: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class FskMessage:
    """A message as it was heard: type, length, contents and checksum in ``data``.

    ``begin`` and ``end`` are sample numbers of the line: its first start bit, its last stop bit;
    ``level_dbm0`` is that of the mark tone.  ``right``: checksum and stop bits are right, and the
    bits were not in doubt.
    """

    line: int
    begin: int
    end: int
    data: bytes
    right: bool
    standard: Standard
    level_dbm0: float


@dataclass(frozen=True, slots=True)
class DtmfId:
    """An identity as it was keyed: ``start`` and ``end_code`` are its codes, the latter may be
    empty; ``begin`` and ``end`` are sample numbers of the line."""

    line: int
    begin: int
    end: int
    number: str
    start: str
    end_code: str


# ---- messages --------------------------------------------------------------------------------


def with_checksum(message: bytes) -> bytes:
    """The message and the byte that makes all of them add up to 0 mod 256 (Telcordia GR-30)."""
    return message + bytes([-sum(message) & 0xFF])


def build_message(identity: CallerId, form: Form = "mdmf") -> bytes:
    """The bytes of a call set-up message, checksum included.

    A single message has a date and a number, or the reason why there is none, and says nothing of
    a name.  Where there is a number (a name), the reason for its absence is not sent.  A name is
    sent as ASCII where it can be, else as GBK.  ValueError names what cannot be sent: a date that
    is no MMDDhhmm, a reason other than O and P, a number or name that is not printable or too
    long, a parameter in ``others`` that has a field of its own, a name or others in a single
    message, too long a message, another form.
    """
    if form not in ("mdmf", "sdmf"):
        raise ValueError(f"a form is mdmf or sdmf, not {form!r}")
    _check(identity)
    number = identity.number.encode("ascii")
    if form == "sdmf":
        _check_single(identity)
        body = identity.date.encode() + (number or identity.number_absence.encode())
        return with_checksum(bytes([SDMF, len(body)]) + body)
    absence = b"" if number else identity.number_absence.encode()
    name = _encoded(identity.name)
    parameters = (
        (DATE, identity.date.encode()), (NUMBER, number), (NO_NUMBER, absence), (NAME, name),
        (NO_NAME, b"" if name else identity.name_absence.encode()), *identity.others,
    )  # fmt: skip
    body = b"".join(bytes([kind, len(value)]) + value for kind, value in parameters if value)
    if len(body) > MOST_BYTES:
        raise ValueError(f"a message has at most {MOST_BYTES} bytes, not {len(body)}")
    return with_checksum(bytes([MDMF, len(body)]) + body)


def _encoded(name: str) -> bytes:
    if not name.isprintable():
        raise ValueError(f"a name is printable characters: {name!r}")
    try:
        raw = name.encode("ascii" if name.isascii() else "gbk")
    except UnicodeEncodeError as error:
        raise ValueError(f"a name is sent in GBK, which has no {name[error.start]!r}") from None
    if len(raw) > MOST_BYTES - 2:
        raise ValueError(f"a name has at most {MOST_BYTES - 2} bytes, not {len(raw)}")
    return raw


def _check(identity: CallerId) -> None:
    number = identity.number
    if not all("!" <= c <= "~" for c in number) or len(number) > LONGEST_NUMBER:
        raise ValueError(
            f"a number has at most {LONGEST_NUMBER} printable ASCII characters: {number!r}"
        )
    if identity.date and not _is_day_and_time(identity.date):
        raise ValueError(f"a date is MMDDhhmm, not {identity.date!r}")
    for reason in (identity.number_absence, identity.name_absence):
        if reason not in ("", "O", "P"):
            raise ValueError(f"a reason is O or P, not {reason!r}")
    for kind, value in identity.others:
        if kind in OWN:
            raise ValueError(f"others: parameter {kind:02X}H has a field of its own, {OWN[kind]}")
        if not 0 <= kind <= 255 or not 0 < len(value) <= MOST_BYTES - 2:
            raise ValueError("others: a parameter is a type of one byte and 1 to 253 bytes")


def _check_single(identity: CallerId) -> None:
    if not identity.date:
        raise ValueError("a single message begins with the date")
    for field in ("name", "others"):
        if value := getattr(identity, field):
            raise ValueError(f"a single message has no {field}: {value!r}")


def _is_date(text: str) -> bool:
    return len(text) == DATE_DIGITS and text.isascii() and text.isdigit()


def _is_day_and_time(text: str) -> bool:
    if not _is_date(text):
        return False
    month, day, hour, minute = (int(text[i : i + 2]) for i in range(0, DATE_DIGITS, 2))
    return 1 <= month <= 12 and 1 <= day <= DAYS[month - 1] and hour < 24 and minute < 60


def parse_message(message: bytes) -> CallerId:
    """What a call set-up message says; its checksum is not looked at.

    ValueError: lengths that do not fit, or another type of message.
    """
    if len(message) < 2 or len(message) < message[1] + 2:
        raise ValueError("the message is shorter than it says")
    body = message[2 : message[1] + 2]
    if message[0] == SDMF:
        return _parse_single(body)
    if message[0] != MDMF:
        raise ValueError(f"{message[0]:02X}H is not a call set-up message")
    found: dict[int, bytes] = {}
    others = []
    while body:
        if len(body) < 2 or len(body) < body[1] + 2:
            raise ValueError("a parameter is longer than its message")
        kind, value, body = body[0], body[2 : body[1] + 2], body[body[1] + 2 :]
        if kind in (DATE, NUMBER, NO_NUMBER, NAME, NO_NAME):
            found[kind] = value
        else:
            others.append((kind, value))
    number = found.get(NUMBER, b"")
    if number in (b"O", b"P"):  # the single message's way
        found[NO_NUMBER], number = number, b""
    date = plain_text(found.get(DATE, b""))
    return CallerId(
        _number(number), plain_text(found.get(NAME, b"")), date if _is_date(date) else "",
        _reason(found.get(NO_NUMBER, b"")), _reason(found.get(NO_NAME, b"")), tuple(others),
    )  # fmt: skip


def _parse_single(body: bytes) -> CallerId:
    if len(body) < DATE_DIGITS:
        raise ValueError("a single message has a date")
    date, number = plain_text(body[:DATE_DIGITS]), body[DATE_DIGITS:]
    reason = _reason(number) if len(number) == 1 else ""
    return CallerId(
        "" if reason else _number(number), "", date if _is_date(date) else "", reason
    )  # fmt: skip


def _number(raw: bytes) -> str:
    return bytes(b for b in raw if b in b"0123456789ABCD*#+").decode("ascii")


def _reason(raw: bytes) -> str:
    return raw[:1].decode("ascii", "replace") if raw[:1] in (b"O", b"P") else ""


# ---- FSK -------------------------------------------------------------------------------------


def make_fsk(
    message: bytes,
    standard: Standard = "bell202",
    level_dbm0: float = -13.5,
    *,
    twist_db: float = 0.0,
    seizure_bits: int = 300,
    mark_bits: int = 180,
) -> NDArray[np.int16]:
    """A message as int16 (samples,), 8000 Hz: seizure, marks, the bytes as they are, ten marks.

    The level (dBm0, -90 to 3.14) is the mark tone's, the twist (dB, -30 to 30) space over mark.
    On-hook 300 and 180 bits stand before it, off-hook 0 and 80 (Telcordia GR-30); up to 8000 of
    each can be asked for.  ValueError: no such standard, a level or a count out of range, a
    message of more than 258 bytes (type, length, 255 and a checksum).
    """
    if standard not in STANDARDS:
        raise ValueError(f"a standard is {' or '.join(STANDARDS)}, not {standard!r}")
    if not 0 <= seizure_bits <= MOST_BITS or not 0 <= mark_bits <= MOST_BITS:
        raise ValueError(f"bits are 0 to {MOST_BITS}: {seizure_bits} and {mark_bits}")
    if len(message) > MOST_BYTES + 3:
        raise ValueError(f"a message has at most {MOST_BYTES + 3} bytes, not {len(message)}")
    if not -90 <= level_dbm0 <= 3.14 or not -TWIST_DB <= twist_db <= TWIST_DB:
        raise ValueError(
            f"levels are -90 to 3.14 dBm0, twists -30 to 30 dB: {level_dbm0}, {twist_db}"
        )
    params = ffi.new("ctb_fsk_tx_params_t *")
    params.standard = STANDARDS.index(standard)
    params.seizure_bits, params.mark_bits = seizure_bits, mark_bits
    params.level_cdbm0, params.twist_cdb = round(level_dbm0 * 100), round(twist_db * 100)
    out = np.zeros(lib.ctb_fsk_tx_length(params, len(message)), np.int16)
    pointer = ffi.cast("int16_t *", out.ctypes.data)
    if lib.ctb_fsk_tx_make(params, message, len(message), pointer) != 0:
        raise ValueError(f"levels are -90 to 3.14 dBm0: {level_dbm0} and {twist_db} more")
    return out


def fsk_sound(number: str, standard: Standard = "bell202", date: str = "") -> bytes:
    """A number as the A-law codes of its multiple message, for an on-hook line.

    Characters that are not ASCII are left out, and the number is cut to twenty.  ValueError: a
    date that is no MMDDhhmm.
    """
    plain = "".join(c for c in number if " " < c < "\x7f")[:LONGEST_NUMBER]
    linear = make_fsk(build_message(CallerId(plain, date=date)), standard)
    codes = np.empty(len(linear), np.uint8)
    pointer = ffi.cast("int16_t *", linear.ctypes.data)
    lib.ctb_alaw_encode(ffi.cast("uint8_t *", codes.ctypes.data), pointer, len(linear))
    return codes.tobytes()


class FskReceiver:
    """A receiver of one line, for sound that comes in pieces."""

    def __init__(self, line: int = 0) -> None:
        """MemoryError when there is no room."""
        out = ffi.new("ctb_fsk_rx_t **")
        if lib.ctb_fsk_rx_alloc(out) != 0:
            raise MemoryError("no memory for an FSK receiver")
        self._rx = ffi.gc(out[0], lib.ctb_fsk_rx_free)
        self._message = ffi.new("ctb_fsk_message_t *")
        self._line, self._at = line, 0

    def feed(self, sound: Sound) -> list[FskMessage]:
        """The messages that ended in this piece of one line, of any length.  ValueError for more
        lines, and as `lanes.rows`."""
        lines = rows(sound)
        if len(lines) != 1:
            raise ValueError("a receiver hears one line")
        linear = np.clip(np.round(lines[0] * FULL_SCALE), -32768, 32767).astype(np.int16)
        found = []
        for start in range(0, len(linear), FRAME):
            part = ffi.cast("int16_t *", ffi.from_buffer(linear[start : start + FRAME]))
            if lib.ctb_fsk_rx_run(self._rx, part, min(FRAME, len(linear) - start), self._message):
                found.append(self._told(self._at + start))
        self._at += len(linear)
        return found

    def _told(self, start: int) -> FskMessage:
        m = self._message
        end = start + m.offset
        return FskMessage(
            self._line, max(end - m.length, 0), end, bytes(ffi.buffer(m.data, m.size)),
            m.right == 1, STANDARDS[m.standard], m.level_cdbm0 / 100,
        )  # fmt: skip


def find_fsk(sound: Sound) -> list[FskMessage]:
    """The FSK messages in a sound, of both standards, in order of their ends, line by line.

    ``sound`` as `lanes.rows` takes it.  ValueError: another dtype or shape.
    """
    found = []
    for line, samples in enumerate(rows(sound)):
        whole = np.concatenate([samples, np.zeros(TAIL, np.float32)])
        told = FskReceiver(line).feed(whole)
        found += [replace(message, end=min(message.end, len(samples))) for message in told]
    return found


# ---- DTMF ------------------------------------------------------------------------------------


def make_dtmf_id(
    number: str,
    *,
    start: str = "D",
    end: str = "C",
    level_dbm0: float = -9.0,
    twist_db: float = 2.0,
    on_ms: int = 60,
    off_ms: int = 60,
) -> NDArray[np.int16]:
    """A number between its codes as int16 (samples,), 8000 Hz.

    China: D, number, C; digits of 50 to 70 ms (YD/T 1277.1).  ``level_dbm0`` is the low tone's,
    the twist high over low; levels and times as in `make_digits`.  ValueError: codes, digits,
    levels or times out of range.
    """
    if len(start) != 1 or start not in STARTS or end not in ("", *ENDS):
        raise ValueError("an identity begins with A, B, C or D and ends with C, # or nothing")
    if not number or not set(number) <= set(DIGITS) or len(number) > LONGEST_NUMBER:
        raise ValueError(f"a number is 1 to {LONGEST_NUMBER} digits, not {number!r}")
    check_sent(level_dbm0, twist_db, on_ms, off_ms)
    generator = ffi.new("char[]", lib.ctb_dial_gen_size())
    state, bad = ffi.cast("ctb_dial_gen_t *", generator), ffi.new("int *")
    text = start + number + end
    level, twist = round(level_dbm0 * 100), round(twist_db * 100)
    if lib.ctb_dial_gen_start(state, text.encode(), on_ms, off_ms, level, twist, bad) != 0:
        raise ValueError(f"levels or times out of range: {level_dbm0} dBm0, {on_ms}/{off_ms} ms")
    sum_ = np.zeros(len(text) * (on_ms + off_ms) * RATE // 1000, np.int32)
    lib.ctb_dial_gen_add(state, ffi.cast("int32_t *", sum_.ctypes.data), len(sum_))
    return np.clip(sum_, -32768, 32767).astype(np.int16)


def find_dtmf_id(sound: Sound) -> list[DtmfId]:
    """The identities in DTMF in a sound, in order of line and begin.

    One begins with A, B, C or D after a pause and ends with C or #, or, without an end code, with a
    pause of 250 ms.  ``sound`` as `lanes.rows` takes it.  ValueError: another dtype or shape.
    """
    lines = rows(sound)
    digits = find_digits(with_silence(lines, TAIL))
    found: list[DtmfId] = []
    for line in range(len(lines)):
        own = [digit for digit in digits if digit.line == line]
        found += _spelled(line, own, lines.shape[1])
    return found


def _spelled(line: int, digits: list[Digit], samples: int) -> list[DtmfId]:
    found: list[DtmfId] = []
    begun: Digit | None = None
    number, last = "", -RATE
    for digit in [*digits, None]:
        late = digit is None or digit.begin - last > MOST_GAP_MS * RATE // 1000
        if begun is not None and late:
            if number:  # no end code
                found.append(DtmfId(line, begun.begin, last, number, begun.key, ""))
            begun = None
        if digit is None:
            break
        end = samples if digit.end is None else min(digit.end, samples)
        if begun is not None and digit.key in DIGITS and len(number) < LONGEST_NUMBER:
            number += digit.key
        elif begun is not None and number and digit.key in ENDS:
            found.append(DtmfId(line, begun.begin, end, number, begun.key, digit.key))
            begun = None
        else:
            begun, number = (digit if digit.key in STARTS else None), ""
        last = end
    return found
