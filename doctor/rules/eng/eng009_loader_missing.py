"""transformers cannot load these quantized weights: the method is unknown to it, or a package it needs is missing.

Without a serving engine, transformers loads the weights itself, with one quantizer class for each method. Which methods
a release supports, and which packages its quantizer requires at startup (`optimum` with `auto-gptq` or `gptqmodel` for
GPTQ, `bitsandbytes`, `compressed-tensors`, `accelerate`), is read from the wheels. The packages change between
releases: AWQ is loaded through `autoawq` by 4.57 and through `gptqmodel` by 5.23.

What to do: install the package named in the message, or a transformers release that supports the method. Engines such
as vLLM and LMDeploy have kernels of their own and need none of these packages.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.engine import SOURCE
from doctor.derived.packages.other_releases import other_release
from doctor.derived.quantization.loaders import Lack, lacking
from doctor.facts import Distribution, Distributions, Launch, Unavailable, present
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.findings.wording import in_words
from doctor.matrix import rows
from doctor.matrix.engines import serving_engines
from doctor.matrix.models.quantization import spelled
from doctor.rules.rule import Rule, Verdict

KIND = "quantization.default"


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for a method that is not known, one for the packages that are missing."""
    facts = case.facts
    distributions: Distributions = present(facts, "distributions", Distributions)
    have, model = distributions.get("transformers"), facts.model
    launched = facts.launch.engine if isinstance(facts.launch, Launch) else None
    others = any(distributions.get(e) for e in serving_engines())
    if have is None or launched in serving_engines() or (launched is None and others):
        yield NotApplicable("no weights that transformers itself would load")
        return
    if isinstance(model, Unavailable):
        idle = model.reason in ("not_requested", "not_supported")
        yield NotApplicable("no model is named") if idle else Open(model.detail or "the model could not be read")
        return
    if model.quantization is None:
        yield NotApplicable("the weights are not quantized")
        return
    known = (rows.row("transformers", have.version, KIND) or {}).get(KIND)
    if not known:
        yield Open(f"the data does not cover transformers {have.version}")
        return
    method = model.quantization.method
    name = spelled(known, method)
    if name is None:
        yield _unknown(rule, have, method)
        return
    for one in lacking(distributions, known[name] or {}, method, f"transformers {have.version}"):
        if not one.sure:
            yield Open(f"whether {one.by} loads `{method}` with this {_either(one.packages)} is not in the data")
        elif distributions.complete or one.here is not None:
            yield _missing(rule, have, method, one)
        else:
            yield Open(f"{one.by} loads `{method}` through {_either(one.packages)}, which is not pinned")


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(f"`{n}`" for n in names)


def _missing(rule: Rule, have: Distribution, method: str, lack: Lack) -> Finding:
    first, way = lack.packages[0], "upgrade" if lack.needs.startswith(">") else "install"
    steps = [Action("install", package=n, specifier=lack.needs or None, direction=way) for n in lack.packages]
    message = f"`transformers {have.version}` loads weights quantized with `{method}` through {_either(lack.packages)}"
    if lack.needs:
        message += f", and `{first} {lack.here}` is too old for {lack.by}: it needs `{first}{lack.needs}`"
    else:
        message += ", which is not installed or too old"
    return rule.finding(
        message, key=f"{method}:{lack.packages[0]}", location=Location("distribution", lack.packages[0]),
        evidence=[Evidence(", ".join(lack.packages), lack.here or "not installed", lack.needs or "installed",
                           f"what {lack.by} imports and tests, {SOURCE}")],
        remediations=[Remediation(in_words(s), (s,), "unsafe") for s in steps],
    )  # fmt: skip


def _unknown(rule: Rule, have: Distribution, method: str) -> Finding:
    found = rows.releases_having("transformers", KIND, method)
    ways = other_release("transformers", found, have.version) if found else []
    needs = f"transformers{found.spec()}" if found and found.newest else "another program"
    return rule.finding(
        f"The weights are quantized with `{method}`, which `transformers {have.version}` does not support: "
        f"it needs `{needs}`",
        key=f"{method}:unknown",
        location=Location("distribution", "transformers"),
        evidence=[Evidence("quantization", method, needs, f"quantizers {SOURCE}")],
        remediations=ways,
    )


RULE = Rule(code="ENG009", name="loader-missing", severity="error", check=check, needs=("distributions",))
