"""Builds the media plane (cffi, API mode) and the simulated card (a plain shared library).

CTB_NATIVE=skip leaves both out: the Makefile installs the Python side once and then builds the
C by itself whenever a C file changes.
"""

import os
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).parent
SIM_LIBRARY = "libctb_sim.so"
SPY_LIBRARY = "libctb_spy.so"
DAHDI_LIBRARY = "libctb_dahdi.so"
C_FLAGS = [
    "-std=c11",
    "-D_GNU_SOURCE",
    "-O3",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
]
PACKAGES = find_packages(include=["cti_board", "cti_board.*", "firmware_sim", "ivr", "ivr.*"])
TOOLS = ["cti_" + name for name in find_packages(include=["tools", "tools.*"])]


SANITIZE = ["-fsanitize=address,undefined"] if os.environ.get("CTB_SANITIZE") else []


class BuildNative(build_ext):
    """build_ext, and after it firmware_sim's library beside its Python package."""

    def run(self) -> None:
        if os.environ.get("CTB_NATIVE") == "skip":
            return
        super().run()
        root = Path("." if self.inplace else self.build_lib)
        self.build_driver(root / "firmware_sim" / SIM_LIBRARY, HERE / "firmware_sim/src")
        native = Path("cti_board/_native")
        self.build_driver(root / native / SPY_LIBRARY, HERE / native / "spy")
        self.build_driver(root / native / DAHDI_LIBRARY, HERE / native / "dahdi")

    def build_driver(self, target: Path, folder: Path) -> None:
        """A driver is a shared library of its own, loaded as a maker's would be."""
        sources = sorted(str(p.relative_to(HERE)) for p in folder.glob("*.c"))
        if not sources:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        objects = self.compiler.compile(
            sources,
            output_dir=self.build_temp,
            include_dirs=["cti_board/_native/include", str(folder.relative_to(HERE))],
            extra_postargs=[*C_FLAGS, "-fPIC", *SANITIZE],
            depends=[str(p) for p in (HERE / "cti_board/_native/include").glob("*.h")]
            + [str(p) for p in folder.glob("*.h")],
        )
        self.compiler.link_shared_object(
            objects, str(target), libraries=["m", "dl"], extra_postargs=SANITIZE
        )


setup(
    packages=[*PACKAGES, *TOOLS],
    package_dir={"cti_tools": "tools"},
    include_package_data=False,  # just these, not all that MANIFEST.in gives to the source archive
    package_data={
        "cti_board": ["py.typed", "data/**/*"],
        "cti_board._native": ["include/*.h", SPY_LIBRARY, DAHDI_LIBRARY],
        "firmware_sim": [SIM_LIBRARY, "data/**/*"],
        "ivr": ["py.typed", "data/**/*"],
        "ivr.prompt": ["data/**/*"],
        "ivr.record": ["migrations/*.py", "migrations/*.mako", "migrations/versions/*.py"],
    },
    cffi_modules=["cti_board/_native/build.py:ffi"],
    cmdclass={"build_ext": BuildNative},
)
