"""A Linux NVIDIA driver is installed inside WSL, which must use the Windows driver's library.

In WSL, `libcuda.so.1` is part of the Windows driver, mounted at `/usr/lib/wsl/lib`. Packages such as `cuda`,
`cuda-drivers` or `nvidia-driver-*` put a Linux driver's library in the system's folders; a process that loads it finds
no GPU.

What to do: remove these packages, and install only the toolkit (`cuda-toolkit-12-x`) if you need one at all: torch
includes its own CUDA.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import manual, no_wsl, wsl_of
from doctor.facts.gpu import Gpu
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """An error where the loader takes the wrong library first, a warning where it could."""
    facts = case.facts
    wsl = wsl_of(facts)
    if wsl is None:
        yield from no_wsl()
        return
    if not wsl.linux_driver and not wsl.linux_packages:
        return
    libraries = facts.gpu.libcuda if isinstance(facts.gpu, Gpu) else ()
    shadowed = bool(libraries) and libraries[0].origin == "driver"
    what = wsl.linux_driver[0] if wsl.linux_driver else wsl.linux_packages[0]
    remove = (
        " ".join(f"'{name}'" for name in wsl.linux_packages)
        or "'nvidia-driver-*' 'libnvidia-compute-*' 'cuda-drivers*'"
    )
    yield rule.about(
        f"`{what}` of a Linux NVIDIA driver is installed in WSL"
        + (" and is loaded in place of " if shadowed else ", next to ")
        + "`/usr/lib/wsl/lib/libcuda.so.1`.",
        manual(
            f"run `sudo apt-get remove --purge {remove}` and `sudo ldconfig` in Linux, then `wsl --shutdown` in "
            "PowerShell"
        ),
        observed=libraries[0].path if libraries else what,
        expected="/usr/lib/wsl/lib/libcuda.so.1",
        where=wsl.linux_driver[0] if wsl.linux_driver else "packages",
        severity="error" if shadowed else "warning",
    )


RULE = Rule(code="SYS021", name="wsl-linux-driver", severity="error", check=check, needs=("host",))
