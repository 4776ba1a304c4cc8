"""Room: judges what a DTMF receiver reports and how it bears other senders: times, levels, digits
made by sox and by libspandsp.  Must not use the product's generators.
"""

from collections.abc import Iterator, Sequence
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from tests.judge import dtmf_scene, oracle, signals
from tests.judge.dtmf_scene import Heard, Receiver, Trial
from tests.judge.row import Row
from tests.judge.signals import HIGH_HZ, KEYS, LOW_HZ, Law, Pcm

GROUP = "dtmf"
SEED = 7_202
MS = signals.RATE / 1000
FRAME = 160  # samples; streams come in whole frames


# ---- what is reported ----


def _matched(scene: dtmf_scene.Scene, heard: Sequence[Heard]) -> list[tuple[int, int, Heard]]:
    """(line, trial, digit) of each trial with exactly its key."""
    return [
        (line, n, cell[0])
        for line, row in enumerate(dtmf_scene.by_cell(scene, heard))
        for n, cell in enumerate(row)
        if [d.key for d in cell] == [KEYS[line]]
    ]


def time_errors(scene: dtmf_scene.Scene, receiver: Receiver, constant: bool
                ) -> list[NDArray[np.float64]]:
    """Errors of begin and of end in ms, absolute, of all digits found; `constant`: less their
    median, for a receiver that tells no times and is late by a constant."""
    found = _matched(scene, receiver(scene.pcm))
    begins = [(d.begin - int(scene.begins[line, n])) / MS for line, n, d in found]
    ends = [(d.end - int(scene.ends[line, n])) / MS for line, n, d in found if d.end is not None]
    errors = [np.asarray(part, float) for part in (begins, ends)]
    return [np.abs(e - np.median(e)) if constant and len(e) else np.abs(e) for e in errors]


def time_rows(trials: int) -> Iterator[Row]:
    """The rival tells only when it reports; its median delay is taken off, as its user would."""
    pair = ((dtmf_scene.ours(), False), (dtmf_scene.theirs(), True))
    for what, noise_dbm0 in (("quiet line", -65.0), ("SNR 15 dB", -22.0)):
        scene = dtmf_scene.make(
            Trial(((70.0, 0.0),), -10.0, noise_dbm0=noise_dbm0), trials, SEED
        )
        errors = [time_errors(scene, *side) for side in pair]
        for edge, name in ((0, "begin"), (1, "end")):
            for share, label in ((50, "median"), (95, "95 %")):
                ours, theirs = (
                    float(np.percentile(e[edge], share)) if len(e[edge]) else None for e in errors
                )
                asked = 3.0 if edge == 0 and share == 50 else None
                yield Row(GROUP, f"error of the {name}, {label}, {what}", "ms", ours, theirs, asked,
                          "low", ahead=True, source="chosen" if asked else "",
                          note="libspandsp's reports less their median delay")


def level_rows(trials: int) -> Iterator[Row]:
    """Reported level and twist against what was sent; ours of the low tone, theirs of both."""
    ours, theirs = dtmf_scene.ours(), dtmf_scene.theirs()
    levels: list[list[float]] = [[], []]
    twists: list[float] = []
    for level in (-6.0, -14.0, -22.0):
        for twist in (-6.0, 0.0, 3.0):
            scene = dtmf_scene.make(Trial(((70.0, 0.0),), level, twist), trials // 4, SEED)
            low = level - max(0.0, twist)
            both = 10 * np.log10(10 ** (low / 10) + 10 ** ((low + twist) / 10))
            for _, _, d in _matched(scene, ours(scene.pcm)):
                levels[0].append(abs(d.level_dbm0 - low))
                twists.append(abs((d.twist_db or 0.0) - twist))
            for _, _, d in _matched(scene, theirs(scene.pcm)):
                levels[1].append(abs(d.level_dbm0 - both))
    figures = [float(np.percentile(part, 95)) if part else None for part in levels]
    yield Row(GROUP, "error of the reported level, 95 %", "dB", figures[0], figures[1], 1.0, "low",
              source="chosen", note="ours of the low tone, theirs of both in whole dB")
    yield Row(GROUP, "error of the reported twist, 95 %", "dB",
              float(np.percentile(twists, 95)) if twists else None, None, 1.0, "low",
              source="chosen", note="libspandsp tells none")


# ---- other senders ----


def sox_digits(on_ms: float, off_ms: float, dbm0: float) -> Pcm:
    """The sixteen keys one after another, by sox."""
    silent = np.zeros(signals.samples(off_ms), np.int16)
    parts: list[Pcm] = [np.zeros(800, np.int16)]
    for key in KEYS:
        row, column = divmod(KEYS.index(key), 4)
        parts += [signals.sox_tones((LOW_HZ[row], HIGH_HZ[column]), on_ms, dbm0), silent]
    return np.concatenate([*parts, np.zeros(800, np.int16)])


def share_right(receiver: Receiver, pcm: Pcm, sent: str) -> float:
    """Percent of digits heard in order; 0 when there are more or fewer."""
    heard = "".join(d.key for d in sorted(receiver(pcm), key=lambda d: d.begin))
    if len(heard) != len(sent):
        return 0.0
    return 100 * sum(a == b for a, b in zip(heard, sent, strict=True)) / len(sent)


def _sender_rows(name: str, made: Pcm) -> Iterator[Row]:
    laws: tuple[Law, ...] = ("alaw", "ulaw")
    for law in laws:
        pcm = signals.through(np.concatenate([made, np.zeros(1600, np.int16)]), law)
        ours, theirs = (share_right(r, pcm, KEYS)
                        for r in (dtmf_scene.ours(), dtmf_scene.theirs()))
        yield Row(GROUP, f"digits of {name}'s sender, 50/50 ms, {law}", "%", ours, theirs, 100,
                  source="chosen")


def sox_rows(trials: int) -> Iterator[Row]:
    """Digits by sox."""
    yield from _sender_rows("sox", sox_digits(50, 50, -12))


def rival_sender_rows(trials: int) -> Iterator[Row]:
    """Digits by libspandsp."""
    yield from _sender_rows("libspandsp", oracle.dtmf_sent(KEYS, -12, 0, 50, 50))


# ---- much at once ----


def hard_rows(trials: int) -> Iterator[Row]:
    """No administration asks all its limits at once; a telephone at the end of a bad line does."""
    pair = (dtmf_scene.ours(), dtmf_scene.theirs())
    for twist in (4.0, -8.0):
        both = -16.0 + 10 * np.log10(1 + 10 ** (-abs(twist) / 10))
        trial = Trial(((50.0, 0.0),), -16.0, twist, percent=1.5, noise_dbm0=both - 15)
        scene = dtmf_scene.make(trial, trials, SEED)
        ours, theirs = (100 * dtmf_scene.found(scene, r(scene.pcm)) for r in pair)
        yield Row(GROUP, f"1.5 % off, twist {twist:+.0f} dB, 50 ms, SNR 15 dB at once", "%", ours,
                  theirs, ahead=True, note="found of the worst signs of the errors")


def codec_rows(trials: int) -> Iterator[Row]:
    """Keys of 100 ms that came through a mobile network's speech codec."""
    scene = dtmf_scene.make(Trial(((100.0, 0.0),), -12.0), trials // 4, SEED)
    heard = np.stack([signals.gsm(line)[: scene.pcm.shape[1]] for line in scene.pcm])
    ours, theirs = (100 * dtmf_scene.found(scene, r(heard))
                    for r in (dtmf_scene.ours(), dtmf_scene.theirs()))
    yield Row(GROUP, "keys of 100 ms through GSM 06.10", "%", ours, theirs, ahead=True,
              note="made by sox; networks send keys beside the voice instead")


def stream_row() -> Row:
    """A stream in pieces is the same sound: digits and their times may not depend on the cut."""
    receiver_of = import_module("cti_board.dsp.dtmf").DtmfReceiver
    scene = dtmf_scene.make(Trial(((60.0, 0.0),), -14.0, noise_dbm0=-30.0), 8, SEED)
    pcm = scene.pcm[:, : scene.pcm.shape[1] // FRAME * FRAME]
    whole = sorted((d.line, d.begin, d.key) for d in dtmf_scene.ours()(pcm))
    cuts = []
    for frames in (1, 7):
        receiver, size = receiver_of(lines=len(pcm)), frames * FRAME
        pieces = [pcm[:, at : at + size] for at in range(0, pcm.shape[1], size)]
        told = [d for piece in pieces for d in receiver.feed(piece)]
        cuts.append(sorted((d.line, d.begin, d.key) for d in told))
    same = sum(set(cut) == set(whole) for cut in cuts)
    return Row(GROUP, "streams cut in frames of 1 and 7: same digits", "cuts", same, None, 2,
               source="chosen", note=f"{len(whole)} digits")


def stream_rows(trials: int) -> Iterator[Row]:
    """Streams in pieces."""
    yield stream_row()


PARTS = (time_rows, level_rows, sox_rows, rival_sender_rows, stream_rows, hard_rows, codec_rows)
