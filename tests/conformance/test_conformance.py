"""Every check on every rig; known gaps are in ledger/<rig>.txt, which may only shrink."""

from pathlib import Path

from cti_board.testing import Status, held_against, read_ledger, run_check
from cti_board.testing.plugin import conformance
from tests.conformance.rigs import URLS, rig

LEDGERS = Path(__file__).parent / "ledger"
RIGS = [rig(name) for name in URLS]
# the simulated card has no wink; the plan of one country no tone for a vacant number
NOT_PASS = {(name, f"line.wink.{line}"): Status.NOT_SUPPORTED
            for name in URLS for line in ("fxo", "fxs", "e1")} | {
    ("us", f"call.out_vacant.{line}"): Status.CANT_TELL for line in ("fxo", "e1")
}  # fmt: skip


@conformance(RIGS)
def test_check(virtual, rig, check):
    result = virtual(lambda: run_check(rig, check))
    held = held_against(read_ledger(LEDGERS / f"{rig.name}.txt"), result)
    wanted = NOT_PASS.get((rig.name, check.id), Status.PASS)
    assert held.known or held.status is wanted, str(held)


def test_each_rig_has_a_ledger_and_no_ledger_is_left_over():
    assert {path.stem for path in LEDGERS.glob("*.txt")} == set(URLS)
