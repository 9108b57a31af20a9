"""How we write to people, held over every string that they can see: CONTRIBUTING has the table and the reasons."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

from tests.sentences import Said, everything, of_code, turns

LONGEST = 240
TURNS = turns()


@functools.cache
def every_text() -> list[Said]:
    """Read once by each worker that runs one of these tests, not by all of them as they collect."""
    return list(everything())


def test_there_is_something_to_hold() -> None:
    assert len(TURNS) > 60 and sum(said.message for said in every_text()) > 1500


@pytest.mark.alone  # reads our text
@pytest.mark.parametrize(("turn", "pattern"), TURNS, ids=[t for t, _ in TURNS])
def test_no_text_has_a_turn_of_the_table(turn: str, pattern: object) -> None:
    bad = [f"{said.where}: {said.text[:160]}" for said in every_text() if pattern.search(said.text)]  # type: ignore[attr-defined]
    assert not bad, f"`{turn}` stands in {len(bad)} texts:\n" + "\n".join(bad[:40])


def test_messages_are_short() -> None:
    bad = [f"{said.where}: {len(said.text)} characters" for said in every_text() if said.message and len(said.text) > LONGEST]
    assert not bad, "\n".join(bad)


SOURCE = r'''"""Not a message here."""
import re
X = f"the {1} of it " "goes on"
# a comment of ours
RX = r"a \\d+ (?:b c)"
RY = re.compile("one thing|another thing")
NAMES = frozenset("first second third".split())
CHILD = "\nimport json\nprint(1)"
@main.command()
def check():
    """Says how it is with `some code`."""
def other():
    """Not a message either."""
'''


def test_the_collector_sees_messages_and_help_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.sentences.ROOT", tmp_path)
    source = tmp_path / "some.py"
    source.write_text(SOURCE)
    seen = [Said("some.py:10", "Says how it is with .", False), Said("some.py:3", "the {} of it goes on", True)]
    assert ast.parse(SOURCE) and list(of_code(source)) == seen
