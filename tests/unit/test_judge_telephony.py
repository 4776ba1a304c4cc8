"""Room: tests of what the judges of tones, caller ID, R2, fax and echo make: their sounds and their
tables, without the rival and without a detector."""

import numpy as np
import pytest

from tests.judge import caller_id_signals, guard, r2
from tests.judge.corpus import SpeechMissingError
from tests.judge.echo_signals import HEADER, PATHS, css, path
from tests.judge.fax import sent
from tests.judge.national_tones import NATIONAL, shape, tone_sound
from tests.judge.oracle import OracleMissingError
from tests.judge.progress_learned import SEEDS, invented
from tests.judge.progress_rival import elements, table, tables, wide
from tests.judge.row import Row
from tests.judge.signals import MissingError, heard_as
from tests.judge.signals2 import (
    AbsentError,
    Samples,
    active,
    alaw,
    at_level,
    face,
    hear,
    level,
    noisy,
    silence,
    sine,
)


def strongest(sound: Samples, count: int) -> list[float]:
    """The `count` strongest frequencies, Hz, low to high, at least 18 Hz apart."""
    size = 1 << 16
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size))
    found: list[float] = []
    for index in np.argsort(power)[::-1]:
        hz = float(index * 8000 / size)
        if all(abs(hz - other) > 18 for other in found):
            found.append(hz)
        if len(found) == count:
            break
    return sorted(found)


def test_levels_are_dbm0() -> None:
    assert level(sine(1000, 1000, -10)) == pytest.approx(-10, abs=0.01)
    rng = np.random.default_rng(1)
    assert level(noisy(rng, silence(4000), -30)) == pytest.approx(-30, abs=0.1)
    half = np.concatenate([sine(500, 1000, -12), silence(1000)])
    assert active(half) == pytest.approx(-12, abs=0.1)
    assert active(at_level(half, -25)) == pytest.approx(-25, abs=0.1)


@pytest.mark.parametrize("country", sorted(NATIONAL))
def test_national_tones_sound_as_they_are_written(country: str) -> None:
    rng = np.random.default_rng(2)
    for name, text in NATIONAL[country].readings():
        of = shape(text)
        made = tone_sound(of, 4000, -12, rng)
        loud = np.abs(made) > 0
        if not of.on_off_ms:
            assert loud.mean() > 0.98, name
        else:
            on, off = (sum(times) for times in zip(*of.on_off_ms, strict=True))
            assert loud.mean() == pytest.approx(on / (on + off), abs=0.02)
        if of.hz and not of.modulation_hz:
            first = made[: round(8 * (of.on_off_ms[0][0] if of.on_off_ms else 500))]
            if len(first) > 1500:
                assert np.allclose(strongest(first, len(of.hz)), of.hz, atol=3), name


def test_the_rivals_narrow_table_is_ten_percent_around() -> None:
    assert elements(shape("450 350/350")) == [(450, 0, 315, 385), (0, 0, 315, 385)]
    sit = elements(shape("950>1400>1800"))
    assert [row[0] for row in sit] == [950, 1400, 1800, 0]


def test_the_rivals_wide_table_leaves_room_for_its_own_step() -> None:
    assert elements(shape("450 100/1000"), wide) == [(450, 0, 54, 146), (0, 0, 884, 1116)]
    assert elements(shape("350+440 20/20"), wide)[0] == (350, 440, 1, 66), "never less than 1 ms"


def test_a_steady_tone_outlasts_every_burst_of_the_rivals_table() -> None:
    plan = {"dial": shape("440"), "ringback": shape("440 1500/3500")}
    assert table(plan, wide)["dial"] == [(440, 0, 1500 + 166 + 16, 0)]
    assert table({"dial": plan["dial"]}, wide)["dial"] == [(440, 0, 1300, 0)]


def test_the_rival_is_also_asked_without_what_hinders_it() -> None:
    plan = {"dial": shape("440"), "sit": shape("950>1400>1800")}
    assert [sorted(one) for one in tables(plan)] == [["dial", "sit"]] * 3 + [["dial"]] * 3
    assert len(tables({"dial": plan["dial"]})) == 3


def test_caller_id_bits_are_those_of_the_message() -> None:
    message = caller_id_signals.whole(caller_id_signals.sdmf(b"03171656", b"2156430144"))
    assert message[-1] == 0x4F
    assert sum(message) % 256 == 0
    bits = caller_id_signals.bits_of(message, seizure=4, marks=3, tail=2)
    assert bits[:7] == [0, 1, 0, 1, 1, 1, 1]
    frame = bits[7:17]
    assert frame[0] == 0
    assert frame[9] == 1
    assert sum(bit << i for i, bit in enumerate(frame[1:9])) == 0x04
    assert len(bits) == 4 + 3 + 10 * len(message) + 2


@pytest.mark.parametrize("standard", ["bell202", "v23"])
def test_fsk_has_the_standards_frequencies_and_twist(standard: str) -> None:
    mark, space = caller_id_signals.MARK_SPACE_HZ[standard]
    for bit, hz, dbm0 in ((1, mark, -23.0), (0, space, -17.0)):
        made = caller_id_signals.fsk([bit] * 400, standard, -20.0, twist_db=6.0)
        assert strongest(made, 1)[0] == pytest.approx(hz, abs=1)
        assert level(made) == pytest.approx(dbm0, abs=0.05)
    assert len(caller_id_signals.fsk([1] * 1200, standard, rate=1.03)) == pytest.approx(
        8000 / 1.03, abs=1)


def test_r2_signals_are_the_table_of_q441() -> None:
    pairs = [tuple(sorted(strongest(r2.signal("forward", n, 500), 2))) for n in range(1, 16)]
    assert np.allclose(pairs[0], (1380, 1500), atol=2)
    assert np.allclose(pairs[9], (1740, 1860), atol=2)
    assert np.allclose(pairs[14], (1860, 1980), atol=2)
    assert len({tuple(np.round(pair, -1)) for pair in pairs}) == 15
    assert np.allclose(strongest(r2.signal("backward", 2, 500), 2), (900, 1140), atol=2)


def test_fax_tones_have_their_modulation_and_reversals() -> None:
    plain, turned = sent("ced", 900), sent("ans_pr", 900)
    assert np.allclose(plain[:3600], turned[:3600])
    assert np.allclose(plain[3600:7200], -turned[3600:7200])
    peaks = np.abs(sent("ansam", 1000)).reshape(-1, 40).max(axis=1)
    assert peaks.max() / peaks.min() == pytest.approx(1.2 / 0.8, rel=0.03)
    assert (np.abs(sent("cng", 3500)) > 0).mean() == pytest.approx(1 / 7, abs=0.01)


def test_invented_countries_keep_the_ranges_of_q35() -> None:
    for seed in SEEDS:
        one = invented(seed)
        (on, off), = one.tones["ringback"].on_off_ms
        assert 670 <= on <= 1500
        assert 3000 <= off <= 5000
        busy, fast = (sum(one.tones[n].on_off_ms[0]) for n in ("busy", "congestion"))
        assert 300 <= fast < busy <= 1100
        assert invented(seed) == one


@pytest.mark.skipif(not HEADER.exists(), reason="libspandsp-dev is not installed")
def test_echo_paths_lose_nothing_of_the_composite_source_signal() -> None:
    sound = css(np.random.default_rng(9), 3.0, -10.0)
    assert level(sound) == pytest.approx(-10, abs=0.01)
    for name in PATHS:
        back = np.convolve(sound, path(name))[: len(sound)]
        assert level(back) == pytest.approx(-10, abs=0.5)


def test_hear_brings_what_is_found_back_to_its_sound() -> None:
    class Thing:
        def __init__(self, line: int, size: int) -> None:
            self.line, self.size = line, size

    def find(sound: np.ndarray) -> list[Thing]:
        return [Thing(i, int(np.count_nonzero(row))) for i, row in enumerate(sound)]

    sounds = [np.ones(n, np.int16) for n in (5, 300, 20, 7)] * 6
    found = hear(find, sounds)
    assert [[t.size for t in row] for row in found] == [[len(s)] for s in sounds]


def test_rows_hold_pythons_own_numbers() -> None:
    def part(quick: bool) -> object:
        yield Row("g", "n", "", np.float64(1.5), np.int64(2), limit=None)

    row, = guard.guarded("g", (part,), quick=True)
    assert (type(row.ours), type(row.theirs), row.limit) == (float, float, None)
    assert (row.ours, row.theirs) == (1.5, 2.0)


def test_a_part_that_breaks_is_a_row_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    def absent(quick: bool) -> object:
        """Something not there."""
        face("no_such_module", "find")
        yield Row("g", "never", "", 1.0)

    def broken(quick: bool) -> object:
        """Something that breaks."""
        yield Row("g", "one", "", 1.0)
        raise ValueError("no")

    rows = list(guard.guarded("g", (absent, broken), quick=True))
    assert [row.name for row in rows] == ["Something not there", "one", "Something that breaks"]
    assert rows[0].verdict == "fail"
    assert "no_such_module" in rows[0].note
    assert rows[2].verdict == "fail"
    assert "ValueError: no" in rows[2].note
    assert "ValueError" in capsys.readouterr().err
    with pytest.raises(AbsentError, match="find"):
        face("lanes", "find")


@pytest.mark.parametrize("error", [OracleMissingError("no library"), MissingError("no sox"),
                                   SpeechMissingError("no network")])
def test_a_part_that_lacks_something_cannot_be_told(error: Exception) -> None:
    def lacking(quick: bool) -> object:
        """Something that needs more."""
        raise error
        yield

    row, = guard.guarded("g", (lacking,), quick=True)
    assert row.verdict == "info"
    assert row.note == f"can't tell: {error}"


def test_the_judges_alaw_is_their_own_reading() -> None:
    value = np.arange(-32768, 32768).astype(np.float64)
    assert (alaw(value) == heard_as("alaw")).all()
    assert (alaw(np.array([1e6, -1e6])) == heard_as("alaw")[[-1, 0]]).all()
