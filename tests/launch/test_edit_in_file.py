"""Edits of files, carried out: every option of every file of the tests is changed, removed and added.

The file is read again each time, and has to state the command that was wanted: an edit of the wrong line, of another
service, or one that breaks the file's syntax, fails here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetError, TargetRequest
from doctor.facts import Launch
from doctor.launch.edit_in_file import LineEdit, line_edits
from doctor.pipeline import Request, collect
from doctor.pipeline.services import request_of, services_of

TESTS = Path(__file__).parents[1]
FILES = sorted(p for p in (TESTS / "deployment" / "files").rglob("*") if p.is_file())
FEWEST = 380  # edits of all files together that are found, so that a reader which finds none does not pass
Name = tuple[str, str]


def launches(path: Path) -> dict[Name, Launch]:
    target = TargetRequest(environ={}, python_version="3.11", cwd=str(path.parent))
    declared = DeclaredRequest(deployments=(path.name,))
    request = Request(target, (), gpu="A100:80GB:8.0x8", driver="595.80", declared=declared, environ={})
    out = {}
    for service in services_of(request):
        try:
            launch = None if service.unread else collect(request_of(service, request)).launch
        except TargetError:
            continue
        if isinstance(launch, Launch) and launch.engine:
            out[service.name, service.kind] = launch
    return out


def wanted(launch: Launch) -> Iterator[tuple[str, ...]]:
    """The command with each value changed, with each option removed, and with another option."""
    argv, front = launch.argv, len(launch.argv) - len(launch.arguments)
    for at in range(front, len(argv)):
        if not argv[at].startswith("-"):
            yield from ((*argv[:at], value, *argv[at + 1 :]) for value in ("7", "two words", '{"a":1}'))
        elif argv[at].startswith("--") and at + 1 < len(argv) and not argv[at + 1].startswith("-"):
            yield (*argv[:at], *argv[at + 2 :])
    yield (*argv, "--seed", "5")


def carried_out(text: str, edits: tuple[LineEdit, ...]) -> str:
    lines = text.split("\n")
    for one in sorted(edits, key=lambda e: (e.line, e.column), reverse=True):
        line = lines[one.line - 1]
        assert line[one.column - 1 : one.end - 1] == one.old, one
        lines[one.line - 1] = f"{line[: one.column - 1]}{one.new}{line[one.end - 1 :]}"
    return "\n".join(lines)


def test_every_edit_makes_the_file_state_the_command(tmp_path: Path) -> None:
    made = 0
    for number, file in enumerate(FILES):
        folder = tmp_path / str(number)
        shutil.copytree(file.parent, folder)
        path = folder / file.name
        try:
            found = launches(path)
        except TargetError:
            continue
        for name, launch in found.items():
            for argv in wanted(launch):
                if edits := line_edits(launch, argv):
                    made += 1
                    check(path, edits, name, argv)
    assert made >= FEWEST


def check(path: Path, edits: tuple[LineEdit, ...], name: Name, argv: tuple[str, ...]) -> None:
    (edited,) = {path.parent / one.path for one in edits}
    before = edited.read_bytes()
    try:
        edited.write_text(carried_out(before.decode(), edits), encoding="utf-8", newline="")
        after = launches(path).get(name)
        assert after is not None and after.argv == argv, f"{path}: {edits}"
    finally:
        edited.write_bytes(before)


@pytest.mark.parametrize("new", ["4", "two words"])
def test_a_variable_in_a_word_s_place_leads_to_its_file(tmp_path: Path, new: str) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text("services:\n  vllm:\n    image: vllm/vllm-openai:v0.11.0\n    command: --model m/n --tp ${TP}\n")
    (tmp_path / ".env").write_text("A=1\nTP=2\n")
    (launch,) = launches(path).values()
    edits = line_edits(launch, (*launch.argv[:-1], new))
    if " " in new:  # Compose splits the command behind the variable
        assert not edits
        return
    assert [(e.path, e.line, e.old, e.new) for e in edits] == [(".env", 2, "TP=2", "TP=4")]


def test_two_services_with_the_same_command_are_told_apart_by_name_or_not_edited(tmp_path: Path) -> None:
    one = "    image: vllm/vllm-openai:v0.11.0\n    command: --model m/n --tp 2\n"
    path = tmp_path / "compose.yaml"
    path.write_text(f"services:\n  first:\n{one}  second:\n{one}")
    found = launches(path)
    lines = {name: [e.line for e in line_edits(launch, (*launch.argv[:-1], "1"))] for (name, _), launch in found.items()}
    assert lines == {"first": [4], "second": [7]}
    launch = next(iter(found.values()))
    assert line_edits(replace(launch, written=None), (*launch.argv[:-1], "1")) == ()
