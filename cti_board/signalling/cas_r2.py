"""Room: what runs the table of CAS line signalling (cas_r2_table.py) on an E1 timeslot.
Must not know what a `Call` is, nor which board the channel belongs to.

Address digits go as DTMF after the seizure is acknowledged.  Bits are the variant's data.
"""

from cti_board import events as ev
from cti_board.errors import NotSupportedError
from cti_board.signalling.cas_r2_table import CAS, CasAction, CasEvent, CasState
from cti_board.signalling.cas_r2_variants import CasVariant, variant
from cti_board.signalling.port import LinePort
from cti_board.signalling.runner import Line, LineOptions, Reports, whole_number

TONES = {
    "ringback": CasEvent.RINGBACK, "busy": CasEvent.BUSY, "congestion": CasEvent.CONGESTION,
    "vacant": CasEvent.VACANT, "sit": CasEvent.VACANT,
}  # fmt: skip


class CasLine(Line[CasState, CasEvent, CasAction]):
    """A timeslot that either end may seize."""

    board_lost, board_back = CasEvent.BOARD_LOST, CasEvent.BOARD_BACK
    dialled = CasEvent.DIALLED

    def __init__(self, port: LinePort, options: LineOptions, reports: Reports) -> None:
        super().__init__(port, CAS, options, reports)
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
            ev.ToneOn,
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
            case _:
                return None

    def _alarm(self, now: ev.Alarm) -> CasEvent | None:
        before, self._alarms = self._alarms, now
        if bool(before) == bool(now):
            return None
        return CasEvent.ALARM if now else CasEvent.ALARM_OFF

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
        self._send(getattr(self.variant, what))

    def _send(self, bits: int) -> None:
        if bits != self._tx:
            self._tx = bits
            self.port.set_cas(bits)

    def resync(self) -> None:
        self._tx = -1  # the board may have forgotten it
        super().resync()

    def send_refusal(self) -> None:
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
        self.number = self.ani = ""

    def keep_digit(self) -> None:
        self.number += self._digit
        if whole_number(self.number, self.options.dnis_digits):
            self.number = self.number.removesuffix("#")
            self.post(CasEvent.COMPLETE)

    def hear_digits(self) -> None:
        self.hear("dtmf")

    def hear_tones(self) -> None:
        self.hear("tones")
