"""Room: judges DTMF receivers, ours beside libspandsp, against every administration's limits and
in noise, dial tone, echo and haste.  Must not use the product's generators, and nothing here is
for tuning.

A figure is the last value at which 99 % of the sixteen keys are found (or at most 1 % heard),
random phases, through A-law, on a quiet line of -65 dBm0 unless it says otherwise.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

from tests.judge import dtmf_echo, dtmf_line, dtmf_scene, oracle, table
from tests.judge.dtmf_limits_table import BETTER, COLUMNS, DEFAULT, UNIT, Column
from tests.judge.dtmf_measure import QUANTITIES, Quantity, measure, rate
from tests.judge.dtmf_scene import NoDetectorError, Receiver, Trial
from tests.judge.guard import Part, guarded
from tests.judge.picture import Curve
from tests.judge.row import Row

GROUP = "dtmf"
TRIALS, QUICK_TRIALS = 24, 8  # of each key; multiples of the sign groups
PARAMS = frozenset({"level lowest", "level gone", "twist high", "twist low"})  # the rival has them


def trials_of(quick: bool) -> int:
    return QUICK_TRIALS if quick else TRIALS


# ---- the administrations' columns ----


def rival_params(column: Column) -> dict[str, Any]:
    """The rival's parameters set as well as they go for a column: a decibel of twist in hand, its
    threshold between accepted and gone.  It takes whole decibels."""
    limits, params = column.limits, {}
    for name, parameter in (("twist high", "twist_high_db"), ("twist low", "twist_low_db")):
        if name in limits:
            params[parameter] = math.ceil(limits[name]) + 1
    if "level lowest" in limits and "level gone" in limits:
        low, gone = limits["level lowest"], limits["level gone"]
        params["threshold_dbm0"] = round(max((low + gone) / 2, low - 4))
    return params


@lru_cache(maxsize=512)
def _theirs(name: str, trials: int, extra_hz: float, params: tuple[tuple[str, Any], ...]
            ) -> float | None:
    return measure(QUANTITIES[name], dtmf_scene.theirs(**dict(params)), trials, extra_hz)


@lru_cache(maxsize=512)
def _ours(name: str, trials: int, extra_hz: float, variant: str) -> float | None:
    return measure(QUANTITIES[name], dtmf_scene.ours(variant), trials, extra_hz)


def better_of(name: str, *values: float | None) -> float | None:
    """The better figure of several; None counts for nothing."""
    known = [v for v in values if v is not None]
    if not known:
        return None
    return max(known) if BETTER[name] == "high" else min(known)


def column_row(column: Column, name: str, trials: int, variant: str) -> Row:
    """One limit of one column, by a variant of ours and by the rival at its best for it."""
    hz = column.extra_hz if name == "frequency accepted" else 0.0
    theirs = _theirs(name, trials, hz, ())
    if name in PARAMS:
        tuned = _theirs(name, trials, hz, tuple(rival_params(column).items()))
        theirs = better_of(name, theirs, tuned)
    label = name + (f" (+ {hz:.0f} Hz)" if hz else "")
    return Row(
        GROUP, f"{column.title}: {label}", UNIT[name], _ours(name, trials, hz, variant), theirs,
        None if name in column.shown else column.limits[name], BETTER[name],
        note=f"ours as {variant!r}",
    )


def column_rows(trials: int, quick: bool) -> Iterator[Row]:
    """All columns by the country's variant; then how many of all limits the default reaches."""
    plain, total, rival = 0, 0, 0
    if not quick:
        _measure_columns(trials)
    for column in COLUMNS:
        for name, limit in column.limits.items():
            if not quick:
                yield column_row(column, name, trials, column.variant)
            hz = column.extra_hz if name == "frequency accepted" else 0.0
            asked = Row("", name, "", _ours(name, trials, hz, "itu"), _theirs(name, trials, hz, ()),
                        limit, BETTER[name])
            total += 1
            plain += asked.reaches(asked.ours, limit)
            rival += asked.reaches(asked.theirs, limit)
    yield Row(GROUP, f"limits of all columns reached by the default, of {total}", "limits", plain,
              rival, better="high", ahead=True, note="no variant, no parameter set")


def _measure_columns(trials: int) -> None:
    """Quantity by quantity, so that scenes are made once for all columns; the figures are kept."""
    for name in QUANTITIES:
        for column in COLUMNS:
            if name in column.limits:
                column_row(column, name, trials, column.variant)


def default_rows(trials: int) -> Iterator[Row]:
    """What is asked of the default receiver."""
    for name, (limit, source) in DEFAULT.items():
        yield Row(GROUP, name, UNIT[name], _ours(name, trials, 0.0, "itu"),
                  _theirs(name, trials, 0.0, ()), limit, BETTER[name], source=source)


# ---- noise, dial tone, third tones ----


def pushed(
    label: str, unit: str, quantity: Quantity, trials: int, limit: float | None,
    better: Literal["high", "low"], *, source: str = "", note: str = "", filters: bool = False,
    ahead: bool = True,
) -> Row:
    """One quantity outside the columns; `filters`: the rival also with its dial-tone filter.
    `ahead`: ours may not be behind."""
    own = measure(quantity, dtmf_scene.ours(), trials)
    rivals = [measure(quantity, dtmf_scene.theirs(), trials)]
    if filters:
        rivals.append(measure(quantity, dtmf_scene.theirs(dial_tone_filter=True), trials))
    known = [v for v in rivals if v is not None]
    best = (max(known) if better == "high" else min(known)) if known else None
    return Row(GROUP, label, unit, own, best, limit, better, ahead=ahead, source=source, note=note)


def noise_trial(snr_db: float, when: Literal["always", "with"] = "always", on_ms: float = 50.0,
                twist_db: float = 0.0) -> Trial:
    """SNR: the power of both tones over that of the noise, 0 to 4 kHz."""
    level = -10.0
    both = level + 10 * math.log10(1 + 10 ** (-abs(twist_db) / 10))
    return Trial(((on_ms, 0.0),), level, twist_db, noise_dbm0=both - snr_db, noise_when=when)


def noise_rows(trials: int) -> Iterator[Row]:
    """Keys in noise and with a third tone."""
    yield pushed("lowest SNR, 50 ms, noise there before", "dB",
                 Quantity(lambda v: noise_trial(v), 24, -6, 0.5), trials, 5, "low",
                 source="chosen: the rival needs 7 to 9",
                 note="both tones over 0-4 kHz; one tone over noise is 3 dB less")
    yield pushed("lowest SNR, 50 ms, noise begins with the key", "dB",
                 Quantity(lambda v: noise_trial(v, "with"), 30, -6, 0.5), trials, None, "low",
                 note="both tones over 0-4 kHz")
    yield pushed("lowest SNR, 100 ms, noise there before", "dB",
                 Quantity(lambda v: noise_trial(v, on_ms=100.0), 24, -8, 0.5), trials, None, "low")
    yield pushed("lowest SNR, 50 ms, twist -6 dB", "dB",
                 Quantity(lambda v: noise_trial(v, twist_db=-6.0), 24, -6, 0.5), trials, None,
                 "low", note="the weaker tone is 7 dB under both")
    # noise against the weaker tone in a 3 kHz band: the chip's data sheet asks -12 dB
    chip = Quantity(lambda v: Trial(noise_dbm0=-10.0 + v, noise_band_hz=(300.0, 3300.0)),
                    -24, 6, 0.5)
    yield pushed("highest noise over the weaker tone, 300-3300 Hz", "dB", chip, trials, -12, "high",
                 source="MT8870D data sheet")
    third = Quantity(lambda v: Trial(third=True, third_dbm0=-10.0 + v), -30, 0, 0.5)
    yield pushed("highest third tone over each tone", "dB", third, trials, -16, "high",
                 source="MT8870D data sheet")


def dial_rows(trials: int) -> Iterator[Row]:
    """Dial tone that stands while digits of -22 dBm0 are sent over it."""
    for hz, source in (((450.0,), "GB/T 3380"), ((425.0,), "E.180"), ((350.0, 440.0), "USA")):
        def trial(over: float, hz: tuple[float, ...] = hz) -> Trial:
            return Trial(level_dbm0=-22.0, steady=hz, steady_dbm0=-22.0 + over)

        name = " + ".join(f"{f:.0f}" for f in hz)
        asked, why = (18.0, "MT8870D data sheet") if len(hz) == 2 else (10.0, "chosen")
        yield pushed(f"dial tone {name} Hz over each tone", "dB",
                     Quantity(trial, -30, 30, 0.5), trials, asked, "high", filters=True,
                     source=f"{why}; tone of {source}")


# ---- other laws, other senders ----


def law_rows(trials: int) -> Iterator[Row]:
    """The same through mu-law."""
    for name in ("frequency accepted", "level lowest", "twist low", "tone found"):
        limit, source = DEFAULT[name]
        quantity = QUANTITIES[name]

        def trial(value: float, push: Any = quantity.trial) -> Trial:
            made: Trial = push(value)
            return replace(made, law="ulaw")

        yield pushed(f"mu-law: {name}", UNIT[name], replace(quantity, trial=trial), trials, limit,
                     BETTER[name], source=source, ahead=False)


def _part(make: Callable[[int], Iterator[Row]]) -> Part:
    """A part that takes trials, as one that takes `quick`; named as the part is."""

    def part(quick: bool) -> Iterator[Row]:
        yield from make(trials_of(quick))

    part.__doc__ = make.__doc__
    return part


def _columns(quick: bool) -> Iterator[Row]:
    """The administrations' columns."""
    yield from column_rows(trials_of(quick), quick)


def rows(quick: bool) -> Iterator[Row]:
    """Every row of DTMF."""
    try:
        dtmf_scene.ours()
    except NoDetectorError as error:
        yield table.absent(GROUP, "all rows", str(error))
        return
    parts = (default_rows, noise_rows, dial_rows, law_rows, *dtmf_line.PARTS, *dtmf_echo.PARTS)
    yield from guarded(GROUP, (*map(_part, parts), _columns), quick)


def curves(quick: bool) -> list[Curve]:
    """Recognition over SNR, twist and frequency error."""
    trials, step = trials_of(quick), 2 if quick else 1
    if oracle.missing():
        return []
    try:
        receivers: list[Receiver] = [dtmf_scene.ours(), dtmf_scene.theirs()]
    except NoDetectorError:
        return []
    made = []
    for title, unit, places, trial_of, asked in (
        ("White noise, digits of 50 ms", "SNR, dB", range(-3, 16), noise_trial, (5.0,)),
        ("Twist", "high over low tone, dB", range(-14, 13),
         lambda v: Trial(level_dbm0=-6, twist_db=v), (-8.0, 4.0)),
        ("Frequency error of both tones", "%", [n / 4 for n in range(19)],
         lambda v: Trial(percent=v), (1.5, 3.5)),
    ):
        x = tuple(float(p) for p in list(places)[::step])
        shares = [tuple(rate(trial_of(v), r, trials) for v in x) for r in receivers]
        made.append(Curve(title, unit, x, shares[0], shares[1], asked))
    return made
