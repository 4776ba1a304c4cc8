"""Room: judges speed, ours beside libspandsp, as ratios measured in turns in one run.  Judges no
accuracy.  Both sides are looped in C (oracle.c), so neither pays for Python.

A figure is the best of several turns of each side, in processor time: what other programs do can
only make a turn longer.  Lines are loud: digits in noise, nothing that a receiver could skip.
"""

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from tests.judge import dtmf_scene, oracle, signals, table
from tests.judge.row import Row

GROUP = "speed"
LANES = 16
CHANNELS = 240  # eight spans of 30: what one PC may have to hear
FRAMES = 50
ROUNDS, QUICK_ROUNDS = 10, 4
MOST_PASSES = 64
MOST_HITS = 256
FRAME_S = 0.02
WIDE = ("avx2", "avx512")  # instruction sets for which the higher ratio is asked


def media() -> tuple[Any, Any]:
    """(ffi, lib) of the product's C."""
    module = import_module("cti_board._native._media")
    return module.ffi, module.lib


def address(name: str) -> Any:
    """A function of the media plane, for the rival's loops.  AttributeError when it is none."""
    ffi, lib = media()
    where = int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))
    return oracle.bound()[0].cast("void *", where)


def passed(handle: Any) -> Any:
    """A pointer of the media plane as the rival's binding takes it."""
    return oracle.bound()[0].cast("void *", int(media()[0].cast("uintptr_t", handle)))


def best(turns: Sequence[Callable[[], float]], rounds: int) -> list[float]:
    """Shortest time of each, taken in turns of about the same length: a short turn would be
    disturbed less often than a long one."""
    first = [turn() for turn in turns]
    passes = [min(MOST_PASSES, max(1, round(max(first) / one))) for one in first]
    times = [
        [sum(turn() for _ in range(n)) / n for turn, n in zip(turns, passes, strict=True)]
        for _ in range(rounds)
    ]
    return [min(t[n] for t in times) for n in range(len(turns))]


def loud_lines() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A-law of sixteen lines, FRAMES frames: digits of 60 ms, all in noise."""
    trial = dtmf_scene.Trial(((60.0, 0.0),), -12.0, noise_dbm0=-35.0)
    pcm = dtmf_scene.make(trial, 6, 11).pcm[:, : FRAMES * 160]
    return oracle.g711_encode(pcm)


def message_lines() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A-law of sixteen lines, FRAMES frames: caller-ID messages by the rival's sender."""
    sent = oracle.adsi_sent(b"\x80\x14\x01\x0811222200\x02\x0802087654")[:6000]
    lines = [np.roll(np.resize(sent, FRAMES * 160), 400 * n) for n in range(LANES)]
    return oracle.g711_encode(np.stack(lines))


# ---- banks beside receivers ----


def banks_of(noun: str, arm: Callable[[Any, int], object]) -> list[Any]:
    """Banks of ours for CHANNELS lines.  AttributeError when there is no such bank."""
    ffi, lib = media()
    made = []
    for _ in range(CHANNELS // LANES):
        out = ffi.new(f"ctb_{noun}_bank_t **")
        if getattr(lib, f"ctb_{noun}_bank_alloc")(out) != 0:
            raise MemoryError(f"no memory for a bank of {noun}")
        bank = ffi.gc(out[0], getattr(lib, f"ctb_{noun}_bank_free"))
        for lane in range(LANES):
            arm(bank, lane)
        made.append(bank)
    return made


def bank_turn(noun: str, banks: list[Any], codes: Any) -> Callable[[], float]:
    """One pass of ours over FRAMES frames of all banks, from A-law to decision."""
    rival_ffi, rival = oracle.bound()
    handles = rival_ffi.new("void *[]", [passed(b) for b in banks])
    hits, found = media()[0].new("ctb_hit_t[]", MOST_HITS), rival_ffi.new("int64_t *")
    load, run = address("ctb_alaw_to_lanes"), address(f"ctb_{noun}_bank_run")
    data = oracle.pointer(codes, "uint8_t *")

    def turn() -> float:
        return float(rival.oracle_time_banks(load, run, handles, len(banks), data, FRAMES,
                                             passed(hits), MOST_HITS, found))

    return turn


def rival_turn(make: Callable[[], Sequence[Any]], codes: Any) -> Callable[[], float]:
    """The same of the rival: `make()` gives the receivers that one line needs."""
    ffi, lib = oracle.bound()
    lines = [list(make()) for _ in range(CHANNELS)]
    flat = [rx for line in lines for rx in line]
    handles, each = ffi.new("oracle_rx_t *[]", flat), len(lines[0])
    data = oracle.pointer(codes, "uint8_t *")

    def turn() -> float:
        kept = flat  # the receivers live as long as the turn
        return float(lib.oracle_time_rx(handles, len(kept) // each, each, data, FRAMES))

    return turn


def channels(seconds: float) -> float:
    """Lines that one core hears in real time."""
    return CHANNELS * FRAMES * FRAME_S / seconds


def ratio_row(name: str, times_s: Sequence[float], limit: float | None, note: str = "") -> Row:
    """How many times as fast as the rival; without a limit: not slower."""
    ours_s, theirs_s = times_s
    told = f"{channels(ours_s):,.0f} against {channels(theirs_s):,.0f} channels a core"
    return Row(GROUP, name, "x", theirs_s / ours_s, 1.0, limit, ahead=limit is None,
               source="chosen" if limit else "", note="; ".join(filter(None, [told, note])),
               ratio=True)


def dtmf_arm(bank: Any, lane: int) -> None:
    ffi, lib = media()
    lib.ctb_dtmf_bank_arm(bank, lane, ffi.new("ctb_dtmf_params_t *", lib.ctb_dtmf_default))


def dtmf_row(rounds: int) -> Row:
    codes = loud_lines()
    ours = bank_turn("dtmf", banks_of("dtmf", dtmf_arm), codes)
    theirs = rival_turn(lambda: [oracle.receiver(oracle.RX_DTMF, (0, -1, -1, -99))], codes)
    return ratio_row("DTMF, A-law to decision", best([ours, theirs], rounds), 4.0)


def tone_row(rounds: int) -> Row:
    """China's plan: one frequency, three cadences and a steady tone."""
    ffi, lib = media()
    cadences = {"dial": [(450, 0, 1200, 0)], "ringback": [(450, 0, 900, 1100), (0, 0, 3600, 4400)],
                "busy": [(450, 0, 315, 385), (0, 0, 315, 385)],
                "congestion": [(450, 0, 630, 770), (0, 0, 630, 770)]}
    descriptor = oracle.tone_descriptor(cadences)
    plan = ffi.new("ctb_tone_t[]", 4)
    for n, (on_ms, off_ms) in enumerate(((0, 0), (1000, 4000), (350, 350), (700, 700))):
        plan[n].id, plan[n].steps, plan[n].min_cycles = n + 1, 1, 2
        step = plan[n].step[0]
        step.hz[0], step.dbm0[0], step.on_ms, step.off_ms = 450.0, -10.0, on_ms, off_ms

    def arm(bank: Any, lane: int) -> None:
        if lane == 0 and lib.ctb_tone_bank_plan(bank, plan, len(plan)) != 0:
            raise ValueError("the bank refuses the plan")
        lib.ctb_tone_bank_arm(bank, lane)

    codes = loud_lines()
    ours = bank_turn("tone", banks_of("tone", arm), codes)
    theirs = rival_turn(lambda: [oracle.receiver(oracle.RX_TONES, (), descriptor)], codes)
    return ratio_row("call progress, China's plan", best([ours, theirs], rounds), None)


def mf_row(rounds: int) -> Row:
    ffi, lib = media()
    codes, params = loud_lines(), ffi.new("ctb_mf_params_t *", lib.ctb_mf_forward)
    banks = banks_of("mf", lambda bank, lane: lib.ctb_mf_bank_arm(
        bank, lane, params))
    theirs = rival_turn(lambda: [oracle.receiver(oracle.RX_R2, (1,))], codes)
    return ratio_row("R2 forward", best([bank_turn("mf", banks, codes), theirs], rounds), None)


def fax_row(rounds: int) -> Row:
    """Ours hears six kinds at once; the rival needs a receiver for each of three families."""
    codes = loud_lines()
    banks = banks_of("fax", media()[1].ctb_fax_bank_arm)
    kinds = [oracle.MODEM_TONES[k] for k in ("cng", "ansam_pr", "ct")]
    theirs = rival_turn(lambda: [oracle.receiver(oracle.RX_MODEM, (k,)) for k in kinds], codes)
    return ratio_row("fax and modem tones, all kinds", best(
        [bank_turn("fax", banks, codes), theirs], rounds), None, "the rival with three receivers")


def fsk_row(rounds: int) -> Row:
    """Ours hears both standards at once; the rival is set to one."""
    ffi, lib = media()
    rival_ffi, rival = oracle.bound()
    codes, made = message_lines(), []
    for _ in range(CHANNELS):
        out = ffi.new("ctb_fsk_rx_t **")
        if lib.ctb_fsk_rx_alloc(out) != 0:
            raise MemoryError("no memory for a caller-ID receiver")
        made.append(ffi.gc(out[0], lib.ctb_fsk_rx_free))
    handles = rival_ffi.new("void *[]", [passed(rx) for rx in made])
    room = ffi.new("char[]", 4096)  # for one message of either header
    decode, run = address("ctb_alaw_decode"), address("ctb_fsk_rx_run")
    data = oracle.pointer(codes, "uint8_t *")

    def ours() -> float:
        return float(rival.oracle_time_lines(decode, run, handles, len(made), data, FRAMES,
                                             passed(room)))

    theirs = rival_turn(lambda: [oracle.receiver(oracle.RX_ADSI, (1,))], codes)
    return ratio_row("caller ID, FSK", best([ours, theirs], rounds), None,
                     "ours hears Bell 202 and V.23, the rival one of them")


# ---- G.711 ----


def g711_rows(rounds: int) -> Iterator[Row]:
    """A frame at a time, over a second of sixteen lines."""
    lib, simd = oracle.bound()[1], media()[0].string(media()[1].ctb_simd_name()).decode()
    codes = np.ascontiguousarray(loud_lines().reshape(-1))
    linear = oracle.g711_decode(codes)
    size, times = len(codes), 8
    for encode, name, wide, narrow in ((0, "decode", 10.0, 4.0), (1, "encode", 8.0, 8.0)):
        given = oracle.pointer(linear if encode else codes, "void *")
        room = np.zeros(size, np.int16)
        out = oracle.pointer(room, "void *")
        convert = address(f"ctb_alaw_{name}")

        def turn(ours: Any, block: int, *, e: int = encode, i: Any = given, o: Any = out,
                 keep: Any = room) -> Callable[[], float]:
            assert len(keep) == size
            return lambda: float(lib.oracle_time_g711(ours, e, block, o, i, size, times))

        nothing = oracle.bound()[0].NULL
        ours, block, header = best(
            [turn(convert, 0), turn(nothing, 1), turn(nothing, 0)], rounds)
        rate = size * times / 1e6
        yield Row(GROUP, f"A-law {name}, blocks of 160", "x", block / ours, 1.0,
                  wide if simd in WIDE else narrow, source=f"chosen, {simd}",
                  note=f"{rate / ours:,.0f} against {rate / block:,.0f} million samples a second "
                       f"of g711_{name}; its header inlined here: {rate / header:,.0f}",
                  ratio=True)


# ---- echo ----


def echo_row(rounds: int) -> Row:
    """32 ms on CHANNELS lines; the share of one core that real time takes."""
    ffi, lib = media()
    rival_ffi, rival = oracle.bound()
    rng = np.random.default_rng(5)
    samples = FRAMES * 160
    said = signals.through(signals.white(rng, (LANES, samples), -18.0))
    path = rng.normal(0, 1, 200) * np.exp(-np.arange(200) / 40)
    path *= 0.25 / np.sqrt(np.sum(path**2))
    echoes = np.stack([np.convolve(line.astype(float), path)[:samples] for line in said])
    heard = signals.through(echoes + signals.white(rng, echoes.shape, -55.0))
    params = ffi.new("ctb_echo_params_t *", lib.ctb_echo_default)
    params.tail_ms = 32

    def arm(bank: Any, lane: int) -> None:
        if lib.ctb_echo_bank_arm(bank, lane, params) != 0:
            raise ValueError("the canceller refuses 32 ms")

    banks = banks_of("echo", arm)
    handles = rival_ffi.new("void *[]", [passed(b) for b in banks])
    run = address("ctb_echo_bank_run")
    rx, tx = (np.ascontiguousarray((a.T / 32768).astype(np.float32)) for a in (heard, said))
    cancellers = [oracle.echo_canceller(256, oracle.ECHO_ADAPTION | oracle.ECHO_NLP)
                  for _ in range(CHANNELS)]
    theirs_of = rival_ffi.new("echo_can_state_t *[]", cancellers)
    room = np.zeros(160, np.int16)

    def ours() -> float:
        return float(rival.oracle_time_echo_banks(
            run, handles, len(banks), oracle.pointer(rx, "float *"), oracle.pointer(tx, "float *"),
            FRAMES))

    def theirs() -> float:
        return float(rival.oracle_time_echo(
            theirs_of, CHANNELS, oracle.pointer(said), oracle.pointer(heard), oracle.pointer(room),
            FRAMES))

    spent = [t / (FRAMES * FRAME_S) for t in best([ours, theirs], rounds)]
    return Row(GROUP, f"echo canceller, 32 ms, {CHANNELS} channels", "cores", spent[0], spent[1],
               0.5, "low", ahead=True, source="chosen", note="libspandsp's prints are taken out")


def rows(quick: bool) -> Iterator[Row]:
    """Every row of speed."""
    if why := oracle.missing():
        yield table.unknown(GROUP, "all rows: each is a ratio to libspandsp", why)
        return
    rounds = QUICK_ROUNDS if quick else ROUNDS
    for name, judge in (("DTMF", dtmf_row), ("call progress", tone_row), ("R2", mf_row),
                        ("fax tones", fax_row), ("caller ID", fsk_row), ("echo", echo_row)):
        try:
            yield judge(rounds)
        except AttributeError as error:  # the bank is not built yet
            yield table.absent(GROUP, name, f"not there yet: {error}")
    yield from g711_rows(rounds)
