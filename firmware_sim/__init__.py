"""Room: the simulated card and the street behind it, a shared library on the driver ABI.

Only says where the library lies: it must not load it, start anything or import anything of ours.
"""

from pathlib import Path

LIBRARY_PATH = Path(__file__).parent / "libctb_sim.so"
