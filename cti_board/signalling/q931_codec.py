"""Room: the octets of ITU-T Q.931 messages, both ways.  Must not know call states, timers, links.

What: `decode` takes a message apart, `encode` puts one together; a `Message` has its information
elements ("IEs") as values where this centre uses them and as octets where it does not.
How: an IE that cannot be understood is named in ``Message.bad``, so that the procedures of clause
5.8.6 and 5.8.7 can answer; only what has no usable call reference raises.
Limits: codeset 0; IEs after a shift to another are skipped (4.5.2 to 4.5.4).  Segmentation is not
supported.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

from cti_board.errors import ProtocolError

DISCRIMINATOR = 0x08  # 4.2, Q.931 call control
REF_OCTETS = 2  # 4.3: a primary rate interface
EXT = 0x80  # last octet of a group


class Kind(IntEnum):
    """Message types (4.4, table 4-2) that basic calls use, and those known beside."""

    ALERTING = 0x01
    PROCEEDING = 0x02
    PROGRESS = 0x03
    SETUP = 0x05
    CONNECT = 0x07
    SETUP_ACK = 0x0D
    CONNECT_ACK = 0x0F
    DISCONNECT = 0x45
    RESTART = 0x46
    RELEASE = 0x4D
    RESTART_ACK = 0x4E
    RELEASE_COMPLETE = 0x5A
    NOTIFY = 0x6E
    STATUS_ENQUIRY = 0x75
    INFORMATION = 0x7B
    STATUS = 0x7D


class Id(IntEnum):
    """Information element identifiers (4.5.1, table 4-3)."""

    BEARER = 0x04
    CAUSE = 0x08
    CALL_STATE = 0x14
    CHANNEL = 0x18
    PROGRESS = 0x1E
    NOTIFICATION = 0x27
    DISPLAY = 0x28
    KEYPAD = 0x2C
    CALLING = 0x6C
    CALLED = 0x70
    RESTART = 0x79
    COMPLETE = 0xA1  # sending complete, one octet


# others of table 4-3 and of Q.932, which are not "unrecognised": segmented message, call identity,
# facility, network-specific facilities, date/time, signal, switchhook, rates, transit delay, closed
# user group, subaddresses, redirecting, redirection and connected number, transit network,
# compatibility, user-user, congestion level, repeat indicator
KNOWN = frozenset({*Id, 0x00, 0x10, 0x1C, 0x20, 0x29, 0x34, 0x36, *range(0x40, 0x48), 0x4C, 0x4D,
                   0x6D, 0x71, 0x74, 0x76, 0x78, 0x7C, 0x7D, 0x7E, 0xA0, 0xB0,
                   0xD0})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChannelId:
    """4.5.13.  ``channels`` are timeslots 1 to 31; empty: none, or ``any`` of them."""

    channels: tuple[int, ...] = ()
    exclusive: bool = True
    any: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """4.5.8, 4.5.10: ``digits`` (0-9 * #), type 0 to 7, plan 0 to 15; ``presentation`` and
    ``screening`` 0 to 3 of a calling number, presentation 1 is restricted."""

    digits: str
    type: int = 0  # unknown
    plan: int = 1  # E.164
    presentation: int = 0
    screening: int = 0


@dataclass(frozen=True, slots=True)
class CauseValue:
    """4.5.12: Q.850 cause 1 to 127 and location (0 user, 2 public network serving the user)."""

    cause: int
    location: int = 0
    diagnostic: bytes = b""


SPEECH, AUDIO_3K1 = 0x00, 0x10  # 4.5.5: information transfer capability
ALAW, ULAW = 0x03, 0x02  # 4.5.5: user information layer 1 protocol


@dataclass(frozen=True, slots=True)
class Bearer:
    """4.5.5.  ``layer1``: G.711 A-law 3, mu-law 2, None where it is not given."""

    capability: int = AUDIO_3K1
    layer1: int | None = ALAW
    circuit_64k: bool = True


@dataclass(frozen=True, slots=True)
class Progress:
    """4.5.23: description 1, 2, 3: where ISDN ends; 8: in-band information."""

    description: int
    location: int = 0


Value: TypeAlias = ChannelId | Number | CauseValue | Bearer | Progress | str | int | bytes
Ies: TypeAlias = dict[int, Value]


@dataclass(frozen=True, slots=True)
class Message:
    """One message.  ``ref`` 0 to 32767 (0: the global one); ``to_origin``: flag 1, sent to the side
    that made the reference.  ``bad``: IEs of wrong contents; ``unknown``: those not of table 4-3.
    """

    kind: int
    ref: int
    to_origin: bool
    ies: Mapping[int, Value] = field(default_factory=dict)
    bad: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()

    def text(self, ie: Id) -> str:
        value = self.ies.get(ie)
        return value if isinstance(value, str) else ""

    def number(self, ie: Id) -> Number | None:
        value = self.ies.get(ie)
        return value if isinstance(value, Number) else None

    @property
    def cause(self) -> int | None:
        value = self.ies.get(Id.CAUSE)
        return value.cause if isinstance(value, CauseValue) else None

    @property
    def channel(self) -> ChannelId | None:
        value = self.ies.get(Id.CHANNEL)
        return value if isinstance(value, ChannelId) else None

    @property
    def call_state(self) -> int | None:
        value = self.ies.get(Id.CALL_STATE)
        return value if isinstance(value, int) else None


def wrong(what: object, expected: str) -> ProtocolError:
    return ProtocolError("Q.931", what, expected)


# ---- contents, from octets -----------------------------------------------------------------


def _groups(data: bytes, count: int) -> list[bytes]:
    """The first ``count`` groups (octets up to one with bit 8 set); then what is left."""
    found, begin = [], 0
    for _ in range(count):
        end = begin
        while end < len(data) and not data[end] & EXT:
            end += 1
        if end == len(data):
            raise wrong(data.hex(), "a last octet of its group")
        found.append(data[begin : end + 1])
        begin = end + 1
    return [*found, data[begin:]]


def _read_cause(data: bytes) -> CauseValue:
    head, value, rest = _groups(data, 2)
    if head[0] & 0x60 or not value[0] & 0x7F:  # other coding standards: their causes are not ours
        raise wrong(data.hex(), "a cause of Q.850")
    return CauseValue(value[-1] & 0x7F, head[0] & 0x0F, rest)


def _read_bearer(data: bytes) -> Bearer:
    head, rate, rest = _groups(data, 2)
    if head[0] & 0x60:
        raise wrong(data.hex(), "coding of ITU-T")
    layer1 = None
    if rest and rest[0] & 0x60 == 0x20:
        layer1 = rest[0] & 0x1F
    return Bearer(head[0] & 0x1F, layer1, rate[0] & 0x7F == 0x10)


def _read_channel(data: bytes) -> ChannelId:
    head, rest = data[:1], data[1:]
    if not head or not head[0] & EXT:
        raise wrong(data.hex(), "one octet 3")
    first = head[0]
    if first & 0x04 or not first & 0x20:
        raise wrong(data.hex(), "a B channel of a primary rate interface")
    if first & 0x40:  # the interface is named, too: there is but one
        _, rest = _groups(rest, 1)
    exclusive, select = bool(first & 0x08), first & 3
    if select != 1:
        if select == 2:
            raise wrong(data.hex(), "no, any or the named channel")
        return ChannelId((), exclusive, any=select == 3)
    if len(rest) < 2 or rest[0] & 0x60 or not rest[0] & EXT or rest[0] & 0x0F != 0x03:
        raise wrong(data.hex(), "octet 3.2: B channels, coding of ITU-T")
    channels = _slot_map(rest[1:]) if rest[0] & 0x10 else _slot_numbers(rest[1:])
    if not channels or not all(1 <= c <= 31 and c != 16 for c in channels):
        raise wrong(channels, "timeslots 1 to 15, 17 to 31")
    return ChannelId(channels, exclusive)


def _slot_numbers(octets: bytes) -> tuple[int, ...]:
    """One or more octets; bit 8 ends the list, and many exchanges set it in each."""
    return tuple(dict.fromkeys(o & 0x7F for o in octets))


def _slot_map(octets: bytes) -> tuple[int, ...]:
    """Figure 4-21: the first octet has timeslots 31 to 24."""
    if len(octets) != 4:
        raise wrong(octets.hex(), "a slot map of 4 octets")
    bits = int.from_bytes(octets, "big")
    return tuple(n for n in range(32) if bits >> n & 1)


def _digits(data: bytes) -> str:
    text = data.decode("ascii", "replace")
    if not all(c in "0123456789*#ABCDabcd" for c in text) or len(text) > 32:
        raise wrong(data.hex(), "at most 32 digits")
    return text


def _read_number(data: bytes) -> Number:
    head, rest = _groups(data, 1)
    second = head[1] if len(head) > 1 else 0
    return Number(
        _digits(rest), head[0] >> 4 & 7, head[0] & 0x0F, second >> 5 & 3, second & 3
    )  # fmt: skip


def _read_display(data: bytes) -> str:
    """IA5 characters (4.5.16); some exchanges put octet 0xB1 first."""
    data = data[1:] if data[:1] and data[0] & EXT else data
    text = data.decode("latin-1")
    return "".join(c for c in text if c.isprintable()).strip()


def _read_progress(data: bytes) -> Progress:
    head, value, _ = _groups(data, 2)
    return Progress(value[0] & 0x7F, head[0] & 0x0F)


def _read_octet(data: bytes, mask: int) -> int:
    if len(data) != 1:
        raise wrong(data.hex(), "one octet")
    return data[0] & mask


READ: dict[int, Callable[[bytes], Value]] = {
    Id.CAUSE: _read_cause, Id.BEARER: _read_bearer, Id.CHANNEL: _read_channel,
    Id.CALLING: _read_number, Id.CALLED: _read_number, Id.DISPLAY: _read_display,
    Id.KEYPAD: _digits, Id.PROGRESS: _read_progress,
    Id.CALL_STATE: lambda d: _read_octet(d, 0x3F), Id.RESTART: lambda d: _read_octet(d, 0x07),
    Id.NOTIFICATION: lambda d: _read_octet(d, 0x7F),
}  # fmt: skip


# ---- contents, to octets -------------------------------------------------------------------


def _write_number(ie: int, n: Number) -> bytes:
    head = n.type << 4 | n.plan
    if ie == Id.CALLED:
        return bytes((head | EXT,)) + n.digits.encode("ascii")
    return bytes((head, EXT | n.presentation << 5 | n.screening)) + n.digits.encode("ascii")


def _write_channel(c: ChannelId) -> bytes:
    head = EXT | 0x20 | (0x08 if c.exclusive else 0)
    if not c.channels:
        return bytes((head | (3 if c.any else 0),))
    if len(c.channels) > 1:
        bits = sum(1 << n for n in c.channels)
        return bytes((head | 1, 0x93)) + bits.to_bytes(4, "big")
    return bytes((head | 1, 0x83, EXT | c.channels[0]))


def _write_value(ie: int, value: Value) -> bytes:
    match value:
        case Number():
            return _write_number(ie, value)
        case ChannelId():
            return _write_channel(value)
        case CauseValue():
            return bytes((EXT | value.location, EXT | value.cause)) + value.diagnostic
        case Bearer():
            head = bytes((EXT | value.capability, 0x90))
            return head + (b"" if value.layer1 is None else bytes((0xA0 | value.layer1,)))
        case Progress():
            return bytes((EXT | value.location, EXT | value.description))
        case str():
            return value.encode("ascii", "replace")
        case int():
            return bytes((value | (0 if ie == Id.CALL_STATE else EXT),))
        case bytes():
            return value


# ---- messages ------------------------------------------------------------------------------


def encode(message: Message) -> bytes:
    """The octets, IEs in ascending order (4.5.1).  ValueError: more than an IE or a frame holds."""
    if not 0 <= message.ref < 0x8000:
        raise ValueError(f"a call reference is 0 to 32767, not {message.ref}")
    ref = message.ref | (0x8000 if message.to_origin else 0)
    out = bytearray((DISCRIMINATOR, REF_OCTETS, ref >> 8, ref & 0xFF, message.kind))
    for ie in sorted(message.ies, key=lambda i: (i < 0x80, i)):
        if ie & EXT:
            out.append(ie)
            continue
        content = _write_value(ie, message.ies[ie])
        if len(content) > 255:
            raise ValueError(f"IE {ie:#04x} has {len(content)} octets")
        out += bytes((ie, len(content))) + content
    if len(out) > 260:
        raise ValueError(f"a message of {len(out)} octets does not fit a frame (Q.921 N201)")
    return bytes(out)


def decode(octets: bytes) -> Message:
    """Take a message apart.  ProtocolError: not Q.931, too short or no usable reference
    (5.8.1 to 5.8.3.1: to be ignored)."""
    if len(octets) < 4 or octets[0] != DISCRIMINATOR:
        raise wrong(octets[:4].hex(), "a Q.931 message")
    length = octets[1]
    if length & 0xF0 or not 1 <= length <= REF_OCTETS or len(octets) < 3 + length:
        raise wrong(octets[:4].hex(), "a call reference of 2 octets, and a message type")
    first, rest = octets[2], octets[3 : 2 + length]
    ref = int.from_bytes(bytes((first & 0x7F,)) + rest, "big")
    kind = octets[2 + length]
    ies, bad, unknown = _elements(octets[3 + length :])
    return Message(kind, ref, bool(first & 0x80), ies, tuple(bad), tuple(unknown))


def _elements(data: bytes) -> tuple[dict[int, Value], list[int], list[int]]:
    """All IEs of codeset 0.  Of repeated ones the first counts (5.8.5.2)."""
    ies: dict[int, Value] = {}
    bad: list[int] = []
    unknown: list[int] = []
    for ie, content in _split(data):
        if ie in ies or ie in bad:
            continue
        if ie not in KNOWN:
            unknown.append(ie)
            continue
        try:
            if content is None:
                raise wrong(hex(ie), "as many octets as the IE's length says")
            read = READ.get(ie)
            ies[ie] = content if read is None else read(content)
        except ProtocolError:
            bad.append(ie)
    return ies, bad, unknown


def _split(data: bytes) -> Iterable[tuple[int, bytes | None]]:
    """(identifier, contents) of codeset 0; None: the message ends within it."""
    locked = codeset = at = 0
    while at < len(data):
        ie = data[at]
        if ie & 0xF0 == 0x90:  # shift (4.5.3, 4.5.4): bit 4 says for the next IE only
            codeset = ie & 7 if ie & 8 else max(locked, ie & 7)
            locked = locked if ie & 8 else codeset
            at += 1
            continue
        size = 0
        if not ie & EXT:
            size = 1 + data[at + 1] if at + 1 < len(data) else len(data)
        content = data[at + 2 : at + 1 + size] if size else b""
        at += 1 + size
        if codeset == 0:
            name = ie & 0xF0 if ie & EXT and ie & 0xF0 != 0xA0 else ie
            yield name, content if at <= len(data) else None
        codeset = locked
