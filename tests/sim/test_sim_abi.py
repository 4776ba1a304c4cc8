"""The simulated card's table of functions: what it declares, what it refuses."""

import ctypes
import shutil
import subprocess

import pytest
from sim_card import ROOT, ffi, lib

CAP = {"RING": 0, "FLASH": 1, "PULSE_DIAL": 3, "POLARITY": 4, "LOOP_BREAK": 5, "CAS": 6, "GAIN": 7,
       "ALARMS": 9, "SKIP": 10, "STREET": 11, "BOARD_PLAY": 16, "BOARD_LISTEN": 23}
ENOSYS, EINVAL, EBUSY, ENOTCONN, ENOENT = -38, -22, -16, -107, -2


def has(capabilities, name):
    return bool(capabilities >> CAP[name] & 1)


def test_only_the_version_that_it_speaks():
    assert lib.ctb_driver_get(lib.CTB_ABI_VERSION) != ffi.NULL
    assert lib.ctb_driver_get(lib.CTB_ABI_VERSION + 1) == ffi.NULL
    assert lib.ctb_driver_get(0) == ffi.NULL
    table = lib.ctb_driver_get(lib.CTB_ABI_VERSION)
    assert table.abi_version == lib.CTB_ABI_VERSION
    assert table.struct_size == ffi.sizeof("ctb_driver_t")
    assert ffi.string(table.name) == b"sim"


def test_spans_and_channels_are_in_the_order_that_the_pages_promise(sim):
    d = sim("fxo=2,fxs=3,e1=2,phones=1")
    assert (d.info.spans, d.info.channels) == (4, 65)
    span, channel = ffi.new("ctb_span_info_t *"), ffi.new("ctb_channel_info_t *")
    found = []
    for i in range(4):
        assert d.table.describe_span(d.board, i, span) == 0
        found.append((span.kind, span.first_channel, span.channels, ffi.string(span.name)))
    assert found == [(1, 0, 2, b"FXO"), (1, 2, 3, b"FXS"), (2, 5, 30, b"E1 1"),
                     (2, 35, 30, b"E1 2")]
    slots, types = [], []
    for i in range(65):
        assert d.table.describe_channel(d.board, i, channel) == 0
        slots.append(channel.timeslot)
        types.append(channel.type)
    every = [*range(1, 16), *range(17, 32)]
    assert slots == [0, 1, 0, 1, 2, *every, *every]
    assert types == [lib.CTB_LINE_FXO] * 2 + [lib.CTB_LINE_FXS] * 3 + [lib.CTB_LINE_E1_CAS] * 60
    assert d.table.describe_span(d.board, 4, span) == EINVAL
    assert d.table.describe_channel(d.board, 65, channel) == EINVAL


def test_capabilities_say_what_each_line_can_do(sim):
    d = sim("fxo=1,fxs=1,e1=1")
    info = ffi.new("ctb_channel_info_t *")
    caps = []
    for channel in (0, 1, 2):
        d.table.describe_channel(d.board, channel, info)
        caps.append(info.capabilities)
    assert [has(c, "RING") for c in caps] == [False, True, False]
    assert [has(c, "FLASH") for c in caps] == [True, False, False]
    assert [has(c, "PULSE_DIAL") for c in caps] == [True, False, False]
    assert [has(c, "CAS") for c in caps] == [False, False, True]
    assert all(has(c, "GAIN") for c in caps)
    assert all(has(d.info.capabilities, name) for name in ("SKIP", "STREET", "ALARMS", "RING"))
    assert not has(d.info.capabilities, "BOARD_PLAY")
    assert has(sim("media=board").info.capabilities, "BOARD_PLAY")
    assert not has(sim("fxo=1").info.capabilities, "ALARMS")


def test_what_the_spec_says_comes_back(sim):
    d = sim("fxo=1,ppm=-12.5,law=ulaw,latency=2,seed=77,country=us")
    assert d.info.rate_ppb == -12500
    assert d.info.law == lib.CTB_LAW_ULAW
    assert d.info.latency_rx == d.info.latency_tx == 320
    assert ffi.string(d.info.serial) == b"sim-77"
    assert ffi.string(d.info.model) == b"simulated card, us"


@pytest.mark.parametrize(("spec", "channels"), [
    ("", 18), ("seed=3", 18), ("fxo=2", 2), ("e1=1", 30), ("fxs=1,fxo=0", 1)])
def test_lines_that_are_not_named(sim, spec, channels):
    assert sim(spec).channels == channels


@pytest.mark.parametrize(("spec", "words"), [
    ("fxq=8", ["fxq", "no such key", "fxo"]), ("fxo=9999", ["fxo", "0 to 512"]),
    ("fxo=", ["fxo", "number"]), ("fxo=-1", ["fxo", "number"]), ("fxo", ["fxo", "number"]),
    ("media=card", ["media=card", "host or board"]), ("law=a", ["law", "alaw or ulaw"]),
    ("country=fr", ["country=fr", "cn, us, uk, de"]), ("ppm=fast", ["ppm", "million"]),
    ("ppm=5000", ["ppm"]), ("seed=x", ["seed=x", "number"]), ("latency=99", ["latency"]),
    ("fxo=0,fxs=0", ["1 to 1024"]), ("fxo=500,fxs=500,e1=16", ["1480 channels"]),
    ("fxo=1,,fxs=1", ["empty"]), ("fxo=1,", ["last comma"])])
def test_a_wrong_spec_is_refused_with_a_sentence(sim, spec, words):
    with pytest.raises(OSError, match=words[0]) as caught:
        sim(spec)
    assert caught.value.errno == -EINVAL
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_operations_that_a_line_has_not(sim):
    d = sim("fxo=1,fxs=1,e1=1")
    fxo, fxs, e1 = 0, 1, 2
    for channel, op in [(fxo, lib.CTB_OP_RING), (fxs, lib.CTB_OP_HOOK), (e1, lib.CTB_OP_HOOK),
                        (fxo, lib.CTB_OP_CAS), (fxo, lib.CTB_OP_WINK), (fxs, lib.CTB_OP_FLASH),
                        (fxo, lib.CTB_OP_PLAY_START), (fxo, lib.CTB_OP_DETECT_ARM), (fxo, 999)]:
        assert d.command(channel, op) == ENOSYS
    frame = ffi.new("uint8_t[8]")
    assert d.table.frame_send(d.board, 0, frame, 8) == ENOSYS
    assert d.table.frame_recv(d.board, 0, frame, 8) == ENOSYS
    assert d.command(0, lib.CTB_OP_ALARM, a=1) == ENOSYS       # span 0 is a bank of FXO ports


def test_wrong_values_are_refused(sim):
    d = sim("fxo=1,fxs=1,e1=1,phones=1")
    assert d.command(99, lib.CTB_OP_HOOK, a=1) == EINVAL
    assert d.command(0, lib.CTB_OP_HOOK, a=2) == EINVAL
    assert d.command(0, lib.CTB_OP_FLASH, a=100) == ENOTCONN   # on-hook
    assert d.command(0, lib.CTB_OP_PULSE_DIAL, a=100, b=60, text="1") == ENOTCONN
    d.hook(0, True)
    assert d.command(0, lib.CTB_OP_FLASH, a=0) == EINVAL
    assert d.command(0, lib.CTB_OP_PULSE_DIAL, a=100, b=60, text="1x") == EINVAL
    assert d.command(0, lib.CTB_OP_PULSE_DIAL, a=1, b=60, text="1") == EINVAL
    assert d.command(0, lib.CTB_OP_GAIN, a=9999) == EINVAL
    assert d.command(1, lib.CTB_OP_RING, a=-5, b=1) == EINVAL
    assert d.command(2, lib.CTB_OP_CAS, a=16) == EINVAL

    def street(end, op, **fields):
        return d.command(end, lib.CTB_OP_STREET, a=op, **fields)

    assert street(2, lib.CTB_ST_OFF_HOOK) == EINVAL            # ends are 0 and 1
    assert street(0, 99) == ENOSYS
    assert street(0, lib.CTB_ST_DIAL, text="1") == ENOTCONN
    d.lift(0)
    assert street(0, lib.CTB_ST_DIAL, text="12E") == EINVAL
    assert street(0, lib.CTB_ST_DIAL, text="") == EINVAL
    assert street(0, lib.CTB_ST_DIAL, text="*1", f=1) == EINVAL
    d.dial(0, "123")
    assert street(0, lib.CTB_ST_DIAL, text="1") == EBUSY
    assert street(0, lib.CTB_ST_PLAY) == EINVAL
    assert street(0, lib.CTB_ST_HEAR_START) == EINVAL
    assert street(0, lib.CTB_ST_WATCH, b=8) == EINVAL
    assert street(0, lib.CTB_ST_IMPAIR, b=-1) == EINVAL
    assert street(0, lib.CTB_ST_IMPAIR, c=100) == EINVAL       # noise over full scale
    assert street(0, lib.CTB_ST_FAULT, b=99) == EINVAL
    assert street(0, lib.CTB_ST_FAULT, b=lib.CTB_SF_LINE_CUT, c=2, d=1) == EINVAL   # a timeslot
    assert street(0, lib.CTB_ST_FAULT, b=lib.CTB_SF_ALARM, c=0, d=1) == EINVAL      # no E1
    assert street(0, lib.CTB_ST_OPTION, b=lib.CTB_SO_CLEAR, c=1, d=1) == EINVAL     # an FXS port
    assert street(0, lib.CTB_ST_OPTION, b=lib.CTB_SO_CLEAR, c=-1, d=8) == EINVAL


def test_a_text_without_its_end_is_refused(sim):
    d = sim("fxs=1")
    args = ffi.new("ctb_args_t *", {"a": lib.CTB_ST_DIAL, "text": b"1" * 64})
    assert d.table.command(d.board, 0, lib.CTB_OP_STREET, args) == EINVAL


def test_a_channel_is_opened_once_and_closing_brings_its_line_to_rest(sim):
    d = sim("fxo=1,fxs=1,phones=1")
    assert d.table.channel_open(d.board, 0) == 0
    assert d.table.channel_open(d.board, 0) == EBUSY
    assert d.table.channel_open(d.board, 2) == EINVAL
    d.hook(0, True)
    d.run(500)
    assert d.live(0)                                           # dial tone
    assert d.table.channel_close(d.board, 0) == 0
    d.run(500)
    assert not d.live(0)
    assert d.table.channel_close(d.board, 0) == EINVAL
    d.table.channel_open(d.board, 1)
    d.do(1, lib.CTB_OP_RING, a=1000, b=4000)
    d.report(0, lib.CTB_SE_RING_BEGIN)
    d.table.channel_close(d.board, 1)
    d.report(0, lib.CTB_SE_RING_STOPPED)


def test_resync_tells_how_every_line_stands(sim):
    d = sim("fxo=1,fxs=1,e1=1,phones=1")
    d.option(lib.CTB_SO_CALLER_ID, 0)
    d.hook(0, True)
    d.lift(0)
    d.run(100)
    for channel in (0, 1, 2):
        d.do(channel, lib.CTB_OP_RESYNC)
    d.drain()
    states = {e.channel: (e.a, e.b, e.c, e.d) for e in d.seen(lib.CTB_EV_LINE_STATE)}
    assert states[0] == (1, 0, 1, 0)          # loop taken, feed present
    assert states[1][0] == 1                  # the telephone is off-hook
    assert states[2][3] == 0b1001             # idle


def test_when_nobody_reads_events_the_loss_is_counted(sim):
    d = sim("fxs=1,phones=0")
    for _ in range(6000):
        d.lift(0)
        d.hang_up(0)
    d.drain()
    assert len(d.events) == 8192
    assert d.events[-1].kind == lib.CTB_EV_OVERRUN
    assert d.events[-1].a == 12000 - 8191
    assert all(e.kind == lib.CTB_EV_RAW_HOOK for e in d.events[:-1])


def test_no_memory_is_an_error_and_leaks_nothing(tmp_path):
    """Every allocation of open fails once, in turn."""
    if not shutil.which("gcc"):
        pytest.skip("no gcc to build the library with failing allocations")
    (tmp_path / "fail.c").write_text("""
        #include <stdlib.h>
        long fail_at = -1, live;
        static int fails(void) { return fail_at >= 0 && fail_at-- == 0; }
        void *test_malloc(size_t n) { return fails() ? 0 : (live++, malloc(n)); }
        void *test_calloc(size_t n, size_t m) { return fails() ? 0 : (live++, calloc(n, m)); }
        void test_free(void *p) { if (p) live--; free(p); }
    """)
    target = tmp_path / "libfail.so"
    sources = [str(p) for p in sorted((ROOT / "firmware_sim/src").glob("*.c"))]
    subprocess.run(["gcc", "-std=c11", "-shared", "-fPIC", "-w", "-include", "stdlib.h",
                    "-Dmalloc=test_malloc", "-Dcalloc=test_calloc", "-Dfree=test_free",
                    f"-I{ROOT}/cti_board/_native/include", "-o", str(target), *sources, "-lm"],
                   check=True)
    subprocess.run(["gcc", "-std=c11", "-shared", "-fPIC", "-o", str(tmp_path / "libhooks.so"),
                    str(tmp_path / "fail.c")], check=True)
    hooks = ctypes.CDLL(str(tmp_path / "libhooks.so"), mode=ctypes.RTLD_GLOBAL)
    fail_at, live = (ctypes.c_long.in_dll(hooks, n) for n in ("fail_at", "live"))
    table = ffi.dlopen(str(target)).ctb_driver_get(lib.CTB_ABI_VERSION)
    out, err = ffi.new("ctb_board_t **"), ffi.new("char[200]")
    spec = b"fxo=1,fxs=1,e1=1,phones=2,media=board,latency=1"
    for attempt in range(100):
        fail_at.value = attempt
        result = table.open(out, spec, err, 200)
        if result == 0:
            break
        assert result == -12
        assert live.value == 0
        assert b"memory" in ffi.string(err)
    assert attempt > 20
    table.close(out[0])
    assert live.value == 0
