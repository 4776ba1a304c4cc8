"""Room: the simulated card.  The only module that knows where firmware_sim's library lies."""

from cti_board.errors import BoardNotFoundError


def find(spec: str) -> tuple[str, str]:
    """The simulator's library, built by setup.py; ``spec`` as in firmware_sim/README.md."""
    from firmware_sim import LIBRARY_PATH

    if not LIBRARY_PATH.exists():
        raise BoardNotFoundError(f"{LIBRARY_PATH} is not built: run make setup", driver="sim")
    return str(LIBRARY_PATH), spec
