"""Every check on every rig; known gaps are in ledger/<rig>.txt, which may only shrink."""

from pathlib import Path

from cti_board.testing import Status, held_against, read_ledger, run_check
from cti_board.testing.plugin import conformance
from tests.conformance.rigs import URLS, rig

LEDGERS = Path(__file__).parent / "ledger"
RIGS = [rig(name) for name in URLS]
UNDECLARED = {"line.wink.fxo", "line.wink.fxs", "line.wink.e1"}  # the simulated card has no wink


@conformance(RIGS)
def test_check(virtual, rig, check):
    result = virtual(lambda: run_check(rig, check))
    held = held_against(read_ledger(LEDGERS / f"{rig.name}.txt"), result)
    wanted = Status.NOT_SUPPORTED if check.id in UNDECLARED else Status.PASS
    assert held.known or held.status is wanted, str(held)


def test_each_rig_has_a_ledger_and_no_ledger_is_left_over():
    assert {path.stem for path in LEDGERS.glob("*.txt")} == set(URLS)
