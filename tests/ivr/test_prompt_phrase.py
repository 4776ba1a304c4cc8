"""How values are read: whatever is read out, a listener who parses it gets the value back.

The listeners below are written from the grammar of the language, not from the spellers.
"""

import datetime
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ivr.prompt import Catalogue, phrase
from ivr.prompt.catalogue import DATA, read_texts

PROMPTS = read_texts([DATA])
LANGS = st.sampled_from(["zh", "en"])
NUMBERS = st.one_of(st.integers(0, 100_000), st.integers(0, 10**9), st.integers(0, 10**12 - 1))
ZH_PLACES = {"十": 10, "百": 100, "千": 1000}
ZH_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
EN_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
EN_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
EN_VALUES = {word: n for n, word in enumerate(EN_SMALL)} | {
    word: 10 * n for n, word in enumerate(EN_TENS, 2)
}
EN_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}


def zh(ids: list[str]) -> str:
    return "".join(PROMPTS[id].texts["zh"] for id in ids)


def en(ids: list[str]) -> str:
    return " ".join(PROMPTS[id].texts["en"] for id in ids)


def hear_zh(text: str) -> int:
    """The number that a listener understands."""
    total = section = digit = 0
    for char in text:
        if char in ZH_DIGITS:
            digit = ZH_DIGITS[char]
        elif char in ZH_PLACES:
            section += (digit or 1) * ZH_PLACES[char]
            digit = 0
        else:
            total += (section + digit) * {"万": 10**4, "亿": 10**8}[char]
            section = digit = 0
    return total + section + digit


def hear_en(text: str) -> int:
    total = section = 0
    for word in text.split():
        if word in EN_VALUES:
            section += EN_VALUES[word]
        elif word == "hundred":
            section *= 100
        elif word in EN_SCALES:
            total += section * EN_SCALES[word]
            section = 0
        else:
            assert word == "and"
    return total + section


@given(NUMBERS)
@example(10**9)
@example(100_100_000)
@example(10**12 - 1)
def test_a_chinese_number_is_understood(number: int) -> None:
    assert hear_zh(zh(phrase.cardinal(number, "zh"))) == number


@given(NUMBERS)
@example(10**9)
@example(1_000_001)
@example(10**12 - 1)
def test_an_english_number_is_understood(number: int) -> None:
    assert hear_en(en(phrase.cardinal(number, "en"))) == number


def test_every_number_below_ten_thousand_is_understood_in_both_languages() -> None:
    for number in range(10_000):
        assert hear_zh(zh(phrase.cardinal(number, "zh"))) == number
        assert hear_en(en(phrase.cardinal(number, "en"))) == number


@given(NUMBERS)
def test_chinese_habits(number: int) -> None:
    text = zh(phrase.cardinal(number, "zh"))
    assert "零零" not in text
    assert number == 0 or not text.endswith("零")
    assert not text.startswith("一十")
    assert "两" not in text[1:]
    assert "两十" not in text
    assert "幺" not in text
    assert number < 20 or text[0] != "二" or text[1:2] == "十"
    for step in "万亿":
        assert text.count(step) <= 1
        assert f"零{step}" not in text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "零"),
        (2, "二"),
        (10, "十"),
        (12, "十二"),
        (20, "二十"),
        (22, "二十二"),
        (101, "一百零一"),
        (110, "一百一十"),
        (115, "一百一十五"),
        (200, "两百"),
        (1005, "一千零五"),
        (1050, "一千零五十"),
        (1200, "一千二百"),
        (2200, "两千二百"),
        (10_000, "一万"),
        (20_002, "两万零二"),
        (22_000, "两万二千"),
        (100_010, "十万零一十"),
        (120_000, "十二万"),
        (10_000_000, "一千万"),
        (100_000_001, "一亿零一"),
        (100_100_000, "一亿零一十万"),
        (200_000_000, "两亿"),
        (-7, "负七"),
        (123_456_789_012, "一千二百三十四亿五千六百七十八万九千零一十二"),
    ],
)
def test_chinese_numbers(number: int, text: str) -> None:
    assert zh(phrase.cardinal(number, "zh")) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "zero"),
        (21, "twenty one"),
        (100, "one hundred"),
        (105, "one hundred and five"),
        (1005, "one thousand and five"),
        (1100, "one thousand one hundred"),
        (105_000, "one hundred and five thousand"),
        (1_000_001, "one million and one"),
        (2_000_000_000, "two billion"),
        (-19, "minus nineteen"),
    ],
)
def test_english_numbers(number: int, text: str) -> None:
    assert en(phrase.cardinal(number, "en")) == text


@given(st.text("0123456789*#", min_size=1, max_size=20))
def test_keys_are_read_one_by_one_with_yao_for_one(keys: str) -> None:
    spoken = dict(zip("0123456789*#", [*"零幺二三四五六七八九", "星号", "井号"], strict=True))
    assert zh(phrase.digits(keys, "zh")) == "".join(spoken[key] for key in keys)
    names = dict(zip("0123456789*#", [*EN_SMALL[:10], "star", "hash"], strict=True))
    assert en(phrase.digits(keys, "en")) == " ".join(names[key] for key in keys)


@pytest.mark.parametrize("keys", ["", "12 3", "1-2", "A", "１"])
def test_only_keys_are_digits(keys: str) -> None:
    with pytest.raises(ValueError, match="0-9"):
        phrase.digits(keys, "zh")


@pytest.mark.parametrize(
    ("number", "text"), [(1, "一位"), (2, "两位"), (12, "十二位"), (22, "二十二位")]
)
def test_count_before_a_measure_word(number: int, text: str) -> None:
    assert zh([*phrase.count(number, "zh"), "unit_person"]) == text


@pytest.mark.parametrize(
    ("fen", "chinese", "english"),
    [
        (0, "零元", "zero yuan"),
        (1, "一分", "one cent"),
        (20, "两角", "twenty cents"),
        (200, "两元", "two yuan"),
        (101, "一元零一分", "one yuan and one cent"),
        (1205, "十二元零五分", "twelve yuan and five cents"),
        (1250, "十二元五角", "twelve yuan and fifty cents"),
        (1222, "十二元二角二分", "twelve yuan and twenty two cents"),
        (10_000_00, "一万元", "ten thousand yuan"),
        (-350, "负三元五角", "minus three yuan and fifty cents"),
    ],
)
def test_money(fen: int, chinese: str, english: str) -> None:
    assert zh(phrase.money(fen, "zh")) == chinese
    assert en(phrase.money(fen, "en")) == english


@given(st.integers(0, 10**14 - 1))
def test_money_is_understood(fen: int) -> None:
    heard = 0
    rest = zh(phrase.money(fen, "zh"))
    for unit, value in (("元", 100), ("角", 10), ("分", 1)):
        if unit in rest:
            amount, _, rest = rest.partition(unit)
            heard += hear_zh(amount) * value
    assert heard == fen
    assert not rest
    words = en(phrase.money(fen, "en"))
    yuan, found, cents = words.rpartition(" yuan") if "yuan" in words else ("", "", words)
    assert hear_en(yuan) * 100 + hear_en(cents.replace("cents", "").replace("cent", "")) == fen
    assert bool(found) == (fen >= 100 or fen == 0)


@pytest.mark.parametrize(
    ("value", "chinese", "english"),
    [
        ("3.14", "三点一四", "three point one four"),
        ("-0.5", "负零点五", "minus zero point five"),
        ("2.10", "二点一零", "two point one zero"),
        ("1E+2", "一百", "one hundred"),
    ],
)
def test_decimals(value: str, chinese: str, english: str) -> None:
    assert zh(phrase.decimal(Decimal(value), "zh")) == chinese
    assert en(phrase.decimal(Decimal(value), "en")) == english


@pytest.mark.parametrize(
    ("day", "chinese", "english"),
    [
        (
            (2026, 11, 22),
            "二零二六年十一月二十二日星期日",
            "Sunday November twenty second twenty twenty six",
        ),
        (
            (2005, 2, 2),
            "二零零五年二月二日星期三",
            "Wednesday February second two thousand and five",
        ),
        (
            (1905, 1, 30),
            "一九零五年一月三十日星期一",
            "Monday January thirtieth nineteen oh five",
        ),
        (
            (1900, 10, 11),
            "一九零零年十月十一日星期四",
            "Thursday October eleventh nineteen hundred",
        ),
        (
            (2010, 12, 31),
            "二零一零年十二月三十一日星期五",
            "Friday December thirty first twenty ten",
        ),
    ],
)
def test_dates(day: tuple[int, int, int], chinese: str, english: str) -> None:
    when = datetime.date(*day)
    assert zh(phrase.date(when, "zh", weekday=True)) == chinese
    assert en(phrase.date(when, "en", weekday=True)) == english


def test_a_date_without_its_year() -> None:
    when = datetime.date(2026, 3, 1)
    assert zh(phrase.date(when, "zh", year=False)) == "三月一日"
    assert en(phrase.date(when, "en", year=False)) == "March first"


@given(st.dates())
def test_no_two_days_of_a_year_are_read_alike(day: datetime.date) -> None:
    other = day.replace(day=1 if day.day > 1 else 2)
    for lang in ("zh", "en"):
        assert phrase.date(day, lang) != phrase.date(other, lang)


@pytest.mark.parametrize(
    ("at", "chinese", "english"),
    [
        ((0, 0), "凌晨零点", "twelve A.M."),
        ((5, 59), "凌晨五点五十九分", "five fifty nine A.M."),
        ((9, 5), "上午九点零五分", "nine oh five A.M."),
        ((12, 30), "中午十二点三十分", "twelve thirty P.M."),
        ((14, 2), "下午两点零二分", "two oh two P.M."),
        ((22, 22), "晚上十点二十二分", "ten twenty two P.M."),
    ],
)
def test_times_of_day(at: tuple[int, int], chinese: str, english: str) -> None:
    assert zh(phrase.time_of_day(datetime.time(*at), "zh")) == chinese
    assert en(phrase.time_of_day(datetime.time(*at), "en")) == english


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_minute_of_the_day_is_read_differently(lang: str) -> None:
    minutes = [datetime.time(hour, minute) for hour in range(24) for minute in range(60)]
    assert len({tuple(phrase.time_of_day(at, lang)) for at in minutes}) == 24 * 60


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (0, "零秒", "zero seconds"),
        (1, "一秒", "one second"),
        (120, "两分钟", "two minutes"),
        (62, "一分钟两秒", "one minute and two seconds"),
        (3605, "一小时零五秒", "one hour and five seconds"),
        (7322, "两小时两分钟两秒", "two hours two minutes and two seconds"),
        (172_805, "两天零五秒", "two days and five seconds"),
    ],
)
def test_durations(seconds: int, chinese: str, english: str) -> None:
    assert zh(phrase.duration(seconds, "zh")) == chinese
    assert en(phrase.duration(seconds, "en")) == english


def test_announcements_made_of_pieces() -> None:
    assert zh(phrase.queue_position(2, "zh")) == "您前面还有两位"
    assert zh(phrase.queue_position(0, "zh")) == "下一位就是您。"
    assert en(phrase.queue_position(2, "en")) == "Callers ahead of you: two"
    assert zh(phrase.agent_number("1012", "zh")) == "工号幺零幺二为您服务。"
    assert zh(phrase.expected_wait(180, "zh")) == "预计等候三分钟"


@pytest.mark.parametrize("number", [10**12, -(10**12)])
def test_too_large_to_read(number: int) -> None:
    for lang in ("zh", "en"):
        with pytest.raises(ValueError, match="too large"):
            phrase.cardinal(number, lang)
        with pytest.raises(ValueError, match="too large"):
            phrase.money(number * 100, lang)


@pytest.mark.parametrize("function", [phrase.duration, phrase.queue_position])
def test_what_cannot_be_negative(function: Callable[[int, str], list[str]]) -> None:
    with pytest.raises(ValueError, match="negative"):
        function(-1, "zh")


def test_what_has_no_rules_is_refused() -> None:
    with pytest.raises(ValueError, match="'fr'"):
        phrase.cardinal(1, "fr")
    with pytest.raises(ValueError, match="cannot be read"):
        phrase.decimal(Decimal("NaN"), "zh")


@given(
    LANGS,
    st.integers(-(10**12) + 1, 10**12 - 1),
    st.datetimes(),
    st.booleans(),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-9999, max_value=9999, places=3),
)
def test_only_words_of_the_vocabulary_are_used(
    lang: str, number: int, when: datetime.datetime, flag: bool, value: Decimal
) -> None:
    said = [
        *phrase.cardinal(number, lang),
        *phrase.count(number, lang),
        *phrase.money(number, lang),
        *phrase.digits(f"{abs(number)}*#", lang),
        *phrase.decimal(value, lang),
        *phrase.date(when.date(), lang, year=flag, weekday=not flag),
        *phrase.time_of_day(when.time(), lang),
        *phrase.duration(abs(number), lang),
        *phrase.queue_position(abs(number), lang),
        *phrase.expected_wait(abs(number), lang),
        *phrase.agent_number(str(abs(number)), lang),
    ]
    assert set(said) <= phrase.vocabulary(lang)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_vocabulary_has_sound(lang: str) -> None:
    catalogue = Catalogue.load()
    for word in phrase.vocabulary(lang):
        assert catalogue.audio(word, lang)


def test_no_word_of_the_catalogue_is_useless() -> None:
    for prompt in PROMPTS.values():
        if prompt.kind == "word":
            for lang in prompt.texts:
                used = prompt.id in phrase.vocabulary(lang)
                assert used, f"no phrase says {prompt.id} in {lang}"
