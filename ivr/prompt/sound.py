"""Room: the centre's prompts, the sounds that are not speech: the tone and the melody.

Pure: numbers in, samples out.  The melody is our own: eight bars over C - a - F - G, on a soft
plucked voice and a quiet pad.  It is a loop: what still sounds at its end is added to its
beginning, so the join is not heard.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from .alaw import RATE_HZ, Samples
from .level import FULL_SCALE_SINE_DBM0, rms_dbm0

BEEP_HZ = 1000  # chosen: no signalling tone of the network, not a DTMF frequency
BEEP_DBM0 = -13.0  # chosen: clear but below the level of a DTMF key
BEEP_MS = 250  # chosen
FADE_MS = 5  # chosen: no click at the ends

BEAT_S = 15.0 / 32  # chosen: eight bars of four beats are 15 s
MUSIC_DBM0 = -20.0  # chosen: softer than the speech that interrupts it
C4_HZ = 261.626  # ISO 16: A4 = 440 Hz
# semitones above C4, beats; None is a rest
MELODY: tuple[tuple[int | None, float], ...] = (
    (7, 1.5), (9, 0.5), (7, 1), (4, 1), (2, 1), (4, 1), (7, 2),
    (9, 1.5), (12, 0.5), (9, 1), (7, 1), (4, 1), (2, 1), (4, 1), (None, 1),
    (5, 1.5), (9, 0.5), (12, 1), (9, 1), (7, 1), (5, 1), (9, 2),
    (7, 1), (11, 1), (9, 1), (7, 1), (2, 1), (5, 1), (4, 0.5), (2, 0.5), (None, 1),
)  # fmt: skip
# two bars to a chord
CHORDS = ((0, 4, 7), (-3, 0, 4), (-7, -3, 0), (-5, -1, 2))
PLUCK = ((1, 1.0, 0.55), (2, 0.25, 0.3), (3, 0.08, 0.18))  # harmonic, level, decay in s
PAD = ((1, 1.0, 4.0), (2, 0.3, 3.0))


def beep() -> Samples:
    """The tone after which a message is recorded."""
    amplitude = 10 ** ((BEEP_DBM0 - FULL_SCALE_SINE_DBM0) / 20)
    count = BEEP_MS * RATE_HZ // 1000
    return fade(amplitude * np.sin(2 * np.pi * BEEP_HZ * np.arange(count) / RATE_HZ))


def hold_music() -> Samples:
    """The loop of 15 s for a caller who waits."""
    beats = sum(length for _, length in MELODY)
    loop = np.zeros(round(beats * BEAT_S * RATE_HZ))
    at = 0.0
    for note, length in MELODY:
        if note is not None:
            _add(loop, at, _voice(note, length + 1, PLUCK, attack_s=0.012))
        at += length
    for number, chord in enumerate(CHORDS):
        for note in chord:
            _add(loop, number * 8, 0.22 * _voice(note, 9, PAD, attack_s=0.4))
    return np.asarray(loop * 10 ** ((MUSIC_DBM0 - rms_dbm0(loop)) / 20))


SOUNDS: Mapping[str, Callable[[], Samples]] = MappingProxyType(
    {"beep": beep, "hold_music": hold_music}
)


def fade(samples: Samples) -> Samples:
    """The same samples with soft ends."""
    count = min(FADE_MS * RATE_HZ // 1000, len(samples) // 2)
    ramp = np.sin(np.pi / 2 * (np.arange(count) + 0.5) / max(count, 1)) ** 2
    faded = samples.copy()
    faded[:count] *= ramp
    faded[len(faded) - count :] *= ramp[::-1]
    return faded


def _voice(
    note: int, beats: float, harmonics: tuple[tuple[int, float, float], ...], *, attack_s: float
) -> Samples:
    """One note; the last beat is its release."""
    seconds = np.arange(round(beats * BEAT_S * RATE_HZ)) / RATE_HZ
    hz = C4_HZ * 2 ** (note / 12)
    tone = np.zeros(len(seconds))
    for harmonic, level, decay_s in harmonics:
        tone += level * np.exp(-seconds / decay_s) * np.sin(2 * np.pi * harmonic * hz * seconds)
    attack = np.minimum(seconds / attack_s, 1.0)
    release = np.clip((seconds[-1] - seconds) / BEAT_S, 0.0, 1.0)
    return np.asarray(tone * attack * release)


def _add(loop: Samples, beat: float, note: Samples) -> None:
    """Adds a note from a beat on; what goes beyond the end comes in at the beginning."""
    start = round(beat * BEAT_S * RATE_HZ)
    np.add.at(loop, (start + np.arange(len(note))) % len(loop), note)
