"""Room: the centre's prompts, how English reads numbers.  Pure: names of prompts only.

Must not know of sound, files or clocks.  British reading: "one hundred and five", "two thousand
and five"; a year in pairs ("twenty twenty-six", "nineteen oh five") except in the first ten
years of a millennium ("two thousand and five"); the hour on the twelve-hour clock.
"""

from datetime import date as Date
from datetime import time as Time
from decimal import Decimal

ZERO, AND, OH = "digit_0", "number_and", "digit_oh"
SCALES = ((10**9, "number_billion"), (10**6, "number_million"), (10**3, "number_thousand"))
SPOKEN_DIGIT = {str(n): f"digit_{n}" for n in range(10)} | {"*": "digit_star", "#": "digit_hash"}
SPANS = (
    (86_400, "unit_day", "unit_days"),
    (3600, "unit_hour", "unit_hours"),
    (60, "unit_minute", "unit_minutes"),
    (1, "unit_second", "unit_seconds"),
)

WORDS = frozenset(
    list(SPOKEN_DIGIT.values())
    + [f"number_{n}" for n in (*range(10, 20), *range(20, 100, 10))]
    + [f"ordinal_{n}" for n in (*range(1, 21), 30)]
    + [word for _, word in SCALES]
    + [word for _, *pair in SPANS for word in pair]
    + [f"month_{n}" for n in range(1, 13)]
    + [f"weekday_{n}" for n in range(1, 8)]
    + [AND, OH, "number_hundred", "number_point", "number_minus"]
    + ["unit_yuan", "unit_cent", "unit_cents", "time_am", "time_pm"]
    + ["queue_ahead", "queue_next", "agent_number", "agent_serves", "wait_is"]
)


def digits(text: str) -> list[str]:
    return [SPOKEN_DIGIT[digit] for digit in text]


def cardinal(number: int) -> list[str]:
    if number < 0:
        return ["number_minus", *cardinal(-number)]
    if number == 0:
        return [ZERO]
    words: list[str] = []
    for size, scale in SCALES:
        group, number = divmod(number, size)
        if group:
            words += [*_below_1000(group), scale]
    if words and 0 < number < 100:
        words.append(AND)
    return words + _below_1000(number)


def _below_1000(number: int) -> list[str]:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_100(rest)
    words = [f"digit_{hundreds}", "number_hundred"]
    return [*words, AND, *_below_100(rest)] if rest else words


def _below_100(number: int) -> list[str]:
    if number < 20:
        return [_small(number)] if number else []
    tens, ones = divmod(number, 10)
    return [f"number_{tens * 10}"] + [_small(ones)] * bool(ones)


def _small(number: int) -> str:
    return f"digit_{number}" if number < 10 else f"number_{number}"


def count(number: int) -> list[str]:
    return cardinal(number)


def decimal(value: Decimal) -> list[str]:
    whole, _, fraction = f"{abs(value):f}".partition(".")
    words = ["number_minus"] * (value < 0) + cardinal(int(whole))
    return words + (["number_point", *digits(fraction)] if fraction else [])


def money(fen: int) -> list[str]:
    if fen < 0:
        return ["number_minus", *money(-fen)]
    yuan, cents = divmod(fen, 100)
    words = [*cardinal(yuan), "unit_yuan"] if yuan or not cents else []
    if not cents:
        return words
    unit = "unit_cent" if cents == 1 else "unit_cents"
    return words + [AND] * bool(words) + [*cardinal(cents), unit]


def date(day: Date, *, year: bool, weekday: bool) -> list[str]:
    words = [f"weekday_{day.isoweekday()}"] * weekday
    words += [f"month_{day.month}", *_ordinal(day.day)]
    return words + (_year(day.year) if year else [])


def _ordinal(number: int) -> list[str]:
    """1 to 31."""
    tens, ones = divmod(number, 10)
    if number < 20 or not ones:
        return [f"ordinal_{number}"]
    return [f"number_{tens * 10}", f"ordinal_{ones}"]


def _year(year: int) -> list[str]:
    century, rest = divmod(year, 100)
    if year < 1000 or year % 1000 < 10:
        return cardinal(year)
    if not rest:
        return [*cardinal(century), "number_hundred"]
    return cardinal(century) + [OH] * (rest < 10) + cardinal(rest)


def time_of_day(at: Time) -> list[str]:
    words = cardinal(at.hour % 12 or 12)
    if at.minute:
        words += [OH] * (at.minute < 10) + cardinal(at.minute)
    return [*words, "time_am" if at.hour < 12 else "time_pm"]


def duration(seconds: int) -> list[str]:
    if not seconds:
        return [ZERO, "unit_seconds"]
    parts: list[list[str]] = []
    for size, one, many in SPANS:
        amount, seconds = divmod(seconds, size)
        if amount:
            parts.append([*cardinal(amount), one if amount == 1 else many])
    if len(parts) > 1:
        parts[-1].insert(0, AND)
    return [word for part in parts for word in part]


def queue_position(ahead: int) -> list[str]:
    return ["queue_ahead", *cardinal(ahead)] if ahead else ["queue_next"]
