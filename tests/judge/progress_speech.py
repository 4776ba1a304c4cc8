"""Room: call-progress tones that nobody sent, in all the recorded speech and music at hand.  Must
not be used to tune a detector.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tests.judge import real_speech as speech
from tests.judge import table
from tests.judge.row import Row
from tests.judge.signals2 import Linear, alaw, at_level, count_of

GROUP = "call progress"
ANY = frozenset({"dial", "ringback", "busy", "congestion", "vacant", "sit"})
CHUNK = 8000 * 60  # chosen: a minute a line
PERIOD_MS = 700  # GB/T 3380: busy tone's 350 ms on and 350 ms off

Measure = Callable[[Sequence[Linear], frozenset[str]], tuple[float, float]]


def minutes_of(recordings: Sequence[Linear]) -> list[Linear]:
    """All recordings one after another, in lines of a minute."""
    joined = np.concatenate(recordings)
    return [joined[at : at + CHUNK] for at in range(0, len(joined), CHUNK)]


def keyed(sound: Linear, share_off: float) -> Linear:
    """Speech that is turned down by this share at the tempo of busy tone."""
    phase = np.arange(len(sound)) % count_of(PERIOD_MS)
    return alaw(np.where(phase < count_of(PERIOD_MS / 2), 1.0, 1 - share_off) * sound)


def _hours(sounds: Sequence[Linear]) -> float:
    return sum(map(len, sounds)) / 8000 / 3600


def _row(name: str, sounds: Sequence[Linear], measure: Measure, note: str) -> Row:
    ours, rival = measure(sounds, ANY)
    return Row(GROUP, f"false tones: {name}", "tones", ours, rival, 0.0, "low", ahead=True,
               synthetic=0.0, source="asked", note=f"{_hours(sounds):.2f} h; {note}")


def rows(quick: bool, measure: Measure) -> Iterator[Row]:
    """Speech as it is, faster and slower, and keyed; music."""
    try:
        recordings = speech.recordings(quick)
    except OSError as error:
        yield table.unknown(GROUP, "false tones in real speech", str(error))
        return
    plain = minutes_of([alaw(at_level(r, -18)) for r in recordings])
    yield _row("real speech", plain, measure, "unique, recordings of prompts in several languages")
    if not quick:
        varied = minutes_of([alaw(at_level(speech.faster(r, pace), -24))
                             for pace in (0.85, 1.15) for r in recordings[::2]])
        yield _row("real speech, pace 0.85 and 1.15", varied, measure, "variants of the same")
    part = plain[:: 4 if quick else 1]
    for off in (0.8, 1.0):
        yield _row(f"real speech keyed 350/350 ms, {100 * off:.0f} % down",
                   [keyed(s, off) for s in part], measure, "an adversary: speech at busy tempo")
    try:
        tunes = minutes_of([alaw(at_level(r, -20)) for r in speech.music(quick)])
    except OSError as error:
        yield table.unknown(GROUP, "false tones in recorded music", str(error))
        return
    yield _row("recorded music (on hold)", tunes, measure, "guitar and band pieces")
