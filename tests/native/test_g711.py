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
GUARD = 0x5A


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


def guarded(name: str, data: Any, result: type, shift: int) -> Any:
    """`call` into memory that is nobody's vector boundary; what lies around it stays."""
    room = np.full((len(data) + 40) * np.dtype(result).itemsize, GUARD, np.uint8)
    size = len(data) * np.dtype(result).itemsize
    source = np.concatenate([np.zeros(shift, np.uint8), data.view(np.uint8)])[shift:]
    types = {np.uint8: "uint8_t *", np.int16: "int16_t *"}
    getattr(lib, name)(
        ffi.cast(types[result], room.ctypes.data + 16),
        ffi.cast(types[data.dtype.type], source.ctypes.data),
        len(data),
    )
    assert (room[:16] == GUARD).all()
    assert (room[16 + size :] == GUARD).all()
    return room[16 : 16 + size].view(result)


def check_blocks() -> None:
    """Every code, every sample, every length to 200 and three odd places: as one by one."""
    rng = np.random.default_rng(7)
    for law in ("alaw", "ulaw"):
        expand = np.array([getattr(lib, f"ctb_{law}_to_linear")(c) for c in range(256)], np.int16)
        wide = ALL_LINEAR.astype(np.int16)
        compress = np.array([getattr(lib, f"ctb_linear_to_{law}")(int(x)) for x in wide], np.uint8)
        assert (call(f"ctb_{law}_encode", wide, np.uint8) == compress).all()
        assert (call(f"ctb_{law}_decode", np.arange(256, dtype=np.uint8), np.int16) == expand).all()
        for n in range(201):
            codes = rng.integers(0, 256, n).astype(np.uint8)
            linear = rng.integers(-32768, 32768, n).astype(np.int16)
            shift = n % 3
            got = guarded(f"ctb_{law}_decode", codes, np.int16, shift)
            assert (got == expand[codes]).all(), (law, n)
            got = guarded(f"ctb_{law}_encode", linear, np.uint8, 2 * shift)
            assert (got == compress[linear.astype(int) + 32768]).all(), (law, n)


def lanes_back(frame: Any, left_out: int) -> Any:
    """What ctb_lanes_to_alaw writes; GUARD where it must not write."""
    out = np.full((16, 160), GUARD, np.uint8)
    targets = ffi.new("uint8_t *[16]")
    for lane in range(16):
        place = ffi.cast("uint8_t *", out[lane].ctypes.data)
        targets[lane] = ffi.NULL if lane == left_out else place
    lib.ctb_lanes_to_alaw(targets, ffi.cast("const float (*)[16]", frame.ctypes.data))
    return out


def check_lanes_back() -> None:
    """Every 16-bit value, halves between them, too loud ones, and what is no number."""
    half = (np.arange(-66000, 66000) / 65536).astype(np.float32)
    values = np.concatenate([half, np.float32([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-40])])
    for start in range(0, len(values), 160 * 16):
        frame = np.zeros(160 * 16, np.float32)
        frame[: len(values) - start] = values[start : start + 160 * 16]
        frame = frame.reshape(160, 16)
        out = lanes_back(frame, left_out=(start // 2560) % 16)
        finite = np.where(np.isfinite(frame), frame, 0).astype(float)
        rounded = np.clip(np.rint(finite * 32768), -32768, 32767)
        expected = call("ctb_alaw_encode", rounded.T.astype(np.int16).ravel(), np.uint8)
        expected = expected.reshape(16, 160)
        expected[(start // 2560) % 16] = GUARD
        assert (out == expected).all()


def test_blocks_of_any_length_at_any_place():
    check_blocks()


def test_lanes_are_rounded_limited_and_coded():
    check_lanes_back()


def right_codes() -> str:
    """AssertionError where a code is wrong."""
    check_blocks()
    check_lanes_back()
    return "right"


@pytest.mark.parametrize("wish", rig.SETS)
def test_every_instruction_set_gives_the_same_codes(wish):
    assert rig.on_set(wish, "test_g711", "right_codes()") == ["right"]


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=160, max_size=160))
def test_a_line_comes_back_from_its_lane(frame):
    codes = np.frombuffer(frame, np.uint8)
    lanes = np.repeat((rig.ALAW[codes] / np.float32(32768))[:, None], 16, axis=1)
    out = lanes_back(np.ascontiguousarray(lanes, np.float32), left_out=9)
    assert (out[:9] == codes).all()
    assert (out[9] == GUARD).all()


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
