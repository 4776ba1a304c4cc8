"""Golden traces: what happens on a line, and what is said in answer, to the millisecond.

A file of golden/ is both script and result.  ``<-`` (an event of the line) and ``do`` (a command)
are carried out at their time; everything else must come out as it stands there:
``->`` a command to the channel, ``==`` the state, ``call`` what is told of the call.
CTB_GOLDEN=write writes the results anew: read the difference before you believe it.
"""

import ast
import asyncio
import os
from pathlib import Path

import pytest

from cti_board import events as ev
from cti_board.errors import CtiError
from cti_board.signalling.line import LineOptions, make_line
from cti_board.signalling.port import LineType

from .fake_port import FakePort, describe, run

GOLDEN = Path(__file__).parent / "golden"
SCRIPTS = sorted(GOLDEN.glob("*.txt"))
STEP_S = 0.02

NOT_TOLD = ("at", "category", "ani_source", "ani_name", "ani_absence")


def value_of(text):
    if text in ("True", "False"):
        return text == "True"
    if text.startswith("Alarm."):
        return ev.Alarm[text.removeprefix("Alarm.")]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def typed(kind, words):
    """``length_ms=1000`` for an event: text stays text where the event wants text."""
    found = {}
    for word in words:
        name, _, text = word.partition("=")
        found[name] = text if kind.__annotations__.get(name) is str else value_of(text)
    return found


DEFAULTS = {
    ev.ToneOn: {"level_dbm0": -10.0}, ev.TalkBegin: {"level_dbm0": -20.0},
    ev.DtmfBegin: {"level_dbm0": -8.0, "twist_db": 2.0, "age_samples": 320},
    ev.CasChange: {"previous": 9}, ev.CallerId: {"method": "fsk", "valid": True},
    ev.AlarmRaised: {"span": 0}, ev.AlarmCleared: {"span": 0}, ev.BoardLost: {"error": -5},
    ev.CommandFailed: {"cookie": 0, "error": -5},
}  # fmt: skip


class Script:
    """Reads one file; `play` gives the log that it should be."""

    def __init__(self, path):
        self.lines = path.read_text(encoding="utf-8").splitlines()
        self.head = [line for line in self.lines if line.startswith("#")]
        words = next(line for line in self.head if line.startswith("# line:")).split()[2:]
        self.kind = LineType[words[0]]
        pairs = dict(word.split("=", 1) for word in words[1:])
        limits = {n: int(v) for n, v in pairs.items() if n.isupper()}
        own = {n: value_of(v) for n, v in pairs.items() if not n.isupper()}
        self.options = LineOptions(**own, limits=limits)

    def stimuli(self):
        for line in self.lines:
            words = line.split()
            if len(words) > 2 and words[1] in ("<-", "do") and words[2] != "ToneDone":
                yield float(words[0]), words[1], words[2:]
            elif len(words) == 2 and words[1] == "end":
                yield float(words[0]), "end", []

    async def play(self):
        log = list(self.head)
        reports = asyncio.Queue()
        port = FakePort(self.kind, log=log)
        line = make_line(port, reports, self.options)
        line.start()
        self.drain(line, reports, log, port)
        now = asyncio.get_running_loop()
        for when, mark, words in self.stimuli():
            while now.time() < when - 1e-9:  # frame by frame: reports get their time
                await asyncio.sleep(min(STEP_S, when - now.time()))
                self.drain(line, reports, log, port)
            if mark == "end":
                port.write("end", "")
                log[-1] = log[-1].rstrip()
            elif mark == "do":
                self.command(line, port, words)
            else:
                kind = getattr(ev, words[0])
                port.post(kind, **{**DEFAULTS.get(kind, {}), **typed(kind, words[1:])})
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.drain(line, reports, log, port)
        assert not line.faults, line.faults
        await line.close()
        assert not any(port.armed.values()), f"left armed: {port.armed}"
        return log[: next(i for i, text in enumerate(log) if text.endswith(" end")) + 1]

    def command(self, line, port, words):
        port.write("do", " ".join(words))
        try:
            named = dict(word.split("=", 1) for word in words[1:] if "=" in word)
            plain = [word for word in words[1:] if "=" not in word]
            arguments = map(int, plain) if words[0] == "reject" else plain
            getattr(line, words[0])(*arguments, **named)
        except CtiError as error:
            port.write("!!", f"{type(error).__name__}: {error}")

    def drain(self, line, reports, log, port):
        """New states and what was told, after what caused them."""
        told = []
        while not reports.empty():
            report = reports.get_nowait()
            told.append(f"call {report.call}: {describe(report.event, skip=NOT_TOLD)}")
        for text in told:
            port.write("call", text.removeprefix("call "))
        if line.state != getattr(self, "before", None):
            self.before = line.state
            port.write("==", line.state)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_trace(path):
    script = Script(path)
    log = run(script.play)
    if os.environ.get("CTB_GOLDEN") == "write":
        path.write_text("\n".join(log) + "\n", encoding="utf-8")
    assert log == path.read_text(encoding="utf-8").splitlines()


def test_there_are_traces():
    assert len(SCRIPTS) >= 20
