"""Room: handles to media work that runs in C: players, recorders, digit collectors.
Must not know lines or calls.  A handle is awaited; its result says why it ended.
"""

import asyncio
import logging
import os
from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from cti_board import events as ev
from cti_board._native._media import ffi, lib
from cti_board.audio import Sound, WaveFile, open_wave
from cti_board.errors import BoardError, CtiError, MediaError, check
from cti_board.loop import EngineLoop
from cti_board.pump import EventStream

Source = bytes | Sound | WaveFile | Path | str

log = logging.getLogger("cti_board.media")


class HashLike(Protocol):
    """Takes the bytes of a recording as they come (a hashlib object, for one)."""

    def update(self, data: bytes, /) -> object: ...


@dataclass(frozen=True, slots=True)
class PlayResult:
    """``samples`` were sent; ``digit`` is what stopped it ("" unless reason is DIGIT)."""

    reason: ev.DoneReason
    samples: int
    digit: str = ""


@dataclass(frozen=True, slots=True)
class RecordResult:
    """``samples`` a side from engine sample ``began_at`` on; ``error`` an errno (0: none): the
    file stops there, the call went on."""

    reason: ev.DoneReason
    samples: int
    error: int
    lost_samples: int
    began_at: int


@dataclass(frozen=True, slots=True)
class Digits:
    """What a caller keyed.  ``reason``: max, term (the terminator ends it), noinput, timeout."""

    digits: str
    reason: Literal["max", "term", "noinput", "timeout"]
    at: int = 0


def _fail(done: "asyncio.Future[Any]", what: str, why: ev.Event | BaseException) -> None:
    """End a handle with the reason that the engine, the driver or the board's closing gave."""
    match why:
        case ev.PlayDone() | ev.CommandFailed():
            error: BaseException = MediaError(f"{what} failed: {os.strerror(why.error)}")
        case ev.DriverFault():
            error = MediaError(f"{what} failed: {why.text}")
        case BaseException():
            error = why
        case _:
            error = MediaError(f"{what} failed: {why}")
    done.set_exception(error)
    done.exception()  # retrieved: nobody need await a handle


class Player:
    """Sound on its way to a channel.  ``await player`` gives a PlayResult."""

    def __init__(
        self,
        loop: EngineLoop,
        board: int,
        channel: int,
        sources: Iterable[Source],
        *,
        stop_on_digit: bool,
        offset_s: float,
        loops: int,
        gain_db: float,
    ) -> None:
        self._loop, self._board, self._channel = loop, board, channel
        self._cookie = loop.engine.next_cookie()
        self._files: list[int] = []
        self._keep: list[Any] = []
        out = ffi.new("ctb_player_t **")
        check(lib.ctb_player_new(out, loop.engine.pointer, self._cookie), "engine", "make a player")
        self._player = out[0]
        self._stopping = False
        self._done: asyncio.Future[PlayResult] = loop.create_future()
        try:
            for source in sources:
                self._add(source)
            lib.ctb_player_set(self._player, round(offset_s * 8000), loops, round(gain_db * 100))
            self._work = loop.pump.completion(self._cookie, board)
            loop.engine.post(
                board,
                channel,
                lib.CTB_EOP_PLAY,
                a=int(stop_on_digit),
                cookie=self._cookie,
                data=self._player,
            )
        except BaseException:
            loop.pump.forget(self._cookie)
            self._free()
            raise
        self._work.add_done_callback(self._finish)

    def _add(self, source: Source) -> None:
        if isinstance(source, bytes):
            source = Sound(source)
        if isinstance(source, str | Path):
            source = open_wave(Path(source))
        if isinstance(source, Sound):
            data = ffi.from_buffer("uint8_t[]", source.data)
            self._keep.append(data)
            rc = lib.ctb_player_add_memory(self._player, data, len(source.data), source.encoding)
        else:
            fd = os.open(source.path, os.O_RDONLY | os.O_CLOEXEC)
            self._files.append(fd)
            rc = lib.ctb_player_add_file(
                self._player, fd, source.offset, source.size, source.encoding
            )
        check(rc, "engine", "add a sound")

    def _finish(self, future: "asyncio.Future[ev.Event]") -> None:
        self._free()
        if self._done.done() or future.cancelled():
            return
        event = future.exception() or future.result()
        if isinstance(event, ev.PlayDone) and event.reason is not ev.DoneReason.ERROR:
            self._done.set_result(PlayResult(event.reason, event.samples, event.digit))
        else:
            _fail(self._done, "playing", event)

    def _free(self) -> None:
        if self._player is not None:
            lib.ctb_player_free(self._player)
            self._player = None
        for fd in self._files:
            os.close(fd)
        self._files.clear()
        self._keep.clear()

    def __await__(self) -> Generator[Any, None, PlayResult]:
        return asyncio.shield(self._done).__await__()

    @property
    def done(self) -> bool:
        return self._done.done()

    @property
    def ended(self) -> "asyncio.Future[PlayResult]":
        """Done when the player has ended; wait on it, do not cancel it."""
        return self._done

    def stop(self) -> None:
        """End it at the next frame boundary; no effect when it has ended or is being stopped."""
        if not self._stopping:
            self._command(lib.CTB_EOP_PLAY_STOP, int(ev.DoneReason.STOPPED))
            self._stopping = True

    def pause(self) -> None:
        self._command(lib.CTB_EOP_PLAY_PAUSE, 1)

    def resume(self) -> None:
        self._command(lib.CTB_EOP_PLAY_PAUSE, 0)

    def _command(self, op: int, a: int) -> None:
        if not self._work.done():
            self._loop.engine.post(self._board, self._channel, op, a=a, cookie=self._cookie)


class Recorder:
    """A recording on its way to a file or a sink.  ``await recorder`` waits for its end."""

    def __init__(
        self,
        loop: EngineLoop,
        board: int,
        channel: int,
        *,
        path: Path | None,
        sink: HashLike | None,
        stereo: bool,
        max_s: float,
        silence_s: float,
        ring_s: float,
        overwrite: bool,
    ) -> None:
        if path is None and sink is None:
            raise ValueError("a recorder needs a path or a sink")
        self._loop, self._board, self._channel = loop, board, channel
        self._cookie = loop.engine.next_cookie()
        self._sink, self._fd, self.path = sink if path is None else None, -1, path
        self._stopping = False
        self._sink_error: Exception | None = None
        out = ffi.new("ctb_recorder_t **")
        check(
            lib.ctb_recorder_new(
                out, loop.engine.pointer, self._cookie, 2 if stereo else 1, round(ring_s * 1000)
            ),
            "engine",
            "make a recorder",
        )
        self._recorder = out[0]
        self._chunk = ffi.new("uint8_t[]", 65536) if path is None else None
        self._error = 0
        self._done: asyncio.Future[RecordResult] = loop.create_future()
        try:
            if path is not None:
                self._open(path, overwrite)
            lib.ctb_recorder_limits(self._recorder, round(max_s * 8000), round(silence_s * 1000))
            self._work = loop.pump.completion(self._cookie, board)
            loop.pump.feed(self._cookie, self)
            loop.engine.post(
                board, channel, lib.CTB_EOP_RECORD, cookie=self._cookie, data=self._recorder
            )
        except BaseException:
            loop.pump.forget(self._cookie)
            made = self._fd >= 0 and not overwrite
            self._free()
            if made and path is not None:
                path.unlink(missing_ok=True)
            raise
        self._work.add_done_callback(self._finish)

    def _open(self, path: Path, overwrite: bool) -> None:
        how = os.O_TRUNC if overwrite else os.O_EXCL
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | how | os.O_CLOEXEC, 0o640)
            check(lib.ctb_recorder_file(self._recorder, self._fd), "recorder", f"write {path}")
        except (OSError, ValueError, CtiError) as error:
            raise MediaError(f"{path}: cannot be recorded to: {error}") from error

    def drain(self) -> None:
        """Take what a stream recorder holds to its sink (the pump calls this)."""
        if self._recorder is None or self._chunk is None:
            return
        while size := lib.ctb_recorder_read(self._recorder, self._chunk, 65536):
            if self._sink is not None:
                self._give(self._sink, bytes(ffi.buffer(self._chunk, size)))

    def _give(self, sink: HashLike, data: bytes) -> None:
        """A sink that fails ends its own recording; the line and other recordings go on."""
        try:
            sink.update(data)
        except Exception as error:
            log.error("channel %d: the recorder's sink failed: %s", self._channel, error)
            self._sink, self._sink_error = None, error
            with suppress(BoardError):  # a board that goes at this moment ends it as well
                self._post_stop()

    def trouble(self, error: int) -> None:
        """The file cannot be written (the pump calls this): ``error`` says so from now on."""
        self._error = error

    @property
    def error(self) -> int:
        """errno of what ended the file while the recorder runs on; 0: none."""
        return self._error

    def _finish(self, future: "asyncio.Future[ev.Event]") -> None:
        self._stopping = True
        self.drain()
        self._free()
        if self._done.done() or future.cancelled():
            return
        event = future.exception() or future.result()
        if isinstance(event, ev.RecordDone) and self._sink_error is None:
            self._error = event.error
            self._done.set_result(
                RecordResult(
                    event.reason, event.samples, event.error, event.lost_samples, event.began_at
                )
            )
        elif self._sink_error is not None:
            failure = MediaError(f"the recorder's sink failed: {self._sink_error}")
            failure.__cause__ = self._sink_error
            _fail(self._done, "recording", failure)
        else:
            _fail(self._done, "recording", event)

    def _free(self) -> None:
        self._loop.pump.feed(self._cookie, None)
        if self._recorder is not None:
            lib.ctb_recorder_free(self._recorder)
            self._recorder = None
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def mask(self, on: bool) -> None:
        """Write silence (a secret is being keyed or said) from the next frame boundary on."""
        if not self._work.done():
            self._loop.engine.post(
                self._board,
                self._channel,
                lib.CTB_EOP_RECORD_MASK,
                a=int(on),
                cookie=self._cookie,
            )

    def __await__(self) -> Generator[Any, None, RecordResult]:
        return asyncio.shield(self._done).__await__()

    @property
    def done(self) -> bool:
        return self._done.done()

    async def stop(self) -> RecordResult:
        """End it at the next frame boundary; the file is complete when this returns."""
        self._post_stop()
        return await self

    def _post_stop(self) -> None:
        if not self._stopping and not self._work.done():
            self._loop.engine.post(
                self._board,
                self._channel,
                lib.CTB_EOP_RECORD_STOP,
                a=int(ev.DoneReason.STOPPED),
                cookie=self._cookie,
            )
            self._stopping = True


class DigitCollector:
    """Digits of one channel, with VoiceXML's time-outs.  ``await collector`` gives Digits.

    The first-digit time-out runs from `start_timer` (when the prompt has ended); the interdigit
    time-out from the end of the last digit.  A digit counts when its tone ends, so that nothing is
    said over the key, or when the interdigit time-out finds it still held (a stuck key).
    """

    def __init__(
        self,
        stream: EventStream,
        *,
        max_digits: int,
        termchars: str,
        first_timeout_s: float,
        interdigit_timeout_s: float,
    ) -> None:
        if max_digits < 1:
            raise ValueError(f"max_digits is at least 1: {max_digits}")
        self._stream, self._max, self._term = stream, max_digits, termchars
        self._first_s, self._inter_s = first_timeout_s, interdigit_timeout_s

    async def run(self, prompt: Player | None = None) -> Digits:
        """Collect; with a prompt, the first-digit time-out begins when it has ended."""
        digits = ""
        event = None if prompt is None else await self._during(prompt)
        while True:
            if event is None:
                event = await self._next(self._inter_s if digits else self._first_s)
            if event is None:
                return Digits(digits, "timeout" if digits else "noinput")
            if isinstance(event, ev.DtmfBegin | ev.PulseDigit):
                end = await self._end_of(event)
                if event.digit in self._term:
                    return Digits(digits, "term", end)
                digits += event.digit
                if len(digits) == self._max:
                    return Digits(digits, "max", end)
            event = None

    async def _during(self, prompt: Player) -> ev.Event | None:
        """The first digit's begin while the prompt plays; None when the prompt ended first."""
        while True:
            getter = asyncio.ensure_future(self._stream.get())
            try:
                both: set[asyncio.Future[Any]] = {getter, prompt.ended}
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                if not getter.done():
                    return None
                event = getter.result()
            finally:
                getter.cancel()
            if not isinstance(event, ev.DtmfEnd):
                return event

    async def _next(self, timeout_s: float) -> ev.Event | None:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._stream.get()
        except TimeoutError:
            return None

    async def _end_of(self, begin: ev.DtmfBegin | ev.PulseDigit) -> int:
        """Sample at which the key was let go; a key held past the time-out counts as it is."""
        if isinstance(begin, ev.PulseDigit):
            return begin.at
        event = await self._next(self._inter_s)
        if event is not None and not isinstance(event, ev.DtmfEnd):
            self._stream.push_back(event)
        return event.at if event is not None else begin.at
