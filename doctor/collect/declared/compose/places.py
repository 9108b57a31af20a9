"""Relative paths of a service made whole, so that services of several folders can be merged."""

from __future__ import annotations

import os
from typing import Any

from doctor.base.late import late_pattern
from doctor.collect.declared.compose.tags import Tagged

PATHS = ("build", "volumes", "env_file")  # the keys of a service that hold paths
_REMOTE = late_pattern(r"[A-Za-z][A-Za-z0-9+.-]*://|git@|github\.com/|service:|docker-image:")


def localized(service: dict[str, Any], folder: str) -> dict[str, Any]:
    """The service with the paths of its build, its volumes and its files of variables below `folder`."""
    out = dict(service)
    for key, change in (("build", _build), ("volumes", _volumes), ("env_file", _files)):
        if key in out:
            value = out[key]
            inner = change(value.value if isinstance(value, Tagged) else value, folder)
            out[key] = Tagged(value.tag, inner) if isinstance(value, Tagged) else inner
    return out


def _build(value: Any, folder: str) -> Any:
    if isinstance(value, str):
        return _whole(value, folder)
    if isinstance(value, dict) and isinstance(value.get("context"), str):
        return {**value, "context": _whole(value["context"], folder)}
    return value


def _volumes(value: Any, folder: str) -> Any:
    return [_volume(v, folder) for v in value] if isinstance(value, list) else value


def _volume(value: Any, folder: str) -> Any:
    if isinstance(value, dict) and isinstance(value.get("source"), str):
        bind = value.get("type", "bind") == "bind" and value["source"].startswith((".", "~", "/"))
        return {**value, "source": _whole(value["source"], folder)} if bind else value
    if isinstance(value, str) and value.startswith((".", "~")):
        source, colon, rest = value.partition(":")
        return f"{_whole(source, folder)}{colon}{rest}"
    return value


def _files(value: Any, folder: str) -> Any:
    """One file of variables, or a list of them: a list in a list is none, and YAML's aliases make billions of those."""
    return [_file(v, folder) for v in value] if isinstance(value, list) else _file(value, folder)


def _file(value: Any, folder: str) -> Any:
    if isinstance(value, dict) and isinstance(value.get("path"), str):
        return {**value, "path": _whole(value["path"], folder)}
    return _whole(value, folder) if isinstance(value, str) else value


def _whole(path: str, folder: str) -> str:
    """A path below `folder`; what lies on another machine stays."""
    if _REMOTE.match(path):
        return path
    return os.path.normpath(os.path.join(folder, os.path.expanduser(path)))
