"""Room: the test machine's command line, `python -m tests.vm` (docs/vm.md).

build          make the image, unless the cache has it
test WORDS     pytest inside, on tests/vm or on the words given; builds first
run COMMAND    any command inside, in the checkout's folder; builds first
clean          forget the images

Exit codes: the command's own; 124 past the limit; 125 the machine ended early; 3 there can be no
machine here (one line says why); 1 the image could not be built.
"""

import argparse
import shlex
import sys
from pathlib import Path

from tests.vm import host, image
from tests.vm.machine import CONFIGURATION, Machine, kvm_works

NOT_HERE = 3
# --confcutdir: pytest would look for conftest.py no higher than its configuration's folder
PYTEST = ("python3", "-m", "pytest", "-c", "tests/vm/guest/pytest.ini", "--rootdir", ".",
          "--confcutdir", ".")


def parse(words: list[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
    """The options, and the words for the command or for pytest."""
    parser = argparse.ArgumentParser(prog="python -m tests.vm", description=(__doc__ or ""),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=600, metavar="S", help="seconds (600)")
    parser.add_argument("--conf", type=Path, default=CONFIGURATION, metavar="FILE",
                        help="another system.conf")
    parser.add_argument("--accel", choices=("auto", "kvm", "tcg"), default="auto")
    parser.add_argument("what", choices=("build", "test", "run", "clean"))
    parser.add_argument("words", nargs=argparse.REMAINDER)
    chosen = parser.parse_args(words)
    if chosen.what == "run" and not chosen.words:
        parser.error("run what?")
    if not chosen.conf.is_file():
        parser.error(f"no file {chosen.conf}")
    return chosen, chosen.words


def inside(what: str, words: list[str]) -> str:
    """The shell command line: `run` takes one word as a line, several as a program's words."""
    if what == "run":
        return words[0] if len(words) == 1 else shlex.join(words)
    paths = [] if any(word.startswith("tests") for word in words) else ["tests/vm"]
    return shlex.join([*PYTEST, *paths, *words])


def main() -> int:
    chosen, words = parse()
    if chosen.what == "clean":
        image.clean()
        return 0
    try:
        folder = image.ensure(image.say)
        host.require(build=False)
    except host.NotAvailable as reason:
        image.say(f"not available: {reason}")
        return NOT_HERE
    except RuntimeError as fault:
        image.say(str(fault))
        return 1
    if chosen.what == "build":
        return 0
    kvm = kvm_works(folder) if chosen.accel == "auto" else chosen.accel == "kvm"
    return Machine(folder, kvm, chosen.limit, chosen.conf).run(inside(chosen.what, words))


if __name__ == "__main__":
    sys.exit(main())
