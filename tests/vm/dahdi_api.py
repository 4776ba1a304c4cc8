"""Room: the kernel driver's interface as data, for tests inside the machine.  Must not import the
product: what is tested there is judged by these few numbers of its own.

Source: `dahdi/user.h` of dahdi-linux 2.11.1 (Debian's dahdi-source); request codes by Linux's
asm-generic/ioctl.h.  An `int` is 4 octets on every processor that the driver runs on.
"""

import fcntl
import os
import select
import struct
from types import TracebackType
from typing import NamedTuple, Self

WRITE, READ = 1, 2                  # asm-generic/ioctl.h: _IOC_WRITE, _IOC_READ
CODE = 0xDA                         # DAHDI_CODE
INT = struct.Struct("=i")
PARAMS = struct.Struct("=12i40s11iI")               # struct dahdi_params
SPANINFO = struct.Struct("=i20s40s7i5I7i40s40s40s40s2i6s")  # struct dahdi_spaninfo, packed
BUFFERINFO = struct.Struct("=6i")                   # struct dahdi_bufferinfo


def request(direction: int, number: int, size: int) -> int:
    """The code of an ioctl of the driver."""
    return direction << 30 | size << 16 | CODE << 8 | number


GET_PARAMS = request(READ | WRITE, 5, PARAMS.size)
GETEVENT = request(READ, 8, INT.size)
SPANSTAT = request(READ | WRITE, 10, SPANINFO.size)
SET_BUFINFO = request(WRITE, 27, BUFFERINFO.size)
SPECIFY = request(WRITE, 38, INT.size)
GETRXBITS = request(READ, 43, INT.size)
SETTXBITS = request(WRITE, 43, INT.size)

SIG_CLEAR = 1 << 7
SIG_HDLCFCS = 1 << 9 | 1 << 8 | SIG_CLEAR
SIG_CAS = 1 << 15
LAW_ALAW = 2
EVENT_BITSCHANGED = 13
POLICY_WHEN_FULL = 1                # the sender starts when its buffers are full
MAX_BUFFERS = 32                    # DAHDI_MAX_NUM_BUFS
ELAST = 500                         # the driver's errno while an event waits: read it first
BITS_ABCD = 0xF                     # A is 8, D is 1

# how the two spans of guest/system.conf are laid out
CHANNELS = 31
CAS_TIMESLOTS = range(1, 16)
FRAME_TIMESLOT = 16


class Params(NamedTuple):
    """What the tests read of struct dahdi_params."""

    channel: int
    span: int
    position: int
    signalling: int
    law: int
    name: str


class SpanInfo(NamedTuple):
    """What the tests read of struct dahdi_spaninfo."""

    span: int
    alarms: int
    channels: int
    spans: int
    kind: str


def far(channel: int) -> int:
    """The channel that hears this one: the same timeslot of the other span."""
    return channel + CHANNELS if channel <= CHANNELS else channel - CHANNELS


def text(octets: bytes) -> str:
    return octets.split(b"\0")[0].decode()


def params(descriptor: int, channel: int) -> Params:
    asked = bytearray(PARAMS.size)
    INT.pack_into(asked, 0, channel)
    fcntl.ioctl(descriptor, GET_PARAMS, asked)
    got = PARAMS.unpack(asked)
    return Params(got[0], got[1], got[2], got[3], got[10], text(got[12]))


def span_info(descriptor: int, span: int) -> SpanInfo:
    asked = bytearray(SPANINFO.size)
    INT.pack_into(asked, 0, span)
    fcntl.ioctl(descriptor, SPANSTAT, asked)
    got = SPANINFO.unpack(asked)
    return SpanInfo(got[0], got[3], got[18], got[19], text(got[28]))


class Line:
    """One channel, opened and not blocking; a context manager."""

    def __init__(self, channel: int) -> None:
        self.channel = channel
        self.descriptor = os.open("/dev/dahdi/channel", os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.ioctl(self.descriptor, SPECIFY, INT.pack(channel))
        except OSError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        os.close(self.descriptor)

    def fileno(self) -> int:
        return self.descriptor

    def _ask(self, code: int) -> int:
        answer = bytearray(INT.size)
        fcntl.ioctl(self.descriptor, code, answer)
        return int(INT.unpack(answer)[0])

    def event(self) -> int:
        """The next event; 0 when there is none."""
        return self._ask(GETEVENT)

    def bits(self) -> int:
        """The ABCD bits received.  dahdi_dynamic leaves the next channel's above them."""
        return self._ask(GETRXBITS) & BITS_ABCD

    def send_bits(self, bits: int) -> None:
        fcntl.ioctl(self.descriptor, SETTXBITS, INT.pack(bits))

    def buffers(self, policy: int, count: int, size: int) -> None:
        """`count` buffers of `size` octets each way; `policy` says when the sender starts."""
        fcntl.ioctl(self.descriptor, SET_BUFINFO, BUFFERINFO.pack(policy, 0, count, size, 0, 0))

    def wait(self, events: int, limit_ms: int) -> int:
        """poll(2): the events that came, 0 when none did within the limit."""
        poll = select.poll()
        poll.register(self.descriptor, events)
        return next((found for _, found in poll.poll(limit_ms)), 0)
