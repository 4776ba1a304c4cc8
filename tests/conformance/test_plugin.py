"""The pytest plugin as others meet it, and what it costs those who do not use it."""

import subprocess
import sys

import pytest

from cti_board import Board, running
from cti_board.testing import SimRig
from cti_board.testing.plugin import conformance

TRIAL = '''
import asyncio
import pytest
from cti_board.testing import SimRig, Status, run_check
from cti_board.testing.plugin import conformance

@pytest.mark.sim_board("sim:fxs=2,phones=0")
async def test_waits_an_hour(virtual, sim_board):
    async with sim_board() as board:
        await asyncio.sleep(3600)
        assert [c.name for c in board.channels] == ["fxs0", "fxs1"]

async def test_fails(virtual):
    await asyncio.sleep(1)
    assert False, "as it should"

def test_plain(virtual):
    async def main():
        return 7
    assert virtual(main) == 7

@pytest.mark.parametrize("number", [1, 2])
async def test_with_arguments(virtual, tmp_path, number):
    assert tmp_path.exists() and number in (1, 2)

@conformance([SimRig("sim:fxs=2,phones=0", name="mine")], "line.fxs_hook")
def test_card(virtual, rig, check):
    assert virtual(lambda: run_check(rig, check)).status is Status.PASS
'''


def test_a_test_file_of_someone_else(tmp_path):
    (tmp_path / "test_trial.py").write_text(TRIAL)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "--strict-markers",
         f"--basetemp={tmp_path / 'base'}", str(tmp_path)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "1 failed, 5 passed" in done.stdout, done.stdout
    assert "FAILED test_trial.py::test_fails - AssertionError: as it should" in done.stdout
    assert "test_card[mine-line.fxs_hook]" in done.stdout


def test_loading_the_plugin_loads_nothing_of_ours_but_itself():
    program = (
        "import sys, cti_board.testing.plugin\n"
        "heavy = {'numpy', 'cffi', '_cffi_backend', 'asyncio'}\n"
        "ours = [m for m in sys.modules if m.startswith('cti_board')]\n"
        "print(sorted(heavy & set(sys.modules)), sorted(ours))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "[] ['cti_board', 'cti_board.testing', 'cti_board.testing.plugin']"
    )


def test_public_names_are_those_that_the_package_gives():
    import cti_board

    for package in (cti_board, cti_board.testing):
        for name in package.__all__:
            assert getattr(package, name) is not None
        with pytest.raises(AttributeError, match="no attribute 'nothing'"):
            _ = package.nothing
    given = " ".join([*cti_board._HOME.values(), cti_board._MODULES]).split()
    assert sorted(given) == sorted(cti_board.__all__)


@pytest.mark.sim_board("sim:fxo=3,phones=1")
async def test_the_marker_names_the_board(virtual, sim_board):
    assert running().virtual
    async with sim_board() as board:
        assert isinstance(board, Board)
        assert len(board.channels) == 3
    async with sim_board("sim:fxs=1", country="us") as board:
        assert board.tone_plan.country == "us"


def test_parametrisation_names_rig_and_check():
    mark = conformance([SimRig(name="a"), SimRig(name="b")], "switch.*").mark
    ids = [p.id for p in mark.args[1]]
    assert "a-switch.listen" in ids
    assert "b-switch.listen" in ids
