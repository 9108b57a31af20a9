"""One service over another, as the compose specification merges them ("Merge and override", compose-go's `override`).

Mappings are merged key by key, sequences are appended, and a later scalar replaces an earlier one, null excepted.
`command`, `entrypoint` and the health check's `test` are replaced as a whole, by null too; variables, labels and build
arguments are merged by name in either form; ports, volumes and the other unique resources by what identifies them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Any

from doctor.collect.declared.compose.ports import port_fields
from doctor.collect.declared.compose.tags import Tagged, scalar

MOST_STEPS = 50_000
Path = tuple[str, ...]
REPLACED = (("command",), ("entrypoint",), ("healthcheck", "test"))
BY_NAME = (
    ("environment",), ("labels",), ("annotations",), ("sysctls",), ("extra_hosts",), ("build", "args"),
    ("build", "labels"), ("build", "extra_hosts"), ("build", "additional_contexts"), ("deploy", "labels"),
)  # fmt: skip
LISTED = (("env_file",), ("dns",), ("dns_opt",), ("dns_search",), ("tmpfs",), ("label_file",))
NAMED_LISTS = (("networks",), ("depends_on",))


class MergeError(ValueError):
    """The two cannot be merged; one phrase."""


class Merging:
    """Merges services, within bounds: shared parts of hostile files multiply."""

    def __init__(self) -> None:
        self.steps = 0

    def merged(self, below: Any, above: Any, path: Path = ()) -> Any:
        """`above` over `below`, both at `path` of a service. Raises MergeError."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise MergeError("it has too many values to merge")
        if isinstance(above, Tagged):
            return None if above.tag == "reset" else self.plain(above.value)
        if isinstance(below, Tagged):
            below = None if below.tag == "reset" else below.value
        if path in REPLACED:  # also by null, which leaves the image's own
            return self.plain(above)
        if above is None:
            return below
        if below is None:
            return self.plain(above)
        return self._both(*_alike(below, above, path), path)

    def plain(self, value: Any, depth: int = 0) -> Any:
        """A value without tags: what is reset is gone."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise MergeError("it has too many values to merge")
        if isinstance(value, Tagged):
            return None if value.tag == "reset" else self.plain(value.value, depth)
        if isinstance(value, dict) and depth < 20:
            return {k: self.plain(v, depth + 1) for k, v in value.items() if not _is_reset(v)}
        return value

    def _both(self, below: Any, above: Any, path: Path) -> Any:
        if isinstance(below, dict) and isinstance(above, dict):
            out = dict(below)
            for key, value in above.items():
                if _is_reset(value):
                    out.pop(key, None)
                elif path in BY_NAME and value is None:  # a name alone: its value comes from the shell, or is empty
                    out[key] = None
                else:
                    out[key] = self.merged(below.get(key), value, (*path, str(key)))
            return out
        if isinstance(below, list) and isinstance(above, list):
            self.steps += len(below) + len(above)
            return unique([*below, *above], path)
        if isinstance(above, (dict, list)) or isinstance(below, (dict, list)):
            raise MergeError(f"`{'.'.join(path)}` is of another kind in the other file")
        return above


def _is_reset(value: Any) -> bool:
    return isinstance(value, Tagged) and value.tag == "reset"


def _alike(below: Any, above: Any, path: Path) -> tuple[Any, Any]:
    """Both in one form, where the specification has a short and a long one."""
    if path in BY_NAME:
        separator = ":" if path[-1] == "extra_hosts" else "="
        return _pairs(below, separator), _pairs(above, separator)
    if path in LISTED:
        return _list(below), _list(above)
    if path in NAMED_LISTS:
        return _keys(below), _keys(above)
    if path == ("build",):
        return tuple({"context": v} if isinstance(v, str) else v for v in (below, above))  # type: ignore[return-value]
    if path == ("gpus",):
        return tuple([{"count": v}] if isinstance(v, (str, int)) else v for v in (below, above))  # type: ignore[return-value]
    if path == ("logging",) and isinstance(below, dict) and isinstance(above, dict):
        same = not above.get("driver") or not below.get("driver") or above["driver"] == below["driver"]
        return (below if same else {}), above
    return below, above


def _pairs(value: Any, separator: str) -> Any:
    """`[A=b, C]` as a mapping; a name alone has the value None."""
    if not isinstance(value, list):
        return value
    out: dict[str, Any] = {}
    for entry in value:
        name, found, text = scalar(entry).partition(separator)
        if not found and separator == ":":
            name, found, text = scalar(entry).partition("=")
        out[name] = text if found else None
    return out


def _list(value: Any) -> Any:
    return [value] if isinstance(value, (str, dict)) else value


def _keys(value: Any) -> Any:
    return {scalar(v): None for v in value} if isinstance(value, list) else value


def unique(values: list[Any], path: Path) -> list[Any]:
    """A sequence in which a later value replaces an earlier one with the same identity, in its place."""
    identity = _IDENTITIES.get(path)
    if identity is None:
        return values
    out: dict[Any, Any] = {}
    for number, value in enumerate(values):
        key = identity(value)
        out[number if key is None else key] = value
    return list(out.values())


def _target(value: Any) -> Any:
    """Where a volume is mounted."""
    if isinstance(value, dict):
        found = value.get("target")
        return posixpath.normpath(found) if isinstance(found, str) and found else None
    parts = scalar(value).split(":")
    inside = parts[0] if len(parts) == 1 else parts[1]
    return posixpath.normpath(inside) if inside else None


def _text(value: Any) -> Any:
    return None if isinstance(value, (dict, list)) else str(value)


def _mount(value: Any) -> Any:
    """Where a secret or a configuration is mounted."""
    if isinstance(value, dict):
        return scalar(value.get("target") or value.get("source") or "")
    return scalar(value)


def _file(value: Any) -> Any:
    return scalar(value.get("path") if isinstance(value, dict) else value)


_IDENTITIES: dict[Path, Callable[[Any], Any]] = {
    ("volumes",): _target, ("devices",): _target, ("ports",): port_fields, ("expose",): _text, ("cap_add",): _text,
    ("cap_drop",): _text, ("dns",): _text, ("dns_search",): _text, ("dns_opt",): _text, ("profiles",): _text,
    ("tmpfs",): _text, ("links",): _text, ("env_file",): _file, ("secrets",): _mount, ("configs",): _mount,
    ("build", "tags"): _text, ("build", "platforms"): _text, ("group_add",): _text,
}  # fmt: skip
