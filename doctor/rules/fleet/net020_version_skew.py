"""The nodes do not have the same releases of what talks to each other.

The ranks of one model run the same steps in lockstep. Ray refuses a node with another release or another Python minor
version; NCCL refuses ranks of another release (`Mismatched NCCL version detected`). Another release of the engine or of
torch may start, and then hang or fail where the two releases differ in what they send.

What to do: install the releases of most nodes on the others.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.fleet import Fleet, Kind, named
from doctor.facts import Facts, Launch, Natives
from doctor.launch.options import engine
from doctor.rules.fleet.rule import FleetRule
from doctor.rules.rule import Verdict

NCCL = ("nvidia-nccl-cu13", "nvidia-nccl-cu12", "nvidia-nccl-cu11")


def check(rule: FleetRule, fleet: Fleet) -> Iterator[Verdict]:
    """One finding for each program, naming the nodes that are unlike most."""
    for what, refused in (("engine", False), ("torch", False), ("NCCL", True), ("Ray", True), ("Python", False)):
        by_version: dict[str, list[Kind]] = {}
        for kind in fleet.kinds:
            if kind.facts is not None and (found := _version(kind.facts, what)):
                by_version.setdefault(found, []).append(kind)
        if len(by_version) < 2:
            continue
        usual = max(by_version, key=lambda v: (sum(len(k.members) for k in by_version[v]), v))
        for version, kinds in by_version.items():
            if version != usual:
                nodes = named(m.name for k in kinds for m in k.members)
                yield rule.finding(
                    f"{nodes}: {_name(kinds[0], what)} {version}, most nodes have {usual}.",
                    node=kinds[0].members[0].name, observed=version, expected=usual, source="metadata of each node",
                    key=f"{what}:{version}", severity="error" if refused or _by_ray(kinds[0], what) else "warning",
                    confidence="high" if refused else "medium", fix=f"install {_name(kinds[0], what)} {usual} there",
                )  # fmt: skip


def _name(kind: Kind, what: str) -> str:
    found = engine(kind.facts) if kind.facts is not None and what == "engine" else None
    return found or what


def _by_ray(kind: Kind, what: str) -> bool:
    """Ray compares the Python of its nodes too."""
    return what == "Python" and kind.facts is not None and "ray" in _command(kind.facts)


def _command(facts: Facts) -> tuple[str, ...]:
    return facts.launch.argv if isinstance(facts.launch, Launch) else ()


def _version(facts: Facts, what: str) -> str | None:
    if what == "engine":
        return facts.version(engine(facts))
    if what == "NCCL":
        found = next((v for name in NCCL if (v := facts.version(name))), None)
        return found or (facts.natives.versions.get("nccl") if isinstance(facts.natives, Natives) else None)
    if what == "Python":
        minor = facts.target.python_minor
        return f"{minor[0]}.{minor[1]}" if minor else None
    return facts.version(what.lower())


RULE = FleetRule("NET020", "version-skew", "error", check)
