"""Two installed distributions own the same files with different contents, so one has overwritten parts of the other.

Python packages may install files into the same folder, and no installer checks that they do not clash: the last one
installed wins, and the other is silently damaged. It happens with NVIDIA's libraries for two CUDA generations
(`nvidia-nccl-cu12` and `nvidia-nccl-cu13` both install `nvidia/nccl/lib/libnccl.so.2`) and with packages that were
split or renamed. Which one wins may differ between two machines with the same list of versions, and uninstalling one
removes the files of both.

What to do: uninstall the one that nothing needs and reinstall the other with `--force-reinstall --no-deps`, since the
uninstall removed shared files. If both are needed, install an engine and a torch built for the same CUDA generation.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.packages.needs import needs_of
from doctor.facts import Collision, Distributions, present
from doctor.findings import Action, Evidence, Finding, Location, Remediation, Severity
from doctor.matrix.engines import engines
from doctor.rules.rule import Rule

_SHOWN = 5
_VITAL = frozenset({"nvidia", "cuda", "torch"})  # and the engines
_IDLE = frozenset({"tests", "test", "examples", "docs", "doc", "benchmarks", "scripts", "tools"})


def check(rule: Rule, case: Case) -> Iterator[Finding]:
    """One finding for each set of distributions that clash."""
    distributions: Distributions = present(case.facts, "distributions", Distributions)
    groups: dict[tuple[str, ...], list[Collision]] = defaultdict(list)
    for collision in distributions.collisions:
        groups[tuple(sorted({o.distribution for o in collision.owners}))].append(collision)
    askers = _askers(case) if groups else {}
    for names, collisions in groups.items():
        yield _finding(rule, names, collisions, askers, distributions)


def _askers(case: Case) -> dict[str, set[str]]:
    """Who requires what: normalized name to the names of the distributions that require it."""
    out: dict[str, set[str]] = defaultdict(set)
    for need in needs_of(case).found:
        out[need.name].add(need.owner.name)
    return out


def _finding(
    rule: Rule, names: tuple[str, ...], collisions: list[Collision], askers: dict[str, set[str]], all_: Distributions
) -> Finding:
    whose = Counter(c.on_disk for c in collisions if c.on_disk)
    labels = [f"`{name} {all_.version(name)}`" for name in names]
    paths = sorted((c.path for c in collisions), key=lambda p: (not _is_code(p), p))
    winner = f"; on disk are those of `{whose.most_common(1)[0][0]}`" if len(whose) == 1 else ""
    winner = winner or (f"; on disk is a mixture of {' and '.join(f'`{n}`' for n in sorted(whose))}" if whose else "")
    count = "the file" if len(paths) == 1 else f"{len(paths)} files"
    example = f"`{paths[0]}`" if len(paths) == 1 else f"such as `{paths[0]}`"
    evidence = [
        Evidence("content of a file that both own", c.on_disk, " or ".join(names), c.path)
        for c in sorted(collisions, key=lambda c: (not _is_code(c.path), c.path))[:_SHOWN]
    ]
    evidence += [
        Evidence(f"what requires {n}", ", ".join(sorted(a)) if (a := _who(all_, askers, n)) else "nothing")
        for n in names
    ]
    return rule.finding(
        f"{' and '.join(labels)} both own {count}, {example}, with different contents{winner}",
        key=":".join(names),
        severity=_severity(paths),
        location=Location("distribution", names[0], paths[0]),
        evidence=evidence,
        remediations=_remedies(names, askers, whose, all_),
    )


def _who(all_: Distributions, askers: dict[str, set[str]], name: str) -> set[str]:
    found = all_.get(name)
    return askers.get(found.key, set()) if found else set()


def _is_code(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith((".py", ".so", ".pyd", ".dll")) or ".so." in name


def _severity(paths: list[str]) -> Severity:
    code = [p for p in paths if _is_code(p) and p.partition("/")[0] not in _IDLE]
    vital = {*_VITAL, *(e.package for e in engines() if not e.library)}
    if any(p.partition("/")[0] in vital for p in code):
        return "error"
    return "warning" if code else "note"


def _remedies(
    names: tuple[str, ...], askers: dict[str, set[str]], whose: Counter[str], all_: Distributions
) -> Iterator[Remediation]:
    """Keep what torch asks for, else what most ask for, else what is on disk; the others go."""
    keep = max(names, key=lambda n: ("torch" in _who(all_, askers, n), len(_who(all_, askers, n)), whose[n]))
    others = [n for n in names if n != keep]
    asked = sorted({a for n in others for a in _who(all_, askers, n)} - set(others))
    pin = Action("install", package=keep, specifier=f"=={all_.version(keep)}", direction="reinstall")
    gone = " and ".join(f"`{n}`" for n in others)
    why = f", which {', '.join(f'`{a}`' for a in asked)} asked for" if asked else ", which nothing here requires"
    yield Remediation(
        f"uninstall {gone}{why}, then reinstall `{keep}` with `--force-reinstall --no-deps`",
        (*(Action("uninstall", package=n) for n in others), pin),
        "manual" if asked else "unsafe",
    )


RULE = Rule(code="PKG004", name="file-collision", severity="error", check=check, needs=("distributions",), files=True)
