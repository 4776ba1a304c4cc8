"""Room: simulated people, a telephone in somebody's hand: what is heard there, and pressing keys.

Only far ends of a board that has a street.  Must not know the centre: a person learns what the
centre does by listening, as on a real line.
"""

import asyncio

from cti_board import TONES, FarEndReport, Mouth, Telephone, events

TONE_NUMBERS = {name: number for number, name in TONES.items()}
# what an exchange or a centre sends to somebody who is left alone on the line
LEFT_TONES = frozenset(
    TONE_NUMBERS[name] for name in ("busy", "congestion", "vacant", "howler", "dial")
)
FRAME_S = 0.02
KEY_ON_MS = 90  # chosen: a person's keys; Q.24 receivers accept from 40 ms
KEY_OFF_MS = 90  # chosen


class FarEndLeft(Exception):
    """Busy tone or the exchange says that the other side is gone."""


class Handset:
    """One far end in use: its reports, in order, and whether somebody speaks to it now."""

    def __init__(self, phone: Telephone) -> None:
        self.phone = phone
        self.speech = False  # somebody speaks now
        self.ringing = False
        self.tone = 0  # what the exchange sends now
        self._connected = False  # the far side cannot leave before there was one
        self._left = False
        self._hears_speech = False
        self._stream = phone.events()
        self._mouth: Mouth | None = None

    def lift(self) -> None:
        """Take the receiver; calls and rings before this are forgotten."""
        self.ringing = self.speech = self._connected = self._left = False
        self.tone = 0
        self.phone.off_hook()

    def put_down(self) -> None:
        """Receiver on its hook, mouth shut."""
        self.quiet()
        self.watch()
        self.phone.on_hook()
        self._connected = self._left = False

    def close(self) -> None:
        """Put it down and listen no more; idempotent."""
        self.put_down()
        self._stream.close()

    # ---- listening ---------------------------------------------------------------

    def watch(self, *, tones: bool = False, speech: bool = False) -> None:
        """What is reported from now on.  An exchange's report that the call is over always is."""
        if speech and not self._hears_speech:
            self.phone.watch()  # a new ear: speech that goes on is told as one that begins
        self.phone.watch(tones=tones, speech=speech)
        self._hears_speech = speech
        if not speech:
            self.speech = False

    def connected(self) -> None:
        """From now on busy tone and a cleared call mean that the far side left."""
        self._connected = True

    async def next(self, timeout_s: float | None = None) -> FarEndReport | None:
        """The next report, None after ``timeout_s``.  FarEndLeft when the far side is gone."""
        if self._left:
            raise FarEndLeft
        try:
            async with asyncio.timeout(timeout_s):
                event = await self._stream.get()
        except TimeoutError:
            return None
        if not isinstance(event, events.StreetReport):
            return None
        return self._note(event)

    def _note(self, event: events.StreetReport) -> FarEndReport:
        what = FarEndReport(event.what)
        if what is FarEndReport.SPEECH_BEGIN:
            self.speech = True
        elif what is FarEndReport.SPEECH_END:
            self.speech = False
        elif what is FarEndReport.TONE:
            self.tone = event.b
        elif what is FarEndReport.RING_BEGIN:
            self.ringing = True
        elif what is FarEndReport.RING_STOPPED:
            self.ringing = False
        gone = what is FarEndReport.CLEARED or (
            what is FarEndReport.TONE and event.b in LEFT_TONES
        )
        if gone and self._connected:
            self._left = True
            raise FarEndLeft
        return what

    async def until(self, what: FarEndReport, timeout_s: float) -> bool:
        """Wait for one kind of report; False after ``timeout_s``."""
        deadline = self._now() + timeout_s
        while left_s := self._left_s(deadline):
            if await self.next(left_s) is what:
                return True
        return False

    async def until_tone(self, name: str, timeout_s: float) -> bool:
        """Wait until a tone of the exchange is heard; False after ``timeout_s``."""
        wanted, deadline = TONE_NUMBERS[name], self._now() + timeout_s
        while self.tone != wanted and (left_s := self._left_s(deadline)):
            await self.next(left_s)
        return self.tone == wanted

    async def until_speech(self, timeout_s: float) -> bool:
        """Wait until somebody speaks (or speaks already); False after ``timeout_s``."""
        return self.speech or await self.until(FarEndReport.SPEECH_BEGIN, timeout_s)

    async def until_silence(self, quiet_s: float, timeout_s: float) -> bool:
        """Wait for ``quiet_s`` without speech; False if there is none within ``timeout_s``."""
        deadline = self._now() + timeout_s
        while left_s := self._left_s(deadline):
            wait_s = left_s if self.speech else min(quiet_s, left_s)
            if await self.next(wait_s) is None and not self.speech and wait_s == quiet_s:
                return True
        return False

    async def stay(self, seconds: float) -> None:
        """Do nothing for a while; FarEndLeft when the far side leaves meanwhile."""
        deadline = self._now() + seconds
        while left_s := self._left_s(deadline):
            await self.next(left_s)

    def _now(self) -> float:
        return self.phone.street.board.loop.time()

    def _left_s(self, deadline: float) -> float:
        """Seconds to the deadline, 0 when the clock (whose step is a frame) has reached it."""
        left_s = deadline - self._now()
        return left_s if left_s > FRAME_S / 2 else 0.0

    # ---- speaking ----------------------------------------------------------------

    def say(self, sound: bytes, *, times: int = 1) -> Mouth:
        """Speak A-law bytes, ``times`` 0 until `quiet`; replaces what is being said."""
        self._mouth = self.phone.play(sound, times=times)
        return self._mouth

    def quiet(self) -> None:
        """Say nothing any more."""
        if self._mouth is not None:
            if not self._mouth.ended.done():
                self._mouth.stop()
            self._mouth = None

    async def press(self, keys: str) -> None:
        """Press keys one after another; returns when the last is let go."""
        await self.phone.keys(keys, on_ms=KEY_ON_MS, off_ms=KEY_OFF_MS)

    async def dial(self, number: str) -> bool:
        """Lift the receiver, wait for dial tone and dial; False if there is no dial tone."""
        self.lift()
        self.watch(tones=True)
        if not await self.until_tone("dial", 10.0):  # chosen: Q.35 exchanges give it in 1 s
            return False
        await self.press(number)
        return True
