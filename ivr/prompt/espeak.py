"""Room: the centre's prompts, the synthesiser: a text becomes speech ready for the telephone.

Must not know the catalogue.  espeak-ng runs as a process (it is GPL; we do not link it).  Its
speech goes to 8000 Hz, through the band of a telephone channel, loses the silence at its ends
and is set to one level.  The same text gives the same samples with the same espeak-ng.

Trap: the voices `cmn` and `zh` of espeak-ng 1.51 read pinyin as if it were English.  We use
`cmn-latn-pinyin`, and refuse a text in which it still falls back to English.
Trap: an unknown variant (`+f99`) is ignored without a word, every variant is with `en-gb`, and
of an unknown voice the first letters may find another language; only a name that is nothing at
all is an error.
"""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import soundfile

from .alaw import RATE_HZ, Samples, resample
from .errors import PromptError
from .level import active_level_dbm0, peak_dbfs
from .sound import fade

COMMAND = "espeak-ng"
TIMEOUT_S = 60  # chosen: a sentence takes 0.1 s
BAND_HZ = (300.0, 3400.0)  # ITU-T G.712, the telephone channel
BAND_TAPS = 201  # chosen: edges about 130 Hz wide
LEVEL_DBM0 = -16.0  # chosen: the active level of a good talker on a short line
PEAK_DBFS = -1.0  # chosen: headroom, so that A-law never clips
SILENCE_DB = -50.0  # chosen: below the peak; at -38 dB more digits are misheard
BLOCK_MS = 5  # chosen: the grain of the trimming
LEAD_MS = 15  # chosen: kept before and after, so that words in a row have a natural gap
TAIL_MS = 30
PAUSE_MS = 300  # chosen: between the languages of a shared prompt


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of espeak-ng and its speed in words a minute."""

    name: str
    rate: int


# chosen: of the voices and speeds that were tried, those which a speech recogniser understood
# best after the telephone band (docs/prompts.md has the figures)
VOICES = MappingProxyType({"zh": Voice("cmn-latn-pinyin+f3", 170), "en": Voice("en-gb", 180)})


def engine() -> str:
    """Which espeak-ng is installed, as "eSpeak NG 1.51"; PromptError if there is none."""
    first = _run(["--version"]).splitlines()[0]
    found = re.search(r"(\d[\w.-]*)", first)
    return f"eSpeak NG {found.group(1)}" if found else first


def said(text: str, lang: str) -> str:
    """What decides the sound, in one line: it changes if and only if the speech may change."""
    voice = VOICES[lang]
    return f"{voice.name}@{voice.rate}: {text}"


def speak(text: str, lang: str) -> Samples:
    """The text as samples for the telephone; Chinese must be pinyin with tone numbers."""
    return shape(*synthesise(text, VOICES[lang]))


def synthesise(text: str, voice: Voice) -> tuple[Samples, int]:
    """What espeak-ng makes of a text: samples and their rate."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "speech.wav"
        phonemes = _run(
            ["-v", voice.name, "-s", str(voice.rate), "-x", "-w", str(file), "--", text]
        )
        if "(en)" in phonemes:
            raise PromptError(
                f"{voice.name} reads a part of {text!r} as English ({phonemes}): "
                "write pinyin with tone numbers"
            )
        if not file.exists():
            raise PromptError(f"{COMMAND} made no sound of {text!r}")
        samples, rate_hz = soundfile.read(file, dtype="float64")
    if not np.any(samples):
        raise PromptError(f"{COMMAND} made only silence of {text!r}")
    return np.asarray(samples, dtype=np.float64), int(rate_hz)


def shape(samples: Samples, rate_hz: int) -> Samples:
    """Speech of any rate as 8000 Hz, band-limited, trimmed, at the level of a prompt."""
    return set_level(fade(trim(band_pass(resample(samples, rate_hz)))))


def band_pass(samples: Samples) -> Samples:
    """Only what a telephone channel carries: a windowed-sinc filter without delay."""
    at = np.arange(BAND_TAPS) - BAND_TAPS // 2
    low, high = (2 * edge / RATE_HZ for edge in BAND_HZ)
    taps = (high * np.sinc(high * at) - low * np.sinc(low * at)) * np.hamming(BAND_TAPS)
    padded = np.pad(samples, BAND_TAPS // 2)
    return np.asarray(np.convolve(padded, taps, mode="valid"))


def trim(samples: Samples) -> Samples:
    """Without the silence at its ends, but for a short lead and tail."""
    block = BLOCK_MS * RATE_HZ // 1000
    count = -(-len(samples) // block)
    blocks = np.pad(samples, (0, count * block - len(samples))).reshape(count, block)
    power = np.mean(blocks**2, axis=1)
    loud = np.flatnonzero(power > np.max(power) * 10 ** (SILENCE_DB / 10))
    lead, tail = LEAD_MS * RATE_HZ // 1000, TAIL_MS * RATE_HZ // 1000
    start, end = int(loud[0]) * block - lead, (int(loud[-1]) + 1) * block + tail
    padded = np.pad(samples, (max(0, -start), max(0, end - len(samples))))
    offset = max(0, -start)
    return padded[start + offset : end + offset]


def set_level(samples: Samples) -> Samples:
    """At LEVEL_DBM0 of active speech, or a little below it where a peak would clip."""
    gain_db = LEVEL_DBM0 - active_level_dbm0(samples)
    return np.asarray(samples * 10 ** (min(gain_db, PEAK_DBFS - peak_dbfs(samples)) / 20))


def _run(arguments: list[str]) -> str:
    command = shutil.which(COMMAND)
    if command is None:
        raise PromptError(f"{COMMAND} is not installed; on Debian: apt install {COMMAND}")
    try:
        done = subprocess.run(
            [command, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PromptError(f"{COMMAND} cannot be run: {error}") from error
    if done.returncode:
        raise PromptError(f"{COMMAND} failed ({done.returncode}): {done.stderr.strip()}")
    return done.stdout.strip()
