"""Room: the centre's records, what is done at a start for what the last run left open.

Closes the rows of earlier runs with journalled facts and mends the headers of their
recordings.  Must run before the first call; blocks on the disk.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select

from ivr.record.clock import shift_text
from ivr.record.event import HASH_ONLY, ClosedAtRestart, Event, Note, RecordingEnded
from ivr.record.journal import Journal
from ivr.record.tables import agent_state, call, call_leg, call_segment, recording, run
from ivr.record.wav import WavError, hash_file, mend_wav, read_wav

Row = dict[str, Any]


@dataclass(frozen=True)
class MendedRecording:
    """A recording that was open: its length now, what was wrong (empty: nothing)."""

    path: str
    samples: int
    mended: bool
    error: str = ""


@dataclass(frozen=True)
class RecoveryReport:
    """What was found and done at the start.  str(report) is for a person."""

    run: int
    clean: bool  # the run before closed the store in good order, or there was none
    torn: str = ""  # the file that keeps the torn end of the journal
    torn_bytes: int = 0
    damaged: tuple[int, ...] = ()  # lines of the journal that are not sound
    replayed: int = 0  # facts that were in the journal and not yet in the rows
    rebuilt: str = ""  # why all rows were made again
    calls: tuple[str, ...] = ()
    legs: int = 0
    segments: int = 0
    agents: tuple[str, ...] = ()
    recordings: tuple[MendedRecording, ...] = ()
    suspect: tuple[str, ...] = ()  # ended recordings of the last run that are not whole

    @property
    def nothing_lost(self) -> bool:
        """No damage: at most calls were cut off."""
        return not (self.damaged or self.suspect or any(one.error for one in self.recordings))

    def lines(self) -> list[str]:
        text = [f"run {self.run}: the run before ended {'well' if self.clean else 'suddenly'}"]
        if self.torn:
            text.append(f"journal: {self.torn_bytes} torn bytes kept in {self.torn}")
        text += [f"journal: line {seq} is damaged, see verify" for seq in self.damaged]
        if self.rebuilt:
            text.append(f"rows made again from the journal: {self.rebuilt}")
        if self.replayed:
            text.append(f"rows: {self.replayed} facts taken from the journal")
        if self.calls:
            text.append(
                f"closed: {len(self.calls)} calls, {self.legs} legs, {self.segments} segments:"
                f" {', '.join(self.calls)}"
            )
        if self.agents:
            text.append(f"logged out: {', '.join(self.agents)}")
        for one in self.recordings:
            state = one.error or ("header mended" if one.mended else "whole")
            text.append(f"recording {one.path}: {one.samples} samples, {state}")
        text += [f"recording {one}" for one in self.suspect]
        return text

    def __str__(self) -> str:
        return "\n".join(self.lines())


@dataclass
class OpenParts:
    """What the rows say is open, of every run so far."""

    calls: list[Row] = field(default_factory=list)
    legs: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    segments: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    recordings: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    agents: list[Row] = field(default_factory=list)
    run_ends: dict[int, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Closed:
    """What close_open did."""

    calls: tuple[str, ...]
    legs: int
    segments: int
    agents: tuple[str, ...]
    recordings: tuple[MendedRecording, ...]


def close_open(journal: Journal, engine: Engine, folder: Path) -> Closed:
    """Journal the end of everything that is open, mending recordings on the way.

    The rows must be up to date with the journal; afterwards they are not, until the next
    projection.
    """
    with engine.connect() as connection:
        parts = _find_open(connection)
    mended: list[MendedRecording] = []
    names = sorted({row["id"] for row in parts.calls} | parts.recordings.keys())
    ends = {row["id"]: parts.run_ends.get(row["run"]) for row in parts.calls}
    starts = {row["id"]: (row["start_at"], row["start_wall"]) for row in parts.calls}
    for name in names:
        results = [_mend(folder, row["path"]) for row in parts.recordings[name]]
        known = ends.get(name) or starts.get(name)
        at, wall = _last_moment(known, parts.recordings[name], results)
        _close_call(journal, parts, name, at, wall)
        for result, digest in results:
            journal.append(_recording_ended(name, result, digest))
            mended.append(result)
    agents = _close_agents(journal, parts)
    return Closed(
        tuple(row["id"] for row in parts.calls),
        sum(len(legs) for legs in parts.legs.values()),
        sum(len(segments) for segments in parts.segments.values()),
        agents,
        tuple(mended),
    )


def note_tail(journal: Journal) -> None:
    """Journal what opening the journal found wrong with its end."""
    tail = journal.tail
    if tail.torn is not None:
        journal.append(Note(f"journal: {tail.torn_bytes} torn bytes kept in {tail.torn.name}"))
    if tail.damaged:
        journal.append(Note(f"journal: damaged lines {', '.join(map(str, tail.damaged))}"))


def find_suspect(connection: Connection, folder: Path) -> tuple[str, ...]:
    """Recordings that ended in the last run and whose file is not as long as the row says.

    A power cut takes what the system had not written to the disk yet.
    """
    last = select(run.c.journal_seq).order_by(run.c.id.desc()).limit(1).scalar_subquery()
    query = (
        select(recording.c.path, recording.c.samples)
        .where(recording.c.id > last, recording.c.samples.is_not(None), recording.c.error == "")
        .where(recording.c.path.not_like(f"{HASH_ONLY}%"))
        .order_by(recording.c.id)
    )
    suspect = []
    for path, samples in connection.execute(query):
        try:
            held = read_wav(folder / path).held
        except (OSError, WavError) as error:
            suspect.append(f"{path}: {error}")
            continue
        if held != samples:
            suspect.append(f"{path}: {held} samples, the row says {samples}")
    return tuple(suspect)


def _find_open(connection: Connection) -> OpenParts:
    parts = OpenParts()
    for row in connection.execute(select(run)).mappings():
        if row["end_at"] is not None:
            parts.run_ends[row["id"]] = (row["end_at"], row["end_wall"])
    query = select(call).where(call.c.end_at.is_(None)).order_by(call.c.id)
    parts.calls = [dict(row) for row in connection.execute(query).mappings()]
    legs = select(call_leg.c.call_id, call_leg.c.leg).where(call_leg.c.end_at.is_(None))
    for name, leg in connection.execute(legs.order_by(call_leg.c.id)):
        parts.legs[name].append(leg)
    segments = select(call_segment.c.call_id, call_segment.c.id)
    segments = segments.where(call_segment.c.end_at.is_(None)).order_by(call_segment.c.id)
    for name, number in connection.execute(segments):
        parts.segments[name].append(number)
    query = select(recording).where(recording.c.samples.is_(None)).order_by(recording.c.id)
    for row in connection.execute(query).mappings():
        parts.recordings[row["call_id"]].append(dict(row))
    query = select(agent_state).where(agent_state.c.end_at.is_(None))
    parts.agents = [
        dict(row) for row in connection.execute(query.order_by(agent_state.c.agent)).mappings()
    ]
    return parts


def _mend(folder: Path, path: str) -> tuple[MendedRecording, str]:
    """The recording's state and hash after mending."""
    file = folder / path
    try:
        wav, mended = mend_wav(file)
        return MendedRecording(path, wav.samples, mended), hash_file(file)
    except FileNotFoundError:
        return MendedRecording(path, 0, False, "there is no file"), ""
    except (OSError, WavError) as error:
        return MendedRecording(path, 0, False, str(error)), ""


def _recording_ended(name: str, result: MendedRecording, digest: str) -> Event:
    error = result.error or "closed at restart"
    return RecordingEnded(name, result.path, result.samples, digest, error=error)


def _last_moment(
    known: tuple[int, str] | None,
    rows: list[Row],
    results: list[tuple[MendedRecording, str]],
) -> tuple[int, str]:
    """The latest of the run's last line and the ends of the sound that was recorded."""
    moments = [] if known is None else [known]
    for row, (result, _) in zip(rows, results, strict=True):
        end = row["start_at"] + result.samples
        moments.append((end, shift_text(row["start_wall"], result.samples)))
    return max(moments)


def _close_call(journal: Journal, parts: OpenParts, name: str, at: int, wall: str) -> None:
    journal.append(
        ClosedAtRestart(
            at,
            wall,
            call=name,
            legs=tuple(parts.legs[name]),
            segments=tuple(parts.segments[name]),
            recordings=tuple(row["path"] for row in parts.recordings[name]),
        )
    )


def _close_agents(journal: Journal, parts: OpenParts) -> tuple[str, ...]:
    """One fact for each run that left agents logged in."""
    by_end: dict[tuple[int, str], list[str]] = defaultdict(list)
    for row in parts.agents:
        end = parts.run_ends.get(row["run"], (row["start_at"], row["start_wall"]))
        by_end[end].append(row["agent"])
    for (at, wall), names in sorted(by_end.items()):
        journal.append(ClosedAtRestart(at, wall, agents=tuple(names)))
    return tuple(row["agent"] for row in parts.agents)
