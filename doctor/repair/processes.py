"""Which processes run from an environment: by program, mapped files, working folder, command."""

from __future__ import annotations

import os
from contextlib import suppress

from doctor.base.opening import first_bytes
from doctor.base.record import dataclass

LARGEST_MAPS = 16 << 20


@dataclass(frozen=True, slots=True)
class User:
    """A process that would be hurt: its number, its name and what it holds there."""

    pid: int
    name: str
    why: str


def users_of(prefix: str, proc: str = "/proc") -> list[User]:
    """The processes that run from `prefix`, this one excepted. Those of others are seen as far as the system allows."""
    inside = tuple({prefix.rstrip("/") + "/", os.path.realpath(prefix).rstrip("/") + "/"})
    out = []
    for name in os.listdir(proc):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        folder = os.path.join(proc, name)
        if why := _held(folder, inside):
            out.append(User(int(name), _comm(folder), why))
    return sorted(out, key=lambda u: u.pid)


def _held(folder: str, inside: tuple[str, ...]) -> str | None:
    for link, words in (("exe", "its program"), ("cwd", "its working folder")):
        with suppress(OSError):
            if f"{os.readlink(os.path.join(folder, link))}/".startswith(inside):
                return words
    command = _command(folder)
    if command:
        real = os.path.join(os.path.realpath(os.path.dirname(command)), os.path.basename(command))
        if command.startswith(inside) or real.startswith(inside):
            return "its command"
    maps = _bytes(os.path.join(folder, "maps"), LARGEST_MAPS)
    if any(b" " + os.fsencode(p) in maps for p in inside):
        return "a library of it"
    return None


def _command(folder: str) -> str | None:
    """The first word of its command line as a path: as given, from its working folder, or found on its own PATH.

    An environment's interpreter is a link: the program is then that of its base, and only the command tells.
    """
    word = os.fsdecode(_bytes(os.path.join(folder, "cmdline"), 1 << 16).partition(b"\0")[0])
    if not word:
        return None
    with suppress(OSError):
        if "/" in word:
            return os.path.normpath(os.path.join(os.readlink(os.path.join(folder, "cwd")), word))
    if "/" in word:
        return os.path.normpath(word) if word.startswith("/") else None
    for variable in _bytes(os.path.join(folder, "environ"), 1 << 20).split(b"\0"):
        if variable.startswith(b"PATH="):
            places = os.fsdecode(variable[5:]).split(":")
            return next((p for d in places if d and os.access(p := os.path.join(d, word), os.X_OK)), None)
    return None


def _comm(folder: str) -> str:
    return os.fsdecode(_bytes(os.path.join(folder, "comm"), 64)).strip()


def _bytes(path: str, limit: int) -> bytes:
    try:
        return first_bytes(path, limit)
    except (OSError, ValueError):
        return b""
