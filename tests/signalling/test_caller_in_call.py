"""What the exchange tells of a caller, as a call has it."""

import asyncio

import pytest

from cti_board import events as ev
from cti_board.call import LineOptions, TrunkGroup
from cti_board.errors import CtiTimeoutError
from cti_board.signalling.port import LineType

from .test_call import CLASSIC, DIAL, at, lines, sent, virtual


@virtual
async def test_what_the_exchange_told_of_the_caller_is_in_the_call():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port], options=LineOptions()) as group:
        at(1.0, port, ev.RingBegin)
        at(2.0, port, ev.RingEnd, length_ms=1000)
        at(3.0, port, ev.CallerId, number="13800138000", method="fsk", valid=True, name="王")
        call = await group.offered()
        assert (call.ani, call.ani_source) == ("13800138000", "FSK")
        assert (call.ani_name, call.ani_absence) == ("王", "")


@virtual
async def test_a_caller_who_hides_says_why_there_is_no_number():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port], options=LineOptions()) as group:
        at(1.0, port, ev.RingBegin)
        at(2.0, port, ev.RingEnd, length_ms=1000)
        at(3.0, port, ev.CallerId, number="", method="fsk", valid=True, absence="P")
        call = await group.offered()
        assert (call.ani, call.ani_source, call.ani_absence) == ("", "FSK", "P")


@virtual
async def test_a_number_in_dtmf_has_an_end_a_greatest_length_and_starts_anew():
    (port,) = lines(LineType.FXO, 1)
    heard = {"level_dbm0": -10.0, "twist_db": 0.0, "age_samples": 240}

    def key(seconds, digits):
        for n, digit in enumerate(digits):
            at(seconds + 0.12 * n, port, ev.DtmfBegin, digit=digit, **heard)

    async with TrunkGroup([port], options=LineOptions(caller_id="dtmf")) as group:
        key(1.0, "D12D456C")
        at(4.0, port, ev.RingBegin)
        call = await group.offered()
        assert (call.ani, call.ani_source) == ("456", "DTMF")
        await call.answer()
        call.hang_up()
        await asyncio.sleep(30)
        key(asyncio.get_running_loop().time() + 1, "D" + "5" * 40 + "C")
        at(asyncio.get_running_loop().time() + 8, port, ev.RingBegin)
        assert (await group.offered()).ani == ""


@virtual
async def test_a_line_without_caller_id_can_be_seized_after_a_reversal():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port], options=CLASSIC) as group:
        at(1.0, port, ev.PolarityReversal, reversed=True)
        at(2.5, port, ev.ToneOn, **DIAL)
        await asyncio.sleep(1.5)
        with pytest.raises(CtiTimeoutError):
            await group.call("123", timeout_s=5.0)
        assert "set_hook off-hook" in sent(port, "set_hook")
