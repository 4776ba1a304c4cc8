"""Room: any driver by the path of its library: ``lib:/opt/maker/libcard.so?port=0``."""

from pathlib import Path

from cti_board.errors import BoardNotFoundError


def find(spec: str) -> tuple[str, str]:
    """The path before ``?`` and the driver's own specification after it."""
    path, _, rest = spec.partition("?")
    if not Path(path).is_file():
        raise BoardNotFoundError(f"no driver library at {path!r}", driver=path)
    return str(Path(path).resolve()), rest
