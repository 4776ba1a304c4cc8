"""G.711: bit-exact both ways against an independent reading of the tables, and by level."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.native import dsp_rig as rig
from tests.native import spandsp_oracle
from tests.native.dsp_rig import ffi, lib

ALL_LINEAR = np.arange(-32768, 32768)


def call(name: str, data: Any, result: type) -> Any:
    out = np.zeros(len(data), result)
    types = {np.uint8: "uint8_t *", np.int16: "int16_t *"}
    getattr(lib, name)(
        ffi.cast(types[result], out.ctypes.data),
        ffi.cast(types[data.dtype.type], data.ctypes.data),
        len(data),
    )
    return out


def test_alaw_decodes_every_code_as_the_table_says():
    codes = np.arange(256, dtype=np.uint8)
    assert (call("ctb_alaw_decode", codes, np.int16) == rig.alaw_table()).all()
    assert [lib.ctb_alaw_to_linear(c) for c in range(256)] == rig.alaw_table().tolist()


def test_ulaw_decodes_every_code_as_the_table_says():
    codes = np.arange(256, dtype=np.uint8)
    assert (call("ctb_ulaw_decode", codes, np.int16) == rig.ulaw_table()).all()
    assert [lib.ctb_ulaw_to_linear(c) for c in range(256)] == rig.ulaw_table().tolist()


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (0xD5, 8),
        (0x55, -8),
        (0xAA, 32256),
        (0x2A, -32256),  # least and greatest of table 1
    ],
)
def test_alaw_ends_of_the_table(code, value):
    assert lib.ctb_alaw_to_linear(code) == value


def test_alaw_encodes_every_sample_into_its_interval():
    """12 magnitude bits, one's complement for negatives (ITU-T G.191)."""
    got = call("ctb_alaw_encode", ALL_LINEAR.astype(np.int16), np.uint8)
    assert (got == rig.alaw_codes(ALL_LINEAR)).all()
    assert [lib.ctb_linear_to_alaw(int(x)) for x in ALL_LINEAR[::37]] == got[::37].tolist()


def test_ulaw_encodes_every_sample_into_its_interval():
    """14 bits with one's complement for negatives; decision values lie midway between outputs."""
    got = call("ctb_ulaw_encode", ALL_LINEAR.astype(np.int16), np.uint8)
    outputs = np.sort(rig.ulaw_table()[128:].astype(int))  # the positive half, 0 first
    magnitude = np.minimum(np.where(ALL_LINEAR < 0, ~ALL_LINEAR, ALL_LINEAR) >> 2, 0x1FFF - 33)
    # decision values of table 2/G.711: 0 1 3 5 ... 31, then every 4, 8, ... 256
    edges = np.concatenate(
        [[0], np.arange(1, 31, 2)]
        + [np.arange(16) * (4 << k) + ((64 << k) - 33) for k in range(7)]
        + [[10**6]]
    )
    index = np.searchsorted(edges, magnitude, side="right") - 1
    assert (np.abs(rig.ulaw_table()[got].astype(int)) == outputs[np.minimum(index, 127)]).all()
    assert ((got & 0x80 != 0) == (ALL_LINEAR >= 0)).all()


@pytest.mark.parametrize("law", ["alaw", "ulaw"])
def test_codes_come_back_from_their_own_value(law):
    codes = np.arange(256, dtype=np.uint8)
    back = call(f"ctb_{law}_encode", call(f"ctb_{law}_decode", codes, np.int16), np.uint8)
    expected = codes.copy()
    if law == "ulaw":
        expected[0x7F] = 0xFF  # both mean 0; the encoder calls it positive
    assert (back == expected).all()


def test_laws_convert_through_linear():
    codes = np.arange(256, dtype=np.uint8)
    to_alaw = call("ctb_ulaw_to_alaw", codes, np.uint8)
    assert (to_alaw == rig.alaw_codes(rig.ulaw_table())).all()
    to_ulaw = call("ctb_alaw_to_ulaw", codes, np.uint8)
    linear = call("ctb_alaw_decode", codes, np.int16)
    assert (to_ulaw == call("ctb_ulaw_encode", linear, np.uint8)).all()


def test_the_digital_milliwatt_is_0_dbm0():
    """ITU-T G.711 table 5: this sequence of eight codes is 1 kHz at 0 dBm0."""
    codes = np.frombuffer(bytes.fromhex("34212134B4A1A1B4"), np.uint8)
    linear = call("ctb_alaw_decode", np.tile(codes, 20), np.int16).astype(float)
    level = 10 * np.log10(np.mean(linear**2) / rig.rms(0.0) ** 2)
    assert abs(level) < 0.01


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=160, max_size=160), st.sets(st.integers(0, 15)))
def test_lanes_are_the_decoded_lines_and_silence(frame, silent):
    codes = np.frombuffer(frame, np.uint8)
    buffers = [ffi.from_buffer(np.roll(codes, lane)) for lane in range(16)]
    sources = ffi.new("const uint8_t *[16]")
    for lane in range(16):
        sources[lane] = ffi.NULL if lane in silent else ffi.cast("uint8_t *", buffers[lane])
    out = np.full((160, 16), 9.0, np.float32)
    lib.ctb_alaw_to_lanes(ffi.cast("float (*)[16]", out.ctypes.data), sources)
    for lane in range(16):
        expected = rig.ALAW[np.roll(codes, lane)] / 32768 * (lane not in silent)
        assert (out[:, lane] == expected.astype(np.float32)).all()


def test_agrees_with_libspandsp_where_it_is_there():
    _, oracle = spandsp_oracle.load()
    for law in ("alaw", "ulaw"):
        decode = getattr(oracle, f"oracle_{law}_to_linear")
        assert [decode(c) for c in range(256)] == [
            getattr(lib, f"ctb_{law}_to_linear")(c) for c in range(256)
        ]
    ours = call("ctb_alaw_encode", ALL_LINEAR.astype(np.int16), np.uint8)
    theirs = np.array([oracle.oracle_linear_to_alaw(int(x)) for x in ALL_LINEAR])
    different = np.abs(rig.ALAW[ours].astype(int) - rig.ALAW[theirs]) > 0
    # where it differs, the sample lies on the edge of two intervals (its rounding of negatives)
    assert (ALL_LINEAR[different] < 0).all()
    assert np.mean(different) < 0.05
