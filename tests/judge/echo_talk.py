"""Room: the judge of the echo canceller, second half: tones, the tone disabler, people who speak.
Must not tune anything.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np

from tests.judge import real_speech, table
from tests.judge.echo_signals import css, echo, heard, power_dbm0, tables
from tests.judge.guard import Part
from tests.judge.row import Row
from tests.judge.signals2 import (
    RATE,
    RMS,
    Linear,
    Samples,
    alaw,
    at_level,
    face,
    level,
    noise,
    silence,
    sine,
    tones,
)

GROUP = "echo"
G168 = "ITU-T G.168"
ERL_DB = 6.0
Cancel = Callable[..., tuple[Any, Any]]


def tone_rows(cancelled: Cancel) -> Part:
    """The part that judges narrow-band signals."""

    def part(quick: bool) -> Iterator[Row]:
        """Tones: tests 6 and 7, and signalling both ways."""
        yield from _divergence(cancelled, quick)
        rng, seconds = np.random.default_rng(2312), 8.0 if quick else 30.0
        tx = [alaw(sine(hz, 1000 * seconds, -12)) for hz in (425.0, 450.0, 1000.0, 2100.0)]
        both = cancelled([heard(rng, echo(t, "D.4", ERL_DB)) for t in tx], tx)
        yield Row(GROUP, f"a tone for {seconds:.0f} s: loss at the end, worst of 4", "dB",
                  *(min(power_dbm0(t.astype(float), seconds - 1, seconds)
                        - power_dbm0(row, seconds - 1, seconds)
                        for row, t in zip(out, tx, strict=True)) for out in both),
                  limit=20.0, ahead=True, source=f"{G168} test 7: stability (there 2 minutes)",
                  note="425, 450, 1000, 2100 Hz at -12 dBm0")
        yield from _signalling(cancelled)

    return part


def _divergence(cancelled: Cancel, quick: bool) -> Iterator[Row]:
    """Converged on the composite source signal, then each tone of the Recommendation's list,
    then the signal again: what the residue has risen by."""
    rng = np.random.default_rng(2311)
    pairs = tables()["tones_6_4_2_7"].reshape(-1, 2)[:-1]
    ms = 1500 if quick else 5000
    tx = []
    for first, second in pairs:
        tone = tones([f for f in (first, second) if f], ms, -15)
        tx.append(alaw(np.concatenate([css(rng, 4.2, -10), tone, css(rng, 1.05, -10)])))
    both = cancelled([heard(rng, echo(t, "D.5", ERL_DB)) for t in tx], tx)
    again = 4.2 + ms / 1000
    yield Row(GROUP, f"after DTMF tones of {ms / 1000:.1f} s: residue over that before", "dB",
              *(max(power_dbm0(row, again, again + 0.35) - power_dbm0(row, 3.15, 4.2)
                    for row in out) for out in both),
              limit=10.0, better="low", source=f"{G168} test 6: tones of 6.4.2.7",
              note="worst of 8 tones and pairs")


def _signalling(cancelled: Cancel) -> Iterator[Row]:
    """Compelled signalling: the far end's tones must come through while we send ours."""
    rng = np.random.default_rng(2313)
    ours = [(1380, 1500), (1380, 1980), (1620, 1740), (1860, 1980)]
    theirs = [(1140, 1020), (900, 780), (1140, 540), (780, 1020)]
    tx = [alaw(np.concatenate([silence(100), tones(pair, 900, -11.5)])) for pair in ours]
    back = [np.concatenate([silence(400), tones(pair, 600, -16)]) for pair in theirs]
    rx = [heard(rng, echo(t, "D.6", ERL_DB) + b) for t, b in zip(tx, back, strict=True)]
    both = cancelled(rx, tx, nonlinear=True)[0], cancelled(rx, tx, nonlinear=False)[1]
    change = [max(abs(_part(row, pair) - _part(b, pair))
                  for row, b, pair in zip(out, back, theirs, strict=True)) for out in both]
    yield Row(GROUP, "R2 signals from the line under our own: level changed by", "dB", *change,
              limit=2.0, better="low", source=f"{G168} test 8: in-band signalling",
              note="450 to 550 ms after they began; NLP on, the rival's off: it mutes all")


def _part(sound: Any, pair: tuple[float, float]) -> float:
    """Level of two tones in 850 to 950 ms, dBm0."""
    piece = np.asarray(sound[6800:7600], np.float64)
    t = np.arange(len(piece)) / RATE
    parts = [abs(np.mean(piece * np.exp(-2j * np.pi * hz * t))) * np.sqrt(2) for hz in pair]
    return float(20 * np.log10(max(float(np.hypot(*parts)), 1e-3) / RMS))


def disabler_rows(quick: bool) -> Iterator[Row]:
    """The tone disabler, clause 7."""
    cancel, rng = face("echo", "cancel_echo"), np.random.default_rng(2314)
    t = np.arange(round(3.2 * RATE)) / RATE
    flips = np.where((t // 0.45) % 2, -1.0, 1.0)
    for side in ("rx", "tx"):
        for turned, least in ((True, None), (False, 15.0)):
            tone = sine(2100, 3200, -16) * (flips if turned else 1.0)
            data = noise(rng, 3 * RATE, -16)
            said = np.concatenate([css(rng, 2.1, -12), tone if side == "tx" else silence(3200),
                                   data])
            other = np.concatenate([silence(2100), silence(3200) if side == "tx" else tone,
                                    np.zeros(len(data))])
            tx = alaw(said)
            rx = heard(rng, echo(tx, "D.4", ERL_DB), other)
            out = np.asarray(cancel(rx, tx, tail_ms=32, nonlinear=True), np.float64) * 32768
            taken = power_dbm0(rx.astype(np.float64), 5.8, 6.8) - power_dbm0(out, 5.8, 6.8)
            what = "with reversals" if turned else "without reversals"
            yield Row(GROUP, f"2100 Hz {what} on {side}: echo taken away after it", "dB", taken,
                      limit=1.0 if turned else least, better="low" if turned else "high",
                      source=f"{G168} clause 7", note="off, so that modems train themselves"
                      if turned else "stays on: fax needs it")


def _joined(recordings: Sequence[Samples], first: int, seconds: float, dbm0: float) -> Samples:
    parts: list[Samples] = []
    for sound in islice(cycle(recordings), first, None):
        parts.append(sound)
        if sum(map(len, parts)) > seconds * RATE:
            break
    return at_level(np.concatenate(parts)[: round(seconds * RATE)], dbm0)


def speech_rows(cancelled: Cancel) -> Part:
    """The part that judges with people who speak."""

    def part(quick: bool) -> Iterator[Row]:
        """Real speech: one way, both ways, and with nothing to cancel."""
        try:
            recordings = [r for r in real_speech.recordings(True) if len(r) > RATE]
        except OSError as error:
            yield table.unknown(GROUP, "real speech", str(error))
            return
        rng, lines, seconds = np.random.default_rng(2315), 4 if quick else 12, 8.0
        names = ("D.2", "D.3", "D.5", "D.7")
        tx = [alaw(_joined(recordings, 11 * i, seconds, -15)) for i in range(lines)]
        back = [echo(t, names[i % 4], 8.0) for i, t in enumerate(tx)]
        both = cancelled([heard(rng, e) for e in back], tx)
        yield Row(GROUP, "real speech, ERL 8 dB: loss over 3 to 8 s, mean", "dB",
                  *(float(np.mean([power_dbm0(t.astype(float), 3, 8) - power_dbm0(row, 3, 8)
                                   for row, t in zip(out, tx, strict=True)])) for out in both),
                  limit=30.0, ahead=True, synthetic=0.3, source="chosen", note="NLP off")
        near = [_joined(recordings, 200 + 7 * i, seconds, -18) for i in range(lines)]
        for sound in near:
            sound[: 2 * RATE] = 0
        yield from _conversation(cancelled, rng, tx, back, near)
        yield from _transparent(cancelled, near)

    return part


def _conversation(cancelled: Cancel, rng: np.random.Generator, tx: Sequence[Linear],
                  back: Sequence[Samples], near: Sequence[Samples]) -> Iterator[Row]:
    rx = [heard(rng, e, n) for e, n in zip(back, near, strict=True)]
    for nonlinear in (False, True):
        out = cancelled(rx, tx, nonlinear=nonlinear)
        clean = [float(np.mean([power_dbm0(n, 2, 8) - power_dbm0(row - n, 2, 8)
                                for row, n in zip(side, near, strict=True)])) for side in out]
        before = float(np.mean([power_dbm0(n, 2, 8) - power_dbm0(e, 2, 8)
                                for e, n in zip(back, near, strict=True)]))
        yield Row(GROUP, "both speak (real speech): near speech over all that is wrong in it, "
                  f"NLP {'on' if nonlinear else 'off'}", "dB", *clean,
                  limit=None if nonlinear else before + 10, ahead=not nonlinear, synthetic=0.3,
                  source=f"{G168} test 3C, here with real speech; limit chosen",
                  note=f"{before:.1f} dB without a canceller; echo and damage both count"
                  + ("; the rival's processor mutes both" if nonlinear else ""))


def _transparent(cancelled: Cancel, near: Sequence[Samples]) -> Iterator[Row]:
    rx = [alaw(n) for n in near]
    quiet = [np.zeros(len(n), np.int16) for n in near]
    ours, rival = cancelled(rx, quiet, nonlinear=True)
    snr = [min(power_dbm0(r.astype(float), 2, 8) - power_dbm0(row - r, 2, 8)
               for row, r in zip(out, rx, strict=True)) for out in (ours, rival)]
    yield Row(GROUP, "tx silent: near speech over what was changed in it, NLP on", "dB", *snr,
              limit=40.0, synthetic=0.0, source="chosen",
              note=f"speech at {level(rx[0]):.0f} dBm0; the rival's processor mutes it")
