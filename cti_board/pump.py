"""Room: from the engine's ring to the streams that tasks wait on.  Must not decide anything.

A stream is a queue of events of one channel (or far end, or board).  A completion is a future
for one cookie.  Events go up only: whoever wants them waits for them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Any, Protocol

from cti_board import events as ev

Key = tuple[str, int, int]  # ("channel" | "board" | "street", board, number)


class ChunkSink(Protocol):
    """Takes the bytes of a stream recorder as they come."""

    def drain(self) -> None: ...


class EventStream:
    """Events from the moment of subscription, in order; wait with `get` or ``async for``."""

    __slots__ = ("_closed", "_events", "_keys", "_kinds", "_pump", "_waiter")

    def __init__(
        self, pump: "Pump", keys: Iterable[Key], kinds: tuple[type[ev.Event], ...]
    ) -> None:
        self._pump = pump
        self._keys = tuple(keys)
        self._kinds = frozenset(kinds)
        self._events: deque[ev.Event] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    def put(self, event: ev.Event) -> None:
        """The pump's side."""
        if self._kinds and type(event) not in self._kinds:
            return
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> ev.Event:
        """The next event."""
        while not self._events:
            if self._closed:
                raise ValueError("the event stream is closed")
            waiter = self._waiter = asyncio.get_running_loop().create_future()
            try:
                await waiter
            finally:
                if self._waiter is waiter:  # a cancelled getter must not silence the next one
                    self._waiter = None
        return self._events.popleft()

    def get_nowait(self) -> ev.Event | None:
        return self._events.popleft() if self._events else None

    def push_back(self, event: ev.Event) -> None:
        """Return an event that was taken too early."""
        self._events.appendleft(event)

    def clear(self) -> None:
        self._events.clear()

    async def __aiter__(self) -> AsyncIterator[ev.Event]:
        while True:
            yield await self.get()

    def close(self) -> None:
        """No more events come; idempotent."""
        if not self._closed:
            self._closed = True
            self._pump.unsubscribe(self, self._keys)


class Pump:
    """Takes every event to the streams and futures that wait for it."""

    def __init__(self) -> None:
        self._streams: dict[Key, list[EventStream]] = {}
        self._spans: dict[tuple[int, int], tuple[int, ...]] = {}
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._sinks: dict[int, ChunkSink] = {}
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
            if stream in self._streams.get(key, ()):
                self._streams[key].remove(stream)

    def completion(self, cookie: int) -> asyncio.Future[Any]:
        """A future that PlayDone, RecordDone, ToneDone or a far end's report of `cookie` ends."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[cookie] = future
        return future

    def feed(self, cookie: int, sink: ChunkSink | None) -> None:
        """Who empties the stream recorder of this cookie; None ends it."""
        if sink is None:
            self._sinks.pop(cookie, None)
        else:
            self._sinks[cookie] = sink

    def dispatch(self, found: Iterable[ev.Event]) -> None:
        for event in found:
            cookie = getattr(event, "cookie", 0)
            if isinstance(event, ev.RecordData):
                if sink := self._sinks.get(cookie):
                    sink.drain()
                continue
            if cookie and not isinstance(
                event, ev.MediaOverrun | ev.MediaUnderrun | ev.RecordError
            ):
                self._complete(cookie, event)
            self._deliver(event)

    def _complete(self, cookie: int, event: ev.Event) -> None:
        future = self._waiting.pop(cookie, None)
        if future is not None and not future.done():
            future.set_result(event)

    def _deliver(self, event: ev.Event) -> None:
        if isinstance(event, ev.StreetReport):
            self._put(("street", event.board, event.channel), event)
            self._put(("street", event.board, -1), event)
            return
        if isinstance(event, ev.CommandFailed):
            self.failed.append(event)
            del self.failed[:-100]
        self.recent.append(event)
        self._put(("board", event.board, 0), event)
        if event.channel >= 0:
            self._put(("channel", event.board, event.channel), event)
            return
        for channel in self._concerned(event):
            self._put(("channel", event.board, channel), event)

    def _concerned(self, event: ev.Event) -> list[int]:
        """Channels that hear of an event of a span or of the whole board."""
        if isinstance(event, ev.AlarmRaised | ev.AlarmCleared):
            return list(self._spans.get((event.board, event.span), ()))
        return [key[2] for key in self._streams if key[0] == "channel" and key[1] == event.board]

    def _put(self, key: Key, event: ev.Event) -> None:
        for stream in self._streams.get(key, ()):
            stream.put(event)
