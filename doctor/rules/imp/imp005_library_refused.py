"""An import reaches a compiled module that the system's loader cannot load.

The compiled module is installed, but a shared library or symbol that it needs is missing. Rules LIB001 to LIB004 say
which; this rule says which part of the launch it breaks.

What to do: fix what the LIB finding names.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.imports.failures import failures
from doctor.derived.imports.findings import chain, location, where
from doctor.derived.imports.libraries import DRIVER, driver_is_declared, has_no_gpu
from doctor.findings import Evidence, Open
from doctor.rules.rule import Rule, Verdict

_ROOTS = {"missing-library": "LIB001", "missing-symbol": "LIB002"}


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each library or symbol that stops an import; a declared driver has its own libraries."""
    for failure in failures(case, *_ROOTS):
        cause = failure.cause
        if cause.name in DRIVER and driver_is_declared(case.facts):
            yield Open(
                f"`{cause.name}` of the declared driver is not on this machine; imports after it are not checked"
            )
            continue
        away = cause.name in DRIVER and has_no_gpu(case.facts) and failure.severity == "error"
        what = "the library" if cause.kind == "missing-library" else "the symbol"
        yield rule.finding(
            f"{where(cause)} imports a compiled module that is missing {what} `{cause.name}`, {failure.effect}",
            key=failure.key,
            severity="warning" if away else failure.severity,
            location=location(cause),
            evidence=[Evidence(cause.error, cause.text, source=cause.file), chain(failure)],
            causes=[f"{_ROOTS[cause.kind]}:{cause.name}", f"LIB003:{cause.name}"],
        )


RULE = Rule(code="IMP005", name="library-refused", severity="error", check=check, needs=("modules",))
