"""The engine on the loop card: play reaches the other channel, record, tones, switching, boards."""

import asyncio
import hashlib
from pathlib import Path

import numpy as np
import pytest
from cti_board._native._media import ffi, lib

from cti_board import Capabilities, open_board, run
from cti_board import events as ev
from cti_board.audio import decode_alaw, encode_alaw, write_wave
from cti_board.errors import (
    BoardNotFoundError,
    DriverError,
    FileFormatError,
    MediaError,
    StalledError,
)
from cti_board.switch import Conference, Switch
from tests.native.loop_card import build


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("drivers"))


def sine(hz: float, seconds: float, peak: int = 8000) -> bytes:
    t = np.arange(round(seconds * 8000)) / 8000
    return encode_alaw(np.round(peak * np.sin(2 * np.pi * hz * t)).astype(np.int16))


def street(channel, kind, *, a=0, b=0, offset=0, times=1):
    channel.board.loop.engine.post(
        channel.board.number, channel.number, lib.CTB_OP_STREET, b=kind, c=a, d=b, e=offset, f=times
    )


def test_what_is_played_is_what_the_other_end_records(card, tmp_path):
    sound = sine(700, 1.5)

    async def main():
        async with open_board(f"lib:{card}?2") as board:
            a, b = board.channels
            hear = b.record(tmp_path / "b.wav", stereo=True)
            played = await a.play(sound)
            result = await hear.stop()
            return played, result

    played, result = run(main, clock="virtual")
    assert played.reason is ev.DoneReason.END
    assert played.samples == len(sound)
    wave = open_wave_any(tmp_path / "b.wav")
    left, right = wave[0::2], wave[1::2]
    assert result.samples == len(left)
    assert left[: len(sound)] == sound
    assert set(right) == {0xD5}
    assert result.lost_samples == 0


def open_wave_any(path: Path) -> bytes:
    data = path.read_bytes()
    assert data[:4] == b"RIFF"
    at = data.index(b"data")
    size = int.from_bytes(data[at + 4 : at + 8], "little")
    return data[at + 8 : at + 8 + size]


def test_formats_segments_offset_and_repeats_join_without_a_gap(card, tmp_path):
    linear = np.round(6000 * np.sin(np.arange(1000) / 9)).astype(np.int16)
    alaw = encode_alaw(linear)
    ulaw = bytes(lib.ctb_linear_to_ulaw(int(v)) for v in linear)
    write_wave(tmp_path / "a.wav", alaw)
    pcm = tmp_path / "p.wav"
    import wave

    with wave.open(str(pcm), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(linear.tobytes())
    (tmp_path / "u.ul").write_bytes(ulaw)
    (tmp_path / "r.al").write_bytes(alaw)

    async def main():
        async with open_board(f"lib:{card}?2") as board:
            a, b = board.channels
            heard = Bytes()
            rec = b.record(sink=heard)
            await a.play(
                alaw,
                tmp_path / "a.wav",
                pcm,
                tmp_path / "u.ul",
                tmp_path / "r.al",
                offset_s=1500 / 8000,
                loops=2,
            )
            await rec.stop()
            return heard.data

    data = run(main, clock="virtual")
    through_ulaw = bytes(lib.ctb_linear_to_alaw(lib.ctb_ulaw_to_linear(u)) for u in ulaw)
    whole = alaw + alaw + alaw + through_ulaw + alaw
    expected = whole[1500:] + whole
    assert data[: len(expected)] == expected


class Bytes:
    def __init__(self):
        self.data = b""

    def update(self, data):
        self.data += data


def test_pause_resume_and_stop_report_samples(card):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            a = board.channels[0]
            player = a.play(sine(500, 10))
            await asyncio.sleep(1)
            player.pause()
            await asyncio.sleep(5)
            player.resume()
            await asyncio.sleep(1)
            player.stop()
            return await player, board.loop.time()

    result, now = run(main, clock="virtual")
    assert result.reason is ev.DoneReason.STOPPED
    assert result.samples == 16000
    assert 7.0 <= now <= 7.1


def test_a_digit_stops_the_prompt_and_is_collected(card):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            a, b = board.channels
            asking = asyncio.create_task(a.collect(sine(450, 20, 2000), max_digits=4))
            await asyncio.sleep(2)
            b.send_digits("12#")
            return await asking, board.loop.time()

    digits, now = run(main, clock="virtual")
    assert digits.digits == "12"
    assert digits.reason == "term"
    assert now < 2.6


def test_noinput_and_interdigit_timeouts(card):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            a, b = board.channels
            first = await a.collect(max_digits=4, first_timeout_s=3)
            t1 = board.loop.time()
            b.send_digits("7")
            second = await a.collect(max_digits=4, interdigit_timeout_s=2)
            return first, t1, second, board.loop.time()

    first, t1, second, t2 = run(main, clock="virtual")
    assert (first.digits, first.reason) == ("", "noinput")
    assert 3.0 <= t1 <= 3.04
    assert (second.digits, second.reason) == ("7", "timeout")
    assert 2.0 <= t2 - t1 <= 2.4


def test_switch_and_conference(card):
    tone_a, tone_b = sine(500, 3, 6000), sine(900, 3, 6000)

    async def main():
        async with open_board(f"lib:{card}?6") as board:
            c = board.channels
            Switch(board.loop).listen(c[2], c[0])
            heard = Bytes()
            rec = c[3].record(sink=heard)
            await c[1].play(tone_a)
            await asyncio.sleep(0.1)
            await rec.stop()
            Switch(board.loop).listen(c[2], None)
            room = Conference(board.loop)
            for i in (0, 2):
                room.join(c[i])
            room.join(c[4], listen_only=True)
            ears = [Bytes() for _ in range(3)]
            recs = [c[i].record(sink=ears[i // 2]) for i in (1, 3, 5)]
            playing = [c[1].play(tone_a), c[3].play(tone_b), c[5].play(sine(1300, 3))]
            for p in playing:
                await p
            for r in recs:
                await r.stop()
            room.close()
            return heard.data, [e.data for e in ears]

    heard, ears = run(main, clock="virtual")
    assert tone_a in heard
    assert heard.index(tone_a) % 160 == 0
    levels = [[level(decode_alaw(e), hz) for hz in (500, 900, 1300)] for e in ears]
    assert levels[0][0] < 50
    assert levels[0][1] > 4000
    assert levels[1][0] > 4000
    assert levels[1][1] < 50
    assert levels[2][0] > 4000
    assert levels[2][1] > 4000
    assert all(row[2] < 50 for row in levels)


def level(x: np.ndarray, hz: float) -> float:
    x = x[4000:20000].astype(float)
    t = np.arange(len(x)) / 8000
    return 2 * abs(np.mean(x * np.exp(-2j * np.pi * hz * t)))


def test_full_event_ring_says_overrun_and_repairs_levels(card):
    async def main():
        async with open_board(f"lib:{card}?4") as board:
            fxs = board.channels[1]
            stream = fxs.events()
            everything = board.events()
            engine = board.loop.engine
            for _ in range(9):
                street(board.channels[3], lib.CTB_EV_HOOK_FLASH, a=100, times=4000)
            street(fxs, lib.CTB_EV_RAW_HOOK, a=1)
            for _ in range(20):  # frames without a reader: the ring fills
                lib.ctb_engine_run(engine.pointer, 5, 0)
            await asyncio.sleep(1)
            got, over = [], []
            while (event := stream.get_nowait()) is not None:
                got.append(event)
            while (event := everything.get_nowait()) is not None:
                if isinstance(event, ev.Overrun):
                    over.append(event)
            return got, over, engine.stats()["events_lost"]

    got, over, lost = run(main, clock="virtual")
    assert lost > 0
    assert sum(e.lost for e in over) == lost
    assert sum(isinstance(e, ev.OffHook) for e in got) == 1


def test_slips_of_two_clocks(card):
    seconds = 3600.0

    async def main():
        async with open_board(f"lib:{card}?2") as one, open_board(f"lib:{card}?2,50000") as two:
            Switch(one.loop).connect(one.channels[0], two.channels[0])
            await asyncio.sleep(seconds)
            return one.loop.engine.stats()

    stats = run(main, clock="virtual")
    expected = seconds * 50 * 50e-6
    assert abs(stats["slips_rx"] - expected) <= 1
    assert abs(stats["slips_tx"] - expected) <= 1


def test_a_stopped_clock_is_noticed_and_time_goes_on(card):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            stream = board.events(ev.BoardLost, ev.BoardBack)
            board.channels[0].capabilities |= Capabilities.GAIN
            board.channels[0].set_gain(0.5, 0)  # the loop card's way to stop for 50 frames
            lost = await stream.get()
            back = await stream.get()
            return lost, back

    lost, back = run(main, clock="virtual")
    assert isinstance(lost, ev.BoardLost)
    assert lost.at == 10 * 160
    assert isinstance(back, ev.BoardBack)
    assert back.at == 51 * 160


def test_mu_law_board_speaks_a_law_to_us(card):
    sound = sine(600, 0.5)

    async def main():
        async with open_board(f"lib:{card}?2,0,ulaw") as board:
            heard = Bytes()
            rec = board.channels[1].record(sink=heard)
            await board.channels[0].play(sound)
            await rec.stop()
            return heard.data

    heard = decode_alaw(run(main, clock="virtual"))[: len(sound)].astype(int)
    want = decode_alaw(sound).astype(int)
    assert np.max(np.abs(heard - want)) <= 512
    assert np.corrcoef(heard, want)[0, 1] > 0.999


def test_stalled_says_so(card):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            await board.channels[0].events().get()

    with pytest.raises(StalledError):
        run(main, clock="virtual")


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (("-DABI=7",), "ABI version 7"),
        (("-DSHORT_STRUCT",), "struct of"),
        (("-DREFUSE",), "does not speak driver ABI version 1"),
        (("-DNO_ENTRY",), "no ctb_driver_get"),
    ],
)
def test_wrong_drivers_are_refused_by_name(tmp_path, flags, text):
    library = build(tmp_path, *flags)

    async def main():
        async with open_board(f"lib:{library}?2"):
            pass

    with pytest.raises(DriverError, match=text):
        run(main, clock="virtual")


@pytest.mark.parametrize("url", ["nosuch:x", "sim", "lib:/no/such.so"])
def test_no_such_board(url):
    async def main():
        async with open_board(url):
            pass

    with pytest.raises(BoardNotFoundError):
        run(main, clock="virtual")


def test_bad_sound_files_are_named(card, tmp_path):
    (tmp_path / "no.wav").write_bytes(b"this is not sound at all")
    write_wave(tmp_path / "cut.wav", bytes(2000))
    (tmp_path / "cut.wav").write_bytes((tmp_path / "cut.wav").read_bytes()[:900])
    import soundfile

    soundfile.write(tmp_path / "deep.wav", np.zeros(800), 8000, subtype="PCM_24")

    async def main():
        async with open_board(f"lib:{card}?2") as board:
            for name in ("no.wav", "cut.wav", "deep.wav"):
                with pytest.raises(FileFormatError, match=name):
                    board.channels[0].play(tmp_path / name)
            with pytest.raises(FileNotFoundError):
                board.channels[0].play(tmp_path / "none.wav")
            with pytest.raises(MediaError, match="nowhere"):
                board.channels[0].record(Path("/proc/nowhere/x.wav"))
            return board.loop.engine.stats()

    stats = run(main, clock="virtual")
    assert stats["players"] == 0
    assert stats["recorders"] == 0


def test_disk_full_ends_the_file_not_the_recording(card):
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            stream = board.events(ev.RecordError)
            rec = board.channels[1].record(Path("/dev/full"), overwrite=True)
            await asyncio.sleep(3)
            error = await stream.get()
            assert rec.error == error.error == 28  # ENOSPC
            return error, await rec.stop()

    with pytest.raises(MediaError, match="No space left"):
        run(main, clock="virtual")


def test_header_is_valid_every_second_of_a_recording(card, tmp_path):
    path = tmp_path / "long.wav"

    async def main():
        async with open_board(f"lib:{card}?2") as board:
            rec = board.channels[1].record(path, stereo=True)
            seen = []
            for _ in range(8):
                await asyncio.sleep(0.5)
                seen.append((board.loop.clock.now_samples, len(open_wave_any(path)) // 2))
            await rec.stop()
            return seen

    for now, in_file in run(main, clock="virtual"):
        assert now - in_file <= 8000


def test_a_disk_that_stands_still_loses_nothing(card, tmp_path):
    sound = sine(640, 4)
    path = tmp_path / "s.al"
    path.write_bytes(sound)

    async def main():
        async with open_board(f"lib:{card}?2") as board:
            heard = hashlib.sha256()
            rec = board.channels[1].record(tmp_path / "r.wav")
            player = board.channels[0].play(path)
            await asyncio.sleep(0.5)
            board.loop.engine.stall_io(75)
            await player
            result = await rec.stop()
            heard.update(open_wave_any(tmp_path / "r.wav")[: len(sound)])
            return result, heard.hexdigest(), board.loop.engine.stats()["underruns"]

    result, digest, underruns = run(main, clock="virtual")
    assert result.lost_samples == 0
    assert underruns == 0
    assert digest == hashlib.sha256(sound).hexdigest()


def test_every_allocation_failure_is_survived(card):
    """Fails the 1st, 2nd, 3rd ... allocation of engine and board until all succeed."""
    nth = 0
    while True:
        out, board, err = ffi.new("ctb_engine_t **"), ffi.new("uint32_t *"), ffi.new("char[]", 512)
        lib.ctb_engine_fail_alloc(nth)
        rc = lib.ctb_engine_new(out, 0, 3)
        opened = -12
        if rc == 0:
            opened = lib.ctb_engine_board_open(
                out[0], str(card).encode(), b"20,10,ulaw", board, err, 512
            )
        lib.ctb_engine_fail_alloc(-1)
        if rc == 0:
            lib.ctb_engine_free(out[0])
        if rc == 0 and opened == 0:
            break
        assert -12 in (rc, opened)
        nth += 1
        assert nth < 200
    assert nth > 10


def test_a_spy_that_cannot_keep_its_log_is_refused(card):
    async def main():
        async with open_board(f"spy:/proc/nowhere/log!lib:{card}?2"):
            pass

    with pytest.raises(BoardNotFoundError, match="/proc/nowhere/log"):
        run(main, clock="virtual")
