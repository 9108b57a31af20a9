"""A declared engine release imports a name that the declared release of another package does not have.

Engines import names from transformers and other packages when they start, and rarely say in their metadata which
releases have them. An installer is therefore content with pins that cannot work: the image is built, and the server
dies at once with `ImportError: cannot import name ...`. Which names a release imports on its way to serving, and which
releases provide them, was read out of the published wheels, so that bad pins are found before anything is installed.
Where the environment is installed, its own files are looked at instead (the IMP rules).

What to do: pin the other package to the range given: it has every name that the engine imports when it starts.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.facts import Distributions, Facts
from doctor.findings import Evidence, Finding, Location
from doctor.matrix.compat import Bound, Compatibility, compatibility
from doctor.matrix.releases import ReleaseSet
from doctor.rules.arguments import option
from doctor.rules.eng.common import SOURCE, Chosen, engines, other_release
from doctor.rules.eng.ranges import admitted, line_of
from doctor.rules.rule import NotApplicable, Open, Rule, Verdict, present

LIBRARIES = ("transformers", "tokenizers", "huggingface-hub", "accelerate", "peft", "timm", "compressed-tensors")
OPTIONAL = {"pytorch": "lmdeploy/pytorch/", "turbomind": "lmdeploy/turbomind/"}


def check(rule: Rule, facts: Facts) -> Iterator[Verdict]:
    """One finding for each pair of releases that does not link."""
    distributions: Distributions = present(facts, "distributions", Distributions)
    if distributions.complete:
        yield NotApplicable("the environment is installed: its own files tell more than the data")
        return
    for chosen in engines(facts):
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
            yield _finding(rule, chosen, found, broken, linking, have.version, (have.version, have.metadata_path))
    elif possible is not None and possible.all_versions and not possible & linking:
        line = line_of(distributions, found.library)
        broken = [b for b in bounds if not b.releases & possible]
        place = (possible.all_versions[-1], line.source if line else "")
        yield _finding(rule, chosen, found, broken or list(bounds), linking, None, place)
    elif found.library == "transformers":
        newest = (possible or found.known.everything()).newest
        fine = newest is None or linking.contains(newest)
        risk = "" if fine else f", and the newest that is admitted, {newest}, is not one of them"
        yield Open(f"`transformers` is left open; {chosen.shown} links with {linking.spec() or 'every release'}{risk}")


def _counts(bound: Bound, facts: Facts) -> bool:
    """Names of the half that this launch does not use are left aside."""
    chosen = option(facts, "--backend")
    other = OPTIONAL["turbomind"] if chosen == "pytorch" else None
    return not (other and bound.file and bound.file.startswith(other))


def _finding(
    rule: Rule, chosen: Chosen, found: Compatibility, broken: list[Bound], linking: ReleaseSet, version: str | None,
    place: tuple[str, str],
) -> Finding:  # fmt: skip
    first, more = broken[0], len(broken) - 1
    module, _, name = first.subject.partition(":")
    what = f"`{name}` from `{module}`" if name else f"`{module}`"
    others = f" (and {more} more name{'s' if more > 1 else ''})" if more else ""
    here = f"`{found.library} {version}` does" if version else f"the releases of `{found.library}` that are admitted do"
    fits = linking & found.declared if (linking & found.declared).newest else linking
    return rule.finding(
        f"`{chosen.shown}` imports {what}{others} when it starts (`{first.file}`), which {here} not have: "
        f"it needs `{found.library}{first.releases.spec()}`",
        key=f"{chosen.name}:{found.library}",
        location=Location("distribution", found.library, place[1] or None),
        evidence=[Evidence(b.subject, f"{found.library} {version or 'as declared'}",
                           f"{found.library}{b.releases.spec()}", f"{b.file} of {chosen.shown}; names {SOURCE}")
                  for b in broken[:6]],
        remediations=other_release(found.library, fits, place[0]),
        causes=[f"{code}:{chosen.name}:{found.library}" for code in ("PKG001", "ENG006")],
    )  # fmt: skip


RULE = Rule(
    code="ENG001", name="engine-does-not-link", severity="error", check=check, needs=("distributions",)
)  # fmt: skip
