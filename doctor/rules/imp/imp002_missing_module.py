"""A module imports another module that is not installed in this environment.

The package that provides it is missing, or its installed release does not have the module yet or no longer has it
(`transformers.models.llama4` came with transformers 4.51). Engines import many modules that their metadata does not
require, so the installer does not notice.

What to do: install the package that provides the module, or a release of it that has the module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from doctor.base.late import late_pattern
from doctor.derived.case import Case
from doctor.derived.imports.failures import Failure, failures, unread
from doctor.derived.imports.findings import missing, where
from doctor.derived.imports.remote_code import demanded
from doctor.derived.packages.providers import owner_of
from doctor.derived.packages.requirements import parse
from doctor.facts import Distributions, Facts, Launch, Model, Modules, normalize
from doctor.findings import Action, Remediation
from doctor.matrix.module_names import provider_of
from doctor.rules.rule import Rule, Verdict

_NAME = late_pattern(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each missing module; the module that the launch command itself names is another rule's."""
    facts = case.facts
    named = facts.launch.module if isinstance(facts.launch, Launch) else None
    for failure in failures(case, "missing-module"):
        if failure.cause.file is None and named and f"{named}.".startswith(f"{failure.cause.module}."):
            continue
        if _of_code_alone(case, failure):
            continue  # MDL006 names all packages that the model's code lacks
        yield rule.finding(_message(facts, failure), **missing(case, failure, _ways(facts, failure)))
    yield from unread(case)


def _of_code_alone(case: Case, failure: Failure) -> bool:
    """Whether the model's own code, and nothing else, lacks a package that transformers demands for it."""
    facts = case.facts
    own = facts.modules.code if isinstance(facts.modules, Modules) else ()
    code = facts.model.code if isinstance(facts.model, Model) else None
    if not isinstance(facts.model, Model) or code is None or not all(name in own for name in failure.modules):
        return False
    top = failure.cause.module.partition(".")[0]
    return top in (code.absent or ()) and top in demanded(case)


def _message(facts: Facts, failure: Failure) -> str:
    cause = failure.cause
    owner = owner_of(facts, cause.module)
    lacks = f"which {owner[0]} {owner[1]} does not have" if owner else "which is not installed"
    if cause.error == "PackageNotFoundError":
        return f"{where(cause)} requests the version of `{cause.module}`, {lacks}, {failure.effect}"
    return f"{where(cause)} imports `{cause.module}`, {lacks}, {failure.effect}"


def _ways(facts: Facts, failure: Failure) -> list[Remediation]:
    """What to install for a module whose releases the data does not cover."""
    top = failure.cause.module.partition(".")[0]
    if owner_of(facts, top):
        return []
    known = provider_of(top)
    wanted = _required(facts, normalize(known or top))
    if wanted is not None:
        title = f"install {wanted.name}{wanted.specifier}, which `{wanted.owner}` requires"
        action = Action("install", package=wanted.name, specifier=wanted.specifier or None, direction="install")
        return [Remediation(title, (action,), "safe")]
    if known:
        action = Action("install", package=known, direction="install")
        return [Remediation(f"install {known}, which provides `{top}`", (action,), "unsafe")]
    text = f"find out which package provides `{top}`: a package of the same name may be an unrelated one"
    return [Remediation(text, (Action("manual", text=text),))]


class _Required(NamedTuple):
    name: str
    specifier: str
    owner: str


def _required(facts: Facts, key: str) -> _Required | None:
    """The requirement of an installed distribution that is this one; that of no extra where there is one."""
    found: list[tuple[bool, _Required]] = []
    for distribution in facts.distributions.installed if isinstance(facts.distributions, Distributions) else ():
        for line in distribution.requires:
            match = _NAME.match(line)
            if match is None or normalize(match[0]) != key or (asked := parse(line)) is None:
                continue
            known = _Required(key, str(asked.specifier), distribution.name)
            found.append(("extra" in line.partition(";")[2], known))
    found.sort(key=lambda pair: pair[0])
    return found[0][1] if found else None


RULE = Rule(code="IMP002", name="missing-module", severity="error", check=check, needs=("modules",))
