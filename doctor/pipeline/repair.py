"""Joins what changes environments with what judges them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from doctor.collect.python.target import TargetError, TargetRequest, find_target
from doctor.facts import Distributions, Facts, Launch
from doctor.findings import Plan, Report
from doctor.pipeline.diagnosis import diagnose
from doctor.pipeline.request import Request
from doctor.repair.apply import Applied, Modules, Origin, Proof, apply_new
from doctor.repair.carry import Carried
from doctor.repair.errors import Refused, RepairError
from doctor.repair.place import read_place
from doctor.repair.switch.generations import USUAL
from doctor.repair.switch.inplace import How, Switched, WantedPins, switch
from doctor.repair.verify import Judge
from doctor.repair.wheels.pins import pins_of
from doctor.repair.wheels.prepare import Say, Source

CLOSED = "PKG001"
# what an environment's files decide; the machine's state may change by itself between two looks
_OF_THE_ENVIRONMENT = ("PKG", "IMP", "LIB", "ENG", "CMD", "MDL")


def pins_wanted_by(plan: Plan) -> WantedPins:
    """What a plan changes, as pins; the rest of its pins are there already."""
    moved = {name: plan.pins[name] for name in plan.changes if name in plan.pins}
    return WantedPins(pins_of(moved), tuple(name for name in plan.changes if name not in plan.pins))


def judge_for(prefix: str, request: Request) -> Judge:
    """A judge by all rules, for the environment at `prefix` and for its clone: the same problem under the same key.

    Problems are errors, and requirements that are not met (`CLOSED`) whatever they need: a change is to leave none.
    The machine, the launch and the model are those of `request`.
    """

    def judge(tree: str) -> dict[str, str]:
        target = TargetRequest(python=tree, environ=request.target.environ, cwd=request.target.cwd)
        try:
            report = diagnose(replace(request, target=target, use_cache=tree == prefix))
        except TargetError as error:
            raise RepairError(f"the environment cannot be checked: {error}") from None
        return _problems(report, tree, prefix)

    return judge


def _problems(report: Report, tree: str, name: str) -> dict[str, str]:
    return {
        f"{f.rule}:{f.key}".replace(tree, name): f"{f.rule}: {f.message}".replace(tree, name)
        for f in report.findings
        if f.rule[:3] in _OF_THE_ENVIRONMENT and (f.severity == "error" or f.rule == CLOSED)
    }


def switch_in_place(
    prefix: str, wanted: WantedPins, source: Source, request: Request, say: Say, keep: int = USUAL
) -> Switched:  # fmt: skip
    """`fix --apply --in-place`, after which `keep` earlier environments stay. Raises RepairError with it as it was."""
    return switch(prefix, wanted, source, How(judge_for(prefix, request), say, keep))


def new_environment(request: Request, wanted: WantedPins, source: Source, say: Say) -> Applied:
    """`fix --apply`: a new environment beside the target. Raises RepairError, or TargetError as `diagnose` does."""
    report = diagnose(request)
    origin = origin_of(report.facts, request.target.cwd)
    before = _problems(report, origin.prefix or "\0", origin.beside)
    changed = frozenset(p.name for p in wanted.pins)
    proof = Proof(judge_for(origin.beside, request), before, modules_for(report.facts, changed))
    return apply_new(origin, wanted, source, proof, say)


def origin_of(facts: Facts, cwd: str) -> Origin:
    """What a new environment is made after. Raises Refused where the target's Python is not known."""
    target, have = facts.target, facts.distributions
    if not isinstance(have, Distributions) or target.python_minor is None:
        raise Refused("what is installed, or for which Python, is not known: name the environment with --python")
    installed = tuple(
        Carried(d.key, d.version, d.location.rstrip(os.sep), d.metadata_path, d.editable) for d in have.installed
    )
    version = ".".join(map(str, target.python_minor))
    if target.kind != "installed" or target.prefix is None:
        return Origin(target.paths[0].rstrip(os.sep), None, version, installed)
    try:
        return Origin(target.prefix, target.prefix, read_place(target.prefix).base, installed)
    except Refused:
        config = os.path.join(target.prefix, "pyvenv.cfg")
        if os.path.lexists(config) and not Path(config).is_file():
            raise Refused(f"`{config}` is not a file, so the Python of this environment is not known") from None
        # no environment of the user's own: the new one is made where the user is
        return Origin(os.path.join(cwd, "venv"), target.prefix, target.executable or version, installed)


def modules_for(facts: Facts, changed: frozenset[str]) -> Modules:
    """What to import in the new environment: what a launch of its engine imports, else what was changed."""
    from doctor.collect.packages.distributions import read_distributions
    from doctor.launch.options import option_of
    from doctor.matrix.engines import engine, entry_modules
    from doctor.pipeline.environment import chosen_engines

    launch = facts.launch
    backend = option_of(launch.argv, "--backend") if isinstance(launch, Launch) else None

    def modules(prefix: str) -> tuple[str, ...]:
        target = find_target(TargetRequest(python=prefix))
        have = read_distributions(target)
        if not isinstance(have, Distributions):
            return ()
        names: list[str] = []
        for name in chosen_engines(have, launch):
            spec = engine(name)
            chosen = backend if spec and backend in spec.backends else None
            halves = {e.module for e in spec.entries if e.backend not in (None, chosen)} if spec else set()
            found = entry_modules(name, have.version(name), chosen, program=None)
            names += [m for m in found if m not in halves and _is_there(target.paths, m)]
        tops = [t for d in have.installed if d.key in changed for t in d.top_level]
        return tuple(dict.fromkeys(names or [t for t in tops if t.isidentifier() and not t.startswith("_")]))

    return modules


def _is_there(paths: tuple[str, ...], module: str) -> bool:
    relative = module.replace(".", os.sep)
    ends = (f"{os.sep}__init__.py", ".py")
    return any(Path(p, relative + end).is_file() for p in paths for end in ends)
