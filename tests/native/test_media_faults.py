"""What must hold when commands, cards and losses come at a bad moment."""

import asyncio

import numpy as np
import pytest
from cti_board._native._media import ffi, lib

from cti_board import Switch, open_board, run
from cti_board import events as ev
from cti_board.audio import decode_alaw
from tests.native.test_engine import Bytes, card, sine, street  # noqa: F401 - card is a fixture

SIM = "sim:fxo=0,fxs=2,e1=0,phones=0"


def peak(data: bytes) -> int:
    return int(np.max(np.abs(decode_alaw(data).astype(int)), initial=0))


@pytest.mark.parametrize("media", ["host", "board"])
def test_a_masked_recording_holds_silence(media):
    async def main():
        async with open_board(f"{SIM},media={media}") as board:
            line, phone = board.channels[0], board.street.telephones[0]
            phone.off_hook()
            await asyncio.sleep(0.2)
            phone.play(sine(800, 1), times=0)
            heard = Bytes()
            recorder = line.record(sink=heard, stereo=True)
            prompt = line.play(sine(500, 9))
            await asyncio.sleep(1)
            recorder.mask(True)
            await asyncio.sleep(1)
            recorder.mask(False)
            await asyncio.sleep(1)
            result = await recorder.stop()
            prompt.stop()
            return heard.data, result

    data, result = run(main, clock="virtual")
    assert result.samples == 24000
    for side in (data[0::2], data[1::2]):
        assert peak(side[1000:8000]) > 4000
        assert peak(side[8000:16000]) <= 8
        assert peak(side[16000:23000]) > 4000


@pytest.mark.parametrize("media", ["host", "board"])
def test_two_stops_in_one_frame_are_one(media, tmp_path):
    async def main():
        async with open_board(f"{SIM},media={media}") as board:
            line = board.channels[0]
            player = line.play(sine(500, 9))
            recorder = line.record(tmp_path / "r.wav")
            await asyncio.sleep(0.5)
            engine, number = board.loop.engine, board.number
            for _ in range(2):  # below the handle, which sends its stop once only
                for op, what in (
                    (lib.CTB_EOP_PLAY_STOP, player),
                    (lib.CTB_EOP_RECORD_STOP, recorder),
                ):
                    engine.post(number, line.number, op, a=1, cookie=what._cookie)
            return await player, await recorder, engine.stats()

    played, recorded, stats = run(main, clock="virtual")
    assert played.reason is ev.DoneReason.STOPPED
    assert recorded.reason is ev.DoneReason.STOPPED
    assert (stats["players"], stats["recorders"]) == (0, 0)


@pytest.mark.parametrize("media", ["host", "board"])
def test_a_limit_ends_a_recording_that_holds_both_sides(media):
    async def main():
        async with open_board(f"{SIM},media={media}") as board:
            line = board.channels[0]
            heard = Bytes()
            recorder = line.record(sink=heard, stereo=True, max_s=1.0)
            line.play(sine(500, 9))
            return heard, await recorder

    heard, result = run(main, clock="virtual")
    assert result.reason is ev.DoneReason.END
    assert 8000 <= result.samples <= 8160
    assert peak(heard.data[1::2]) > 4000


@pytest.mark.parametrize("media", ["host", "board"])
def test_stopping_a_tone_ends_digits_too(media):
    async def main():
        async with open_board(f"{SIM},media={media}") as board:
            line, phone = board.channels[0], board.street.telephones[0]
            phone.off_hook()
            await asyncio.sleep(0.2)
            done = line.events(ev.ToneDone)
            line.send_digits("1234567890" * 3)
            await asyncio.sleep(0.5)
            line.stop_tone()
            stopped = await done.get()
            line.send_digits("5")
            ended = await done.get()
            return stopped, ended, board.loop.pump.failed

    stopped, ended, failed = run(main, clock="virtual")
    assert stopped.reason is ev.DoneReason.STOPPED
    assert ended.reason is ev.DoneReason.END
    assert failed == []


def test_a_closed_board_is_heard_no_more_by_its_successor(card):  # noqa: F811
    async def main():
        async with open_board(f"lib:{card}?2") as first:
            async with open_board(f"lib:{card}?2") as second:
                Switch(first.loop).listen(first.channels[0], second.channels[0])
                await asyncio.sleep(0.1)
            heard = Bytes()
            recorder = first.channels[1].record(sink=heard)
            async with open_board(f"lib:{card}?2") as third:
                await third.channels[1].play(sine(600, 1))
            await recorder.stop()
            return heard.data

    assert peak(run(main, clock="virtual")) <= 8


def test_a_pulse_digit_stops_the_prompt():
    async def main():
        async with open_board(SIM) as board:
            line, phone = board.channels[0], board.street.telephones[0]
            phone.off_hook()
            await asyncio.sleep(0.5)
            asking = asyncio.create_task(line.collect(sine(500, 20), max_digits=1))
            await asyncio.sleep(0.5)
            await phone.keys("7", pulse=True)
            keyed = await asking
            await asyncio.sleep(0.1)
            return keyed, board.loop.engine.stats()["players"]

    keyed, players = run(main, clock="virtual")
    assert keyed.digits == "7"
    assert players == 0


def test_a_stopped_board_with_a_clock_of_its_own_is_silent(card):  # noqa: F811
    async def main():
        async with open_board(f"lib:{card}?2,20000") as board:
            heard = Bytes()
            board.channels[0].play(sine(600, 3))
            await asyncio.sleep(0.5)
            board.loop.engine.post(board.number, 0, lib.CTB_OP_GAIN, a=50)
            await asyncio.sleep(0.2)
            recorder = board.channels[1].record(sink=heard)
            await asyncio.sleep(0.5)
            await recorder.stop()
            return heard.data

    assert peak(run(main, clock="virtual")) <= 8


def test_completions_and_streams_survive_a_full_event_ring(card):  # noqa: F811
    async def main():
        async with open_board(f"lib:{card}?4") as board:
            engine, sink = board.loop.engine, Bytes()
            recorder = board.channels[1].record(sink=sink)
            players = [
                board.channels[0].play(sine(500, 0.5)) for _ in range(5)
            ]  # the fifth: no room
            for _ in range(9):
                street(board.channels[3], lib.CTB_EV_HOOK_FLASH, a=100, times=4000)
            for _ in range(60):  # frames without a reader
                lib.ctb_engine_run(engine.pointer, 1, 0)
            ended = await asyncio.gather(*players, return_exceptions=True)
            await asyncio.sleep(60)
            result = await recorder.stop()
            return ended, result, sink, engine.stats()

    ended, result, sink, stats = run(main, clock="virtual")
    assert stats["events_lost"] > 0
    assert [type(one).__name__ for one in ended] == ["PlayResult"] * 4 + ["MediaError"]
    assert stats["players"] == 0
    assert result.lost_samples == 0
    assert len(sink.data) == result.samples


def test_every_failed_allocation_of_players_and_recorders_is_an_error(card):  # noqa: F811
    out, board, err = ffi.new("ctb_engine_t **"), ffi.new("uint32_t *"), ffi.new("char[]", 512)
    assert lib.ctb_engine_new(out, 0, 3) == 0
    engine = out[0]
    assert lib.ctb_engine_board_open(engine, str(card).encode(), b"2", board, err, 512) == 0
    args, tone = ffi.new("ctb_args_t *"), ffi.new("ctb_tone_t *")
    args.data = tone
    failures = 0
    for nth in range(50):
        player, recorder = ffi.new("ctb_player_t **"), ffi.new("ctb_recorder_t **")
        lib.ctb_engine_fail_alloc(nth)
        codes = [
            lib.ctb_player_new(player, engine, 1),
            lib.ctb_recorder_new(recorder, engine, 2, 2, 4000),
        ]
        if codes[0] == 0:
            codes += [lib.ctb_player_add_memory(player[0], b"x" * 10, 10, 0) for _ in range(20)]
        codes.append(lib.ctb_engine_post(engine, 0, 0, lib.CTB_EOP_TONE, args))
        lib.ctb_engine_fail_alloc(-1)
        if codes[0] == 0:
            lib.ctb_player_free(player[0])
        if codes[1] == 0:
            lib.ctb_recorder_free(recorder[0])
        assert set(codes) <= {0, -12}
        if set(codes) == {0}:
            break
        failures += 1
    assert failures >= 7
    lib.ctb_engine_run(engine, 5, 0)
    lib.ctb_engine_free(engine)
