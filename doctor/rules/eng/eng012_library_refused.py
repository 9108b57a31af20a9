"""The engine stops at startup because a library is too old or too new for it, although every requirement is met.

Engines check more than their metadata says. SGLang 0.5.6 to 0.5.9 stops for a model that accepts images where cuDNN is
older than 9.15 next to torch 2.9.1, because of a bug in `nn.Conv3d`. But torch 2.9.1 itself requires cuDNN 9.10, so the
default installation of these releases cannot serve a vision model. Such checks are read from the engine's code. vLLM
before 0.12 asks each tokenizer for an attribute that transformers 5 does not have. FlashInfer before 0.7.2 stops where
`flashinfer-cubin` is of another release, as an upgrade of `flashinfer-python` alone leaves it.

What to do: install the release that the engine asks for, without its requirements (`--no-deps`), since torch pins
another one. Or set the variable that skips the check.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.packages.requirements import parse
from doctor.derived.quantization.served import weakest_device
from doctor.facts import Distributions, Launch, Model, Natives, Unavailable, normalize, present
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.findings.wording import in_words
from doctor.matrix.models.quantization import sees
from doctor.matrix.refusals import LibraryRefusal, TwinLaunch, Twins, holds_for, refusals
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each library that the engine refuses."""
    have: Distributions = present(case.facts, "distributions", Distributions)
    rows = [(c, r) for c in case.engine for r in refusals().libraries
            if r.engine == c.name and holds_for(r.releases, c.version)]  # fmt: skip
    yield from _broken(rule, case, have)
    yield from _apart(rule, case, have)
    model = case.facts.model
    if not rows or (isinstance(model, Unavailable) and model.reason in ("not_requested", "not_supported")):
        yield NotApplicable("no release with such a check" if not rows else "no model is named")
        return
    for chosen, row in rows:
        beside = have.version(row.beside)
        if beside is None:
            yield Open(f"the release of `{row.beside}` is not known")
        elif not holds_for(row.at, beside.partition("+")[0]) or _skipped(case, row):
            continue
        elif not isinstance(model, Model):
            yield Open(f"whether the model accepts images is unknown: {model.detail or model.reason}")
        elif sees(model.config):
            version = have.version(row.package) or _required(have, row)
            if version is None:
                yield Open(f"the release of `{row.package}` is not known")
            elif not holds_for(row.needs, version):
                yield _finding(rule, chosen.shown, row, beside, version)


def _broken(rule: Rule, case: Case, have: Distributions) -> Iterator[Finding]:
    """Libraries with which this release's start fails."""
    for chosen, row in ((c, r) for c in case.engine for r in refusals().breaks if r.engine == c.name):
        version = have.version(row.beside)
        if version is None or not holds_for(row.releases, chosen.version) or not holds_for(row.at, version):
            continue
        if row.build and not _other_build(case, chosen.version, version, row.build):
            continue
        way = "reinstall" if row.build else "downgrade"
        older = Action("install", package=row.beside, specifier=row.needs, direction=way)
        yield rule.finding(
            f"`{chosen.shown}` does not start with `{row.beside} {version}`: {row.why}; it needs "
            f"`{row.beside}{row.needs}`",
            key=f"{row.beside}:{row.at}", location=Location("distribution", row.beside),
            evidence=[Evidence(row.beside, version, row.needs, row.source)],
            remediations=[Remediation(in_words(older), (older,), "unsafe")],
        )  # fmt: skip


def _other_build(case: Case, engine: str, version: str, build: str) -> bool:
    """Whether the library is this build, and the engine the one on the index, whose files nobody has linked."""
    linked = isinstance(case.facts.natives, Natives)
    return "+" not in engine and not linked and version.partition("+")[2].startswith(build)


def _apart(rule: Rule, case: Case, have: Distributions) -> Iterator[Finding]:
    """Distributions of another release than the one that they belong to, which that one refuses."""
    for row in refusals().twins:
        wanted = have.version(row.beside)
        if wanted is None or not holds_for(row.releases, wanted) or _skipped(case, row):
            continue
        for package in row.packages:
            version = have.version(package)
            if version is None or version.partition("+")[0] == wanted.partition("+")[0]:
                continue
            same = Action("install", package=package, specifier=f"=={wanted}", direction="install")
            skip = Action("set_env", name=row.variable, value="1")
            imports = any(_imports(case, launch) for launch in row.launches)
            yield rule.finding(
                f"`{package} {version}` does not match `{row.beside} {wanted}`, so importing it fails: both must be "
                "the same release", key=package, severity="error" if imports else "warning",
                location=Location("distribution", package),
                evidence=[Evidence(package, version, f"=={wanted}", row.source)],
                remediations=[
                    Remediation(f"install {package}=={wanted}", (same,), "safe"),
                    Remediation(f"set `{row.variable}=1`, which skips the check", (skip,), "unsafe"),
                ],
            )  # fmt: skip


def _imports(case: Case, launch: TwinLaunch) -> bool:
    """Whether the engine of this case surely imports the library."""
    weakest = weakest_device(case.facts)
    if launch.gpu and (weakest is None or weakest.capability < launch.gpu):
        return False
    return any(c.name == launch.engine and holds_for(launch.releases, c.version) for c in case.engine)


def _skipped(case: Case, row: LibraryRefusal | Twins) -> bool:
    """Whether the command sets the variable that skips the check."""
    environ = case.facts.launch.environ if isinstance(case.facts.launch, Launch) else {}
    return environ.get(row.variable, "").lower() in ("1", "true")


def _required(have: Distributions, row: LibraryRefusal) -> str | None:
    """The release that the other library requires, where it requires exactly one."""
    other = have.get(row.beside)
    for line in other.requires if other else ():
        asked = parse(line) if normalize(line).startswith(row.package) else None
        exact = [c.version for c in asked.specifier if c.operator == "=="] if asked else []
        if asked and normalize(asked.name) == row.package and exact:
            return exact[0]
    return None


def _finding(rule: Rule, engine: str, row: LibraryRefusal, beside: str, version: str) -> Finding:
    newer = Action("install", package=row.package, specifier=row.install, direction="upgrade")
    skip = Action("set_env", name=row.variable, value="1")
    later = f"install {row.package}{row.install} with `--no-deps`, after everything else"
    return rule.finding(
        f"`{engine}` will not start for a model that accepts images: it requires {row.shown} {row.needs}, but "
        f"`{row.beside} {beside}` requires `{row.package} {version}` ({row.why})",
        key=row.package, location=Location("distribution", row.package),
        evidence=[Evidence(row.shown, version, row.needs, row.source)],
        remediations=[
            Remediation(later, (newer,), "unsafe"),
            Remediation(f"set `{row.variable}=1`, which skips the check; the bug remains", (skip,), "unsafe"),
        ],
    )  # fmt: skip


RULE = Rule(code="ENG012", name="library-refused", severity="error", check=check, needs=("distributions",))
