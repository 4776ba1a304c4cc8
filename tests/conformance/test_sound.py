"""What the checks measure with, held against known signals and the media plane's own tables."""

import numpy as np
import pytest
from cti_board._native._media import ffi, lib

from cti_board.audio import decode_alaw
from cti_board.testing import sound


def test_alaw_is_the_same_as_the_media_planes_which_was_written_apart():
    assert list(sound.ALAW) == list(decode_alaw(bytes(range(256))))
    assert sound.alaw(sound.ALAW) == bytes(range(256))


def test_the_digital_milliwatt_is_0_dbm0():
    # ITU-T G.711 table 5: eight A-law codes of a sine of 1000 Hz at 0 dBm0
    codes = bytes([0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4])
    x = sound.linear(codes * 500)
    assert sound.level_dbm0(x, 1000.0) == pytest.approx(0.0, abs=0.01)
    assert sound.power_dbm0(x) == pytest.approx(0.0, abs=0.01)
    assert sound.strongest_hz(x) == [pytest.approx(1000.0, abs=0.1)]


def test_lossless_codes_pass_a_mu_law_line():
    ulaw, back = ffi.new("uint8_t[256]"), ffi.new("uint8_t[256]")
    lib.ctb_alaw_to_ulaw(ulaw, bytes(range(256)), 256)
    lib.ctb_ulaw_to_alaw(back, ulaw, 256)
    assert len(sound.LOSSLESS) > 128
    assert all(back[code] == code for code in sound.LOSSLESS)
    assert set(sound.pattern(1, 5000, ulaw=True)) <= set(sound.LOSSLESS)


def test_a_pattern_is_its_seeds_and_lies_in_one_place():
    one, other = sound.pattern(1, 2000), sound.pattern(2, 2000)
    assert one == sound.pattern(1, 2000) != other
    assert sound.place(one[50:], other + one) == 2050
    assert sound.place(one, other) is None


@pytest.mark.parametrize("dbm0", [0.0, -10.0, -40.0])
@pytest.mark.parametrize("hz", [300.0, 450.0, 1633.0])
def test_levels_and_frequencies(hz, dbm0):
    x = sound.linear(sound.sine((hz, dbm0), samples=4000))
    assert sound.level_dbm0(x, hz) == pytest.approx(dbm0, abs=0.1)
    assert sound.strongest_hz(x)[0] == pytest.approx(hz, abs=0.2)


def test_a_level_of_silence_is_very_low():
    assert sound.power_dbm0(sound.linear(sound.silence(800))) < -60
    assert sound.level_dbm0(np.zeros(0), 450.0) == -120.0
    assert sound.bursts(sound.linear(sound.silence(800))) == []


def test_lag_finds_a_shift_and_how_alike_it_is():
    x = sound.pattern(3, 1000)
    assert sound.lag(x, sound.silence(123) + x) == (123, pytest.approx(1.0, abs=1e-3))
    spoilt = bytearray(x)
    spoilt[500:700] = sound.silence(200)
    at, likeness = sound.lag(x, bytes(spoilt))
    assert at == 0
    assert 0.8 < likeness < 0.95
    assert "200 of 1000" not in sound.differences(x, x)
    assert "the first is number 500" in sound.differences(x, bytes(spoilt))


def test_bursts_of_a_cadence():
    x = sound.linear(sound.cadence(((450.0, -10.0),), ((350, 250), (100, 300)), 2))
    found = sound.bursts(x, join=200)
    assert [b.start for b in found] == pytest.approx([0, 4800, 8000, 12800], abs=3)
    assert [b.length for b in found] == pytest.approx([2800, 800, 2800, 800], abs=3)


def keyed(low: float, high: float) -> bytes:
    return sound.sine((low, -10.0), (high, -8.0), samples=640) + sound.silence(480)


def test_keys_reads_all_digits_and_no_false_ones():
    for row in range(4):
        for column in range(4):
            (key,) = sound.keys(sound.linear(keyed(sound.LOW_HZ[row], sound.HIGH_HZ[column])))
            assert key.digit == sound.KEYS[row][column]
            assert key.low_dbm0 == pytest.approx(-10.0, abs=0.5)
            assert key.high_dbm0 == pytest.approx(-8.0, abs=0.5)
            assert key.burst.length == pytest.approx(640, abs=8)
    (off,) = sound.keys(sound.linear(keyed(697.0 * 1.04, 1209.0)))
    assert off.digit == ""


def test_speech_has_the_level_that_was_asked_for():
    x = sound.linear(sound.speech(4, 2.0, -20.0))
    assert sound.power_dbm0(x) == pytest.approx(-20.0, abs=0.2)
