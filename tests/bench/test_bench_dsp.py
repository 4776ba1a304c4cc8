"""Speed of the signal library, one frame (20 ms) of sixteen lines at a time.

Ratios to a named rival are printed in extra_info; nothing is asserted about time.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest
from cffi import FFI

from tests.native import dsp_rig as rig
from tests.native import spandsp_oracle
from tests.native.dsp_rig import busy_lines, ffi, lib
from tests.native.test_tones import PLANS, c_plan

FRAMES = 200


@pytest.fixture(scope="module")
def codes() -> Any:
    return rig.lines([np.tile(s, 3)[: FRAMES * rig.FRAME] for s in busy_lines()])


def lane_frames(codes: Any) -> list[Any]:
    """The lines as frames of lanes, made once; the arrays keep each other alive."""
    frames = np.zeros((FRAMES, rig.FRAME, rig.LANES), np.float32)
    frames[:] = (rig.ALAW[codes] / 32768).T.reshape(FRAMES, rig.FRAME, rig.LANES)
    return [(frames, ffi.cast("const float (*)[16]", frames[i].ctypes.data)) for i in range(FRAMES)]


@pytest.mark.parametrize("kind", ["dtmf", "tone", "talk"])
def test_bank(benchmark, codes, kind):
    bank = rig.Bank(kind, c_plan(PLANS["cn"]) if kind == "tone" else None)
    for lane in range(rig.LANES):
        bank.arm(lane)
    frames, run = lane_frames(codes), bank._run
    benchmark.extra_info["set"] = ffi.string(lib.ctb_simd_name()).decode()
    benchmark.extra_info["frames"] = FRAMES

    def pass_over() -> int:
        return sum(run(bank.bank, frame, 0xFFFF, bank.hits, 256) for _, frame in frames)

    found = benchmark(pass_over)
    assert found > 0 or kind != "dtmf"


def test_alaw_to_lanes(benchmark, codes):
    sources = ffi.new(
        "const uint8_t *[16]", [ffi.cast("uint8_t *", codes[n].ctypes.data) for n in range(16)]
    )
    out = np.zeros((rig.FRAME, rig.LANES), np.float32)
    lanes = ffi.cast("float (*)[16]", out.ctypes.data)
    benchmark(lib.ctb_alaw_to_lanes, lanes, sources)
    assert (out[:, 3] == (rig.ALAW[codes[3, : rig.FRAME]] / 32768).astype(np.float32)).all()


def test_automatic_level(benchmark, codes):
    out = ffi.new("ctb_agc_bank_t **")
    assert lib.ctb_agc_bank_alloc(out) == 0
    bank = ffi.gc(out[0], lib.ctb_agc_bank_free)
    frame = (rig.ALAW[codes[:, : rig.FRAME]].T / 32768).astype(np.float32).copy()
    benchmark(lib.ctb_agc_bank_run, bank, ffi.cast("float (*)[16]", frame.ctypes.data), 0xFFFF)
    assert (np.abs(frame) <= 0.984).all()


LAWS = {"alaw": 0, "ulaw": 1}  # g711_init's modes
FRAME_AND_BLOCK = [rig.FRAME, 65536]


@cache
def g711_of_libspandsp() -> Any:
    """(ffi, lib) of libspandsp's own block functions; skips where the library is absent."""
    spandsp = FFI()
    spandsp.cdef(
        "typedef struct g711_state_s g711_state_t;"
        "g711_state_t *g711_init(g711_state_t *s, int mode);"
        "int g711_free(g711_state_t *s);"
        "int g711_decode(g711_state_t *s, int16_t amp[], const uint8_t data[], int bytes);"
        "int g711_encode(g711_state_t *s, uint8_t data[], const int16_t amp[], int len);"
    )
    try:
        return spandsp, spandsp.dlopen("libspandsp.so.2")
    except OSError as error:
        return str(error)


@pytest.mark.parametrize("n", FRAME_AND_BLOCK)
@pytest.mark.parametrize("who", ["ours", "libspandsp"])
@pytest.mark.parametrize("way", ["decode", "encode"])
@pytest.mark.parametrize("law", LAWS)
def test_g711(benchmark, law, way, who, n):
    rng = np.random.default_rng(n)
    codes = rng.integers(0, 256, n).astype(np.uint8)
    table = rig.ALAW if law == "alaw" else rig.ulaw_table()
    linear = table[codes]
    data, out = (codes, np.zeros(n, np.int16)) if way == "decode" else (linear, codes.copy())
    benchmark.extra_info["samples"] = n
    if who == "ours":
        types = ("int16_t *", "uint8_t *") if way == "decode" else ("uint8_t *", "int16_t *")
        target, source = (
            ffi.cast(t, x.ctypes.data) for t, x in zip(types, (out, data), strict=True)
        )
        benchmark(getattr(lib, f"ctb_{law}_{way}"), target, source, n)
    else:
        rival = g711_of_libspandsp()
        if isinstance(rival, str):
            pytest.skip(rival)
        sp_ffi, sp = rival
        state = sp_ffi.gc(sp.g711_init(sp_ffi.NULL, LAWS[law]), sp.g711_free)
        target, source = (sp_ffi.cast("void *", x.ctypes.data) for x in (out, data))
        benchmark(getattr(sp, f"g711_{way}"), state, target, source, n)
    if way == "decode":
        assert (out == linear).all()
    else:
        assert (table[out] == linear).all()


def test_lanes_to_alaw(benchmark, codes):
    frame = (rig.ALAW[codes[:, : rig.FRAME]].T / 32768).astype(np.float32).copy()
    out = np.zeros((rig.LANES, rig.FRAME), np.uint8)
    rows = [ffi.cast("uint8_t *", out[n].ctypes.data) for n in range(rig.LANES)]
    targets = ffi.new("uint8_t *[16]", rows)
    benchmark(lib.ctb_lanes_to_alaw, targets, ffi.cast("const float (*)[16]", frame.ctypes.data))
    assert (rig.ALAW[out] == rig.ALAW[codes[:, : rig.FRAME]]).all()


def test_dtmf_of_libspandsp(benchmark, codes):
    """The rival of test_bank[dtmf]: the same sixteen lines, one receiver each."""
    ours, (sp_ffi, oracle) = codes, spandsp_oracle.load()
    lines = [np.ascontiguousarray(rig.ALAW[ours[n]]) for n in range(16)]
    receivers = [sp_ffi.gc(oracle.oracle_dtmf_rx(), oracle.dtmf_rx_free) for _ in lines]
    starts = [
        [sp_ffi.cast("int16_t *", line[i * 160 :].ctypes.data) for line in lines]
        for i in range(FRAMES)
    ]

    def pass_over() -> int:
        return sum(
            oracle.dtmf_rx(rx, at, 160)
            for frame in starts
            for rx, at in zip(receivers, frame, strict=True)
        )

    assert benchmark(pass_over) == 0


def test_fsk(benchmark):
    out = ffi.new("ctb_fsk_rx_t **")
    assert lib.ctb_fsk_rx_alloc(out) == 0
    rx, message = ffi.gc(out[0], lib.ctb_fsk_rx_free), ffi.new("ctb_fsk_message_t *")
    samples = np.random.default_rng(1).integers(-3000, 3000, 160).astype(np.int16)
    assert benchmark(
        lib.ctb_fsk_rx_run, rx, ffi.cast("int16_t *", samples.ctypes.data), 160, message
    ) in (0, 1)
