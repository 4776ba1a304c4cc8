"""Names as exchanges send them: bytes of a stranger, in one of several codes."""

import pytest

from cti_board.events import plain_text


@pytest.mark.parametrize("name", ["王", "A王", "毛王", "施毛", "王小明", "北京烟草公司", "Anna"])
@pytest.mark.parametrize("code", ["gbk", "utf-8"])
def test_a_chinese_name_is_read_in_either_code(name, code):
    assert plain_text(name.encode(code)) == name


def test_a_character_that_was_cut_off_is_dropped_and_no_more():
    assert plain_text("王小明".encode()[:-1]) == "王小"
    assert plain_text("王小明".encode("gbk")[:-1]) == "王小"


def test_what_moves_a_cursor_or_ends_a_line_is_dropped():
    assert plain_text("a\x1b[31mb\r\n\u2028\u2029c\x07".encode()) == "a[31mbc"


def test_bytes_of_no_code_are_marked():
    assert plain_text(b"Ann\xff\xffa") == "Ann\ufffd\ufffda"
