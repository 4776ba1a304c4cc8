"""The generator of DTMF strings, judged by numpy and by libspandsp's receiver."""

from collections.abc import Iterable

import numpy as np
import pytest

from tests.native import dsp_rig as rig
from tests.native import spandsp_oracle
from tests.native.dsp_rig import KEYS, ffi, lib

MS = 8  # samples


def dial(
    digits: str,
    on_ms: int = 50,
    off_ms: int = 50,
    level: int = -1000,
    twist: int = 0,
    block: int = 160,
) -> rig.Signal:
    gen = ffi.new("char[]", lib.ctb_dial_gen_size())
    start = ffi.cast("ctb_dial_gen_t *", gen)
    assert (
        lib.ctb_dial_gen_start(
            start, digits.encode(), on_ms, off_ms, level, twist, ffi.new("int *")
        )
        == 0
    )
    out: list[np.ndarray] = []
    while True:
        acc = np.zeros(block, np.int32)
        made = lib.ctb_dial_gen_add(start, ffi.cast("int32_t *", acc.ctypes.data), block)
        out.append(acc[:made])
        if made < block:
            return np.concatenate(out).astype(float)


def test_a_dialled_string_has_its_levels_lengths_and_frequencies():
    signal = dial("9,5", 80, 40, -1200, 200)
    assert len(signal) == (80 + 40 + 500 + 80 + 40) * MS
    parts = [signal[: 80 * MS], signal[620 * MS : 700 * MS]]
    assert not signal[80 * MS : 620 * MS].any()
    for key, part in zip("95", parts, strict=True):
        t = np.arange(len(part)) / rig.RATE
        row, column = divmod(KEYS.index(key), 4)
        basis = [
            f(2 * np.pi * hz * t)
            for hz in (rig.LOW_HZ[row], rig.HIGH_HZ[column])
            for f in (np.sin, np.cos)
        ]
        weights, residue, *_ = np.linalg.lstsq(np.stack(basis, axis=1), part, rcond=None)
        assert abs(20 * np.log10(np.hypot(*weights[:2]) / rig.peak(-12))) < 0.01
        assert abs(20 * np.log10(np.hypot(*weights[2:]) / rig.peak(-10))) < 0.01
        assert residue[0] / len(part) < 0.2  # rounding to whole numbers alone: 1/12


@pytest.mark.parametrize("block", [1, 7, 160, 333])
def test_a_dialled_string_is_the_same_in_any_blocks(block):
    assert (dial("1*D,0", block=block) == dial("1*D,0", block=4096)).all()


@pytest.mark.parametrize(("digits", "bad"), [("12x4", 2), ("a", 0), ("123 ", 3), ("1" * 256, 255)])
def test_a_bad_digit_is_named(digits, bad):
    gen, index = ffi.new("char[]", lib.ctb_dial_gen_size()), ffi.new("int *")
    start = ffi.cast("ctb_dial_gen_t *", gen)
    assert lib.ctb_dial_gen_start(start, digits.encode(), 50, 50, -1000, 0, index) == -22
    assert index[0] == bad


def heard_by(names: Iterable[str]) -> None:
    oracle = spandsp_oracle.load()
    for digits in names:
        assert spandsp_oracle.dtmf_heard(oracle, dial(digits).astype(np.int16)) == digits


def test_libspandsp_hears_what_we_dial():
    heard_by([KEYS, "13901234567", "*21*8675309#"])
