"""The bank of echo cancellers: lanes, masks, instruction sets, refusals, the tone disabler."""

import hashlib

import numpy as np
import pytest

from tests.native import echo_rig as rig
from tests.native.dsp_rig import SETS, ffi, lib, on_set, rms

FRAME = 160
BIG = 32768.0


class Bank:
    """Sixteen lanes; sound is (lines, samples), 16-bit linear."""

    def __init__(self, lanes=range(16), **params):
        out = ffi.new("ctb_echo_bank_t **")
        assert lib.ctb_echo_bank_alloc(out) == 0
        self.bank = ffi.gc(out[0], lib.ctb_echo_bank_free)
        for lane in lanes:
            assert self.arm(lane, **params) == 0

    def arm(self, lane, **params):
        wanted = ffi.new("ctb_echo_params_t *", lib.ctb_echo_default)
        for name, value in params.items():
            setattr(wanted, name, value)
        return lib.ctb_echo_bank_arm(self.bank, lane, wanted)

    def run(self, rx, tx, mask=0xFFFF):
        out = np.zeros((rx.shape[1], 16), np.float32)
        sent = np.zeros((rx.shape[1], 16), np.float32)
        out[:, : len(rx)], sent[:, : len(tx)] = rx.T / BIG, tx.T / BIG
        for start in range(0, len(out), FRAME):
            lib.ctb_echo_bank_run(
                self.bank,
                ffi.cast("float (*)[16]", out[start:].ctypes.data),
                ffi.cast("const float (*)[16]", sent[start:].ctypes.data),
                mask,
            )
        return out.T[: len(rx)]

    def erle_db(self, lane):
        talk = ffi.new("int *")
        return lib.ctb_echo_bank_erle(self.bank, lane, talk) / 100, bool(talk[0])


def busy(seed=1, seconds=2.0):
    """Speech with echo, talk of the near end, noise, and silence at the end."""
    tx = rig.sent_lines(rig.talk, seconds, -15, seed)
    tx[:, -8000:] *= (np.arange(16) % 3 > 0)[:, None]
    rng = np.random.default_rng(seed + 1)
    near = np.zeros_like(tx)
    near[::4, 4000:9600] = [rig.talk(rng, 0.7, -20) for _ in range(4)]
    return rig.heard_lines(tx, seed + 2, near=near, noise_dbm0=-52), tx


def test_a_lane_cleans_the_same_whatever_its_place_and_neighbours():
    rx, tx = busy()
    together = Bank().run(rx, tx)
    for lane in range(0, 16, 5):
        place = (lane + 11) % 16
        alone_rx, alone_tx = np.zeros_like(rx), np.zeros_like(tx)
        alone_rx[place], alone_tx[place] = rx[lane], tx[lane]
        assert (Bank().run(alone_rx, alone_tx, 1 << place)[place] == together[lane]).all()


def test_a_neighbour_with_a_longer_tail_changes_nothing():
    rx, tx = busy()
    expected = Bank(tail_ms=16).run(rx, tx)
    mixed = Bank(tail_ms=16)
    mixed.arm(5, tail_ms=64, delay=77)
    others = np.delete(np.arange(16), 5)
    assert (mixed.run(rx, tx)[others] == expected[others]).all()


def test_arming_a_used_lane_is_arming_a_fresh_one():
    rx, tx = busy()
    expected = Bank(tail_ms=32).run(rx, tx)
    used = Bank(tail_ms=64, delay=200)
    used.run(*busy(seed=8))
    for lane in range(16):
        used.arm(lane, tail_ms=32)
    assert (used.run(rx, tx) == expected).all()


def test_a_lane_outside_the_mask_keeps_its_state_and_its_sound():
    rx, tx = busy()
    expected = Bank().run(rx, tx)
    split, cut = Bank(), 160 * 37
    first = split.run(rx[:, :cut], tx[:, :cut])
    strange = rx.copy()
    strange[3] = 1234
    rest = split.run(strange[:, cut:], tx[:, cut:], 0xFFFF & ~(1 << 3))
    late = split.run(rx[:, cut:], tx[:, cut:], 1 << 3)
    others = np.delete(np.arange(16), 3)
    assert (np.concatenate([first, rest], axis=1)[others] == expected[others]).all()
    assert (rest[3] == np.float32(1234 / BIG)).all()
    assert (np.concatenate([first[3], late[3]]) == expected[3]).all()
    assert (late[others] == (rx[others, cut:] / BIG).astype(np.float32)).all()


def test_a_lane_never_armed_is_armed_as_usual():
    rx, tx = busy(seconds=1.5)
    assert (Bank(lanes=()).run(rx, tx) == Bank().run(rx, tx)).all()


def test_an_empty_mask_touches_nothing():
    rx, tx = busy(seconds=1.5)
    assert (Bank().run(rx, tx, 0) == (rx / BIG).astype(np.float32)).all()


def test_silence_is_cheap_and_exact():
    """Without tx nothing is echo: the line goes through to the bit, idle codes included."""
    rx = rig.heard_lines(np.zeros((16, 8000)), 5, noise_dbm0=-50)
    idle = np.tile(np.resize([8.0, -8.0, 8.0, 8.0], 8000), (16, 1))
    assert (Bank().run(rx, idle) == (rx / BIG).astype(np.float32)).all()


@pytest.mark.parametrize(
    "params",
    [
        {"tail_ms": 8}, {"tail_ms": 72}, {"tail_ms": 33}, {"delay": 1601},
        {"nonlinear": 2}, {"tone_disable": 7},
    ],
)
def test_a_bad_parameter_is_refused_and_the_lane_goes_on(params):
    rx, tx = busy(seconds=1.5)
    bank = Bank()
    assert bank.arm(2, **params) == -22
    assert (bank.run(rx, tx) == Bank().run(rx, tx)).all()


@pytest.mark.parametrize("lane", [-1, 16])
def test_a_lane_that_does_not_exist_is_refused(lane):
    assert Bank().arm(lane) == -22


def test_failed_allocations_leave_nothing_behind():
    out = ffi.new("ctb_echo_bank_t **")
    for nth in range(3):
        lib.ctb_engine_fail_alloc(nth)
        assert lib.ctb_echo_bank_alloc(out) == -12
    lib.ctb_engine_fail_alloc(-1)
    assert lib.ctb_echo_bank_alloc(out) == 0
    lib.ctb_echo_bank_free(out[0])
    lib.ctb_echo_bank_free(ffi.NULL)


def sound_hash():
    """Of every sample of sixteen busy lines: filters, comfort noise and double talk."""
    bank = Bank()
    digest = hashlib.sha256(bank.run(*busy(seconds=2.5)).tobytes())
    digest.update(repr([bank.erle_db(lane) for lane in range(16)]).encode())
    return digest.hexdigest()


@pytest.mark.parametrize("wish", SETS)
def test_every_instruction_set_makes_the_same_samples(wish):
    assert on_set(wish, "test_echo_bank", "sound_hash()") == [sound_hash()]


def test_erle_and_double_talk_are_told():
    tx = rig.sent_lines(rig.white, 2, -13, 3)
    near = np.zeros_like(tx)
    near[1, 12000:] = rms(-20) * 1.4 * np.sin(np.arange(4000) * 0.7)
    bank = Bank()
    assert bank.erle_db(0) == (0, False)
    bank.run(rig.heard_lines(tx, 4, near=near), tx)
    for lane in range(16):
        erle, talk = bank.erle_db(lane)
        assert 30 < erle < 45
        assert talk == (lane == 1)


# ---- tone disabler, G.168 clause 7 ----

SECONDS = 4


def answer_tone(hz=2100.0, every_ms=450.0, turn_deg=180.0, dbm0=-12.0, swing=0.0):
    """From 0.5 to 2.5 s, its phase turned every so often (0: never)."""
    t = np.arange(2 * 8000) / 8000
    turns = np.floor(t * 1000 / every_ms) if every_ms else 0 * t
    tone = rms(dbm0) * 2**0.5 * np.cos(2 * np.pi * hz * t + turns * np.radians(turn_deg))
    tone *= 1 + swing * np.cos(2 * np.pi * 15 * t)
    return np.pad(tone, (4000, SECONDS * 8000 - len(t) - 4000))


def off_span(tone, side, **params):
    """From when to when the line goes through as it came, in seconds; None: never for 0.1 s.
    What is sent is faint noise, so that there is something to cancel all the time."""
    rng = np.random.default_rng(6)
    hiss = rig.white(rng, SECONDS, -50 + 6)
    tx = rig.through_alaw(hiss + (tone if side == "tx" else 0))[None]
    back = rig.echo(tx[0], rig.hybrid(rng, 0)) + (tone if side == "rx" else 0)
    rx = rig.through_alaw(back)[None]
    out = Bank(nonlinear=0, **params).run(rx, tx, 1)[0]
    same = (out == (rx[0] / BIG).astype(np.float32)).reshape(-1, 80).all(axis=1)
    from_start = same[100:]  # the filter has learned by then
    found = np.flatnonzero(from_start) / 100 + 1
    return (found[0], found[-1]) if len(found) > 10 else None


@pytest.mark.parametrize("side", ["tx", "rx"])
@pytest.mark.parametrize(
    "tone",
    [
        {}, {"hz": 2079}, {"hz": 2121}, {"dbm0": -31}, {"dbm0": 0}, {"swing": 0.2},
        {"every_ms": 426}, {"every_ms": 474}, {"turn_deg": 156}, {"turn_deg": 204},
    ],
)
def test_reversing_answer_tone_disables_within_a_second(tone, side):
    off = off_span(answer_tone(**tone), side)
    assert off is not None
    assert off[0] < 0.5 + 1.0


@pytest.mark.parametrize("side", ["tx", "rx"])
@pytest.mark.parametrize(
    "tone",
    [
        {"every_ms": 0}, {"turn_deg": 105}, {"hz": 2200}, {"hz": 2000}, {"dbm0": -40},
        {"every_ms": 225}, {"every_ms": 600},
    ],
)
def test_other_tones_do_not_disable(tone, side):
    assert off_span(answer_tone(**tone), side) is None


def test_the_disabler_can_be_left_out():
    assert off_span(answer_tone(), "rx", tone_disable=0) is None


def test_it_comes_back_250_ms_after_the_signal():
    """The hiss of -44 dBm0 is under -36 dBm0, so the end of the tone at 2.5 s is the end."""
    off = off_span(answer_tone(), "rx")
    assert 2.5 + 0.1 < off[1] < 2.5 + 0.4


def test_speech_does_not_disable():
    tx = rig.sent_lines(rig.talk, 10, -15, 7)
    rx = rig.heard_lines(tx, 8)
    out = Bank(nonlinear=0).run(rx, tx)
    on = Bank(nonlinear=0, tone_disable=0).run(rx, tx)
    assert (out == on).all()
