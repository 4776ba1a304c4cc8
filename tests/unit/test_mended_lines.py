"""Lines that cannot start, are closed at once, or lose their board."""

import asyncio

import pytest

from cti_board import LineType, TrunkGroup, open_board
from cti_board import run as run_board
from cti_board.signalling.line import LineOptions, make_line
from tests.signalling.fake_port import FakePort, run


def tasks():
    return {t.get_name() for t in asyncio.all_tasks() if t is not asyncio.current_task()}


@pytest.mark.parametrize("command", ["resync", "set_hook"])
def test_a_group_whose_line_cannot_start_leaves_nothing_running(command):
    async def main():
        ports = [FakePort(LineType.FXO, f"fxo{i}") for i in range(3)]
        ports[1].fails.add(command)
        group = TrunkGroup(ports)
        with pytest.raises(OSError, match=command):
            await group.__aenter__()
        streams = [[s.closed for s in port.streams] for port in ports]
        return streams, tasks(), [any(port.armed.values()) for port in ports]

    assert run(main) == ([[True], [True], []], set(), [False] * 3)


def test_a_line_that_is_closed_before_its_first_step_closes_its_stream():
    async def main():
        port = FakePort(LineType.FXO, "fxo0")
        line = make_line(port, asyncio.Queue(), LineOptions())
        line.start()
        await line.close()
        await line.close()
        return [s.closed for s in port.streams], tasks()

    assert run(main) == ([True], set())


def test_a_line_whose_board_is_closed_notes_it_and_ends():
    async def main():
        board = open_board("sim:fxo=1,phones=1")
        await board.__aenter__()
        line = make_line(board.channels[0], asyncio.Queue(), LineOptions())
        line.start()
        await asyncio.sleep(0.1)
        board.close()
        await asyncio.sleep(0)
        left = tasks()
        faults = list(line.faults)
        await line.close()
        return left, faults, board.loop.pump._streams

    left, faults, streams = run_board(main, clock="virtual")
    assert left == set()
    assert len(faults) == 1
    assert "is not open" in faults[0]
    assert streams == {}
