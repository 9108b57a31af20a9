"""The named device does not run CUDA, but the installed or declared packages are built for CUDA.

The wheels of torch, vLLM, SGLang and LMDeploy on the package index contain code for NVIDIA GPUs. AMD GPUs need builds
for ROCm, Intel GPUs builds for XPU, Ascend NPUs the plugin of the engine, and a server on a CPU needs a CPU build. With
the wrong build, the engine finds no device and exits, for example with `Failed to infer device type` or `No CUDA GPUs
are available`.

What to do: install the build or plugin for this device, use an image made for it, or use a machine with an NVIDIA GPU.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.packages.torch_build import TorchBuild, torch_build
from doctor.facts import Distributions, present
from doctor.facts.gpu import Gpu, OtherAccelerator
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.matrix.gpu_code import release_code
from doctor.rules.rule import Rule, Verdict

# distributions that let an engine or torch run on another device
PLUGINS = (
    "torch-npu", "vllm-ascend", "dlinfer-ascend", "vllm-gaudi", "habana-torch-plugin", "vllm-tpu", "tpu-inference",
    "torch-xla", "intel-extension-for-pytorch", "vllm-metal", "vllm-neuron", "optimum-neuron",
)  # fmt: skip


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Compares what the device runs with what torch, else the engine, is built for."""
    gpu = present(case.facts, "gpu", Gpu)
    here: Distributions = present(case.facts, "distributions", Distributions)
    if not gpu.others:
        yield NotApplicable("no device of another vendor is named")
        return
    device = gpu.others[0]
    plugin = next((p for p in PLUGINS if here.get(p)), None)
    if plugin:
        yield Open(f"`{plugin}` is for `{device.name}`; builds for {device.runs} are not checked")
        return
    build = torch_build(here)
    if build is not None and build.kind == "cuda":
        yield _finding(rule, device, f"`torch` {build.version} is built for CUDA", build.version, build.source, "torch")
    elif build is not None and build.kind in ("cpu", "other"):
        yield _other_build(rule, device, build)
    else:
        yield from _engine(rule, case, device)


def _engine(rule: Rule, case: Case, device: OtherAccelerator) -> Iterator[Verdict]:
    """Without a known torch: the engine's own wheel decides, where it has CUDA code."""
    for chosen in case.engine:
        found = release_code(chosen.name, chosen.version)
        if found is not None and any(found.libraries.values()):
            built = f"the wheel of `{chosen.shown}` is built for CUDA"
            yield _finding(rule, device, built, chosen.shown, found.wheel, chosen.name)
            return
    yield Open(f"nothing says which devices the engine is built for; `{device.name}` needs code for {device.runs}")


def _other_build(rule: Rule, device: OtherAccelerator, build: TorchBuild) -> Verdict:
    fits = {"AMD": "rocm", "Intel": "xpu", "CPU": "cpu"}.get(device.vendor)
    local = build.version.partition("+")[2]
    if fits is None or not local.startswith(fits):
        built = f"`torch` {build.version} is not built for it"
        return _finding(rule, device, built, build.version, build.source, "torch")
    return Open(f"`torch` {build.version} is for `{device.name}`; builds for {device.runs} are not checked further")


def _finding(rule: Rule, device: OtherAccelerator, built: str, seen: str, source: str, name: str) -> Finding:
    kind = "a CPU" if device.vendor == "CPU" else f"an accelerator from {device.vendor}"
    what = f"`{device.name}` is {kind}, which runs {device.runs}"
    return rule.finding(
        f"{what}, but {built}: the server finds no device.",
        key=device.vendor,
        location=Location("distribution", name),
        evidence=[Evidence("build", seen, f"a build for {device.runs}", source)],
        remediations=[Remediation(device.fix, (Action("manual", text=device.fix),))]
        if device.fix
        else [],
    )


RULE = Rule(code="GPU011", name="other-accelerator", severity="error", check=check, needs=("gpu", "distributions"))
