"""Calls and groups of lines: what an application sees, on channels without a board."""

import asyncio

import pytest

from cti_board import events as ev
from cti_board.call import CallState, LineOptions, TrunkGroup
from cti_board.capability import Capabilities
from cti_board.errors import (
    CallCleared,
    CtiTimeoutError,
    InvalidStateError,
    NotSupportedError,
    SeizeError,
)
from cti_board.signalling.port import LineType

from .fake_port import FakePort, run

BUSY = {"tone": "busy", "level_dbm0": -10.0}
DIAL = {"tone": "dial", "level_dbm0": -10.0}
CLASSIC = LineOptions(caller_id="none")


def virtual(test):
    """Run a coroutine test on the jumping loop."""

    def wrapped():
        run(test)

    wrapped.__name__, wrapped.__doc__ = test.__name__, test.__doc__
    return wrapped


def lines(kind, count):
    return [FakePort(kind, f"{LineType(kind).name.lower()}{i}") for i in range(count)]


async def settle():
    """Every task that can run has run."""
    for _ in range(6):
        await asyncio.sleep(0)


def at(seconds, port, kind, **values):
    asyncio.get_running_loop().call_at(seconds, lambda: port.post(kind, **values))


def sent(port, name):
    return [text.split("-> ")[1] for text in port.log if f"-> {name}" in text]


# ---- calls that come in ----------------------------------------------------------------


@virtual
async def test_offered_answered_and_cleared_by_the_far_end():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port], options=CLASSIC) as group:
        at(1.0, port, ev.RingBegin)
        call = await group.offered()
        assert (call.state, call.direction, call.channel) == (CallState.OFFERED, "in", port)
        assert (call.began_at, call.answered_at, call.cleared_at) == (8000, -1, -1)
        await call.answer()
        assert (call.state, call.answered_by, call.answered_at) == (
            CallState.CONNECTED, "us", 8000,
        )  # fmt: skip
        at(9.0, port, ev.ToneOn, **BUSY)
        assert await call.wait_cleared() == 16
        assert (call.state, call.by_far_end, call.cleared_at) == (CallState.CLEARED, True, 72000)
        call.hang_up()  # again: nothing
        call.reject()
        assert await call.wait_cleared() == 16


@virtual
async def test_a_block_ends_when_the_far_end_clears():
    (port,) = lines(LineType.FXO, 1)
    ended = []
    async with TrunkGroup([port], options=CLASSIC) as group:
        at(1.0, port, ev.RingBegin)
        at(5.0, port, ev.ToneOn, **BUSY)
        call = await group.offered()

        async def flow():
            async with call, asyncio.TaskGroup() as work:
                await call.answer()
                work.create_task(asyncio.sleep(100)).add_done_callback(ended.append)
                await asyncio.sleep(100)

        with pytest.raises(CallCleared) as cleared:
            await flow()
        assert cleared.value.cause == 16
        assert isinstance(cleared.value.__cause__, asyncio.CancelledError)
        assert ended[0].cancelled()
        assert asyncio.get_running_loop().time() == 5.0
        task = asyncio.current_task()
        assert task.cancelling() == 0
        await asyncio.sleep(0.1)  # the cancellation is used up


@virtual
async def test_leaving_a_block_hangs_up_and_raises_nothing():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port], options=CLASSIC) as group:
        at(1.0, port, ev.RingBegin)
        call = await group.offered()
        async with call:
            await call.answer()
        assert (call.state, call.cause, call.by_far_end) == (CallState.CLEARED, 16, False)
        assert sent(port, "set_hook")[-1] == "set_hook on-hook"


@virtual
async def test_an_error_in_a_block_stays_that_error():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port], options=CLASSIC) as group:
        at(1.0, port, ev.RingBegin)
        call = await group.offered()
        with pytest.raises(KeyError):
            async with call:
                raise KeyError("a fault of the flow")
        assert call.state is CallState.CLEARED


@virtual
async def test_a_cancellation_from_outside_is_not_swallowed():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port], options=CLASSIC) as group:
        at(1.0, port, ev.RingBegin)
        call = await group.offered()

        async def flow():
            async with call:
                await asyncio.sleep(100)

        task = asyncio.create_task(flow())
        await settle()
        at(2.0, port, ev.RingStopped)  # the far end and ...
        asyncio.get_running_loop().call_at(2.0, task.cancel)  # ... we, in the same moment
        with pytest.raises(asyncio.CancelledError):
            await task
        assert call.state is CallState.CLEARED


@virtual
async def test_a_timeout_around_a_block_is_still_a_timeout():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port], options=CLASSIC) as group:
        at(1.0, port, ev.RingBegin)
        call = await group.offered()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3), call:
                await asyncio.sleep(100)
        assert call.state is CallState.CLEARED


@virtual
async def test_two_tasks_in_blocks_of_one_call_both_end_and_the_last_hangs_up():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port], options=CLASSIC) as group:
        at(1.0, port, ev.RingBegin)
        call = await group.offered()
        await call.answer()

        async def short():
            async with call:
                await asyncio.sleep(1)

        async def long():
            async with call:
                await asyncio.sleep(100)

        tasks = [asyncio.create_task(work()) for work in (short, long)]
        await asyncio.sleep(2)
        assert call.state is CallState.CONNECTED  # one is in its block still
        port.post(ev.ToneOn, **BUSY)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [type(None), CallCleared]


@virtual
async def test_a_call_that_is_gone_cannot_be_entered_or_answered():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port], options=CLASSIC) as group:
        at(1.0, port, ev.RingBegin)
        call = await group.offered()
        stopped = ev.RingStopped(seq=0, at=port.now_samples, board=0, channel=0)
        group.line(port).take(stopped)  # the line knows, the call not yet
        with pytest.raises(CallCleared):
            await call.answer()
        with pytest.raises(CallCleared):
            async with call:
                pytest.fail("entered")
        assert "off-hook" not in " ".join(sent(port, "set_hook"))


@virtual
async def test_rejecting():
    (port,) = lines(LineType.FXS, 1)
    async with TrunkGroup([port], options=LineOptions(dnis_digits=2)) as group:
        port.post(ev.OffHook)
        for digit in "42":
            port.post(ev.PulseDigit, digit=digit)
        call = await group.offered()
        assert call.dnis == "42"
        call.accept()
        assert call.state is CallState.ACCEPTED
        call.reject(34)
        assert (call.state, call.cause, call.by_far_end) == (CallState.CLEARED, 34, False)
        assert sent(port, "send_tone") == [
            "send_tone dial", "send_tone ringback", "send_tone congestion",
        ]  # fmt: skip
        port.post(ev.OnHook)
        port.post(ev.OffHook)
        port.post(ev.PulseDigit, digit="1")
        port.post(ev.PulseDigit, digit="1")
        second = await group.offered()
        await second.answer()
        with pytest.raises(InvalidStateError):
            second.reject()
        with pytest.raises(InvalidStateError):
            await second.answer()


@virtual
async def test_a_call_that_gave_up_is_not_offered_any_more():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port], options=CLASSIC) as group:
        port.post(ev.RingBegin)
        await settle()
        port.post(ev.RingStopped)
        await settle()
        waiting = asyncio.create_task(group.offered())
        await settle()
        assert not waiting.done()
        port.post(ev.RingBegin)
        assert (await waiting).state is CallState.OFFERED


# ---- calls that we place -----------------------------------------------------------------


@virtual
async def test_a_call_out_until_it_is_answered():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port]) as group:
        at(1.0, port, ev.ToneOn, **DIAL)
        at(4.0, port, ev.PolarityReversal, reversed=True)
        call = await group.call("88000001", ani="7")
        assert (call.direction, call.dnis, call.ani) == ("out", "88000001", "7")
        assert (call.state, call.answered_by) == (CallState.CONNECTED, "polarity reversal")
        assert group.lines()[0].state == "fresh"
        call.hang_up()
        assert [row.state for row in group.lines()] == ["guard"]


@pytest.mark.parametrize(("tone", "cause"), [("busy", 17), ("congestion", 34), ("vacant", 1)])
def test_tones_that_end_a_call_out(tone, cause):
    async def main():
        (port,) = lines(LineType.FXO, 1)
        async with TrunkGroup([port]) as group:
            at(1.0, port, ev.ToneOn, **DIAL)
            at(5.0, port, ev.ToneOn, tone=tone, level_dbm0=-10.0)
            with pytest.raises(CallCleared) as cleared:
                await group.call("88000001")
            assert cleared.value.cause == cause

    run(main)


@virtual
async def test_no_dial_tone_and_no_answer():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port]) as group:
        with pytest.raises(SeizeError, match="fxo0: no dial tone"):
            await group.call("88000001")
        with pytest.raises(SeizeError, match="no free line"):
            await group.call("88000001")  # the guard time runs
        await asyncio.sleep(3)
        at(10.0, port, ev.ToneOn, **DIAL)
        at(14.0, port, ev.ToneOn, tone="ringback", level_dbm0=-10.0)
        with pytest.raises(CtiTimeoutError, match="no answer within 20"):
            await group.call("88000001", timeout_s=20)
        assert sent(port, "set_hook")[-1] == "set_hook on-hook"
        with pytest.raises(SeizeError, match="fxo0 is not free: guard"):
            await group.call("88000001", channel=port)


@virtual
async def test_cancelling_a_call_out_hangs_up():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port]) as group:
        task = asyncio.create_task(group.call("88000001"))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert group.lines()[0].state == "guard"


@virtual
async def test_glare_hunts_another_line_and_offers_the_call():
    first, second = ports = lines(LineType.FXO, 2)
    async with TrunkGroup(ports) as group:
        at(0.06, first, ev.RingBegin)
        at(1.0, second, ev.ToneOn, **DIAL)
        at(4.0, second, ev.PolarityReversal, reversed=True)
        call, incoming = await asyncio.gather(group.call("88000001"), group.offered())
        assert call.channel is second
        assert incoming.channel is first
        await incoming.answer()
        incoming.hang_up()
        call.hang_up()
        await asyncio.sleep(3)
        at(7.06, first, ev.RingBegin)
        with pytest.raises(SeizeError, match="glare"):
            await group.call("88000001", channel=first)


@pytest.mark.parametrize(("hunt", "third"), [("linear", 0), ("cyclic", 2)])
def test_hunting(hunt, third):
    async def main():
        ports = lines(LineType.FXO, 3)

        def seizing():
            return [i for i, row in enumerate(group.lines()) if row.state == "seizing"]

        async with TrunkGroup(ports, hunt=hunt) as group:
            tasks = [asyncio.create_task(group.call("1")) for _ in range(2)]
            await settle()
            assert seizing() == [0, 1]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(3)
            task = asyncio.create_task(group.call("1"))
            await settle()
            assert seizing() == [third]
            task.cancel()

    run(main)


@virtual
async def test_a_card_that_sends_the_number_is_left_to_it():
    (port,) = lines(LineType.FXS, 1)
    port.capabilities = Capabilities.BOARD_CALLER_ID
    for how in ("fsk", "dtmf", "none"):
        async with TrunkGroup([port], options=LineOptions(caller_id=how)) as group:
            at(asyncio.get_running_loop().time() + 3.0, port, ev.OffHook)
            await group.call(channel=port, ani="02156430144", timeout_s=20)
            assert sent(port, "ring ")[-1] == f"ring 1000 4000 ani=02156430144 caller_id={how}"
            at(asyncio.get_running_loop().time() + 3.0, port, ev.OnHook)
            await asyncio.sleep(5)
    assert not sent(port, "play ")
    assert not sent(port, "send_digits ")


@virtual
async def test_a_telephone_is_rung_and_answers():
    (port,) = lines(LineType.FXS, 1)
    async with TrunkGroup([port], options=LineOptions(caller_id="fsk")) as group:
        at(3.0, port, ev.OffHook)
        call = await group.call(channel=port, ani="02156430144", timeout_s=20)
        assert sent(port, "ring ") == ["ring 1000 4000 ani= caller_id=none"]
        assert len(sent(port, "play ")) == 1  # the number, after ring 1
        assert call.answered_by == "off-hook"
        with pytest.raises(CallCleared) as busy:
            await group.call(channel=port)
        assert busy.value.cause == 17
        at(9.0, port, ev.OnHook)
        assert await call.wait_cleared() == 16


@virtual
async def test_a_telephone_that_nobody_answers():
    ports = lines(LineType.FXS, 2)
    async with TrunkGroup(ports) as group:
        with pytest.raises(CtiTimeoutError):
            await group.call(channel=ports[1], timeout_s=12)
        assert sent(ports[1], "ring_stop")
        assert {row.state for row in group.lines()} == {"idle"}
        at(14.0, ports[0], ev.OffHook)
        call = await group.call()  # any telephone
        assert call.channel is ports[0]


@virtual
async def test_numbers_that_cannot_be_dialled():
    fxo, fxs = FakePort(LineType.FXO, "fxo0"), FakePort(LineType.FXS, "fxs0")
    async with TrunkGroup([fxo, fxs], options=LineOptions(pulse=True)) as group:
        for number in ("12x", "1" * 61, "*9"):
            with pytest.raises(ValueError, match="cannot be dialled"):
                await group.call(number)
        with pytest.raises(ValueError, match="cannot be dialled"):
            await group.call("", channel=fxo)
        assert {row.state for row in group.lines()} == {"idle"}


@virtual
async def test_a_fault_of_the_board_is_a_seize_error_and_the_line_comes_back():
    port = FakePort(LineType.FXO, "fxo0", fails=["send_digits"])
    async with TrunkGroup([port]) as group:
        at(1.0, port, ev.ToneOn, **DIAL)
        with pytest.raises(CallCleared) as cleared:
            await group.call("88000001")
        assert cleared.value.cause == 41
        assert "send_digits fails" in group.line(port).faults[0]
        await asyncio.sleep(3)
        assert group.lines()[0].state == "idle"


@virtual
async def test_a_board_that_fails_at_every_command_leaves_no_line_stuck():
    port = FakePort(LineType.FXO, "fxo0")
    async with TrunkGroup([port], options=CLASSIC) as group:
        port.fails = {"set_hook", "send_digits"}
        with pytest.raises(OSError, match="set_hook fails"):
            await group.call("88000001")
        await asyncio.sleep(3)
        port.fails = set()
        port.post(ev.RingBegin)
        call = await group.offered()
        await call.answer()
        port.fails = {"set_hook"}
        call.hang_up()  # does not raise: it stands in many a `finally`
        assert call.state is CallState.CLEARED
        assert len(group.line(port).faults) == 1
        await asyncio.sleep(3)
        assert group.lines()[0].state == "idle"


# ---- E1 ------------------------------------------------------------------------------------


@virtual
async def test_timeslots_are_blocked_and_opened():
    (port,) = ports = lines(LineType.E1_CAS, 1)
    async with TrunkGroup(ports) as group:
        group.block(port)
        assert sent(port, "set_cas") == ["set_cas 1001", "set_cas 1101"]
        with pytest.raises(SeizeError, match="no free line"):
            await group.call("1")
        group.unblock(port)
        with pytest.raises(InvalidStateError):
            group.unblock(port)
        await asyncio.sleep(1)
        assert group.lines()[0].state == "idle"
    fxo = FakePort(LineType.FXO)
    async with TrunkGroup([fxo]) as group:
        with pytest.raises(NotSupportedError, match="block is for E1"):
            group.block(fxo)


@virtual
async def test_a_span_that_is_in_alarm_from_the_start():
    (port,) = ports = lines(LineType.E1_CAS, 1)
    port.alarms = ev.Alarm.LOS
    async with TrunkGroup(ports) as group:
        assert group.lines()[0].state == "alarm"
        port.post(ev.AlarmCleared, span=0, alarm=ev.Alarm.LOS)
        await asyncio.sleep(1)
        assert group.lines()[0].state == "idle"


@virtual
async def test_an_alarm_clears_calls_with_a_cause():
    (port,) = ports = lines(LineType.E1_CAS, 1)
    async with TrunkGroup(ports, options=LineOptions(dnis_digits=1)) as group:
        port.post(ev.CasChange, bits=1, previous=9)
        await settle()
        port.post(ev.DtmfBegin, digit="5", level_dbm0=-8.0, twist_db=2.0, age_samples=320)
        call = await group.offered()
        await call.answer()
        at(3.0, port, ev.AlarmRaised, span=0, alarm=ev.Alarm.AIS)
        assert await call.wait_cleared() == 41


# ---- groups -----------------------------------------------------------------------------------


@virtual
async def test_leaving_a_group_hangs_up_and_lets_go_of_everything():
    ports = [FakePort(kind, f"line{kind}") for kind in (1, 2, 3)]
    async with TrunkGroup(ports) as group:
        calls = [asyncio.create_task(group.call("1", channel=port)) for port in ports[:2]]
        calls.append(asyncio.create_task(group.call("1", channel=ports[2])))
        waiting = asyncio.create_task(group.offered())
        await asyncio.sleep(1)
    results = await asyncio.gather(*calls, waiting, return_exceptions=True)
    assert [type(one) for one in results] == [CallCleared] * 3 + [InvalidStateError]
    for port in ports:
        assert not any(port.armed.values())
        assert all(stream.closed for stream in port.streams)
    assert sent(ports[0], "set_hook")[-1] == "set_hook on-hook"
    assert sent(ports[1], "ring_stop")
    assert sent(ports[2], "set_cas")[-1] == "set_cas 1001"
    assert asyncio.all_tasks() == {asyncio.current_task()}
    with pytest.raises(InvalidStateError):
        await group.call("1")


@virtual
async def test_leaving_a_group_ends_the_blocks_of_its_calls():
    (port,) = lines(LineType.FXO, 1)

    async def flow(call):
        async with call:
            await asyncio.sleep(1000)

    async with TrunkGroup([port], options=CLASSIC) as group:
        port.post(ev.RingBegin)
        task = asyncio.create_task(flow(await group.offered()))
        await asyncio.sleep(1)
    with pytest.raises(CallCleared):
        await task
    assert asyncio.get_running_loop().time() == 1.0


@virtual
async def test_an_error_inside_a_group_is_not_wrapped():
    with pytest.raises(KeyError):
        async with TrunkGroup(lines(LineType.FXO, 2)):
            raise KeyError("plain")


def test_wrong_options_are_refused():
    for wrong in ({"rings": 0}, {"dnis_digits": -1}, {"caller_id": "smoke"}):
        with pytest.raises(ValueError, match=r"rings|caller_id"):
            LineOptions(**wrong)
    with pytest.raises(ValueError, match="hunt"):
        TrunkGroup([], hunt="random")

    async def main():
        clear = FakePort(LineType.E1_CLEAR, "b1")
        with pytest.raises(NotSupportedError, match="b1: no signalling for E1_CLEAR"):
            async with TrunkGroup([clear]):
                pytest.fail("entered")

    run(main)


@virtual
async def test_many_calls_leave_nothing_behind():
    (port,) = lines(LineType.FXO, 1)
    async with TrunkGroup([port], options=CLASSIC) as group:
        for _ in range(50):
            port.post(ev.RingBegin)
            call = await group.offered()
            async with call:
                await call.answer()
            await asyncio.sleep(3)
        assert not group._calls
        assert not group._offers
        assert group.lines()[0].state == "idle"
