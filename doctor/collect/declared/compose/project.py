"""A compose project: its files merged as Docker merges them, with what they include and extend, and its variables."""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache
from typing import Any

from doctor.base.files import Files
from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.base.yaml_text import YamlError, load_all
from doctor.collect.declared.compose.merge import MergeError, Merging
from doctor.collect.declared.compose.places import localized
from doctor.collect.declared.compose.tags import ComposeLoader, Tagged, scalar
from doctor.collect.declared.compose.values import Filling
from doctor.collect.declared.request import Composing
from doctor.collect.declared.text import decoded, name_of, read_text
from doctor.collect.python.target import TargetError
from doctor.launch.dotenv import dotenv
from doctor.launch.variables import Lacking

LARGEST = 256 << 10
MOST_FILES = 60
DEEPEST = 20
DEFAULTS = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
OVERRIDES = tuple(f"{stem}.override.{ending}" for stem in ("compose", "docker-compose") for ending in ("yml", "yaml"))
Services = dict[str, dict[str, Any]]


@dataclass
class Project:
    """`services` with everything merged and filled in; `lacking` tells what was asked for in vain, by service.

    `folder` is the project's, `values` are the variables, `files` those that were read, in order, `configs` the files
    behind the names of top-level `configs`, `contents` the texts of those that stand in the file itself. `sections` are
    the other top-level keys (`name`, `volumes`, `networks` ...) as they are written. `enabled` are the profiles,
    `refused` what Compose does not accept, with the services that it starts and those named here.
    """

    folder: str
    values: dict[str, str]
    services: Services = field(default_factory=dict)
    lacking: dict[str, Lacking] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    configs: dict[str, str] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    sections: dict[str, Any] = field(default_factory=dict)
    enabled: frozenset[str] = frozenset()
    refused: dict[str, tuple[str, ...]] = field(default_factory=dict)


def load_project(
    paths: tuple[str, ...], asked: Composing, environ: Mapping[str, str], cwd: str, filled: bool = True
) -> Project:
    """The project of these files, the first of which says where it lies. Raises TargetError with one sentence.

    Not `filled`: the services keep `${NAME}` as it is written.
    """
    folder = os.path.join(cwd, asked.folder) if asked.folder else os.path.abspath(os.path.dirname(paths[0]))
    env_files = tuple(os.path.join(cwd, f) for f in asked.env_files)
    project = Project(folder, _variables(folder, env_files, environ))
    reader = _Reader(project, filled)
    for path in (*paths, *(beside(paths) if asked.beside else ())):
        for name, service in reader.services(path, folder, project.values).items():
            project.services[name] = reader.over(project.services.get(name), service, path, name)
    project.sections = reader.sections()
    project.enabled = frozenset((*asked.profiles, *project.values.get("COMPOSE_PROFILES", "").split(",")))
    return project


def beside(paths: tuple[str, ...]) -> tuple[str, ...]:
    """The override file that Docker adds to a single file with one of its usual names, whichever of them it is."""
    if len(paths) != 1 or os.path.basename(paths[0]) not in DEFAULTS:
        return ()
    folder = os.path.dirname(paths[0])
    return tuple(p for name in OVERRIDES if os.path.isfile(p := os.path.join(folder, name)))[:1]


def _variables(folder: str, env_files: tuple[str, ...], environ: Mapping[str, str]) -> dict[str, str]:
    """What `.env` beside the first file, or the files that were named instead, and the shell set."""
    outer, out = dict(environ), dict[str, str]()
    env_files = env_files or tuple(filter(None, outer.get("COMPOSE_ENV_FILES", "").split(",")))
    for path in env_files[:20]:
        out |= dotenv(read_text(os.path.join(folder, path), "--env-file", LARGEST), ChainMap(outer, out))
    if not env_files and (data := Files(None).maybe(os.path.join(folder, ".env"), LARGEST)):
        out = dotenv(decoded(data), outer)
    return {**out, **outer}


class _Reader:
    """Reads the files of one project; `open` are those on the way, so that files that include each other end."""

    def __init__(self, project: Project, filled: bool = True) -> None:
        self.project = project
        self.filled = filled
        self.merging = Merging()
        self.open: list[str] = []
        self.read: dict[str, dict[str, Any]] = {}

    def services(self, path: str, folder: str, values: dict[str, str]) -> Services:
        """The services of a file with those that it includes; relative paths in it are made whole below `folder`."""
        if os.path.realpath(path) in self.open or len(self.open) > DEEPEST:
            raise TargetError(f"`{name_of(path)}` includes itself")
        data, raw = self.parsed(path), dict[str, Any]()
        self.open.append(os.path.realpath(path))
        for included in _listed(data.get("include")):
            for name, service in self._included(included, os.path.dirname(path), values).items():
                raw[name] = service
        self._configs(data, folder, values)
        own = data.get("services")
        for name, service in own.items() if isinstance(own, dict) else ():
            if isinstance(service, dict):
                if str(name) in raw:
                    shown = one_line(str(name), 60)
                    raise TargetError(f"`{name_of(path)}`: service `{shown}` is in an included file, too")
                raw[str(name)] = self._extended(path, str(name), folder, values, ())
        self.open.pop()
        return raw

    def sections(self) -> dict[str, Any]:
        """The top-level keys of all files but the services, mappings joined name by name."""
        out: dict[str, Any] = {}
        for data in self.read.values():
            for key, value in data.items():
                if key in ("services", "include", "version") or isinstance(value, Tagged):
                    continue
                both = isinstance(value, dict) and isinstance(out.get(key), dict)
                out[str(key)] = {**out[str(key)], **value} if both else value
        return out

    def _configs(self, data: dict[str, Any], folder: str, values: dict[str, str]) -> None:
        for name, detail in data["configs"].items() if isinstance(data.get("configs"), dict) else ():
            fill = Filling(values, Lacking())
            path, content = (detail.get(k) if isinstance(detail, dict) else None for k in ("file", "content"))
            if isinstance(path, str):
                self.project.configs[str(name)] = os.path.join(folder, fill(path))
            elif isinstance(content, str):
                self.project.contents[str(name)] = fill(content)

    def parsed(self, path: str) -> dict[str, Any]:
        """The mapping that a file holds, read once. Raises TargetError."""
        real = os.path.realpath(path)
        if real not in self.read:
            if len(self.read) >= MOST_FILES:
                raise TargetError(f"the compose project has more than {MOST_FILES} files")
            text = read_text(path, "--compose", LARGEST)
            try:
                data = _parsed(text)
            except YamlError as error:
                message = f"`{name_of(path)}`, given as `--compose`, is not valid YAML: {one_line(str(error), 120)}"
                raise TargetError(message) from None
            self.project.files.append(path)
            self.read[real] = self._joined(data, path)
        return self.read[real]

    def _joined(self, documents: list[Any], path: str) -> dict[str, Any]:
        """The documents of one file, each over the one before, as if they were files."""
        out: dict[str, Any] = {}
        for one in documents:
            for key, value in one.items() if isinstance(one, dict) else ():
                both = isinstance(value, dict) and isinstance(out.get(key), dict)
                if both and key == "services":
                    named = {str(n): self.over(out[key].get(n), s, path, str(n)) for n, s in value.items()}
                    value = {**out[key], **named}
                elif both:
                    value = {**out[key], **value}
                out[str(key)] = value
        return out

    def over(self, below: Any, above: Any, path: str, name: str) -> dict[str, Any]:
        """One service over another. Raises TargetError where they exclude each other."""
        try:
            merged = self.merging.plain(above) if below is None else self.merging.merged(below, above)
        except MergeError as error:
            raise TargetError(f"`{name_of(path)}`: service `{one_line(name, 60)}`: {error}") from None
        return merged if isinstance(merged, dict) else {}

    def _included(self, entry: Any, near: str, values: dict[str, str]) -> Services:
        """What an entry of `include` brings: its files merged, with variables of its own behind the project's."""
        detail = entry if isinstance(entry, dict) else {"path": entry}
        lacking = Lacking()
        fill = Filling(values, lacking)
        paths = [os.path.join(near, str(fill(p))) for p in _listed(detail.get("path")) if isinstance(p, str)]
        if not paths:
            return {}
        told = detail.get("project_directory")
        folder = os.path.join(near, str(fill(told))) if isinstance(told, str) else os.path.dirname(paths[0])
        files = tuple(str(fill(p)) for p in _listed(detail.get("env_file")) if isinstance(p, str))
        inner = _variables(os.path.abspath(folder), tuple(os.path.abspath(os.path.join(near, f)) for f in files), {})
        out: Services = {}
        for path in paths[:20]:
            for name, service in self.services(path, os.path.abspath(folder), {**inner, **values}).items():
                out[name] = self.over(out.get(name), service, path, name)
        return out

    def _extended(
        self, path: str, name: str, folder: str, values: dict[str, str], seen: tuple[tuple[str, str], ...]
    ) -> dict[str, Any]:
        """A service of a file over what it extends, there or in another file."""
        key = (os.path.realpath(path), name)
        if key in seen or len(seen) > DEEPEST:
            raise TargetError(f"`{name_of(path)}`: service `{one_line(name, 60)}` extends itself")
        found = self.parsed(path).get("services")
        service = found.get(name) if isinstance(found, dict) else None
        if not isinstance(service, dict):
            raise TargetError(f"`{name_of(path)}` has no service `{one_line(name, 60)}`, which another one extends")
        lacking = self.project.lacking.setdefault((seen[0][1] if seen else name), Lacking())
        own = localized(Filling(values, lacking)(service) if self.filled else service, folder)
        base = own.pop("extends", None)
        if base is None or isinstance(base, Tagged):
            return own
        detail = base if isinstance(base, dict) else {"service": base}
        other, far = detail.get("file"), path
        if isinstance(other, str):
            far = os.path.join(folder, other)
        near = os.path.abspath(os.path.dirname(far)) if isinstance(other, str) else folder
        below = self._extended(far, scalar(detail.get("service") or "") or name, near, values, (*seen, key))
        return self.over(below, own, path, name)


@lru_cache(MOST_FILES)
def _parsed(text: str) -> list[Any]:
    """The documents of a file, which nobody changes: the services are read one by one. Raises YamlError."""
    return load_all(text, ComposeLoader)


def _listed(value: Any) -> list[Any]:
    return value[:MOST_FILES] if isinstance(value, list) else [] if value is None else [value]
