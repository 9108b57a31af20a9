"""`nvidia-smi` exists, but it is not on PATH.

WSL mounts it at `/usr/lib/wsl/lib/nvidia-smi`; root shells, systemd units and containers often do not have that folder
on PATH. Tools that call `nvidia-smi` then report that there is no GPU, although CUDA works.

What to do: add the folder to PATH.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import manual, no_wsl, wsl_of
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A note: the engines ask NVML, not this program."""
    wsl = wsl_of(case.facts)
    if wsl is None:
        yield from no_wsl()
    elif wsl.nvidia_smi and not wsl.nvidia_smi_on_path:
        yield rule.about(
            f"`nvidia-smi` is at `{wsl.nvidia_smi}`, but not on PATH.",
            manual('add it in `~/.profile`: `export PATH="$PATH:/usr/lib/wsl/lib"`'),
            observed="not on PATH",
            expected="/usr/lib/wsl/lib on PATH",
            where=wsl.nvidia_smi,
        )


RULE = Rule(code="SYS022", name="wsl-nvidia-smi-path", severity="note", check=check, needs=("host",))
