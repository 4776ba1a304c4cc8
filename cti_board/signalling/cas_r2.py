"""Room: what runs the table of CAS line signalling (cas_r2_table.py) on an E1 timeslot.
Must not know what a `Call` is, nor which board the channel belongs to.

Address digits go as DTMF after the seizure is acknowledged, or, with ``registers="mfc"``, through
the compelled registers of mfc_r2.py: then a call is offered with the caller's number and category,
and the answer to the far end's register waits for `accept`, `answer` or `reject`.  Bits are the
variant's data.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from cti_board import events as ev
from cti_board.errors import NotSupportedError, ProtocolError
from cti_board.signalling.cas_r2_table import CAS, CasAction, CasEvent, CasState
from cti_board.signalling.cas_r2_variants import CasVariant, variant
from cti_board.signalling.cause import Cause
from cti_board.signalling.mfc_r2 import Address, Outcome
from cti_board.signalling.mfc_r2_port import Registers
from cti_board.signalling.port import LinePort
from cti_board.signalling.r2_variants import r2_variant
from cti_board.signalling.runner import Line, LineOptions, Reports, whole_number

TONES = {
    "ringback": CasEvent.RINGBACK, "busy": CasEvent.BUSY, "congestion": CasEvent.CONGESTION,
    "vacant": CasEvent.VACANT, "sit": CasEvent.VACANT,
}  # fmt: skip
REFUSALS: dict[int, CasEvent] = {
    Cause.USER_BUSY: CasEvent.BUSY, Cause.UNALLOCATED_NUMBER: CasEvent.VACANT,
}  # fmt: skip
MFC_LIMITS = {  # chosen: registers have limits of their own, these are behind them
    "ADDRESS": 120_000, "SEIZED": 120_000, "COLLECTING": 120_000,
}  # fmt: skip


class CasLine(Line[CasState, CasEvent, CasAction]):
    """A timeslot that either end may seize."""

    board_lost, board_back = CasEvent.BOARD_LOST, CasEvent.BOARD_BACK
    dialled = CasEvent.DIALLED

    def __init__(self, port: LinePort, options: LineOptions, reports: Reports) -> None:
        mfc = options.registers == "mfc"
        if mfc:
            options = replace(options, limits={**MFC_LIMITS, **options.limits})
        super().__init__(port, CAS, options, reports)
        self._registers: Registers | None = None
        if mfc:
            r2 = r2_variant(options.r2_variant)
            self._registers = Registers(port, r2, self._told, self._fault, options.limits)
        self._later: list[Callable[[], None]] = []  # once the registers are done
        self._cause = 0  # what the registers know of the end
        self.category, self._withheld = "", False
        self.variant: CasVariant = variant(options.variant)
        self._meanings = self._bits_table(self.variant)
        self._rx = CasEvent.BITS_IDLE
        self._tx = -1
        self._digit = ""
        self._alarms = ev.Alarm(0)
        self._closed = False

    @staticmethod
    def _bits_table(v: CasVariant) -> dict[int, CasEvent]:
        return {
            v.blocked & v.mask: CasEvent.BITS_BACK, v.acknowledged & v.mask: CasEvent.BITS_BACK,
            v.answered & v.mask: CasEvent.BITS_ANSWERED, v.seized & v.mask: CasEvent.BITS_SEIZED,
            v.idle & v.mask: CasEvent.BITS_IDLE,
        }  # fmt: skip

    def seize(self, number: str, *, ani: str = "") -> int:
        """As `Line.seize`.  ValueError: registers send digits only."""
        if self._registers is not None and not (number.isdecimal() and (ani + "0").isdecimal()):
            raise ValueError(f"R2 registers send digits, not {number!r} and {ani!r}")
        return super().seize(number, ani=ani)

    async def close(self) -> None:
        await super().close()
        try:
            self._stop_registers()
        except Exception as error:  # a board that is gone has no detectors
            self._fault(error)

    def block(self) -> None:
        """The far end may not seize this timeslot, nor do we; stays so through alarms."""
        self.command("block")
        self._closed = True

    def unblock(self) -> None:
        self.command("unblock")
        self._closed = False

    def listens(self) -> tuple[type[ev.Event], ...]:
        return (
            *super().listens(), ev.CasChange, ev.AlarmRaised, ev.AlarmCleared, ev.DtmfBegin,
            ev.ToneOn, *((ev.MfBegin, ev.MfEnd) if self._registers else ()),
        )  # fmt: skip

    def meaning(self, event: ev.Event) -> CasEvent | None:
        match event:
            case ev.CasChange():
                known = self._meanings.get(event.bits & self.variant.mask)
                self._rx = known or self._rx
                return known
            case ev.AlarmRaised():
                return self._alarm(self._alarms | event.alarm)
            case ev.AlarmCleared():
                return self._alarm(self._alarms & ~event.alarm)
            case ev.DtmfBegin() if "dtmf" in self._heard:
                self._digit = event.digit
                return CasEvent.DIGIT
            case ev.ToneOn():
                return TONES.get(event.tone)
            case ev.MfBegin() | ev.MfEnd():
                return self._signal(event)
            case _:
                return None

    def _alarm(self, now: ev.Alarm) -> CasEvent | None:
        before, self._alarms = self._alarms, now
        if bool(before) == bool(now):
            return None
        return CasEvent.ALARM if now else CasEvent.ALARM_OFF

    # ---- registers ----------------------------------------------------------------------

    def _signal(self, event: ev.MfBegin | ev.MfEnd) -> CasEvent | None:
        if self._registers is None:
            return None
        if isinstance(event, ev.MfEnd):
            self._registers.ended(event.at)
            return None
        self._registers.heard(event.signal, event.at)
        return CasEvent.DIGIT if self.machine.state is CasState.SEIZED else None

    def _told(self, news: Address | Outcome) -> None:
        if isinstance(news, Address):
            self.number, self.ani, self.category = news.dnis, news.ani, news.category
            self._withheld = news.withheld
            self.machine.feed(CasEvent.COMPLETE, news.at)
        elif self.machine.state is CasState.ADDRESS:
            self._outgoing_done(news)
        else:
            self._incoming_done(news)

    def _outgoing_done(self, news: Outcome) -> None:
        self._cause = news.cause
        if news.reason:
            self._register_error(news)
            return
        self.machine.feed(CasEvent.DIALLED, news.at)
        if news.ringing:
            self.machine.feed(CasEvent.RINGBACK, news.at)
        elif not news.free:
            self.machine.feed(REFUSALS.get(news.cause, CasEvent.CONGESTION), news.at)

    def _incoming_done(self, news: Outcome) -> None:
        later, self._later = self._later, []
        if news.reason:
            self._register_error(news)
            return
        self.machine.at = max(self.machine.at, news.at)  # what waited happens now
        for action in later:
            action()

    def _register_error(self, news: Outcome) -> None:
        self.machine.error_count += 1
        self.machine.errors.append(ProtocolError("R2 registers", news.reason, "a compelled cycle"))
        if self.machine.state is CasState.RELEASING:  # a refusal that did not get through
            self._send(self.variant.idle)
        else:
            self.machine.feed(CasEvent.FAULT, news.at)

    def _after_registers(self, action: Callable[[], None]) -> None:
        """Now; or, where the far end's register waits, once it knows that the line is free."""
        if self._registers is None or not self._registers.incoming.at_work:
            action()
            return
        self._later.append(action)
        if self._registers.incoming.deciding:
            self._registers.incoming.accept(self.machine.at)

    def _stop_registers(self) -> None:
        self._later.clear()
        if self._registers is not None:
            self._registers.stop(self.machine.at)

    # ---- actions ------------------------------------------------------------------------

    def rest(self) -> None:
        self._send(self.variant.idle)
        try:
            now = self.port.alarms
        except NotSupportedError:  # a card that cannot be asked tells of changes only
            return
        if self._alarm(now) is CasEvent.ALARM:
            self.machine.feed(CasEvent.ALARM, self.port.now_samples)

    def send_bits(self, what: str, meaning: str = "") -> None:
        """``what`` is a field of the variant; ``meaning`` tells apart those that share bits."""
        if what in ("idle", "blocked") or meaning:
            self._stop_registers()
        bits = getattr(self.variant, what)
        if what == "answered":
            self._after_registers(partial(self._send, bits))
        else:
            self._send(bits)

    def _send(self, bits: int) -> None:
        if bits != self._tx:
            self._tx = bits
            self.port.set_cas(bits)

    def resync(self) -> None:
        self._tx = -1  # the board may have forgotten it
        super().resync()

    def send_refusal(self) -> None:
        if self._registers is not None and self._registers.incoming.deciding:
            self._registers.incoming.refuse(self.machine.at, self.refusal)
            return
        self._stop_registers()
        if self.variant.refuse == "release":
            self._send(self.variant.idle)
        else:
            self.send_tone("busy")

    def look_again(self) -> None:
        """What the far end sends now, as if it had just changed; and what we owe it."""
        if self.machine.state is CasState.IDLE and self._alarms:
            self.post(CasEvent.ALARM)
        elif self.machine.state is CasState.IDLE and self._closed:
            self.post(CasEvent.BLOCK)
        else:
            self.post(self._rx)

    def clear_digits(self) -> None:
        self.number = self.ani = self.category = ""
        self._withheld = False

    def send_digits(self) -> None:
        if self._registers is None:
            super().send_digits()
            return
        self._registers.outgoing.call(
            self.number, self.machine.at, ani=self.ani, category=self.options.category
        )

    def keep_digit(self) -> None:
        if self._registers is not None:
            return
        self.number += self._digit
        if whole_number(self.number, self.options.dnis_digits):
            self.number = self.number.removesuffix("#")
            self.post(CasEvent.COMPLETE)

    def hear_digits(self) -> None:
        if self._registers is None:
            self.hear("dtmf")
            return
        options = self.options
        self._registers.incoming.receive(
            self.machine.at, dnis_digits=options.dnis_digits, ask_ani=options.ask_ani,
            ani_digits=options.ani_digits,
        )  # fmt: skip

    def hear_nothing(self) -> None:
        super().hear_nothing()
        if self.machine.state in (CasState.CONNECTED_OUT, CasState.LOST):
            self._stop_registers()

    def send_tone(self, tone: str) -> None:
        self._after_registers(partial(super().send_tone, tone))

    def stop_tone(self) -> None:
        self._later.clear()
        super().stop_tone()

    # ---- telling ------------------------------------------------------------------------

    def tell_offered(self) -> None:
        self.begin_call()
        source = "R2" if self.ani or self._withheld else ""
        self.tell(ev.CallOffered(
            self.machine.at, self.ani, self.number, self.category, ani_source=source,
            ani_absence="P" if self._withheld else "",
        ))  # fmt: skip

    def tell_answered(self, method: str) -> None:
        self._after_registers(partial(super().tell_answered, method))

    def tell_cleared(self, cause: int) -> None:
        super().tell_cleared(self._cause or cause)
        self._cause = 0

    def hear_tones(self) -> None:
        self.hear("tones")
