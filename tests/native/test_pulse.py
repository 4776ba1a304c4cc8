"""Pulse dialling: what our line makes of a dial's breaks, and what the simulated card sends."""

import random
from itertools import pairwise

import pytest

from tests.native.test_line import FXS, HOOK, Line, fxs, native, pulses  # noqa: F401

# ruff: noqa: F811  (fixtures are arguments)

TELEPHONE, OUTSIDE = 0, 1  # ends of the street where the card has one FXS port


def bouncing(chance, level, at_ms):
    """The edges of a dial's contact: it bounces up to 3 ms before it stays at ``level``."""
    edges = [(at_ms, level)]
    for _ in range(chance.randrange(3)):
        at_ms += chance.uniform(0.25, 0.75)
        edges.append((at_ms, 1 - level))
        at_ms += chance.uniform(0.25, 0.75)
        edges.append((at_ms, level))
    return edges


@pytest.mark.parametrize("rate", range(8, 15))
@pytest.mark.parametrize("break_share", [0.5, 0.55, 0.6, 8 / 13, 2 / 3, 0.7, 0.75])
def test_pulse_digits_with_pauses_of_240_ms_and_bouncing_contacts(fxs, rate, break_share):
    """8 to 14 pulses a second, 50 to 75 % break; 8/13 is China's 1.6 to 1."""
    chance, at_ms, dialled = random.Random(rate), 2000.0, ""
    for _ in range(12):
        digit = chance.randrange(10)
        dialled += str(digit)
        for _ in range(digit or 10):
            fxs.levels(HOOK, *bouncing(chance, 0, at_ms))
            fxs.levels(HOOK, *bouncing(chance, 1, at_ms + 1000 / rate * break_share))
            at_ms += 1000 / rate * chance.uniform(0.97, 1.03)
        at_ms += 240 - 1000 / rate * (1 - break_share)  # the pause begins with the last make
    found = fxs.seen(at_ms + 1000)
    assert {name for _, name, _ in found} == {"PULSE_DIGIT"}
    assert "".join(chr(a) for _, _, a in found) == dialled


@pytest.mark.parametrize("rate", [8, 10, 14])
def test_a_flash_between_digits_is_one_and_spoils_none(fxs, rate):
    at_ms = pulses(fxs, 1, 2000, rate, 0.6) + 300
    fxs.levels(HOOK, (at_ms, 0), (at_ms + 200, 1))
    pulses(fxs, 1, at_ms + 500, rate, 0.6)
    assert [(name, a) for _, name, a in fxs.seen(at_ms + 3000)] == [
        ("PULSE_DIGIT", ord("1")), ("HOOK_FLASH", 200), ("PULSE_DIGIT", ord("1")),
    ]  # fmt: skip


@pytest.mark.parametrize("rate", [9, 10, 11])  # YD/T: 10 +- 1 pulses a second
@pytest.mark.parametrize("ratio", [1.4, 1.6, 1.8])  # 1.6 +- 0.2 to 1
def test_chinas_pulses_beside_chinas_short_flash(native, rate, ratio):
    """A line set to flashes of 80 to 200 ms: the longest first pulse has 71 ms."""
    line = Line(native, FXS, flash_min_ms=80, flash_max_ms=200)
    line.raw(HOOK, 1000, 1)
    at_ms = 2000.0
    for digit in (1, 9, 0):
        at_ms = pulses(line, digit, at_ms, rate, ratio / (1 + ratio)) + 300
    line.levels(HOOK, (at_ms, 0), (at_ms + 90, 1))
    names = [(name, a) for _, name, a in line.seen(at_ms + 1000)][1:]
    digits = [("PULSE_DIGIT", ord(digit)) for digit in "190"]
    assert names == [*digits, ("HOOK_FLASH", 90)]


# ---- pulses of the simulated card -----------------------------------------------------


def pulse_times(digits, rate_x10, percent):
    """Samples of each break and make of a digit string, and of the whole train on an outside
    line: 100 ms, the pulses, pauses of 800 ms between digits in place of the last make."""
    period = 80_000 // rate_x10
    open_for = period * percent // 100
    counts = [int(digit) or 10 for digit in digits]
    total = 800 + sum(counts) * period - (period - open_for)
    return open_for, period - open_for, total + (len(digits) - 1) * (6400 - (period - open_for))


@pytest.mark.parametrize("rate_x10", [80, 100, 140])
@pytest.mark.parametrize("percent", [50, 61, 67, 75])
def test_an_outside_line_dials_with_the_times_that_were_asked_for(rate_x10, percent):
    """The card says when it has dialled; the exchange understood it when the far end rings."""
    sim_card = pytest.importorskip("tests.sim.sim_card", reason="the simulated card is not built")
    card = sim_card.Driver("fxo=1,fxs=1,phones=70")
    try:
        card.hook(0, True)
        card.run(400)
        text = "88000059"
        card.do(0, sim_card.lib.CTB_OP_PULSE_DIAL, text=text, a=rate_x10, b=percent, cookie=7)
        begun = card.now
        done = card.until(sim_card.lib.CTB_EV_TONE_DONE, 30_000)
        assert (done.cookie, done.a) == (7, sim_card.lib.CTB_DONE_END)
        assert done.at - begun == pulse_times(text, rate_x10, percent)[2]
        card.report(OUTSIDE + 59, sim_card.lib.CTB_SE_RING_BEGIN)
    finally:
        card.close()


def test_a_telephone_of_the_street_dials_into_our_line(native):
    """Its breaks and makes to the sample, and the digits that our line makes of them."""
    sim_card = pytest.importorskip("tests.sim.sim_card", reason="the simulated card is not built")
    card, line = sim_card.Driver("fxo=1,fxs=1,phones=1"), Line(native, FXS)
    try:
        card.lift(TELEPHONE)
        card.run(200)
        card.dial(TELEPHONE, "1907", f=1)
        card.run(9000)
        card.drain()
        edges = [(e.at, e.a) for e in card.seen(sim_card.lib.CTB_EV_RAW_HOOK)]
    finally:
        card.close()
    for at, level in edges:
        line.raw(HOOK, at / 8, level)
    found = line.seen(12_000)
    assert [(name, chr(a)) for _, name, a in found[1:]] == [("PULSE_DIGIT", d) for d in "1907"]
    lengths = [later - at for (at, _), (later, _) in pairwise(edges[1:])]
    assert set(lengths[0::2]) == {480}  # 10 a second, 60 % break
    assert set(lengths[1::2]) == {320, 6400}  # make, and 800 ms between digits
