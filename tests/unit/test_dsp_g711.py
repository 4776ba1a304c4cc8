"""G.711 on arrays: shapes, kinds, and the same codes as the tables."""

import numpy as np
import pytest

pytest.importorskip("cti_board._native._media", reason="the media plane is not built")
from cti_board.dsp import g711
from tests.native import dsp_rig as rig

CODES = np.arange(256, dtype=np.uint8)


def test_codes_and_samples_are_those_of_the_tables():
    assert (g711.alaw_decode(CODES) == rig.alaw_table()).all()
    assert (g711.ulaw_decode(CODES) == rig.ulaw_table()).all()
    assert (g711.alaw_encode(rig.alaw_table()) == CODES).all()
    assert (g711.ulaw_decode(g711.ulaw_encode(rig.ulaw_table())) == rig.ulaw_table()).all()
    assert (g711.ulaw_to_alaw(CODES) == rig.alaw_codes(rig.ulaw_table())).all()
    assert (g711.alaw_to_ulaw(CODES) == g711.ulaw_encode(rig.alaw_table())).all()


def test_shapes_are_kept_and_views_are_read_right():
    square = CODES.reshape(4, 8, 8)
    assert (g711.alaw_decode(square[:, ::2]) == rig.alaw_table()[square[:, ::2]]).all()
    assert g711.alaw_decode(np.uint8(0xD5)).shape == ()
    assert g711.ulaw_encode(np.zeros((0, 3), np.int16)).shape == (0, 3)


def test_floats_are_rounded_and_limited():
    samples = np.array([0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 2.5 / 32768])
    whole = np.array([0, 32767, -32768, 32767, -32768, 16384, 2], np.int16)
    assert (g711.alaw_encode(samples) == g711.alaw_encode(whole)).all()
    assert (g711.ulaw_encode(samples.astype(np.float32)) == g711.ulaw_encode(whole)).all()


@pytest.mark.parametrize(
    "wrong", [np.zeros(3, np.int32), np.zeros(3, np.uint8), np.array([np.nan]), np.array([np.inf])]
)
def test_other_samples_are_refused(wrong):
    for encode in (g711.alaw_encode, g711.ulaw_encode):
        with pytest.raises(ValueError, match=r"wanted|not finite"):
            encode(wrong)


def test_other_codes_are_refused():
    for function in (g711.alaw_decode, g711.ulaw_decode, g711.ulaw_to_alaw, g711.alaw_to_ulaw):
        with pytest.raises(ValueError, match="uint8 is wanted"):
            function(np.zeros(3, np.int16))
