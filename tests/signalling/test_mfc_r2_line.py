"""An E1 line with R2 registers, on the fake port: what it says when, and random events."""

import asyncio
import random
from collections import defaultdict

import pytest

from cti_board import events as ev
from cti_board.errors import CtiError
from cti_board.signalling.line import LineOptions, make_line
from cti_board.signalling.port import LineType
from cti_board.signalling.r2_variants import VARIANTS

from .fake_port import FakePort, run
from .test_tables import check_story

IDLE, SEIZED = 9, 1


async def hears(port, *signals, each_s=0.2):
    """Signals of the far end, each until well after our answer."""
    for signal in signals:
        port.post(ev.MfBegin, signal=signal, level_dbm0=-11.5, twist_db=0.0, age_samples=160)
        await asyncio.sleep(each_s)
        port.post(ev.MfEnd, signal=signal, length_samples=800, age_samples=160)
        await asyncio.sleep(each_s)


async def bits(port, value):
    port.post(ev.CasChange, bits=value, previous=IDLE)
    await asyncio.sleep(0.1)


def with_line(test, **options):
    async def main():
        reports, port = asyncio.Queue(), FakePort(LineType.E1_CAS)
        line = make_line(port, reports, LineOptions(registers="mfc", **options))
        line.start()
        await test(line, port, reports)
        await line.close()
        assert not line.faults
        assert not any(port.armed.values())

    run(main)


def commands(port):
    return [text.split(" -> ")[1] for text in port.log if " -> " in text]


def told(reports):
    return [reports.get_nowait().event for _ in range(reports.qsize())]


def test_a_call_in_command_by_command():
    async def main(line, port, reports):
        await bits(port, SEIZED)
        await hears(port, 4, 1, 7, 15, 2)  # II-1 after A-5, one digit of the caller, I-15
        port.post(ev.MfBegin, signal=1, level_dbm0=-11.5, twist_db=0.0, age_samples=160)
        await asyncio.sleep(1)
        (offer,) = told(reports)
        assert (offer.dnis, offer.ani, offer.category) == ("42", "7", "subscriber")
        line.answer()
        await asyncio.sleep(0.5)
        assert line.state == "connected_in"
        assert commands(port)[-1] == "send_mf 6 backward"  # the answer waits for the register
        assert told(reports) == []
        port.post(ev.MfEnd, signal=1, length_samples=800, age_samples=160)
        await asyncio.sleep(0.5)
        assert commands(port)[-3:] == ["stop_tone", "arm -mf", "set_cas 0101"]
        assert [type(event).__name__ for event in told(reports)] == ["Answered"]
        sent = [text.split()[1] for text in commands(port) if text.startswith("send_mf")]
        assert sent == ["5", "5", "5", "1", "3", "6"]

    with_line(main, dnis_digits=2)


def test_ringback_waits_for_the_register_and_the_answer_ends_it():
    async def main(line, port, reports):
        await bits(port, SEIZED)
        await hears(port, 4)
        port.post(ev.MfBegin, signal=2, level_dbm0=-11.5, twist_db=0.0, age_samples=160)
        await asyncio.sleep(0.5)
        line.accept()
        await asyncio.sleep(0.5)
        assert "send_tone ringback" not in commands(port)
        port.post(ev.MfEnd, signal=2, length_samples=800, age_samples=160)
        await asyncio.sleep(0.5)
        assert commands(port)[-1] == "send_tone ringback"
        line.answer()
        assert commands(port)[-2:] == ["stop_tone", "set_cas 0101"]

    with_line(main, dnis_digits=1, ask_ani=False)


@pytest.mark.parametrize(("cause", "signal"), [(17, 3), (34, 4), (1, 5), (27, 8), (16, 3)])
def test_a_refusal_is_a_signal_of_group_b(cause, signal):
    async def main(line, port, reports):
        await bits(port, SEIZED)
        await hears(port, 4)
        port.post(ev.MfBegin, signal=2, level_dbm0=-11.5, twist_db=0.0, age_samples=160)
        await asyncio.sleep(0.5)
        line.reject(cause)
        assert commands(port)[-1] == f"send_mf {signal} backward"
        await asyncio.sleep(0.2)
        port.post(ev.MfEnd, signal=2, length_samples=800, age_samples=160)
        await asyncio.sleep(0.3)
        assert "set_cas 1001" not in commands(port)[2:]  # the caller clears
        await bits(port, IDLE)
        assert commands(port)[-1] == "set_cas 1001"
        await asyncio.sleep(1)
        assert line.idle

    with_line(main, dnis_digits=1, ask_ani=False)


def test_a_refusal_that_nobody_takes_ends_with_idle_bits():
    async def main(line, port, reports):
        await bits(port, SEIZED)
        await hears(port, 4)
        port.post(ev.MfBegin, signal=2, level_dbm0=-11.5, twist_db=0.0, age_samples=160)
        await asyncio.sleep(0.5)
        line.reject(17)
        await asyncio.sleep(12)
        assert line.state == "blocked"
        assert "set_cas 1001" in commands(port)[2:]
        assert commands(port)[-1] in ("set_cas 1001", "arm -mf")

    with_line(main, dnis_digits=1, ask_ani=False)


def test_the_answer_before_the_registers_are_done():
    """A far end that answers while signals sound: the conversation counts."""

    async def main(line, port, reports):
        line.seize("123")
        await asyncio.sleep(0.1)
        await bits(port, 13)
        assert commands(port)[-1] == "send_mf 1 forward"
        await bits(port, 5)
        assert line.state == "connected_out"
        assert commands(port)[-2:] == ["stop_tone", "arm -mf"]

    with_line(main)


STIMULI = [
    lambda r: (ev.CasChange, {"bits": r.choice((1, 5, 9, 13, r.randrange(16))), "previous": 9}),
    lambda r: (ev.CasChange, {"bits": r.choice((1, 13)), "previous": 9}),
    *[lambda r: (ev.MfBegin, {"signal": r.randint(1, 15), "level_dbm0": -11.5, "twist_db": 0.0,
                              "age_samples": 160})] * 4,
    *[lambda r: (ev.MfEnd, {"signal": 1, "length_samples": 800, "age_samples": 160})] * 4,
    lambda r: (ev.ToneOn, {"tone": r.choice(("ringback", "busy")), "level_dbm0": -10.0}),
    lambda r: (ev.CasChange, {"bits": IDLE, "previous": 1}),
    lambda r: (ev.AlarmCleared, {"span": 0, "alarm": ev.Alarm.LOS}),
    lambda r: (ev.BoardBack, {}),
]  # fmt: skip
RARE = [
    lambda r: (ev.AlarmRaised, {"span": 0, "alarm": ev.Alarm.LOS}),
    lambda r: (ev.BoardLost, {"error": -5}),
    lambda r: (ev.CommandFailed, {"cookie": 0, "error": -5, "op": r.choice((6, 11))}),
]  # fmt: skip
CALM = [(ev.BoardBack, {}), (ev.AlarmCleared, {"span": 0, "alarm": ev.Alarm.LOS}),
        (ev.CasChange, {"bits": IDLE, "previous": 1})]  # fmt: skip


def command(line, name):
    try:
        if name == "seize":
            line.seize("8800123", ani="12")
        else:
            getattr(line, name)()
    except CtiError:
        return


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("seed", range(12))
def test_no_line_stays_stuck_and_every_call_has_one_end(variant, seed):
    chance = random.Random(f"{variant} {seed}")

    async def main(line, port, reports):
        for _ in range(400):
            await asyncio.sleep(chance.choice((0, 0.02, 0.1, 0.2, 0.7, 3)))
            if chance.random() < 0.3:
                command(line, chance.choice(("seize", "answer", "accept", "reject", "hang_up")))
            else:
                pool = RARE if chance.random() < 0.03 else STIMULI
                kind, values = chance.choice(pool)(chance)
                port.post(kind, **values)
        await asyncio.sleep(1)
        line.hang_up()
        for _ in range(2):
            for kind, values in CALM:
                port.post(kind, **values)
            await asyncio.sleep(300)
            line.seize("88")  # the line works
            await asyncio.sleep(0.1)
            line.hang_up()
            await bits(port, IDLE)
            await asyncio.sleep(1)
        assert line.state == "idle", "\n".join(map(str, line.machine.trace))
        assert not any(port.armed.values())
        stories = defaultdict(list)
        for report in [reports.get_nowait() for _ in range(reports.qsize())]:
            stories[report.call].append(report.event)
        assert stories
        for story in stories.values():
            check_story(story)

    with_line(main, r2_variant=variant, dnis_digits=chance.choice((0, 2)))
