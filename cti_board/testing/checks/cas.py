"""Room: checks of E1 lines: signalling bits both ways (ITU-T Q.421) and alarms."""

from cti_board import events as ev
from cti_board.channel import Channel
from cti_board.signalling.port import LineType
from cti_board.testing.bench import ANSWERED, IDLE, SEIZE_ACK, SEIZED, Bench
from cti_board.testing.checks.line import AT_ONCE, next_call
from cti_board.testing.registry import check

E1 = LineType.E1_CAS
CD = 0b01  # ITU-T Q.421: bits C and D where they are not used
RECOGNISED = 20 * 8  # ITU-T Q.421: 20 +- 7 ms
CLEAR_BACK = BLOCKED = 0b1101


@check("line.e1_bits_in", E1, need="CAS")
async def e1_bits_in(bench: Bench) -> None:
    """the far end's bits are reported, all four in order, when they have held for 20 ms"""
    far, channel = bench.far(bench.channel), bench.channel
    channel.set_cas(IDLE)
    await bench.sleep(0.1)
    stream = channel.events(ev.CasChange)
    await far.ring()
    seizure = await bench.next(stream, ev.CasChange, 3.0)
    bench.expect(seizure.bits == SEIZED, f"seized: bits {seizure.bits:04b}, not {SEIZED:04b}")
    await far.hang_up()
    idle = await bench.next(stream, ev.CasChange, 3.0)
    bench.expect(idle.bits == IDLE, f"cleared: bits {idle.bits:04b}, not {IDLE:04b}")
    bench.expect(idle.previous == SEIZED, f"before were {idle.previous:04b}, not {SEIZED:04b}")
    await bench.none(stream, 3.0, ev.CasChange)


async def _call_out(bench: Bench) -> None:
    """Seize, dial, answered; bits of every step, with their times."""
    far, channel = bench.far(bench.channel), bench.channel
    stream = channel.events(ev.CasChange)
    channel.set_cas(IDLE)
    await bench.sleep(0.2)
    stream.clear()
    channel.set_cas(SEIZED)
    asked = bench.now
    ack = await bench.bits(stream, SEIZE_ACK >> 2)
    bench.expect(ack.bits & 3 == CD, f"bits C and D are {ack.bits & 3:02b}, not 01")
    # ITU-T Q.422: the acknowledgement is sent immediately; chosen: within 200 ms
    bench.near_time("seize_ack", ack.at, asked + RECOGNISED + 800, 800 + AT_ONCE)
    channel.send_digits(far.number)
    await far.wait_ring(10.0)
    await far.answer()
    answered = bench.now
    answer = await bench.bits(stream, ANSWERED >> 2)
    bench.near_time("answer", answer.at, answered + RECOGNISED, AT_ONCE)
    await bench.sleep(0.5)
    ear, sent = far.hear(1.0), bench.pattern(90, 1600)
    await channel.play(sent)
    await bench.sleep(0.3)
    bench.same_sound(sent, await ear.stop(), "what the one who was called heard")
    stream.close()


@check("line.e1_bits_out", E1, need="CAS")
async def e1_bits_out(bench: Bench) -> None:
    """our bits reach the far end: a call out is acknowledged, answered, and cleared back"""
    await _call_out(bench)
    far, channel = bench.far(bench.channel), bench.channel
    stream = channel.events(ev.CasChange)
    await far.hang_up()
    await bench.bits(stream, CLEAR_BACK >> 2)
    channel.set_cas(IDLE)
    await bench.bits(stream, IDLE >> 2)
    await next_call(bench)


@check("line.e1_clear_forward", E1, need="CAS")
async def e1_clear_forward(bench: Bench) -> None:
    """when we clear a call out, the far end is told and the timeslot becomes idle"""
    await _call_out(bench)
    stream = bench.channel.events(ev.CasChange)
    bench.channel.set_cas(IDLE)
    await bench.far(bench.channel).wait_cleared(2.0)
    await bench.bits(stream, IDLE >> 2)
    await bench.far(bench.channel).hang_up()
    await bench.sleep(1.0)
    await next_call(bench)


@check("line.e1_call_in", E1, need="CAS")
async def e1_call_in(bench: Bench) -> None:
    """a call in: seized, acknowledged, its digits heard, answered, cleared forward"""
    far, channel = bench.far(bench.channel), bench.channel
    channel.set_cas(IDLE)
    channel.arm(dtmf=True)
    await bench.sleep(0.1)
    stream = channel.events(ev.CasChange)
    digits = channel.events(ev.DtmfBegin)
    await far.ring()
    await bench.bits(stream, SEIZED >> 2)
    channel.set_cas(SEIZE_ACK)
    dnis = "".join([(await bench.event(digits, ev.DtmfBegin, 3.0)).digit for _ in far.dnis])
    bench.expect(dnis == far.dnis, f"the digits are {dnis!r}, dialled was {far.dnis!r}")
    channel.set_cas(ANSWERED)
    answered = bench.now
    bench.near_time("answered", await far.wait_answered(2.0), answered, AT_ONCE)
    await bench.sleep(1.0)
    await far.hang_up()
    await bench.bits(stream, IDLE >> 2)
    channel.set_cas(IDLE)
    await bench.sleep(0.5)


@check("line.e1_clear_back", E1, need="CAS")
async def e1_clear_back(bench: Bench) -> None:
    """when we clear a call in, the caller is told"""
    channel, far = bench.channel, bench.far(bench.channel)
    async with bench.talk(channel):
        channel.set_cas(CLEAR_BACK)
        cleared = bench.now
        bench.near_time("cleared", await far.wait_cleared(2.0), cleared, AT_ONCE)
    await next_call(bench)


@check("line.e1_blocked", E1, need="CAS")
async def e1_blocked(bench: Bench) -> None:
    """a timeslot that we block is not seized: the next one is"""
    first, second = bench.channels(E1, 2)
    first.set_cas(BLOCKED)
    second.set_cas(IDLE)
    await bench.sleep(0.2)
    streams = [c.events(ev.CasChange) for c in (first, second)]
    await bench.far(first).ring()
    await bench.bits(streams[1], SEIZED >> 2)
    bench.expect(streams[0].get_nowait() is None, "the blocked timeslot was seized")
    await bench.far(first).hang_up()


@check("line.e1_apart", E1, need="CAS")
async def e1_apart(bench: Bench) -> None:
    """each timeslot has its own bits: what happens on one is not seen on another"""
    first, *rest = bench.channels(E1, 4)
    for channel in (first, *rest):
        channel.set_cas(IDLE)
    await bench.sleep(0.2)
    streams = [c.events(ev.CasChange) for c in rest]
    async with bench.talk(first):
        pass
    seen = [c.name for c, s in zip(rest, streams, strict=True) if s.get_nowait() is not None]
    bench.expect(not seen, f"bits changed on {seen} although only {first.name} had a call")


async def _alarm(bench: Bench, channel: Channel, alarm: ev.Alarm) -> None:
    far, span = bench.far(channel), channel.span
    stream = channel.events(ev.AlarmRaised, ev.AlarmCleared)
    far.set_alarm(alarm)
    raised_at = bench.now
    raised = await bench.next(stream, ev.AlarmRaised, 3.0)
    bench.expect(raised.alarm == alarm, f"{alarm!r} is reported as {raised.alarm!r}")
    bench.expect(raised.span == span.number, f"it is reported on span {raised.span}")
    bench.near_time("raised", raised.at, raised_at, AT_ONCE)
    bench.expect(span.alarms == alarm, f"asked, the span tells {span.alarms!r}, not {alarm!r}")
    await bench.none(stream, 1.0, ev.AlarmRaised, ev.AlarmCleared)
    far.set_alarm(ev.Alarm(0))
    cleared_at = bench.now
    cleared = await bench.next(stream, ev.AlarmCleared, 3.0)
    bench.expect(cleared.alarm == alarm, f"cleared is {cleared.alarm!r}, raised was {alarm!r}")
    bench.near_time("cleared", cleared.at, cleared_at, AT_ONCE)
    bench.expect(not span.alarms, f"asked, the span tells {span.alarms!r} after clearing")
    stream.close()


@check("line.e1_alarms", E1, need="ALARMS")
async def e1_alarms(bench: Bench) -> None:
    """each alarm is reported once when it comes and once when it goes, and can be asked for"""
    for alarm in ev.Alarm:
        await _alarm(bench, bench.channel, alarm)
        await bench.sleep(0.5)
    await next_call(bench)


@check("line.e1_alarms_together", E1, need="ALARMS")
async def e1_alarms_together(bench: Bench) -> None:
    """two alarms at once are two reports; one can go while the other stays"""
    far, span = bench.far(bench.channel), bench.channel.span
    stream = bench.channel.events(ev.AlarmRaised, ev.AlarmCleared)
    both = ev.Alarm.LFA | ev.Alarm.RAI
    far.set_alarm(both)
    seen = ev.Alarm(0)
    for _ in range(2):
        seen |= (await bench.next(stream, ev.AlarmRaised, 3.0)).alarm
    bench.expect(seen == both, f"reported {seen!r}, raised {both!r}")
    far.set_alarm(ev.Alarm.RAI)
    cleared = await bench.next(stream, ev.AlarmCleared, 3.0)
    bench.expect(cleared.alarm == ev.Alarm.LFA, f"{cleared.alarm!r} went, not LFA")
    bench.expect(span.alarms == ev.Alarm.RAI, f"asked, the span tells {span.alarms!r}")
    far.set_alarm(ev.Alarm(0))
    await bench.next(stream, ev.AlarmCleared, 3.0)
