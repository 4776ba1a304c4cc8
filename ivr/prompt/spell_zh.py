"""Room: the centre's prompts, how Mandarin reads numbers.  Pure: names of prompts only.

Must not know of sound, files or clocks.  The rules, each with its test:

- 两 for 二: in the first place of a number before 百 千 万 亿 (两百, 两万, but 一千二百), and for
  the bare 2 before a measure word (两位, 两元, 两点).  Before 十 and in every later place: 二.
- 十 drops its 一 only at the very beginning: 十五, 十五万, but 一百一十五.
- 零 stands once for any run of empty places between two words: 一千零五, 一亿零五; none at the
  end.  万 and 亿 are the steps of 10^4.
- 幺 for 一 where digits are read one by one (telephone, account and agent numbers), not in a
  year and not after the decimal point.
"""

from datetime import date as Date
from datetime import time as Time
from decimal import Decimal

ZERO, ONE, TWO, LIANG, TEN = "digit_0", "digit_1", "digit_2", "number_liang", "number_10"
PLACES = ((1000, "number_thousand"), (100, "number_hundred"), (10, TEN), (1, ""))
STEPS = ((10**8, "number_yi"), (10**4, "number_wan"), (1, ""))
LIANG_BEFORE = ("number_hundred", "number_thousand", "number_wan", "number_yi")

SPOKEN_DIGIT = {str(n): f"digit_{n}" for n in range(10)} | {
    "1": "digit_yao",
    "*": "digit_star",
    "#": "digit_hash",
}
# from this hour on, until the next line
PARTS_OF_DAY = (
    (18, "time_evening"),
    (13, "time_pm"),
    (12, "time_noon"),
    (6, "time_am"),
    (0, "time_before_dawn"),
)
SPANS = (
    (86_400, "unit_day"),
    (3600, "unit_hour"),
    (60, "unit_minute"),
    (1, "unit_second"),
)

WORDS = frozenset(
    [f"digit_{n}" for n in range(10)]
    + [word for _, word in (*PLACES, *STEPS, *PARTS_OF_DAY, *SPANS) if word]
    + list(SPOKEN_DIGIT.values())
    + [LIANG, "number_point", "number_minus", "unit_yuan", "unit_jiao", "unit_fen", "unit_person"]
    + ["date_year", "date_month", "date_day", "date_weekday", "time_hour", "time_minute"]
    + ["queue_ahead", "queue_next", "agent_number", "agent_serves", "wait_is"]
)


def digits(text: str) -> list[str]:
    return [SPOKEN_DIGIT[digit] for digit in text]


def cardinal(number: int) -> list[str]:
    if number < 0:
        return ["number_minus", *cardinal(-number)]
    if number == 0:
        return [ZERO]
    words = _steps(number)
    if words[:2] == [ONE, TEN]:
        return words[1:]
    if words[0] == TWO and words[1:2] and words[1] in LIANG_BEFORE:
        return [LIANG, *words[1:]]
    return words


def _steps(number: int) -> list[str]:
    """The words of a positive number, before the rules for its first place."""
    words: list[str] = []
    skipped = False
    for size, step in STEPS:
        group, number = divmod(number, size)
        if not group:
            skipped = True
            continue
        if words and (skipped or group < 1000):
            words.append(ZERO)
        words += _group(group) + [step] * bool(step)
        skipped = False
    return words


def _group(number: int) -> list[str]:
    """1 to 9999 with every place named."""
    words: list[str] = []
    skipped = False
    for size, place in PLACES:
        digit, number = divmod(number, size)
        if not digit:
            skipped = True
            continue
        if words and skipped:
            words.append(ZERO)
        words += [f"digit_{digit}"] + [place] * bool(place)
        skipped = False
    return words


def count(number: int) -> list[str]:
    """A number before a measure word: the bare 2 is 两."""
    return [LIANG] if number == 2 else cardinal(number)


def decimal(value: Decimal) -> list[str]:
    whole, _, fraction = f"{abs(value):f}".partition(".")
    words = ["number_minus"] * (value < 0) + cardinal(int(whole))
    return words + (["number_point", *_plain_digits(fraction)] if fraction else [])


def _plain_digits(text: str) -> list[str]:
    return [f"digit_{digit}" for digit in text]


def money(fen: int) -> list[str]:
    if fen < 0:
        return ["number_minus", *money(-fen)]
    yuan, rest = divmod(fen, 100)
    jiao, cents = divmod(rest, 10)
    if not yuan and not rest:
        return [ZERO, "unit_yuan"]
    words: list[str] = []
    for amount, unit in ((yuan, "unit_yuan"), (jiao, "unit_jiao"), (cents, "unit_fen")):
        if amount:
            words += (cardinal(amount) if words else count(amount)) + [unit]
        elif words and unit == "unit_jiao" and cents:
            words.append(ZERO)
    return words


def date(day: Date, *, year: bool, weekday: bool) -> list[str]:
    words = [*_plain_digits(f"{day.year:04d}"), "date_year"] if year else []
    words += [*cardinal(day.month), "date_month", *cardinal(day.day), "date_day"]
    return words + _weekday(day) if weekday else words


def _weekday(day: Date) -> list[str]:
    number = day.isoweekday()
    return ["date_weekday", "date_day" if number == 7 else f"digit_{number}"]


def time_of_day(at: Time) -> list[str]:
    part = next(word for hour, word in PARTS_OF_DAY if at.hour >= hour)
    hour = at.hour - 12 if at.hour > 12 else at.hour
    words = [part, *count(hour), "time_hour"]
    if not at.minute:
        return words
    return words + [ZERO] * (at.minute < 10) + [*cardinal(at.minute), "time_minute"]


def duration(seconds: int) -> list[str]:
    if not seconds:
        return [ZERO, "unit_second"]
    words: list[str] = []
    skipped = False
    for size, unit in SPANS:
        amount, seconds = divmod(seconds, size)
        if not amount:
            skipped = True
            continue
        words += [ZERO] * bool(words and skipped) + [*count(amount), unit]
        skipped = False
    return words


def queue_position(ahead: int) -> list[str]:
    return ["queue_ahead", *count(ahead), "unit_person"] if ahead else ["queue_next"]
