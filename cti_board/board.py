"""Room: one opened device and its spans.  Must not know calls or signalling.

``open_board("sim:fxo=8,fxs=10,e1=1")``: a scheme that names a backend, and the backend's own
specification after the colon.
"""

from types import TracebackType

from cti_board import backends
from cti_board import events as ev
from cti_board._native._media import ffi, lib
from cti_board.capability import Capabilities
from cti_board.channel import Channel, tone_struct
from cti_board.dsp.progress import check_tones
from cti_board.errors import BoardError, NotSupportedError
from cti_board.loop import EngineLoop, running
from cti_board.pump import EventStream
from cti_board.street import Street
from cti_board.tones import IDS, TonePlan, plan


class Span:
    """An E1 or a bank of analog ports; owns nothing, names its channels and alarms."""

    def __init__(self, board: "Board", number: int) -> None:
        info = board.loop.engine.span_info(board.number, number)
        self.board, self.number = board, number
        self.kind = "e1" if info.kind == lib.CTB_SPAN_E1 else "analog"
        self.crc4 = bool(info.crc4)
        self.name = bytes(ffi.string(info.name)).decode() or str(number)
        self._range = range(info.first_channel, info.first_channel + info.channels)

    @property
    def channels(self) -> list[Channel]:
        return [self.board.channels[i] for i in self._range]

    @property
    def alarms(self) -> ev.Alarm:
        """Alarms now, as the card says.  NotSupportedError: it does not tell."""
        if Capabilities.ALARMS not in self.board.capabilities:
            raise NotSupportedError(f"{self.board.url}: the board does not declare ALARMS")
        return self.board.loop.engine.alarms(self.board.place, self.number)


class Board:
    """An async context manager: opens the device, closes it with all its media."""

    def __init__(self, url: str, *, country: str = "cn") -> None:
        self.url = url
        self.tone_plan: TonePlan = plan(country)
        self.channels: list[Channel] = []
        self.spans: list[Span] = []
        self.street: Street | None = None
        self.number = -1
        self.loop: EngineLoop

    async def __aenter__(self) -> "Board":
        self.loop = running()
        library, spec = backends.find(self.url)
        self.number = self.loop.engine.open_board(library, spec)
        try:
            self._describe()
        except BaseException:
            self.close()
            raise
        return self

    def _describe(self) -> None:
        engine = self.loop.engine
        info = engine.board_info(self.number)
        self.model = bytes(ffi.string(info.model)).decode()
        self.serial = bytes(ffi.string(info.serial)).decode()
        self.firmware = bytes(ffi.string(info.firmware)).decode()
        self.capabilities = Capabilities(info.capabilities)
        self.latency_rx_samples = int(info.latency_rx)
        self.latency_tx_samples = int(info.latency_tx)
        self.time_uncertainty_samples = int(info.time_uncertainty)
        self.driver = engine.driver_name(self.number)
        self.channels = [Channel(self, i) for i in range(info.channels)]
        self.spans = [Span(self, i) for i in range(info.spans)]
        for span in self.spans:
            self.loop.pump.describe_span(
                self.number, span.number, [c.number for c in span.channels]
            )
        self.set_tone_plan(self.tone_plan)
        if Capabilities.STREET in self.capabilities:
            self.street = Street(self)

    @property
    def place(self) -> int:
        """Its number in the engine while it is open; BoardError when it is not."""
        if self.number < 0:
            raise BoardError(f"{self.url} is not open")
        return self.number

    def set_tone_plan(self, tone_plan: TonePlan) -> None:
        """What the detectors look for and `Channel.send_tone` sends.

        ValueError: a tone whose name means nothing to the detectors (see `tones.IDS`), or more
        frequencies than they can tell apart.
        """
        strange = [t.name for t in tone_plan.tones if t.name not in IDS]
        if strange:
            raise ValueError(
                f"no detector can report a tone named {', '.join(map(repr, strange))}; "
                f"the names of a plan's tones are {', '.join(IDS)}"
            )
        check_tones(tone_plan.tones)
        array = ffi.new("ctb_tone_t[]", len(tone_plan.tones))
        for i, tone in enumerate(tone_plan.tones):
            array[i] = tone_struct(tone, IDS[tone.name])[0]  # type: ignore[index]
        self.loop.engine.name_tones(self.place, {n: name for name, n in IDS.items()})
        self.loop.engine.post(
            self.place, 0, lib.CTB_EOP_TONE_PLAN, data=array, size=ffi.sizeof(array)
        )
        self.tone_plan = tone_plan

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the device.  Idempotent.

        Media that still run end with reason CLOSED; whoever waits for an event or for something
        else of this board, or commands it from now on, gets BoardError.
        """
        if self.number < 0:
            return
        number, self.number = self.number, -1
        try:
            self.loop.engine.close_board(number)
        finally:
            self.loop.pump.dispatch(self.loop.engine.poll())
            self.loop.pump.close_board(number, BoardError(f"{self.url} is not open"))

    def events(self, *kinds: type[ev.Event]) -> EventStream:
        """A stream of all events of this board's lines, spans and media."""
        return self.loop.pump.subscribe(("board", self.place, 0), kinds=kinds)


def open_board(url: str, *, country: str = "cn") -> Board:
    """``async with open_board("sim:fxo=8,fxs=10") as board``.

    ``country`` chooses the tone plan.  On entering: BoardNotFoundError (no such scheme, library
    or device), DriverError (the driver refuses, or speaks another ABI version).
    """
    return Board(url, country=country)
