"""Room: caller-ID messages and their sound, made for judging.  Must share nothing with the
product's sender.

FSK: Bell 202 (Telcordia GR-30: mark 1200 Hz, space 2200 Hz, 1200 bit/s, 300 alternating bits,
180 marks) and V.23 (ETSI EN 300 659-1: 1300 and 2100 Hz).  DTMF form: ETSI EN 300 659-1 annex B.
"""

import numpy as np

from tests.judge.signals2 import PEAK, RATE, Samples, silence, tones

MARK_SPACE_HZ = {"bell202": (1200.0, 2200.0), "v23": (1300.0, 2100.0)}
BIT_RATE = 1200.0
DATE, NUMBER, NUMBER_ABSENT, NAME, NAME_ABSENT = 1, 2, 4, 7, 8  # Telcordia GR-30 parameter types
SDMF, MDMF = 0x04, 0x80
LOW_HZ, HIGH_HZ = (697, 770, 852, 941), (1209, 1336, 1477, 1633)  # ITU-T Q.23
KEYPAD = "123A456B789C*0#D"


def checksum(message: bytes) -> int:
    """Two's complement of the sum mod 256, GR-30."""
    return -sum(message) & 0xFF


def mdmf(*parameters: tuple[int, bytes]) -> bytes:
    """A multiple data message without its checksum."""
    body = b"".join(bytes((kind, len(data))) + data for kind, data in parameters)
    return bytes((MDMF, len(body))) + body


def sdmf(date: bytes, number: bytes) -> bytes:
    """A single data message without its checksum."""
    return bytes((SDMF, len(date) + len(number))) + date + number


def whole(message: bytes) -> bytes:
    return message + bytes((checksum(message),))


def random_message(rng: np.random.Generator) -> bytes:
    """22 bytes of MDMF: date and an eight-digit number."""
    date = f"{rng.integers(1, 13):02d}{rng.integers(1, 29):02d}" \
           f"{rng.integers(0, 24):02d}{rng.integers(0, 60):02d}"
    number = f"{rng.integers(2 * 10**7, 9 * 10**7)}"
    return mdmf((DATE, date.encode()), (NUMBER, number.encode()))


def bits_of(data: bytes, seizure: int = 300, marks: int = 180, tail: int = 12) -> list[int]:
    """Seizure, marks, and each byte with start and stop bit, least bit first."""
    bits = [i % 2 for i in range(seizure)] + [1] * marks
    for byte in data:
        bits += [0, *((byte >> i) & 1 for i in range(8)), 1]
    return bits + [1] * tail


def fsk(
    bits: list[int], standard: str = "bell202", dbm0: float = -13.5, *, twist_db: float = 0.0,
    frequency: float = 1.0, rate: float = 1.0, phase: float = 0.0,
) -> Samples:
    """Phase-continuous FSK, bit boundaries between samples where they fall; `dbm0` is the mean
    level of mark and space (dB), twist = space over mark; `frequency` and `rate`
    multiply the standard's."""
    mark, space = (hz * frequency for hz in MARK_SPACE_HZ[standard])
    values = np.asarray(bits)
    per_second = BIT_RATE * rate
    edges = np.arange(len(values) + 1) / per_second
    turns = np.concatenate(([0.0], np.cumsum(np.where(values == 1, mark, space)))) / per_second
    at = np.arange(int(edges[-1] * RATE)) / RATE
    which = values[np.minimum((at * per_second).astype(int), len(values) - 1)]
    level = 10 ** ((dbm0 + np.where(which == 1, -0.5, 0.5) * twist_db) / 20)
    return np.asarray(PEAK * level * np.sin(2 * np.pi * np.interp(at, edges, turns) + phase))


def call(message: bytes, standard: str, rng: np.random.Generator, **how: float) -> Samples:
    """A whole message (checksum included) with a little silence on both sides."""
    before, after = rng.uniform(100, 300), rng.uniform(100, 200)
    sound = fsk(bits_of(message), standard, phase=rng.uniform(0, 6.28), **how)
    return np.concatenate([silence(before), sound, silence(after)])


def digits(text: str, dbm0: float = -8.0, on_ms: float = 50.0, off_ms: float = 50.0) -> Samples:
    """DTMF digits, equal levels."""
    parts = []
    for key in text:
        row, column = divmod(KEYPAD.index(key), 4)
        parts += [tones((LOW_HZ[row], HIGH_HZ[column]), on_ms, dbm0), silence(off_ms)]
    return np.concatenate(parts)


def ring_residue(rng: np.random.Generator, ms: float, hz: float, dbm0: float) -> Samples:
    """What of a ring burst's 20 or 25 Hz comes through the card, dying out after its end."""
    t = np.arange(round(ms * 8)) / RATE
    wave = np.sin(2 * np.pi * hz * t + rng.uniform(0, 6))
    fade = np.exp(-np.maximum(0.0, t - t[-1] * 0.6) / 0.03)
    return np.asarray(PEAK * 10 ** (dbm0 / 20) * wave * fade)


def click(rng: np.random.Generator, ms: float, dbm0: float = 0.0) -> Samples:
    """A reversal of the line's polarity as the card hears it: a decaying step."""
    t = np.arange(round(ms * 8)) / RATE
    out = PEAK * 10 ** (dbm0 / 20) * np.exp(-t / 0.004) * np.cos(2 * np.pi * 180 * t)
    return np.asarray(out * rng.choice([-1, 1]))
