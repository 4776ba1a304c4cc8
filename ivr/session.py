"""Room: one caller's call: what is written of it, what is recorded, what it has come to.

Must not decide what is said or who answers (menu.py, transfer.py).
"""

import asyncio
import hashlib
import os
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cti_board import (
    Call,
    Channel,
    Digits,
    Player,
    Recorder,
    RecordResult,
    Switch,
    TrunkGroup,
    errors,
    jobs,
)

from .config import CentreConfig
from .desk import Agent, Desk
from .figures import Tally
from .ledger import Ledger
from .prompt import Catalogue
from .record import (
    HASH_ONLY,
    AccountTold,
    CallAnswered,
    CallEnded,
    CallOffered,
    LegEnded,
    LegStarted,
    Outcome,
    RecordingEnded,
    RecordingStarted,
    SegmentKind,
    SegmentStarted,
    Side,
    VoicemailSaved,
    hash_file,
)
from .record import Digits as DigitsKeyed

US: Side = "us"
FAR: Side = "far"
MUSIC = "hold_music"
CALLER, AGENT_LEG, MESSAGE = "caller", "agent", "message"  # names of legs
WAITING = ("queue", "ring")  # segments in which a caller waits for an agent
SHARED = "zh"  # prompts that both languages share may be asked for in either
CAUSE_NORMAL = 16  # ITU-T Q.850: normal call clearing
CAUSE_FAULT = 41  # ITU-T Q.850: temporary failure


class Answered(Protocol):
    """Hears that an agent has answered a caller."""

    def set(self) -> None: ...


@dataclass(slots=True)
class Equipment:
    """What every call works with; made once by the centre."""

    config: CentreConfig
    catalogue: Catalogue
    accounts: Mapping[str, int]
    ledger: Ledger
    desk: Desk
    phones: TrunkGroup
    switch: Switch
    tally: Tally
    first_answer: Answered
    players: set[Player] = field(default_factory=set)
    recorders: set[Recorder] = field(default_factory=set)
    endings: set[asyncio.Task[RecordResult | None]] = field(default_factory=set)

    @property
    def now(self) -> int:
        return self.ledger.now

    async def to_the_end(
        self, work: Coroutine[None, None, RecordResult | None]
    ) -> RecordResult | None:
        """Await ``work``; it goes on when the caller of this is cancelled.

        The centre waits for `endings` before it closes.
        """
        task = asyncio.create_task(work)
        self.endings.add(task)
        task.add_done_callback(self.endings.discard)
        return await asyncio.shield(task)


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait until they are gone.  Our own cancellation is not lost here."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


class Session:
    """A call that was offered to us, and its facts, in the order in which they come to be."""

    def __init__(self, kit: Equipment, call: Call, number: int, name: str) -> None:
        self.kit, self.call, self.number, self.name = kit, call, number, name
        self.language = SHARED
        self.where: SegmentKind = "ring"
        self.agent: Agent | None = None
        self.account = ""
        self.served = False
        self.offered_at = self.since = kit.now
        self.answered_at = self.queued_at = self.ended_at = -1
        self._legs = 0
        self._recording: Recording | None = None

    @property
    def channel(self) -> Channel:
        return self.call.channel

    # ---- facts ---------------------------------------------------------------------

    def offered(self) -> None:
        """The first fact of the call."""
        self.kit.tally.offered += 1
        self.kit.ledger.tell(
            CallOffered(self.name, self.channel.name, self.call.ani, self.call.ani_source,
                        dnis=self.call.dnis, category=self.call.category)
        )  # fmt: skip

    def answered(self) -> None:
        """We are off-hook: the caller's leg begins, and with it the recording."""
        self.answered_at = self.kit.now
        self.kit.tally.answered += 1
        self.kit.ledger.tell(CallAnswered(self.name))
        self.kit.ledger.tell(
            LegStarted(self.name, CALLER, "caller", self.channel.name, self.call.ani)
        )
        self.segment("ivr")
        self.channel.open_digits()
        self._recording = Recording(self, CALLER, stereo=True)
        self._recording.start()

    def segment(self, kind: SegmentKind, ref: str = "") -> None:
        """What the caller goes through from now on."""
        if kind not in WAITING:
            self._leave_queue()
        elif self.queued_at < 0:
            self.queued_at = self.kit.now
        self.where, self.since = kind, self.kit.now
        self.kit.ledger.tell(SegmentStarted(self.name, kind, ref))

    def _leave_queue(self) -> None:
        if self.queued_at >= 0:
            waited, self.queued_at = self.kit.now - self.queued_at, -1
            self.kit.tally.queue += waited
            self.kit.tally.longest_wait = max(self.kit.tally.longest_wait, waited)

    def keyed(self, digits: str, node: str, *, masked: bool = False) -> None:
        """What the caller keyed at ``node``; hand secrets in masked."""
        if digits:
            self.kit.ledger.tell(DigitsKeyed(self.name, digits, node, masked))

    def leg_started(self, agent: Agent) -> str:
        """An agent joins; returns the leg's name."""
        self._legs += 1
        leg = f"{AGENT_LEG}{self._legs}"
        self.kit.ledger.tell(
            LegStarted(self.name, leg, "agent", agent.channel.name, agent.number)
        )
        return leg

    def leg_ended(self, leg: str, cause: int, side: Side) -> None:
        self.kit.ledger.tell(LegEnded(self.name, leg, cause, side))

    def ended(self, cause: int, side: Side) -> None:
        """The last fact but the recording's end; once."""
        if self.ended_at >= 0:
            return
        self._leave_queue()
        self.ended_at = self.kit.now
        tally = self.kit.tally
        outcome: Outcome
        if self.served:
            outcome = "served"
            tally.served += 1
        elif side == "far":
            outcome = "abandoned"
            tally.abandoned += 1
        else:
            outcome = "refused"
            tally.refused += 1
        tally.call += self.ended_at - self.offered_at
        if self.answered_at >= 0:
            tally.leg += self.ended_at - self.answered_at
            self.channel.close_digits()
            self.kit.ledger.tell(LegEnded(self.name, CALLER, cause, side))
        self.kit.ledger.tell(CallEnded(self.name, cause, side, outcome))

    def message_saved(self, mailbox: str, recording: str, samples: int) -> None:
        """The caller has left a message: that is a service, too."""
        self.kit.ledger.tell(VoicemailSaved(self.name, mailbox, recording, samples))
        self.kit.tally.messages += 1
        self.served = True

    def account_told(self, *, balance: bool) -> None:
        """The caller has confirmed an account, of which there is a balance to tell or not."""
        self.kit.ledger.tell(AccountTold(self.name, balance))
        self.kit.tally.accounts += 1
        self.served = True

    async def finish_recording(self) -> None:
        """After the end: the recorder stopped, the file hashed, the fact written."""
        if self._recording is not None:
            await self._recording.finish()

    # ---- sound ---------------------------------------------------------------------

    def sounds(self, *ids: str) -> tuple[bytes, ...]:
        """The recordings of prompts in the caller's language."""
        return tuple(self.kit.catalogue.audio(one, self.language) for one in ids)

    async def say(self, *ids: str) -> None:
        """Play prompts to their end; keys do not stop them."""
        if ids:
            await self.play(*ids)

    async def play(self, *ids: str, loops: int = 1) -> None:
        """Play, and stop when cancelled."""
        player = self.channel.play(*self.sounds(*ids), loops=loops)
        self.kit.players.add(player)
        player.ended.add_done_callback(lambda _: self.kit.players.discard(player))
        try:
            await player
        finally:
            player.stop()

    async def collect(self, *ids: str, max_digits: int, termchars: str = "") -> Digits:
        """Play prompts, which the first key stops, and take keys."""
        ivr = self.kit.config.ivr
        return await self.channel.collect(
            *self.sounds(*ids), max_digits=max_digits, termchars=termchars,
            first_timeout_s=ivr.first_key_s, interdigit_timeout_s=ivr.next_key_s,
        )  # fmt: skip


class Recording:
    """One recording of a call: a file, or its hash only, as the configuration says."""

    def __init__(
        self, session: Session, leg: str, *, stereo: bool, keep: bool | None = None
    ) -> None:
        self.session, self.stereo, self.leg = session, stereo, leg
        self.path: Path | None = None
        self.name = f"{HASH_ONLY}{session.name}.{leg}"
        self.recorder: Recorder | None = None
        self._digest = hashlib.blake2b(digest_size=32)
        self._unplaced = ""
        wanted = session.kit.config.record.keeps_file(session.number) if keep is None else keep
        if wanted:
            self._place()

    def _place(self) -> None:
        """Where the file will be; a folder that cannot be made must not end the call."""
        store = self.session.kit.ledger.store
        try:
            self.path = store.recording_path(self.session.name, self.leg)
            self.name = store.relative(self.path)
        except OSError as error:
            self._unplaced = f"no folder for it: {error}"

    def start(self, *, max_s: float = 0.0, silence_s: float = 0.0) -> Recorder | None:
        """Begin; None (and the fact of it) where the file cannot be made: the call goes on."""
        kit = self.session.kit
        codec = "alaw" if self.path else "alaw, hash only"
        kit.ledger.tell(
            RecordingStarted(self.session.name, self.name, self.leg, codec, 2 if self.stereo else 1)
        )
        kit.tally.recordings += 1
        if self._unplaced:
            self._end(0, "", 0, self._unplaced, kit.now)
            return None
        sink = None if self.path else self._digest
        try:
            self.recorder = self.session.channel.record(
                self.path, sink=sink, stereo=self.stereo, max_s=max_s, silence_s=silence_s
            )
        except errors.MediaError as error:
            self._end(0, "", 0, str(error), kit.now)
            return None
        kit.recorders.add(self.recorder)
        kit.tally.files += 1 if self.path else 0
        return self.recorder

    async def finish(self) -> RecordResult | None:
        """Stop it (if it runs) and write its end; None if it never ran."""
        if self.recorder is None:
            return None
        recorder, self.recorder = self.recorder, None
        return await self.session.kit.to_the_end(self._finish(recorder))

    async def _finish(self, recorder: Recorder) -> RecordResult | None:
        kit = self.session.kit
        try:
            result = await recorder.stop()
        except errors.MediaError as error:
            self._end(0, "", 0, str(error), kit.now)
            return None
        finally:
            kit.recorders.discard(recorder)
        at = kit.now
        digest, trouble = await self._hash()
        if result.error:
            trouble = os.strerror(result.error)
        self._end(result.samples, digest, result.lost_samples, trouble, at)
        return result

    async def _hash(self) -> tuple[str, str]:
        """The digest, and what went wrong."""
        if self.path is None:
            return self._digest.hexdigest(), ""
        try:
            return await jobs.run(hash_file, self.path), ""
        except OSError as error:
            return "", str(error)

    def _end(self, samples: int, digest: str, lost: int, error: str, at: int) -> None:
        tally = self.session.kit.tally
        if self.leg == CALLER:
            tally.recorded += samples
        tally.lost_samples += lost
        tally.faults += 1 if error else 0
        self.session.kit.ledger.tell(
            RecordingEnded(self.session.name, self.name, samples, digest, lost, error), at
        )
