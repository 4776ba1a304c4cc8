"""A centre's file: what is read, and how each fault is told."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti_board.tones import PLANS
from ivr.config import DEFAULT, CentreConfig, ConfigError, RecordConfig, load

SEAT = '[[agent]]\nnumber = "801"\nport = "fxs0"\n'


def read(tmp_path: Path, text: str) -> CentreConfig:
    file = tmp_path / "centre.toml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def faults(tmp_path: Path, text: str) -> list[str]:
    """The findings, without the folder of the file."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    found = [str(one) for one in caught.value.findings]
    assert str(caught.value).splitlines() == found
    return [one.replace(f"{tmp_path}/", "") for one in found]


def test_the_default_is_sixteen_lines_one_e1_and_ten_seats():
    config = load(DEFAULT)
    assert config.board.url == "sim:fxo=16,fxs=10,e1=1"
    assert [agent.port for agent in config.agents] == [f"fxs{i}" for i in range(10)]
    assert len({agent.number for agent in config.agents}) == 10
    assert config.ivr.rings == 1
    assert config.record.recordings == "all"
    assert config.beside(config.ivr.account_file).is_file()
    assert config.beside(config.prompt.folder) is None


def test_what_a_file_leaves_out_has_the_documented_value(tmp_path):
    config = read(tmp_path, SEAT)
    assert (config.board.country, config.ivr.max_retries, config.queue.ring_s) == ("cn", 3, 20.0)
    assert config.agents[0].languages == ("zh", "en")
    assert config.record.folder == Path("records")


def test_a_whole_number_is_a_number_of_seconds(tmp_path):
    config = read(tmp_path, SEAT + "[queue]\nring_s = 12\n")
    assert config.queue.ring_s == 12.0


def test_an_unknown_key_gets_its_nearest_neighbour(tmp_path):
    assert faults(tmp_path, SEAT + "[queue]\nring_S = 12\n") == [
        "centre.toml:5: queue.ring_S: is no key of a centre; did you mean 'ring_s'?"
    ]


def test_an_unknown_table_is_told_with_its_line(tmp_path):
    assert faults(tmp_path, SEAT + "\n[quuee]\nring_s = 12\n") == [
        "centre.toml:5: quuee: is no table of a centre; did you mean 'queue'?"
    ]


@pytest.mark.parametrize(("line", "right"), [
    ("[ivr]\nrings = 1.5", "ivr.rings: should be a whole number, not 1.5"),
    ("[board]\necho_tail_ms = 20",
     "board.echo_tail_ms: should be 0 (off), or 16 to 64 ms in steps of 8, not 20"),
    ("[board]\nauto_level = 1", "board.auto_level: should be true or false, not 1"),
    ("[ivr]\nrings = true", "ivr.rings: should be a whole number, not true"),
    ("[ivr]\nrings = 0", "ivr.rings: should be 1 to 20 rings, not 0"),
    ("[ivr]\nfirst_key_s = nan", "ivr.first_key_s: should be 0.5 to 60 s, not nan"),
    ('[ivr]\nafter_retries = "agents"',
     "ivr.after_retries: should be one of goodbye, agent, not 'agents'; did you mean 'agent'?"),
    ('[board]\ncountry = "xx"',
     f"board.country: should be one of {', '.join(sorted(PLANS))}, not 'xx'"),
    ('[board]\nurl = "fxo=4"',
     'board.url: should be a board, as in "sim:fxo=16,fxs=10", not \'fxo=4\''),
    ('[record]\nrecordings = "1/0"',
     'record.recordings: should be "all", "hash" or "1/N" (a file of every N-th call), '
     "not '1/0'"),
    ("[record]\nfolder = 3", 'record.folder: should be a folder, as in "...", not 3'),
    ('[ivr]\naccount_file = "none.csv"', "ivr.account_file: there is no file 'none.csv'"),
    ('[prompt]\nfolder = "none"', "prompt.folder: there is no folder 'none'"),
])  # fmt: skip
def test_a_wrong_value_says_what_would_be_right(tmp_path, line, right):
    found = faults(tmp_path, SEAT + line + "\n")
    assert found == [f"centre.toml:5: {right}"]


BIG = "9" * 400


@pytest.mark.parametrize(("line", "right"), [
    (f"[ivr]\nrings = {BIG}", "ivr.rings: should be 1 to 20 rings, not a number that large"),
    (f"[queue]\nring_s = {BIG}", "queue.ring_s: should be 1 to 300 s, not inf"),
    (f"[queue]\nring_s = -{BIG}", "queue.ring_s: should be 1 to 300 s, not -inf"),
    ("[ivr]\nrings = 0x" + "f" * 6000,
     "ivr.rings: should be 1 to 20 rings, not a number that large"),
    ("[record]\nfolder = 0x" + "f" * 6000,
     'record.folder: should be a folder, as in "...", not a number that large'),
    ('[record]\nfolder = "a\\u0000b"',
     "record.folder: should not hold the character NUL, as 'a\\x00b' does"),
    ('[ivr]\naccount_file = "a\\u0000b"',
     "ivr.account_file: should not hold the character NUL, as 'a\\x00b' does"),
    ('[record]\nrecordings = "1/\uff13"',
     'record.recordings: should be "all", "hash" or "1/N" (a file of every N-th call), '
     "not '1/\uff13'"),
    ('[record]\nrecordings = "1/' + "3" * 5000 + '"', None),
    ('[board]\nurl = "sim:fxs=2"',
     "board.url: 'sim:fxs=2' has no outside line: nobody can call; "
     'add some, as in "sim:fxo=4,fxs=2"'),
    ('[board]\nurl = "sim:fxo=0,e1=0,fxs=2"',
     "board.url: 'sim:fxo=0,e1=0,fxs=2' has no outside line: nobody can call; "
     'add some, as in "sim:fxo=4,fxs=2"'),
])  # fmt: skip
def test_a_value_beyond_all_measure_is_a_finding(tmp_path, line, right):
    (found,) = faults(tmp_path, SEAT + line + "\n")
    assert found.startswith("centre.toml:5: ")
    assert right is None or found == f"centre.toml:5: {right}"


@pytest.mark.parametrize("text", [
    "[ivr]\nrings = " + "9" * 5001, "[ivr]\nrings = " + "[" * 100_000,
    "[ivr]\nrings = " + "{a=" * 50_000,
])  # fmt: skip
def test_a_file_that_breaks_the_parser_is_a_finding(tmp_path, text):
    (found,) = faults(tmp_path, SEAT + text + "\n")
    assert found.startswith("centre.toml: ")


@pytest.mark.parametrize("seat", [
    'number = "\uff18\uff10\uff11"\nport = "fxs0"', 'number = "1"\nport = "fxs1\uff10"',
    'number = "1"\nport = "fxs' + "1" * 5000 + '"',
])  # fmt: skip
def test_digits_are_ascii_and_few(tmp_path, seat):
    (found,) = faults(tmp_path, "[[agent]]\n" + seat + "\n")
    assert "should be" in found


def test_the_mark_that_some_editors_put_at_the_begin_is_no_fault(tmp_path):
    file = tmp_path / "centre.toml"
    file.write_bytes(b"\xef\xbb\xbf" + (SEAT + "[ivr]\nrings = 2\n").encode())
    assert load(file).ivr.rings == 2
    file.write_bytes(b"\xef\xbb\xbf[ivr]\nrings = 0\n" + SEAT.encode())
    with pytest.raises(ConfigError, match=r"centre\.toml:2: ivr\.rings"):
        load(file)


def test_a_card_that_does_not_say_what_it_has_is_asked_when_it_is_open(tmp_path):
    assert read(tmp_path, '[board]\nurl = "sim:"\n' + SEAT).board.url == "sim:"


def test_agents_are_told_apart(tmp_path):
    text = SEAT + '[[agent]]\nnumber = "801"\nport = "fxs0"\n'
    assert faults(tmp_path, text) == [
        "centre.toml:5: agent.number: '801' is taken by the agent of line 2",
        "centre.toml:6: agent.port: 'fxs0' is taken by the agent of line 3",
    ]


def test_a_port_that_the_board_lacks(tmp_path):
    text = '[board]\nurl = "sim:fxo=4,fxs=2"\n[[agent]]\nnumber = "1"\nport = "fxs2"\n'
    assert faults(tmp_path, text) == [
        "centre.toml:5: agent.port: 'sim:fxo=4,fxs=2' has fxs0 to fxs1, not 'fxs2'"
    ]


def test_a_board_of_another_kind_is_not_asked_before_it_is_open(tmp_path):
    text = '[board]\nurl = "lib:card.so"\n[[agent]]\nnumber = "1"\nport = "fxs99"\n'
    assert read(tmp_path, text).agents[0].port_number == 99


@pytest.mark.parametrize(("seat", "right"), [
    ('number = "801"', "agent.port: is missing"),
    ('number = "801"\nport = "fxo0"',
     "agent.port: should be an FXS port, as in \"fxs0\", not 'fxo0'"),
    ('number = 801\nport = "fxs0"', 'agent.number: should be text, as in "...", not 801'),
    ('number = "80a"\nport = "fxs0"', "agent.number: should be 1 to 12 digits, not '80a'"),
    ('number = "1"\nport = "fxs0"\nlanguages = ["fr"]',
     "agent.languages: should be some of zh, en, not fr"),
    ('number = "1"\nport = "fxs0"\nlanguages = "zh"',
     "agent.languages: should be a list, as in [\"zh\", \"en\"], not 'zh'"),
])  # fmt: skip
def test_a_wrong_seat(tmp_path, seat, right):
    (found,) = faults(tmp_path, "[[agent]]\n" + seat + "\n")
    assert found.partition(": ")[2] == right


def test_a_centre_without_seats(tmp_path):
    assert faults(tmp_path, "[ivr]\nrings = 2\n") == [
        "centre.toml: agent: there is none: a centre needs at least one [[agent]]"
    ]


def test_everything_is_told_at_once_in_the_order_of_the_file(tmp_path):
    text = '[board]\ncountry = "zz"\nurl = 3\n[ivr]\nringz = 2\nmax_retries = 99\n' + SEAT
    found = faults(tmp_path, text)
    assert [one.split(":")[1] for one in found] == ["2", "3", "5", "6"]


def test_a_file_that_is_not_toml_is_told_with_its_line(tmp_path):
    (found,) = faults(tmp_path, SEAT + "[queue\n")
    assert found.startswith("centre.toml:4: not TOML: ")


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'[ivr]\nname_en = "caf\xe9"\n')
    with pytest.raises(ConfigError, match="byte 20 is not UTF-8: save the file as UTF-8"):
        load(tmp_path / "latin.toml")


def test_a_table_in_the_place_of_a_list(tmp_path):
    found = faults(tmp_path, '[agent]\nnumber = "1"\nport = "fxs0"\n')
    assert found == [
        "centre.toml:1: agent: should be a list of tables, each begun with [[agent]]"
    ]


@pytest.mark.parametrize(("wish", "kept"), [
    ("all", [1, 2, 3, 4, 5, 6]), ("hash", []), ("1/3", [3, 6]), ("1/1", [1, 2, 3, 4, 5, 6]),
])  # fmt: skip
def test_which_recordings_are_kept(wish, kept):
    config = RecordConfig(recordings=wish)
    assert [call for call in range(1, 7) if config.keeps_file(call)] == kept


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(tmp_path_factory, text):
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_text(SEAT + text, encoding="utf-8", errors="replace")
    found: tuple[object, ...] = ()
    try:
        config = load(file)
    except ConfigError as error:
        found = error.findings
    assert found or config.agents
    assert all(str(file) in str(one) for one in found)
