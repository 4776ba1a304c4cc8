"""Tones of facsimile and modems against ITU-T T.30, V.25 and V.8; signals from numpy, A-law."""

import hashlib

import numpy as np
import pytest

from tests.native import dsp_rig as rig
from tests.native.dsp_rig import ffi, lib

pytest.importorskip("cti_board._native._media", reason="the media plane is not built")
from cti_board.dsp import fax, lanes

HZ = {"cng": 1100, "ced": 2100, "ans_pr": 2100, "ansam": 2100, "ansam_pr": 2100, "ct": 1300}
MS = {"cng": 500, "ct": 600}
ANSWERS = ("ced", "ans_pr", "ansam", "ansam_pr")
LEAD_MS = 300
EVERY = pytest.mark.parametrize("kind", HZ)


def made(kind, rng, *, ms=None, dbm0=-15.0, off_hz=0.0, lead=LEAD_MS, tail=400.0,
         reversal_ms=450.0, reversal_deg=180.0, depth=0.2):  # fmt: skip
    """Silence, one tone (of a calling tone one burst) with random phases, silence."""
    n = round((ms or MS.get(kind, 1500)) * 8)
    t = np.arange(n) / rig.RATE
    phase = 2 * np.pi * (HZ[kind] + off_hz) * t + rng.uniform(0, 2 * np.pi)
    if kind.endswith("pr"):
        phase = phase + np.deg2rad(reversal_deg) * (np.arange(n) // round(reversal_ms * 8))
    x = rig.peak(dbm0) * np.sin(phase)
    if kind.startswith("ansam"):
        x = x * (1 + depth * np.sin(2 * np.pi * 15 * t + rng.uniform(0, 2 * np.pi)))
    return np.concatenate([rig.silence(lead), x, rig.silence(tail)])


def in_noise(signal, rng, dbm0):
    return signal + rig.noise(rng, len(signal), dbm0)


def heard(signals):
    found = [[] for _ in signals]
    for first in range(0, len(signals), rig.LANES):
        for one in fax.find_fax_tones(rig.lines(signals[first : first + rig.LANES])):
            found[first + one.line].append(one)
    return found


def kinds(signals):
    return [[one.kind for one in all_] for all_ in heard(signals)]


@EVERY
def test_begin_end_and_level(kind):
    rng = np.random.default_rng(1)
    leads = [LEAD_MS + rng.uniform(0, 20) for _ in range(16)]
    found = heard([made(kind, rng, lead=lead) for lead in leads])
    for lead, all_ in zip(leads, found, strict=True):
        assert [one.kind for one in all_] == [kind]
        end = lead + MS.get(kind, 1500)
        slack = 16 if "am" in kind else 8  # samples; the amplitude at the edges differs
        assert abs(all_[0].begin - lead * 8) <= slack
        assert abs(all_[0].end - end * 8) <= slack
        assert all_[0].level_dbm0 == pytest.approx(-15.0, abs=0.3)


@EVERY
@pytest.mark.parametrize("dbm0", [-43.0, -30.0, 0.0])  # ITU-T T.30, V.25: to -43 dBm
def test_levels(kind, dbm0):
    rng = np.random.default_rng(2)
    assert kinds([made(kind, rng, dbm0=dbm0) for _ in range(8)]) == [[kind]] * 8


@EVERY
def test_a_tone_far_too_soft_is_none(kind):
    rng = np.random.default_rng(3)
    assert kinds([made(kind, rng, dbm0=-52.0) for _ in range(4)]) == [[]] * 4


@EVERY
def test_frequencies(kind):
    """1100 +-38 Hz (T.30), 2100 +-15 Hz and 1300 +-15 Hz (V.25); 60 Hz off is no such tone."""
    rng, off = np.random.default_rng(4), 38.0 if kind == "cng" else 15.0
    right = [made(kind, rng, off_hz=sign * off) for sign in (-1, 1) for _ in range(4)]
    assert kinds(right) == [[kind]] * 8
    assert kinds([made(kind, rng, off_hz=f) for f in (-60.0, 60.0)]) == [[], []]


@EVERY
@pytest.mark.parametrize("snr_db", [5.0, 12.0])
def test_white_noise(kind, snr_db):
    rng, off = np.random.default_rng(5), 30.0 if kind == "cng" else 12.0
    signals = [
        in_noise(made(kind, rng, off_hz=rng.uniform(-off, off)), rng, -15.0 - snr_db)
        for _ in range(16)
    ]
    found = heard(signals)
    assert [[one.kind for one in all_] for all_ in found] == [[kind]] * 16
    begins = [abs(all_[0].begin - LEAD_MS * 8) for all_ in found]
    assert np.median(begins) <= 16  # 2 ms


@pytest.mark.parametrize(
    ("kind", "ms", "is_found"),
    [("cng", 425, True), ("cng", 575, True), ("cng", 380, False), ("cng", 640, False),
     ("cng", 3000, False), ("ct", 500, True), ("ct", 700, True), ("ct", 440, False),
     ("ct", 800, False)],
)  # fmt: skip
def test_lengths_of_bursts(kind, ms, is_found):
    rng = np.random.default_rng(6)
    assert kinds([made(kind, rng, ms=ms) for _ in range(4)]) == [[kind] if is_found else []] * 4


def test_calling_tones_are_told_burst_by_burst_from_the_first_one():
    rng = np.random.default_rng(7)
    line = np.concatenate([made("cng", rng, lead=10, tail=2990) for _ in range(3)])
    found = heard([line])[0]
    assert [one.kind for one in found] == ["cng"] * 3
    assert [round(one.begin / 8, -1) for one in found] == [10, 3510, 7010]
    bank = lanes.Bank("fax", 1, lib.ctb_fax_bank_arm)
    hits = bank.feed(rig.lines([line])[0])
    assert hits[0].kind == lib.CTB_EV_FAX_ON
    assert hits[0].at <= 8 * (10 + 500 + 40)  # the first burst's end and 40 ms


def test_a_burst_that_does_not_stand_alone_is_no_calling_tone():
    """A note of a melody: other notes before it or after it."""
    rng = np.random.default_rng(8)
    note = rig.tone((880.0,), 500, -15.0)
    burst = made("cng", rng, lead=0, tail=0)
    pause = rig.silence(400)
    for parts in ([note, burst, pause], [pause, burst, note], [note, burst, note]):
        assert kinds([np.concatenate(parts)]) == [[]]
    assert kinds([np.concatenate([pause, burst, pause])]) == [["cng"]]


def test_a_burst_with_harmonics_is_no_calling_tone():
    rng = np.random.default_rng(9)
    second = rig.tone((2200.0,), 500, -22.0)
    x = made("cng", rng)
    x[LEAD_MS * 8 : LEAD_MS * 8 + 4000] += second
    assert kinds([x]) == [[]]


@pytest.mark.parametrize("kind", ANSWERS)
def test_the_kind_is_told_as_soon_as_it_is_certain(kind):
    rng = np.random.default_rng(10)
    bank = lanes.Bank("fax", 8, lib.ctb_fax_bank_arm)
    hits = bank.feed(rig.lines([made(kind, rng, ms=3000) for _ in range(8)])[:8])
    first = [hit for hit in hits if hit.kind == lib.CTB_EV_FAX_ON]
    assert {hit.line for hit in first} == set(range(8))
    assert {hit.a for hit in first} == {fax.KINDS.index(kind) + 1}
    latest = 480 if kind.endswith("pr") else 520
    assert all(450 <= hit.at / 8 - LEAD_MS <= latest for hit in first)


@pytest.mark.parametrize("kind", ["ans_pr", "ansam_pr"])
@pytest.mark.parametrize("wrong", [{"reversal_ms": 425.0}, {"reversal_ms": 475.0},
                                   {"reversal_deg": 170.0}, {"reversal_deg": 190.0}])  # fmt: skip
def test_reversals_within_the_limits(kind, wrong):
    rng = np.random.default_rng(11)
    signals = [in_noise(made(kind, rng, **wrong), rng, -25.0) for _ in range(8)]
    assert kinds(signals) == [[kind]] * 8


@pytest.mark.parametrize("wrong", [{"reversal_ms": 300.0}, {"reversal_ms": 600.0},
                                   {"reversal_deg": 90.0}])  # fmt: skip
def test_what_is_no_reversal(wrong):
    rng = np.random.default_rng(12)
    found = kinds([made("ans_pr", rng, ms=3000, **wrong) for _ in range(4)])
    assert not any("ans_pr" in all_ for all_ in found)


def test_a_tone_joined_in_its_middle():
    rng = np.random.default_rng(13)
    for cut_ms in (100, 250, 400):
        x = made("ans_pr", rng, ms=3300, lead=0)[cut_ms * 8 :]
        assert kinds([x]) == [["ans_pr"]]


@pytest.mark.parametrize(("depth", "kind"), [(0.18, "ansam"), (0.22, "ansam"), (0.03, "ced")])
def test_depth_of_modulation(depth, kind):
    rng = np.random.default_rng(14)
    assert kinds([made("ansam", rng, depth=depth) for _ in range(4)]) == [[kind]] * 4


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_lost_packet_does_not_end_a_tone(kind):
    rng = np.random.default_rng(15)
    x = made(kind, rng, ms=3000)
    at = 8 * (LEAD_MS + 1600)
    x[at : at + 160] = 0
    assert kinds([x]) == [[kind]]


def test_a_tone_that_is_still_on_has_no_end():
    rng = np.random.default_rng(16)
    for kind in HZ:
        found = heard([made(kind, rng, tail=0)])[0]
        assert [(one.kind, one.end) for one in found] == [(kind, None)]


def test_call_progress_digits_and_noise_are_no_fax():
    rng = np.random.default_rng(17)
    signals = [
        rig.cadence((450.0,), ((1000, 4000),), 6000),
        rig.cadence((450.0,), ((350, 350),), 4000),
        rig.cadence((480.0, 620.0), ((500, 500),), 4000),
        rig.cadence((1400.0,), ((400, 600),), 4000),
        np.concatenate([rig.tone((f,), 330) for f in (950.0, 1400.0, 1800.0)] * 3),
        rig.cadence((1000.0,), ((500, 500),), 3000),
        rig.cadence((1209.0,), ((500, 500),), 3000),
        rig.cadence((2600.0,), ((500, 500),), 3000),
        np.concatenate([[*rig.dtmf(key, 500), *rig.silence(100)] for key in rig.KEYS]),
        rig.noise(rng, 24000, -20.0),
    ]
    assert kinds(signals) == [[]] * len(signals)


def melody(rng):
    """Ten seconds of notes, some of them C sharp 6 (1109 Hz) and E 6 (1319 Hz), with harmonics."""
    parts, made_ms = [], 0.0
    while made_ms < 10_000:
        ms = float(rng.uniform(150, 800))
        hz = 440 * 2 ** (int(rng.integers(3, 22)) / 12)
        decay = np.exp(-np.arange(round(ms * 8)) / rng.uniform(800, 8000))
        harmonics = [k for k in (1, 2, 3) if k * hz < 3600]
        note = sum(rig.tone((k * hz,), ms, -14.0 - 6 * k) for k in harmonics)
        parts += [note * decay, rig.silence(float(rng.choice([0, 0, 100])))]
        made_ms += ms
    return np.concatenate(parts)


def test_melodies_are_no_fax():
    rng = np.random.default_rng(20)
    assert kinds([melody(rng) for _ in range(16)]) == [[]] * 16


def test_our_own_sender_is_heard_and_ends_by_the_standard():
    for kind, length in (("ced", 24000), ("ans_pr", 26400), ("ansam", 40000), ("ansam_pr", 40000)):
        sound = fax.make_fax_tone(kind)
        assert len(sound) == length
        found = fax.find_fax_tones(np.concatenate([np.zeros(800, np.int16), sound]))
        assert [(one.kind, one.end) for one in found] == [(kind, None)]


def busy_lines(seed=18):
    rng, signals = np.random.default_rng(seed), []
    for _ in range(16):
        parts = [
            made(list(HZ)[int(rng.integers(6))], rng, ms=rng.choice([480, 550, 1200]),
                 dbm0=rng.uniform(-45, -5), off_hz=rng.uniform(-15, 15), lead=100,
                 tail=rng.uniform(60, 200))
            for _ in range(4)
        ]  # fmt: skip
        x = np.concatenate(parts)
        signals.append(in_noise(x, rng, rng.uniform(-60, -25)))
    return signals


def event_hash():
    hits = lanes.Bank("fax", 16, lib.ctb_fax_bank_arm).feed(rig.lines(busy_lines()))
    return f"{len(hits)} {hashlib.sha256(repr(hits).encode()).hexdigest()}"


@pytest.mark.parametrize("wish", rig.SETS)
def test_every_instruction_set_finds_the_same_events_at_the_same_samples(wish):
    words = rig.on_set(wish, "test_fax", "event_hash()")
    assert words == event_hash().split()
    assert int(words[0]) > 30


def test_lanes_are_alone_and_arming_forgets():
    codes = rig.lines(busy_lines())
    together = lanes.Bank("fax", 16, lib.ctb_fax_bank_arm).feed(codes)
    alone = lanes.Bank("fax", 1, lib.ctb_fax_bank_arm)
    for line in (2, 9):
        start = alone._at
        hits = alone.feed(codes[line])
        expected = [hit[1:] for hit in together if hit.line == line]
        assert [hit._replace(at=hit.at - start)[1:] for hit in hits] == expected
        alone.feed(codes[0][: 160 * 33])  # in the midst of something
        lib.ctb_fax_bank_arm(alone.handle, 0)


def test_a_lane_outside_the_mask_keeps_its_state():
    """Time stands still for it."""
    codes = rig.lines([made(kind, np.random.default_rng(19)) for kind in ("ced", "cng")])[:2]
    expected = lanes.Bank("fax", 2, lib.ctb_fax_bank_arm).feed(codes)
    split = lanes.Bank("fax", 2, lib.ctb_fax_bank_arm)
    cut = 160 * 31
    found = split.feed(codes[:, :cut])
    for mask in (2, 1):
        split._mask, split._at = mask, cut
        found += split.feed(codes[:, cut:])
    assert sorted(found) == sorted(expected)
    assert len(expected) == 4


def test_no_memory_for_a_bank_and_wrong_kinds_of_a_sender():
    out = ffi.new("ctb_fax_bank_t **")
    for allocation in range(2):
        lib.ctb_engine_fail_alloc(allocation)
        try:
            assert lib.ctb_fax_bank_alloc(out) == -12
        finally:
            lib.ctb_engine_fail_alloc(-1)
    lib.ctb_fax_bank_free(ffi.NULL)
    state = ffi.new("char[]", lib.ctb_fax_gen_size())
    generator = ffi.cast("ctb_fax_gen_t *", state)
    assert [lib.ctb_fax_gen_start(generator, tone, -1500, 0) for tone in (0, 7, -1)] == [-22] * 3
    assert lib.ctb_fax_gen_start(generator, 1, -1500, -1) == -22


@EVERY
def test_what_the_sender_makes(kind):
    """Frequency, level, bursts, reversals and modulation, measured without our detectors."""
    sound = fax.make_fax_tone(kind, 4000, -15.0).astype(float)
    assert len(sound) == 32000
    on = {"cng": 4000, "ct": 4800}.get(kind, 32000)
    period = {"cng": 28000, "ct": 18800}.get(kind, 32000)
    assert not np.any(sound[on:period])
    t = np.arange(3200) / rig.RATE
    phasors = [
        np.mean(sound[at : at + 3200] * np.exp(-2j * np.pi * HZ[kind] * (t + at / rig.RATE)))
        for at in (0, 3600)
    ]
    assert 2 * abs(phasors[0]) == pytest.approx(rig.peak(-15.0), rel=0.01)
    if kind in ANSWERS:
        turned = np.angle(phasors[1] / phasors[0], deg=True)
        assert abs(turned) == pytest.approx(180.0 if kind.endswith("pr") else 0.0, abs=1.0)
        envelope = np.abs(sound[:3200].reshape(-1, 40)).max(axis=1)
        depth = (envelope.max() - envelope.min()) / (envelope.max() + envelope.min())
        assert depth == pytest.approx(0.2 if "am" in kind else 0.0, abs=0.02)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: fax.make_fax_tone("beep"),
        lambda: fax.make_fax_tone("cng", ms=0),
        lambda: fax.make_fax_tone("cng", level_dbm0=3.0),
        lambda: fax.find_fax_tones(np.zeros((17, 160), np.int16)),
    ],
)
def test_wrong_arguments_are_named(wrong):
    with pytest.raises(ValueError, match=r"not|is "):
        wrong()
