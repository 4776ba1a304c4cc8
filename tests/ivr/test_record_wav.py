"""The header of a recording: read, and mended after a power cut."""

import pytest

from ivr.record.wav import WavError, hash_file, mend_wav, read_wav
from tests.ivr.record_kit import wav_bytes, write_file

HEADER = len(wav_bytes(b""))
SOUND = bytes(range(256)) * 10


def test_a_whole_file_is_left_as_it_is(tmp_path):
    data = wav_bytes(SOUND)
    path = write_file(tmp_path / "a.wav", data)
    wav, mended = mend_wav(path)
    assert (wav.format, wav.sides, wav.rate, wav.samples, wav.held) == (6, 2, 8000, 1280, 1280)
    assert not mended
    assert path.read_bytes() == data
    assert hash_file(path) != hash_file(write_file(tmp_path / "b.wav", wav_bytes(SOUND[:-2])))


@pytest.mark.parametrize("said", [0, 2, 1000, 2560 + 320, 0xFFFFFFFE])
@pytest.mark.parametrize("sides", [1, 2])
def test_the_header_is_made_to_agree_with_the_file(tmp_path, said, sides):
    path = write_file(tmp_path / "a.wav", wav_bytes(SOUND, sides, said)[: HEADER + len(SOUND)])
    wav, mended = mend_wav(path)
    assert mended
    assert wav.samples == wav.held == len(SOUND) // sides
    assert path.read_bytes() == wav_bytes(SOUND, sides)
    assert mend_wav(path)[1] is False


@pytest.mark.parametrize("cut", range(1, 8))
def test_half_a_sample_at_the_end_is_cut_off(tmp_path, cut):
    path = write_file(tmp_path / "a.wav", wav_bytes(SOUND)[:-cut])
    whole = (len(SOUND) - cut) // 2 * 2
    wav, mended = mend_wav(path)
    assert (wav.samples, mended) == (whole // 2, True)
    assert path.read_bytes() == wav_bytes(SOUND[:whole])


def test_one_side_of_odd_length_gets_its_pad_byte(tmp_path):
    path = write_file(tmp_path / "a.wav", wav_bytes(SOUND, 1, 0)[:-3])
    assert mend_wav(path)[0].samples == len(SOUND) - 3
    assert path.read_bytes() == wav_bytes(SOUND[:-3], 1)
    assert not mend_wav(path)[1]


def test_chunks_after_the_sound_are_not_taken_for_sound(tmp_path):
    data = wav_bytes(SOUND) + b"LIST" + (6).to_bytes(4, "little") + b"INFO  "
    path = write_file(tmp_path / "a.wav", data)
    wav, mended = mend_wav(path)
    assert (wav.samples, wav.held, mended) == (1280, 1280, False)
    assert path.read_bytes() == data


@pytest.mark.parametrize("size", range(HEADER))
def test_a_lost_header_is_an_error_and_not_a_guess(tmp_path, size):
    data = wav_bytes(SOUND)[:size]
    path = write_file(tmp_path / "a.wav", data)
    with pytest.raises(WavError):
        mend_wav(path)
    assert path.read_bytes() == data


def test_other_files_are_refused(tmp_path):
    whole = wav_bytes(SOUND)
    for data in (b"\0" * 4000, b"RIFX" + whole[4:], whole.replace(b"fmt ", b"xxxx")):
        with pytest.raises(WavError):
            read_wav(write_file(tmp_path / "a.wav", data))


def test_another_program_reads_a_mended_file(tmp_path):
    path = write_file(tmp_path / "a.wav", wav_bytes(SOUND, 2, 0))
    mend_wav(path)
    import soundfile

    info = soundfile.info(path)
    assert (info.frames, info.channels, info.samplerate, info.subtype) == (1280, 2, 8000, "ALAW")
