"""Lines against an end that is not ours: the simulated exchange and its subscribers."""

import asyncio

import pytest

from cti_board import errors, events, open_board, run
from cti_board.call import CallState, LineOptions, TrunkGroup
from cti_board.signalling.port import LineType

RATE = 8000
CLEAR, ANSWER_REVERSAL, CALLER_ID = 1, 2, 3  # CTB_SO_* of ctb_street.h
BUSY_TONE, REVERSAL, BREAK = 1, 2, 4


def on_board(spec, options=None, **group):
    """The test gets a street and a group of all the board's lines, in virtual time."""

    def decorate(test):
        def wrapped(*args, **kwargs):
            async def main():
                async with open_board(f"sim:{spec},phones=6") as board:
                    lines = TrunkGroup(board.channels, options=options, **group)
                    async with lines, asyncio.timeout(600):  # nothing may wait for ever
                        await test(board.street, lines, *args, **kwargs)
                        await asyncio.sleep(8)  # guard times, and whatever comes late
                        states = {row.state for row in lines.lines()}
                        assert states <= {"idle"}, lines.lines()
                        assert not lines._calls
                        for channel in lines.channels:
                            assert not lines.line(channel).faults
                            assert not lines.line(channel).machine.errors

            run(main, clock="virtual")

        wrapped.__name__, wrapped.__doc__ = test.__name__, test.__doc__
        return wrapped

    return decorate


async def dials(phone, number):
    phone.off_hook()
    await phone.wait_tone("dial")
    await phone.keys(number)


def now():
    return asyncio.get_running_loop().time()


# ---- FXO ---------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["fsk", "dtmf"])
def test_a_call_in_with_the_callers_number(way):
    @on_board("fxo=1", LineOptions(caller_id=way))
    async def main(street, lines):
        street.option(CALLER_ID, 1 if way == "fsk" else 2)
        await dials(street.subscribers[2], "66000000")
        call = await lines.offered()
        assert call.ani == "88000002"
        await call.answer()
        street.subscribers[2].hang_up()
        assert await call.wait_cleared() == 16

    main()


@pytest.mark.parametrize(("signal", "at_most_s"), [
    (BUSY_TONE, 3.0), (REVERSAL, 0.1), (BREAK, 0.5), (REVERSAL | BREAK | BUSY_TONE, 0.5),
])  # fmt: skip
def test_how_the_exchange_tells_that_the_caller_left(signal, at_most_s):
    @on_board("fxo=1")
    async def main(street, lines):
        street.option(CLEAR, signal)
        await dials(street.subscribers[0], "66000000")
        call = await lines.offered()
        await call.answer()
        await asyncio.sleep(5)
        left = now()
        street.subscribers[0].hang_up()
        assert await call.wait_cleared() == 16
        # the exchange takes 0.4 s to be sure that the subscriber hung up
        assert now() - left - 0.4 <= at_most_s

    main()


@on_board("fxo=1")
async def test_the_caller_gives_up_while_it_rings(street, lines):
    await dials(street.subscribers[0], "66000000")
    call = await lines.offered()
    street.subscribers[0].hang_up()
    assert await call.wait_cleared() == 16
    assert call.answered_at == -1


@on_board("fxo=1", LineOptions(caller_id="none"))
async def test_a_caller_who_left_unseen_is_answered_and_recognised_by_dial_tone(street, lines):
    await dials(street.subscribers[0], "66000000")
    call = await lines.offered()
    street.subscribers[0].hang_up()
    await asyncio.sleep(2)  # the pause between rings: nothing on the line has told of it yet
    await call.answer()
    assert call.state is CallState.CONNECTED
    assert await call.wait_cleared() == 16


@on_board("fxo=1", rings=3)
async def test_a_call_is_offered_at_the_third_ring(street, lines):
    await dials(street.subscribers[0], "66000000")
    await street.subscribers[0].wait_tone("ringback")
    call = await lines.offered()
    rings = [step for step in lines.line(call.channel).machine.trace if step.event.name == "RING"]
    assert len(rings) == 3
    call.reject()
    street.subscribers[0].hang_up()


@pytest.mark.parametrize("reverses", [True, False])
@pytest.mark.parametrize("pulse", [False, True])
def test_a_call_out(reverses, pulse):
    @on_board("fxo=1", LineOptions(answer_reversal=reverses, pulse=pulse))
    async def main(street, lines):
        street.option(ANSWER_REVERSAL, int(reverses))
        called = street.subscribers[3]
        placing = asyncio.create_task(lines.call("88000003", timeout_s=90))
        await called.wait_ring()
        await asyncio.sleep(7)
        called.answer()
        answered = now()
        call = await placing
        assert call.answered_by == ("polarity reversal" if reverses else "end of ringback")
        # without a reversal: a ringback cycle to miss it, 3 s to be sure that no tone follows
        assert now() - answered <= (0.1 if reverses else 8.0)
        called.hang_up()
        assert await call.wait_cleared() == 16

    main()


@pytest.mark.parametrize(("number", "cause"), [("88000005", 17), ("88000999", 1), ("12345678", 1)])
def test_a_call_out_that_fails(number, cause):
    @on_board("fxo=1")
    async def main(street, lines):
        street.subscribers[5].off_hook()
        await asyncio.sleep(1)
        with pytest.raises(errors.CallCleared) as cleared:
            await lines.call(number)
        assert cleared.value.cause == cause
        street.subscribers[5].hang_up()

    main()


@on_board("fxo=1")
async def test_congestion_and_no_dial_tone(street, lines):
    street.congest()
    with pytest.raises(errors.CallCleared) as cleared:
        await lines.call("88000001")
    assert cleared.value.cause == 34
    street.congest(False)
    street.no_dial_tone(0)
    await asyncio.sleep(3)
    with pytest.raises(errors.SeizeError, match="no dial tone"):
        await lines.call("88000001")


def test_glare_is_won_by_the_caller():
    """We seize at every frame around the moment at which the exchange begins to ring."""
    outcomes = []

    @on_board("fxo=1")
    async def main(street, lines, frames):
        caller = street.subscribers[0]
        await dials(caller, "6600000")
        last = asyncio.create_task(caller.keys("0"))
        await asyncio.sleep(0.02 * frames)
        try:
            call = await lines.call("88000001", timeout_s=5)
        except errors.CtiTimeoutError:
            outcomes.append("we were first")  # and the caller hears busy tone
        except errors.SeizeError as failed:
            reason = str(failed).removeprefix("fxo0: ")
            outcomes.append({"no free line in the group": "they were first"}.get(reason, reason))
            if reason != "no dial tone":
                incoming = await lines.offered()
                await incoming.answer()
                caller.hang_up()
                assert await incoming.wait_cleared() == 16
        else:
            pytest.fail(f"the caller was taken for {call}")
        await last
        caller.hang_up()

    for frames in range(14):
        main(frames)
    # in one frame the loop is closed after the call was switched and before it rings: the
    # line has nothing to tell of it but that no dial tone comes
    order = ["we were first", "no dial tone", "glare", "they were first"]
    assert outcomes == sorted(outcomes, key=order.index)
    assert outcomes.count("glare") == 4
    assert outcomes.count("no dial tone") <= 1


@on_board("fxo=1")
async def test_a_cut_line_ends_the_call_and_is_out_of_service(street, lines):
    await dials(street.subscribers[0], "66000000")
    call = await lines.offered()
    await call.answer()
    await asyncio.sleep(1)
    street.cut_line(0)
    assert await call.wait_cleared() == 27
    assert lines.lines()[0].state == "no_feed"
    with pytest.raises(errors.SeizeError, match="not free: no_feed"):
        await lines.call("88000001", channel=lines.channels[0])
    street.subscribers[0].hang_up()
    await asyncio.sleep(2)
    street.cut_line(0, False)


# ---- FXS ---------------------------------------------------------------------------------


@on_board("fxs=2")
async def test_telephones_are_rung_and_answer(street, lines):
    first, second = street.telephones
    placing = asyncio.create_task(lines.call(channel=lines.channels[0], ani="8001"))
    await first.wait_ring()
    first.answer()
    call = await placing
    flashes = call.channel.events(events.HookFlash)
    first.flash(400)
    assert (await flashes.get()).length_ms == 400
    flashes.close()
    first.hang_up()
    assert await call.wait_cleared() == 16
    second.off_hook()
    await asyncio.sleep(0.1)
    with pytest.raises(errors.CallCleared) as busy:
        await lines.call(channel=lines.channels[1])
    assert busy.value.cause == 17
    second.hang_up()
    await asyncio.sleep(2)
    with pytest.raises(errors.CtiTimeoutError):
        await lines.call(channel=lines.channels[1], timeout_s=6)


@on_board("fxs=1")
async def test_after_we_hang_up_the_telephone_hears_busy_tone(street, lines):
    phone = street.telephones[0]
    placing = asyncio.create_task(lines.call())
    await phone.wait_ring()
    phone.answer()
    (await placing).hang_up()
    await phone.wait_tone("busy")
    phone.hang_up()


@pytest.mark.parametrize("pulse", [False, True])
def test_a_telephone_dials_and_hears_what_it_should(pulse):
    @on_board("fxs=1", LineOptions(dnis_digits=4))
    async def main(street, lines):
        phone = street.telephones[0]
        phone.off_hook()
        await phone.wait_tone("dial")
        await phone.keys("8015", pulse=pulse)
        call = await lines.offered()
        assert call.dnis == "8015"
        call.accept()
        await phone.wait_tone("ringback")
        await call.answer()
        phone.hang_up()
        assert await call.wait_cleared() == 16

    main()


@on_board("fxs=1", LineOptions(dialling=False))
async def test_a_telephone_that_may_not_call_hears_busy_tone(street, lines):
    phone = street.telephones[0]
    phone.off_hook()
    await phone.wait_tone("busy")
    phone.hang_up()


# ---- E1 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["far end", "we"])
def test_a_call_in_on_a_timeslot(who):
    @on_board("e1=1", LineOptions(dnis_digits=4))
    async def main(street, lines):
        caller = street.subscribers[0]
        await dials(caller, "77001234")
        call = await lines.offered()
        assert (call.dnis, call.channel.line_type) == ("1234", LineType.E1_CAS)
        await call.answer()
        await caller.wait_answer()
        await asyncio.sleep(5)
        if who == "we":
            call.hang_up()
            await caller.wait_tone("busy")
            caller.hang_up()
        else:
            caller.hang_up()
            assert await call.wait_cleared() == 16

    main()


@on_board("e1=1", LineOptions(dnis_digits=4))
async def test_a_refused_call_on_a_timeslot(street, lines):
    caller = street.subscribers[0]
    await dials(caller, "77001234")
    (await lines.offered()).reject()
    await caller.wait_tone("congestion")
    caller.hang_up()


@on_board("e1=1")
async def test_calls_out_on_timeslots(street, lines):
    called, busy = street.subscribers[1], street.subscribers[2]
    placing = asyncio.create_task(lines.call("88000001"))
    await called.wait_ring()
    called.answer()
    call = await placing
    assert call.answered_by == "line bits"
    with pytest.raises(errors.CallCleared) as cleared:
        await lines.call("88000001")
    assert cleared.value.cause == 17
    called.hang_up()
    assert await call.wait_cleared() == 16
    placing = asyncio.create_task(lines.call("88000002"))
    await busy.wait_ring()
    busy.answer()
    (await placing).hang_up()
    await busy.wait_tone("busy")
    busy.hang_up()


@on_board("e1=1")
async def test_a_timeslot_that_is_not_acknowledged(street, lines):
    street.no_seize_ack(0)
    with pytest.raises(errors.SeizeError, match="no seizure acknowledgement"):
        await lines.call("88000001")
    street.no_seize_ack(0, False)


def test_double_seizure_on_a_timeslot():
    """We seize at every frame around the moment at which the exchange does."""
    outcomes = []

    @on_board("e1=1", LineOptions(dnis_digits=4))
    async def main(street, lines, frames):
        caller = street.subscribers[0]
        await dials(caller, "7700123")
        last = asyncio.create_task(caller.keys("4"))
        await asyncio.sleep(0.02 * frames)
        first = lines.channels[0]
        try:
            await lines.call("88000001", channel=first, timeout_s=5)
        except errors.CtiTimeoutError:
            outcomes.append("we were first")
        except errors.SeizeError as failed:
            outcomes.append("glare" if "glare" in str(failed) else "they were first")
        if outcomes[-1] == "glare":
            await caller.wait_tone("congestion")
        else:
            incoming = await lines.offered()
            assert incoming.dnis == "1234"
            incoming.hang_up()
        await last
        caller.hang_up()

    for frames in range(8):
        main(frames)
    assert outcomes == sorted(outcomes, key=["we were first", "glare", "they were first"].index)
    assert "glare" in outcomes


@on_board("e1=1", LineOptions(dnis_digits=4))
async def test_an_alarm_clears_calls_and_the_span_comes_back(street, lines):
    caller = street.subscribers[0]
    await dials(caller, "77001234")
    call = await lines.offered()
    await call.answer()
    street.set_alarm(0, events.Alarm.LOS)
    assert await call.wait_cleared() == 41
    assert {row.state for row in lines.lines()} == {"alarm"}
    with pytest.raises(errors.SeizeError, match="no free line"):
        await lines.call("88000001")
    caller.hang_up()
    street.set_alarm(0, events.Alarm(0))
    await asyncio.sleep(2)
    placing = asyncio.create_task(lines.call("88000001"))
    await street.subscribers[1].wait_ring()
    street.subscribers[1].answer()
    (await placing).hang_up()
    street.subscribers[1].hang_up()


@on_board("e1=1", LineOptions(dnis_digits=4))
async def test_a_blocked_timeslot_is_not_seized_by_the_exchange(street, lines):
    lines.block(lines.channels[0])
    await asyncio.sleep(0.1)
    await dials(street.subscribers[0], "77001234")
    call = await lines.offered()
    assert call.channel is lines.channels[1]
    call.hang_up()
    street.subscribers[0].hang_up()
    lines.unblock(lines.channels[0])
