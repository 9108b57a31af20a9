"""The driver is too old for the CUDA version that torch is built for.

A torch wheel includes its own CUDA runtime (`+cu130` is CUDA 13.0), and the driver must be able to run it. Drivers run
every CUDA of their own major version and older ones: a driver for CUDA 12.0 (525.60) runs a torch built for CUDA 12.9,
but a driver for CUDA 12.8 does not run a torch built for CUDA 13.0. torch then says `The NVIDIA driver on your system
is too old` or finds no GPU at all.

What to do: install a newer driver (on the host, not in the container; for WSL, on Windows), or a torch built for an
older CUDA with an engine release that supports it. On data center GPUs, NVIDIA's package `cuda-compat` is a third
option.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.packages.torch_build import TorchBuild, torch_build
from doctor.derived.units import dotted
from doctor.facts import Distributions, Facts, Host, present
from doctor.facts.gpu import Gpu
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.matrix.gpus import is_data_center
from doctor.matrix.hardware import drivers
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Compares majors: within one major the driver runs older and newer releases alike."""
    facts = case.facts
    gpu = present(facts, "gpu", Gpu)
    build = torch_build(present(facts, "distributions", Distributions))
    if build is None and not present(facts, "distributions", Distributions).complete:
        yield Open("the declaration does not fix the release of `torch`")
        return
    if build is None or build.kind in ("cpu", "other"):
        yield NotApplicable("no torch for CUDA is installed")
        return
    if gpu.others:
        yield NotApplicable("the named device does not run CUDA")
        return
    table = drivers()
    known = gpu.driver_cuda or (table.cuda_of(gpu.driver_version, gpu.driver_platform) if gpu.driver_version else None)
    if gpu.driver_version is None and known is None:
        if gpu.source == "declared":
            yield Open("the driver of the declared GPU is not known; name it with `--driver`")
        else:
            yield NotApplicable("there is no driver to compare with")
    elif build.cuda is None:
        yield Open(f"nothing says which CUDA torch {build.version} is built for")
    elif known is None:
        yield Open(f"nothing says which CUDA the driver {gpu.driver_version} runs")
    elif known[0] < build.cuda[0]:
        yield _too_old(rule, facts, gpu, build, known)


def _too_old(rule: Rule, facts: Facts, gpu: Gpu, build: TorchBuild, known: tuple[int, int]) -> Finding:
    assert build.cuda is not None
    table = drivers()
    oldest = table.oldest_driver(build.cuda, gpu.driver_platform)
    driver = f"driver {gpu.driver_version}" if gpu.driver_version else "driver"
    needed = f"driver {oldest} or newer is needed" if oldest else "a newer driver is needed"
    return rule.finding(
        f"The {driver} runs CUDA up to {dotted(known)}, but `torch` {build.version} is built for CUDA "
        f"{dotted(build.cuda)}: {needed}.",
        key="driver",
        location=Location("host", "NVIDIA driver"),
        evidence=[
            Evidence(f"CUDA of the {driver}", dotted(known), f"{build.cuda[0]}.0 or newer",
                     "the driver itself" if gpu.driver_cuda and gpu.source == "nvml" else table.source),
            Evidence("CUDA of torch", dotted(build.cuda), source=build.source),
        ],
        remediations=list(_ways_out(facts, gpu, build, known, oldest)),
    )  # fmt: skip


def _ways_out(
    facts: Facts, gpu: Gpu, build: TorchBuild, known: tuple[int, int], oldest: str | None
) -> Iterator[Remediation]:
    host = facts.host if isinstance(facts.host, Host) else None
    where = "in Windows" if gpu.driver_platform == "windows" else "on the host" if host and host.container else "here"
    newer = (
        f"install NVIDIA driver {oldest} or newer {where}" if oldest else f"install the current NVIDIA driver {where}"
    )
    yield Remediation(newer, (Action("manual", text=newer),))
    older = drivers().torch_for(known[0])
    if older:
        yield Remediation(
            f"use a torch built for CUDA {known[0]}, with an engine release that accepts it",
            (Action("install", package="torch", specifier=older, direction="downgrade"),), "unsafe",
        )  # fmt: skip
    if build.cuda and gpu.devices and all(is_data_center(d.name) for d in gpu.devices):
        package = f"cuda-compat-{build.cuda[0]}-{build.cuda[1]}"
        text = f"install `{package}` and put its folder first in `LD_LIBRARY_PATH` (data center GPUs only)"
        yield Remediation("use NVIDIA's forward compatibility package", (Action("manual", text=text),))


RULE = Rule(
    code="GPU002", name="driver-too-old", severity="error", check=check, needs=("gpu", "distributions")
)  # fmt: skip
