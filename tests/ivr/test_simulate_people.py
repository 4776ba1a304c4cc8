"""Simulated callers and agents on the simulated street, against a toy centre made of raw channels:
they go by what they hear, and always end on-hook."""

import asyncio
import random
from dataclasses import replace

import pytest

from cti_board import FarEndReport, LineType, Switch, open_board, run, running
from cti_board import events as ev
from ivr import config as configuration
from ivr.app import open_centre
from ivr.prompt import Catalogue
from ivr.simulate.agents import Agent, simulated_agents
from ivr.simulate.behaviour import Intent, draw
from ivr.simulate.callers import Caller, Callers, End, arrivals, street_of
from ivr.simulate.handset import FarEndLeft, Handset
from ivr.simulate.voice import Voices

CATALOGUE = Catalogue.load()
VOICES = Voices(CATALOGUE)
BASE = replace(
    draw(random.Random(1), 0), intent=Intent.AGENT, language="zh", through_e1=False,
    barges_in=False, types_ahead=False, patience_s=60.0, talk_s=30.0, linger_s=2.0,
    think_s=(1.0, 1.0, 1.0, 1.0), accounts=(("60083037",),),
)  # fmt: skip


def sound(*ids, lang="zh"):
    return tuple(CATALOGUE.audio(one, lang) for one in ids)


def on_street(body, url="sim:fxo=2,fxs=2"):
    """Run ``body(board)`` in virtual time."""

    async def main():
        async with open_board(url) as board:
            return await body(board)

    return run(main, clock="virtual")


class ToyCentre:
    """Answers FXO line 0 at the first ring, and has what a centre has, without its room."""

    def __init__(self, board):
        self.board = board
        self.line = next(c for c in board.channels if c.line_type is LineType.FXO)
        self.seat = next(c for c in board.channels if c.line_type is LineType.FXS)
        self._rings = self.line.events(ev.RingEnd)

    async def answer(self):
        await self._rings.get()
        self.line.set_hook(True)
        self.line.open_digits()

    async def ask(self, *ids, **more):
        return await self.line.collect(*sound(*ids), max_digits=more.pop("digits", 1), **more)

    def hang_up(self):
        self.line.close_digits()
        self.line.set_hook(False)


async def both(caller, centre):
    """The caller's outcome, when the centre's part is over, too."""
    task = asyncio.create_task(caller)
    part = asyncio.create_task(centre)
    outcome = await task
    part.cancel()
    await asyncio.gather(part, return_exceptions=True)
    return outcome


def new_caller(board, **changes):
    hand = Handset(street_of(board).subscribers[0])
    return Caller(hand, replace(BASE, **changes), VOICES).call(street_of(board).PILOT)


async def off_hook_ends(board):
    """Numbers of the outside telephones that are off-hook."""
    found = []
    for phone in street_of(board).subscribers[:3]:
        stream = phone.events()
        phone.command(13)  # CTB_ST_QUERY
        while True:
            report = await stream.get()
            if report.what == FarEndReport.INFO:
                break
        if report.b:
            found.append(phone.number)
        stream.close()
    return found


# ---- hearing ---------------------------------------------------------------------------


def test_a_handset_hears_where_a_prompt_ends_but_no_end_in_music():
    async def body(board):
        toy, hand = ToyCentre(board), Handset(street_of(board).subscribers[0])
        answer = asyncio.create_task(toy.answer())
        assert await hand.dial(street_of(board).PILOT)
        assert await hand.until(FarEndReport.ANSWERED, 30)
        await answer
        hand.connected()
        hand.watch(speech=True)
        began = running().time()
        player = toy.line.play(*sound("welcome", "main_menu"))
        assert await hand.until_speech(5)
        assert await hand.until_silence(0.3, 30)
        length = sum(map(len, sound("welcome", "main_menu"))) / 8000
        assert running().time() - began == pytest.approx(length + 0.8, abs=0.5)
        assert player.done
        toy.line.play(*sound("hold_music"), loops=3)
        assert await hand.until_speech(2)
        assert not await hand.until_silence(0.7, 40)
        toy.hang_up()
        with pytest.raises(FarEndLeft):
            await hand.stay(10)
        hand.close()
        await asyncio.sleep(1)
        return await off_hook_ends(board)

    assert on_street(body) == []


def test_a_line_without_dial_tone_is_noticed():
    async def body(board):
        street = street_of(board)
        hand = Handset(street.subscribers[0])
        hand.phone.flash(4000)  # refused on-hook; nothing is heard of it
        street.congest()
        outcome = await Caller(hand, BASE, VOICES).call("8800")  # too short a number
        return outcome, await off_hook_ends(board)

    outcome, off_hook = on_street(body)
    assert (outcome.end, outcome.answered, off_hook) == (End.NO_ANSWER, False, [])


# ---- callers ---------------------------------------------------------------------------


@pytest.mark.parametrize(("barges_in", "earliest"), [(False, 0.0), (True, -10.0)])
def test_a_caller_answers_questions_waits_in_music_and_talks_when_spoken_to(barges_in, earliest):
    told = {}

    async def centre(toy):
        await toy.answer()
        player_s = sum(map(len, sound("welcome", "language_choice"))) / 8000
        began = running().time()
        told["language"] = (await toy.ask("welcome", "language_choice")).digits
        told["after"] = running().time() - began - player_s
        told["menu"] = (await toy.ask("main_menu")).digits
        music = toy.line.play(*sound("transferring", "hold_music"), loops=0)
        await asyncio.sleep(25)
        music.stop()
        toy.line.arm(talk=True)
        heard = toy.line.events(ev.TalkBegin)
        await toy.line.play(*sound("agent_number", "digit_8", "agent_serves"))
        spoken = running().time()
        await heard.get()
        told["spoke"] = running().time() - spoken
        cleared = toy.line.events(ev.ToneOn)
        toy.line.arm(tones=True)
        while (await cleared.get()).tone != "busy":
            pass
        told["left"] = running().time() - spoken
        toy.hang_up()

    async def with_centre(board):
        toy = ToyCentre(board)
        part = asyncio.create_task(centre(toy))
        outcome = await new_caller(board, barges_in=barges_in)
        await part
        return outcome, await off_hook_ends(board)

    outcome, off_hook = on_street(with_centre)
    assert (outcome.end, outcome.answered) == (End.TALKED, True)
    assert (told["language"], told["menu"]) == ("1", "0")
    assert earliest < told["after"] < (3.0 if not barges_in else 0.0)
    assert 0.5 < told["spoke"] < 2.5
    assert 30 < told["left"] < 36  # 30 s of talk, and busy tone is known after some cycles
    assert off_hook == []


def test_a_caller_without_patience_hangs_up_in_the_music():
    async def body(board):
        toy = ToyCentre(board)

        async def centre():
            await toy.answer()
            await toy.ask("language_choice")
            await toy.ask("main_menu")
            began.append(running().time())
            await toy.line.play(*sound("hold_music"), loops=0)

        began = []
        outcome = await both(new_caller(board, patience_s=20.0), centre())
        return outcome, running().time() - began[0], await off_hook_ends(board)

    outcome, waited, off_hook = on_street(body)
    assert outcome.end is End.GAVE_UP
    assert waited == pytest.approx(20.5, abs=1.0)
    assert off_hook == []


@pytest.mark.parametrize("step", range(5))
def test_wherever_the_centre_hangs_up_the_caller_does_too(step):
    async def body(board):
        toy = ToyCentre(board)

        async def centre():
            await toy.answer()
            for place, ids in enumerate((("language_choice",), ("main_menu",), ("all_busy",))):
                if place == step:
                    break
                if place < 2:
                    await toy.ask(*ids)
                else:
                    await toy.line.play(*sound(*ids))
            else:
                if step == 4:
                    await asyncio.sleep(5)  # the caller talks by now
            toy.hang_up()
            await asyncio.Event().wait()

        outcome = await both(new_caller(board), centre())
        return outcome, await off_hook_ends(board)

    outcome, off_hook = on_street(body)
    ends = {0: End.CLEARED, 1: End.CLEARED, 2: End.GAVE_UP, 3: End.GAVE_UP, 4: End.TALKED}
    assert (outcome.end, outcome.answered, off_hook) == (ends[step], True, [])


def test_a_caller_who_is_cancelled_puts_the_receiver_down():
    async def body(board):
        toy, hand = ToyCentre(board), Handset(street_of(board).subscribers[0])
        caller = asyncio.create_task(Caller(hand, BASE, VOICES).call(street_of(board).PILOT))
        await toy.answer()
        await asyncio.sleep(3)
        there = await off_hook_ends(board)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        return there, await off_hook_ends(board)

    there, after = on_street(body)
    assert len(there) == 1
    assert after == []


def test_callers_take_turns_with_their_telephones():
    async def body(board):
        callers = Callers(street_of(board), VOICES)
        street_of(board).congest()
        ends = []
        for number in range(3):
            calls = [callers.call(replace(BASE, number=number)) for _ in range(2)]
            ends += [one.end for one in await asyncio.gather(*calls)]
        return ends, callers.any_idle, await off_hook_ends(board)

    ends, idle, off_hook = on_street(body, "sim:fxo=1,fxs=0,phones=2")
    assert ends == [End.NO_ANSWER] * 6
    assert idle
    assert off_hook == []


def test_a_card_without_a_street_has_no_callers():
    class Card:
        url, street = "dahdi:1", None

    with pytest.raises(ValueError, match="dahdi:1: a real card has no simulated callers"):
        street_of(Card())


# ---- agents ----------------------------------------------------------------------------


class Bell:
    """A seat's line: rings it, hears it, clears it."""

    def __init__(self, board):
        self.board = board
        self.line = ToyCentre(board).seat
        self.hooks = self.line.events(ev.OffHook, ev.OnHook)

    async def ring(self):
        self.line.ring(1000, 4000)
        began = running().time()
        while not isinstance(await self.hooks.get(), ev.OffHook):
            pass
        self.line.ring_stop()
        return running().time() - began

    async def until_down(self):
        while not isinstance(await self.hooks.get(), ev.OnHook):
            pass


async def with_agent(board, body, seed=3, closes=None):
    rng = random.Random(seed)
    if closes is not None:
        rng.random = lambda: 0.0 if closes else 0.99
    agent = asyncio.create_task(
        Agent(street_of(board).telephones[0], rng, VOICES, "zh").work()
    )
    await asyncio.sleep(0.1)
    try:
        return await body(Bell(board))
    finally:
        agent.cancel()
        await asyncio.gather(agent, return_exceptions=True)


def test_an_agent_answers_greets_and_leaves_at_busy_tone_call_after_call():
    async def part(bell):
        found = []
        for _ in range(3):
            waited = await bell.ring()
            bell.line.arm(talk=True)
            talk = bell.line.events(ev.TalkBegin)
            await talk.get()
            bell.line.play(*sound("main_menu"))
            await asyncio.sleep(20)
            bell.line.send_tone("busy")
            began = running().time()
            await bell.until_down()
            bell.line.stop_tone()
            found.append((waited, running().time() - began))
            bell.line.arm(talk=False)
            talk.close()
            await asyncio.sleep(10)
        return found

    async def body(board):
        return await with_agent(board, part, closes=False)

    found = on_street(body)
    assert all(2.0 <= waited <= 6.6 for waited, _ in found)
    assert len({waited for waited, _ in found}) == 3
    assert all(left < 4.0 for _, left in found)


@pytest.mark.parametrize("closes", [True, False])
def test_some_agents_close_a_call_in_which_nobody_speaks_any_more(closes):
    async def part(bell):
        await bell.ring()
        await bell.line.play(*sound("main_menu", "enter_account"))
        began = running().time()
        try:
            async with asyncio.timeout(30):
                await bell.until_down()
        except TimeoutError:
            return None
        return running().time() - began

    async def body(board):
        return await with_agent(board, part, closes=closes)

    waited = on_street(body)
    assert (waited is not None) == closes
    assert not closes or 2.0 < waited < 4.5


def test_an_agent_does_not_lift_a_telephone_that_has_stopped_ringing():
    async def part(bell):
        bell.line.ring(1000, 4000)
        await asyncio.sleep(1.5)
        bell.line.ring_stop()
        await asyncio.sleep(15)
        return bell.hooks.get_nowait()

    async def body(board):
        return await with_agent(board, part)

    assert on_street(body) is None


def test_caller_and_agent_hear_each_other_through_a_switch():
    async def body(board):
        toy = ToyCentre(board)

        async def centre(bell):
            await toy.answer()
            await toy.ask("language_choice")
            await toy.ask("main_menu")
            music = toy.line.play(*sound("hold_music"), loops=0)
            await bell.ring()
            music.stop()
            Switch(board.loop).connect(toy.line, toy.seat)
            began = running().time()
            toy.line.arm(tones=True)
            tones = toy.line.events(ev.ToneOn)
            while (await tones.get()).tone != "busy":
                pass
            talked.append(running().time() - began)
            toy.hang_up()
            Switch(board.loop).disconnect(toy.line, toy.seat)
            toy.seat.send_tone("busy")
            await bell.until_down()

        async def part(bell):
            work = asyncio.create_task(centre(bell))
            outcome = await new_caller(board)
            await work
            return outcome.end

        talked = []
        end = await with_agent(board, part, closes=False)
        return end, talked

    end, (talked,) = on_street(body)
    assert end is End.TALKED
    assert 33 < talked < 42  # greeting, turn, 30 s, busy tone


def test_reports_are_numbered_as_in_the_abi():
    from cti_board._native._media import lib

    for one in FarEndReport:
        assert getattr(lib, f"CTB_SE_{one.name}") == one


# ---- with the real centre ----------------------------------------------------------------


def test_arrivals_and_agents_keep_a_centre_busy_and_end_when_cancelled(tmp_path):
    config = configuration.load(configuration.DEFAULT)
    config = replace(config, record=replace(config.record, folder=tmp_path, recordings="hash"))

    async def main():
        async with open_centre(config) as centre:
            people = [
                asyncio.create_task(simulated_agents(centre, centre.board, random.Random(1))),
                asyncio.create_task(arrivals(centre, centre.board, random.Random(2), 6.0)),
            ]
            await asyncio.wait_for(centre.first_answer.wait(), 120)
            first = running().time()
            await asyncio.sleep(300)
            for task in people:
                task.cancel()
            await asyncio.gather(*people, return_exceptions=True)
            await asyncio.sleep(30)
            return first, centre.figures(), centre.open_handles()

    first, figures, handles = run(main, clock="virtual")
    assert first < 60
    assert figures.offered > 15
    assert figures.talked > 8
    assert figures.balanced
    assert (figures.in_progress, handles) == (0, [])
