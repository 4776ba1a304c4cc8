"""Room: one call as a person reads it: the journal's facts in Chinese and English.  Pure."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from ivr.record import (
    AccountTold,
    AgentState,
    CallAnswered,
    CallEnded,
    CallOffered,
    Digits,
    Entry,
    Event,
    LegEnded,
    LegStarted,
    Note,
    RecordingEnded,
    RecordingStarted,
    SegmentStarted,
    VoicemailSaved,
)

RATE = 8000  # samples a second: ITU-T G.711
SEGMENTS = {
    "ivr": ("语音菜单", "menu"),
    "queue": ("排队", "queue"),
    "ring": ("振铃", "ringing"),
    "talk": ("通话", "talk"),
    "hold": ("保持", "hold"),
    "voicemail": ("留言", "message"),
}
ROLES = {"caller": ("来电者", "caller"), "agent": ("坐席", "agent")}
SIDES = {"far": ("对方挂机", "the far side hung up"), "us": ("我方挂机", "we hung up")}

OUTCOMES = {
    "served": ("，已服务", ", served"),
    "abandoned": ("，放弃", ", abandoned"),
    "refused": ("，拒绝", ", refused"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """``at_s`` from the offer of the call."""

    at_s: float
    who: str
    zh: str
    en: str

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def timeline(entries: Iterable[Entry], call: str) -> list[Moment]:
    """What happened in ``call``, in order; agents' states that name it among it."""
    moments: list[Moment] = []
    began: int | None = None
    for entry in entries:
        if entry.event is None or getattr(entry.event, "call", "") != call:
            continue
        began = entry.at if began is None else began
        who, zh, en = _say(entry.event)
        if zh:
            moments.append(Moment(round((entry.at - began) / RATE, 3), who, zh, en))
    return moments


def _say(event: Event) -> tuple[str, str, str]:
    """Who, and what in Chinese and English; empty for what a reader need not know."""
    match event:
        case CallOffered(channel=channel, ani=ani, dnis=dnis):
            ani, dialled = ani or "?", dnis or "-"
            return ("caller", f"呼入 {channel}，主叫 {ani}，被叫 {dialled}",
                    f"call offered on {channel} from {ani}, dialled {dialled}")  # fmt: skip
        case CallAnswered():
            return "centre", "应答", "answered"
        case SegmentStarted(kind=kind, ref=ref):
            zh, en = SEGMENTS.get(kind, (kind, kind))
            return "centre", f"进入：{zh} {ref}".rstrip(), f"now: {en} {ref}".rstrip()
        case Digits(text=keys, node=node):
            return "caller", f"按键 {keys}（{node}）", f"keyed {keys} ({node})"
        case AccountTold(balance=balance):
            return ("centre", "账户已确认，报余额", "account confirmed, its balance is told") if (
                balance) else ("centre", "账户已确认", "account confirmed")  # fmt: skip
        case CallEnded(cause=cause, side=side, outcome=outcome):
            zh, en = SIDES.get(side, ("结束", "ended"))
            word_zh, word_en = OUTCOMES.get(outcome, ("", ""))
            return ("caller" if side == "far" else "centre",
                    f"呼叫结束：{zh}，原因 {cause}{word_zh}",
                    f"call ended: {en}, Q.850 cause {cause}{word_en}")  # fmt: skip
        case Note(text=note):
            return "centre", note, note
    return _say_part(event)


def _say_part(event: Event) -> tuple[str, str, str]:
    """Legs, recordings and agents."""
    match event:
        case LegStarted(role=role, channel=channel, number=number):
            zh, en = ROLES.get(role, (role, role))
            who = number if role == "agent" else role
            return who, f"{zh} {number} 接入 {channel}", f"{en} {number} joins on {channel}"
        case LegEnded(leg=leg, cause=cause, side=side):
            zh, en = SIDES.get(side, ("结束", "ended"))
            return leg, f"{leg} 离开：{zh}", f"{leg} leaves: {en} (cause {cause})"
        case RecordingStarted(path=path):
            name = path.rpartition("/")[2]
            return "centre", f"开始录音 {name}", f"recording {name}"
        case RecordingEnded(samples=samples, error=error):
            text = f"{samples / RATE:.2f} s" + (f", {error}" if error else "")
            return "centre", f"录音结束 {text}", f"recording ended, {text}"
        case VoicemailSaved(mailbox=mailbox, samples=samples):
            seconds = f"{samples / RATE:.1f} s"
            kept = f"message kept in {mailbox}, {seconds}"
            return "centre", f"留言已存 {mailbox} {seconds}", kept
        case AgentState(agent=agent, observed=observed):
            return f"agent {agent}", f"坐席状态 {observed}", f"agent is {observed}"
    return "", "", ""
