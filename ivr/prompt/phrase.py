"""Room: the centre's prompts, how a value becomes a list of prompts.  Pure: no sound, no clock.

Every function takes a language ("zh" or "en") and returns names of prompts, in the order in
which they are played (Catalogue.join makes one recording of them).  The rules of a language are
in spell_zh.py and spell_en.py; here are the public names, and the checks of the arguments.  A
wrong argument is a ValueError.
"""

from collections.abc import Mapping
from datetime import date as Date
from datetime import time as Time
from decimal import Decimal
from types import MappingProxyType
from typing import Protocol

from . import spell_en, spell_zh

LIMIT = 10**12  # chosen: four groups of thousands, three of 万; no balance is as large
KEYS = frozenset("0123456789*#")


class Speller(Protocol):
    """What a language must know.  Arguments are checked before they come here."""

    @property
    def WORDS(self) -> frozenset[str]: ...
    def digits(self, text: str) -> list[str]: ...
    def cardinal(self, number: int) -> list[str]: ...
    def count(self, number: int) -> list[str]: ...
    def decimal(self, value: Decimal) -> list[str]: ...
    def money(self, fen: int) -> list[str]: ...
    def date(self, day: Date, *, year: bool, weekday: bool) -> list[str]: ...
    def time_of_day(self, at: Time) -> list[str]: ...
    def duration(self, seconds: int) -> list[str]: ...
    def queue_position(self, ahead: int) -> list[str]: ...


SPELLERS: Mapping[str, Speller] = MappingProxyType({"zh": spell_zh, "en": spell_en})


def vocabulary(lang: str) -> frozenset[str]:
    """Every name that the functions below can return in this language."""
    return _speller(lang).WORDS


def digits(text: str, lang: str) -> list[str]:
    """Keys read one by one, as on the telephone: in Chinese 1 is 幺.  0-9, * and # only."""
    if not text or not set(text) <= KEYS:
        raise ValueError(f"digits are one or more of 0-9 * #, got {text!r}")
    return _speller(lang).digits(text)


def cardinal(number: int, lang: str) -> list[str]:
    """A whole number, -10^12 < number < 10^12: 12005 is 一万二千零五."""
    return _speller(lang).cardinal(_in_range(number))


def count(number: int, lang: str) -> list[str]:
    """A number before a measure word: as cardinal, but in Chinese the bare 2 is 两."""
    return _speller(lang).count(_in_range(number))


def decimal(value: Decimal, lang: str) -> list[str]:
    """A decimal number with all the places that it was given: Decimal("3.10") is 三点一零."""
    if not value.is_finite():
        raise ValueError(f"{value} cannot be read out")
    _in_range(int(value))
    return _speller(lang).decimal(value)


def money(fen: int, lang: str) -> list[str]:
    """An amount in fen (1/100 yuan), below 10^12 yuan: 1205 is 十二元零五分."""
    _in_range(abs(fen) // 100)
    return _speller(lang).money(fen)


def date(day: Date, lang: str, *, year: bool = True, weekday: bool = False) -> list[str]:
    """A calendar day, with or without its year and its day of the week."""
    return _speller(lang).date(day, year=year, weekday=weekday)


def time_of_day(at: Time, lang: str) -> list[str]:
    """Hour and minute on the twelve-hour clock with the part of the day; seconds are not read."""
    return _speller(lang).time_of_day(at)


def duration(seconds: int, lang: str) -> list[str]:
    """A length of time in days, hours, minutes and seconds; seconds >= 0."""
    return _speller(lang).duration(_not_negative(seconds))


def queue_position(ahead: int, lang: str) -> list[str]:
    """您前面还有两位: how many callers are ahead, 0 for the next one."""
    return _speller(lang).queue_position(_not_negative(ahead))


def expected_wait(seconds: int, lang: str) -> list[str]:
    """预计等候三分钟: the expected wait, as duration reads it."""
    return ["wait_is", *duration(seconds, lang)]


def agent_number(number: str, lang: str) -> list[str]:
    """工号幺零二为您服务: which agent answers; number is digits."""
    return ["agent_number", *digits(number, lang), "agent_serves"]


def _speller(lang: str) -> Speller:
    try:
        return SPELLERS[lang]
    except KeyError:
        raise ValueError(f"no rules for language {lang!r}, only {', '.join(SPELLERS)}") from None


def _in_range(number: int) -> int:
    if not -LIMIT < number < LIMIT:
        raise ValueError(f"{number} is too large to read out (limit {LIMIT})")
    return number


def _not_negative(number: int) -> int:
    if number < 0:
        raise ValueError(f"must not be negative: {number}")
    return _in_range(number)
