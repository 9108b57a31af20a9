"""Which manager's file a text is, by its content, and the reading of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.base.toml_text import load as load_toml
from doctor.collect.declared.manifests import conda, locks, pipenv, project
from doctor.collect.declared.manifests.manifest import Manifest
from doctor.collect.declared.pins import Reading
from doctor.collect.declared.text import name_of
from doctor.collect.python.target import TargetError

_TABLE = late_pattern(r"^\s{0,20}\[{1,2}[\w.\"' -]{1,200}\]{1,2}\s*(?:#.*)?$", re.MULTILINE)
_CONDA = late_pattern(r"^dependencies:\s*(?:#.*)?$", re.MULTILINE)
_KEY = late_pattern(r"^\s{0,20}[\w.\"'-]{1,100}\s{0,20}=[^=]", re.MULTILINE)
_FIRST = late_pattern(r"(?:[^\S\n]*(?:#[^\n]*)?\n){0,200}[^\S\n]{0,20}[\w.-]{1,100}\s{0,20}=\s{0,20}[\"'\[{\d]")


Read = Callable[[Manifest, Reading], None]


def is_manifest(text: str) -> bool:
    """Whether this is a manager's file, rather than lines of requirements."""
    head = text[: 1 << 16]
    return bool(head.lstrip().startswith("{") or _CONDA.search(head) or _is_toml(text))


def _is_toml(text: str) -> bool:
    return bool(_FIRST.match(text) or (_TABLE.search(text) and _KEY.search(text)))


def read_manifest(manifest: Manifest, reading: Reading) -> None:
    """Adds what the file declares. Raises TargetError, with one sentence, for a file that is none of those known."""
    manifest.data = _parsed(manifest.path, manifest.text)
    read = _reader(manifest.data)
    if read is None:
        known = "pyproject.toml, uv.lock, pylock.toml, poetry.lock, Pipfile, Pipfile.lock or environment.yml"
        raise TargetError(f"`{name_of(manifest.path)}`, given as `--requirements`, is not a {known}")
    read(manifest, reading)


def _parsed(path: str, text: str) -> dict[str, Any]:
    try:
        data = _value(text)
    except (ValueError, RecursionError) as error:
        said = one_line(str(error) or type(error).__name__, 160)
        raise TargetError(f"`{name_of(path)}`, given as `--requirements`, cannot be read: {said}") from None
    return data if isinstance(data, dict) else {}


def _value(text: str) -> Any:
    if text.lstrip().startswith("{"):
        return json.loads(text)
    if _TABLE.search(text) or _FIRST.match(text):
        return load_toml(text)
    from doctor.base.yaml_text import load  # loaded here: most declarations hold none

    return load(text)


def _reader(data: dict[str, Any]) -> Read | None:
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
