"""WSL ignores `.wslconfig`, or a line of it.

WSL itself reads the file and silently ignores what it does not understand: a size without a known unit, a line without
`=`, or a file saved as UTF-16 (as PowerShell's `>` and `Out-File` do) leaves the defaults in force.

What to do: save it as UTF-8 without a byte order mark, and write sizes as `16GB` or `512MB`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import manual, no_wsl, wsl_of
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Every Windows user's file."""
    wsl = wsl_of(case.facts)
    if wsl is None:
        yield from no_wsl()
        return
    for config in wsl.configs:
        wrong = "is written as UTF-16" if config.encoding != "utf-8" else config.problem
        if wrong:
            said = (
                wrong
                if config.encoding != "utf-8"
                else f"contains settings that WSL does not understand ({wrong.partition(': ')[2]})"
            )
            yield rule.about(
                f"`{config.path}` {said}; WSL reads only UTF-8 lines such as `memory=16GB`.",
                manual(
                    "save it again as UTF-8 (Notepad: Save as, encoding UTF-8), then run `wsl --shutdown` in PowerShell"
                ),
                observed=wrong,
                key=config.path,
                where=config.path,
            )


RULE = Rule(code="SYS024", name="wslconfig-ignored", severity="warning", check=check, needs=("host",))
