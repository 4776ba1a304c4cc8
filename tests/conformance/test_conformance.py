"""Every check on every rig; known gaps are in ledger/<rig>.txt, which may only shrink."""

from pathlib import Path

import pytest

from cti_board import run
from cti_board.testing import Status, all_checks, held_against, read_ledger, run_check
from tests.conformance.rigs import URLS, rig

LEDGERS = Path(__file__).parent / "ledger"


@pytest.mark.parametrize("check", all_checks().values(), ids=list(all_checks()))
@pytest.mark.parametrize("name", URLS)
def test_check(name, check):
    ledger = read_ledger(LEDGERS / f"{name}.txt")

    async def main():
        return held_against(ledger, await run_check(rig(name), check))

    result = run(main, clock="virtual")
    wanted = {Status.PASS, Status.NOT_SUPPORTED}
    assert result.known or result.status in wanted, str(result)


def test_each_rig_has_a_ledger_and_no_ledger_is_left_over():
    assert {path.stem for path in LEDGERS.glob("*.txt")} == set(URLS)
