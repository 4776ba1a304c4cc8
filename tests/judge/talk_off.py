"""Room: judges talk-off: digits that a receiver hears in speech where nobody sent one.  Must not be
used for tuning, nor share its recordings with it.

`python -m tests.judge.talk_off --verbose` lists each false digit: set, variant, who heard it, the
recording, the second in it, the digit.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.judge import corpus, dtmf_scene, oracle, table
from tests.judge.corpus import Batch
from tests.judge.dtmf import rival_params
from tests.judge.dtmf_limits_table import COLUMNS
from tests.judge.dtmf_scene import NoDetectorError
from tests.judge.row import Row
from tests.judge.signals import MissingError

GROUP = "talk-off"
QUICK_SETS = ("es co", "fr armelle")
NOISE_SEED = 88


class False_(NamedTuple):
    """One digit that nobody sent."""

    batch: str
    variant: str
    who: str
    recording: str
    second: float
    key: str


Variant = tuple[str, Callable[[Batch], Batch], str]  # name, what is done, law

PLAIN: tuple[Variant, ...] = (
    ("-15 dBm0", lambda b: b, "alaw"),
    ("-21 dBm0", lambda b: b.at_level(-21), "alaw"),
    ("-27 dBm0", lambda b: b.at_level(-27), "alaw"),
    ("mu-law", lambda b: b, "ulaw"),
)
CHANGED: tuple[Variant, ...] = (
    ("speed 0.8", lambda b: b.at_speed(0.8), "alaw"),
    ("speed 0.9", lambda b: b.at_speed(0.9), "alaw"),
    ("speed 1.1", lambda b: b.at_speed(1.1), "alaw"),
    ("speed 1.25", lambda b: b.at_speed(1.25), "alaw"),
    ("tilt +3 dB/octave", lambda b: b.tilted(3), "alaw"),
    ("tilt -3 dB/octave", lambda b: b.tilted(-3), "alaw"),
    ("noise 25 dB under", lambda b: b.in_noise(-40, NOISE_SEED), "alaw"),
    ("over 450 Hz of -20 dBm0", lambda b: b.over_tone(450.0, -20), "alaw"),
    # harder than any line: without them nothing would tell two good receivers apart
    ("speed 0.7", lambda b: b.at_speed(0.7), "alaw"),
    ("speed 1.4", lambda b: b.at_speed(1.4), "alaw"),
    ("500-2000 Hz alone", lambda b: b.band(500, 2000), "alaw"),
    ("600-1700 Hz alone", lambda b: b.band(600, 1700), "alaw"),
    ("600-1700 Hz alone, speed 1.25", lambda b: b.band(600, 1700).at_speed(1.25), "alaw"),
)
EASY = 2  # of CHANGED, in a quick run
HARD_MADE = CHANGED[-2]
COUNTRY = -3  # of CHANGED: 500-2000 Hz alone, since on the plain sets all hear nothing
COUNTRY_SETS = ("en", "es", "fr armelle")


def false_digits(
    batch: Batch, variant: Variant, limits: str = "itu",
    params: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[float, list[False_]]:
    """Hours heard and all digits that ours and the rival hear in one variant of one set; `limits`
    of ours and `params` of the rival are those of a country."""
    name, change, law = variant
    changed = change(batch)
    pcm = changed.heard("ulaw" if law == "ulaw" else "alaw")
    found = []
    sides = (("ours", dtmf_scene.ours(limits)),
             ("libspandsp", dtmf_scene.theirs(chunk=160, **params)))
    for who, receiver in sides:
        for digit in receiver(pcm):
            recording, second = changed.where(digit.line, digit.begin)
            found.append(False_(batch.name, name, who, recording, second, digit.key))
    return changed.hours, found


def count(found: list[False_], who: str) -> int:
    return sum(f.who == who for f in found)


def row(name: str, heard_hours: float, found: list[False_], made: bool, note: str = "") -> Row:
    """False digits side by side; ours never more."""
    return Row(GROUP, name, "false", count(found, "ours"), count(found, "libspandsp"),
               better="low", ahead=True, synthetic=float(made),
               note=f"{heard_hours:.2f} h" + (f"; {note}" if note else ""))


def batches(quick: bool) -> Iterator[Batch]:
    for name in QUICK_SETS if quick else corpus.PACKAGES:
        yield corpus.speech(name)


def speech_rows(quick: bool) -> Iterator[Row]:
    """Recorded people: a row for each set as it is, then one for each change over all sets."""
    unique, everything = 0.0, 0.0
    plain: list[False_] = []  # the first level alone: the recordings once
    all_found: list[False_] = []
    changed: dict[str, tuple[float, list[False_]]] = {}
    for batch in batches(quick):
        unique += batch.hours
        for variant in PLAIN:
            spent, found = false_digits(batch, variant)
            yield row(f"{batch.name}, {variant[0]}", spent, found, made=False)
            plain += found if variant is PLAIN[0] else []
            all_found += found
            everything += spent
        for variant in CHANGED[:EASY] if quick else CHANGED:
            spent, found = false_digits(batch, variant)
            before = changed.get(variant[0], (0.0, []))
            changed[variant[0]] = (before[0] + spent, before[1] + found)
            all_found += found
            everything += spent
    for name, (spent, found) in changed.items():
        yield row(f"all sets, {name}", spent, found, made=False)
    yield row("all different recordings, -15 dBm0", unique, plain, made=False,
              note="each recording once")
    yield row("all recordings and variants", everything, all_found, made=False,
              note=f"of {unique:.2f} h different")
    for asked, per, source in ((6, 46, "Q.24 NTT"), (5, 50, "Q.24 Brazil")):
        yield Row(GROUP, f"false digits in {per} h at -15 dBm0", "false",
                  count(plain, "ours") * per / unique, count(plain, "libspandsp") * per / unique,
                  asked, "low", synthetic=0.0, source=source, note=f"from {unique:.2f} h")


def country_rows(quick: bool) -> Iterator[Row]:
    """The country's own limits, both sides set to them: a wide twist lets more speech through."""
    if quick:
        return
    variant, sets = CHANGED[COUNTRY], [corpus.speech(name) for name in COUNTRY_SETS]
    for column in COLUMNS:
        if column.variant == "itu":
            continue
        spent, found = 0.0, list[False_]()
        for batch in sets:
            hours, more = false_digits(batch, variant, column.variant, rival_params(column))
            spent, found = spent + hours, found + more
        yield row(f"limits of {column.title}, {variant[0]}", spent, found, made=False,
                  note="both set to them")


def made_rows(quick: bool) -> Iterator[Row]:
    """Made voices: harder than people, since their vowels stand still."""
    batch = corpus.made_speech()
    for variant in (PLAIN[0],) if quick else (PLAIN[0], PLAIN[2], *CHANGED[1:3], HARD_MADE):
        spent, found = false_digits(batch, variant)
        yield row(f"espeak-ng, {len(corpus.MADE)} voices, {variant[0]}", spent, found, made=True)


def rows(quick: bool) -> Iterator[Row]:
    """Every row of talk-off."""
    try:
        dtmf_scene.ours()
    except NoDetectorError as error:
        yield table.absent(GROUP, "all rows", str(error))
        return
    for part, what in ((speech_rows, "recorded speech"), (country_rows, "countries"),
                       (made_rows, "made speech")):
        try:
            yield from part(quick)
        except MissingError as error:
            yield table.unknown(GROUP, what, str(error))


# ---- the list of them ----


def listed(quick: bool) -> Iterator[False_]:
    for batch in (*batches(quick), corpus.made_speech()):
        for variant in (*PLAIN, *CHANGED):
            yield from false_digits(batch, variant)[1]


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.judge.talk_off", description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="each false digit, not only sums")
    parser.add_argument("--quick", action="store_true", help="two sets only")
    asked = parser.parse_args(words)
    if why := oracle.missing():
        print(f"{table.UNKNOWN}: {why}", file=sys.stderr)
        return table.CANNOT_TELL
    if not asked.verbose:
        found = list(rows(asked.quick))
        print(table.text(found))
        return table.exit_code(found)
    for one in listed(asked.quick):
        print(f"{one.batch}\t{one.variant}\t{one.who}\t{one.recording}\t{one.second:.2f}\t{one.key}")
    return table.PASS


if __name__ == "__main__":
    sys.exit(main())
