"""Makes a known cause specific: which release has the name, which package brings the module, which flag is meant."""

from __future__ import annotations

import importlib

from doctor.explain.context import Digest
from doctor.explain.matching import Candidate
from doctor.explain.refine.refined import Refined

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
    "divisible": "sizes",
    "shapes": "sizes",
    "memory": "gpus",
    "weight_name": "tensors",
    "config_attribute": "attributes",
    "model_attribute": "attributes",
}


def refine(candidate: Candidate, digest: Digest) -> Refined:
    """What the entry's refiner says; the module is imported only when it is asked for."""
    name = candidate.crash.refine or ""
    module = importlib.import_module(f"doctor.explain.refine.{REFINERS[name]}")
    refined = getattr(module, name)(candidate, digest)
    if not isinstance(refined, Refined):
        raise TypeError(f"the refiner {name!r} gave {type(refined).__name__}")
    return refined
