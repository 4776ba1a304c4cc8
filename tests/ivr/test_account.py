"""Account numbers and the file of accounts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.account import AccountError, check_digit, load_accounts, number_is_right
from ivr.config import DEFAULT

DIGITS = st.text("0123456789", min_size=1, max_size=18)


def test_the_check_digit_of_the_standard():
    # 7992739871 and its digit 3 is the worked example that every text on the algorithm uses
    assert check_digit("7992739871") == "3"
    assert number_is_right("79927398713")
    assert [d for d in "0123456789" if number_is_right("7992739871" + d)] == ["3"]


@given(DIGITS)
def test_exactly_one_digit_is_right(payload):
    assert sum(number_is_right(payload + digit) for digit in "0123456789") == 1


@given(DIGITS, st.data())
def test_one_wrong_key_is_always_found(payload, data):
    number = payload + check_digit(payload)
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != number[place]]))
    assert not number_is_right(number[:place] + other + number[place + 1 :])


@pytest.mark.parametrize("number", ["", "0", "12a4", "１８", "*18", "18#"])
def test_what_is_no_number_is_not_right(number):
    assert not number_is_right(number)


def test_our_accounts_are_right_and_of_every_kind():
    accounts = load_accounts(DEFAULT.parent / "accounts.csv")
    assert len(accounts) == 60
    assert all(number_is_right(number) for number in accounts)
    assert min(accounts.values()) < 0 < max(accounts.values())


def test_no_file_is_no_accounts():
    assert load_accounts(None) == {}


@pytest.mark.parametrize(("body", "right"), [
    ("name,balance\n", "a.csv:1: should be number,balance, not name,balance"),
    ("number,balance\n18,1\n19,1\n", "a.csv:3: '19' has not its check digit; 18 would be"),
    ("number,balance\nabc,1\n", "a.csv:2: 'abc' has not its check digit"),
    ("number,balance\n18\n", "a.csv:2: should be number,balance, not 1 values"),
    ("number,balance\n18,one\n", "a.csv:2: 'one' is no amount, as in 12.50"),
    ("number,balance\n18,inf\n", "a.csv:2: 'inf' is no amount, as in 12.50"),
    ("number,balance\n18,1.005\n", "a.csv:2: '1.005' is finer than 0.01 yuan"),
    ("number,balance\n18,1\n\n18,2\n", "a.csv:4: 18 is there twice"),
])  # fmt: skip
def test_a_bad_file_names_the_line(tmp_path, body, right):
    file = tmp_path / "a.csv"
    file.write_text(body)
    with pytest.raises(AccountError) as caught:
        load_accounts(file)
    assert str(caught.value) == f"{tmp_path}/{right}"


def test_a_file_that_a_spreadsheet_saved(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(b"\xef\xbb\xbfnumber,balance\r\n18,-2.50\r\n")
    assert load_accounts(file) == {"18": -250}


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(AccountError, match="cannot be read"):
        load_accounts(tmp_path / "none.csv")
