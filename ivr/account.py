"""Room: the accounts that a caller may ask about.  Must not know calls or prompts.

An account file is CSV in UTF-8: ``number,balance`` with a balance in yuan (two decimals); the
last digit of a number is its check digit.
"""

import csv
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

FEN = 100  # a yuan
HEAD = ["number", "balance"]


class AccountError(Exception):
    """An account file cannot be used; the text names file, line and what would be right."""


def check_digit(payload: str) -> str:
    """The digit to put after ``payload``: modulus 10, "double-add-double".

    ISO/IEC 7812-1 annex B (Luhn): from the right every other digit is doubled, the digits of
    the products are added up.
    """
    total = 0
    for place, digit in enumerate(reversed(payload)):
        value = int(digit) * (1 if place % 2 else 2)
        total += value // 10 + value % 10
    return str(-total % 10)


def number_is_right(number: str) -> bool:
    """Whether the last digit is the check digit of those before it."""
    digits = number.isascii() and number.isdigit() and len(number) > 1
    return digits and check_digit(number[:-1]) == number[-1]


def load_accounts(file: Path | None) -> Mapping[str, int]:
    """Balances in fen by number; none without a file.  AccountError names the first bad line."""
    if file is None:
        return {}
    found: dict[str, int] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            for place, row in enumerate(csv.reader(lines), 1):
                if place == 1 and row != HEAD:
                    raise AccountError(f"{file}:1: should be {','.join(HEAD)}, not {','.join(row)}")
                if place > 1 and row:
                    number, fen = _account(f"{file}:{place}", row)
                    if number in found:
                        raise AccountError(f"{file}:{place}: {number} is there twice")
                    found[number] = fen
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AccountError(f"{file}: cannot be read: {error}") from error
    return found


def _account(where: str, row: list[str]) -> tuple[str, int]:
    if len(row) != len(HEAD):
        raise AccountError(f"{where}: should be {','.join(HEAD)}, not {len(row)} values")
    number, balance = row
    if not number_is_right(number):
        payload = number[:-1]
        right = f"; {payload}{check_digit(payload)} would be" if payload.isdecimal() else ""
        raise AccountError(f"{where}: {number!r} has not its check digit{right}")
    try:
        fen = Decimal(balance) * FEN
        if fen != int(fen):
            raise AccountError(f"{where}: {balance!r} is finer than 0.01 yuan")
    except (InvalidOperation, ValueError, OverflowError):
        raise AccountError(f"{where}: {balance!r} is no amount, as in 12.50") from None
    return number, int(fen)
