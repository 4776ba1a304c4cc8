"""The kit itself: outcomes, ledgers, tiers, the group functions."""

import asyncio
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from cti_board import LineType, testing
from cti_board import events as ev
from cti_board.errors import DriverError
from cti_board.testing import (
    Result,
    Status,
    all_checks,
    held_against,
    read_ledger,
    run_check,
    table,
)
from cti_board.testing.bench import CantTell, CheckFailed
from cti_board.testing.registry import GROUPS, Check, check
from cti_board.testing.runner import REFUSED
from tests.conformance.mutations import NUMBERS, Mutation
from tests.conformance.rigs import LINE, rig
from tests.conformance.test_mutation import spoilt


def outcome(virtual, run) -> Result:
    return virtual(lambda: run_check(rig("sim"), Check("board.trial", None, "", "a trial", run)))


async def passes(bench):
    bench.near("length", 7.25, 7.0, 0.5)
    bench.near("length", 7.0, 7.0, 0.5)


async def fails(bench):
    bench.expect(False, "it is wrong")


async def cannot_tell(bench):
    raise CantTell("no way to see")


async def driver_fails(bench):
    raise DriverError("it broke")


async def breaks(bench):
    raise KeyError("a bug in the check")


async def hangs(bench):
    await asyncio.get_running_loop().create_future()


async def refused(bench):
    bench.board.channels[0].set_hook(True)
    bench.board.loop.engine.post(bench.board.number, 0, NUMBERS["WINK"], a=200)
    await bench.sleep(0.1)


async def too_few(bench):
    bench.channels(None, 1000)


@pytest.mark.parametrize(("run", "status", "text"), [
    (passes, Status.PASS, ""),
    (fails, Status.FAIL, "it is wrong"),
    (cannot_tell, Status.CANT_TELL, "no way to see"),
    (driver_fails, Status.FAIL, "DriverError: it broke"),
    (breaks, Status.CANT_TELL, "the check broke: KeyError('a bug in the check') (test_kit.py:"),
    (hangs, Status.FAIL, "TimeoutError"),
    (refused, Status.FAIL, "the driver refused a command"),
    (too_few, Status.CANT_TELL, "needs 1000 a channels, the board has 35"),
])  # fmt: skip
def test_what_a_check_does_becomes_an_outcome(virtual, run, status, text):
    result = outcome(virtual, run)
    assert result.status is status
    assert result.reason.startswith(text)


def test_the_worst_measured_difference_is_kept(virtual):
    assert outcome(virtual, passes).measured == {"length": 0.25}


def test_a_board_that_cannot_be_opened_fails(virtual):
    async def main():
        return await run_check(testing.SimRig("sim:fxo=banana"), all_checks()["board.describe"])

    result = virtual(main)
    assert result.status is Status.FAIL
    assert "fxo=banana" in result.reason


def test_a_board_without_such_lines_is_not_asked(virtual):
    async def main():
        return await testing.run_checks(testing.SimRig("sim:fxo=1,phones=2"), "line.*")

    results = {r.id: r for r in virtual(main)}
    assert results["line.fxs_hook"].status is Status.NOT_SUPPORTED
    assert results["line.fxs_hook"].reason == "no fxs channel"
    assert results["line.fxo_ring"].status is Status.PASS


def test_what_is_not_declared_is_refused_and_so_not_supported(virtual, mutant):
    capabilities = sum(NUMBERS[f"CAP_{name}"] for name in LINE - {"CAS"})
    poor = spoilt(Mutation("", f"hide {capabilities}", "sim", ()), mutant("poor"))
    poor.required = frozenset()
    named = [c.id for c in all_checks().values() if c.need and c.need != "CAS"]

    async def main():
        return await testing.run_checks(poor, *named)

    results = virtual(main)
    assert {r.status for r in results} == {Status.NOT_SUPPORTED}
    assert all(r.reason.endswith("is not declared, and refused") for r in results)


def test_every_capability_that_a_check_needs_has_its_refusal():
    assert {c.need for c in all_checks().values()} - {""} <= set(REFUSED)


def test_each_group_function_runs_its_group(virtual):
    from cti_board.testing.groups import BY_GROUP

    assert tuple(BY_GROUP) == GROUPS
    results = virtual(lambda: testing.check_switch(rig("sim")))
    assert {r.id for r in results} == {n for n in all_checks() if n.startswith("switch.")}
    assert {r.status for r in results} == {Status.PASS}


def test_a_pattern_that_fits_nothing_is_an_error():
    with pytest.raises(ValueError, match=r"no check is called 'media\.nothing'"):
        testing.selected(["media.nothing"])


def test_a_check_has_a_group_and_says_what_it_verifies():
    async def mute(bench):
        pass

    with pytest.raises(ValueError, match="docstring"):
        check("board.mute")(mute)
    with pytest.raises(ValueError, match="entered twice"):
        check("board.describe")(_documented)
    assert not [c.id for c in all_checks().values() if c.verifies[0].isupper()]


async def _documented(bench):
    """says something"""


# ---- ledgers --------------------------------------------------------------------------------


def test_a_ledger_excuses_failures_and_nothing_else():
    ledger = {"media.talk.fxo": "the card hears no talk"}
    failed = held_against(ledger, Result("media.talk.fxo", Status.FAIL, "no TalkBegin"))
    assert failed.known
    assert failed.status is Status.FAIL
    assert "the card hears no talk" in failed.reason
    for status in (Status.PASS, Status.NOT_SUPPORTED, Status.CANT_TELL):
        held = held_against(ledger, Result("media.talk.fxo", status))
        assert (held.status, held.known) == (Status.FAIL, False)
        assert "take it out" in held.reason
    other = Result("media.talk.fxs", Status.FAIL, "no TalkBegin")
    assert held_against(ledger, other) is other


@pytest.mark.parametrize(("text", "reason"), [
    ("media.talk.fxo", "should be `check id: reason`"),
    ("media.talk.fxo:   # later", "should be `check id: reason`"),
    ("media.tolk.fxo: no", "there is no check 'media.tolk.fxo'"),
    ("media.talk.fxo: a\nmedia.talk.fxo: b", "is there twice"),
])  # fmt: skip
def test_a_wrong_ledger_names_the_line(tmp_path, text, reason):
    path = tmp_path / "card.txt"
    path.write_text(f"# known gaps\n\n{text}\n")
    with pytest.raises(ValueError, match=reason) as error:
        read_ledger(path)
    assert f"{path}:{text.count(chr(10)) + 3}" in str(error.value)


def test_a_right_ledger_is_read(tmp_path):
    path = tmp_path / "card.txt"
    path.write_text("# gaps\nmedia.talk.fxo: no detector  # of speech\n")
    assert read_ledger(path) == {"media.talk.fxo": "no detector"}


def test_the_table_has_a_line_a_check_and_the_counts():
    text = table([Result("a.b", Status.PASS, "", {"x": 2.0}), Result("a.c", Status.FAIL, "why")])
    assert text.splitlines()[0].split() == ["pass", "a.b", "x=2"]
    assert text.splitlines()[1].split() == ["fail", "a.c", "why"]
    assert text.splitlines()[2] == "1 pass, 1 fail"


# ---- the page -------------------------------------------------------------------------------


def test_the_page_lists_every_check_with_what_it_verifies():
    from tests.conformance.page import PAGE, listing

    assert listing() in PAGE.read_text(encoding="utf-8"), (
        "write it anew: python -m tests.conformance.page"
    )


def test_the_page_of_the_driver_names_what_a_card_can_do_by_itself():
    root = Path(__file__).parents[2]
    header = (root / "cti_board/_native/include/ctb_driver.h").read_text(encoding="utf-8")
    page = (root / "docs/driver-abi.md").read_text(encoding="utf-8")
    there = re.findall(r"#define (CTB_CAP_BOARD_\w+)", header)
    assert len(there) >= 9
    assert [name for name in there if f"`{name}`" not in page] == []


def test_the_page_refuses_a_sentence_that_is_cut():
    from tests.conformance.page import sentence

    async def whole(bench):
        """what is said in one line

        and why."""

    async def cut(bench):
        """what is said in one line, and
        in another"""

    assert sentence(Check("line.x", None, "", "what is said in one line", whole)).endswith("line")
    with pytest.raises(ValueError, match=r"line\.x: what it verifies is cut after .*, and'"):
        sentence(Check("line.x", None, "", "what is said in one line, and", cut))


def test_bench_waits_for_events_and_says_what_came(virtual):
    async def run(bench):
        stream = bench.board.events(ev.OffHook, ev.OnHook)
        await bench.far(bench.channels(LineType.FXS, 1)[0]).answer()
        with pytest.raises(CheckFailed, match=r"OffHook.* came, expected OnHook"):
            await bench.next(stream, ev.OnHook)
        with pytest.raises(CheckFailed, match="no OnHook within 1 s"):
            await bench.event(stream, ev.OnHook, 1.0)

    assert outcome(virtual, run).status is Status.PASS


def test_patterns_of_groups_cover_all():
    assert all(any(fnmatchcase(n, f"{g}.*") for g in GROUPS) for n in all_checks())
