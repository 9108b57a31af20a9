"""A server's last words may get lost or garbled on their way to Windows.

A program that writes into a pipe or file holds its output back in blocks; what was held is lost in a crash (so it is
on every Linux, WSL is not to blame). And PowerShell 5 writes `>` files as UTF-16 and decodes Linux' UTF-8 with the
console's code page, so that a log has NULs or wrong letters. `qvl-doctor run` keeps the bytes as they are and sets
the two variables; by hand set `PYTHONUNBUFFERED=1` in Linux and `WSL_UTF8=1` in Windows, and redirect inside `wsl -e
sh -c`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import host_of, no_wsl, wsl_of
from doctor.findings import Action, NotApplicable, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A note, unless the variable is set."""
    if wsl_of(case.facts) is None:
        yield from no_wsl()
    elif host_of(case.facts).environment.get("PYTHONUNBUFFERED"):
        yield NotApplicable("`PYTHONUNBUFFERED` is set")
    else:
        variable = Action("set_env", name="PYTHONUNBUFFERED", value="1")
        yield rule.about(
            "`PYTHONUNBUFFERED` is not set, so a crash loses the last lines of a redirected log.",
            Remediation("Write every line at once", (variable,), "safe"),
            observed="not set",
            expected="1",
            where="PYTHONUNBUFFERED",
        )


RULE = Rule(code="SYS032", name="wsl-output", severity="note", check=check, needs=("host",))
