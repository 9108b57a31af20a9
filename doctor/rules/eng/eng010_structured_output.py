"""Requests for structured output will fail, although the server starts.

A grammar package serves `response_format` with a JSON schema: LMDeploy's PyTorch engine imported `outlines` up to 0.9.2
and has imported `xgrammar` since 0.10; vLLM and SGLang choose among several with `--guided-decoding-backend`,
`--structured-outputs-config` or `--grammar-backend`. The package is imported on the first such request, so a missing or
newer one goes unnoticed until then: LMDeploy requires `outlines` without any bound, and current releases do not have
what it imports. In those LMDeploy releases, TurboMind rejects such requests altogether.

What to do: install a release of the package that has the names, or an engine release that uses another one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.engine import SOURCE, Chosen
from doctor.derived.packages.other_releases import direction
from doctor.facts import Distributions, Facts, present
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.findings.wording import in_words
from doctor.launch.options import option
from doctor.matrix.providers import releases_with
from doctor.matrix.releases import ReleaseSet
from doctor.rules.rule import Rule, Verdict

FLAGS = ("--guided-decoding-backend", "--grammar-backend", "--structured-outputs-config.backend")
# the distribution behind a name on the command line: vllm/v1/structured_output/backend_*.py, sglang/srt/constrained
PACKAGES = {"xgrammar": ("xgrammar",), "outlines": ("outlines", "outlines-core"), "guidance": ("llguidance",),
            "llguidance": ("llguidance",), "lm-format-enforcer": ("lm-format-enforcer",)}  # fmt: skip


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for names that the installed package lacks, one for a backend that is named and missing."""
    facts = case.facts
    distributions: Distributions = present(facts, "distributions", Distributions)
    found = case.engine
    if not found:
        yield NotApplicable("no release of an engine is known here")
    for chosen in found:
        if chosen.table("structured").get("imports"):
            yield from _names(rule, distributions, chosen)
        elif (backend := _named(facts)) is not None:
            yield from _backend(rule, distributions, chosen, backend)


def _names(rule: Rule, distributions: Distributions, chosen: Chosen) -> Iterator[Verdict]:
    for package in ("outlines", "xgrammar"):
        names = [n for n in chosen.table("structured")["imports"] if n.startswith(package) and ":" in n]
        sets = [s for n in names if (s := releases_with(package, *n.split(":", 1))) is not None]
        if not sets:
            continue
        fitting = sets[0]
        for more in sets[1:]:
            fitting = fitting & more
        have = distributions.get(package)
        if have is None and not distributions.complete:
            newest = fitting.releases.everything().newest
            if newest and not fitting.contains(newest):
                yield Open(f"`{package}` is not pinned; structured output of {chosen.shown} needs {fitting.spec()}")
        elif have is not None and fitting.contains(have.version) is None:
            yield Open(f"the data does not cover {package} {have.version}; structured output needs {fitting.spec()}")
        elif have is not None and fitting.contains(have.version) is False:
            pairs = [(n, releases_with(package, *n.split(":", 1))) for n in names]
            lacks = [n for n, having in pairs if having is not None and not having.contains(have.version)]
            yield _lacking(rule, chosen, package, have.version, lacks, fitting)


def _lacking(
    rule: Rule, chosen: Chosen, package: str, version: str, lacks: list[str], fitting: ReleaseSet
) -> Finding:
    module, _, name = lacks[0].partition(":")
    way = direction(fitting, version)
    action = Action("install", package=package, specifier=fitting.spec(), direction=way)
    out = Remediation(in_words(action), (action,), "unsafe")
    return rule.finding(
        f"`{chosen.shown}` imports `{name}` from `{module}` when a request uses structured output, which "
        f"`{package} {version}` does not have: it needs `{package}{fitting.spec()}`",
        key=f"{chosen.name}:{package}", severity="warning", location=Location("distribution", package),
        evidence=[Evidence(n, f"{package} {version}", f"{package}{fitting.spec()}",
                           f"pytorch/engine/guided_process.py of {chosen.shown}; names {SOURCE}") for n in lacks[:5]],
        remediations=[out] if fitting.newest else [],
    )  # fmt: skip


def _named(facts: Facts) -> str | None:
    """The backend that the command names, or None."""
    told = option(facts, *FLAGS)
    if told is None and (text := option(facts, "--structured-outputs-config")) is not None:
        try:
            data = json.loads(text[:10_000])
        except (ValueError, RecursionError):
            return None
        told = data.get("backend") if isinstance(data, dict) else None
    return told.partition(":")[0] if isinstance(told, str) and told.partition(":")[0] in PACKAGES else None


def _backend(rule: Rule, distributions: Distributions, chosen: Chosen, backend: str) -> Iterator[Verdict]:
    packages = PACKAGES[backend]
    if any(distributions.get(p) for p in packages):
        return
    required = chosen.table("requires")
    package = next((p for p in packages if p in required), packages[0])
    if not distributions.complete:
        if package not in required:
            yield Open(f"`{backend}` is served by `{package}`, which {chosen.shown} does not require")
        return
    action = Action("install", package=package, direction="install")
    yield rule.finding(
        f"The command requests the grammar backend `{backend}`, but `{package}` is not installed",
        key=f"{chosen.name}:{package}", location=Location("distribution", package),
        evidence=[Evidence(package, "not installed", "installed", f"requirements of {chosen.shown}")],
        remediations=[Remediation(f"install {package}", (action,), "safe")],
        causes=[f"PKG001:{chosen.name}:{package}"],
    )


RULE = Rule(code="ENG010", name="structured-output", severity="error", check=check, needs=("distributions",))
