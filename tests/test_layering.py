"""Who may know whom (docs/architecture.md), how long a file may be, and what may not land.

Read with `ast` alone: nothing of ours is imported, so a broken module cannot hide a wrong arrow.
An import under `if TYPE_CHECKING` names a type and is no arrow.
"""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("cti_board", "ivr", "tools", "firmware_sim")
PYTHON = sorted(p for top in OURS for p in (ROOT / top).rglob("*.py"))

LEAVES = {"fsm", "events", "errors", "clock", "tones"}
# lower rooms first; a room may import those before it
RANK = {"_native": 0, "dsp": 0, "engine": 1, "backends": 2, "hearing": 2, "channel": 3,
        "answering": 4, "board": 4, "signalling": 5, "call": 6}
TYPES = {"cti_board.signalling.port"}  # what signalling asks of a channel: no behaviour
# arguments in, answer out; a room of this list that is not built yet is not looked at
PURE = [name for name in ("ivr/figures.py", "ivr/acd/strategy.py", "ivr/report/kpi.py",
                          "ivr/report/erlang.py") if (ROOT / name).exists()]
IMPURE = {"asyncio", "threading", "time", "random", "socket", "sqlite3", "sqlalchemy", "cti_board"}
ABI = {"ctb_driver.h", "ctb_street.h"}

MAX_LINES = {".py": 600, ".c": 800, ".h": 800, ".inc": 800}
TABLES = ("*_table.*", "*_variants.*", "*/data/*")

TYPES_ONLY = re.compile(r"\bTYPE_CHECKING\b")
SEEDED = {"Random"}
CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
THREADS = {"threading.Thread", "threading.Timer", "asyncio.to_thread"}
POOLS = {"run_in_executor", "ThreadPoolExecutor", "ProcessPoolExecutor"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that exists at run time."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and TYPES_ONLY.search(ast.unparse(child.test)):
            yield from (n for other in child.orelse for n in (other, *statements(other)))
        else:
            yield child
            yield from statements(child)


def imports(path: Path) -> Iterator[tuple[str, str]]:
    return imports_of(tree_of(path), list(path.relative_to(ROOT).parts[:-1]))


def imports_of(tree: ast.AST, package: list[str]) -> Iterator[tuple[str, str]]:
    """(module, name) of every import, relative ones made whole; name is "" for `import x`."""
    for node in statements(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            yield from ((module, alias.name) for alias in node.names)


def rooms_of_driver(path: Path) -> set[str]:
    """The rooms of cti_board that a module of cti_board imports."""
    found = set()
    for module, name in imports(path):
        parts = [*module.split("."), name]
        if parts[0] == "cti_board" and parts[1] and module not in TYPES:
            found.add(parts[1])
    return found


def public_names() -> set[str]:
    for node in tree_of(ROOT / "cti_board/__init__.py").body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
            return set(ast.literal_eval(node.value))
    raise AssertionError("cti_board/__init__.py has no __all__")


def owners_of_time() -> list[str]:
    """The files for which ruff does not ban clocks, threads and chance: the one list of owners."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        ignores = tomllib.load(file)["tool"]["ruff"]["lint"].get("per-file-ignores", {})
    return [pattern for pattern, rules in ignores.items() if "TID251" in rules]


def tracked() -> list[Path]:
    git = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if git.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / n for n in git.stdout.decode().split("\0") if n and (ROOT / n).is_file()]


def test_the_driver_knows_nothing_above_it():
    for path in PYTHON:
        if not name_of(path).startswith("cti_board/"):
            continue
        tops = {module.split(".")[0] for module, _ in imports(path)}
        allowed = {"firmware_sim"} if name_of(path) == "cti_board/backends/sim.py" else set()
        wrong = tops & {"ivr", "tools", "cti_tools", "firmware_sim"} - allowed
        assert not wrong, f"{name_of(path)} imports {wrong}"


def test_arrows_inside_the_driver_point_down():
    for path in PYTHON:
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[0] != "cti_board" or len(parts) == 1:
            continue
        room, used = parts[1], rooms_of_driver(path)
        if room in LEAVES:
            wrong = used - LEAVES
        elif room in RANK:
            wrong = {r for r in used if RANK.get(r, -1) > RANK[room]}
        else:
            continue
        assert not wrong, f"{name_of(path)} imports upwards: {wrong}"


def test_the_centre_uses_public_names_only():
    for path in PYTHON:
        if not name_of(path).startswith("ivr/"):
            continue
        names = set()
        for module, name in imports(path):
            top, where = module.split(".")[0], f"{name_of(path)} imports {module}"
            assert top not in {"firmware_sim", "tools", "cti_tools"}, where
            assert top != "cti_board" or module == "cti_board", where
            names |= {name} if top == "cti_board" and name else set()
        names |= {node.attr for node in statements(tree_of(path)) if isinstance(node, ast.Attribute)
                  and isinstance(node.value, ast.Name) and node.value.id == "cti_board"}
        private = names - public_names() if names else set()
        assert not private, f"{name_of(path)} uses what cti_board.__all__ does not name"


@pytest.mark.parametrize("name", PURE)
def test_pure_rooms_have_no_clock_and_no_loop(name):
    path = ROOT / name
    used = {module.split(".")[0] for module, _ in imports(path)}
    assert not used & IMPURE
    waits = (ast.AsyncFunctionDef, ast.Await)
    assert not [node for node in ast.walk(tree_of(path)) if isinstance(node, waits)]


@pytest.mark.parametrize(("room", "foreign"), [
    ("firmware_sim", "cti_board/_native"),
    ("cti_board/_native", "firmware_sim"),
])
def test_the_card_and_the_driver_share_the_abi_and_no_code(room, foreign):
    """A shared tone or G.711 table would share its bug: each side has its own."""
    headers = {p.name for p in (ROOT / foreign).rglob("*.[h]")} - ABI
    sources = [p for p in (ROOT / room).rglob("*") if p.suffix in {".c", ".h", ".inc"}]
    for path in sources:
        for include in re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.MULTILINE):
            local = (path.parent / include).exists()
            assert local or Path(include).name not in headers, f"{name_of(path)} includes {include}"
            assert foreign not in include, f"{name_of(path)} includes {include}"
    assert not [p for p in PYTHON if room == "firmware_sim" == name_of(p).split("/")[0]
                and {m.split(".")[0] for m, _ in imports(p)} & {"cti_board", "ivr"}]


def clock_or_chance(tree: ast.AST) -> Iterator[str]:
    for module, name in imports_of(tree, []):
        chance = module == "random" and name not in {"", *SEEDED}
        if module == "time" or chance or f"{module}.{name}" in THREADS:
            yield f"import {module} {name}".strip()
    for node in statements(tree):
        if isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            if (".".join(text.split(".")[-2:]) in CLOCKS | THREADS or node.attr in POOLS
                    or (re.fullmatch(r"random\.\w+", text) and node.attr not in SEEDED)):
                yield text


def test_the_search_for_clocks_finds_each_kind():
    planted = {
        "import time": ["import time"],
        "from time import monotonic": ["import time monotonic"],
        "import datetime\nx = datetime.datetime.now()": ["datetime.datetime.now"],
        "import random\nx = random.random()": ["random.random"],
        "from random import choice": ["import random choice"],
        "import threading\nthreading.Thread()": ["threading.Thread"],
        "async def f(loop): await loop.run_in_executor(None, f)": ["loop.run_in_executor"],
        "import random, threading\nx = random.Random(7)\ny = threading.Lock()": [],
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import time": [],
    }
    for source, found in planted.items():
        assert list(clock_or_chance(ast.parse(source))) == found, source


def test_time_threads_and_chance_have_owners():
    owners = owners_of_time()
    tests = sorted((ROOT / "tests").rglob("*.py"))
    wrong = [f"{name_of(p)}: {what}" for p in [*PYTHON, *tests]
             if not any(fnmatch(name_of(p), pattern) for pattern in owners)
             for what in clock_or_chance(tree_of(p))]
    assert not wrong, "not in pyproject.toml's list of owners (TID251):\n" + "\n".join(wrong)


def test_files_stay_small():
    for path in tracked():
        limit = MAX_LINES.get(path.suffix)
        if limit is None or any(fnmatch(name_of(path), pattern) for pattern in TABLES):
            continue
        lines = path.read_text(encoding="utf-8").count("\n")
        assert lines <= limit, f"{name_of(path)}: {lines} lines; split it at {limit}"


# Each is written so that this file does not match itself.
BANNED = {
    "a path of one machine": r"(?<![\w.])/(?:[w]ork|[r]oot|[h]ome/\w+)/|/[t]mp/cti-",
    "an issue number": r"(?i)(?<!-core )(?<!\d )\b[i]ssues? (?:#|no\. ?)?\d+\b",
    "a package registry": r"[p]ypi\.org|[p]ythonhosted|[r]egistry\.npmjs|[f]ile:///opt/",
    "an unfinished mark": r"\b(?:[T]ODO|[F]IXME|[X]XX)\b",
}


@pytest.mark.parametrize("what", BANNED)
def test_what_may_not_land(what):
    pattern, hits = re.compile(BANNED[what]), []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # sound or another binary
        hits += [f"{name_of(path)}:{n}: {line.strip()[:100]}"
                 for n, line in enumerate(text.splitlines(), 1) if pattern.search(line)]
    assert not hits, f"{what}:\n" + "\n".join(hits)
