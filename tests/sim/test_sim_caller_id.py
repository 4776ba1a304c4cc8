"""Caller identification over the simulated card: the exchange sends and the media plane hears;
the line machine sends and the telephone's display, a decoder of firmware_sim's own, hears."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("cti_board._native._media", reason="the media plane is not built")
from cti_board._native._media import ffi, lib

from cti_board import events as ev
from cti_board import run
from cti_board.capability import Capabilities
from cti_board.dsp.caller_id import CallerId, build_message, fsk_sound, make_fsk
from cti_board.signalling.line import LineOptions, make_line
from cti_board.signalling.port import LineType
from cti_board.street import FarEndReport
from cti_board.testing.sim_rig import SimRig

NUMBER = "02156430144"
RING_MS, PAUSE_MS = 1000, 4000


def on_card(test, url="sim:fxo=1,fxs=1,phones=2", **line):
    """Run ``test(rig, board)`` in virtual time."""
    rig = SimRig(url, **line)

    async def main():
        async with rig.board() as board:
            return await test(rig, board)

    return run(main, clock="virtual")


def channel(board, kind):
    return next(c for c in board.channels if c.line_type is kind)


async def offered(reports, seconds):
    """The first call that is offered, and when."""
    async with asyncio.timeout(seconds):
        while True:
            report = await reports.get()
            if isinstance(report.event, ev.CallOffered):
                return report.event


# ---- received: the exchange sends ----------------------------------------------------------

FSK_AFTER_RING, DTMF_BEFORE_RING, FSK_BEFORE_RING = 1, 2, 3


async def call_in(rig, board, how, **options):
    """What a call that comes in is offered with; and the events of the line."""
    fxo = channel(board, LineType.FXO)
    board.street.option(lib.CTB_SO_CALLER_ID, how, fxo.number)
    reports = asyncio.Queue()
    line = make_line(fxo, reports, LineOptions(**options))
    events = fxo.events(ev.RingBegin, ev.CallerId)
    line.start()
    far = rig.far_end(fxo)
    await far.ring()
    offer = await offered(reports, 20)
    heard = []
    while (event := events.get_nowait()) is not None:
        heard.append(event)
    await line.close()
    await far.hang_up()
    return far.number, offer, heard, line.faults


@pytest.mark.parametrize("country", ["cn", "uk"])
@pytest.mark.parametrize(
    ("how", "option", "order"),
    [
        (FSK_AFTER_RING, "fsk", ["RingBegin", "CallerId"]),
        (FSK_BEFORE_RING, "fsk", ["CallerId", "RingBegin"]),
        (DTMF_BEFORE_RING, "dtmf", ["RingBegin"]),
    ],
)
def test_the_number_before_and_after_ring_1(how, option, order, country):
    number, offer, heard, faults = on_card(
        lambda rig, board: call_in(rig, board, how, caller_id=option),
        f"sim:fxo=1,fxs=1,phones=2,country={country}",
        country=country,
    )
    assert offer.ani == number
    names = dict.fromkeys(type(e).__name__ for e in heard)  # double ringing is one ring
    assert list(names) == order
    told = [e for e in heard if isinstance(e, ev.CallerId)]
    assert all(e.valid and e.number == number and len(e.date) == 8 for e in told)
    assert not faults


def test_no_number_is_an_offer_without_one():
    _, offer, heard, _ = on_card(lambda rig, board: call_in(rig, board, 0, caller_id="fsk"))
    assert offer.ani == ""
    assert not any(isinstance(e, ev.CallerId) for e in heard)


async def hear_message(rig, board, message):
    """What the line's detector makes of a message that the far end sends in a conversation."""
    fxo = channel(board, LineType.FXO)
    far = rig.far_end(fxo)
    rings = fxo.events(ev.RingBegin)
    await far.ring()
    await rings.get()
    fxo.set_hook(True)
    await asyncio.sleep(0.5)
    stream = fxo.events(ev.CallerId)
    fxo.arm(fsk=True)
    await far.play(message)
    await asyncio.sleep(0.5)
    fxo.arm(fsk=False)
    return stream.get_nowait()


def sound_of(message):
    """A message as A-law, by the library's sender."""
    linear = make_fsk(message)
    codes = np.empty(len(linear), np.uint8)
    lib.ctb_alaw_encode(
        ffi.cast("uint8_t *", codes.ctypes.data),
        ffi.cast("int16_t *", linear.ctypes.data),
        len(linear),
    )
    return codes.tobytes()


def test_name_date_and_absence_come_up():
    message = build_message(CallerId(NUMBER, "王小明", "03171656"))
    event = on_card(lambda rig, board: hear_message(rig, board, sound_of(message)))
    assert (event.number, event.name, event.date, event.valid) == (
        NUMBER, "王小明", "03171656", True,
    )  # fmt: skip
    private = build_message(CallerId(date="03171656", number_absence="P"))
    event = on_card(lambda rig, board: hear_message(rig, board, sound_of(private)))
    assert (event.number, event.absence, event.valid) == ("", "P", True)


def test_a_wrong_checksum_gives_no_number():
    message = bytearray(build_message(CallerId(NUMBER, date="03171656")))
    message[-1] ^= 1
    event = on_card(lambda rig, board: hear_message(rig, board, sound_of(bytes(message))))
    assert not event.valid
    assert (event.number, event.name, event.date) == ("", "", "")


# ---- sent: the telephone's display hears ----------------------------------------------------


async def ring_phone(rig, board, seconds, lift_at=0.0, **options):
    """Rings the telephone; what it reports in so many seconds: (what, sample, text)."""
    fxs = channel(board, LineType.FXS)
    phone = rig.telephone(fxs)
    stream = phone.events()
    line = make_line(fxs, asyncio.Queue(), LineOptions(**options))
    line.start()
    await asyncio.sleep(1.0)
    line.seize("", ani=NUMBER)
    if lift_at:
        await asyncio.sleep(lift_at)
        phone.off_hook()
    await asyncio.sleep(seconds - lift_at)
    found = []
    while (report := stream.get_nowait()) is not None:
        if isinstance(report, ev.StreetReport):
            found.append((report.what, report.at, report.text))
    await line.close()
    assert not line.faults
    return found


RINGS = (FarEndReport.RING_BEGIN, FarEndReport.RING_END)


def cadence(found):
    """Lengths between the edges of the ringing, ms."""
    edges = [at for what, at, _ in found if what in RINGS]
    return [(b - a) // 8 for a, b in pairwise(edges)]


@pytest.mark.parametrize("standard", ["bell202", "v23"])
def test_the_display_shows_the_number_after_ring_1(standard):
    found = on_card(
        lambda rig, board: ring_phone(
            rig, board, 17.0, ring_on_ms=RING_MS, ring_off_ms=PAUSE_MS, caller_id_standard=standard
        )
    )
    shown = [(at, text) for what, at, text in found if what == FarEndReport.CALLER_ID]
    assert [text for _, text in shown] == [NUMBER]
    first_end = next(at for what, at, _ in found if what == FarEndReport.RING_END)
    second = [at for what, at, _ in found if what == FarEndReport.RING_BEGIN][1]
    spent_ms = len(fsk_sound(NUMBER, standard, "03171656")) // 8
    assert first_end + 500 * 8 < shown[0][0] < first_end + (500 + spent_ms + 60) * 8
    assert shown[0][0] + 250 * 8 < second  # Telcordia GR-30
    assert cadence(found)[:6] == [RING_MS, PAUSE_MS] * 3


def test_the_display_shows_the_number_before_ring_1():
    found = on_card(lambda rig, board: ring_phone(rig, board, 12.0, caller_id="dtmf"))
    whats = [what for what, _, _ in found]
    assert whats.index(FarEndReport.CALLER_ID) < whats.index(FarEndReport.RING_BEGIN)
    assert [text for what, _, text in found if what == FarEndReport.CALLER_ID] == [NUMBER]
    assert cadence(found)[:2] == [RING_MS, PAUSE_MS]


def test_nothing_is_shown_where_nothing_is_sent():
    found = on_card(lambda rig, board: ring_phone(rig, board, 12.0, caller_id="none"))
    assert FarEndReport.CALLER_ID not in [what for what, _, _ in found]


def test_lifting_the_handset_ends_the_message():
    """1.9 s: in the middle of it."""
    found = on_card(lambda rig, board: ring_phone(rig, board, 8.0, lift_at=1.9))
    whats = [what for what, _, _ in found]
    assert FarEndReport.CALLER_ID not in whats
    assert whats.count(FarEndReport.RING_BEGIN) == 1


def test_a_card_that_sends_the_number_itself_says_so():
    async def told(rig, board):
        fxs = channel(board, LineType.FXS)
        return fxs.capabilities, await ring_phone(rig, board, 8.0)

    plain, _ = on_card(told)
    own, found = on_card(told, "sim:fxo=1,fxs=1,phones=2,media=board")
    assert Capabilities.BOARD_CALLER_ID not in plain
    assert Capabilities.BOARD_CALLER_ID in own
    assert [text for what, _, text in found if what == FarEndReport.CALLER_ID] == [NUMBER]


def test_a_display_shows_no_message_with_a_wrong_checksum():
    async def send(rig, board):
        fxs = channel(board, LineType.FXS)
        stream = rig.telephone(fxs).events()
        message = bytearray(build_message(CallerId(NUMBER)))
        for wrong in (1, 0):
            message[-1] ^= wrong
            await fxs.play(sound_of(bytes(message)))
            message[-1] ^= wrong
        await asyncio.sleep(0.2)
        return [r.text for r in iter(stream.get_nowait, None) if isinstance(r, ev.StreetReport)]

    assert on_card(send) == [NUMBER]
