"""A command line as a shell reads it: PATH, variables set in front of it, wrappers such as `nohup`; nothing is run."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace

from doctor.base.files import Files
from doctor.base.record import dataclass

PYTHON = re.compile(r"(?:python|pypy)[0-9.]{0,6}t?(?:\.exe)?$")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
# commands that run another command, with those of their options that take a value
_WRAPPERS = {
    "env": {"-u", "--unset", "-C", "--chdir"}, "nohup": set(), "exec": {"-a"}, "time": {"-f", "-o"}, "setsid": set(),
    "nice": {"-n", "--adjustment"}, "ionice": {"-c", "-n"}, "sudo": {"-u", "-g", "-U"}, "stdbuf": {"-i", "-o", "-e"},
    "timeout": {"-s", "-k", "--signal", "--kill-after"}, "taskset": set(), "numactl": {"-N", "-m", "-C"}, "chrt": set(),
}  # fmt: skip
_POSITIONAL = {"timeout": 1, "taskset": 1, "chrt": 1}


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
    """Where a command is typed: the file system, the environment variables, the working directory."""

    files: Files
    environ: Mapping[str, str]
    cwd: str

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


def unwrapped(shell: Shell, argv: tuple[str, ...]) -> tuple[Shell, tuple[str, ...]]:
    """The command without `env A=b`, `nohup`, `timeout 10` and the like, and the shell with what they set."""
    words = list(argv)
    environ = dict(shell.environ)
    for _ in range(8):
        while words and _ASSIGNMENT.match(words[0]):
            key, _, value = words.pop(0).partition("=")
            environ[key] = value
        name = os.path.basename(words[0]) if words else ""
        if name not in _WRAPPERS:
            break
        words = _skip_options(words[1:], _WRAPPERS[name])[_POSITIONAL.get(name, 0) :]
    return replace(shell, environ=environ), tuple(words)


def _skip_options(words: list[str], with_value: set[str]) -> list[str]:
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option == "--":
            break
        if option in with_value and words:
            words.pop(0)
    return words


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
