"""A server's last lines of output may get lost or garbled on their way to Windows.

A program that writes to a pipe or file buffers its output in blocks, and a crash loses what is still in the buffer (as
on every Linux; this is not the fault of WSL). Also, PowerShell 5 writes `>` files as UTF-16 and decodes the UTF-8 of
Linux with the console's code page, so a log has NULs or wrong letters.

What to do: use `qvl-doctor run`, which keeps every byte and sets the two variables. By hand, set `PYTHONUNBUFFERED=1`
in Linux and `WSL_UTF8=1` in Windows, and redirect inside `wsl -e sh -c`.
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
            Remediation("set `PYTHONUNBUFFERED=1`", (variable,), "safe"),
            observed="not set",
            expected="1",
            where="PYTHONUNBUFFERED",
        )


RULE = Rule(code="SYS032", name="wsl-output", severity="note", check=check, needs=("host",))
