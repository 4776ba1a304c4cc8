"""What must not be seen in a trace: a spy, and the skipping of frames in which nothing happens."""

import pytest

from cti_board import run, running
from cti_board.testing import SimRig, run_checks
from tests.conformance.rigs import URLS, rig

# every kind of traffic once; the whole list would say no more
PATTERNS = ("board.quiet", "board.clock.*", "media.play_exact.*", "media.dtmf_*", "media.busy_*",
            "media.caller_id", "line.*", "switch.*", "call.*", "faults.*")  # fmt: skip


def trace(rig: SimRig, *, jump: bool = True) -> tuple[str, list[str]]:
    """The hash of all events and all sound of these checks, and what they found."""

    async def main():
        engine = running().engine
        engine.trace()
        results = await run_checks(rig, *PATTERNS)
        return engine.trace_hash(), [str(r) for r in results]

    return run(main, clock="virtual", jump=jump)


@pytest.fixture(scope="module")
def plain() -> tuple[str, list[str]]:
    return trace(rig("sim"))


def test_the_same_run_has_the_same_trace(plain):
    assert trace(rig("sim")) == plain


def test_a_spy_is_invisible(plain, tmp_path):
    log = tmp_path / "spy.log"
    spy = SimRig(f"spy:{log}!{URLS['sim']}", name="spy")
    assert trace(spy) == plain
    assert "command" in log.read_text()


def test_skipped_frames_are_invisible(plain):
    assert trace(rig("sim"), jump=False) == plain


def test_another_card_is_seen(plain):
    """A hash that cannot differ proves nothing: here the card detects tones by itself."""
    assert trace(rig("board"))[0] != plain[0]
