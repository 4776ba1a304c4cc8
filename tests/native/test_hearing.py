"""What a live channel hears of exchanges and machines, and what cleaning does to its line."""

import asyncio

import numpy as np
import pytest

from cti_board import events as ev
from cti_board import open_board, run
from cti_board.audio import decode_alaw, encode_alaw
from cti_board.errors import NotSupportedError
from cti_board.tones import Tone, TonePlan
from tests.native import dsp_rig as rig
from tests.native.test_engine import Bytes, card, sine  # noqa: F401 - card is a fixture

SIM = "sim:fxo=0,fxs=2,e1=0,phones=0"


def linear(data: bytes) -> np.ndarray:
    return decode_alaw(data).astype(float)


def level_dbm0(data: bytes) -> float:
    """Of everything in it; a full-scale sine is +3.14 (ITU-T G.711)."""
    mean_square = np.mean(linear(data) ** 2) + 1e-9
    return float(10 * np.log10(mean_square / (32768**2 / 2)) + 3.14)


def speech(seed: int, seconds: float, dbm0: float) -> bytes:
    """Noise in the voice band that comes and goes like syllables."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rig.RATE)
    spectrum = np.fft.rfft(rng.normal(size=n))
    hz = np.fft.rfftfreq(n, 1 / rig.RATE)
    spectrum *= (hz > 300) & (hz < 3400)
    sound = np.fft.irfft(spectrum / np.maximum(hz, 500.0), n)
    syllables = rng.uniform(0.5, 1.0, n // 1600 + 1) * (np.arange(n // 1600 + 1) % 3 != 2)
    beat = np.repeat(syllables, 1600)[:n]
    sound *= beat
    sound *= rig.rms(dbm0) / np.sqrt(np.mean(sound**2))
    return encode_alaw(np.clip(np.round(sound), -32768, 32767).astype(np.int16))


@pytest.mark.parametrize(("set_", "most"), [("forward", 15), ("backward", 15), ("backward_cn", 6)])
def test_r2_signals_cross_the_line(card, set_, most):  # noqa: F811
    async def main():
        heard = []
        async with open_board(f"lib:{card}?2") as board:
            sender, hearer = board.channels
            hearer.listen_for_mf(set_)
            events = hearer.events(ev.MfBegin, ev.MfEnd)
            hearer.arm(mf=True)
            for signal in range(1, most + 1):
                sender.send_mf(signal, set_)
                began = board.loop.clock.now_samples
                begin = await events.get()
                sender.stop_tone()
                end = await events.get()
                heard.append((begin.signal, end.signal, begin.at - began, begin.level_dbm0))
                await asyncio.sleep(0.06)
            return heard

    heard = run(main, clock="virtual")
    assert [h[:2] for h in heard] == [(n, n) for n in range(1, most + 1)]
    assert max(h[2] for h in heard) <= 70 * 8  # ITU-T Q.457: operate and release within 70 ms
    assert all(abs(h[3] + 11.5) < 0.7 for h in heard)


def test_a_signal_that_does_not_exist_is_refused(card):  # noqa: F811
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            line = board.channels[0]
            for signal, set_ in ((0, "forward"), (16, "forward"), (7, "backward_cn")):
                with pytest.raises(ValueError, match=f"not {signal}"):
                    line.send_mf(signal, set_)
            with pytest.raises(ValueError, match="not 'sideways'"):
                line.listen_for_mf("sideways")
            with pytest.raises(ValueError, match="not 'moo'"):
                line.send_fax_tone("moo")

    run(main, clock="virtual")


@pytest.mark.parametrize("kind", ["cng", "ced", "ans_pr", "ansam", "ansam_pr", "ct"])
def test_tones_of_machines_cross_the_line(card, kind):  # noqa: F811
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            sender, hearer = board.channels
            events = hearer.events(ev.FaxToneOn, ev.FaxToneOff)
            done = sender.events(ev.ToneDone)
            hearer.arm(fax=True)
            cookie = sender.send_fax_tone(kind, level_dbm0=-15.0)
            on = await events.get()
            await asyncio.sleep(0.2)
            sender.stop_tone()
            off = await events.get()
            return cookie, on, off, (await done.get()).cookie

    cookie, on, off, ended = run(main, clock="virtual")
    assert (on.kind, off.kind, ended) == (kind, kind, cookie)
    assert abs(on.level_dbm0 + 15.0) < 1.5
    assert off.length_samples > 2000


def test_talk_both_ways_is_told_apart(card):  # noqa: F811
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            line, other = board.channels
            events = line.events(ev.TalkBegin, ev.TalkEnd, ev.TalkTxBegin, ev.TalkTxEnd)
            line.arm(talk=True, talk_tx=True)
            await line.play(speech(1, 1.0, -20.0))
            await asyncio.sleep(1)
            await other.play(speech(2, 1.0, -20.0))
            await asyncio.sleep(1)
            found = []
            while (event := events.get_nowait()) is not None:
                found.append(type(event))
            return found

    assert run(main, clock="virtual") == [ev.TalkTxBegin, ev.TalkTxEnd, ev.TalkBegin, ev.TalkEnd]


async def echo_of_a_prompt(clean: dict[str, object], keys: str = "") -> tuple[bytes, list[str]]:
    """What comes back of a prompt over a telephone line with 10 dB of echo return loss."""
    async with open_board(SIM) as board:
        line, phone = board.channels[0], board.street.telephones[0]
        phone.off_hook()
        phone.impair(echo_db=10.0, echo_delay=24)
        await asyncio.sleep(0.2)
        line.clean(**clean)
        digits = line.events(ev.DtmfBegin)
        line.arm(dtmf=True)
        heard = Bytes()
        recorder = line.record(sink=heard)
        prompt = line.play(speech(3, 6.0, -12.0))
        await asyncio.sleep(3)
        if keys:
            await phone.keys(keys)
        await prompt
        await recorder.stop()
        found = []
        while (event := digits.get_nowait()) is not None:
            found.append(event.digit)
        return heard.data, found


def test_the_echo_of_a_prompt_is_taken_away():
    plain, _ = run(lambda: echo_of_a_prompt({}), clock="virtual")
    cleaned, _ = run(
        lambda: echo_of_a_prompt({"echo_tail_ms": 32, "nonlinear": False}), clock="virtual"
    )
    before, after = level_dbm0(plain[24000:]), level_dbm0(cleaned[24000:])
    assert before == pytest.approx(-22.0, abs=2.0)
    assert after < before - 20


def test_keys_over_the_prompt_pass_the_canceller():
    _, found = run(lambda: echo_of_a_prompt({"echo_tail_ms": 32}, "159*3#"), clock="virtual")
    assert found == list("159*3#")


def test_a_soft_talker_is_brought_to_the_level(card):  # noqa: F811
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            line, other = board.channels
            line.clean(level_dbm0=-19.0, max_gain_db=20.0)
            heard = Bytes()
            recorder = line.record(sink=heard)
            await other.play(speech(4, 12.0, -33.0))
            await recorder.stop()
            return heard.data

    assert level_dbm0(run(main, clock="virtual")[64000:]) == pytest.approx(-19.0, abs=3.0)


def test_cleaning_off_leaves_the_line_as_it_is(card):  # noqa: F811
    sound = speech(5, 1.0, -20.0)

    async def main():
        async with open_board(f"lib:{card}?2") as board:
            line, other = board.channels
            line.clean(echo_tail_ms=16, level_dbm0=-19.0)
            line.clean()
            heard = Bytes()
            recorder = line.record(sink=heard)
            await other.play(sound)
            await recorder.stop()
            return heard.data

    assert run(main, clock="virtual")[: len(sound)] == sound


def test_a_jump_over_silence_changes_nothing_of_a_cleaned_line():
    """The same sound with the engine's short cut and without it."""

    def day(jump: bool) -> bytes:
        async def main():
            async with open_board(SIM) as board:
                line, phone = board.channels[0], board.street.telephones[0]
                line.clean(echo_tail_ms=16, level_dbm0=-19.0)
                await asyncio.sleep(30)
                phone.off_hook()
                phone.impair(echo_db=12.0, echo_delay=8)
                await asyncio.sleep(0.2)
                heard = Bytes()
                recorder = line.record(sink=heard)
                await line.play(speech(6, 1.0, -15.0))
                await asyncio.sleep(20)
                await line.play(speech(7, 1.0, -15.0))
                await recorder.stop()
                return heard.data

        return run(main, clock="virtual", jump=jump)

    assert day(True) == day(False)


@pytest.mark.parametrize(
    "wrong",
    [{"echo_tail_ms": 20}, {"echo_tail_ms": 72}, {"level_dbm0": 0.5}, {"max_gain_db": 31.0}],
)
def test_wrong_words_for_cleaning_are_refused(card, wrong):  # noqa: F811
    async def main():
        async with open_board(f"lib:{card}?2") as board:
            with pytest.raises(ValueError, match=next(iter(wrong))):
                board.channels[0].clean(**wrong)

    run(main, clock="virtual")


def test_a_card_that_plays_by_itself_says_that_it_cannot():
    async def main():
        async with open_board(f"{SIM},media=board") as board:
            line = board.channels[0]
            asked = (
                lambda: line.clean(echo_tail_ms=32),
                lambda: line.clean(level_dbm0=-19.0),
                lambda: line.arm(talk_tx=True),
                lambda: line.send_fax_tone("ced"),
            )
            for one in asked:
                with pytest.raises(NotSupportedError, match="by itself"):
                    one()
            line.clean()
            line.arm(talk=True)

    run(main, clock="virtual")


def test_a_slip_costs_neither_the_level_nor_the_echo():
    """A second board 1000 ppm fast: its buffer slips a frame each 20 s."""

    async def main():
        async with open_board(SIM), open_board(f"{SIM},ppm=1000") as board:
            line, phone = board.channels[0], board.street.telephones[0]
            phone.off_hook()
            await asyncio.sleep(0.2)
            line.clean(level_dbm0=-19.0, max_gain_db=20.0, echo_tail_ms=32)
            heard = Bytes()
            slips = line.events(ev.Slip)
            recorder = line.record(sink=heard)
            phone.play(speech(8, 60.0, -33.0))
            await asyncio.sleep(58)
            await recorder.stop()
            return heard.data, slips.get_nowait() is not None

    data, slipped = run(main, clock="virtual")
    assert slipped
    levels = [level_dbm0(data[i : i + 16000]) for i in range(160000, len(data) - 16000, 16000)]
    assert min(levels) > -25.0


def test_frames_that_never_came_teach_the_canceller_nothing():
    async def main():
        async with open_board(SIM) as board:
            line, phone = board.channels[0], board.street.telephones[0]
            phone.off_hook()
            phone.impair(echo_db=10.0, echo_delay=24)
            await asyncio.sleep(0.2)
            line.clean(echo_tail_ms=32, nonlinear=False)
            heard = Bytes()
            recorder = line.record(sink=heard)
            prompt = line.play(speech(3, 6.0, -12.0))
            await asyncio.sleep(3)
            board.street.stop_clock(5)
            await asyncio.sleep(2)
            prompt.stop()
            await recorder.stop()
            return heard.data

    data = run(main, clock="virtual")
    # the second after the gap, its first tenth apart, against the one before it
    assert level_dbm0(data[25600:32000]) < level_dbm0(data[16000:23000]) + 6.0


def test_a_plan_that_no_detector_can_hear_is_refused_and_the_old_one_stays(card):  # noqa: F811
    crowd = TonePlan(
        "xx", "chosen", tuple(
            Tone(name, (400.0 + 37 * n, 1900.0 + 41 * n))
            for n, name in enumerate(("dial", "ringback", "busy", "congestion", "vacant", "howler",
                                      "call_waiting", "toll", "reminder"))
        ), 1000, 4000,
    )  # fmt: skip

    async def main():
        async with open_board(f"lib:{card}?2") as board:
            sender, hearer = board.channels
            with pytest.raises(ValueError, match="too many different frequencies"):
                board.set_tone_plan(crowd)
            events = hearer.events(ev.ToneOn)
            hearer.arm(tones=True)
            sender.send_tone("busy")
            return (await events.get()).tone

    assert run(main, clock="virtual") == "busy"
