"""Room: sound files and sound in memory as the media plane takes them.  Must not play anything.

The line's own format is A-law at 8000 Hz, mono: bytes.  A WAV file that is A-law, mu-law or
16-bit PCM at 8000 Hz, mono, is played as it lies on the disk; everything else is converted by
`load` (soundfile reads, soxr resamples).
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from cti_board._native._media import ffi, lib
from cti_board.clock import RATE
from cti_board.errors import FileFormatError

ALAW, ULAW, PCM16 = 0, 1, 2
_TAGS = {6: ALAW, 7: ULAW, 1: PCM16}
_BITS = {ALAW: 8, ULAW: 8, PCM16: 16}
FULL_SCALE_DBM0 = 3.14  # ITU-T G.711: a sine at the A-law overload point


@dataclass(frozen=True, slots=True)
class Sound:
    """Bytes of A-law, mu-law or PCM16 (native little-endian) at 8000 Hz, mono."""

    data: bytes
    encoding: int = ALAW

    @property
    def samples(self) -> int:
        return len(self.data) // (2 if self.encoding == PCM16 else 1)


@dataclass(frozen=True, slots=True)
class WaveFile:
    """Where the sound of a file lies: ``offset`` and ``size`` in bytes."""

    path: Path
    encoding: int
    offset: int
    size: int

    @property
    def samples(self) -> int:
        return self.size // (2 if self.encoding == PCM16 else 1)


WANTED = "8000 Hz mono A-law, mu-law or 16-bit PCM"


def _format(path: Path, body: bytes) -> int:
    if len(body) < 16:
        raise FileFormatError(
            f"{path}: its fmt chunk has {len(body)} bytes, at least 16 are needed"
        )
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
    encoding = _TAGS.get(tag)
    if encoding is None or bits != _BITS[encoding]:
        raise FileFormatError(
            f"{path}: WAV format tag {tag} with {bits} bits; wanted {WANTED} "
            f"(convert it: sox {path.name} -r 8000 -c 1 -e a-law out.wav)"
        )
    if channels != 1 or rate != RATE:
        raise FileFormatError(
            f"{path}: {rate} Hz, {channels} channel(s); wanted {WANTED} "
            f"(convert it: sox {path.name} -r 8000 -c 1 -e a-law out.wav)"
        )
    return encoding


def _chunks(path: Path, file: BinaryIO) -> WaveFile:
    encoding: int | None = None
    while len(head := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        here = file.tell()
        if name == b"fmt ":
            encoding = _format(path, file.read(min(size, 64)))
        elif name == b"data":
            if encoding is None:
                raise FileFormatError(f"{path}: the data chunk comes before a fmt chunk")
            there = path.stat().st_size - here
            if size > there:
                raise FileFormatError(
                    f"{path}: its header promises {size} bytes of sound, "
                    f"the file has {there}: cut short"
                )
            return WaveFile(path, encoding, here, size)
        file.seek(here + size + (size & 1))
    raise FileFormatError(f"{path}: no data chunk: not a complete WAV file")


def open_wave(path: Path) -> WaveFile:
    """Find the sound in a file: ``.al`` is raw A-law, ``.ul`` raw mu-law, all else WAV.

    FileFormatError names the file and what would be right; OSError if it cannot be read.
    """
    size = path.stat().st_size
    if path.suffix in (".al", ".alaw"):
        return WaveFile(path, ALAW, 0, size)
    if path.suffix in (".ul", ".ulaw"):
        return WaveFile(path, ULAW, 0, size)
    with path.open("rb") as file:
        head = file.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:12] != b"WAVE":
            raise FileFormatError(f"{path}: not a WAV file (no RIFF/WAVE header); wanted {WANTED}")
        return _chunks(path, file)


def encode_alaw(linear: npt.NDArray[np.int16]) -> bytes:
    """16-bit linear samples at 8000 Hz to A-law (ITU-T G.711), one byte each."""
    source = np.ascontiguousarray(linear, dtype=np.int16)
    out = bytearray(source.size)
    lib.ctb_alaw_encode(
        ffi.from_buffer("uint8_t[]", out, require_writable=True),
        ffi.from_buffer("int16_t[]", source),
        source.size,
    )
    return bytes(out)


def decode_alaw(data: bytes) -> npt.NDArray[np.int16]:
    """A-law bytes to 16-bit linear samples (13 bits, left-justified)."""
    out = np.empty(len(data), dtype=np.int16)
    lib.ctb_alaw_decode(
        ffi.from_buffer("int16_t[]", out, require_writable=True),
        ffi.from_buffer("uint8_t[]", data),
        len(data),
    )
    return out


def load(path: Path) -> bytes:
    """Any sound file that libsndfile reads (any rate, mono or stereo) as A-law at 8000 Hz.

    Stereo is averaged.  FileFormatError names the file; FileNotFoundError as usual.
    """
    import soundfile
    import soxr

    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise FileFormatError(f"{path}: cannot be read as sound ({error})") from error
    if not samples.size:
        raise FileFormatError(f"{path}: holds no sound")
    mono = samples.mean(axis=1)
    if rate != RATE:
        mono = soxr.resample(mono, rate, RATE, quality="HQ")
    return encode_alaw(np.clip(np.round(mono * 32768.0), -32768, 32767).astype(np.int16))


def write_wave(path: Path, data: bytes, channels: int = 1) -> None:
    """A-law bytes (interleaved if two channels) as a WAV file of format 6."""
    pad = b"\0" * (len(data) & 1)
    head = struct.pack(
        "<4sI4s4sIHHIIHHH4sII4sI",
        b"RIFF",
        50 + len(data) + len(pad),
        b"WAVE",
        b"fmt ",
        18,
        6,
        channels,
        RATE,
        RATE * channels,
        channels,
        8,
        0,
        b"fact",
        4,
        len(data) // channels,
        b"data",
        len(data),
    )
    path.write_bytes(head + data + pad)
