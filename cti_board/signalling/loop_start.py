"""Room: what runs the tables of analog lines on a channel (fxo_table.py, fxs_table.py).
Must not know what a `Call` is, nor which board the channel belongs to.

What an FXO line believes:
- answered, surely: a polarity reversal.  Otherwise, and the answer says so: the end of ringback
  without busy tone within 3 s, or 7 s of sound that is no tone of the plan.
- the far end left: busy, congestion, vacant-number or dial tone (their cadence heard as often as
  the tone plan asks), a polarity reversal, a loop break, the loss of feed.
Limits: where the exchange gives none of these, only the conversation's time limit ends it.
"""

from dataclasses import dataclass, replace

from cti_board import events as ev
from cti_board.capability import Capabilities
from cti_board.dsp.caller_id import LONGEST_NUMBER, fsk_sound
from cti_board.signalling.fxo_table import FXO, FxoAction, FxoEvent, FxoState
from cti_board.signalling.fxs_table import FXS, FxsAction, FxsEvent, FxsState
from cti_board.signalling.port import LinePort, Playing
from cti_board.signalling.runner import RATE, Line, LineOptions, Reports, whole_number

TONES = {
    "dial": FxoEvent.DIAL_TONE, "ringback": FxoEvent.RINGBACK, "busy": FxoEvent.BUSY,
    "congestion": FxoEvent.CONGESTION, "vacant": FxoEvent.VACANT, "sit": FxoEvent.VACANT,
    "howler": FxoEvent.BUSY,
}  # fmt: skip
# caller identity by DTMF before ring 1: China sends D number C, others A number #
# (ETSI EN 300 659-1 annex B: any of four may begin it); some send no end code
DTMF_ID_START, DTMF_ID_END = "DABC", "C#"
DTMF_ID_GAP = RATE * 2 // 5  # begin to begin: a digit of 100 ms and a pause of 0.25 s, with room
DTMF_ID_MS, PAUSE = 60, ","  # YD/T 1277.1: 50 to 70 ms; a pause of 0.5 s before ring 1
FSK_AFTER_MS, FSK_BEFORE_MS = 500, 250  # Telcordia GR-30: after ring 1, before ring 2
HALF_MS = 4  # samples: lengths are in whole ms
NEVER = -RATE * 3600
ID_FRESH_SAMPLES = 10 * RATE  # chosen: an older number belongs to a call that never rang
SAME_RING_SAMPLES = RATE  # chosen: bursts of one ring (0.2 s apart, United Kingdom) against 2 s
REFUSAL_TONES = {1: "vacant", 28: "vacant", 34: "congestion", 41: "congestion"}  # by Q.850 cause


@dataclass(frozen=True, slots=True)
class Who:
    """Who calls, as far as the line told."""

    number: str = ""
    source: str = ""  # FSK, DTMF
    name: str = ""
    absence: str = ""


NOBODY = Who()


def _who(event: ev.CallerId) -> Who:
    """A message whose checksum is wrong says nothing."""
    if not event.valid:
        return NOBODY
    return Who(event.number, event.method.upper(), event.name, event.absence)


class FxoLine(Line[FxoState, FxoEvent, FxoAction]):
    """A line of an exchange."""

    board_lost, board_back = FxoEvent.BOARD_LOST, FxoEvent.BOARD_BACK
    dialled = FxoEvent.DIALLED

    def __init__(self, port: LinePort, options: LineOptions, reports: Reports) -> None:
        super().__init__(port, FXO, options, reports)
        self._rings = 0
        self._rang_until, self._same_ring = -RATE * 60, False
        self._id, self._id_at, self._id_over = NOBODY, NEVER, False
        self._spelling: str | None = None  # a number coming in DTMF
        self._spelled_at = NEVER
        self._reversed = self._idle_reversed = False

    def listens(self) -> tuple[type[ev.Event], ...]:
        digits = (ev.DtmfBegin,) if self.options.caller_id == "dtmf" else ()
        return (
            *super().listens(), *digits, ev.RingBegin, ev.RingEnd, ev.RingStopped, ev.CallerId,
            ev.ToneOn, ev.ToneOff, ev.TalkBegin, ev.PolarityReversal, ev.LoopBreak,
            ev.BatteryChange,
        )  # fmt: skip

    def meaning(self, event: ev.Event) -> FxoEvent | None:
        match event:
            case ev.RingBegin():
                self._same_ring = event.at - self._rang_until < SAME_RING_SAMPLES
                return FxoEvent.RING
            case ev.RingEnd():
                return self._ring_end(event)
            case ev.RingStopped():
                return FxoEvent.RING_STOPPED
            case ev.CallerId():
                return self._caller_id(_who(event), event.at)
            case ev.DtmfBegin():
                return self._spelled(event)
            case ev.LoopBreak():
                return FxoEvent.LOOP_BREAK
            case ev.BatteryChange():
                return FxoEvent.FEED_BACK if event.present else FxoEvent.FEED_LOST
            case ev.PolarityReversal():
                return self._polarity(event.reversed)
            case _:
                return self._sound(event)

    def _ring_end(self, event: ev.RingEnd) -> FxoEvent:
        """Ringing that began before we took the loop, and ended thereby, was a call to us."""
        self._rang_until = event.at
        began = event.at - event.length_ms * RATE // 1000
        before = began <= self.machine.since + HALF_MS
        seizing = self.machine.state is FxoState.SEIZING
        return FxoEvent.RING_TRIPPED if seizing and before else FxoEvent.RING_OFF

    def _sound(self, event: ev.Event) -> FxoEvent | None:
        guesses = not self.options.answer_reversal
        match event:
            case ev.ToneOn():
                return TONES.get(event.tone)
            case ev.ToneOff(tone="ringback"):
                return FxoEvent.RINGBACK_GONE if guesses else None
            case ev.TalkBegin():
                return FxoEvent.TALK if guesses else None
            case _:
                return None

    def _polarity(self, reversed_: bool) -> FxoEvent | None:
        if reversed_ == self._reversed:
            return None  # told once more
        self._reversed = reversed_
        if self.options.caller_id == "none" and self.machine.state is FxoState.IDLE:
            return None  # nothing is to come before the first ring
        back = reversed_ == self._idle_reversed
        return FxoEvent.REVERSED_BACK if back else FxoEvent.REVERSED

    def _caller_id(self, who: Who, at: int) -> FxoEvent:
        self._id, self._id_at, self._id_over = who, at, True
        return FxoEvent.CALLER_ID

    def _spelled(self, event: ev.DtmfBegin) -> FxoEvent | None:
        """A digit on an idle line, where the number comes in DTMF."""
        began = event.at - event.age_samples
        if began - self._spelled_at > DTMF_ID_GAP:
            self._spelling = None
        self._spelled_at = began
        if self._spelling and event.digit in DTMF_ID_END:
            number, self._spelling = self._spelling, None
            return self._caller_id(Who(number, "DTMF"), event.at)
        if event.digit in DTMF_ID_START:
            self._spelling = ""
        elif self._spelling is not None and event.digit.isdigit():
            room = len(self._spelling) < LONGEST_NUMBER
            self._spelling = self._spelling + event.digit if room else None  # no number is longer
        return None

    # ---- actions ------------------------------------------------------------------------

    def rest(self) -> None:
        self.port.set_hook(False)
        self.hear_idle()

    def take_loop(self) -> None:
        self._idle_reversed = self._reversed
        self.port.set_hook(True)

    def leave_loop(self) -> None:
        self.stop_tone()
        self.port.set_hook(False)

    def first_ring(self) -> None:
        at = self.machine.at
        if self._spelling and at - self._spelled_at < ID_FRESH_SAMPLES:  # it had no end code
            self._id, self._id_at = Who(self._spelling, "DTMF"), at
        self._spelling = None
        self._rings, self._id_over = 1, at - self._id_at <= ID_FRESH_SAMPLES
        if not self._id_over:
            self._id = NOBODY

    def count_ring(self) -> None:
        """Double ringing is one ring."""
        self._rings += not self._same_ring

    def id_over(self) -> None:
        self._id_over = True

    def offer_if_due(self) -> None:
        """Enough rings; and the number is there, or it will not come any more."""
        waits = self.options.caller_id == "fsk" and not self._id_over and self._rings < 2
        if self._rings >= self.options.rings and not waits:
            self.post(FxoEvent.OFFER)

    def tell_offered(self) -> None:
        who, self.number = self._id, ""
        self._id, self._id_at = NOBODY, NEVER
        self.ani = who.number
        self.begin_call()
        self.tell(
            ev.CallOffered(
                self.machine.at, self.ani, "", ani_source=who.source, ani_name=who.name,
                ani_absence=who.absence,
            )
        )  # fmt: skip

    def hear_idle(self) -> None:
        self.hear(*(("dtmf",) if self.options.caller_id == "dtmf" else ()))

    def hear_id(self) -> None:
        self.hear(*(() if self.options.caller_id == "none" else (self.options.caller_id,)))

    def hear_progress(self) -> None:
        self.hear("tones")

    def hear_answer(self) -> None:
        self.hear("tones", *(() if self.options.answer_reversal else ("talk",)))

    def hear_call(self) -> None:
        self.hear(*(("tones",) if self.options.clear_by_tone else ()))


class FxsLine(Line[FxsState, FxsEvent, FxsAction]):
    """A telephone that we feed."""

    board_lost, board_back = FxsEvent.BOARD_LOST, FxsEvent.BOARD_BACK
    dialled = FxsEvent.SENT

    def __init__(self, port: LinePort, options: LineOptions, reports: Reports) -> None:
        self._cadence = (options.ring_on_ms or 1000, options.ring_off_ms or 4000)
        in_gap = {FxsState.ID_GAP.name: self._cadence[0] + FSK_AFTER_MS}
        limits = {**in_gap, **options.limits}
        super().__init__(port, FXS, replace(options, limits=limits), reports)
        self._digit = ""
        self._message = b""  # the caller's number by FSK, as A-law
        self._sounding: Playing | None = None

    def listens(self) -> tuple[type[ev.Event], ...]:
        return (
            *super().listens(), ev.OffHook, ev.OnHook, ev.HookFlash, ev.DtmfBegin, ev.PulseDigit,
        )  # fmt: skip

    def meaning(self, event: ev.Event) -> FxsEvent | None:
        match event:
            case ev.OffHook():
                return FxsEvent.OFF_HOOK
            case ev.OnHook():
                return FxsEvent.ON_HOOK
            case ev.HookFlash():
                return FxsEvent.FLASH
            case ev.DtmfBegin() | ev.PulseDigit() if self._heard:
                self._digit = event.digit
                return FxsEvent.DIGIT
            case _:
                return None

    # ---- actions ------------------------------------------------------------------------

    def ring(self) -> None:
        """Ring, and the caller's number with it: by the card, or by us before or after ring 1."""
        how = self.options.caller_id if self.ani else "none"
        if how == "none" or Capabilities.BOARD_CALLER_ID in self.port.capabilities:
            self.port.ring(*self._cadence, ani=self.ani, caller_id=how)
            return
        digits = "".join(d for d in self.ani if d in "0123456789")
        if how == "dtmf" and digits:
            text = f"D{digits[:LONGEST_NUMBER]}C{PAUSE}"
            self._sending = self.port.send_digits(text, on_ms=DTMF_ID_MS, off_ms=DTMF_ID_MS)
            self.post(FxsEvent.SEND_FIRST)
            return
        self.ring_on()
        date = f"{self.port.wall():%m%d%H%M}"
        self._message = fsk_sound(self.ani, self.options.caller_id_standard, date)
        needed_ms = FSK_AFTER_MS + len(self._message) * 1000 // RATE + FSK_BEFORE_MS
        if how == "fsk" and needed_ms <= self._cadence[1]:
            self.post(FxsEvent.SEND_IN_GAP)

    def ring_on(self) -> None:
        self._sending = 0
        self.port.ring(*self._cadence)

    def send_id(self) -> None:
        self._sounding = self.port.play(self._message)

    def ring_stop(self) -> None:
        self.port.ring_stop()
        self.stop_tone()
        if self._sounding is not None:
            self._sounding.stop()
            self._sounding = None

    def begin_dialling(self) -> None:
        self.number = self.ani = ""
        if self.options.dialling:
            self.send_tone("dial")
            self.hear("dtmf")
        else:
            self.post(FxsEvent.NO_DIALLING)

    def keep_digit(self) -> None:
        self.number += self._digit
        if whole_number(self.number, self.options.dnis_digits):
            self.number = self.number.removesuffix("#")
            self.post(FxsEvent.COMPLETE)

    def send_refusal(self) -> None:
        """The tone that goes with the cause; where the country has none, busy."""
        try:
            self.send_tone(REFUSAL_TONES.get(self.refusal, "busy"))
        except KeyError:
            self.send_tone("busy")

    def loop_break(self) -> None:
        if self.options.loop_break_ms:
            self.port.loop_break(self.options.loop_break_ms)
