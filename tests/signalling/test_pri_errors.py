"""A PRI's restarts, and what should not come: Q.931 5.5 and 5.8."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti_board.errors import InvalidStateError
from cti_board.signalling.pri import PriOptions, PriSpan
from cti_board.signalling.q931_codec import (
    ALAW,
    SPEECH,
    Bearer,
    CauseValue,
    ChannelId,
    Id,
    Kind,
    Message,
    Number,
    Progress,
    encode,
)

from .fake_port import run
from .pri_rig import CHANNEL_1, Wire, active, both, cause, pri_test, setup, told

# ---- restart ----------------------------------------------------------------------------


@pri_test()
async def test_a_restart_ends_the_calls_of_its_channels(span, peer):
    call = await active(span, peer)
    ies = {Id.CHANNEL: CHANNEL_1, Id.RESTART: 0}
    peer.say(Kind.RESTART, ies, ref=0)
    (answer,) = await peer.hears()
    assert (answer.kind, answer.to_origin, answer.ies) == (Kind.RESTART_ACK, True, ies)
    assert (call.state, told(span)) == ("null", [("Disconnected", 41), ("Released",)])


@pri_test()
async def test_a_restart_of_the_interface_ends_all(span, peer):
    calls = [span.seize(n) for n in "123"]
    await peer.hears()
    peer.say(Kind.RESTART, {Id.RESTART: 6}, ref=0)
    assert await peer.kinds() == [Kind.RESTART_ACK]
    assert {c.state for c in calls} == {"null"}


@pytest.mark.parametrize(("kind", "ies", "number"), [
    (Kind.RESTART, {}, 96), (Kind.RESTART, {Id.RESTART: 3}, 100),
    (Kind.RESTART, {Id.RESTART: 0}, 96), (Kind.CONNECT, {}, 81),
])  # fmt: skip
def test_wrong_messages_of_the_global_reference(kind, ies, number):
    """5.8.3.2 f, 5.8.6."""

    @pri_test()
    async def main(span, peer):
        peer.say(kind, ies, ref=0)
        (answer,) = await peer.hears()
        assert (answer.kind, answer.cause, answer.call_state) == (Kind.STATUS, number, 0)

    main()


# ---- 5.8: errors ------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "ies", "answer"), [
    (Kind.CONNECT, {}, 81), (Kind.RELEASE, cause(16), 81), (Kind.RELEASE_COMPLETE, {}, None),
    (Kind.STATUS, {**cause(30), Id.CALL_STATE: 0}, None),
    (Kind.STATUS, {**cause(30), Id.CALL_STATE: 10}, 101), (Kind.STATUS_ENQUIRY, {}, 81),
    (0x33, {}, 81),
])  # fmt: skip
def test_messages_of_no_call(kind, ies, answer):
    """5.8.3.2, 5.8.11."""

    @pri_test()
    async def main(span, peer):
        peer.say(kind, ies, ref=77)
        found = [(m.kind, m.cause) for m in await peer.hears()]
        assert found == ([(Kind.RELEASE_COMPLETE, answer)] if answer else [])

    main()


@pytest.mark.parametrize(("ies", "number"), [
    ({Id.CHANNEL: CHANNEL_1, Id.CALLED: Number("1")}, 96),
    (setup() | {Id.BEARER: b"\x00"}, 100), (setup() | {0x09: b"?"}, 99),
    (setup() | {Id.BEARER: Bearer(0x08, None)}, 65), (setup() | {Id.CHANNEL: b"\x00"}, 100),
])  # fmt: skip
def test_wrong_setups(ies, number):
    """5.8.6, 5.8.7; 5.2.2: unrestricted data is not for us."""

    @pri_test()
    async def main(span, peer):
        peer.say(Kind.SETUP, ies)
        (answer,) = await peer.hears()
        assert (answer.kind, answer.cause) == (Kind.RELEASE_COMPLETE, number)

    main()


@pytest.mark.parametrize(("kind", "ies", "answer", "number", "state"), [
    (Kind.ALERTING, {}, Kind.STATUS, 101, "active"),
    (0x33, {}, Kind.STATUS, 97, "active"),
    (Kind.PROGRESS, {}, Kind.STATUS, 96, "active"),
    (Kind.NOTIFY, {Id.NOTIFICATION: b"\x00\x00"}, Kind.STATUS, 100, "active"),
    (Kind.NOTIFY, {Id.NOTIFICATION: 0, 0x66: b"?"}, None, None, "active"),
    (Kind.STATUS_ENQUIRY, {}, Kind.STATUS, 30, "active"),
    (Kind.STATUS, {**cause(97), Id.CALL_STATE: 10}, None, None, "active"),
    (Kind.STATUS, {}, None, None, "active"),
    (Kind.SETUP, setup(), None, None, "active"),
    (Kind.DISCONNECT, {}, Kind.RELEASE, 96, "release_request"),
    (Kind.DISCONNECT, {Id.CAUSE: b"\x80"}, Kind.RELEASE, 100, "release_request"),
    (Kind.DISCONNECT, {**cause(16), 0x66: b"?"}, Kind.RELEASE, 99, "release_request"),
    (Kind.RELEASE, cause(16), Kind.RELEASE_COMPLETE, None, "null"),
    (Kind.RELEASE, {0x66: b"?"}, Kind.RELEASE_COMPLETE, 99, "null"),
    (Kind.RELEASE_COMPLETE, {}, None, None, "null"),
])  # fmt: skip
def test_wrong_messages_of_an_active_call(kind, ies, answer, number, state):
    """5.8.3.2 e, 5.8.4, 5.8.6, 5.8.7, 5.8.10, 5.8.11."""

    @pri_test()
    async def main(span, peer):
        call = await active(span, peer)
        peer.say(kind, ies)
        found = await peer.hears()
        assert [(m.kind, m.cause) for m in found] == ([(answer, number)] if answer else [])
        assert call.state == state
        if answer == Kind.STATUS:
            assert found[0].call_state == 10

    main()


@pri_test()
async def test_a_disconnect_without_a_cause_counts_as_31(span, peer):
    await active(span, peer)
    peer.say(Kind.DISCONNECT)
    await peer.hears()
    peer.say(Kind.RELEASE_COMPLETE)
    await peer.hears()
    assert told(span) == [("Disconnected", 31), ("Released",)]


@pri_test()
async def test_both_disconnect_at_once(span, peer):
    """5.3.5: clear collision, twice."""
    call = await active(span, peer)
    call.hang_up()
    peer.say(Kind.DISCONNECT, cause(16))
    assert await peer.kinds() == [Kind.DISCONNECT, Kind.RELEASE]
    peer.say(Kind.RELEASE)
    assert await peer.kinds() == []
    assert (call.state, told(span)) == ("null", [("Released",)])


@pri_test()
async def test_a_withheld_and_a_missing_number(span, peer):
    for ref, presentation in ((1, 1), (2, 2)):
        calling = Number("139", presentation=presentation)
        more = {Id.CALLING: calling, Id.DISPLAY: "Mao"}
        peer.say(Kind.SETUP, setup(ChannelId((ref,)), ies=more), ref=ref)
    await peer.hears()
    offers = [r.event for r in (span.reports.get_nowait(), span.reports.get_nowait())]
    assert [(o.ani, o.ani_absence, o.ani_name) for o in offers] == [("", "P", ""), ("", "O", "Mao")]


def test_wrong_arguments():
    async def main():
        span, _ = both()
        for number in ("12a", "1" * 33):
            with pytest.raises(ValueError, match="a number has"):
                span.seize(number)
        with pytest.raises(ValueError, match="none of this span"):
            span.seize("1", channel=16)
        with pytest.raises(ValueError, match="timeslots"):
            PriSpan(Wire(), "user", asyncio.Queue(), channels=(16,))
        with pytest.raises(ValueError, match="no state 'MARS'"):
            PriSpan(Wire(), "user", asyncio.Queue(), options=PriOptions(limits=(("MARS", 1),)))
        with pytest.raises(ValueError, match="type is 0 to 7"):
            PriOptions(number_type=8)

    run(main)


messages = st.builds(
    Message, st.sampled_from([*Kind, 0x33]), st.integers(0, 3), st.booleans(),
    st.dictionaries(
        st.sampled_from([i for i in Id if i < 0x80] + [0x66, 0x09]),
        st.binary(max_size=6) | st.sampled_from([CHANNEL_1, CauseValue(16), Bearer(SPEECH, ALAW),
                                                 Number("123"), Progress(8)]),
        max_size=5,
    ),
)  # fmt: skip


@given(
    st.lists(messages, max_size=12),
    st.lists(st.sampled_from(["accept", "answer", "reject", "hang_up", "seize"]), max_size=12),
    st.sampled_from(["user", "network"]),
)
def test_a_span_survives_any_messages(received, commands, role):
    """Whatever comes, nothing is raised, and a good call goes through afterwards."""

    async def main():
        span, peer = both(role=role)
        span.start()
        await asyncio.sleep(0.1)
        for n, message in enumerate(received):
            peer.link.send(encode(message))
            await asyncio.sleep(0.1)
            command = commands[n] if n < len(commands) else "accept"
            calls = list(span.calls.values())
            try:
                if command == "seize":
                    span.seize("12")
                elif calls:
                    getattr(calls[n % len(calls)], command)()
            except InvalidStateError:
                continue
        for call in list(span.calls.values()):
            call.hang_up()
        await asyncio.sleep(60)
        assert not span.calls
        assert not span.faults
        peer.got.clear()
        channel = span.free()[0]
        peer.say(Kind.SETUP, setup(ChannelId((channel,))), ref=999)
        assert await peer.kinds() == [Kind.PROCEEDING]
        span.close()
        peer.link.close()

    run(main)


def test_octets_that_are_no_message_are_counted():
    @pri_test()
    async def main(span, peer):
        for octets in (b"\x08", b"\x03\x02\x00\x01\x05", b"\x08\x03\x00\x00\x01\x05", b"\x08\x01"):
            peer.link.send(octets)
        assert await peer.kinds() == []
        assert span.garbage == 4

    main()


@pri_test(options=PriOptions(exclusive=True))
async def test_an_exclusive_channel_is_not_exchanged(span, peer):
    span.seize("1")
    await peer.hears()
    peer.say(Kind.PROCEEDING, {Id.CHANNEL: ChannelId((2,))}, to_origin=True)
    (answer,) = await peer.hears()
    assert (answer.kind, answer.cause) == (Kind.DISCONNECT, 6)


@pri_test()
async def test_messages_with_the_wrong_flag_count_for_nothing(span, peer):
    """5.8.3.2 d: a SETUP to the origin; a RESTART ACKNOWLEDGE from it."""
    peer.say(Kind.SETUP, setup(), to_origin=True)
    assert await peer.kinds() == []
    assert not span.calls
    span.restart(5)
    peer.say(Kind.RESTART_ACK, {Id.CHANNEL: ChannelId((5,)), Id.RESTART: 0}, ref=0)
    assert await peer.kinds() == [Kind.RESTART]
    assert span.out == {5}


@pri_test()
async def test_restarts_that_are_never_acknowledged_take_turns(span, peer):
    span.restart(5)
    span.restart(6)
    asked = [m.channel.channels for m in await peer.hears(500)]
    assert asked == [(5,), (5,), (6,), (6,), (5,)]
    assert span.out == {5, 6}


@pri_test()
async def test_a_released_link_is_set_up_again_after_a_second(span, peer):
    peer.link.release()
    await asyncio.sleep(0.9)
    assert not span.up
    await asyncio.sleep(0.3)
    assert span.up


@pri_test()
async def test_a_release_that_answers_has_no_cause(span, peer):
    """5.3.3: the cause is in the first clearing message."""
    await active(span, peer)
    peer.say(Kind.DISCONNECT, cause(16))
    (answer,) = await peer.hears()
    assert (answer.kind, dict(answer.ies)) == (Kind.RELEASE, {})


@pri_test()
async def test_a_link_set_up_anew_may_have_lost_digits(span, peer):
    """5.8.8: a call in overlap sending is cleared, one in conversation stays."""
    talking, call = await active(span, peer), span.seize("12", whole=False)
    await peer.hears()
    peer.say(Kind.SETUP_ACK, {Id.CHANNEL: ChannelId((31,))}, to_origin=True)
    await peer.hears()
    span.port.cut = True
    call.dial("3")
    span.port.cut = False
    peer.link.establish()
    (answer,) = await peer.hears()
    assert (answer.kind, answer.cause) == (Kind.DISCONNECT, 41)
    assert (told(span), talking.state) == ([("Disconnected", 41)], "active")
