"""Room: the judge of fax and modem tones, against ITU-T T.30, V.25, V.8, G.164 and libspandsp's
modem_connect_tones_rx.  Must not use the product's sender but where that is what is judged.

A tone is right when its kind is told, one time, and no other kind.  The rival's receiver must be
set to one kind; it is given the kind that was sent, which ours is not told.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tests.judge import oracle, real_speech, table
from tests.judge.guard import guarded
from tests.judge.national_tones import NATIONAL, shape, tone_sound
from tests.judge.row import Row
from tests.judge.signals2 import (
    PEAK,
    RATE,
    Linear,
    Samples,
    alaw,
    at_level,
    count_of,
    face,
    hear,
    level,
    line,
    median,
    noisy,
    share,
    silence,
    sine,
    tones,
)

GROUP = "fax tones"
ANSWERS = ("ced", "ans_pr", "ansam", "ansam_pr")
KINDS = ("cng", *ANSWERS, "ct")
HZ = {"cng": 1100.0, "ct": 1300.0}  # ITU-T T.30 and V.25; the answer tones are 2100 Hz
T30, V25, V8 = "ITU-T T.30", "ITU-T V.25", "ITU-T V.8"


def sent(
    kind: str, ms: float, dbm0: float = -15.0, *, offset_hz: float = 0.0, depth: float = 0.2,
    reversal_ms: float = 450.0, phase: float = 0.0,
) -> Samples:
    """A kind's sound: CNG 0.5 s on and 3 s off, CT 0.6 s on and 1.9 s off, answer tones steady,
    with 15 Hz modulation (V.8) and reversals of phase (V.25) where the kind has them."""
    n = count_of(ms)
    t = np.arange(n) / RATE
    hz = HZ.get(kind, 2100.0) + offset_hz
    out = PEAK * 10 ** (dbm0 / 20) * np.sin(2 * np.pi * hz * t + phase)
    if kind in ("cng", "ct"):
        on, off = (0.5, 3.0) if kind == "cng" else (0.6, 1.9)  # V.25: 0.5-0.7 s on, 1.5-2 s off
        return np.asarray(out * (t % (on + off) < on))
    if kind.endswith("_pr"):
        out = out * np.where((t * 1000 // reversal_ms) % 2, -1, 1)
    if kind.startswith("ansam"):
        out = out * (1 + depth * np.sin(2 * np.pi * 15 * t))
    return np.asarray(out)


def framed(rng: np.random.Generator, sound: Samples, noise_dbm0: float | None = None) -> Linear:
    """The sound between silences, on a line or under noise of this level."""
    whole = np.concatenate([silence(rng.uniform(200, 400)), sound, silence(400)])
    return line(rng, whole) if noise_dbm0 is None else alaw(noisy(rng, whole, noise_dbm0))


def kinds(found: Sequence[Any]) -> list[str]:
    return [getattr(t, "kind", None) or t.what for t in found]


def right(found: Sequence[Any], kind: str, times: int | None = 1) -> bool:
    """This kind and no other; CNG and CT may be told burst by burst."""
    told = kinds(found)
    many = kind in ("cng", "ct")
    return bool(told) and set(told) == {kind} and (many or len(told) == times)


def rival_right(sound: Linear, kind: str) -> bool:
    """The rival's receivers tell 2100 Hz with and without modulation apart, and report a change
    of mind as another tone: what counts is what it says last."""
    told = kinds(oracle.modem_tones_heard(sound, kind))
    return bool(told) and told[-1] == kind


def both(sounds: Sequence[Linear], wanted: Sequence[str]) -> tuple[float, float]:
    ours = hear(face("fax", "find_fax_tones"), sounds)
    return (share(right(f, w) for f, w in zip(ours, wanted, strict=True)),
            share(rival_right(s, w) for s, w in zip(sounds, wanted, strict=True)))


def _ms(kind: str) -> float:
    return {"cng": 4000.0, "ct": 3100.0}.get(kind, 3000.0)


def _set(rng: np.random.Generator, kind: str, trials: int, noise_dbm0: float | None = None,
         **how: Any) -> tuple[list[Linear], list[str]]:
    sounds = [framed(rng, sent(kind, _ms(kind), phase=rng.uniform(0, 6.28), **how), noise_dbm0)
              for _ in range(trials)]
    return sounds, [kind] * trials


def accept_rows(quick: bool) -> Iterator[Row]:
    """Tones within the limits."""
    rng, trials = np.random.default_rng(2201), 4 if quick else 16
    for kind in KINDS:
        yield Row(GROUP, f"{kind}: found as itself, -15 dBm0", "%",
                  *both(*_set(rng, kind, trials)), limit=100.0, ahead=True,
                  source=V8 if "am" in kind else V25 if kind in ("ans_pr", "ct") else T30)
    for kind, off, source in (("cng", 38.0, f"{T30}: 1100 +-38 Hz"),
                              ("ced", 15.0, f"{T30}, {V25}: 2100 +-15 Hz"),
                              ("ans_pr", 15.0, V25), ("ansam", 1.0, f"{V8}: 2100 +-1 Hz"),
                              ("ct", 20.0, f"{V25}: 1300 Hz; +-20 Hz chosen")):
        sounds, wanted = [], []
        for offset in (-off, off):
            more = _set(rng, kind, trials, offset_hz=offset)
            sounds, wanted = sounds + more[0], wanted + more[1]
        yield Row(GROUP, f"{kind}: frequency +-{off:.0f} Hz", "%", *both(sounds, wanted),
                  limit=100.0, ahead=True, source=source)
    sounds, wanted = [], []
    for every in (425.0, 475.0):
        more = _set(rng, "ans_pr", trials, reversal_ms=every)
        sounds, wanted = sounds + more[0], wanted + more[1]
    yield Row(GROUP, "ans_pr: reversals each 450 +-25 ms", "%", *both(sounds, wanted),
              limit=100.0, ahead=True, source=V25)
    bursts = [framed(rng, sent("cng", ms, -20, phase=rng.uniform(0, 6)))
              for ms in (425.0, 450.0, 500.0) for _ in range(trials)]
    yield Row(GROUP, "cng: told in its first burst, 425 to 500 ms", "%",
              *both(bursts, ["cng"] * len(bursts)), limit=100.0, ahead=True,
              source=f"{T30}: 0.5 s +-15 %")


def level_rows(quick: bool) -> Iterator[Row]:
    """How faint, and in how much noise."""
    rng, trials = np.random.default_rng(2202), 3 if quick else 8
    for kind in KINDS:
        reached, alive = [0.0, 0.0], [True, True]
        for dbm0 in (-6, -30, -43) if quick else (-6, -20, -30, -36, -40, -43, -46):
            for who, value in enumerate(both(*_set(rng, kind, trials, dbm0=float(dbm0)))):
                alive[who] = alive[who] and value == 100.0
                reached[who] = float(dbm0) if alive[who] else reached[who]
        yield Row(GROUP, f"{kind}: faintest level", "dBm0", *reached, limit=-43.0, better="low",
                  ahead=True, source=f"asked; {T30}: -43 dBm receiver")
        for snr in (5.0,) if quick else (15.0, 10.0, 5.0, 2.0):
            pair = both(*_set(rng, kind, trials * 2, -20.0 - snr, dbm0=-20.0))
            yield Row(GROUP, f"{kind}: SNR {snr:.0f} dB", "%", *pair,
                      99.0 if snr >= 5 else None, ahead=True, source="asked: 5 dB")


def apart_rows(quick: bool) -> Iterator[Row]:
    """Tones that lie beside the limits, and other signals."""
    rng, find = np.random.default_rng(2203), face("fax", "find_fax_tones")
    other: dict[str, list[Linear]] = {
        "1000, 1200, 1400 Hz bursts of 0.5 s (1100 +-38 Hz is CNG)": [
            framed(rng, sine(hz, 500, -15)) for hz in (1000, 1200, 1400) for _ in range(3)],
        "2000, 2200, 2280 Hz steady": [
            framed(rng, sine(hz, 2500, -15)) for hz in (2000, 2200, 2280)],
        "call-progress tones of China and the USA, SIT": [
            framed(rng, tone_sound(shape(text), 6000, -12, rng))
            for nation in ("cn", "us") for text in NATIONAL[nation].tones.values()],
        "1400 Hz reminder and record tones": [
            framed(rng, tone_sound(shape("1400 400/2000"), 8000, -15, rng))],
        "DTMF digits, 100/100 ms": [
            framed(rng, np.tile(np.concatenate(
                [tones((low, high), 100, -8, rng), silence(100)]), 10))
            for low in (697, 770, 852, 941) for high in (1209, 1336, 1477, 1633)],
        "R2 signals, 200 ms": [
            framed(rng, np.concatenate([np.concatenate([tones(pair, 200, -11, rng), silence(80)])
                                        for pair in ((1380, 1500), (1860, 1980), (1140, 1020),
                                                     (1980, 1380), (1140, 540))] * 3))],
    }
    for name, sounds in other.items():
        ours = float(sum(map(len, hear(find, sounds))))
        rival = float(sum(len(oracle.modem_tones_heard(s, k))
                          for s in sounds for k in ("cng", "ced", "ans_pr")))
        yield Row(GROUP, f"false tones: {name}", "tones", ours, rival, 0.0, "low", ahead=True,
                  source="chosen", note="rival: three receivers, CNG, CED, ANS/PR")


def time_rows(quick: bool) -> Iterator[Row]:
    """Where a tone is told to begin and to end."""
    rng, find = np.random.default_rng(2204), face("fax", "find_fax_tones")
    for kind in ("cng", "ced", "ansam_pr"):
        begins, ends, sounds, spans = [], [], [], []
        for _ in range(8):
            lead, ms = rng.uniform(200, 500), 500.0 if kind == "cng" else rng.uniform(2600, 3300)
            sounds.append(line(rng, np.concatenate([silence(lead), sent(kind, ms), silence(600)])))
            spans.append((count_of(lead), count_of(lead) + count_of(ms)))
        for found, (begin, end) in zip(hear(find, sounds), spans, strict=True):
            begins += [abs(t.begin - begin) / 8 for t in found[:1]]
            ends += [abs((t.end or 0) - end) / 8 for t in found[:1]]
        yield Row(GROUP, f"{kind}: error of the told begin, median", "ms", median(begins),
                  limit=25.0, better="low", source="chosen")
        yield Row(GROUP, f"{kind}: error of the told end, median", "ms", median(ends),
                  limit=40.0, better="low", source="chosen")


def sender_rows(quick: bool) -> Iterator[Row]:
    """Our sender, heard by the rival; the rival's, heard by us."""
    oracle.bound()  # its ears are what is asked here
    make, find = face("fax", "make_fax_tone"), face("fax", "find_fax_tones")
    rng, good, back = np.random.default_rng(2205), [], []
    for kind in KINDS:
        made = np.asarray(make(kind, ms=_ms(kind), level_dbm0=-15.0), np.float64)
        good.append(rival_right(framed(rng, made), kind))
        # V.8 and V.25 senders make 2.6 to 4 s; the rival's own lasts as it likes
        his = oracle.modem_tone_sent(kind, _ms(kind)).astype(np.float64)
        back.append(framed(rng, his))
    yield Row(GROUP, "our sender, six kinds, heard by the rival", "%", share(good), limit=100.0,
              source="asked")
    ours = hear(find, back)
    yield Row(GROUP, "the rival's sender, six kinds, heard by each", "%",
              share(right(f, k) for f, k in zip(ours, KINDS, strict=True)),
              share(rival_right(s, k) for s, k in zip(back, KINDS, strict=True)), 100.0,
              ahead=True, source="asked",
              note="; ".join(f"{k} as {kinds(f)}" for f, k in zip(ours, KINDS, strict=True)
                             if not right(f, k)))
    steady = np.asarray(make("ced", ms=1000, level_dbm0=-15.0), np.float64)
    yield Row(GROUP, "our sender: level of CED asked as -15 dBm0, error", "dB",
              abs(level(steady[800:7200]) + 15.0), limit=0.2, better="low", source="chosen")


def speech_rows(quick: bool) -> Iterator[Row]:
    """Tones that nobody sent, in real speech and music."""
    find = face("fax", "find_fax_tones")
    for name, load in (("real speech", real_speech.recordings), ("music", real_speech.music)):
        try:
            recordings = load(quick)
        except OSError as error:
            yield table.unknown(GROUP, f"false tones in {name}", str(error))
            continue
        joined = np.concatenate([alaw(at_level(r, -18)) for r in recordings])
        sounds = [joined[at : at + 480000] for at in range(0, len(joined), 480000)]
        ours = [k for f in hear(find, sounds) for k in kinds(f)]
        rival = float(sum(len(oracle.modem_tones_heard(s, k))
                          for s in sounds for k in ("cng", "ced", "ans_pr")))
        yield Row(GROUP, f"false tones in {name}", "tones", float(len(ours)), rival, 0.0, "low",
                  ahead=True, synthetic=0.0, source="asked",
                  note=f"{len(joined) / RATE / 3600:.2f} h; {', '.join(sorted(set(ours)))}")


def rows(quick: bool) -> Iterator[Row]:
    """All rows of fax and modem tones."""
    yield from guarded(GROUP, (accept_rows, level_rows, apart_rows, time_rows, sender_rows,
                               speech_rows), quick)
