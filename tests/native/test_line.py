"""line.c: raw levels become line events, each decided at the sample where its time ran out."""

import importlib.util
import random
from itertools import pairwise
from pathlib import Path

import cffi
import pytest

from cti_board._native import build

NATIVE = Path(build.__file__).parent
HEADER = (NATIVE / "src/ctb_line.h").read_text()
FRAME = 160
FXO, FXS, E1_CAS = 1, 2, 3
HOOK, RING, BATTERY, POLARITY, CAS, STATE = range(1, 7)
NAMES = {
    16: "RING_BEGIN", 17: "RING_END", 18: "RING_STOPPED", 19: "OFF_HOOK", 20: "ON_HOOK",
    21: "HOOK_FLASH", 22: "WINK", 23: "POLARITY", 24: "LOOP_BREAK", 25: "CAS", 26: "PULSE_DIGIT",
    27: "BATTERY",
}  # fmt: skip


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    """The debouncer alone: its interface is the engine's and not part of the media plane's."""
    ffi = cffi.FFI()
    for text in ((NATIVE / "include/ctb_driver.h").read_text(), HEADER):
        ffi.cdef(build.declarations(text))
    ffi.set_source(
        "_line_under_test", '#include "ctb_line.h"', sources=[str(NATIVE / "src/line.c")],
        include_dirs=[str(NATIVE / "include"), str(NATIVE / "src")],
        extra_compile_args=["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror",
                            "-Wno-unused-parameter"],
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("line")
    path = ffi.compile(tmpdir=str(folder))
    spec = importlib.util.spec_from_file_location("_line_under_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Line:
    """A line with a clock in ms; `events` holds (sample, name, a, b)."""

    def __init__(self, native, kind, **params):
        self.ffi, self.lib = native.ffi, native.lib
        self.line = self.ffi.new("ctb_line_t *")
        self.out = self.ffi.new("ctb_event_t[]", self.lib.CTB_LINE_OUT)
        self.lib.ctb_line_init(self.line, kind)
        self.lib.ctb_line_set(self.line, self.ffi.new("ctb_line_params_t *", params))
        self.now = 0
        self.events = []

    def keep(self, count):
        assert 0 <= count <= self.lib.CTB_LINE_OUT
        for event in self.out[0:count]:
            self.events.append((event.at, NAMES[event.kind], event.a, event.b))

    def run_to(self, sample):
        """Frame by frame, as the engine does: only while a timer runs."""
        while self.now + FRAME <= sample:
            self.now += FRAME
            if self.line.pending:
                assert self.line.due > self.now - FRAME
                self.keep(self.lib.ctb_line_tick(self.line, self.now, self.out))
                assert not self.line.pending or self.line.due > self.now

    def raw(self, kind, at_ms, a=0, b=0, c=0, d=0):
        at = round(at_ms * 8)
        self.run_to(at)
        event = self.ffi.new("ctb_event_t *", {"at": at, "kind": kind, "a": a, "b": b, "c": c,
                                               "d": d})  # fmt: skip
        self.keep(self.lib.ctb_line_raw(self.line, event, self.out))

    def levels(self, kind, *changes):
        """(ms, level) each."""
        for at_ms, level in changes:
            self.raw(kind, at_ms, level)
        return self

    def seen(self, until_ms):
        """Events as (ms, name, a) up to ``until_ms``."""
        self.run_to(round(until_ms * 8))
        return [(at / 8, name, a) for at, name, a, _ in self.events]


@pytest.fixture
def fxs(native):
    """A telephone that is off-hook since 1 s."""
    line = Line(native, FXS)
    line.raw(HOOK, 1000, 1)
    assert line.seen(1100) == [(1030.0, "OFF_HOOK", 0)]
    line.events.clear()
    return line


@pytest.fixture
def fxo(native):
    return Line(native, FXO)


# ---- FXS ------------------------------------------------------------------------------


def test_off_hook_at_the_sample_where_its_time_ran_out(native):
    line = Line(native, FXS)
    line.levels(HOOK, (100.125, 1))
    assert line.seen(200) == [(130.125, "OFF_HOOK", 0)]


def test_bounce_before_off_hook_is_nothing(native):
    line = Line(native, FXS).levels(HOOK, (100, 1), (129.875, 0), (140, 1), (150, 0))
    assert line.seen(1000) == []
    line.levels(HOOK, (1100, 1), (1105, 0), (1106, 1))
    assert line.seen(1200) == [(1136.0, "OFF_HOOK", 0)]


def test_on_hook_at_the_sample_where_its_time_ran_out(fxs):
    fxs.levels(HOOK, (2000.5, 0))
    assert fxs.seen(5000) == [(2850.5, "ON_HOOK", 0)]


@pytest.mark.parametrize(("open_ms", "events"), [
    (9.875, []), (10, [("PULSE_DIGIT", ord("1"))]), (120, [("PULSE_DIGIT", ord("1"))]),
    (120.125, []), (179.875, []), (180, [("HOOK_FLASH", 180)]), (800, [("HOOK_FLASH", 800)]),
    (800.125, []), (849.875, []), (850, [("ON_HOOK", 0), ("OFF_HOOK", 0)]),
])  # fmt: skip
def test_what_an_opening_of_the_loop_means(fxs, open_ms, events):
    fxs.levels(HOOK, (2000, 0), (2000 + open_ms, 1))
    assert [(name, a) for _, name, a in fxs.seen(6000)] == events


def test_a_flash_is_reported_when_the_loop_has_settled(fxs):
    fxs.levels(HOOK, (2000, 0), (2250.25, 1))
    assert fxs.seen(4000) == [(2260.25, "HOOK_FLASH", 250)]


def test_a_bouncing_flash_is_one(fxs):
    fxs.levels(HOOK, (2000, 0), (2003, 1), (2004, 0), (2150, 1), (2152, 0), (2300, 1), (2302, 0),
               (2303, 1))  # fmt: skip
    assert fxs.seen(4000) == [(2313.0, "HOOK_FLASH", 303)]


def test_on_hook_although_the_contact_bounces(fxs):
    fxs.levels(HOOK, (2000, 0), (2849, 1), (2851, 0))
    assert fxs.seen(4000) == [(2851.0, "ON_HOOK", 0)]


def pulses(line, digit, at_ms, rate, break_share):
    """Pulses per second and share of break; returns the end of the last."""
    for _ in range(digit or 10):
        line.raw(HOOK, at_ms, 0)
        line.raw(HOOK, at_ms + 1000 / rate * break_share, 1)
        at_ms += 1000 / rate
    return at_ms


@pytest.mark.parametrize("rate", [8, 10, 12, 14])
@pytest.mark.parametrize("break_share", [0.5, 0.61, 0.667])
def test_pulse_digits_over_the_range_of_dials(fxs, rate, break_share):
    at_ms = 2000
    for digit in range(10):
        at_ms = pulses(fxs, digit, at_ms, rate, break_share) + 400
    found = fxs.seen(at_ms + 1000)
    assert [name for _, name, _ in found] == ["PULSE_DIGIT"] * 10
    assert "".join(chr(a) for _, _, a in found) == "0123456789"


def test_a_pulse_digit_ends_when_its_gap_ran_out(fxs):
    fxs.levels(HOOK, (2000, 0), (2060, 1), (2100, 0), (2160.5, 1))
    assert fxs.seen(4000) == [(2360.5, "PULSE_DIGIT", ord("2"))]


def test_trains_that_are_no_digit(fxs):
    pulses(fxs, 11, 2000, 10, 0.6)
    assert fxs.seen(5000) == []
    fxs.levels(HOOK, (6000, 0), (6060, 1), (6100, 0), (6250, 1), (6300, 0), (6360, 1))
    assert fxs.seen(8000) == []  # one pulse of 150 ms
    pulses(fxs, 3, 9000, 10, 0.6)
    assert [a for _, _, a in fxs.seen(12000)] == [ord("3")]


def test_on_hook_ends_a_train(fxs):
    fxs.levels(HOOK, (2000, 0), (2060, 1), (2100, 0))
    assert [name for _, name, _ in fxs.seen(4000)] == ["ON_HOOK"]
    fxs.levels(HOOK, (4100, 1))
    assert [name for _, name, _ in fxs.seen(6000)] == ["ON_HOOK", "OFF_HOOK"]


def test_a_short_flash_range_wins_over_a_first_pulse_only(native):
    line = Line(native, FXS, flash_min_ms=80, flash_max_ms=200)
    line.levels(HOOK, (1000, 1), (2000, 0), (2090, 1), (4000, 0), (4060, 1), (4120, 0), (4210, 1))
    names = [(name, a) for _, name, a in line.seen(6000)]
    assert names == [("OFF_HOOK", 0), ("HOOK_FLASH", 90), ("PULSE_DIGIT", ord("2"))]


# ---- FXO ------------------------------------------------------------------------------


def test_ringing_with_its_pauses_and_its_end(fxo):
    fxo.levels(RING, (1000, 1), (2000.5, 0), (6000, 1), (7000, 0))
    assert fxo.seen(20000) == [
        (1100.0, "RING_BEGIN", 0), (2100.5, "RING_END", 1001), (6100.0, "RING_BEGIN", 0),
        (7100.0, "RING_END", 1000), (13000.0, "RING_STOPPED", 0),
    ]  # fmt: skip


def test_short_bursts_are_not_ringing_and_short_gaps_do_not_end_it(fxo):
    fxo.levels(RING, (1000, 1), (1099.875, 0))
    assert fxo.seen(3000) == [(1099.875, "RING_END", 100)]  # the end alone
    fxo.levels(RING, (4000, 1), (4500, 0), (4599, 1), (5000, 0))
    assert fxo.seen(5500)[1:] == [(4100.0, "RING_BEGIN", 0), (5100.0, "RING_END", 1000)]


def test_chatter_of_the_ring_detector_is_told_ten_times_a_second_at_most(fxo):
    for half in range(400):
        fxo.raw(RING, 1000 + 5 * half, 1 - half % 2)
    ends = [(at, a) for at, name, a in fxo.seen(4000) if name == "RING_END"]
    assert len(ends) == 20
    assert {a for _, a in ends} == {5}
    assert {name for _, name, _ in fxo.seen(4000)} == {"RING_END"}


def test_a_click_does_not_put_off_the_end_of_ringing(fxo):
    fxo.levels(RING, (1000, 1), (2000, 0), (5000, 1), (5050, 0), (7990, 1), (8060, 0))
    assert fxo.seen(9000)[-1] == (8060.0, "RING_STOPPED", 0)


def test_two_bursts_close_together_are_two(fxo):
    """0.4 on, 0.2 off, 0.4 on, 2 off: a cadence of the United Kingdom."""
    fxo.levels(RING, (1000, 1), (1400, 0), (1600, 1), (2000, 0))
    assert [name for _, name, _ in fxo.seen(3000)] == ["RING_BEGIN", "RING_END"] * 2


@pytest.mark.parametrize(("gone_ms", "events"), [
    (249.875, []), (250, [("LOOP_BREAK", 250)]), (899.875, [("LOOP_BREAK", 900)]),
    (900, [("BATTERY", 0), ("BATTERY", 1)]), (5000, [("BATTERY", 0), ("BATTERY", 1)]),
])  # fmt: skip
def test_loss_of_feed(fxo, gone_ms, events):
    fxo.levels(BATTERY, (1000, 0), (1000 + gone_ms, 1))
    assert [(name, a) for _, name, a in fxo.seen(20000)] == events


def test_loss_and_return_of_feed_to_the_sample(fxo):
    fxo.levels(BATTERY, (1000.125, 0), (3000, 1), (3100, 0), (4000.375, 1))
    assert fxo.seen(9000) == [(1900.125, "BATTERY", 0), (4250.375, "BATTERY", 1)]


def test_polarity_is_reported_when_it_was_held(fxo):
    fxo.levels(POLARITY, (1000, 1), (1029.875, 0), (2000.125, 1), (5000, 0))
    assert fxo.seen(9000) == [(2030.125, "POLARITY", 1), (5030.0, "POLARITY", 0)]


@pytest.mark.parametrize(("length", "wink"), [(90, False), (100, True), (350, True), (360, False)])
def test_a_short_reversal_is_a_wink_as_well(fxo, length, wink):
    fxo.levels(POLARITY, (1000, 1), (1000 + length, 0))
    back = 1030.0 + length
    expected = [(1030.0, "POLARITY", 1), (back, "POLARITY", 0)]
    assert fxo.seen(9000) == expected + ([(back, "WINK", length)] if wink else [])


def test_polarity_waits_for_the_end_of_a_burst(fxo):
    fxo.levels(RING, (1000, 1))
    fxo.levels(POLARITY, (1010, 1), (1500, 0), (1600, 1))
    fxo.levels(RING, (2000, 0))
    assert fxo.seen(3000) == [
        (1100.0, "RING_BEGIN", 0), (2100.0, "RING_END", 1000), (2130.0, "POLARITY", 1),
    ]  # fmt: skip


def test_polarity_flickering_with_the_ringing_voltage_is_nothing(fxo):
    fxo.raw(RING, 1000, 1)
    for half in range(50):
        fxo.raw(POLARITY, 1000 + 20 * half, half % 2)
    fxo.raw(POLARITY, 2000, 0)
    fxo.raw(RING, 2001, 0)
    assert [name for _, name, _ in fxo.seen(9000)] == ["RING_BEGIN", "RING_END", "RING_STOPPED"]


def test_polarity_of_a_line_without_feed_is_not_looked_at(fxo):
    fxo.raw(BATTERY, 1000, 0)
    fxo.raw(POLARITY, 1001, 1)
    assert [name for _, name, _ in fxo.seen(3000)] == ["BATTERY"]
    fxo.raw(BATTERY, 4000, 1)
    assert fxo.seen(6000)[1:] == [(4030.0, "POLARITY", 1), (4250.0, "BATTERY", 1)]


# ---- E1 -------------------------------------------------------------------------------


def test_cas_bits_held_for_their_time(native):
    line = Line(native, E1_CAS)
    line.levels(CAS, (100, 9), (200, 1), (219.875, 9), (300, 1), (310, 13))
    line.run_to(8 * 1000)
    assert line.events == [(960, "CAS", 9, -1), (2640, "CAS", 13, 9)]


def test_events_of_other_kinds_of_line_mean_nothing(native):
    for kind, foreign in ((FXO, (HOOK, CAS)), (FXS, (RING, BATTERY, POLARITY, CAS)),
                          (E1_CAS, (HOOK, RING, BATTERY, POLARITY))):
        line = Line(native, kind)
        for raw in foreign:
            line.raw(raw, 100, 1)
            line.raw(raw, 200, 0)
        assert line.seen(9000) == []
        assert not line.line.pending


# ---- reading the state again ----------------------------------------------------------


def test_line_state_repeats_what_was_decided_and_takes_in_what_differs(fxs):
    fxs.raw(STATE, 3000, a=1)
    assert fxs.seen(4000) == [(3000.0, "OFF_HOOK", 0)]
    fxs.raw(STATE, 5000, a=0)
    assert fxs.seen(7000)[1:] == [(5000.0, "OFF_HOOK", 0), (5850.0, "ON_HOOK", 0)]


def test_line_state_drops_a_train_of_pulses(fxs):
    fxs.levels(HOOK, (2000, 0), (2060, 1), (2100, 0))
    fxs.raw(STATE, 2120, a=0)
    fxs.levels(HOOK, (2160, 1), (2200, 0), (2260, 1))
    assert [name for _, name, _ in fxs.seen(4000)] == ["OFF_HOOK"]
    pulses(fxs, 4, 5000, 10, 0.6)
    assert fxs.seen(7000)[-1][1:] == ("PULSE_DIGIT", ord("4"))


def test_line_state_of_an_exchange_line(fxo):
    fxo.raw(STATE, 1000, b=0, c=1)
    fxo.raw(STATE, 2000, b=0, c=1 | 2)
    names = [(at, name, a) for at, name, a in fxo.seen(3000) if name != "RING_STOPPED"]
    assert names == [
        (1000.0, "BATTERY", 1), (1000.0, "POLARITY", 0), (2000.0, "BATTERY", 1),
        (2000.0, "POLARITY", 0), (2030.0, "POLARITY", 1),
    ]  # fmt: skip


def test_line_state_during_ringing_does_not_end_it(fxo):
    fxo.raw(RING, 1000, 1)
    fxo.raw(STATE, 1500, b=1, c=1)
    fxo.raw(RING, 2000, 0)
    fxo.raw(STATE, 3000, b=0, c=1)
    rings = [name for _, name, _ in fxo.seen(9000) if name.startswith("RING")]
    assert rings == ["RING_BEGIN", "RING_END", "RING_STOPPED"]


# ---- parameters, order, the long run --------------------------------------------------


def test_unfit_parameters_are_raised(native):
    line = Line(native, FXS, flash_min_ms=900, on_hook_ms=100, break_min_ms=1000, polarity_ms=-5)
    p = line.line.params
    assert (p.flash_min_ms, p.flash_max_ms, p.on_hook_ms) == (900, 900, 901)
    assert (p.break_min_ms, p.break_max_ms, p.polarity_ms) == (1000, 1001, 30)


def test_time_never_runs_backwards(native):
    line = Line(native, FXS)
    line.lib.ctb_line_tick(line.line, 8000, line.out)
    line.raw(HOOK, 500, 1)  # late by half a second
    line.now = 8000
    assert line.seen(1100) == [(1030.0, "OFF_HOOK", 0)]


@pytest.mark.parametrize("seed", range(20))
def test_random_lines_tell_one_story(native, seed):
    """Hook reports alternate, times never fall, and what was decided last is what is."""
    chance = random.Random(seed)
    for kind, raws in ((FXS, (HOOK,)), (FXO, (RING, BATTERY, POLARITY)), (E1_CAS, (CAS,))):
        line, levels, at_ms = Line(native, kind), {}, 0.0
        for _ in range(400):
            at_ms += chance.choice((1, 5, 15, 60, 200, 500, 1500)) * chance.uniform(0.5, 1.5)
            raw = chance.choice(raws)
            levels[raw] = chance.randrange(16) if raw == CAS else chance.randrange(2)
            line.raw(raw, at_ms, levels[raw])
        line.run_to(round(at_ms * 8) + 8 * 20_000)
        at = [event[0] for event in line.events]
        assert at == sorted(at)
        assert not line.line.pending
        told = {name: a for _, name, a, _ in line.events}
        hooks = [name for _, name, _, _ in line.events if name in ("OFF_HOOK", "ON_HOOK")]
        assert all(a != b for a, b in pairwise(hooks))
        if kind == FXS:
            assert (hooks[-1] == "OFF_HOOK") == bool(levels[HOOK])
        elif kind == FXO:
            assert told.get("BATTERY", 1) == levels[BATTERY]
            ends = ("RING_BEGIN", "RING_STOPPED")
            bursts = [name for _, name, _, _ in line.events if name in ends]
            assert bursts[-1] == ends[0 if levels[RING] else 1]
        else:
            assert told["CAS"] == levels[CAS]


@pytest.mark.parametrize("kind", [FXS, FXO, E1_CAS])
def test_frames_do_not_show(native, kind):
    """The same events, whether time goes on by frames or only with the line's own edges."""
    stories = []
    for by_frame in (True, False):
        chance, line, at_ms = random.Random(7), Line(native, kind), 0.0
        for _ in range(300):
            at_ms += chance.uniform(1, 400)
            raw = {FXS: HOOK, FXO: chance.choice((RING, BATTERY, POLARITY)), E1_CAS: CAS}[kind]
            if not by_frame:
                line.now = round(at_ms * 8) // FRAME * FRAME
            line.raw(raw, at_ms, chance.randrange(2))
        line.run_to(round(at_ms * 8) + 8 * 20_000)
        stories.append(line.events)
    assert stories[0] == stories[1]
    assert len(stories[0]) > 20
