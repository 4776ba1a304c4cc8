"""Octets of Q.931 messages: as the standard draws them, there and back, and when they are wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti_board.errors import ProtocolError
from cti_board.signalling.q931_codec import (
    ALAW,
    AUDIO_3K1,
    SPEECH,
    ULAW,
    Bearer,
    CauseValue,
    ChannelId,
    Id,
    Kind,
    Message,
    Number,
    Progress,
    decode,
    encode,
)

HEAD = "0802000105"


def element(text):
    """The message with these IEs, in hex."""
    return decode(bytes.fromhex(HEAD + text.replace(" ", "")))


@pytest.mark.parametrize(("text", "ie", "value"), [
    ("04 03 80 90 a3", Id.BEARER, Bearer(SPEECH, ALAW)),
    ("04 03 90 90 a2", Id.BEARER, Bearer(AUDIO_3K1, ULAW)),
    ("04 02 88 90", Id.BEARER, Bearer(0x08, None)),
    ("08 02 80 90", Id.CAUSE, CauseValue(16)),
    ("08 04 82 9c 70 31", Id.CAUSE, CauseValue(28, 2, b"\x70\x31")),
    ("08 03 02 80 91", Id.CAUSE, CauseValue(17, 2)),  # with octet 3a
    ("14 01 0a", Id.CALL_STATE, 10),
    ("18 03 a9 83 81", Id.CHANNEL, ChannelId((1,))),
    ("18 03 a1 83 9f", Id.CHANNEL, ChannelId((31,), exclusive=False)),
    ("18 01 a3", Id.CHANNEL, ChannelId((), exclusive=False, any=True)),
    ("18 01 a8", Id.CHANNEL, ChannelId(())),
    ("18 06 a9 93 00 02 00 02", Id.CHANNEL, ChannelId((1, 17))),  # a slot map
    ("18 04 e9 80 83 85", Id.CHANNEL, ChannelId((5,))),  # the interface named
    ("18 04 a9 83 05 86", Id.CHANNEL, ChannelId((5, 6))),
    ("1e 02 82 88", Id.PROGRESS, Progress(8, 2)),
    ("28 03 41 20 42", Id.DISPLAY, "A B"), ("28 03 b1 41 42", Id.DISPLAY, "AB"),
    ("28 03 41 00 42", Id.DISPLAY, "AB"),
    ("2c 02 31 23", Id.KEYPAD, "1#"),
    ("6c 05 21 83 31 33 39", Id.CALLING, Number("139", 2, 1, 0, 3)),
    ("6c 04 81 31 33 39", Id.CALLING, Number("139")),
    ("6c 02 00 a3", Id.CALLING, Number("", 0, 0, 1, 3)),
    ("70 03 c1 35 36", Id.CALLED, Number("56", 4)),
    ("79 01 86", Id.RESTART, 6), ("27 01 80", Id.NOTIFICATION, 0),
    ("a1", Id.COMPLETE, b""), ("7e 02 04 41", 0x7E, b"\x04A"),
])  # fmt: skip
def test_elements(text, ie, value):
    message = element(text)
    assert message.ies == {ie: value}
    assert (message.bad, message.unknown) == ((), ())


@pytest.mark.parametrize(("text", "bad"), [
    ("04 00", Id.BEARER), ("04 01 80", Id.BEARER), ("04 02 e0 90", Id.BEARER),
    ("08 01 80", Id.CAUSE), ("08 02 80 80", Id.CAUSE), ("08 02 e0 90", Id.CAUSE),
    ("14 02 0a 0a", Id.CALL_STATE), ("18 00", Id.CHANNEL), ("18 03 a9 83 90", Id.CHANNEL),
    ("18 03 a9 83 a0", Id.CHANNEL), ("18 01 89", Id.CHANNEL), ("18 01 ad", Id.CHANNEL),
    ("18 01 aa", Id.CHANNEL), ("18 02 a9 83", Id.CHANNEL), ("18 03 a9 c3 81", Id.CHANNEL),
    ("18 04 a9 93 00 02", Id.CHANNEL), ("6c 02 21 03", Id.CALLING),
    ("70 03 81 41 5a", Id.CALLED), ("70 22 81" + " 31" * 33, Id.CALLED), ("2c 01 ff", Id.KEYPAD),
    ("79 00", Id.RESTART), ("1e 01 82", Id.PROGRESS), ("70 09 81 31", Id.CALLED),
    ("70", Id.CALLED),
])  # fmt: skip
def test_wrong_elements_are_named(text, bad):
    message = element(text)
    assert (message.bad, dict(message.ies)) == ((bad,), {})
    assert (message.number(bad), message.text(bad)) == (None, "")


def test_the_first_of_repeated_elements_counts():
    """5.8.5.2."""
    assert element("70 02 81 31 70 02 81 32").number(Id.CALLED).digits == "1"
    message = element("18 00 18 03 a9 83 81")
    assert (message.bad, dict(message.ies)) == ((Id.CHANNEL,), {})


def test_other_codesets_are_skipped():
    """4.5.3, 4.5.4: non-locking for one element, locking to the end."""
    message = element("9e 70 02 81 31 28 01 41 96 70 02 81 31 28 01 42")
    assert dict(message.ies) == {Id.DISPLAY: "A"}
    assert (message.bad, message.unknown) == ((), ())


def test_unknown_elements_are_named():
    assert element("66 01 41 09 00 c0").unknown == (0x66, 0x09, 0xC0)


@pytest.mark.parametrize("octets", [
    "", "08", "080200", "08020001", "0302000105", "0803000001", "08f2000105", "08000105", "080105",
])  # fmt: skip
def test_octets_without_a_usable_head_raise(octets):
    """5.8.1, 5.8.2, 5.8.3.1."""
    with pytest.raises(ProtocolError, match=r"Q\.931"):
        decode(bytes.fromhex(octets))


def test_a_reference_of_one_octet_is_read():
    message = decode(bytes.fromhex("08018105"))
    assert (message.ref, message.to_origin, message.kind) == (1, True, Kind.SETUP)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="call reference"):
        encode(Message(Kind.SETUP, 0x8000, False))
    with pytest.raises(ValueError, match="256 octets"):
        encode(Message(Kind.SETUP, 1, False, {Id.DISPLAY: "A" * 256}))
    with pytest.raises(ValueError, match="does not fit a frame"):
        encode(Message(Kind.SETUP, 1, False, {Id.DISPLAY: "A" * 255, Id.KEYPAD: "1"}))


numbers = st.builds(
    Number, st.text("0123456789*#", max_size=32), st.integers(0, 7), st.integers(0, 15)
)
timeslots = st.sampled_from([n for n in range(1, 32) if n != 16])
values = st.fixed_dictionaries({}, optional={
    Id.BEARER: st.builds(Bearer, st.sampled_from([SPEECH, AUDIO_3K1, 8]),
                         st.sampled_from([None, ALAW, ULAW])),
    Id.CAUSE: st.builds(CauseValue, st.integers(1, 127), st.integers(0, 15), st.binary(max_size=4)),
    Id.CALL_STATE: st.integers(0, 63), Id.RESTART: st.integers(0, 7),
    Id.CHANNEL: st.builds(ChannelId, st.sets(timeslots, min_size=1).map(sorted).map(tuple),
                          st.booleans()),
    Id.PROGRESS: st.builds(Progress, st.integers(0, 127), st.integers(0, 15)),
    Id.DISPLAY: st.text("abcXYZ09", min_size=1, max_size=20), Id.CALLED: numbers,
    Id.CALLING: st.builds(Number, st.text("0123456789", max_size=20), st.integers(0, 7),
                          st.integers(0, 15), st.integers(0, 3), st.integers(0, 3)),
    Id.COMPLETE: st.just(b""),
})  # fmt: skip


@given(st.sampled_from(Kind), st.integers(0, 0x7FFF), st.booleans(), values)
def test_there_and_back(kind, ref, to_origin, ies):
    message = Message(kind, ref, to_origin, ies)
    assert decode(encode(message)) == message


@given(st.binary(max_size=260) | st.binary(max_size=80).map(lambda b: bytes.fromhex(HEAD) + b))
def test_any_octets_are_a_message_or_a_protocol_error(octets):
    try:
        message = decode(octets)
    except ProtocolError:
        return
    assert not set(message.ies) & set(message.unknown)
    assert not set(message.bad) & set(message.unknown)
    assert message.cause is None or 1 <= message.cause <= 127


@given(values, st.data())
def test_a_cut_message_keeps_what_is_whole(ies, data):
    octets = encode(Message(Kind.SETUP, 1, False, ies))
    cut = decode(octets[: data.draw(st.integers(5, len(octets)))])
    assert {i: v for i, v in ies.items() if i in cut.ies} == dict(cut.ies)
    assert len(cut.bad) <= 1
