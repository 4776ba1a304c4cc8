"""The FSK receiver for caller identification: Bell 202 and V.23, one and many parameters."""

import numpy as np
import pytest

from tests.native import dsp_rig as rig
from tests.native import spandsp_oracle
from tests.native.dsp_rig import ffi, lib

BELL, V23 = (1200.0, 2200.0), (1300.0, 2100.0)  # mark, space: GR-30; ETSI EN 300 659
MDMF = bytes([0x80, 0x16, 0x01, 8]) + b"03171656" + bytes([0x02, 10]) + b"2156430144"
SDMF = bytes([0x04, 0x12]) + b"03171656" + b"2156430144"
NUMBER = "2156430144"


def with_checksum(message: bytes) -> bytes:
    return message + bytes([-sum(message) & 0xFF])


def modulate(
    data: bytes,
    standard: tuple[float, float] = BELL,
    dbm0: float = -13.5,
    seizure: int = 300,
    marks: int = 180,
    rate: float = 1.0,
    twist_db: float = 0.0,
    stuffing: int = 0,
) -> rig.Signal:
    """Seizure, marks, characters of 8 bits; phase-continuous; twist = space over mark."""
    bits = [n % 2 for n in range(seizure)] + [1] * marks
    for byte in data:
        bits += [0, *(byte >> n & 1 for n in range(8)), 1] + [1] * stuffing
    bits += [1] * 10
    at = (np.arange(int(len(bits) * rig.RATE / (1200 * rate))) * 1200 * rate / rig.RATE).astype(int)
    mark = np.array(bits)[np.minimum(at, len(bits) - 1)] == 1
    phase = np.cumsum(2 * np.pi * np.where(mark, *standard) / rig.RATE)
    level = np.where(mark, rig.peak(dbm0), rig.peak(dbm0 + twist_db))
    return np.concatenate([rig.silence(120), level * np.sin(phase), rig.silence(120)])


class Receiver:
    def __init__(self) -> None:
        out = ffi.new("ctb_fsk_rx_t **")
        assert lib.ctb_fsk_rx_alloc(out) == 0
        self.rx = ffi.gc(out[0], lib.ctb_fsk_rx_free)

    def run(self, signal: rig.Signal, block: int = 160) -> list[tuple[str, int, int]]:
        """(number, checksum right, reason for none) of each message, after A-law."""
        linear = rig.ALAW[rig.alaw_codes(signal)]
        event, found = ffi.new("ctb_event_t *"), []
        for start in range(0, len(linear), block):
            part = np.ascontiguousarray(linear[start : start + block])
            if lib.ctb_fsk_rx_run(
                self.rx, ffi.cast("int16_t *", part.ctypes.data), len(part), event
            ):
                assert (event.kind, event.a) == (38, 1)
                found.append((ffi.string(event.text).decode(), event.b, event.c))
        return found


def receive(signal: rig.Signal, block: int = 160) -> list[tuple[str, int, int]]:
    return Receiver().run(signal, block)


@pytest.mark.parametrize("standard", [BELL, V23])
def test_the_multiple_message_with_checksum_ba(standard):
    assert with_checksum(MDMF)[-1] == 0xBA
    assert receive(modulate(MDMF + b"\xba", standard)) == [(NUMBER, 1, 0)]


@pytest.mark.parametrize("standard", [BELL, V23])
def test_the_single_message_whose_printed_checksum_is_wrong(standard):
    assert receive(modulate(SDMF + b"\xba", standard)) == [(NUMBER, 0, 0)]
    assert receive(modulate(SDMF + b"\x4f", standard)) == [(NUMBER, 1, 0)]


@pytest.mark.parametrize("reason", ["P", "O"])
def test_a_number_withheld_is_its_reason(reason):
    single = with_checksum(bytes([0x04, 9]) + b"03171656" + reason.encode())
    multiple = with_checksum(
        bytes([0x80, 13, 0x01, 8]) + b"03171656" + bytes([0x04, 1]) + reason.encode()
    )
    for message in (single, multiple):
        assert receive(modulate(message)) == [("", 1, ord(reason))]


def test_other_parameters_are_passed_over():
    message = with_checksum(
        bytes([0x80, 21, 0x07, 9]) + b"Li Xiaola" + bytes([0x02, 8]) + b"62345678"
    )
    assert receive(modulate(message)) == [("62345678", 1, 0)]


@pytest.mark.parametrize("standard", [BELL, V23])
@pytest.mark.parametrize("dbm0", [-12, -20, -32, -36])
def test_levels(standard, dbm0):
    assert receive(modulate(MDMF + b"\xba", standard, dbm0)) == [(NUMBER, 1, 0)]


@pytest.mark.parametrize("standard", [BELL, V23])
@pytest.mark.parametrize("twist_db", [-10, -6, 6, 10])
def test_twist(standard, twist_db):
    assert receive(modulate(MDMF + b"\xba", standard, -22, twist_db=twist_db)) == [(NUMBER, 1, 0)]


@pytest.mark.parametrize("rate", [0.97, 0.99, 1.01, 1.03])
def test_bit_rates(rate):
    assert receive(modulate(MDMF + b"\xba", rate=rate)) == [(NUMBER, 1, 0)]


@pytest.mark.parametrize("factor", [0.98, 0.99, 1.01, 1.02])
def test_frequencies(factor):
    assert receive(modulate(MDMF + b"\xba", (1200 * factor, 2200 * factor))) == [(NUMBER, 1, 0)]


@pytest.mark.parametrize("standard", [BELL, V23])
def test_noise_20_db_under_the_signal(standard):
    rng = np.random.default_rng(6)
    for _ in range(60):
        signal = modulate(MDMF + b"\xba", standard, -20)[int(rng.integers(0, 160)) :]
        assert receive(signal + rig.noise(rng, len(signal), -40)) == [(NUMBER, 1, 0)]


@pytest.mark.parametrize("standard", [BELL, V23])
def test_most_messages_arrive_at_11_db(standard):
    rng, good = np.random.default_rng(8), 0
    for _ in range(40):
        signal = modulate(MDMF + b"\xba", standard, -20)
        good += receive(signal + rig.noise(rng, len(signal), -31)) == [(NUMBER, 1, 0)]
    assert good >= 39


def test_off_hook_there_is_no_seizure_and_marks_may_be_stuffed_between_characters():
    assert receive(modulate(MDMF + b"\xba", seizure=0, marks=80)) == [(NUMBER, 1, 0)]
    assert receive(modulate(MDMF + b"\xba", stuffing=5)) == [(NUMBER, 1, 0)]


def test_a_message_cut_off_is_no_message_and_the_next_one_is():
    whole = modulate(MDMF + b"\xba")
    rx = Receiver()
    assert rx.run(np.concatenate([whole[: len(whole) * 2 // 3], rig.silence(300)])) == []
    assert rx.run(whole) == [(NUMBER, 1, 0)]


def test_reset_forgets_half_a_message():
    whole = modulate(MDMF + b"\xba")
    rx = Receiver()
    half = len(whole) * 2 // 3 // 160 * 160
    assert rx.run(whole[:half]) == []
    lib.ctb_fsk_rx_reset(rx.rx)
    assert rx.run(whole[half:]) == []
    assert rx.run(whole) == [(NUMBER, 1, 0)]


@pytest.mark.parametrize("block", [1, 37, 160, 100000])
def test_blocks_make_no_difference(block):
    assert receive(modulate(MDMF + b"\xba"), block) == [(NUMBER, 1, 0)]


def test_noise_tones_and_digits_are_no_message():
    rng = np.random.default_rng(3)
    signal = np.concatenate(
        [
            rig.noise(rng, 80000, -20),
            rig.tone([1200], 2000),
            rig.tone([2200], 2000),
            *(rig.dtmf(k, 80) for k in rig.KEYS),
            rig.noise(rng, 80000, -35),
        ]
    )
    assert receive(signal) == []


@pytest.mark.parametrize("v23", [False, True])
def test_messages_of_libspandsp(v23):
    """Its type, length and checksum are its own; only the contents are ours."""
    signal = spandsp_oracle.caller_id_signal(spandsp_oracle.load(), MDMF, v23)
    assert len(signal) > 4000
    assert receive(np.concatenate([signal.astype(float), rig.silence(50)])) == [(NUMBER, 1, 0)]
