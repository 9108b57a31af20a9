"""A GPU is faulty: it was lost, it is closed to CUDA, or its memory produces errors.

`GPU is lost` means that the card no longer responds on the bus (overheated, out of power, or after an `Xid 79`).
Uncorrected ECC errors mean wrong bits in the card's memory: kernels fail with `uncorrectable ECC error
encountered`. The compute mode `prohibited` does not let any program use CUDA on the card.

What to do: for a lost GPU, reboot, often with a power cycle. For ECC errors, reset the GPU, which clears the count, and
replace a card that keeps producing them. For `prohibited`, change the compute mode.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.facts import present
from doctor.facts.gpu import Device, Gpu
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Remediation, Severity
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Every device that NVML counts, described or not."""
    gpu = present(case.facts, "gpu", Gpu)
    if not gpu.devices and not gpu.unreadable:
        yield NotApplicable("there is no GPU")
        return
    for problem in gpu.unreadable:
        yield _found(
            rule,
            problem.path,
            f"NVML cannot describe {problem.path}: `{problem.message}`.",
            problem.message,
            "look for `Xid` lines in `dmesg`; a lost GPU needs a reboot, one without permission another user",
            "error" if not gpu.devices or "lost" in problem.message.lower() else "warning",
        )
    for device in gpu.devices:
        yield from _device(rule, device)


def _device(rule: Rule, device: Device) -> Iterator[Finding]:
    name = f"GPU {device.index}"
    if device.compute_mode == "prohibited":
        yield _found(
            rule,
            f"mode{device.index}",
            f"{name} (`{device.name}`) is in compute mode `prohibited`, so no program may use it.",
            "prohibited",
            f"run `sudo nvidia-smi -i {device.index} -c 0`",
            "error",
        )
    if device.ecc_errors:
        yield _found(
            rule,
            f"ecc{device.index}",
            f"{name} (`{device.name}`) has had {device.ecc_errors} uncorrected memory errors since its driver was "
            "loaded.",
            str(device.ecc_errors),
            f"reset it (`sudo nvidia-smi -i {device.index} -r`) with nothing running on it; if errors return, have "
            "the card checked",
            "warning",
        )


def _found(rule: Rule, key: str, message: str, observed: str, text: str, severity: Severity) -> Finding:
    return rule.finding(
        message,
        key=key,
        severity=severity,
        location=Location("host", "GPU"),
        evidence=[Evidence("NVML", observed)],
        remediations=[Remediation(text, (Action("manual", text=text),))],
    )


RULE = Rule(code="GPU010", name="device-fault", severity="error", check=check, needs=("gpu",))
