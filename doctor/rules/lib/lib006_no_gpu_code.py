"""A library contains no code for this GPU.

CUDA code is compiled for architectures (`sm_80`, `sm_90`). A GPU runs code for its own major version, compiled for the
same or a lower minor version: an RTX 4090 (8.9) runs sm_86 code, but an H100 (9.0) does not. The driver compiles PTX
for later GPUs if it is new enough. `sm_90a` runs on 9.0 only. If nothing matches, the first kernel fails with `CUDA
error: no kernel image is available for execution on the device`.

What to do: install a version of the package whose build covers the GPU. New GPUs (Blackwell: 10.0, 12.0) need builds
made after their release; old ones (before 7.5) need builds made before support for them was dropped.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.facts import NativeLibrary, Natives, present
from doctor.findings import Action, Evidence, Location, NotApplicable, Remediation
from doctor.link.loader.gpucode import share_running
from doctor.rules.rule import Rule, Verdict

_MOST = 0.5  # some libraries carry a few kernels for single architectures; what counts is the bulk of them


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each library and compute capability that do not fit."""
    natives = present(case.facts, "natives", Natives)
    gpu = getattr(case.facts, "gpu", None)
    devices = {d.capability: d for d in getattr(gpu, "devices", ())}
    if not devices:
        yield NotApplicable("no GPU is known")
        return
    driver = getattr(gpu, "driver_cuda", None)
    for library in natives.libraries:
        for capability, device in devices.items():
            share = share_running(library.gpu, capability, driver)
            if library.gpu and share < _MOST and _is_loaded(library):
                yield rule.finding(
                    f"`{library.path}` holds code for {_list(library)} but {'little' if share else 'none'} that runs "
                    f"on `{device.name}` ({capability[0]}.{capability[1]})",
                    key=f"{library.path}:{capability[0]}.{capability[1]}",
                    location=Location("file", library.distribution, library.path),
                    evidence=_evidence(library, capability, share),
                    remediations=[_other_build(library, capability)],
                )


def _is_loaded(library: NativeLibrary) -> bool:
    """Whether importing the distribution loads it, as far as one can tell: modules, and torch's own libraries."""
    return library.module is not None or library.path.endswith(("/libtorch_cuda.so", "/libtorch_hip.so"))


def _archs(library: NativeLibrary) -> list[str]:
    """The architectures that at least half of the library's GPU modules have; all, where none is so frequent."""
    counts: dict[str, int] = {}
    for code in library.gpu:
        for arch in code.archs:
            counts[arch] = counts.get(arch, 0) + code.count
    half = sum(code.count for code in library.gpu) * _MOST
    return [a for a, count in counts.items() if count >= half] or list(counts)


def _list(library: NativeLibrary) -> str:
    return ", ".join(f"`{a}`" for a in _archs(library))


def _evidence(library: NativeLibrary, capability: tuple[int, int], share: float) -> list[Evidence]:
    total = sum(c.count for c in library.gpu)
    observed = f"{round(share * total)} of {total} GPU modules have code for it"
    return [Evidence("natives", observed, f"code for compute capability {capability[0]}.{capability[1]}", library.path)]


def _other_build(library: NativeLibrary, capability: tuple[int, int]) -> Remediation:
    title = f"Install a build of `{library.distribution}` for compute capability {capability[0]}.{capability[1]}"
    return Remediation(title, (Action("manual", text=title),))


RULE = Rule(code="LIB006", name="no-gpu-code", severity="error", check=check, needs=("natives", "gpu"))
