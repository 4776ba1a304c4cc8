"""`python -m tests.fuzz`: sound that nobody meant through every detector, as long as you like."""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
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


def main() -> int:
    asked = arguments()
    if asked.chapter is not None:
        print(f"chapter {asked.chapter}: {run_chapter(asked.seed, asked.chapter)} frames")
        return 0
    heard = chapters = 0
    with ProcessPoolExecutor(asked.workers) as pool:  # tells when a sanitizer ends a process
        while heard < asked.frames:
            missing = -(-(asked.frames - heard) // FULL)
            batch = range(chapters, chapters + min(missing, BATCH))
            for frames in pool.map(partial(run_chapter, asked.seed), batch):
                heard, chapters = heard + frames, chapters + 1
                print(f"\rfuzz: {heard:,} of {asked.frames:,} frames", end="", file=sys.stderr)
    print(file=sys.stderr)
    print(f"fuzz: {heard:,} frames in {chapters:,} chapters of seed {asked.seed}: nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
