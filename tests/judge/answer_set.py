"""Room: the labelled set of answered calls, recorded and made.  Must not be used to tune anything.

What a caller hears after dialling: perhaps ringing, then somebody or something.  Real speech is
that of `real_speech`: people's greetings of 0.4 to 4 s and machines' of 2 to 17 s, so that between
2 and 4 s the length does not tell them apart.  One greeting in four is espeak-ng's, as were most
of the sounds that the policy was made with, in voices kept for judging; `made_voice` says so.
"""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import soxr

from tests.judge import corpus, real_speech
from tests.judge.fax import sent as fax_sent
from tests.judge.national_tones import NATIONAL, Shape, shape, tone_sound
from tests.judge.signals2 import (
    RATE,
    Linear,
    Samples,
    alaw,
    at_level,
    noise,
    silence,
    sine,
)

ESPEAK_S = 60  # chosen: one sentence takes a fraction of a second
SEED = 2401
MADE_VOICES = ("Andrea", "Annie", "Gene", "Lee", "Mario", "Michael", "Mike", "Denis", "f5", "m8",
               "Diogo", "Henrique", "Jacky", "linda", "max", "norbert", "pedro", "sandro", "steph",
               "travis", "victor", "zac", "john", "kaukovalta", "robert", "shelby")
SHORT = (("en-us", "hello?"), ("en-gb", "hello, John speaking"), ("cmn", "喂"), ("cmn", "喂, 你好"),
         ("cmn", "你好, 请讲"), ("it", "pronto"), ("de", "Müller, guten Tag"), ("fr", "allô oui"),
         ("es", "dígame"), ("ru", "алло"), ("pt", "está lá"), ("cmn", "喂, 哪位?"),
         ("en-us", "good morning, this is the front desk"), ("cmn", "您好, 烟草公司"))
LONG = (
    ("en-us", "Hello, you have reached the office of Smith and Sons. We are not able to take your "
              "call right now. Please leave your name, your number and a short message after the "
              "tone, and we will call you back as soon as we can."),
    ("en-gb", "Hi, this is Kate. I can't come to the phone. Leave a message after the beep, "
              "thank you."),
    ("cmn", "您好, 您拨打的用户暂时无法接听, 请在提示音后留言, 我们会尽快给您回电话, 谢谢。"),
    ("cmn", "您好, 这里是自来水公司报修中心, 现在是下班时间, 请在嘀声之后留下您的姓名, 电话和地址, "
            "我们的工作人员会在明天早上与您联系。"),
    ("de", "Guten Tag, Sie sind verbunden mit dem Anschluss von Familie Berger. Wir sind zur Zeit "
           "nicht erreichbar. Bitte hinterlassen Sie eine Nachricht nach dem Signalton."),
    ("fr", "Bonjour, vous êtes bien chez Martin. Nous ne sommes pas là pour le moment. Laissez un "
           "message après le bip sonore, merci."),
)
# Telcordia SR-2275: the first, second and third tone of each kind, (Hz, ms)
US_SIT = {
    "intercept": ((913.8, 274), (1370.6, 274), (1776.7, 380)),
    "vacant": ((985.2, 380), (1370.6, 274), (1776.7, 380)),
    "reorder": ((913.8, 274), (1428.5, 380), (1776.7, 380)),
    "no circuit": ((985.2, 380), (1428.5, 380), (1776.7, 380)),
}
# seconds from, to, and how many of twenty: chosen before any was heard.  Most people say a name,
# few a sentence; most machines explain themselves, some say no more than "leave a message"
Bands = tuple[tuple[float, float, int], ...]
HUMAN_BANDS: Bands = ((0.4, 1.0, 8), (1.0, 2.0, 6), (2.0, 3.0, 4), (3.0, 4.0, 2))
MACHINE_BANDS: Bands = ((2.0, 3.0, 2), (3.0, 4.0, 2), (4.0, 6.0, 4), (6.0, 17.0, 12))
# what the policy does not claim to tell, shown apart: people who give a speech, machines that say a
# word or two and wait before their beep
BEYOND: dict[str, Bands] = {"human": ((4.0, 6.0, 1),), "machine": ((1.0, 2.0, 1),)}
BEYOND_SIZE = 32
SHORT_S = 4.0  # of a machine's greeting: nothing but its beep can tell it, and it always beeps
MADE_EVERY = 4
SIZES = {"human": 168, "machine": 152, "fax": 50, "sit": 40, "silence": 25, "busy": 45,
         "no_answer": 25}


@dataclass(frozen=True, slots=True)
class Call:
    """One answered call: what it is, since when, and how much of it was made."""

    kind: str
    sound: Linear
    answered: int  # sample at which ringing is over and the answer begins
    plan: str
    synthetic: float
    what: str
    beep: tuple[int, int] | None = None  # first sample and the one after the last
    said: int = 0  # sample at which a human's first greeting ends
    greeting_s: float = 0.0  # how long the (first) greeting is
    made_voice: bool = False  # the greeting is espeak-ng's


@dataclass(frozen=True, slots=True)
class Part:
    """The answer itself, without ringing and noise."""

    sound: Samples
    synthetic: float
    what: str
    beep: tuple[int, int] | None = None
    said: int = 0
    greeting_s: float = 0.0
    made_voice: bool = False


@cache
def made(language: str, voice: str, text: str, pace: int, pitch: int) -> Samples:
    """A sentence by espeak-ng at 8 kHz.  OSError."""
    words = ["espeak-ng", "-v", f"{language}+{voice}", "-s", str(pace), "-p", str(pitch),
             "--stdout", text]
    try:
        done = subprocess.run(words, check=True, capture_output=True, timeout=ESPEAK_S)
    except subprocess.SubprocessError as error:
        raise OSError(f"espeak-ng: {error}") from error
    raw = np.frombuffer(done.stdout[44:], np.int16).astype(np.float64)  # after the WAV header
    return trimmed(soxr.resample(raw, 22050, RATE))


def trimmed(sound: Samples) -> Samples:
    """Without the quiet at both ends."""
    steps = np.abs(sound[: len(sound) // 80 * 80]).reshape(-1, 80).max(axis=1)
    loud = np.flatnonzero(steps > steps.max() * 0.03)
    return sound[80 * loud[0] : 80 * (loud[-1] + 1)]


@cache
def _recorded() -> dict[str, list[Samples]]:
    """The recordings of each set, trimmed.  OSError."""
    return {name: [trimmed(r) for r in real_speech.set_of(name)] for name in corpus.PACKAGES}


def _band(rng: np.random.Generator, bands: Bands) -> tuple[float, float]:
    """Seconds from and to, by the bands' shares."""
    share = np.array([count for _, _, count in bands]) / sum(count for _, _, count in bands)
    low, high, _ = bands[int(rng.choice(len(bands), p=share))]
    return low, high


def _said(rng: np.random.Generator, low: float, high: float) -> tuple[Samples, str]:
    """A recorded prompt, whole, of a length drawn from the band (within 10 %)."""
    sets = _recorded()
    name, seconds = str(rng.choice(sorted(sets))), rng.uniform(low, high)
    least, most = max(low, 0.9 * seconds), min(high, 1.1 * seconds)
    near = [r for r in sets[name] if least <= len(r) / RATE < most]
    one = near[int(rng.integers(len(near)))]
    return one, f"recorded, {name}, {len(one) / RATE:.1f} s"


def _made(rng: np.random.Generator, texts: Sequence[tuple[str, str]]) -> tuple[Samples, str]:
    language, text = texts[int(rng.integers(len(texts)))]
    voice = str(rng.choice(MADE_VOICES))
    said = made(language, voice, text, int(rng.integers(140, 185)), int(rng.integers(25, 80)))
    return said, f"espeak-ng {language}+{voice}, {len(said) / RATE:.1f} s: {text[:24]}"


def human(rng: np.random.Generator, index: int, bands: Bands = HUMAN_BANDS) -> Part:
    """A greeting of up to 4 s, then waiting; three in ten ask again."""
    made_voice = index % MADE_EVERY == 0
    greeting, what = _made(rng, SHORT) if made_voice else _said(rng, *_band(rng, bands))
    parts = [silence(rng.uniform(150, 1200)), greeting]
    said = sum(map(len, parts))
    if rng.random() < 0.3:
        parts += [silence(rng.uniform(1800, 3000)), greeting]
    whole = np.concatenate([*parts, silence(rng.uniform(5000, 7000))])
    return Part(whole, float(made_voice), what, said=said, greeting_s=len(greeting) / RATE,
                made_voice=made_voice)


def _sentences(rng: np.random.Generator, seconds: float) -> tuple[Samples, str]:
    """Recorded prompts one after another, at least so long."""
    sets = _recorded()
    name = str(rng.choice(sorted(sets)))
    longer = [r for r in sets[name] if len(r) > 1.2 * RATE]
    parts: list[Samples] = []
    while sum(map(len, parts)) < seconds * RATE:
        parts += [longer[int(rng.integers(len(longer)))], silence(rng.uniform(200, 650))]
    whole = np.concatenate(parts[:-1])
    return whole, f"recorded greeting, {name}, {len(whole) / RATE:.1f} s"


def machine(rng: np.random.Generator, index: int, bands: Bands = MACHINE_BANDS) -> Part:
    """A greeting of one sentence or of many; most end in a beep of 400 to 2000 Hz, half of those
    after a wait of one to three seconds."""
    made_voice = index % MADE_EVERY == 0
    low, high = _band(rng, bands)
    if made_voice:
        said, what = _made(rng, LONG)
    elif low < SHORT_S:
        said, what = _said(rng, low, high)
    else:
        said, what = _sentences(rng, rng.uniform(low, high))
    greeting_s = len(said) / RATE
    said = at_level(said, 0.0)
    parts, beep = [silence(rng.uniform(200, 1500)), said], None
    if greeting_s < SHORT_S or rng.random() < 0.85:
        hz, ms = rng.uniform(400, 2000), rng.uniform(200, 1000)
        wait = rng.uniform(1000, 3000) if rng.random() < 0.5 else rng.uniform(200, 1200)
        parts.append(silence(wait))
        begin = sum(map(len, parts))
        parts.append(sine(hz, ms, rng.uniform(-6, 3)))
        beep = (begin, sum(map(len, parts)))
        what = f"{what}, after {wait / 1000:.1f} s a beep of {hz:.0f} Hz, {ms:.0f} ms"
    whole = np.concatenate([*parts, silence(rng.uniform(2000, 4000))])
    return Part(whole, float(made_voice), what, beep, greeting_s=greeting_s, made_voice=made_voice)


def fax(rng: np.random.Generator, index: int) -> Part:
    """An answering fax machine or modem; one in six calls us instead (CNG)."""
    if index % 6 == 5:
        return Part(np.concatenate([silence(rng.uniform(200, 2000)), fax_sent("cng", 11000)]), 1.0,
                    "CNG")
    kind = ("ced", "ced", "ans_pr", "ansam", "ansam_pr")[index % 6]
    bits = rng.integers(0, 2, 600)  # ITU-T V.21 channel 2, 300 bit/s
    hz = np.repeat(np.where(bits, 1650.0, 1850.0), 27)[: 2 * RATE]
    tone = fax_sent(kind, rng.uniform(2600, 4000), offset_hz=rng.uniform(-10, 10)
                    if kind == "ced" else 0.0)
    return Part(np.concatenate([silence(rng.uniform(300, 1900)), tone, silence(75),
                                sine(hz, 2000, -15), silence(2500)]), 1.0, kind)


def sit(rng: np.random.Generator, index: int) -> Part:
    """Special information tone, ITU-T or one of the American kinds, then an announcement."""
    if index % 2:
        steps = tuple((hz + rng.uniform(-40, 40), rng.uniform(290, 380))
                      for hz in (950, 1400, 1800))  # E.180/Q.35: +-50 Hz, 330 +-70 ms
        what = "SIT of ITU-T E.180"
    else:
        kind = str(rng.choice(sorted(US_SIT)))
        steps, what = US_SIT[kind], f"American SIT, {kind}"
    said, whose = _sentences(rng, rng.uniform(4.5, 12.0))
    tone = np.concatenate([sine(hz, ms, -14) for hz, ms in steps])
    scale = 10 ** (rng.uniform(-6, 3) / 20)
    return Part(np.concatenate([silence(rng.uniform(100, 1200)), tone * scale,
                                silence(rng.uniform(100, 900)), at_level(said, -14),
                                silence(1000)]), 0.5, f"{what}; {whose}")


def quiet(rng: np.random.Generator, index: int) -> Part:
    """Nothing but the line."""
    return Part(silence(rng.uniform(12000, 18000)), 1.0, "line noise")


def _tone(rng: np.random.Generator, plan: str, name: str, ms: float) -> Samples:
    of: Shape = shape(NATIONAL[plan].tones[name])
    return tone_sound(of, ms, rng.uniform(-24, -10), rng, pace=rng.uniform(0.95, 1.05))


def _lead(rng: np.random.Generator, plan: str, kind: str) -> Samples:
    """What is heard before the answer: nothing, or ringing that is broken off."""
    if kind == "busy" or rng.random() < 0.45:
        return silence(rng.uniform(300, 2500))
    ringing = _tone(rng, plan, "ringback", rng.uniform(1, 3) * 5000)
    return np.concatenate([silence(rng.uniform(300, 1500)), ringing])[
        : round(rng.uniform(0.75, 1.0) * len(ringing))]


def _tones(rng: np.random.Generator, plan: str, kind: str, index: int) -> Part:
    names = [n for n in ("busy", "congestion", "vacant") if n in NATIONAL[plan].tones]
    name = "ringback" if kind == "no_answer" else names[index % len(names)]
    ms = rng.uniform(30000, 45000) if kind == "no_answer" else 9000.0
    return Part(_tone(rng, plan, name, ms), 1.0, f"{name} of {plan}")


MAKERS: dict[str, Callable[..., Part]] = {
    "human": human, "machine": machine, "fax": fax, "sit": sit, "silence": quiet}


def one(kind: str, index: int, beyond: bool = False) -> Call:
    """The call of this number; the same each time.  OSError where recordings are missing."""
    rng = np.random.default_rng([SEED + beyond, sorted(SIZES).index(kind), index])
    plan = "us" if rng.random() < 0.25 else "cn"
    if kind in MAKERS:
        make = partial(MAKERS[kind], bands=BEYOND[kind]) if beyond else MAKERS[kind]
        lead, part = _lead(rng, plan, kind), make(rng, index)
        answer = at_level(part.sound, rng.uniform(-27, -12)) if kind != "silence" else part.sound
    else:
        part = _tones(rng, plan, kind, index)
        lead, answer = silence(rng.uniform(300, 2500)), part.sound
    floor = rng.uniform(-68, -48) if kind in ("human", "silence") else rng.uniform(-68, -55)
    whole = np.concatenate([lead, answer])
    beep = (part.beep[0] + len(lead), part.beep[1] + len(lead)) if part.beep else None
    return Call(kind, alaw(whole + noise(rng, len(whole), floor)), len(lead), plan,
                part.synthetic, part.what, beep, len(lead) + part.said, part.greeting_s,
                part.made_voice)


def calls(quick: bool) -> Iterator[Call]:
    """The whole set; in a quick run a sixth of each kind.  OSError."""
    for kind, count in SIZES.items():
        for index in range(max(4, count // 8) if quick else count):
            yield one(kind, index)


def beyond_calls(quick: bool) -> Iterator[Call]:
    """Calls outside of the set, recorded greetings only.  OSError."""
    for kind in BEYOND:
        for index in range(BEYOND_SIZE // 4 if quick else BEYOND_SIZE):
            yield one(kind, MADE_EVERY * index + 1, beyond=True)
