"""Room: the judge of the line echo canceller: tests after ITU-T G.168, ours beside libspandsp's.
Must not tune anything.

The residue is what is left beside the near end's own sound, so that it can be measured under
double talk too (non-linear processor off).  Loss is the level of tx less that of the residue,
over the same time; it holds the ERL of the path.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tests.judge import oracle, table
from tests.judge.echo_signals import PATHS, css, echo, heard, near_css, power_dbm0, tables
from tests.judge.echo_talk import disabler_rows, speech_rows, tone_rows
from tests.judge.guard import guarded
from tests.judge.row import Row
from tests.judge.signals2 import Linear, Samples, alaw, face

GROUP = "echo"
G168 = "ITU-T G.168"
ERL_DB = 6.0  # G.168: the least echo return loss of a hybrid
LOSS_1S_DB = 20.0  # G.168 test 2: convergence within a second
RETURNED_DBM0 = -62.5  # G.168 test 2A: -65, and noise of -66 that is no echo: the sum of both
MOST_DB = 40.0  # chosen: beyond it A-law's own noise is measured, not the canceller
Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def cancelled(
    rx: Sequence[Linear], tx: Sequence[Linear], tail_ms: int = 32, *, nonlinear: bool = False
) -> Pair:
    """(lines, samples) of ours and of the rival."""
    lines, said = np.stack(rx), np.stack(tx)
    cancel = face("echo", "cancel_echo")
    ours = [cancel(lines[i : i + 16], said[i : i + 16], tail_ms=tail_ms, nonlinear=nonlinear)
            for i in range(0, len(lines), 16)]
    mode = oracle.ECHO_ADAPTION | (oracle.ECHO_NLP | oracle.ECHO_CNG if nonlinear else 0)
    rival = oracle.cancel_echo(lines, said, tail_ms, mode)
    return np.concatenate(ours).astype(np.float64) * 32768, rival.astype(np.float64)


def losses(
    out: NDArray[np.float64], tx: Sequence[Linear], near: NDArray[np.float64] | float,
    begin_s: float, end_s: float,
) -> list[float]:
    """The loss of each line in this time, dB, at most MOST_DB."""
    return [min(MOST_DB, power_dbm0(said.astype(np.float64), begin_s, end_s)
                - power_dbm0(row, begin_s, end_s))
            for row, said in zip(out - near, tx, strict=True)]


def worst_loss(
    out: NDArray[np.float64], tx: Sequence[Linear], near: NDArray[np.float64] | float,
    begin_s: float, end_s: float,
) -> float:
    """The least of the lines' losses, dB."""
    return min(losses(out, tx, near, begin_s, end_s))


def _lines(
    rng: np.random.Generator, seconds: float, dbm0: float, names: Sequence[str] = PATHS,
    delay_ms: float = 0.0, near: Samples | float = 0.0, erl_db: float = ERL_DB,
) -> tuple[list[Linear], list[Linear]]:
    """(rx, tx): the composite source signal over each of these paths."""
    tx = [alaw(css(rng, seconds, dbm0)) for _ in names]
    rx = [heard(rng, echo(t, name, erl_db, delay_ms) + near)
          for t, name in zip(tx, names, strict=True)]
    return rx, tx


def convergence_rows(quick: bool) -> Iterator[Row]:
    """Convergence and residue, test 2B: composite source signal, paths D.2 to D.9."""
    rng, seconds = np.random.default_rng(2301), 6.0 if quick else 10.5
    for dbm0 in (-10.0,) if quick else (-5.0, -10.0, -20.0, -30.0):
        rx, tx = _lines(rng, seconds, dbm0)
        both = cancelled(rx, tx)
        for begin, end, limit, what in (
            (1.0, 1.35, LOSS_1S_DB, "after 1 s"),
            (seconds - 1.4, seconds, 30.0 if dbm0 >= -20 else LOSS_1S_DB, "at the end"),
        ):
            mean = [float(np.mean(losses(out, tx, 0.0, begin, end))) for out in both]
            yield Row(GROUP, f"LRin {dbm0:.0f} dBm0, NLP off: loss {what}, worst of 8 paths", "dB",
                      *(worst_loss(out, tx, 0.0, begin, end) for out in both), limit=limit,
                      ahead=True,
                      source=f"{G168} test 2B" if limit == LOSS_1S_DB else "chosen: A-law's floor",
                      note=f"of {seconds:.0f} s; mean {mean[0]:.0f}, {mean[1]:.0f} dB; ERL "
                      f"{ERL_DB:.0f} dB in it; annex C signal, annex D paths")
        if dbm0 == -10.0:
            yield from _speed(both, tx)


def _speed(both: Pair, tx: Sequence[Linear]) -> Iterator[Row]:
    """Time to a loss of 20 dB for good, by windows of a period of the signal."""
    times = []
    for out in both:
        steps = np.arange(0.0, 5.0, 0.05)
        worst = [worst_loss(out, tx, 0.0, s, s + 0.35) for s in steps]
        late = [s for s, loss in zip(steps, worst, strict=True) if loss < LOSS_1S_DB]
        times.append(1000 * (late[-1] + 0.05) if late else 0.0)
    yield Row(GROUP, "time to a loss of 20 dB, worst of 8 paths", "ms", *times, limit=1000.0,
              better="low", ahead=True, source=f"{G168} test 2")


def residue_rows(quick: bool) -> Iterator[Row]:
    """Residual and returned echo against the level of tx."""
    rng, seconds = np.random.default_rng(2302), 5.0
    names = ("D.2", "D.5", "D.7", "D.9")
    for nonlinear in (False, True):
        for dbm0 in (-10.0,) if quick else (0.0, -5.0, -10.0, -15.0, -20.0, -25.0, -30.0):
            rx, tx = _lines(rng, seconds, dbm0, names)
            both = cancelled(rx, tx, nonlinear=nonlinear)
            worst = [max(power_dbm0(row, 3.6, 5.0) for row in out) for out in both]
            under = worst[0] - worst[1]
            lead = f"; libspandsp mutes: {under:.0f} dB lower" if under > 0 else ""
            yield Row(GROUP, f"LRin {dbm0:.0f} dBm0: " + ("returned echo LRET, NLP on"
                      if nonlinear else "residual echo LRES, NLP off"), "dBm0", *worst,
                      limit=RETURNED_DBM0 if nonlinear and dbm0 <= -10 else None, better="low",
                      ahead=not nonlinear,
                      source=f"{G168} test 2A: -65 dBm0, and a line's own noise of -66 beside it"
                      if nonlinear else "shown: LRin and LRES of test 2B",
                      note="after 3.6 s; ours fills in comfort noise as loud as the line's" + lead
                      if nonlinear else "")


def tail_rows(quick: bool) -> Iterator[Row]:
    """Tails of 16, 32 and 64 ms: the path ends where the tail does."""
    rng = np.random.default_rng(2303)
    for tail in (16, 32, 64):
        # the paths disperse over 8 to 16 ms: 64 to 128 samples
        rx, tx = _lines(rng, 5.0, -12.0, ("D.2", "D.3", "D.4", "D.6"), tail - 12.5)
        yield Row(GROUP, f"tail {tail} ms: loss after 3.6 s, echo up to the tail's end", "dB",
                  *(worst_loss(out, tx, 0.0, 3.6, 5.0) for out in cancelled(rx, tx, tail)),
                  limit=30.0, ahead=True, source="chosen", note="paths D.2, D.3, D.4, D.6")
    tx = [alaw(css(rng, 5.0, -12.0)) for _ in range(4)]
    rx = [heard(rng, echo(t, "D.4", ERL_DB, 90.0)) for t in tx]
    cancel = face("echo", "cancel_echo")
    out = np.asarray(cancel(np.stack(rx), np.stack(tx), tail_ms=32, delay=640, nonlinear=False))
    yield Row(GROUP, "delay of 80 ms told beforehand, echo after 90 ms", "dB",
              worst_loss(out.astype(np.float64) * 32768, tx, 0.0, 3.6, 5.0), limit=30.0,
              source="chosen: a card's latency")


def change_rows(quick: bool) -> Iterator[Row]:
    """The path changes, ends, or lies unused."""
    rng = np.random.default_rng(2304)
    names = ("D.2", "D.4", "D.6", "D.8")
    tx = [alaw(css(rng, 8.0, -10.0)) for _ in names]
    back = [np.concatenate([echo(t, a, ERL_DB)[:32000], echo(t, b, ERL_DB, 5.0)[32000:]])
            for t, a, b in zip(tx, names, names[::-1], strict=True)]
    both = cancelled([heard(rng, e) for e in back], tx)
    yield Row(GROUP, "another path after 4 s: loss 1 s later", "dB",
              *(worst_loss(out, tx, 0.0, 5.0, 5.7) for out in both), limit=LOSS_1S_DB, ahead=True,
              source=f"{G168} test 2, re-convergence")
    back = [np.where(np.arange(len(t)) < 32000, echo(t, a, ERL_DB), 0.0)
            for t, a in zip(tx, names, strict=True)]
    both = cancelled([heard(rng, e) for e in back], tx)
    yield Row(GROUP, "echo path opened after 4 s: returned level after 0.5 s", "dBm0",
              *(max(power_dbm0(row, 4.5, 5.2) for row in out) for out in both), limit=-37.0,
              better="low", ahead=True, source=f"{G168} test 5: infinite return loss")
    quiet = 12.0 if quick else 60.0
    sound = [np.concatenate([css(rng, 4.2, -10.0), np.zeros(round(quiet * 8000)),
                             css(rng, 1.4, -10.0)]) for _ in names]
    sent = [alaw(s) for s in sound]
    both = cancelled([heard(rng, echo(t, a, ERL_DB)) for t, a in zip(sent, names, strict=True)],
                     sent)
    begin = 4.2 + quiet
    rise = [max(power_dbm0(row, begin, begin + 0.35) - power_dbm0(row, 3.5, 4.2) for row in out)
            for out in both]
    yield Row(GROUP, f"residue after {quiet:.0f} s of silence, over that before", "dB", *rise,
              limit=10.0, better="low", source=f"{G168} test 4: leak (there 2 minutes)")


def talk_rows(quick: bool) -> Iterator[Row]:
    """Double talk with composite source signals, tests 3A and 3B."""
    rng = np.random.default_rng(2305)
    names = ("D.2", "D.5", "D.7", "D.9")
    for title, begin, end, dbm0, test in (
        ("near end 15 dB under tx from the start", 0.0, 4.2, -27.0, "3A"),
        ("near end as loud as tx, 3 s after 3 s alone", 3.0, 6.0, -12.0, "3B"),
        ("near end 6 dB over tx, 3 s after 3 s alone", 3.0, 6.0, -6.0, "3B"),
    ):
        talk = near_css(rng, end - begin, dbm0)
        near = np.concatenate([np.zeros(round(begin * 8000)), talk,
                               np.zeros(round((7.4 - end) * 8000))])
        rx, tx = _lines(rng, len(near) / 8000, -12.0, names, near=near)
        both = cancelled(rx, tx)
        yield Row(GROUP, f"double talk, {title}: loss while it lasts", "dB",
                  *(worst_loss(out, tx, near, max(begin + 0.35, 1.0), end) for out in both),
                  limit=LOSS_1S_DB if test == "3B" else 15.0, ahead=True,
                  source=f"chosen, in the spirit of {G168} test {test}")
        yield Row(GROUP, f"double talk, {title}: loss just after it", "dB",
                  *(worst_loss(out, tx, near, end + 0.1, end + 0.8) for out in both),
                  limit=LOSS_1S_DB, ahead=True, source=f"{G168} test {test}")


def noise_rows(quick: bool) -> Iterator[Row]:
    """Noise at the near end, test 2C; comfort noise, test 9."""
    rng, names = np.random.default_rng(2306), ("D.2", "D.5", "D.7", "D.9")
    for dbm0 in (-40.0,) if quick else (-50.0, -40.0, -30.0):
        hiss = np.convolve(rng.standard_normal(40000), np.ones(4) / 4, "same")  # falls like Hoth's
        near = hiss * 10 ** ((dbm0 - power_dbm0(hiss, 0, 5)) / 20)
        rx, tx = _lines(rng, 5.0, -12.0, names, near=near)
        yield Row(GROUP, f"noise of {dbm0:.0f} dBm0 at the near end: loss after 3.6 s", "dB",
                  *(worst_loss(out, tx, near, 3.6, 5.0) for out in cancelled(rx, tx)),
                  limit=LOSS_1S_DB, ahead=True, source=f"{G168} test 2C",
                  note="low-passed noise in the place of Hoth's")
        for said in tx:
            said[:16000] = 0  # test 9 lets the canceller hear the noise alone first
        rx = [heard(rng, echo(t, name, ERL_DB) + near) for t, name in zip(tx, names, strict=True)]
        off = [max(abs(power_dbm0(row, 3.6, 5.0) - power_dbm0(near, 3.6, 5.0)) for row in out)
               for out in cancelled(rx, tx, nonlinear=True)]
        yield Row(GROUP, f"comfort noise beside noise of {dbm0:.0f} dBm0: level off by", "dB", *off,
                  limit=2.0, better="low", ahead=True, source=f"{G168} test 9")


def rows(quick: bool) -> Iterator[Row]:
    """All rows of the echo canceller."""
    try:
        tables()
    except OSError as error:
        yield table.unknown(GROUP, f"all rows: the signal and the paths of {G168}", str(error))
        return
    yield from guarded(GROUP, (convergence_rows, residue_rows, tail_rows, change_rows, talk_rows,
                               noise_rows, tone_rows(cancelled), disabler_rows,
                               speech_rows(cancelled)), quick)
