"""WSL kept dumps of programs that crashed here before.

A native crash (segmentation fault, illegal instruction) often leaves no line in the log. WSL writes a dump of it to the
Windows user's `AppData\\Local\\Temp\\wsl-crashes`; the file name shows the program and the signal.

What to do: look there for a server that died without a message. The dumps can be removed.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.text import plural
from doctor.derived.case import Case
from doctor.derived.host import manual, no_wsl, wsl_of
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A note with the last one."""
    wsl = wsl_of(case.facts)
    if wsl is None:
        yield from no_wsl()
    elif wsl.crash_dumps:
        yield rule.about(
            f"WSL kept {plural(len(wsl.crash_dumps), 'crash dump')} of earlier runs, the latest "
            f"`{wsl.crash_dumps[-1]}`.",
            manual(
                "run the server with `qvl-doctor run`, which keeps its last output; remove dumps that are no longer "
                "needed"
            ),
            observed=str(len(wsl.crash_dumps)),
            where=wsl.crash_dumps[-1],
        )


RULE = Rule(code="SYS031", name="wsl-crash-dumps", severity="note", check=check, needs=("host",))
