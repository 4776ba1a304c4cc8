"""Room: cards of the DAHDI kernel driver: ``dahdi:``, ``dahdi:spans=1,2``, ``dahdi:channels=1-15``.

Must not talk to the kernel: the driver library does, and says what to run when something is
missing.  docs/hardware/dahdi.md is the manual.
"""

from pathlib import Path

from cti_board.errors import BoardNotFoundError

LIBRARY_PATH = Path(__file__).parent.parent / "_native/libctb_dahdi.so"


def find(spec: str) -> tuple[str, str]:
    """The driver's library and its specification as it is; BoardNotFoundError: not built."""
    if not LIBRARY_PATH.exists():
        raise BoardNotFoundError(f"{LIBRARY_PATH} is not built: run make setup", driver="dahdi")
    return str(LIBRARY_PATH), spec
