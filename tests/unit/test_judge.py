"""Room: tests of the judges' harness: verdicts, table, JSON, exit codes, picture.  Measures
nothing; needs neither libspandsp nor a detector.
"""

import json

import numpy as np
import pytest

from tests.judge import __main__ as command
from tests.judge import oracle, picture, speed, table
from tests.judge.oracle import OracleMissingError
from tests.judge.row import Row


def row(ours=1.0, theirs=None, **more):
    return Row("group", "name", "dB", ours, theirs, **more)


@pytest.mark.parametrize(("made", "verdict"), [
    (row(limit=None), "info"),
    (row(5, limit=5), "pass"),
    (row(4.9, limit=5), "fail"),
    (row(5, limit=5, better="low"), "pass"),
    (row(5.1, limit=5, better="low"), "fail"),
    (row(None, limit=5), "fail"),
    (row(6, 7, limit=5), "pass"),
    (row(6, 7, limit=5, ahead=True), "fail"),
    (row(7, 7, limit=5, ahead=True), "pass"),
    (row(4, 3, limit=5, ahead=True), "fail"),
    (row(0, 0, better="low", ahead=True), "pass"),
    (row(1, 0, better="low", ahead=True), "fail"),
    (row(1, None, ahead=True), "info"),
    (table.absent("g", "n", "no face"), "fail"),
    (table.unknown("g", "n", "no network"), "info"),
])
def test_a_row_says_what_it_is_worth(made, verdict):
    assert made.verdict == verdict


@pytest.mark.parametrize(("made", "met"), [
    (row(5, 4, limit=5), (True, False)),
    (row(4, 6, limit=5), (False, True)),
    (row(0, 0, better="low", ahead=True), (True, True)),
    (row(2, 9, better="low", ahead=True), (True, False)),
    (row(5, None, limit=5), (True, None)),
    (row(5, 1, limit=4, ratio=True), (True, None)),
    (row(0.5, 1, ahead=True, ratio=True), (False, None)),
    (row(5, 9), (False, None)),
])
def test_the_rival_is_asked_the_same_and_only_where_it_was_measured(made, met):
    assert table.meets(made) == met
    assert made.compared == (met[1] is not None)


def test_the_rivals_sum_is_of_the_rows_on_which_it_was_measured():
    rows = [row(5, 4, limit=5), row(5, None, limit=5), row(6, 1, limit=4, ratio=True),
            row(4, 6, limit=5), row(1, 2)]
    counts = table.summary(rows)
    assert (counts["judged"], counts["met_ours"]) == (4, 3)
    assert (counts["compared"], counts["compared_ours"], counts["compared_theirs"]) == (2, 1, 1)
    assert ("ours meets 3 of the 4 rows that ask; of the 2 among them on which libspandsp was "
            "measured, ours meets 1, libspandsp 1") in table.summary_line(rows)


def test_a_row_without_the_rival_keeps_our_figure_and_says_why():
    blind = table.blinded(row(5, 3, limit=4, ahead=True, note="1 h"), "no library")
    assert (blind.ours, blind.theirs, blind.verdict) == (5, None, "pass")
    assert blind.note == "can't tell libspandsp's: no library; 1 h"
    assert table.exit_code([blind]) == table.CANNOT_TELL
    for same in (row(5, None, limit=4), table.unknown("g", "n", "offline")):
        assert table.blinded(same, "no library") == same


def test_exit_codes():
    good, bad, blind = row(5, limit=5), row(4, limit=5), table.unknown("g", "n", "offline")
    assert table.exit_code([good, row()]) == table.PASS == 0
    assert table.exit_code([good, bad, blind]) == table.FAIL == 1
    assert table.exit_code([good, blind]) == table.CANNOT_TELL == 2


@pytest.mark.parametrize(("value", "shown"), [
    (None, "-"), (0, "0"), (5.0, "5"), (2.345, "2.35"), (-27.55, "-27.6"), (1234.5, "1234"),
    (0.004, "0.00"),
])
def test_figures_have_the_digits_that_matter(value, shown):
    assert table.figure(value) == shown


def test_the_table_shows_every_row_and_what_it_asks():
    rows = [row(6, 5, limit=4, ahead=True, source="Q.24", synthetic=0.0),
            Row("other", "speed", "x", 4.2, 1.0, 4, rival="a table", ratio=True),
            table.unknown("talk-off", "speech", "no network")]
    text = table.text(rows)
    for words in ("≥ 4, not behind", "Q.24", "0 %", "100 %", "rival: a table", "4.20",
                  "can't tell: no network", "2 pass, 0 fail, 1 for information",
                  "ours meets 2 of the 2 rows", "of the 1 among them",
                  "1 could not be measured"):
        assert words in " ".join(text.split())


def test_json_holds_what_the_table_holds():
    rows = [row(np.int64(4), np.float32(5), limit=5, source="Q.24", note="why")]
    shown = json.loads(json.dumps(table.as_json(rows, quick=True)))
    assert shown["rows"] == [{
        "group": "group", "name": "name", "unit": "dB", "ours": 4, "theirs": 5,
        "rival": "libspandsp", "limit": 5, "better": "high", "ahead": False, "ratio": False,
        "verdict": "fail", "synthetic": 1.0, "source": "Q.24", "note": "why",
    }]
    assert shown["quick"] is True
    assert shown["summary"] == {"pass": 0, "fail": 1, "info": 0, "unknown": 0, "judged": 1,
                                "met_ours": 0, "compared": 1, "compared_ours": 0,
                                "compared_theirs": 1}


# ---- the command ----


def judges(monkeypatch, **modules):
    """Puts judges in the place of the real ones, and a rival that is there."""

    class Judge:
        def __init__(self, made):
            self.made = made

        def rows(self, quick):
            for one in self.made:
                if isinstance(one, Exception):
                    raise one
                yield one

    monkeypatch.setattr(command, "JUDGES", tuple(modules))
    monkeypatch.setattr(command, "find_spec", lambda name: name.rpartition(".")[2] in modules)
    monkeypatch.setattr(command, "import_module",
                        lambda name: Judge(modules[name.rpartition(".")[2]]))
    monkeypatch.setattr(command.oracle, "missing", lambda: "")


def words(tmp_path, *more):
    return [*more, "--json", str(tmp_path / "a/dsp.json"), "--picture", str(tmp_path / "dsp.png")]


@pytest.mark.parametrize(("ours", "code"), [(5, 0), (4, 1)])
def test_the_command_prints_writes_and_tells_by_its_exit_code(
        monkeypatch, tmp_path, capsys, ours, code):
    judges(monkeypatch, dtmf=[row(ours, 3, limit=5)], echo=[row(1, 1)])
    assert command.main(words(tmp_path)) == code
    out, err = capsys.readouterr()
    assert "group" in out
    assert err == "", "no bar where nobody looks"
    shown = json.loads((tmp_path / "a/dsp.json").read_text())
    assert [r["ours"] for r in shown["rows"]] == [ours, 1]
    assert (tmp_path / "dsp.png").read_bytes().startswith(b"\x89PNG")


def test_only_some_judges(monkeypatch, tmp_path, capsys):
    judges(monkeypatch, dtmf=[row(1)], echo=[row(2)])
    assert command.main(words(tmp_path, "--only", "echo", "--quick")) == 0
    shown = json.loads((tmp_path / "a/dsp.json").read_text())
    assert [r["ours"] for r in shown["rows"]] == [2]
    assert shown["quick"] is True
    assert command.main(words(tmp_path, "--only", "fish")) == 2
    assert "no judge 'fish'" in capsys.readouterr().err


def test_a_judge_that_breaks_is_a_row_that_fails(monkeypatch, tmp_path, capsys):
    judges(monkeypatch, dtmf=[row(1), ValueError("spoiled")], echo=[row(2)])
    assert command.main(words(tmp_path)) == 1
    assert "ValueError: spoiled" in capsys.readouterr().err
    shown = json.loads((tmp_path / "a/dsp.json").read_text())
    assert [r["note"] for r in shown["rows"]] == ["", "ValueError: spoiled", ""]


def test_without_the_rival_ours_is_judged_by_itself(monkeypatch, tmp_path, capsys):
    judges(monkeypatch, dtmf=[row(5, 0, limit=4), row(None, None), OracleMissingError("no sender")],
           echo=[row(3, None, limit=2)])
    monkeypatch.setattr(command.oracle, "missing", lambda: "no library")
    assert command.main(words(tmp_path)) == table.CANNOT_TELL
    assert "can't tell libspandsp's figures: no library" in capsys.readouterr().err
    shown = json.loads((tmp_path / "a/dsp.json").read_text())["rows"]
    assert [(r["ours"], r["theirs"]) for r in shown] == [
        (5, None), (None, None), (None, None), (3, None)]
    assert "no library" in shown[0]["note"]
    assert shown[2]["note"] == "can't tell: no sender"


def test_without_the_rival_a_row_of_ours_that_fails_is_told(monkeypatch, tmp_path):
    judges(monkeypatch, dtmf=[row(3, 9, limit=4)])
    monkeypatch.setattr(command.oracle, "missing", lambda: "no library")
    assert command.main(words(tmp_path)) == table.FAIL


def test_without_the_rival_its_ears_are_deaf_and_its_sender_raises(monkeypatch):
    monkeypatch.setattr(oracle, "_build", lambda: "no library")
    sound = np.ones((2, 800), np.int16)
    assert oracle.dtmf_heard(sound) == oracle.tones_heard(sound, {}) == []
    assert oracle.modem_tones_heard(sound, "cng") == oracle.r2_heard(sound, True) == []
    assert oracle.adsi_heard(sound) == []
    assert (oracle.cancel_echo(sound, sound) == sound).all()
    for send in (lambda: oracle.dtmf_sent("1"), lambda: oracle.adsi_sent(b"x"),
                 lambda: oracle.g711_decode(np.zeros(8, np.uint8))):
        with pytest.raises(OracleMissingError, match="no library"):
            send()


def test_speed_is_nothing_without_the_rival(monkeypatch):
    monkeypatch.setattr(oracle, "_build", lambda: "no library")
    (only,) = speed.rows(True)
    assert only.verdict == "info"
    assert "no library" in only.note


# ---- speed ----


def test_turns_are_of_one_length_and_the_best_counts():
    taken = {"slow": [0.8, 0.9, 0.8, 1.0], "quick": [0.1] + [0.2] * 8 + [0.1] * 8 + [0.3] * 8}
    turns = [lambda name=name: taken[name].pop(0) for name in taken]
    assert speed.best(turns, 3) == pytest.approx([0.8, 0.1])
    assert not any(taken.values()), "eight quick turns for each slow one"


# ---- the picture ----


def test_shares_of_groups_count_only_rows_that_ask_and_measured_both():
    rows = [Row("a", "1", "", 5, 4, 5), Row("a", "2", "", 5, 6, 5), Row("a", "3", "", 9, 9),
            Row("b", "4", "", 0, 3, better="low", ahead=True), Row("a", "5", "", 5, None, 5),
            Row("alone", "6", "", 5, None, 5), Row("ratio", "7", "", 5, 1.0, 4, ratio=True)]
    assert picture.shares(rows) == {"a": (1.0, 0.5, 2), "b": (1.0, 0.0, 1)}


def test_a_picture_has_a_panel_for_each_curve(tmp_path):
    curve = picture.Curve("noise", "dB", (0.0, 5.0), (0.2, 1.0), (0.0, 0.5), (5.0,))
    for count in (0, 1, 3):
        path = tmp_path / f"{count}.png"
        picture.draw([row(1, limit=1)], [curve] * count, path)
        assert path.read_bytes().startswith(b"\x89PNG")
