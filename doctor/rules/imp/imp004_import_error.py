"""A module checks something when it is imported, and the check fails here.

Some packages compare the versions of others when they are imported and raise an error of their own
(`tokenizers>=0.14,<0.19 is required for a normal functioning of this module`). Some contain code that this Python
cannot parse (a SyntaxError).

What to do: read the message, which is the package's own. To pass a version check, install a version that it allows.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.derived.case import Case
from doctor.derived.imports.failures import Failure, failures, unread
from doctor.derived.imports.findings import chain, location, where
from doctor.derived.imports.half_installed import half_installed_at
from doctor.findings import Action, Evidence, Finding, Remediation
from doctor.rules.rule import Rule, Verdict

_REQUIRED = late_pattern(r"(?P<name>[A-Za-z0-9][\w.\-]{0,60})(?P<spec>(?:[<>=!~]=?[\w.*]{1,20},?){1,6}) is required")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each refusal."""
    for failure in failures(case, "error"):
        yield _finding(rule, failure, [f"PKG005:{name}" for name in half_installed_at(case, failure)])
    yield from unread(case)


def _finding(rule: Rule, failure: Failure, half: list[str]) -> Finding:
    cause = failure.cause
    said = one_line(cause.text, 240) or cause.error
    return rule.finding(
        f"{where(cause) if cause.file else f'`{cause.module}`'} raises {cause.error}: {said}; {failure.effect}",
        key=f"{failure.key}:{cause.line}",
        severity=failure.severity,
        location=location(cause),
        evidence=[Evidence(cause.error, said, source=cause.file), chain(failure)],
        remediations=_remediations(cause.text),
        causes=[*half, *_gate(cause.text)],
    )


def _remediations(text: str) -> list[Remediation]:
    match = _REQUIRED.search(text)
    if match is None:
        return []
    action = Action("install", package=match["name"], specifier=match["spec"], direction="install")
    return [Remediation(f"install {match['name']}{match['spec']}", (action,), "unsafe")]


def _gate(text: str) -> list[str]:
    match = _REQUIRED.search(text)
    return [f"PKG006:transformers:{match['name']}"] if match else []


RULE = Rule(code="IMP004", name="import-error", severity="error", check=check, needs=("modules",))
