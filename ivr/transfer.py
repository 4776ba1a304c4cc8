"""Room: from a caller to an agent: hold music, the queue, ringing telephones, the talk.

Must not ask the caller anything (menu.py) nor choose who is free (desk.py).
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from cti_board import Call, EventStream, errors, events

from .desk import Agent, Ticket
from .prompt import phrase
from .record import mask
from .session import CAUSE_NORMAL, FAR, MUSIC, US, Session, end

ANNOUNCE_S = 30.0  # chosen: how often a waiting caller hears how many are ahead
QUEUE = "main"


@dataclass(slots=True)
class Seat:
    """An agent who has answered, and the call to the agent's telephone."""

    agent: Agent
    call: Call


async def transfer(session: Session) -> bool:
    """Queue, ring, talk.  False when no agent answered within the longest wait."""
    session.segment("queue", QUEUE)
    ticket = session.kit.desk.enter(session.name, session.language)
    music = asyncio.create_task(hold(session, ticket))
    try:
        seat = await find_seat(session, ticket)
        if seat is None:
            return False
        try:
            await end(music)
            await talk(session, seat)
        finally:
            leave(session, seat)
    finally:
        await end(music)
    return True


async def find_seat(session: Session, ticket: Ticket) -> Seat | None:
    """The first agent who answers; None when the longest wait is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(session.kit.config.queue.max_wait_s):
            while True:
                agent = await session.kit.desk.agent_for(ticket)
                call = await ring(session, agent)
                if call is not None:
                    return Seat(agent, call)
                session.segment("queue", QUEUE)
    return None


async def ring(session: Session, agent: Agent) -> Call | None:
    """Ring an agent's telephone; None when nobody answers it."""
    kit = session.kit
    session.segment("ring", agent.number)
    session.agent = agent
    try:
        call = await kit.phones.call(
            channel=agent.channel, timeout_s=kit.config.queue.ring_s, ani=session.call.ani
        )
    except errors.CtiTimeoutError:
        kit.tally.no_answers += 1
        kit.desk.no_answer(agent)
    except (errors.ChannelError, errors.CallCleared):
        kit.desk.rest(agent)  # lifted at this very moment, or not idle yet
    except BaseException:
        session.agent = None
        kit.desk.give_back(agent)
        raise
    else:
        kit.desk.answered(agent)
        return call
    session.agent = None
    return None


async def talk(session: Session, seat: Seat) -> None:
    """Caller and agent, until either side clears."""
    kit = session.kit
    leg = session.leg_started(seat.agent)
    session.segment("talk", seat.agent.number)
    session.served = True
    kit.tally.talked += 1
    kit.first_answer.set()
    began = kit.now
    cause, side = CAUSE_NORMAL, US
    try:
        async with seat.call:
            await connected(session, seat)
    except errors.CallCleared as cleared:
        cause, side = cleared.cause, FAR
    finally:
        kit.switch.disconnect(session.channel, seat.call.channel)
        kit.tally.talk += kit.now - began
        session.leg_ended(leg, cause, side)


async def connected(session: Session, seat: Seat) -> None:
    """Both hear each other; a hook flash of the agent holds the caller, another one returns."""
    kit, caller, agent = session.kit, session.channel, seat.call.channel
    keys = caller.events(events.DtmfEnd)
    flashes = agent.events(events.HookFlash)
    writing = asyncio.create_task(write_keys(session, keys))
    try:
        while True:
            kit.switch.connect(caller, agent)
            await flashes.get()
            kit.switch.disconnect(caller, agent)
            session.segment("hold", seat.agent.number)
            music = asyncio.create_task(session.play(MUSIC, loops=0))
            try:
                await flashes.get()
            finally:
                await end(music)
            session.segment("talk", seat.agent.number)
    finally:
        keys.close()
        flashes.close()
        await end(writing)


async def write_keys(session: Session, keys: EventStream) -> None:
    """What a caller keys to a person may be a secret: only that keys were pressed is kept.

    One fact for the whole talk: not even how many there were.
    """
    async for event in keys:
        if isinstance(event, events.DtmfEnd):
            session.keyed(mask(event.digit), "talk", masked=True)
            return


async def hold(session: Session, ticket: Ticket) -> None:
    """What a caller hears who waits: music, and every now and then how many are ahead."""
    await session.say("transferring")
    while True:
        await session.say(*place(session, ticket))
        music = asyncio.create_task(session.play(MUSIC, loops=0))
        try:
            await asyncio.sleep(ANNOUNCE_S)
        finally:
            await end(music)


def place(session: Session, ticket: Ticket) -> tuple[str, ...]:
    """The announcement of a caller's place; nothing while an agent's telephone rings."""
    ahead = session.kit.desk.ahead(ticket)
    if ahead is None:
        return ()
    return ("all_busy", *phrase.queue_position(ahead, session.language))


def leave(session: Session, seat: Seat) -> None:
    """The agent's telephone is let go, and the agent writes up."""
    seat.call.hang_up()
    session.agent = None
    session.kit.desk.finished(seat.agent)
