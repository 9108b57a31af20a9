"""A launch option expects JSON, but its value is not JSON, or not what the release's settings take.

Options such as `--limit-mm-per-prompt`, `--hf-overrides` and `--mm-processor-kwargs` take a JSON object. Only vLLM
0.5.5 to 0.9.2 understood the form `image=3`, and no release understands `image:3`. JSON needs double quotes inside, and
the whole value needs single quotes, or the shell removes the inner ones.

Options such as `--compilation-config` and `--structured-outputs-config` fill a settings class, in one JSON object or
key by key (`--compilation-config.cudagraph_mode PIECEWISE`). The class rejects keys that it does not have and values
that do not fit, and the server exits.

What to do: write the value as JSON in single quotes: `'{"image": 3, "video": 0}'`. Use the keys and values that the
message names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from doctor.base.late import late_pattern
from doctor.base.syntax import literal
from doctor.derived.asked import Asked
from doctor.derived.case import Case
from doctor.derived.option_findings import argument, evidence, place, problems, releases, shown, shown_value, unread
from doctor.derived.settings_findings import key_ways, member_ways
from doctor.findings import Finding, Remediation
from doctor.launch.parser import Problem
from doctor.launch.values import refusal
from doctor.matrix import rows
from doctor.matrix.releases import ReleaseSet
from doctor.rules.rule import Rule, Verdict

LONGEST = 4096
_PAIR = late_pattern(r"\s*[\"']?([A-Za-z_][\w.-]{0,80})[\"']?\s*[:=]\s*(.*?)\s*$", re.DOTALL)


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each value that is no JSON where JSON is wanted, or that the settings refuse."""
    found = case.asked
    if not isinstance(found, Asked):
        yield found
        return
    for problem in problems(found.reading, "json"):
        yield _finding(rule, found, problem)
    for problem in problems(found.reading, "key", "member"):
        yield _settings(rule, found, problem)
    yield from unread(found)


def _finding(rule: Rule, asked: Asked, problem: Problem) -> Finding:
    meant = as_json(problem.value or "")
    option = asked.reading.table.option(problem.name)
    value = json.dumps(meant, separators=(",", ":")) if meant is not None else None
    if value is not None and option is not None and refusal(option, value) is not None:
        value = _as_pairs(meant)
    pairs = _pairs_understood(asked.engine, problem)
    once = f"; only releases {pairs.spec()} accept KEY=VALUE" if pairs is not None else ""
    message = (
        f"`{problem.spelled}` of {asked.shown} expects {problem.wanted}, but got "
        f"`{shown_value(problem, 100)}`{once or _quoting(problem.value or '')}"
    )  # fmt: skip
    ways = []
    if value is not None:
        title = f"write `{problem.name} '{shown_value(replace(problem, value=value), 200)}'`"
        ways.append(Remediation(title, (argument(problem.name, value),), "safe"))
    return rule.finding(
        message, key=problem.name, location=place(problem), evidence=[evidence(asked, problem, problem.wanted)],
        remediations=[*ways, *releases(asked, pairs)],
    )  # fmt: skip


def _quoting(value: str) -> str:
    """What a shell did to the quotes of JSON, where the value shows it."""
    text = value.strip()
    if text[:1] == text[-1:] == "'" and len(text) > 1:
        return "; single quotes reached the server: in `cmd` write double quotes, with `\\\"` inside"
    if text.startswith("{") and '"' not in text and "'" not in text and ":" in text:
        return "; the shell removed the double quotes: put single quotes around the JSON"
    return ""


def _settings(rule: Rule, asked: Asked, problem: Problem) -> Finding:
    """A key that the settings class does not have, or a value that the key does not take."""
    option = asked.reading.table.option(problem.name)
    key, having = shown(problem.path, 100), None
    if problem.kind == "key":
        if option is not None and option.settings and "." not in problem.path:
            having = rows.releases_having(asked.engine, "settings", f"{option.settings}.{problem.path}")
        near = f"; did you mean `{shown(problem.wanted, 80)}`" if problem.wanted else ""
        window = f"; {asked.engine} accepts it in releases {having.spec()}" if having and having.newest else ""
        message = f"`{problem.spelled}` of {asked.shown} does not have the key `{key}`{window or near}"
    else:
        message = (
            f"`{problem.spelled}` of {asked.shown} expects {shown(problem.wanted, 100)} for `{key}`, but got "
            f"`{shown_value(problem, 60)}`"
        )  # fmt: skip
    ways = key_ways(asked, problem) if problem.kind == "key" else member_ways(asked, problem)
    expected = problem.wanted or "a key of the settings"
    return rule.finding(
        message, key=f"{problem.name}.{problem.path}", location=place(problem),
        evidence=[evidence(asked, problem, expected)], remediations=[*ways, *releases(asked, having)],
    )  # fmt: skip


def _pairs_understood(engine: str, problem: Problem) -> ReleaseSet | None:
    """The releases that take `a=1`, where the value has that form."""
    if not re.fullmatch(r"\s*\w+=\d+(?:,\w+=\d+)*\s*", problem.value or ""):
        return None
    out: ReleaseSet | None = None
    for having, flag in rows.history(engine, "flags", problem.name):
        if flag.get("type") in ("nullable_kvs", "json or key=value"):
            out = having if out is None else out | having
    return out


def as_json(text: str) -> Any:
    """The object that was meant by `image:3,video:0`, `a=1`, `{'a': 1}`, `{image: 3}`; None where it cannot be told."""
    text = text.strip()[:LONGEST]
    if text[:1] in "'\"" and text[-1:] == text[:1] and len(text) > 1:
        text = text[1:-1].strip()
    for read in (json.loads, literal):
        try:
            found = read(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, (dict, list)) and _plain(found):
            return found
    if text[:1] == "{" and text[-1:] == "}":
        text = text[1:-1]
    if not text or any(c in text for c in "{}[]"):
        return None
    pairs = [_PAIR.match(part) for part in text.split(",")]
    return {p[1]: _scalar(p[2]) for p in pairs if p} if all(pairs) else None


def _scalar(text: str) -> Any:
    text = text.strip("\"' ")
    for word, value in (("true", True), ("false", False), ("none", None), ("null", None)):
        if text.lower() == word:
            return value
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _plain(found: Any) -> bool:
    try:
        json.dumps(found, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _as_pairs(meant: Any) -> str | None:
    if isinstance(meant, dict) and all(isinstance(v, int) and not isinstance(v, bool) for v in meant.values()):
        return ",".join(f"{k}={v}" for k, v in meant.items())
    return None


RULE = Rule(code="CMD003", name="wrong-value-form", severity="error", check=check, needs=("launch", "distributions"))
