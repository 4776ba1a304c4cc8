"""Room: the centre's records, the header of a recording.

Reads the header of a WAV file, mends it after a power cut and hashes the file.  Must not
decode sound.  How: RIFF is walked chunk by chunk; a file whose sound goes on beyond what
the header says, or ends before, gets the right lengths written into its header.
"""

import os
import struct
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from ivr.record.journal_line import HASH_BYTES

# Multimedia Programming Interface and Data Specifications 1.0 (IBM, Microsoft 1991): RIFF
_RIFF = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")
_U32 = struct.Struct("<I")
_U32_MAX = 0xFFFFFFFF
_READ_BYTES = 1 << 20  # chosen


class WavError(ValueError):
    """Not a WAV file, or its header is lost."""


@dataclass(frozen=True)
class Wav:
    """A WAV file: `samples` a side by its header, `held` by the length of the file."""

    format: int  # 6 = A-law (RFC 2361)
    sides: int
    rate: int
    block: int  # bytes of one sample of all sides
    data_at: int
    data_bytes: int
    file_bytes: int
    fact_at: int  # of the fact chunk's count, 0 without one
    followed: bool  # other chunks follow the sound
    riff_bytes: int

    @property
    def pad(self) -> int:
        """RIFF: a chunk of odd length is followed by a byte that is not part of it."""
        return self.data_bytes & 1

    @property
    def samples(self) -> int:
        return self.data_bytes // self.block

    @property
    def held(self) -> int:
        if self.followed or self.file_bytes == self.data_at + self.data_bytes + self.pad:
            return self.samples
        return (self.file_bytes - self.data_at) // self.block


def read_wav(path: Path) -> Wav:
    """The header of `path`.  Raises WavError if there is none, OSError if it cannot be read."""
    with path.open("rb") as file:
        return _read(file, path)


def mend_wav(path: Path) -> tuple[Wav, bool]:
    """Make the header of `path` agree with the length of the file.

    Returns the header as it is then, and whether anything was changed.  Raises WavError if
    the header is lost, OSError if the file cannot be written.
    """
    with path.open("r+b") as file:
        found = _read(file, path)
        data_bytes = found.held * found.block
        end = found.data_at + data_bytes
        if found.followed or (
            data_bytes == found.data_bytes
            and found.file_bytes - end <= (data_bytes & 1)
            and found.riff_bytes in (end - 8, end + (data_bytes & 1) - 8)
        ):
            return found, False
        file.truncate(end)
        if data_bytes & 1:
            file.seek(end)
            file.write(b"\0")  # see Wav.pad
        _write_u32(file, 4, end + (data_bytes & 1) - 8)
        _write_u32(file, found.data_at - 4, data_bytes)
        if found.fact_at:
            _write_u32(file, found.fact_at, found.held)
        file.flush()
        os.fsync(file.fileno())
        return _read(file, path), True


def hash_file(path: Path) -> str:
    """BLAKE2b-256 of a whole file, hex.  Blocks on the disk."""
    digest = blake2b(digest_size=HASH_BYTES)
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _write_u32(file: BinaryIO, at: int, value: int) -> None:
    file.seek(at)
    file.write(_U32.pack(min(value, _U32_MAX)))


def _read(file: BinaryIO, path: Path) -> Wav:
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(_RIFF.size)
    if len(head) < _RIFF.size:
        raise WavError(f"{path.name}: {size} bytes, no header")
    name, riff_bytes, form = _RIFF.unpack(head)
    if name != b"RIFF" or form != b"WAVE":
        raise WavError(f"{path.name}: not a WAV file")
    at, fact_at = _RIFF.size, 0
    shape: tuple[int, ...] | None = None
    while True:
        file.seek(at)
        chunk = file.read(_CHUNK.size)
        if len(chunk) < _CHUNK.size:
            raise WavError(f"{path.name}: no sound chunk")
        name, length = _CHUNK.unpack(chunk)
        at += _CHUNK.size
        if name == b"data":
            break
        if name == b"fmt ":
            body = file.read(_FORMAT.size)
            shape = _FORMAT.unpack(body) if len(body) == _FORMAT.size else None
        elif name == b"fact":
            fact_at = at
        at += length + (length & 1)
    if shape is None or shape[4] == 0:
        raise WavError(f"{path.name}: no format chunk")
    kind, sides, rate, _, block, _ = shape
    followed = _chunks_follow(file, at + length + (length & 1), size)
    return Wav(kind, sides, rate, block, at, length, size, fact_at, followed, riff_bytes)


def _chunks_follow(file: BinaryIO, at: int, size: int) -> bool:
    """Whether whole chunks stand between the end of the sound and the end of the file."""
    if at >= size:
        return False
    while at < size:
        file.seek(at)
        chunk = file.read(_CHUNK.size)
        if len(chunk) < _CHUNK.size:
            return False
        name, length = _CHUNK.unpack(chunk)
        if not all(0x20 <= letter < 0x7F for letter in name):
            return False
        at += _CHUNK.size + length + (length & 1)
    return at == size
