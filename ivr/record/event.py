"""Room: the centre's records, the facts.

One frozen dataclass per kind of fact.  It must not know how a fact is kept: the journal
writes it, the projector makes rows of it.

Fields hold only int, str, bool, None and tuples of str or int: no floats, so that a fact has one
spelling.  Money is in fen, time in samples, levels in hundredths of a dB.
A field may be added with a default; none is ever removed or given another meaning, so
that old journals stay readable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, get_args

Direction = Literal["in", "out"]
Side = Literal["far", "us", "unknown"]  # who ended it
SegmentKind = Literal["ivr", "queue", "ring", "talk", "hold", "voicemail"]
LegRole = Literal["caller", "agent", "expert", "monitor", "survey"]
Chosen = Literal["logged_out", "available", "on_break"]  # what the person chose
Outcome = Literal["", "served", "abandoned", "refused"]  # docs/centre.md; "": not known
Observed = Literal["", "waiting", "ringing", "in_call", "wrap_up"]  # what we see

SEGMENT_KINDS: tuple[str, ...] = get_args(SegmentKind)
HASH_ONLY = "hash/"  # paths that begin so name no file: only the hash of the sound is kept
MASK = "x"  # chosen: not a key of the telephone (ITU-T Q.23 has 0-9 * # A-D)
KEEP_LAST_MAX = 4  # PCI DSS 3.4.1: at most the last four digits of a card may be shown


def mask(digits: str, keep_last: int = 0) -> str:
    """Hide `digits`, but for the last `keep_last` (0..4).

    With keep_last=0, for a PIN, the length is hidden too.  Otherwise at least as many
    digits are hidden as are shown; a text too short for that is hidden whole.
    """
    if not 0 <= keep_last <= KEEP_LAST_MAX:
        raise ValueError(f"keep_last {keep_last}: 0 to {KEEP_LAST_MAX}")
    if keep_last == 0:
        return MASK * 4 if digits else ""
    if len(digits) < 2 * keep_last:
        return MASK * len(digits)
    return MASK * (len(digits) - keep_last) + digits[-keep_last:]


@dataclass(frozen=True)
class RunStarted:
    """The program opened the store; sample numbers count anew from here.

    `last_at` and `last_wall` are the stamps of the line before: the last known moment of
    the run before.
    """

    type: ClassVar[str] = "run_started"
    run: int
    version: str = ""
    last_at: int = 0
    last_wall: str = ""


@dataclass(frozen=True)
class RunEnded:
    """The program closed the store in good order."""

    type: ClassVar[str] = "run_ended"
    run: int


@dataclass(frozen=True)
class CallOffered:
    """A call begins, and with it its first segment, of kind `segment`."""

    type: ClassVar[str] = "call_offered"
    call: str
    channel: str = ""
    ani: str = ""
    ani_source: str = ""  # FSK, DTMF, PRI, R2 or empty
    dnis: str = ""
    category: str = ""
    direction: Direction = "in"
    tenant: str = "main"
    flow: str = ""  # version of the flow that handles it
    segment: SegmentKind = "ring"


@dataclass(frozen=True)
class CallAnswered:
    type: ClassVar[str] = "call_answered"
    call: str


@dataclass(frozen=True)
class LegStarted:
    """A party joins the call; `leg` is unique in the call."""

    type: ClassVar[str] = "leg_started"
    call: str
    leg: str
    role: LegRole
    channel: str = ""
    number: str = ""


@dataclass(frozen=True)
class LegEnded:
    type: ClassVar[str] = "leg_ended"
    call: str
    leg: str
    cause: int = 16  # ITU-T Q.850: normal call clearing
    side: Side = "unknown"


@dataclass(frozen=True)
class SegmentStarted:
    """What the caller goes through from now on; ends the segment before it."""

    type: ClassVar[str] = "segment_started"
    call: str
    kind: SegmentKind
    ref: str = ""  # queue, agent, flow or mailbox


@dataclass(frozen=True)
class SegmentEnded:
    """Ends the open segment.  The next must start at the same sample, or a gap is found."""

    type: ClassVar[str] = "segment_ended"
    call: str
    kind: SegmentKind


@dataclass(frozen=True)
class Digits:
    """What the caller keyed.  PINs and payment digits come masked: see mask()."""

    type: ClassVar[str] = "digits"
    call: str
    text: str
    node: str = ""
    masked: bool = False


@dataclass(frozen=True)
class RecordingStarted:
    """Appended when the file is begun; `path` is relative to the store's folder.

    A path below HASH_ONLY has no file: the sound is hashed as it comes and not kept.
    """

    type: ClassVar[str] = "recording_started"
    call: str
    path: str
    leg: str = ""
    codec: str = "alaw"
    sides: int = 2  # 1 = rx; 2 = rx and tx, two channels


@dataclass(frozen=True)
class RecordingEnded:
    """`samples` a side in the file; `lost_samples` a side that found no room."""

    type: ClassVar[str] = "recording_ended"
    call: str
    path: str
    samples: int
    blake2b: str = ""  # BLAKE2b-256 of the file, hex
    lost_samples: int = 0
    error: str = ""


@dataclass(frozen=True)
class VoicemailSaved:
    type: ClassVar[str] = "voicemail_saved"
    call: str
    mailbox: str
    path: str
    samples: int


@dataclass(frozen=True)
class CallEnded:
    """Ends the call and whatever segment and legs of it are still open."""

    type: ClassVar[str] = "call_ended"
    call: str
    cause: int  # ITU-T Q.850
    side: Side
    outcome: Outcome = ""


@dataclass(frozen=True)
class AccountTold:
    """The caller confirmed an account (not named here); `balance`: there was one to tell."""

    type: ClassVar[str] = "account_told"
    call: str
    balance: bool = True


@dataclass(frozen=True)
class AgentState:
    """An agent's state from now on; logged_out ends the last one."""

    type: ClassVar[str] = "agent_state"
    agent: str
    chosen: Chosen
    observed: Observed = ""
    reason: str = ""
    seat: str = ""
    call: str = ""
    tenant: str = "main"


@dataclass(frozen=True)
class Alarm:
    type: ClassVar[str] = "alarm"
    source: str
    code: str
    text: str = ""
    raised: bool = True
    call: str = ""


@dataclass(frozen=True)
class Note:
    type: ClassVar[str] = "note"
    text: str
    call: str = ""


@dataclass(frozen=True)
class ClosedAtRestart:
    """An earlier run ended without closing these: a call with its parts, or agents.

    `closed_at` and `closed_wall` are the last moment of that run which is known.
    """

    type: ClassVar[str] = "closed_at_restart"
    closed_at: int
    closed_wall: str
    call: str = ""
    legs: tuple[str, ...] = ()
    segments: tuple[int, ...] = ()
    recordings: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


Event = (
    RunStarted | RunEnded
    | CallOffered | CallAnswered | CallEnded
    | LegStarted | LegEnded
    | SegmentStarted | SegmentEnded
    | Digits | AccountTold
    | RecordingStarted | RecordingEnded
    | VoicemailSaved
    | AgentState
    | Alarm | Note
    | ClosedAtRestart
)  # fmt: skip

EVENT_TYPES: dict[str, type[Event]] = {cls.type: cls for cls in get_args(Event)}
_FIELDS: dict[type[Event], frozenset[str]] = {
    cls: frozenset(f.name for f in fields(cls)) for cls in EVENT_TYPES.values()
}
_NEED_CALL = ("account_", "call_", "leg_", "segment_", "recording_", "digits", "voicemail_")
_INT_LIMIT = 1 << 63  # what a row can hold


def event_data(event: Event) -> dict[str, Any]:
    """The fields of `event`, checked.  Raises ValueError for a value that may not be kept."""
    data = event.__dict__
    for name, value in data.items():
        if isinstance(value, tuple):
            parts: tuple[object, ...] = value
        else:
            parts = (value,)
        for part in parts:
            if isinstance(part, int):
                if not -_INT_LIMIT <= part < _INT_LIMIT:
                    raise ValueError(f"{event.type}.{name}: {part} is out of range")
            elif part is not None and not isinstance(part, str):
                raise ValueError(f"{event.type}.{name}: {type(part).__name__} is not kept")
    if data.get("call") == "" and event.type.startswith(_NEED_CALL):
        raise ValueError(f"{event.type} needs a call id")
    return data


def event_from(name: str, data: Mapping[str, Any]) -> Event | None:
    """The event that event_data made `data` of, or None for one that this version cannot read."""
    cls = EVENT_TYPES.get(name)
    if cls is None:
        return None
    known = _FIELDS[cls]
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in data.items()
        if key in known
    }
    try:
        return cls(**given)
    except TypeError:
        return None
