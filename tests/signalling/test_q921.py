"""The data link: every pair of its table, frames octet by octet, two ends over a bad line."""

import asyncio
import random
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti_board.errors import InvalidStateError, ProtocolError
from cti_board.fsm import Go, Machine, Refuse
from cti_board.signalling.q921 import N201, Data, Down, K, Link, Reset, Up, parse
from cti_board.signalling.q921_table import LINK, LinkEvent, LinkState

from .fake_port import RATE, run


class Wire:
    """A D channel of one link: `sent` is hex; `other` gets it `lose()` times after `delay`."""

    def __init__(self, delay=0.005, lose=lambda: 1):
        self.sent, self.other, self.delay, self.lose = [], None, delay, lose
        self.flying = deque()  # a wire keeps the order, equal timers do not

    @property
    def now_samples(self):
        return round(asyncio.get_running_loop().time() * RATE)

    def send_frame(self, frame):
        self.sent.append(frame.hex())
        if self.other is not None:
            for _ in range(self.lose()):
                self.flying.append(frame)
                asyncio.get_running_loop().call_later(self.delay, self.arrive)

    def arrive(self):
        self.other.take(self.flying.popleft())

    def take_sent(self):
        sent, self.sent = self.sent, []
        return sent


def one(role="user", **options):
    wire, told = Wire(), []
    return wire, told, Link(wire, role, told.append, **options)


def established(role="user"):
    wire, told, link = one(role)
    link.take(bytes.fromhex("02017f" if role == "user" else "00017f"))
    assert told.pop() == Up()
    wire.take_sent()
    return wire, told, link


def two(lose=lambda: 1):
    """A user and a network, joined."""
    wires, told, links = [Wire(lose=lose), Wire(lose=lose)], [[], []], []
    for wire, where, role in zip(wires, told, ("user", "network"), strict=True):
        links.append(Link(wire, role, where.append))
    wires[0].other, wires[1].other = links[1], links[0]
    return links, told


def feed(link, *frames):
    for frame in frames:
        link.take(bytes.fromhex(frame))


# ---- the table --------------------------------------------------------------------------


def test_every_pair_has_one_row():
    assert set(LINK.flat) == {(s, e) for s in LINK.states for e in LINK.events}


@pytest.mark.parametrize("state", LinkState, ids=lambda s: s.name)
@pytest.mark.parametrize("event", LinkEvent, ids=lambda e: e.name)
def test_pair(state, event):
    """The machine does for this pair what its row says, and nothing else."""
    done, limits = [], []
    machine = Machine(LINK, done.append, limits.append)
    machine.state = state
    row = LINK.flat[state, event]
    if isinstance(row, Refuse):
        with pytest.raises(InvalidStateError):
            machine.feed(event, 8)
    else:
        machine.feed(event, 8)
    if isinstance(row, Go):
        assert (tuple(done), machine.state) == (row.actions, row.to or state)
    else:
        assert (done, limits, machine.state) == ([], [], state)
        assert row.why


def test_every_state_is_reached_and_every_action_is_used():
    reached, todo, used = set(), [LINK.start], set()
    while todo:
        here = todo.pop()
        if here not in reached:
            reached.add(here)
            rows = [LINK.flat[here, e] for e in LINK.events]
            used |= {a for row in rows if isinstance(row, Go) for a in row.actions}
            todo += [row.to for row in rows if isinstance(row, Go) and row.to]
    assert (reached, used) == (set(LINK.states), set(LINK.actions))


# ---- octets -----------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "sabme", "ua"), [
    ("user", "00017f", "000173"), ("network", "02017f", "020173"),
])  # fmt: skip
def test_set_up_octets(role, sabme, ua):
    """Q.921 3.3.2: a network's command carries C/R 1, and the answer to it, too."""

    async def main():
        wire, told, link = one(role)
        link.establish()
        assert wire.take_sent() == [sabme]
        assert link.state == "establishing"
        feed(link, ua)
        assert (told, link.up) == ([Up()], True)
        link.release()
        assert wire.take_sent() == [sabme[:4] + "53"]
        feed(link, ua)
        assert (told[-1], link.up) == (Down(), False)
        link.close()

    run(main)


def test_i_frames_are_numbered_acknowledged_and_windowed():
    async def main():
        wire, told, link = established()
        for n in range(10):
            assert link.send(bytes([8, n]))
        assert wire.take_sent() == [f"0001{n * 2:02x}0008{n:02x}" for n in range(K)]
        feed(link, "00010106")  # RR response, N(R) = 3
        assert wire.take_sent() == [f"0001{n * 2:02x}0008{n:02x}" for n in (7, 8, 9)]
        feed(link, "0201000eaabb")  # I, N(S) = 0, N(R) = 7
        assert told == [Data(b"\xaa\xbb")]
        assert wire.take_sent() == ["02010102"]
        feed(link, "02010213cc")  # I, N(S) = 1, N(R) = 9, P
        assert wire.take_sent() == ["02010105"]  # RR, N(R) = 2, F
        link.close()

    run(main)


def test_numbers_go_round_at_128():
    async def main():
        links, told = two()
        links[0].establish()
        await asyncio.sleep(0.1)
        for n in range(300):
            assert links[0].send(bytes([n % 256]))
        await asyncio.sleep(2)
        assert [d.message[0] for d in told[1][1:]] == [n % 256 for n in range(300)]
        assert (links[0].resent, links[0].lost) == (0, 0)
        for link in links:
            link.close()

    run(main)


def test_a_gap_is_asked_for_once():
    async def main():
        wire, told, link = established()
        feed(link, "02010200aa", "02010400bb")  # N(S) 1, 2: 0 is missing
        assert wire.take_sent() == ["02010900"]  # REJ, N(R) = 0
        feed(link, "02010600cc"[:6] + "01cc")  # N(S) 3 with P
        assert wire.take_sent() == ["02010101"]  # RR, F
        feed(link, "02010000aa", "02010200bb")
        assert [d.message for d in told] == [b"\xaa", b"\xbb"]
        feed(link, "02010600cc")
        assert wire.take_sent()[-1] == "02010904"
        link.close()

    run(main)


def test_rej_sends_again_from_its_number():
    async def main():
        wire, _, link = established()
        for n in range(4):
            link.send(bytes([n]))
        wire.take_sent()
        feed(link, "00010902")  # REJ, N(R) = 1
        assert wire.take_sent() == ["0001020001", "0001040002", "0001060003"]
        assert link.resent == 3
        link.close()

    run(main)


def test_a_busy_peer_gets_nothing_until_it_is_ready():
    async def main():
        wire, _, link = established()
        feed(link, "00010500")  # RNR
        link.send(b"x")
        assert wire.take_sent() == []
        await asyncio.sleep(1.1)
        assert wire.take_sent() == ["00010101"]  # T200: RR with P
        feed(link, "00010501")  # RNR, F: still busy
        assert (link.state, wire.take_sent()) == ("established", [])
        feed(link, "00010100")
        assert wire.take_sent() == ["0001000078"]
        link.close()

    run(main)


# ---- timers -----------------------------------------------------------------------------


def test_sabme_is_sent_four_times_one_second_apart():
    async def main():
        wire, told, link = one()
        link.establish()
        times = []
        for _ in range(50):
            times += [round(asyncio.get_running_loop().time(), 1)] * len(wire.take_sent())
            await asyncio.sleep(0.1)
        assert times == [0, 1, 2, 3]
        assert (told, link.state) == ([Down()], "released")
        link.close()

    run(main)


def test_silence_is_enquired_after_ten_seconds_and_then_set_up_anew():
    async def main():
        wire, told, link = established("network")
        await asyncio.sleep(9.9)
        assert wire.take_sent() == []
        await asyncio.sleep(0.2)
        assert (wire.take_sent(), link.state) == (["02010101"], "recovery")
        feed(link, "02010101")  # RR, F
        assert link.state == "established"
        await asyncio.sleep(10.1 + 3.1)
        assert wire.take_sent() == ["02010101"] * 3 + ["02017f"]
        await asyncio.sleep(4)
        assert wire.take_sent() == ["02017f"] * 3
        assert told == [Down()]
        link.close()

    run(main)


def test_an_unacknowledged_message_is_enquired_and_sent_again():
    async def main():
        wire, _, link = established()
        link.send(b"x")
        await asyncio.sleep(1.1)
        assert wire.take_sent() == ["0001000078", "00010101"]
        feed(link, "00010101")  # RR, F, N(R) = 0: it never came
        assert wire.take_sent() == ["0001000078"]
        feed(link, "00010102")
        await asyncio.sleep(5)
        assert (wire.take_sent(), link.state) == ([], "established")
        link.close()

    run(main)


# ---- what should not come ---------------------------------------------------------------


@pytest.mark.parametrize("frame", [
    "", "00", "0001", "ffff7f", "0003ff", "fc01c1", "040101ff", "fefe03",
])  # fmt: skip
def test_garbage_is_counted_and_ignored(frame):
    async def main():
        wire, told, link = established()
        feed(link, frame)
        assert (link.garbage, wire.sent, told, link.state) == (1, [], [], "established")
        link.close()

    run(main)


@pytest.mark.parametrize("frame", [
    "000197000000",  # FRMR
    "0201ff", "02010100ff", "02010d00", "020100", "02010000", "020101",
    "00010000aa",  # I as a response
    "02010000" + "aa" * (N201 + 1), "02017fff", "00010104",  # N(R) of what was never sent
    "00010f",  # DM, F = 0
])  # fmt: skip
def test_what_breaks_the_protocol_sets_the_link_up_anew(frame):
    """Q.921 5.8.5, 5.8.6, 5.7: re-establishment, and what waits goes out after it."""

    async def main():
        wire, told, link = established()
        feed(link, frame)
        assert (wire.take_sent(), link.state) == (["00017f"], "establishing")
        assert link.machine.error_count == 1
        link.send(b"x")
        feed(link, "000173")
        assert (told, wire.take_sent()) == ([Up()], ["0001000078"])
        link.close()

    run(main)


@pytest.mark.parametrize("frame", ["000173", "000163", "00011f", "020103aabb", "0201bf"])
def test_answers_to_nothing_and_unnumbered_information_change_nothing(frame):
    async def main():
        wire, told, link = established()
        feed(link, frame)
        assert (wire.sent, told, link.state) == ([], [], "established")
        link.close()

    run(main)


def test_a_second_sabme_is_answered_and_told_when_something_was_lost():
    async def main():
        wire, told, link = established()
        feed(link, "02017f")
        assert (wire.take_sent(), told) == (["020173"], [])
        link.send(b"x")
        feed(link, "02017f")
        assert (told, link.lost) == ([Reset()], 1)
        feed(link, "020153")  # DISC
        assert (told[-1], wire.take_sent()[-1]) == (Down(), "020173")
        assert link.send(b"y") is False
        feed(link, "020153")
        assert wire.take_sent() == ["02011f"]  # DM, F
        link.close()

    run(main)


def test_a_refused_set_up_and_a_wish_for_one():
    async def main():
        wire, told, link = one()
        link.establish()
        feed(link, "00011f")
        assert told == [Down()]
        wire.take_sent()
        feed(link, "00010f")  # DM, F = 0: please set up
        assert wire.take_sent() == ["00017f"]
        link.close()

    run(main)


def test_a_port_that_fails_takes_the_link_down_and_raises_only_to_who_sent():
    async def main():
        wire, told, link = established()

        def fail(frame):
            raise OSError("no such device")

        wire.send_frame = fail
        with pytest.raises(OSError, match="no such device"):
            link.send(b"x")
        assert (told, link.state) == ([Down()], "released")
        link.close()

    run(main)


def test_wrong_arguments():
    async def main():
        wire, _, link = one()
        for message in (b"", bytes(N201 + 1)):
            with pytest.raises(ValueError, match="1 to 260 octets"):
                link.send(message)
        with pytest.raises(ValueError, match="T203 longer"):
            Link(wire, "user", print, t200_ms=5, t203_ms=5)

    run(main)


@given(st.binary(max_size=12), st.sampled_from(["user", "network"]))
def test_any_octets_are_a_frame_or_a_protocol_error(octets, role):
    try:
        frame = parse(octets, role)
    except ProtocolError:
        return
    assert octets[1] == 1
    assert frame.info == b"" or frame.event is LinkEvent.I


@given(st.lists(st.binary(min_size=1, max_size=6), max_size=30))
def test_a_link_survives_any_frames_and_comes_up_again(frames):
    async def main():
        _, told, link = established()
        for octets in frames:
            feed(link, f"{2 * (octets[0] & 1):02x}01" + octets.hex())
            await asyncio.sleep(0.3)
        feed(link, "02017f", "000173", "02010000aa")
        assert (link.state, told[-1]) == ("established", Data(b"\xaa"))
        link.close()

    run(main)


@pytest.mark.parametrize("seed", range(6))
def test_over_a_bad_line_every_message_comes_once_and_in_order(seed):
    """Frames are lost (15 %) and doubled (15 %): layer 3 sees neither."""

    async def main():
        chance = random.Random(seed)
        lose = lambda: chance.choices((0, 1, 2), (15, 70, 15))[0]  # noqa: E731
        links, told = two(lose)
        links[0].establish()
        await asyncio.sleep(10)
        assert links[0].up
        assert links[1].up
        for n in range(60):
            links[n % 2].send(bytes([n]))
            await asyncio.sleep(chance.random())
        await asyncio.sleep(60)
        got = [[d.message[0] for d in where if isinstance(d, Data)] for where in told]
        downs = [d for where in told for d in where if d in (Down(), Reset())]
        if not downs:
            assert got == [list(range(1, 60, 2)), list(range(0, 60, 2))]
        for mine in got:
            assert mine == sorted(set(mine))
        assert links[0].resent + links[1].resent > 0
        for link in links:
            link.close()

    run(main)
