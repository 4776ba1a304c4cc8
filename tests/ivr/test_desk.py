"""The queue and the seats: who gets whom, and that nobody is forgotten."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti_board import Channel, run, running
from ivr.config import AgentConfig
from ivr.desk import NO_ANSWER, REST_S, Agent, Chosen, Desk, Observed, Ticket

WRAP_UP_S = 10.0
BOTH, ZH = ("zh", "en"), ("zh",)


class Seat(Channel):
    """A telephone that nobody rings here: the desk only asks for its number."""

    def __init__(self, number: int) -> None:
        self.number = number


class Office:
    """A desk with its diary: every state of every agent, in order."""

    def __init__(self, *languages: tuple[str, ...]) -> None:
        loop = running()
        self.diary: list[str] = []
        agents = [
            Agent(AgentConfig(number=f"80{i}", port=f"fxs{i}", languages=spoken), Seat(i), 0)
            for i, spoken in enumerate(languages)
        ]
        self.desk = Desk(agents, wrap_up_s=WRAP_UP_S, now=lambda: loop.clock.now_samples,
                         tell=self.note)  # fmt: skip

    def note(self, agent: Agent) -> None:
        self.diary.append(f"{agent.number} {agent.chosen} {agent.observed} {agent.call}".rstrip())

    def ask(self, call: str, language: str = "zh") -> tuple[Ticket, asyncio.Task[Agent]]:
        ticket = self.desk.enter(call, language)
        return ticket, asyncio.create_task(self.desk.agent_for(ticket))

    async def serve(self, agent: Agent) -> None:
        """A whole call of an agent, with its after-call work."""
        self.desk.answered(agent)
        self.desk.finished(agent)
        await asyncio.sleep(WRAP_UP_S + 0.02)


def office(test: Callable[[Office], Awaitable[None]], *languages: tuple[str, ...]) -> None:
    async def main() -> None:
        place = Office(*(languages or (BOTH, BOTH)))
        await test(place)
        place.desk.close()

    run(main, clock="virtual")


def test_the_agent_who_has_been_idle_longest_comes_first():
    async def test(place: Office) -> None:
        order = []
        for number in range(4):
            _, task = place.ask(f"c{number}")
            agent = await task
            order.append(agent.number)
            await place.serve(agent)
        assert order == ["800", "801", "800", "801"]

    office(test)


def test_first_come_first_served():
    async def test(place: Office) -> None:
        _, first = place.ask("c0")
        agent = await first
        waiting = [place.ask(f"c{i}") for i in range(1, 4)]
        await asyncio.sleep(0)
        assert place.desk.waiting == 3
        assert [place.desk.ahead(ticket) for ticket, _ in waiting] == [0, 1, 2]
        for number, (ticket, task) in enumerate(waiting, 1):
            await place.serve(agent)
            assert (await task) is agent
            assert agent.call == f"c{number}"
            assert place.desk.ahead(ticket) is None
        assert place.desk.waiting == 0

    office(test, BOTH)


def test_a_caller_whom_nobody_answered_keeps_the_place():
    async def test(place: Office) -> None:
        one, task = place.ask("c0")
        two = await task
        place.ask("c1")
        await asyncio.sleep(0)
        place.desk.no_answer(two)
        again = asyncio.create_task(place.desk.agent_for(one))
        await asyncio.sleep(0)
        assert place.desk.ahead(one) == 0
        place.desk.choose(two, Chosen.AVAILABLE)
        assert (await again).call == "c0"

    office(test, BOTH)


def test_an_agent_found_for_a_caller_who_left_goes_to_the_next():
    """Freed and cancelled in the same instant: the wake-up must not be lost."""

    async def test(place: Office) -> None:
        _, first = place.ask("c0")
        agent = await first
        _, leaving = place.ask("c1")
        _, staying = place.ask("c2")
        await asyncio.sleep(0)
        place.desk.give_back(agent)  # the agent goes to c1 ...
        assert agent.call == "c1"
        leaving.cancel()  # ... which leaves before it has run
        await asyncio.wait([leaving])
        assert leaving.cancelled()
        assert (await staying) is agent
        assert agent.call == "c2"

    office(test, BOTH)


def test_a_caller_who_leaves_the_queue_is_out_of_it():
    async def test(place: Office) -> None:
        _, first = place.ask("c0")
        agent = await first
        _, leaving = place.ask("c1")
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        assert place.desk.waiting == 0
        await place.serve(agent)
        assert agent.free

    office(test, BOTH)


def put_back(place: Office, agent: Agent) -> None:
    place.desk.hook(agent, False)


def come_back(place: Office, agent: Agent) -> None:
    place.desk.choose(agent, Chosen.AVAILABLE)


def wrapped_up(place: Office, agent: Agent) -> None:
    """What the timer of the after-call work calls."""
    assert agent.timer is not None
    agent.timer.cancel()
    place.desk._rested(agent)


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("freed", [put_back, come_back, wrapped_up])
def test_an_agent_who_comes_free_while_a_caller_is_leaving_stays_free(freed, others):
    """The caller hung up, or waited the longest time, in the same turn of the loop."""

    async def test(place: Office) -> None:
        _, first = place.ask("c0")
        agent = await first
        place.desk.answered(agent)
        place.desk.finished(agent)
        if freed is not wrapped_up:
            await asyncio.sleep(WRAP_UP_S + 0.02)
            place.desk.hook(agent, freed is put_back)
            if freed is come_back:
                place.desk.choose(agent, Chosen.PAUSED, "lunch")
        _, leaving = place.ask("c1")
        await asyncio.sleep(0)
        staying = [place.ask(f"c{2 + i}")[1] for i in range(others)]
        if staying:
            await asyncio.sleep(0)
        assert place.desk.waiting == 1 + others
        leaving.cancel()
        freed(place, agent)
        assert (agent.observed, agent.call) == (
            (Observed.RINGING, "c2") if others else (Observed.IDLE, "")
        )
        await asyncio.wait([leaving, *staying])
        assert leaving.cancelled()
        assert place.desk.waiting == 0
        assert [task.result() for task in staying] == [agent] * others
        assert agent.free is not bool(others)

    office(test, BOTH)


def test_no_answer_pauses_until_the_handset_is_lifted_and_put_back():
    async def test(place: Office) -> None:
        _, task = place.ask("c0")
        agent = await task
        place.desk.no_answer(agent)
        assert (agent.chosen, agent.observed, agent.reason) == (
            Chosen.PAUSED, Observed.IDLE, NO_ANSWER,
        )  # fmt: skip
        place.desk.hook(agent, True)
        assert not agent.free
        place.desk.hook(agent, False)
        assert agent.free

    office(test, BOTH)


def test_a_break_that_the_agent_chose_is_not_ended_by_the_handset():
    async def test(place: Office) -> None:
        agent = place.desk.find("800")
        place.desk.choose(agent, Chosen.PAUSED, "lunch")
        place.desk.hook(agent, True)
        place.desk.hook(agent, False)
        assert (agent.chosen, agent.reason) == (Chosen.PAUSED, "lunch")

    office(test)


def test_a_break_chosen_while_ringing_stays_a_break():
    async def test(place: Office) -> None:
        _, task = place.ask("c0")
        agent = await task
        place.desk.choose(agent, Chosen.PAUSED, "lunch")
        place.desk.no_answer(agent)
        assert (agent.chosen, agent.observed, agent.reason) == (
            Chosen.PAUSED, Observed.IDLE, "lunch",
        )  # fmt: skip

    office(test, BOTH)


def test_a_lifted_handset_is_busy():
    async def test(place: Office) -> None:
        place.desk.hook(place.desk.find("800"), True)
        _, task = place.ask("c0")
        assert (await task).number == "801"

    office(test)


def test_after_call_work_ends_by_the_clock_and_serves_who_waits():
    async def test(place: Office) -> None:
        _, task = place.ask("c0")
        agent = await task
        place.desk.answered(agent)
        place.desk.finished(agent)
        _, waiting = place.ask("c1")
        began = running().time()
        assert (await waiting) is agent
        assert running().time() - began == pytest.approx(WRAP_UP_S, abs=0.02)

    office(test, BOTH)


def test_a_telephone_that_cannot_be_rung_rests():
    async def test(place: Office) -> None:
        ticket, task = place.ask("c0")
        agent = await task
        place.desk.rest(agent)
        began = running().time()
        again = await place.desk.agent_for(ticket)
        assert again is agent
        assert running().time() - began == pytest.approx(REST_S, abs=0.02)

    office(test, BOTH)


def test_the_language_is_looked_for_and_others_are_not_held_up():
    async def test(place: Office) -> None:
        _, english = place.ask("c0", "en")
        assert (await english).number == "801"
        _, waits = place.ask("c1", "en")
        _, chinese = place.ask("c2", "zh")
        assert (await chinese).number == "800"
        assert not waits.done()
        await place.serve(place.desk.find("801"))
        assert (await waits).number == "801"

    office(test, ZH, BOTH)


def test_a_language_that_nobody_speaks_gets_anybody():
    async def test(place: Office) -> None:
        _, task = place.ask("c0", "en")
        assert (await task).number == "800"

    office(test, ZH)


def test_the_diary_of_one_call():
    async def test(place: Office) -> None:
        place.desk.sign_in()
        _, task = place.ask("c0")
        await place.serve(await task)
        assert place.diary == [
            "800 available idle", "800 available ringing c0", "800 available in_call c0",
            "800 available wrap_up c0", "800 available idle",
        ]  # fmt: skip
        assert place.desk.find("800").served == 1

    office(test, BOTH)


def test_who_is_not_there():
    async def test(place: Office) -> None:
        with pytest.raises(KeyError, match="no agent '999'"):
            place.desk.find("999")
        assert place.desk.of_channel(99) is None

    office(test)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=40))
def test_no_caller_waits_while_an_agent_is_free(steps):
    """Any order of arrivals, leavings, answers and ends."""

    async def test(place: Office) -> None:
        tasks: list[asyncio.Task[Agent]] = []
        for what, which in steps:
            if what == 0:
                tasks.append(place.ask(f"c{len(tasks)}")[1])
            elif what == 1 and tasks:
                tasks[which % len(tasks)].cancel()
            elif what == 2:
                agent = place.desk.agents[which % 2]
                if agent.observed is Observed.RINGING:
                    place.desk.answered(agent)
                    place.desk.finished(agent)
            else:
                agent = place.desk.agents[which % 2]
                place.desk.hook(agent, which > 2)
            if which == 5:
                continue  # and the next thing happens in the same turn of the loop
            await asyncio.sleep(0.02 * which)
            free = [one for one in place.desk.agents if one.free]
            assert not (free and place.desk.waiting)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        assert place.desk.waiting == 0

    office(test)
