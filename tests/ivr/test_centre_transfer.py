"""From caller to agent, in virtual time on the simulated card."""

import asyncio

import numpy as np
import pytest

from cti_board import FarEndReport, audio
from ivr.desk import Chosen
from ivr.record import (
    AgentState,
    CallAnswered,
    CallEnded,
    CallOffered,
    Digits,
    LegEnded,
    LegStarted,
    RecordingStarted,
    SegmentStarted,
    VoicemailSaved,
)

from .centre_kit import Left, Place, live, now_s

ONE_SEAT = '[[agent]]\nnumber = "801"\nport = "fxs0"\n'


async def wants_agent(place: Place, number: int = 0) -> None:
    """A caller who keys through to the queue."""
    caller = place.caller(number)
    await caller.dial()
    offer = await place.diary.until(CallOffered)
    await place.diary.until(SegmentStarted, kind="ivr", call=offer.call)
    await asyncio.sleep(1.0)
    await caller.press("10")
    await place.diary.until(SegmentStarted, kind="queue", call=offer.call)


async def answers(place: Place, seat: int) -> None:
    """An agent's telephone rings; the handset is lifted."""
    await place.telephone(seat).wait_ring()
    await asyncio.sleep(1.0)
    place.telephone(seat).off_hook()


def states(left: Left, agent: str) -> list[str]:
    found = left.of(AgentState, agent=agent)
    return [f"{event.chosen} {event.observed}".strip() for event in found]


def segments(left: Left) -> list[str]:
    return [event.kind for event in left.of(SegmentStarted)]


def test_caller_and_agent_talk_until_the_caller_leaves(tmp_path):
    heard = []

    async def play(place: Place) -> None:
        await wants_agent(place)
        await answers(place, 0)
        await place.diary.until(SegmentStarted, kind="talk")
        assert place.centre.first_answer.is_set()
        ear = place.telephone(0).hear(3.0)
        other = place.caller().phone.hear(3.0)
        place.caller().phone.play(place.centre.catalogue.audio("main_menu", "zh"))
        place.telephone(0).play(place.centre.catalogue.audio("main_menu", "en"))
        await asyncio.sleep(2.5)
        heard.extend([await ear.linear(), await other.linear()])
        place.caller().hang_up()
        await place.diary.until(CallEnded)
        await place.telephone(0).wait_tone("busy")
        place.telephone(0).on_hook()
        await place.diary.until(AgentState, agent="801", observed="waiting")
        await place.at_rest()

    left = live(tmp_path, play, "[queue]\nwrap_up_s = 5\n")
    for side in heard:
        assert abs(side.astype(float)).max() > 1000  # speech arrived both ways
    assert segments(left) == ["ivr", "queue", "ring", "talk"]
    assert states(left, "801") == [
        "available ringing", "available in_call", "available wrap_up", "available waiting",
        "logged_out",
    ]  # fmt: skip
    figures = left.figures
    assert (figures.served, figures.talked) == (1, 1)
    assert figures.talk_s > 2.5
    legs = [(one.leg, one.side) for one in left.of(LegEnded)]
    assert legs == [("agent1", "us"), ("caller", "far")]


def test_the_agent_hangs_up_first(tmp_path):
    async def play(place: Place) -> None:
        await wants_agent(place)
        await answers(place, 0)
        await place.diary.until(SegmentStarted, kind="talk")
        await asyncio.sleep(2.0)
        place.telephone(0).on_hook()
        await place.caller().until_cleared()
        await place.at_rest()

    left = live(tmp_path, play)
    (leg,) = left.of(LegEnded, leg="agent1")
    assert leg.side == "far"
    (end,) = left.of(CallEnded)
    assert (end.side, end.cause) == ("us", 16)


def test_no_answer_goes_to_the_next_agent_and_pauses_the_first(tmp_path):
    rung = []

    async def play(place: Place) -> None:
        began = now_s()
        await wants_agent(place)
        await place.diary.until(SegmentStarted, kind="ring", ref="801")
        began = now_s()
        await place.diary.until(SegmentStarted, kind="ring", ref="802")
        rung.append(now_s() - began)
        place.telephone(1).off_hook()
        await place.diary.until(SegmentStarted, kind="talk", ref="802")
        place.caller().hang_up()
        await place.diary.until(CallEnded)
        place.telephone(1).on_hook()
        await place.at_rest()

    left = live(tmp_path, play, "[queue]\nring_s = 8\n")
    assert rung == [pytest.approx(8.0, abs=0.1)]
    assert states(left, "801") == [
        "available ringing", "on_break ringing", "on_break waiting", "logged_out",
    ]  # fmt: skip
    assert left.figures.no_answers == 1


def test_a_telephone_off_its_hook_is_not_rung(tmp_path):
    async def play(place: Place) -> None:
        place.telephone(0).off_hook()
        await place.telephone(0).wait_tone("dial")
        await wants_agent(place)
        await place.diary.until(SegmentStarted, kind="ring", ref="802")
        place.caller().hang_up()
        place.telephone(0).on_hook()
        await place.at_rest()

    left = live(tmp_path, play)
    assert states(left, "801") == ["logged_out"]


def test_all_busy_waits_in_order_and_then_a_message_is_offered(tmp_path):
    async def play(place: Place) -> None:
        await wants_agent(place, 0)
        await answers(place, 0)
        await place.diary.until(SegmentStarted, kind="talk")
        await wants_agent(place, 1)
        assert place.centre.figures().waiting == 1
        await place.diary.until(SegmentStarted, kind="voicemail")
        await asyncio.sleep(0.5)
        sound = place.centre.catalogue.audio("main_menu", "zh")
        await place.caller(1).phone.play(sound[: 8000 * 3])
        await place.caller(1).press("#")
        await place.diary.until(VoicemailSaved)
        place.caller(0).hang_up()
        place.caller(1).hang_up()
        await place.diary.until(CallEnded)
        await place.diary.until(CallEnded)
        place.telephone(0).on_hook()
        await place.at_rest()

    left = live(tmp_path, play, "[queue]\nmax_wait_s = 12\n", seats=ONE_SEAT)
    assert left.figures.served == 2
    assert left.figures.longest_wait_s == pytest.approx(12.0, abs=0.1)


def test_the_longest_wait_may_end_while_a_telephone_rings(tmp_path):
    """The caller is then offered a message; the agent is free, and no longer the call's."""

    async def play(place: Place) -> None:
        await wants_agent(place, 0)
        await place.diary.until(SegmentStarted, kind="ring", ref="801")
        (row,) = place.centre.snapshot().calls
        assert row.agent == "801"
        await place.diary.until(SegmentStarted, kind="voicemail")
        (row,) = place.centre.snapshot().calls
        assert (row.where, row.agent) == ("voicemail", "")
        assert place.centre.desk.find("801").call == ""
        place.caller(0).hang_up()
        await place.at_rest()
        assert place.centre.desk.find("801").free

    live(tmp_path, play, "[queue]\nmax_wait_s = 12\n", seats=ONE_SEAT)


def test_first_come_first_served_on_the_line(tmp_path):
    order = []

    async def play(place: Place) -> None:
        await wants_agent(place, 0)
        await answers(place, 0)
        await place.diary.until(SegmentStarted, kind="talk")
        for number in (1, 2):
            await wants_agent(place, number)
        place.caller(0).hang_up()
        await place.telephone(0).wait_tone("busy")
        place.telephone(0).on_hook()
        for number in (1, 2):
            await answers(place, 0)
            talk = await place.diary.until(SegmentStarted, kind="talk")
            order.append(talk.call)
            place.caller(number).hang_up()
            await place.telephone(0).wait_tone("busy")
            place.telephone(0).on_hook()
        await place.at_rest()

    left = live(tmp_path, play, "[queue]\nwrap_up_s = 1\n", seats=ONE_SEAT)
    assert order == ["1-000002", "1-000003"]
    assert left.figures.served == 3


def test_keys_are_heard_in_queue_and_talk_and_not_written_down(tmp_path):
    async def play(place: Place) -> None:
        await wants_agent(place)
        await answers(place, 0)
        await place.diary.until(SegmentStarted, kind="talk")
        await asyncio.sleep(1.0)
        await place.caller().press("5678")
        await asyncio.sleep(1.0)
        place.caller().hang_up()
        await place.diary.until(CallEnded)
        place.telephone(0).on_hook()
        await place.at_rest()

    left = live(tmp_path, play)
    talk = left.of(Digits, node="talk")
    assert [(one.text, one.masked) for one in talk] == [("xxxx", True)]


def test_hook_flash_holds_and_returns(tmp_path):
    async def play(place: Place) -> None:
        await wants_agent(place)
        await answers(place, 0)
        await place.diary.until(SegmentStarted, kind="talk")
        await asyncio.sleep(1.0)
        place.telephone(0).flash(300)
        await place.diary.until(SegmentStarted, kind="hold")
        await asyncio.sleep(3.0)
        place.telephone(0).flash(300)
        await place.diary.until(SegmentStarted, kind="talk")
        place.caller().hang_up()
        await place.diary.until(CallEnded)
        place.telephone(0).on_hook()
        await place.at_rest()

    assert segments(live(tmp_path, play))[-3:] == ["talk", "hold", "talk"]


async def in_ring(place: Place) -> None:
    await place.caller().dial()
    await place.diary.until(CallOffered)


async def in_welcome(place: Place) -> None:
    await place.caller().dial()
    await place.diary.until(CallAnswered)
    await asyncio.sleep(1.0)


async def in_menu(place: Place) -> None:
    await in_welcome(place)
    await place.caller().press("1")
    await place.diary.until(Digits, node="language")
    await asyncio.sleep(1.0)


async def in_account(place: Place) -> None:
    await in_menu(place)
    await place.caller().press("1")
    await place.diary.until(Digits, node="main")
    await asyncio.sleep(1.0)
    await place.caller().press("600")


async def in_message(place: Place) -> None:
    await in_menu(place)
    await place.caller().press("2")
    await place.diary.until(SegmentStarted, kind="voicemail")
    await asyncio.sleep(0.8)


async def in_queue(place: Place) -> None:
    for agent in place.centre.desk.agents:
        place.centre.desk.choose(agent, Chosen.PAUSED, "lunch")
    await wants_agent(place)
    await asyncio.sleep(8.0)


async def in_agent_ring(place: Place) -> None:
    await wants_agent(place)
    await place.telephone(0).wait_ring()


async def in_talk(place: Place) -> None:
    await wants_agent(place)
    await answers(place, 0)
    await place.diary.until(SegmentStarted, kind="talk")
    await asyncio.sleep(1.0)


async def in_hold(place: Place) -> None:
    await in_talk(place)
    place.telephone(0).flash(300)
    await place.diary.until(SegmentStarted, kind="hold")
    await asyncio.sleep(1.0)


WHERE = {
    in_ring: "ring", in_welcome: "ivr", in_menu: "ivr", in_account: "ivr", in_message: "voicemail",
    in_queue: "queue", in_agent_ring: "ring", in_talk: "talk", in_hold: "hold",
}  # fmt: skip


@pytest.mark.parametrize("state", WHERE, ids=lambda state: state.__name__)
def test_a_caller_may_hang_up_anywhere(tmp_path, state):
    async def play(place: Place) -> None:
        await state(place)
        place.caller().hang_up()
        end = await place.diary.until(CallEnded)
        assert end.side == "far"
        place.telephone(0).on_hook()
        await place.at_rest()
        for agent in place.centre.desk.agents:
            assert agent.call == "" or agent.observed == "wrap_up"

    left = live(tmp_path, play)
    if state is not in_ring:
        assert segments(left)[-1] == WHERE[state]
    assert left.figures.offered == 1
    assert left.figures.served == (1 if state in (in_talk, in_hold) else 0)


@pytest.mark.parametrize("state", WHERE, ids=lambda state: state.__name__)
def test_the_centre_may_close_anywhere(tmp_path, state):
    """Leaving it in the middle of a call ends the call, closes the files, writes the rows."""
    left = live(tmp_path, state)
    (end,) = left.of(CallEnded)
    assert end.side == "us"
    assert left.figures.offered == 1


def test_agents_pause_by_telephone(tmp_path):
    async def play(place: Place) -> None:
        phone = place.telephone(0)
        for code, chosen in (("*0", Chosen.PAUSED), ("*1", Chosen.AVAILABLE)):
            phone.off_hook()
            await phone.wait_tone("dial")
            await phone.keys(code)
            await place.diary.until(AgentState, reason="keyed")
            assert place.centre.desk.find("801").chosen is chosen
            await asyncio.sleep(1.0)
            phone.on_hook()
            await asyncio.sleep(3.0)
        await place.at_rest()

    left = live(tmp_path, play)
    assert states(left, "801") == [
        "on_break waiting", "available waiting", "logged_out",
    ]  # fmt: skip


def test_an_agent_may_not_call_out(tmp_path):
    async def play(place: Place) -> None:
        phone = place.telephone(0)
        phone.off_hook()
        await phone.wait_tone("dial")
        await phone.keys("66008000")
        await phone.wait(FarEndReport.TONE)
        phone.on_hook()
        await place.at_rest()

    left = live(tmp_path, play)
    assert left.figures.offered == 0
    assert left.of(LegStarted) == []


def loudness(sound: bytes) -> float:
    """Mean of the absolute linear values."""
    return float(np.abs(audio.decode_alaw(sound).astype(float)).mean())


def test_in_a_recording_the_caller_is_left_and_the_agent_right(tmp_path):
    """First the agent speaks alone, then the caller; the last second of each is measured."""
    moments = []

    async def play(place: Place) -> None:
        speech = place.centre.catalogue.audio("main_menu", "zh")[:24000]
        await in_talk(place)
        for mouth in (place.telephone(0), place.caller().phone):
            await mouth.play(speech)
            moments.append(place.loop.clock.now_samples)
            await asyncio.sleep(1.0)
        place.caller().hang_up()
        await place.diary.until(CallEnded)
        place.telephone(0).on_hook()
        await place.at_rest()

    left = live(tmp_path, play)
    began = next(at for at, event in left.facts if isinstance(event, RecordingStarted))
    (recording,) = left.of(RecordingStarted)
    _, _, tail = (left.folder / recording.path).read_bytes().partition(b"data")
    sides = {"caller": tail[4::2], "agent": tail[5::2]}
    for moment, speaks, listens in zip(
        moments, ("agent", "caller"), ("caller", "agent"), strict=True
    ):
        part = slice(moment - began - 16000, moment - began)
        assert loudness(sides[speaks][part]) > 20 * loudness(sides[listens][part])
