"""Room: the judge of R2 interregister signals, against ITU-T Q.441, Q.454, Q.455 and libspandsp's
r2_mf_rx.  Must not use the product's sender or its tables but where that is what is judged.

A signal is right when it is the only one that is told, one time.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tests.judge import oracle, real_speech, table
from tests.judge.guard import guarded
from tests.judge.row import Row
from tests.judge.signals2 import (
    Linear,
    Samples,
    alaw,
    at_level,
    face,
    hear,
    line,
    median,
    noisy,
    share,
    silence,
    sine,
    theirs,
)

GROUP = "R2"
FORWARD_HZ = (1380, 1500, 1620, 1740, 1860, 1980)  # ITU-T Q.441, order of the index
BACKWARD_HZ = (1140, 1020, 900, 780, 660, 540)
# ITU-T Q.441 table 5: the two indices of each signal
PAIRS = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3), (0, 4), (1, 4), (2, 4), (3, 4),
         (0, 5), (1, 5), (2, 5), (3, 5), (4, 5))
SETS = {"forward": (FORWARD_HZ, 15), "backward": (BACKWARD_HZ, 15), "backward_cn": (BACKWARD_HZ, 6)}
Q454, Q455 = "ITU-T Q.454", "ITU-T Q.455"


def signal(
    set_: str, number: int, ms: float, dbm0: float = -11.5, *, twist_db: float = 0.0,
    offset_hz: tuple[float, float] = (0.0, 0.0), phases: tuple[float, float] = (0.0, 0.0),
) -> Samples:
    """One signal; `twist_db` raises the second frequency of the pair and lowers the first by half
    each."""
    hz = SETS[set_][0]
    first, second = (hz[i] + off for i, off in zip(PAIRS[number - 1], offset_hz, strict=True))
    return np.asarray(sine(first, ms, dbm0 - twist_db / 2, phases[0])
                      + sine(second, ms, dbm0 + twist_db / 2, phases[1]))


def framed(
    rng: np.random.Generator, sound: Samples, snr_from_dbm0: float | None = None
) -> Linear:
    """The sound between silences that are no whole number of steps, on a line; with a level,
    under noise of that level."""
    whole = np.concatenate([silence(rng.uniform(60, 90)), sound, silence(rng.uniform(80, 110))])
    if snr_from_dbm0 is None:
        return line(rng, whole)
    return alaw(noisy(rng, whole, snr_from_dbm0))


def numbers(found: Sequence[Any]) -> list[int]:
    return [int(getattr(t, "signal", None) or t.what) for t in found]


def heard(set_: str, sounds: Sequence[Linear]) -> tuple[list[list[Any]], list[list[Any]]]:
    """What ours and the rival find."""
    ours = hear(face("mf", "find_signals"), sounds, set_=set_)
    return ours, theirs(oracle.r2_heard, sounds, set_ == "forward")


def right(
    set_: str, sounds: Sequence[Linear], wanted: Sequence[list[int]]
) -> tuple[float, float]:
    ours, rival = heard(set_, sounds)
    return (share(numbers(f) == w for f, w in zip(ours, wanted, strict=True)),
            share(numbers(f) == w for f, w in zip(rival, wanted, strict=True)))


def _all(rng: np.random.Generator, set_: str, ms: float, trials: int = 1,
         noise_dbm0: float | None = None, **how: Any) -> tuple[list[Linear], list[list[int]]]:
    """Every signal of a set, `trials` times, phases at random."""
    sounds, wanted = [], []
    for _ in range(trials):
        for number in range(1, SETS[set_][1] + 1):
            phases = (rng.uniform(0, 6.28), rng.uniform(0, 6.28))
            made = signal(set_, number, ms, phases=phases, **how)
            sounds.append(framed(rng, made, noise_dbm0))
            wanted.append([number])
    return sounds, wanted


def accept_rows(quick: bool) -> Iterator[Row]:
    """Signals within the limits."""
    trials = 1 if quick else 4
    for set_ in SETS:
        rng = np.random.default_rng(2101)
        yield Row(GROUP, f"{set_}: all signals, -11.5 dBm0, 60 ms", "%",
                  *right(set_, *_all(rng, set_, 60, trials)), limit=100.0, ahead=True,
                  source="ITU-T Q.441")
        sounds, wanted = [], []
        for offset in ((10, 10), (10, -10), (-10, 10), (-10, -10)):
            more = _all(rng, set_, 80, 1, offset_hz=offset)
            sounds, wanted = sounds + more[0], wanted + more[1]
        yield Row(GROUP, f"{set_}: both frequencies +-10 Hz", "%", *right(set_, sounds, wanted),
                  limit=100.0, ahead=True, source=Q454)
        sounds, wanted = [], []
        for dbm0 in (-5, -20, -35):
            more = _all(rng, set_, 80, 1, dbm0=float(dbm0))
            sounds, wanted = sounds + more[0], wanted + more[1]
        yield Row(GROUP, f"{set_}: level -5 to -35 dBm0", "%", *right(set_, sounds, wanted),
                  limit=100.0, ahead=True, source=Q454)
        sounds, wanted = _twisted(rng, set_)
        yield Row(GROUP, f"{set_}: levels apart 5 dB (neighbours), 7 dB (others)", "%",
                  *right(set_, sounds, wanted), limit=100.0, ahead=True, source=Q454)
        both = _all(rng, set_, 80, trials, -17.0 - 9.0, dbm0=-20.0)
        yield Row(GROUP, f"{set_}: SNR 9 dB", "%", *right(set_, *both), limit=99.0, ahead=True,
                  source="chosen", note="both tones over white noise 0-4 kHz, 80 ms")


def _twisted(rng: np.random.Generator, set_: str) -> tuple[list[Linear], list[list[int]]]:
    sounds, wanted = [], []
    for number in range(1, SETS[set_][1] + 1):
        first, second = PAIRS[number - 1]
        most = 5.0 if abs(first - second) == 1 else 7.0
        for twist in (-most, most):
            sounds.append(framed(rng, signal(set_, number, 80, -18.0, twist_db=twist)))
            wanted.append([number])
    return sounds, wanted


def noise_rows(quick: bool) -> Iterator[Row]:
    """Signals in noise, from how much on."""
    for set_ in ("forward", "backward_cn"):
        rng = np.random.default_rng(2102)
        for snr in (6, 3) if quick else (15, 12, 6, 3, 0):
            both = _all(rng, set_, 80, 2 if quick else 6, -17.0 - snr, dbm0=-20.0)
            yield Row(GROUP, f"{set_}: SNR {snr} dB", "%", *right(set_, *both), ahead=True,
                      limit=99.0 if snr >= 12 else None, source="chosen",
                      note="80 ms, noise there before")


def reject_rows(quick: bool) -> Iterator[Row]:
    """What is no signal."""
    for set_ in SETS:
        rng = np.random.default_rng(2103)
        hz = SETS[set_][0]
        short = [framed(rng, signal(set_, n, 6.5)) for n in range(1, SETS[set_][1] + 1)]
        single = [framed(rng, sine(f, 100, -8)) for f in hz]
        third, weak = [], []
        for number in range(1, SETS[set_][1] + 1):
            rest = [i for i in range(6 if set_ != "backward_cn" else 4)
                    if i not in PAIRS[number - 1]]
            for i in rest[:: 3 if quick else 1]:
                pair = signal(set_, number, 100, -11.5)
                third.append(framed(rng, pair + sine(hz[i], 100, -13.0)))
                weak.append((number, framed(rng, pair + sine(hz[i], 100, -11.5 - 20))))
        for name, sounds, source in (
            ("taken from 6.5 ms", short, f"{Q454}: not under 7 ms"),
            ("taken from one frequency alone", single, Q454),
            ("taken from three frequencies", third, Q455),
        ):
            ours, rival = (share(map(bool, f)) for f in heard(set_, sounds))
            yield Row(GROUP, f"{set_}: {name}", "%", ours, rival, 0.0, "low", ahead=True,
                      source=source)
        yield Row(GROUP, f"{set_}: right beside a third frequency 20 dB down", "%",
                  *right(set_, [s for _, s in weak], [[n] for n, _ in weak]), limit=100.0,
                  ahead=True, source=f"{Q454}: modulation products")


def time_rows(quick: bool) -> Iterator[Row]:
    """Operate and release times, and the times that are told."""
    for set_ in ("forward", "backward"):
        rng = np.random.default_rng(2104)
        begins, ends, shortest = [], [], []
        find = face("mf", "find_signals")
        sounds, spans = [], []
        for number in range(1, 16):
            lead, ms = rng.uniform(50, 90), rng.uniform(60, 90)
            sounds.append(line(rng, np.concatenate(
                [silence(lead), signal(set_, number, ms), silence(90)])))
            spans.append((round(lead * 8), round(lead * 8) + round(ms * 8)))
        for found, (begin, end) in zip(hear(find, sounds, set_=set_), spans, strict=True):
            begins += [abs(t.begin - begin) / 8 for t in found]
            ends += [abs((t.end or 0) - end) / 8 for t in found]
        yield Row(GROUP, f"{set_}: error of the told begin, median", "ms", median(begins),
                  limit=3.0, better="low", source="asked")
        yield Row(GROUP, f"{set_}: error of the told end, median", "ms", median(ends),
                  limit=3.0, better="low", source="asked")
        for ms in range(12, 61, 2):
            marks = right(set_, *_all(rng, set_, float(ms), 1))
            shortest.append((ms, *marks))
        found_from = [next((float(r[0]) for r in shortest if all(
            s[who] == 100.0 for s in shortest if s[0] >= r[0])), 99.0) for who in (1, 2)]
        yield Row(GROUP, f"{set_}: shortest signal that is always found", "ms", *found_from,
                  limit=35.0, better="low", ahead=True,
                  source=f"{Q454}: operate and release within 70 ms")
        gaps = []
        for ms in range(10, 61, 5):
            pairs, wanted = [], []
            for number in range(1, 16):
                one = signal(set_, number, 60)
                pairs.append(framed(rng, np.concatenate([one, silence(ms), one])))
                wanted.append([number, number])
            gaps.append((ms, *right(set_, pairs, wanted)))
        seen = [next((float(g[0]) for g in gaps if g[who] == 100.0), 99.0) for who in (1, 2)]
        yield Row(GROUP, f"{set_}: shortest pause that parts two equal signals", "ms", *seen,
                  limit=35.0, better="low", source=f"{Q454}: release", note="60 ms signals")


def both_ways_rows(quick: bool) -> Iterator[Row]:
    """Our own signal's echo on the line: compelled signalling sends both ways at once."""
    for set_, other in (("forward", "backward"), ("backward", "forward")):
        rng = np.random.default_rng(2105)
        sounds, wanted = [], []
        for number in range(1, 16):
            for back in (1, 6) if quick else (1, 3, 6, 9, 12, 15):
                echo = signal(other, back, 260, -11.5 - 10.0)
                made = silence(260)
                made[800:1600] = signal(set_, number, 100, -16.0)
                sounds.append(framed(rng, made + echo))
                wanted.append([number])
        yield Row(GROUP, f"{set_} under the echo of our own {other}, ERL 10 dB", "%",
                  *right(set_, sounds, wanted), limit=100.0, ahead=True,
                  source="chosen", note="-16 dBm0, 100 ms; echo -21.5 dBm0 before and after")


def sender_rows(quick: bool) -> Iterator[Row]:
    """Our sender, heard by the rival; the rival's sender, heard by us."""
    oracle.bound()  # its ears are what is asked here
    make, rng = face("mf", "make_signal"), np.random.default_rng(2106)
    for set_ in SETS:
        good, back = [], []
        for number in range(1, SETS[set_][1] + 1):
            sent = make(number, set_=set_, ms=80, level_dbm0=-11.5)
            found = oracle.r2_heard(framed(rng, sent.astype(np.float64)), set_ == "forward")
            good.append(numbers(found) == [number])
            his = oracle.r2_sent(number, set_ == "forward", 80).astype(np.float64)
            back.append(framed(rng, his))
        yield Row(GROUP, f"{set_}: our sender, heard by the rival", "%", share(good), limit=100.0,
                  source="ITU-T Q.441")
        mark = [[n] for n in range(1, SETS[set_][1] + 1)]
        yield Row(GROUP, f"{set_}: the rival's sender, heard by each", "%",
                  *right(set_, back, mark), limit=100.0, ahead=True, source="ITU-T Q.441")


def speech_rows(quick: bool) -> Iterator[Row]:
    """Signals that nobody sent, in real speech."""
    try:
        recordings = real_speech.recordings(True)
    except OSError as error:
        yield table.unknown(GROUP, "false signals in real speech", str(error))
        return
    joined = np.concatenate([alaw(at_level(r, -18)) for r in recordings])
    sounds = [joined[at : at + 480000] for at in range(0, len(joined), 480000)]
    for set_ in ("forward", "backward"):
        ours, rival = (float(sum(map(len, f))) for f in heard(set_, sounds))
        yield Row(GROUP, f"{set_}: false signals in real speech", "", ours, rival, better="low",
                  ahead=True, synthetic=0.0, source="shown: R2 is off while people talk",
                  note=f"{len(joined) / 8000 / 3600:.2f} h")


def rows(quick: bool) -> Iterator[Row]:
    """All rows of R2 signals."""
    yield from guarded(GROUP, (accept_rows, noise_rows, reject_rows, time_rows, both_ways_rows,
                               sender_rows, speech_rows), quick)
