"""Room: the recordings of people and of music, one by one, for judges that cut them their own way.
Judges nothing; a detector must never be tuned on it.

Speech is that of `corpus`; the music is what telephone systems play to those who wait, fetched
the same way.  OSError where it is not there and cannot be fetched.
"""

import wave
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tests.judge import corpus
from tests.judge.signals import MissingError
from tests.judge.signals2 import RATE, Linear, Samples

MUSIC = "asterisk-moh-opsound-wav"
QUICK = ("it menardi", "es co", "fr armelle")  # the small sets


@cache
def set_of(name: str) -> tuple[Samples, ...]:
    """The recordings of one set of `corpus.PACKAGES`, each at -15 dBm0 active.  OSError."""
    try:
        batch = corpus.speech(name)
    except MissingError as error:
        raise OSError(str(error)) from error
    return tuple(batch.sound[m.line, m.begin : m.end].astype(np.float64) for m in batch.marks)


def recordings(quick: bool) -> list[Samples]:
    """All speech; in a quick run the small sets.  OSError."""
    return [r for name in (QUICK if quick else corpus.PACKAGES) for r in set_of(name)]


def faster(sound: Samples, pace: float) -> Samples:
    """The recording played at another pace, pitch and all."""
    at = np.arange(0, len(sound) - 1, pace)
    return np.asarray(np.interp(at, np.arange(len(sound)), sound))


def _read(path: str) -> NDArray[np.int16]:
    with wave.open(path) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
            raise OSError(f"{path} is not 8000 Hz, one channel, 16 bit")
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


@cache
def music(quick: bool) -> list[Linear]:
    """Recorded music; in a quick run a minute of each piece.  OSError."""
    try:
        there = corpus.unpacked(MUSIC)
    except MissingError as error:
        raise OSError(str(error)) from error
    pieces = [_read(str(path)) for path in sorted(there.rglob("*.wav"))]
    return [piece[: 60 * RATE] if quick else piece for piece in pieces]
