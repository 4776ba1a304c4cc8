"""The instruments on signals with known answers, through A-law and in noise."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti_board.dsp import measure as m
from cti_board.dsp.measure.weighting_table import C_MESSAGE, PSOPHOMETRIC
from tests.native.dsp_rig import alaw_codes

RATE = 8000


def sine(hz, dbm0, seconds=1.0, phase=0.3):
    t = np.arange(round(seconds * RATE)) / RATE
    return 10 ** ((dbm0 - 3.14) / 20) * np.sin(2 * np.pi * hz * t + phase)


def noise(dbm0, seconds=2.0, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 10 ** ((dbm0 - 3.14) / 20) / 2**0.5, round(seconds * RATE))


def alaw(x):
    return alaw_codes(x * 32768)


# ---- level and sines ----


@settings(max_examples=60)
@given(
    hz=st.floats(200, 3700),
    dbm0=st.floats(-40, 2.5),
    phase=st.floats(0, 6.28),
    coded=st.booleans(),
)
def test_a_sine_is_found_with_its_frequency_and_level(hz, dbm0, phase, coded):
    x = sine(hz, dbm0, 0.5, phase)
    fit = m.fit_sine(alaw(x) if coded else x)
    assert fit.hz == pytest.approx(hz, abs=0.02 if coded else 1e-4)
    assert fit.level_dbm0 == pytest.approx(
        dbm0, abs=(0.1 if dbm0 > -30 else 0.3) if coded else 1e-3
    )
    if coded:
        assert 20 < fit.sinad_db < 50  # ITU-T G.712: quantising leaves 33 to 40 dB


def test_the_digital_milliwatt_is_0_dbm0():
    codes = np.frombuffer(m.digital_milliwatt(0.5), np.uint8)
    assert m.level(codes).value == pytest.approx(0, abs=0.01)
    fit = m.fit_sine(codes)
    assert fit.hz == pytest.approx(1000, abs=0.001)
    assert len(codes) == 4000


@pytest.mark.parametrize(("hz", "length"), [(1020.0, 8000), (1004.0, 8000), (1000.0, 8000)])
def test_a_test_tone_is_whole_cycles(hz, length):
    tone = m.test_tone(hz, -10.0, 1.0)
    assert tone.dtype == np.int16
    assert len(tone) == length
    assert (len(tone) * hz / RATE) % 1 == pytest.approx(0, abs=1e-9)
    again = m.fit_sine(np.tile(tone, 3))
    assert (again.hz, again.level_dbm0) == pytest.approx((hz, -10.0), abs=0.001)
    assert again.sinad_db > 75


@pytest.mark.parametrize(
    ("hz", "dbm0", "seconds", "word"),
    [(5, -10, 1, "hz"), (4000, -10, 1, "hz"), (1000, 4, 1, "level"), (1000, -10, 0, "seconds")],
)
def test_a_tone_that_cannot_be_made_is_refused(hz, dbm0, seconds, word):
    with pytest.raises(ValueError, match=word):
        m.test_tone(hz, dbm0, seconds)


def test_harmonics_are_measured():
    x = sine(1020, -10) + sine(2040, -50) + sine(3060, -53)
    results = {r.name: r for r in m.distortion(x)}
    assert results["THD"].value == pytest.approx(-38.2, abs=0.1)
    assert results["SINAD"].value == pytest.approx(38.2, abs=0.1)
    assert results["level"].value == pytest.approx(-10, abs=0.01)
    assert results["THD"].against(high=-30) == "pass"
    assert results["THD"].against(high=-40) == "fail"


def test_the_stated_uncertainty_of_the_frequency_holds():
    errors = []
    for seed in range(60):
        fit = m.fit_sine(sine(1020.37, -20, 0.25) + noise(-45, 0.25, seed))
        errors.append((fit.hz - 1020.37) / fit.hz_uncertainty)
    assert 0.75 < np.std(errors) < 1.3
    assert abs(np.mean(errors)) < 0.5


def test_what_cannot_be_measured_says_why():
    silent = np.zeros(RATE)
    for result in [*m.distortion(silent), m.level(silent), m.psophometric(silent), *m.hum(silent)]:
        assert result.value is None
        assert "silen" in result.reason
        assert result.against(low=0) == "can't measure"
        assert "can't measure" in str(result)
    loud = np.clip(sine(1020, 8), -1, 1)
    assert all("clipped" in r.reason for r in m.distortion(loud))
    assert "clipped" in m.c_message(loud).reason
    with pytest.raises(ValueError, match="at least 400"):
        m.fit_sine(np.zeros(100))
    with pytest.raises(ValueError, match="one line"):
        m.level(np.zeros((2, 800)))
    with pytest.raises(ValueError, match="finite"):
        m.level(np.array([0.0, np.nan]))
    with pytest.raises(ValueError, match="int32"):
        m.level(np.zeros(800, np.int32))


@pytest.mark.parametrize("seconds", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("off", [-40, -7, -1, 1, 12, 45])
def test_a_guess_that_is_off_finds_the_tone_near_it(off, seconds):
    fit = m.fit_sine(sine(1020, -10, seconds), 1020 + off)
    assert (fit.hz, fit.level_dbm0) == pytest.approx((1020, -10), abs=0.001)
    results = {r.name: r.value for r in m.distortion(sine(1020, -10, seconds), 1020 + off)}
    assert (results["frequency"], results["level"]) == pytest.approx((1020, -10), abs=0.001)


def test_a_tone_under_another_is_found_by_its_guess():
    both = sine(1020, -10) + sine(2500, -5)
    assert m.fit_sine(both).hz == pytest.approx(2500, abs=0.1)
    assert m.fit_sine(both, 1010).hz == pytest.approx(1020, abs=0.1)


@pytest.mark.parametrize("samples", [400, 1000, 8000])
def test_noise_is_no_tone(samples):
    for seed in range(40):
        x = noise(-20, samples / RATE, seed)
        for guess in (None, 1020):
            with pytest.raises(ValueError, match="there is no tone"):
                m.fit_sine(x, guess)
            assert all("there is no tone" in r.reason for r in m.distortion(x, guess))


def test_a_tone_as_loud_as_the_noise_is_measured():
    for seed in range(20):
        fit = m.fit_sine(sine(1020, -20) + noise(-20, 1.0, seed))
        assert fit.hz == pytest.approx(1020, abs=5 * fit.hz_uncertainty)
        assert fit.sinad_db == pytest.approx(3.0, abs=0.3)


@pytest.mark.parametrize("hz", [float("nan"), float("inf"), -1020.0, 0.0, 9.0, 4000.0])
def test_a_guess_that_is_no_frequency_is_refused(hz):
    for instrument in (m.fit_sine, m.fit_sine_at, m.distortion, m.find_slips):
        with pytest.raises(ValueError, match="hz is 10 to 3990"):
            instrument(sine(1020, -10), hz)


def test_what_is_no_sound_is_refused_by_distortion_too():
    for wrong, told in (
        (np.zeros((2, 8000)), "one line"),
        (np.zeros(100), "at least 400"),
        (np.full(8000, np.nan), "finite"),
        (np.zeros(8000, np.int32), "int32"),
    ):
        with pytest.raises(ValueError, match=told):
            m.distortion(wrong)
    with pytest.raises(ValueError, match="from the 2nd on"):
        m.distortion(sine(1020, -10), harmonics=1)


@pytest.mark.parametrize("coded", [False, True])
def test_lost_and_repeated_samples_are_counted(coded):
    x = m.test_tone(1020, -10, 3.0).astype(float) / 32768
    broken = np.delete(x, [5000, 12345, 12346])
    broken = np.insert(broken, 18000, broken[18000])
    found = m.find_slips(alaw(broken) if coded else broken, 1020)
    assert [s.samples for s in found] == [1, 2, -1]
    assert [s.at for s in found] == pytest.approx([5000, 12345, 18000], abs=160)
    assert m.find_slips(alaw(x) if coded else x, 1020) == []


def test_slips_of_another_tone_are_refused():
    with pytest.raises(ValueError, match="no steady tone of 1020"):
        m.find_slips(noise(-20), 1020)


# ---- noise ----


@pytest.mark.parametrize(
    ("table", "instrument", "zero"),
    [(PSOPHOMETRIC, m.psophometric, 0.0), (C_MESSAGE, m.c_message, 90.0)],
    ids=["O.41", "C-message"],
)
def test_weightings_are_those_of_their_tables(table, instrument, zero):
    for hz, db in table:
        if 60 <= hz < 3990:
            value = instrument(sine(hz, -20.0)).value
            assert value == pytest.approx(-20 + db + zero, abs=0.1), hz


def test_white_noise_weighs_what_its_bandwidth_says():
    values = [m.psophometric(noise(-50, 1.0, seed)) for seed in range(40)]
    spread = np.std([r.value for r in values])
    assert np.mean([r.uncertainty for r in values]) == pytest.approx(spread, rel=0.4)
    # ITU-T G.223: 3.1 kHz of white noise weighs 2.5 dB less; 4 kHz has 1.1 dB more of it
    assert np.mean([r.value for r in values]) == pytest.approx(-50 - 2.5 - 1.1, abs=0.2)


def test_an_idle_alaw_line_is_quieter_than_its_limit():
    rng = np.random.default_rng(5)
    codes = rng.choice(np.array([0xD5, 0x55], np.uint8), 16000)
    assert m.psophometric(codes).against(high=-65.0) == "pass"  # ITU-T G.712 clause 9.1


def test_hum_is_told_by_its_harmonics():
    x = sine(50, -45) + sine(150, -55) + noise(-60, 1.0)
    at50, at100, at150 = m.hum(x)
    assert (at50.value, at150.value) == pytest.approx((-45, -55), abs=0.3)
    assert at100.value < -80
    assert m.hum(sine(60, -40), 60.0)[0].value == pytest.approx(-40, abs=0.01)
    with pytest.raises(ValueError, match="45 to 65"):
        m.hum(x, 16.7)


def test_impulses_count_once_in_125_ms():
    x = noise(-65)
    x[[800, 900, 1500, 4000]] = 0.4
    found = m.impulses(x)
    assert (found.count, found.at, found.seconds) == (2, (800, 4000), 2.0)
    assert m.impulses(noise(-65)).count == 0


def test_gaps_in_sound_are_found_and_pauses_are_not():
    x = m.test_tone(1020, -10, 2.0).astype(float) / 32768
    x[3000:3020] = 0
    x[9000:9160] = x[9000]
    assert [(g.at, g.samples) for g in m.gaps(x)] == [(3000, 20), (9000, 160)]
    pause = np.concatenate([sine(500, -10, 0.5), np.zeros(800), noise(-60, 0.5)])
    assert m.gaps(pause) == []
    with pytest.raises(ValueError, match="at least 2"):
        m.gaps(x, 1)


@pytest.mark.parametrize("hz", [16.67, 25.0, 50.0, 60.0, 100.0])
def test_hum_in_alaw_is_no_gap_and_gaps_in_hum_are(hz):
    for dbm0 in range(-42, 0, 6):
        for phase in (0.0, 1.1, 2.9):
            x = sine(hz, dbm0, 0.5, phase)
            assert m.gaps(alaw(x)) == [], dbm0
    held = np.concatenate([x[:2000], np.full(160, x[2000]), x[2160:]])
    assert [abs(g.at - 2000) < 20 and g.samples >= 160 for g in m.gaps(alaw(held))] == [True]
    x = sine(hz, -12, 0.5) + sine(1020, -20, 0.5)
    x[2000:2020] = 0
    [gap] = m.gaps(alaw(x))
    assert (gap.at, gap.samples) == (2000, 20)


# ---- frequency response ----


def low_pass(x):
    """First order at 3000 Hz: 10 log10(1 + ...) is not exact in samples, so it is computed."""
    out, state = np.empty_like(x), 0.0
    for i, v in enumerate(x):
        state += 0.7 * (v - state)
        out[i] = state
    return out


def loss_of_low_pass(hz):
    z = np.exp(-2j * np.pi * np.asarray(hz) / RATE)
    return -20 * np.log10(np.abs(0.7 / (1 - 0.3 * z)))


@pytest.mark.parametrize("way", ["tones", "tones in A-law", "sweep"])
def test_a_filter_shows_its_response(way):
    if way == "sweep":
        sent = m.sweep(-10.0)
        back = low_pass(np.concatenate([np.zeros(777), sent / 32768, np.zeros(500)]))
        found, near = m.measure_sweep(sent, back), 0.05
    else:
        back = low_pass(m.multitone(-12.0, 2.0) / 32768)[1024:]
        found = m.measure_multitone(alaw(back) if "A-law" in way else back, -12.0)
        near = 0.2 if "A-law" in way else 0.01
    wanted = loss_of_low_pass(found.hz) - loss_of_low_pass(1020)
    inside = np.array(found.hz) <= 3400
    assert np.max(np.abs((np.array(found.loss_db) - wanted)[inside])) < near
    assert found.reference_db == pytest.approx(loss_of_low_pass(1020), abs=0.1)


def test_the_mask_tells_good_from_bad():
    flat = m.measure_multitone(alaw(m.multitone(-12.0, 2.0) / 32768)[1024:], -12.0)
    assert [r.against(low=0) for r in flat.against_g712()] == ["pass"] * 5
    tones = np.fft.rfft(m.multitone(-12.0, 2.0)[1024:] / 32768)
    tones[np.fft.rfftfreq(2 * len(tones) - 2, 1 / RATE) > 2450] *= 10 ** (-4 / 20)
    dull = m.measure_multitone(np.fft.irfft(tones), -12.0)
    verdicts = [r.against(low=0) for r in dull.against_g712()]
    assert verdicts[:3] == ["pass"] * 3
    assert verdicts[3:] == ["fail"] * 2


def test_noise_hides_tones_and_says_so():
    tones = m.multitone(-30.0, 2.0)[1024:] / 32768
    back = tones + noise(-25, 2.0)[: len(tones)]
    found = m.measure_multitone(back, -30.0)
    assert any(np.isnan(found.loss_db))
    assert "can't measure" in [r.against(low=0) for r in found.against_g712()]
    with pytest.raises(ValueError, match="did not come back"):
        m.measure_multitone(noise(-40), -30.0)
    with pytest.raises(ValueError, match="silent"):
        m.measure_sweep(m.sweep(-10, 1.0), np.zeros(9000))
    with pytest.raises(ValueError, match="at most -6"):
        m.multitone(0.0, 1.0)


def test_23_tones_keep_their_peak_low():
    tones = m.multitone(-12.0, 1.0)
    assert m.level(tones).value == pytest.approx(-12, abs=0.02)
    crest = np.abs(tones).max() / np.sqrt(np.mean(tones.astype(float) ** 2))
    assert 20 * np.log10(crest) < 8
    assert len(m.TONES_HZ) == 23
    assert (m.TONES_HZ[0], m.TONES_HZ[-1]) == (203.125, 3640.625)


# ---- echo path ----


def hybrid(delay, seed=1, loss_db=14.0, tail=40):
    rng = np.random.default_rng(seed)
    h = np.zeros(delay + tail)
    h[delay:] = rng.normal(size=tail) * np.exp(-np.arange(tail) / 8)
    h[delay] = 1.5
    return h * 10 ** (-loss_db / 20) / np.sqrt(np.sum(h**2))


@pytest.mark.parametrize("delay", [0, 3, 40, 250, 900])
@pytest.mark.parametrize("coded", [False, True])
def test_an_echo_path_is_found(delay, coded):
    h, sent = hybrid(delay), m.excitation(-15.0, 4)
    back = np.convolve(sent / 32768, h)[: len(sent)] + noise(-65, 3.0)[: len(sent)]
    path = m.measure_echo_path(alaw(back) if coded else back, -15.0)
    assert path.delay == delay
    assert 15 <= path.tail <= 45
    assert path.result("flat loss").value == pytest.approx(14.0, abs=0.1)
    assert np.max(np.abs(path.response[: len(h)] - h)) < 0.002
    gain = np.abs(np.fft.rfft(h, 8192)) ** 2
    hz = np.fft.rfftfreq(8192, 1 / RATE)
    band = (hz >= 560) & (hz <= 1965)
    erl = -10 * np.log10(gain[band].mean())
    assert path.result("ERL").value == pytest.approx(erl, abs=0.15)
    assert path.result("echo loss").value == pytest.approx(m.echo_loss(hz, gain), abs=0.15)


def test_a_recording_that_began_earlier_gives_the_same_delay():
    h, sent = hybrid(24), m.excitation(-15.0, 4)
    back = np.concatenate([np.zeros(1234), np.convolve(sent / 32768, h)])
    assert m.measure_echo_path(back, -15.0, at=1234).delay == 24
    with pytest.raises(ValueError, match="0 or more: -1234"):
        m.measure_echo_path(back, -15.0, at=-1234)


def test_echo_loss_of_a_flat_path_is_its_loss():
    hz = np.linspace(0, 4000, 4097)
    assert m.echo_loss(hz, np.full(4097, 0.01)) == pytest.approx(20.0, abs=0.001)


def test_no_echo_is_no_measurement():
    path = m.measure_echo_path(noise(-50, 2.0), -15.0)
    assert all(r.value is None and "nothing comes back" in r.reason for r in path.results)
    with pytest.raises(ValueError, match="needs 8192 samples"):
        m.measure_echo_path(np.zeros(5000), -15.0)
    with pytest.raises(ValueError, match="at most -5"):
        m.excitation(0.0, 3)


# ---- another program's tones ----


@pytest.mark.skipif(shutil.which("sox") is None, reason="sox is not installed")
@pytest.mark.parametrize("hz", [404.0, 1004.0, 2804.0])
def test_tones_of_sox_measure_as_sox_says(hz, tmp_path):
    file = tmp_path / "tone.raw"
    make = ["sox", "-D", "-n", "-r", "8000", "-b", "16", "-e", "signed", "-c", "1", str(file)]
    subprocess.run([*make, "synth", "1", "sine", str(hz), "gain", "-13.14"], check=True)
    fit = m.fit_sine(np.fromfile(file, "<i2"))
    assert (fit.hz, fit.level_dbm0) == pytest.approx((hz, -10.0), abs=0.01)


@pytest.mark.parametrize(
    "make",
    [
        lambda wrong: m.digital_milliwatt(wrong),
        lambda wrong: m.multitone(-12.0, wrong),
        lambda wrong: m.sweep(-10.0, wrong),
        lambda wrong: m.excitation(-15.0, wrong),
        lambda wrong: m.test_tone(1020.0, -10.0, wrong),
    ],
)
@pytest.mark.parametrize("wrong", [float("inf"), float("nan"), 1e12, 0.0, -1.0])
def test_no_instrument_sends_for_ever_or_not_at_all(make, wrong):
    with pytest.raises(ValueError, match=r"seconds|periods"):
        make(wrong)
