"""The ways out where a settings class refuses a key of an option's JSON: another key, or another value."""

from __future__ import annotations

import difflib
import json
from typing import Any

from doctor.base.late import late_pattern
from doctor.derived.asked import Asked
from doctor.derived.option_findings import argument, shown
from doctor.findings import Action, Remediation
from doctor.launch.parser import Problem

_DEPTH = 12
_WORDS = late_pattern(r"\bone of ([^;]+?)(?= or |$)")


def key_ways(asked: Asked, problem: Problem) -> list[Remediation]:
    """The nearest key in place of one that the class does not have."""
    old = problem.path.rpartition(".")[2]
    if not problem.wanted:
        return []
    if actions := _renamed(asked, problem, old, problem.wanted):
        return [Remediation(f"write `{shown(problem.wanted, 80)}` for `{shown(old, 80)}`", actions, "safe")]
    return []


def member_ways(asked: Asked, problem: Problem) -> list[Remediation]:
    """The nearest word in place of one that the key does not take."""
    found = _WORDS.search(problem.wanted)
    given = _text(problem.value)
    words = {w.lower(): w for w in found[1].split(", ")} if found else {}
    near = difflib.get_close_matches(given.lower(), words, n=1, cutoff=0.7) if given else []
    if near and (actions := _replaced(asked, problem, words[near[0]])):
        return [Remediation(f"use `{words[near[0]]}`", actions, "safe")]
    return []


def _text(value: str | None) -> str:
    try:
        found: Any = json.loads(value or "null")
    except ValueError:
        return ""
    return found if isinstance(found, str) else ""


def _renamed(asked: Asked, problem: Problem, old: str, new: str) -> tuple[Action, ...]:
    for word in asked.arguments:
        name, equals, value = word.partition("=")
        if name.endswith(f".{problem.path}") and name.startswith("-"):
            return (argument(word, f"={name.removesuffix(old)}{new}{equals}{value}"),)
    data = _given(asked, problem)
    owner = _owner(data, problem.path)
    if owner is None or old not in owner:
        return ()
    changed = {new if k == old else k: v for k, v in owner.items()}
    owner.clear()
    owner.update(changed)
    return (argument(problem.name, json.dumps(data, separators=(",", ":"))),)


def _replaced(asked: Asked, problem: Problem, value: str) -> tuple[Action, ...]:
    for at, word in enumerate(asked.arguments):
        name, equals, _ = word.partition("=")
        if name.endswith(f".{problem.path}") and name.startswith("-"):
            old = word if equals else asked.arguments[at + 1] if at + 1 < len(asked.arguments) else ""
            return (argument(old, f"={name}={value}" if equals else f"={value}"),) if old else ()
    data = _given(asked, problem)
    owner = _owner(data, problem.path)
    if owner is None:
        return ()
    owner[problem.path.rpartition(".")[2]] = value
    return (argument(problem.name, json.dumps(data, separators=(",", ":"))),)


def _given(asked: Asked, problem: Problem) -> Any:
    """The option's JSON as it was given in one word; None where it was not."""
    text = next((g.values[-1] for g in asked.reading.given if g.name == problem.name and g.values), "")
    if text not in asked.arguments and not any(w.endswith(f"={text}") for w in asked.arguments):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _owner(data: Any, path: str) -> dict[str, Any] | None:
    """The object that has the last key of the path."""
    for key in path.split(".")[:-1][:_DEPTH]:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else None
