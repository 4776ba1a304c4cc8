"""Boards that are closed, commands that fail, sinks that raise, events that mean nothing."""

import asyncio
import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from cti_board._native._media import ffi, lib

from cti_board import Capabilities, Conference, Switch, Tone, open_board, run, running
from cti_board import events as ev
from cti_board.engine import DECODE, NOWHERE
from cti_board.errors import BoardError, CtiError, DriverError, MediaError
from cti_board.tones import plan
from tests.native.loop_card import INCLUDE, build

SIM = "sim:fxo=1,fxs=2,e1=1,phones=2"
SOUND = bytes([0x15]) * 8000  # a second of something that is not silence


@pytest.fixture(scope="session")
def card(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("mended"))


def virtual(main):
    return run(main, clock="virtual")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def media() -> tuple[int, int]:
    stats = running().engine.stats()
    return stats["players"], stats["recorders"]


class Bytes:
    def __init__(self):
        self.data = b""

    def update(self, data):
        self.data += data


# ---- a command that fails -----------------------------------------------------------------


@pytest.mark.parametrize("op", [lib.CTB_EOP_PLAY_STOP, lib.CTB_EOP_PLAY_PAUSE])
def test_a_stop_that_fails_leaves_the_player_alive(card, op):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            player = board.channels[0].play(SOUND)
            await asyncio.sleep(0.1)
            failed = ev.CommandFailed(1, 0, board.number, 0, player._cookie, 5, op)
            board.loop.pump.dispatch([failed])
            await asyncio.sleep(0.1)
            alive = not player.done, media()
            return alive, await player, board.loop.pump.failed[-1] is failed

    alive, result, told = virtual(main)
    assert alive == (True, (1, 0))
    assert (result.reason, result.samples) == (ev.DoneReason.END, 8000)
    assert told


@pytest.mark.parametrize("op", [lib.CTB_EOP_RECORD_STOP, lib.CTB_EOP_RECORD_MASK])
def test_a_stop_or_mask_that_fails_leaves_the_recorder_alive(card, op):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            heard = Bytes()
            recorder = board.channels[1].record(sink=heard)
            await asyncio.sleep(0.1)
            board.loop.pump.dispatch(
                [ev.CommandFailed(1, 0, board.number, 1, recorder._cookie, 5, op)]
            )
            await asyncio.sleep(0.9)
            return (await recorder.stop()).samples, len(heard.data)

    assert virtual(main) == (8000, 8000)


def test_stop_is_sent_once(card):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            player, recorder = board.channels[0].play(SOUND), board.channels[1].record(sink=Bytes())
            await asyncio.sleep(0.1)
            before = board.loop.engine.stats()["commands"]
            for _ in range(3):
                player.stop()
            await asyncio.gather(recorder.stop(), recorder.stop())
            await player
            return board.loop.engine.stats()["commands"] - before

    assert virtual(main) == 2


# ---- events that mean nothing, sinks that raise --------------------------------------------


def test_an_event_that_cannot_be_understood_is_a_fault_and_the_rest_goes_on(card):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            stream = board.events(ev.DriverFault, ev.PulseDigit)
            for kind, a in ((120, 0), (lib.CTB_EV_PULSE_DIGIT, -5), (lib.CTB_EV_PULSE_DIGIT, 53)):
                board.loop.engine.post(board.number, 1, lib.CTB_OP_STREET, b=kind, c=a)
            return [await stream.get() for _ in range(3)]

    strange, bad, good = virtual(main)
    assert isinstance(strange, ev.DriverFault)
    assert "kind 120" in strange.text
    assert isinstance(bad, ev.DriverFault)
    assert (bad.board, bad.channel) == (0, 1)
    assert "a=-5" in bad.text
    assert isinstance(good, ev.PulseDigit)
    assert good.digit == "5"


def test_events_of_the_engine_have_no_board():
    for kind, made in ((lib.CTB_EV_OVERRUN, ev.Overrun), (lib.CTB_EV_LATE, ev.Late)):
        raw = ffi.new("ctb_event_t *", {"kind": kind, "board": NOWHERE, "a": 7, "seq": 3})
        assert DECODE[kind](raw) == made(3, 0, -1, -1, 7)


def test_a_sink_that_raises_ends_its_own_recording_only(card):
    class Broken:
        def update(self, data):
            raise OSError("the bucket leaks")

    async def main():
        async with open_board(f"lib:{card}?2") as board:
            good = Bytes()
            ours = board.channels[1].record(sink=good)
            theirs = board.channels[1].record(sink=Broken())
            await board.channels[0].play(
                SOUND * 5
            )  # more than half of the ring, so that it is read
            await asyncio.sleep(0.1)
            ended = theirs.done
            with pytest.raises(MediaError, match="the bucket leaks") as caught:
                await theirs
            await ours.stop()
            return ended, caught.value.__cause__, good.data, media()

    ended, cause, data, left = virtual(main)
    assert ended
    assert isinstance(cause, OSError)
    assert SOUND in data
    assert left == (0, 0)


def test_a_sink_that_raises_at_the_board_s_closing_is_told_too(card):
    class Broken:
        def update(self, data):
            raise OSError("late")

    async def main():
        async with open_board(f"lib:{card}?2") as board:
            recorder = board.channels[1].record(sink=Broken())
            await asyncio.sleep(0.04)
        with pytest.raises(MediaError, match="late"):
            await recorder
        return media()

    assert virtual(main) == (0, 0)


def test_masking_begins_and_ends_on_a_frame_boundary(card):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            heard = Bytes()
            recorder = board.channels[1].record(sink=heard)
            player = board.channels[0].play(SOUND)
            await asyncio.sleep(0.2)
            recorder.mask(True)
            await asyncio.sleep(0.2)
            recorder.mask(False)
            await player
            await recorder.stop()
            recorder.mask(True)  # ended: nothing
            return heard.data

    data = virtual(main)
    assert data[:8000] == SOUND[:1600] + bytes([0xD5]) * 1600 + SOUND[:4800]


# ---- files ----------------------------------------------------------------------------------


def test_a_recording_does_not_replace_a_file_unless_told(card, tmp_path):
    path = tmp_path / "kept.wav"
    path.write_bytes(b"precious")

    async def main():
        async with open_board(f"lib:{card}?2") as board:
            line, before = board.channels[1], open_files()
            with pytest.raises(MediaError, match="File exists"):
                line.record(path)
            kept, left = path.read_bytes(), (media(), open_files() - before)
            await line.record(path, overwrite=True).stop()
            return kept, left, path.read_bytes()[:4]

    assert virtual(main) == (b"precious", ((0, 0), 0), b"RIFF")


def test_a_command_that_is_refused_leaves_nothing_behind(card, tmp_path, monkeypatch):
    sound, made = tmp_path / "s.al", tmp_path / "made.wav"
    sound.write_bytes(SOUND)

    async def main():
        async with open_board(SIM) as board:
            loop, line, phone = board.loop, board.channels[0], board.street.telephones[0]

            def refuse(*_args, **_more):
                raise DriverError("the ring is full")

            before = open_files()
            with monkeypatch.context() as patch:
                patch.setattr(loop.engine, "post", refuse)
                for make in (
                    lambda: line.play(sound),
                    lambda: line.record(made),
                    lambda: line.record(sink=Bytes()),
                    lambda: phone.play(SOUND),
                    lambda: phone.hear(1.0),
                    line.open_digits,
                ):
                    with pytest.raises(DriverError, match="full"):
                        make()
                with pytest.raises(DriverError, match="full"):
                    await phone.keys("1")
            pump = loop.pump
            return media(), open_files() - before, pump._works, pump._recordings, pump._streams

    assert virtual(main) == ((0, 0), 0, {}, {}, {})
    assert not made.exists()


# ---- a closed board ----------------------------------------------------------------------------


def test_every_command_of_a_closed_board_says_that_it_is_not_open(tmp_path):
    async def main():
        async with open_board(SIM) as board:
            fxo, fxs = board.channels[0], board.channels[1]
            phone, room = board.street.telephones[0], Conference(board.loop)
            room.join(fxo)
        before = open_files()
        for act in (
            lambda: fxo.set_hook(True),
            lambda: fxs.ring(1000, 4000),
            lambda: fxo.send_digits("1"),
            lambda: fxo.send_tone("busy"),
            lambda: fxo.play(SOUND),
            lambda: fxo.record(tmp_path / "never.wav"),
            lambda: fxo.record(sink=Bytes()),
            lambda: fxo.arm(dtmf=True),
            fxo.events,
            fxo.resync,
            fxo.open_digits,
            board.events,
            lambda: board.set_tone_plan(plan("cn")),
            lambda: fxo.alarms,
            phone.off_hook,
            phone.events,
            lambda: phone.play(SOUND),
            lambda: phone.hear(1),
            lambda: board.street.cut_line(0),
            lambda: board.street.option(1, 1),
            lambda: Switch(board.loop).connect(fxo, fxs),
            lambda: room.join(fxs),
        ):
            with pytest.raises(BoardError, match=rf"{re.escape(SIM)} is not open"):
                act()
        room.close()
        pump = board.loop.pump
        return media(), open_files() - before, pump._works, pump._streams, pump._spans

    assert virtual(main) == ((0, 0), 0, {}, {}, {})
    assert not (tmp_path / "never.wav").exists()


def test_closing_a_board_ends_whoever_waits_for_it():
    async def main():
        board = open_board(SIM)
        await board.__aenter__()
        line, phone = board.channels[1], board.street.telephones[0]
        phone.off_hook()
        old = line.events()
        mouth, ear = phone.play(SOUND * 60), phone.hear(60)
        player, recorder = line.play(SOUND * 60), line.record(sink=Bytes())
        broken = [
            asyncio.ensure_future(work)
            for work in (
                phone.keys("1" * 50), line.beep(), _await(mouth),
                _next(old, ev.CasChange),
                line.collect(max_digits=3, first_timeout_s=3600), phone.wait_ring(3600),
            )
        ]  # fmt: skip
        await asyncio.sleep(0.06)
        stopping = asyncio.ensure_future(ear.stop())
        await asyncio.sleep(0)
        board.close()
        board.close()
        ends = await asyncio.gather(*broken, stopping, return_exceptions=True)
        reasons = (await player).reason, (await recorder).reason
        async with open_board(SIM) as other:
            assert other.number == 0
            other.street.telephones[0].off_hook()
            await asyncio.sleep(1)
        return ends, reasons, old.get_nowait(), media()

    async def _await(mouth):
        return await mouth

    async def _next(stream, kind):
        while not isinstance(event := await stream.get(), kind):
            pass
        return event

    ends, reasons, late, left = virtual(main)
    named = dict(
        zip(("keys", "beep", "mouth", "stream", "collect", "ring", "ear"), ends, strict=True)
    )
    assert {k: type(v) for k, v in named.items()} == dict.fromkeys(named, BoardError)
    assert reasons == (ev.DoneReason.CLOSED, ev.DoneReason.CLOSED)
    assert late is None
    assert left == (0, 0)


def test_collecting_is_cancelled_as_such_when_the_board_goes_at_the_same_time(card):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            asking = asyncio.create_task(board.channels[0].collect(SOUND, max_digits=2))
            await asyncio.sleep(0.1)
            asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        return asking.cancelled(), media()

    assert virtual(main) == (True, (0, 0))


# ---- prompts and far ends -------------------------------------------------------------------


@pytest.mark.parametrize("bargein", [True, False])
def test_a_cancelled_collect_leaves_no_prompt_playing(card, bargein):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            line = board.channels[0]
            asking = asyncio.create_task(line.collect(SOUND * 60, max_digits=2, bargein=bargein))
            await asyncio.sleep(1)
            playing = media()[0]
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await asyncio.sleep(0.1)
            return playing, media()[0], line._digits, line._armed["dtmf"]

    assert virtual(main) == (1, 0, None, 0)


def test_who_is_cancelled_while_a_far_end_speaks_leaves_it_speaking():
    async def main():
        async with open_board(SIM) as board:
            line, phone = board.channels[1], board.street.telephones[0]
            phone.off_hook()
            await asyncio.sleep(0.5)
            heard = Bytes()
            recorder = line.record(sink=heard)
            mouth = phone.play(bytes(SOUND))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await mouth
            running_on = not mouth.ended.done()
            report = await mouth
            await asyncio.sleep(0.1)
            await recorder.stop()
            return running_on, report.b, sum(b == 0x15 for b in heard.data), board.loop.pump._works

    assert virtual(main) == (True, 0, 8000, {})


def test_an_ear_that_is_dropped_keeps_its_memory_until_the_card_is_done():
    async def main():
        async with open_board(SIM) as board:
            phone = board.street.telephones[0]
            phone.off_hook()
            phone.hear(0.5)  # nobody holds it
            kept = [work.keep for work in board.loop.pump._works.values()]
            size = [len(buffer) for buffer in kept]
            await asyncio.sleep(1)
            return size, len(board.loop.pump._works)

    assert virtual(main) == ([4000], 0)


# ---- conferences, tones, capabilities ----------------------------------------------------------


def test_a_conference_closes_once_and_refuses_the_33rd_member(card):
    async def main():
        async with open_board(f"lib:{card}?66") as board:
            loop, lines = board.loop, board.channels
            room, other = Conference(loop), Conference(loop)
            for line in lines[:32]:
                room.join(line)
            room.join(lines[0], listen_only=True)  # again: no new member
            with pytest.raises(CtiError, match="at most 32"):
                room.join(lines[32])
            other.join(lines[0])  # leaves the first
            room.leave(lines[0])  # nothing: it is elsewhere
            room.join(lines[32])
            full, moved = len(room.members), other.members
            await asyncio.sleep(0.1)
            failed = list(loop.pump.failed)
            room.close()
            taken = Conference(loop)
            room.close()  # must not give away the number that is taken again
            another = Conference(loop)
            with pytest.raises(CtiError, match="closed"):
                room.join(lines[40])
            numbers = room._number, taken._number, another._number
        other.close()  # its board is gone
        return full, moved == {lines[0]}, failed, numbers, len(loop._conferences)

    assert virtual(main) == (32, True, [], (0, 0, 2), 62)


def test_a_tone_that_no_detector_can_report_is_refused_by_name(card):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            usual = board.tone_plan
            odd = replace(usual, tones=(*usual.tones, Tone("cuckoo", (660.0,))))
            with pytest.raises(ValueError, match=r"'cuckoo'.*dial, ringback, busy"):
                board.set_tone_plan(odd)
            return board.tone_plan is usual

    assert virtual(main)


def test_capabilities_are_those_of_the_abi():
    text = (INCLUDE / "ctb_driver.h").read_text(encoding="utf-8")
    bits = re.findall(r"#define CTB_CAP_(\w+)\s+\(1ull << (\d+)\)", text)
    assert {c.name: c.value for c in Capabilities} == {n: 1 << int(b) for n, b in bits}

    async def main():
        async with open_board(SIM) as board:
            return board.capabilities, board.channels[1].capabilities

    board, line = virtual(main)
    assert isinstance(board, Capabilities)
    assert Capabilities.STREET | Capabilities.SKIP in board
    assert isinstance(line, Capabilities)
    assert Capabilities.RING in line


def test_a_digest_is_a_sink(card):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            digest = hashlib.sha256()
            recorder = board.channels[1].record(sink=digest)
            await asyncio.sleep(0.1)
            result = await recorder.stop()
            return result.samples, digest.hexdigest()

    samples, digest = virtual(main)
    assert digest == hashlib.sha256(bytes([0xD5]) * samples).hexdigest()
