"""Room: the judge of what answered a call: human, machine, fax, SIT, silence, busy, nobody.  Must
not tune anything.  libspandsp has nothing of the kind: no rival.

What is asked is asked of calls with recorded greetings; those of espeak-ng have a row of their own.

`python -m tests.judge.answers [--quick]` prints the confusion table and each wrong answer.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.judge import table
from tests.judge.answer_set import (
    BEYOND,
    HUMAN_BANDS,
    MACHINE_BANDS,
    SIZES,
    Call,
    beyond_calls,
    calls,
)
from tests.judge.guard import guarded
from tests.judge.row import Row
from tests.judge.signals2 import RATE, face

GROUP = "answers"
ASKED = 97.0  # percent right of all
BEEP_OFF = RATE * 3 // 10  # chosen: a message that begins so late or early loses no word
SAME = {"congestion": "busy", "vacant": "busy"}  # each is: the call did not get through


@dataclass(frozen=True, slots=True)
class Judged:
    """One call and what was said of it."""

    call: Call
    told: str
    answer: Any


def judged(some: Iterable[Call]) -> list[Judged]:
    """Every call, classified.  AbsentError; OSError without recordings."""
    classify = face("answer", "classify_answer")
    out = []
    for call in some:
        answer = classify(call.sound, plan=call.plan)
        told = str(getattr(answer.kind, "value", answer.kind))
        out.append(Judged(call, SAME.get(told, told), answer))
    return out


def confusion(found: Sequence[Judged]) -> dict[str, Counter[str]]:
    """What each kind was told to be, how often."""
    return {kind: Counter(j.told for j in found if j.call.kind == kind) for kind in SIZES}


def text(found: Sequence[Judged]) -> str:
    """The confusion table, and a line for each wrong answer."""
    counts = confusion(found)
    columns = sorted({told for row in counts.values() for told in row} | set(SIZES))
    lines = [f"{'sent as':>10} | " + " ".join(f"{c:>9}" for c in columns)]
    for kind, row in counts.items():
        lines.append(f"{kind:>10} | " + " ".join(f"{row[c] or '-':>9}" for c in columns))
    for j in found:
        if j.told != j.call.kind:
            lines.append(f"{j.call.kind} told {j.told}: {j.call.what} ({j.call.plan}); "
                         f"{getattr(j.answer, 'why', '')}")
    return "\n".join(lines)


def _share_row(name: str, found: Sequence[Judged], **more: Any) -> Row:
    right = [j.told == j.call.kind for j in found]
    return Row(GROUP, f"{name}: right, of {len(found)}", "%", 100 * float(np.mean(right)),
               synthetic=float(np.mean([j.call.synthetic for j in found])), rival="none", **more)


def _kind_rows(found: Sequence[Judged]) -> Iterator[Row]:
    made = [j for j in found if j.call.made_voice]
    found = [j for j in found if not j.call.made_voice]
    yield _share_row("all calls, greetings recorded", found, limit=ASKED, source="asked")
    yield _share_row("greetings made by espeak-ng", made,
                     note="the policy was made with that program's greetings, in other voices")
    for kind, counts in confusion(found).items():
        mine = [j.call.synthetic for j in found if j.call.kind == kind]
        wrong = ", ".join(f"{n} as {told}" for told, n in counts.most_common() if told != kind)
        yield Row(GROUP, f"{kind}: right, of {len(mine)}", "%", 100 * counts[kind] / len(mine),
                  limit=90.0, synthetic=float(np.mean(mine)), source="chosen", rival="none",
                  note=wrong)


def _band_rows(found: Sequence[Judged]) -> Iterator[Row]:
    """By the length of the recorded greeting; from 2 to 4 s people and machines say as much."""
    for kind, bands in (("human", HUMAN_BANDS), ("machine", MACHINE_BANDS)):
        for low, high, _ in bands:
            of = [j for j in found if j.call.kind == kind and not j.call.made_voice
                  and low <= j.call.greeting_s < high]
            if of:
                yield _share_row(f"{kind}, greeting of {low:g} to {high:g} s", of)


def _time_rows(found: Sequence[Judged]) -> Iterator[Row]:
    # chosen: a caller's patience.  How long a voice is listened to is the policy's choice, which
    # was once set by a limit here: it is shown, no more
    limits = {"human": None, "machine": None, "fax": 4.0, "sit": 4.0, "busy": 6.0}
    for kind, limit in limits.items():
        since = "the greeting's end" if kind == "human" else "the end of ringing"
        of = [j for j in found if j.call.kind == kind and j.told == kind]
        times = [(j.answer.at - (j.call.said if kind == "human" else j.call.answered)) / RATE
                 for j in of]
        if times:
            yield Row(GROUP, f"{kind}: time to the decision, 90 of 100", "s",
                      float(np.percentile(times, 90)), limit=limit, better="low",
                      source="chosen" if limit else "", rival="none",
                      synthetic=float(np.mean([j.call.synthetic for j in of])),
                      note=f"median {np.median(times):.1f} s; from {since}")


def _beep_rows(found: Sequence[Judged]) -> Iterator[Row]:
    with_beep = [j for j in found if j.call.kind == "machine" and j.call.beep is not None]
    good = []
    for j in with_beep:
        at = getattr(j.answer, "beep_at", None)
        assert j.call.beep is not None
        good.append(at is not None and abs(at - j.call.beep[1]) <= BEEP_OFF)
    if good:
        yield Row(GROUP, "machine's beep found, its end right", "%", 100 * float(np.mean(good)),
                  limit=90.0, source="chosen: its end within 0.3 s", rival="none",
                  synthetic=float(np.mean([j.call.synthetic for j in with_beep])),
                  note=f"all {len(good)} machine calls with a beep, 400-2000 Hz")


def answer_rows(quick: bool) -> Iterator[Row]:
    """What answered: the labelled set."""
    try:
        found, others = judged(calls(quick)), judged(beyond_calls(quick))
    except OSError as error:
        yield table.unknown(GROUP, "what answered", str(error))
        return
    yield from _kind_rows(found)
    yield from _band_rows(found)
    yield from _time_rows(found)
    yield from _beep_rows(found)
    for kind, ((low, high, _),) in BEYOND.items():
        yield _share_row(f"beyond the set: {kind}, greeting of {low:g} to {high:g} s",
                         [j for j in others if j.call.kind == kind],
                         note="not claimed: docs/answers.md, limits")


def rows(quick: bool) -> Iterator[Row]:
    """All rows of answers."""
    yield from guarded(GROUP, (answer_rows,), quick)


if __name__ == "__main__":
    print(text(judged(calls("--quick" in sys.argv[1:]))))
