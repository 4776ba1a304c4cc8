"""Room: checks of cross-connects and conferences: who hears whom, and who must not."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise

from cti_board.channel import Channel
from cti_board.signalling.port import LineType
from cti_board.switch import Conference, Switch
from cti_board.testing import sound
from cti_board.testing.bench import Bench, CantTell
from cti_board.testing.registry import check
from cti_board.testing.rig import FarEnd

SWITCH_SAMPLES = 160  # one frame: what is received in one is sent in the next (cti_board.switch)
QUIET_DBM0 = -60.0  # chosen: crosstalk; ITU-T Q.551 asks for 65 dB below 0 dBm0 and we say -5
VOICES_HZ = (500.0, 900.0, 1300.0, 1900.0)  # chosen: apart, and none a harmonic of another


@asynccontextmanager
async def _party(bench: Bench, count: int) -> AsyncIterator[list[tuple[Channel, FarEnd]]]:
    """So many channels with their far ends, all able to talk; FXS first, then what there is."""
    order = [LineType.FXS, LineType.FXO, LineType.E1_CAS]
    usable = [c for kind in order for c in bench.board.channels if c.line_type is kind]
    if len(usable) < count:
        raise CantTell(f"needs {count} channels, the board has {len(usable)}")
    async with AsyncExitStack() as stack:
        yield [(c, await stack.enter_async_context(bench.talk(c))) for c in usable[:count]]


def _switch(bench: Bench) -> Switch:
    return Switch(bench.board.loop)


@check("switch.listen")
async def listen(bench: Bench) -> None:
    """listening is one-way: the sink's far end hears the source's, exactly, and not the reverse"""
    said, answer = bench.pattern(70, 8000), bench.pattern(71, 8000)
    async with _party(bench, 3) as ((a, far_a), (b, far_b), (_, far_c)):
        _switch(bench).listen(a, b)
        await bench.sleep(0.1)
        ears = [far.hear(3.0) for far in (far_a, far_b, far_c)]
        far_b.play(said)
        far_a.play(answer)
        await bench.sleep(1.5)
        at_a, at_b, at_c = [await ear.stop() for ear in ears]
        bench.same_sound(said, at_a, "what the sink's far end heard")
        bench.expect(set(at_b) <= {sound.IDLE}, "the source's far end hears the sink")
        bench.expect(set(at_c) <= {sound.IDLE}, "a third far end hears something")
        _switch(bench).listen(a, None)
        await bench.sleep(0.1)
        ear = far_a.hear(1.0)
        far_b.play(said)
        await bench.sleep(1.1)
        bench.expect(set(await ear.stop()) <= {sound.IDLE}, "it is heard after the end")


@check("switch.connect")
async def connect(bench: Bench) -> None:
    """two connected channels hear each other exactly, until they are disconnected"""
    said, answer = bench.pattern(72, 8000), bench.pattern(73, 8000)
    async with _party(bench, 2) as ((a, far_a), (b, far_b)):
        _switch(bench).connect(a, b)
        await bench.sleep(0.1)
        ears = [far.hear(3.0) for far in (far_a, far_b)]
        far_a.play(answer)
        far_b.play(said)
        await bench.sleep(1.5)
        bench.same_sound(said, await ears[0].stop(), "what the first far end heard")
        bench.same_sound(answer, await ears[1].stop(), "what the second far end heard")
        _switch(bench).disconnect(a, b)
        await bench.sleep(0.1)
        ears = [far.hear(1.0) for far in (far_a, far_b)]
        far_a.play(answer)
        far_b.play(said)
        await bench.sleep(1.1)
        for ear in ears:
            bench.expect(set(await ear.stop()) <= {sound.IDLE}, "they are still connected")


@check("switch.delay")
async def delay(bench: Bench) -> None:
    """a cross-connect adds no more than a frame to the declared latencies"""
    said = bench.pattern(74, 4000)
    async with _party(bench, 2) as ((a, far_a), (b, far_b)):
        _switch(bench).connect(a, b)
        await bench.sleep(0.1)
        ear = far_b.hear(2.0)
        far_a.play(said)
        await bench.sleep(1.0)
        at = bench.same_sound(said, await ear.stop(), "what was heard")
    bench.measured["switch_delay"] = at
    most = bench.rx_samples + bench.tx_samples + SWITCH_SAMPLES
    bench.expect(at <= most, f"heard {at} samples later; at most {most}")


@check("switch.across_types")
async def across_types(bench: Bench) -> None:
    """channels of different types can be connected"""
    kinds = sorted({c.line_type for c in bench.board.channels} & {1, 2, 3})
    if len(kinds) < 2:
        raise CantTell("the board has one type of channel")
    said = bench.pattern(75, 4000)
    for one, other in pairwise(kinds):
        a, b = bench.channels(one, 1)[0], bench.channels(other, 1)[0]
        async with bench.talk(a) as far_a, bench.talk(b) as far_b:
            _switch(bench).connect(a, b)
            await bench.sleep(0.1)
            for speaker, listener in ((far_a, far_b), (far_b, far_a)):
                ear = listener.hear(1.5)
                speaker.play(said)
                await bench.sleep(1.0)
                bench.same_sound(said, await ear.stop(), f"between {a.name} and {b.name}")
            _switch(bench).disconnect(a, b)


def _levels(heard: bytes) -> list[float]:
    x = sound.linear(heard)[3200:9600]
    return [sound.level_dbm0(x, hz) for hz in VOICES_HZ]


async def _all_speak(bench: Bench, fars: list[FarEnd]) -> list[list[float]]:
    """Each speaks its own frequency at -20 dBm0; what each hears of the four."""
    ears = [far.hear(2.0) for far in fars]
    for far, hz in zip(fars, VOICES_HZ, strict=False):
        far.play(sound.sine((hz, -20.0), samples=12000))
    await bench.sleep(1.6)
    return [_levels(await ear.stop()) for ear in ears]


@check("switch.conference")
async def conference(bench: Bench) -> None:
    """in a conference each hears the others at full level, and not himself"""
    async with _party(bench, 4) as party:
        room = Conference(bench.board.loop)
        for channel, _ in party[:3]:
            room.join(channel)
        await bench.sleep(0.1)
        levels = await _all_speak(bench, [far for _, far in party])
        for i in range(3):
            for k in range(3):
                if i == k:
                    bench.expect(levels[i][k] < QUIET_DBM0, f"member {i + 1} hears himself")
                else:
                    bench.near(f"level_{i + 1}_hears_{k + 1}", levels[i][k], -20.0, 0.5, " dBm0")
            bench.expect(levels[i][3] < QUIET_DBM0, "one who is not a member is heard")
        bench.expect(max(levels[3][:3]) < QUIET_DBM0, "one who is not a member hears them")
        room.leave(party[2][0])
        await bench.sleep(0.1)
        levels = await _all_speak(bench, [far for _, far in party])
        bench.expect(levels[0][2] < QUIET_DBM0, "one who left is heard")
        bench.expect(levels[2][0] < QUIET_DBM0, "one who left hears")
        bench.near("level_of_two", levels[0][1], -20.0, 0.5, " dBm0")
        room.close()


@check("switch.listen_only")
async def listen_only(bench: Bench) -> None:
    """one who only listens hears everybody and is heard by nobody"""
    async with _party(bench, 3) as party:
        room = Conference(bench.board.loop)
        room.join(party[0][0])
        room.join(party[1][0])
        room.join(party[2][0], listen_only=True)
        await bench.sleep(0.1)
        levels = await _all_speak(bench, [far for _, far in party])
        for k in (0, 1):
            bench.near(f"level_hears_{k + 1}", levels[2][k], -20.0, 0.5, " dBm0")
            bench.expect(levels[k][2] < QUIET_DBM0, f"member {k + 1} hears the listener")
        room.close()


@check("switch.no_crosstalk")
async def no_crosstalk(bench: Bench) -> None:
    """two pairs that talk at once hear nothing of each other"""
    async with _party(bench, 4) as party:
        channels, fars = [c for c, _ in party], [f for _, f in party]
        _switch(bench).connect(channels[0], channels[1])
        _switch(bench).connect(channels[2], channels[3])
        await bench.sleep(0.1)
        levels = await _all_speak(bench, fars)
        for i in range(4):
            for k in range(4):
                if k == i ^ 1:
                    bench.near(f"level_{i + 1}_hears_{k + 1}", levels[i][k], -20.0, 0.5, " dBm0")
                else:
                    bench.expect(levels[i][k] < QUIET_DBM0, f"{i + 1} hears {k + 1}")
        _switch(bench).disconnect(channels[0], channels[1])
        _switch(bench).disconnect(channels[2], channels[3])
