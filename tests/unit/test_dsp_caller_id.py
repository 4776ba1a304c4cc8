"""Messages of caller identification: built, read, sent as sound and found in it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti_board.dsp.caller_id import (
    CallerId,
    FskReceiver,
    build_message,
    find_dtmf_id,
    find_fsk,
    make_dtmf_id,
    make_fsk,
    parse_message,
    with_checksum,
)
from cti_board.events import plain_text
from tests.native import dsp_rig as rig
from tests.native.dsp_rig import ffi, lib

# Telcordia GR-30's forms, with the checksums that make them 0 mod 256
MULTIPLE = bytes([0x80, 0x16, 0x01, 8]) + b"03171656" + bytes([0x02, 10]) + b"2156430144\xba"
SINGLE = bytes([0x04, 0x12]) + b"031716562156430144\x4f"
WHO = CallerId("2156430144", date="03171656")
DATES = st.from_regex(r"(0[1-9]|1[0-2])(0[1-9]|[12][0-9])([01][0-9])[0-5][0-9]", fullmatch=True)


def test_known_messages():
    assert build_message(WHO) == MULTIPLE
    assert build_message(WHO, "sdmf") == SINGLE
    assert parse_message(MULTIPLE) == parse_message(SINGLE) == WHO
    assert with_checksum(SINGLE[:-1]) == SINGLE


@given(
    number=st.text("0123456789", max_size=20),
    name=st.text(st.characters(codec="gbk", categories=["L", "N"]), max_size=24),
    date=DATES,
    others=st.lists(st.tuples(st.integers(0x10, 0xFF), st.binary(min_size=1, max_size=9))),
)
def test_what_was_built_is_read(number, name, date, others):
    if len(others) > 8:
        others = others[:8]
    who = CallerId(number, name, date, others=tuple(others))
    read = parse_message(build_message(who))
    assert (read.number, read.date, read.others) == (number, date, tuple(others))
    if name.isascii():
        assert read.name == name


def test_a_chinese_name_goes_out_in_gbk_and_comes_back():
    who = CallerId("10086", "王小明")
    assert "王小明".encode("gbk") in build_message(who)
    assert parse_message(build_message(who)) == who
    utf8 = with_checksum(bytes([0x80, 11, 7, 9]) + "王小明".encode())
    assert parse_message(utf8).name == "王小明"


@pytest.mark.parametrize("reason", ["O", "P"])
def test_reasons(reason):
    who = CallerId(date="03171656", number_absence=reason, name_absence=reason)
    assert parse_message(build_message(who)) == who
    single = parse_message(build_message(who, "sdmf"))
    assert (single.number, single.number_absence) == ("", reason)


@given(st.binary(max_size=300))
def test_reading_strange_bytes_gives_an_identity_or_a_value_error(data):
    out = ffi.new("ctb_caller_id_t *")
    rc = lib.ctb_caller_id_parse(out, data, len(data))
    try:
        read = parse_message(data)
    except ValueError:
        assert rc != 0
        return
    assert rc == 0
    assert read.name.isprintable() or " " in read.name
    assert ffi.string(out.number).decode("ascii") == read.number[:31]
    assert ffi.string(out.date).decode("ascii") == read.date


@given(st.binary(max_size=60))
def test_a_strangers_text_has_no_control_characters(raw):
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in plain_text(raw))


def test_text_cut_in_a_character():
    for code in ("utf-8", "gbk"):
        assert plain_text("王小明".encode(code)[:-1]) == "王小"
    assert plain_text(b"A\x00\r\n\x1b[31mB") == "A[31mB"


def test_mistakes_are_value_errors():
    for wrong in (
        CallerId("1" * 21), CallerId("１"), CallerId(date="0317165"), CallerId(number_absence="X"),
        CallerId(name="🙂"), CallerId(others=((300, b"1"),)),
        CallerId(others=((9, b"1" * 200),) * 2),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"."):
            build_message(wrong)
    for wrong, told in (
        (CallerId("1\x07\n2"), r"number.*'1\\x07\\n2'"), (CallerId("1 2"), "number"),
        (CallerId(date="99999999"), "date is MMDDhhmm, not '99999999'"),
        (CallerId(date="02300000"), "date"), (CallerId(date="01002400"), "date"),
        (CallerId(date="12312360"), "date"), (CallerId(date="00010000"), "date"),
        (CallerId("12", others=((2, b"99"),)), "02H has a field of its own, number"),
        (CallerId(others=((8, b"P"),)), "08H has a field of its own, name_absence"),
        (CallerId(name="x" * 300), "name has at most 253 bytes, not 300"),
        (CallerId(name="王" * 150), "name has at most 253 bytes, not 300"),
        (CallerId(name="Bell\x07"), "name is printable"),
        (CallerId("1", others=((9, b""),)), "others"), (CallerId(others=((-1, b"1"),)), "others"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=told):
            build_message(wrong)
    for wrong, told in (
        (CallerId("1", "Li", "03171656"), "single message has no name: 'Li'"),
        (CallerId("1", date="03171656", others=((9, b"1"),)), "single message has no others"),
    ):
        with pytest.raises(ValueError, match=told):
            build_message(wrong, "sdmf")
    with pytest.raises(ValueError, match="form"):
        build_message(WHO, "xdmf")
    with pytest.raises(ValueError, match="date"):
        build_message(CallerId("1"), "sdmf")
    with pytest.raises(ValueError, match="standard"):
        make_fsk(MULTIPLE, "v21")
    with pytest.raises(ValueError, match="dBm0"):
        make_fsk(MULTIPLE, level_dbm0=4.0)
    for number, start, end in (("", "D", "C"), ("12*", "D", "C"), ("1", "E", "C"), ("1", "D", "9")):
        with pytest.raises(ValueError, match=r"."):
            make_dtmf_id(number, start=start, end=end)


def test_the_longest_day_and_message_are_sent():
    assert parse_message(build_message(CallerId(date="02292359"))).date == "02292359"
    who = CallerId(name="x" * 253)
    assert parse_message(build_message(who)) == who
    assert len(make_fsk(build_message(who), seizure_bits=8000, mark_bits=8000)) > 100_000


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"seizure_bits": 2**31}, "bits are 0 to 8000"), ({"seizure_bits": -1}, "bits"),
        ({"mark_bits": 8001}, "bits"), ({"level_dbm0": float("nan")}, "dBm0"),
        ({"level_dbm0": -91.0}, "dBm0"), ({"twist_db": float("inf")}, "twists"),
        ({"twist_db": -31.0}, "twists"), ({"level_dbm0": 3.0, "twist_db": 9.0}, "dBm0"),
    ],
)  # fmt: skip
def test_what_no_modem_sends_is_refused(more, told):
    with pytest.raises(ValueError, match=told):
        make_fsk(MULTIPLE, **more)
    with pytest.raises(ValueError, match="258 bytes, not 259"):
        make_fsk(bytes(259))


@pytest.mark.parametrize(
    "more",
    [
        {"on_ms": 10**8}, {"on_ms": 0}, {"off_ms": 10**8}, {"off_ms": -1}, {"level_dbm0": 20.0},
        {"level_dbm0": float("nan")}, {"level_dbm0": -61.0}, {"twist_db": 16.0},
    ],
)  # fmt: skip
def test_digits_have_the_limits_of_all_digits(more):
    with pytest.raises(ValueError, match=r"dBm0|times"):
        make_dtmf_id("123", **more)


# ---- sound ------------------------------------------------------------------------------------


def quiet(ms):
    return np.zeros(ms * 8, np.int16)


@pytest.mark.parametrize("standard", ["bell202", "v23"])
def test_what_was_sent_is_found_where_it_is(standard):
    sound = np.concatenate([quiet(250), make_fsk(MULTIPLE, standard, -20), quiet(100)])
    [found] = find_fsk(sound)
    assert (found.data, found.right, found.standard) == (MULTIPLE, True, standard)
    assert found.level_dbm0 == pytest.approx(-20, abs=0.3)
    begin = 2000 + 480 * 20 / 3
    assert found.begin == pytest.approx(begin, abs=3)
    assert found.end == pytest.approx(begin + 10 * len(MULTIPLE) * 20 / 3, abs=3)


def test_many_lines_and_every_kind_of_sound():
    one = np.concatenate([quiet(20), make_fsk(SINGLE, "v23"), quiet(40)])
    two = np.zeros_like(one)
    for sound in (np.stack([two, one]), np.stack([two, one]) / 32768):
        assert [(m.line, m.data) for m in find_fsk(sound)] == [(1, SINGLE)]
    codes = rig.alaw_codes(one)
    assert [m.data for m in find_fsk(codes)] == [SINGLE]
    with pytest.raises(ValueError, match="lines"):
        find_fsk(np.zeros((17, 160), np.int16))


def test_a_stream_in_pieces_says_the_same():
    sound = np.concatenate([quiet(77), make_fsk(MULTIPLE), quiet(50), make_fsk(SINGLE), quiet(80)])
    receiver, found = FskReceiver(), []
    for start in range(0, len(sound), 1000):
        found += receiver.feed(sound[start : start + 1000])
    assert [m.data for m in found] == [MULTIPLE, SINGLE]
    assert found == find_fsk(sound)


def test_a_wrong_checksum_is_told_as_wrong():
    [found] = find_fsk(make_fsk(MULTIPLE[:-1] + b"\xbb"))
    assert not found.right
    assert found.data == MULTIPLE[:-1] + b"\xbb"


def test_off_hook_and_at_any_level_and_twist():
    for twist in (-10, 0, 10):
        for level in (-8, -30, -40):
            sound = make_fsk(
                MULTIPLE, level_dbm0=level, twist_db=twist, seizure_bits=0, mark_bits=80
            )
            sound = np.concatenate([quiet(30), sound])
            assert [m.data for m in find_fsk(sound)] == [MULTIPLE], (twist, level)


@settings(max_examples=12, deadline=None)
@given(contents=st.binary(min_size=1, max_size=40), v23=st.booleans())
def test_any_contents(contents, v23):
    message = with_checksum(bytes([0x80, len(contents)]) + contents)
    assert [m.data for m in find_fsk(make_fsk(message, "v23" if v23 else "bell202"))] == [message]


def test_the_sender_is_phase_continuous_and_exact():
    """One tone in the marks; no jump anywhere: a step is at most the space tone's."""
    sound = make_fsk(MULTIPLE, level_dbm0=-10.0).astype(float)
    assert np.abs(np.diff(sound)).max() <= rig.peak(-10) * 2 * np.sin(np.pi * 2200 / 8000) + 1
    marks = sound[round(310 * 20 / 3) :][: 8 * 100]  # 100 ms: 120 periods of 1200 Hz
    t = np.arange(len(marks)) / 8000
    amplitude = abs(np.mean(marks * np.exp(-2j * np.pi * 1200 * t)) * 2)
    assert 20 * np.log10(amplitude / rig.peak(0)) == pytest.approx(-10, abs=0.02)


@pytest.mark.parametrize(
    ("start", "end"), [("D", "C"), ("A", "#"), ("B", "C"), ("C", "C"), ("D", "")]
)
def test_digits_with_and_without_an_end_code(start, end):
    sound = np.concatenate(
        [quiet(200), make_dtmf_id("02156430144", start=start, end=end), quiet(500)]
    )
    [found] = find_dtmf_id(sound)
    assert (found.number, found.start, found.end_code) == ("02156430144", start, end)
    assert found.begin == pytest.approx(1600, abs=40)
    assert found.end <= 1600 + (12 + len(end)) * 960


def test_digits_that_are_no_identity():
    plain = rig.silence(100)
    for key in "13812345678":
        plain = np.concatenate([plain, rig.dtmf(key, 60), rig.silence(60)])
    assert find_dtmf_id(plain.astype(np.int16)) == []
    two = np.concatenate([make_dtmf_id("123"), quiet(400), make_dtmf_id("4567"), quiet(100)])
    assert [f.number for f in find_dtmf_id(two)] == ["123", "4567"]
