"""Room: the centre's records, the proof that nobody touched the journal.

Reads the volumes and names every line that was edited, taken out or moved.  Must not
change anything.

How: each line carries its own hash and that of the line before.  Somebody who edits a
line and makes all later hashes anew leaves a sound chain with another end: so note the
head (number and hash) somewhere else, once a day on paper for instance, and hand it in
as the witness.  The witness also shows lines taken off the end.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ivr.record.journal_line import GENESIS, Head, RawLine, split_line
from ivr.record.volume import list_volumes

NOWHERE = Head(0, GENESIS)
FaultKind = Literal["edited", "deleted", "moved", "rewritten"]


@dataclass(frozen=True)
class JournalFault:
    """The line `seq` (or all from `seq` to `last`) is not what was written."""

    kind: FaultKind
    seq: int
    last: int
    file: str
    text: str


@dataclass(frozen=True)
class JournalCheck:
    """What verify found: how many lines, the head, and every fault."""

    lines: int
    head: Head
    faults: tuple[JournalFault, ...]

    @property
    def sound(self) -> bool:
        return not self.faults


@dataclass
class _Walk:
    """Where the check stands between two lines."""

    witness: Head | None
    lines: int = 0
    expected: int = 1
    prevs: tuple[str, ...] = (GENESIS,)  # hashes that the next line may name
    unread: int = 0  # lines since the last good one that have not the form of a line
    head: Head = NOWHERE
    file: str = ""
    faults: list[JournalFault] = field(default_factory=list)
    missing: list[tuple[int, int, str]] = field(default_factory=list)
    misplaced: dict[int, str] = field(default_factory=dict)

    def blame(self, kind: FaultKind, seq: int, text: str, last: int | None = None) -> None:
        self.faults.append(JournalFault(kind, seq, last or seq, self.file, text))

    def step(self, line: bytes) -> None:
        self.lines += 1
        raw = split_line(line)
        if raw is None:
            self.unread += 1
            return
        seq = raw.seq
        if not raw.sound and raw.prev in self.prevs:
            seq = self.expected  # the chain says where it belongs: do not trust its number
        if seq < self.expected:
            self.misplaced[seq] = self.file
            return
        self._close_gap(seq)
        self._check_line(raw, seq)

    def _close_gap(self, seq: int) -> None:
        """Account for the numbers from `expected` to before `seq`."""
        if self.unread and seq == self.expected:
            self.blame("edited", seq, "a foreign line stands before it")
        spoilt = min(self.unread, seq - self.expected)
        for number in range(self.expected, self.expected + spoilt):
            self.blame("edited", number, "has not the form of a line")
        if self.expected + spoilt < seq:
            self.missing.append((self.expected + spoilt, seq - 1, self.file))
        if seq > self.expected:
            self.prevs = ()
        self.unread = 0

    def _check_line(self, raw: RawLine, seq: int) -> None:
        if not raw.sound:
            self.blame("edited", seq, "does not match its hash")
        elif self.prevs and raw.prev not in self.prevs:
            self.blame("rewritten", seq - 1, f"is not the line that line {seq} names")
        if self.witness is not None and seq == self.witness.seq and raw.hash != self.witness.hash:
            self.blame("rewritten", seq, "this line or one before it: not what the witness saw")
        self.prevs = (raw.hash, raw.computed)
        self.expected = seq + 1
        self.head = Head(seq, raw.hash)

    def finish(self) -> JournalCheck:
        for number in range(self.expected, self.expected + self.unread):
            self.blame("edited", number, "has not the form of a line")
        for first, last, file in self.missing:
            for low, high in _spans(first, last, sorted(self.misplaced)):
                self.faults.append(_fault("deleted", low, high, file))
        for seq, file in self.misplaced.items():
            self.faults.append(_fault("moved", seq, seq, file))
        end = self.expected + self.unread
        if self.witness is not None and self.witness.seq >= end:
            self.faults.append(_fault("deleted", end, self.witness.seq, self.file))
        order = sorted(self.faults, key=lambda fault: (fault.seq, fault.kind))
        return JournalCheck(self.lines, self.head, tuple(order))


_TEXT: dict[FaultKind, str] = {"deleted": "not there", "moved": "in the wrong place, or twice"}


def _fault(kind: FaultKind, first: int, last: int, file: str) -> JournalFault:
    return JournalFault(kind, first, last, file, _TEXT[kind])


def _spans(first: int, last: int, found: list[int]) -> list[tuple[int, int]]:
    """The runs of numbers from `first` to `last` that are not in `found`."""
    spans: list[tuple[int, int]] = []
    low = first
    for number in [*(n for n in found if first <= n <= last), last + 1]:
        if low < number:
            spans.append((low, number - 1))
        low = number + 1
    return spans


def verify_journal(folder: Path, witness: Head | None = None) -> JournalCheck:
    """Check the journal in `folder` line by line, all volumes."""
    walk = _Walk(witness)
    for volume in list_volumes(folder):
        walk.file = volume.path.name
        with volume.path.open("rb") as file:
            for line in file:
                walk.step(line.removesuffix(b"\n"))
    return walk.finish()
