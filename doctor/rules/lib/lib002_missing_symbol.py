"""A compiled part of a package does not match the library that it is loaded with.

Compiled code uses functions of other libraries by their symbols. `undefined symbol: _ZN3c10...` means that a package
such as flash-attn, auto-gptq or vLLM was built for another version of torch: the installed torch does not have that
function, has it with other parameters, or was built with the other C++ ABI (which spells std::string differently).

What to do: install a build of the package made for this torch, or the torch that the package was built for. The message
names the symbol at which the loader stops; there may be more.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.imports.libraries import failures, severity_of, unsure
from doctor.facts import Facts, Natives, present
from doctor.findings import Action, Evidence, Location, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each symbol that is missing."""
    facts = case.facts
    natives = present(facts, "natives", Natives)
    for failure in failures(natives, "missing-symbol"):
        library = failure.libraries[0]
        verdict = library.verdict
        if verdict is None:
            continue
        others = f" ({len(failure.libraries) - 1} more of its modules too)" if len(failure.libraries) > 1 else ""
        yield rule.finding(
            f"`{library.path}`{others} needs the symbol `{failure.name}`, which no loaded library has: "
            f"{verdict.meaning}",
            key=failure.name,
            severity=severity_of(failure, facts),
            location=Location("file", library.distribution, library.path),
            evidence=[
                Evidence("natives", lib.verdict.text, f"the symbol `{failure.name}`", lib.verdict.provider or lib.path)
                for lib in failure.libraries[:5]
                if lib.verdict
            ],
            remediations=[_rebuild(library.distribution, facts)],
        )
    yield from unsure(natives)


def _rebuild(distribution: str, facts: Facts) -> Remediation:
    torch = facts.version("torch")
    title = f"install a build of `{distribution}` that was made for torch {torch or 'as installed'}, or remove it"
    return Remediation(title, (Action("install", package=distribution, direction="reinstall"),))


RULE = Rule(code="LIB002", name="missing-symbol", severity="error", check=check, needs=("natives",))
