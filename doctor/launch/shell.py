"""Where a command is typed: PATH, variables, the folder; what Python makes of its own words. Nothing is run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace

from doctor.base.files import Files
from doctor.base.late import late_pattern
from doctor.base.record import dataclass

_ASSIGNMENT = late_pattern(r"[A-Za-z_][A-Za-z0-9_]*=")
LARGEST = 64 << 10  # characters of a script that are read
_ENV_VALUES = ("-u", "--unset", "-C", "--chdir")


@dataclass(frozen=True)
class Behind:
    """What would run the launch command: an interpreter, or a prefix; `why` in a few words.

    `flags` are the interpreter's `-E -I -s -S -P`; `front` is the folder that would come first on `sys.path`.
    """

    why: str
    executable: str | None = None
    prefix: str | None = None
    flags: frozenset[str] = frozenset()
    front: str | None = None


@dataclass(frozen=True)
class Shell:
    """Where a command is typed: the file system, the environment variables, the working directory.

    `inner` reads the text of a file inside a container, by its absolute path there, as far as it is known: one that is
    copied into its image or mounted.
    """

    files: Files
    environ: Mapping[str, str]
    cwd: str
    inner: Callable[[str], str | None] | None = None

    def which(self, name: str, skip: frozenset[str] = frozenset()) -> str | None:
        """The file that a shell would run for `name`; folders in `skip` (real paths) are passed over."""
        if os.sep in name or (os.altsep and os.altsep in name):
            path = os.path.join(self.cwd, name)
            path = self.files.inside(path) if os.path.isabs(name) else path
            return os.path.normpath(path) if self.files.isfile(path) else None
        for folder in self.path_folders():
            if self.files.real(folder) in skip:
                continue
            for suffix in ("", ".exe") if os.name == "nt" else ("",):
                path = os.path.join(folder, name + suffix)
                if self.files.isfile(path) and (self.files.root or os.access(path, os.X_OK)):
                    return path
        return None

    def path_folders(self) -> list[str]:
        """The folders of PATH, absolute; below `--root` the usual ones too."""
        value = self.environ.get("PATH", "")
        usual = ["/opt/venv/bin", "/opt/conda/bin", "/usr/local/bin", "/usr/bin", "/bin"] if self.files.root else []
        folders = [p for p in value.split(os.pathsep) if p] + usual
        return [self.files.inside(os.path.join(self.cwd, p)) for p in folders]


def behind_env(shell: Shell, words: tuple[str, ...]) -> tuple[Shell, tuple[str, ...]]:
    """The command of a shebang line behind `env -S A=b`, and the shell with what it sets."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        if rest.pop(0) in _ENV_VALUES and rest:
            rest.pop(0)
    environ = dict(shell.environ)
    while rest and _ASSIGNMENT.match(rest[0]):
        key, _, value = rest.pop(0).partition("=")
        environ[key] = value
    return replace(shell, environ=environ), tuple(rest)


def python_arguments(shell: Shell, words: tuple[str, ...]) -> tuple[frozenset[str], str | None]:
    """The flags that change the search path, and the folder that comes first on it: cwd, or the script's."""
    flags: set[str] = set()
    front: str | None = None
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            front = os.path.dirname(os.path.join(shell.cwd, word)) if word != "-" else shell.cwd
            break
        if word.startswith(("-X", "-W")):
            del rest[: len(word) == 2]
            continue
        if word.startswith("--"):
            continue
        letters = word[1:].partition("m")[0].partition("c")[0]
        flags.update(c for c in letters if c in "EIsSP")
        if len(letters) < len(word) - 1:
            front = shell.cwd
            break
    safe = flags & {"I", "P"} or (shell.environ.get("PYTHONSAFEPATH") and "E" not in flags)
    return frozenset(flags), None if safe else front
