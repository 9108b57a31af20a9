"""A declared engine release imports a name that the declared release of another package does not have.

Engines import names from transformers and other packages at startup, but their metadata rarely says which releases have
them. An installer therefore accepts pins that cannot work: the image builds, and the server exits at once with
`ImportError: cannot import name ...`. Which names a release imports before it serves, and which releases provide them,
is read from the published wheels, so bad pins are found before anything is installed. For an installed environment, the
IMP rules check its own files instead; the packages that a plan would install have no files yet and are checked here.

What to do: pin the other package to the range shown, which has every name that the engine imports at startup.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.record import dataclass
from doctor.derived.case import Case
from doctor.derived.engine import SOURCE, Chosen
from doctor.derived.packages.declared_ranges import admitted, line_of
from doctor.derived.packages.other_releases import direction, having, other_release
from doctor.facts import Distributions, Facts, Model, Unavailable, present
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.launch.options import option
from doctor.matrix.compat import Bound, Compatibility, compatibility, engines_for
from doctor.matrix.releases import ReleaseSet
from doctor.rules.rule import Rule, Verdict

LIBRARIES = ("transformers", "tokenizers", "huggingface-hub", "accelerate", "peft", "timm", "compressed-tensors")
OPTIONAL = {"pytorch": "lmdeploy/pytorch/", "turbomind": "lmdeploy/turbomind/"}


@dataclass(frozen=True, slots=True)
class Misfit:
    """A library that does not fit: the bounds it breaks, the releases that break none, and what is declared.

    `version` is the release that is fixed, None for a range, of which `release` is then the newest; `source` its line.
    """

    chosen: Chosen
    found: Compatibility
    broken: list[Bound]
    linking: ReleaseSet
    version: str | None
    release: str
    source: str


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each pair of releases that does not link."""
    facts = case.facts
    distributions: Distributions = present(facts, "distributions", Distributions)
    foreseen = isinstance(facts.modules, Unavailable) and facts.modules.reason == "not_supported"
    if distributions.complete and not foreseen:
        yield NotApplicable("the environment is installed: its own files are checked instead")
        return
    for chosen in case.engine:
        for library in LIBRARIES:
            found = compatibility(chosen.name, chosen.version, library)
            if found is None:
                if library == "transformers":
                    yield Open(f"the data does not cover {chosen.shown}")
                continue
            yield from _judged(rule, facts, distributions, chosen, found)


def _judged(
    rule: Rule, facts: Facts, distributions: Distributions, chosen: Chosen, found: Compatibility
) -> Iterator[Verdict]:
    bounds = tuple(b for b in found.bounds if b.kind == "derived" and _counts(b, facts))
    if not bounds:
        return
    linking = found.known.everything()
    for bound in bounds:
        linking = linking & bound.releases
    have = distributions.get(found.library)
    possible = admitted(distributions, found.library, found.known)
    if have is not None and found.known.place(have.version) is None:
        yield Open(f"the data does not cover {found.library} {have.version}")
    elif have is not None:
        broken = [b for b in bounds if b.releases.contains(have.version) is False]
        if broken:
            misfit = Misfit(chosen, found, broken, linking, have.version, have.version, have.metadata_path)
            yield _finding(rule, facts, misfit)
    elif possible is not None and possible.all_versions and not possible & linking:
        line = line_of(distributions, found.library)
        broken = [b for b in bounds if not b.releases & possible] or list(bounds)
        misfit = Misfit(chosen, found, broken, linking, None, possible.all_versions[-1], line.source if line else "")
        yield _finding(rule, facts, misfit)
    elif found.library == "transformers":
        newest = (possible or found.known.everything()).newest
        fine = newest is None or linking.contains(newest)
        risk = "" if fine else f", and the newest allowed release, {newest}, is not one of them"
        yield Open(f"`transformers` is not pinned; {chosen.shown} works with {linking.spec() or 'every release'}{risk}")


def _counts(bound: Bound, facts: Facts) -> bool:
    """Names of the half that this launch does not use are left aside."""
    chosen = option(facts, "--backend")
    other = OPTIONAL["turbomind"] if chosen == "pytorch" else None
    return not (other and bound.file and bound.file.startswith(other))


def _other_engine(facts: Facts, chosen: Chosen, library: str, version: str | None) -> Iterator[Remediation]:
    """The other way out: the newest release of the engine that links with the library as it is, and has the model."""
    fitting = engines_for(chosen.name, version, library) if version else None
    if fitting is None:
        return
    for architecture in facts.model.architectures[:1] if isinstance(facts.model, Model) else ():
        fitting = fitting & (having(chosen.name, "architectures", architecture) or fitting)
    if fitting.newest:
        way = direction(fitting, chosen.version)
        action = Action("install", package=chosen.name, specifier=f"=={fitting.newest}", direction=way)
        title = f"{way} {chosen.name} to {fitting.newest}, the newest that works with {library} {version}"
        yield Remediation(title, (action,), "unsafe")


def _finding(rule: Rule, facts: Facts, misfit: Misfit) -> Finding:
    chosen, library, version = misfit.chosen, misfit.found.library, misfit.version
    first, more = misfit.broken[0], len(misfit.broken) - 1
    module, _, name = first.subject.partition(":")
    what = f"`{name}` from `{module}`" if name else f"`{module}`"
    others = f" (and {more} more name{'s' if more > 1 else ''})" if more else ""
    here = f"`{library} {version}` does" if version else f"the releases of `{library}` allowed here do"
    both = misfit.linking & misfit.found.declared
    fits = both if both.newest else misfit.linking
    return rule.finding(
        f"`{chosen.shown}` imports {what}{others} when it starts, but {here} not have "
        f"{'them' if more else 'it'}: it needs `{library}{first.releases.spec()}`",
        key=f"{chosen.name}:{library}",
        location=Location("distribution", library, misfit.source or None),
        evidence=[Evidence(b.subject, f"{library} {version or 'as declared'}", f"{library}{b.releases.spec()}",
                           f"{b.file} of {chosen.shown}; names {SOURCE}") for b in misfit.broken[:6]],
        remediations=[*other_release(library, fits, misfit.release), *_other_engine(facts, chosen, library, version)],
        causes=[f"{code}:{chosen.name}:{library}" for code in ("PKG001", "ENG006")],
    )  # fmt: skip


RULE = Rule(
    code="ENG001", name="engine-does-not-link", severity="error", check=check, needs=("distributions",)
)  # fmt: skip
