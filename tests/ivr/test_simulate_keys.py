"""The text of what a caller does, and the timeline of a call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.record import (
    AgentState,
    CallAnswered,
    CallEnded,
    CallOffered,
    Digits,
    Entry,
    LegEnded,
    LegStarted,
    RecordingEnded,
    RecordingStarted,
    SegmentStarted,
    VoicemailSaved,
)
from ivr.simulate.keys import Do, KeysError, Step, read_steps
from ivr.simulate.timeline import timeline


def test_every_kind_of_step_is_read_in_order():
    assert read_steps(" 1, w2 ,10386#,p,w0.5,s,*#0,h") == [
        Step(Do.PRESS, "1"), Step(Do.WAIT, seconds=2.0), Step(Do.PRESS, "10386#"),
        Step(Do.PROMPT), Step(Do.WAIT, seconds=0.5), Step(Do.SPEAK), Step(Do.PRESS, "*#0"),
        Step(Do.HANG_UP),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "  "])
def test_no_text_is_no_step(text):
    assert read_steps(text) == []


@pytest.mark.parametrize(("text", "place"), [
    ("1,,2", "item 2 is empty"),
    ("1,x", "item 2, 'x'"),
    ("12E", "item 1, '12E'"),
    ("w", "item 1, 'w'"),
    ("w-3", "item 1, 'w-3'"),
    ("w0", "item 1, 'w0'"),
    ("1,w601", "item 2, 'w601'"),
    ("1" * 61, "item 1"),
    ("1;2", "item 1, '1;2'"),
    ("１", "item 1"),
    ("h,1", "item 1 hangs up: nothing can follow"),
])  # fmt: skip
def test_a_bad_item_is_named(text, place):
    with pytest.raises(KeysError, match=place.replace("(", r"\(")):
        read_steps(text)


@given(st.text(alphabet="0123456789*#ABCDwpsh,. x", max_size=20))
def test_any_text_is_read_or_refused_with_its_place(text):
    try:
        found = len(read_steps(text))
    except KeysError as error:
        found = str(error)
    items = text.count(",") + 1 if text.strip() else 0
    assert found == items or str(found).startswith("item ")


def entry(seq, at, event):
    return Entry(seq, at, "", event, "")


def test_the_timeline_tells_one_call_in_two_languages():
    facts = [
        (0, AgentState("801", "available", "waiting")),
        (8000, CallOffered("1", "fxo0", "88000000")),
        (16000, CallAnswered("1")),
        (16000, LegStarted("1", "caller", "caller", "fxo0", "88000000")),
        (16000, SegmentStarted("1", "ivr")),
        (16000, RecordingStarted("1", "recordings/1.caller.wav", "caller")),
        (20000, CallOffered("2", "fxo1")),
        (24000, Digits("1", "1", "language")),
        (32000, SegmentStarted("1", "ring", "801")),
        (32000, AgentState("801", "available", "ringing", call="1")),
        (40000, LegStarted("1", "agent1", "agent", "fxs0", "801")),
        (64000, VoicemailSaved("1", "main", "recordings/1.message.wav", 24000)),
        (72000, LegEnded("1", "agent1", 16, "far")),
        (80000, CallEnded("1", 16, "us")),
        (80160, RecordingEnded("1", "recordings/1.caller.wav", 64000, "0" * 64)),
    ]
    moments = timeline([entry(n, at, event) for n, (at, event) in enumerate(facts)], "1")
    assert [m.at_s for m in moments] == sorted(m.at_s for m in moments)
    assert moments[0].at_s == 0.0
    assert len(moments) == len(facts) - 2  # not the other call, not the agent before it
    assert all(m.zh and m.en and m.who for m in moments)
    said = {m.en: (m.at_s, m.who, m.zh) for m in moments}
    assert said["call offered on fxo0 from 88000000, dialled -"][1] == "caller"
    assert said["keyed 1 (language)"] == (2.0, "caller", "按键 1（language）")
    assert said["now: ringing 801"][2] == "进入：振铃 801"
    assert said["agent 801 joins on fxs0"][:2] == (4.0, "801")
    assert said["message kept in main, 3.0 s"][2] == "留言已存 main 3.0 s"
    assert said["call ended: we hung up, Q.850 cause 16"][1] == "centre"
    assert said["recording ended, 8.00 s"][0] == 9.02
