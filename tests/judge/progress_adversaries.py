"""Room: what must not be taken for a call-progress tone: digits, three-way calls, beeps, music,
modems, and all the human speech at hand.  Must not use the product's senders.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tests.judge import oracle, progress_rival, real_speech, table
from tests.judge.national_tones import NATIONAL, shape, tone_sound
from tests.judge.row import Row
from tests.judge.signals2 import (
    RATE,
    Linear,
    Samples,
    at_level,
    count_of,
    face,
    hear,
    line,
    silence,
    sine,
    tones,
)

GROUP = "call progress"
CN = {name: shape(text) for name, text in NATIONAL["cn"].tones.items()}
CLEARING = frozenset({"busy", "congestion", "vacant"})  # each of these ends a call: the worst error
ANY = frozenset({"dial", "ringback", "busy", "congestion", "vacant", "sit"})
LOW_HZ, HIGH_HZ = (697, 770, 852, 941), (1209, 1336, 1477, 1633)  # ITU-T Q.23


def _count(found: Sequence[Sequence[Any]], names: frozenset[str]) -> float:
    heard = (getattr(t, "name", None) or t.what for line_ in found for t in line_)
    return float(sum(name in names for name in heard))


def false_tones(sounds: Sequence[Linear], names: frozenset[str]) -> tuple[float, float]:
    """How many tones of these names ours and the rival's most careful table find, with China's
    plan; all tables know every one of these tones."""
    tables = progress_rival.tables({name: CN[name] for name in sorted(ANY)}, without=())
    ours = hear(face("progress", "find_tones"), sounds, plan="cn")
    rivals = progress_rival.heard(sounds, tables)
    return _count(ours, names), min(_count(found, names) for found in rivals)


def keyed_digits(quick: bool) -> list[Linear]:
    """Every key at the tempo of busy and of congestion tone, levels -6 and -20 dBm0."""
    rng, sounds = np.random.default_rng(1811), []
    for ms in (350, 700):
        for low in LOW_HZ:
            for high in HIGH_HZ:
                for dbm0 in (-6.0,) if quick else (-6.0, -20.0):
                    one = np.concatenate([tones((low, high), ms, dbm0, rng), silence(ms)])
                    sounds.append(line(rng, np.tile(one, 8)))
    return sounds


def _mixed(parts: Sequence[Samples]) -> Samples:
    out = np.zeros(max(map(len, parts)))
    for part in parts:
        out[: len(part)] += part
    return out


def two_ringing(quick: bool) -> list[Linear]:
    """Two parties of a three-way call ring, each by its own exchange, one later than the other."""
    rng, sounds = np.random.default_rng(1812), []
    for _ in range(8 if quick else 32):
        one = tone_sound(CN["ringback"], 20000, rng.uniform(-25, -12), rng)
        other = tone_sound(CN["ringback"], 20000, rng.uniform(-25, -12), rng,
                           lead_ms=rng.uniform(50, 4900), offset_hz=rng.uniform(-20, 20))
        sounds.append(line(rng, _mixed([one, other])))
    return sounds


def party_answers(quick: bool) -> list[Linear]:
    """A third party is called: ringing under the talk of the other two, then three people speak;
    and somebody's second dial tone under talk."""
    rng, sounds = np.random.default_rng(1816), []
    people = [r for r in real_speech.recordings(True) if len(r) > RATE]
    for index in range(6 if quick else 24):
        talk = np.concatenate([people[int(i)] for i in rng.integers(0, len(people), 12)])
        other = np.concatenate([people[int(i)] for i in rng.integers(0, len(people), 12)])
        name = "dial" if index % 3 == 2 else "ringback"
        tone = tone_sound(CN[name], 9500 if name == "ringback" else 2500,
                          rng.uniform(-26, -16), rng, lead_ms=rng.uniform(1000, 3000))
        late = np.concatenate([silence(14000), at_level(other, -20)])
        sounds.append(line(rng, _mixed([at_level(talk, -22), tone, late])))
    return sounds


def conference_beeps(quick: bool) -> list[Linear]:
    """Beeps of people who come and go, and China's reminder: 1400 Hz, 0.4 s every 10 s."""
    rng, sounds = np.random.default_rng(1813), []
    for _ in range(4 if quick else 16):
        out = silence(40000)
        for start in range(0, 40000, 10000):
            out[count_of(start) : count_of(start + 400)] += sine(1400, 400, -20)
        for _ in range(10):
            hz = rng.choice([425, 440, 450, 500, 620, 800, 1000])
            beep = sine(hz, rng.choice([100, 150, 200, 300]), -18)
            at = int(rng.integers(0, len(out) - len(beep)))
            out[at : at + len(beep)] += beep
        sounds.append(line(rng, out))
    return sounds


def modem_noises(quick: bool) -> list[Linear]:
    """Calling tones, answer tones and calling menus of fax machines and modems."""
    rng = np.random.default_rng(1814)
    sounds = [line(rng, oracle.modem_tone_sent(kind, 9000).astype(np.float64))
              for kind in ("cng", "ced", "ans_pr", "ansam", "ansam_pr", "ct")]
    bits = rng.integers(0, 2, 2700)  # ITU-T V.21 channel 2, 300 bit/s, as T.30 sends it
    hz = np.repeat(np.where(bits, 1650.0, 1850.0), 27)[: count_of(9000)]
    sounds.append(line(rng, sine(hz, 1000 * len(hz) / 8000, -12)))
    return sounds


def _note(hz: float, ms: float, rng: np.random.Generator) -> Samples:
    """A plucked or blown note: eight harmonics, an attack and a decay.  In a chord of two no
    frequency has more than 40 % of the power, so no note is a pure tone."""
    n, fall = count_of(ms), rng.uniform(0.3, 1.0)
    t = np.arange(n) / 8000
    out = np.zeros(n)
    for k in range(1, 9):
        if k * hz < 3600:
            out += np.sin(2 * np.pi * k * hz * t + rng.uniform(0, 6)) / k**fall
    return np.asarray(out * np.minimum(1, t / 0.01) * np.exp(-t * rng.uniform(0.5, 5)))


def melodies(quick: bool) -> list[Linear]:
    """Made music: melodies over chords, some staccato at the tempo of busy tone, around A4."""
    rng, sounds = np.random.default_rng(1815), []
    for _ in range(16 if quick else 64):
        beat = float(rng.choice([350, 250, 500, 700, 300]))
        steps = rng.choice([-5, -3, 0, 0, 0, 2, 4, 7], 40)
        parts = []
        for step in steps:
            hz = 440 * 2 ** (step / 12)
            chord = _note(hz, beat, rng) + 0.8 * _note(hz * 1.26, beat, rng)
            parts += [chord, silence(beat if beat in (350, 700) else 0)]
        sounds.append(line(rng, at_level(np.concatenate(parts), -18)))
    return sounds


def adversary_rows(quick: bool) -> Iterator[Row]:
    """Sounds that are no call-progress tone."""
    cases: tuple[tuple[str, Callable[[bool], list[Linear]], frozenset[str]], ...] = (
        ("DTMF digits at the tempo of busy and congestion", keyed_digits, ANY),
        ("two ringback tones at once (three-way call)", two_ringing, CLEARING),
        ("a third party rings, answers, three speak; dial tone under talk", party_answers,
         CLEARING),
        ("conference beeps and 1400 Hz reminder", conference_beeps, ANY),
        ("fax and modem tones, V.21", modem_noises, ANY),
        ("made music, some of it at busy tempo", melodies, CLEARING),
    )
    for name, make, names in cases:
        try:
            sounds = make(quick)
        except (OSError, oracle.OracleMissingError) as error:  # no recorded speech, no sender
            yield table.unknown(GROUP, f"false tones: {name}", str(error))
            continue
        ours, rival = false_tones(sounds, names)
        minutes = sum(map(len, sounds)) / 8000 / 60
        share = 0.2 if make is party_answers else 1.0
        yield Row(GROUP, f"false tones: {name}", "tones", ours, rival, 0.0, "low", ahead=True,
                  synthetic=share, source="asked", note=f"{len(sounds)} sounds, {minutes:.0f} min; "
                  f"any of {', '.join(sorted(names))}")


def speech_rows(quick: bool) -> Iterator[Row]:
    """Human speech: all recordings at hand, and the same keyed at the tempo of busy tone."""
    from tests.judge.progress_speech import rows

    yield from rows(quick, false_tones)
