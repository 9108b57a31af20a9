"""pyproject.toml: dependencies, extras, groups, uv's sources and Poetry's own table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from doctor.base.files import Files
from doctor.base.late import late_pattern
from doctor.collect.declared.manifests.choice import chosen_parts
from doctor.collect.declared.manifests.manifest import Manifest
from doctor.collect.declared.manifests.poetry import poetry_groups, poetry_lines, specifier
from doctor.collect.declared.pins import Reading, note_build, requirement_pins, wheel_version
from doctor.collect.declared.text import name_of
from doctor.facts import Problem, normalize

MOST = 2000
_MINORS = tuple(f"3.{n}" for n in range(6, 20))
_VERSION = late_pattern(r"(3\.\d{1,2})(?:\.\d{1,3})?\s*$")


def read_project(manifest: Manifest, reading: Reading) -> None:
    """Adds the lines of a project, of the extras and groups that count, and what uv is told beside them."""
    project, tool = table(manifest.data, "project"), table(manifest.data, "tool")
    poetry, uv = table(tool, "poetry"), table(tool, "uv")
    plain = [*texts(project.get("dependencies")), *poetry_lines(poetry, main=True)]
    parts = _parts(manifest, project, poetry)
    reading.python = reading.python or _python(manifest, project, poetry)
    if "dependencies" in texts(project.get("dynamic")):
        message = f"`{name_of(manifest.path)}` leaves its dependencies to a build script, which is not run"
        reading.problems.append(Problem(manifest.path, message))
    chosen = chosen_parts(manifest, reading, plain, parts)
    lines = [*plain, *(line for name in chosen for line in parts[name])]
    overrides = texts(uv.get("override-dependencies"))
    replaced = {name for line in overrides if (name := _name(line))}
    sources = {normalize(k): v for k, v in table(uv, "sources").items()}
    for line in lines[:MOST]:
        if _name(line) not in replaced:
            _add(line, manifest, reading, sources)
    asked = {_name(line) for line in lines}
    for line in texts(uv.get("constraint-dependencies"))[:MOST]:
        reading.pins.extend(requirement_pins(line, manifest.at(line), reading, True))
    _indexes(uv, sources, asked, reading)
    reading.step += bool(overrides)  # uv takes them whatever the others require, as a later install would
    for line in overrides[:MOST]:  # an override counts only where somebody asks for the distribution
        reading.pins.extend(requirement_pins(line, manifest.at(line), reading, _name(line) not in asked))


def _add(line: str, manifest: Manifest, reading: Reading, sources: dict[str, Any]) -> None:
    """One requirement; a source of uv's that is no index says where it comes from instead of the version."""
    name = _name(line)
    origin = next((s for s in tables(sources.get(name or "")) if not s.get("index") and not s.get("workspace")), None)
    if name is None or origin is None:
        reading.pins.extend(requirement_pins(line, manifest.at(line), reading, False))
        return
    version = wheel_version(plain_text(origin.get("url")) or plain_text(origin.get("path")))
    reading.pins.extend(requirement_pins(f"{name}=={version}" if version else name, manifest.at(line), reading, False))
    if not version:
        where = next((k for k in ("git", "url", "path") if k in origin), "another place")
        message = f"`{name}` comes from {where} (`tool.uv.sources`), so its version is not known"
        reading.problems.append(Problem(manifest.path, message))
        reading.elsewhere.add(name)


def _indexes(uv: dict[str, Any], sources: dict[str, Any], asked: set[str | None], reading: Reading) -> None:
    """The build of torch that the index chooses from which uv takes it."""
    urls = {plain_text(t.get("name")): plain_text(t.get("url")) for t in tables(uv.get("index"))}
    for source in tables(sources.get("torch")):
        if "torch" in asked and isinstance(source.get("index"), str) and "extra" not in source:
            note_build(urls.get(source["index"], "") + "/", reading)
            return
    for one in tables(uv.get("index")):
        if not one.get("explicit"):
            note_build(plain_text(one.get("url")) + "/", reading)


def _parts(manifest: Manifest, project: dict[str, Any], poetry: dict[str, Any]) -> dict[str, list[str]]:
    """Extras and groups with their lines; groups and extras that name others hold the lines of these, too."""
    extras = {str(k): texts(v) for k, v in table(project, "optional-dependencies").items()}
    own = normalize(plain_text(project.get("name")))
    out = {name: list(_unfolded(name, extras, own)) for name in list(extras)[:200]}
    groups = table(manifest.data, "dependency-groups")
    for name in list(groups)[:200]:
        out.setdefault(str(name), []).extend(_group(str(name), groups, set()))
    for name, lines in poetry_groups(poetry).items():
        out.setdefault(name, []).extend(lines)
    return out


def _unfolded(name: str, extras: dict[str, list[str]], own: str) -> Iterator[str]:
    """The lines of an extra; `project[other]` in it stands for the other extra's."""
    todo, seen = [name], set[str]()
    known = {normalize(k): v for k, v in extras.items()}
    while todo:
        here = normalize(todo.pop())
        if here in seen:
            continue
        seen.add(here)
        for line in known.get(here, ()):
            try:
                inner = Requirement(line)
            except (InvalidRequirement, RecursionError):
                yield line
                continue
            if own and normalize(inner.name) == own:
                todo += inner.extras
            else:
                yield line


def _group(name: str, groups: dict[str, Any], seen: set[str]) -> Iterator[str]:
    if name in seen:
        return
    seen.add(name)
    for entry in groups.get(name, [])[:MOST] if isinstance(groups.get(name), list) else ():
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, dict) and isinstance(entry.get("include-group"), str):
            wanted = normalize(entry["include-group"])
            inner = next((str(g) for g in groups if normalize(str(g)) == wanted), None)
            yield from _group(inner, groups, seen) if inner else ()


def _python(manifest: Manifest, project: dict[str, Any], poetry: dict[str, Any]) -> str | None:
    """The Python that `.python-version` beside the file names, else the only minor release that the project admits."""
    beside = os.path.join(os.path.dirname(manifest.path), ".python-version")
    if (found := _VERSION.match(Files(None).text(beside, 200) or "")) is not None:
        return found[1]
    poetrys = table(poetry, "dependencies").get("python")
    return only_minor(plain_text(project.get("requires-python")) or specifier(plain_text(poetrys)))


def only_minor(bounds: str) -> str | None:
    """`3.11` for bounds that admit no other minor release (`==3.11.*`, `>=3.11,<3.12`), else None."""
    try:
        wanted = SpecifierSet(bounds)
        fitting = [m for m in _MINORS if any(wanted.contains(f"{m}.{patch}") for patch in range(30))]
    except ValueError:  # no specifier, or one with a number that Python does not read
        return None
    return fitting[0] if bounds and len(fitting) == 1 else None


def _name(line: str) -> str | None:
    try:
        return normalize(Requirement(line).name)
    except (InvalidRequirement, RecursionError):
        return None


def table(data: Any, key: str) -> dict[str, Any]:
    """The table below a key, empty where there is none."""
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def plain_text(value: Any) -> str:
    """What should be text; nothing for anything else, however deep it is."""
    return value if isinstance(value, str) else ""


def tables(data: Any) -> list[dict[str, Any]]:
    """A table, or the tables in a list."""
    listed: Iterable[Any] = data if isinstance(data, list) else [data]
    return [t for t in list(listed)[:MOST] if isinstance(t, dict)]


def texts(data: Any) -> list[str]:
    """The texts in a list; empty for anything else."""
    return [t for t in data[:MOST] if isinstance(t, str)] if isinstance(data, list) else []
