"""Makes a known cause specific: which release has the name, which package brings the module, which flag is meant."""

from __future__ import annotations

import importlib
from dataclasses import field

from doctor.base.record import dataclass
from doctor.explain.context import Digest
from doctor.explain.matching import Candidate
from doctor.findings import Action, Confidence, Evidence, Remediation

REFINERS = {
    "missing_name": "imports",
    "missing_attribute": "imports",
    "missing_module": "modules",
    "model_type": "models",
    "architecture": "models",
    "undefined_symbol": "natives",
    "missing_library": "natives",
    "libc": "natives",
    "required_range": "requirements",
    "lmdeploy_range": "requirements",
    "required_packages": "modules",
    "arguments": "arguments",
    "driver": "gpus",
    "no_kernel": "gpus",
    "quantization": "models",
    "tokenizer_class": "models",
    "auto_class": "models",
    "oom_kill": "hosts",
    "config_name": "imports",
    "keyword": "arguments",
}


@dataclass(frozen=True, slots=True)
class Refined:
    """What a refiner changes of an entry; None and empty leave the entry's own."""

    message: str | None = None
    remediations: tuple[Remediation, ...] | None = None
    confidence: Confidence | None = None
    values: dict[str, str] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()


def refine(candidate: Candidate, digest: Digest) -> Refined:
    """What the entry's refiner says; the module is imported only when it is asked for."""
    name = candidate.crash.refine or ""
    module = importlib.import_module(f"doctor.explain.refine.{REFINERS[name]}")
    refined = getattr(module, name)(candidate, digest)
    if not isinstance(refined, Refined):
        raise TypeError(f"the refiner {name!r} gave {type(refined).__name__}")
    return refined


def install(package: str, direction: str, specifier: str | None = None, title: str | None = None) -> Remediation:
    """One remediation with one install action; the title says the same in words."""
    spec = f"{package}{specifier or ''}"
    verb = {"upgrade": "upgrade", "downgrade": "downgrade", "install": "install", "reinstall": "reinstall"}[direction]
    words = title or {
        "upgrade": f"upgrade {package}: pip install -U '{spec}'",
        "downgrade": f"downgrade {package} to an older release: pip install '{spec}'",
    }.get(direction, f"{verb} {package}: pip install '{spec}'")
    return Remediation(words, (Action("install", package=package, specifier=specifier, direction=direction),), "unsafe")


def manual(title: str) -> Remediation:
    """A remediation that a person has to carry out."""
    return Remediation(title, (Action("manual", text=title),))
