"""No NVIDIA driver responds, so no engine finds a GPU.

Engines reach a GPU through the driver's libraries (`libcuda.so.1`, `libnvidia-ml.so.1`), which talk to a kernel module.
The fix depends on which of the two is missing. In a container, the NVIDIA Container Toolkit adds the libraries when the
container is started with `--gpus all`; they are never part of the image. In WSL, they come from the Windows driver and
are in `/usr/lib/wsl/lib`; never install a Linux driver there. On a plain machine, one driver package installs both, and
a reboot loads the module.

What to do: start the container with `--gpus all`, or install the driver (on Windows for WSL) and reboot. If the machine
shows no sign of an NVIDIA card, the environment can still be checked, but no server of these engines will run on it.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.facts import Host, present
from doctor.facts.gpu import Gpu
from doctor.facts.wsl import Wsl
from doctor.findings import Action, Confidence, Evidence, Finding, Location, NotApplicable, Open, Remediation, Severity
from doctor.rules.rule import Rule, Verdict

CONTAINER = (
    "start the container with the GPU: `docker run --gpus all ...`, after installing the NVIDIA Container Toolkit"
)
LIBRARIES = "install the user-space packages of the same driver version, or fix `LD_LIBRARY_PATH` and run `ldconfig`"
DRIVER = (
    "install the NVIDIA driver of your distribution (Debian and Ubuntu: `nvidia-driver`, `ubuntu-drivers install`), "
    "then reboot"
)
ELSEWHERE = "run the server on a machine with an NVIDIA GPU, or assume one with `--gpu` and `--driver`"
WINDOWS = (
    "install the current NVIDIA driver in Windows (none in Linux), run `wsl --update` and `wsl --shutdown` in "
    "PowerShell, and start WSL again; in a container add `--gpus all`"
)


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Tells apart who is missing: the driver, its module, its libraries, the toolkit, or the card."""
    facts = case.facts
    gpu = present(facts, "gpu", Gpu)
    host = facts.host if isinstance(facts.host, Host) else None
    if gpu.source == "declared" or gpu.nvml == "not-asked":
        yield NotApplicable("the GPU was declared, not looked for" if gpu.source == "declared" else gpu.nvml_detail)
    elif gpu.nvml == "timed-out":
        yield _found(
            rule,
            gpu,
            "hang",
            f"The NVIDIA driver gave {gpu.nvml_detail}.",
            "look for `Xid` and `NVRM` lines in `dmesg`, then reset the GPU or reboot; `nvidia-persistenced` makes a "
            "slow first call fast",
            ("error", "medium"),
        )
    elif gpu.nvml == "error":
        yield Open(f"NVML could not be queried: {gpu.nvml_detail}")
    elif gpu.nvml == "no-driver":
        yield _module_missing(rule, gpu, host)
    elif gpu.nvml in ("no-library", "no-devices"):
        yield _library_missing(rule, gpu, host) if gpu.nvml == "no-library" else _no_device(rule, gpu)


def _module_missing(rule: Rule, gpu: Gpu, host: Host | None) -> Finding:
    if host and host.container:
        return _found(
            rule,
            gpu,
            "module",
            f"The driver's libraries are in this `{host.container}` container, but its host has no NVIDIA kernel "
            "module loaded.",
            "install or load the driver on the host (`sudo modprobe nvidia`), then start the container again",
        )
    return _found(
        rule,
        gpu,
        "module",
        "The driver's libraries are installed, but the kernel module `nvidia` is not loaded.",
        "run `sudo modprobe nvidia`; if that fails, reboot, and look in `dmesg` for Secure Boot, `nouveau`, or a "
        "module not built for this kernel (DKMS)",
    )


def _library_missing(rule: Rule, gpu: Gpu, host: Host | None) -> Finding:
    if host and host.wsl:
        return _found(rule, gpu, "wsl", *_wsl(host.wsl))
    container = host.container if host else None
    if container and (gpu.kernel_module or gpu.pci):
        module = f"kernel module {gpu.kernel_module}" if gpu.kernel_module else "an NVIDIA card"
        message = (
            f"The host has {module}, but this `{container}` container has no driver libraries (`libnvidia-ml.so.1`)."
        )
        return _found(rule, gpu, "container", message, CONTAINER)
    if gpu.kernel_module:
        message = f"Kernel module {gpu.kernel_module} is loaded, but the driver's `libnvidia-ml.so.1` is not found."
        return _found(rule, gpu, "libraries", message, LIBRARIES)
    if gpu.pci:
        message = f"An NVIDIA card is in this machine (`{gpu.pci[0]}`), but no NVIDIA driver is installed."
        return _found(rule, gpu, "card", message, DRIVER)
    where = f"in this `{container}` container" if container else "on this machine"
    message = f"No NVIDIA GPU was found {where}, and these engines need one."
    return _found(rule, gpu, "none", message, CONTAINER if container else ELSEWHERE, ("warning", "high"))


def _wsl(wsl: Wsl) -> tuple[str, str]:
    missing = "/usr/lib/wsl/lib/libnvidia-ml.so.1" if wsl.driver_library else "/usr/lib/wsl/lib/libcuda.so.1"
    lacks = missing if wsl.dxg else "/dev/dxg"
    return f"This WSL has no `{lacks}`, which the Windows driver provides.", WINDOWS


def _no_device(rule: Rule, gpu: Gpu) -> Finding:
    hidden = gpu.container_visible
    why = f"; `NVIDIA_VISIBLE_DEVICES` is `{hidden}`" if hidden in ("", "void", "none") else ""
    return _found(
        rule,
        gpu,
        "devices",
        f"The driver {gpu.driver_version or ''} answers, but reports no GPU{why}.".replace("  ", " "),
        CONTAINER
        if why
        else "look at `lspci` and `dmesg`: the card may be off the bus, bound to `vfio-pci`, or not "
        "supported by this driver",
    )


def _found(
    rule: Rule,
    gpu: Gpu,
    key: str,
    message: str,
    mend: str,
    grade: tuple[Severity, Confidence] = ("error", "high"),
) -> Finding:
    return rule.finding(
        message,
        key=key,
        severity=grade[0],
        confidence=grade[1],
        location=Location("host", "NVIDIA driver"),
        evidence=[
            Evidence("NVML", gpu.nvml_detail or gpu.nvml, "an answer"),
            Evidence("kernel module", gpu.kernel_module or "none", source="/proc/driver/nvidia/version"),
        ],
        remediations=[Remediation(mend, (Action("manual", text=mend),))],
    )


RULE = Rule(code="GPU001", name="no-driver", severity="error", check=check, needs=("gpu",))
