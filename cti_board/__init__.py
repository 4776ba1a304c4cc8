"""CTI Board: analog and E1 voice cards from Python.

``open_board`` opens a card (``sim:`` is the simulated one), ``TrunkGroup`` runs its lines,
``Call`` is a conversation, ``run`` starts a program on a wall clock or in virtual time.

A name is loaded when it is used: a program that asks for a board's address, or a test run that only
finds our pytest plugin, does not pay for the media plane.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cti_board import audio, dsp, errors, events, jobs, tones
    from cti_board.answering import AnswerWatch
    from cti_board.board import Board, Span, open_board
    from cti_board.call import Call, CallState, LineOptions, LineRow, TrunkGroup
    from cti_board.capability import Capabilities
    from cti_board.channel import Channel
    from cti_board.clock import Clock
    from cti_board.engine import Engine
    from cti_board.loop import EngineLoop, run, running
    from cti_board.media import Digits, Player, PlayResult, Recorder, RecordResult
    from cti_board.pump import EventStream
    from cti_board.signalling.port import LineType
    from cti_board.street import TONES, Ear, FarEndReport, Mouth, Street, Telephone
    from cti_board.switch import Conference, Switch
    from cti_board.tones import Cadence, Tone, TonePlan

__all__ = [
    "TONES",
    "AnswerWatch",
    "Board",
    "Cadence",
    "Call",
    "CallState",
    "Capabilities",
    "Channel",
    "Clock",
    "Conference",
    "Digits",
    "Ear",
    "Engine",
    "EngineLoop",
    "EventStream",
    "FarEndReport",
    "LineOptions",
    "LineRow",
    "LineType",
    "Mouth",
    "PlayResult",
    "Player",
    "RecordResult",
    "Recorder",
    "Span",
    "Street",
    "Switch",
    "Telephone",
    "Tone",
    "TonePlan",
    "TrunkGroup",
    "audio",
    "dsp",
    "errors",
    "events",
    "jobs",
    "open_board",
    "run",
    "running",
    "tones",
]

_HOME = {
    "answering": "AnswerWatch",
    "board": "Board Span open_board",
    "call": "Call CallState LineOptions LineRow TrunkGroup",
    "capability": "Capabilities",
    "channel": "Channel",
    "clock": "Clock",
    "engine": "Engine",
    "loop": "EngineLoop run running",
    "media": "Digits Player PlayResult Recorder RecordResult",
    "pump": "EventStream",
    "signalling.port": "LineType",
    "street": "TONES Ear FarEndReport Mouth Street Telephone",
    "switch": "Conference Switch",
    "tones": "Cadence Tone TonePlan",
}
_MODULES = "audio dsp errors events jobs tones"


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        if name in _MODULES.split():
            return import_module(f"{__name__}.{name}")
        for module, names in _HOME.items():
            if name in names.split():
                value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
