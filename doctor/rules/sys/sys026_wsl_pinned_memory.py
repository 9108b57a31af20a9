"""The launch command requests a lot of pinned memory, of which WSL provides little.

Offloading weights or cache to main memory needs page-locked memory. Under WSL, the Windows driver allows only a small
amount, regardless of `.wslconfig` and `ulimit -l`. Beyond it, allocations fail with `out of memory` although memory is
free, or the data moves slowly through ordinary memory.

What to do: drop the option, or use Linux without Windows.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import no_wsl, wsl_of
from doctor.findings import Action, Remediation
from doctor.launch.options import number, option
from doctor.rules.rule import Rule, Verdict

SIZES = ("--cpu-offload-gb", "--swap-space", "--kv-offloading-size", "--hicache-size")
SWITCHES = ("--kv-transfer-config", "--enable-hierarchical-cache")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Options that take pinned memory, if they take any."""
    facts = case.facts
    if wsl_of(facts) is None:
        yield from no_wsl()
        return
    asked = [name for name in SIZES if (number(facts, name) or 0) > 0]
    asked += [name for name in SWITCHES if option(facts, name) is not None]
    for name in asked:
        yield rule.about(
            f"`{name}` needs pinned memory, and WSL allows only a small amount of it.",
            Remediation(f"remove `{name}`", (Action("set_argument", name=name),), "unsafe"),
            observed=option(facts, name) or "set",
            key=name,
            where="pinned memory",
            confidence="medium",
        )


RULE = Rule(code="SYS026", name="wsl-pinned-memory", severity="warning", check=check, needs=("host", "launch"))
