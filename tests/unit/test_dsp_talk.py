"""Talk on arrays: where it begins and ends, and what two directions make together."""

import numpy as np
import pytest

pytest.importorskip("cti_board._native._media", reason="the media plane is not built")
from cti_board.dsp.talk import TalkFinder, TalkLimits, TalkMeter, find_talk

RATE = 8000


def line(*parts: tuple[float, bool], dbm0: float = -20.0) -> np.ndarray:
    """(seconds, talks) one after the other; talk is a tone with a gap in each 250 ms."""
    peak = 10 ** ((dbm0 - 3.14) / 20)
    sound = []
    for seconds, talks in parts:
        t = np.arange(round(seconds * RATE)) / RATE
        sound.append(peak * np.sin(2 * np.pi * 500 * t) * (t % 0.25 < 0.2) * talks)
    return np.concatenate(sound).astype(np.float32)


def test_talk_is_given_from_its_first_to_its_last_sound():
    sound = line((1.0, False), (2.0, True), (1.0, False), (0.95, True), (2.0, False))
    first, second = find_talk(sound)
    assert abs(first.begin - 8000) <= 160
    assert first.end is not None
    assert abs(first.end - 23600) <= 160  # the last 50 ms of the tone are its gap
    assert abs(first.level_dbm0 + 20) < 0.5
    assert abs(second.begin - 32000) <= 160


def test_talk_that_goes_on_has_no_end_and_lines_are_told_apart():
    both = np.stack([line((0.5, False), (1.95, True)), line((2.45, False))])
    assert [(t.line, t.end) for t in find_talk(both)] == [(0, None)]
    assert [t.line for t in find_talk(both[::-1])] == [1]


@pytest.mark.parametrize("kind", [np.int16, np.float32, np.float64])
def test_kinds_of_sound_give_the_same(kind):
    sound = line((0.5, False), (1.0, True), (1.0, False))
    made = (sound * 32768).astype(kind) if kind is np.int16 else sound.astype(kind)
    assert len(find_talk(made)) == 1


def test_a_stream_in_pieces_is_the_whole():
    sound = line((0.5, False), (1.5, True), (1.0, False), (1.5, True), (1.0, False))
    finder = TalkFinder()
    pieces = [t for start in range(0, len(sound), 800) for t in finder.feed(sound[start:][:800])]
    assert pieces + finder.talking() == find_talk(sound)


def test_limits_are_followed_and_checked():
    sound = line((0.5, False), (1.0, True), (1.0, False), dbm0=-45)
    assert find_talk(sound) == []
    assert len(find_talk(sound, TalkLimits(on_dbm0=-50, off_dbm0=-54))) == 1
    for wrong in (
        {"on_dbm0": -50.0},
        {"on_dbm0": 9.0},
        {"min_ms": 0.0},
        {"hang_ms": float("nan")},
        {"off_dbm0": float("nan")},
    ):
        with pytest.raises(ValueError, match=r"dBm0|_ms"):
            TalkLimits(**wrong)


def test_lines_are_checked():
    for lines in (0, 17):
        with pytest.raises(ValueError, match="lines"):
            TalkFinder(lines)
    with pytest.raises(ValueError, match="lines"):
        TalkFinder(2).feed(np.zeros(160, np.int16))


def test_two_directions_make_talk_over_and_dead_air():
    rx = line((1.0, False), (3.0, True), (9.0, False), (2.0, True), (1.0, False))
    tx = line((3.0, False), (2.95, True), (9.05, False), (0.95, True), (0.05, False))
    meter = TalkMeter(dead_air_s=4.0)
    for start in range(0, len(rx), 1600):
        meter.feed(rx[start : start + 1600], tx[start : start + 1600])
    report = meter.report()
    assert report.samples == 16 * RATE
    assert abs(report.rx_s - 5.0) < 0.2
    assert abs(report.tx_s - 3.85) < 0.2
    assert abs(report.over_s - 1.0) < 0.15  # from 3 to 4 s
    [(begin, end)] = report.over
    assert abs(begin - 3 * RATE) <= 320
    assert abs(end - 4 * RATE) <= 640
    [(begin, end)] = report.dead
    assert abs(begin - 5.9 * RATE) <= 640
    assert abs(end - 13 * RATE) <= 320
    assert abs(report.dead_s - 7.1) < 0.15
    assert 0.5 < report.rx_share < 0.6


def test_a_call_without_a_word_is_one_dead_air():
    meter = TalkMeter(dead_air_s=2.0)
    silence = np.zeros(5 * RATE, np.int16)
    meter.feed(silence, silence)
    report = meter.report()
    assert report.dead == ((0, 5 * RATE),)
    assert (report.rx_s, report.over, report.rx_share) == (0, (), 0.5)


def test_the_meter_refuses_what_does_not_fit():
    meter = TalkMeter()
    with pytest.raises(ValueError, match="equally long"):
        meter.feed(np.zeros(160, np.int16), np.zeros(320, np.int16))
    with pytest.raises(ValueError, match="one line"):
        meter.feed(np.zeros((2, 160), np.int16), np.zeros((2, 160), np.int16))
    meter.feed(np.zeros(100, np.int16), np.zeros(100, np.int16))
    with pytest.raises(ValueError, match="last piece"):
        meter.feed(np.zeros(160, np.int16), np.zeros(160, np.int16))
    with pytest.raises(ValueError, match="dead_air_s"):
        TalkMeter(dead_air_s=0)
