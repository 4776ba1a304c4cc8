"""CTI Board: analog and E1 voice cards from Python.

``open_board`` opens a card (``sim:`` is the simulated one), ``TrunkGroup`` runs its lines,
``Call`` is a conversation, ``run`` starts a program on a wall clock or in virtual time.
"""

from cti_board import audio, errors, events, jobs, tones
from cti_board.board import Board, Span, open_board
from cti_board.call import Call, CallState, LineOptions, LineRow, TrunkGroup
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
    "Board",
    "Cadence",
    "Call",
    "CallState",
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
    "errors",
    "events",
    "jobs",
    "open_board",
    "run",
    "running",
    "tones",
]
