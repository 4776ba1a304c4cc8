"""`python -m tests.fuzz`: sound that nobody meant through every detector, as long as you like."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial

from tests.fuzz.chapter import FULL, run_chapter

BATCH = 64  # chapters that are handed out at once


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000_000, help="of single lines, 20 ms")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chapter", type=int, help="only this one, again")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def name_it(seed: int, chapters: Iterable[int]) -> None:
    """Says which chapter ends its process, as a sanitizer does: each alone, in its own process,
    whose words come before ours."""
    for chapter in chapters:
        words = ["-m", "tests.fuzz", "--seed", str(seed), "--chapter", str(chapter)]
        code = subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL).returncode
        if code != 0:
            print(f"fuzz: --seed {seed} --chapter {chapter} ends its process: {code}")
            return
    print(f"fuzz: a process of seed {seed} was ended, but none of its chapters does so alone")


def main() -> int:
    asked = arguments()
    if asked.chapter is not None:
        print(f"chapter {asked.chapter}: {run_chapter(asked.seed, asked.chapter)} frames")
        return 0
    heard = chapters = 0
    with ProcessPoolExecutor(asked.workers) as pool:
        while heard < asked.frames:
            missing = -(-(asked.frames - heard) // FULL)
            batch = range(chapters, chapters + min(missing, BATCH))
            try:
                for frames in pool.map(partial(run_chapter, asked.seed), batch):
                    heard, chapters = heard + frames, chapters + 1
                    print(f"\rfuzz: {heard:,} of {asked.frames:,} frames", end="", file=sys.stderr)
            except BrokenProcessPool:
                print(file=sys.stderr)
                name_it(asked.seed, range(chapters, batch.stop))
                return 1
    print(file=sys.stderr)
    print(f"fuzz: {heard:,} frames in {chapters:,} chapters of seed {asked.seed}: nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
