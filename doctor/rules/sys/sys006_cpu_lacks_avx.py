"""The CPU does not have the vector instructions that most of these wheels are compiled for.

Packages with native code choose AVX or AVX2 at compile time; on a CPU without them, a process dies with
`Illegal instruction` (status 132) and no traceback. In practice, this is a virtual machine whose CPU model hides them
(QEMU's `qemu64`, `kvm64`).

What to do: choose the CPU model `host` (`-cpu host`, `host-passthrough`) in the virtual machine's settings.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import host_of, manual
from doctor.findings import NotApplicable
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """x86-64 only: other machines have other extensions."""
    host = host_of(case.facts)
    if host.machine != "x86_64" or host.cpu_flags is None:
        yield NotApplicable("not an x86-64 CPU, or its extensions are not known")
        return
    missing = [name for name in ("avx", "avx2") if name not in host.cpu_flags]
    if not missing:
        return
    yield rule.about(
        f"The CPU ({host.cpu_model or 'unknown model'}) does not support `{missing[0]}`, which most native wheels "
        "require.",
        manual("give the virtual machine the CPU model `host`, or use another machine"),
        observed=", ".join(host.cpu_flags) or "none",
        expected=", ".join(missing),
        source="/proc/cpuinfo",
        where="CPU",
        severity="warning" if missing[0] == "avx" else "note",
        confidence="medium",
    )


RULE = Rule(code="SYS006", name="cpu-lacks-avx", severity="warning", check=check, needs=("host",))
