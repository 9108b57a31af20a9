"""The model's own code does not work with an installed release of another package.

A model that comes with its own Python files was written for one range of transformers releases. Later releases moved
names that it imports, or call methods that it does not have: the first Qwen-VL stops on transformers 4.52 with
`'Resampler' object has no attribute '_initialize_weights'`, and works again on 4.53. No package's metadata names the
model, so no installer complains.

What to do: install a release from the range shown. It has what the model's code imports, and none with which the model
was seen to fail. In an environment that is not installed yet, the imports of the engine's module for the model's
architecture are checked in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from doctor.derived.case import Case
from doctor.derived.imports.remote_code import loader
from doctor.derived.packages.model_ranges import ModelBound, failing, linking, model_bounds, narrowed
from doctor.derived.packages.other_releases import other_release
from doctor.facts import Distributions, Model, Modules, present
from doctor.findings import Evidence, Finding, Location, NotApplicable, Open
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each distribution with which the model fails."""
    have: Distributions = present(case.facts, "distributions", Distributions)
    every = failing(case)
    typed = [b for b in every if b.kind == "type"]
    unknown = {b.package for b in typed if b.admits.contains(have.version(b.package) or "") is False}
    bounds = [b for b in every if b.kind == "seen" or (b.kind == "name" and not _linked(case))]
    if not isinstance(case.facts.modules, Modules):  # IMP001 says it better, and ENG002 of an unknown type
        bounds += [b for b in every if b.kind == "engine" and b.package not in unknown]
    if not bounds:
        yield NotApplicable("nothing is known about this model with releases of other packages")
        return
    for package in dict.fromkeys(b.package for b in bounds):
        here = have.get(package)
        mine = [b for b in bounds if b.package == package]
        broken = [b for b in mine if here is not None and b.admits.contains(here.version) is False]
        never = [b for b in broken if b.kind == "engine" and not b.admits.newest]
        if here is None:
            yield Open(f"the release of `{package}` is not known")
        elif never:
            yield _without(rule, case, package, here.version, never[0], model_bounds(case))
        elif broken:
            yield _finding(rule, case, package, here.version, broken)
        elif all(b.admits.contains(here.version) is None for b in mine):
            yield Open(f"the data does not cover {package} {here.version}, which the model may need in another release")


def _linked(case: Case) -> bool:
    """Whether the model's own code was read and linked: then IMP001 says what it lacks."""
    model = case.facts.model
    read = isinstance(model, Model) and model.code is not None and bool(model.code.files)
    return read and isinstance(case.facts.modules, Modules)


def _finding(rule: Rule, case: Case, package: str, version: str, broken: list[ModelBound]) -> Finding:
    first, label = broken[0], _label(case)
    every = narrowed(case, package, first.admits.releases.everything())
    needs = linking(case, package, every if every.newest else first.admits)
    if first.kind == "seen":
        message = f"`{label}` is known to fail with `{package} {version}`: {first.why}"
    else:
        message = f"{_capital(first.why)}, which `{package} {version}` does not have"
    return rule.finding(
        f"{message}; it needs `{package}{needs.spec()}`", key=f"{package}:{first.subject}",
        confidence="medium", location=Location("distribution", package),
        evidence=[Evidence(b.subject, f"{package} {version}", f"{package}{b.admits.spec()}", b.source)
                  for b in broken[:4]],
        remediations=other_release(package, needs, version),
        severity=None if first.kind == "engine" or _runs(case) else "warning",
    )  # fmt: skip


def _without(
    rule: Rule, case: Case, package: str, version: str, bound: ModelBound, every: Sequence[ModelBound]
) -> Finding:
    """No release of the library has the name: another release of the engine is the only way."""
    ways = [
        r for chosen in case.engine for b in every if b.kind == "served" and b.package == chosen.name
        for r in other_release(b.package, b.admits & b.admits.releases.matching(f">{chosen.version}"), chosen.version)
    ]  # fmt: skip
    return rule.finding(
        f"{_capital(bound.why)}, which no published `{package}` has", key=f"{package}:{bound.subject}",
        location=Location("distribution", package), remediations=ways,
        evidence=[Evidence(bound.subject, f"{package} {version}", "another release of the engine", bound.source)],
    )  # fmt: skip


def _runs(case: Case) -> bool:
    """Whether the launch surely runs the model's code; without a launch, whether anything would."""
    found = loader(case)
    return found is None or found.trusts is not False


def _label(case: Case) -> str:
    model = case.facts.model
    return (model.named or model.path.rpartition("/")[2]) if isinstance(model, Model) else "the model"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


RULE = Rule(
    code="ENG011", name="model-fails-with-release", severity="error", check=check, needs=("distributions",)
)  # fmt: skip
