"""How a centre looks: the picture and the lines of text."""

from datetime import UTC, datetime

import pytest
from rich.cells import cell_len
from rich.console import Console

from ivr import live
from ivr.config import DEFAULT, load
from ivr.figures import AgentRow, CallRow, Figures, LineRow, Snapshot
from ivr.record import (
    AgentState,
    Alarm,
    CallAnswered,
    CallEnded,
    CallOffered,
    Note,
    SegmentStarted,
    VoicemailSaved,
)

AT = datetime(2026, 1, 5, 8, 0, 7, tzinfo=UTC)
SHOT = Snapshot(
    at_s=7.0,
    lines=(LineRow("fxo0", "connected", 5.0), LineRow("fxo1", "idle", 7.0)),
    calls=(CallRow("1-000001", "fxo0", "88000000", "talk", 3.0, "801"),),
    agents=(
        AgentRow("801", "王芳", "fxs0", "available", "in_call", True, 3.0, 4, "1-000001"),
        AgentRow("802", "李伟", "fxs1", "paused", "idle", False, 60.0, 0),
        AgentRow("803", "张敏", "fxs2", "available", "idle", True, 9.0, 1),
    ),
    figures=Figures(offered=9, served=6, abandoned=2, in_progress=1),
)


def drawn(shot: Snapshot, trouble: str = "", width: int = 120) -> str:
    console = Console(width=width, record=True, force_terminal=False)
    with console.capture() as capture:
        console.print(live.picture(load(DEFAULT), shot, AT, trouble))
    return capture.get()


def test_the_picture_shows_lines_calls_agents_and_figures():
    text = drawn(SHOT)
    for word in ("客户服务中心", "08:00:07", "fxo0 connected", "idle: 1", "1-000001", "88000000",
                 "通话 talk", "王芳", "小休 paused", "摘机 off hook", "呼入 offered"):  # fmt: skip
        assert word in text


def test_trouble_with_the_records_is_shown():
    assert "records: journal: ENOSPC" in drawn(SHOT, "journal: ENOSPC")
    assert "records:" not in drawn(SHOT)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_picture_fits_any_terminal(width):
    assert max(cell_len(line) for line in drawn(SHOT, width=width).splitlines()) <= width


@pytest.mark.parametrize(("fact", "text"), [
    (CallOffered("c", "fxo0", "88000000"), "c 呼入 offered fxo0 88000000"),
    (CallOffered("c", "fxo0"), "c 呼入 offered fxo0 -"),
    (CallAnswered("c"), "c 应答 answered"),
    (SegmentStarted("c", "queue", "main"), "c 排队 queue main"),
    (SegmentStarted("c", "ivr"), "c 菜单 menu"),
    (VoicemailSaved("c", "main", "m.wav", 12000), "c 留言 message 1.5 s m.wav"),
    (CallEnded("c", 16, "far"), "c 结束 ended cause=16 side=far"),
    (AgentState("801", "available", "in_call", call="c"),
     "坐席 agent 801 就绪/通话 available in_call c"),
    (AgentState("801", "logged_out"), "坐席 agent 801 签出 logged_out"),
    (Alarm("span 0", "LOS"), "告警 alarm span 0 LOS"),
    (Alarm("span 0", "LOS", raised=False), "恢复 cleared span 0 LOS"),
    (Note("hello"), ""),
])  # fmt: skip
def test_a_fact_in_one_line(fact, text):
    assert live.sentence(fact) == text


def test_every_state_has_words():
    for kind in ("ring", "ivr", "queue", "talk", "hold", "voicemail"):
        assert live.sentence(SegmentStarted("c", kind))
    assert live.line_style("connected") != live.line_style("blocked")
