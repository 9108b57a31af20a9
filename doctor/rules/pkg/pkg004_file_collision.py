"""Two installed distributions own the same files with different contents, so one has overwritten parts of the other.

Python packages may install files into the same folder, and no installer checks that they do not clash: the last one
installed wins. It happens with NVIDIA's libraries for two CUDA generations (`nvidia-nccl-cu12` and `nvidia-nccl-cu13`
both install `nvidia/nccl/lib/libnccl.so.2`) and with packages that were split or renamed. Which one wins may differ
between two machines with the same list of versions, and uninstalling one removes the files of both.

Most clashes do no harm: what is on disk fits what loads it, and the default installation of an engine may have some. It
is an error only where the start of the server fails at one of these files. A library for another CUDA generation than
torch's is a warning. Stray files next to the packages, such as `build_backend.py`, are a note.

What to do: nothing, if everything works. Otherwise, reinstall the one that torch or the engine requires with
`--force-reinstall --no-deps`. Uninstall the other one only if nothing requires it, and reinstall afterwards.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from doctor.base.record import dataclass
from doctor.derived.case import Case
from doctor.derived.imports.stop import about_files
from doctor.derived.packages.cuda_major import major_in_name, torch_major
from doctor.derived.packages.needs import needs_of
from doctor.facts import Collision, Distributions, normalize, present
from doctor.findings import Action, Evidence, Finding, Location, Remediation, Severity
from doctor.rules.rule import Rule

_SHOWN = 5
_IDLE = frozenset({"tests", "test", "examples", "docs", "doc", "benchmarks", "scripts", "tools"})


@dataclass(frozen=True)
class Clash:
    """Distributions that own the same files: their `names`, the `paths` with code first, whose content is on disk
    (`whose`, counted), and who requires each (`askers`)."""

    names: tuple[str, ...]
    paths: tuple[str, ...]
    whose: Counter[str]
    askers: dict[str, tuple[str, ...]]
    collisions: tuple[Collision, ...]


def check(rule: Rule, case: Case) -> Iterator[Finding]:
    """One finding for each set of distributions that clash."""
    distributions: Distributions = present(case.facts, "distributions", Distributions)
    groups: dict[tuple[str, ...], list[Collision]] = defaultdict(list)
    for collision in distributions.collisions:
        groups[tuple(sorted({o.distribution for o in collision.owners}))].append(collision)
    for names, found in groups.items():
        found.sort(key=lambda c: (not _is_code(c.path), c.path))
        askers = {n: _askers(case, n) for n in names}
        whose = Counter(c.on_disk for c in found if c.on_disk)
        clash = Clash(names, tuple(c.path for c in found), whose, askers, tuple(found))
        yield _finding(rule, case, distributions, clash)


def _askers(case: Case, name: str) -> tuple[str, ...]:
    """The distributions that require this one."""
    return tuple(sorted({n.owner.name for n in needs_of(case).found if n.name == normalize(name)}))


def _finding(rule: Rule, case: Case, all_: Distributions, clash: Clash) -> Finding:
    other = _other_cuda(case, clash)
    stops = about_files(case, clash.paths)
    labels = [f"`{name} {all_.version(name)}`" for name in clash.names]
    count = "the file" if len(clash.paths) == 1 else f"{len(clash.paths)} files,"
    example = f"`{clash.paths[0]}`" if len(clash.paths) == 1 else f"such as `{clash.paths[0]}`"
    effect = f", built for CUDA {other[1]} while torch was built for CUDA {other[2]}" if other else ""
    evidence = [
        Evidence("content of a file that both own", c.on_disk, " or ".join(clash.names), c.path)
        for c in clash.collisions[:_SHOWN]
    ]
    evidence += [Evidence(f"what requires {n}", ", ".join(a) or "nothing") for n, a in clash.askers.items()]
    return rule.finding(
        f"{' and '.join(labels)} both own {count} {example}, with different contents{_winner(clash)}{effect}",
        key=":".join(clash.names), severity="error" if stops else _severity(clash.paths, all_),
        location=Location("distribution", clash.names[0], clash.paths[0]), evidence=evidence,
        remediations=_remedies(all_, clash, needed=bool(other or stops or len(clash.whose) > 1)),
    )  # fmt: skip


def _winner(clash: Clash) -> str:
    if len(clash.whose) == 1:
        return f"; on disk is that of `{clash.whose.most_common(1)[0][0]}`"
    return f"; on disk is a mix of {' and '.join(f'`{n}`' for n in sorted(clash.whose))}" if clash.whose else ""


def _other_cuda(case: Case, clash: Clash) -> tuple[str, int, int] | None:
    """What is on disk where its name says another CUDA generation than torch's, with both generations."""
    torch = torch_major(case.facts)
    for name in sorted(clash.whose):
        major = major_in_name(name)
        if torch is not None and major is not None and major != torch:
            return name, major, torch
    return None


def _is_code(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith((".py", ".so", ".pyd", ".dll")) or ".so." in name


def _severity(paths: tuple[str, ...], all_: Distributions) -> Severity:
    code = [p for p in paths if _is_code(p) and p.partition("/")[0] not in _IDLE and not _is_stray(p, all_)]
    return "warning" if code else "note"


def _is_stray(path: str, all_: Distributions) -> bool:
    """Whether it is a single file next to the packages that is no distribution's module: `build_backend.py`."""
    return "/" not in path and all_.get(path.partition(".")[0]) is None


def _remedies(all_: Distributions, clash: Clash, needed: bool) -> Iterator[Remediation]:
    """Keep what torch asks for, else what most ask for, else what is on disk; what something requires stays."""
    askers, whose = clash.askers, clash.whose
    keep = max(clash.names, key=lambda n: ("torch" in askers[n], len(askers[n]), whose[n]))
    others = [n for n in clash.names if n != keep]
    idle = [n for n in others if not set(askers[n]) - set(others)]
    pin = Action("install", package=keep, specifier=f"=={all_.version(keep)}", direction="reinstall")
    if idle == others:
        gone = " and ".join(f"`{n}`" for n in others)
        yield Remediation(
            f"uninstall {gone}, which nothing requires, then reinstall `{keep}` with `--force-reinstall --no-deps`",
            (*(Action("uninstall", package=n) for n in others), pin), "unsafe",
        )  # fmt: skip
    elif needed:
        why = f", which {', '.join(f'`{a}`' for a in askers[keep][:3])} requires" if askers[keep] else ""
        yield Remediation(
            f"reinstall `{keep}`{why}, with `--force-reinstall --no-deps`; the others stay, since they are required",
            (pin,), "unsafe",
        )  # fmt: skip


RULE = Rule(code="PKG004", name="file-collision", severity="warning", check=check, needs=("distributions",), files=True)
