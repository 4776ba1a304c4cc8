"""Room: judges digits that callers press while somebody speaks: our own prompt that comes back as
echo, with an echo canceller in front of the receiver and without, and people in the room.  Must
not use the product's generators.
"""

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from tests.judge import corpus, dtmf_scene, oracle, signals, table
from tests.judge.dtmf_scene import LINES, Receiver, Trial
from tests.judge.row import Row
from tests.judge.signals import RATE, Pcm

GROUP = "dtmf"
PROMPT = "es co"  # any set of people will do
PROMPT_DBM0 = -15.0  # active level of what we play
TAIL_MS = 32
TRIAL = Trial(((70.0, 0.0),), -16.0, warm_up_ms=3000.0)  # three seconds to learn the line's echo
SEED = 4_242
LEAST_ERL_DB = 6.0  # of a hybrid, ITU-T G.168 clause 6.4

Cleaner = Callable[[Pcm, Pcm], Pcm]


def echo_paths(rng: np.random.Generator) -> NDArray[np.float64]:
    """One response for each line, (16, samples), return loss 0 dB: a delay of 1 to 8 ms, then
    noise that dies away within 10 ms and loses the ends of the band, as hybrids do."""
    size = RATE * 24 // 1000
    paths = np.zeros((LINES, size))
    for path in paths:
        delay = int(rng.integers(8, 64))
        tail = rng.normal(0, 1, size - delay) * np.exp(-np.arange(size - delay) / 14.0)
        path[delay:] = np.convolve(tail, (0.25, 0.0, -0.5, 0.0, 0.25))[: size - delay]
        path /= np.sqrt(np.sum(path**2))
    return paths


@cache
def voices() -> corpus.Batch:
    """People speaking; made speech where their recordings cannot be had.  SpeechMissingError,
    MissingError."""
    try:
        return corpus.speech(PROMPT).at_level(PROMPT_DBM0)
    except corpus.SpeechMissingError:
        return corpus.made_speech().at_level(PROMPT_DBM0)


def made_share() -> float:
    """Of the sound that these rows hear: the keys are made, half of it, and perhaps the speech."""
    return 1.0 if voices().made else 0.5


@cache
def prompts(samples: int) -> Pcm:
    """What we play on each line: speech without long pauses.  Errors as `voices`."""
    start = RATE // 5
    return signals.through(voices().sound[:, start : start + samples])


def _scene(erl_db: float, trials: int) -> tuple[dtmf_scene.Scene, Pcm]:
    """Keys over the prompt's echo, and the prompt."""
    length = dtmf_scene.length(TRIAL, trials)
    said = prompts(length)
    paths = echo_paths(np.random.default_rng(SEED)) * 10 ** (-erl_db / 20)
    back = np.stack([
        np.convolve(line.astype(float), path)[:length]
        for line, path in zip(said, paths, strict=True)
    ])
    return dtmf_scene.make(TRIAL, trials, SEED, back), said


def least_erl(receiver: Receiver, cleaner: Cleaner | None, trials: int) -> float | None:
    """The lowest return loss at which 99 % of the keys are found and nothing else."""

    def good(erl_db: float) -> bool:
        scene, said = _scene(erl_db, trials)
        heard = cleaner(scene.pcm, said) if cleaner else scene.pcm
        return dtmf_scene.found(scene, receiver(heard)) >= 0.99

    return dtmf_scene.edge(good, 40, 0, 1)


def least_over_voices(receiver: Receiver, trials: int) -> float | None:
    """How far both tones must be over the active level of people in the room, dB."""
    both_dbm0 = TRIAL.level_dbm0 + 10 * float(np.log10(2))
    said = prompts(dtmf_scene.length(TRIAL, trials)).astype(float)

    def good(over_db: float) -> bool:
        gain = 10 ** ((both_dbm0 - over_db - PROMPT_DBM0) / 20)
        scene = dtmf_scene.make(TRIAL, trials, SEED, said * gain)
        return dtmf_scene.found(scene, receiver(scene.pcm)) >= 0.99

    return dtmf_scene.edge(good, 36, 0, 1)


def our_cleaner() -> Cleaner | None:
    """The product's canceller, its non-linear part off: a detector wants no comfort noise."""
    if find_spec("cti_board.dsp.echo") is None:
        return None
    cancel = import_module("cti_board.dsp.echo").cancel_echo

    def clean(heard: Pcm, said: Pcm) -> Pcm:
        left = cancel(heard, said, tail_ms=TAIL_MS, nonlinear=False)
        return np.asarray(np.clip(np.rint(left * 32768), -32768, 32767), np.int16)

    return clean


def _trials(trials: int) -> int:
    """Half as many as elsewhere: these scenes are long."""
    return trials // 2


def voice_rows(trials: int) -> Iterator[Row]:
    """People in the room under the key."""
    sides = (dtmf_scene.ours(), dtmf_scene.theirs())
    yield Row(GROUP, "lowest level of 70 ms keys over voices in the room", "dB",
              *(least_over_voices(side, _trials(trials)) for side in sides), None, "low",
              ahead=True, synthetic=made_share(), note="both tones over the active level of speech")


def echo_rows(trials: int) -> Iterator[Row]:
    """Our prompt's echo under the key, without a canceller and with one."""
    ours, theirs, count = dtmf_scene.ours(), dtmf_scene.theirs(), _trials(trials)
    plain = least_erl(theirs, None, count)
    yield Row(GROUP, "lowest ERL, our prompt's echo under the key, no canceller", "dB",
              least_erl(ours, None, count), plain, None, "low", ahead=True,
              synthetic=made_share(), note="prompt -15 dBm0 active, key -16 dBm0 a tone")
    cleaner = our_cleaner()
    name = "lowest ERL, our prompt's echo under the key, echo cancelled"
    if cleaner is None:
        yield table.absent(GROUP, name, "cti_board.dsp.echo is not there yet")
        return
    rival = least_erl(theirs, lambda heard, said: oracle.cancel_echo(heard, said, TAIL_MS), count)
    known = [erl for erl in (plain, rival) if erl is not None]
    yield Row(GROUP, name, "dB", least_erl(ours, cleaner, count), min(known, default=None),
              LEAST_ERL_DB, "low", ahead=True, synthetic=made_share(), source="G.168 6.4",
              note=f"libspandsp's canceller with its receiver: {table.figure(rival)}; the better "
                   "of with and without")


PARTS = (voice_rows, echo_rows)
