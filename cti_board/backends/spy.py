"""Room: a driver that stands before another and writes down what passes: ``spy:sim:fxo=2``.

``spy:/path/log!sim:fxo=2`` puts the notes into a file when the board is closed.
"""

from pathlib import Path

from cti_board import backends
from cti_board.errors import BoardNotFoundError

LIBRARY_PATH = Path(__file__).parent.parent / "_native/libctb_spy.so"


def find(spec: str) -> tuple[str, str]:
    """The spy's library; the inner driver goes into its specification."""
    if not LIBRARY_PATH.exists():
        raise BoardNotFoundError(f"{LIBRARY_PATH} is not built: run make setup", driver="spy")
    log, bang, inner = spec.partition("!")
    library, rest = backends.find(inner if bang else spec)
    return str(LIBRARY_PATH), f"{log if bang else ''}\n{library}\n{rest}"
