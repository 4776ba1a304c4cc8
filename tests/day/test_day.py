"""A quarter of an hour of the centre, every sample of it: nothing is lost, nothing stays open, and
the same seed is the same day."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from ivr import config as configuration
from ivr.record import open_engine
from ivr.session import Session
from ivr.simulate.callers import End
from ivr.simulate.day import DayPlan, day_config, live_through
from ivr.simulate.tally import ROWS, day_figures, differences, read_rows

PLAN = DayPlan(seed=7, calls=40, hours=0.25)
DESCRIPTORS = Path("/proc/self/fd")


def live(folder, plan=PLAN, **changes):
    changes = {"wrap_up_s": 20.0, **changes}  # as `ivr day` without a file
    config = day_config(configuration.load(configuration.DEFAULT), folder=folder, **changes)
    day = live_through(plan, config)
    return day, read_rows(day)


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    before = sorted(DESCRIPTORS.iterdir())
    day, rows = live(tmp_path_factory.mktemp("day"), recordings="1/10")
    return day, rows, before, sorted(DESCRIPTORS.iterdir())


def test_everything_adds_up(lived):
    day, rows, _, _ = lived
    assert differences(day, rows) == []
    assert day.figures.offered == rows.calls == PLAN.calls
    assert day.figures.balanced


def test_nothing_stays_open(lived):
    day, _, before, after = lived
    assert day.open_handles == []
    assert (day.engine["players"], day.engine["recorders"]) == (0, 0)
    assert after == before


def test_callers_reach_agents_and_talk_as_long_as_they_meant_to(lived):
    day, rows, _, _ = lived
    talked = [one for one in day.outcomes if one.end is End.TALKED]
    assert len(talked) >= 30
    assert len(talked) <= day.figures.talked
    assert rows.waits.talked == day.figures.talked
    meant = sum(one.behaviour.talk_s for one in talked) / len(talked)
    assert day.figures.talk_s / day.figures.talked == pytest.approx(meant, rel=0.1)


def test_both_kinds_of_line_and_all_agents_are_used(lived):
    day, _, _, _ = lived
    engine = open_engine(day.folder / ROWS, read_only=True)
    with engine.connect() as rows:
        legs = rows.exec_driver_sql("SELECT role, channel, number FROM call_leg").fetchall()
        causes = rows.exec_driver_sql("SELECT cause, side FROM call").fetchall()
    engine.dispose()
    lines = Counter(channel[:3] for role, channel, _ in legs if role == "caller")
    assert lines["fxo"] >= 10
    assert lines["e1/"] >= 10
    assert {number for role, _, number in legs if role == "agent"} == {
        one.number for one in day.config.agents
    }
    assert {cause for cause, _ in causes} == {16}
    assert {side for _, side in causes} == {"far", "us"}


def test_every_tenth_recording_is_a_file_and_its_hash_is_right(lived):
    day, _, _, _ = lived
    engine = open_engine(day.folder / ROWS, read_only=True)
    with engine.connect() as rows:
        found = rows.exec_driver_sql(
            "SELECT path, samples FROM recording WHERE leg = 'caller' ORDER BY id"
        ).fetchall()
    engine.dispose()
    files = [(path, samples) for path, samples in found if (day.folder / path).is_file()]
    assert len(found) == PLAN.calls
    assert len(files) == PLAN.calls // 10
    for path, samples in files:
        assert (day.folder / path).stat().st_size == pytest.approx(2 * samples, abs=64)


def test_the_figures_are_of_the_day(lived):
    day, rows, _, _ = lived
    figures = day_figures(day, rows)
    assert figures["calls"] == PLAN.calls
    assert figures["call_s"] > PLAN.calls * 120
    assert figures["leg_s"] > figures["call_s"]
    assert figures["armed_dtmf_s"] > 0.9 * day.figures.leg_s
    assert figures["recorded_bytes"] > 2 * 8000 * 0.95 * day.figures.leg_s
    assert figures["ivr_mean_s"] > 15
    assert 0 < figures["occupancy"] < 1
    assert 0 < figures["service_level"] <= 1
    worked = rows.work.handle_s + rows.work.idle_s + rows.work.ringing_s + rows.work.break_s
    assert worked == pytest.approx(10 * PLAN.day_s, rel=0.001)
    assert rows.work.break_s > 0


def test_the_same_seed_is_the_same_day(lived, tmp_path):
    day, rows, _, _ = lived
    again = live(tmp_path, recordings="1/10")
    assert day_figures(*again) == day_figures(day, rows)


def test_no_frame_that_is_jumped_over_would_have_brought_anything(lived, tmp_path):
    day, rows, _, _ = lived
    slow, slow_rows = live(tmp_path, replace(PLAN, jump=False), recordings="1/10")
    assert slow.engine["jumped"] == 0
    assert day.engine["jumped"] > 0
    assert (slow.trace_hash, slow_rows.hash) == (day.trace_hash, rows.hash)


def test_another_process_without_simd_lives_the_same_day(lived):
    day, rows, _, _ = lived
    variables = {"PYTHONHASHSEED": "1234", "CTB_SIMD": "none"}
    command = [
        sys.executable, "-c", "from ivr.simulate.commands import day; day()", "--json",
        "--seed", "7", "--calls", "40", "--hours", "0.25", "--record", "1/10",
    ]  # fmt: skip
    done = subprocess.run(
        command, env=os.environ | variables, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told.pop("differences") == []
    kept = {name: value for name, value in told.items() if not name.startswith(("wall_", "cpu_"))}
    assert kept == json.loads(json.dumps(day_figures(day, rows)))
    assert len(told) == len(kept) + 4


def test_the_file_says_how_long_agents_write_up(tmp_path):
    config = configuration.load(configuration.DEFAULT)
    config = replace(config, queue=replace(config.queue, wrap_up_s=7.0))
    assert day_config(config, folder=tmp_path).queue.wrap_up_s == 7.0
    assert day_config(config, folder=tmp_path, wrap_up_s=0.0).queue.wrap_up_s == 0.0


@pytest.fixture
def always_served(monkeypatch):
    """A centre that believes to have served everybody."""
    monkeypatch.setattr(Session, "served", property(lambda _: True, lambda *_: None), raising=False)


FULL = DayPlan(seed=3, calls=14, hours=0.05)


def test_who_was_left_waiting_is_abandoned(tmp_path):
    day, rows = live(tmp_path, FULL, agents=1)
    assert differences(day, rows) == []
    assert day.figures.abandoned >= 1
    assert {one.outcome for one in rows.seen} == {"served", "abandoned"}


@pytest.mark.usefixtures("always_served")
def test_a_centre_that_counts_everybody_as_served_is_found(tmp_path):
    day, rows = live(tmp_path, FULL, agents=1)
    assert day.figures.abandoned == 0
    assert day.figures.balanced
    found = " ".join(differences(day, rows))
    assert "outcomes without their reason" in found
    assert "callers who saw it otherwise" in found


def test_another_seed_is_another_day(lived, tmp_path):
    other, other_rows = live(tmp_path, DayPlan(seed=8, calls=5, hours=0.05))
    assert differences(other, other_rows) == []
    assert other.trace_hash != lived[0].trace_hash


@pytest.mark.parametrize(("changed", "said"), [
    ({"day": {"not_placed": 0}, "outcomes": -1}, "calls placed / planned: 39, not 40"),
    ({"figures": {"offered": 41}}, "calls offered / placed: 41, not 40"),
    ({"figures": {"in_progress": 1}}, "calls in progress at the end: 1, not 0"),
    ({"figures": {"served": 0}}, "served + abandoned + refused + in progress / offered"),
    ({"figures": {"served": 1, "abandoned": 39}}, "rows of served calls / served calls"),
    ({"figures": {"accounts": 0}}, "accounts told in rows / accounts told"),
    ({"rows": {"seen": ()}}, "callers who saw it otherwise"),
    ({"rows": {"calls": 39}}, "rows of calls / calls offered: 39, not 40"),
    ({"rows": {"recordings": 38}}, "recordings / calls answered: 38, not 40"),
    ({"rows": {"open": 2}}, "open rows: 2, not 0"),
    ({"rows": {"lost_samples": 160}}, "samples lost in recordings: 160, not 0"),
    ({"rows": {"unhashed_recordings": 1}}, "recordings without end or hash: 1, not 0"),
    ({"day": {"open_handles": ["channel fxo3: connected"]}}, "open handles"),
    ({"engine": {"recorders": 1}}, "recorders open in the engine: 1, not 0"),
    ({"engine": {"events_lost": 4}}, "events lost by the engine: 4, not 0"),
])  # fmt: skip
def test_a_planted_difference_is_named(lived, changed, said):
    day, rows, _, _ = lived
    day = replace(day, **changed.get("day", {}))
    day.figures = replace(day.figures, **changed.get("figures", {}))
    day.engine = day.engine | changed.get("engine", {})
    day.outcomes = day.outcomes[: changed.get("outcomes")]
    found = differences(day, replace(rows, **changed.get("rows", {})))
    assert any(said in one for one in found), found
