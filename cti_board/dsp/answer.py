"""Room: who or what answered a call that we made: the policy, and its use on recordings.  Must not
know boards, calls or asyncio, nor what is done about the answer.

What does it do?  `AnswerListener` takes the events of one line (talk, tones of the plan, fax
tones, steady tones) and the time, and says once what is there; the same for live lines and, by
`classify_answer`, for recordings.  How does it work?  Talk less the steady tones in it is voice.  A
short voice and then a wait is a human, a long one or a beep after it a machine; after a sentence
the wait is as long as a machine's before its beep; docs/answers.md.

Limits: a person who speaks for over 4 s is taken for an announcement; a machine that says a word or
two and then waits, for a person; music or an announcement instead of ringback is taken for the
answer; a beep of the plan's frequency is none.

All times are samples, 8000 a second.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from cti_board import events as ev
from cti_board._native._media import lib
from cti_board.dsp.answer_events import line_events
from cti_board.dsp.answer_sit import Burst, SitKind, is_sit, may_be_sit, sit_kind
from cti_board.dsp.lanes import FRAME, Sound, rows
from cti_board.tones import TonePlan
from cti_board.tones import plan as plan_of

MS = 8  # samples

AnswerKind = Literal[
    "human", "machine", "fax", "sit", "silence", "busy", "congestion", "vacant", "no_answer", "dial"
]
FAILED: dict[str, AnswerKind] = {  # tones of a plan that say that the call did not get through
    "busy": "busy",
    "congestion": "congestion",
    "vacant": "vacant",
    "toll": "congestion",
    "dial": "dial",
}
TALK_LEAD_MS = round(lib.ctb_talk_default.min_ms)  # talk began so long before it is told
TALK_HANG_MS = round(lib.ctb_talk_default.hang_ms)  # shorter pauses are inside a talk
CALLING_TONES = ("cng", "ct")  # half a second long, as a machine's beep may be


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """The parameters, in ms; another language or custom of answering has others."""

    shortest_voice_ms: int = 160  # chosen: under "yes"; over a tone cut too short to be known
    short_greeting_ms: int = 1700  # chosen: "Hello, Mary Miller"; few announcements are so short
    wait_short_ms: int = 1200  # chosen: longer than an announcement pauses after its first word
    wait_long_ms: int = 3300  # chosen: machines of one sentence beep within 3 s, heard 0.2 s later
    again_ms: int = 1500  # chosen: announcements pause less; who asks again has waited longer
    human_most_ms: int = 4200  # chosen: a company's greeting in one breath, and the edges of talk
    machine_least_ms: int = 4600  # chosen: that, and the 400 ms after which talk has ended
    silence_ms: int = 6000  # chosen: the longest pause of a ringback tone (5 s, E.180) and one more
    no_answer_ms: int = 60000  # chosen: twelve rings
    beep_least_ms: int = 180  # chosen: machines' beeps are 0.2 s and more
    beep_most_ms: int = 2500  # chosen: longer tones are no beep
    beep_least_hz: float = 380.0  # chosen: held vowels have no steady single tone above
    beep_most_hz: float = 2050.0  # chosen: under the answer tone of fax machines, 2100 Hz
    voice_before_beep_ms: int = 250  # chosen: one word
    after_beep_ms: int = 1500  # chosen: a beep without a greeting, and nothing more
    plan_off_hz: float = 25.0  # E.180: what a plan's tone may be off
    new_talk_ms: int = 300  # chosen: what just begins is known to be voice or a tone by then
    after_sit_burst_ms: int = 300  # chosen: a beep of 950 Hz is one when no 1400 Hz has followed
    edge_ms: int = 90  # what talk may be longer at either end of a tone, by the detectors' steps


@dataclass(frozen=True, slots=True)
class Answer:
    """What was there: ``at`` is the sample of the decision, ``why`` a sentence for people.

    ``greeting_ms``: of the voice heard until then, 0 for none.  ``beep_at``: the first sample after
    a machine's beep, where a message may begin; None: not heard (yet).  ``sit``: of a special
    information tone.
    """

    kind: AnswerKind
    at: int
    why: str
    greeting_ms: int = 0
    beep_at: int | None = None
    sit: SitKind | None = None


class AnswerListener:
    """One outgoing call from its dialled number on, or from its answer on."""

    def __init__(
        self, plan: TonePlan | str = "cn", limits: AnswerLimits | None = None, at: int = 0
    ) -> None:
        """``at``: the sample since which the far end is heard.  ValueError: no such country."""
        chosen = plan_of(plan) if isinstance(plan, str) else plan
        self.limits = limits or AnswerLimits()
        self.answer: Answer | None = None
        self._start = at
        self._since = at  # voice before this was a tone
        self._talks: list[tuple[int, int | None]] = []
        self._bursts: list[Burst] = []
        self._rung = False
        self._busy_until = at  # end of the last ringback burst
        ring = [tone for tone in chosen.tones if tone.name == "ringback" and tone.cadence.on_off_ms]
        self._ring_ms = [tone.cadence.on_off_ms[0][0] for tone in ring] or [chosen.ring_on_ms]
        self._ring_off_ms = max(
            (off for tone in ring for _, off in tone.cadence.on_off_ms),
            default=chosen.ring_off_ms,
        )
        plain = [tone for tone in chosen.tones if tone.name in FAILED or tone.name == "ringback"]
        self._hz = sorted({hz for tone in plain for hz in tone.hz})
        self._pairs = any(len(tone.hz) > 1 for tone in plain)

    # ---- what is heard ------------------------------------------------------------------

    def on_event(self, event: ev.Event) -> Answer | None:
        """An event of this line, in order of time.  The answer, when it was decided or when the
        beep of a machine ended; else None.  Events of other kinds are not looked at."""
        before = self.answer
        match event:
            case ev.TalkBegin():
                self._talks.append((event.at - TALK_LEAD_MS * MS, None))
            case ev.TalkEnd():
                self._talk_ended(event)
            case ev.ToneOn():
                self._tone_on(event)
            case ev.FaxToneOn():
                self._fax_on(event)
            case ev.BeepOn():
                self._bursts.append(Burst(event.hz, event.at - event.age_samples, None))
            case ev.BeepOff():
                self._burst_ended(event)
        self.on_time(event.at)
        return self.answer if self.answer is not before else None

    def on_time(self, at: int) -> Answer | None:
        """The time passes: call it at least ten times a second.  As `on_event`."""
        if self.answer is not None:
            return None
        self._judge(at)
        return self.answer

    def finish(self, at: int) -> Answer:
        """The sound or the call ends here: the answer, or the best guess so far."""
        self.on_time(at)
        if self.answer is None:
            greeting = self._greeting(at)
            if greeting is not None:
                ms = (greeting[1] - greeting[0]) // MS
                self._say_voice(at, ms, f"{_s(ms)} of voice before the end")
            elif self._rung:
                self._say("no_answer", at, "ringback to the end")
            else:
                self._say("silence", at, "no voice and no known tone")
        assert self.answer is not None
        return self.answer

    def _talk_ended(self, event: ev.TalkEnd) -> None:
        if self._talks and self._talks[-1][1] is None:
            begin = self._talks[-1][0]
            self._talks[-1] = (begin, min(event.at, begin + event.length_ms * MS))

    def _tone_on(self, event: ev.ToneOn) -> None:
        if event.tone == "ringback":
            if not self._rung:  # no burst was seen, for noise: what was voice till now was ringing
                self._since = max(self._since, event.at)
            self._rung = True
            self._busy_until = event.at
        elif event.tone in FAILED:
            self._say(FAILED[event.tone], event.at, f"{event.tone} tone")
        elif event.tone == "sit":
            kind = sit_kind(self._bursts) if is_sit(self._bursts) else "standard"
            self._say("sit", event.at, "special information tone", sit=kind)

    def _fax_on(self, event: ev.FaxToneOn) -> None:
        begin = event.at - event.age_samples
        voice = self._voice_ms(begin)
        if event.kind in CALLING_TONES and voice >= self.limits.voice_before_beep_ms:
            return  # a beep: BeepOff says so
        self._say("fax", event.at, f"{event.kind} tone of a fax or modem")

    def _burst_ended(self, event: ev.BeepOff) -> None:
        if not self._bursts or self._bursts[-1].end is not None:
            return
        end = event.at - event.age_samples
        burst = self._bursts[-1] = self._bursts[-1]._replace(end=end)
        if self._is_ringback(burst):
            self._rung = True
            self._since = self._busy_until = end
        done = self.answer
        if done is None or done.kind != "machine" or done.beep_at is not None:
            return
        if self._is_beep(burst, end):
            self.answer = replace(done, beep_at=end)

    # ---- what it means ------------------------------------------------------------------

    def _judge(self, at: int) -> None:
        limits = self.limits
        if is_sit(self._bursts):
            kind = sit_kind(self._bursts)
            self._say("sit", at, f"three rising tones: {kind.replace('_', ' ')}", sit=kind)
        elif self._bursts and self._is_beep(self._bursts[-1], at):
            if self._may_go_on(self._bursts[-1], at):
                return
            self._judge_beep(self._bursts[-1], at)
        if self.answer is not None:
            return
        greeting = self._greeting(at)
        if greeting is not None:
            self._judge_voice(*greeting, at)
            return
        quiet = at - self._last_sound(at)
        patience = limits.silence_ms + (self._ring_off_ms if self._rung else 0)
        if quiet >= patience * MS:
            self._say("silence", at, f"nothing for {_s(quiet // MS)}")
        elif self._rung and at - self._start >= limits.no_answer_ms * MS:
            self._say("no_answer", at, "ringback and no answer")

    def _may_go_on(self, burst: Burst, at: int) -> bool:
        """It may be a part of a special information tone."""
        quiet_ms = 0 if burst.end is None else (at - burst.end) / MS
        return may_be_sit(self._bursts) and quiet_ms < self.limits.after_sit_burst_ms

    def _judge_beep(self, beep: Burst, at: int) -> None:
        voice = self._voice_ms(beep.begin)
        if voice >= self.limits.voice_before_beep_ms:
            why = f"a beep of {beep.hz:.0f} Hz after {_s(voice)} of voice"
            self._say("machine", at, why, greeting_ms=voice, beep_at=beep.end)
        elif beep.end is None or self._greeting(at) is not None:
            return
        elif at - beep.end >= self.limits.after_beep_ms * MS:
            why = f"a beep of {beep.hz:.0f} Hz without a greeting"
            self._say("machine", at, why, beep_at=beep.end)

    def _judge_voice(self, begin: int, end: int, at: int) -> None:
        limits = self.limits
        if self._talks[-1][1] is None and at - self._talks[-1][0] < limits.new_talk_ms * MS:
            return
        ms, quiet_ms = (end - begin) // MS, (at - end) // MS
        first = self._first_ms(at)
        wait = limits.wait_short_ms if ms <= limits.short_greeting_ms else limits.wait_long_ms
        if first is not None and first <= limits.human_most_ms:
            why = f"{_s(first)} of voice, a wait, and voice again"
            self._say("human", at, why, greeting_ms=first)
        elif ms > limits.human_most_ms and (quiet_ms > 0 or ms >= limits.machine_least_ms):
            self._say_voice(at, ms, f"voice for {_s(ms)} without a wait")
        elif quiet_ms >= wait:
            self._say_voice(at, ms, f"{_s(ms)} of voice, then {_s(quiet_ms)} of silence")

    def _say_voice(self, at: int, ms: int, why: str) -> None:
        kind: AnswerKind = "human" if ms <= self.limits.human_most_ms else "machine"
        self._say(kind, at, why, greeting_ms=ms)

    def _say(self, kind: AnswerKind, at: int, why: str, **more: Any) -> None:
        if self.answer is None:
            self.answer = Answer(kind, at, why, **more)

    # ---- voice is talk less tones -------------------------------------------------------

    def _voices(self, at: int) -> Iterator[tuple[int, int]]:
        """Pieces of voice since ringing, each (begin, end); what is on ends ``at`` now.

        Talk holds over a pause: before a tone of the plan it may be a piece of tone and a pause.
        """
        edge = self.limits.edge_ms * MS
        tones = [
            (b.begin - edge, (b.end or at) + edge, self._is_of_plan(b))
            for b in self._bursts
            if self._counts(b)
        ]
        for begin, end in self._talks:
            left = max(begin, self._since)
            right = at if end is None else end
            least = self.limits.shortest_voice_ms
            for low, high, of_plan in tones:
                if high <= left or low >= right:
                    continue
                if low - left >= (least + (TALK_HANG_MS if of_plan else 0)) * MS:
                    yield left, low
                left, least = high, TALK_HANG_MS  # a pause between two tones is no voice
            if right - left >= least * MS:
                yield left, right

    def _counts(self, burst: Burst) -> bool:
        """A low single tone may be a held vowel: it takes nothing from the voice."""
        return burst.hz == 0 or burst.hz >= self.limits.beep_least_hz

    def _greeting(self, at: int) -> tuple[int, int] | None:
        """From the first voice to the end of the last; None without voice."""
        voices = list(self._voices(at))
        return (voices[0][0], voices[-1][1]) if voices else None

    def _first_ms(self, at: int) -> int | None:
        """Length of the voice before the first wait after which a voice came again; else None."""
        voices = list(self._voices(at))
        for (_, end), (begin, _) in pairwise(voices):
            if begin - end >= self.limits.again_ms * MS:
                return (end - voices[0][0]) // MS
        return None

    def _voice_ms(self, until: int) -> int:
        greeting = [v for v in self._voices(until) if v[0] < until]
        return (min(greeting[-1][1], until) - greeting[0][0]) // MS if greeting else 0

    def _last_sound(self, at: int) -> int:
        ends = [self._start, self._busy_until]
        ends += [at if end is None else end for _, end in self._talks[-1:]]
        ends += [burst.end or at for burst in self._bursts[-1:]]
        return max(ends)

    # ---- steady tones -------------------------------------------------------------------

    def _is_of_plan(self, burst: Burst) -> bool:
        if burst.hz == 0:
            return self._pairs
        return any(abs(burst.hz - hz) <= self.limits.plan_off_hz for hz in self._hz)

    def _is_ringback(self, burst: Burst) -> bool:
        """As long as the plan's ringback, or cut by the beginning of what is heard."""
        ms = ((burst.end or burst.begin) - burst.begin) / MS
        cut = burst.begin - self._start < self.limits.edge_ms * MS
        return self._is_of_plan(burst) and any(
            (0.0 if cut else 0.8) * on <= ms <= 1.2 * on and ms >= 300 for on in self._ring_ms
        )

    def _is_beep(self, burst: Burst, at: int) -> bool:
        limits = self.limits
        ms = ((burst.end or at) - burst.begin) / MS
        return (
            limits.beep_least_hz <= burst.hz <= limits.beep_most_hz
            and limits.beep_least_ms <= ms <= limits.beep_most_ms
            and not self._is_of_plan(burst)
        )


# ---- recordings ---------------------------------------------------------------------------


def classify_answer(
    sound: Sound, plan: TonePlan | str = "cn", limits: AnswerLimits | None = None
) -> Answer:
    """What answered, from a recording of one line (from dialling or from the answer on).

    sound: (samples,) as `cti_board.dsp.lanes.rows` takes it.  ``plan``: the far end's country.
    ValueError for more lines than one, and as `rows` and `find_tones`.
    """
    line = rows(sound)
    if len(line) != 1:
        raise ValueError(f"one line, not {len(line)}")
    chosen = plan_of(plan) if isinstance(plan, str) else plan
    listener = AnswerListener(chosen, limits)
    samples = line.shape[1]
    waiting = line_events(sound, chosen)
    for at in range(FRAME, samples + FRAME, FRAME):
        while waiting and waiting[0].at <= at:
            listener.on_event(waiting.pop(0))
        listener.on_time(at)
        done = listener.answer
        if done is not None and (done.kind != "machine" or done.beep_at is not None):
            break
    return listener.finish(samples)


def _s(ms: int) -> str:
    return f"{ms / 1000:.1f} s"
