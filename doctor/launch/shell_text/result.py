"""What a shell text starts: commands, one way through the text after the other, and where the text runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field

from doctor.base.record import dataclass


@dataclass(frozen=True)
class Start:
    """One external command that the text would start; builtins such as `cd` and `echo` are not.

    `words` are expanded; what is known only at run time stays as written: `${NAME}`, `$(date)`. `line` counts from 1
    in its text, which is the file `source` where it came from `source FILE`. `environ` holds the exported variables as
    the command sees them; `set` those of them that the text set itself; `dropped` the caller's that it unset.
    `unknown` says what could not be followed in the words. `stdin` is the text of a here-document or a known pipe.
    `written` are files that the text wrote before, by absolute path.
    """

    words: tuple[str, ...]
    line: int
    environ: dict[str, str]
    set: dict[str, str]
    dropped: frozenset[str]
    cwd: str
    unknown: tuple[str, ...]
    background: bool = False
    source: str | None = None
    stdin: str | None = None
    written: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Way:
    """One way through the text.

    `guards` are conditions whose outcome is not known and was assumed; `unknown` are sentences on the whole, such as a
    file that cannot be read or a loop that was cut.
    """

    starts: tuple[Start, ...]
    guards: tuple[str, ...]
    unknown: tuple[str, ...]


def _unread(path: str) -> str | None:
    return None


def _untold(path: str) -> bool | None:
    return None


@dataclass(frozen=True)
class Setting:
    """Where the text runs.

    `home` is the folder of the script itself, None for `-c`; `name` is `$0`; `variables` are those that are not
    exported. `read` returns the text of a file by absolute path, None when it cannot be read; `exists` whether a path
    exists, None when that is not known. `open_environment`: the environment is another's, such as a container's, so a
    variable that is missing is unknown rather than unset.
    """

    environ: Mapping[str, str]
    cwd: str
    arguments: tuple[str, ...] = ()
    home: str | None = None
    name: str = "bash"
    variables: Mapping[str, str] = field(default_factory=dict)
    read: Callable[[str], str | None] = _unread
    exists: Callable[[str], bool | None] = _untold
    open_environment: bool = False
