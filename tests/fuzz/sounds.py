"""Room: the fuzz's sound: scenes of sixteen lines, glued from clips that a seed draws.  Must not
call the library under test: its G.711 and its signals are numpy's.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.native.dsp_rig import ALAW, FRAME, HIGH_HZ, KEYS, LANES, LOW_HZ, RATE

Clip = NDArray[np.float64]
Rng = np.random.Generator
ALAW_FLOAT = ALAW / 32768
R2_HZ = (1380, 1500, 1620, 1740, 1860, 1980, 1140, 1020, 900, 780, 660, 540)  # ITU-T Q.441
CADENCES_MS = ((350, 350), (500, 500), (700, 700), (250, 250), (100, 100), (1000, 4000))
PROGRESS_HZ = (350, 400, 425, 440, 450, 480, 620, 950, 1400, 1800)  # of national tones
NO_NUMBERS = (np.nan, np.inf, -np.inf, 3e38, -3e38)


def peak(rng: Rng, least: float = -50.0, most: float = 3.0) -> float:
    """Of a sine between two levels in dBm0; 1.0 = full scale."""
    return float(10 ** ((rng.uniform(least, most) - 3.14) / 20))


def sine(n: int, hz: float, rng: Rng) -> Clip:
    phase = rng.uniform(0, 2 * np.pi)
    return np.asarray(np.sin(2 * np.pi * hz / RATE * np.arange(n) + phase))


def length(rng: Rng) -> int:
    """Samples: from one to 0.75 s, short ones as likely as long ones."""
    return int(2 ** rng.uniform(0, 12.5))


def silence(rng: Rng) -> Clip:
    return np.zeros(length(rng))


def idle(rng: Rng) -> Clip:
    """The A-law code of a silent line, or one code for ever."""
    return np.full(length(rng), ALAW_FLOAT[int(rng.choice([0xD5, 0x55, int(rng.integers(256))]))])


def codes(rng: Rng) -> Clip:
    """A-law codes at random: data on a voice line."""
    return np.asarray(ALAW_FLOAT[rng.integers(0, 256, length(rng))])


def noise(rng: Rng) -> Clip:
    return rng.normal(0, peak(rng), length(rng))


def saturated(rng: Rng) -> Clip:
    """Nothing but the greatest samples, in a random order or every nth turning."""
    n, turn = length(rng), int(rng.integers(1, 40))
    signs = rng.choice([-1.0, 1.0], n) if rng.random() < 0.5 else (-1.0) ** (np.arange(n) // turn)
    return np.asarray(signs * float(rng.choice([1.0, 32767 / 32768, 32256 / 32768, 4.0])))


def offset(rng: Rng) -> Clip:
    """A constant, with or without a tone on it."""
    n = length(rng)
    return rng.uniform(-1, 1) + peak(rng) * sine(n, rng.uniform(0, 4000), rng)


def impulses(rng: Rng) -> Clip:
    clip = np.zeros(length(rng))
    clip[:: int(rng.integers(1, 200))] = rng.uniform(-1, 1)
    return clip


def tiny(rng: Rng) -> Clip:
    """Numbers under the least normal one, and just over it."""
    return rng.choice([1e-45, -1e-40, 1e-38, 1e-30, 0.0, -0.0], length(rng))


def tone(rng: Rng) -> Clip:
    return peak(rng) * sine(length(rng), rng.uniform(0, 4000), rng)


def sweep(rng: Rng) -> Clip:
    n = length(rng)
    hz = np.linspace(rng.uniform(0, 4000), rng.uniform(0, 4000), n)
    return np.asarray(peak(rng) * np.sin(2 * np.pi * np.cumsum(hz) / RATE))


def digit(rng: Rng) -> Clip:
    """A key, in or out of limits: length, level, twist and frequencies."""
    row, column = divmod(int(rng.integers(len(KEYS))), 4)
    n, low, twist = int(rng.uniform(100, 1200)), peak(rng, -35, 0), rng.uniform(-12, 8)
    off = 1 + rng.normal(0, 0.01, 2)
    return low * sine(n, LOW_HZ[row] * off[0], rng) + low * 10 ** (twist / 20) * sine(
        n, HIGH_HZ[column] * off[1], rng
    )


def dialled(rng: Rng) -> Clip:
    """Digits as a telephone sends them."""
    parts = []
    for _ in range(int(rng.integers(1, 5))):
        parts += [digit(rng), np.zeros(int(rng.uniform(80, 800)))]
    return np.concatenate(parts)


def pair(rng: Rng) -> Clip:
    """Two of the R2 frequencies."""
    a, b = rng.choice(R2_HZ, 2, replace=False)
    n = int(rng.uniform(80, 2000))
    return peak(rng, -35, 0) * (sine(n, a, rng) + peak(rng, -6, 6) * sine(n, b, rng))


def progress(rng: Rng) -> Clip:
    """A burst of one or two of the exchanges' frequencies."""
    n = int(rng.choice([100, 200, 350, 500, 700, 1000])) * 8 + int(rng.integers(-80, 80))
    burst = peak(rng, -40, 0) * sine(n, float(rng.choice(PROGRESS_HZ)), rng)
    return burst + peak(rng, -60, 0) * sine(n, float(rng.choice(PROGRESS_HZ)), rng)


def cadence(rng: Rng) -> Clip:
    """Two to six cycles of a national tone, or that tone without a pause."""
    on, off = CADENCES_MS[int(rng.integers(len(CADENCES_MS)))]
    hz = ((450,), (425,), (350, 440), (480, 620), (440, 480))[int(rng.integers(5))]
    cycles = int(rng.integers(2, 7)) if rng.random() < 0.8 else 1
    n = on * 8 if cycles > 1 else int(rng.uniform(3000, 20000))
    burst = peak(rng, -35, -3) * sum(sine(n, f, rng) for f in hz)
    return np.tile(np.concatenate([burst, np.zeros(off * 8)]), cycles)


def answer_tone(rng: Rng) -> Clip:
    """1100, 1300 or 2100 Hz; reversed, modulated, neither or both."""
    n = int(rng.uniform(1000, 6000))
    clip = peak(rng, -43, 0) * sine(n, float(rng.choice([1100, 1300, 2100])), rng)
    if rng.random() < 0.5:
        clip *= (-1.0) ** (np.arange(n) // int(rng.uniform(2800, 4200)))
    if rng.random() < 0.5:
        clip *= 1 + 0.2 * sine(n, 15, rng)
    return clip


def message(rng: Rng) -> Clip:
    """FSK bits of a caller's number: seizure, mark, and bytes that may mean something."""
    mark, space = ((1200, 2200), (1300, 2100))[int(rng.integers(2))]
    data = bytes([int(rng.choice([4, 0x80, int(rng.integers(256))])), int(rng.integers(12))])
    data += rng.bytes(int(rng.integers(1, 12)))
    data += bytes([-sum(data) & 0xFF])
    bits = [0, 1] * int(rng.integers(0, 150)) + [1] * int(rng.integers(30, 180))
    for byte in data:
        bits += [0, *(byte >> k & 1 for k in range(8)), 1]
    at = (np.arange(int(len(bits) * RATE / 1200)) * 1200 // RATE).astype(int)
    hz = np.where(np.array(bits)[np.minimum(at, len(bits) - 1)], mark, space)
    return np.asarray(peak(rng, -40, 0) * np.sin(2 * np.pi * np.cumsum(hz) / RATE))


def no_number(rng: Rng) -> Clip:
    """What a program may hand over as float: not a number, endless, beyond all loudness."""
    return rng.choice(NO_NUMBERS, int(rng.integers(1, 40)))


CLIPS: tuple[Callable[[Rng], Clip], ...] = (
    silence, idle, codes, noise, saturated, offset, impulses, tiny, tone, sweep, digit, dialled,
    pair, progress, cadence, answer_tone, message,
)  # fmt: skip
NO_NUMBER_SHARE = 0.01  # of clips; the lane is armed again after each


def cut(clip: Clip, rng: Rng) -> Clip:
    """Now and then the first or the last part is missing, or a frame of it is."""
    if rng.random() > 0.3 or len(clip) < 2:
        return clip
    at = int(rng.integers(1, len(clip)))
    return (clip[at:], clip[:at], np.concatenate([clip[:at], clip[at + FRAME :]]))[
        int(rng.integers(3))
    ]


def line(samples: int, rng: Rng) -> Clip:
    parts: list[Clip] = []
    while (missing := samples - sum(map(len, parts))) > 0:
        kind = no_number if rng.random() < NO_NUMBER_SHARE else CLIPS[int(rng.integers(len(CLIPS)))]
        parts.append(cut(kind(rng), rng)[:missing])
    return np.concatenate(parts)


def scene(frames: int, rng: Rng) -> NDArray[np.float32]:
    """Sixteen lines as a bank takes them: (frames, 160, 16)."""
    lines = np.stack([line(frames * FRAME, rng) for _ in range(LANES)])
    quiet = np.isfinite(lines) & (rng.random((LANES, 1)) < 0.3)
    with np.errstate(over="ignore", invalid="ignore"):
        lines = np.where(quiet, lines + rng.normal(0, 1e-3, lines.shape), lines)
        made = lines.T.reshape(frames, FRAME, LANES).astype(np.float32)
    return np.ascontiguousarray(made)
