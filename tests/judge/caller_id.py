"""Room: the judge of caller ID (FSK and DTMF) against Telcordia GR-30, ETSI EN 300 659 and
libspandsp's adsi_rx.  Must not use the product's sender but where that is what is judged.

A message is right when its bytes are the sent ones, its checksum is told right, and no other
message is told right beside it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tests.judge import oracle
from tests.judge.caller_id_messages import (
    dtmf_rows,
    false_rows,
    sender_rows,
    surrounding_rows,
    vector_rows,
)
from tests.judge.caller_id_signals import bits_of, call, fsk, random_message, whole
from tests.judge.guard import guarded
from tests.judge.row import Row
from tests.judge.signals2 import Linear, alaw, face, hear, line, noisy, share, silence, theirs

GROUP = "caller ID"
STANDARDS = {"bell202": "Bell 202", "v23": "V.23"}
GR30, EN300659 = "Telcordia GR-30", "ETSI EN 300 659-1"


def right(found: Sequence[Any], message: bytes) -> bool:
    """`message` is without its checksum."""
    told = [bytes(m.data)[: len(message)] for m in found if getattr(m, "right", True)]
    return told == [message]


def both(
    sounds: Sequence[Linear], messages: Sequence[bytes], standard: str
) -> tuple[float, float]:
    """Percent right: ours, which is not told the standard, and theirs, which is."""
    ours = hear(face("caller_id", "find_fsk"), sounds)
    rival = theirs(oracle.adsi_heard, sounds, standard)
    return (
        share(right(f, m) for f, m in zip(ours, messages, strict=True)),
        share(right(f, m) for f, m in zip(rival, messages, strict=True)),
    )


def _set(
    rng: np.random.Generator, count: int, standard: str, snr: float | None = None,
    dbm0: float = -15.0, **how: float,
) -> tuple[list[Linear], list[bytes]]:
    sounds, messages = [], []
    for _ in range(count):
        message = random_message(rng)
        sound = call(whole(message), standard, rng, dbm0=dbm0, **how)
        sounds.append(line(rng, sound) if snr is None else alaw(noisy(rng, sound, dbm0 - snr)))
        messages.append(message)
    return sounds, messages


def noise_rows(quick: bool) -> Iterator[Row]:
    """22-byte MDMF messages in white noise."""
    count = 48 if quick else 400
    for standard, title in STANDARDS.items():
        rng = np.random.default_rng(2001)
        for snr in (12, 9, 8) if quick else (13, 12, 11, 10, 9, 8, 7, 6):
            sounds, messages = _set(rng, count, standard, float(snr))
            ours, rival = both(sounds, messages, standard)
            yield Row(GROUP, f"{title}: whole message right at SNR {snr} dB", "%", ours, rival,
                      99.0 if snr >= 9 else None, ahead=True, source="asked",
                      note=f"white 0-4 kHz, A-law, {count} messages of 22 bytes")


def trust_rows(quick: bool) -> Iterator[Row]:
    """Messages that noise has spoilt but that are told right all the same."""
    count = 96 if quick else 600
    for standard, title in STANDARDS.items():
        rng = np.random.default_rng(2006)
        sounds, messages = [], []
        for snr in (1.0, 2.0, 3.0, 4.0):
            more = _set(rng, count // 4, standard, snr)
            sounds, messages = sounds + more[0], messages + more[1]
        ours = hear(face("caller_id", "find_fsk"), sounds)
        rival = theirs(oracle.adsi_heard, sounds, standard)
        wrong = [float(sum(bytes(m.data)[: len(sent)] != sent for f, sent in
                           zip(found, messages, strict=True) for m in f
                           if getattr(m, "right", True))) for found in (ours, rival)]
        yield Row(GROUP, f"{title}: wrong bytes told right, SNR 1 to 4 dB", "messages", *wrong,
                  limit=count / 256, better="low",
                  source="chosen: what a sum of eight bits lets through at the worst",
                  note=f"of {count}; right: {share(map(right, ours, messages)):.0f} %, "
                  f"{share(map(right, rival, messages)):.0f} %")


def level_rows(quick: bool) -> Iterator[Row]:
    """How faint a message may be."""
    rng, count = np.random.default_rng(2002), 16 if quick else 32
    for standard, title in STANDARDS.items():
        reached, alive = [0.0, 0.0], [True, True]
        for dbm0 in (-8, -29, -32, -36, -38, -41) if quick else range(-8, -51, -3):
            sounds, messages = _set(rng, count, standard, None, float(dbm0))
            for who, value in enumerate(both(sounds, messages, standard)):
                alive[who] = alive[who] and value == 100.0
                reached[who] = float(dbm0) if alive[who] else reached[who]
        yield Row(GROUP, f"{title}: faintest level, all right from -8 dBm0 down", "dBm0",
                  *reached, limit=-38.0, better="low", ahead=True,
                  source=f"asked; {GR30}: -36 dBm", note="noise floor -68 dBm0")


def deviation_rows(quick: bool) -> Iterator[Row]:
    """Another twist, frequency, bit rate."""
    rng, count = np.random.default_rng(2003), 16 if quick else 48
    cases: list[tuple[str, dict[str, float], str]] = []
    for twist in (-10.0, 10.0):
        cases.append((f"twist {twist:+.0f} dB", {"twist_db": twist}, "asked"))
    for percent in (-1, 1, -2, 2, -3, 3, -4, 4):
        cases.append((f"frequency {percent:+d} %", {"frequency": 1 + percent / 100},
                      f"{GR30}: 1 %; {EN300659}: 1.5 %" if abs(percent) == 1
                      else "chosen: both can"))
    for percent in (-1, 1, -2, 2, -3, 3):
        cases.append((f"bit rate {percent:+d} %", {"rate": 1 + percent / 100},
                      f"{GR30}, {EN300659}: 1 %" if abs(percent) == 1 else "asked"))
    for standard, title in STANDARDS.items():
        for name, how, source in cases:
            sounds, messages = _set(rng, count, standard, 20.0, -20.0, **how)
            ours, rival = both(sounds, messages, standard)
            yield Row(GROUP, f"{title}: {name}", "%", ours, rival, 100.0, ahead=True,
                      source=source, note="SNR 20 dB")


def standard_rows(quick: bool) -> Iterator[Row]:
    """The standard that was used is named; begin and end are where they were."""
    rng, find = np.random.default_rng(2004), face("caller_id", "find_fsk")
    good, begins, ends = [], [], []
    for standard in STANDARDS:
        sounds, spans = [], []
        for _ in range(16):
            bits = bits_of(whole(random_message(rng)), tail=0)
            made, lead = fsk(bits, standard, -20.0), int(rng.integers(800, 2400))
            spans.append((lead, lead + len(made)))
            sounds.append(line(rng, np.concatenate([np.zeros(lead), made, silence(200)])))
        for found, (begin, end) in zip(hear(find, sounds), spans, strict=True):
            good.append([m.standard for m in found] == [standard])
            begins += [abs(m.begin - begin) / 8 for m in found]
            ends += [abs(m.end - end) / 8 for m in found]
    yield Row(GROUP, "standard named rightly", "%", share(good), limit=100.0, source="chosen")
    yield Row(GROUP, "error of a message's end, median", "ms",
              float(np.median(ends)) if ends else None, limit=10.0, better="low",
              source="chosen", note=f"begin {np.median(begins):.1f} ms" if begins else "")


def rows(quick: bool) -> Iterator[Row]:
    """All rows of caller ID."""
    yield from guarded(GROUP, (
        noise_rows, trust_rows, level_rows, deviation_rows, standard_rows, vector_rows,
        surrounding_rows, dtmf_rows, sender_rows, false_rows,
    ), quick)
