"""Room: the judges' own reading of the nations' call-progress tones.  Data and its little grammar
only; must not be filled from the product's plans.

Facts from ITU-T E.180 Supplement 2 (the list of national tones), from national documents where
they are named, and from the tone tables that open exchange software carries (`OPEN`).

Grammar: ``f[+f][*m] [on/off,on/off ...]`` in Hz and ms; ``*m`` = modulated by m Hz in full, ``^`` =
louder in five steps; no times = continuous; SIT is three frequencies with ``>`` between, each
330 ms.
"""

from dataclasses import dataclass, field

import numpy as np

from tests.judge.signals2 import Samples, silence, sine, tones

ITU = "ITU-T E.180 Suppl. 2"
OPEN = "open exchanges' tables"  # where the supplement has no figure


@dataclass(frozen=True, slots=True)
class National:
    """`also`: second readings where a country's exchanges differ."""

    source: str
    tones: dict[str, str]
    also: dict[str, str] = field(default_factory=dict)

    def readings(self) -> list[tuple[str, str]]:
        """(name, text) of every tone, second readings last."""
        return [*self.tones.items(), *self.also.items()]


NATIONAL: dict[str, National] = {
    "cn": National("GB/T 3380-1982", {
        "dial": "450", "ringback": "450 1000/4000", "busy": "450 350/350",
        "congestion": "450 700/700", "vacant": "450 100/100,100/100,100/100,400/400",
        "toll": "450 200/200,200/600", "call_waiting": "450 400/4000", "howler": "950^",
        "reminder": "1400 400/10000", "sit": "950>1400>1800"}),
    "us": National("Telcordia GR-506, precise tones", {
        "dial": "350+440", "ringback": "440+480 2000/4000", "busy": "480+620 500/500",
        "congestion": "480+620 250/250", "call_waiting": "440 300/10000",
        "howler": "1400+2060+2450+2600 100/100",
        "sit": "950>1400>1800"}),
    "uk": National("BT SIN 350", {
        "dial": "350+440", "ringback": "400+450 400/200,400/2000", "busy": "400 375/375",
        "congestion": "400 400/350,225/525", "call_waiting": "400 100/4000", "vacant": "400",
        "sit": "950>1400>1800"}),
    "de": National(ITU, {
        "dial": "425", "ringback": "425 1000/4000", "busy": "425 480/480",
        "congestion": "425 240/240", "call_waiting": "425 200/200,200/5000",
        "sit": "950>1400>1800"}),
    "fr": National(f"{ITU}; congestion, call waiting: {OPEN}", {
        "dial": "440", "ringback": "440 1500/3500", "busy": "440 500/500",
        "congestion": "440 250/250", "call_waiting": "440 300/10000",
        "sit": "950>1400>1800"}, {"dial": "330+440"}),
    "jp": National("ITU-T E.180 Suppl. 2; TTC (ringback 400 Hz modulated by 16 Hz)", {
        "dial": "400", "ringback": "400*16 1000/2000", "busy": "400 500/500",
        "call_waiting": "400*16 500/8000", "sit": "950>1400>1800"}),
    "au": National("ITU-T E.180 Suppl. 2; AS/CA S002", {
        "dial": "413+438", "ringback": "413+438 400/200,400/2000", "busy": "425 375/375",
        "call_waiting": "425 200/200,200/4400"}),
    "in": National(ITU, {
        "dial": "400*25", "ringback": "400*25 400/200,400/2000", "busy": "400 750/750",
        "congestion": "400 250/250", "call_waiting": "400 200/100,200/7500",
        "sit": "950>1400>1800"}),
    "br": National("ITU-T E.180 Suppl. 2; Telebras 220-250-713", {
        "dial": "425", "ringback": "425 1000/4000", "busy": "425 250/250",
        "vacant": "425 250/250,750/250", "call_waiting": "425 50/1000"}),
    "ru": National("ITU-T E.180 Suppl. 2; GOST 45.223-2001", {
        "dial": "425", "ringback": "425 1000/4000", "busy": "425 350/350",
        "congestion": "425 175/175", "call_waiting": "425 200/5000", "sit": "950>1400>1800"}),
    "it": National(ITU, {
        "dial": "425 200/200,600/1000", "ringback": "425 1000/4000", "busy": "425 500/500",
        "congestion": "425 200/200", "call_waiting": "425 400/100,250/100,150/14000",
        "sit": "950>1400>1800"}, {"dial": "425"}),
    "es": National(ITU, {
        "dial": "425", "ringback": "425 1500/3000", "busy": "425 200/200",
        "congestion": "425 200/200,200/200,200/600",
        "call_waiting": "425 175/175,175/3500", "sit": "950>1400>1800"}),
    "nl": National(ITU, {
        "dial": "425", "ringback": "425 1000/4000", "busy": "425 500/500",
        "congestion": "425 250/250", "call_waiting": "425 500/9500", "sit": "950>1400>1800"}),
    "sg": National("IDA TS PSTN 1", {
        "dial": "425", "ringback": "425*24 400/200,400/2000", "busy": "425 750/750",
        "congestion": "425 250/250", "call_waiting": "425*24 300/200,300/3200",
        "sit": "950>1400>1800"}),
    "tw": National(f"{ITU}; {OPEN}", {
        "dial": "350+440", "ringback": "440+480 1000/2000", "busy": "480+620 500/500",
        "congestion": "480+620 250/250", "call_waiting": "350+440 250/250,250/3250",
        "sit": "950>1400>1800"}),
    "za": National(f"{ITU}; 383 + 417 Hz: {OPEN}", {
        "dial": "400*33", "ringback": "400*33 400/200,400/2000", "busy": "400 500/500",
        "congestion": "400 250/250"}, {
        "dial": "383+417", "ringback": "383+417 400/200,400/2000"}),
    "at": National(ITU, {
        "dial": "420", "ringback": "420 1000/5000", "busy": "420 400/400",
        "congestion": "420 200/200", "sit": "950>1450>1850"}),
    "be": National(ITU, {
        "dial": "425", "ringback": "425 1000/3000", "busy": "425 500/500",
        "congestion": "425 167/167", "call_waiting": "1400 175/175,175/3500",
        "sit": "900>1400>1800"}),
    "ch": National(ITU, {
        "dial": "425", "ringback": "425 1000/4000", "busy": "425 500/500",
        "congestion": "425 200/200", "call_waiting": "425 200/200,200/4000",
        "sit": "950>1400>1800"}),
    "hk": National(ITU, {
        "dial": "350+440", "ringback": "440+480 400/200,400/3000", "busy": "480+620 500/500",
        "congestion": "480+620 250/250", "sit": "950>1400>1800"}),
    "kr": National(ITU, {
        "dial": "350+440", "ringback": "440+480 1000/2000", "busy": "480+620 500/500",
        "congestion": "480+620 300/200"}),
    "my": National(ITU, {
        "dial": "425", "ringback": "425 400/200,400/2000", "busy": "425 500/500",
        "sit": "950>1400>1800"}),
    "nz": National(f"{ITU}; PTC 100", {
        "dial": "400", "ringback": "400+450 400/200,400/2000", "busy": "400 500/500",
        "congestion": "400 250/250", "vacant": "400 75/100,75/100,75/100,75/400",
        "call_waiting": "400 200/3000"}),
    "se": National(ITU, {
        "dial": "425", "ringback": "425 1000/5000", "busy": "425 250/250",
        "congestion": "425 250/750", "call_waiting": "425 200/500,200/9100",
        "sit": "950>1400>1800"}),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A tone taken apart."""

    hz: tuple[float, ...]
    modulation_hz: float
    on_off_ms: tuple[tuple[float, float], ...]
    steps_hz: tuple[float, ...] = ()
    rising: bool = False


STEP_DB = 6.0  # chosen: five steps from 24 dB under the level up to it


def shape(text: str) -> Shape:
    """By the grammar above."""
    what, _, times = text.partition(" ")
    if ">" in what:
        steps = tuple(float(f) for f in what.split(">"))
        pairs = ((330.0, 0.0), (330.0, 0.0), (330.0, 1000.0))  # E.180/Q.35: 330 +-70 ms, 1 s
        return Shape((), 0.0, pairs, steps)
    rising = what.endswith("^")
    carrier, _, modulation = what.rstrip("^").partition("*")
    hz = tuple(float(f) for f in carrier.split("+"))
    pairs = tuple((float(p.split("/")[0]), float(p.split("/")[1])) for p in times.split(",") if p)
    return Shape(hz, float(modulation or 0), pairs, rising=rising)


def _burst(
    of: Shape, index: int, ms: float, dbm0: float, offset_hz: float, rng: np.random.Generator
) -> Samples:
    if of.steps_hz:
        return sine(of.steps_hz[index % len(of.steps_hz)] + offset_hz, ms, dbm0)
    out = tones([f + offset_hz for f in of.hz], ms, dbm0, rng)
    if of.modulation_hz:
        wave = sine(of.modulation_hz, ms, 0.0)
        out = out * 0.5 * (1 + wave / max(np.abs(wave).max(), 1e-9))
    if of.rising:
        step = np.minimum(np.arange(len(out)) * 5 // len(out), 4)
        out = out * 10 ** ((step - 4) * STEP_DB / 20)
    return out


def tone_sound(
    of: Shape, ms: float, dbm0: float, rng: np.random.Generator, *, offset_hz: float = 0.0,
    pace: float = 1.0, lead_ms: float = 0.0,
) -> Samples:
    """The tone for about this time (whole bursts), after `lead_ms` of nothing; `pace`
    stretches all times."""
    parts = [silence(lead_ms)]
    if not of.on_off_ms:
        return np.concatenate([*parts, _burst(of, 0, ms, dbm0, offset_hz, rng)])
    done, index = 0.0, 0
    while done < ms or index % len(of.on_off_ms):
        on, off = of.on_off_ms[index % len(of.on_off_ms)]
        parts += [_burst(of, index, on * pace, dbm0, offset_hz, rng), silence(off * pace)]
        done += (on + off) * pace
        index += 1
    return np.concatenate(parts)
