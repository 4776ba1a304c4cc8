"""Room: what answered a call that we made, on a live channel.  Decides nothing itself: that is
`cti_board.dsp.answer`; must not know how calls are placed.
"""

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING

from cti_board import events as ev
from cti_board.dsp.answer import Answer, AnswerLimits, AnswerListener

if TYPE_CHECKING:
    from cti_board.channel import Channel
    from cti_board.pump import EventStream

TICK_S = 0.1  # what the listener asks: ten times a second
TICK_SAMPLES = 800
HEARD = (
    ev.TalkBegin,
    ev.TalkEnd,
    ev.ToneOn,
    ev.ToneOff,
    ev.FaxToneOn,
    ev.FaxToneOff,
    ev.BeepOn,
    ev.BeepOff,
    ev.ToneDone,
)


class AnswerWatch:
    """Listens to the far end of a channel from entering the block to leaving it.

    ::

        async with AnswerWatch(line, dialling=True) as watch:
            call = await trunks.call(number, channel=line)
            answer = await watch.answer()
            if answer.kind == "machine" and await watch.beep():
                await line.play(message)

    With ``dialling`` it is entered before the number is dialled and listens from the last digit
    on: ringback, busy and information tones count too.  Without, it is entered when the call is
    answered, and listens at once.
    """

    def __init__(
        self, channel: "Channel", limits: AnswerLimits | None = None, *, dialling: bool = False
    ) -> None:
        self._channel, self._limits = channel, limits
        self._dialling = dialling
        self._at = 0  # the listener knows the time up to here
        self._events: EventStream | None = None
        self._listener: AnswerListener | None = None

    async def __aenter__(self) -> "AnswerWatch":
        channel = self._channel
        events = channel.events(*HEARD)
        try:
            channel.arm(talk=True, tones=True, fax=True, beep=True)
        except BaseException:
            events.close()
            raise
        self._events = events
        self._listener = self._fresh(channel.now_samples)
        return self

    def _fresh(self, at: int) -> AnswerListener:
        self._at = at
        return AnswerListener(self._channel.board.tone_plan, self._limits, at=at)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._events is not None
        self._events.close()
        self._listener = None
        if self._channel.board.number >= 0:
            self._channel.arm(talk=False, tones=False, fax=False, beep=False)

    async def answer(self, timeout_s: float = 60.0) -> Answer:
        """What answered; after ``timeout_s`` seconds the best guess so far."""
        try:
            async with asyncio.timeout(timeout_s):
                while (found := self._heard().answer) is None:
                    await self._listen()
                return found
        except TimeoutError:
            return self._heard().finish(self._channel.now_samples)

    async def beep(self, timeout_s: float = 30.0) -> bool:
        """Wait for the end of a machine's beep: now a message may begin.  False: none came, or
        it was no machine."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    found = self._heard().answer
                    if found is not None and found.kind != "machine":
                        return False
                    if found is not None and found.beep_at is not None:
                        return True
                    await self._listen()
        except TimeoutError:
            return False

    def _heard(self) -> AnswerListener:
        if self._listener is None:
            raise RuntimeError("nothing is heard outside the block: async with AnswerWatch(...)")
        return self._listener

    async def _listen(self) -> None:
        """One event, or a tenth of a second."""
        assert self._events is not None
        assert self._listener is not None
        try:
            async with asyncio.timeout(TICK_S):
                event = await self._events.get()
        except TimeoutError:
            if not self._dialling:
                self._until(self._channel.now_samples)
            return
        if self._dialling and isinstance(event, ev.ToneDone):  # the digits are out
            self._dialling = False
            self._listener = self._fresh(event.at)
        elif not self._dialling:
            self._until(event.at)  # events that had to wait come after the time before them
            self._listener.on_event(event)

    def _until(self, at: int) -> None:
        assert self._listener is not None
        for moment in range(self._at + TICK_SAMPLES, at + 1, TICK_SAMPLES):
            self._at = moment
            self._listener.on_time(moment)
