"""Room: checks of calls through `TrunkGroup` and `Call`: numbers, causes, who cleared; and that no
line is stuck afterwards, whatever went wrong: the next call works.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cti_board import events as ev
from cti_board.call import Call, CallState, LineOptions, TrunkGroup
from cti_board.errors import CallCleared, CtiTimeoutError, SeizeError
from cti_board.signalling.port import LineType
from cti_board.testing import sound
from cti_board.testing.bench import Bench, CantTell
from cti_board.testing.registry import EACH, check
from cti_board.testing.rig import FarEnd

FXO, FXS, E1 = LineType.FXO, LineType.FXS, LineType.E1_CAS
NORMAL, BUSY, VACANT, NO_CIRCUIT = 16, 17, 1, 34  # ITU-T Q.850
BROKEN = (27, 41)  # ITU-T Q.850: destination out of order, temporary failure
VACANT_NUMBER = "12345678"  # no exchange has numbers that begin with 1 and eight digits
DNIS = "1024"  # what a telephone of ours keys
LEAVE_S = 20.0  # chosen: a far end that left is known by then, by busy tone at the latest
IDLE_S = 20.0  # chosen: every line is idle again so long after its call


@asynccontextmanager
async def _lines(bench: Bench, options: LineOptions | None = None) -> AsyncIterator[TrunkGroup]:
    """A group of the one channel that the check is about."""
    if bench.line is E1:
        bench.needs("CAS", bench.channel)
    options = options or LineOptions(dnis_digits=4)
    async with TrunkGroup([bench.channel], options=options) as group:
        await bench.sleep(0.5)
        yield group
        await _idle(bench, group)


async def _idle(bench: Bench, group: TrunkGroup) -> None:
    """Every line of the group becomes idle."""
    for _ in range(int(IDLE_S * 5)):
        if all(row.state == "idle" for row in group.lines()):
            return
        await bench.sleep(0.2)
    bench.expect(False, f"stuck: {group.lines()}")


async def _offered(bench: Bench, group: TrunkGroup) -> Call:
    try:
        async with asyncio.timeout(15.0):
            return await group.offered()
    except TimeoutError:
        bench.expect(False, f"no call was offered; the line is {group.lines()[0].state}")
        raise


async def _comes_in(bench: Bench, group: TrunkGroup) -> tuple[Call, FarEnd]:
    """The far end calls; the call is offered with the numbers that it should have."""
    far = bench.far(bench.channel)
    if bench.line is FXS:
        await far.answer()
        await bench.sleep(1.0)
        await far.send_digits(DNIS)
    else:
        await far.ring()
    call = await _offered(bench, group)
    bench.expect(call.direction == "in", f"its direction is {call.direction!r}")
    if bench.line is FXO:
        bench.expect(call.ani == far.number, f"ani {call.ani!r}, the caller is {far.number!r}")
    else:
        dnis = DNIS if bench.line is FXS else far.dnis
        bench.expect(call.dnis == dnis, f"dnis {call.dnis!r}, dialled was {dnis!r}")
    return call, far


async def _speak(bench: Bench, far: FarEnd) -> None:
    """Both hear each other, exactly."""
    said, sent = bench.pattern(110, 1600), bench.pattern(111, 1600)
    await bench.sleep(0.3)
    ear, recorder = far.hear(2.0), bench.record(bench.channel)
    far.play(said)
    await bench.channel.play(sent)
    await bench.sleep(0.3)
    bench.same_sound(sent, await ear.stop(), "in the call, what the far end heard")
    bench.same_sound(said, await recorder.stop(), "in the call, the recording")


async def _cleared(bench: Bench, call: Call, *causes: int) -> None:
    """The call ends because of the far end, with one of these causes."""
    try:
        async with asyncio.timeout(LEAVE_S):
            cause = await call.wait_cleared()
    except TimeoutError:
        bench.expect(False, f"the far end left, and the call is still {call.state.value}")
        raise
    bench.expect(cause in causes, f"cause {cause}, expected {' or '.join(map(str, causes))}")
    bench.expect(call.by_far_end, "it counts as cleared by us")


async def _next_call(bench: Bench, group: TrunkGroup) -> None:
    """The line is idle, and a call comes in, carries sound and goes."""
    await bench.sleep(1.0)  # a handset that was put down must lie for a moment
    await _idle(bench, group)
    call, far = await _comes_in(bench, group)
    await call.answer()
    await _speak(bench, far)
    call.hang_up()
    await bench.sleep(1.0)
    await far.hang_up()
    await _idle(bench, group)


async def _goes_out(bench: Bench, group: TrunkGroup) -> tuple[Call, FarEnd]:
    """A call that we place and the far end answers."""
    far = bench.far(bench.channel)
    if bench.line is FXS:
        bench.needs("RING", bench.channel)
    number = "" if bench.line is FXS else far.number
    placing = asyncio.create_task(group.call(number, channel=bench.channel, ani="88001234"))
    try:
        await far.wait_ring(20.0)
        await bench.sleep(2.0)
        bench.expect(not placing.done(), "it counts as answered before it was")
        await far.answer()
        async with asyncio.timeout(15.0):
            return await placing, far
    except TimeoutError:
        line = group.line(bench.channel)
        bench.expect(False, f"the far end answered, and the line is {line.state}")
        raise
    finally:
        placing.cancel()
        await asyncio.gather(placing, return_exceptions=True)


async def _fails(bench: Bench, group: TrunkGroup, number: str) -> Exception:
    """What placing this call raises."""
    try:
        call = await group.call(number, channel=bench.channel, timeout_s=60.0)
    except (CallCleared, SeizeError) as error:
        return error
    bench.expect(False, f"a call to {number} is {call.state.value}: {call.answered_by}")
    raise AssertionError


# ---- calls in ----------------------------------------------------------------------------------


@check("call.in_far_end_leaves", *EACH)
async def in_far_end_leaves(bench: Bench) -> None:
    """a call in: offered with its numbers, answered, both heard; the far end leaves"""
    async with _lines(bench) as group:
        call, far = await _comes_in(bench, group)
        await call.answer()
        bench.expect(call.state is CallState.CONNECTED, f"answered, the call is {call.state}")
        await _speak(bench, far)
        await far.hang_up()
        left = bench.now
        await _cleared(bench, call, NORMAL)
        bench.measured["left_to_cleared_s"] = (call.cleared_at - left) / 8000
        await _next_call(bench, group)


@check("call.in_we_leave", *EACH)
async def in_we_leave(bench: Bench) -> None:
    """a call in that we end: the far end is told, and the line is free"""
    async with _lines(bench) as group:
        call, far = await _comes_in(bench, group)
        await call.answer()
        await _speak(bench, far)
        ear = far.hear(5.0)
        call.hang_up()
        bench.expect(not call.by_far_end, "it counts as cleared by the far end")
        if bench.line is FXS:  # the telephone hears that it is over
            await bench.sleep(4.0)
            x = sound.linear(await ear.stop())
            bench.expect(len(sound.bursts(x, join=400)) >= 3, "the telephone hears no busy tone")
        else:
            await far.wait_cleared(5.0)
        await far.hang_up()
        await _next_call(bench, group)


@check("call.in_gives_up", FXO, E1)
async def in_gives_up(bench: Bench) -> None:
    """a caller who gives up before the answer: the call is cleared, and answering says so"""
    async with _lines(bench) as group:
        call, far = await _comes_in(bench, group)
        await bench.sleep(2.0)
        await far.hang_up()
        await _cleared(bench, call, NORMAL)
        try:
            await call.answer()
            bench.expect(False, "a call that was cleared can be answered")
        except CallCleared as error:
            bench.expect(error.cause == NORMAL, f"cause {error.cause}")
        await _next_call(bench, group)


@check("call.in_reject", E1)
async def in_reject(bench: Bench) -> None:
    """a call that we reject is over for the caller at once"""
    async with _lines(bench) as group:
        call, far = await _comes_in(bench, group)
        call.reject(BUSY)
        bench.expect(call.cause == BUSY and not call.by_far_end, f"{call!r} cause {call.cause}")
        ear = far.hear(4.0)
        await bench.sleep(4.1)
        tone = sound.bursts(sound.linear(await ear.stop()), join=400)
        bench.expect(len(tone) >= 3, "the caller hears no tone that it is over")
        await far.hang_up()
        await _next_call(bench, group)


@check("call.in_block_ends", *EACH)
async def in_block_ends(bench: Bench) -> None:
    """`async with call` ends with CallCleared when the far end leaves, and its media with it"""
    async with _lines(bench) as group:
        call, far = await _comes_in(bench, group)
        await call.answer()
        leaving = asyncio.create_task(_leave_after(bench, far, 2.0))
        try:
            async with call:
                player = call.channel.play(bench.pattern(112, 800000))
                try:
                    await player
                finally:
                    player.stop()
            bench.expect(False, "the block ended by itself")
        except CallCleared as error:
            bench.expect(error.cause == NORMAL, f"cause {error.cause}")
        await leaving
        await _next_call(bench, group)


async def _leave_after(bench: Bench, far: FarEnd, seconds: float) -> None:
    await bench.sleep(seconds)
    await far.hang_up()


# ---- calls out -----------------------------------------------------------------------------------


@check("call.out_far_end_leaves", *EACH)
async def out_far_end_leaves(bench: Bench) -> None:
    """a call out: rings there, answered, both heard; the far end leaves"""
    async with _lines(bench) as group:
        call, far = await _goes_out(bench, group)
        bench.expect(call.state is CallState.CONNECTED, f"answered, the call is {call.state}")
        bench.expect(call.answered_by, "it does not say how the answer is known")
        await _speak(bench, far)
        await far.hang_up()
        await _cleared(bench, call, NORMAL)
        await _next_call(bench, group)


@check("call.out_we_leave", *EACH)
async def out_we_leave(bench: Bench) -> None:
    """a call out that we end, after the answer and before it"""
    async with _lines(bench) as group:
        call, far = await _goes_out(bench, group)
        await _speak(bench, far)
        call.hang_up()
        await bench.sleep(2.0)
        await far.hang_up()
        await _idle(bench, group)
        await bench.sleep(1.0)
        number = "" if bench.line is FXS else far.number
        try:
            await group.call(number, channel=bench.channel, timeout_s=8.0)
            bench.expect(False, "nobody answered, and it is connected")
        except CtiTimeoutError:
            pass
        await bench.sleep(2.0)
        await _next_call(bench, group)


@check("call.out_reversal", FXO, need="POLARITY")
async def out_reversal(bench: Bench) -> None:
    """where the exchange reverses the polarity at the answer, that and nothing else is believed"""
    bench.faults.answer_reversal(bench.channel, True)
    bench.faults.clear_by(bench.channel, busy=True, reversal=True)
    async with _lines(bench, LineOptions(answer_reversal=True)) as group:
        call, far = await _goes_out(bench, group)
        bench.expect(call.answered_by == "polarity reversal", f"known by {call.answered_by!r}")
        await _speak(bench, far)
        await far.hang_up()
        left = bench.now
        await _cleared(bench, call, NORMAL)
        # faster than three cycles of busy tone: the polarity told it
        bench.near_time("cleared", call.cleared_at, left + 4000, 4000)
        await _next_call(bench, group)


@check("call.out_loop_break", FXO, need="LOOP_BREAK")
async def out_loop_break(bench: Bench) -> None:
    """where the exchange breaks the loop when the far end leaves, the call is cleared by it"""
    bench.faults.clear_by(bench.channel, loop_break=True)
    async with _lines(bench) as group:
        call, far = await _goes_out(bench, group)
        await far.hang_up()
        left = bench.now
        await _cleared(bench, call, NORMAL)
        bench.near_time("cleared", call.cleared_at, left + 6400, 6400)
        await _next_call(bench, group)


@check("call.out_busy", FXO, E1)
async def out_busy(bench: Bench) -> None:
    """a busy number gives cause 17"""
    far = bench.far(bench.channel)
    await far.answer()
    async with _lines(bench) as group:
        error = await _fails(bench, group, far.number)
        bench.expect(isinstance(error, CallCleared) and error.cause == BUSY, f"it gives {error!r}")
        await far.hang_up()
        await bench.sleep(2.0)
        await _next_call(bench, group)


@check("call.out_busy_telephone", FXS)
async def out_busy_telephone(bench: Bench) -> None:
    """a telephone that is off-hook gives cause 17 and does not ring"""
    far = bench.far(bench.channel)
    async with _lines(bench) as group:
        await far.answer()
        await bench.sleep(1.0)
        error = await _fails(bench, group, "")
        bench.expect(isinstance(error, CallCleared) and error.cause == BUSY, f"it gives {error!r}")
        await far.hang_up()
        await bench.sleep(2.0)
        await _next_call(bench, group)


@check("call.out_vacant", FXO, E1)
async def out_vacant(bench: Bench) -> None:
    """a number that nobody has gives cause 1"""
    if "vacant" not in [tone.name for tone in bench.board.tone_plan.tones]:
        raise CantTell("this country has no tone for a vacant number")
    async with _lines(bench) as group:
        error = await _fails(bench, group, VACANT_NUMBER)
        right = isinstance(error, CallCleared) and error.cause == VACANT
        bench.expect(right, f"it gives {error!r}")
        await _next_call(bench, group)


@check("call.out_congestion", FXO, E1)
async def out_congestion(bench: Bench) -> None:
    """an exchange that is full gives cause 34"""
    async with _lines(bench) as group:
        bench.faults.congest(True)
        error = await _fails(bench, group, bench.far(bench.channel).number)
        right = isinstance(error, CallCleared) and error.cause == NO_CIRCUIT
        bench.expect(right, f"it gives {error!r}")
        bench.faults.congest(False)
        await _next_call(bench, group)


# ---- faults ------------------------------------------------------------------------------------


@check("call.no_dial_tone", FXO)
async def no_dial_tone(bench: Bench) -> None:
    """without dial tone a call out raises SeizeError, and the line is usable afterwards"""
    async with _lines(bench) as group:
        bench.faults.no_dial_tone(bench.channel, True)
        error = await _fails(bench, group, bench.far(bench.channel).number)
        bench.expect(isinstance(error, SeizeError), f"it gives {error!r}, not SeizeError")
        bench.faults.no_dial_tone(bench.channel, False)
        await _next_call(bench, group)


@check("call.no_seize_ack", E1)
async def no_seize_ack(bench: Bench) -> None:
    """a seizure that is not acknowledged raises SeizeError, and the timeslot is usable again"""
    async with _lines(bench) as group:
        bench.faults.no_seize_ack(bench.channel, True)
        error = await _fails(bench, group, bench.far(bench.channel).number)
        bench.expect(isinstance(error, SeizeError), f"it gives {error!r}, not SeizeError")
        bench.faults.no_seize_ack(bench.channel, False)
        await _next_call(bench, group)


@check("call.glare", FXO, E1)
async def glare(bench: Bench) -> None:
    """both ends seize at once: our call fails or theirs does, neither hangs, the next call works"""
    far = bench.far(bench.channel)
    async with _lines(bench) as group:
        ringing = asyncio.create_task(far.ring())
        await bench.sleep(0.9)
        try:
            call = await group.call(VACANT_NUMBER, channel=bench.channel, timeout_s=20.0)
            call.hang_up()
        except (SeizeError, CallCleared, CtiTimeoutError) as error:
            bench.measured["seize_error"] = float(isinstance(error, SeizeError))
        await ringing
        await bench.sleep(1.0)
        await far.hang_up()
        await _drain(bench, group)
        await _next_call(bench, group)


async def _drain(bench: Bench, group: TrunkGroup) -> None:
    """Refuse what was offered meanwhile."""
    try:
        async with asyncio.timeout(3.0):
            while True:
                (await group.offered()).hang_up()
    except TimeoutError:
        await _idle(bench, group)


@check("call.alarm", E1, need="ALARMS")
async def alarm(bench: Bench) -> None:
    """an alarm in a call clears it with a cause of failure; after the alarm the next call works"""
    async with _lines(bench) as group:
        call, far = await _comes_in(bench, group)
        await call.answer()
        await _speak(bench, far)
        far.set_alarm(ev.Alarm.LOS)
        await _cleared(bench, call, *BROKEN)
        await bench.sleep(5.0)
        await far.hang_up()
        far.set_alarm(ev.Alarm(0))
        await bench.sleep(2.0)
        await _next_call(bench, group)


@check("call.line_cut", FXO, FXS)
async def line_cut(bench: Bench) -> None:
    """a line that is cut in a call clears it; mended, the next call works"""
    async with _lines(bench) as group:
        call, far = await _comes_in(bench, group)
        await call.answer()
        bench.faults.cut_line(bench.channel, True)
        await _cleared(bench, call, NORMAL, *BROKEN)
        await far.hang_up()
        await bench.sleep(3.0)
        bench.faults.cut_line(bench.channel, False)
        await bench.sleep(2.0)
        await _next_call(bench, group)


@check("call.clock_stops", *EACH)
async def clock_stops(bench: Bench) -> None:
    """a card that stops for two seconds in a call loses at most that call"""
    async with _lines(bench) as group:
        call, far = await _comes_in(bench, group)
        await call.answer()
        await _speak(bench, far)
        bench.faults.stop_clock(100)
        await bench.sleep(4.0)
        call.hang_up()
        await far.hang_up()
        await bench.sleep(3.0)
        await _next_call(bench, group)
