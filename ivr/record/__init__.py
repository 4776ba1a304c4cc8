"""Room: the centre's records: what happened, kept so that neither a crash nor a hand loses it.

Facts go into a hash-chained journal before they are acted on; the rows of calls, legs,
segments, recordings and agents are made from it.  It must not know cards, flows or
queues, and never asks the system for the time.  docs/records.md tells more.
"""

from ivr.record.audit import ROWS_NAME, Audit, audit
from ivr.record.check import check_files, check_recordings, check_rows
from ivr.record.clock import RecordClock
from ivr.record.errors import JournalError, RecordError
from ivr.record.event import (
    HASH_ONLY,
    KEEP_LAST_MAX,
    AccountTold,
    AgentState,
    Alarm,
    CallAnswered,
    CallEnded,
    CallOffered,
    ClosedAtRestart,
    Digits,
    Event,
    LegEnded,
    LegStarted,
    Note,
    Outcome,
    RecordingEnded,
    RecordingStarted,
    RunEnded,
    RunStarted,
    SegmentEnded,
    SegmentKind,
    SegmentStarted,
    Side,
    VoicemailSaved,
    mask,
)
from ivr.record.export import export_hash, export_lines
from ivr.record.journal import Journal
from ivr.record.journal_line import Entry, Head
from ivr.record.recovery import RecoveryReport
from ivr.record.store import RecordStore
from ivr.record.tables import open_engine
from ivr.record.verify import JournalCheck, JournalFault
from ivr.record.wav import hash_file

__all__ = [
    "HASH_ONLY",
    "KEEP_LAST_MAX",
    "ROWS_NAME",
    "AccountTold",
    "AgentState",
    "Alarm",
    "Audit",
    "CallAnswered",
    "CallEnded",
    "CallOffered",
    "ClosedAtRestart",
    "Digits",
    "Entry",
    "Event",
    "Head",
    "Journal",
    "JournalCheck",
    "JournalError",
    "JournalFault",
    "LegEnded",
    "LegStarted",
    "Note",
    "Outcome",
    "RecordClock",
    "RecordError",
    "RecordStore",
    "RecordingEnded",
    "RecordingStarted",
    "RecoveryReport",
    "RunEnded",
    "RunStarted",
    "SegmentEnded",
    "SegmentKind",
    "SegmentStarted",
    "Side",
    "VoicemailSaved",
    "audit",
    "check_files",
    "check_recordings",
    "check_rows",
    "export_hash",
    "export_lines",
    "hash_file",
    "mask",
    "open_engine",
]
