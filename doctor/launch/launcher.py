"""The interpreter behind a launch command: what would run `lmdeploy` or `python -m x`; nothing is run here."""

from __future__ import annotations

import os
from dataclasses import replace

from doctor.base.late import late_pattern
from doctor.launch.innermost import Unfolded
from doctor.launch.program import PYTHON
from doctor.launch.pyenv import pyenv_target, resolve_shim
from doctor.launch.shell import Behind, Shell, behind_env, python_arguments

_EXEC = late_pattern(rb"""'''exec' (?:"([^"\n]{1,4096})"|'([^'\n]{1,4096})'|([^\s"'$\n]{1,4096})) """)
_EXEC_NEIGHBOR = late_pattern(rb"""'''exec' "\$\(dirname [^\n]{1,200}?\)"/'?([A-Za-z0-9_.\-]{1,64})'? """)
_WINDOWS_SHEBANG = late_pattern(rb"#!\"?([A-Za-z]:\\[^\"\r\n]{1,1024}?python[^\"\r\n]{0,20}\.exe)")
_SCRIPT_LIMIT = 4096


def behind(shell: Shell, argv: tuple[str, ...]) -> Behind | None:
    """The interpreter behind the innermost words of a command, or None where they do not tell."""
    if not argv:
        return None
    name = os.path.basename(argv[0])
    path = shell.which(argv[0])
    if path is None:
        return None
    if PYTHON.match(name):
        real = resolve_shim(shell, path)
        if real is None:
            return None
        flags, front = python_arguments(shell, argv[1:])
        return Behind(f"{name} of the launch command", real, flags=flags, front=front)
    return behind_script(shell, path)


def behind_inner(inner: Unfolded) -> Behind | None:
    """The interpreter of an innermost command: the one its runner chooses, unless its words name one by path."""
    if inner.runner is None or (inner.words and os.sep in inner.words[0]):
        return behind(inner.shell, inner.words)
    if not inner.words or not PYTHON.match(inner.words[0]):
        return inner.runner
    flags, front = python_arguments(inner.shell, inner.words[1:])
    return replace(inner.runner, flags=flags, front=front)


def behind_script(shell: Shell, path: str, name: str | None = None, depth: int = 0) -> Behind | None:
    """The interpreter that a script's first lines name; None for a program that is none of ours."""
    name = name or os.path.basename(path)
    why = f"shebang of {name}"
    head = shell.files.head(path, _SCRIPT_LIMIT)
    return (
        _by_shebang(shell, path, name, why, head, depth)
        or _windows_launcher(shell, path, name)
        or _beside(shell, path, name)
    )


def _by_shebang(shell: Shell, path: str, name: str, why: str, head: bytes, depth: int) -> Behind | None:
    if not head.startswith(b"#!"):
        return None
    if b"pyenv" in head and b" exec " in head and depth == 0:
        real = pyenv_target(shell, os.path.basename(path), path)
        return behind_script(shell, real, name, 1) if real else None
    words = head[2:].split(b"\n", 1)[0].decode("utf-8", "replace").split()
    base = os.path.basename(words[0]) if words else ""
    if base == "env":
        _, rest = behind_env(shell, tuple(words[1:]))
        found = shell.which(rest[0]) if rest and PYTHON.match(rest[0]) else None
        return _shebang(shell, why, found, rest[1:]) if found else None
    if PYTHON.match(base):
        line = head[2:].split(b"\n", 1)[0].decode("utf-8", "replace").strip()
        return _shebang(shell, why, *_split_shebang(shell, line))
    if base in ("sh", "bash", "dash"):
        return _shell_trick(shell, path, head, why)
    return None


def _split_shebang(shell: Shell, line: str) -> tuple[str, tuple[str, ...]]:
    """The interpreter of a shebang line, which may hold blanks, and its one argument."""
    exe, _, argument = line.partition(" ")
    if argument and not argument.lstrip().startswith("-") and shell.files.exists(shell.files.inside(line)):
        return line, ()
    return exe, tuple(argument.split())


def _shebang(shell: Shell, why: str, executable: str, words: tuple[str, ...]) -> Behind | None:
    flags, _ = python_arguments(shell, words)
    real = resolve_shim(shell, shell.files.inside(executable))
    return Behind(why, real, flags=flags) if real else None


def _shell_trick(shell: Shell, path: str, head: bytes, why: str) -> Behind | None:
    """pip's, distlib's and uv's `#!/bin/sh` with an `exec` line, for interpreters whose path is long or movable."""
    if match := _EXEC.search(head):
        exe = next(g for g in match.groups() if g).decode("utf-8", "replace")
        return Behind(why, shell.files.inside(exe)) if os.path.isabs(exe) else None
    if match := _EXEC_NEIGHBOR.search(head):
        folder = os.path.dirname(shell.files.real(path))
        return Behind(why, os.path.normpath(os.path.join(folder, match[1].decode())))
    return None


def _windows_launcher(shell: Shell, path: str, name: str) -> Behind | None:
    if not name.lower().endswith(".exe"):
        return None
    data = shell.files.maybe(path, 4 << 20) or b""
    match = _WINDOWS_SHEBANG.search(data)
    return Behind(f"launcher of {name}", match[1].decode("utf-8", "replace")) if match else None


def _beside(shell: Shell, path: str, name: str) -> Behind | None:
    """A program whose first lines tell nothing, but which stands in the `bin` of a venv."""
    folder = os.path.dirname(shell.files.real(path))
    prefix = os.path.dirname(folder)
    if os.path.basename(folder) in ("bin", "Scripts") and shell.files.isfile(os.path.join(prefix, "pyvenv.cfg")):
        return Behind(f"folder of {name}", prefix=prefix)
    return None
