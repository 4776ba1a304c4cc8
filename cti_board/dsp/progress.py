"""Room: call-progress tones on numpy arrays: which tone of a country's plan is heard, and where.
Must not know boards, channels or calls, nor judge who answered.

What does it do?  `find_tones` runs the detector of the live channels over a recording;
`make_tone` runs their generator.  How does it work?  See docs/tone-plans.md; the detector is
tone_rx.c.  Limits: a cadence is believed after ``min_cycles`` whole cycles, a continuous tone
that shares its frequency with a cadence when it has outlasted that cadence's bursts; the first
sample is reported all the same.

Sound is 8000 Hz: int16 linear, float in -1..1, or uint8 A-law codes; (samples,) or up to
sixteen (lines, samples).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cti_board._native._media import ffi, lib
from cti_board.dsp.lanes import FRAME, RATE, Bank, Hit, Sound, rows
from cti_board.tones import Tone, TonePlan
from cti_board.tones import plan as plan_of

MS = RATE // 1000
RANGE_HZ = (10.0, 3990.0)  # what can be sent; the detector hears 100 to 3900 Hz
RANGE_DBM0 = (-60.0, 3.14)  # to the overload point, ITU-T G.711
LONGEST_MS = 3_600_000  # chosen: an hour is no tone any more
MOST_CYCLES = 32  # runs that the detector remembers
FLUSH = 3 * FRAME  # the detector's delay: a burst that ends with the sound is still judged


@dataclass(frozen=True, slots=True)
class HeardTone:
    """A tone of the plan: ``begin`` its first sample, ``end`` the sample after its last burst
    (None: still on when the sound ends), ``level_dbm0`` of all its frequencies together."""

    line: int
    name: str
    begin: int
    end: int | None
    level_dbm0: float


def find_tones(sound: Sound, plan: TonePlan | str = "cn") -> list[HeardTone]:
    """The tones of a plan (or of a country's plan, by its two letters), in order of decision.

    ValueError: no such country, a plan that the detector cannot hear (more than 12 frequencies,
    16 combinations or 32 tones, a frequency outside 100..3900 Hz, min_cycles too long), or a
    sound that `cti_board.dsp.lanes.rows` refuses.
    """
    tones = (plan_of(plan) if isinstance(plan, str) else plan).tones
    lines = rows(sound)
    samples = lines.shape[1]
    whole = -(-samples // FRAME) * FRAME + FLUSH
    padded = np.zeros((len(lines), whole), np.float32)
    padded[:, :samples] = lines
    found: list[HeardTone] = []
    on: dict[int, int] = {}  # line: where its tone lies in `found`
    for hit in _bank(tones, len(lines)).feed(padded):
        if hit.kind == lib.CTB_EV_TONE_ON:
            on[hit.line] = len(found)
            found.append(_begun(hit, tones, samples))
        elif hit.at <= samples and hit.line in on:
            place = on.pop(hit.line)
            end = max(hit.at - hit.d, found[place].begin)
            found[place] = replace(found[place], end=end)
    return found


def make_tone(tone: Tone, ms: float) -> NDArray[np.int16]:
    """A tone from its beginning on, int16 (round(8 ms),), as the media plane sends it.

    ValueError: a length outside 0 to 3600000 ms, or a tone that `c_tone` refuses.
    """
    if not 0 <= ms <= LONGEST_MS:
        raise ValueError(f"a length of {ms} ms: 0 to {LONGEST_MS} can be made")
    generator = ffi.new("char[]", lib.ctb_tone_gen_size())
    start = ffi.cast("ctb_tone_gen_t *", generator)
    lib.ctb_tone_gen_start(start, ffi.new("ctb_tone_t *", c_tone(tone, 1)))
    out = np.zeros(round(ms * MS), np.int32)
    lib.ctb_tone_gen_add(start, ffi.cast("int32_t *", out.ctypes.data), len(out))
    return np.clip(out, -32768, 32767).astype(np.int16)


def c_tone(tone: Tone, number: int) -> dict[str, object]:
    """What a ``ctb_tone_t`` is made of.

    ValueError names the tone and what is wrong with it: more bursts (8) or frequencies (1 or 2)
    than it holds, a frequency outside 10..3990 Hz, a level outside -60..3.14 dBm0, a burst that is
    no whole number of ms from 1, a pause from 0, to 3600000, or more than 32 cycles.
    """
    bursts = tone.cadence.on_off_ms or ((0, 0),)
    steps = []
    for i, (on_ms, off_ms) in enumerate(bursts):
        hz = tone.steps_hz[i : i + 1] or tone.hz
        level = (tone.steps_dbm0[i : i + 1] or (tone.level_dbm0,))[0]
        if not 1 <= len(hz) <= 2:
            raise ValueError(f"{tone.name}: {len(hz)} frequencies; one is needed, 2 have room")
        for one in hz:
            _check(tone, one, RANGE_HZ, "Hz")
        _check(tone, level, RANGE_DBM0, "dBm0")
        if tone.cadence.on_off_ms:
            _check_ms(tone, on_ms, 1)
            _check_ms(tone, off_ms, 0)
        both = [*hz, 0.0][:2]
        steps.append({"hz": both, "dbm0": [level, level], "on_ms": on_ms, "off_ms": off_ms})
    if len(steps) > lib.CTB_TONE_STEPS:
        raise ValueError(f"{tone.name}: {len(steps)} bursts; there is room for 8")
    _check(tone, tone.min_cycles, (0, MOST_CYCLES), "cycles")
    return {"id": number, "steps": len(steps), "min_cycles": tone.min_cycles, "step": steps}


def _check(tone: Tone, value: float, limits: tuple[float, float], unit: str) -> None:
    low, high = limits
    if not low <= value <= high:
        raise ValueError(f"{tone.name}: {value} {unit} is not within {low:g} to {high:g}")


def _check_ms(tone: Tone, value: int, least: int) -> None:
    if value not in range(least, LONGEST_MS + 1):
        raise ValueError(f"{tone.name}: {value} ms; a whole number from {least} to {LONGEST_MS}")


def check_tones(tones: tuple[Tone, ...]) -> None:
    """Asks a detector; ValueError: it cannot hear these tones side by side."""
    _bank(tones, 1)


def _bank(tones: tuple[Tone, ...], lines: int) -> Bank:
    bank = Bank("tone", lines, lambda handle, lane: None)
    array = ffi.new("ctb_tone_t[]", [c_tone(tone, n) for n, tone in enumerate(tones, 1)])
    if lib.ctb_tone_bank_plan(bank.handle, array, len(tones)) != 0:
        names = ", ".join(tone.name for tone in tones)
        raise ValueError(
            "too many different frequencies, or one outside 100 to 3900 Hz: the detector cannot "
            f"hear this plan: {names}"
        )
    for lane in range(lines):
        lib.ctb_tone_bank_arm(bank.handle, lane)
    return bank


def _begun(hit: Hit, tones: tuple[Tone, ...], samples: int) -> HeardTone:
    begin = min(max(hit.at - hit.d, 0), samples)
    return HeardTone(hit.line, tones[hit.a - 1].name, begin, None, hit.b / 100)
