"""Room: the rig of a board with a street (``board.street``): the simulated card, alone or behind
another driver.  Must not look into the simulator: it uses what the street offers to everyone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from cti_board._native._media import lib
from cti_board.board import Board, open_board
from cti_board.channel import Channel
from cti_board.errors import CtiTimeoutError, NotSupportedError
from cti_board.events import Alarm, StreetReport
from cti_board.signalling.port import LineType
from cti_board.street import (
    CLEAR_BREAK,
    CLEAR_BUSY,
    CLEAR_REVERSAL,
    Ear,
    FarEndReport,
    Mouth,
    Street,
    Telephone,
)

DIAL_AFTER_S = 0.5  # chosen: the exchange gives dial tone by then, or never will
FXO_NUMBER, E1_NUMBER = "66{:06}", "7700{:04}"  # the exchange's numbering, firmware_sim/README.md


class SimFarEnd:
    """A telephone of the street.  See `cti_board.testing.rig.FarEnd`."""

    def __init__(self, phone: Telephone, channel: Channel, number: str, calls: str) -> None:
        self._phone, self._channel, self._calls = phone, channel, calls
        self._number = number
        self._reports = phone.events()

    @property
    def number(self) -> str:
        return self._number

    @property
    def dnis(self) -> str:
        return self._calls[-4:] if self._channel.line_type is LineType.E1_CAS else ""

    async def ring(self) -> None:
        if not self._calls:
            raise NotSupportedError(f"the telephone on {self._channel.name} has nobody to call")
        self._phone.off_hook()
        await asyncio.sleep(DIAL_AFTER_S)
        await self._phone.keys(self._calls)

    async def answer(self) -> None:
        self._phone.off_hook()

    async def hang_up(self) -> None:
        self._phone.on_hook()

    async def flash(self, length_ms: int) -> None:
        self._phone.flash(length_ms)

    async def send_digits(self, digits: str, *, on_ms: int = 70, off_ms: int = 70,
                          pulse: bool = False, level_dbm0: float = -8.0,
                          twist_db: float = 2.0) -> None:  # fmt: skip
        await self._phone.keys(digits, on_ms=on_ms, off_ms=off_ms, pulse=pulse,
                               level_dbm0=level_dbm0, twist_db=twist_db)  # fmt: skip

    def play(self, sound: bytes, *, times: int = 1) -> Mouth:
        return self._phone.play(sound, times=times)

    def hear(self, seconds: float) -> Ear:
        return self._phone.hear(seconds)

    def set_alarm(self, alarm: Alarm) -> None:
        self._phone.street.set_alarm(self._channel.span_number, alarm)

    async def _report(self, timeout_s: float, *whats: FarEndReport) -> StreetReport:
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    event = await self._reports.get()
                    if isinstance(event, StreetReport) and event.what in whats:
                        return event
        except TimeoutError:
            names = " or ".join(w.name for w in whats)
            raise CtiTimeoutError(
                f"the far end of {self._channel.name} had no {names} in {timeout_s} s"
            ) from None

    async def wait_ring(self, timeout_s: float = 30.0) -> int:
        return (await self._report(timeout_s, FarEndReport.RING_BEGIN)).at

    async def wait_ring_end(self, timeout_s: float = 30.0) -> int:
        return (await self._report(timeout_s, FarEndReport.RING_END)).at

    async def wait_caller_id(self, timeout_s: float = 30.0) -> str:
        return (await self._report(timeout_s, FarEndReport.CALLER_ID)).text

    async def wait_answered(self, timeout_s: float = 30.0) -> int:
        return (await self._report(timeout_s, FarEndReport.ANSWERED)).at

    async def wait_cleared(self, timeout_s: float = 30.0) -> int:
        return (await self._report(timeout_s, FarEndReport.CLEARED)).at


class SimFaults:
    """The street's faults.  See `cti_board.testing.rig.Faults`."""

    def __init__(self, rig: "SimRig", street: Street) -> None:
        self._rig, self._street = rig, street

    def cut_line(self, channel: Channel, cut: bool) -> None:
        self._street.cut_line(channel.number, cut)

    def stop_clock(self, frames: int) -> None:
        self._street.stop_clock(frames)

    def stick_key(self, channel: Channel, digit: str, on: bool) -> None:
        self._rig.telephone(channel).stick_key(digit, on)

    def miss_rings(self, channel: Channel, bursts: int) -> None:
        self._street.miss_rings(channel.number, bursts)

    def no_dial_tone(self, channel: Channel, on: bool) -> None:
        self._street.no_dial_tone(channel.number, on)

    def congest(self, on: bool) -> None:
        self._street.congest(on)

    def no_seize_ack(self, channel: Channel, on: bool) -> None:
        self._street.no_seize_ack(channel.span_number, on)

    def clear_by(self, channel: Channel, *, busy: bool = False, reversal: bool = False,
                 loop_break: bool = False) -> None:  # fmt: skip
        how = busy * CLEAR_BUSY | reversal * CLEAR_REVERSAL | loop_break * CLEAR_BREAK
        self._street.option(lib.CTB_SO_CLEAR, how, channel.number)

    def answer_reversal(self, channel: Channel, on: bool) -> None:
        self._street.option(lib.CTB_SO_ANSWER_REVERSAL, int(on), channel.number)


class SimRig:
    """A rig from a board URL whose card has a street.

    E1 calls hunt for the first free timeslot: use an E1 span's channels in order.
    """

    path_samples = 0  # the street's wires have no length

    def __init__(self, url: str = "sim:fxo=2,fxs=3,e1=1,phones=8", *, name: str = "",
                 required: frozenset[str] = frozenset(), country: str = "cn") -> None:  # fmt: skip
        self.url, self.name, self.required, self.country = url, name or url, required, country
        self._ends: dict[int, SimFarEnd] = {}
        self._phones: dict[int, Telephone] = {}

    def board(self) -> AbstractAsyncContextManager[Board]:
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Board]:
        self._ends, self._phones = {}, {}
        async with open_board(self.url, country=self.country) as board:
            if board.street is None:
                raise NotSupportedError(f"{self.url} has no street: it needs a rig of its own")
            yield board

    def telephone(self, channel: Channel) -> Telephone:
        """The telephone that `far_end` moves."""
        street = channel.board.street
        if street is None:
            raise NotSupportedError(f"{self.url} has no street")
        if channel.number not in self._phones:
            taken = sum(1 for phone in self._phones.values() if phone in street.subscribers)
            self._phones[channel.number] = (
                street.telephones[channel.timeslot]
                if channel.line_type is LineType.FXS
                else street.subscribers[taken]
            )
        return self._phones[channel.number]

    def far_end(self, channel: Channel) -> SimFarEnd:
        if channel.number not in self._ends:
            phone, calls, place = self.telephone(channel), "", channel.timeslot
            if channel.line_type is LineType.FXO:
                calls = FXO_NUMBER.format(place)
            elif channel.line_type is LineType.E1_CAS:
                calls = E1_NUMBER.format(place)
            self._ends[channel.number] = SimFarEnd(phone, channel, phone.number, calls)
        return self._ends[channel.number]

    def faults(self, board: Board) -> SimFaults:
        if board.street is None:
            raise NotSupportedError(f"{self.url} has no street")
        return SimFaults(self, board.street)
