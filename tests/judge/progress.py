"""Room: the judge of call-progress tones, against E.180/Q.35, GB/T 3380 and libspandsp's
super_tone_rx.  Must not use the product's plans but for the names of the tones that they hold.

"Found once": the detector names this tone, one time, and nothing else.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tests.judge import oracle
from tests.judge.guard import guarded
from tests.judge.national_tones import NATIONAL, Shape, descriptor, shape, tone_sound
from tests.judge.progress_adversaries import adversary_rows, speech_rows
from tests.judge.progress_learned import learned_rows
from tests.judge.row import Row
from tests.judge.signals2 import Linear, alaw, face, hear, line, median, noisy, share, theirs

GROUP = "call progress"
CN = {name: shape(text) for name, text in NATIONAL["cn"].tones.items()}
RIVALS = ("dial", "ringback", "busy", "congestion", "vacant", "sit")  # what its table holds
CADENCED = ("ringback", "busy", "congestion")
GB = "GB/T 3380-1982"
Q35 = "ITU-T E.180/Q.35"
LEAD_MS = 620.0  # chosen: no whole number of frames or of a detector's steps


def length_ms(of: Shape) -> float:
    """Five rounds of a quick cadence, three of a slow one; a continuous tone lasts 5 s, one that
    gets louder 12 s."""
    if not of.on_off_ms:
        return 12000.0 if of.rising else 5000.0
    round_ms = sum(on + off for on, off in of.on_off_ms)
    return max(4500.0, (5 if round_ms < 2000 else 3) * round_ms)


def names_of(found: Sequence[Any]) -> list[str]:
    return [getattr(thing, "name", None) or thing.what for thing in found]


def once(found: Sequence[Any], name: str) -> bool:
    """This tone, one time, and nothing else; the special information tone may be told each time
    that it is sent."""
    names = names_of(found)
    return bool(names) and set(names) == {name} and (len(names) == 1 or name == "sit")


def _rival(names: Sequence[str] = tuple(CN)) -> dict[str, list[tuple[int, int, int, int]]]:
    return {name: descriptor(CN[name]) for name in names if name in RIVALS}


Found = list[list[Any]]


def heard(sounds: Sequence[Linear]) -> tuple[Found, Found]:
    """What ours and the rival find with China's plan."""
    ours = hear(face("progress", "find_tones"), sounds, plan="cn")
    return ours, theirs(oracle.tones_heard, sounds, _rival())


def both(sounds: Sequence[Linear], wanted: Sequence[str]) -> tuple[float, float]:
    """Percent found once: ours, theirs (China's plan)."""
    ours, rival = (share(once(f, w) for f, w in zip(found, wanted, strict=True))
                   for found in heard(sounds))
    return ours, rival


def country_rows(quick: bool) -> Iterator[Row]:
    """The tones of every country, at -15 dBm0."""
    from cti_board.tones import PLANS

    find, rng = face("progress", "find_tones"), np.random.default_rng(1801)
    trials = 1 if quick else 3
    for country, nation in NATIONAL.items():
        if country not in PLANS:
            continue
        held = {tone.name for tone in PLANS[country].tones}
        for snr in (None, 10.0):
            names = [n for n in nation.tones if n in held and (snr is None or n in CADENCED)]
            sounds, wanted = [], []
            for name in names * trials:
                of = shape(nation.tones[name])
                made = tone_sound(of, length_ms(of), -15.0, rng, lead_ms=LEAD_MS)
                sounds.append(line(rng, made) if snr is None else alaw(noisy(rng, made, -25.0)))
                wanted.append(name)
            found = hear(find, sounds, plan=country)
            good = [once(f, w) for f, w in zip(found, wanted, strict=True)]
            bad = sorted({f"{w} as {names_of(f) or 'nothing'}" for f, w, g in
                          zip(found, wanted, good, strict=True) if not g})
            yield Row(
                GROUP, f"{country}: {', '.join(names)} found once"
                + ("" if snr is None else f", SNR {snr:.0f} dB"),
                "%", share(good), limit=100.0, source=nation.source, note="; ".join(bad),
            )
    missing = sorted(set(PLANS) - set(NATIONAL))
    yield Row(GROUP, "countries with a plan", "", float(len(PLANS)), limit=11.0,
              source="asked: China and ten others",
              note=f"not judged: {', '.join(missing)}" if missing else "")


def noise_rows(quick: bool) -> Iterator[Row]:
    """China's tones in noise, each found once."""
    rng, trials = np.random.default_rng(1802), 6 if quick else 24
    for name in ("dial", *CADENCED, "vacant"):
        of = CN[name]
        for snr in (30.0, 20.0, 10.0, 6.0, 3.0, 0.0):
            sounds = []
            for _ in range(trials):
                made = tone_sound(of, length_ms(of), -15.0, rng, lead_ms=rng.uniform(500, 700))
                sounds.append(alaw(noisy(rng, made, -15.0 - snr)))
            found = heard(sounds)
            least = [share(name in names_of(f) for f in side) for side in found]
            yield Row(
                GROUP, f"cn {name}, SNR {snr:.0f} dB (white 0-4 kHz)", "%",
                *(share(once(f, name) for f in side) for side in found),
                limit=99.0 if snr >= 10 else None, ahead=True,
                source="asked" if snr >= 10 else "shown",
                note=f"found once; found at all: {least[0]:.0f}, {least[1]:.0f} %",
            )


def frequency_rows(quick: bool) -> Iterator[Row]:
    """China's tones with another frequency."""
    rng = np.random.default_rng(1803)
    sounds, wanted = [], []
    for offset in (-25, 25) if quick else range(-25, 26, 5):
        for name in ("dial", *CADENCED, "vacant"):
            of = CN[name]
            made = tone_sound(of, length_ms(of), -15.0, rng, offset_hz=offset, lead_ms=LEAD_MS)
            sounds.append(line(rng, made))
            wanted.append(name)
    ours, rival = both(sounds, wanted)
    yield Row(GROUP, "cn tones at 450 +-25 Hz", "%", ours, rival, 100.0, ahead=True, source=GB)
    sounds = []
    for offset in (-100, 100, 150):
        for name in CADENCED:
            of = CN[name]
            made = tone_sound(of, length_ms(of), -15.0, rng, offset_hz=offset, lead_ms=LEAD_MS)
            sounds.append(line(rng, made))
    heard = hear(face("progress", "find_tones"), sounds, plan="cn")
    rivals = theirs(oracle.tones_heard, sounds, _rival())
    yield Row(GROUP, "cn cadences at 350, 550 and 600 Hz: found all the same", "%",
              share(map(bool, heard)), share(map(bool, rivals)), 0.0, "low", source="chosen")


def cadence_rows(quick: bool) -> Iterator[Row]:
    """China's tones with another cadence."""
    rng = np.random.default_rng(1804)
    paces = (0.9, 1.1) if quick else (0.9, 0.93, 0.97, 1.03, 1.07, 1.1)
    sounds, wanted = [], []
    for pace in paces:
        for name in (*CADENCED, "vacant"):
            of = CN[name]
            made = tone_sound(of, length_ms(of), -15.0, rng, pace=pace, lead_ms=LEAD_MS)
            sounds.append(line(rng, made))
            wanted.append(name)
    ours, rival = both(sounds, wanted)
    yield Row(GROUP, "cn cadences +-10 %", "%", ours, rival, 100.0, ahead=True, source=GB)
    sounds = []
    for pace in (0.7, 1.35):
        made = tone_sound(CN["busy"], 6000, -15.0, rng, pace=pace, lead_ms=LEAD_MS)
        sounds.append(line(rng, made))
    heard = hear(face("progress", "find_tones"), sounds, plan="cn")
    rivals = theirs(oracle.tones_heard, sounds, _rival())
    yield Row(GROUP, "cn: 245/245 and 473/473 ms taken for busy or congestion", "%",
              share(bool({"busy", "congestion"} & set(names_of(f))) for f in heard),
              share(bool({"busy", "congestion"} & set(names_of(f))) for f in rivals),
              0.0, "low", source="chosen: nobody's tone in China")


def level_rows(quick: bool) -> Iterator[Row]:
    """How faint China's tones may be."""
    rng = np.random.default_rng(1805)
    names = ("dial", *CADENCED)  # the rival finds no vacant-number tone at any level
    reached = {"ours": 0.0, "rival": 0.0}
    alive = {"ours": True, "rival": True}
    for dbm0 in (0.0, -20.0, -40.0, -43.0) if quick else range(0, -49, -4 if quick else -2):
        sounds = [
            line(rng, tone_sound(CN[n], length_ms(CN[n]), float(dbm0), rng, lead_ms=LEAD_MS))
            for n in names
        ]
        ours, rival = both(sounds, names)
        for who, value in (("ours", ours), ("rival", rival)):
            alive[who] = alive[who] and value == 100.0
            if alive[who]:
                reached[who] = float(dbm0)
    yield Row(GROUP, "cn: faintest level at which dial, ringback, busy, congestion are found",
              "dBm0", reached["ours"], reached["rival"], -40.0, "low", ahead=True,
              source="asked; Q.35: -10 +-5 dBm0 sent",
              note="from 0 dBm0 down, noise floor -68 dBm0")


def time_rows(quick: bool) -> Iterator[Row]:
    """Where a tone is said to begin, and when that was said."""
    rng, find = np.random.default_rng(1806), face("progress", "find_tones")
    for name in CADENCED:
        errors = []
        sounds, leads = [], []
        for _ in range(6 if quick else 24):
            lead = rng.uniform(300, 900)
            made = tone_sound(CN[name], length_ms(CN[name]), -15.0, rng, lead_ms=lead)
            sounds.append(alaw(noisy(rng, made, -35.0)))
            leads.append(round(lead * 8))
        for found, lead in zip(hear(find, sounds, plan="cn"), leads, strict=True):
            errors += [abs(t.begin - lead) / 8 for t in found[:1]]
        yield Row(GROUP, f"cn {name}: error of its begin, median", "ms", median(errors),
                  limit=20.0, better="low", source="chosen: two steps of 10 ms",
                  note="SNR 20 dB; the rival tells no begin")


def rows(quick: bool) -> Iterator[Row]:
    """All rows of call progress."""
    yield from guarded(GROUP, (
        country_rows, noise_rows, frequency_rows, cadence_rows, level_rows, time_rows,
        adversary_rows, speech_rows, learned_rows,
    ), quick)
