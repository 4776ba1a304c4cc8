"""Room: checks of what happens when something goes wrong: it is reported, nothing is stuck, and
the next call works.  Faults of signalled calls are in `call`.
"""

from cti_board import events as ev
from cti_board.signalling.port import LineType
from cti_board.testing import sound
from cti_board.testing.bench import FRAME, IDLE, SEIZED, Bench
from cti_board.testing.checks.line import AT_ONCE, next_call
from cti_board.testing.registry import EACH, check

FXO, FXS, E1 = LineType.FXO, LineType.FXS, LineType.E1_CAS
LOST_AFTER = 10  # frames: 200 ms without a frame is a lost board (docs/clock.md)


@check("faults.stopped_clock", *EACH)
async def stopped_clock(bench: Bench) -> None:
    """a card without frames is reported lost after 200 ms, time goes on, and it comes back"""
    stream = bench.channel.events(ev.BoardLost, ev.BoardBack)
    bench.faults.stop_clock(50)
    stopped = bench.now
    lost = await bench.event(stream, ev.BoardLost, 2.0)
    bench.near_time("lost", lost.at, stopped + LOST_AFTER * FRAME, AT_ONCE)
    back = await bench.event(stream, ev.BoardBack, 3.0)
    bench.near_time("back", back.at, stopped + 51 * FRAME, AT_ONCE)
    await bench.none(stream, 2.0, ev.BoardLost)
    await next_call(bench)


@check("faults.short_stop")
async def short_stop(bench: Bench) -> None:
    """a hiccup of 100 ms is no loss of the board, and in a call only silence for so long"""
    bench.line = bench.channels(None, 1)[0].line_type
    sent = bench.pattern(100, 16000)
    async with bench.talk(bench.channel) as far:
        stream = bench.channel.events(ev.BoardLost)
        ear, player = far.hear(4.0), bench.channel.play(sent)
        await bench.sleep(0.5)
        bench.faults.stop_clock(5)
        result = await player
        await bench.sleep(0.3)
        heard = await ear.stop()
        bench.expect(result.samples == 16000, f"{result.samples} samples reported, 16000 played")
        bench.expect(stream.get_nowait() is None, "a stop of 100 ms is reported as a loss")
        bench.same_sound(sent[:3200], heard, "before the stop, what the far end heard")
        bench.same_sound(sent[-8000:], heard, "after the stop, what the far end heard")
    await next_call(bench)


@check("faults.line_cut", FXO, FXS)
async def line_cut(bench: Bench) -> None:
    """a line that is cut in a call is silent and reported; mended, the next call works"""
    channel, gone = bench.channel, ev.BatteryChange if bench.line is FXO else ev.OnHook
    far = await bench.bring_up(channel)
    stream, recorder = channel.events(gone), bench.record(channel)
    bench.faults.cut_line(channel, True)
    await bench.sleep(0.2)
    far.play(bench.pattern(101, 8000))
    await bench.event(stream, gone, 3.0)
    data = await recorder.stop()
    bench.expect(set(data[3200:]) <= {sound.IDLE}, "a cut line carries sound")
    if bench.line is FXO:
        channel.set_hook(False)
    await far.hang_up()
    bench.faults.cut_line(channel, False)
    if bench.line is FXO:
        back = await bench.event(stream, ev.BatteryChange, 3.0)
        bench.expect(back.present, "the feed came back and is told as lost")
    await bench.sleep(2.0)
    await next_call(bench)


@check("faults.stuck_key", *EACH)
async def stuck_key(bench: Bench) -> None:
    """a key that stays down is one digit with one end, and the next digit is heard"""
    async with bench.talk(bench.channel) as far:
        bench.channel.arm(dtmf=True)
        stream = bench.channel.events(ev.DtmfBegin, ev.DtmfEnd)
        bench.faults.stick_key(bench.channel, "8", True)
        pressed = bench.now
        begin = await bench.next(stream, ev.DtmfBegin, 2.0)
        bench.expect(begin.digit == "8", f"stuck is '8', heard {begin.digit!r}")
        await bench.none(stream, 30.0, ev.DtmfBegin, ev.DtmfEnd)
        bench.faults.stick_key(bench.channel, "8", False)
        length = bench.now - pressed
        end = await bench.next(stream, ev.DtmfEnd, 2.0)
        bench.near_time("stuck_length", end.length_samples, length, 2 * FRAME)
        await far.send_digits("2")
        again = await bench.next(stream, ev.DtmfBegin, 2.0)
        bench.expect(again.digit == "2", f"then {again.digit!r}, pressed was '2'")


@check("faults.stuck_key_collect", *EACH)
async def stuck_key_collect(bench: Bench) -> None:
    """collecting digits ends although a key is stuck"""
    async with bench.talk(bench.channel):
        bench.faults.stick_key(bench.channel, "8", True)
        digits = await bench.channel.collect(max_digits=4, interdigit_timeout_s=2.0)
        bench.expect(digits.digits == "8", f"collected {digits}")
        bench.expect(digits.reason == "timeout", f"collected {digits}")
        bench.faults.stick_key(bench.channel, "8", False)


@check("faults.missed_ring", FXO)
async def missed_ring(bench: Bench) -> None:
    """a burst that is missed in the middle is no end of ringing"""
    plan, far = bench.board.tone_plan, bench.far(bench.channel)
    stream = bench.channel.events(ev.RingBegin, ev.RingStopped)
    bench.faults.miss_rings(bench.channel, 1)
    await far.ring()
    asked = bench.now
    first = await bench.event(stream, ev.RingBegin, 10.0)
    cycle = (plan.ring_on_ms + plan.ring_off_ms) * 8
    bench.expect(first.at >= asked + cycle // 2, "the burst that should be missed was seen")
    second = await bench.event(stream, ev.RingBegin, 10.0)
    bench.near_time("ring_cycle", second.at - first.at, cycle, 80)
    await far.hang_up()
    await bench.event(stream, ev.RingStopped, 12.0)
    await next_call(bench)


@check("faults.no_dial_tone", FXO)
async def no_dial_tone(bench: Bench) -> None:
    """where the exchange gives no dial tone none is reported; mended, it comes"""
    channel = bench.channel
    bench.faults.no_dial_tone(channel, True)
    channel.arm(tones=True)
    stream = channel.events(ev.ToneOn)
    channel.set_hook(True)
    await bench.sleep(8.0)
    while (event := stream.get_nowait()) is not None:  # busy tone instead is no fault of the card
        dial = isinstance(event, ev.ToneOn) and event.tone == "dial"
        bench.expect(not dial, "a dial tone is reported, there is none")
    channel.set_hook(False)
    await bench.sleep(2.0)
    stream.clear()
    bench.faults.no_dial_tone(channel, False)
    channel.set_hook(True)
    tone = await bench.event(stream, ev.ToneOn, 5.0)
    bench.expect(tone.tone == "dial", f"the tone is {tone.tone!r}")
    channel.set_hook(False)
    await bench.sleep(1.0)
    await next_call(bench)


@check("faults.congestion", FXO)
async def congestion(bench: Bench) -> None:
    """an exchange that is full answers with congestion tone, which is recognised"""
    channel = bench.channel
    bench.faults.congest(True)
    channel.set_hook(True)
    await bench.sleep(1.0)
    channel.send_digits(bench.far(channel).number)
    await bench.sleep(2.0)
    channel.arm(tones=True)
    tone = await bench.event(channel.events(ev.ToneOn), ev.ToneOn, 10.0)
    bench.expect(tone.tone == "congestion", f"the tone is {tone.tone!r}")
    channel.set_hook(False)
    bench.faults.congest(False)
    await bench.sleep(1.0)
    await next_call(bench)


@check("faults.no_seize_ack", E1, need="CAS")
async def no_seize_ack(bench: Bench) -> None:
    """a seizure that is not acknowledged brings nothing; given up, the timeslot is usable"""
    channel = bench.channel
    channel.set_cas(IDLE)
    await bench.sleep(0.2)
    bench.faults.no_seize_ack(channel, True)
    stream = channel.events(ev.CasChange)
    channel.set_cas(SEIZED)
    await bench.none(stream, 3.0, ev.CasChange)
    channel.set_cas(IDLE)
    await bench.sleep(0.5)
    bench.faults.no_seize_ack(channel, False)
    await next_call(bench)


@check("faults.double_seizure", E1, need="CAS")
async def double_seizure(bench: Bench) -> None:
    """when both ends seize at once, both see it, and after both cleared the next call works"""
    far, channel = bench.far(bench.channel), bench.channel
    channel.set_cas(IDLE)
    await bench.sleep(0.2)
    stream = channel.events(ev.CasChange)
    await far.ring()
    channel.set_cas(SEIZED)
    await bench.bits(stream, SEIZED >> 2)
    await bench.sleep(0.3)
    channel.set_cas(IDLE)
    await bench.bits(stream, IDLE >> 2)
    await far.hang_up()
    await bench.sleep(1.0)
    await next_call(bench)


@check("faults.alarm_in_call", E1, need="ALARMS")
async def alarm_in_call(bench: Bench) -> None:
    """an alarm in a call silences it and is reported; after it the bits are told as they are"""
    far, channel = bench.far(bench.channel), bench.channel
    async with bench.talk(channel):
        stream = channel.events(ev.AlarmRaised, ev.AlarmCleared, ev.CasChange)
        far.set_alarm(ev.Alarm.LOS)
        await bench.event(stream, ev.AlarmRaised, 2.0)
        recorder = bench.record(channel)
        far.play(bench.pattern(102, 8000))
        await bench.sleep(0.5)
        data = await recorder.stop()
        bench.expect(set(data) <= {sound.IDLE}, "there is sound although the signal is lost")
        far.set_alarm(ev.Alarm(0))
        await bench.event(stream, ev.AlarmCleared, 2.0)
        await bench.sleep(0.5)
        ear, sent = far.hear(1.0), bench.pattern(103, 1600)
        await channel.play(sent)
        await bench.sleep(0.3)
        bench.same_sound(sent, await ear.stop(), "after the alarm, what the far end heard")
    await next_call(bench)


@check("faults.cleared_in_alarm", E1, need="ALARMS")
async def cleared_in_alarm(bench: Bench) -> None:
    """a far end that clears during an alarm is seen as idle when the alarm is over"""
    channel = bench.channel
    far = await bench.bring_up(channel)
    far.set_alarm(ev.Alarm.LFA)
    await bench.sleep(0.5)
    await far.hang_up()
    await bench.sleep(1.0)
    stream = channel.events(ev.CasChange)
    far.set_alarm(ev.Alarm(0))
    await bench.bits(stream, IDLE >> 2)
    channel.set_cas(IDLE)
    await bench.sleep(0.5)
    await next_call(bench)
