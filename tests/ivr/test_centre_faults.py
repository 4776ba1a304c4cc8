"""What may go wrong around a call, in virtual time on the simulated card."""

import asyncio
import shutil

import pytest

from cti_board import Channel, errors, events, open_board, run, running
from ivr.app import Centre, open_centre
from ivr.config import load
from ivr.ledger import FLUSH_VIRTUAL_S
from ivr.prompt import Catalogue, PromptError
from ivr.record import (
    Alarm,
    CallAnswered,
    CallEnded,
    Digits,
    RecordError,
    RecordingEnded,
    RecordStore,
    SegmentStarted,
)

from .centre_kit import LINES, SEATS, Diary, Place, centre_file, live


async def short_call(place: Place, number: int = 0) -> None:
    await place.caller(number).dial()
    await place.diary.until(CallAnswered)
    await asyncio.sleep(2.0)
    place.caller(number).hang_up()
    await place.diary.until(CallEnded)
    await place.at_rest()


def test_a_recording_without_a_folder_does_not_end_the_call(tmp_path):
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "recordings").write_text("a file in the place of the folder")
    left = live(tmp_path, short_call, faultless=False)
    (recording,) = left.of(RecordingEnded)
    assert "recordings" in recording.error
    assert (left.figures.answered, left.figures.faults) == (1, 1)
    (end,) = left.of(CallEnded)
    assert end.side == "far"


def test_a_fault_in_a_call_ends_that_call_only(tmp_path):
    """A prompt that is gone: the call is cleared, the centre goes on."""

    async def play(place: Place) -> None:
        sounds = place.centre.catalogue._sounds
        welcome = sounds.pop(("both", "welcome"))
        await place.caller().dial()
        await place.diary.until(CallEnded)
        await place.caller().until_cleared()
        sounds["both", "welcome"] = welcome
        await place.at_rest()
        await short_call(place, 1)

    left = live(tmp_path, play, faultless=False)
    (alarm,) = left.of(Alarm)
    assert (alarm.source, alarm.code, alarm.call) == ("call", "PromptError", "1-000001")
    assert [end.cause for end in left.of(CallEnded)] == [41, 16]
    assert (left.figures.refused, left.figures.abandoned, left.figures.faults) == (1, 1, 1)


def test_alarms_of_a_span_become_facts(tmp_path):
    async def play(place: Place) -> None:
        street = place.centre.board.street
        assert street is not None
        (span,) = [one.number for one in place.centre.board.spans if one.kind == "e1"]
        street.set_alarm(span, events.Alarm.LOS)
        await place.diary.until(Alarm, code="LOS", raised=True)
        street.set_alarm(span, events.Alarm(0))
        await place.diary.until(Alarm, code="LOS", raised=False)
        await place.at_rest()

    left = live(tmp_path, play, board="sim:fxo=1,fxs=2,e1=1")
    raised, cleared = left.of(Alarm, code="LOS")
    assert raised.source == cleared.source


def test_a_call_over_e1(tmp_path):
    async def play(place: Place) -> None:
        await place.caller().dial("77000001")
        await place.diary.until(CallAnswered)
        await asyncio.sleep(2.0)
        await place.caller().press("1")
        await place.diary.until(Digits, node="language", text="1")
        place.caller().hang_up()
        await place.diary.until(CallEnded, side="far", cause=16)
        await place.at_rest()

    left = live(tmp_path, play, board="sim:fxo=0,fxs=2,e1=1")
    assert left.figures.abandoned == 1
    assert [event.kind for event in left.of(SegmentStarted)] == ["ivr"]


def test_a_telephone_that_the_board_lacks(tmp_path):
    seats = '[[agent]]\nnumber = "1"\nport = "fxs99"\n'
    config = load(centre_file(tmp_path, "", "sim:", seats))

    async def main() -> None:
        async with open_centre(config, records=tmp_path / "records"):
            pytest.fail("opened")

    with pytest.raises(errors.BoardError, match="agent 1 sits at fxs99; sim: has"):
        run(main, clock="virtual")


def test_a_board_without_an_outside_line(tmp_path):
    """A card whose URL does not say what it has: it is asked."""
    config = load(centre_file(tmp_path, "", "spy:sim:fxs=2", SEATS))

    async def main() -> None:
        async with open_centre(config, records=tmp_path / "records"):
            pytest.fail("opened")

    with pytest.raises(errors.BoardError, match="spy:sim:fxs=2 has no outside line"):
        run(main, clock="virtual")


def test_an_error_of_the_caller_of_a_centre_comes_out_as_it_is(tmp_path):
    config = load(centre_file(tmp_path, "", LINES, SEATS))

    async def main() -> None:
        async with open_centre(config, records=tmp_path / "records"):
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run(main, clock="virtual")


def test_a_prompt_without_its_recording_stops_the_start(tmp_path):
    """In a folder of prompts of one's own, a text without sound."""
    folder = tmp_path / "mine"
    (folder / "zh").mkdir(parents=True)
    (folder / "zh" / "welcome.wav").write_bytes(b"no sound")
    config = load(centre_file(tmp_path, '[prompt]\nfolder = "mine"\n', LINES, SEATS))

    async def main() -> None:
        async with open_centre(config, records=tmp_path / "records"):
            pytest.fail("opened")

    with pytest.raises(PromptError, match=r"welcome\.wav"):
        run(main, clock="virtual")


def test_a_handset_that_was_off_before_the_centre_opened(tmp_path):
    config = load(centre_file(tmp_path, "", LINES, SEATS))
    seen = []

    async def main() -> None:
        async with open_board(config.board.url) as board:
            assert board.street is not None
            board.street.telephones[0].off_hook()
            await asyncio.sleep(1.0)
            store = RecordStore(tmp_path / "records", running().clock, sync="close")
            catalogue = Catalogue.load()
            async with Centre(config, board, catalogue=catalogue, store=store) as centre:
                await asyncio.sleep(1.0)
                seen.extend(agent.free for agent in centre.desk.agents)
                board.street.telephones[0].on_hook()
                await asyncio.sleep(3.0)
                seen.extend(agent.free for agent in centre.desk.agents)
            store.close()

    run(main, clock="virtual")
    assert seen == [False, True, True, True]


def test_a_telephone_that_fails_ends_no_call(tmp_path, monkeypatch):
    """The agent's code is answered by a card that refuses: an alarm, and callers go on."""

    async def refuse(self) -> None:
        raise errors.MediaError("no voice")

    async def play(place: Place) -> None:
        await place.caller().dial()
        await place.diary.until(CallAnswered)
        monkeypatch.setattr(Channel, "beep", refuse)
        place.telephone(0).off_hook()
        await asyncio.sleep(1.0)
        await place.telephone(0).keys("*1")
        await place.diary.until(Alarm, source="agent 801", code="MediaError")
        place.telephone(0).on_hook()
        await asyncio.sleep(2.0)
        assert len(place.centre.snapshot().calls) == 1
        place.caller().hang_up()
        await place.diary.until(CallEnded, side="far")
        await place.at_rest()

    left = live(tmp_path, play, faultless=False)
    (alarm,) = left.of(Alarm)
    assert alarm.text.startswith("no voice (")
    assert left.figures.faults == 1


def test_records_that_are_removed_under_a_running_centre_are_told(tmp_path):
    """The calls go on; the end says that the records are gone."""
    config = load(centre_file(tmp_path, "", LINES, SEATS))
    seen = []

    async def main() -> None:
        async with open_centre(config, records=tmp_path / "records") as centre:
            diary = Diary()
            centre.ledger.watchers.append(diary.hear)
            await asyncio.sleep(FLUSH_VIRTUAL_S + 1)
            shutil.rmtree(tmp_path / "records")
            alarm = await diary.until(Alarm, source="records", raised=True)
            seen.append(alarm)
            await short_call(Place(centre, diary))

    with pytest.raises(RecordError, match="ENOENT"):
        run(main, clock="virtual")
    assert [one.code for one in seen] == ["ENOENT"]
