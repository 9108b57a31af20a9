"""The WSL kernel is older than CUDA requires.

NVIDIA requires kernel 4.19.121 and recommends 5.10.16.3 or newer; vLLM pins memory only from 4.19.121 on.

What to do: update the kernel in PowerShell with `wsl --update`, then `wsl --shutdown`. This does not update a custom
kernel (`kernel=` in `.wslconfig`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import host_of, manual, no_wsl, wsl_of
from doctor.findings import Open
from doctor.rules.rule import Rule, Verdict

NEEDED, WANTED = (4, 19, 121), (5, 10, 16, 3)


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """The numbers at the front of the release."""
    wsl = wsl_of(case.facts)
    if wsl is None or wsl.version == 1:
        yield from no_wsl()
        return
    release = host_of(case.facts).kernel or wsl.kernel
    match = re.search(r"\d{1,3}(?:\.\d{1,5}){1,3}", release)
    if match is None:
        yield Open(f"the kernel release `{release}` has no version")
        return
    number = tuple(int(part) for part in match[0].split("."))
    if number >= WANTED:
        return
    own = next((c.kernel for c in wsl.configs if c.kernel), None)
    text = f"take `kernel={own}` out of `.wslconfig`, then run" if own else "run"
    least = NEEDED if number < NEEDED else WANTED
    yield rule.about(
        f"The kernel of this WSL is {match[0]}, but CUDA needs {'.'.join(map(str, least))} or newer.",
        manual(f"{text} `wsl --update` and `wsl --shutdown` in PowerShell"),
        observed=match[0],
        expected=".".join(map(str, least)),
        where="kernel",
        severity="error" if number < NEEDED else "warning",
    )


RULE = Rule(code="SYS028", name="wsl-old-kernel", severity="warning", check=check, needs=("host",))
