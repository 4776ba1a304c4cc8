"""E1 lines with R2 registers over real sound: two channels of the loop card in virtual time.

The card carries sound only; line bits go by a wire of the test, 40 ms late.
"""

import asyncio
import random
from pathlib import Path

import pytest

from cti_board import events as ev
from cti_board import open_board, run
from cti_board.capability import Capabilities
from cti_board.errors import InvalidStateError
from cti_board.signalling.line import Answered, LineOptions, make_line
from cti_board.signalling.port import LineType
from cti_board.signalling.r2_variants import VARIANTS
from tests.native.loop_card import build

BITS_S = 0.04  # recognition of 20 ms (ITU-T Q.421) and a frame
EVERY = pytest.mark.parametrize("variant", VARIANTS.values(), ids=lambda v: v.name)


@pytest.fixture(scope="session")
def card(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("mfc"))


class WiredPort:
    """A channel of the loop card as a timeslot; ``mute``: so many of our signals are not sent."""

    line_type = LineType.E1_CAS
    capabilities = Capabilities(0)
    alarms = ev.Alarm(0)

    def __init__(self, channel, far):
        self._channel, self._far, self._bits, self.mute = channel, far, 9, 0
        self.sent = []

    def __getattr__(self, name):
        return getattr(self._channel, name)

    def resync(self):
        """The bits of the test's wire have no levels of their own."""

    def set_cas(self, bits):
        before, self._bits = self._bits, bits
        asyncio.get_running_loop().call_later(BITS_S, self._arrive, bits, before)

    def _arrive(self, bits, before):
        at, board = self._channel.now_samples, self._channel.board
        change = ev.CasChange(0, at, board.number, self._far.number, bits, before)
        board.loop.pump.dispatch([change])

    def send_mf(self, signal, set_):
        self.sent.append(signal)
        if self.mute and len(self.sent) == self.mute:
            return 0
        return self._channel.send_mf(signal, set_)


class Ends:
    """The calling line and the called one."""

    def __init__(self, board, variant, **options):
        a, b = board.channels[:2]
        self.reports = asyncio.Queue()
        self.ports = WiredPort(a, b), WiredPort(b, a)
        wishes = LineOptions(registers="mfc", r2_variant=variant.name, **options)
        self.out, self.into = (make_line(p, self.reports, wishes) for p in self.ports)

    async def __aenter__(self):
        for line in (self.out, self.into):
            line.start()
        return self

    async def __aexit__(self, *error):
        for line in (self.out, self.into):
            await line.close()

    async def told(self, line, kind):
        """The next report of this kind from this line."""
        while True:
            report = await self.reports.get()
            if report.line is line and isinstance(report.event, kind):
                return report.event

    async def at_rest(self):
        for _ in range(600):  # each step is 0.1 s of virtual time
            if self.out.idle and self.into.idle:
                break
            await asyncio.sleep(0.1)
        assert self.out.idle
        assert self.into.idle
        for line in (self.out, self.into):
            assert not line.faults
            assert not line._registers.incoming.at_work
            assert not line._registers.outgoing.at_work
            assert line.port._armed["mf"] == 0


def on_line(card, variant, test, **options):
    async def main():
        async with (
            open_board(f"lib:{card}?2") as board,
            asyncio.timeout(900),
            Ends(board, variant, **options) as ends,
        ):
            await test(ends)

    run(main, clock="virtual")


@EVERY
def test_25_calls(card, variant):
    """ANI, DNIS, category and the way a call ends, both lines calling in turns."""
    chance = random.Random(variant.name)
    causes = (None, 17, None, 34, None, 1)

    async def main(ends):
        for number in range(25):
            if number % 2:
                ends.out, ends.into = ends.into, ends.out
            dnis = "".join(chance.choices("0123456789", k=7))
            ani = "".join(chance.choices("0123456789", k=chance.randint(0, 11)))
            await one_call(ends, dnis, ani, causes[number % len(causes)])
            for line in (ends.out, ends.into):
                assert not line.machine.errors

    async def one_call(ends, dnis, ani, cause):
        ends.out.seize(dnis, ani=ani)
        offer = await ends.told(ends.into, ev.CallOffered)
        assert (offer.dnis, offer.ani, offer.category) == (dnis, ani, "subscriber")
        assert offer.ani_source == ("R2" if ani else "")
        if cause is None:
            ends.into.answer()
            await ends.told(ends.out, ev.CallAlerting)
            assert (await ends.told(ends.out, Answered)).method == "line bits"
            ends.out.hang_up()
            assert (await ends.told(ends.into, ev.CallDisconnected)).cause == 16
        else:
            ends.into.reject(cause)
            cleared = await ends.told(ends.out, ev.CallDisconnected)
            assert cleared.cause == variant.group_b[variant.line(cause)].cause
        await ends.at_rest()

    on_line(card, variant, main, dnis_digits=7)


@EVERY
def test_a_number_of_unknown_length(card, variant):
    async def main(ends):
        ends.out.seize("88002", ani="13800138000")
        offer = await ends.told(ends.into, ev.CallOffered)
        assert (offer.dnis, offer.ani) == ("88002", "13800138000")
        ends.into.accept()
        await ends.told(ends.out, ev.CallAlerting)
        ends.into.answer()
        await ends.told(ends.out, Answered)
        ends.into.hang_up()
        assert (await ends.told(ends.out, ev.CallDisconnected)).cause == 16
        await ends.at_rest()

    on_line(card, variant, main)


@EVERY
@pytest.mark.parametrize(("end", "which"), [(0, 1), (0, 3), (1, 1), (1, 4)])
def test_a_signal_that_is_not_sent_clears_the_call(card, variant, end, which):
    """Cause 102 for silence, 34 where the far end's congestion was heard; then both are idle."""

    async def main(ends):
        ends.ports[end].mute = which
        ends.out.seize("8800123", ani="123")
        cleared = await ends.told(ends.out, ev.CallDisconnected)
        assert cleared.cause in (102, 34)
        await ends.at_rest()
        ends.out.seize("8800123", ani="123")  # and the line works
        assert (await ends.told(ends.into, ev.CallOffered)).dnis == "8800123"

    on_line(card, variant, main, dnis_digits=7)


@pytest.mark.parametrize("after_s", [0.1, 0.5, 1.0, 2.0])
def test_the_caller_hangs_up_between_the_registers(card, after_s):
    async def main(ends):
        ends.out.seize("8800123", ani="12345678901")
        await asyncio.sleep(after_s)
        ends.out.hang_up()
        await ends.told(ends.out, ev.CallReleased)
        await ends.at_rest()
        assert all(report.line is ends.out for report in drain(ends.reports))

    def drain(queue):
        while not queue.empty():
            yield queue.get_nowait()

    on_line(card, VARIANTS["itu"], main, dnis_digits=7)


def test_nobody_decides_and_the_line_counts_as_free(card):
    async def main(ends):
        ends.out.seize("8800123")
        offer = await ends.told(ends.into, ev.CallOffered)
        alerting = await ends.told(ends.out, ev.CallAlerting)
        assert 7.5 * 8000 < alerting.at - offer.at < 12 * 8000  # below T1 of ITU-T Q.476
        ends.into.answer()
        await ends.told(ends.out, Answered)
        ends.out.hang_up()
        await ends.told(ends.into, ev.CallReleased)
        await ends.at_rest()

    on_line(card, VARIANTS["itu"], main, dnis_digits=7)


def test_the_answer_waits_for_the_register(card):
    """Answered is told to our side when the far end's register knows that the line is free."""

    async def main(ends):
        ends.out.seize("8800123")
        await ends.told(ends.into, ev.CallOffered)
        began = ends.into.port.now_samples
        ends.into.answer()
        ours = await ends.told(ends.into, Answered)
        assert ends.ports[1].sent[-1] == 6  # B-6
        assert 800 < ours.at - began < 4000
        assert not ends.into._registers.incoming.at_work
        ends.out.hang_up()
        await ends.at_rest()

    on_line(card, VARIANTS["itu"], main, dnis_digits=7)


@EVERY
def test_a_cycle_takes_a_quarter_of_a_second_at_most(card, variant):
    async def main(ends):
        ends.out.seize("8800123")
        await ends.told(ends.into, ev.CallOffered)
        cycles = len(ends.ports[0].sent)
        took = ends.into.port.now_samples - ends.out.machine.since
        assert cycles >= 9
        assert took / cycles < 0.25 * 8000

    on_line(card, variant, main, dnis_digits=7)


def test_what_cannot_be_asked_is_refused(card):
    async def main(ends):
        with pytest.raises(ValueError, match="R2 registers send digits"):
            ends.out.seize("88#")
        with pytest.raises(InvalidStateError):
            ends.into.answer()
        assert ends.out.idle

    on_line(card, VARIANTS["itu"], main)
    with pytest.raises(ValueError, match="registers is dtmf or mfc"):
        LineOptions(registers="r1")
    with pytest.raises(ValueError, match="no R2 variant"):
        make_line(WiredPort(None, None), None, LineOptions(registers="mfc", r2_variant="mars"))
