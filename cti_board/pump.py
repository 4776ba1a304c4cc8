"""Room: from the engine's ring to the streams that tasks wait on.  Must not decide anything.

A stream is a queue of events of one channel (or far end, or board).  A completion is a future
for one cookie.  Events go up only: whoever wants them waits for them.  A board that is closed
ends its streams and completions with BoardError.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from cti_board import events as ev
from cti_board._native._media import lib
from cti_board.errors import BoardError

Key = tuple[str, int, int]  # ("channel" | "board" | "street", board, number)
EVERYWHERE = -1  # board of an event that concerns the engine and so every board

# operations that begin what their cookie names; any other that fails leaves it as it was
BEGIN_OPS = frozenset(
    {
        lib.CTB_EOP_PLAY,
        lib.CTB_EOP_RECORD,
        lib.CTB_EOP_TONE,
        lib.CTB_EOP_DIAL,
        lib.CTB_OP_PULSE_DIAL,
        lib.CTB_OP_STREET,
    }
)
STREET_ENDS = frozenset({lib.CTB_SE_DIAL_DONE, lib.CTB_SE_PLAY_DONE, lib.CTB_SE_HEAR_DONE})


def ends(event: ev.Event) -> int:
    """The cookie of the work that this event ends; 0: of none."""
    match event:
        case ev.PlayDone() | ev.RecordDone() | ev.ToneDone() | ev.DriverFault():
            return event.cookie
        case ev.CommandFailed() if event.op in BEGIN_OPS:
            return event.cookie
        case ev.StreetReport() if event.what in STREET_ENDS:
            return event.cookie
        case _:
            return 0


@dataclass(slots=True)
class _Work:
    """What runs in C under a cookie: who waits for its end, and memory that it uses until then."""

    board: int
    future: "asyncio.Future[Any]"
    keep: object


class RecordingEnd(Protocol):
    """Python's end of a recorder: takes its bytes as they come, hears of its file's trouble.

    Neither may raise.
    """

    def drain(self) -> None: ...

    def trouble(self, error: int) -> None: ...


class EventStream:
    """Events from the moment of subscription, in order; wait with `get` or ``async for``.

    Several tasks may wait at once: each event goes to one of them, first come first served.
    """

    __slots__ = ("_ended", "_events", "_keys", "_kinds", "_pump", "_waiters")

    def __init__(
        self, pump: "Pump", keys: Iterable[Key], kinds: tuple[type[ev.Event], ...]
    ) -> None:
        self._pump = pump
        self._keys = tuple(keys)
        self._kinds = frozenset(kinds)
        self._events: deque[ev.Event] = deque()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._ended: Exception | None = None

    def put(self, event: ev.Event) -> None:
        """The pump's side."""
        if self._kinds and type(event) not in self._kinds:
            return
        self._events.append(event)
        self._wake()

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def get(self) -> ev.Event:
        """The next event.  ValueError: the stream is closed; BoardError: its board is."""
        while not self._events:
            if self._ended is not None:
                raise type(self._ended)(*self._ended.args)
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except BaseException:
                with suppress(ValueError):
                    self._waiters.remove(waiter)
                if self._events and waiter.done() and not waiter.cancelled():
                    self._wake()  # its event is for the next one
                raise
        return self._events.popleft()

    def get_nowait(self) -> ev.Event | None:
        return self._events.popleft() if self._events else None

    def push_back(self, event: ev.Event) -> None:
        """Return an event that was taken too early."""
        self._events.appendleft(event)
        self._wake()

    def clear(self) -> None:
        self._events.clear()

    async def __aiter__(self) -> AsyncIterator[ev.Event]:
        while True:
            yield await self.get()

    def close(self) -> None:
        """No more events come, and whoever waits is told; idempotent."""
        self.end(ValueError("the event stream is closed"))

    def end(self, why: Exception) -> None:
        """As `close`; a `get` that finds no event any more raises ``why``."""
        if self._ended is None:
            self._ended = why
            self._pump.unsubscribe(self, self._keys)
            while self._waiters:
                self._wake()


class Pump:
    """Takes every event to the streams and futures that wait for it."""

    def __init__(self) -> None:
        self._streams: dict[Key, list[EventStream]] = {}
        self._spans: dict[tuple[int, int], tuple[int, ...]] = {}
        self._works: dict[int, _Work] = {}
        self._recordings: dict[int, RecordingEnd] = {}
        self.failed: list[ev.CommandFailed] = []
        self.recent: deque[ev.Event] = deque(maxlen=256)

    def describe_span(self, board: int, span: int, channels: Iterable[int]) -> None:
        """Which channels hear of a span's alarms."""
        self._spans[board, span] = tuple(channels)

    def subscribe(self, *keys: Key, kinds: tuple[type[ev.Event], ...] = ()) -> EventStream:
        stream = EventStream(self, keys, kinds)
        for key in keys:
            self._streams.setdefault(key, []).append(stream)
        return stream

    def unsubscribe(self, stream: EventStream, keys: Iterable[Key]) -> None:
        for key in keys:
            streams = self._streams.get(key, [])
            if stream in streams:
                streams.remove(stream)
            if not streams:
                self._streams.pop(key, None)

    def completion(self, cookie: int, board: int, keep: object = None) -> asyncio.Future[Any]:
        """A future that the event that ends `cookie` ends (see `ends`), or the board's closing.

        ``keep`` stays alive until then, whatever becomes of the future: C works on it.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._works[cookie] = _Work(board, future, keep)
        return future

    def forget(self, cookie: int) -> None:
        """The work of this cookie never began: nobody waits."""
        self._works.pop(cookie, None)
        self._recordings.pop(cookie, None)

    def feed(self, cookie: int, recording: RecordingEnd | None) -> None:
        """Who empties the recorder of this cookie; None ends it."""
        if recording is None:
            self._recordings.pop(cookie, None)
        else:
            self._recordings[cookie] = recording

    def close_board(self, board: int, why: BoardError) -> None:
        """The board is gone: end what waits for it; a later board in its place is another."""
        for key in [k for k in self._streams if k[1] == board]:
            for stream in list(self._streams.get(key, ())):
                stream.end(why)
        for place in [p for p in self._spans if p[0] == board]:
            del self._spans[place]
        for cookie in [c for c, work in self._works.items() if work.board == board]:
            future = self._works.pop(cookie).future
            if not future.done():
                future.set_exception(why)
                future.exception()  # retrieved: nobody need wait

    def dispatch(self, found: Iterable[ev.Event]) -> None:
        for event in found:
            if isinstance(event, ev.RecordData):
                if end := self._recordings.get(event.cookie):
                    end.drain()
                continue
            if isinstance(event, ev.RecordError) and (end := self._recordings.get(event.cookie)):
                end.trouble(event.error)
            if cookie := ends(event):
                self._complete(cookie, event)
            self._deliver(event)

    def _complete(self, cookie: int, event: ev.Event) -> None:
        work = self._works.pop(cookie, None)
        if work is not None and not work.future.done():
            work.future.set_result(event)

    def _deliver(self, event: ev.Event) -> None:
        if isinstance(event, ev.StreetReport):
            keys = [("street", event.board, event.channel), ("street", event.board, -1)]
        else:
            if isinstance(event, ev.CommandFailed):
                self.failed.append(event)
                del self.failed[:-100]
            self.recent.append(event)
            keys = self._concerned(event)
        streams = [stream for key in keys for stream in self._streams.get(key, ())]
        for stream in dict.fromkeys(streams):  # each once, also when it subscribed twice
            stream.put(event)

    def _concerned(self, event: ev.Event) -> list[Key]:
        """Who hears of an event of a line, a span, a board or the engine."""
        if event.board == EVERYWHERE:
            return [key for key in self._streams if key[0] != "street"]
        keys: list[Key] = [("board", event.board, 0)]
        if event.channel >= 0:
            numbers: Iterable[int] = (event.channel,)
        elif isinstance(event, ev.AlarmRaised | ev.AlarmCleared):
            numbers = self._spans.get((event.board, event.span), ())
        else:
            numbers = [k[2] for k in self._streams if k[:2] == ("channel", event.board)]
        return keys + [("channel", event.board, number) for number in numbers]
