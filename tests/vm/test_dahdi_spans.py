"""The real kernel driver: both spans are there, and their bits cross."""

import contextlib
import errno
import os
import random
import select
from collections.abc import Iterator

import pytest

from tests.vm import dahdi_api as api

BITS_LIMIT_MS = 5000    # chosen: bits cross within 20 ms; an emulated processor may be held up


@pytest.fixture
def control() -> Iterator[int]:
    descriptor = os.open("/dev/dahdi/ctl", os.O_RDWR)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def lines() -> Iterator[dict[int, api.Line]]:
    """Every channel of both spans that has bits."""
    slots = [*api.CAS_TIMESLOTS, *(api.far(slot) for slot in api.CAS_TIMESLOTS)]
    with contextlib.ExitStack() as opened:
        yield {slot: opened.enter_context(api.Line(slot)) for slot in slots}


def arrived(line: api.Line, bits: int) -> bool:
    """Whether `line` comes to hear these bits; it reads the events on the way."""
    while line.bits() != bits:
        if not line.wait(select.POLLPRI, BITS_LIMIT_MS):
            return False
        assert line.event() in {0, api.EVENT_BITSCHANGED}
    return True


def test_two_spans_of_31_channels_without_alarm(control):
    for span in (1, 2):
        info = api.span_info(control, span)
        assert info == api.SpanInfo(span, 0, api.CHANNELS, 2, "DYNAM")
    with pytest.raises(OSError, match="Invalid argument"):
        api.span_info(control, 3)


def test_each_channel_is_configured_as_its_timeslot_asks(control):
    for number in range(1, 2 * api.CHANNELS + 1):
        span, slot = divmod(number - 1, api.CHANNELS)
        kind = (api.SIG_CAS if slot + 1 in api.CAS_TIMESLOTS else
                api.SIG_HDLCFCS if slot + 1 == api.FRAME_TIMESLOT else api.SIG_CLEAR)
        found = api.params(control, number)
        assert found == api.Params(number, span + 1, slot + 1, kind, api.LAW_ALAW,
                                   f"DYN/loc/1:{span}/{slot + 1}")


def test_a_channel_opens_once_and_an_absent_one_not():
    with api.Line(1), pytest.raises(OSError, match="busy") as refused:
        api.Line(1)
    assert refused.value.errno == errno.EBUSY
    with pytest.raises(OSError, match=r"."):
        api.Line(2 * api.CHANNELS + 1)
    with api.Line(1) as again:
        assert again.channel == 1


def test_every_pattern_of_bits_crosses_both_ways(lines):
    near, away = lines[1], lines[api.far(1)]
    for sender, receiver in ((near, away), (away, near)):
        for bits in [*range(16), 0b1101]:
            sender.send_bits(bits)
            assert arrived(receiver, bits), f"{sender.channel} sent {bits:04b}"


def test_every_channel_has_its_own_bits(lines):
    """All 30 at once, each with bits of its own: no channel hears its neighbour's."""
    rng = random.Random(2030)
    for _ in range(3):
        sent = {channel: rng.randrange(16) for channel in lines}
        for channel, bits in sent.items():
            lines[channel].send_bits(bits)
        for channel, bits in sent.items():
            assert arrived(lines[api.far(channel)], bits), f"{channel} sent {bits:04b}"
        assert {api.far(c): line.bits() for c, line in lines.items()} == sent
