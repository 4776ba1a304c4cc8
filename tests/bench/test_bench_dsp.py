"""Speed of the signal library, one frame (20 ms) of sixteen lines at a time.

Ratios to a named rival are printed in extra_info; nothing is asserted about time.
"""

from typing import Any

import numpy as np
import pytest

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


@pytest.mark.parametrize("who", ["ours", "numpy table"])
def test_alaw_decode(benchmark, codes, who):
    data, out = codes.reshape(-1), np.zeros(codes.size, np.int16)
    source, target = ffi.cast("uint8_t *", data.ctypes.data), ffi.cast("int16_t *", out.ctypes.data)
    if who == "ours":
        benchmark(lib.ctb_alaw_decode, target, source, data.size)
    else:
        benchmark(np.take, rig.ALAW, data, out=out, mode="clip")
    assert (out == rig.ALAW[data]).all()


@pytest.mark.parametrize("who", ["ours", "numpy table"])
def test_alaw_encode(benchmark, codes, who):
    linear = rig.ALAW[codes.reshape(-1)]
    out = np.zeros(linear.size, np.uint8)
    table = rig.alaw_codes(np.arange(65536).astype(np.uint16).view(np.int16))
    if who == "ours":
        benchmark(
            lib.ctb_alaw_encode,
            ffi.cast("uint8_t *", out.ctypes.data),
            ffi.cast("int16_t *", linear.ctypes.data),
            linear.size,
        )
    else:
        benchmark(np.take, table, linear.view(np.uint16), out=out, mode="clip")
    assert (out == codes.reshape(-1)).all()


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
    rx, event = ffi.gc(out[0], lib.ctb_fsk_rx_free), ffi.new("ctb_event_t *")
    samples = np.random.default_rng(1).integers(-3000, 3000, 160).astype(np.int16)
    assert benchmark(
        lib.ctb_fsk_rx_run, rx, ffi.cast("int16_t *", samples.ctypes.data), 160, event
    ) in (0, 1)
