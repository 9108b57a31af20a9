"""What releases need of each other: their published requirements, and the names that they import."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from packaging.version import Version

from doctor.derived.packages.requirements import applies, parse
from doctor.facts import Cause, Modules, normalize
from doctor.matrix import rows
from doctor.matrix.compat import DISTRIBUTIONS
from doctor.matrix.engines import engine_row
from doctor.matrix.providers import releases_with
from doctor.matrix.releases import Releases, ReleaseSet
from doctor.plan.choices import Choice
from doctor.plan.draft import Draft
from doctor.plan.ranges import admitted
from doctor.plan.solver.problem import Clause


def requirements(draft: Draft, choice: Choice, only: set[str] | None = None) -> None:
    """The published requirements of a distribution's releases; with `only`, those on these others that hold now."""
    assert choice.releases is not None
    start = draft.used[choice.name]
    for other in rows.keys(choice.name, "requires"):
        if (only is not None and other not in only) or other == choice.name:
            continue
        grouped: dict[str, int] = {}
        for having, lines in rows.history(choice.name, "requires", other):
            when = having.bits & start
            for line in lines if when else ():
                grouped[line] = grouped.get(line, 0) | when
        for line, when in grouped.items():
            requirement(draft, choice, line, when, beside=only is not None)


def requirement(draft: Draft, choice: Choice, line: str, when: int, *, beside: bool = False) -> None:
    """One requirement of these values; with `beside`, only where it is met now."""
    extras = serving_extras(choice.name) if "extra" in line.partition(";")[2] else ("",)
    asked = parse(line) if extras else None
    if asked is None or not any(applies(asked.marker, draft.where, e) for e in extras):
        return
    name, specifier = normalize(asked.name), str(asked.specifier)
    if not draft.choices.installed.get(name) and rows.releases(name) is None:
        return  # whatever the installer brings: nothing is known of it, and nothing is lost
    other = draft.use(name) if not beside else draft.choices.get(name)
    then = other.admitting(specifier) & other.present
    if beside and other.current is not None and not then >> other.current & 1:
        return  # was not met before: not this plan's matter
    shown = f"{asked.name}{specifier}"
    draft.require(Clause(
        name, then, f"{choice.name} requires {shown}", owner=choice.name, when=when, subject=shown,
        source="METADATA", text=lambda who: f"`{named(choice, who)}` requires `{shown}`",
    ))  # fmt: skip


def serving_extras(name: str) -> tuple[str, ...]:
    """The extras without which an engine does not serve: SGLang kept its server's needs in some until 0.5.3."""
    return engine_row(name).extras


def own_metadata(draft: Draft, choice: Choice) -> None:
    """What the installed release requires, where the data does not tell."""
    have = draft.choices.installed.get(choice.name)
    if have is None or choice.current is None or (choice.releases and not choice.beyond >> choice.current & 1):
        return
    for line in have.requires:
        requirement(draft, choice, line, 1 << choice.current)


def imports(draft: Draft, choice: Choice) -> None:
    """The names that importing a distribution takes from others of which the data knows who has them."""
    assert choice.releases is not None
    start = draft.used[choice.name] & ((1 << len(choice.releases.versions)) - 1)
    if not start:
        return
    for taken in imported(choice, start):
        top = taken.module.partition(".")[0]
        library = normalize(DISTRIBUTIONS.get(top, top))
        having = releases_with(library, taken.module, taken.name or None) if library != choice.name else None
        if having is not None and having.bits != having.releases.everything().bits:
            _import(draft, choice, taken, library, having)


class Imported(NamedTuple):
    """A name that releases (bits) import eagerly: `module:name`, the file that does, the backend that alone does."""

    key: str
    file: str
    when: int
    half: str | None

    @property
    def module(self) -> str:
        """The module that is imported, or of which the name is taken."""
        return self.key.partition(":")[0]

    @property
    def name(self) -> str:
        """The name that is taken, empty where the module itself is imported."""
        return self.key.partition(":")[2]


def imported(choice: Choice, start: int) -> list[Imported]:
    """The names that the releases in `start` import eagerly."""
    assert choice.releases is not None
    if start & (start - 1) == 0:
        version = choice.releases.versions[start.bit_length() - 1]
        row = rows.row(choice.name, version, "imports", "imports.half") or {}
        halves = row.get("imports.half", {})
        found = row.get("imports", {}).items()
        return [Imported(key, file, start, halves.get(key)) for key, (how, file) in found if how == "eager"]
    out: list[Imported] = []
    for key in rows.keys(choice.name, "imports"):
        for releases, (how, file) in rows.history(choice.name, "imports", key):
            if how == "eager" and releases.bits & start:
                out.append(Imported(key, file, releases.bits & start, None))
    return out


def _import(draft: Draft, choice: Choice, taken: Imported, library: str, having: ReleaseSet) -> None:
    if taken.half and engine_row(choice.name).backends and draft.backend() not in (None, taken.half):
        return
    other = draft.use(library)
    if other.releases is None:
        return
    then = moved(having, other.releases) | other.beyond & ~_seen_to_lack(draft, other, taken)
    then &= other.present
    file = _with_line(draft, taken)
    what = f"needs `{taken.name or taken.module}`, {library} {having.spec()}"
    draft.require(Clause(
        library, then, f"{choice.name} imports {taken.key}", owner=choice.name, when=taken.when, subject=taken.key,
        source=file,
        text=lambda who: f"`{file}` of `{named(choice, who)}` {what}",
    ))  # fmt: skip


def majors(draft: Draft, choice: Choice) -> None:
    """An engine that bounds transformers from below alone was not made for its next major: that is not moved into."""
    other = draft.choices.get("transformers")
    if choice.releases is None or other.releases is None or "transformers" not in draft.used:
        return
    start = draft.used[choice.name]
    for having, lines in rows.history(choice.name, "requires", "transformers"):
        for line in (x for x in lines if "extra" not in x.partition(";")[2]):
            asked = parse(line)
            lower = [c.version for c in asked.specifier if c.operator in (">=", ">", "~=")] if asked else []
            upper = any(c.operator in ("<", "<=", "==", "~=") for c in asked.specifier) if asked else True
            if upper or not lower or not having.bits & start:
                continue
            major = max(Version(v).major for v in lower)
            then = admitted(other.releases, f"<{major + 1}.dev0") | other.beyond
            then |= 1 << other.current if other.current is not None else 0
            draft.require(Clause(
                "transformers", then, f"{choice.name} was made for transformers {major}", owner=choice.name,
                when=having.bits & start, subject="transformers", source="METADATA",
                text=_of_its_time(choice, line, major),
            ))  # fmt: skip


def _of_its_time(choice: Choice, line: str, major: int) -> Callable[[int], str]:
    text = f"requires `{line.strip()}` and was not made for transformers {major + 1}"
    return lambda releases: f"`{named(choice, releases)}` {text}"


def _with_line(draft: Draft, taken: Imported) -> str:
    """The file with its line, where the link check stopped at this very import."""
    modules = draft.facts.modules
    for status in modules.verdicts.values() if isinstance(modules, Modules) else ():
        cause = status.cause
        if cause and cause.line and cause.file == taken.file and _is_of(cause, taken):
            return f"{taken.file}:{cause.line}"
    return taken.file


def _seen_to_lack(draft: Draft, choice: Choice, taken: Imported) -> int:
    """The installed release, where the data does not cover it and the link check saw that it lacks the name."""
    modules = draft.facts.modules
    if not isinstance(modules, Modules) or choice.current is None:
        return 0
    lacks = any(_is_of(s.cause, taken) for s in modules.verdicts.values() if s.cause)
    return lacks << choice.current


def _is_of(cause: Cause, taken: Imported) -> bool:
    """Whether an import failed for this very name."""
    return cause.module == taken.module and (cause.name or "") == taken.name


def named(choice: Choice, when: int) -> str:
    """`lmdeploy 0.11.1`, or the range of releases that `when` stands for."""
    if choice.releases is None or when & choice.beyond:
        return f"{choice.name} {choice.values[when.bit_length() - 1]}"
    if when & (when - 1) == 0:
        return f"{choice.name} {choice.values[when.bit_length() - 1]}"
    return f"{choice.name} {ReleaseSet(choice.releases, when).spec()}".strip()


def moved(having: ReleaseSet, releases: Releases) -> int:
    """The bits of a set over another list of the same project's releases; what only that one has is let pass."""
    if having.releases.versions == releases.versions:
        return having.bits
    out = 0
    for place, version in enumerate(releases.versions):
        if having.contains(version) is not False:
            out |= 1 << place
    return out


def name_of(line: str) -> str | None:
    """The distribution that a Requires-Dist line names, None for one of an extra."""
    if "extra" in line.partition(";")[2]:
        return None
    requirement = parse(line)
    return normalize(requirement.name) if requirement else None
