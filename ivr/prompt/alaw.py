"""Room: the centre's prompts, samples <-> A-law bytes, and sound files -> A-law bytes.

Must not know the catalogue.  The coding itself is libsndfile's (through soundfile): the media
plane has its own G.711, and prompts that came out of the same code would share its bugs.
Samples are float64 arrays, mono, 8000 a second, full scale 1.0, which is +3.14 dBm0 for a sine.
"""

import io
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from .errors import PromptError

Samples = npt.NDArray[np.float64]

RATE_HZ = 8000
SILENCE = b"\xd5"  # ITU-T G.711, the positive zero of A-law with the even bits inverted
WAV_FORMATS = ("WAV", "WAVEX")
WAV_CODINGS = ("ALAW", "ULAW", "PCM_16")
RIGHT = "right would be: WAV, mono, 16-bit PCM, A-law or u-law, best at 8000 Hz; or raw A-law .al"
UNKNOWN_SIZE = 0x7FFF0000  # chosen: above it a RIFF size is the mark of a stream, not a size


def encode(samples: Samples) -> bytes:
    """A-law bytes; samples beyond full scale are clipped."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(samples, -1.0, 1.0), RATE_HZ, format="RAW", subtype="ALAW")
    return buffer.getvalue()


def decode(data: bytes) -> Samples:
    """The samples of A-law bytes."""
    if not data:
        return np.zeros(0)
    samples, _ = soundfile.read(
        io.BytesIO(data), samplerate=RATE_HZ, channels=1, format="RAW", subtype="ALAW"
    )
    return np.asarray(samples, dtype=np.float64)


def resample(samples: Samples, rate_hz: int) -> Samples:
    """Samples of any rate at 8000 Hz."""
    if rate_hz == RATE_HZ:
        return samples
    return np.asarray(soxr.resample(samples, rate_hz, RATE_HZ, quality="VHQ"), dtype=np.float64)


def read_recording(file: Path) -> bytes:
    """A .al or .wav file as A-law at 8000 Hz, or PromptError which says what is wrong with it."""
    try:
        return _read_raw(file) if file.suffix == ".al" else _read_wav(file)
    except OSError as error:
        raise PromptError(f"{file}: cannot be read: {error.strerror or error}") from error


def _read_raw(file: Path) -> bytes:
    data = file.read_bytes()
    if not data:
        raise PromptError(f"{file}: is empty; {RIGHT}")
    if data.startswith(b"RIFF"):
        raise PromptError(f"{file}: is a WAV file but is named .al; rename it to .wav")
    return data


def _read_wav(file: Path) -> bytes:
    _check_whole(file)
    try:
        with soundfile.SoundFile(file) as wav:
            _check_form(file, wav)
            rate_hz = int(wav.samplerate)
            samples = wav.read(dtype="float64")
    except soundfile.LibsndfileError as error:
        raise PromptError(f"{file}: is not a sound file ({error.error_string}); {RIGHT}") from error
    if not len(samples):
        raise PromptError(f"{file}: holds no samples; {RIGHT}")
    return encode(resample(samples, rate_hz))


def _check_whole(file: Path) -> None:
    """libsndfile reads a file that was cut short without a word; we do not."""
    with file.open("rb") as opened:
        head = opened.read(8)
    if len(head) < 8 or head[:4] != b"RIFF":
        raise PromptError(f"{file}: is not a WAV file (no RIFF header); {RIGHT}")
    promised = struct.unpack("<I", head[4:])[0] + 8
    there = file.stat().st_size
    if there < promised < UNKNOWN_SIZE:
        raise PromptError(
            f"{file}: is cut short: its header promises {promised} bytes, {there} are there; "
            "copy it again"
        )


def _check_form(file: Path, wav: soundfile.SoundFile) -> None:
    if wav.format not in WAV_FORMATS or wav.subtype not in WAV_CODINGS:
        raise PromptError(f"{file}: is {wav.format} {wav.subtype}; {RIGHT}")
    if wav.channels != 1:
        raise PromptError(f"{file}: has {wav.channels} channels; {RIGHT}")
