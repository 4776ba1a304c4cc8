"""Room: checks of playing and recording.  Sound is compared sample by sample; the detectors are
not asked."""

import asyncio
import tempfile
from pathlib import Path

from cti_board import events as ev
from cti_board.audio import open_wave, write_wave
from cti_board.media import Recorder, RecordResult
from cti_board.testing import sound
from cti_board.testing.bench import FRAME, Bench, Recording
from cti_board.testing.registry import EACH, check


@check("media.play_exact", *EACH)
async def play_exact(bench: Bench) -> None:
    """what is played reaches the far end: every sample, none twice, in order"""
    first, second = bench.pattern(1, 20000), bench.pattern(2, 4321)
    async with bench.talk(bench.channel) as far:
        ear = far.hear(5.0)
        result = await bench.channel.play(first, second)
        await bench.sleep(0.2)
        heard = await ear.stop()
    bench.same_sound(first + second, heard, "what the far end heard")
    bench.expect(result.reason is ev.DoneReason.END, f"the player ended with {result.reason!r}")
    bench.expect(
        result.samples == 24321, f"the player reports {result.samples} samples, 24321 were played"
    )


@check("media.latency_tx", *EACH)
async def latency_tx(bench: Bench) -> None:
    """sound takes exactly the declared latency to the far end"""
    sent = bench.pattern(3, 1600)
    async with bench.talk(bench.channel) as far:
        ear = far.hear(2.0)
        bench.channel.play(sent)
        await bench.sleep(1.0)
        at = bench.same_sound(sent, await ear.stop(), "what the far end heard")
    bench.near("latency_tx", at, bench.tx_samples, 0, " samples")


@check("media.record_exact", *EACH)
async def record_exact(bench: Bench) -> None:
    """what the far end says is recorded: every sample, none twice, in order"""
    said = bench.pattern(4, 24000)
    async with bench.talk(bench.channel) as far:
        recording = Recording(bench.channel)
        await far.play(said)
        await bench.sleep(0.2)
        data = await recording.stop()
        result = await recording.recorder
    bench.same_sound(said, data, "the recording")
    bench.expect(result.samples == len(data), f"{len(data)} samples, reported {result.samples}")
    bench.expect(result.lost_samples == 0, f"{result.lost_samples} samples are reported lost")


@check("media.latency_rx", *EACH)
async def latency_rx(bench: Bench) -> None:
    """sound takes exactly the declared latency from the far end"""
    said = bench.pattern(5, 1600)
    async with bench.talk(bench.channel) as far:
        recording = Recording(bench.channel)
        far.play(said)
        await bench.sleep(1.0)
        at = bench.same_sound(said, await recording.stop(), "the recording")
    bench.near("latency_rx", at, bench.rx_samples, 0, " samples")


@check("media.stereo", *EACH)
async def stereo(bench: Bench) -> None:
    """a stereo recording has the far end left and what we send right, in step"""
    said, sent = bench.pattern(6, 8000), bench.pattern(7, 8000)
    async with bench.talk(bench.channel) as far:
        recording = Recording(bench.channel, stereo=True)
        far.play(said)
        bench.channel.play(sent)
        await bench.sleep(1.5)
        data = await recording.stop()
    left = bench.same_sound(said, data[0::2], "the left side (far end)")
    right = bench.same_sound(sent, data[1::2], "the right side (ours)")
    bench.near("sides in step", left - right, bench.rx_samples, 0, " samples")
    rest = data[1::2][right + len(sent) :]
    bench.expect(set(rest) <= {sound.IDLE}, "the right side is not silent after the end")


@check("media.both_ways", *EACH)
async def both_ways(bench: Bench) -> None:
    """both directions at once are exact, and neither is heard in the other"""
    said, sent = bench.pattern(8, 8000), bench.pattern(9, 8000)
    async with bench.talk(bench.channel) as far:
        ear, recording = far.hear(3.0), Recording(bench.channel)
        player = bench.channel.play(sent)
        await bench.sleep(0.5)  # first we alone, then both, then the far end alone
        await far.play(said)
        await player
        await bench.sleep(0.5)
        heard, recorded = await ear.stop(), await recording.stop()
    for ours, theirs, whose in ((sent, heard, "the far end"), (said, recorded, "the recording")):
        at = bench.same_sound(ours, theirs, f"what {whose} has")
        outside = theirs[:at] + theirs[at + len(ours) :]
        bench.expect(set(outside) <= {sound.IDLE}, f"{whose} has more than was sent to it")


@check("media.silence", *EACH)
async def silence(bench: Bench) -> None:
    """a channel that sends nothing is silent, both ways"""
    async with bench.talk(bench.channel) as far:
        await bench.sleep(1.0)
        ear, recording = far.hear(2.0), Recording(bench.channel)
        await bench.sleep(2.5)
        heard, recorded = await ear.stop(), await recording.stop()
    for data, whose in ((heard, "the far end hears"), (recorded, "the recording has")):
        level = sound.power_dbm0(sound.linear(data))
        bench.measured[whose.replace(" ", "_") + "_dbm0"] = round(level, 1)
        # ITU-T G.712 clause 9: idle channel noise of the receiving side below -65 dBm0p
        bench.expect(level < -65, f"{whose} {level:.1f} dBm0 while nobody speaks")


@check("media.every_channel", *EACH)
async def every_channel(bench: Bench) -> None:
    """several channels play and record at once, each its own"""
    channels = [c for c in bench.board.channels if c.line_type is bench.line][:4]
    stack = [bench.talk(c) for c in channels]
    fars = [await path.__aenter__() for path in stack]
    said = [bench.pattern(20 + i, 4000) for i in range(len(channels))]
    sent = [bench.pattern(40 + i, 4000) for i in range(len(channels))]
    recordings = [Recording(c) for c in channels]
    ears = [far.hear(2.0) for far in fars]
    for channel, far, ours, theirs in zip(channels, fars, sent, said, strict=True):
        channel.play(ours)
        far.play(theirs)
    await bench.sleep(1.0)
    for i, channel in enumerate(channels):
        bench.same_sound(sent[i], await ears[i].stop(), f"what the far end of {channel.name} heard")
        bench.same_sound(said[i], await recordings[i].stop(), f"the recording of {channel.name}")
    for path in stack:
        await path.__aexit__(None, None, None)


@check("media.play_file", *EACH)
async def play_file(bench: Bench) -> None:
    """a file is played as it lies on the disk, and a recording to a file is a whole WAV file"""
    sent = bench.pattern(10, 6000)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "sent.wav"), Path(folder, "heard.wav")
        write_wave(source, sent)
        async with bench.talk(bench.channel) as far:
            ear = far.hear(2.0)
            recorder = bench.channel.record(target)
            await bench.channel.play(source)
            await bench.sleep(0.2)
            heard = await ear.stop()
            far.play(sent)
            await bench.sleep(1.0)
            result = await recorder.stop()
        data = _sound_of(target)
    bench.same_sound(sent, heard, "what the far end heard")
    bench.same_sound(sent, data, "the file")
    bench.expect(result.error == 0, f"the recorder reports error {result.error}")
    bench.expect(
        len(data) == result.samples, f"the file has {len(data)} samples, reported {result.samples}"
    )


def _sound_of(path: Path) -> bytes:
    wave = open_wave(path)
    return path.read_bytes()[wave.offset : wave.offset + wave.size]


@check("media.offset", *EACH)
async def offset(bench: Bench) -> None:
    """playing from an offset and in loops leaves out and repeats just what was asked for"""
    sent = bench.pattern(11, 4000)
    async with bench.talk(bench.channel) as far:
        ear = far.hear(4.0)
        result = await bench.channel.play(sent, offset_s=1000 / 8000, loops=3)
        await bench.sleep(0.2)
        heard = await ear.stop()
    at = bench.same_sound(sent[1000:] + sent + sent, heard, "what the far end heard")
    early = sound.place(sent[:1000], heard[: at + 3000])
    bench.expect(early is None, "the part before the offset was heard")
    bench.expect(result.samples == 11000, f"reported {result.samples} samples, played 11000")


@check("media.pause", *EACH)
async def pause(bench: Bench) -> None:
    """a pause is silence; after it the sound goes on with the next sample"""
    sent = bench.pattern(12, 16000)
    async with bench.talk(bench.channel) as far:
        ear = far.hear(5.0)
        player = bench.channel.play(sent)
        await bench.sleep(0.5)
        player.pause()
        await bench.sleep(1.0)
        player.resume()
        result = await player
        await bench.sleep(0.2)
        heard = await ear.stop()
    start = bench.same_sound(sent[:1600], heard, "the part before the pause")
    gap = sound.place(sound.silence(1600), heard[start:])
    bench.expect(gap is not None, "there is no silence in the pause")
    before = gap or 0
    # which codes are silence by chance: up to the last 8 samples may be part of either
    rest = bench.same_sound(sent[before + 8 :], heard, "the part after the pause")
    bench.same_sound(sent[: max(0, before - 8)], heard, "the part before the pause")
    bench.near("pause", rest - 8 - start - before, 8000, 2 * FRAME, " samples")
    bench.expect(result.samples == 16000, f"reported {result.samples} samples, played 16000")


@check("media.stop", *EACH)
async def stop(bench: Bench) -> None:
    """stopping ends the sound at the next frame boundary, and the count is what was heard"""
    sent = bench.pattern(13, 80000)
    async with bench.talk(bench.channel) as far:
        ear = far.hear(5.0)
        player = bench.channel.play(sent)
        await bench.sleep(1.0)
        player.stop()
        asked = bench.now - ear.began_at
        result = await player
        await bench.sleep(0.5)
        heard = await ear.stop()
    end = len(heard.rstrip(bytes([sound.IDLE])))
    bench.expect(result.reason is ev.DoneReason.STOPPED, f"the player ended with {result.reason!r}")
    bench.near("stop", end, asked + bench.tx_samples, 2 * FRAME, " samples")
    at = bench.same_sound(sent[: result.samples - 8], heard, "as much as the player reports")
    bench.near("samples reported", result.samples, end - at, 8)


@check("media.play_done", *EACH)
async def play_done(bench: Bench) -> None:
    """the end of a sound is reported when its last sample goes out, once"""
    async with bench.talk(bench.channel):
        stream = bench.channel.events(ev.PlayDone)
        began = bench.now
        bench.channel.play(bench.pattern(14, 12345))
        done = await bench.event(stream, ev.PlayDone, 5.0)
        # PlayDone may wait for the frame's end
        bench.near_time("PlayDone", done.at, began + 12345, 2 * FRAME)
        await bench.none(stream, 1.0, ev.PlayDone)


@check("media.two_players", *EACH)
async def two_players(bench: Bench) -> None:
    """ten short sounds one after another are heard in order, and each is reported"""
    parts = [bench.pattern(60 + i, 333 + 40 * i) for i in range(10)]
    async with bench.talk(bench.channel) as far:
        ear = far.hear(5.0)
        for part in parts:
            result = await bench.channel.play(part)
            bench.expect(result.samples == len(part), f"{result.samples} of {len(part)} samples")
        await bench.sleep(0.2)
        heard = await ear.stop()
    places = [bench.same_sound(part, heard, f"sound {i + 1}") for i, part in enumerate(parts)]
    bench.expect(places == sorted(places), f"the sounds are not in order: {places}")


@check("media.record_limit", *EACH)
async def record_limit(bench: Bench) -> None:
    """a recording ends at its limit with reason END, and after silence with reason SILENCE"""
    said = bench.pattern(15, 40000)
    async with bench.talk(bench.channel) as far:
        far.play(said)
        recorder = bench.channel.record(sink=Sunk(), max_s=0.5)
        first = await _soon(recorder)
        bench.expect(first.reason is ev.DoneReason.END, f"at the limit: {first.reason!r}")
        bench.near("samples at the limit", first.samples, 4000, 0)
        far.play(said[:8000])
        recorder = bench.channel.record(sink=Sunk(), silence_s=1.0)
        began = bench.now
        second = await _soon(recorder)
        bench.expect(second.reason is ev.DoneReason.SILENCE, f"after silence: {second.reason!r}")
        bench.near_time("silence", bench.now, began + 16000 + bench.rx_samples, 4 * FRAME)


class Sunk:
    """Drops the bytes."""

    def update(self, data: bytes) -> None:
        pass


async def _soon(recorder: Recorder) -> RecordResult:
    async with asyncio.timeout(20.0):
        return await recorder


@check("media.gain", *EACH, need="GAIN")
async def gain(bench: Bench) -> None:
    """gain changes the level by what was asked for, each way"""
    tone = sound.sine((1000.0, -20.0), samples=8000)
    async with bench.talk(bench.channel) as far:
        bench.channel.set_gain(-6.0, 3.0)
        ear, recording = far.hear(3.0), Recording(bench.channel)
        far.play(tone)
        await bench.channel.play(tone)
        await bench.sleep(0.3)
        heard, recorded = await ear.stop(), await recording.stop()
    for data, expected, name in ((recorded, -26.0, "gain_rx"), (heard, -17.0, "gain_tx")):
        x = sound.linear(data)
        part = x[sound.bursts(x)[0].start :][1600:6400]
        bench.near(name, sound.level_dbm0(part, 1000.0), expected, 0.3, " dBm0")
