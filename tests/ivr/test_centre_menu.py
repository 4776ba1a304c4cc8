"""What callers are asked, in virtual time on the simulated card."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from ivr.record import (
    AccountTold,
    CallEnded,
    CallOffered,
    Digits,
    RecordingEnded,
    SegmentStarted,
    VoicemailSaved,
)
from ivr.record.wav import read_wav

from .centre_kit import ACCOUNT, Left, Place, live, now_s

ACCOUNTS = 'account_file = "accounts.csv"\n'


def accounts(folder: Path) -> str:
    (folder / "accounts.csv").write_text(f"number,balance\n{ACCOUNT},24.05\n")
    return "[ivr]\n" + ACCOUNTS


async def welcomed(place: Place, keys: str = "1") -> None:
    """A caller who has been answered and has keyed this."""
    await place.caller().dial()
    await place.diary.until(SegmentStarted, kind="ivr")
    await asyncio.sleep(1.0)
    await place.caller().press(keys)


def keyed(left: Left, node: str) -> list[str]:
    return [event.text for event in left.of(Digits, node=node)]


def ended(left: Left) -> CallEnded:
    (event,) = left.of(CallEnded)
    assert isinstance(event, CallEnded)
    return event


def test_the_first_key_stops_the_welcome(tmp_path):
    """Language and menu in less time than the welcome takes."""
    took = []

    async def play(place: Place) -> None:
        await welcomed(place)
        began = now_s()
        await place.diary.until(Digits, node="language")
        await asyncio.sleep(0.5)
        await place.caller().press("2")
        await place.diary.until(Digits, node="main")
        took.append(now_s() - began)
        place.caller().hang_up()
        await place.at_rest()

    left = live(tmp_path, play)
    assert took[0] < 1.5
    assert (keyed(left, "language"), keyed(left, "main")) == (["1"], ["2"])


def test_keys_typed_ahead_are_not_lost(tmp_path):
    async def play(place: Place) -> None:
        await welcomed(place, "21")
        await place.diary.until(Digits, node="main")
        place.caller().hang_up()
        await place.at_rest()

    left = live(tmp_path, play)
    assert (keyed(left, "language"), keyed(left, "main")) == (["2"], ["1"])


def test_who_keys_nothing_is_asked_again_and_let_go(tmp_path):
    async def play(place: Place) -> None:
        await place.caller().dial()
        await place.diary.until(CallEnded)
        await place.caller().until_cleared()
        await place.at_rest()

    left = live(tmp_path, play)
    assert (ended(left).side, ended(left).cause) == ("us", 16)
    assert left.figures.refused == 1
    assert left.of(Digits) == []


def test_wrong_keys_are_counted(tmp_path):
    """Three of them, each heard, and goodbye."""

    async def play(place: Place) -> None:
        await welcomed(place)
        await place.diary.until(Digits, node="language")
        for _ in range(3):
            await asyncio.sleep(0.5)
            await place.caller().press("9")
            await place.diary.until(Digits, node="main")
        await place.diary.until(CallEnded)
        await place.caller().until_cleared()
        await place.at_rest()

    left = live(tmp_path, play)
    assert keyed(left, "main") == ["9", "9", "9"]
    assert (ended(left).side, left.figures.refused) == ("us", 1)


def test_wrong_keys_lead_to_an_agent_where_the_centre_wants_it(tmp_path):
    async def play(place: Place) -> None:
        await welcomed(place)
        for _ in range(2):
            await asyncio.sleep(0.5)
            await place.caller().press("9")
        await place.diary.until(SegmentStarted, kind="ring")
        place.caller().hang_up()
        await place.at_rest()

    left = live(tmp_path, play, '[ivr]\nafter_retries = "agent"\nmax_retries = 2\n')
    assert left.figures.abandoned == 1


def test_star_says_the_menu_again_and_is_no_error(tmp_path):
    async def play(place: Place) -> None:
        await welcomed(place)
        for _ in range(4):
            await asyncio.sleep(0.5)
            await place.caller().press("*")
            await place.diary.until(Digits, node="main")
        await asyncio.sleep(0.5)
        await place.caller().press("2")
        await place.diary.until(Digits, node="main", text="2")
        place.caller().hang_up()
        await place.at_rest()

    left = live(tmp_path, play)
    assert keyed(left, "main") == ["*", "*", "*", "*", "2"]


def test_an_account_is_read_back_and_its_balance_told(tmp_path):
    async def play(place: Place) -> None:
        await welcomed(place, "11")
        await place.diary.until(Digits, node="main")
        await asyncio.sleep(0.5)
        await place.caller().press(ACCOUNT + "#")
        await place.diary.until(Digits, node="account")
        await asyncio.sleep(0.5)
        await place.caller().press("1")
        await place.diary.until(Digits, node="confirm")
        assert place.centre.figures().accounts == 1
        await asyncio.sleep(6.0)  # the balance, and the menu again
        await place.caller().press("9")
        await place.diary.until(Digits, node="main")
        place.caller().hang_up()
        await place.at_rest()

    left = live(tmp_path, play, accounts(tmp_path))
    assert keyed(left, "account") == [ACCOUNT]
    assert (left.figures.served, left.figures.abandoned) == (1, 0)


CARD = "4000001234567899"  # no card: right by its check digit, of the length of one


@pytest.mark.parametrize(("number", "written"), [
    (ACCOUNT[:-1] + "8", "xxxx3038"), ("18", "xx"), (CARD, "xxxxxxxxxxxx7899"),
], ids=["check digit", "not ours", "a card"])  # fmt: skip
def test_a_wrong_account_is_asked_for_again_and_not_written_down(tmp_path, number, written):
    async def play(place: Place) -> None:
        await welcomed(place, "11")
        await place.diary.until(Digits, node="main")
        for keys in (number + "#", "#", ACCOUNT + "#"):
            await asyncio.sleep(0.5)
            await place.caller().press(keys)
            await asyncio.sleep(0.5)
        await place.diary.until(Digits, node="account", text=ACCOUNT)
        await asyncio.sleep(0.5)
        await place.caller().press("1")
        await place.diary.until(Digits, node="confirm")
        place.caller().hang_up()
        await place.at_rest()

    left = live(tmp_path, play, accounts(tmp_path))
    assert keyed(left, "account") == [written, ACCOUNT]
    assert [one.masked for one in left.of(Digits, node="account")] == [True, False]
    assert left.figures.accounts == 1
    assert left.of(AccountTold) == [AccountTold("1-000001", balance=True)]


def test_a_long_number_is_masked_even_if_it_is_ours(tmp_path):
    async def play(place: Place) -> None:
        await welcomed(place, "11")
        await place.diary.until(Digits, node="main")
        await asyncio.sleep(0.5)
        await place.caller().press(CARD + "#")
        await place.diary.until(Digits, node="account")
        await asyncio.sleep(0.5)
        await place.caller().press("1")
        await place.diary.until(AccountTold)
        place.caller().hang_up()
        await place.at_rest()

    settings = accounts(tmp_path)
    (tmp_path / "accounts.csv").write_text(f"number,balance\n{CARD},24.05\n")
    left = live(tmp_path, play, settings)
    assert keyed(left, "account") == ["xxxxxxxxxxxx7899"]
    assert [one.outcome for one in left.of(CallEnded)] == ["served"]
    assert not any(CARD.encode() in one.read_bytes() for one in tmp_path.rglob("*.jsonl"))


def test_an_account_that_is_not_confirmed_is_asked_for_again(tmp_path):
    async def play(place: Place) -> None:
        await welcomed(place, "11")
        await place.diary.until(Digits, node="main")
        for answer in "21":
            await asyncio.sleep(0.5)
            await place.caller().press(ACCOUNT + "#")
            await place.diary.until(Digits, node="account")
            await asyncio.sleep(0.5)
            await place.caller().press(answer)
            await place.diary.until(Digits, node="confirm", text=answer)
        place.caller().hang_up()
        await place.at_rest()

    left = live(tmp_path, play)
    assert keyed(left, "account") == ["xxxx3037", "xxxx3037"]  # there is no account file
    assert left.of(AccountTold) == [AccountTold("1-000001", balance=False)]


async def speaks(place: Place, seconds: int) -> None:
    """Says something after the tone: a prompt's recording is speech."""
    await place.diary.until(SegmentStarted, kind="voicemail")
    await asyncio.sleep(0.5)  # the tone
    sound = place.centre.catalogue.audio("goodbye", "zh")
    speech = (sound * 20)[: 8000 * seconds]
    await place.caller().phone.play(speech)


def saved(left: Left) -> list[VoicemailSaved]:
    return left.of(VoicemailSaved)


def test_a_message_ended_by_the_hash_key(tmp_path):
    async def play(place: Place) -> None:
        await welcomed(place, "12")
        await speaks(place, 4)
        await place.caller().press("#")
        await place.diary.until(VoicemailSaved)
        await place.diary.until(CallEnded)
        await place.caller().until_cleared()
        await place.at_rest()

    left = live(tmp_path, play)
    (message,) = saved(left)
    assert read_wav(left.folder / message.path).samples == message.samples
    assert 4.0 < message.samples / 8000 < 6.0
    assert (left.figures.served, left.figures.messages) == (1, 1)
    assert ended(left).side == "us"


def test_a_message_ended_by_silence(tmp_path):
    async def play(place: Place) -> None:
        await welcomed(place, "12")
        await speaks(place, 3)
        await place.diary.until(VoicemailSaved)
        place.caller().hang_up()
        await place.at_rest()

    (message,) = saved(live(tmp_path, play, "[ivr]\nmessage_silence_s = 2\n"))
    assert 4.5 < message.samples / 8000 < 7.0


def test_a_message_ended_by_its_longest_length(tmp_path):
    async def play(place: Place) -> None:
        await welcomed(place, "12")
        await speaks(place, 8)
        await place.diary.until(VoicemailSaved)
        place.caller().hang_up()
        await place.at_rest()

    (message,) = saved(live(tmp_path, play, "[ivr]\nmessage_max_s = 6\n"))
    assert message.samples == 6 * 8000


def test_a_message_ended_by_hanging_up_is_kept(tmp_path):
    async def play(place: Place) -> None:
        await welcomed(place, "12")
        await speaks(place, 6)
        place.caller().hang_up()
        await place.diary.until(VoicemailSaved)
        await place.at_rest()

    left = live(tmp_path, play)
    assert (left.figures.messages, left.figures.served) == (1, 1)
    assert ended(left).side == "far"


def test_silence_is_no_message(tmp_path):
    async def play(place: Place) -> None:
        await welcomed(place, "12")
        await place.diary.until(CallEnded)
        await place.caller().until_cleared()
        await place.at_rest()

    left = live(tmp_path, play, "[ivr]\nmessage_silence_s = 2\n")
    assert saved(left) == []
    assert left.figures.refused == 1


def test_each_call_has_one_recording_from_answer_to_end(tmp_path):
    async def play(place: Place) -> None:
        await welcomed(place)
        await asyncio.sleep(3.0)
        place.caller().hang_up()
        await place.at_rest()

    left = live(tmp_path, play)
    (recording,) = left.of(RecordingEnded)
    wav = read_wav(left.folder / recording.path)
    assert wav.sides == 2
    assert left.figures.recorded_s == pytest.approx(left.figures.leg_s, abs=0.04)
    assert recording.lost_samples == 0
    assert len(recording.blake2b) == 64


def test_of_a_recording_that_is_not_kept_there_is_the_hash(tmp_path):
    """The same call twice, once kept: the hash is the one of the sound in the file."""

    async def play(place: Place) -> None:
        await welcomed(place)
        await asyncio.sleep(3.0)
        place.caller().hang_up()
        await place.at_rest()

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    hashed = live(tmp_path / "a", play, '[record]\nrecordings = "hash"\n')
    kept = live(tmp_path / "b", play)
    (one,), (two,) = (left.of(RecordingEnded) for left in (hashed, kept))
    assert not list(hashed.folder.rglob("*.wav"))
    _, _, tail = (kept.folder / two.path).read_bytes().partition(b"data")
    sound = tail[4 : 4 + 2 * two.samples]
    assert one.samples == two.samples
    assert one.blake2b == hashlib.blake2b(sound, digest_size=32).hexdigest()


def test_the_offer_names_the_line(tmp_path):
    async def play(place: Place) -> None:
        await welcomed(place)
        place.caller().hang_up()
        await place.at_rest()

    left = live(tmp_path, play)
    (offer,) = left.of(CallOffered)
    assert offer.channel == "fxo0"
    assert offer.ani == "88000000"
