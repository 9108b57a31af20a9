"""Other processes hold GPU memory that the server needs.

At startup vLLM reserves a share of the whole card (`--gpu-memory-utilization`, 0.9 or 0.92 by default) and exits with
`Free memory on device ... is less than desired GPU memory utilization` if less than that is free. LMDeploy and SGLang
take a share of what is free, and end up with a smaller cache or run out of memory while loading. Often the process is
an earlier server that did not shut down completely.

What to do: find the process and stop it, or give the server a smaller share.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.memory.verdict import has
from doctor.derived.units import GIB, size
from doctor.facts import Facts, present
from doctor.facts.gpu import Device, Gpu
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Remediation
from doctor.launch.options import engine, number
from doctor.matrix.hardware import Share, capabilities
from doctor.rules.rule import Rule, Verdict

NOTICEABLE = 0.1
SCREEN = frozenset({
    "Xorg", "X", "Xwayland", "gnome-shell", "gdm-x-session", "kwin_x11", "kwin_wayland", "plasmashell", "sway",
    "weston", "Hyprland", "mutter", "cinnamon", "xfwm4", "firefox", "chrome", "chromium", "steamwebhelper",
})  # fmt: skip


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Each device that a process started here would see."""
    gpu = present(case.facts, "gpu", Gpu)
    devices = [d for d in gpu.usable if not d.mig_enabled and d.memory_free is not None]
    if gpu.source == "declared" or not devices:
        yield NotApplicable("no GPU reports how much of its memory is free")
        return
    for device in devices:
        yield from _held(rule, case.facts, gpu, device)


def _held(rule: Rule, facts: Facts, gpu: Gpu, device: Device) -> Iterator[Finding]:
    free, whole = device.memory_free or 0, has(device, gpu)
    used = max(whole - free, 0)
    usual = _usual(facts)
    asked = number(facts, "--gpu-memory-utilization")
    share = (asked if asked is not None and 0 < asked <= 1 else usual.share) if usual else None
    short = share is not None and free < share * whole
    noticed = used >= NOTICEABLE * whole and not device.unified_memory  # the system itself is in a shared memory
    if used < GIB or not (noticed or short):
        return
    needed = f"; the command requests {share:g} of it, {size(int(share * whole))}" if short and share else ""
    name = f"`{device.name}`, in the system's memory" if device.unified_memory else f"`{device.name}`"
    yield rule.finding(
        f"GPU {device.index} ({name}) has {size(used)} of {size(whole)} in use{_by(device)}, {size(free)} "
        f"free{needed}.",
        key=f"device{device.index}",
        severity="error" if short and usual and usual.checked else "warning",
        location=Location("host", f"GPU {device.index}"),
        evidence=[
            Evidence("free GPU memory", size(free), size(int((share or 1 - NOTICEABLE) * whole)),
                     "/proc/meminfo" if device.unified_memory else "NVML")
        ],
        remediations=list(_ways_out(device, whole, gpu, share if short else None)),
    )  # fmt: skip


def _by(device: Device) -> str:
    holders = sorted(device.processes or (), key=lambda p: -(p.memory_used or 0))[:3]
    words = [
        f"`{p.name or 'a process outside this container'}` (pid {p.pid}"
        + (f", {size(p.memory_used)})" if p.memory_used else ")")
        for p in holders
    ]
    return f" by {', '.join(words)}" if words else ""


def _usual(facts: Facts) -> Share | None:
    """What the engine of the launch command reserves by itself."""
    name = engine(facts)
    release = facts.version(name)
    return capabilities().share(name, release) if name else None


def _ways_out(device: Device, whole: int, gpu: Gpu, share: float | None) -> Iterator[Remediation]:
    if _is_drawn_on(device, whole, gpu, share):
        end = "" if gpu.driver_platform == "windows" else "; `sudo systemctl isolate multi-user.target` ends it"
        text = f"close the programs that use this GPU for the screen, or connect the screen to another one{end}"
        yield Remediation("take the desktop off this GPU", (Action("manual", text=text),))
    where = "`top` shows it" if device.unified_memory else "`nvidia-smi` on the host names it"
    others = [p for p in device.processes or () if p.name not in SCREEN]
    text = "stop what uses the memory, if it is an earlier server: " + (
        ", ".join(f"pid {p.pid}" for p in others[:5]) or where
    )
    yield Remediation("stop what uses the memory", (Action("manual", text=text),))
    fits = int((device.memory_free or 0) / whole * 100 - 1) / 100
    if share is not None and fits >= 0.1:
        action = Action("set_argument", name="--gpu-memory-utilization", value=f"{fits:g}")
        yield Remediation("request a smaller share of the memory", (action,), "unsafe")


def _is_drawn_on(device: Device, whole: int, gpu: Gpu, share: float | None) -> bool:
    """Whether there is enough without what a desktop holds; under WSL Windows does not say who holds it."""
    if device.processes is None:
        return gpu.driver_platform == "windows"
    held = sum(p.memory_used or 0 for p in device.processes if p.name in SCREEN)
    missing = (share or 1 - NOTICEABLE) * whole - (device.memory_free or 0)
    return held > 0 and held >= missing


RULE = Rule(code="GPU005", name="memory-held-by-others", severity="warning", check=check, needs=("gpu",))
