"""Each faulty driver is caught by the checks that are meant for it; no check catches nothing."""

from fnmatch import fnmatchcase

import pytest

from cti_board import backends, run
from cti_board.testing import SimRig, Status, all_checks, run_check, selected
from tests.conformance.mutations import MUTATIONS, Mutation
from tests.conformance.rigs import URLS, rig


def spoilt(mutation: Mutation, library) -> SimRig:
    """The rig with the mutant before its driver."""
    good = rig(mutation.rig)
    inner, spec = backends.find(URLS[mutation.rig])
    url = f"lib:{library}?{mutation.words}\n{inner}\n{spec}"
    return SimRig(url, name=mutation.title, required=good.required)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.title.replace(" ", "_"))
def test_a_faulty_driver_is_caught(mutation, mutant):
    rig = spoilt(mutation, mutant(mutation.title))

    async def main():
        return [await run_check(rig, check) for check in selected(mutation.caught_by)]

    results = run(main, clock="virtual")
    assert not [r for r in results if "cannot be loaded" in r.reason]
    missed = [str(r) for r in results if r.status is not Status.FAIL]
    assert not missed, f"{mutation.title}: not caught by\n" + "\n".join(missed)


def test_a_mutant_without_a_fault_passes_all(mutant):
    good = spoilt(Mutation("none", "nothing", "sim", ()), mutant("nothing"))

    async def main():
        return [await run_check(good, check) for check in all_checks().values()]

    wrong = [r for r in run(main, clock="virtual") if r.status in (Status.FAIL, Status.CANT_TELL)]
    assert not wrong, "\n".join(map(str, wrong))


def test_every_check_catches_something():
    patterns = [p for mutation in MUTATIONS for p in mutation.caught_by]
    idle = [name for name in all_checks() if not any(fnmatchcase(name, p) for p in patterns)]
    assert not idle, "no faulty driver for: " + ", ".join(idle)
