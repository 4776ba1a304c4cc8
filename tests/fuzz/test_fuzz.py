"""Whatever is heard, a detector keeps its word; and the checks that say so can fail.

CTB_FUZZ_FRAMES: frames of single lines (20 ms) to run here; .ci/sanitize asks for more.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.native import dsp_rig as rig
from tests.native.test_tones import PLANS

pytest.importorskip("cti_board._native._media", reason="the media plane is not built")
from tests.fuzz import __main__ as campaign
from tests.fuzz import ears
from tests.fuzz.chapter import run_chapter
from tests.fuzz.sounds import CLIPS, scene

FRAMES = int(os.environ.get("CTB_FUZZ_FRAMES", "10000"))
SEED = 2026
SILENCE = np.zeros((rig.FRAME, rig.LANES), np.float32)
DTMF = ears.KINDS[0]


def test_every_detector_keeps_its_word():
    heard = chapters = 0
    while heard < FRAMES:
        heard += run_chapter(SEED, chapters)
        chapters += 1
    assert heard >= FRAMES


def test_every_detector_of_the_library_is_there():
    """A bank without an ear would pass unheard."""
    banks = {
        name for name in dir(rig.lib) if name.startswith("ctb_") and name.endswith("_bank_run")
    }
    known = {f"ctb_{kind.noun}_bank_run" for kind in ears.KINDS}
    assert banks <= known | {"ctb_agc_bank_run", "ctb_echo_bank_run"}
    names = [ear.name for ear in ears.ears(np.random.default_rng(1))]
    assert {"cn", "us"} <= set(PLANS)
    tones = [f"tone {plan}" for plan in PLANS]
    others = ["talk", "mf", "fax", "beep", "agc", "echo", "fsk", "g711"]
    assert sorted(names) == sorted(["dtmf", *tones, *others])


def test_a_seed_makes_one_scene():
    a, b = (scene(8, np.random.default_rng(5)) for _ in range(2))
    assert a.tobytes() == b.tobytes()
    assert a.shape == (8, rig.FRAME, rig.LANES)
    assert np.isfinite(a).mean() > 0.9
    assert (np.abs(a) > 0.5).any()


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.__name__)
def test_clips_have_length_and_numbers(clip):
    for seed in range(20):
        made = clip(np.random.default_rng(seed))
        assert made.ndim == 1
        assert len(made) > 0
        assert np.isfinite(made).all()
        assert np.abs(made).max() <= 8


# ---- faults planted on purpose: each must be seen ----


def telling(*hits: dict[str, int], count: int | None = None) -> Callable[..., int]:
    """A bank's run that always tells these hits."""

    def run(bank: Any, pointer: Any, mask: int, out: Any, room: int) -> int:
        for n, hit in enumerate(hits[:room] if count is None else hits):
            for name, value in {"lane": 0, "kind": DTMF.begin, "offset": 80, **hit}.items():
                setattr(out[n], name, value)
        return min(len(hits), room) if count is None else count

    return run


BEGIN, END = {"kind": DTMF.begin}, {"kind": DTMF.end}
FAULTS = {
    "more hits than room": (telling(count=ears.ROOM + 1), "hits in"),
    "fewer than none": (telling(count=-1), "hits in"),
    "beyond the frame": (telling({"offset": 161}), "offset"),
    "before the frame": (telling({"offset": -1}), r"out of order|offset"),
    "a lane out of the mask": (telling({"lane": 9}), "lane 9"),
    "no lane": (telling({"lane": 16}), "lane 16"),
    "another's event": (telling({"kind": 36}), "kind 36"),
    "twice on": (telling(BEGIN, BEGIN), "twice on"),
    "off before on": (telling(END), "twice off"),
    "out of order": (telling(BEGIN, {**END, "offset": 20}), "out of order"),
    "a storm": (telling(BEGIN, END), "storm"),
}


def hear_a_second(ear: ears.BankEar) -> None:
    pointer = rig.ffi.cast("const float (*)[16]", SILENCE.ctypes.data)
    for _ in range(ears.SECOND):
        ear.hear(SILENCE, pointer, 0x00FF)


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_bank_is_caught(name):
    run, words = FAULTS[name]
    ear = ears.BankEar(DTMF, np.random.default_rng(3), run)
    with pytest.raises(ears.Fault, match=words):
        hear_a_second(ear)


def test_a_hit_beyond_the_room_is_caught():
    def run(bank: Any, pointer: Any, mask: int, out: Any, room: int) -> int:
        out[room].kind = DTMF.begin
        return 0

    ear = ears.BankEar(DTMF, np.random.default_rng(3), run)
    with pytest.raises(ears.Fault, match="beyond the room"):
        ear.hear(SILENCE, None, 0xFFFF)


@pytest.mark.parametrize(
    ("lane", "value", "words"),
    [(0, np.nan, "not a number"), (0, 1.1, "too loud"), (12, 0.5, "outside the mask")],
)
def test_a_faulty_cleaner_is_caught(lane, value, words):
    after = SILENCE.copy()
    after[7, lane] = value
    with pytest.raises(ears.Fault, match=words):
        ears.check_cleaned(SILENCE, after, 0x00FF, 1.0)


def test_a_chapter_says_how_to_run_it_again(monkeypatch):
    storm = lambda self, frame, pointer, mask: ears.held(False, "a storm")  # noqa: E731
    monkeypatch.setattr(ears.LawEar, "hear", storm)
    with pytest.raises(ears.Fault, match=r"--seed 4 --chapter 9: 0\.0, g711: a storm"):
        run_chapter(4, 9)


class Broken:
    """A pool whose fourth chapter ends its process."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def __enter__(self) -> "Broken":
        return self

    def __exit__(self, *why: object) -> None:
        """Nothing is left."""

    def map(self, run: Callable[[int], int], chapters: range) -> Any:
        for chapter in chapters:
            if chapter == 3:
                raise BrokenProcessPool
            yield 8000


@pytest.mark.parametrize(("bad", "words"), [(5, "--seed 7 --chapter 5 ends"), (None, "was ended")])
def test_a_process_that_is_ended_names_its_chapter(monkeypatch, capsys, bad, words):
    tried = []

    def run(command: list[str], **how: Any) -> SimpleNamespace:
        tried.append(int(command[-1]))
        return SimpleNamespace(returncode=-6 if tried[-1] == bad else 0)

    monkeypatch.setattr(campaign, "ProcessPoolExecutor", Broken)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["fuzz", "--seed", "7", "--frames", "64000"])
    assert campaign.main() == 1
    assert words in capsys.readouterr().out
    assert tried == ([3, 4, 5] if bad else [3, 4, 5, 6, 7])
