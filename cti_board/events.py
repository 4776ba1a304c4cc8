"""Room: what a line and its media report.  A leaf: plain data, imports nothing of ours.

Every event carries ``seq`` (counts all events of the engine; a gap is a loss), ``at`` (engine
sample number, 8000 a second, at which it was decided), ``board`` and ``channel`` (numbers;
channel is -1 for events of a span or a board, board is -1 for events of the engine).
"""

import unicodedata
from dataclasses import dataclass
from enum import IntEnum, IntFlag


class DoneReason(IntEnum):
    """Why a player, recorder or tone ended."""

    END = 0
    STOPPED = 1
    DIGIT = 2
    ERROR = 3
    SILENCE = 4
    CLOSED = 5


class Alarm(IntFlag):
    """E1 alarms (ITU-T G.775, G.732)."""

    LOS = 1
    LFA = 2
    LMFA = 4
    AIS = 8
    RAI = 16


def plain_text(raw: bytes) -> str:
    """Bytes of a stranger as printable text: UTF-8, else GBK (China), else ASCII with U+FFFD.

    A character that was cut off at the end is dropped, and so are control characters and line
    separators.  Two bytes a character in both codes, as in a Chinese name of one or two: GBK.
    """
    utf8, gbk = _decoded(raw, "utf-8"), _decoded(raw, "gbk")
    pairs = utf8 is not None and all(ord(c) < 0x80 or 0x80 <= ord(c) < 0x800 for c in utf8)
    doubtful = pairs and not raw.isascii() and gbk is not None
    text = gbk if utf8 is None or doubtful else utf8
    if text is None:
        text = raw.decode("ascii", "replace")
    return "".join(c for c in text if unicodedata.category(c)[0] != "C" and c not in SEPARATORS)


SEPARATORS = "\u2028\u2029"


def _decoded(raw: bytes, code: str) -> str | None:
    """The text, without a last character that was cut off; None: it is not in this code."""
    try:
        return raw.decode(code)
    except UnicodeDecodeError as error:
        cut = error.start > 0 and error.end == len(raw) and error.reason in CUT_OFF
        return raw[: error.start].decode(code) if cut else None


CUT_OFF = ("unexpected end of data", "incomplete multibyte sequence")


@dataclass(slots=True)
class Event:
    seq: int
    at: int
    board: int
    channel: int


@dataclass(slots=True)
class RingBegin(Event):
    """FXO: a ringing burst begins."""


@dataclass(slots=True)
class RingEnd(Event):
    """FXO: a ringing burst ended."""

    length_ms: int


@dataclass(slots=True)
class RingStopped(Event):
    """FXO: no burst for the ring time-out: the caller gave up."""


@dataclass(slots=True)
class OffHook(Event):
    """FXS: the telephone took the loop."""


@dataclass(slots=True)
class OnHook(Event):
    """FXS: the telephone left the loop."""


@dataclass(slots=True)
class HookFlash(Event):
    length_ms: int


@dataclass(slots=True)
class Wink(Event):
    """FXO: the exchange reversed polarity for 100 to 350 ms; follows the two reversals."""

    length_ms: int


@dataclass(slots=True)
class PolarityReversal(Event):
    """FXO: ``reversed`` is the polarity now."""

    reversed: bool


@dataclass(slots=True)
class LoopBreak(Event):
    """FXO: the exchange broke the loop current for ``length_ms`` (disconnect signal)."""

    length_ms: int


@dataclass(slots=True)
class BatteryChange(Event):
    """FXO: the exchange's feed is there or gone (line cut)."""

    present: bool


@dataclass(slots=True)
class CasChange(Event):
    """E1: received signalling bits, A=8 B=4 C=2 D=1."""

    bits: int
    previous: int


@dataclass(slots=True)
class PulseDigit(Event):
    digit: str


@dataclass(slots=True)
class DtmfBegin(Event):
    """``age_samples``: from the tone's first sample to ``at``."""

    digit: str
    level_dbm0: float
    twist_db: float
    age_samples: int


@dataclass(slots=True)
class DtmfEnd(Event):
    """``age_samples``: from the tone's last sample to ``at``."""

    digit: str
    length_samples: int
    age_samples: int


@dataclass(slots=True)
class ToneOn(Event):
    """A call-progress tone of the board's plan, by name (``dial``, ``busy`` ...)."""

    tone: str
    level_dbm0: float


@dataclass(slots=True)
class ToneOff(Event):
    tone: str


@dataclass(slots=True)
class TalkBegin(Event):
    level_dbm0: float


@dataclass(slots=True)
class TalkEnd(Event):
    length_ms: int


@dataclass(slots=True)
class TalkTxBegin(Event):
    """Talk in what we send."""

    level_dbm0: float


@dataclass(slots=True)
class TalkTxEnd(Event):
    length_ms: int


@dataclass(slots=True)
class MfBegin(Event):
    """R2 signal 1 to 15 (ITU-T Q.441); level of the stronger tone, twist = higher over lower;
    ``age_samples``: from its first sample to ``at``."""

    signal: int
    level_dbm0: float
    twist_db: float
    age_samples: int


@dataclass(slots=True)
class MfEnd(Event):
    """``age_samples``: from its last sample to ``at``."""

    signal: int
    length_samples: int
    age_samples: int


@dataclass(slots=True)
class FaxToneOn(Event):
    """``kind``: cng, ced, ans_pr, ansam, ansam_pr or ct; ``age_samples``: since it began."""

    kind: str
    level_dbm0: float
    age_samples: int


@dataclass(slots=True)
class FaxToneOff(Event):
    kind: str
    length_samples: int


@dataclass(slots=True)
class BeepOn(Event):
    """A steady tone of any frequency, those of the plan too: ``hz`` is 0 where two frequencies
    sound together; ``age_samples``: since it began."""

    hz: float
    level_dbm0: float
    age_samples: int


@dataclass(slots=True)
class BeepOff(Event):
    """``age_samples``: since the tone's end."""

    hz: float
    length_samples: int
    age_samples: int


@dataclass(slots=True)
class CallerId(Event):
    """``method`` is ``fsk`` or ``dtmf``; a wrong checksum gives ``valid=False`` and no number.

    ``date`` is MMDDhhmm or empty; ``absence`` says why there is no number: O out of area,
    P private, or empty.  The name is what the caller's exchange sent: trust it with nothing.
    """

    number: str
    method: str
    valid: bool
    name: str = ""
    date: str = ""
    absence: str = ""


@dataclass(slots=True)
class PlayDone(Event):
    cookie: int
    reason: DoneReason
    samples: int
    digit: str
    error: int


@dataclass(slots=True)
class RecordDone(Event):
    cookie: int
    reason: DoneReason
    samples: int
    error: int
    lost_samples: int
    began_at: int


@dataclass(slots=True)
class ToneDone(Event):
    cookie: int
    reason: DoneReason


@dataclass(slots=True)
class RecordData(Event):
    """A stream recorder holds ``available`` bytes."""

    cookie: int
    available: int


@dataclass(slots=True)
class MediaOverrun(Event):
    cookie: int
    lost_samples: int


@dataclass(slots=True)
class MediaUnderrun(Event):
    cookie: int
    lost_samples: int


@dataclass(slots=True)
class RecordError(Event):
    """The file cannot be written (``error`` is an errno); the call goes on."""

    cookie: int
    error: int


@dataclass(slots=True)
class AlarmRaised(Event):
    span: int
    alarm: Alarm


@dataclass(slots=True)
class AlarmCleared(Event):
    span: int
    alarm: Alarm


@dataclass(slots=True)
class CommandFailed(Event):
    cookie: int
    error: int
    op: int


@dataclass(slots=True)
class BoardLost(Event):
    error: int


@dataclass(slots=True)
class BoardBack(Event):
    pass


@dataclass(slots=True)
class Overrun(Event):
    """The event ring was full: ``lost`` events; line levels were read again and reported.

    Of the engine (board -1): every board's and every channel's stream hears of it.
    """

    lost: int


@dataclass(slots=True)
class Slip(Event):
    """A board's elastic buffer repeated (+1) or dropped (-1) a frame; ``direction`` rx or tx."""

    frames: int
    direction: str


@dataclass(slots=True)
class Late(Event):
    """Wall clock: ``frames`` came later than the lead allows.  Of the engine, as `Overrun`."""

    frames: int


@dataclass(slots=True)
class DriverFault(Event):
    """The driver reported what cannot be understood; ``text`` says what.

    ``cookie`` names the work whose end it was meant to be; 0: none.
    """

    text: str
    cookie: int = 0


@dataclass(slots=True)
class StreetReport(Event):
    """A far end reports; ``channel`` is the far end's number (see ctb_street.h)."""

    what: int
    b: int
    c: int
    d: int
    cookie: int
    text: str


LineEvent = (
    RingBegin
    | RingEnd
    | RingStopped
    | OffHook
    | OnHook
    | HookFlash
    | Wink
    | PolarityReversal
    | LoopBreak
    | BatteryChange
    | CasChange
    | PulseDigit
    | DtmfBegin
    | DtmfEnd
    | ToneOn
    | ToneOff
    | TalkBegin
    | TalkEnd
    | TalkTxBegin
    | TalkTxEnd
    | MfBegin
    | MfEnd
    | FaxToneOn
    | FaxToneOff
    | BeepOn
    | BeepOff
    | CallerId
    | PlayDone
    | RecordDone
    | ToneDone
    | RecordData
    | MediaOverrun
    | MediaUnderrun
    | RecordError
    | AlarmRaised
    | AlarmCleared
    | CommandFailed
    | BoardLost
    | BoardBack
    | Overrun
    | Slip
    | Late
    | DriverFault
)


# ---- call events: what signalling tells a call -----------------------------------------


@dataclass(slots=True)
class CallEvent:
    """``at`` is an engine sample number."""

    at: int


@dataclass(slots=True)
class CallOffered(CallEvent):
    """``ani_source`` FSK, DTMF, R2 or empty; ``ani_name`` as the exchange sent it: trust it with
    nothing; ``ani_absence`` O (out of area), P (private) or empty."""

    ani: str
    dnis: str
    category: str = ""
    ani_source: str = ""
    ani_name: str = ""
    ani_absence: str = ""


@dataclass(slots=True)
class CallProceeding(CallEvent):
    """All address digits were sent."""


@dataclass(slots=True)
class CallAlerting(CallEvent):
    """The far end rings."""


@dataclass(slots=True)
class CallAnswered(CallEvent):
    pass


@dataclass(slots=True)
class CallDisconnected(CallEvent):
    """The far end cleared; ``cause`` after ITU-T Q.850."""

    cause: int


@dataclass(slots=True)
class CallReleased(CallEvent):
    """The channel is idle again."""
