"""How a centre looks: the picture and the lines of text."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from ivr import live
from ivr.config import DEFAULT, load
from ivr.figures import AgentRow, CallRow, Figures, LineRow, Snapshot
from ivr.picture import AGENTS, CALLS, FIGURES, line_style, picture
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


def drawn(shot: Snapshot, trouble: str = "", width: int = 120, height: int = 50) -> str:
    console = Console(width=width, height=height, record=True, force_terminal=False)
    with console.capture() as capture:
        console.print(picture(load(DEFAULT), shot, AT, trouble, console.size))
    return capture.get()


def busy(calls: int, agents: int = 10, lines: int = 46) -> Snapshot:
    """A centre with much to show."""
    states = ("connected", "idle", "ringing")
    return Snapshot(
        at_s=7.0,
        lines=(*(LineRow(f"e1.0.{i}", states[i % 3], 1.0) for i in range(lines - 1)),
               LineRow("e1.0.99", "blocked", 1.0)),
        calls=tuple(
            CallRow(f"1-{i:06d}", f"fxo{i}", "88000000", "voicemail", 3.0) for i in range(calls)
        ),
        agents=tuple(
            AgentRow(f"{801 + i}", "王芳", f"fxs{i}", "available", "idle", True, 3600.0, 4,
                     "1-000001")
            for i in range(agents)
        ),
        figures=Figures(offered=99_999),
    )  # fmt: skip


HEADS = [column.head for column in (*AGENTS, *CALLS)] + [en for _, en, _ in FIGURES]


def test_the_picture_shows_lines_calls_agents_and_figures():
    text = drawn(SHOT)
    for word in ("客户服务中心", "08:00:07", "fxo0 connected", "idle: 1", "1-000001", "88000000",
                 "通话 talk", "王芳", "小休 paused", "摘机 off hook", "呼入", *HEADS):  # fmt: skip
        assert word in text


def test_trouble_with_the_records_is_shown():
    assert "records: journal: ENOSPC" in drawn(SHOT, "journal: ENOSPC")
    assert "records:" not in drawn(SHOT)


@settings(max_examples=40)
@given(st.integers(30, 220), st.integers(12, 80), st.integers(0, 60), st.integers(1, 12),
       st.integers(1, 80), st.booleans())  # fmt: skip
def test_the_picture_fits_any_terminal(width, height, calls, agents, lines, trouble):
    text = drawn(busy(calls, agents, lines), "journal: " * 20 * trouble, width, height)
    rows = text.splitlines()
    assert max(cell_len(row) for row in rows) <= width
    assert len(rows) <= height
    assert "801" in text, "an agent is always there"


def test_a_terminal_of_24_rows_shows_all_agents_and_calls():
    text = drawn(busy(20), width=80, height=24)
    rows = text.splitlines()
    assert len(rows) == 24
    for word in (*HEADS, *(f"{801 + i}" for i in range(10)), "1-000000", "1-000004"):
        assert word in text
    assert rows[-1].strip() == "+15 more"
    assert "lines: blocked 1  connected 15  ringing 15  idle 15" in text


def test_a_large_terminal_shows_all():
    text = drawn(busy(20), width=140, height=45)
    for word in (*HEADS, "1-000019", "810"):
        assert word in text
    assert "more" not in text
    assert "connected 15" in text, "forty-six lines are counted"
    wide = drawn(busy(20), width=170, height=40).splitlines()
    assert any("801" in row and "1-000000" in row for row in wide), "side by side"


def test_a_narrow_terminal_leaves_out_whole_columns():
    text = drawn(busy(2), width=40, height=30)
    shown = [head for head in HEADS if head in text]
    assert "姓名" not in text
    assert {"工号 no.", "状态 state", "呼叫 call", "位置 where"} <= set(shown)


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
    assert line_style("connected") != line_style("blocked")
