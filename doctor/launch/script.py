"""A shell script of one launch: which command starts the server, with which variables; the script is not run."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import field

from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.launch.shell_text import Command, ShellText, computed
from doctor.matrix.engine_types import Engine
from doctor.matrix.engines import engines

_SYNTAX = "if then else elif fi for while until do done case esac function select { } ! [ [["
_PREPARES = "echo printf export set unset cd source . sleep trap wait ulimit mkdir exit return shift local"
_WORDS_OF_SHELL, _ASIDE = frozenset(_SYNTAX.split()), frozenset(_PREPARES.split())


@dataclass
class Launched:
    """The command of a script that starts the server; `environ` and `cwd` as they are where it stands.

    `set` are the variables that the script itself sets; `open` says what could not be followed, a sentence each.
    """

    words: tuple[str, ...]
    line: int
    environ: dict[str, str]
    cwd: str
    set: dict[str, str] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)


def launches(
    text: str, environ: Mapping[str, str], cwd: str, arguments: tuple[str, ...] = (), home: str | None = None
) -> list[Launched]:
    """The commands of a script's text that start something, in order, at most 200 of them.

    What others are piped into (`| tee log`) is left out. `home` is the folder that the script lies in.
    """
    reader = ShellText(text, environ, arguments)
    followed = _Followed(dict(environ), cwd, home or cwd)
    found: list[Launched] = []
    piped = False
    while len(found) < 200 and (command := reader.command()) is not None:
        followed.assigned(reader.assigned)
        followed.nested |= command.words[0] in ("if", "for", "while", "until", "case", "function")
        words = _bare(command.words)
        behind, piped = piped, command.after == "|"
        if words and not followed.aside(words, reader) and not behind:
            found.append(followed.launch(words, command))
    if followed.nested:
        for one in found:
            one.open.append("the script has conditions or loops; every line is read as if it ran once")
    return found


def _bare(words: list[str]) -> list[str]:
    """Without `if`, `then`, `exec`, `!` in front."""
    rest = list(words)
    while rest and (rest[0] in _WORDS_OF_SHELL or rest[0] in ("exec", "command", "time")):
        if rest[0] in ("for", "case", "function", "[", "[[", "select"):
            return []
        rest.pop(0)
        while rest and rest[0] == "-a":
            del rest[:2]
    return rest


def mentions_engine(text: str) -> bool:
    """Whether a serving engine's name stands anywhere in the text, such as an image and its command."""
    low = text.lower()
    return any(name in low for e in engines() if not e.library for name in _names(e))


def _names(one: Engine) -> set[str]:
    return {one.name, one.package, *(f.program for f in one.launches if f.program)}


class _Followed:
    """What the commands before the launch change: variables, the folder, the environment that is activated."""

    def __init__(self, environ: dict[str, str], cwd: str, home: str) -> None:
        self.environ, self.cwd, self.home = environ, cwd, home
        self.set: dict[str, str] = {}
        self.open: list[str] = []
        self.nested = False

    def aside(self, words: list[str], reader: ShellText) -> bool:
        """Whether the command is one of those that only prepare."""
        name = words[0]
        if name == "export" or (name in ("declare", "local") and len(words) > 1):
            self._export(words[1:], reader)
        elif name == "unset":
            for gone in words[1:]:
                self.environ.pop(gone, None)
                self.set.pop(gone, None)
                reader.values.pop(gone, None)
        elif name == "cd" and len(words) > 1:
            self._enter(words[1])
        elif name in ("source", ".") and len(words) > 1:
            self._source(words[1])
        elif name in ("conda", "mamba", "micromamba") and words[1:2] == ["activate"]:
            self._conda(words[2] if len(words) > 2 else "base")
        else:
            return name in _ASIDE
        return True

    def assigned(self, values: dict[str, str]) -> None:
        """A plain assignment changes what is exported already."""
        for name in values.keys() & self.environ.keys():
            self.environ[name] = values[name]
            self.set[name] = values[name]

    def launch(self, words: list[str], command: Command) -> Launched:
        """The command as it would be started here."""
        told = [f"the variable `{one_line(d, 80)}` is not set here" for d in dict.fromkeys(command.dynamic)]
        told += [f"`{one_line(w, 80)}` is known only when the script runs" for w in words if computed(w)]
        environ = {**self.environ, **command.before}
        set_here = {**self.set, **command.before}
        return Launched(tuple(words), command.line, environ, self.cwd, set_here, [*self.open, *told[:8]])

    def _export(self, words: list[str], reader: ShellText) -> None:
        for word in words:
            name, equals, value = word.partition("=")
            given = value if equals else reader.values.get(name)
            if given is not None and re.fullmatch(r"[A-Za-z_]\w*", name):
                self.environ[name] = self.set[name] = reader.values[name] = given

    def _enter(self, folder: str) -> None:
        """`cd`: to a folder as written, or to the script's own (`cd "$(dirname "$0")"`)."""
        if not computed(folder):
            self.cwd = os.path.normpath(os.path.join(self.cwd, os.path.expanduser(folder)))
        elif "dirname" in folder and not folder.rpartition(")")[2]:
            self.cwd = self.home
        else:
            self.open.append(f"the folder `{one_line(folder, 80)}` is known only when the script runs")

    def _source(self, file: str) -> None:
        folder, name = os.path.split(os.path.join(self.cwd, file))
        if name == "activate" and os.path.basename(folder) in ("bin", "Scripts"):
            self._activate("VIRTUAL_ENV", os.path.dirname(folder))
        elif name not in ("conda.sh", ".bashrc", ".profile", ".bash_profile"):
            self.open.append(f"what `{one_line(file, 100)}` sets is not read")

    def _conda(self, name: str) -> None:
        exe = self.environ.get("CONDA_EXE") or self.environ.get("MAMBA_EXE") or ""
        root = self.environ.get("MAMBA_ROOT_PREFIX") or os.path.dirname(os.path.dirname(exe))
        prefix = name if os.sep in name or not root else root if name == "base" else os.path.join(root, "envs", name)
        if root or os.sep in name:
            self._activate("CONDA_PREFIX", os.path.normpath(os.path.join(self.cwd, prefix)))
        else:
            self.open.append(f"where the conda environment `{one_line(name, 60)}` is located is unknown")

    def _activate(self, variable: str, prefix: str) -> None:
        prefix = os.path.normpath(prefix)
        self.environ.pop("VIRTUAL_ENV" if variable == "CONDA_PREFIX" else "CONDA_PREFIX", None)
        self.environ[variable] = prefix
        folder = os.path.join(prefix, "Scripts" if os.name == "nt" else "bin")
        self.environ["PATH"] = os.pathsep.join([folder, *filter(None, [self.environ.get("PATH")])])
