"""Our side of a PRI against libpri's, both roles.  Skipped where libpri is not installed."""

import asyncio
import random
from collections import deque

import pytest

from cti_board.signalling.pri import PriOptions, PriSpan

from .fake_port import RATE, run
from .libpri_oracle import Exchange

CALLS = 25
CAUSES = (16, 17, 18, 19, 21, 27, 31, 34, 41)


class Wire:
    """One direction, 5 ms, in order: each frame arrives `lose()` times, as `change` makes it."""

    def __init__(self, lose=lambda: 1):
        self.arrived, self.lose, self.flying = None, lose, deque()
        self.change = lambda frame: frame

    @property
    def now_samples(self):
        return round(asyncio.get_running_loop().time() * RATE)

    def send_frame(self, frame):
        for _ in range(self.lose()):
            self.flying.append(self.change(frame))
            asyncio.get_running_loop().call_later(0.005, self.arrive)

    def arrive(self):
        self.arrived(self.flying.popleft())


class Joined:
    """A span of ours and libpri, on two wires, with the data link up."""

    def __init__(self, role, options=None, *, lose=lambda: 1, overlap=False):
        self.wire, back = Wire(lose), Wire(lose)
        self.back = back
        self.span = PriSpan(self.wire, role, asyncio.Queue(), options=options)
        back.arrived = self.span.take
        other = "network" if role == "user" else "user"
        self.pri = Exchange(other, back.send_frame, overlap=overlap)
        self.wire.arrived = self.pri.take

    async def start(self, seconds=0.2):
        self.span.start()
        await asyncio.sleep(seconds)
        assert self.span.up
        assert "up" in self.pri.names()

    def told(self):
        found = []
        while not self.span.reports.empty():
            event = self.span.reports.get_nowait().event
            kind = type(event).__name__.removeprefix("Call")
            found.append((kind, event.cause) if hasattr(event, "cause") else kind)
        return found

    def close(self):
        self.pri.closed = True
        assert not self.span.faults
        self.span.close()


def joined(role, main, options=None, **more):
    async def whole():
        both = Joined(role, options, **more)
        await both.start()
        await main(both)
        both.close()

    run(whole)


ROLES = pytest.mark.parametrize("role", ["user", "network"])


async def clear(both, call, theirs, cause, by_us):
    """End an active call from one side; both must have let go of it, with the cause given."""
    if by_us:
        call.hang_up(cause)
        await asyncio.sleep(0.1)
        assert both.pri.last("hangup_req")["cause"] == cause
        await asyncio.sleep(0.1)
        assert both.told() == ["Released"]
    else:
        both.pri.do("hang_up", theirs, cause)
        await asyncio.sleep(0.1)
        done = [("Disconnected", cause), "Released"]
        assert both.told() == done
        assert both.pri.names()[-1] in ("hangup", "hangup_ack")
    both.pri.events.clear()
    assert call.state == "null"
    assert not both.span.calls


@ROLES
def test_calls_that_we_place(role):
    async def main(both):
        chance = random.Random(931)
        for n in range(CALLS):
            number = "".join(chance.choices("0123456789", k=chance.randint(1, 18)))
            ani = "".join(chance.choices("0123456789", k=chance.randint(3, 15)))
            call = both.span.seize(number, ani=ani, name=f"Caller {n}")
            await asyncio.sleep(0.1)
            ring = both.pri.last("ring")
            assert (ring["dnis"], ring["ani"], ring["complete"]) == (number, ani, 1)
            assert ring["channel"] == call.channel
            assert ring["name"] == f"Caller {n}"
            both.pri.do("proceeding", ring["call"], ring["channel"])
            both.pri.do("alerting", ring["call"], ring["channel"])
            await asyncio.sleep(0.1)
            assert both.told() == ["Proceeding", "Alerting"]
            both.pri.do("answer", ring["call"], ring["channel"])
            await asyncio.sleep(0.1)
            assert (both.told(), call.state) == (["Answered"], "active")
            await clear(both, call, ring["call"], CAUSES[n % len(CAUSES)], n % 2 == 0)
        assert len(both.span.free()) == 30
        assert both.span.link.resent == both.span.defects == both.span.garbage == 0

    joined(role, main)


@ROLES
def test_calls_that_libpri_places(role):
    async def main(both):
        chance = random.Random(921)
        for n in range(CALLS):
            number = "".join(chance.choices("0123456789", k=chance.randint(1, 18)))
            ani = "".join(chance.choices("0123456789", k=chance.randint(3, 15)))
            channel = chance.choice(both.span.channels)
            theirs = both.pri.setup(number, ani, "Han Meimei", channel=channel, exclusive=n % 2)
            await asyncio.sleep(0.1)
            report = both.span.reports.get_nowait()
            call, offer = report.call, report.event
            assert (offer.dnis, offer.ani, call.channel) == (number, ani, channel)
            # libpri gives a name as a network only: a user's display is not EuroISDN's
            assert offer.ani_name == ("Han Meimei" if role == "user" else "")
            if n % 3:
                call.accept()
            call.answer()
            await asyncio.sleep(0.1)
            assert (both.told(), call.state) == (["Answered"], "active")
            assert both.pri.names()[-1] == "answer"
            assert ("ringing" in both.pri.names()) == bool(n % 3)
            await clear(both, call, theirs, CAUSES[n % len(CAUSES)], n % 2 == 0)
        assert len(both.span.free()) == 30
        assert both.span.link.resent == both.span.defects == both.span.garbage == 0

    joined(role, main)


@ROLES
@pytest.mark.parametrize("cause", CAUSES)
def test_refusals_both_ways(role, cause):
    async def main(both):
        call = both.span.seize("123")
        await asyncio.sleep(0.1)
        ring = both.pri.last("ring")
        both.pri.do("proceeding", ring["call"], ring["channel"])
        both.pri.do("hang_up", ring["call"], cause)
        await asyncio.sleep(0.2)
        assert call.state == "null"
        assert both.told() == ["Proceeding", ("Disconnected", cause), "Released"]
        theirs = both.pri.setup("123", "55")
        await asyncio.sleep(0.1)
        both.span.reports.get_nowait().call.reject(cause)
        await asyncio.sleep(0.1)
        asked = both.pri.last("hangup_req")
        assert (asked["cause"], asked["call"]) == (cause, theirs)
        await asyncio.sleep(0.1)
        assert both.told() == ["Released"]

    joined(role, main)


@ROLES
def test_overlap_both_ways(role):
    async def main(both):
        theirs = both.pri.setup("12", "55", complete=False)
        await asyncio.sleep(0.1)
        assert both.pri.names()[-1] == "setup_ack"
        for digit in b"3456":
            both.pri.do("digit", theirs, bytes([digit]))
            await asyncio.sleep(0.1)
        report = both.span.reports.get_nowait()
        assert report.event.dnis == "123456"
        report.call.answer()
        await asyncio.sleep(0.1)
        call = both.span.seize("7", whole=False)
        await asyncio.sleep(0.1)
        ring = both.pri.last("ring")
        assert (ring["dnis"], ring["complete"]) == ("7", 0)
        both.pri.do("need_more", ring["call"], ring["channel"])
        await asyncio.sleep(0.1)
        assert call.state == "overlap_sending"
        call.dial("89")
        await asyncio.sleep(0.1)
        assert both.pri.last("info")["dnis"].endswith("89")
        both.pri.do("proceeding", ring["call"], ring["channel"])
        both.pri.do("progress", ring["call"], ring["channel"])
        await asyncio.sleep(0.1)
        assert call.state == "out_inband"

    joined(role, main, PriOptions(overlap=True, dnis_digits=6), overlap=True)


@ROLES
def test_restart_both_ways(role):
    async def main(both):
        both.pri.setup("1", channel=4)
        await asyncio.sleep(0.1)
        call = both.span.reports.get_nowait().call
        both.pri.restart(4)
        await asyncio.sleep(0.1)
        assert (both.told(), call.state) == ([("Disconnected", 41), "Released"], "null")
        assert both.pri.last("restart_ack")["channel"] == 4
        both.span.restart(9)
        await asyncio.sleep(0.1)
        assert both.pri.last("restart")["channel"] == 9
        assert both.span.out == frozenset()

    joined(role, main)


@ROLES
def test_thirty_calls_at_once_and_glare(role):
    """Both sides call on all channels in the same instant; each channel has one call in the end."""

    async def main(both):
        ours = [both.span.seize(f"7{n:02}") for n in range(30)]
        theirs = [both.pri.setup(f"8{c:02}", channel=c) for c in both.span.channels]
        await asyncio.sleep(1)
        for ring in [e for e in both.pri.events if e["name_of_event"] == "ring"]:
            both.pri.do("proceeding", ring["call"], ring["channel"])
            both.pri.do("answer", ring["call"], ring["channel"])
        for call in list(both.span.calls.values()):
            if not call.ours:
                call.answer()
        await asyncio.sleep(1)
        alive = list(both.span.calls.values())
        assert {c.state for c in alive} == {"active"}
        assert sorted(c.channel for c in alive) == sorted(both.span.channels)
        # 5.7: the network's calls have the channels
        assert {c.ours for c in alive} == {role == "network"}
        assert len(ours) == len(theirs) == len(alive) == 30
        for call in alive:
            call.hang_up()
        await asyncio.sleep(1)
        assert not both.span.calls
        assert len(both.span.free()) == 30

    joined(role, main)


@ROLES
def test_ten_minutes_of_silence_keep_the_link(role):
    async def main(both):
        await asyncio.sleep(600)
        assert both.span.up
        assert both.pri.names().count("up") == 1
        assert "down" not in both.pri.names()

    joined(role, main)


@ROLES
@pytest.mark.parametrize("seed", range(4))
def test_calls_go_through_while_frames_are_lost_and_doubled(role, seed):
    """One frame of twelve is lost, one of twelve comes twice, in both directions."""
    chance = random.Random(seed)

    async def whole():
        both = Joined(role, lose=lambda: chance.choices((0, 1, 2), (1, 10, 1))[0])
        await both.start(12)
        for n in range(10):
            both.told()
            both.pri.events.clear()
            call = both.span.seize(f"100{n}", ani="55")
            await asyncio.sleep(6)
            ring = both.pri.last("ring")
            assert (ring["dnis"], ring["ani"]) == (f"100{n}", "55")
            both.pri.do("answer", ring["call"], ring["channel"])
            await asyncio.sleep(6)
            assert call.state == "active"
            call.hang_up()
            await asyncio.sleep(6)
            assert both.pri.last("hangup_req")["cause"] == 16
            assert call.state == "null"
        assert both.span.link.resent > 0
        both.close()

    run(whole)


@ROLES
@pytest.mark.parametrize("seed", range(8))
def test_changed_messages_break_neither_side(role, seed):
    """Octets of layer 3 are changed on the way to us; then a good call still goes through."""
    chance, changed = random.Random(seed), []

    def change(frame):
        if len(frame) < 9 or frame[2] & 1:
            return frame
        octets = bytearray(frame)
        for _ in range(chance.randint(1, 3)):
            octets[chance.randrange(4, len(octets))] = chance.randrange(256)
        cut = chance.randint(5, len(octets)) if chance.random() < 0.2 else len(octets)
        changed.append(bytes(octets[:cut]))
        return changed[-1]

    async def main(both):
        both.back.change = change
        for n in range(15):
            theirs = both.pri.setup(f"12{n}", "55", channel=n + 1 + (n == 15), exclusive=False)
            await asyncio.sleep(0.2)
            for call in list(both.span.calls.values()):
                if call.state == "in_proceeding":
                    call.answer()
            await asyncio.sleep(0.2)
            both.pri.do("hang_up", theirs, 16, gone=True)
            await asyncio.sleep(5)
        both.back.change = lambda frame: frame
        assert len(changed) > 15
        for call in list(both.span.calls.values()):
            call.hang_up()
        await asyncio.sleep(300)
        assert not both.span.calls
        assert both.span.up
        both.told()
        both.pri.setup("778", "55", channel=31)
        await asyncio.sleep(0.2)
        assert both.span.reports.get_nowait().event.dnis == "778"

    joined(role, main)
