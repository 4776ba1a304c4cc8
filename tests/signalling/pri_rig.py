"""A span of ours, and a far end whose every message is placed by hand."""

import asyncio
from collections import deque

from cti_board.signalling.pri import PriSpan
from cti_board.signalling.q921 import Link
from cti_board.signalling.q931_codec import (
    SPEECH,
    Bearer,
    CauseValue,
    ChannelId,
    Id,
    Kind,
    Message,
    Number,
    decode,
    encode,
)

from .fake_port import RATE, run

CHANNEL_1 = ChannelId((1,))


class Wire:
    """Carries frames to `other` after 5 ms, in order; `cut` loses them."""

    def __init__(self):
        self.other, self.cut, self.flying = None, False, deque()

    @property
    def now_samples(self):
        return round(asyncio.get_running_loop().time() * RATE)

    def send_frame(self, frame):
        if not self.cut:
            self.flying.append(frame)
            asyncio.get_running_loop().call_later(0.005, self.arrive)

    def arrive(self):
        self.other.take(self.flying.popleft())


class Peer:
    """The far end by hand: a data link, and the messages that came."""

    def __init__(self, wire, role):
        self.link = Link(wire, role, self.told)
        self.got, self.octets, self.take = [], [], self.link.take

    def told(self, what):
        if hasattr(what, "message"):
            self.octets.append(what.message)
            self.got.append(decode(what.message))

    def say(self, kind, ies=None, *, ref=1, to_origin=False):
        self.link.send(encode(Message(kind, ref, to_origin, ies or {})))

    async def hears(self, seconds=0.1):
        """The messages of the next ``seconds``."""
        await asyncio.sleep(seconds)
        got, self.got = self.got, []
        return got

    async def kinds(self, seconds=0.1):
        return [Kind(m.kind) for m in await self.hears(seconds)]


def both(options=None, role="user", **more):
    """(a span of ours, its far end by hand), not started."""
    wires = Wire(), Wire()
    span = PriSpan(wires[0], role, asyncio.Queue(), options=options, **more)
    peer = Peer(wires[1], "network" if role == "user" else "user")
    wires[0].other, wires[1].other = peer, span
    return span, peer


def told(span):
    """What was reported, and forget it."""
    found = []
    while not span.reports.empty():
        found.append(span.reports.get_nowait().event)
    return [
        (type(e).__name__.removeprefix("Call"), *([e.cause] if hasattr(e, "cause") else []))
        for e in found
    ]  # fmt: skip


def pri_test(role="user", options=None, **more):
    """A coroutine (span, peer) as a test, with the data link up."""

    def wrap(main):
        def test():
            async def whole():
                span, peer = both(options, role, **more)
                span.start()
                await asyncio.sleep(0.1)
                assert span.up
                await main(span, peer)
                assert not span.faults
                span.close()
                peer.link.close()
                assert not span.calls

            run(whole)

        test.__name__, test.__doc__ = main.__name__, main.__doc__
        return test

    return wrap


def setup(channel=CHANNEL_1, *, called="5551234", whole=True, **more):
    ies = {Id.BEARER: Bearer(SPEECH), Id.CALLED: Number(called)}
    if channel is not None:
        ies[Id.CHANNEL] = channel
    return ies | ({Id.COMPLETE: b""} if whole else {}) | more.pop("ies", {})


def cause(number):
    return {Id.CAUSE: CauseValue(number)}


def cut(span, peer, yes):
    span.port.cut = peer.link.port.cut = yes


async def active(span, peer):
    peer.say(Kind.SETUP, setup())
    await peer.hears()
    call = span.reports.get_nowait().call
    call.answer()
    peer.say(Kind.CONNECT_ACK)
    await peer.hears()
    assert call.state == "active"
    told(span)
    return call
