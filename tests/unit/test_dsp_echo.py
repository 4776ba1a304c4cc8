"""The echo canceller on arrays: kinds of sound, shapes, streams, refusals."""

import numpy as np
import pytest

pytest.importorskip("cti_board._native._media", reason="the media plane is not built")
from cti_board.dsp.echo import EchoCanceller, EchoSettings, cancel_echo
from tests.native.dsp_rig import alaw_codes

PATH = np.array([0, 0, 0.3, -0.2, 0.1, 0, 0.05])


def line(seconds=1.0, seed=1):
    """(rx, tx) of one line, float: noise and its echo."""
    rng = np.random.default_rng(seed)
    tx = rng.normal(0, 0.1, round(seconds * 8000))
    return np.convolve(tx, PATH)[: len(tx)] + rng.normal(0, 1e-4, len(tx)), tx


def loss_db(rx, out):
    last = slice(len(rx) // 2, None)
    return 10 * np.log10(np.mean(rx[last] ** 2.0) / np.mean(out[last] ** 2.0))


def test_one_line_and_its_answer():
    rx, tx = line()
    out = cancel_echo(rx, tx, nonlinear=False)
    assert out.shape == rx.shape
    assert out.dtype == np.float32
    assert loss_db(rx, out) > 40


def test_several_lines_are_as_each_alone():
    pairs = [line(seed=n) for n in range(3)]
    rx, tx = np.array([r for r, _ in pairs]), np.array([t for _, t in pairs])
    out = cancel_echo(rx, tx)
    assert out.shape == (3, 8000)
    for n, (one_rx, one_tx) in enumerate(pairs):
        assert (out[n] == cancel_echo(one_rx, one_tx)).all()


@pytest.mark.parametrize("kind", ["int16", "alaw"])
def test_other_kinds_of_sound(kind):
    rx, tx = line()
    linear = [np.round(x * 32768).astype(np.int16) for x in (rx, tx)]
    sound = linear if kind == "int16" else [alaw_codes(x) for x in linear]
    assert loss_db(rx, cancel_echo(*sound, nonlinear=False)) > (40 if kind == "int16" else 28)


def test_a_last_piece_of_a_frame_is_cleaned_too():
    rx, tx = line()
    whole = cancel_echo(rx, tx)
    part = cancel_echo(rx[:7001], tx[:7001])
    assert part.shape == (7001,)
    assert (part[:6976] == whole[:6976]).all()  # whole steps of 32 samples
    assert np.abs(part[6976:] - whole[6976:7001]).max() < 1e-3
    assert cancel_echo(rx[:0], tx[:0]).shape == (0,)


def test_a_stream_is_the_same_as_the_whole():
    rx, tx = line()
    canceller = EchoCanceller(tail_ms=16, delay=2)
    parts = [canceller.feed(rx[a:b], tx[a:b]) for a, b in ((0, 160), (160, 4000), (4000, 8000))]
    assert (np.concatenate(parts) == cancel_echo(rx, tx, tail_ms=16, delay=2)).all()


def test_erle_of_a_stream_and_reset():
    rx, tx = line()
    canceller = EchoCanceller(lines=2)
    assert canceller.erle_db == (0.0, 0.0)
    canceller.feed(np.array([rx, rx]), np.array([tx, tx]))
    assert min(canceller.erle_db) > 35
    assert canceller.double_talk == (False, False)
    canceller.reset(1)
    assert canceller.erle_db[0] > 35
    assert canceller.erle_db[1] == 0


def test_double_talk_is_told():
    rx, tx = line()
    canceller = EchoCanceller()
    canceller.feed(rx, tx)
    rx, tx = line(0.1, seed=2)
    canceller.feed(rx + 0.05 * np.sin(np.arange(800)), tx)
    assert canceller.double_talk == (True,)


def test_the_inputs_are_not_changed():
    rx, tx = line()
    before = rx.copy(), tx.copy()
    cancel_echo(rx, tx)
    assert (rx == before[0]).all()
    assert (tx == before[1]).all()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"tail_ms": 8}, "16 to 64"),
        ({"tail_ms": 20}, "steps of 8"),
        ({"tail_ms": 72}, "16 to 64"),
        ({"delay": -1}, "0 to 1600"),
        ({"delay": 1601}, "0 to 1600"),
    ],
)
def test_a_setting_out_of_range_is_named(setting, words):
    rx, tx = line(0.02)
    with pytest.raises(ValueError, match=words):
        cancel_echo(rx, tx, **setting)
    with pytest.raises(ValueError, match=words):
        EchoSettings(**setting)


@pytest.mark.parametrize("lines", [0, 17, -1])
def test_a_number_of_lines_out_of_range_is_named(lines):
    with pytest.raises(ValueError, match="1 to 16"):
        EchoCanceller(lines)


def test_lengths_and_shapes_that_do_not_fit_are_refused():
    rx, tx = line(0.1)
    with pytest.raises(ValueError, match="one length"):
        cancel_echo(rx, tx[:-1])
    with pytest.raises(ValueError, match="1 lines"):
        EchoCanceller().feed(np.zeros((2, 160)), np.zeros((2, 160)))
    with pytest.raises(ValueError, match="whole frames"):
        EchoCanceller().feed(rx[:100], tx[:100])
    with pytest.raises(ValueError, match="up to 16"):
        cancel_echo(np.zeros((17, 160)), np.zeros((17, 160)))
    with pytest.raises(ValueError, match="0 to 1"):
        EchoCanceller(2).reset(2)


def test_samples_that_are_no_numbers_are_refused_and_forgotten():
    rx, tx = line(0.1)
    canceller = EchoCanceller()
    bad = rx.copy()
    bad[3] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        canceller.feed(bad, tx)
    assert (canceller.feed(rx, tx) == cancel_echo(rx, tx)).all()
