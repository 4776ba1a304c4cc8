"""Room: a simulated day in figures, from the centre's rows, and what must agree.  Must not run
anything.

How the figures are made (sample times, rows of the records):
- wait of a call: from entering the queue to the talk, agents ringing included;
- asa_s: mean wait of those who talked; service_level: talked within 20 s / (talked + left waiting);
- occupancy: handle / (handle + idle), where handle is an agent's talk, hold and wrap-up, and idle
  the time available without a call; ringing and breaks are neither; within the hours of the day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from ivr.record import export_hash, open_engine
from ivr.simulate.callers import End
from ivr.simulate.compare import OUTCOMES, CallSeen, contradictions, read_calls, unproved
from ivr.simulate.day import Day

RATE = 8000  # samples a second: ITU-T G.711
FRAME_S = 0.02
SERVICE_S = 20  # 80/20: four of five within 20 s
ROWS = "records.sqlite"
TALKED = ("talk", "hold")
ENGINE = (
    "frames", "jumped", "events", "events_lost", "commands", "overruns", "underruns", "slips_rx",
    "slips_tx", "leg_frames", "armed_dtmf_frames", "armed_tone_frames", "armed_talk_frames",
    "players", "recorders",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Work:
    """Seconds of all agents within the day, by what they did."""

    talk_s: float = 0.0
    wrap_up_s: float = 0.0
    idle_s: float = 0.0
    ringing_s: float = 0.0
    break_s: float = 0.0

    @property
    def handle_s(self) -> float:
        return self.talk_s + self.wrap_up_s

    @property
    def occupancy(self) -> float:
        available = self.handle_s + self.idle_s
        return self.handle_s / available if available else 0.0


@dataclass(frozen=True, slots=True)
class Waits:
    """Of the calls that entered the queue."""

    talked: int = 0
    left: int = 0
    within: int = 0
    wait_s: float = 0.0

    @property
    def asa_s(self) -> float:
        return self.wait_s / self.talked if self.talked else 0.0

    @property
    def service_level(self) -> float:
        entered = self.talked + self.left
        return self.within / entered if entered else 1.0


@dataclass(frozen=True, slots=True)
class Rows:
    """What the rows of a day say."""

    calls: int
    answered: int
    open: int
    recordings: int
    recorded_calls: int
    faulty_recordings: int
    unhashed_recordings: int
    lost_samples: int
    messages: int
    ivr_s: float
    work: Work
    waits: Waits
    seen: tuple[CallSeen, ...]
    hash: str


def read_rows(day: Day) -> Rows:
    """The rows of the day's folder."""
    engine = open_engine(day.folder / ROWS, read_only=True)
    try:
        with engine.connect() as connection:
            return _read(connection, day)
    finally:
        engine.dispose()


def _read(connection: Connection, day: Day) -> Rows:
    def one(query: str) -> int:
        return int(connection.execute(text(query)).scalar() or 0)

    call_leg = "recording WHERE leg = 'caller'"
    return Rows(
        calls=one("SELECT count(*) FROM call"),
        answered=one("SELECT count(*) FROM call WHERE answer_at IS NOT NULL"),
        open=one("SELECT count(*) FROM call WHERE end_at IS NULL")
        + one("SELECT count(*) FROM call_leg WHERE end_at IS NULL")
        + one("SELECT count(*) FROM call_segment WHERE end_at IS NULL"),
        recordings=one(f"SELECT count(*) FROM {call_leg}"),
        recorded_calls=one(f"SELECT count(DISTINCT call_id) FROM {call_leg}"),
        faulty_recordings=one("SELECT count(*) FROM recording WHERE error <> ''"),
        unhashed_recordings=one(
            "SELECT count(*) FROM recording WHERE samples IS NULL OR length(blake2b) <> 64"
        ),
        lost_samples=one("SELECT sum(lost_samples) FROM recording"),
        messages=one("SELECT count(*) FROM voicemail"),
        ivr_s=one("SELECT sum(end_at - start_at) FROM call_segment WHERE kind = 'ivr'") / RATE,
        work=_work(connection, round(day.plan.day_s * RATE)),
        waits=_waits(connection),
        seen=read_calls(connection),
        hash=export_hash(connection),
    )


def _work(connection: Connection, day_end: int) -> Work:
    """Agents' states, cut at the end of the day."""
    sums = dict.fromkeys(("in_call", "wrap_up", "waiting", "ringing", "break"), 0)
    rows = connection.execute(
        text("SELECT chosen, observed, start_at, end_at FROM agent_state ORDER BY id")
    )
    for chosen, observed, start, end in rows:
        length = max(0, min(day_end if end is None else end, day_end) - start)
        if observed == "waiting" or not observed:
            sums["waiting" if chosen == "available" else "break"] += length
        else:
            sums[observed] += length
    return Work(
        talk_s=sums["in_call"] / RATE, wrap_up_s=sums["wrap_up"] / RATE,
        idle_s=sums["waiting"] / RATE, ringing_s=sums["ringing"] / RATE,
        break_s=sums["break"] / RATE,
    )  # fmt: skip


def _waits(connection: Connection) -> Waits:
    """Each call's time from its first 'queue' segment to its first talk (or to its last wait)."""
    rows = connection.execute(text(
        "SELECT min(CASE WHEN kind = 'queue' THEN start_at END) AS entered,"
        " min(CASE WHEN kind = 'talk' THEN start_at END) AS talked"
        " FROM call_segment GROUP BY call_id HAVING entered IS NOT NULL ORDER BY call_id"
    ))  # fmt: skip
    talked = left = within = samples = 0
    for entered, talk in rows:
        if talk is None:
            left += 1
            continue
        talked += 1
        samples += talk - entered
        within += talk - entered <= SERVICE_S * RATE
    return Waits(talked, left, within, samples / RATE)


# ---- what must agree -------------------------------------------------------------------


def differences(day: Day, rows: Rows) -> list[str]:
    """Everything that does not add up, in words; empty when nothing is lost or left open."""
    return [f"{what}: {found}, not {right}" for what, found, right in _pairs(day, rows)
            if found != right]  # fmt: skip


def _pairs(day: Day, rows: Rows) -> Iterator[tuple[str, Any, Any]]:
    figures, plan = day.figures, day.plan
    ends = [one.end for one in day.outcomes]
    yield "calls placed / planned", len(day.outcomes), plan.calls
    yield "callers without dial tone", ends.count(End.NO_DIAL_TONE), 0
    yield "calls offered / placed", figures.offered, len(day.outcomes)
    total = figures.served + figures.abandoned + figures.refused + figures.in_progress
    yield "served + abandoned + refused + in progress / offered", total, figures.offered
    yield "calls in progress at the end", figures.in_progress, 0
    yield "calls answered / callers who heard an answer", figures.answered, sum(
        one.answered for one in day.outcomes
    )
    yield "rows of calls / calls offered", rows.calls, figures.offered
    yield "rows of answered calls / calls answered", rows.answered, figures.answered
    for outcome in OUTCOMES:
        count = sum(one.outcome == outcome for one in rows.seen)
        yield f"rows of {outcome} calls / {outcome} calls", count, getattr(figures, outcome)
    yield "outcomes without their reason", unproved(rows.seen), []
    yield "callers who saw it otherwise", contradictions(day.outcomes, rows.seen), []
    told = sum(one.accounts for one in rows.seen)
    yield "accounts told in rows / accounts told", told, figures.accounts
    yield "open rows", rows.open, 0
    yield "recordings / calls answered", rows.recordings, figures.answered
    yield "calls with a recording / calls answered", rows.recorded_calls, figures.answered
    yield "recordings with an error", rows.faulty_recordings, 0
    yield "recordings without end or hash", rows.unhashed_recordings, 0
    yield "samples lost in recordings", rows.lost_samples, 0
    yield "rows of messages / messages", rows.messages, figures.messages
    yield "open handles", day.open_handles, []
    yield "players open in the engine", day.engine["players"], 0
    yield "recorders open in the engine", day.engine["recorders"], 0
    yield "events lost by the engine", day.engine["events_lost"], 0


# ---- figures ---------------------------------------------------------------------------


def day_figures(day: Day, rows: Rows) -> dict[str, Any]:
    """The figures of a day, the same for the same seed.  Seconds of simulated time."""
    figures, engine, work, waits = day.figures, day.engine, rows.work, rows.waits
    armed = sum(engine[f"armed_{kind}_frames"] for kind in ("dtmf", "tone", "talk"))
    ends = [one.end for one in day.outcomes]
    values = {
        "seed": day.plan.seed, "calls": len(day.outcomes), "hours": day.plan.hours,
        "agents": len(day.config.agents), "wrap_up_s": day.config.queue.wrap_up_s,
        "board": day.config.board.url,
        "offered": figures.offered, "answered": figures.answered, "served": figures.served,
        "abandoned": figures.abandoned, "refused": figures.refused,
        "talked": figures.talked, "accounts": figures.accounts, "messages": figures.messages,
        "callers": {end.value: ends.count(end) for end in End},
        "call_s": figures.call_s, "leg_s": figures.leg_s + figures.talk_s,
        "ivr_mean_s": rows.ivr_s / max(figures.answered, 1),
        "talk_mean_s": figures.talk_s / max(figures.talked, 1),
        "armed_s": armed * FRAME_S,
        "armed_dtmf_s": engine["armed_dtmf_frames"] * FRAME_S,
        "armed_tone_s": engine["armed_tone_frames"] * FRAME_S,
        "armed_talk_s": engine["armed_talk_frames"] * FRAME_S,
        "recordings": figures.recordings, "files": figures.files,
        "recorded_s": figures.recorded_s, "recorded_bytes": engine["recorded_bytes"],
        "occupancy": work.occupancy, "handle_s": work.handle_s, "idle_s": work.idle_s,
        "ringing_s": work.ringing_s, "break_s": work.break_s,
        "service_level": waits.service_level, "asa_s": waits.asa_s,
        "longest_wait_s": figures.longest_wait_s, "ended_s": day.ended_s,
        "open_handles": len(day.open_handles), "lost_samples": rows.lost_samples,
        "engine": {name: engine[name] for name in ENGINE},
        "trace_hash": day.trace_hash, "records_hash": rows.hash,
    }  # fmt: skip
    return {name: _rounded(value) for name, value in values.items()}


def cost_figures(day: Day, wall_s: float, cpu_s: float) -> dict[str, float]:
    """What the day cost this machine: these differ from run to run.

    ``wall_per_call_s`` is real seconds and ``cpu_ms_per_call_s`` CPU milliseconds for a second of
    a call.
    """
    call_s = max(day.figures.call_s, 1.0)
    return {
        "wall_s": round(wall_s, 2), "cpu_s": round(cpu_s, 2),
        "wall_per_call_s": round(wall_s / call_s, 6),
        "cpu_ms_per_call_s": round(1000 * cpu_s / call_s, 4),
    }  # fmt: skip


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
