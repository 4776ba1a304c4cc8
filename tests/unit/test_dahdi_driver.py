"""The DAHDI driver against a kernel that the tests play: its words, events, frames, commands."""

import ctypes
import errno
import subprocess
from pathlib import Path

import pytest
from cti_board._native._media import ffi, lib

from cti_board.backends import dahdi, find

ROOT = Path(__file__).resolve().parent.parent.parent
DRIVER = ROOT / "cti_board/_native/dahdi"
FXSKS, FXOKS, CAS, CLEAR, EM, HDLC = 0x2004, 0x1020, 0x8000, 0x80, 0x40, 0x380
ONHOOK, RINGOFFHOOK, ALARM, DIALCOMPLETE, BITS, RINGBEGIN = 1, 2, 4, 9, 13, 18
OVERRUN, UNDERRUN, PULSE = 29, 30, 1 << 16


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    built = tmp_path_factory.mktemp("dahdi") / "dahdi.so"
    wraps = [f"-Wl,--wrap={name}" for name in ("open", "close", "read", "write", "poll", "ioctl")]
    subprocess.run(
        ["gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", "-shared",
         "-fPIC", "-fvisibility=hidden", f"-I{DRIVER}", f"-I{ROOT / 'cti_board/_native/include'}",
         *map(str, sorted(DRIVER.glob("*.c"))), str(ROOT / "tests/native/dahdi_kernel.c"),
         *wraps, "-o", str(built)],
        check=True,
    )  # fmt: skip
    found = ctypes.CDLL(str(built))
    found.ctb_driver_get.restype = ctypes.c_void_p
    found.fake_dial.restype = ctypes.c_char_p
    return found


class Card:
    """The driver on the played kernel."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.driver = ffi.cast("ctb_driver_t *", kernel.ctb_driver_get(lib.CTB_ABI_VERSION))
        self.board = None

    def line(self, number, sig, bits=0, hooksig=1):
        self.kernel.fake_set(number, sig, bits, hooksig)
        return self

    def switch(self, name, value):
        ctypes.c_int.in_dll(self.kernel, name).value = value
        return self

    def open(self, spec=""):
        out, err = ffi.new("ctb_board_t **"), ffi.new("char[]", 512)
        code = self.driver.open(out, spec.encode(), err, 512)
        if code == 0:
            self.board = out[0]
            info = ffi.new("ctb_board_info_t *")
            self.driver.describe(self.board, info)
            self.info = info
            for i in range(info.channels):
                assert self.driver.channel_open(self.board, i) == 0
            self.tx, self.rx = (ffi.new("uint8_t[]", 160 * info.channels) for _ in range(2))
            self.tx_live, self.rx_live = ffi.new("uint64_t[]", 1), ffi.new("uint64_t[]", 1)
        return code, ffi.string(err).decode()

    def frame(self, live=0, value=0):
        self.tx_live[0] = live
        ffi.memmove(self.tx, bytes([value]) * len(self.tx), len(self.tx))
        return self.driver.exchange(self.board, self.tx, self.tx_live, self.rx, self.rx_live)

    def events(self):
        found, event = [], ffi.new("ctb_event_t *")
        while self.driver.next_event(self.board, event) == 1:
            found.append((event.kind, event.channel, event.a, event.at))
        return found

    def command(self, channel, op, *values, text=""):
        args = ffi.new("ctb_args_t *")
        args.a, args.b = [*values, 0, 0][:2]
        args.cookie = 77
        ffi.memmove(args.text, text.encode(), len(text))
        return self.driver.command(self.board, channel, op, args)

    def channel(self, number):
        info = ffi.new("ctb_channel_info_t *")
        assert self.driver.describe_channel(self.board, number, info) == 0
        return info


@pytest.fixture
def card(library):
    library.fake_reset()
    made = Card(library)
    yield made
    if made.board is not None:
        made.driver.close(made.board)


def test_the_scheme_leads_to_the_library():
    if dahdi.LIBRARY_PATH.exists():
        assert find("dahdi:spans=1") == (str(dahdi.LIBRARY_PATH), "spans=1")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("spans=0", "spans are numbers"),
        ("spans=1-", "spans are numbers"),
        ("spans=3-2", "spans are numbers"),
        ("channels=x", "channels are numbers"),
        ("channels=1025", "channels are numbers"),
        ("prefill=0", "1 to 24"),
        ("prefill=2,3", "NAME=VALUE"),
        ("colour=red", "the options are"),
        ("7", "NAME=VALUE"),
        ("device=", "folder"),
        ("spans=" + "1," * 300, "511"),
    ],
)
def test_a_wrong_address_is_refused_with_what_would_be_right(card, spec, says):
    code, text = card.open(spec)
    assert code == -errno.EINVAL
    assert says in text


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.ENOENT, "modprobe dahdi"), (errno.EACCES, "usermod -aG"), (errno.EMFILE, "open files")],
)
def test_a_driver_that_cannot_be_reached_says_what_to_run(card, number, says):
    card.switch("fake_open_errno", number)
    code, text = card.open()
    assert code == -number
    assert says in text


def test_no_span_no_number_no_channel(card):
    card.switch("fake_spans", 0)
    assert "dahdi_cfg -v" in card.open()[1]
    card.switch("fake_spans", 1).switch("fake_numbered", 0)
    assert "auto_assign_spans=1" in card.open()[1]
    card.switch("fake_numbered", 1)
    assert "no span 2" in card.open("spans=2")[1]
    assert "no channel 40" in card.open("channels=40")[1]


def test_wrong_signalling_names_the_lines_to_write(card):
    card.line(3, EM)
    code, text = card.open("channels=3")
    assert code == -errno.EINVAL
    assert "E&M" in text
    assert "fxsks=3" in text
    assert "system.conf" in text
    card.line(16, HDLC)
    assert "only D channels" in card.open("channels=16")[1]


def test_a_busy_channel_is_named_and_nothing_stays_open(card):
    card.line(1, CAS).line(2, CAS)
    card.kernel.fake_busy(2)
    code, text = card.open()
    assert code == -errno.EBUSY
    assert "channel 2" in text
    assert "fuser" in text
    assert card.open("channels=1")[0] == 0


def test_line_types_and_capabilities_follow_the_signalling(card):
    card.line(1, CAS).line(2, CLEAR).line(3, HDLC).line(4, FXSKS).line(5, FXOKS).line(6, EM)
    assert card.open()[0] == 0
    assert [card.channel(i).type for i in range(5)] == [3, 4, 5, 1, 2]
    assert card.info.channels == 5
    assert card.info.law == lib.CTB_LAW_ALAW
    assert card.info.capabilities & lib.CTB_CAP_PACED
    assert not card.channel(4).capabilities & lib.CTB_CAP_POLARITY
    assert card.info.latency_tx == 320


def test_an_analog_card_keeps_its_law_and_has_polarity(card):
    card.switch("fake_analog", 1)
    card.line(1, FXOKS)
    assert card.open()[0] == 0
    assert card.info.law == lib.CTB_LAW_ULAW
    assert card.channel(0).capabilities & lib.CTB_CAP_POLARITY
    assert card.channel(0).timeslot == 0
    assert card.command(0, lib.CTB_OP_POLARITY, 1) == 0
    assert card.kernel.fake_polarity(1) == 1


def test_bits_are_four_and_told_when_they_change(card):
    card.line(1, CAS, bits=0xD9)
    card.open()
    card.frame()
    assert card.events() == [(lib.CTB_EV_RAW_CAS, 0, 9, 0)]
    card.kernel.fake_event(1, BITS)
    card.kernel.fake_set(1, CAS, 0x49, 1)  # only the neighbour's bits are others
    card.frame()
    assert card.events() == []
    card.kernel.fake_event(1, BITS)
    card.kernel.fake_set(1, CAS, 0x45, 1)
    card.frame()
    assert card.events() == [(lib.CTB_EV_RAW_CAS, 0, 5, 320)]


def test_a_stock_of_silence_stands_before_all_sound(card):
    card.line(1, CAS).line(2, CAS)
    card.open("prefill=3")
    assert card.frame() == 1
    assert card.frame(live=1, value=7) == 1
    assert card.frame(live=1, value=8) == 1
    assert [card.kernel.fake_sent(1, i) for i in range(6)] == [0xD5, 0xD5, 0xD5, 0xD5, 7, 8]
    assert [card.kernel.fake_sent(2, i) for i in range(6)] == [0xD5] * 6
    calls = ctypes.c_int.in_dll(card.kernel, "fake_calls")
    before = calls.value
    card.frame(live=3, value=9)
    card.frame(live=1, value=9)
    assert calls.value - before == 2 * (1 + 3 + 2)  # poll, n + 1 reads, n writes


def test_an_event_before_a_block_does_not_cost_the_block(card):
    card.line(1, CAS).line(2, CAS)
    card.open()
    card.frame()
    card.kernel.fake_event(1, UNDERRUN)
    card.kernel.fake_event(2, ALARM)
    card.switch("fake_alarms", 1 << 8 | 1 << 3)
    assert card.frame() == 1
    assert card.rx_live[0] == 3
    told = [e for e in card.events() if e[0] == lib.CTB_EV_ALARM_RAISED]
    assert [(e[1], e[2]) for e in told] == [(0xFFFFFFFF, lib.CTB_ALARM_LOS)]


def test_a_gap_is_a_slip_and_the_stock_is_laid_in_again(card):
    card.line(1, CAS)
    card.open("prefill=2")
    card.frame(live=1, value=7)
    card.events()
    card.kernel.fake_event(1, UNDERRUN)
    written = card.kernel.fake_written(1)
    card.frame(live=1, value=8)
    assert [e[0] for e in card.events()] == [lib.CTB_EV_SLIP]
    assert card.kernel.fake_written(1) - written == 2


def test_a_silent_channel_is_not_waited_for_and_the_clock_moves_on(card):
    card.line(1, CAS).line(2, CAS)
    card.open()
    card.kernel.fake_dead(1, 1)
    assert [card.frame() for _ in range(4)] == [0, 0, 1, 1]
    assert card.rx_live[0] == 2


def test_a_late_block_is_dropped_and_told(card):
    card.line(1, CAS).line(2, CAS)
    card.open()
    card.frame()
    card.events()
    card.kernel.fake_dead(2, 1)
    card.frame()
    assert card.rx_live[0] == 1
    card.kernel.fake_dead(2, 0)
    card.kernel.fake_blocks(2, 1)
    card.frame()
    assert card.rx_live[0] == 3
    assert card.rx[160] == 1  # the younger of the two
    assert [e[0] for e in card.events()] == [lib.CTB_EV_SLIP]


def test_lost_blocks_are_a_slip_and_all_begin_anew(card):
    card.line(1, CAS).line(2, CAS)
    card.open()
    card.frame()
    card.events()
    card.kernel.fake_blocks(2, 5)
    card.kernel.fake_event(1, OVERRUN)
    card.frame()
    assert [e[0] for e in card.events()] == [lib.CTB_EV_SLIP]
    card.frame()
    assert card.rx[160] == 1  # of channel 2 one block waited: the five were dropped


def test_a_telephone_is_told_with_the_moment_of_its_opening(card):
    card.line(1, FXOKS, hooksig=0)
    card.open()
    for _ in range(50):
        card.frame()
    card.kernel.fake_event(1, RINGOFFHOOK)
    card.frame()
    assert card.kernel.fake_hook(1) == 1
    for _ in range(49):
        card.frame()
    card.kernel.fake_event(1, PULSE | ord("7"))
    card.kernel.fake_event(1, ONHOOK)
    card.frame()
    assert card.kernel.fake_hook(1) == 0
    assert card.events() == [
        (lib.CTB_EV_RAW_HOOK, 0, 1, 50 * 160),
        (lib.CTB_EV_PULSE_DIGIT, 0, ord("7"), 100 * 160),
        (lib.CTB_EV_RAW_HOOK, 0, 0, 100 * 160 - 1680),
    ]


def test_ringing_is_followed_to_its_end(card):
    card.line(1, FXSKS)
    card.open()
    card.frame()
    card.kernel.fake_event(1, RINGBEGIN)
    card.kernel.fake_set(1, FXSKS, 0, 3)
    card.frame()
    card.frame()
    card.kernel.fake_set(1, FXSKS, 0, 1)
    card.frame()
    card.kernel.fake_set(1, FXSKS, 0, 0)
    card.frame()
    assert [(kind, a) for kind, _, a, _ in card.events()] == [
        (lib.CTB_EV_RAW_RING, 1), (lib.CTB_EV_RAW_RING, 0), (lib.CTB_EV_RAW_BATTERY, 0),
    ]  # fmt: skip


def test_commands_of_lines(card):
    card.line(1, CAS).line(2, FXSKS).line(3, FXOKS, hooksig=0)
    card.open()
    assert card.command(0, lib.CTB_OP_CAS, 0x1B) == 0
    assert card.command(1, lib.CTB_OP_HOOK, 1) == 0
    assert card.command(1, lib.CTB_OP_FLASH, 120) == 0
    assert card.kernel.fake_flash_ms(2) == 120
    assert card.kernel.fake_hook(2) == 3
    assert card.command(2, lib.CTB_OP_RING, 1000, 4000) == 0
    assert [card.kernel.fake_cadence(3, i) for i in range(3)] == [1000, 4000, 0]
    assert card.kernel.fake_hook(3) == 5
    assert card.command(2, lib.CTB_OP_RING, 0) == 0
    assert card.kernel.fake_hook(3) == 6
    for op in (lib.CTB_OP_WINK, lib.CTB_OP_LOOP_BREAK, lib.CTB_OP_ALARM, lib.CTB_OP_HOOK):
        assert card.command(0, op, 1) == -errno.ENOSYS
    assert card.command(2, lib.CTB_OP_POLARITY, 1) == -errno.ENOSYS
    assert card.command(9, lib.CTB_OP_CAS, 1) == -errno.EINVAL


def test_pulses_are_dialled_by_the_kernel_and_nothing_is_written_meanwhile(card):
    card.line(1, FXSKS)
    card.open()
    assert card.command(0, lib.CTB_OP_PULSE_DIAL, 100, 66, text="41A") == -errno.EINVAL
    assert card.command(0, lib.CTB_OP_PULSE_DIAL, 100, 66, text="410") == 0
    assert card.kernel.fake_dial(1) == b"P410"
    assert card.kernel.fake_break_ms(1) == 66
    assert card.command(0, lib.CTB_OP_PULSE_DIAL, 100, 66, text="4") == -errno.EBUSY
    card.frame()
    card.kernel.fake_event(1, UNDERRUN)
    card.frame(live=1, value=3)
    assert card.kernel.fake_written(1) == 0
    card.kernel.fake_event(1, DIALCOMPLETE)
    card.frame(live=1, value=3)
    assert card.kernel.fake_written(1) == 2
    assert [e[0] for e in card.events()] == [lib.CTB_EV_TONE_DONE]


def test_a_gain_table_scales_and_keeps_what_it_should(card):
    card.line(1, CAS)
    card.open()
    assert card.command(0, lib.CTB_OP_GAIN, 0, -602) == 0
    assert [card.kernel.fake_gain(1, 0, code) for code in range(256)] == list(range(256))
    # half the amplitude is one segment of G.711 down: 0xAA (the largest) becomes 0xBA
    assert card.kernel.fake_gain(1, 1, 0xAA) == 0xBA
    assert card.kernel.fake_gain(1, 1, 0x2A) == 0x3A
    assert card.command(0, lib.CTB_OP_GAIN, 0, 2401) == -errno.ERANGE


def test_resync_tells_the_whole_line(card):
    card.line(1, CAS, bits=0x6)
    card.open()
    card.frame()
    card.events()
    assert card.command(0, lib.CTB_OP_RESYNC) == 0
    event = ffi.new("ctb_event_t *")
    assert card.driver.next_event(card.board, event) == 1
    assert (event.kind, event.d, event.c) == (lib.CTB_EV_LINE_STATE, 6, 1)
