"""Room: ways to reach a card: a URL becomes a driver library and its specification.

Each scheme is one module with ``find(spec) -> (library, spec)``, imported when it is asked for.
"""

from importlib import import_module

from cti_board.errors import BoardNotFoundError

SCHEMES: dict[str, str] = {
    "sim": "cti_board.backends.sim",
    "lib": "cti_board.backends.library",
    "spy": "cti_board.backends.spy",
    "dahdi": "cti_board.backends.dahdi",
}


def find(url: str) -> tuple[str, str]:
    """The driver library of a board URL and the rest of the URL.

    BoardNotFoundError names the schemes that there are.
    """
    scheme, colon, spec = url.partition(":")
    if not colon or scheme not in SCHEMES:
        known = ", ".join(f"{name}:" for name in sorted(SCHEMES))
        raise BoardNotFoundError(
            f"no board {url!r}: it should begin with one of {known} as in sim:fxo=8,fxs=10"
        )
    found: tuple[str, str] = import_module(SCHEMES[scheme]).find(spec)
    return found
