"""Room: the judge of call-progress tones, against E.180/Q.35, GB/T 3380 and libspandsp's
super_tone_rx.  Must not use the product's plans but for the names of the tones that they hold.

"Found once": the detector names this tone, one time, and nothing else.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tests.judge import progress_rival
from tests.judge.guard import guarded
from tests.judge.national_tones import NATIONAL, Shape, shape, tone_sound
from tests.judge.progress_adversaries import adversary_rows, speech_rows
from tests.judge.progress_learned import learned_rows
from tests.judge.progress_rival import Found
from tests.judge.row import Row
from tests.judge.signals2 import Linear, alaw, face, hear, line, median, noisy, share

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


def heard(sounds: Sequence[Linear]) -> tuple[Found, list[Found]]:
    """What ours finds with China's plan, and what the rival finds by each of its tables."""
    ours = hear(face("progress", "find_tones"), sounds, plan="cn")
    known = {name: of for name, of in CN.items() if name in RIVALS}
    return ours, progress_rival.heard(sounds, progress_rival.tables(known))


def shares(found: Found, wanted: Sequence[str]) -> float:
    """Percent found once."""
    return share(once(f, w) for f, w in zip(found, wanted, strict=True))


def both(sounds: Sequence[Linear], wanted: Sequence[str]) -> tuple[float, float]:
    """Percent found once: ours, and the rival's best table (China's plan)."""
    ours, rivals = heard(sounds)
    return shares(ours, wanted), max(shares(found, wanted) for found in rivals)


def false_share(sounds: Sequence[Linear], names: frozenset[str]) -> tuple[float, float]:
    """Percent of sounds taken for any of these: ours, and the rival's most careful table."""
    ours, rivals = heard(sounds)
    taken = [share(bool(names & set(names_of(f))) for f in found) for found in (ours, *rivals)]
    return taken[0], min(taken[1:])


def country_row(country: str, snr: float | None, trials: int, rng: np.random.Generator) -> Row:
    """The tones of one country that its plan holds too; in noise the cadences alone."""
    from cti_board.tones import PLANS

    nation, held = NATIONAL[country], {tone.name for tone in PLANS[country].tones}
    judged = [(name, text) for name, text in nation.readings()
              if name in held and (snr is None or name in CADENCED)]
    sounds, wanted = [], []
    for name, text in judged * trials:
        of = shape(text)
        made = tone_sound(of, length_ms(of), -15.0, rng, lead_ms=LEAD_MS)
        sounds.append(line(rng, made) if snr is None else alaw(noisy(rng, made, -15.0 - snr)))
        wanted.append(name)
    found = hear(face("progress", "find_tones"), sounds, plan=country)
    bad = sorted({f"{w} as {names_of(f) or 'nothing'}" for f, w in
                  zip(found, wanted, strict=True) if not once(f, w)})
    tables = progress_rival.tables({name: shape(text) for name, text in nation.tones.items()})
    if nation.also:
        tables += progress_rival.tables({**{n: shape(t) for n, t in nation.tones.items()},
                                         **{f"{n} 2": shape(t) for n, t in nation.also.items()}})
    rivals = [[[s._replace(what=s.what.removesuffix(" 2")) for s in spans] for spans in one]
              for one in progress_rival.heard(sounds, tables)]
    names = ", ".join(dict.fromkeys(name for name, _ in judged))
    where = "" if snr is None else f", SNR {snr:.0f} dB"
    return Row(GROUP, f"{country}: {names} found once{where}",
               "%", shares(found, wanted), max(shares(one, wanted) for one in rivals), 100.0,
               ahead=True, source=nation.source, note="; ".join(bad))


def country_rows(quick: bool) -> Iterator[Row]:
    """The tones of every country, at -15 dBm0."""
    from cti_board.tones import PLANS

    rng, trials = np.random.default_rng(1801), 1 if quick else 3
    for country in NATIONAL:
        if country in PLANS:
            for snr in (None, 10.0):
                yield country_row(country, snr, trials, rng)
    missing = [f"{country} {tone.name}" for country, plan in PLANS.items() for tone in plan.tones
               if country not in NATIONAL or tone.name not in NATIONAL[country].tones]
    yield Row(GROUP, "countries with a plan", "", float(len(PLANS)), limit=11.0,
              source="asked: China and ten others",
              note=f"not judged, no reading of our own: {', '.join(missing)}" if missing else "")


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
            ours, rivals = heard(sounds)
            least = [share(name in names_of(f) for f in side) for side in (ours, *rivals)]
            wanted = [name] * trials
            yield Row(
                GROUP, f"cn {name}, SNR {snr:.0f} dB (white 0-4 kHz)", "%",
                shares(ours, wanted), max(shares(found, wanted) for found in rivals),
                limit=99.0 if snr >= 10 else None, ahead=True,
                source="asked" if snr >= 10 else "shown",
                note=f"found once; found at all: {least[0]:.0f}, {max(least[1:]):.0f} %",
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
    yield Row(GROUP, "cn cadences at 350, 550 and 600 Hz: found all the same", "%",
              *false_share(sounds, frozenset(CN)), limit=0.0, better="low", source="chosen")


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
    yield Row(GROUP, "cn: 245/245 and 473/473 ms taken for busy or congestion", "%",
              *false_share(sounds, frozenset({"busy", "congestion"})), limit=0.0, better="low",
              source="chosen: nobody's tone in China")


def level_rows(quick: bool) -> Iterator[Row]:
    """How faint China's tones may be."""
    rng = np.random.default_rng(1805)
    names = ("dial", *CADENCED)
    reached: dict[int, float] = {}  # by side: ours is 0, the rival's tables follow
    lost: set[int] = set()
    for dbm0 in (0.0, -20.0, -40.0, -43.0) if quick else range(0, -49, -4 if quick else -2):
        sounds = [
            line(rng, tone_sound(CN[n], length_ms(CN[n]), float(dbm0), rng, lead_ms=LEAD_MS))
            for n in names
        ]
        ours, rivals = heard(sounds)
        for who, found in enumerate((ours, *rivals)):
            if shares(found, names) < 100.0:
                lost.add(who)
            elif who not in lost:
                reached[who] = float(dbm0)
    yield Row(GROUP, "cn: faintest level at which dial, ringback, busy, congestion are found",
              "dBm0", reached.pop(0, None), min(reached.values(), default=None), -40.0, "low",
              ahead=True,
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
