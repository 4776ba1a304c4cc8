"""What a frame costs, idle and with twenty legs that talk (make bench)."""

import numpy as np
from sim_card import lib, to_alaw

FRAMES = 2000


def talk(sim, spec, **impairment):
    """Ten outside subscribers talk over FXO lines, ten telephones at FXS ports."""
    d = sim("fxo=10,fxs=10,phones=60" + spec)
    sound = to_alaw(np.random.default_rng(1).normal(0, 3000, 80_000))
    for i in range(10):
        d.lift(10 + i)
        d.dial(10 + i, f"6600000{i}", b=50, c=50)
        d.until(lib.CTB_EV_RAW_RING, channel=i)
        d.hook(i, True)
        d.lift(i)
    for end in range(20):
        d.street(end, lib.CTB_ST_IMPAIR, **impairment)
        d.play(end, sound, times=0)
    d.step()
    assert all(d.live(channel) for channel in range(20))
    return d


def frames(d):
    exchange, board = d.table.exchange, d.board
    for _ in range(FRAMES):
        exchange(board, d._tx, d.tx_live, d._rx, d.rx_live)


def test_an_idle_street(sim, benchmark):
    benchmark(frames, sim("fxo=10,fxs=10,e1=4,phones=200"))


def test_twenty_legs(sim, benchmark):
    benchmark(frames, talk(sim, ""))


def test_twenty_legs_on_bad_lines(sim, benchmark):
    benchmark(frames, talk(sim, "", b=300, c=-5000, d=1500, e=100))


def test_twenty_legs_with_detectors_on_the_card(sim, benchmark):
    d = talk(sim, ",media=board")
    for channel in range(20):
        d.do(channel, lib.CTB_OP_DETECT_ARM, a=5)
    benchmark(frames, d)
