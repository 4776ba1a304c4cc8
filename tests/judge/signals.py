"""Room: sound for the judges, made with numpy and sox, coded by our own reading of G.711.
Must not import the product: a generator that shares code with a detector shares its faults.

Sound is float64 in units of 16-bit linear (peak 32768) until `through` codes it to int16.
Levels are dBm0: the A-law overload point is +3.14 dBm0 (ITU-T G.711), mu-law's is 0.03 dB higher
and is not told apart here.  Frequencies in Hz, times in ms, noise spans 0 to 4 kHz.
"""

import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

RATE = 8000
LOW_HZ = (697.0, 770.0, 852.0, 941.0)  # ITU-T Q.23
HIGH_HZ = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS = "123A456B789C*0#D"
Law = Literal["alaw", "ulaw", "linear"]
Signal = NDArray[np.float64]
Pcm = NDArray[np.int16]


class MissingError(RuntimeError):
    """Something of this machine that a row needs (a program, recordings) is not here; the text
    says what."""


def samples(ms: float) -> int:
    """Samples of a time, to the nearest."""
    return round(ms * RATE / 1000)


def peak(dbm0: float) -> float:
    """Peak of a sine of that level."""
    return float(32768 * 10 ** ((dbm0 - 3.14) / 20))


def rms(dbm0: float) -> float:
    """Root mean square of a signal of that level."""
    return peak(dbm0) / 2**0.5


def level(signal: NDArray[Any]) -> float:
    """Level of a signal, dBm0; -120 for digital silence."""
    power = float(np.mean(np.square(np.asarray(signal, np.float64))))
    return 20 * float(np.log10(max(power**0.5, rms(-120.0)) / rms(0.0)))


def tone(hz: float, ms: float, dbm0: float, phase: float = 0.0) -> Signal:
    """One sine."""
    return peak(dbm0) * np.sin(2 * np.pi * hz * np.arange(samples(ms)) / RATE + phase)


def white(rng: np.random.Generator, shape: int | tuple[int, ...], dbm0: float) -> Signal:
    """White gaussian noise of 0 to 4 kHz."""
    return rng.normal(0.0, rms(dbm0), shape)


def band_noise(
    rng: np.random.Generator, shape: tuple[int, int], dbm0: float, low_hz: float, high_hz: float
) -> Signal:
    """Gaussian noise of one band alone, its whole power `dbm0`."""
    spectrum = np.fft.rfft(rng.normal(0.0, 1.0, shape), axis=1)
    hz = np.fft.rfftfreq(shape[1], 1 / RATE)
    spectrum[:, (hz < low_hz) | (hz > high_hz)] = 0
    made = np.fft.irfft(spectrum, shape[1], axis=1)
    return np.asarray(made * (rms(dbm0) / np.sqrt(np.mean(made**2))))


# ---- ITU-T G.711 ----


def _alaw_value(magnitude: NDArray[np.int64]) -> NDArray[np.int64]:
    """Table 1/G.711 on magnitudes below 4096: the middle of the interval."""
    chord = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int64) - 4, 1)
    width = np.int64(1) << chord  # of an interval; the first two segments have the same
    return np.asarray((magnitude // width) * width + width // 2)


def _ulaw_value(magnitude: NDArray[np.int64]) -> NDArray[np.int64]:
    """Table 2/G.711 on 13 bits of magnitude: 33 is the bias of its segments."""
    biased = np.minimum(magnitude, 8158) + 33
    width = np.int64(2) << (np.floor(np.log2(biased)).astype(np.int64) - 5)
    return np.asarray((biased // width) * width + width // 2 - 33)


@cache
def heard_as(law: Law) -> Pcm:
    """What each of the 65536 linear values is after coding and decoding, by value + 32768."""
    value = np.arange(-32768, 32768, dtype=np.int64)
    if law == "alaw":
        # negative values are one's complement: -1 is the first interval below zero
        heard = _alaw_value(np.where(value < 0, ~value, value) >> 3) * 8
    elif law == "ulaw":
        magnitude = np.abs(value) >> 2
        heard = _ulaw_value(magnitude) * 4
    else:
        return value.astype(np.int16)
    return np.where(value < 0, -heard, heard).astype(np.int16)


def through(signal: NDArray[Any], law: Law = "alaw") -> Pcm:
    """int16 as it comes out of a line of that law; what is too loud is clipped."""
    value = np.clip(np.rint(signal), -32768, 32767).astype(np.int32)
    return np.asarray(heard_as(law)[value + 32768])


# ---- sox ----


RAW = ("-t", "raw", "-e", "signed", "-b", "16")


ONE_LINE = (*RAW, "-c", "1", "-r", str(RATE), "-")


def _sox(*words: str, given: bytes = b"") -> bytes:
    try:
        return subprocess.run(
            ["sox", "-R", "-V1", *words], input=given, capture_output=True, check=True
        ).stdout
    except FileNotFoundError as error:
        raise MissingError("sox is not installed") from error


def _run_sox(source: Sequence[str], effects: Sequence[str], given: bytes = b"") -> Pcm:
    return np.frombuffer(_sox(*source, *ONE_LINE, *effects, given=given), np.int16).copy()


def gsm(sound: Pcm) -> Pcm:
    """A sound coded by GSM 06.10 and decoded, both by sox.  Errors as `sox`."""
    frames = _sox(*ONE_LINE, "-t", "gsm", "-", given=np.ascontiguousarray(sound).tobytes())
    return _run_sox(["-t", "gsm", "-r", str(RATE), "-c", "1", "-"], [], frames)


def sox(given: Pcm, *effects: str) -> Pcm:
    """What sox makes of a sound.  subprocess.CalledProcessError; MissingError without sox.

    Its dither has a fixed seed (-R), so the result is the same each time.
    """
    return _run_sox(ONE_LINE, effects, np.ascontiguousarray(given).tobytes())


def sox_file(path: Path) -> Pcm:
    """A sound file of any kind that sox knows, at 8000 Hz.  Errors as `sox`."""
    return _run_sox([str(path)], [])


def sox_tones(hz: Sequence[float], ms: float, dbm0: float) -> Pcm:
    """Tones of equal level, `dbm0` each, made and mixed by sox alone.  Errors as `sox`."""
    voices = [word for f in hz for word in ("sine", str(f))]
    mix = ",".join(str(n + 1) for n in range(len(hz)))
    effects = ["synth", f"{ms / 1000}", *voices]
    effects += ["gain", f"{dbm0 - 3.14:.4f}", "remix", "-m", mix]
    return _run_sox(["-r", str(RATE), "-c", str(len(hz)), "-n"], effects)
