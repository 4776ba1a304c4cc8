"""Room: the door of this package: the line that fits a channel.  Must not know what a `Call` is."""

from collections.abc import Callable

from cti_board.errors import NotSupportedError
from cti_board.signalling.cas_r2 import CasLine
from cti_board.signalling.loop_start import FxoLine, FxsLine
from cti_board.signalling.port import LinePort, LineType
from cti_board.signalling.runner import (
    Answered,
    AnyLine,
    Line,
    LineOptions,
    Report,
    Reports,
    SeizeFailed,
)

__all__ = [
    "Answered",
    "AnyLine",
    "CasLine",
    "FxoLine",
    "FxsLine",
    "Line",
    "LineOptions",
    "Report",
    "Reports",
    "SeizeFailed",
    "make_line",
]  # fmt: skip

KINDS: dict[LineType, Callable[[LinePort, LineOptions, Reports], AnyLine]] = {
    LineType.FXO: FxoLine,
    LineType.FXS: FxsLine,
    LineType.E1_CAS: CasLine,
}


def make_line(port: LinePort, reports: Reports, options: LineOptions | None = None) -> AnyLine:
    """The line that fits the port's type; `start` it to listen.  NotSupportedError: none does."""
    kind = KINDS.get(port.line_type)
    if kind is None:
        raise NotSupportedError(f"{port.name}: no signalling for {port.line_type.name} channels")
    return kind(port, options or LineOptions(), reports)
