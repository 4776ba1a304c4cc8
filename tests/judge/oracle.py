"""Room: the judges' rival.  libspandsp bound for measuring: what it hears, sends and cancels, and
how long it takes.  Must not be imported by the product, nor judge anything itself.

The C beside this module (oracle.c) loops over frames, so that neither accuracy nor speed pays for
Python.  Sound is int16 linear at 8000 Hz, (samples,) or (lines, samples).  Where libspandsp, its
headers or a compiler are absent, `missing()` says so; its senders, its laws and its parts raise
`OracleMissingError`, while its ears (`..._heard`) hear nothing and its canceller cancels nothing,
so that ours can be judged all the same: the caller must not show a figure of them.
"""

import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from cffi import FFI, VerificationError
from numpy.typing import NDArray

MODULE = "_judge_oracle"
HERE = Path(__file__).parent
BUILD = Path(__file__).parents[2] / "build" / "oracle"
CHUNK = 8  # samples: times of reports are known to a millisecond
MOST_EVENTS = 8192

RX_DTMF, RX_TONES, RX_MODEM, RX_R2, RX_ADSI = range(5)
# its enum of modem_connect_tones.h
MODEM_TONES = {"cng": 1, "ced": 2, "ans_pr": 3, "ansam": 4, "ansam_pr": 5, "ct": 9}
ADSI = {"bell202": 1, "v23": 2, "dtmf": 5}
R2_SIGNALS = "1234567890BCDEF"  # signals 1..15
ECHO_ADAPTION, ECHO_NLP, ECHO_CNG, ECHO_TX_HPF, ECHO_RX_HPF = 0x01, 0x02, 0x04, 0x20, 0x40

CDEF = """
typedef struct oracle_event { int64_t at; int32_t code, level, delay; } oracle_event_t;
typedef struct oracle_rx { uint8_t bytes[65536]; ...; } oracle_rx_t;
typedef struct echo_can_state_s echo_can_state_t;
typedef struct super_tone_rx_descriptor_s super_tone_rx_descriptor_t;
int oracle_quiet(void);
oracle_rx_t *oracle_rx_new(int kind, const int *args, void *descriptor);
void oracle_rx_free(oracle_rx_t *rx);
int oracle_rx_feed(oracle_rx_t *rx, const int16_t *amp, int64_t n, int chunk,
                   oracle_event_t *out, int max);
int oracle_modem_tx(int16_t *out, int n, int tone);
int oracle_r2_tx(int16_t *out, int n, int forward, char signal);
int oracle_dtmf_tx(int16_t *out, int n, const char *digits, int level, int twist, int on_ms,
                   int off_ms);
int oracle_adsi_tx(int16_t *out, int n, int standard, const uint8_t *message, int size);
super_tone_rx_descriptor_t *super_tone_rx_make_descriptor(super_tone_rx_descriptor_t *desc);
int super_tone_rx_free_descriptor(super_tone_rx_descriptor_t *desc);
int super_tone_rx_add_tone(super_tone_rx_descriptor_t *desc);
int super_tone_rx_add_element(super_tone_rx_descriptor_t *desc, int tone, int f1, int f2, int min,
                              int max);
echo_can_state_t *echo_can_init(int len, int adaption_mode);
int echo_can_free(echo_can_state_t *ec);
void oracle_echo(echo_can_state_t *ec, int16_t *out, const int16_t *tx, const int16_t *rx,
                 int64_t n);
void oracle_g711_decode(int16_t *out, const uint8_t *in, int64_t n, int mulaw);
void oracle_g711_encode(uint8_t *out, const int16_t *in, int64_t n, int mulaw);
double oracle_time_rx(oracle_rx_t **rx, int channels, int each, const uint8_t *codes, int frames);
double oracle_time_echo(echo_can_state_t **ec, int channels, const int16_t *tx, const int16_t *rx,
                        int16_t *out, int frames);
double oracle_time_banks(void *to_lanes, void *run, void **banks, int count, const uint8_t *codes,
                         int frames, void *hits, int max, int64_t *found);
double oracle_time_echo_banks(void *run, void **banks, int count, const float *rx, const float *tx,
                              int frames);
double oracle_time_g711(void *convert, int encode, int block, void *out, const void *in, int n,
                        int times);
double oracle_time_lines(void *decode, void *run, void **rx, int channels, const uint8_t *codes,
                         int frames, void *out);
"""

Sound = NDArray[Any]


class OracleMissingError(RuntimeError):
    """libspandsp cannot be bound here; the text says why."""


class Event(NamedTuple):
    """A report of a receiver: `at` is how many samples it had when it came."""

    line: int
    at: int
    code: int
    level: int


class Span(NamedTuple):
    """Something heard from one report to another; `end` None = still on.  The rival tells no
    beginning of its own: these are the times of its reports."""

    line: int
    what: str
    begin: int
    end: int | None
    level: int


class Message(NamedTuple):
    """A data message whose checksum was right; `data` as the rival hands it out."""

    line: int
    at: int
    data: bytes


def _import(path: Path) -> ModuleType:
    spec = spec_from_file_location(MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def _build() -> ModuleType | str:
    """The compiled binding, or why there is none."""
    target = BUILD / f"{MODULE}{sysconfig.get_config_var('EXT_SUFFIX')}"
    sources = (HERE / "oracle.c", Path(__file__))
    try:
        made = target.stat().st_mtime if target.exists() else 0.0
        if made < max(path.stat().st_mtime for path in sources):
            ffi = FFI()
            ffi.cdef(CDEF)
            ffi.set_source(
                MODULE,
                sources[0].read_text(encoding="utf-8"),
                libraries=["spandsp"],
                extra_compile_args=["-O3", "-D_GNU_SOURCE"],
            )
            ffi.compile(tmpdir=str(BUILD), target=str(target))
        module = _import(target)
        module.lib.oracle_quiet()
        return module
    except (VerificationError, ImportError, OSError) as error:
        return f"libspandsp-dev with a C compiler is not installed: {error}"


def missing() -> str:
    """Why there is no rival; empty when there is one."""
    built = _build()
    return built if isinstance(built, str) else ""


def bound() -> tuple[Any, Any]:
    """(ffi, lib) of the binding.  OracleMissingError."""
    built = _build()
    if isinstance(built, str):
        raise OracleMissingError(built)
    return built.ffi, built.lib


def lines_of(sound: Sound) -> NDArray[np.int16]:
    """int16 (lines, samples), contiguous.  TypeError for another dtype."""
    array = np.atleast_2d(np.asarray(sound))
    if array.dtype != np.int16:
        raise TypeError(f"the rival hears int16, not {array.dtype}")
    return np.ascontiguousarray(array)


def pointer(array: NDArray[Any], kind: str = "int16_t *") -> Any:
    """The array's memory as C sees it; the caller keeps the array."""
    return bound()[0].cast(kind, array.ctypes.data)


# ---- receivers ----


def receiver(kind: int, args: Sequence[int] = (), descriptor: Any = None) -> Any:
    """One receiver of the rival, freed with the handle.  MemoryError."""
    ffi, lib = bound()
    new = lib.oracle_rx_new(kind, ffi.new("int[]", [*args, 0]), descriptor or ffi.NULL)
    if new == ffi.NULL:
        raise MemoryError("libspandsp made no receiver")
    return ffi.gc(new, lib.oracle_rx_free)


def feed(rx: Any, line: int, sound: NDArray[np.int16], chunk: int = CHUNK) -> list[Event]:
    """What one receiver reports of one line's next samples."""
    ffi, lib = bound()
    out = ffi.new("oracle_event_t[]", MOST_EVENTS)
    count = lib.oracle_rx_feed(rx, pointer(sound), len(sound), chunk, out, MOST_EVENTS)
    if count == MOST_EVENTS:
        raise RuntimeError(f"more than {MOST_EVENTS} reports of one sound: cut it")
    return [Event(line, e.at, e.code, e.level) for e in out[0:count]]


def _spans(events: Iterable[Event], ends: frozenset[int], name: Any) -> list[Span]:
    """Reports paired: another code or one of `ends` closes what was on."""
    done: list[Span] = []
    on: Event | None = None
    for event in events:
        if on is not None:
            done.append(Span(on.line, name(on.code), on.at, event.at, on.level))
        on = None if event.code in ends else event
    if on is not None:
        done.append(Span(on.line, name(on.code), on.at, None, on.level))
    return done


def dtmf_heard(
    sound: Sound,
    *,
    dial_tone_filter: bool = False,
    twist_low_db: int = -1,
    twist_high_db: int = -1,
    threshold_dbm0: int = -99,
    chunk: int = CHUNK,
) -> list[Span]:
    """Digits of every line.  Twist: low tone over high, high over low; -1, -99 = its own."""
    if missing():
        return []
    args = (int(dial_tone_filter), twist_low_db, twist_high_db, threshold_dbm0)
    found: list[Span] = []
    for line, samples in enumerate(lines_of(sound)):
        events = feed(receiver(RX_DTMF, args), line, samples, chunk)
        found += _spans(events, frozenset({0}), chr)
    return found


Element = tuple[int, int, int, int]  # f1, f2 (0 = none; both 0 = silence), least ms, most ms


def tone_descriptor(tones: Mapping[str, Sequence[Element]]) -> Any:
    """Its cadence table; keep it as long as its receivers."""
    ffi, lib = bound()
    table = ffi.gc(lib.super_tone_rx_make_descriptor(ffi.NULL), lib.super_tone_rx_free_descriptor)
    for elements in tones.values():
        tone = lib.super_tone_rx_add_tone(table)
        for f1, f2, least, most in elements:
            lib.super_tone_rx_add_element(table, tone, f1, f2, least, most)
    return table


def tones_heard(sound: Sound, tones: Mapping[str, Sequence[Element]]) -> list[Span]:
    """Call-progress tones of every line by super_tone_rx; most ms 0 = without end."""
    if missing():
        return []
    table, names = tone_descriptor(tones), list(tones)
    found: list[Span] = []
    for line, samples in enumerate(lines_of(sound)):
        events = feed(receiver(RX_TONES, (), table), line, samples)
        found += _spans(events, frozenset({-1}), lambda code: names[code])
    return found


def modem_tones_heard(sound: Sound, kind: str) -> list[Span]:
    """Fax and modem tones of every line by a receiver set to `kind` (of MODEM_TONES)."""
    if missing():
        return []
    names = {code: name for name, code in MODEM_TONES.items()}
    found: list[Span] = []
    for line, samples in enumerate(lines_of(sound)):
        events = feed(receiver(RX_MODEM, (MODEM_TONES[kind],)), line, samples)
        found += _spans(events, frozenset({0}), lambda code: names.get(code, str(code)))
    return found


def r2_heard(sound: Sound, forward: bool) -> list[Span]:
    """R2 interregister signals of every line; `what` is the signal's number, 1..15."""
    if missing():
        return []
    found: list[Span] = []
    for line, samples in enumerate(lines_of(sound)):
        events = feed(receiver(RX_R2, (int(forward),)), line, samples)
        found += _spans(
            events, frozenset({0}), lambda code: str(R2_SIGNALS.index(chr(code)) + 1)
        )
    return found


def adsi_heard(sound: Sound, standard: str = "bell202") -> list[Message]:
    """Caller-ID messages with a right checksum; `data` is without the checksum."""
    if missing():
        return []
    ffi, _ = bound()
    found: list[Message] = []
    for line, samples in enumerate(lines_of(sound)):
        rx = receiver(RX_ADSI, (ADSI[standard],))
        for event in feed(rx, line, samples):
            start = event.level
            data = bytes(ffi.buffer(rx.bytes)[start : start + event.code])
            found.append(Message(line, event.at, data))
    return found


# ---- senders ----


def _sent(samples: int, make: Any) -> NDArray[np.int16]:
    out = np.zeros(samples, np.int16)
    return out[: make(pointer(out), samples)].copy()


def dtmf_sent(
    digits: str, level_dbm0: int = -10, twist_db: int = 0, on_ms: int = 70, off_ms: int = 70
) -> NDArray[np.int16]:
    """Digits by its sender: level of the low tone, twist = high over low."""
    ffi, lib = bound()
    text = ffi.new("char[]", digits.encode())
    room = len(digits) * (on_ms + off_ms) * 8 + 800
    return _sent(
        room, lambda out, n: lib.oracle_dtmf_tx(out, n, text, level_dbm0, twist_db, on_ms, off_ms)
    )


def modem_tone_sent(kind: str, ms: float) -> NDArray[np.int16]:
    """One of MODEM_TONES by its sender, at most `ms` long."""
    lib = bound()[1]
    return _sent(round(8 * ms), lambda out, n: lib.oracle_modem_tx(out, n, MODEM_TONES[kind]))


def r2_sent(signal: int, forward: bool, ms: float) -> NDArray[np.int16]:
    """R2 signal 1..15 by its sender."""
    lib, code = bound()[1], R2_SIGNALS[signal - 1].encode()
    return _sent(round(8 * ms), lambda out, n: lib.oracle_r2_tx(out, n, int(forward), code))


def adsi_sent(message: bytes, standard: str = "bell202") -> NDArray[np.int16]:
    """One message (type, length, parameters; it adds the checksum) by its sender."""
    ffi, lib = bound()
    data = ffi.new("uint8_t[]", message)
    return _sent(
        5 * 8000, lambda out, n: lib.oracle_adsi_tx(out, n, ADSI[standard], data, len(message))
    )


# ---- echo, G.711 ----


def echo_canceller(tail_samples: int, mode: int = ECHO_ADAPTION) -> Any:
    """One canceller of the rival, freed with the handle.  MemoryError."""
    ffi, lib = bound()
    new = lib.echo_can_init(tail_samples, mode)
    if new == ffi.NULL:
        raise MemoryError("libspandsp made no canceller")
    return ffi.gc(new, lib.echo_can_free)


def cancel_echo(
    rx: Sound, tx: Sound, tail_ms: int = 32, mode: int = ECHO_ADAPTION
) -> NDArray[np.int16]:
    """rx without the echo of tx, line by line."""
    heard, said = lines_of(rx), lines_of(tx)
    if missing():
        return heard if np.ndim(rx) == 2 else heard[0]
    lib, out = bound()[1], np.zeros_like(heard)
    for line in range(len(heard)):
        lib.oracle_echo(
            echo_canceller(8 * tail_ms, mode),
            pointer(out[line]),
            pointer(said[line]),
            pointer(heard[line]),
            heard.shape[1],
        )
    return out if np.ndim(rx) == 2 else out[0]


def g711_decode(codes: NDArray[np.uint8], law: str = "alaw") -> NDArray[np.int16]:
    """Codes of either law as int16 linear."""
    data = np.ascontiguousarray(codes)
    out = np.zeros(data.shape, np.int16)
    lib = bound()[1]
    lib.oracle_g711_decode(pointer(out), pointer(data, "uint8_t *"), data.size, law == "ulaw")
    return out


def g711_encode(linear: NDArray[np.int16], law: str = "alaw") -> NDArray[np.uint8]:
    """int16 linear as codes of either law."""
    data = np.ascontiguousarray(linear, np.int16)
    out = np.zeros(data.shape, np.uint8)
    lib = bound()[1]
    lib.oracle_g711_encode(pointer(out, "uint8_t *"), pointer(data), data.size, law == "ulaw")
    return out
