"""Whatever is asked of it, the card stays whole, and the street always comes to rest."""

import random

import pytest
from sim_card import ffi, keys, lib

SPEC = "fxo=3,fxs=3,e1=1,phones=6,media=board"
KNOWN_ERRORS = {0, -22, -38, -16, -107, -2, -28}    # EINVAL ENOSYS EBUSY ENOTCONN ENOENT ENOSPC
RING_OPS = {lib.CTB_OP_PLAY_START, lib.CTB_OP_RECORD_START}
TONE_OPS = {lib.CTB_OP_TONE, lib.CTB_OP_TONE_PLAN}
OPS = [*range(1, 12), *range(32, 43), *[lib.CTB_OP_STREET] * 20]
TEXTS = ["", "66000001", "88000002", "77004321", "12*#A", "5", "x", "8" * 63]


def number(rng):
    return rng.choice([rng.randrange(-2, 16), rng.randrange(-2, 16), rng.randrange(-900, 3000),
                       rng.randrange(-2**31, 2**31)])


class Memory:
    """Memory that the card may use as long as it likes."""

    def __init__(self, rng):
        self.sound = ffi.new("uint8_t[4096]", bytes(rng.randrange(256) for _ in range(4096)))
        self.tones = ffi.new("ctb_tone_t[2]")
        for t in self.tones:
            t.id, t.steps, t.cycles = rng.randrange(9), rng.randrange(1, 9), rng.randrange(3)
            for step in t.step:
                step.hz[0], step.hz[1] = rng.choice([0, 450, 1400]), rng.choice([0, 620])
                step.dbm0[0] = rng.randrange(-60, 11)
                step.on_ms, step.off_ms = rng.choice([0, 30, 400]), rng.choice([0, 30, 400])
        self.rings = []

    def ring(self, rng):
        data = ffi.new("uint8_t[]", 2048)
        ring = ffi.new("ctb_ring_t *", {"data": data, "size": rng.choice([2048, 1024, 1000]),
                                        "head": rng.choice([0, 700]), "closed": rng.randrange(2)})
        self.rings.append((data, ring))
        return ring


def disturb(d, rng, memory):
    op = rng.choice(OPS)
    fields = {name: number(rng) for name in "abcdef"}
    fields["text"] = rng.choice(TEXTS)
    fields["cookie"] = rng.randrange(4)
    if op in RING_OPS:
        fields["data"] = memory.ring(rng)
    elif op in TONE_OPS:
        fields["data"] = memory.tones
        memory.tones[0].steps = rng.choice([1, 2, 8, 0, 9])
        fields["size"] = rng.choice([1, 2]) * ffi.sizeof("ctb_tone_t")
    elif rng.random() < 0.9:
        fields["data"], fields["size"] = memory.sound, rng.randrange(4097)
    if op == lib.CTB_OP_STREET:
        fields["a"] = rng.randrange(15)
        if fields["a"] == lib.CTB_ST_HEAR_START:
            fields["data"] = memory.sound
        if rng.random() < 0.7:
            fields["b"] = rng.randrange(9)
            fields["c"], fields["d"] = rng.randrange(-1, 8), rng.randrange(-1, 9)
    channel = rng.choice([rng.randrange(40), rng.randrange(12), number(rng) & 0xFFFFFFFF])
    result = d.command(channel, op, **fields)
    assert result in KNOWN_ERRORS, (channel, op, fields, result)


def come_to_rest(d):
    """Everybody hangs up, everything is mended."""
    d.fault(lib.CTB_SF_STOP_CLOCK)
    d.fault(lib.CTB_SF_CONGESTION)
    d.fault(lib.CTB_SF_NO_SEIZE_ACK, 2)
    d.do(2, lib.CTB_OP_ALARM)
    d.fault(lib.CTB_SF_ALARM, 2)
    for channel in range(d.channels):
        d.table.channel_open(d.board, channel)
        d.table.channel_close(d.board, channel)
        d.do(channel, lib.CTB_OP_GAIN)
    for channel in range(6):
        d.fault(lib.CTB_SF_LINE_CUT, channel)
    for channel in range(3):
        d.fault(lib.CTB_SF_NO_DIAL_TONE, channel)
        d.fault(lib.CTB_SF_MISSED_RING, channel)
    d.option(lib.CTB_SO_CALLER_ID, 0)
    d.option(lib.CTB_SO_RING_MS, 1000 << 16 | 4000)
    for end in range(9):
        d.hang_up(end)
        d.street(end, lib.CTB_ST_FAULT, b=lib.CTB_SF_STUCK_KEY)
        d.street(end, lib.CTB_ST_IMPAIR)
        d.street(end, lib.CTB_ST_HEAR_STOP)
        d.street(end, lib.CTB_ST_PLAY_STOP)
    d.run(10_000)


@pytest.mark.parametrize("seed", range(8))
def test_no_command_breaks_the_card_and_all_lines_work_afterwards(sim, seed):
    d, rng = sim(SPEC), random.Random(seed)
    memory = Memory(rng)
    for _ in range(1500):
        for _ in range(rng.randrange(4)):
            disturb(d, rng, memory)
        if not d.step() and rng.random() < 0.1:
            d.fault(lib.CTB_SF_STOP_CLOCK)
        if rng.random() < 0.05:
            d.skip(rng.randrange(100))
        assert [e.at for e in d.events] == sorted(e.at for e in d.events)
    come_to_rest(d)
    d.events.clear()
    assert not any(d.rx_live[i] for i in range(16))
    assert d.skip(10**6) == (10**6, True)
    for channel in range(d.channels):
        d.do(channel, lib.CTB_OP_RESYNC)
    d.drain()
    for state in d.seen(lib.CTB_EV_LINE_STATE):
        at_rest = {1: (0, 0, 1, 0), 2: (0, 0, state.c, 0), 3: (0, 0, 0, 9)}
        kind = 1 if state.channel < 3 else 2 if state.channel < 6 else 3
        assert (state.a, state.b, state.c, state.d) == at_rest[kind], state
    for i in range(3):                               # every kind of call goes through again
        d.lift(3 + i)
        d.dial(3 + i, f"6600000{i}", b=50, c=50)
        d.until(lib.CTB_EV_RAW_RING, channel=i, a=1)
        d.do(3 + i, lib.CTB_OP_RING, a=1000, b=4000)
        d.report(i, lib.CTB_SE_RING_BEGIN)
    d.cas(20, 0b0001)
    d.until(lib.CTB_EV_RAW_CAS, channel=20, a=0b1101)
    d.say(20, keys("88000004"))
    d.report(3 + 4, lib.CTB_SE_RING_BEGIN)
