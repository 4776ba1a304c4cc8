"""Room: the fuzz's run: chapters of scenes, each by its own seed, so that any one can be run
again alone.  Must not keep anything from chapter to chapter.
"""

import numpy as np

from tests.fuzz.ears import ALL, Ear, Fault, ears
from tests.fuzz.sounds import scene
from tests.native.dsp_rig import LANES, ffi

SCENES, FRAMES = 2, 250  # of a chapter; of a scene, five seconds
FULL = SCENES * FRAMES * LANES  # frames of single lines in a chapter, at most

Rng = np.random.Generator


def other_mask(rng: Rng) -> int:
    """All lanes, any, one, none."""
    return (ALL, int(rng.integers(0, ALL + 1)), 1 << int(rng.integers(LANES)), 0)[
        int(rng.choice(4, p=[0.5, 0.38, 0.08, 0.04]))
    ]


def run_chapter(seed: int, number: int) -> int:
    """Frames of single lines that every detector heard.  Raises `Fault`, which says how to run
    this chapter again."""
    rng = np.random.default_rng([seed, number])
    heard, mask = 0, ALL
    listeners = ears(rng)
    for at in range(SCENES):
        frames = scene(FRAMES, rng)
        right = (np.abs(frames) < 1e30).all(axis=1)  # of each frame and lane
        for step in range(FRAMES):
            if rng.random() < 0.05:
                mask = other_mask(rng)
            if rng.random() < 0.05:
                listeners[int(rng.integers(len(listeners)))].arm(int(rng.integers(LANES)))
            hear(listeners, frames[step], mask, f"--seed {seed} --chapter {number}: {at}.{step}")
            heard += mask.bit_count()
            for lane in np.flatnonzero(~right[step]):
                for ear in listeners:
                    ear.arm(int(lane))
    return heard


def hear(listeners: list[Ear], frame: np.ndarray, mask: int, where: str) -> None:
    pointer = ffi.cast("const float (*)[16]", frame.ctypes.data)
    for ear in listeners:
        try:
            ear.hear(frame, pointer, mask)
        except Fault as fault:
            raise Fault(f"{where}, {ear.name}: {fault}") from fault
