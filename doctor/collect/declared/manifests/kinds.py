"""Which manager's file a text is, by its content, and the reading of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import yaml

from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.base.toml_text import TomlError
from doctor.base.toml_text import load as load_toml
from doctor.base.yaml_text import YamlError
from doctor.base.yaml_text import load as load_yaml
from doctor.collect.declared.requirements import Reading
from doctor.collect.declared.text import name_of
from doctor.collect.python.target import TargetError

_TABLE = re.compile(r"^\s{0,20}\[{1,2}[\w.\"' -]{1,200}\]{1,2}\s*(?:#.*)?$", re.MULTILINE)
_CONDA = re.compile(r"^dependencies:\s*(?:#.*)?$", re.MULTILINE)
_KEY = re.compile(r"^\s{0,20}[\w.\"'-]{1,100}\s{0,20}=[^=]", re.MULTILINE)
_FIRST = re.compile(r"(?:\s*#[^\n]*\n|\s*\n){0,200}\s{0,20}[\w.-]{1,100}\s{0,20}=\s{0,20}[\"'\[{\d]")


@dataclass(frozen=True)
class Manifest:
    """A manager's file, parsed: where it lies, its text (for line numbers), its values, and what was chosen of it.

    `chosen` are the extras and groups that the user named behind the file's name: `pyproject.toml[serve]`.
    """

    path: str
    text: str
    data: dict[str, Any]
    chosen: tuple[str, ...] = ()

    def at(self, words: str) -> str:
        """The file's name with the line on which these words stand first; the name alone where they do not."""
        place = self.text.find(words) if words else -1
        name = name_of(self.path)
        return name if place < 0 else f"{name}:{self.text.count(chr(10), 0, place) + 1}"


Read = Callable[[Manifest, Reading], None]


def is_manifest(text: str) -> bool:
    """Whether this is a manager's file, rather than lines of requirements."""
    head = text[: 1 << 16]
    return bool(head.lstrip().startswith("{") or _CONDA.search(head) or _is_toml(text))


def _is_toml(text: str) -> bool:
    return bool(_FIRST.match(text) or (_TABLE.search(text) and _KEY.search(text)))


def read_manifest(path: str, text: str, reading: Reading, chosen: tuple[str, ...] = ()) -> None:
    """Adds what the file declares. Raises TargetError, with one sentence, for a file that is none of those known."""
    data = _parsed(path, text)
    read = _reader(data)
    if read is None:
        known = "pyproject.toml, uv.lock, pylock.toml, poetry.lock, Pipfile, Pipfile.lock or environment.yml"
        raise TargetError(f"`{name_of(path)}`, given as `--requirements`, is not a {known}")
    read(Manifest(path, text, data, chosen), reading)


def _parsed(path: str, text: str) -> dict[str, Any]:
    try:
        data = _value(text)
    except (TomlError, YamlError, ValueError, RecursionError) as error:
        said = one_line(str(error) or type(error).__name__, 160)
        raise TargetError(f"`{name_of(path)}`, given as `--requirements`, cannot be read: {said}") from None
    return data if isinstance(data, dict) else {}


def _value(text: str) -> Any:
    if text.lstrip().startswith("{"):
        return json.loads(text)
    if _TABLE.search(text) or _FIRST.match(text):
        return load_toml(text)
    return load_yaml(text, yaml.SafeLoader)


def _reader(data: dict[str, Any]) -> Read | None:
    from doctor.collect.declared.manifests import conda, locks, pipenv, project

    if isinstance(data.get("package"), list):
        return locks.read_uv if "version" in data else locks.read_poetry
    if isinstance(data.get("packages"), list) and "lock-version" in data:
        return locks.read_pylock
    if "_meta" in data and ("default" in data or "develop" in data):
        return pipenv.read_lock
    if "project" in data or "tool" in data or "dependency-groups" in data or "build-system" in data:
        return project.read_project
    if isinstance(data.get("packages"), dict) or isinstance(data.get("dev-packages"), dict):
        return pipenv.read_pipfile
    return conda.read_environment if isinstance(data.get("dependencies"), list) else None
