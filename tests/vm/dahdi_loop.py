"""The DAHDI driver on the real kernel driver, whose two spans are wired to each other.

Run as root in a machine that has the kernel modules dahdi, dahdi_dynamic and dahdi_dynamic_loc and
tests/vm/loop.conf as /etc/dahdi/system.conf: ``python -m tests.vm.dahdi_loop``.  Exit code 0: all
checks passed.  docs/hardware/dahdi.md says what each shows.
"""

import asyncio
import ctypes
import fcntl
import random
import struct
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cti_board._native._media import ffi, lib

from cti_board import Board, open_board, run
from cti_board import events as ev
from cti_board.backends.dahdi import LIBRARY_PATH
from cti_board.channel import Channel
from cti_board.errors import DriverError
from cti_board.pump import EventStream
from cti_board.signalling.port import LineType
from cti_board.testing.bench import Recording
from cti_board.testing.sound import place

FAR = 31  # channel N of the first span is N + 31
LIMIT_S = 30.0
Check = Callable[[], Awaitable[str]]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    CHECKS.append(function)
    return function


def opened(*near: int, prefill: int = 4) -> Board:
    """The board of these channels and their far ends; TCG needs a stock of four frames."""
    both = ",".join(str(n) for n in [*near, *(n + FAR for n in near)])
    return open_board(f"dahdi:channels={both},prefill={prefill}")


def noise(seed: int, samples: int) -> bytes:
    return random.Random(seed).randbytes(samples)


async def first(stream: EventStream, kind: type[ev.Event], timeout_s: float = 10.0) -> ev.Event:
    async with asyncio.timeout(timeout_s):
        while not isinstance(event := await stream.get(), kind):
            pass
    return event


async def quiet(board: Board) -> None:
    await asyncio.sleep(0.3)


def drained(stream: EventStream) -> list[ev.Event]:
    told = []
    while (event := stream.get_nowait()) is not None:
        told.append(event)
    return told


async def heard_by(recording: Recording) -> tuple[int, bytes]:
    """The engine's sample of the first one recorded, and both sides."""
    sound = await recording.stop()
    return (await recording.recorder).began_at, sound


def delay(sent: bytes, own: tuple[int, bytes], far: tuple[int, bytes]) -> int | None:
    """Samples from the frame in which it was sent to the one that heard it; None: not exact."""
    left, right = place(sent, own[1][1::2]), place(sent, far[1][0::2])
    return None if left is None or right is None else far[0] + right - own[0] - left


async def sound_passes(pairs: int, prefill: int, seconds: int) -> str:
    """Random bytes on many channels, both ways at once, come out as they went in."""
    near = [*range(5, 5 + min(pairs, 4)), *range(9, 9 + pairs - 4)]
    async with opened(*near, prefill=prefill) as board:
        slips = board.events(ev.Slip, ev.CommandFailed, ev.BoardLost)
        await quiet(board)
        recordings = [Recording(c, stereo=True) for c in board.channels]
        sent = [noise(i, 8000 * seconds) for i in range(2 * pairs)]
        await asyncio.gather(*(c.play(s) for c, s in zip(board.channels, sent, strict=True)))
        await asyncio.sleep((prefill + 6) * 0.02)
        heard = [await heard_by(r) for r in recordings]
        far = [heard[(i + pairs) % (2 * pairs)] for i in range(2 * pairs)]
        delays = [delay(*three) for three in zip(sent, heard, far, strict=True)]
        told = drained(slips)
        exact = sorted(d for d in delays if d is not None)
        late = board.latency_tx_samples
        assert len(exact) == 2 * pairs, f"only {len(exact)} of {2 * pairs} are exact; {told[:4]}"
        assert not told, told[:4]
        slack = board.time_uncertainty_samples
        assert late - slack <= exact[0] <= exact[-1] <= late + slack, (exact, late)
        return f"{2 * pairs} directions exact, {exact[0]} to {exact[-1]} samples, {late} declared"


@check
async def sound_of_one_pair() -> str:
    return await sound_passes(1, 4, 2)


@check
async def sound_of_eight_pairs() -> str:
    return await sound_passes(8, 4, 2)


@check
async def spans_are_described() -> str:
    async with open_board("dahdi:") as board:
        kinds = {kind.name: sum(c.line_type is kind for c in board.channels) for kind in LineType}
        assert [s.kind for s in board.spans] == ["e1", "e1"]
        assert kinds["FXS"] == kinds["FXO"] == 4
        assert kinds["E1_CAS"] == 8
        assert kinds["E1_CLEAR"] == 14
        assert kinds["E1_HDLC"] == 2
        assert [s.alarms for s in board.spans] == [ev.Alarm(0), ev.Alarm(0)]
        return f"{board.model}, {[s.name for s in board.spans]}, {kinds}"


@check
async def bits_change() -> str:
    async with opened(5, 6) as board:
        a, b, far_a, far_b = board.channels
        stream, neighbour = far_a.events(ev.CasChange), far_b.events(ev.CasChange)
        await quiet(board)
        drained(stream)
        drained(neighbour)
        waited = []
        for bits in (9, 0, 15, 5):
            began = board.loop.clock.now_samples
            a.set_cas(bits)
            event = await first(stream, ev.CasChange)
            assert event.bits == bits, event
            waited.append(event.at - began)
        await quiet(board)
        assert neighbour.get_nowait() is None, "a change on one channel was told of another"
        b.set_cas(3)
        event = await first(neighbour, ev.CasChange)
        assert event.bits == 3
        return f"told {min(waited)} to {max(waited)} samples after the command"


async def answered(board: Board, fxs: Channel, fxo: Channel) -> int:
    """The exchange line rings the telephone side: FXS rings, FXO answers."""
    rings, hooks = fxo.events(ev.RingBegin, ev.RingEnd), fxs.events(ev.OffHook)
    began = board.loop.clock.now_samples
    fxs.ring(1000, 2000)
    event = await first(rings, ev.RingBegin)
    fxo.set_hook(True)
    await first(hooks, ev.OffHook)
    fxs.ring_stop()
    rings.close()
    hooks.close()
    return event.at - began


@check
async def ring_cadence() -> str:
    async with opened(1) as board:
        fxs, fxo = board.channels
        await quiet(board)
        rings = fxo.events(ev.RingBegin, ev.RingEnd, ev.RingStopped)
        fxs.ring(1000, 2000)
        lengths = []
        for _ in range(2):
            await first(rings, ev.RingBegin)
            end = await first(rings, ev.RingEnd)
            lengths.append(end.length_ms)
        fxs.ring_stop()
        await first(rings, ev.RingStopped)
        assert all(abs(n - 1000) <= 80 for n in lengths), lengths
        return f"bursts of 1000 ms measured {lengths}"


@check
async def answer_flash_and_hang_up() -> str:
    async with opened(1) as board:
        fxs, fxo = board.channels
        await quiet(board)
        wait = await answered(board, fxs, fxo)
        await asyncio.sleep(1.2)
        flashes = fxs.events(ev.HookFlash, ev.OnHook, ev.PulseDigit)
        measured = []
        for length in (300, 500):
            fxo.flash(length)
            event = await first(flashes, ev.HookFlash)
            measured.append(event.length_ms)
            await asyncio.sleep(1.0)
        began = board.loop.clock.now_samples
        fxo.set_hook(False)
        event = await first(flashes, ev.OnHook)
        off = event.at - began
        assert abs(measured[0] - 300) <= 60, measured
        assert abs(measured[1] - 500) <= 60, measured
        return f"ring told after {wait}, flashes {measured} ms, on-hook told {off} samples after"


@check
async def pulse_digits() -> str:
    async with opened(1) as board:
        fxs, fxo = board.channels
        await quiet(board)
        hooks = fxs.events(ev.OffHook, ev.PulseDigit, ev.HookFlash, ev.OnHook)
        fxo.set_hook(True)
        await first(hooks, ev.OffHook)
        await asyncio.sleep(1.0)
        done = fxo.events(ev.ToneDone, ev.CommandFailed)
        fxo.send_digits("2580", pulse=True)
        digits = ""
        while len(digits) < 4:
            event = await first(hooks, ev.Event)
            assert isinstance(event, ev.PulseDigit), event
            digits += event.digit
        assert digits == "2580", digits
        await first(done, ev.ToneDone)
        return digits


@check
async def gain_is_applied() -> str:
    async with opened(5) as board:
        near, far = board.channels
        await quiet(board)
        recording = Recording(far)
        near.set_gain(0.0, -6.0)
        await near.play(bytes([0xAA ^ 0x00]) * 4000)
        await asyncio.sleep(0.2)
        heard = await recording.stop()
        steady = max(set(heard), key=heard.count)
        near.set_gain(0.0, 0.0)
        assert steady != 0xAA
        return f"code 0xaa sent with -6 dB arrives as {steady:#x}"


@check
async def busy_channels_are_named() -> str:
    async with opened(9):
        with pytest.raises(DriverError, match="in use by another program") as caught:
            async with opened(9):
                pass
        return str(caught.value)


@contextmanager
def driver_board(spec: str) -> Iterator[tuple[Any, Any]]:
    """The driver's functions without the engine: frames of a D channel have no way above yet."""
    library = ctypes.CDLL(str(LIBRARY_PATH))
    library.ctb_driver_get.restype = ctypes.c_void_p
    driver = ffi.cast("ctb_driver_t *", library.ctb_driver_get(lib.CTB_ABI_VERSION))
    out, err = ffi.new("ctb_board_t **"), ffi.new("char[]", 512)
    assert driver.open(out, spec.encode(), err, 512) == 0, ffi.string(err)
    try:
        yield driver, out[0]
    finally:
        driver.close(out[0])


@check
async def data_link_frames() -> str:
    """Frames of 3 to 260 octets pass between two D channels, both ways."""
    with driver_board("channels=9,16,40,47") as (driver, board):
        for i in range(4):
            assert driver.channel_open(board, i) == 0
        sound, live = ffi.new("uint8_t[]", 4 * 160), ffi.new("uint64_t[]", 1)
        into, live_rx = ffi.new("uint8_t[]", 4 * 160), ffi.new("uint64_t[]", 1)
        room, passed = ffi.new("uint8_t[]", 1024), 0
        for _ in range(3):  # flags have to flow before a frame is known as one
            driver.exchange(board, sound, live, into, live_rx)
        for here, there in ((1, 3), (3, 1)):
            for size in (3, 4, 17, 128, 260):
                frame = noise(size, size)
                assert driver.frame_send(board, here, frame, size) == 0
                got = 0
                for _ in range(20):
                    if (got := driver.frame_recv(board, there, room, 1024)) != 0:
                        break
                    driver.exchange(board, sound, live, into, live_rx)
                assert bytes(ffi.buffer(room, got)) == frame, (size, got)
                passed += 1
        assert driver.frame_send(board, 0, b"abc", 3) == -38  # ENOSYS: no D channel
        return f"{passed} frames exact"


def dynamic(request: int, direction: int) -> None:
    """Makes (80) or removes (81) the second span: the far end of the first falls silent."""
    data = struct.pack("20s40siii", b"loc", b"1:1", 31, 0, 0)
    with Path("/dev/dahdi/ctl").open("rb+", buffering=0) as control:
        fcntl.ioctl(control, direction << 30 | len(data) << 16 | 0xDA00 | request, data)


@check
async def alarm_is_told() -> str:
    """Last: it takes the second span away and brings it back without its signalling."""
    async with open_board("dahdi:channels=5-8") as board:
        stream = board.events(ev.AlarmRaised, ev.AlarmCleared, ev.BoardLost)
        await quiet(board)
        began = board.loop.clock.now_samples
        dynamic(81, 1)
        raised = await first(stream, ev.AlarmRaised)
        now = board.spans[0].alarms
        dynamic(80, 3)
        cleared = await first(stream, ev.AlarmCleared)
        assert now == raised.alarm == cleared.alarm == ev.Alarm.LOS
        after = (raised.at - began) / 8000
        back = cleared.at - raised.at
        return f"{raised.alarm!r} told after {after:.2f} s, cleared {back} samples later"


async def main() -> int:
    failed = 0
    wanted = sys.argv[1:]
    for one in CHECKS:
        if wanted and one.__name__ not in wanted:
            continue
        try:
            async with asyncio.timeout(LIMIT_S):
                print(f"pass {one.__name__}: {await one()}", flush=True)
        except Exception as error:  # a check may fail in any way; the others go on
            failed += 1
            print(f"FAIL {one.__name__}: {type(error).__name__}: {error}", flush=True)
    return failed


if __name__ == "__main__":
    raise SystemExit(run(main, clock="wall"))
