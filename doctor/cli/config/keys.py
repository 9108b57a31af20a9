"""The keys of the configuration file: which option of `check` each stands for, and what may be its value."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import click

from doctor.base.record import dataclass
from doctor.base.text import one_line

Kind = Literal["text", "path", "paths", "model", "switch"]
MOST_VALUES = 100  # of one key


@dataclass(frozen=True, slots=True)
class Key:
    """The option's name in click's words, and the kind of its value. `environment`: it says which one is meant,
    `refines`: it only says more about the one that is named.
    """

    option: str
    kind: Kind = "text"
    environment: bool = False
    refines: bool = False


OF_A_LAUNCH: dict[str, Key] = {
    "python": Key("python", "path", environment=True),
    "path": Key("paths", "paths", environment=True),
    "requirements": Key("requirements", "paths", environment=True),
    "image": Key("image", environment=True),
    "compose": Key("compose", "paths", environment=True),
    "deployment": Key("deployments", "paths", environment=True),
    "root": Key("root", "path", environment=True),
    "env-file": Key("env_files", "paths", refines=True),
    "values": Key("values_files", "paths", refines=True),
    "service": Key("service", refines=True),
    "python-version": Key("python_version"),
    "platform": Key("platform"),
    "model": Key("model", "model"),
    "gpu": Key("gpu"),
    "driver": Key("driver"),
    "gateway": Key("gateway", "path"),
}
OF_A_FILE = OF_A_LAUNCH | {
    "fail-on": Key("fail_on"),
    "baseline": Key("baseline", "path"),
    "offline": Key("offline", "switch"),
}
FAIL_ON = ("error", "warning", "never")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: the file as it is shown, the table in it, and the folder from which its paths count."""

    file: str
    table: str
    folder: str

    def wrong(self, what: str) -> click.UsageError:
        """The error that names the place."""
        return click.UsageError(f"{self.file}: {f'[{self.table}]: ' if self.table else ''}{what}")

    def within(self, name: str) -> Place:
        """A table in this one."""
        return Place(self.file, f"{self.table}.{one_line(name, 60)}".lstrip("."), self.folder)


def known_only(place: Place, given: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raises click.UsageError for a key that nobody reads, with the nearest known one."""
    import difflib

    names = [*known]
    for key in given:
        if key not in names:
            near = difflib.get_close_matches(key.replace("_", "-").lower(), names, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(names)}"
            raise place.wrong(f"unknown key `{one_line(key, 60)}`; {hint}")


def value_of(place: Place, name: str, key: Key, value: Any) -> Any:
    """A value as click would hand it on: text, a tuple of texts or a switch. Raises click.UsageError."""
    if key.kind == "switch":
        if not isinstance(value, bool):
            raise place.wrong(f"`{name}` must be true or false")
        return value
    if key.kind == "paths":
        return tuple(placed(place, one) for one in texts(place, name, value))
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, float):
        raise place.wrong(f"`{name}` must be in quotes")
    text = one_text(place, name, value)
    if name == "fail-on" and text not in FAIL_ON:
        raise place.wrong(f"`fail-on` must be one of {', '.join(FAIL_ON)}")
    relative = key.kind == "model" and text.startswith(("./", "../"))
    return placed(place, text) if relative or key.kind == "path" else text


def one_text(place: Place, name: str, value: Any) -> str:
    """A text that says something. Raises click.UsageError."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise place.wrong(f"`{name}` must be a text that is not empty")
    return value


def texts(place: Place, name: str, value: Any) -> tuple[str, ...]:
    """A text or a list of texts. Raises click.UsageError."""
    many = value if isinstance(value, list) else [value]
    if not many or len(many) > MOST_VALUES or not all(isinstance(v, str) and v.strip() and "\0" not in v for v in many):
        raise place.wrong(f"`{name}` must be a text or a list of texts")
    return tuple(many)


def placed(place: Place, path: str) -> str:
    """A path of the file as it reads from the current folder."""
    if path.startswith(("~/", "~\\")):
        return str(Path.home() / path[2:])
    return os.path.normpath(os.path.join(place.folder, path)) if place.folder not in ("", ".") else path
