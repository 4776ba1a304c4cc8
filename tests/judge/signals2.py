"""Room: sounds and measuring helpers of the judges of tones, answers, caller ID, R2, fax and echo.
Must not use the product's senders or tables, nor judge anything itself.

Sound is float64 in units of int16 (full scale 32768) until `line` makes it what a line delivers:
int16 after A-law.  0 dBm0 is 3.14 dB under the sine that just overloads A-law (ITU-T G.711).
"""

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.judge import signals

RATE = 8000
LANES = 16  # lines that a detector's Python face takes at once
PEAK = 32768.0 * 10 ** (-3.14 / 20)  # of a sine of 0 dBm0, ITU-T G.711
RMS = PEAK / np.sqrt(2)
FLOOR = -68.0  # chosen: dBm0, the noise of a quiet line, so that silence is never all zeros

Samples = NDArray[np.float64]
Linear = NDArray[np.int16]


class AbsentError(RuntimeError):
    """A detector's Python face is not there; the text says which."""


def face(module: str, name: str) -> Any:
    """One name of a face (``cti_board.dsp.<module>``).  AbsentError."""
    try:
        return getattr(import_module(f"cti_board.dsp.{module}"), name)
    except (ImportError, AttributeError) as error:
        raise AbsentError(f"cti_board.dsp.{module}.{name} is not there: {error}") from error


def count_of(ms: float) -> int:
    return round(ms * RATE / 1000)


def sine(
    hz: float | NDArray[np.float64], ms: float, dbm0: float = -10.0, phase: float = 0.0
) -> Samples:
    """One tone; hz may be an array of momentary frequencies."""
    n = count_of(ms)
    steps = np.broadcast_to(np.asarray(hz, np.float64), (n,))
    turns = np.concatenate(([0.0], np.cumsum(steps)[:-1])) / RATE
    return np.asarray(PEAK * 10 ** (dbm0 / 20) * np.sin(2 * np.pi * turns + phase))


def tones(hz: Iterable[float], ms: float, dbm0: float = -10.0, rng: Any = None) -> Samples:
    """Several tones at once, each at the level; phases at random with a generator."""
    out = np.zeros(count_of(ms))
    for each in hz:
        out += sine(each, ms, dbm0, rng.uniform(0, 2 * np.pi) if rng is not None else 0.0)
    return out


def silence(ms: float) -> Samples:
    return np.zeros(count_of(ms))


def noise(rng: np.random.Generator, samples: int, dbm0: float) -> Samples:
    """White noise, 0 to 4 kHz."""
    return rng.standard_normal(samples) * (RMS * 10 ** (dbm0 / 20))


def noisy(rng: np.random.Generator, sound: Samples, dbm0: float) -> Samples:
    """The sound under noise of this level."""
    return sound + noise(rng, len(sound), dbm0)


def level(sound: NDArray[Any]) -> float:
    """dBm0 of all samples (a sine of 0 dBm0 measures 0)."""
    power = float(np.mean(np.square(np.asarray(sound, np.float64)))) if len(sound) else 0.0
    return float(10 * np.log10(max(power, 1e-9) / RMS**2))


def active(sound: NDArray[Any]) -> float:
    """dBm0 of the loud part: steps of 20 ms within 25 dB of the loudest (chosen; a simple
    stand-in for the active level of ITU-T P.56)."""
    steps = np.asarray(sound[: len(sound) // 160 * 160], np.float64).reshape(-1, 160)
    powers = np.mean(np.square(steps), axis=1)
    if not len(powers) or powers.max() <= 0:
        return -90.0
    return float(10 * np.log10(powers[powers > powers.max() / 316].mean() / RMS**2))


def at_level(sound: NDArray[Any], dbm0: float) -> Samples:
    """The sound with this active level."""
    return np.asarray(sound, np.float64) * 10 ** ((dbm0 - active(sound)) / 20)


def alaw(sound: NDArray[Any]) -> Linear:
    """int16 after A-law, by our own reading of G.711."""
    return signals.through(sound)


def line(rng: np.random.Generator, sound: Samples, floor: float = FLOOR) -> Linear:
    """What a line delivers: a floor of noise, then A-law."""
    return alaw(noisy(rng, sound, floor))


def batches(sounds: Sequence[Linear], lanes: int = LANES) -> Iterable[tuple[int, Linear]]:
    """(index of the first, (lines, samples)): filled up with silence, A-law's own zero apart."""
    for first in range(0, len(sounds), lanes):
        part = sounds[first : first + lanes]
        out = np.zeros((len(part), max(map(len, part))), np.int16)
        for row, sound in zip(out, part, strict=True):
            row[: len(sound)] = sound
        yield first, out


def hear(find: Callable[..., Any], sounds: Sequence[Linear], **how: Any) -> list[list[Any]]:
    """What a face that takes sixteen lines finds in each sound, in order of its begin."""
    found: list[list[Any]] = [[] for _ in sounds]
    order = sorted(range(len(sounds)), key=lambda i: len(sounds[i]))
    sorted_sounds = [sounds[i] for i in order]
    for first, batch in batches(sorted_sounds):
        for thing in find(batch, **how):
            found[order[first + thing.line]].append(thing)
    return found


def theirs(find: Callable[..., Any], sounds: Sequence[Linear], *args: Any) -> list[list[Any]]:
    """The same for the rival, sound by sound."""
    return [list(find(sound, *args)) for sound in sounds]


def share(good: Iterable[bool]) -> float:
    """Percent."""
    marks = list(good)
    return 100.0 * sum(marks) / len(marks) if marks else 0.0


def median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if len(values) else None
