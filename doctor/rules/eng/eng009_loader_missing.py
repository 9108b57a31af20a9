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
from typing import Any

from packaging.version import InvalidVersion, Version

from doctor.derived.case import Case
from doctor.derived.engine import SOURCE
from doctor.derived.packages.other_releases import other_release
from doctor.facts import Distribution, Distributions, Launch, Unavailable, present
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.matrix import rows
from doctor.matrix.engines import serving_engines
from doctor.matrix.models.decision import UNKNOWN, holds
from doctor.matrix.models.quantization import spelled
from doctor.rules.rule import Rule, Verdict

ASKED, KIND = ("is_", "_available"), "quantization.default"
# the distribution behind `is_..._available`, where its name is another one: transformers/utils/import_utils.py
NAMES = {
    "auto-awq": "autoawq", "flute": "flute-kernel", "hadamard": "fast-hadamard-transform", "quark": "amd-quark",
    "spqr": "spqr-quant",
}  # fmt: skip
# what is no package of the index but a question about the machine
MACHINE = ("torch-cuda", "torch-xpu", "torch-npu", "torch-mps")


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
    for lacking in _lacking(distributions, known[name] or {}):
        if distributions.complete:
            yield _missing(rule, have, method, lacking)
        else:
            yield Open(f"transformers {have.version} loads `{method}` through {_either(lacking)}, which is not pinned")


def _lacking(distributions: Distributions, quantizer: dict[str, Any]) -> Iterator[list[str]]:
    """For each test of the quantiser on which it stops, the packages of which one is missing or too old."""

    def version(name: str) -> Any:
        found = distributions.get(name)
        return _version(found.version) if found else UNKNOWN

    for test in quantizer.get("lacking", ()):
        asked = _asked(test)
        names: dict[str, Any] = {f: _there(distributions, p) for f, p in asked.items()}
        if holds(test, {**names, ".version": version, ".parse": _version, ".is_available": lambda *_: UNKNOWN}):
            absent = [p for f, p in asked.items() if not names[f]() and p not in MACHINE]
            if absent or asked:
                yield absent or list(asked.values())


def _there(distributions: Distributions, package: str) -> Any:
    """Stands for `is_..._available(at_least)`."""

    def answer(least: str | None = None) -> Any:
        if package in MACHINE:
            return package == "torch-cuda"  # a machine with a GPU is what is asked about
        found = distributions.get(package)
        return found is not None and (least is None or _version(found.version) >= _version(least))

    return answer


def _version(text: Any) -> Any:
    try:
        return text if isinstance(text, Version) else Version(str(text))
    except InvalidVersion:
        return UNKNOWN


def _asked(test: Any) -> dict[str, str]:
    """The functions `is_..._available` in a test, each with its package."""
    out: dict[str, str] = {}
    if isinstance(test, list):
        if len(test) >= 2 and test[0] == "call" and str(test[1]).startswith(ASKED[0]) and test[1].endswith(ASKED[1]):
            plain = str(test[1])[len(ASKED[0]) : -len(ASKED[1])].replace("_", "-")
            out[str(test[1])] = NAMES.get(plain, plain)
        for part in test[1:]:
            out |= _asked(part)
    return out


def _either(names: list[str]) -> str:
    return " or ".join(f"`{n}`" for n in names)


def _missing(rule: Rule, have: Distribution, method: str, lacking: list[str]) -> Finding:
    steps = [Action("install", package=n, direction="install") for n in lacking]
    return rule.finding(
        f"`transformers {have.version}` loads weights quantized with `{method}` through {_either(lacking)}, which is "
        "not installed or too old",
        key=f"{method}:{lacking[0]}", location=Location("distribution", lacking[0]),
        evidence=[Evidence(", ".join(lacking), "not installed", "installed",
                           f"validate_environment of transformers {have.version}, {SOURCE}")],
        remediations=[Remediation(f"install {s.package}", (s,), "unsafe") for s in steps],
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
