"""The real kernel driver: sound crosses both spans octet by octet."""

import contextlib
import errno
import os
import random
import select

import pytest

from tests.vm import dahdi_api as api

BLOCK = 160                     # octets, 20 ms at 8000 Hz
BLOCKS = 100                    # 2 s each way
STALL_MS = 5000                 # chosen: a block is due every 20 ms
HEAD = 32                       # octets that find the beginning; random ones, so nowhere else
CLEAR_PAIR, CAS_PAIR, LAST_PAIR = 17, 1, 31


class Talk:
    """One end of a pair: what it has to say, and what it hears."""

    def __init__(self, line: api.Line, speech: bytes) -> None:
        self.line, self.speech = line, speech
        self.said, self.heard = 0, bytearray()
        line.buffers(api.POLICY_WHEN_FULL, api.MAX_BUFFERS, BLOCK)

    def turn(self) -> None:
        """Say and hear as much as the driver takes and has."""
        for step in (self._say, self._hear):
            try:
                while step():
                    pass
            except BlockingIOError:
                continue
            except OSError as refused:
                if refused.errno != api.ELAST:
                    raise
                assert self.line.event() in {0, api.EVENT_BITSCHANGED}

    def _say(self) -> bool:
        block = self.speech[self.said:self.said + BLOCK]
        # silence after the last block, so that what is in the buffers gets sent
        self.said += os.write(self.line.fileno(), block or bytes(BLOCK))
        return True

    def _hear(self) -> bool:
        block = os.read(self.line.fileno(), BLOCK)
        self.heard += block
        return bool(block)

    def got(self, speech: bytes) -> bool | None:
        """Whether all of `speech` was heard without a change or a gap; None: not yet all."""
        begin = self.heard.find(speech[:HEAD])
        if begin < 0 or len(self.heard) < begin + len(speech):
            return None
        return bytes(self.heard[begin:begin + len(speech)]) == speech


def converse(channels: list[int], seed: int) -> dict[int, bool | None]:
    """All of these channels talk to their far ends at once; what each heard, as `Talk.got`."""
    rng = random.Random(seed)
    with contextlib.ExitStack() as opened:
        lines = [opened.enter_context(api.Line(channel)) for channel in channels]
        ends = {line.channel: Talk(line, rng.randbytes(BLOCK * BLOCKS)) for line in lines}
        poll = select.poll()
        by_descriptor = {end.line.fileno(): end for end in ends.values()}
        for descriptor in by_descriptor:
            poll.register(descriptor, select.POLLIN | select.POLLOUT | select.POLLPRI)

        def results() -> dict[int, bool | None]:
            return {channel: end.got(ends[api.far(channel)].speech)
                    for channel, end in ends.items()}

        most = 2 * len(ends) * BLOCK * BLOCKS       # of octets: twice what they have to say
        while None in results().values() and sum(len(e.heard) for e in ends.values()) < most:
            ready = poll.poll(STALL_MS)
            assert ready, "no channel moved: the driver's clock stands still"
            for descriptor, _ in ready:
                by_descriptor[descriptor].turn()
        return results()


@pytest.mark.parametrize("first", [
    pytest.param([CLEAR_PAIR, LAST_PAIR], id="clear"),
    pytest.param([CAS_PAIR, CAS_PAIR + 1], id="cas"),
    pytest.param([CAS_PAIR, CLEAR_PAIR], id="mixed"),
])
def test_two_pairs_hear_each_other_exactly(first):
    channels = [*first, *(api.far(channel) for channel in first)]
    assert converse(channels, seed=7) == dict.fromkeys(channels, True)


def test_speech_of_a_pair_does_not_reach_another():
    rng = random.Random(11)
    with contextlib.ExitStack() as opened:
        near, away, other = (Talk(opened.enter_context(api.Line(channel)),
                                  rng.randbytes(BLOCK * BLOCKS) if speaks else b"")
                             for channel, speaks in ((17, True), (48, False), (49, False)))
        while away.got(near.speech) is None and len(away.heard) < 2 * BLOCK * BLOCKS:
            assert away.line.wait(select.POLLIN | select.POLLPRI, STALL_MS)
            for end in (near, away, other):
                end.turn()
        assert away.got(near.speech)
        assert len(other.heard) > BLOCK * BLOCKS // 2
        pieces = {near.speech[at:at + HEAD] for at in range(0, len(near.speech), HEAD)}
        assert not [piece for piece in pieces if piece in other.heard]


def test_a_read_while_nothing_came_does_not_wait():
    with api.Line(CLEAR_PAIR) as line:
        line.buffers(api.POLICY_WHEN_FULL, api.MAX_BUFFERS, BLOCK)
        with pytest.raises(BlockingIOError) as refused:
            os.read(line.fileno(), BLOCK)
    assert refused.value.errno == errno.EAGAIN
