"""Room: the configuration of a centre, from one TOML file, typed and checked.

Must not open boards, prompts or records.  `load` reports everything that is wrong at once, each
finding with file, line, key and what would be right.
"""

import difflib
import math
import re
import reprlib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from cti_board import LineOptions, tones

from .prompt import LANGUAGES

DEFAULT = Path(__file__).parent / "data" / "centre.toml"
SIM = "sim:"
DEFAULT_URL = "sim:fxo=16,fxs=10,e1=1"
NUMBER_MAX = 9  # chosen: digits of a number in a port's name or a part; more is a slip of the key
PORT = re.compile(rf"fxs(0|[1-9][0-9]{{0,{NUMBER_MAX - 1}}})")
PART = re.compile(rf"1/([1-9][0-9]{{0,{NUMBER_MAX - 1}}})")
BANKS = re.compile(rf"(?:^|,)(fxo|fxs|e1)=([0-9]{{1,{NUMBER_MAX}}})(?=,|$)")  # of a sim URL
SAFE_INT = 2**63  # beyond, a number may have more digits than can be shown
RETRIES = ("goodbye", "agent")

Rule = Callable[[Any], str]  # "" or what would be right


class ConfigError(Exception):
    """A centre's file cannot be used; ``findings`` holds every reason."""

    def __init__(self, findings: Iterable["Finding"]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(one) for one in self.findings))


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a file; ``line`` 0 when the fault has no line (a missing key or file)."""

    file: Path
    line: int
    key: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else f"{self.file}"
        return f"{place}: {self.key}: {self.text}" if self.key else f"{place}: {self.text}"


def _between(low: float, high: float, unit: str = "") -> Rule:
    def rule(value: float) -> str:
        if low <= value <= high and math.isfinite(value):
            return ""
        shown = _shown(value) if isinstance(value, int) else f"{value:g}"
        return f"should be {low:g} to {high:g}{unit and ' ' + unit}, not {shown}"

    return rule


def _one_of(*words: str) -> Rule:
    def rule(value: str) -> str:
        if value in words:
            return ""
        near = difflib.get_close_matches(value, words, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"should be one of {', '.join(words)}, not {value!r}{hint}"

    return rule


def _matches(pattern: str, right: str) -> Rule:
    def rule(value: str) -> str:
        return "" if re.fullmatch(pattern, value) else f"should be {right}, not {value!r}"

    return rule


def _echo_tail(value: int) -> str:
    try:
        LineOptions(echo_tail_ms=value)
    except ValueError:
        return f"should be 0 (off), or 16 to 64 ms in steps of 8, not {_shown(value)}"
    return ""


def _languages(value: tuple[str, ...]) -> str:
    if value and set(value) <= set(LANGUAGES):
        return ""
    return f"should be some of {', '.join(LANGUAGES)}, not {', '.join(value) or 'none'}"


def _recordings(value: str) -> str:
    if value in ("all", "hash") or PART.fullmatch(value):
        return ""
    return f'should be "all", "hash" or "1/N" (a file of every N-th call), not {value!r}'


def _setting(default: Any, rule: Rule | None = None) -> Any:
    """A key of a table; MISSING makes it required."""
    metadata = {} if rule is None else {"rule": rule}
    if default is MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardConfig:
    """Which card, and whose tones and ringing."""

    url: str = _setting(DEFAULT_URL, _matches(r"\w+:.*", 'a board, as in "sim:fxo=16,fxs=10"'))
    country: str = _setting("cn", _one_of(*sorted(tones.PLANS)))
    echo_tail_ms: int = _setting(0, _echo_tail)
    auto_level: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IvrConfig:
    """How callers are answered and asked.  Times in seconds."""

    name_zh: str = "客户服务中心"
    name_en: str = "Customer service centre"
    rings: int = _setting(1, _between(1, 20, "rings"))
    max_retries: int = _setting(3, _between(1, 10))
    after_retries: str = _setting("goodbye", _one_of(*RETRIES))
    first_key_s: float = _setting(5.0, _between(0.5, 60, "s"))
    next_key_s: float = _setting(3.0, _between(0.5, 30, "s"))
    message_max_s: float = _setting(120.0, _between(2, 3600, "s"))
    message_silence_s: float = _setting(5.0, _between(1, 60, "s"))
    account_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """A seat: who sits there, on which telephone, and what they speak."""

    number: str = _setting(MISSING, _matches(r"[0-9]{1,12}", "1 to 12 digits"))
    name: str = ""
    port: str = _setting(MISSING, _matches(PORT.pattern, 'an FXS port, as in "fxs0"'))
    languages: tuple[str, ...] = _setting(LANGUAGES, _languages)

    @property
    def port_number(self) -> int:
        return int(self.port[3:])


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueConfig:
    """How long callers wait, telephones ring and agents write up.  Seconds."""

    max_wait_s: float = _setting(300.0, _between(1, 36_000, "s"))
    ring_s: float = _setting(20.0, _between(1, 300, "s"))
    wrap_up_s: float = _setting(15.0, _between(0, 3600, "s"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordConfig:
    """Where the records are (relative to the folder the command is run in) and what is kept."""

    folder: Path = Path("records")
    recordings: str = _setting("all", _recordings)

    def keeps_file(self, call: int) -> bool:
        """Whether the recording of call number ``call`` (from 1) is a file, or a hash only."""
        part = PART.fullmatch(self.recordings)
        if part is None:
            return self.recordings == "all"
        return call % int(part[1]) == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptConfig:
    """``folder`` with recordings of our own; relative to the centre's file.  "" is none."""

    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CentreConfig:
    """A whole centre.  ``file`` is where it was read."""

    file: Path = DEFAULT
    board: BoardConfig = BoardConfig()
    ivr: IvrConfig = IvrConfig()
    agents: tuple[AgentConfig, ...] = ()
    queue: QueueConfig = QueueConfig()
    record: RecordConfig = RecordConfig()
    prompt: PromptConfig = PromptConfig()

    def beside(self, name: str) -> Path | None:
        """``name`` relative to the centre's file; None for ""."""
        return self.file.parent / name if name else None


TABLES: Mapping[str, type] = {
    "board": BoardConfig,
    "ivr": IvrConfig,
    "queue": QueueConfig,
    "record": RecordConfig,
    "prompt": PromptConfig,
}
AGENT = "agent"
TYPE_WORDS = {
    str: 'text, as in "..."',
    int: "a whole number",
    bool: "true or false",
    float: "a number",
    Path: 'a folder, as in "..."',
    tuple[str, ...]: 'a list, as in ["zh", "en"]',
}


def load(path: Path) -> CentreConfig:
    """The centre that a file describes.  ConfigError holds everything that is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows' editor puts a mark at the begin
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise ConfigError([_not_utf8(path, error)]) from None
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError([Finding(path, 0, "", f"cannot be read: {why}")]) from None
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax(path, str(error))]) from None
    except (ValueError, RecursionError) as error:  # a number, or brackets, beyond all measure
        why = "brackets in brackets too deep" if isinstance(error, RecursionError) else str(error)
        raise ConfigError([Finding(path, 0, "", f"cannot be read: {why}")]) from None
    return _Reader(path, text).read(tree)


def _not_utf8(path: Path, error: UnicodeDecodeError) -> Finding:
    return Finding(path, 0, "", f"byte {error.start} is not UTF-8: save the file as UTF-8")


def _syntax(path: Path, message: str) -> Finding:
    """tomllib's message, with its line where it names one."""
    place = re.search(r" \(at line (\d+), column \d+\)$", message)
    line = int(place[1]) if place else 0
    return Finding(path, line, "", f"not TOML: {message[: place.start()] if place else message}")


class _Lines:
    """Where keys stand: tomllib does not say."""

    HEADER = re.compile(r"\s*(\[\[?)\s*([\w.-]+)\s*\]\]?")
    KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*(?:\.[^=]*)?=""")

    def __init__(self, text: str) -> None:
        self.found: dict[tuple[str, int, str], int] = {}
        table, count = "", {"": 0}
        for number, line in enumerate(text.splitlines(), 1):
            if header := self.HEADER.match(line):
                table = header[2]
                count[table] = count.get(table, -1) + 1
                self.found.setdefault((table, count[table], ""), number)
            elif key := self.KEY.match(line):
                self.found.setdefault((table, count[table], key[1]), number)

    def of(self, table: str, index: int, key: str) -> int:
        """The line of a key, or of its table when the key is missing; 0 when neither is there."""
        places = ((table, index, key), (table, index, ""), ("", 0, table))
        return next((self.found[place] for place in places if place in self.found), 0)


class _Reader:
    """One reading of one file; gathers findings as it goes."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.lines = path, _Lines(text)
        self.findings: list[Finding] = []

    def read(self, tree: dict[str, Any]) -> CentreConfig:
        for name in tree.keys() - {*TABLES, AGENT}:
            self.say(name, 0, "", _unknown(name, [*TABLES, AGENT], "table"))
        made = {name: self.table(name, kind, tree) for name, kind in TABLES.items()}
        agents = self.agents(tree.get(AGENT, []))
        self.files(made)
        self.ports(made["board"], agents)
        if self.findings:
            raise ConfigError(sorted(self.findings, key=lambda one: one.line))
        return CentreConfig(file=self.path, agents=tuple(one for one in agents if one), **made)

    def say(self, table: str, index: int, key: str, text: str) -> None:
        line = self.lines.of(table, index, key)
        self.findings.append(Finding(self.path, line, f"{table}.{key}" if key else table, text))

    def table(self, name: str, kind: type, tree: dict[str, Any]) -> Any:
        found = tree.get(name, {})
        if not isinstance(found, dict):
            self.say(name, 0, "", f"should be a table, as in [{name}]")
            found = {}
        return self.make(name, 0, kind, found)

    def agents(self, found: object) -> list[AgentConfig | None]:
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self.say(AGENT, 0, "", "should be a list of tables, each begun with [[agent]]")
            return []
        agents = [self.make(AGENT, i, AgentConfig, one) for i, one in enumerate(found)]
        if not found:
            self.say(AGENT, 0, "", "there is none: a centre needs at least one [[agent]]")
        for key in ("number", "port"):
            seen: dict[str, int] = {}
            for i, one in enumerate(agents):
                value = getattr(one, key, None)
                if value in seen:
                    first = self.lines.of(AGENT, seen[value], key)
                    self.say(AGENT, i, key, f"{value!r} is taken by the agent of line {first}")
                elif value is not None:
                    seen[value] = i
        return agents

    def make(self, table: str, index: int, kind: type, found: dict[str, Any]) -> Any:
        """The dataclass of a table; None (or its defaults) where a value cannot be used."""
        known = {one.name: one for one in fields(kind)}
        values: dict[str, Any] = {}
        for key, value in found.items():
            if key not in known:
                self.say(table, index, key, _unknown(key, list(known), "key"))
                continue
            right, usable = _check(known[key], value)
            if right:
                self.say(table, index, key, right)
            else:
                values[key] = usable
        for key, one in known.items():
            if one.default is MISSING and key not in found:
                self.say(table, index, key, "is missing")
        required = {key for key, one in known.items() if one.default is MISSING}
        return kind(**values) if required <= values.keys() else None

    def files(self, made: dict[str, Any]) -> None:
        """Files and folders that the centre names are there."""
        places = (("prompt", "folder", Path.is_dir), ("ivr", "account_file", Path.is_file))
        for table, key, is_there in places:
            name = getattr(made[table], key)
            if name and not is_there(self.path.parent / name):
                kind = key.rpartition("_")[2]
                self.say(table, 0, key, f"there is no {kind} {str(self.path.parent / name)!r}")

    def ports(self, board: BoardConfig, agents: list[AgentConfig | None]) -> None:
        """A simulated card says in its URL how many telephones it has."""
        banks = simulated_banks(board.url)
        if banks is None:
            return
        have = banks["fxs"]
        if not banks["fxo"] + banks["e1"]:
            self.say("board", 0, "url", f"{board.url!r} has no outside line: nobody can call; "
                     'add some, as in "sim:fxo=4,fxs=2"')  # fmt: skip
        for i, agent in enumerate(agents):
            if agent is not None and agent.port_number >= have:
                there = f"fxs0 to fxs{have - 1}" if have else "no FXS port"
                self.say(AGENT, i, "port", f"{board.url!r} has {there}, not {agent.port!r}")


def simulated_banks(url: str) -> dict[str, int] | None:
    """What a simulated card's URL asks for; None if it names none, or is of another card."""
    if not url.startswith(SIM):
        return None
    found = {name: int(number) for name, number in BANKS.findall(url.removeprefix(SIM))}
    return {"fxo": 0, "fxs": 0, "e1": 0} | found if found else None


def _unknown(name: str, known: list[str], what: str) -> str:
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    return f"is no {what} of a centre; {hint}"


def _check(one: Field[Any], value: Any) -> tuple[str, Any]:
    """What would be right ("" if nothing is wrong), and the value as the dataclass takes it."""
    kind: Any = one.type
    wrong = f"should be {TYPE_WORDS[kind]}, not {_shown(value)}", None
    if isinstance(value, str) and "\0" in value:
        return f"should not hold the character NUL, as {_shown(value)} does", None
    if kind is float and type(value) is int:
        value = float(value) if abs(value) < SAFE_INT else math.inf * (1 if value > 0 else -1)
    elif kind is Path and isinstance(value, str) and value:
        value = Path(value)
    elif kind == tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            return wrong
        value = tuple(value)
    elif type(value) is not kind:
        return wrong
    rule: Rule | None = one.metadata.get("rule")
    return ("" if rule is None else rule(value)), value


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= SAFE_INT:
        return "a number that large"
    return "a table" if isinstance(value, dict) else reprlib.repr(value)
