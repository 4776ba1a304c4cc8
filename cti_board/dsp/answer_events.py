"""Room: the events that a live line gives, from a recording of it: talk, tones of a plan, fax
tones, steady tones.  Must not know what they mean.
"""

from collections.abc import Callable
from typing import Any

from cti_board import events as ev
from cti_board._native._media import ffi, lib
from cti_board.dsp.fax import KINDS
from cti_board.dsp.lanes import Bank, Hit, Sound
from cti_board.dsp.progress import c_tone
from cti_board.tones import TonePlan


def line_events(sound: Sound, plan: TonePlan) -> list[ev.Event]:
    """The events that a live line with talk, tones, fax and beep armed gives, in order."""
    found: list[tuple[int, int, ev.Event]] = []
    banks: tuple[tuple[Bank, Callable[[Hit], ev.Event]], ...] = (
        (Bank("tone", 1, _arm_tones(plan)), lambda hit: _tone_event(hit, plan)),
        (Bank("talk", 1, _arm_talk), _talk_event),
        (Bank("fax", 1, lib.ctb_fax_bank_arm), _fax_event),
        (Bank("beep", 1, lib.ctb_beep_bank_arm), _beep_event),
    )
    for order, (bank, decode) in enumerate(banks):
        found += [(hit.at, order, decode(hit)) for hit in bank.feed(sound)]
    return [event for _, _, event in sorted(found, key=lambda one: one[:2])]


def _arm_tones(plan: TonePlan) -> Callable[[Any, int], None]:
    array = ffi.new("ctb_tone_t[]", [c_tone(tone, n) for n, tone in enumerate(plan.tones, 1)])

    def arm(bank: Any, lane: int) -> None:
        if lib.ctb_tone_bank_plan(bank, array, len(plan.tones)) != 0:
            raise ValueError(f"the detector cannot hear the plan {plan.country!r}")
        lib.ctb_tone_bank_arm(bank, lane)

    return arm


def _arm_talk(bank: Any, lane: int) -> None:
    lib.ctb_talk_bank_arm(bank, lane, ffi.new("ctb_talk_params_t *", lib.ctb_talk_default))


def _tone_event(hit: Hit, plan: TonePlan) -> ev.Event:
    name = plan.tones[hit.a - 1].name
    if hit.kind == lib.CTB_EV_TONE_ON:
        return ev.ToneOn(0, hit.at, 0, hit.line, name, hit.b / 100)
    return ev.ToneOff(0, hit.at, 0, hit.line, name)


def _talk_event(hit: Hit) -> ev.Event:
    if hit.kind == lib.CTB_EV_TALK_BEGIN:
        return ev.TalkBegin(0, hit.at, 0, hit.line, hit.a / 100)
    return ev.TalkEnd(0, hit.at, 0, hit.line, hit.a)


def _fax_event(hit: Hit) -> ev.Event:
    kind = KINDS[hit.a - 1]
    if hit.kind == lib.CTB_EV_FAX_ON:
        return ev.FaxToneOn(0, hit.at, 0, hit.line, kind, hit.b / 100, hit.d)
    return ev.FaxToneOff(0, hit.at, 0, hit.line, kind, hit.b)


def _beep_event(hit: Hit) -> ev.Event:
    if hit.kind == lib.CTB_EV_BEEP_ON:
        return ev.BeepOn(0, hit.at, 0, hit.line, hit.a / 10, hit.b / 100, hit.d)
    return ev.BeepOff(0, hit.at, 0, hit.line, hit.a / 10, hit.b, hit.d)
