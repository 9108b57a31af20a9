"""The commands that shell text may start: the one place where the wrappers ask the shell reader."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.launch.script import launches
from doctor.launch.shell import Shell


@dataclass(frozen=True)
class Start:
    """A command of the text with what it runs with; `line` counts from 1."""

    words: tuple[str, ...]
    line: int
    environ: dict[str, str]
    cwd: str
    set: dict[str, str]
    dropped: frozenset[str]
    open: tuple[str, ...] = ()


@dataclass(frozen=True)
class Way:
    """One way through the text: the commands that it starts, in order, and the unknown conditions that it hangs on."""

    starts: tuple[Start, ...]
    guards: tuple[str, ...] = ()
    open: tuple[str, ...] = ()


def ways(text: str, shell: Shell, arguments: tuple[str, ...] = (), home: str | None = None) -> tuple[Way, ...]:
    """The ways through shell text; `arguments` are `$1` and on, `home` is the script's folder."""
    found = launches(text, shell.environ, shell.cwd, arguments, home)
    starts = (
        Start(
            f.words, f.line, f.environ, f.cwd, f.set, frozenset(shell.environ.keys() - f.environ.keys()), tuple(f.open)
        )
        for f in found
    )
    return (Way(tuple(starts)),)
