"""Our E1 lines against libopenr2, an implementation that shares nothing with ours.

The library runs in a process of its own (openr2_end.c), step by step with our virtual time; line
bits and signals cross over with delays.  Debian has it as libopenr2-dev; CTB_OPENR2 names another
root (below it usr/include/openr2.h).  Where it differs from a variant of ours the test says so.
"""

import asyncio
import os
import random
import shutil
import subprocess
from collections import deque
from pathlib import Path

import pytest

from cti_board import events as ev
from cti_board.signalling.line import Answered, LineOptions, make_line
from cti_board.signalling.port import LineType
from cti_board.signalling.r2_variants import r2_variant

from .fake_port import FakePort, run

HERE = Path(__file__).parent
STEP_S = 0.02
NAMES = {"itu": "ITU", "argentina": "AR", "brazil": "BR", "mexico": "MX", "china": "CN"}
EVERY = pytest.mark.parametrize("name", NAMES)
# openr2_call_disconnect_cause_t: busy, congestion, unallocated number, out of order
THEIRS = {17: 0, 34: 1, 1: 2, 27: 3}
# a refusal of theirs by the signal it has in the variant: Mexico has busy for a vacant number too
HEARD = {
    "itu": {17: 17, 34: 34, 1: 1, 27: 27}, "argentina": {17: 17, 34: 34, 1: 1, 27: 27},
    "brazil": {17: 17, 34: 34, 1: 1, 27: 27}, "mexico": {17: 17, 34: 34, 1: 17},
    "china": {17: 17, 34: 34, 1: 1},
}  # fmt: skip
# a refusal of ours that both sides read alike
ALIKE = {"itu": (17, 34, 1, 27), "argentina": (17, 34, 1, 27), "brazil": (17, 34, 1, 27),
         "mexico": (17, 34), "china": (17, 34, 1)}  # fmt: skip


def find_library():
    for root in (os.environ.get("CTB_OPENR2"), "/"):
        if root is not None and (Path(root) / "usr/include/openr2.h").exists():
            found = sorted(Path(root).glob("usr/lib/**/libopenr2.a"))
            if found:
                return Path(root) / "usr/include", found[0]
    return None


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    library = find_library()
    if library is None or shutil.which("gcc") is None:
        pytest.skip("no libopenr2 (Debian: libopenr2-dev) or no gcc")
    target = tmp_path_factory.mktemp("openr2") / "openr2_end"
    wraps = [f"-Wl,--wrap={name}" for name in ("ioctl", "read", "gettimeofday")]
    include, archive = library
    subprocess.run(
        ["gcc", "-std=gnu11", "-O1", "-Wall", "-Wextra", f"-I{include}", "-o", target,
         HERE / "openr2_end.c", archive, *wraps, "-lpthread", "-lm"],
        check=True,
    )  # fmt: skip
    return target


class TonePort(FakePort):
    """Keeps what we send."""

    bits, tone = 9, 0

    def set_cas(self, bits):
        super().set_cas(bits)
        self.bits = bits

    def send_mf(self, signal, set_):
        self.tone = signal
        return super().send_mf(signal, set_)

    def stop_tone(self):
        super().stop_tone()
        self.tone = 0


class Judge:
    """The library's end.  `command` for its next step; what it tells comes out of `told`."""

    def __init__(self, program, name, port, ani, dnis):
        self.process = subprocess.Popen(
            [program, NAMES[name], str(ani), str(dnis)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        self.port, self.told, self.commands = port, asyncio.Queue(), deque()
        self.bits, self.tone, self.level = 9, 0, 0
        self.ours = deque([(9, 0)] * 2)  # ours arrive two steps late
        self.log = []

    async def work(self):
        while True:
            await asyncio.sleep(STEP_S)
            self.step()

    def step(self):
        self.ours.append((self.port.bits, self.port.tone))
        bits, tone = self.ours.popleft()
        command = self.commands.popleft() if self.commands else ""
        self.process.stdin.write(f"{bits} {tone} {command}\n")
        words = self.process.stdout.readline().split()
        for word in words[2:]:
            self.log.append(word)
            self.told.put_nowait(word)
        bits, tone = int(words[0]), int(words[1])
        if bits != self.bits:
            before, self.bits = self.bits, bits
            self.port.post(ev.CasChange, bits=bits, previous=before)
        self.hear(tone)

    def hear(self, tone):
        """A signal is told one step after it began, where somebody listens."""
        known = tone if tone == self.tone and self.port.armed.get("mf") else 0
        self.tone = tone
        if known != self.level:
            before, self.level = self.level, known
            if before:
                self.port.post(ev.MfEnd, signal=before, length_samples=800, age_samples=160)
            if known:
                self.port.post(
                    ev.MfBegin, signal=known, level_dbm0=-11.5, twist_db=0.0, age_samples=160
                )

    async def tells(self, kind):
        """The next word of this kind, without it."""
        while True:
            word = await self.told.get()
            assert not word.startswith(("protocol_error", "os_error")), self.log
            if word.split(":")[0] == kind:
                return word.removeprefix(kind).removeprefix(":")


def against(program, name, test, *, ani=11, dnis=7, **options):
    async def main():
        port, reports = TonePort(LineType.E1_CAS), asyncio.Queue()
        wishes = LineOptions(registers="mfc", r2_variant=name, dnis_digits=dnis, **options)
        line = make_line(port, reports, wishes)
        judge = Judge(program, name, port, ani, dnis)
        line.start()
        worker = asyncio.create_task(judge.work())
        try:
            async with asyncio.timeout(1500):
                await test(line, judge, reports)
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
            await line.close()
            judge.process.stdin.close()
            judge.process.stdout.close()
            assert judge.process.wait(10) == 0
        assert not line.faults

    run(main)


async def told(reports, kind):
    while True:
        report = await reports.get()
        if isinstance(report.event, kind):
            return report.event


async def at_rest(line, reports):
    await told(reports, ev.CallReleased)
    await asyncio.sleep(0.5)
    assert line.idle
    assert not line.machine.errors


def number(chance, length):
    return "".join(chance.choices("0123456789", k=length))


@EVERY
def test_25_calls_to_openr2(program, name):
    """Numbers, category, answer and refusals arrive; every third call is refused.

    The library reads Mexico's end of the caller's number as "withheld", so that all have the
    length it asks for; in China it has to ask beyond, or the end that it did not ask for comes.
    """
    chance = random.Random(f"out {name}")
    least, most = (11 if name == "mexico" else 1), (20 if name == "china" else 11)
    causes = list(HEARD[name])

    async def calls(line, judge, reports):
        for count in range(25):
            dnis, ani = number(chance, 7), number(chance, chance.randint(least, 11))
            line.seize(dnis, ani=ani)
            assert await judge.tells("offered") == f"{ani}:{dnis}:0"
            if count % 3 == 2:
                cause = causes[count // 3 % len(causes)]
                judge.commands.append(f"end {THEIRS[cause]}")
                assert (await told(reports, ev.CallDisconnected)).cause == HEARD[name][cause]
            else:
                judge.commands.append("accept")
                await told(reports, ev.CallAlerting)
                await judge.tells("accepted")
                judge.commands.append("answer")
                assert (await told(reports, Answered)).method == "line bits"
                line.hang_up()
            await judge.tells("disconnect")
            await judge.tells("end")
            await at_rest(line, reports)

    against(program, name, calls, ani=most)


@EVERY
def test_25_calls_from_openr2(program, name):
    """As above, the other way.  The calling side of the library takes China's A1 after KA for a
    request of the called number, so there the caller's number is not asked for."""
    chance = random.Random(f"in {name}")
    asks = name != "china"

    async def calls(line, judge, reports):
        for count in range(25):
            dnis, ani = number(chance, 7), number(chance, chance.randint(1, 11))
            judge.commands.append(f"call {ani} {dnis} 0")
            offer = await told(reports, ev.CallOffered)
            assert (offer.dnis, offer.ani) == (dnis, ani if asks else "")
            if asks:
                assert offer.category == "subscriber"
            if count % 3 == 2:
                cause = ALIKE[name][count // 3 % len(ALIKE[name])]
                line.reject(cause)
                assert await judge.tells("disconnect") == str(THEIRS[cause])
            else:
                line.answer()
                await judge.tells("accepted")
                await judge.tells("answered")
                judge.commands.append("end 6")
                assert (await told(reports, ev.CallDisconnected)).cause == 16
            await judge.tells("end")
            await at_rest(line, reports)

    against(program, name, calls, ask_ani=asks)


@pytest.mark.parametrize("name", ["itu", "argentina", "brazil"])
def test_a_number_of_unknown_length_from_openr2(program, name):
    """ITU: I-15 ends it; the others fall silent, and our pulse of A-3 ends it."""

    async def calls(line, judge, reports):
        for dnis in ("5", "88000", "123456789"):
            judge.commands.append(f"call 13800138000 {dnis} 0")
            offer = await told(reports, ev.CallOffered)
            assert (offer.dnis, offer.ani) == (dnis, "13800138000")
            line.answer()
            await judge.tells("answered")
            line.hang_up()
            await judge.tells("disconnect")
            await judge.tells("end")
            await at_rest(line, reports)

    against(program, name, calls, dnis=0)


@pytest.mark.parametrize("wait_s", [4.0, 7.5, 12.0])
def test_a_slow_decision(program, wait_s):
    """Below 8 s we answer in time, above it the line counts as free: the library waits for both."""

    async def calls(line, judge, reports):
        judge.commands.append("call 13800138000 8800123 0")
        await told(reports, ev.CallOffered)
        await asyncio.sleep(wait_s)
        line.answer()
        await judge.tells("accepted")
        await judge.tells("answered")
        line.hang_up()
        await judge.tells("end")
        await at_rest(line, reports)

    against(program, "itu", calls)


@EVERY
@pytest.mark.parametrize("after_s", [0.1, 0.45, 0.9, 1.5])
def test_a_call_given_up_between_the_registers(program, name, after_s):
    """By us, then by the library; each time the next call goes through."""

    async def calls(line, judge, reports):
        line.seize("8800123", ani="12345678901")
        await asyncio.sleep(after_s)
        line.hang_up()
        await told(reports, ev.CallReleased)
        await asyncio.sleep(3)
        judge.commands.append("call 12345678901 8800123 0")
        await asyncio.sleep(after_s)
        judge.commands.append("end 6")
        await asyncio.sleep(3)
        assert line.idle
        while not reports.empty():
            reports.get_nowait()
        line.seize("8800123", ani="12345678901")
        judge.told = asyncio.Queue()
        assert await judge.tells("offered") == "12345678901:8800123:0"
        judge.commands.append("accept")
        await told(reports, ev.CallAlerting)

    against(program, name, calls, ani=20 if name == "china" else 11, ask_ani=name != "china")


@pytest.mark.parametrize("name", ["itu", "argentina"])
def test_categories(program, name):
    """openr2_calling_party_category_t: 1 is national with priority."""

    async def calls(line, judge, reports):
        line.seize("8800123", ani="1")
        assert await judge.tells("offered") == "1:8800123:1"
        line.hang_up()
        await judge.tells("disconnect")
        await at_rest(line, reports)
        judge.commands.append("call 2 8800123 1")
        assert (await told(reports, ev.CallOffered)).category == "priority"

    against(program, name, calls, category="priority")


def test_the_refusals_expected_are_those_of_our_tables():
    for name, heard in HEARD.items():
        known = {line.cause for line in r2_variant(name).group_b.values() if not line.free}
        assert set(heard.values()) <= known
        assert set(ALIKE[name]) <= known
