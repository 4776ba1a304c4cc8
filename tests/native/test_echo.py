"""The echo canceller against ITU-T G.168: convergence, double talk, changes of the path, tones.

Sixteen lines with echo paths of four kinds, A-law both ways; the filter alone unless a test
says otherwise.  A-law leaves about 36 dB to be won on such a line.
"""

import numpy as np
import pytest

from tests.native import echo_rig as rig
from tests.native.dsp_rig import rms

from cti_board.dsp.echo import EchoCanceller, cancel_echo  # isort: skip  (the rig skips without the library)

LINEAR = 32768.0


def clean(rx, tx, nonlinear=False, **settings):
    return LINEAR * cancel_echo(rx / LINEAR, tx / LINEAR, nonlinear=nonlinear, **settings)


def test_converges_on_a_composite_source_within_a_second():
    """Test 2: 1 s after the start the echo is down, and it stays down."""
    tx = rig.sent_lines(rig.composite, 4, -13, seed=1)
    rx = rig.heard_lines(tx, seed=2)
    out = clean(rx, tx)
    assert rig.loss(rx, out, 0.5, 1).min() > 24
    assert rig.loss(rx, out, 1, 2).min() > 28
    assert rig.loss(rx, out, 3, 4).min() > 30


def test_converges_on_speech():
    tx = rig.sent_lines(rig.talk, 5, -15, seed=3)
    rx = rig.heard_lines(tx, seed=4)
    out = clean(rx, tx)
    assert rig.loss(rx, out, 0.5, 1).mean() > 15
    assert rig.loss(rx, out, 1, 2).mean() > 22
    assert rig.loss(rx, out, 4, 5).min() > 24


def test_reaches_the_floor_of_alaw_on_noise():
    tx = rig.sent_lines(rig.white, 2, -13, seed=5)
    rx = rig.heard_lines(tx, seed=6)
    out = clean(rx, tx)
    assert rig.loss(rx, out, 0.3, 0.6).min() > 30
    assert rig.loss(rx, out, 1, 2).min() > 35


@pytest.mark.parametrize("loss_db", [6, 10, 20, 30])
def test_residue_is_low_at_every_return_loss(loss_db):
    """Test 2: the weaker the echo, the less there is to win, but nothing is added."""
    tx = rig.sent_lines(rig.composite, 3, -16, seed=7)
    rx = rig.heard_lines(tx, seed=8, loss_db=loss_db)
    residue = [rig.level(x) for x in rig.span(clean(rx, tx), 2, 3)]
    assert max(residue) < -44 - loss_db / 4


@pytest.mark.parametrize("dbm0", [-6, -30])
def test_converges_loud_and_faint(dbm0):
    tx = rig.sent_lines(rig.composite, 3, dbm0, seed=9)
    rx = rig.heard_lines(tx, seed=10)
    assert rig.loss(rx, clean(rx, tx), 1, 3).min() > (24 if dbm0 < -20 else 28)


def test_noise_of_the_line_does_not_stop_it():
    """Test 2C: convergence under background noise; the residue is the noise."""
    tx = rig.sent_lines(rig.composite, 4, -13, seed=11)
    rx = rig.heard_lines(tx, seed=12, noise_dbm0=-40)
    out = clean(rx, tx)
    assert max(rig.level(x) for x in rig.span(out, 3, 4)) < -39


@pytest.mark.parametrize("near_dbm0", [-13, -20, -30])
def test_double_talk_leaves_a_converged_filter_as_it_is(near_dbm0):
    """Tests 3A, 3B: both talk from 2 s to 4 s; right after it the echo is as low as before."""
    tx = rig.sent_lines(rig.composite, 5, -13, seed=13)
    rng = np.random.default_rng(14)
    near = np.zeros_like(tx)
    near[:, 16000:32000] = [rig.talk(rng, 2, near_dbm0) for _ in near]
    rx = rig.heard_lines(tx, seed=15, near=near)
    out = clean(rx, tx)
    before, after = rig.loss(rx, out, 1.5, 2), rig.loss(rx, out, 4, 4.5)
    assert (before - after).max() < 6
    assert after.min() > 26
    assert rig.loss(rx - near, out - near, 2.1, 4).min() > 20  # echo under the talk


def test_double_talk_of_two_speakers():
    """Test 3C, a conversation: speech on speech; the mean of the lines, and the worst of them."""
    tx = rig.sent_lines(rig.talk, 6, -15, seed=16)
    rng = np.random.default_rng(17)
    near = np.zeros_like(tx)
    near[:, 20000:36000] = [rig.talk(rng, 2, -17) for _ in near]
    rx = rig.heard_lines(tx, seed=18, near=near)
    out = clean(rx, tx)
    under = rig.loss(rx - near, out - near, 2.6, 4.5)
    assert under.mean() > 18
    assert np.sort(under)[1] > 5
    assert rig.loss(rx, out, 5, 6).min() > 15


def test_converges_while_both_talk_from_the_start():
    """Test 3B(b): there never was echo alone."""
    tx = rig.sent_lines(rig.composite, 5, -13, seed=19)
    rng = np.random.default_rng(20)
    near = np.array([rig.talk(rng, 5, -18) for _ in tx])
    rx = rig.heard_lines(tx, seed=21, near=near)
    out = clean(rx, tx)
    assert rig.loss(rx - near, out - near, 3, 5).mean() > 12
    assert rig.loss(rx - near, out - near, 3, 5).min() > 5


def test_the_near_end_alone_goes_through_unharmed():
    rng = np.random.default_rng(22)
    near = np.array([rig.through_alaw(rig.talk(rng, 2, -15)) for _ in range(16)])
    assert (clean(near, np.zeros_like(near), nonlinear=True) == near.astype(np.float32)).all()


def test_what_was_learned_does_not_leak():
    """Test 4: after two minutes of silence the echo is as low as before."""
    tx = rig.sent_lines(rig.composite, 2, -13, seed=23)
    rx = rig.heard_lines(tx, seed=24)
    cancellers = EchoCanceller(16, nonlinear=False)
    first = LINEAR * cancellers.feed(rx / LINEAR, tx / LINEAR)
    silence = np.zeros((16, 8000), np.float32)
    for _ in range(120):
        cancellers.feed(silence, silence)
    again = LINEAR * cancellers.feed(rx / LINEAR, tx / LINEAR)
    before, after = rig.loss(rx, first, 1.5, 2), rig.loss(rx, again, 0, 0.5)
    assert (before - after).max() < 6


def test_a_hybrid_that_goes_away_leaves_no_echo_of_its_own():
    """Test 5, infinite return loss: within a second the output is under -37 dBm0."""
    tx = rig.sent_lines(rig.composite, 5, -10, seed=25)
    rx = rig.heard_lines(tx, seed=26)
    rx[:, 24000:] = 0
    out = clean(rx, tx)
    assert max(rig.level(x) for x in rig.span(out, 3, 3.2)) < -18   # never over the echo it had
    assert max(rig.level(x) for x in rig.span(out, 3.5, 4)) < -45
    assert max(rig.level(x) for x in rig.span(out, 4, 5)) < -50


@pytest.mark.parametrize("source", [rig.composite, rig.talk])
def test_a_new_path_is_learned_again(source):
    """Test 2(b): another echo path from 3 s on."""
    tx = rig.sent_lines(source, 6, -13, seed=27)
    rx = rig.heard_lines(tx, seed=28)
    other = rig.heard_lines(np.roll(tx, 1, axis=0), seed=29)  # another kind of path for each line
    rx[:, 24000:] = np.roll(other, -1, axis=0)[:, 24000:]
    out = clean(rx, tx)
    worse = rig.loss(rx, out, 3, 3.2)
    assert worse.min() > -4                                # hardly more echo than without us
    assert rig.loss(rx, out, 3.6, 4).mean() > 15
    assert rig.loss(rx, out, 5, 6).min() > (27 if source is rig.composite else 17)


@pytest.mark.parametrize("hz", [(425,), (1000,), (2600,), (350, 440), (770, 1336), (440, 480)])
def test_tones_do_not_spoil_a_converged_filter(hz):
    """Tests 6 and 7: non-divergence and stability on narrow signals; then as good as before."""
    first = rig.sent_lines(rig.composite, 2, -13, seed=30)
    t = np.arange(40000) / 8000
    tone = sum(rms(-12) * 2**0.5 * np.sin(2 * np.pi * f * t) for f in hz)
    last = rig.sent_lines(rig.composite, 1, -13, seed=31)
    tx = np.concatenate([first, np.tile(rig.through_alaw(tone), (16, 1)), last], axis=1)
    rx = rig.heard_lines(tx, seed=32)
    out = clean(rx, tx)
    assert max(rig.level(x) for x in rig.span(out, 3, 7)) < -45      # the tone's own echo
    assert (rig.loss(rx, out, 1, 2) - rig.loss(rx, out, 7, 7.5)).max() < 6


@pytest.mark.parametrize("hz", [(450,), (350, 440)])
def test_a_fresh_canceller_takes_the_echo_of_dial_tone(hz):
    t = np.arange(16000) / 8000
    tone = sum(rms(-10) * 2**0.5 * np.sin(2 * np.pi * f * t) for f in hz)
    tx = np.tile(rig.through_alaw(tone), (16, 1))
    rx = rig.heard_lines(tx, seed=33)
    assert max(rig.level(x) for x in rig.span(clean(rx, tx), 0.3, 2)) < -44


@pytest.mark.parametrize(
    ("tail_ms", "taps"), [(16, 120), (24, 190), (32, 250), (48, 380), (64, 510)]
)
def test_the_whole_tail_is_modelled(tail_ms, taps):
    """An echo at the very end of the tail is taken away."""
    tx = rig.sent_lines(rig.composite, 3, -13, seed=34)
    path = np.zeros(taps)
    path[[3, taps - 1]] = 0.2, -0.25
    rx = rig.through_alaw(np.array([rig.echo(line, path) for line in tx]))
    assert rig.loss(rx, clean(rx, tx, tail_ms=tail_ms), 2, 3).min() > 26


@pytest.mark.parametrize("delay", [1, 160, 333, 1600])
def test_a_known_delay_comes_before_the_tail(delay):
    tx = rig.sent_lines(rig.composite, 3, -13, seed=35)
    rng = np.random.default_rng(36)
    rx = np.array([rig.echo(line, rig.hybrid(rng, n)) for n, line in enumerate(tx)])
    rx = rig.through_alaw(np.pad(rx, ((0, 0), (delay, 0)))[:, : tx.shape[1]])
    assert rig.loss(rx, clean(rx, tx, delay=delay), 2, 3).min() > 28
    assert rig.loss(rx, clean(rx, tx, delay=0), 2, 3).min() < 28 or delay == 1
