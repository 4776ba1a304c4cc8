"""Room: the centre's records, from facts to rows.

What a fact means for the rows is decided here and nowhere else.  It must not open files,
and no fact, however wrong, may make it raise: one that fits nothing is counted and left out.
"""

from ivr.record.clock import shift_text
from ivr.record.event import (
    AccountTold,
    AgentState,
    CallAnswered,
    CallEnded,
    CallOffered,
    ClosedAtRestart,
    Event,
    LegEnded,
    LegStarted,
    RecordingEnded,
    RecordingStarted,
    RunEnded,
    RunStarted,
    SegmentEnded,
    SegmentStarted,
    VoicemailSaved,
)
from ivr.record.journal_line import Entry
from ivr.record.open_rows import OpenCall, OpenRows, Row, begun, clamp
from ivr.record.tables import agent_state, call, call_leg, call_segment, recording, run, voicemail

CAUSE_TEMPORARY_FAILURE = 41  # ITU-T Q.850: the call of a run that died


class RowState(OpenRows):
    """The open rows, and what each fact does to them."""

    def take(self, entry: Entry) -> None:
        """Let one fact change the rows."""
        event = entry.event
        match event:
            case CallOffered():
                self._offer(entry, event)
            case RecordingStarted():
                self._start_recording(entry, event)
            case RecordingEnded():
                self._end_recording(entry, event)
            case VoicemailSaved():
                self._save_voicemail(entry, event)
            case AgentState():
                self._change_agent(entry, event)
            case RunStarted() | RunEnded():
                self._change_run(entry, event)
            case ClosedAtRestart():
                self._close_at_restart(entry, event)
            case (
                CallAnswered() | AccountTold() | LegStarted() | LegEnded() | SegmentStarted()
                | SegmentEnded() | CallEnded()
            ):  # fmt: skip
                owner = self.calls.get(event.call)
                if owner is None:
                    self.unfit += 1
                else:
                    self._change_call(entry, event, owner)
            case _:  # digits, alarms, notes, facts of a newer version: the journal has them
                pass

    def _change_call(self, entry: Entry, event: Event, owner: OpenCall) -> None:
        match event:
            case CallAnswered():
                self._answer(entry, owner)
            case AccountTold():
                owner.row["accounts"] += 1
                self.touch(call, owner.row, entry.seq)
            case LegStarted():
                self._start_leg(entry, event, owner)
            case LegEnded():
                self._end_leg(entry, event, owner)
            case SegmentStarted():
                self._start_segment(entry, owner, event.kind, event.ref)
            case SegmentEnded():
                if owner.segment is None or owner.segment["kind"] != event.kind:
                    self.unfit += 1
                else:
                    self._end_segment(entry.seq, owner, entry.at, entry.wall)
            case CallEnded():
                at, wall = clamp(owner.covered_to, entry.at, entry.wall)
                owner.row["outcome"] = event.outcome
                self._end_call(entry.seq, owner, at, wall, event.cause, event.side)

    def _offer(self, entry: Entry, event: CallOffered) -> None:
        if event.call in self.calls or event.call in self.ended:
            self.unfit += 1
            return
        row: Row = {
            "id": event.call,
            "tenant_id": event.tenant,
            "journal_seq": entry.seq,
            "run": self.run,
            "direction": event.direction,
            "channel": event.channel,
            "ani": event.ani,
            "ani_source": event.ani_source,
            "dnis": event.dnis,
            "category": event.category,
            "flow": event.flow,
            **begun(entry),
            "answer_at": None,
            "answer_wall": None,
            "cause": None,
            "side": None,
            "closed_at_restart": 0,
            "outcome": "",
            "accounts": 0,
        }
        owner = self.calls[event.call] = OpenCall(row)
        self.put(call, row)
        self._start_segment(entry, owner, event.segment, "")

    def _answer(self, entry: Entry, owner: OpenCall) -> None:
        row = owner.row
        if row["answer_at"] is not None:
            self.unfit += 1
            return
        row["answer_at"], row["answer_wall"] = clamp(row["start_at"], entry.at, entry.wall)
        self.touch(call, row, entry.seq)

    def _start_leg(self, entry: Entry, event: LegStarted, owner: OpenCall) -> None:
        if event.leg in owner.legs:
            self.unfit += 1
            return
        row = owner.legs[event.leg] = {
            **self.part(entry, owner.row["tenant_id"], event.call),
            "leg": event.leg,
            "role": event.role,
            "channel": event.channel,
            "number": event.number,
            **begun(entry),
            "cause": None,
            "side": None,
        }
        self.put(call_leg, row)

    def _end_leg(self, entry: Entry, event: LegEnded, owner: OpenCall) -> None:
        row = owner.legs.get(event.leg)
        if row is None or row["end_at"] is not None:
            self.unfit += 1
            return
        row["cause"], row["side"] = event.cause, event.side
        self.end(call_leg, row, entry.seq, entry.at, entry.wall)

    def _start_segment(self, entry: Entry, owner: OpenCall, kind: str, ref: str) -> None:
        now = owner.segment
        if now is not None:
            if now["kind"] == kind and now["start_at"] == entry.at and not now["ref"]:
                now["ref"] = ref  # the fact says more about the segment that began just here
                self.touch(call_segment, now, entry.seq)
                return
            self._end_segment(entry.seq, owner, entry.at, entry.wall)
        at, wall = clamp(owner.covered_to, entry.at, entry.wall)
        owner.segments += 1
        owner.covered_to = at
        owner.segment = {
            **self.part(entry, owner.row["tenant_id"], owner.row["id"]),
            "position": owner.segments,
            "kind": kind,
            "ref": ref,
            "start_at": at,
            "start_wall": wall,
            "end_at": None,
            "end_wall": None,
        }
        self.put(call_segment, owner.segment)

    def _end_segment(self, seq: int, owner: OpenCall, at: int, wall: str) -> None:
        if owner.segment is not None:
            self.end(call_segment, owner.segment, seq, at, wall)
            owner.covered_to = owner.segment["end_at"]
            owner.segment = None

    def _end_call(
        self, seq: int, owner: OpenCall, at: int, wall: str, cause: int, side: str
    ) -> None:
        """End the call, and with it the segment and the legs that are open."""
        row = owner.row
        self._end_segment(seq, owner, at, wall)
        for leg in owner.legs.values():
            if leg["end_at"] is None:
                leg["cause"], leg["side"] = cause, side
                self.end(call_leg, leg, seq, at, wall)
        row["cause"], row["side"] = cause, side
        self.end(call, row, seq, at, wall)
        self.ended[row["id"]] = row["tenant_id"]
        del self.calls[row["id"]]

    def _start_recording(self, entry: Entry, event: RecordingStarted) -> None:
        tenant = self.tenant_of(event.call)
        if tenant is None or event.path in self.paths or event.path in self.recordings:
            self.unfit += 1
            return
        row = self.recordings[event.path] = {
            **self.part(entry, tenant, event.call),
            "leg": event.leg,
            "path": event.path,
            "codec": event.codec,
            "sides": event.sides,
            **begun(entry),
            "samples": None,
            "lost_samples": None,
            "blake2b": None,
            "error": None,
        }
        self.put(recording, row)

    def _end_recording(self, entry: Entry, event: RecordingEnded) -> None:
        row = self.recordings.pop(event.path, None)
        if row is None:
            self.unfit += 1
            return
        self.paths.add(event.path)
        row["samples"], row["lost_samples"] = event.samples, event.lost_samples
        row["blake2b"], row["error"] = event.blake2b, event.error
        at, wall = entry.at, entry.wall
        if row["end_at"] is not None:  # closed at restart: the file says how long it was
            at = row["start_at"] + event.samples + event.lost_samples
            wall = shift_text(row["start_wall"], at - row["start_at"])
        self.end(recording, row, entry.seq, at, wall)

    def _save_voicemail(self, entry: Entry, event: VoicemailSaved) -> None:
        tenant = self.tenant_of(event.call)
        if tenant is None:
            self.unfit += 1
            return
        row = {
            **self.part(entry, tenant, event.call),
            "mailbox": event.mailbox,
            "path": event.path,
            "samples": event.samples,
            "created_at": entry.at,
            "created_wall": entry.wall,
        }
        self.put(voicemail, row)

    def _change_agent(self, entry: Entry, event: AgentState) -> None:
        before = self.agents.pop(event.agent, None)
        at, wall = entry.at, entry.wall
        if before is not None:
            at, wall = clamp(before["start_at"], at, wall)
            self.end(agent_state, before, entry.seq, at, wall)
        if event.chosen == "logged_out":
            return
        row = self.agents[event.agent] = {
            "id": entry.seq,
            "tenant_id": event.tenant,
            "journal_seq": entry.seq,
            "run": self.run,
            "agent": event.agent,
            "seat": event.seat,
            "chosen": event.chosen,
            "observed": event.observed,
            "reason": event.reason,
            "call_id": event.call,
            "start_at": at,
            "start_wall": wall,
            "end_at": None,
            "end_wall": None,
        }
        self.put(agent_state, row)

    def _change_run(self, entry: Entry, event: RunStarted | RunEnded) -> None:
        if isinstance(event, RunEnded):
            row = self.runs.pop(event.run, None)
            if row is not None:
                row["clean"] = 1
                self.end(run, row, entry.seq, entry.at, entry.wall)
            return
        if event.run <= self.run:
            self.unfit += 1
            return
        for row in self.runs.values():
            self.end(run, row, entry.seq, event.last_at, event.last_wall)
        self.run = event.run
        self.runs = {
            event.run: {
                "id": event.run,
                "journal_seq": entry.seq,
                "version": event.version,
                **begun(entry),
                "clean": 0,
            }
        }
        self.put(run, self.runs[event.run])

    def _close_at_restart(self, entry: Entry, event: ClosedAtRestart) -> None:
        at, wall = event.closed_at, event.closed_wall
        owner = self.calls.get(event.call)
        if owner is not None:
            owner.row["closed_at_restart"] = 1
            end = clamp(owner.covered_to, at, wall)
            self._end_call(entry.seq, owner, *end, CAUSE_TEMPORARY_FAILURE, "unknown")
        for path in event.recordings:
            row = self.recordings.get(path)
            if row is not None and row["end_at"] is None:
                self.end(recording, row, entry.seq, at, wall)
        for name in event.agents:
            row = self.agents.pop(name, None)
            if row is not None:
                self.end(agent_state, row, entry.seq, at, wall)
