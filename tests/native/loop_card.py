"""Builds the loop card (drivers/loop_card.c): a driver of our ABI that the tests own."""

import subprocess
from pathlib import Path

HERE = Path(__file__).parent
INCLUDE = HERE.parent.parent / "cti_board/_native/include"


def build(folder: Path, *flags: str) -> Path:
    """The card's library in ``folder``; flags such as -DABI=7 make broken ones."""
    name = "loop" + "".join(f.replace("-D", "_").replace("=", "") for f in flags) + ".so"
    target = folder / name
    command = [
        "gcc",
        "-std=c11",
        "-D_GNU_SOURCE",
        "-O2",
        "-shared",
        "-fPIC",
        "-fvisibility=hidden",
        f"-I{INCLUDE}",
        *flags,
    ]
    subprocess.run([*command, "-o", str(target), str(HERE / "drivers/loop_card.c")], check=True)
    return target
