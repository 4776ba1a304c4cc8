"""The customer keys a digit while our prompt plays: what the canceller is there for.

The DTMF receiver hears the line with and without the canceller, at echo losses that lines
have.  Also what replaces the residue: its level, its colour, and what it must not swallow.
"""

import numpy as np
import pytest

from tests.native import dsp_rig
from tests.native import echo_rig as rig

from cti_board.dsp.dtmf import find_digits  # isort: skip
from cti_board.dsp.echo import cancel_echo  # isort: skip

KEYS = "1590*#26"
LINEAR, MS = 32768.0, 8
FIRST, EVERY = 12000, 4000  # samples: the first key after 1.5 s, then every half second


def keyed(rng, dbm0, on_ms=70, keys=KEYS):
    """Digits with random phases and some twist, every half second."""
    line = np.zeros(FIRST + EVERY * len(keys) + 4000)
    for n, key in enumerate(keys):
        twist = float(rng.uniform(-3, 2))
        digit = dsp_rig.dtmf(key, on_ms, dbm0, twist, phase=dsp_rig.phases(rng))
        at = FIRST + n * EVERY + int(rng.integers(0, 800))
        line[at : at + len(digit)] += digit
    return line


def near_ends(dbm0, on_ms=70, seed=1):
    rng = np.random.default_rng(seed)
    return np.array([keyed(rng, dbm0, on_ms) for _ in range(16)])


def lines_with_keys(dbm0, loss_db, prompt_dbm0=-13, on_ms=70, seed=1):
    near = near_ends(dbm0, on_ms, seed)
    tx = rig.sent_lines(rig.talk, near.shape[1] / 8000, prompt_dbm0, seed + 1)
    return rig.heard_lines(tx, seed + 2, loss_db, near), tx


def digits_found(rx):
    return [dsp_rig.digits(line) for line in dsp_rig.listen("dtmf", list(rx))]


def right(found):
    return sum(text == KEYS for text in found)


@pytest.mark.parametrize("nonlinear", [False, True])
@pytest.mark.parametrize("loss_db", [6, 10])
@pytest.mark.parametrize("dbm0", [-10, -18, -24])
def test_digits_keyed_over_the_prompt_are_found(dbm0, loss_db, nonlinear):
    rx, tx = lines_with_keys(dbm0, loss_db)
    clean = LINEAR * cancel_echo(rx / LINEAR, tx / LINEAR, nonlinear=nonlinear)
    with_canceller, without = right(digits_found(clean)), right(digits_found(rx))
    assert with_canceller >= (16 if dbm0 > -20 else 15)
    assert with_canceller > without or without == 16


def test_without_the_canceller_faint_digits_are_lost():
    rx, _ = lines_with_keys(-24, 6)
    assert right(digits_found(rx)) == 0


def test_short_digits_keep_their_length():
    """40 ms, ITU-T Q.24's shortest, over the prompt and with the non-linear processor on: each
    begins and ends where the same receiver finds it with nobody else on the line."""
    rx, tx = lines_with_keys(-16, 8, on_ms=40)
    clean = cancel_echo(rx / LINEAR, tx / LINEAR)
    lone = near_ends(-16, on_ms=40) / LINEAR
    found, alone = (sorted(find_digits(x), key=lambda d: (d.line, d.begin)) for x in (clean, lone))
    assert [(d.line, d.key) for d in found] == [(d.line, d.key) for d in alone]
    assert len(found) == 16 * len(KEYS)
    for one, other in zip(found, alone, strict=True):
        assert abs(one.begin - other.begin) <= 5 * MS
        assert abs(one.end - other.end) <= 3 * MS
        assert abs(one.end - one.begin - 40 * MS) <= 6 * MS


def test_a_prompt_alone_makes_no_digits():
    tx = rig.sent_lines(rig.talk, 20, -10, seed=5)
    rx = rig.heard_lines(tx, seed=6, loss_db=6)
    clean = LINEAR * cancel_echo(rx / LINEAR, tx / LINEAR)
    assert digits_found(clean) == [""] * 16


@pytest.mark.parametrize("tone_dbm0", [-10, -20])
def test_digits_over_our_own_dial_tone_are_found(tone_dbm0):
    """A telephone on our line dials over the dial tone that we send, with its echo."""
    rng = np.random.default_rng(7)
    near = np.array([keyed(rng, -14) for _ in range(16)])
    t = np.arange(near.shape[1]) / 8000
    tone = dsp_rig.peak(tone_dbm0) * np.sin(2 * np.pi * 450 * t)
    tx = np.tile(rig.through_alaw(tone), (16, 1))
    rx = rig.heard_lines(tx, seed=8, loss_db=6, near=near)
    clean = LINEAR * cancel_echo(rx / LINEAR, tx / LINEAR)
    assert right(digits_found(clean)) == 16


# ---- comfort noise, G.168 test 9 ----


def colour_db(line):
    """Power of 300-1000 Hz over that of 2-3.4 kHz."""
    power = np.abs(np.fft.rfft(line)) ** 2
    hz = np.fft.rfftfreq(len(line), 1 / 8000)
    low, high = (hz > 300) & (hz < 1000), (hz > 2000) & (hz < 3400)
    return 10 * np.log10(power[low].mean() / power[high].mean())


@pytest.mark.parametrize("noise_dbm0", [-45, -50, -55])
def test_comfort_noise_has_the_level_and_the_colour_of_the_lines_noise(noise_dbm0):
    """The noise is heard alone for two seconds, then the prompt plays; nobody should notice
    where the noise is ours: within 2 dB (test 9) in level, 3 dB in colour."""
    rng = np.random.default_rng(9)
    hiss = np.array([np.convolve(rng.normal(size=64000), np.ones(6))[:64000] for _ in range(16)])
    hiss *= rig.rms(noise_dbm0) / hiss.std()
    tx = rig.sent_lines(rig.composite, 8, -13, seed=10)
    tx[:, :16000] = 0
    rx = rig.heard_lines(tx, seed=11, near=hiss, noise_dbm0=-90)
    clean = LINEAR * cancel_echo(rx / LINEAR, tx / LINEAR)
    for line, heard in zip(clean, rx, strict=True):
        assert abs(rig.level(line[32000:]) - rig.level(heard[:16000])) < 2
        assert abs(colour_db(line[32000:]) - colour_db(heard[:16000])) < 3


def test_with_a_quiet_line_the_residue_goes_down_to_the_lines_noise():
    """Test 2A: with the non-linear processor the residue is under -65 dBm0 after convergence; this
    line's own noise, and the comfort noise after it, are -66 dBm0 (-72 and that of A-law)."""
    tx = rig.sent_lines(rig.composite, 6, -13, seed=12)
    tx[:, :8000] = 0
    rx = rig.heard_lines(tx, seed=13, noise_dbm0=-72)
    clean = LINEAR * cancel_echo(rx / LINEAR, tx / LINEAR)
    plain = LINEAR * cancel_echo(rx / LINEAR, tx / LINEAR, nonlinear=False)
    for line, filtered in zip(clean, plain, strict=True):
        assert rig.level(line[24000:]) < rig.level(filtered[24000:]) - 5
        assert rig.level(line[24000:]) < -65


def test_the_non_linear_processor_leaves_talk_alone():
    """While the near end talks, its speech is what the filter alone leaves, to 0.5 dB."""
    tx = rig.sent_lines(rig.talk, 6, -15, seed=14)
    rng = np.random.default_rng(15)
    near = np.zeros_like(tx)
    near[:, 24000:44000] = [rig.talk(rng, 2.5, -18) for _ in tx]
    rx = rig.heard_lines(tx, seed=16, near=near)
    clean = LINEAR * cancel_echo(rx / LINEAR, tx / LINEAR)
    for line, said in zip(clean, near, strict=True):
        spoken = said[24000:44000]
        heard = line[24000:44000]
        share = np.dot(heard, spoken) / np.dot(spoken, spoken)
        assert abs(20 * np.log10(share)) < 0.5
