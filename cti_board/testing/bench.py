"""Room: what a check holds in its hands: the board, the channel, its far end, and the ways to say
that something is wrong.  Must not know any card, and decides nothing about pass or fail.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from cti_board import events as ev
from cti_board._native._media import lib
from cti_board.board import Board
from cti_board.capability import Capabilities
from cti_board.channel import Channel
from cti_board.errors import NotSupportedError
from cti_board.media import Recorder
from cti_board.pump import EventStream
from cti_board.signalling.port import LineType
from cti_board.testing import sound
from cti_board.testing.rig import FarEnd, Faults, Rig

E = TypeVar("E", bound=ev.Event)

FRAME = 160
IDLE, SEIZED, SEIZE_ACK, ANSWERED = 0b1001, 0b0001, 0b1101, 0b0101  # ITU-T Q.421; C = 0, D = 1
ADDRESS_S = 1.2  # chosen: a few address digits have come by then
SETTLE_S = 0.2  # chosen: after a path is up, before it is measured


class CheckFailed(AssertionError):
    """The board does not do what it should; the text is for the driver's author."""


class CantTell(Exception):
    """The rig cannot show whether it is so."""


class Sink:
    """Takes the bytes of a stream recorder."""

    def __init__(self) -> None:
        self.data = bytearray()

    def update(self, data: bytes) -> None:
        self.data += data


class Recording:
    """A recorder into memory; ``began_at`` is the engine sample of its first sample."""

    def __init__(self, channel: Channel, *, stereo: bool = False) -> None:
        self._sink = Sink()
        self.began_at = channel.now_samples
        self.recorder: Recorder = channel.record(sink=self._sink, stereo=stereo)

    async def stop(self) -> bytes:
        await self.recorder.stop()
        return bytes(self._sink.data)


class Bench:
    """One check's view of a freshly opened board."""

    def __init__(self, rig: Rig, board: Board, line: LineType | None) -> None:
        self.rig, self.board, self.line = rig, board, line
        self.measured: dict[str, float] = {}
        self.may_fail = 0  # commands that the check itself expects to be refused

    # ---- what there is ---------------------------------------------------------------

    @property
    def channel(self) -> Channel:
        """The first channel of the line type that the check is about."""
        return self.channels(self.line, 1)[0]

    def channels(self, line: LineType | None, count: int) -> list[Channel]:
        """The first so many channels of a type (None: any); CantTell when there are fewer."""
        found = [c for c in self.board.channels if line in (None, c.line_type)]
        if len(found) < count:
            name = "a" if line is None else line.name
            raise CantTell(f"needs {count} {name} channels, the board has {len(found)}")
        return found[:count]

    def far(self, channel: Channel) -> FarEnd:
        return self.rig.far_end(channel)

    @property
    def faults(self) -> Faults:
        return self.rig.faults(self.board)

    @property
    def ulaw(self) -> bool:
        """Whether samples pass a mu-law line, which not every A-law code survives."""
        law = self.board.loop.engine.board_info(self.board.number).law
        return bool(law == lib.CTB_LAW_ULAW)

    @property
    def now(self) -> int:
        return self.board.loop.clock.now_samples

    @property
    def tx_samples(self) -> int:
        """From a sample that is sent to the far end's ear, as declared."""
        return self.board.latency_tx_samples + self.rig.path_samples

    @property
    def rx_samples(self) -> int:
        """From the far end's mouth to the frame that carries it, as declared."""
        return self.board.latency_rx_samples + self.rig.path_samples

    def record(self, channel: Channel) -> Recording:
        return Recording(channel)

    def pattern(self, seed: int, samples: int) -> bytes:
        return sound.pattern(seed, samples, ulaw=self.ulaw)

    def needs(self, capability: str, channel: Channel) -> None:
        """CantTell where the channel cannot do what the check has to do on its way."""
        if not self.declares(capability, channel):
            raise CantTell(f"{channel.name} does not declare {capability}, and it needs that")

    def declares(self, capability: str, channel: Channel | None = None) -> bool:
        """Whether the board, or this channel, declares CTB_CAP_<capability>."""
        have = self.board.capabilities if channel is None else channel.capabilities
        return Capabilities[capability] in have

    # ---- saying that it is wrong ---------------------------------------------------------

    def expect(self, condition: object, text: str) -> None:
        if not condition:
            raise CheckFailed(text)

    def near(self, name: str, got: float, expected: float, tolerance: float,
             unit: str = "") -> None:  # fmt: skip
        """``got`` is within ``tolerance`` of ``expected``; the worst difference is kept."""
        off = round(got - expected, 3)
        self.measured[name] = max(off, self.measured.get(name, off), key=abs)
        self.expect(
            abs(got - expected) <= tolerance,
            f"{name} is {got:g}{unit}, expected {expected:g} +-{tolerance:g}{unit}",
        )

    def near_time(self, name: str, got: int, expected: int, tolerance: int = 0) -> None:
        """The same for sample times: the uncertainty that the board declares is added."""
        slack = tolerance + self.board.time_uncertainty_samples
        self.near(name, got, expected, slack, " samples")

    def same_sound(self, sent: bytes, heard: bytes, what: str) -> int:
        """``sent`` lies in ``heard`` unchanged; its first sample there."""
        at = sound.place(sent, heard)
        if at is None:
            near, likeness = sound.lag(sent, heard)
            how = sound.differences(sent, heard[near:])
            raise CheckFailed(f"{what} is not what was sent (likeness {likeness:.3f}): {how}")
        return at

    # ---- waiting ---------------------------------------------------------------------------

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def event(self, stream: EventStream, kind: type[E], timeout_s: float = 10.0) -> E:
        """The first event of this kind, whatever comes before; CheckFailed when none comes."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    event = await stream.get()
                    if isinstance(event, kind):
                        return event
        except TimeoutError:
            raise CheckFailed(f"no {kind.__name__} within {timeout_s:g} s") from None

    async def next(self, stream: EventStream, kind: type[E], timeout_s: float = 10.0) -> E:
        """The next event, which must be of this kind."""
        try:
            async with asyncio.timeout(timeout_s):
                event = await stream.get()
        except TimeoutError:
            raise CheckFailed(f"no {kind.__name__} within {timeout_s:g} s") from None
        if not isinstance(event, kind):
            raise CheckFailed(f"{event} came, expected {kind.__name__}")
        return event

    async def none(self, stream: EventStream, seconds: float, *kinds: type[ev.Event]) -> None:
        """No event of these kinds comes for so long."""
        await asyncio.sleep(seconds)
        while (event := stream.get_nowait()) is not None:
            self.expect(not isinstance(event, kinds), f"unexpected {event}")

    # ---- a path for sound ----------------------------------------------------------------------

    @asynccontextmanager
    async def talk(self, channel: Channel) -> AsyncIterator[FarEnd]:
        """The channel and its far end can speak; both are idle again afterwards."""
        yield await self.bring_up(channel)
        await self.bring_down(channel)

    async def bring_up(self, channel: Channel) -> FarEnd:
        """A call that carries sound: the far end calls, or lifts its handset."""
        far = self.far(channel)
        match channel.line_type:
            case LineType.FXS:
                await self._talk_fxs(channel, far)
            case LineType.FXO:
                await self._talk_fxo(channel, far)
            case LineType.E1_CAS:
                await self._talk_e1(channel, far)
            case _:
                raise NotSupportedError(f"no way to talk on a {channel.line_type.name} channel")
        await asyncio.sleep(SETTLE_S)
        return far

    async def bring_down(self, channel: Channel) -> None:
        """Both ends leave; each sees that the other did."""
        far = self.far(channel)
        match channel.line_type:
            case LineType.FXS:
                await self._idle_fxs(channel, far)
            case LineType.FXO:
                await self._idle_fxo(channel, far)
            case _:
                await self._idle_e1(channel, far)

    async def _talk_fxs(self, channel: Channel, far: FarEnd) -> None:
        stream = channel.events(ev.OffHook)
        await far.answer()
        await self.event(stream, ev.OffHook)
        stream.close()

    async def _idle_fxs(self, channel: Channel, far: FarEnd) -> None:
        stream = channel.events(ev.OnHook)
        await far.hang_up()
        await self.event(stream, ev.OnHook)
        stream.close()

    async def _talk_fxo(self, channel: Channel, far: FarEnd) -> None:
        stream = channel.events(ev.RingBegin)
        await far.ring()
        await self.event(stream, ev.RingBegin)
        stream.close()
        channel.set_hook(True)
        await far.wait_answered(2.0)

    async def _idle_fxo(self, channel: Channel, far: FarEnd) -> None:
        channel.set_hook(False)
        await far.wait_cleared(2.0)
        await far.hang_up()
        await asyncio.sleep(1.0)

    async def bits(self, stream: EventStream, ab: int, timeout_s: float = 3.0) -> ev.CasChange:
        """The next change of signalling bits; A and B must be these."""
        event = await self.next(stream, ev.CasChange, timeout_s)
        self.expect(event.bits >> 2 == ab, f"AB bits are {event.bits >> 2:02b}, expected {ab:02b}")
        return event

    async def _talk_e1(self, channel: Channel, far: FarEnd) -> None:
        self.needs("CAS", channel)
        channel.set_cas(IDLE)
        await asyncio.sleep(0.1)
        stream = channel.events(ev.CasChange)
        await far.ring()
        await self.bits(stream, SEIZED >> 2)
        channel.set_cas(SEIZE_ACK)
        await asyncio.sleep(ADDRESS_S)
        channel.set_cas(ANSWERED)
        await far.wait_answered(2.0)
        stream.close()

    async def _idle_e1(self, channel: Channel, far: FarEnd) -> None:
        stream = channel.events(ev.CasChange)
        await far.hang_up()
        await self.bits(stream, IDLE >> 2)
        channel.set_cas(IDLE)
        await asyncio.sleep(0.2)
        stream.close()
