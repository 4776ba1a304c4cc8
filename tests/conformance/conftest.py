"""Fixtures of the conformance tests; the plugin's own, as a driver's author would have them."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INCLUDE = HERE.parent.parent / "cti_board/_native/include"


@pytest.fixture(scope="session")
def mutant(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """mutant(name): the faulty driver's library, a file of its own (it has static variables)."""
    folder = tmp_path_factory.mktemp("mutant")
    built = folder / "mutant.so"
    subprocess.run(
        ["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-shared",
         "-fPIC", "-fvisibility=hidden", "-Wl,-z,nodelete", f"-I{INCLUDE}",
         str(HERE / "drivers/mutant.c"), "-o", str(built)],
        check=True,
    )  # fmt: skip

    def copy(name: str) -> Path:
        target = folder / f"{''.join(c if c.isalnum() else '_' for c in name)}.so"
        if not target.exists():
            shutil.copy(built, target)
        return target

    return copy
