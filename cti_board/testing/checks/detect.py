"""Room: checks of tones and digits sent, and of what is detected on the line.

What we send is measured by numpy at the far end; what the far end sends is known to the sample,
so that events can be held against it.
"""

from itertools import pairwise

from cti_board import events as ev
from cti_board.signalling.port import LineType
from cti_board.testing import sound
from cti_board.testing.bench import FRAME, Bench, CantTell
from cti_board.testing.registry import EACH, check
from cti_board.tones import Tone

SENT_HZ = 0.5  # chosen: what a generator may be off, per cent; plans allow 25 Hz of 450
SENT_DB = 0.5  # chosen
DTMF_HZ_PERCENT = 1.5  # ITU-T Q.23: within +-1.5 % of nominal
EDGE = 16  # samples: how exactly an edge can be seen in a sound that begins with a zero crossing
PROGRESS = ("dial", "ringback", "busy", "congestion", "vacant")
KNOWN_MS = 25  # chosen: how exactly a detector must tell where a digit began and ended


async def _heard(bench: Bench, tone: str | Tone, seconds: float) -> sound.Linear:
    async with bench.talk(bench.channel) as far:
        ear = far.hear(seconds + 1.0)
        bench.channel.send_tone(tone)
        await bench.sleep(seconds)
        bench.channel.stop_tone()
        await bench.sleep(0.1)
        return sound.linear(await ear.stop())


@check("media.tone_hz", *EACH)
async def tone_hz(bench: Bench) -> None:
    """a tone has the frequencies and the level of its plan"""
    tone = bench.board.tone_plan.tone("dial")
    x = (await _heard(bench, "dial", 1.0))[800:7200]
    for want, got in zip(sorted(tone.hz), sound.strongest_hz(x, len(tone.hz)), strict=True):
        bench.near(f"hz_{want:g}", got, want, want * SENT_HZ / 100, " Hz")
        bench.near(f"level_{want:g}", sound.level_dbm0(x, got), tone.level_dbm0, SENT_DB, " dBm0")
    level = sound.power_dbm0(x)
    total = tone.level_dbm0 + 3.01 * (len(tone.hz) - 1)
    bench.near("power", level, total, SENT_DB, " dBm0")


@check("media.tone_two_hz", *EACH)
async def tone_two_hz(bench: Bench) -> None:
    """a tone of two frequencies has both, each at its level"""
    tone = Tone("two", (480.0, 620.0), level_dbm0=-24.0)  # busy, North America
    x = (await _heard(bench, tone, 1.0))[800:7200]
    for want, got in zip(tone.hz, sound.strongest_hz(x, 2), strict=True):
        bench.near(f"hz_{want:g}", got, want, want * SENT_HZ / 100, " Hz")
        bench.near(f"level_{want:g}", sound.level_dbm0(x, got), -24.0, SENT_DB, " dBm0")


@check("media.tone_cadence", *EACH)
async def tone_cadence(bench: Bench) -> None:
    """every cadence of the plan is sent with its times"""
    async with bench.talk(bench.channel) as far:
        for name in ("ringback", "busy", "congestion"):
            steps = bench.board.tone_plan.tone(name).cadence.on_off_ms
            length = sum(on + off for on, off in steps) / 1000
            ear = far.hear(3 * length + 1)
            bench.channel.send_tone(name)
            await bench.sleep(2.5 * length)
            bench.channel.stop_tone()
            await bench.sleep(0.2)
            found = sound.bursts(sound.linear(await ear.stop()), join=200)
            bench.expect(len(found) > len(steps), f"{name}: only {len(found)} bursts were heard")
            for i, (on, off) in enumerate(steps):
                bench.near(f"{name}_on", found[i].length, on * 8, EDGE, " samples")
                gap = found[i + 1].start - found[i].end
                bench.near(f"{name}_off", gap, off * 8, EDGE, " samples")


@check("media.tone_cycles", *EACH)
async def tone_cycles(bench: Bench) -> None:
    """a tone for a number of cycles ends by itself and says so; a stopped one is silent at once"""
    tone = Tone("beeps", (1000.0,), bench.board.tone_plan.tone("busy").cadence)
    length = sum(on + off for on, off in tone.cadence.on_off_ms) * 8
    async with bench.talk(bench.channel) as far:
        stream = bench.channel.events(ev.ToneDone)
        ear, began = far.hear(8.0), bench.now
        cookie = bench.channel.send_tone(tone, cycles=3)
        done = await bench.event(stream, ev.ToneDone, 6.0)
        bench.expect(done.cookie == cookie, "ToneDone carries another cookie")
        bench.near_time("ToneDone", done.at, began + 3 * length, 2 * FRAME)
        found = sound.bursts(sound.linear(await ear.stop()), join=200)
        bench.expect(len(found) == 3, f"{len(found)} bursts were heard, 3 were asked for")
        ear = far.hear(3.0)
        bench.channel.send_tone("dial")
        await bench.sleep(1.0)
        bench.channel.stop_tone()
        stopped = bench.now - ear.began_at
        await bench.sleep(0.5)
        end = sound.bursts(sound.linear(await ear.stop()))[-1].end
        bench.near("stop", end, stopped + bench.tx_samples, 2 * FRAME, " samples")


# ---- digits ---------------------------------------------------------------------------------


@check("media.dtmf_send", *EACH)
async def dtmf_send(bench: Bench) -> None:
    """all 16 digits are sent with the frequencies, levels and times that were asked for"""
    async with bench.talk(bench.channel) as far:
        stream = bench.channel.events(ev.ToneDone)
        ear, began = far.hear(6.0), bench.now
        bench.channel.send_digits(sound.ALL_DIGITS, on_ms=80, off_ms=60, level_dbm0=-10.0,
                                  twist_db=2.0)  # fmt: skip
        done = await bench.event(stream, ev.ToneDone, 8.0)
        await bench.sleep(0.2)
        found = sound.keys(sound.linear(await ear.stop()))
    digits = "".join(key.digit or "?" for key in found)
    bench.expect(digits == sound.ALL_DIGITS, f"heard {digits!r}, sent {sound.ALL_DIGITS!r}")
    for key in found:
        row = next(r for r in range(4) if key.digit in sound.KEYS[r])
        column = sound.KEYS[row].index(key.digit)
        for got, want in ((key.low_hz, sound.LOW_HZ[row]), (key.high_hz, sound.HIGH_HZ[column])):
            bench.near(f"digit {key.digit}: Hz", got, want, want * DTMF_HZ_PERCENT / 100, " Hz")
        bench.near("dtmf_low", key.low_dbm0, -10.0, 1.0, " dBm0")
        bench.near("dtmf_high", key.high_dbm0, -8.0, 1.0, " dBm0")
        bench.near("dtmf_on", key.burst.length, 80 * 8, EDGE, " samples")
    for a, b in pairwise(found):
        bench.near("dtmf_step", b.burst.start - a.burst.start, 140 * 8, EDGE, " samples")
    # the last pause may or may not belong to what was sent
    bench.near_time("ToneDone", done.at, began + 16 * 140 * 8, 60 * 8 + 2 * FRAME)


@check("media.dtmf_receive", *EACH)
async def dtmf_receive(bench: Bench) -> None:
    """all 16 digits are received once each, and where they began and ended is known"""
    async with bench.talk(bench.channel) as far:
        bench.channel.arm(dtmf=True)
        await bench.sleep(0.1)
        stream = bench.channel.events(ev.DtmfBegin, ev.DtmfEnd)
        began = bench.now
        await far.send_digits(sound.ALL_DIGITS, on_ms=60, off_ms=60)
        for i, digit in enumerate(sound.ALL_DIGITS):
            first = began + i * 120 * 8 + bench.rx_samples
            begin = await bench.next(stream, ev.DtmfBegin, 1.0)
            bench.expect(begin.digit == digit, f"digit {i + 1} is {begin.digit!r}, sent {digit!r}")
            bench.near_time("dtmf_begin", begin.at - begin.age_samples, first, KNOWN_MS * 8)
            end = await bench.next(stream, ev.DtmfEnd, 1.0)
            bench.expect(end.digit == digit, f"{end.digit!r} ended, {digit!r} had begun")
            bench.near_time("dtmf_end", end.at - end.age_samples, first + 480, KNOWN_MS * 8)
            bench.near_time("dtmf_length", end.length_samples, 480, 2 * KNOWN_MS * 8)
            # ITU-T Q.24: 40 ms must be enough; 20 more for the frame
            bench.near_time("dtmf_told", begin.at, first + 240, 240 + 2 * FRAME)
        await bench.none(stream, 1.0, ev.DtmfBegin)


@check("media.dtmf_levels", *EACH)
async def dtmf_levels(bench: Bench) -> None:
    """weak digits and those with twist are received, and their level is told"""
    # ITU-T Q.24 annex A: levels down to -29 dBm a frequency, high to low +4 to -8 dB (widest)
    cases = ((-3.0, 0.0), (-24.0, 0.0), (-15.0, 3.5), (-10.0, -6.0))
    async with bench.talk(bench.channel) as far:
        bench.channel.arm(dtmf=True)
        for digit, (level, twist) in zip("159D", cases, strict=True):
            stream = bench.channel.events(ev.DtmfBegin)
            await far.send_digits(digit, on_ms=80, off_ms=80, level_dbm0=level, twist_db=twist)
            begin = await bench.next(stream, ev.DtmfBegin, 1.0)
            bench.expect(begin.digit == digit, f"{begin.digit!r} received, sent {digit!r}")
            bench.near(f"twist_{twist:g}", begin.twist_db, twist, 1.5, " dB")
            await bench.none(stream, 0.3, ev.DtmfBegin)
            stream.close()


@check("media.digit_stops_play", *EACH)
async def digit_stops_play(bench: Bench) -> None:
    """a digit stops the prompt that it may stop, and is told with it"""
    prompt = sound.speech(1, 20.0, -20.0)
    async with bench.talk(bench.channel) as far:
        bench.channel.arm(dtmf=True)
        ear = far.hear(10.0)
        player = bench.channel.play(prompt, stop_on_digit=True)
        await bench.sleep(1.0)
        pressed = bench.now - ear.began_at
        await far.send_digits("5", on_ms=100)
        await bench.sleep(0.5)
        bench.expect(player.done, "the prompt goes on")
        result = await player
        heard = sound.linear(await ear.stop())
    bench.expect(result.reason is ev.DoneReason.DIGIT, f"the player ended with {result.reason!r}")
    bench.expect(result.digit == "5", f"it names digit {result.digit!r}")
    end = sound.bursts(heard, join=4000)[0].end
    # from the key to silence: 40 ms to be sure of it, two frames; both ways
    bound = pressed + bench.rx_samples + bench.tx_samples + 60 * 8 + 2 * FRAME
    bench.measured["key_to_silence"] = end - pressed
    bench.expect(end <= bound, f"the prompt went on for {end - pressed} samples after the key")


@check("media.collect", *EACH)
async def collect(bench: Bench) -> None:
    """digits are collected to the maximum, to the terminator, or until no more come"""
    channel = bench.channel
    async with bench.talk(channel) as far:
        channel.open_digits()
        await far.send_digits("123")
        full = await channel.collect(max_digits=3)
        bench.expect((full.digits, full.reason) == ("123", "max"), f"collected {full}")
        await far.send_digits("45#")
        ended = await channel.collect(max_digits=9)
        bench.expect((ended.digits, ended.reason) == ("45", "term"), f"collected {ended}")
        await far.send_digits("6")
        late = await channel.collect(max_digits=9, interdigit_timeout_s=1.0)
        bench.expect((late.digits, late.reason) == ("6", "timeout"), f"collected {late}")
        none = await channel.collect(max_digits=9, first_timeout_s=1.0)
        bench.expect((none.digits, none.reason) == ("", "noinput"), f"collected {none}")
        channel.close_digits()


# ---- tones and talk ----------------------------------------------------------------------------


def _cadence(bench: Bench, name: str, cycles: int) -> bytes:
    tone = bench.board.tone_plan.tone(name)
    parts = tuple((hz, tone.level_dbm0) for hz in tone.hz)
    return sound.cadence(parts, tone.cadence.on_off_ms, cycles)


@check("media.busy_tone", *EACH)
async def busy_tone(bench: Bench) -> None:
    """a busy tone is recognised after its cycles and no sooner, and its end is told"""
    busy = bench.board.tone_plan.tone("busy")
    cycle = sum(on + off for on, off in busy.cadence.on_off_ms) * 8
    async with bench.talk(bench.channel) as far:
        bench.channel.arm(tones=True)
        await bench.sleep(0.1)
        stream, began = bench.channel.events(ev.ToneOn, ev.ToneOff), bench.now
        far.play(_cadence(bench, "busy", 6))
        on = await bench.next(stream, ev.ToneOn, 10.0)
        bench.expect(on.tone == "busy", f"recognised as {on.tone!r}")
        # between the cycles that the plan asks for and one more
        early = began + bench.rx_samples + (busy.min_cycles - 1) * cycle
        bench.near_time("tone_on", on.at, early + cycle, cycle + 4 * FRAME)
        total = busy.level_dbm0 + 3.01 * (len(busy.hz) - 1)  # TONE_ON tells the power of both
        bench.near("tone_level", on.level_dbm0, total, 2.0, " dBm0")
        off = await bench.next(stream, ev.ToneOff, 10.0)
        bench.expect(off.tone == "busy", f"the tone that ended is {off.tone!r}")
        bench.near_time("tone_off", off.at, began + bench.rx_samples + 6 * cycle, cycle)


@check("media.tones_told_apart", *EACH)
async def tones_told_apart(bench: Bench) -> None:
    """each tone of the plan is recognised as itself, and speech as none of them"""
    async with bench.talk(bench.channel) as far:
        bench.channel.arm(tones=True)
        for name in [t.name for t in bench.board.tone_plan.tones if t.name in PROGRESS]:
            stream = bench.channel.events(ev.ToneOn)
            mouth = far.play(_cadence(bench, name, 6))
            on = await bench.event(stream, ev.ToneOn, 30.0)
            bench.expect(on.tone == name, f"{name} is recognised as {on.tone!r}")
            mouth.stop()
            await bench.sleep(6.0)
            stream.close()
        stream = bench.channel.events(ev.ToneOn)
        await far.play(sound.speech(2, 8.0))
        await bench.none(stream, 0.5, ev.ToneOn)


@check("media.talk", *EACH)
async def talk(bench: Bench) -> None:
    """talking is detected, with where it begins and how long it is; silence is not"""
    async with bench.talk(bench.channel) as far:
        bench.channel.arm(talk=True)
        stream = bench.channel.events(ev.TalkBegin, ev.TalkEnd)
        await bench.none(stream, 2.0, ev.TalkBegin)
        began = bench.now
        await far.play(sound.speech(3, 2.0))
        begin = await bench.next(stream, ev.TalkBegin, 3.0)
        # chosen: a voice is known within 300 ms, its end within 1.5 s
        bench.near_time("talk_begin", begin.at, began + bench.rx_samples + 1200, 1200 + 2 * FRAME)
        end = await bench.next(stream, ev.TalkEnd, 5.0)
        said = began + bench.rx_samples + 16000
        bench.near_time("talk_end", end.at, said + 6000, 6000 + 2 * FRAME)
        bench.near("talk_length", end.length_ms, 2000, 300, " ms")


@check("media.disarmed", *EACH)
async def disarmed(bench: Bench) -> None:
    """what is not armed reports nothing"""
    async with bench.talk(bench.channel) as far:
        stream = bench.channel.events(ev.DtmfBegin, ev.ToneOn, ev.TalkBegin)
        await far.send_digits("159D")
        await far.play(_cadence(bench, "busy", 5))
        await bench.none(stream, 1.0, ev.DtmfBegin, ev.ToneOn, ev.TalkBegin)
        bench.channel.arm(dtmf=True)
        await far.send_digits("5")
        await bench.event(stream, ev.DtmfBegin, 2.0)
        bench.channel.arm(dtmf=False)
        await bench.sleep(0.1)
        stream.clear()
        await far.send_digits("7")
        await bench.none(stream, 0.5, ev.DtmfBegin)


@check("media.caller_id", LineType.FXO)
async def caller_id(bench: Bench) -> None:
    """the caller's number is received between the first two rings"""
    channel, far = bench.channel, bench.far(bench.channel)
    if not far.number:
        raise CantTell("the far end has no number")
    stream = channel.events(ev.CallerId)
    channel.arm(fsk=True)
    await far.ring()
    told = await bench.event(stream, ev.CallerId, 8.0)
    bench.expect(told.valid, "the checksum is wrong")
    bench.expect(told.number == far.number, f"told {told.number!r}, the caller is {far.number!r}")
    await far.hang_up()
