"""Room: a tone plan as text (TOML), so that a learned or a local plan can be kept in a file.
A leaf: turns plans into text and text into plans; opens no file itself.

The text has the keys ``country``, ``source``, ``note``, ``ring_ms = [on, off]`` and one table
``[[tone]]`` for each tone: ``name``, ``hz``, ``on_off_ms = [[on, off], ...]`` (left out:
continuous), ``level_dbm0``, ``min_cycles``, ``steps_hz``, ``steps_dbm0``.
"""

import tomllib
from collections.abc import Callable
from typing import Any, TypeVar

from cti_board.tones.shape import Cadence, Tone, TonePlan

T = TypeVar("T")

LEAST_HZ, MOST_HZ = 100.0, 3900.0  # what the detector can hear
MOST_STEPS = 8  # CTB_TONE_STEPS
MOST_MS = 60_000  # chosen: a minute; more is a mistake of the unit
MOST_CYCLES = 32  # runs that the detector remembers
MOST_TONES = 32  # that the detector listens for, some names twice
PLAN_KEYS = {"country", "source", "note", "ring_ms", "tone"}
TONE_KEYS = {"name", "hz", "on_off_ms", "level_dbm0", "min_cycles", "steps_hz", "steps_dbm0"}


def plan_to_toml(plan: TonePlan) -> str:
    """The plan as text that `plan_from_toml` reads back to an equal plan.

    ValueError, as `plan_from_toml`, where it would not: such a plan cannot be kept.
    """
    lines = [
        f"country = {_quoted(plan.country)}",
        f"source = {_quoted(plan.source)}",
        f"note = {_quoted(plan.note)}",
        f"ring_ms = [{plan.ring_on_ms}, {plan.ring_off_ms}]",
    ]
    for tone in plan.tones:
        lines += ["", "[[tone]]", f"name = {_quoted(tone.name)}", f"hz = {_list(tone.hz)}"]
        if tone.cadence.on_off_ms:
            pairs = ", ".join(f"[{on}, {off}]" for on, off in tone.cadence.on_off_ms)
            lines.append(f"on_off_ms = [{pairs}]")
        lines.append(f"level_dbm0 = {float(tone.level_dbm0)!r}")
        lines.append(f"min_cycles = {tone.min_cycles}")
        lines += [f"steps_hz = {_list(tone.steps_hz)}"] if tone.steps_hz else []
        lines += [f"steps_dbm0 = {_list(tone.steps_dbm0)}"] if tone.steps_dbm0 else []
    text = "\n".join(lines) + "\n"
    where = f"the plan {plan.country!r} cannot be kept"
    if plan_from_toml(text, where) != plan:
        raise ValueError(f"{where}: it has values that a text does not bring back")
    return text


def plan_from_toml(text: str, where: str = "tone plan") -> TonePlan:
    """The plan that a text describes; ``where`` (a file's name) begins every message.

    ValueError names the place and the key: no TOML, a key that is missing, unknown, of the
    wrong type or out of range (frequencies 100..3900 Hz, whole times 0..60000 ms, 1..8 bursts,
    1..32 tones).
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{where}: {error}") from error
    reader = _Reader(where, table, PLAN_KEYS)
    on_ms, off_ms = reader.take("ring_ms", _ring, [1000, 4000])
    tones = [_tone(where, number, one) for number, one in enumerate(reader.tables("tone"), 1)]
    return TonePlan(
        reader.take("country", _text),
        reader.take("source", _text),
        tuple(tones),
        on_ms,
        off_ms,
        reader.take("note", _note, ""),
    )


def _tone(where: str, number: int, table: dict[str, Any]) -> Tone:
    reader = _Reader(f"{where}: tone {number}", table, TONE_KEYS)
    cadence = Cadence(reader.take("on_off_ms", _pairs, []))
    tone = Tone(
        reader.take("name", _text),
        reader.take("hz", _one_or_two_hz),
        cadence,
        reader.take("level_dbm0", _level, -10.0),
        reader.take("min_cycles", _cycles, 2),
        reader.take("steps_hz", _many_hz, []),
        reader.take("steps_dbm0", _levels, []),
    )
    for key in ("steps_hz", "steps_dbm0"):
        steps = getattr(tone, key)
        if steps and len(steps) != len(cadence.on_off_ms):
            bursts = len(cadence.on_off_ms)
            raise ValueError(f"{reader.where}: {key}: {len(steps)} values for {bursts} bursts")
    return tone


class _Reader:
    """One table: its keys are taken one by one, and every message names place and key."""

    def __init__(self, where: str, table: dict[str, Any], known: set[str]) -> None:
        self.where, self._table = where, table
        for key in table:
            if key not in known:
                raise ValueError(
                    f"{where}: {key}: no such key; there are {', '.join(sorted(known))}"
                )

    def take(self, key: str, read: Callable[[Any], T], *default: Any) -> T:
        if key not in self._table and not default:
            raise ValueError(f"{self.where}: {key}: missing")
        try:
            return read(self._table.get(key, *default))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.where}: {key}: {error}") from error

    def tables(self, key: str) -> list[dict[str, Any]]:
        found = self._table.get(key)
        if not isinstance(found, list) or not found or not all(isinstance(t, dict) for t in found):
            raise ValueError(f"{self.where}: {key}: at least one table [[{key}]] is needed")
        if len(found) > MOST_TONES:
            raise ValueError(f"{self.where}: {key}: {len(found)}; a plan has at most {MOST_TONES}")
        return found


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"a text is needed, not {value!r}")
    return value


def _note(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a text is needed, not {value!r}")
    return value


def _number(value: Any, least: float, most: float, unit: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"a number is needed, not {value!r}")
    if not least <= value <= most:
        raise ValueError(f"{value} is not within {least:g} .. {most:g} {unit}")
    return float(value)


def _whole(value: Any, least: int, most: int, unit: str) -> int:
    number = _number(value, least, most, unit)
    if not number.is_integer():
        raise ValueError(f"a whole number of {unit} is needed, not {value!r}")
    return int(number)


def _hz(value: Any) -> float:
    return _number(value, LEAST_HZ, MOST_HZ, "Hz")


def _level(value: Any) -> float:
    return _number(value, -60.0, 3.14, "dBm0")  # 3.14: the overload point, ITU-T G.711


def _cycles(value: Any) -> int:
    return _whole(value, 1, MOST_CYCLES, "cycles")


def _ms(value: Any) -> int:
    return _whole(value, 0, MOST_MS, "ms")


def _pair(value: Any) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"[on, off] in ms is needed, not {value!r}")
    return _ms(value[0]), _ms(value[1])


def _ring(value: Any) -> tuple[int, int]:
    on_ms, off_ms = _pair(value)
    if not on_ms or not off_ms:
        raise ValueError(f"ringing has a burst and a pause, not {value!r}")
    return on_ms, off_ms


def _some(value: Any, least: int, most: int) -> list[Any]:
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise ValueError(f"a list of {least} to {most} is needed, not {value!r}")
    return value


def _pairs(value: Any) -> tuple[tuple[int, int], ...]:
    pairs = tuple(_pair(one) for one in _some(value, 0, MOST_STEPS))
    if any(on == 0 for on, _ in pairs):
        raise ValueError("a burst of 0 ms; leave the key out for a continuous tone")
    return pairs


def _one_or_two_hz(value: Any) -> tuple[float, ...]:
    return tuple(_hz(one) for one in _some(value, 1, 2))


def _many_hz(value: Any) -> tuple[float, ...]:
    return tuple(_hz(one) for one in _some(value, 0, MOST_STEPS))


def _levels(value: Any) -> tuple[float, ...]:
    return tuple(_level(one) for one in _some(value, 0, MOST_STEPS))


def _list(numbers: tuple[float, ...]) -> str:
    return "[" + ", ".join(repr(float(n)) for n in numbers) + "]"


def _quoted(text: str) -> str:
    """A TOML basic string."""
    out = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in out) + '"'
