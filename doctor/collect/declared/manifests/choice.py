"""Which optional parts of a project count: the ones that the user named, else the one part that holds an engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from doctor.base.late import late_pattern
from doctor.collect.declared.manifests.manifest import Manifest
from doctor.collect.declared.pins import Reading
from doctor.collect.declared.text import name_of
from doctor.facts import Problem, normalize
from doctor.launch.starting import is_engine

_NAME = late_pattern(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def names_engine(lines: Iterable[str]) -> bool:
    """Whether one of these requirements, or names, is an engine's."""
    return any((m := _NAME.match(line)) and is_engine(normalize(m[1])) for line in lines)


def chosen_parts(
    manifest: Manifest, reading: Reading, plain: Iterable[str], parts: Mapping[str, Iterable[str]]
) -> tuple[str, ...]:
    """The names of the optional parts to read beside `plain`, each with its requirements in `parts`."""
    known = {normalize(name): name for name in parts}
    if manifest.chosen:
        for name in manifest.chosen:
            if normalize(name) not in known:
                reading.problems.append(Problem(manifest.path, f"`{name_of(manifest.path)}` has no extra `{name}`"))
        return tuple(known[normalize(n)] for n in manifest.chosen if normalize(n) in known)
    if names_engine(plain):
        return ()
    found = [name for name, lines in parts.items() if names_engine(lines)]
    if len(found) == 1:
        reading.why.append(f"its part `{found[0]}`, the one with an engine")
        return (found[0],)
    if found:
        listed = ", ".join(f"`{n}`" for n in found[:5])
        message = f"{listed} of `{name_of(manifest.path)}` each name an engine; choose one, such as `FILE[{found[0]}]`"
        reading.problems.append(Problem(manifest.path, message))
    return ()
