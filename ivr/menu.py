"""Room: what a caller is asked: language, menu, account, message.  Plain coroutines, no lines.

A caller who hangs up cancels whatever coroutine runs (cti_board.Call); what was begun is ended in
``finally``.  Keys interrupt every prompt of a question.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress

from cti_board import Recorder, errors, events

from . import account as accounts
from .figures import RATE
from .prompt import phrase
from .record import KEEP_LAST_MAX, mask
from .session import MESSAGE, MUSIC, Recording, Session, end
from .transfer import transfer

LANGUAGE_KEYS = {"1": "zh", "2": "en"}
ACCOUNT_DIGITS = 19  # ISO/IEC 7812-1: the longest primary account number
CARD_DIGITS_MIN = 13  # chosen: the shortest payment card numbers in use; PCI DSS 3.4.1 masks them
MAILBOX = "main"
REPEATS = 5  # chosen: a key that is stuck must not hold the line for ever
MIN_MESSAGE_S = 1.0  # chosen: shorter is a slip of the finger
MIN_CUT_MESSAGE_S = 4.0  # chosen: a hang-up is heard as up to 3 s of busy tone
PROMPTS = (
    "welcome", "recording_notice", "language_choice", "main_menu", "noinput", "nomatch",
    "too_many_errors", "enter_account", "account_is", "account_confirm", "account_wrong",
    "balance_is", "leave_message", "message_saved", "message_empty", "transferring", "all_busy",
    "no_answer", "goodbye", MUSIC,
)  # fmt: skip


class TooManyErrorsError(Exception):
    """A question was not answered in as many tries as the configuration allows."""


async def serve(session: Session) -> None:
    """Welcome to goodbye.  Returns when we are to hang up."""
    try:
        session.language = await choose_language(session)
        await main_menu(session)
    except TooManyErrorsError:
        await session.say("too_many_errors")
        if session.kit.config.ivr.after_retries == "agent":
            await to_agent(session)
    await session.say("goodbye")


async def choose_language(session: Session) -> str:
    """Chinese is what a caller gets who keys nothing."""
    prompts = ["welcome", "recording_notice", "language_choice"]
    for _ in range(session.kit.config.ivr.max_retries):
        got = await session.collect(*prompts, max_digits=1)
        session.keyed(got.digits, "language")
        if not got.digits:
            return LANGUAGE_KEYS["1"]
        if got.digits in LANGUAGE_KEYS:
            return LANGUAGE_KEYS[got.digits]
        session.channel.flush_digits()
        prompts = ["nomatch", "language_choice"]
    raise TooManyErrorsError


async def main_menu(session: Session) -> None:
    """Until the caller leaves a message, has talked to an agent, or gives up."""
    while True:
        key = await ask(session, "main_menu", keys="1203", node="main")
        if key == "1":
            await query_account(session)
            continue
        if key == "2":
            await leave_message(session)
        else:
            await to_agent(session)
        return


async def to_agent(session: Session) -> None:
    """An agent, or a message when nobody answers in time."""
    talked = await transfer(session)
    session.segment("ivr", "goodbye" if talked else "message")
    if not talked:
        await session.say("no_answer")
        await leave_message(session)


async def ask(session: Session, *prompts: str, keys: str, node: str) -> str:
    """One of ``keys``; '*' says the question again."""
    wrong = repeats = 0
    before: tuple[str, ...] = ()
    while wrong < session.kit.config.ivr.max_retries and repeats < REPEATS:
        got = await session.collect(*before, *prompts, max_digits=1)
        session.keyed(got.digits, node)
        if got.digits and got.digits in keys:
            return got.digits
        if got.digits == "*":
            repeats += 1
            before = ()
            continue
        wrong += 1
        before = ("nomatch",) if got.digits else ("noinput",)
        session.channel.flush_digits()
    raise TooManyErrorsError


async def query_account(session: Session) -> None:
    """The number with its check digit, read back and confirmed; then what is on the account."""
    before: tuple[str, ...] = ()
    for _ in range(session.kit.config.ivr.max_retries):
        got = await session.collect(
            *before, "enter_account", max_digits=ACCOUNT_DIGITS, termchars="#"
        )
        shown = shown_account(session, got.digits)
        session.keyed(shown, "account", masked=shown != got.digits)
        before = account_fault(session, got.digits)
        if before:
            session.channel.flush_digits()
            continue
        read_back = ("account_is", *phrase.digits(got.digits, session.language), "account_confirm")
        if await ask(session, *read_back, keys="12", node="confirm") == "1":
            session.account = got.digits
            session.account_told(balance=got.digits in session.kit.accounts)
            await tell_balance(session)
            return
    raise TooManyErrorsError


def shown_account(session: Session, number: str) -> str:
    """What is written of a keyed number: one of ours as it is, anything else masked.

    What is not ours may be a card number or a PIN keyed by mistake; what is as long as a card
    number is masked even if it is ours.
    """
    if number in session.kit.accounts and len(number) < CARD_DIGITS_MIN:
        return number
    return mask(number, keep_last=KEEP_LAST_MAX) if number else ""


def account_fault(session: Session, number: str) -> tuple[str, ...]:
    """What to say of a number that cannot be: nothing keyed, wrong check digit, not ours."""
    if not number:
        return ("noinput",)
    known = session.kit.accounts
    if not accounts.number_is_right(number) or (known and number not in known):
        return ("account_wrong",)
    return ()


async def tell_balance(session: Session) -> None:
    """Without an account file there is nothing to tell: the number is for the agent."""
    fen = session.kit.accounts.get(session.account)
    if fen is not None:
        await session.say("balance_is", *phrase.money(fen, session.language))


async def leave_message(session: Session) -> None:
    """Beep, record until '#', silence or the longest length; keep it if something was said."""
    await session.say("leave_message")
    session.segment("voicemail", MAILBOX)
    await session.channel.beep()
    session.channel.flush_digits()
    saved = await record_message(session)
    await session.say("message_saved" if saved else "message_empty")


async def record_message(session: Session) -> bool:
    """Whether a message was kept.  A caller who just hangs up has left one, too."""
    ivr = session.kit.config.ivr
    recording = Recording(session, MESSAGE, stereo=False, keep=True)
    recorder = recording.start(max_s=ivr.message_max_s, silence_s=ivr.message_silence_s)
    if recorder is None:
        return False
    at_least_s = MIN_CUT_MESSAGE_S
    try:
        await first_of(until_ended(recorder), until_key(session, "#"))
        at_least_s = MIN_MESSAGE_S
    finally:
        saved = await keep_message(session, recording, at_least_s)
    return saved


async def keep_message(session: Session, recording: Recording, at_least_s: float) -> bool:
    """End the recording; a message is what is longer than ``at_least_s`` without its silence."""
    result = await recording.finish()
    if result is None or result.error or recording.path is None:
        return False
    silence_s = session.kit.config.ivr.message_silence_s
    said = result.samples - (silence_s * RATE if result.reason is events.DoneReason.SILENCE else 0)
    if said < at_least_s * RATE:
        return False
    session.message_saved(MAILBOX, recording.name, result.samples)
    return True


async def until_ended(recorder: Recorder) -> None:
    """Also when it failed: how it ended is read when it is finished."""
    with suppress(errors.MediaError):
        await recorder


async def until_key(session: Session, key: str) -> None:
    """Until the caller presses ``key``; other keys are part of the message."""
    while True:
        got = await session.channel.collect(max_digits=1, termchars=key, first_timeout_s=3600.0)
        if got.reason == "term":
            session.keyed(key, MESSAGE)
            return


async def first_of(*waits: Coroutine[None, None, None]) -> None:
    """Run all until one has ended; the others are cancelled and gone on return."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(*tasks)
