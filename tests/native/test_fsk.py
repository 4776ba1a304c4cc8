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
    inverted: int = -1,
) -> rig.Signal:
    """Seizure, marks, characters of 8 bits; phase-continuous; twist = space over mark.

    ``inverted`` is a bit that is sent wrong, counted from the seizure's first.
    """
    bits = [n % 2 for n in range(seizure)] + [1] * marks
    for byte in data:
        bits += [0, *(byte >> n & 1 for n in range(8)), 1] + [1] * stuffing
    bits += [1] * 10
    if inverted >= 0:
        bits[inverted] ^= 1
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

    def messages(self, signal: rig.Signal, block: int = 160) -> list[tuple[bytes, int, int, int]]:
        """(bytes, checksum right, standard, level) of each message, after A-law."""
        linear = rig.ALAW[rig.alaw_codes(signal)]
        message, found = ffi.new("ctb_fsk_message_t *"), []
        for start in range(0, len(linear), block):
            part = np.ascontiguousarray(linear[start : start + block])
            if lib.ctb_fsk_rx_run(
                self.rx, ffi.cast("int16_t *", part.ctypes.data), len(part), message
            ):
                data = bytes(ffi.buffer(message.data, message.size))
                found.append((data, message.right, message.standard, message.level_cdbm0))
        return found

    def run(self, signal: rig.Signal, block: int = 160) -> list[tuple[str, int, int]]:
        """(number, checksum right, reason for none) of each message, after A-law."""
        told = []
        for data, right, _, _ in self.messages(signal, block):
            said = ffi.new("ctb_caller_id_t *")
            assert lib.ctb_caller_id_parse(said, data, len(data)) == 0
            number = ffi.string(said.number).decode()
            told.append((number, right, ord(said.number_absence)))
        return told


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
@pytest.mark.parametrize("dbm0", [0, -12, -20, -32, -38, -44, -48])
def test_levels(standard, dbm0):
    [(data, right, which, level)] = Receiver().messages(modulate(MDMF + b"\xba", standard, dbm0))
    assert (data, right) == (MDMF + b"\xba", 1)
    assert which == [BELL, V23].index(standard)
    assert level == pytest.approx(100 * dbm0, abs=60)


@pytest.mark.parametrize("standard", [BELL, V23])
@pytest.mark.parametrize("twist_db", [-12, -10, -6, 6, 10, 12])
def test_twist(standard, twist_db):
    assert receive(modulate(MDMF + b"\xba", standard, -22, twist_db=twist_db)) == [(NUMBER, 1, 0)]


OFF_HOOK = {"seizure": 0, "marks": 80}  # Telcordia GR-30


@pytest.mark.parametrize("before", [{}, OFF_HOOK])
@pytest.mark.parametrize("standard", [BELL, V23])
@pytest.mark.parametrize("rate", [0.97, 0.99, 1.01, 1.03])
def test_bit_rates(rate, standard, before):
    assert receive(modulate(MDMF + b"\xba", standard, rate=rate, **before)) == [(NUMBER, 1, 0)]


@pytest.mark.parametrize("before", [{}, OFF_HOOK])
@pytest.mark.parametrize("standard", [BELL, V23])
@pytest.mark.parametrize("factor", [0.96, 0.98, 0.99, 1.01, 1.02, 1.04])
def test_frequencies(factor, standard, before):
    mark, space = standard
    signal = modulate(MDMF + b"\xba", (mark * factor, space * factor), **before)
    [(data, right, which, _)] = Receiver().messages(signal)
    assert (data, right, which) == (MDMF + b"\xba", 1, [BELL, V23].index(standard))


@pytest.mark.parametrize("standard", [BELL, V23])
def test_noise_20_db_under_the_signal(standard):
    rng = np.random.default_rng(6)
    for _ in range(60):
        signal = modulate(MDMF + b"\xba", standard, -20)[int(rng.integers(0, 160)) :]
        assert receive(signal + rig.noise(rng, len(signal), -40)) == [(NUMBER, 1, 0)]


@pytest.mark.parametrize("standard", [BELL, V23])
@pytest.mark.parametrize(("snr_db", "share"), [(9, 0.99), (7, 0.97), (5, 0.75)])
def test_messages_in_white_noise(standard, snr_db, share):
    """Non-coherent detection in theory: 99 % at 7.4 dB in 0 to 4 kHz."""
    rng, good, count = np.random.default_rng(8), 0, 100
    clean = modulate(MDMF + b"\xba", standard, -20)
    for _ in range(count):
        signal = clean[int(rng.integers(0, 160)) :]
        found = Receiver().messages(signal + rig.noise(rng, len(signal), -20 - snr_db))
        good += any(data == MDMF + b"\xba" and right for data, right, _, _ in found)
    assert good >= share * count


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


@pytest.mark.parametrize("standard", [BELL, V23])
def test_direct_current_and_hum_under_a_message(standard):
    signal = modulate(MDMF + b"\xba", standard, -30)
    t = np.arange(len(signal)) / rig.RATE
    under = 400 + rig.peak(-24) * np.sin(2 * np.pi * 50 * t)
    assert receive(signal + under) == [(NUMBER, 1, 0)]


def test_noise_makes_no_wrong_message_right():
    """1 to 4 dB: most are spoilt, and the checksum alone would let one of 256 of these through."""
    rng, good, wrong = np.random.default_rng(21), 0, 0
    clean = modulate(MDMF + b"\xba", BELL, -20)
    for n in range(600):
        noise = rig.noise(rng, len(clean), -21 - n % 4)
        for data, right, _, _ in Receiver().messages(clean + noise):
            good += right and data == MDMF + b"\xba"
            wrong += right and data != MDMF + b"\xba"
    assert wrong <= 1  # measured: 3 of 6000
    assert good >= 100


def test_a_bad_stop_bit_is_not_right():
    """The bytes add up, but a space stands where a character should end."""
    stop = 480 + 10 * 8 + 9
    told = Receiver().messages(modulate(MDMF + b"\xba", inverted=stop))
    assert [(data, right) for data, right, _, _ in told] == [(MDMF + b"\xba", 0)]


def test_the_longest_message():
    message = bytes([0x80, 255, 0x07, 253]) + bytes(n % 251 for n in range(253))
    [(data, right, _, _)] = Receiver().messages(modulate(with_checksum(message)))
    assert (data, right) == (with_checksum(message), 1)


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
