"""This WSL or this card cannot run CUDA at all.

CUDA works only in WSL 2; WSL 1 has no Linux kernel and no GPU. CUDA also needs a card of the Pascal generation or newer
(compute capability 6.0).

What to do: convert the distribution in PowerShell with `wsl --set-version DISTRIBUTION 2`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import manual, no_wsl, wsl_of
from doctor.derived.units import dotted
from doctor.facts.gpu import Gpu
from doctor.rules.rule import Rule, Verdict

PASCAL = (6, 0)


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """The version of WSL, then the cards."""
    facts = case.facts
    wsl = wsl_of(facts)
    if wsl is None:
        yield from no_wsl()
        return
    if wsl.version == 1:
        yield rule.about(
            f"This is WSL 1 (kernel `{wsl.kernel}`), which cannot use a GPU: WSL 2 is required.",
            manual(f"run `wsl --set-version {wsl.distribution or 'DISTRIBUTION'} 2` in PowerShell"),
            observed=wsl.kernel,
            expected="WSL 2",
            key="version",
        )
    for device in facts.gpu.devices if isinstance(facts.gpu, Gpu) else ():
        if device.capability < PASCAL:
            yield rule.about(
                f"`{device.name}` has compute capability {dotted(device.capability)}, but CUDA in WSL "
                "needs 6.0 (Pascal) or newer.",
                manual("use a newer card, or Linux without Windows"),
                observed=dotted(device.capability),
                expected="6.0",
                key=f"device{device.index}",
            )


RULE = Rule(code="SYS020", name="wsl-unsupported", severity="error", check=check, needs=("host",))
