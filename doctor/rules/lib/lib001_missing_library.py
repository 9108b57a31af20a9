"""A compiled part of a package needs a shared library that is not installed.

Packages with compiled code name the libraries they need (`libcublas.so.12`). The system's loader searches the folders
that the package names, LD_LIBRARY_PATH, and the system's own. If none of them has the library, importing the package
fails with `ImportError: libcublas.so.12: cannot open shared object file`.

What to do: install the package that provides the library (`nvidia-cublas-cu12` provides `libcublas.so.12`), or a
version of the failing package built for your CUDA version. `libcuda.so.1` belongs to the NVIDIA driver: on a machine
with a GPU, install the driver; in a container, start it with access to the GPU (`--gpus all`).
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.imports.libraries import DRIVER, Failure, driver_is_declared, failures, severity_of, unsure
from doctor.facts import Distribution, Facts, Natives, present
from doctor.findings import Action, Evidence, Location, Remediation
from doctor.rules.rule import Rule, Verdict

_NO_DRIVER = ("module", "wsl", "container", "libraries", "card", "none")  # the ways in which GPU001 finds no driver


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each library that is missing."""
    facts = case.facts
    natives = present(facts, "natives", Natives)
    for failure in failures(natives, "missing-library"):
        name = failure.name
        if name in DRIVER and driver_is_declared(facts):
            continue  # the question is about another machine, whose driver has it
        first = failure.libraries[0]
        owner = "it belongs to the NVIDIA driver" if name in DRIVER else "no folder that the loader searches has it"
        yield rule.finding(
            f"`{first.path}` needs the library `{name}`, but {owner}, so `import {first.module}` fails",
            key=name,
            severity=severity_of(failure, facts),
            location=Location("file", first.distribution, first.path),
            evidence=_evidence(failure),
            remediations=_remediations(failure, facts),
            causes=[f"GPU001:{key}" for key in _NO_DRIVER] if name in DRIVER else (),
        )
    yield from unsure(natives)


def _evidence(failure: Failure) -> list[Evidence]:
    return [
        Evidence("natives", lib.verdict.text, f"a library `{failure.name}`", lib.verdict.file or lib.path)
        for lib in failure.libraries[:5]
        if lib.verdict
    ]


def _remediations(failure: Failure, facts: Facts) -> list[Remediation]:
    if failure.name in DRIVER:
        title = "install the NVIDIA driver; in a container, start it with access to the GPU (`--gpus all`)"
        return [Remediation(title, (Action("manual", text=title),))]
    wanted = _required_for(failure, facts)
    if wanted is not None:
        return [Remediation(f"install `{wanted}`, which `{failure.libraries[0].distribution}` requires",
                            (Action("install", package=wanted, direction="install"),), "safe")]  # fmt: skip
    owner = failure.libraries[0].distribution
    title = f"install the package that provides `{failure.name}`, or `{owner}` for your CUDA"
    return [Remediation(title, (Action("manual", text=title),))]


def _required_for(failure: Failure, facts: Facts) -> str | None:
    """The requirement of the failing distribution that is named like the library (`nvidia-cublas-cu12`), or None."""
    if not hasattr(facts.distributions, "get"):
        return None
    distribution: Distribution | None = facts.distributions.get(failure.libraries[0].distribution)
    stem = failure.name.removeprefix("lib").partition(".so")[0].lower()
    aliases = {"cudart": "cuda-runtime", "nvrtc": "cuda-nvrtc", "cublaslt": "cublas", "cupti": "cuda-cupti"}
    for line in distribution.requires if distribution else ():
        name = line.partition(";")[0].strip().split(" ")[0].split("=")[0].split("<")[0].split(">")[0].split("[")[0]
        if name.lower().startswith("nvidia-") and f"-{aliases.get(stem, stem)}" in f"-{name.lower()}":
            return name.rstrip("!~")
    return None


RULE = Rule(code="LIB001", name="missing-library", severity="error", check=check, needs=("natives",))
