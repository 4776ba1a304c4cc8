"""Room: every detector with what must hold whatever it hears.  Knows the banks by their names in
the library.  Must not know what a sound means.

Held for each frame: at most as many hits as there is room, none beyond it, each in a lane of the
mask, at 0..160, in order of (offset, lane), of the bank's own kinds; begin and end alternate on a
line; no line tells more in a second than its limit.  What cleans a line gives numbers within
full scale and leaves the other lanes alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.native.dsp_rig import FRAME, LANES, ffi, lib
from tests.native.test_tones import PLANS, c_plan

Rng = np.random.Generator
Frame = NDArray[np.float32]
SECOND = 50  # frames
ROOM = 64
GUARD = 0x5A5A
ALL = 0xFFFF


class Fault(AssertionError):
    """A detector did what it never may."""


def held(condition: object, what: str) -> None:
    if not condition:
        raise Fault(what)


@dataclass(frozen=True, slots=True)
class Kind:
    """A bank by name: the events that begin and end, the most of both in a second, and how a lane
    is armed: by seed, so that limits of all lands are tried."""

    noun: str
    begin: int
    end: int
    per_second: int
    arm: Callable[[Any, int, Rng], None]
    plan: str = ""


def dtmf_arm(bank: Any, lane: int, rng: Rng) -> None:
    params = ffi.new("ctb_dtmf_params_t *", lib.ctb_dtmf_default)
    if rng.random() < 0.5:
        params.min_dbm0 = rng.uniform(-40, -20)
        params.twist_high_db, params.twist_low_db = rng.uniform(2, 12, 2)
        params.min_on_ms, params.min_off_ms = rng.uniform(20, 80, 2)
    lib.ctb_dtmf_bank_arm(bank, lane, params)


def talk_arm(bank: Any, lane: int, rng: Rng) -> None:
    params = ffi.new("ctb_talk_params_t *", lib.ctb_talk_default)
    if rng.random() < 0.5:
        params.off_dbm0 = rng.uniform(-70, -20)
        params.on_dbm0 = params.off_dbm0 + rng.uniform(0, 10)
        params.min_ms, params.hang_ms = rng.uniform(60, 600, 2)
    lib.ctb_talk_bank_arm(bank, lane, params)


def mf_arm(bank: Any, lane: int, rng: Rng) -> None:
    sets = (lib.ctb_mf_forward, lib.ctb_mf_backward, lib.ctb_mf_backward_cn)
    params = ffi.new("ctb_mf_params_t *", sets[int(rng.integers(3))])
    lib.ctb_mf_bank_arm(bank, lane, params)


def plain_arm(noun: str) -> Callable[[Any, int, Rng], None]:
    def arm(bank: Any, lane: int, rng: Rng) -> None:
        getattr(lib, f"ctb_{noun}_bank_arm")(bank, lane)

    return arm


# Limits of events in one second of one line, begin and end counted:
# dtmf: found in 20 ms and gone for 20 ms at the very least: 25 digits;
# tone: a burst or a pause of the plans is 100 ms or longer, on and off need one each: 5 tones;
# talk: 60 ms and 60 ms of hangover at the least: 8 talks and one begun;
# mf:   the standard's receivers need 25 ms or more each way (ITU-T Q.455): 20 signals;
# fax:  a tone is judged over 400 ms at the least, begin and end may come together: 3 tones;
# beep: a steady tone is judged over 150 ms: 7 tones.
KINDS = (
    Kind("dtmf", 32, 33, 50, dtmf_arm),
    *(Kind("tone", 34, 35, 10, plain_arm("tone"), name) for name in PLANS),
    Kind("talk", 36, 37, 17, talk_arm),
    Kind("mf", 39, 40, 40, mf_arm),
    Kind("fax", 41, 42, 6, plain_arm("fax")),
    Kind("beep", 43, 44, 14, plain_arm("beep")),
)


class BankEar:
    """One bank of detectors; `run` may be another function, to try the checks themselves."""

    def __init__(self, kind: Kind, rng: Rng, run: Callable[..., int] | None = None) -> None:
        self.kind, self.rng, self.name = kind, rng, f"{kind.noun} {kind.plan}".strip()
        out = ffi.new(f"ctb_{kind.noun}_bank_t **")
        held(getattr(lib, f"ctb_{kind.noun}_bank_alloc")(out) == 0, "no memory")
        self.bank = ffi.gc(out[0], getattr(lib, f"ctb_{kind.noun}_bank_free"))
        if kind.plan:
            plan = c_plan(PLANS[kind.plan])
            held(lib.ctb_tone_bank_plan(self.bank, plan, len(plan)) == 0, "the plan is refused")
        self.run = run or getattr(lib, f"ctb_{kind.noun}_bank_run")
        self.hits = ffi.new("ctb_hit_t[]", ROOM + 1)
        self.on: list[bool | None] = [False] * LANES  # None: not known, hits were lost
        self.told = [0] * LANES
        self.frames = 0
        for lane in range(LANES):
            self.arm(lane)

    def arm(self, lane: int) -> None:
        self.kind.arm(self.bank, lane, self.rng)
        self.on[lane] = False

    def hear(self, frame: Frame, pointer: Any, mask: int) -> None:
        room = ROOM if self.rng.random() < 0.9 else int(self.rng.integers(0, 4))
        self.hits[room].kind = GUARD
        count = self.run(self.bank, pointer, mask, self.hits, room)
        held(0 <= count <= room, f"{count} hits in {room} places")
        held(self.hits[room].kind == GUARD, "a hit beyond the room for it")
        if count:
            self.check(count, mask)
        if count == room:  # some may be lost: nobody knows who is on
            self.on = [None] * LANES
        self.frames += 1
        if self.frames % SECOND == 0:
            held(max(self.told) <= self.kind.per_second, f"a storm of events: {self.told}")
            self.told = [0] * LANES

    def check(self, count: int, mask: int) -> None:
        before = (-1, -1)
        for hit in self.hits[0:count]:
            place = (hit.offset, hit.lane)
            held(before <= place, f"hits out of order: {before}, {place}")
            held(0 <= hit.offset <= FRAME, f"offset {hit.offset}")
            held(hit.lane < LANES and mask >> hit.lane & 1, f"lane {hit.lane} of {mask:x}")
            held(hit.kind in (self.kind.begin, self.kind.end), f"an event of kind {hit.kind}")
            begins = hit.kind == self.kind.begin
            known = self.on[hit.lane]
            held(known is None or known != begins, f"twice {'on' if begins else 'off'}")
            self.on[hit.lane] = begins
            self.told[hit.lane] += 1
            before = place


def check_cleaned(before: Frame, after: Frame, mask: int, most: float) -> None:
    """Lanes of the mask are numbers within `most`, the others the same bits as before."""
    inside = np.array([mask >> lane & 1 for lane in range(LANES)], bool)
    held(bool((np.abs(after[:, inside]) <= most).all()), "not a number, or too loud")
    same = before[:, ~inside].view(np.uint32) == after[:, ~inside].view(np.uint32)
    held(bool(same.all()), "a lane outside the mask was touched")


class AgcEar:
    """Automatic level: never beyond the A-law overload point."""

    MOST = 32256 / 32768  # ITU-T G.711

    def __init__(self, rng: Rng) -> None:
        self.rng, self.name = rng, "agc"
        out = ffi.new("ctb_agc_bank_t **")
        held(lib.ctb_agc_bank_alloc(out) == 0, "no memory")
        self.bank = ffi.gc(out[0], lib.ctb_agc_bank_free)
        self.frame = np.zeros((FRAME, LANES), np.float32)
        self.pointer = ffi.cast("float (*)[16]", self.frame.ctypes.data)

    def arm(self, lane: int) -> None:
        r = self.rng
        params = (r.uniform(-42, 2), r.uniform(-2, 32), r.uniform(-2, 32), r.uniform(-75, -5))
        right = (-40 <= params[0] <= 0) and 0 <= params[1] <= 30 and 0 <= params[2] <= 30
        right = right and -70 <= params[3] <= -10
        done = lib.ctb_agc_bank_arm(self.bank, lane, ffi.new("ctb_agc_params_t *", params))
        held((done == 0) == right, f"{params}: {done}")

    def hear(self, frame: Frame, pointer: Any, mask: int) -> None:
        self.frame[:] = frame
        lib.ctb_agc_bank_run(self.bank, self.pointer, mask)
        check_cleaned(frame, self.frame, mask, self.MOST)
        gain = lib.ctb_agc_bank_gain(self.bank, int(self.rng.integers(LANES)))
        held(-3001 <= gain <= 3001, f"a gain of {gain / 100} dB")


class EchoEar:
    """The echo canceller; what was sent is the lines' own sound, one line further."""

    MOST = 16.0  # chosen: 24 dB over full scale; a filter that ran away is far beyond

    def __init__(self, rng: Rng) -> None:
        self.rng, self.name = rng, "echo"
        out = ffi.new("ctb_echo_bank_t **")
        held(lib.ctb_echo_bank_alloc(out) == 0, "no memory")
        self.bank = ffi.gc(out[0], lib.ctb_echo_bank_free)
        self.rx = np.zeros((FRAME, LANES), np.float32)
        self.tx = np.zeros((FRAME, LANES), np.float32)
        self.talks = ffi.new("int *")
        for lane in range(LANES):
            self.arm(lane)

    def arm(self, lane: int) -> None:
        params = ffi.new("ctb_echo_params_t *", lib.ctb_echo_default)
        params.tail_ms = int(self.rng.integers(2, 9)) * 8
        params.delay = int(self.rng.integers(0, lib.CTB_ECHO_DELAY_MAX + 1))
        params.nonlinear, params.tone_disable = (int(x) for x in self.rng.integers(0, 2, 2))
        held(lib.ctb_echo_bank_arm(self.bank, lane, params) == 0, "right parameters are refused")

    def hear(self, frame: Frame, pointer: Any, mask: int) -> None:
        finite = np.where(np.abs(frame) <= 1.0, frame, np.float32(0.0))  # a line has no others
        self.tx[:] = np.roll(finite, 1, axis=1)
        self.rx[:] = np.float32(0.5) * finite
        given = self.rx.copy()
        rx = ffi.cast("float (*)[16]", self.rx.ctypes.data)
        tx = ffi.cast("const float (*)[16]", self.tx.ctypes.data)
        lib.ctb_echo_bank_run(self.bank, rx, tx, mask)
        check_cleaned(given, self.rx, mask, self.MOST)
        lane = int(self.rng.integers(LANES))
        erle = lib.ctb_echo_bank_erle(self.bank, lane, self.talks)
        held(-20000 <= erle <= 20000, f"an enhancement of {erle / 100} dB")
        held(self.talks[0] in (0, 1), f"double talk is {self.talks[0]}")


class FskEar:
    """The receiver of callers' numbers listens to one line."""

    PER_SECOND = 20  # three bytes of ten bits at 1200 bit/s and as much mark: 50 ms a message

    def __init__(self, rng: Rng) -> None:
        self.rng, self.name = rng, "fsk"
        out = ffi.new("ctb_fsk_rx_t **")
        held(lib.ctb_fsk_rx_alloc(out) == 0, "no memory")
        self.rx = ffi.gc(out[0], lib.ctb_fsk_rx_free)
        self.lane, self.frames, self.told = int(rng.integers(LANES)), 0, 0
        message = ffi.typeof(lib.ctb_fsk_rx_run).args[3]
        self.found = ffi.new(message.cname)

    def arm(self, lane: int) -> None:
        if lane == self.lane:
            lib.ctb_fsk_rx_reset(self.rx)

    def hear(self, frame: Frame, pointer: Any, mask: int) -> None:
        finite = np.clip(np.nan_to_num(frame[:, self.lane]), -1.0, 32767 / 32768)
        linear = (finite * 32768).astype(np.int16)
        size = FRAME if self.rng.random() < 0.9 else int(self.rng.integers(0, FRAME + 1))
        samples = ffi.cast("int16_t *", linear.ctypes.data)
        got = lib.ctb_fsk_rx_run(self.rx, samples, size, self.found)
        held(got in (0, 1), f"{got} messages")
        self.told += got
        if got and hasattr(self.found, "size"):
            self.check(size)
        self.frames += 1
        if self.frames % SECOND == 0:
            held(self.told <= self.PER_SECOND, f"a storm of {self.told} messages")
            self.told = 0

    def check(self, size: int) -> None:
        found = self.found
        held(2 <= found.size <= lib.CTB_FSK_MESSAGE_MAX, f"a message of {found.size} bytes")
        # it may have ended before this call's first sample: decided at most two frames later
        held(-2 * FRAME <= found.offset <= size, f"offset {found.offset} of {size}")
        data = bytes(ffi.buffer(found.data, found.size))
        # bits in doubt make a message wrong, whatever its checksum
        held(not found.right or sum(data) & 0xFF == 0, "a wrong checksum is told as right")


class LawEar:
    """A-law of lanes and back: the samples as they were, rounded."""

    def __init__(self, rng: Rng) -> None:
        self.name = "g711"
        self.codes = np.zeros((LANES, FRAME), np.uint8)
        self.back = np.zeros((FRAME, LANES), np.float32)
        self.rows = ffi.new(
            "uint8_t *[16]", [ffi.cast("uint8_t *", row.ctypes.data) for row in self.codes]
        )
        self.lanes = ffi.cast("float (*)[16]", self.back.ctypes.data)

    def arm(self, lane: int) -> None:
        """Remembers nothing."""

    def hear(self, frame: Frame, pointer: Any, mask: int) -> None:
        lib.ctb_lanes_to_alaw(self.rows, pointer)
        lib.ctb_alaw_to_lanes(self.lanes, ffi.cast("const uint8_t **", self.rows))
        wanted = np.where(np.isfinite(frame), np.clip(frame, -1, 32767 / 32768), 0)
        # half a step of its segment, ITU-T G.711 table 1, and half of a 16-bit one for rounding
        close = np.abs(self.back - wanted) <= np.maximum(np.abs(wanted) / 31, 9 / 32768)
        held(bool(close.all()), "a sample changed by more than a step")


Ear = BankEar | AgcEar | EchoEar | FskEar | LawEar


def ears(rng: Rng) -> list[Ear]:
    """Every detector of the library, freshly armed; AttributeError where one is gone."""
    return [
        *(BankEar(kind, rng) for kind in KINDS),
        *(ear(rng) for ear in (AgcEar, EchoEar, FskEar, LawEar)),
    ]
