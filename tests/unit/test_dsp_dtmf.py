"""DTMF on numpy arrays: every administration's limits, streams, the sender, strange arguments.

The signals heard come from numpy, never from the sender under test, whose own digits are judged
by libspandsp and by their frequencies.
"""

from dataclasses import replace

import numpy as np
import pytest

from cti_board.dsp.dtmf import VARIANTS, DtmfLimits, DtmfReceiver, find_digits, make_digits
from cti_board.dsp.lanes import FRAME
from tests.native import dsp_rig as rig
from tests.native import spandsp_oracle
from tests.native.dsp_rig import KEYS

MS = 8

# ITU-T Q.24 (columns), ETSI ES 201 235-3 and YDN 065: levels accepted and gone (dBm0), frequency
# error accepted (%, with Hz beside it in EXTRA_HZ) and gone (%), twist high and low (dB), tone
# found and none, pause seen, break bridged (ms).  Where a source says nothing: what the others
# ask at most.
ASKED = {
    "att": (-25, -55, 1.5, 3.5, 4, 8, 40, 23, 40, 10),
    "ntt": (-24, -29, 1.8, 3.0, 5, 5, 40, 24, 30, 10),
    "dk": (-27, -36, 1.5, 7.0, 6, 6, 40, 20, 40, 20),
    "au": (-27, -30, 1.5, 7.0, 10, 10, 40, 25, 70, 12),
    "br": (-25, -50, 1.8, 3.0, 9, 9, 40, 20, 30, 10),
    "etsi": (-25, -55, 1.5, 7.0, 6, 6, 40, 20, 40, 20),
    "cn": (-23, -31, 1.8, 3.0, 6, 6, 40, 30, 40, 10),
    "itu": (-25, -29, 1.8, 3.0, 6, 8.5, 40, 24, 30, 20),
}

EXTRA_HZ = {"dk": 2.0, "etsi": 2.0, "au": 4.0}


def off_by(key: str, error: float, extra_hz: float, low: int, high: int) -> dict[str, float]:
    """Both tones of a key off by `error` (a part of 1) and some Hz more, up or down."""
    row, column = divmod(KEYS.index(key), 4)
    return {
        "low_off": low * (error + extra_hz / rig.LOW_HZ[row]),
        "high_off": high * (error + extra_hz / rig.HIGH_HZ[column]),
    }


def lines(make, seed: int = 1):
    """Sixteen lines, one key each: A-law of what `make(key, rng)` gives between silences."""
    rng = np.random.default_rng(seed)
    sounds = [
        np.concatenate([rig.silence(60), np.zeros(int(rng.integers(160))), make(key, rng)])
        for key in KEYS
    ]
    return rig.lines([np.concatenate([sound, rig.silence(80)]) for sound in sounds])


def heard(make, limits) -> list[str]:
    """What each of the sixteen lines heard."""
    found = [""] * 16
    for digit in find_digits(lines(make), limits):
        found[digit.line] += digit.key
    return found


def times(count: int) -> list[str]:
    return [key * count for key in KEYS]


@pytest.mark.parametrize("name", ASKED)
def test_every_administration_finds_its_digits(name):
    least, _, off, _, high, low, on, _, pause, broken = ASKED[name]
    limits = VARIANTS[name]

    def one(ms, **more):
        return lambda k, r: rig.dtmf(k, ms, phase=rig.phases(r), **more)

    assert heard(one(50, dbm0=least), limits) == times(1)
    extra = EXTRA_HZ.get(name, 0.0)
    for low_way, high_way in ((1, 1), (-1, -1), (1, -1), (-1, 1)):

        def bent(k, r, a=low_way, b=high_way):
            return rig.dtmf(k, 50, phase=rig.phases(r), **off_by(k, off / 100, extra, a, b))

        assert heard(bent, limits) == times(1)
    assert heard(one(50, dbm0=-20, twist_db=high), limits) == times(1)
    assert heard(one(50, dbm0=-10, twist_db=-low), limits) == times(1)
    assert heard(one(on), limits) == times(1)

    def two(gap, phase_jumps):
        def make(k, r):
            phase = rig.phases(r)
            later = rig.phases(r) if phase_jumps else phase
            return np.concatenate(
                [rig.dtmf(k, 50, phase=phase), rig.silence(gap), rig.dtmf(k, 50, phase=later)]
            )

        return make

    assert heard(two(pause, True), limits) == times(2)
    assert heard(two(broken, False), limits) == times(1)


@pytest.mark.parametrize("name", ASKED)
def test_every_administration_rejects_what_is_no_digit(name):
    _, gone, _, off, _, _, _, none, _, _ = ASKED[name]
    limits, error = VARIANTS[name], off / 100
    for low, high in ((error, error), (-error, -error), (error, 0), (0, -error)):
        assert heard(
            lambda k, r, a=low, b=high: rig.dtmf(k, 80, low_off=a, high_off=b), limits
        ) == times(0)
    assert heard(lambda k, r: rig.dtmf(k, 80, gone), limits) == times(0)
    assert heard(lambda k, r: rig.dtmf(k, none, phase=rig.phases(r)), limits) == times(0)


def test_every_row_is_tested_and_names_its_source():
    assert set(ASKED) == set(VARIANTS)
    assert all(limits.source for limits in VARIANTS.values())


def test_a_digit_says_where_it_was_and_how_strong():
    sound = np.concatenate([rig.silence(100), rig.dtmf("8", 60, -12, -3), rig.silence(60)])
    digit = find_digits(sound.astype(np.int16))[0]
    assert digit.key == "8"
    assert digit.line == 0
    assert abs(digit.begin - 100 * MS) <= 3 * MS
    assert digit.end is not None
    assert abs(digit.end - 160 * MS) <= 3 * MS
    assert digit.level_dbm0 == pytest.approx(-12, abs=0.5)
    assert digit.twist_db == pytest.approx(-3, abs=0.5)


def test_a_digit_that_is_still_on_has_no_end():
    found = find_digits(np.concatenate([rig.silence(20), rig.dtmf("4", 180)]).astype(np.int16))
    assert [(digit.key, digit.end) for digit in found] == [("4", None)]


def test_every_kind_of_sound_gives_the_same_digits():
    linear = np.concatenate([rig.silence(40), rig.dtmf("7", 60), rig.silence(60)]).astype(np.int16)
    codes = rig.alaw_codes(linear)
    expected = find_digits(rig.ALAW[codes])
    assert [digit.key for digit in expected] == ["7"]
    assert find_digits(codes) == expected
    assert find_digits(rig.ALAW[codes] / 32768.0) == expected


def test_a_stream_in_frames_is_the_whole():
    sound = rig.lines(rig.busy_lines())
    receiver, found = DtmfReceiver(16), []
    for start in range(0, sound.shape[1], 3 * FRAME):
        found += receiver.feed(sound[:, start : start + 3 * FRAME])
    found += receiver.rest()
    assert len(found) > 50
    assert sorted(found, key=lambda d: (d.begin, d.line)) == find_digits(sound)


@pytest.mark.parametrize(
    "field",
    [
        {"min_dbm0": 1},
        {"twist_high_db": -1},
        {"twist_low_db": 16},
        {"min_on_ms": 10},
        {"min_off_ms": 0},
        {"max_off_percent": 5},
        {"min_dbm0": float("nan")},
    ],
)
def test_limits_beyond_sense_are_refused(field):
    with pytest.raises(ValueError, match=next(iter(field))):
        replace(DtmfLimits(), **field)


def test_unknown_limits_and_too_many_lines_are_refused():
    with pytest.raises(ValueError, match="no DTMF limits 'xx'"):
        find_digits(np.zeros(160, np.int16), "xx")
    for count in (0, 17):
        with pytest.raises(ValueError, match="lines"):
            DtmfReceiver(count)


# ---- the sender ----


def test_the_sender_sends_the_frequencies_of_q23():
    sound = make_digits(KEYS, level_dbm0=-10, twist_db=3, on_ms=100, off_ms=20).astype(float)
    for n, key in enumerate(KEYS):
        tone = sound[n * 960 : n * 960 + 800]
        want = rig.dtmf(key, 100, -10, 3)
        assert np.abs(tone - want).max() < 2
        assert not sound[n * 960 + 800 : (n + 1) * 960].any()


def test_libspandsp_hears_what_is_sent():
    assert spandsp_oracle.dtmf_heard(spandsp_oracle.load(), make_digits(KEYS)) == KEYS


def test_the_sender_is_heard_again():
    sound = make_digits("12,3", level_dbm0=-20, twist_db=-4, on_ms=45, off_ms=45)
    found = find_digits(sound)
    assert [digit.key for digit in found] == ["1", "2", "3"]
    starts = [0, 90 * MS, 680 * MS]
    assert all(abs(d.begin - s) <= 3 * MS for d, s in zip(found, starts, strict=True))


def test_nothing_sent_is_nothing():
    assert len(make_digits("")) == 0


@pytest.mark.parametrize(
    ("text", "more", "what"),
    [
        ("12x4", {}, "character 3"),
        ("1\0", {}, "character 2"),
        ("中", {}, "character 1"),
        ("1" * 256, {}, "character 256"),
        ("1", {"level_dbm0": 4}, "dBm0"),
        ("1", {"twist_db": 40}, "twists"),
        ("1", {"on_ms": 0}, "times"),
        ("1", {"off_ms": -1}, "times"),
        ("1", {"on_ms": 10**9}, "times"),
    ],
)
def test_what_cannot_be_sent_is_refused(text, more, what):
    with pytest.raises(ValueError, match=what):
        make_digits(text, **more)
