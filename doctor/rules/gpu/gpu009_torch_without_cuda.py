"""The machine has a GPU, but the installed torch is built without CUDA.

A `+cpu` wheel (or one for ROCm or XPU) does not contain CUDA: `torch.cuda.is_available()` is False, and the engines
fail with `Torch not compiled with CUDA enabled` or find no device. Such a wheel comes from an index given with
`--index-url .../cpu`, from a lock file made on a machine without a GPU, or from a requirement that allowed another
build.

What to do: install the same torch release built for CUDA.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.packages.torch_build import torch_build
from doctor.facts import Distributions, present
from doctor.facts.gpu import Gpu
from doctor.findings import Action, Evidence, Location, NotApplicable, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Only where a GPU is there to be missed."""
    gpu = present(case.facts, "gpu", Gpu)
    build = torch_build(present(case.facts, "distributions", Distributions))
    if build is None or not gpu.devices:
        yield NotApplicable("no torch is installed" if build is None else "there is no GPU")
        return
    if build.kind not in ("cpu", "other"):
        return
    release = build.version.partition("+")[0]
    # pip takes `+cpu` for the same release and its needs for met, so the old build has to go first
    actions = (
        Action("uninstall", package="torch"),
        Action("install", package="torch", specifier=f"=={release}", direction="install"),
    )
    yield rule.finding(
        f"`torch` {build.version} is built without CUDA and cannot use the GPU (`{gpu.devices[0].name}`).",
        key="torch",
        location=Location("distribution", "torch", "torch/version.py"),
        evidence=[Evidence("build of torch", build.version, f"{release}+cu...", build.source)],
        remediations=[Remediation(f"install torch {release} built for CUDA", actions, "unsafe")],
    )


RULE = Rule(code="GPU009", name="torch-without-cuda", severity="error", check=check, needs=("gpu", "distributions"))
