"""The machine has a GPU, but a process started here does not see it, or sees only part of it.

Five things can hide a device from a process. `CUDA_VISIBLE_DEVICES` selects devices: if empty or `-1`, it hides all of
them, and an entry that matches no device hides every later one. The nodes `/dev/nvidia0`, `/dev/nvidiactl` and
`/dev/nvidia-uvm` must exist and be open to this user; without `nvidia-uvm` the card shows in `nvidia-smi`, but CUDA
says `unknown error`. The driver's `libcuda.so.1` must be found: a container started with
`NVIDIA_DRIVER_CAPABILITIES=utility` has only the NVML library. A card in MIG mode without instances offers nothing to
CUDA. NVML itself may reject this user.

What to do: fix the one that the message names: the variable, the device nodes and their permissions, the driver
capabilities of the container, or the MIG instances.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.facts import Facts, Host, present
from doctor.facts.gpu import Gpu
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Remediation
from doctor.rules.rule import Rule, Verdict

NEEDED = ("/dev/nvidiactl", "/dev/nvidia-uvm")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Goes through the gates; the nodes only where a Linux kernel module is loaded."""
    gpu = present(case.facts, "gpu", Gpu)
    if gpu.source == "declared":
        yield NotApplicable("the GPU was declared, not looked for")
        return
    if gpu.nvml == "no-permission":
        yield _permission(rule, gpu)
    elif not gpu.devices:
        yield NotApplicable("no GPU was found")
    if gpu.devices:
        yield from _variable(rule, gpu)
        yield from _mig(rule, gpu)
    if gpu.devices and gpu.kernel_module and gpu.driver_platform == "linux":
        yield from _nodes(rule, gpu, case.facts)
        if not gpu.libcuda:
            yield _no_libcuda(rule, gpu)


def _permission(rule: Rule, gpu: Gpu) -> Finding:
    return _found(
        rule,
        "nvml",
        "NVML denies this user access to the GPU.",
        Evidence("NVML", gpu.nvml_detail),
        Action("manual", text="run as a user who can open `/dev/nvidia*`, or ask the administrator for access"),
    )


def _variable(rule: Rule, gpu: Gpu) -> Iterator[Finding]:
    if gpu.visible is None:
        return
    words = [w.strip() for w in gpu.visible.split(",")]
    left, count = len(gpu.usable), len(gpu.devices)
    if left == len(words):
        return
    bad = words[left] or "an empty entry"
    if left:
        message = (
            f"`CUDA_VISIBLE_DEVICES={gpu.visible}` shows {left} of its {len(words)} devices: `{bad}` matches none "
            f"of the {count} that exist."
        )
    else:
        message = f"`CUDA_VISIBLE_DEVICES={gpu.visible}` hides every GPU; use an index from 0 to {count - 1}."
    yield rule.finding(
        message,
        key="variable",
        severity="warning" if left else "error",
        location=Location("environment", "CUDA_VISIBLE_DEVICES"),
        evidence=[Evidence("CUDA_VISIBLE_DEVICES", gpu.visible, f"devices 0 to {count - 1}")],
        remediations=[
            Remediation(
                "name the devices that exist",
                (Action("set_env", name="CUDA_VISIBLE_DEVICES", value=",".join(str(d.index) for d in gpu.devices)),),
                "safe",
            )
        ],
    )


def _mig(rule: Rule, gpu: Gpu) -> Iterator[Finding]:
    for device in gpu.devices:
        if device.mig_enabled and not device.mig:
            yield _found(
                rule,
                f"mig{device.index}",
                f"GPU {device.index} (`{device.name}`) is in MIG mode without an instance, so CUDA cannot use it.",
                Evidence("MIG instances", "0", "at least 1"),
                Action(
                    "manual",
                    text=f"create one (`sudo nvidia-smi mig -i {device.index} -cgi 0 -C`) or leave MIG mode "
                    f"(`sudo nvidia-smi -i {device.index} -mig 0`)",
                ),
            )


def _nodes(rule: Rule, gpu: Gpu, facts: Facts) -> Iterator[Finding]:
    there = {node.path: node for node in gpu.nodes}
    missing = [path for path in NEEDED if path not in there]
    if missing:
        host = facts.host if isinstance(facts.host, Host) else None
        text = (
            "start the container with `--gpus all`"
            if host and host.container
            else "run `sudo nvidia-modprobe -u -c 0` (it loads `nvidia_uvm` and makes the nodes)"
        )
        yield _found(
            rule,
            "nodes",
            f"`{missing[0]}` does not exist, and CUDA opens it before anything else.",
            Evidence("device nodes", ", ".join(sorted(there)) or "none", ", ".join(NEEDED)),
            Action("manual", text=text),
        )
    closed = [node for node in gpu.nodes if not node.accessible]
    if closed:
        node = closed[0]
        yield _found(
            rule,
            "access",
            f"This user cannot open `{node.path}` (mode {node.mode or 'unknown'}), which needs read and write access.",
            Evidence(node.path, node.mode, "0666"),
            Action(
                "manual",
                text="add the user to the group that owns the node (often `video` or `render`), or start the "
                "container with the GPU instead of mounting `/dev`",
            ),
        )


def _no_libcuda(rule: Rule, gpu: Gpu) -> Finding:
    return _found(
        rule,
        "libcuda",
        "NVML answers, but `libcuda.so.1`, which every engine loads, is not on the loader's path.",
        Evidence("libcuda.so.1", "not found", f"version {gpu.driver_version}"),
        Action(
            "manual",
            text="in a container set `NVIDIA_DRIVER_CAPABILITIES=compute,utility`; on a machine install the "
            "driver's compute package (Debian, Ubuntu: `libcuda1`, `libnvidia-compute-*`)",
        ),
    )


def _found(rule: Rule, key: str, message: str, evidence: Evidence, action: Action) -> Finding:
    title = action.text or ""
    return rule.finding(
        message,
        key=key,
        location=Location("host", "GPU"),
        evidence=[evidence],
        remediations=[Remediation(title, (action,))],
    )


RULE = Rule(code="GPU004", name="gpu-invisible", severity="error", check=check, needs=("gpu",))
