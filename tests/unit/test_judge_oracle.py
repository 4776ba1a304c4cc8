"""Room: tests of libspandsp as the judges bind it: what it sends, it hears.  Skipped where it is
not installed.
"""

import itertools

import numpy as np
import pytest

from tests.judge import oracle, signals


@pytest.fixture(autouse=True)
def _rival():
    if why := oracle.missing():
        pytest.skip(why)


def padded(sound, ms=150):
    silent = np.zeros(8 * ms, np.int16)
    return np.concatenate([silent, sound, silent])


def test_digits_with_times_in_order():
    heard = oracle.dtmf_heard(padded(oracle.dtmf_sent(signals.KEYS)))
    assert "".join(s.what for s in heard) == signals.KEYS
    assert all(a.end is not None and a.begin < a.end <= b.begin
               for a, b in itertools.pairwise(heard))
    assert 0 < heard[0].begin - 8 * 150 < 8 * 60


def test_lines_are_kept_apart_and_chunks_make_no_difference():
    both = np.stack([padded(oracle.dtmf_sent("12")), padded(oracle.dtmf_sent("#D"))])
    heard = oracle.dtmf_heard(both)
    assert [(s.line, s.what) for s in heard] == [(0, "1"), (0, "2"), (1, "#"), (1, "D")]
    assert [s.what for s in oracle.dtmf_heard(both, chunk=160)] == list("12#D")


def test_its_parameters_reach_it():
    quiet = padded(oracle.dtmf_sent("5", level_dbm0=-30))
    assert [s.what for s in oracle.dtmf_heard(quiet)] == ["5"]
    assert oracle.dtmf_heard(quiet, threshold_dbm0=-25) == []
    twisted = padded(oracle.dtmf_sent("5", twist_db=8))
    assert oracle.dtmf_heard(twisted) == []
    assert [s.what for s in oracle.dtmf_heard(twisted, twist_high_db=11)] == ["5"]


def test_a_cadence():
    t = np.arange(8 * 5000) / 8000
    busy = (5000 * np.sin(2 * np.pi * 450 * t) * ((t % 0.7) < 0.35)).astype(np.int16)
    plan = {"busy": [(450, 0, 315, 385), (0, 0, 315, 385)],
            "congestion": [(450, 0, 630, 770), (0, 0, 630, 770)]}
    assert {s.what for s in oracle.tones_heard(busy, plan)} == {"busy"}


@pytest.mark.parametrize("kind", oracle.MODEM_TONES)
def test_fax_and_modem_tones(kind):
    heard = oracle.modem_tones_heard(padded(oracle.modem_tone_sent(kind, 3000)), kind)
    assert kind in {s.what for s in heard}


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("signal", [1, 10, 15])
def test_r2_signals(signal, forward):
    (heard,) = oracle.r2_heard(padded(oracle.r2_sent(signal, forward, 120)), forward)
    assert heard.what == str(signal)


@pytest.mark.parametrize("standard", ["bell202", "v23"])
def test_caller_id(standard):
    message = b"\x80\x0a\x01\x0811222200"
    (heard,) = oracle.adsi_heard(padded(oracle.adsi_sent(message, standard), 300), standard)
    assert heard.data == message


def test_the_canceller_cancels_and_prints_nothing(capfd):
    rng = np.random.default_rng(1)
    said = signals.white(rng, 16000, -15).astype(np.int16)
    heard = (0.3 * np.roll(said, 40)).astype(np.int16)
    left = oracle.cancel_echo(heard, said)
    assert signals.level(left[8000:]) < signals.level(heard) - 20
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("law", ["alaw", "ulaw"])
def test_its_codes_are_those_of_our_own_reading(law):
    value = np.arange(-32768, 32768).astype(np.int16)
    assert (oracle.g711_decode(oracle.g711_encode(value, law), law) == signals.heard_as(law)).all()


def test_only_sixteen_bit_sound():
    with pytest.raises(TypeError, match="int16"):
        oracle.dtmf_heard(np.zeros(800))
