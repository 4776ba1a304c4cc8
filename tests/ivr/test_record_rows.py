"""From facts to rows: what holds for every call, and that rows can be made again."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ivr.record import (
    AgentState,
    CallAnswered,
    CallEnded,
    CallOffered,
    ClosedAtRestart,
    Entry,
    Event,
    LegEnded,
    LegStarted,
    RecordingEnded,
    RecordingStarted,
    RecordStore,
    RunEnded,
    RunStarted,
    SegmentEnded,
    SegmentStarted,
    VoicemailSaved,
    check_rows,
    export_hash,
    export_lines,
    open_engine,
)
from ivr.record.migrate import upgrade
from ivr.record.projector import Projector
from ivr.record.tables import (
    agent_state,
    call,
    call_leg,
    call_segment,
    recording,
    run,
    voicemail,
)
from tests.ivr.record_kit import HandClock, day_events

ROOT = Path(__file__).parents[2]


class Bench:
    """A file of rows and facts by hand."""

    def __init__(self, folder: Path, template: Path | None = None) -> None:
        if template is not None:
            shutil.copy(template, folder / "rows.sqlite")
        self.engine = open_engine(folder / "rows.sqlite")
        upgrade(self.engine)
        self.projector = Projector(self.engine)
        self.seq = 0

    def entry(self, at: int, event: Event | None) -> Entry:
        self.seq += 1
        return Entry(self.seq, at, f"2026-03-09T00:00:00.{at:06d}+00:00", event, f"{self.seq:064x}")

    def take(self, *facts: tuple[int, Event | None]) -> int:
        """Apply the facts in one batch; how many fitted nothing."""
        return self.projector.apply([self.entry(at, event) for at, event in facts]).unfit

    def rows(self, table, *columns: str) -> list[tuple]:
        query = select(*(table.c[name] for name in columns)).order_by(table.c.id)
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def check(self, *, closed: bool = True) -> list[str]:
        with self.engine.connect() as connection:
            return check_rows(connection, closed=closed)

    def export(self) -> str:
        with self.engine.connect() as connection:
            return export_hash(connection)


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    bench.engine.dispose()


SPAN = ("kind", "ref", "start_at", "end_at")


def test_segments_follow_each_other_from_offer_to_end(bench):
    unfit = bench.take(
        (0, RunStarted(1)),
        (160, CallOffered("c1")),
        (800, CallAnswered("c1")),
        (800, SegmentStarted("c1", "ivr", "main@1")),
        (1600, SegmentStarted("c1", "queue", "orders")),
        (1600, SegmentStarted("c1", "ring", "1001")),  # an agent was free: a wait of nothing
        (2400, SegmentStarted("c1", "talk", "1001")),
        (4000, CallEnded("c1", 16, "far")),
    )
    assert unfit == 0
    assert bench.rows(call_segment, "position", *SPAN) == [
        (1, "ring", "", 160, 800),
        (2, "ivr", "main@1", 800, 1600),
        (3, "queue", "orders", 1600, 1600),
        (4, "ring", "1001", 1600, 2400),
        (5, "talk", "1001", 2400, 4000),
    ]
    columns = ("id", "start_at", "answer_at", "end_at", "cause", "side", "run")
    assert bench.rows(call, *columns) == [("c1", 160, 800, 4000, 16, "far", 1)]
    assert bench.check() == []


def test_a_segment_named_again_at_its_own_first_sample_is_the_same_one(bench):
    bench.take(
        (0, CallOffered("c1")),
        (0, SegmentStarted("c1", "ring", "line 4")),
        (160, SegmentEnded("c1", "ring")),
        (160, SegmentStarted("c1", "ivr")),
        (320, CallEnded("c1", 16, "us")),
    )
    assert bench.rows(call_segment, *SPAN) == [("ring", "line 4", 0, 160), ("ivr", "", 160, 320)]
    assert bench.check() == []


def test_a_gap_between_segments_is_found(bench):
    bench.take(
        (0, CallOffered("c1")),
        (160, SegmentEnded("c1", "ring")),
        (480, SegmentStarted("c1", "ivr")),
        (800, CallEnded("c1", 16, "us")),
    )
    assert bench.check() == [
        "call c1: segment 2 starts at 480, the one before ends at 160",
        "call c1: segments sum to 480 samples, it lasted 800",
    ]


def test_stamps_that_run_backwards_make_no_interval_negative(bench):
    bench.take(
        (800, CallOffered("c1")),
        (960, LegStarted("c1", "c", "caller")),
        (640, SegmentStarted("c1", "ivr")),
        (1600, SegmentStarted("c1", "queue")),
        (1440, CallEnded("c1", 16, "far")),
    )
    assert bench.rows(call_segment, *SPAN) == [
        ("ring", "", 800, 800), ("ivr", "", 800, 1600), ("queue", "", 1600, 1600),
    ]  # fmt: skip
    assert bench.rows(call_leg, "start_at", "end_at") == [(960, 1600)]
    moved = "2026-03-09T00:00:00.021440+00:00"  # the fact's own time and 160 samples
    assert bench.rows(call, "end_at", "end_wall") == [(1600, moved)]
    assert bench.check() == []


def test_the_end_of_a_call_ends_its_legs_and_not_its_recording(bench):
    bench.take(
        (0, CallOffered("c1")),
        (0, LegStarted("c1", "c", "caller")),
        (0, LegStarted("c1", "a", "agent", number="1001")),
        (0, RecordingStarted("c1", "a.wav", leg="c")),
        (800, LegEnded("c1", "a", 17, "us")),
        (1600, CallEnded("c1", 16, "far")),
    )
    assert bench.rows(call_leg, "leg", "role", "end_at", "cause", "side") == [
        ("c", "caller", 1600, 16, "far"), ("a", "agent", 800, 17, "us"),
    ]  # fmt: skip
    assert bench.check() == ["recording 4 has no end"]
    assert bench.check(closed=False) == []
    bench.take((1760, RecordingEnded("c1", "a.wav", 1760, "ab", lost_samples=0)))
    assert bench.rows(recording, "call_id", "leg", "start_at", "end_at", "samples", "blake2b") == [
        ("c1", "c", 0, 1760, 1760, "ab")
    ]
    assert bench.check() == []


@pytest.mark.parametrize(("samples", "lost", "fits"), [
    (8000, 0, True), (7680, 0, True), (8320, 0, True), (7679, 0, False), (8321, 0, False),
    (4000, 4000, True), (4000, 0, False),
])  # fmt: skip
def test_a_recording_holds_as_many_frames_as_it_ran(bench, samples, lost, fits):
    bench.take(
        (0, CallOffered("c1")),
        (0, RecordingStarted("c1", "a.wav")),
        (8000, RecordingEnded("c1", "a.wav", samples, lost_samples=lost)),
        (8000, CallEnded("c1", 16, "far")),
    )
    assert (bench.check() == []) is fits


def test_a_voicemail_may_be_saved_after_its_call_and_in_another_batch(bench):
    bench.take((0, CallOffered("c1", tenant="water")), (160, CallEnded("c1", 16, "far")))
    assert bench.take((320, VoicemailSaved("c1", "box1", "v.wav", 8000))) == 0
    columns = ("tenant_id", "call_id", "mailbox", "path", "samples", "created_at")
    assert bench.rows(voicemail, *columns) == [("water", "c1", "box1", "v.wav", 8000, 320)]


def test_agent_states_cover_a_session_without_gap(bench):
    bench.take(
        (0, RunStarted(1)),
        (160, AgentState("1001", "available", "waiting", seat="s1")),
        (320, AgentState("1001", "available", "in_call", seat="s1", call="elsewhere")),
        (480, AgentState("1001", "on_break", "", reason="lunch", seat="s1")),
        (960, AgentState("1001", "logged_out")),
        (1280, AgentState("1001", "available", "waiting", seat="s2")),
    )
    columns = ("chosen", "observed", "reason", "seat", "call_id", "start_at", "end_at")
    assert bench.rows(agent_state, *columns) == [
        ("available", "waiting", "", "s1", "", 160, 320),
        ("available", "in_call", "", "s1", "elsewhere", 320, 480),
        ("on_break", "", "lunch", "s1", "", 480, 960),
        ("available", "waiting", "", "s2", "", 1280, None),
    ]


def test_runs_are_rows_too(bench):
    bench.take((0, RunStarted(1, "0.1")), (800, RunEnded(1)), (0, RunStarted(2, "0.2", 800, "w")))
    bench.take((0, RunStarted(3, "0.3", 1600, "2026-03-09T00:00:01.000000+00:00")))
    assert bench.rows(run, "id", "version", "end_at", "clean") == [
        (1, "0.1", 800, 1), (2, "0.2", 1600, 0), (3, "0.3", None, 0),
    ]  # fmt: skip


def test_a_fact_that_fits_nothing_is_counted_and_changes_nothing(bench):
    bench.take(
        (0, RunStarted(1)),
        (0, CallOffered("c1")),
        (0, LegStarted("c1", "c", "caller")),
        (0, RecordingStarted("c1", "a.wav")),
        (160, CallAnswered("c1")),
        (160, RecordingEnded("c1", "a.wav", 160)),
    )
    wrong: list[Event] = [
        RunStarted(1),
        CallOffered("c1", tenant="other"),
        CallAnswered("c1"),
        CallAnswered("nobody"),
        LegStarted("c1", "c", "agent"),
        LegEnded("c1", "z"),
        SegmentEnded("c1", "talk"),
        RecordingStarted("c1", "a.wav"),
        RecordingStarted("nobody", "b.wav"),
        RecordingEnded("c1", "b.wav", 1),
        VoicemailSaved("nobody", "box1", "v.wav", 1),
    ]
    with bench.engine.connect() as connection:
        before = [line for line in export_lines(connection) if b"journal_position" not in line]
    for event in wrong:
        assert bench.take((320, event)) == 1, event
    assert bench.take((320, None)) == 0  # a fact of a newer version
    with bench.engine.connect() as connection:
        after = [line for line in export_lines(connection) if b"journal_position" not in line]
    assert after == before
    bench.take((480, CallEnded("c1", 16, "us")))
    for event in (CallOffered("c1"), CallEnded("c1", 17, "far"), SegmentStarted("c1", "ivr")):
        assert bench.take((640, event)) == 1, event
    assert bench.rows(call, "end_at", "cause") == [(480, 16)]


def test_facts_already_in_the_rows_are_passed_over(bench):
    entries = [
        bench.entry(0, CallOffered("c1")),
        bench.entry(160, AgentState("1001", "available")),
        bench.entry(320, CallEnded("c1", 16, "us")),
    ]
    assert bench.projector.apply(entries).facts == 3
    before = bench.export()
    assert bench.projector.apply(entries).facts == 0
    assert Projector(bench.engine).apply(entries[1:]).facts == 0
    assert bench.export() == before


# ---- any facts, any batches ------------------------------------------------------

CALLS = st.sampled_from(["c1", "c2"])
PATHS = st.sampled_from(["a.wav", "b.wav"])
AGENTS = st.sampled_from(["1001", "1002"])
SAMPLES = st.integers(0, 3000)


def some(cls: type[Event]) -> st.SearchStrategy[Event]:
    given_fields = {"call": CALLS, "path": PATHS, "agent": AGENTS, "samples": SAMPLES,
                    "leg": st.sampled_from(["c", "a"]), "closed_at": SAMPLES,
                    "closed_wall": st.just("2026-03-09T00:00:00.000000+00:00"),
                    "last_wall": st.just("2026-03-09T00:00:00.000000+00:00"),
                    "recordings": st.just(("a.wav",)), "agents": st.just(("1001",)),
                    "run": st.integers(1, 4), "cause": st.integers(1, 127),
                    "lost_samples": st.just(0), "last_at": SAMPLES}  # fmt: skip
    names = cls.__dataclass_fields__
    return st.builds(cls, **{key: value for key, value in given_fields.items() if key in names})


ANY_FACTS = st.lists(
    st.tuples(SAMPLES, st.sampled_from(get_args(Event)).flatmap(some)), max_size=40
)


@pytest.fixture(scope="module")
def empty_rows(tmp_path_factory) -> Path:
    """A file with the tables and no rows, to be copied: a migration takes its time."""
    bench = Bench(tmp_path_factory.mktemp("empty"))
    bench.engine.dispose()
    return Path(bench.engine.url.database)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(facts=ANY_FACTS, cuts=st.lists(st.integers(1, 10), min_size=1, max_size=5))
def test_any_facts_in_any_order_give_one_set_of_rows(tmp_path_factory, empty_rows, facts, cuts):
    """Nothing raises; one batch, many batches and a restart between them give the same rows."""
    one = Bench(tmp_path_factory.mktemp("one"), empty_rows)
    many = Bench(tmp_path_factory.mktemp("many"), empty_rows)
    one.take(*facts)
    rest = list(facts)
    for number in range(len(facts)):
        size = cuts[number % len(cuts)]
        batch, rest = rest[:size], rest[size:]
        many.take(*batch)
        many.projector = Projector(many.engine)  # forget what was in memory
    assert many.export() == one.export()
    with one.engine.connect() as connection:
        for table in (call, call_leg, call_segment, recording, agent_state):
            backwards = select(table.c.id).where(table.c.end_at < table.c.start_at)
            assert connection.execute(backwards).all() == []
    one.engine.dispose()
    many.engine.dispose()


# ---- a day ------------------------------------------------------------------------


def fill(store: RecordStore, clock: HandClock, calls: int, flush_every: int) -> int:
    facts = day_events(calls, seed=11)
    for number, (at, event) in enumerate(facts):
        clock.now_samples = at
        store.append(event)
        if number % flush_every == 0:
            store.flush()
    clock.now_samples += 800
    store.append(AgentState("1001", "logged_out"))
    store.flush()
    return len(facts)


def test_a_day_keeps_every_promise_and_can_be_made_again(tmp_path):
    clock = HandClock()
    store = RecordStore(tmp_path, clock)
    fill(store, clock, calls=60, flush_every=97)
    with store.engine.connect() as connection:
        assert check_rows(connection) == []
        assert len(connection.execute(select(call.c.id)).all()) == 60
        first = list(export_lines(connection))
    assert store.unfit == 0
    assert sum(line.count(b'"table":"call"') for line in first) == 60
    assert store.rebuild().facts == store.journal.head.seq
    with store.engine.connect() as connection:
        assert list(export_lines(connection)) == first
    store.close()


@pytest.mark.parametrize("flush_every", [1, 500, 10_000])
def test_how_often_rows_are_written_does_not_show_in_them(tmp_path, flush_every):
    clocks = HandClock(), HandClock()
    ours = RecordStore(tmp_path / "ours", clocks[0], sync="close")
    theirs = RecordStore(tmp_path / "theirs", clocks[1], sync="close")
    fill(ours, clocks[0], calls=8, flush_every=flush_every)
    fill(theirs, clocks[1], calls=8, flush_every=37)
    assert ours.rows_hash() == theirs.rows_hash()
    assert ours.journal.head == theirs.journal.head
    ours.close()
    theirs.close()


DAY = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from record_kit import HandClock
from test_record_rows import fill
from ivr.record import RecordStore
clock = HandClock()
store = RecordStore(Path(sys.argv[1]), clock, sync="close")
fill(store, clock, 10, 50)
print(store.rows_hash(), store.journal.head.hash)
store.close()
"""


def test_the_hash_seed_does_not_show_in_journal_or_rows(tmp_path):
    said = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", DAY, str(tmp_path / seed), str(Path(__file__).parent)],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        said.add(done.stdout)
    assert len(said) == 1
    assert len(said.pop().split()) == 2


@pytest.mark.benchmark(group="records")
def test_speed_of_a_day_of_1200_calls(benchmark, tmp_path):
    """make bench: 31 200 facts, appended, synced and in the rows."""
    facts = day_events(1200, seed=1)
    rng = random.Random(1)

    def whole_day() -> int:
        clock = HandClock()
        store = RecordStore(tmp_path / f"{rng.getrandbits(64):x}", clock)
        for at, event in facts:
            clock.now_samples = at
            store.append(event)
        store.flush()
        seq = store.journal.head.seq
        store.close()
        return seq

    assert benchmark.pedantic(whole_day, rounds=3) == len(facts) + 1


def test_a_call_closed_at_restart_says_so(bench):
    bench.take(
        (0, RunStarted(1)),
        (0, CallOffered("c1")),
        (0, LegStarted("c1", "c", "caller")),
        (160, RecordingStarted("c1", "a.wav")),
        (0, AgentState("1001", "available", "in_call", call="c1")),
    )
    wall = "2026-03-09T00:00:01.000000+00:00"
    closing = ClosedAtRestart(8000, wall, "c1", ("c",), (2,), ("a.wav",), ())
    bench.take((0, RunStarted(2)), (0, closing), (0, ClosedAtRestart(800, wall, agents=("1001",))))
    assert bench.rows(call, "end_at", "end_wall", "cause", "side", "closed_at_restart") == [
        (8000, wall, 41, "unknown", 1)
    ]
    assert bench.rows(call_leg, "end_at") == bench.rows(call_segment, "end_at") == [(8000,)]
    assert bench.rows(agent_state, "end_at") == [(800,)]
    assert bench.check() == ["recording a.wav has no result"]
    bench.take((320, RecordingEnded("c1", "a.wav", 7000, "ab", error="closed at restart")))
    assert bench.rows(recording, "start_at", "end_at", "samples") == [(160, 7160, 7000)]
    assert bench.check() == []
