"""A library contains no code for this GPU.

CUDA code is compiled for architectures (`sm_80`, `sm_90`). A GPU runs code for its own major version, compiled for the
same or a lower minor version: an RTX 4090 (8.9) runs sm_86 code, but an H100 (9.0) does not. The driver compiles PTX
for later GPUs if it is new enough. `sm_90a` runs on 9.0 only, `sm_100f` on 10.0 and 10.3. If nothing matches, the first
kernel fails with `CUDA error: no kernel image is available for execution on the device`.

It is an error for torch's own library and for libraries that the engine calls without looking first. Other extension
modules are optional: the engine checks the GPU and uses other kernels, so a missing architecture is a note. For a
declared environment, the code of each release is read from its published wheel.

What to do: install a version of the package whose build covers the GPU. New GPUs (Blackwell: 10.0, 12.0) need builds
made after their release; old ones (before 7.5) need builds made before support for them was dropped.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.engine import Chosen
from doctor.derived.packages.other_releases import having, other_release
from doctor.derived.reach.covering import covering, runs
from doctor.derived.reach.libraries import GpuBinary, admitted_releases, gpu_binaries, is_called, uncovered
from doctor.derived.units import dotted
from doctor.facts import Model, Unavailable, present
from doctor.facts.gpu import Device, Gpu
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation, Severity
from doctor.launch.options import parallel
from doctor.link.loader.gpucode import share_running
from doctor.matrix import rows
from doctor.matrix.releases import ReleaseSet
from doctor.rules.rule import Rule, Verdict

_MOST = 0.5  # some libraries carry a few kernels for single architectures; what is shown is the bulk of them


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each library that decides and compute capability, one note for the optional ones together."""
    gpu = present(case.facts, "gpu", Gpu)
    devices = {d.capability: d for d in reversed(gpu.usable or gpu.devices)}
    binaries = sorted(gpu_binaries(case), key=lambda b: b.distribution != "torch")
    if not devices:
        yield NotApplicable("no GPU is known")
        return
    if not binaries:
        yield _nothing_known(case)
        return
    for device in devices.values():
        lacking = [b for b in binaries if not b.runs_on(device.capability, gpu.driver_cuda)]
        decisive = [
            b for b in lacking if b.decides and b.is_loaded_on(device.capability) and is_called(case, b.decides)
        ]
        for binary in decisive:
            yield _finding(rule, case, gpu, binary, device)
        optional = [b for b in lacking if b.is_loaded_on(device.capability)]
        if optional and not decisive:
            yield _optional(rule, optional, device)
    if unread := uncovered(case):
        yield Open(f"the data does not say which GPUs {unread[0]} has code for")


def _nothing_known(case: Case) -> Verdict:
    if unread := uncovered(case):
        return Open(f"the data does not say which GPUs {unread[0]} has code for")
    natives = case.facts.natives
    if isinstance(natives, Unavailable) and natives.reason not in ("not_requested", "not_supported"):
        return Open(natives.detail or "the libraries could not be read")
    return NotApplicable("no library with GPU code is known")


def _finding(rule: Rule, case: Case, gpu: Gpu, binary: GpuBinary, device: Device) -> Finding:
    share = share_running(binary.code, device.capability, gpu.driver_cuda)
    why = f"; it is used for {binary.decides.why}" if binary.decides else ""
    return rule.finding(
        f"{_named(binary)} has code for {_list(binary)} but {'almost none' if share else 'none'} that runs "
        f"on `{device.name}` ({dotted(device.capability)}){why}",
        key=f"{binary.path}:{dotted(device.capability)}",
        severity=_severity(case, gpu, binary),
        confidence="medium" if binary.others else "high",
        location=Location("file", binary.distribution, binary.path),
        evidence=_evidence(binary, device.capability, gpu.driver_cuda),
        remediations=_other_builds(case, binary, device.capability),
    )


def _severity(case: Case, gpu: Gpu, binary: GpuBinary) -> Severity:
    """A warning where other kernels take over, or where enough other GPUs of the machine run it: the user chooses."""
    if binary.decides and binary.decides.falls_back:
        return "warning"
    fitting = [d for d in gpu.usable or gpu.devices if binary.runs_on(d.capability, gpu.driver_cuda)]
    return "warning" if len(fitting) >= parallel(case.facts) else "error"


def _optional(rule: Rule, binaries: list[GpuBinary], device: Device) -> Finding:
    first, more = binaries[0], f" and {len(binaries) - 1} more" if len(binaries) > 1 else ""
    return rule.finding(
        f"`{first.path}`{more} {'have' if more else 'has'} no code for `{device.name}` ({dotted(device.capability)}); "
        f"this launch does not depend on {'them' if more else 'it'}",
        key=f"optional:{dotted(device.capability)}",
        severity="note",
        location=Location("file", first.distribution, first.path),
        evidence=[e for b in binaries for e in _evidence(b, device.capability)],
    )  # fmt: skip


def _named(binary: GpuBinary) -> str:
    """The file; of a release that is not installed, the release first."""
    if binary.source == binary.path:
        return f"`{binary.path}`"
    newest = ", the newest that is admitted," if binary.others else ""
    return f"{binary.distribution} {binary.release}{newest}"


def _archs(binary: GpuBinary) -> list[str]:
    """The architectures that at least half of the library's GPU modules have; all, where none is so frequent."""
    counts: dict[str, int] = {}
    for code in binary.code:
        for arch in code.archs:
            counts[arch] = counts.get(arch, 0) + code.count
    half = sum(code.count for code in binary.code) * _MOST
    return [a for a, count in counts.items() if count >= half] or list(counts)


def _list(binary: GpuBinary) -> str:
    return ", ".join(f"`{a}`" for a in _archs(binary))


def _evidence(
    binary: GpuBinary, capability: tuple[int, int], driver_cuda: tuple[int, int] | None = None
) -> list[Evidence]:
    total = sum(c.count for c in binary.code)
    good = round(share_running(binary.code, capability, driver_cuda) * total)
    observed, where = f"{good} of {total} GPU modules have code for it", binary.path
    if binary.source != binary.path:
        observed, where = f"built for {' '.join(_archs(binary))}", f"{binary.path}, {binary.source}"
    return [Evidence("natives", observed, f"code for compute capability {dotted(capability)}", where)]


def _other_builds(case: Case, binary: GpuBinary, capability: tuple[int, int]) -> list[Remediation]:
    """The other half, an older torch that is admitted, the engine's releases that have the code, or any other build."""
    torch = all(b.runs_on(capability) for b in gpu_binaries(case) if b.distribution == "torch")
    ways = [*(_other_half(case, binary) if torch else ()), *_admitted(case, binary, capability)]
    ways += _of_the_index(binary, capability)
    for chosen in case.engine:
        found = _with_the_model(case, chosen, covering(chosen.name, capability))
        ways += other_release(chosen.name, found, chosen.version) if found is not None else []
    title = f"install a build of `{binary.distribution}` for compute capability {dotted(capability)}"
    return ways or [Remediation(title, (Action("manual", text=title),))]


def _of_the_index(binary: GpuBinary, capability: tuple[int, int]) -> list[Remediation]:
    """The same release as the package index has it, where only another build of it (`+cu128`) lacks the GPU."""
    public, _, local = (binary.release or "").partition("+")
    if not local or not runs(binary.distribution, public, capability):
        return []
    action = Action("install", package=binary.distribution, specifier=f"=={public}", direction="reinstall")
    return [Remediation(f"reinstall `{binary.distribution}=={public}` from the package index", (action,), "unsafe")]


def _other_half(case: Case, binary: GpuBinary) -> Iterator[Remediation]:
    """LMDeploy's PyTorch engine compiles its kernels for the GPU; torch itself must have code for it."""
    half = binary.decides.backend if binary.decides else None
    for chosen in case.engine:
        others = [b for b in chosen.data.backends if b != half]
        name, model = chosen.data.option("backend"), case.facts.model
        known = chosen.table(f"architectures.{others[0]}") if others else {}
        if half is None or not binary.decides or chosen.name != binary.decides.engine or name is None:
            continue
        if not isinstance(model, Model) or any(a in known for a in model.architectures):
            action = Action("set_argument", name=name, value=others[0])
            yield Remediation(f"use `{name} {others[0]}`", (action,), "unsafe")


def _admitted(case: Case, binary: GpuBinary, capability: tuple[int, int]) -> list[Remediation]:
    """Releases that the declaration admits and that have the code, where it leaves the release open."""
    known = rows.releases(binary.distribution) if binary.others else None
    if known is None or binary.release is None:
        return []
    fitting = [v for v in admitted_releases(case, binary.distribution) if runs(binary.distribution, v, capability)]
    bits = sum(1 << place for v in fitting if (place := known.place(v)) is not None)
    return other_release(binary.distribution, ReleaseSet(known, bits), binary.release)


def _with_the_model(case: Case, chosen: Chosen, found: ReleaseSet | None) -> ReleaseSet | None:
    model = case.facts.model
    if found is None or not isinstance(model, Model) or not model.architectures:
        return found
    serving = having(chosen.name, "architectures", model.architectures[0])
    return found & serving if serving is not None else found


RULE = Rule(code="LIB006", name="no-gpu-code", severity="error", check=check, needs=("gpu",))
