"""The Python face of the R2 signals: what is made is heard, and wrong arguments are named."""

import numpy as np
import pytest

pytest.importorskip("cti_board._native._media", reason="the media plane is not built")
from cti_board.capability import Capabilities
from cti_board.dsp import fax, mf
from cti_board.hearing import Hearing

PAUSE = np.zeros(400, np.int16)


def spectrum_peaks(sound, count):
    """The strongest frequencies in Hz, one hertz apart at the least."""
    bins = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8000))
    found = []
    for _ in range(count):
        best = int(np.argmax(bins))
        found.append(best)
        bins[max(best - 40, 0) : best + 41] = 0
    return sorted(found)


@pytest.mark.parametrize("set_", mf.SETS)
def test_what_is_made_is_heard(set_):
    numbers = mf.SIGNALS_CN if set_ == "backward_cn" else mf.SIGNALS
    parts = [PAUSE]
    for number in numbers:
        parts += [mf.make_signal(number, set_, 60, -12.0), PAUSE]
    found = mf.find_signals(np.concatenate(parts), set_)
    assert [one.signal for one in found] == list(numbers)
    for place, one in enumerate(found):
        assert abs(one.begin - (400 + 880 * place)) <= 16
        assert one.end is not None
        assert abs(one.end - (880 + 880 * place)) <= 24
        assert one.level_dbm0 == pytest.approx(-12.0, abs=0.5)
        assert one.twist_db == pytest.approx(0.0, abs=0.5)
        assert one.line == 0


@pytest.mark.parametrize(
    ("set_", "number", "hz"),
    [("forward", 1, [1380, 1500]), ("forward", 15, [1860, 1980]), ("forward", 8, [1500, 1860]),
     ("backward", 1, [1020, 1140]), ("backward", 15, [540, 660]), ("backward_cn", 6, [780, 900])],
)  # fmt: skip
def test_the_frequencies_are_those_of_q441(set_, number, hz):
    sound = mf.make_signal(number, set_, 1000, -10.0)
    assert spectrum_peaks(sound.astype(float), 2) == hz
    assert sorted(mf.frequencies(number, set_)) == hz
    each = 32768 * 10 ** ((-10.0 - 3.14) / 20) / 2**0.5  # rms of a tone of -10 dBm0, ITU-T G.711
    assert np.sqrt(np.mean(sound.astype(float) ** 2)) == pytest.approx(each * 2**0.5, rel=0.01)


def test_lines_side_by_side_and_every_kind_of_sound():
    one = np.concatenate([PAUSE, mf.make_signal(4), PAUSE])
    two = np.concatenate([PAUSE, PAUSE, mf.make_signal(9)])
    both = np.stack([one, two])
    found = mf.find_signals(both)
    assert [(s.line, s.signal, s.end is None) for s in found] == [(0, 4, False), (1, 9, True)]
    assert mf.find_signals(both / 32768.0) == found
    assert mf.find_signals(np.zeros(0, np.int16)) == []


def test_a_stream_in_pieces_is_the_whole():
    parts = [PAUSE]
    for number in (3, 3, 15, 7):
        parts += [mf.make_signal(number), PAUSE]
    sound = np.concatenate(parts)[: 160 * 22]
    whole = mf.find_signals(sound)
    receiver, pieces = mf.MfReceiver(), []
    for start in range(0, len(sound), 320):
        pieces += receiver.feed(sound[start : start + 320])
    assert pieces + receiver.rest() == whole
    assert len(whole) == 4


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: mf.make_signal(0),
        lambda: mf.make_signal(16),
        lambda: mf.make_signal(7, "backward_cn"),
        lambda: mf.make_signal(1, "sideways"),  # type: ignore[arg-type]
        lambda: mf.make_signal(1, ms=0),
        lambda: mf.make_signal(1, level_dbm0=3.0),
        lambda: mf.find_signals(PAUSE, "sideways"),  # type: ignore[arg-type]
        lambda: mf.find_signals(np.zeros((17, 160), np.int16)),
        lambda: mf.find_signals(np.zeros(160, np.complex64)),
    ],
)
def test_wrong_arguments_are_named(wrong):
    with pytest.raises(ValueError, match=r"not|is "):
        wrong()


class Line(Hearing):
    """A line that keeps nothing: what is sent may not get so far."""

    capabilities = Capabilities(0)

    def _post(self, op, **args):
        raise AssertionError("it was sent")


@pytest.mark.parametrize("level_dbm0", [40.0, 0.5, -61.0, float("nan"), float("inf")])
def test_a_line_sends_at_the_levels_of_arrays(level_dbm0):
    line = Line()
    for send in (
        lambda: line.send_mf(1, "forward", level_dbm0=level_dbm0),
        lambda: line.send_fax_tone("cng", level_dbm0=level_dbm0),
        lambda: mf.make_signal(1, level_dbm0=level_dbm0),
        lambda: fax.make_fax_tone("cng", level_dbm0=level_dbm0),
    ):
        with pytest.raises(ValueError, match="-60 to 0"):
            send()


@pytest.mark.parametrize("ms", [-1, 3_600_001, 1 << 40])
def test_a_line_sends_as_long_as_arrays_can(ms):
    with pytest.raises(ValueError, match="0 to 3600000"):
        Line().send_fax_tone("ced", ms=ms)
    with pytest.raises(ValueError, match="1 to 3600000"):
        fax.make_fax_tone("ced", ms=ms)
