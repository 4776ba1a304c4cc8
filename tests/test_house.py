"""The house around the code: what the pages promise is there."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from setuptools import find_packages

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS]
PROMISED = {"setup", "run", "test", "test-wall", "lint", "bench", "clean", "docs-check", "help"}

LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    return [link for link in LINK.findall(prose(page)) if not re.match(r"\w+:", link)]


def anchors(page: Path) -> set[str]:
    """The names that headings get: small letters, no punctuation, hyphens for spaces."""
    heads = re.findall(r"^#+ +(.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def targets() -> set[str]:
    text = (ROOT / "Makefile").read_text()
    return set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))


def commands(page: Path) -> list[str]:
    """Lines of shell blocks, and code words in the text that begin with a command of ours."""
    text = page.read_text(encoding="utf-8")
    lines = [line for kind, body in FENCE.findall(text) if kind in {"sh", "bash", "console"}
             for line in body.splitlines()]
    return [line.removeprefix("$ ").split("#")[0].strip() for line in [*lines, *CODE.findall(text)]]


def test_the_makefile_has_every_promised_target_and_lists_them():
    assert targets() >= PROMISED
    listed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {line.split()[1] for line in listed.stdout.splitlines()} >= PROMISED


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_on_a_page_exist(page):
    for command in commands(page):
        words = command.split()
        if words[:1] == ["make"]:
            for word in words[1:]:
                if not re.match(r"-|[\w.]+=", word):
                    assert word in targets(), f"{command!r}: the Makefile has no such target"
                else:
                    break
        elif words and words[0].startswith((".ci/", "./")):
            assert (ROOT / words[0]).exists(), f"{command!r}: no such file"


def test_the_first_screen_of_the_readme_holds_what_a_newcomer_needs():
    screen = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:40])
    assert "中文简介" in screen
    assert "docs/img/architecture.svg" in screen
    assert re.search(r"^make run\b", screen, re.MULTILINE)
    assert re.search(r"^make test\b", screen, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page):
    for link in links(page):
        where, _, anchor = link.partition("#")
        target = (page.parent / where).resolve() if where else page
        assert target.exists(), f"{link}: nothing there"
        assert target.is_relative_to(ROOT), f"{link}: leaves the project"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{link}: no such heading"


def test_every_page_is_reached_from_the_index():
    seen, todo = set(), [ROOT / "docs/index.md"]
    while todo:
        page = todo.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        todo += [(page.parent / link.partition("#")[0]).resolve() for link in links(page)]
    lost = sorted(page_id(page) for page in set(DOCS) - seen)
    assert not lost, "link these from docs/index.md"


def test_decisions_are_numbered_without_a_gap():
    numbers = [p.name[:4] for p in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == [f"{n:04}" for n in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_examples_can_be_read_by_what_they_are_for(page):
    for kind, body in FENCE.findall(page.read_text(encoding="utf-8")):
        if kind == "python":
            compile(body, page.name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        elif kind == "toml":
            assert tomllib.loads(body)


@pytest.mark.parametrize("picture", sorted((ROOT / "docs").rglob("*.svg")), ids=page_id)
def test_pictures_are_whole_and_say_what_they_show(picture):
    root = ElementTree.parse(picture).getroot()
    assert root.tag.endswith("svg")
    assert root.get("viewBox")
    assert root.findtext("{http://www.w3.org/2000/svg}title")


def test_the_licence_is_the_one_that_the_package_names():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["license"] == "Apache-2.0"


def test_the_changelog_has_a_place_for_the_next_change():
    heads = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heads
    assert heads[0] == "[Unreleased]"


def test_every_folder_of_modules_is_installed():
    """A folder without __init__.py works in the checkout and is missing from the wheel."""
    folders, data = set(), {"data", "migrations"}
    for top in ("cti_board", "ivr", "tools", "firmware_sim"):
        paths = [p.relative_to(ROOT) for p in (ROOT / top).rglob("*.py")]
        folders |= {p.parent.as_posix() for p in paths if not data & set(p.parts)}
    packages = {name.replace(".", "/") for name in find_packages(str(ROOT))}
    missing = folders - packages
    assert not missing, "these lack an __init__.py"


def programs(folder: Path, *names: str, **scripts: str) -> str:
    """A PATH with these programs and nothing else."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name))
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return str(folder)


def test_setup_without_rights_names_what_is_missing_in_one_line(tmp_path):
    (tmp_path / ".ci").mkdir()
    for name in (".ci/setup", "setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    path = programs(tmp_path / "bin", "bash", "cat", "dirname", "flock", "mkdir", "sha256sum", "tr",
                    id="echo 1000", sudo="exit 1", **{"apt-get": "echo called >&2"},
                    python3=f'exec {sys.executable} "$@"')
    done = subprocess.run([shutil.which("bash"), ".ci/setup"], cwd=tmp_path, env={"PATH": path},
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("setup: missing: gcc libc6-dev")
    assert re.search(r": apt-get install .*gcc libc6-dev", done.stderr)
    assert not (tmp_path / ".venv").exists()


@pytest.mark.wall
@pytest.mark.skipif(not (ROOT / ".venv/.setup-done").exists(), reason="not set up by make")
def test_a_second_setup_does_nothing_and_is_quick(tmp_path):
    path = programs(tmp_path / "bin", **dict.fromkeys(["gcc", "apt-get", "sudo"], "exit 99"))
    env = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "PIP_NO_INDEX": "1"}
    done = subprocess.run(["make", "-s", "setup"], cwd=ROOT, env=env, capture_output=True,
                          text=True, check=True, timeout=10)
    assert done.stdout + done.stderr == ""
