"""The loaded kernel module and the driver's libraries have different versions.

Both come with one driver package and work only as a pair. After an update, the new libraries are on disk while the old
module is still in the kernel: `nvidia-smi` says `Driver/library version mismatch`, and CUDA finds no device or fails
with error 803.

What to do: reboot, or reload the modules after stopping every GPU program. In a container, it means that the host's
driver was updated while the container was running: restart the container.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.facts import Host, present
from doctor.facts.gpu import Gpu
from doctor.findings import Action, Evidence, Location, NotApplicable, Remediation
from doctor.rules.rule import Rule, Verdict

RELOAD = (
    "or stop every GPU program and run `sudo rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia && sudo modprobe nvidia`"
)


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """NVML's own word first, else the versions on both sides."""
    facts = case.facts
    gpu = present(facts, "gpu", Gpu)
    if gpu.source == "declared" or gpu.driver_platform == "windows":
        yield NotApplicable("there is no Linux kernel module to compare with")
        return
    first = gpu.libcuda[0] if gpu.libcuda and gpu.libcuda[0].origin == "driver" else None
    library = gpu.user_library or (first.version if first else None)
    odd = next((v for v in (gpu.user_library, first.version if first else None) if v and v != gpu.kernel_module), None)
    if gpu.nvml != "mismatch" and not (gpu.kernel_module and odd):
        if not gpu.kernel_module or library is None:
            yield NotApplicable("there is no driver with a kernel module and libraries to compare")
        return
    shown, module = odd or library or "another version", gpu.kernel_module or "another version"
    contained = isinstance(facts.host, Host) and facts.host.container
    text = "restart the container" if contained else f"reboot, {RELOAD}"
    yield rule.finding(
        f"The kernel module in use is {module}, but the driver's libraries are {shown}: the two must be the same.",
        key="mismatch",
        location=Location("host", "NVIDIA driver"),
        evidence=[
            Evidence("kernel module", gpu.kernel_module, shown, "/proc/driver/nvidia/version"),
            Evidence("NVML", gpu.nvml_detail or gpu.nvml),
        ],
        remediations=[Remediation(text, (Action("manual", text=text),))],
    )


RULE = Rule(code="GPU006", name="kernel-module-mismatch", severity="error", check=check, needs=("gpu",))
