"""A solution as a plan: the steps with their reasons and the findings that they resolve, and the commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from doctor.base.late import late_pattern
from doctor.base.quoting import joined
from doctor.facts import Distributions, Facts, Target
from doctor.findings import ALONG, Action, Conflict, Finding, Step
from doctor.plan.choices import only_source
from doctor.plan.planner import Solved
from doctor.plan.solver.problem import Clause

NAME = late_pattern(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,100}[A-Za-z0-9])?")
VERSION = late_pattern(r"[A-Za-z0-9][A-Za-z0-9.!+_-]{0,80}")
NEW = "qvl-env"  # the folder of a new environment in printed commands


def reasons(solved: Solved, name: str) -> list[str]:
    """Why a variable cannot stay as it is beside the other values of the solution: what others ask of it first."""
    current = solved.problem.variables[name].current
    asked: dict[str, None] = {}
    own: dict[str, None] = {}
    for clause in solved.problem.clauses:
        told = clause.text and not clause.requested
        if current is None or not told or not _forbids(solved, clause, name, current):
            continue
        if clause.target == name:
            asked[clause.sentence_for(solved.solution[clause.owner] if clause.owner else None)] = None
        else:
            own[clause.sentence_for(current)] = None
    return list(asked) or list(own)


def _forbids(solved: Solved, clause: Clause, name: str, current: int) -> bool:
    if clause.target == name and not clause.then >> current & 1:
        return clause.owner is None or bool(clause.when >> solved.solution[clause.owner] & 1)
    if clause.owner == name and clause.when >> current & 1 and clause.target != name:
        return not clause.then >> solved.solution[clause.target] & 1
    return False


def steps_of(
    solved: Solved, pins: Mapping[str, str], changes: Mapping[str, str | None], options: Sequence[Action],
    gone: Sequence[Finding], refused: Conflict | None = None,
) -> tuple[Step, ...]:  # fmt: skip
    """One step a change: what the solver asked for first, then the launch command, then what comes along.

    `refused` is why the engine's release could not stay.
    """
    asked = [n for n in changes if n in solved.changes and (n in solved.pins or n in solved.removed)]
    rest = [n for n in changes if n not in asked]
    out = [_step(solved, n, pins.get(n), changes[n], gone) for n in (*asked, *rest)]
    for action in options:
        why = "; ".join(reasons(solved, "backend")[:2]) if action.name == "--backend" and solved.backend else ""
        named = [f for f in gone if any(action.name and a.name == action.name for a in _actions(f))]
        out.insert(len(asked), Step(action, why or _first(named) or "the changed command needs it", _keys(named)))
    if refused is not None:
        told = "; ".join(s.removeprefix("Because ").rstrip(".") for s in refused.sentences)
        out = [replace(s, why=told) if s.action.package in solved.draft.goal.engines else s for s in out]
    return tuple(out)


def _step(solved: Solved, name: str, to: str | None, was: str | None, gone: Sequence[Finding]) -> Step:
    about = [f for f in gone if name in _packages(f)]
    if to is None:
        return Step(Action("uninstall", package=name), "; ".join(reasons(solved, name)[:2]), _keys(about))
    way = "install" if was is None else direction(was, to)
    why = "; ".join(reasons(solved, name)[:3]) if name in solved.problem.variables and name in solved.changed else ""
    why = why or _first(about) or ALONG
    if was is None and not about and not solved.draft.choices.installed.complete and name not in solved.wanted:
        why = ALONG  # the declaration leaves it to the installer
    return Step(Action("install", package=name, specifier=f"=={to}", direction=way), why, _keys(about))


def direction(was: str, to: str) -> str:
    """`upgrade`, `downgrade`, or `reinstall` for the same release in another build."""
    from packaging.version import InvalidVersion, Version

    try:
        old, new = Version(was.partition("+")[0]), Version(to.partition("+")[0])
    except InvalidVersion:
        return "install"
    return "reinstall" if old == new else "upgrade" if old < new else "downgrade"


def _actions(finding: Finding) -> list[Action]:
    return [a for r in finding.remediations for a in r.actions]


def _packages(finding: Finding) -> set[str]:
    from doctor.facts import normalize

    return {normalize(a.package) for r in finding.remediations[:2] for a in r.actions if a.package}


def _keys(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{f.rule}:{f.key}" if f.key else f.rule for f in findings))


def _first(findings: Sequence[Finding]) -> str:
    return findings[0].message if findings else ""


def commands_of(
    facts: Facts, pins: Mapping[str, str], changes: Mapping[str, str | None], source: frozenset[str],
    whole: bool = True,
) -> tuple[str, ...]:  # fmt: skip
    """Shell lines that bring the target to the pins; only names and versions that are well-formed go into them.

    A target whose interpreter is not known is left alone: a new environment is made beside it. `source` are
    distributions without a wheel: installing them runs code of theirs, so they get a line of their own. `whole`: the
    pins are all that is needed; else the installer has to bring the rest.
    """
    target = facts.target
    moved = {n: pins[n] for n in changes if n in pins}
    gone = [n for n in changes if n not in pins and NAME.fullmatch(n)]
    into = here = _interpreter(target)
    out: list[str] = []
    if into is None:
        out.append(f"uv venv --python {target.python or '3.11'} {NEW}")
        into, moved, gone = f"{NEW}/bin/python", dict(pins), []
    if gone:
        out.append(joined(["uv", "pip", "uninstall", "--python", into, *gone]))
    wheels = [f"{n}=={v}" for n, v in sorted(moved.items()) if n not in source and _sound(n, v)]
    again = [w for n in sorted(moved) if here and _again(facts, n, moved[n]) for w in ("--reinstall-package", n)]
    head = ["uv", "pip", "install", "--python", into, *(["--no-deps"] if here or whole else [])]
    if wheels:
        out.append(joined([*head, "--only-binary", ":all:", *again, *wheels]))
    out += [joined([*head, f"{n}=={moved[n]}"]) for n in sorted(source & set(moved)) if _sound(n, moved[n])]
    return tuple(out)


def install_line(facts: Facts, pins: Mapping[str, str]) -> list[str]:
    """What installs these exact releases and whatever they need: into the target, else into a new environment."""
    into = _interpreter(facts.target)
    have = facts.distributions if isinstance(facts.distributions, Distributions) else Distributions(())
    out = []
    if into is None or not have.installed:
        out.append(f"uv venv --python {facts.target.python or '3.11'} {NEW}")
        into = f"{NEW}/bin/python"
    words = [f"{n}=={v.partition('+')[0]}" for n, v in sorted(pins.items()) if not only_source(n, v)]
    return [*out, joined(["uv", "pip", "install", "--python", into, "--only-binary", ":all:", *words])]


def _interpreter(target: Target) -> str | None:
    if target.kind != "installed":
        return None
    return target.executable or target.prefix


def _sound(name: str, version: str) -> bool:
    return bool(NAME.fullmatch(name) and VERSION.fullmatch(version))


def _again(facts: Facts, name: str, version: str) -> bool:
    """Whether the same release is there in another build, which an installer would leave alone."""
    have = facts.distributions
    now = have.get(name) if isinstance(have, Distributions) else None
    return now is not None and now.version.partition("+")[0] == version.partition("+")[0]
