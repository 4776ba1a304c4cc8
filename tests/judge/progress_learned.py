"""Room: the judge of learning an exchange that no plan knows: invented countries, recorded through
A-law and noise, learned, then heard on other recordings.  Must not use the product's senders.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.judge import real_speech, table
from tests.judge.national_tones import Shape, tone_sound
from tests.judge.row import Row
from tests.judge.signals2 import (
    RATE,
    Linear,
    Samples,
    alaw,
    at_level,
    face,
    hear,
    noise,
    noisy,
    share,
    silence,
)

GROUP = "call progress"
SEEDS = (71, 72, 73, 74, 75)
NAMES = ("dial", "ringback", "busy", "congestion")


@dataclass(frozen=True, slots=True)
class Invented:
    """A country that nobody has: its tones and the frequency of all of them."""

    tones: dict[str, Shape]


def invented(seed: int) -> Invented:
    """One or two odd frequencies; cadences within the ranges of ITU-T E.180/Q.35 clauses on
    ringing tone (0.67-1.5 s on, 3-5 s off) and on busy and congestion tone (300-1100 ms a
    period, congestion the faster, on/off ratio 0.67-1.5)."""
    rng = np.random.default_rng(seed)
    low = round(rng.uniform(371, 509), 1)
    hz = (low,) if seed % 2 else (low, low + round(rng.uniform(60, 120), 1))
    busy = rng.integers(400, 540)
    fast = rng.integers(160, 260)
    return Invented({
        "dial": Shape(hz, 0.0, ()),
        "ringback": Shape(hz, 0.0, ((float(rng.integers(700, 1400)),
                                     float(rng.integers(3050, 4800))),)),
        "busy": Shape(hz, 0.0, ((float(busy), float(busy * rng.uniform(0.9, 1.1))),)),
        "congestion": Shape(hz, 0.0, ((float(fast), float(fast * rng.uniform(0.9, 1.1))),)),
    })


def recording(of: Shape, rng: np.random.Generator, dbm0: float, snr: float) -> Linear:
    """A tone with a pause before and after it, in noise, through A-law."""
    ms = 5000.0 if not of.on_off_ms else max(6000.0, 3.2 * sum(of.on_off_ms[0]))
    made = tone_sound(of, ms, dbm0, rng, lead_ms=float(rng.uniform(400, 900)))
    return alaw(noisy(rng, np.concatenate([made, silence(700)]), dbm0 - snr))


def spoken(of: Shape, rng: np.random.Generator, talk: Samples) -> Linear:
    """The same with somebody who speaks before the tone and after it."""
    ms = 5000.0 if not of.on_off_ms else max(6000.0, 3.2 * sum(of.on_off_ms[0]))
    parts = [at_level(talk[:12000], -20), silence(600), tone_sound(of, ms, -17.0, rng),
             silence(800), at_level(talk[-8000:], -20)]
    return alaw(noisy(rng, np.concatenate(parts), -32.0))


def _frequency_error(plan: Any, country: Invented) -> float:
    """The largest error of a learned frequency, Hz; 99 for a tone that was not learned."""
    worst = 0.0
    for name, of in country.tones.items():
        learned = {tone.name: tone for tone in plan.tones}.get(name)
        if learned is None or len(learned.hz) != len(of.hz):
            return 99.0
        errors = np.abs(np.sort(learned.hz) - np.sort(of.hz))
        worst = max(worst, float(errors.max()))
    return worst


def _heard(plan: Any, country: Invented, rng: np.random.Generator) -> list[tuple[str, list[str]]]:
    """The tones of other recordings, each with the names that the learned plan gives it."""
    others = [recording(of, rng, -22.0, 15.0) for of in country.tones.values()]
    found = hear(face("progress", "find_tones"), others, plan=plan)
    return [(name, [t.name for t in f]) for name, f in zip(country.tones, found, strict=True)]


def learned_rows(quick: bool) -> Iterator[Row]:
    """Plans learned from recordings of invented countries."""
    yield from _clean_rows(quick)
    learn, rng = face("learn", "learn_plan"), np.random.default_rng(77)
    good, notes = [], []
    try:
        people = [r for r in real_speech.recordings(True) if len(r) > 3 * RATE]
    except OSError as error:
        yield table.unknown(GROUP, "invented countries learned beside speech", str(error))
        return
    for seed in SEEDS[:2]:
        country = invented(seed)
        sounds = [spoken(of, rng, people[i + seed]) for i, of in enumerate(country.tones.values())]
        try:
            told = _heard(learn(sounds, country="xx"), country, rng)
        except ValueError as error:
            told = [(name, [str(error)]) for name in country.tones]
        good += [names == [name] for name, names in told]
        notes += [f"seed {seed}: {n} as {names}" for n, names in told if names != [n]]
    yield Row(GROUP, "invented countries, speech before and after the tones, SNR 15 dB", "%",
              share(good), limit=100.0, synthetic=0.8, source="asked", note="; ".join(notes))
    refused = []
    for bad in (noise(rng, 80000, -30), silence(1000), *people[:10]):
        try:
            learn([alaw(bad)], country="xx")
            refused.append(False)
        except ValueError:
            refused.append(True)
    yield Row(GROUP, "noise, nothing, ten recordings of speech: refused as no country", "%",
              share(refused), limit=100.0, synthetic=0.2, source="asked")


def _clean_rows(quick: bool) -> Iterator[Row]:
    learn = face("learn", "learn_plan")
    good: list[bool] = []
    errors, notes = [], []
    for seed in SEEDS[:3] if quick else SEEDS:
        country, rng = invented(seed), np.random.default_rng(seed + 500)
        try:
            plan = learn([recording(of, rng, -17.0, 20.0) for of in country.tones.values()],
                         country="xx")
        except ValueError as error:
            notes.append(f"seed {seed}: {error}")
            good += [False] * len(NAMES)
            continue
        errors.append(_frequency_error(plan, country))
        told = _heard(plan, country, rng)
        good += [names == [name] for name, names in told]
        notes += [f"seed {seed}: {n} as {names or 'nothing'}" for n, names in told if names != [n]]
    yield Row(GROUP, "invented countries: tones found once by the learned plan", "%", share(good),
              limit=100.0, source="asked",
              note="; ".join(notes) or "learned at SNR 20 dB, heard at 15")
    yield Row(GROUP, "invented countries: worst error of a learned frequency", "Hz",
              max(errors, default=99.0), limit=2.0, better="low", source="asked")
