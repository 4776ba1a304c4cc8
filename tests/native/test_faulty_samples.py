"""A sample that is no number is heard as silence, and the next digit is heard as ever."""

import numpy as np
import pytest

from tests.native import dsp_rig as rig
from tests.native.dsp_rig import ffi, lib


def digits_of(frames: np.ndarray) -> str:
    bank = rig.Bank("dtmf")
    for lane in range(rig.LANES):
        bank.arm(lane)
    heard = ""
    for frame in frames:
        lanes = np.ascontiguousarray(np.repeat(frame[:, None], rig.LANES, axis=1), np.float32)
        pointer = ffi.cast("const float (*)[16]", ffi.from_buffer(lanes))
        count = lib.ctb_dtmf_bank_run(bank.bank, pointer, 1, bank.hits, 256)
        heard += "".join(chr(h.a) for h in bank.hits[0:count] if h.kind == rig.DTMF_BEGIN)
    return heard


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("at", [50, 900])
def test_digits_are_heard_after_a_sample_that_is_no_number(wrong, at):
    parts = [rig.silence(60)]
    for key in "123":
        parts += [rig.dtmf(key, 80), rig.silence(80)]
    sound = np.concatenate(parts) / 32768
    sound[at] = wrong
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    assert digits_of(frames).endswith("23")
    if at == 50:
        assert digits_of(frames) == "123"
