"""The one launch of a shell text: which command starts the server, with which variables; the text is not run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from doctor.base.record import dataclass
from doctor.launch.mentions import serves
from doctor.launch.shell_text import Setting, Start, Way, ways

# programs that prepare, wait or show: never the launch where there is another command
_ASIDE = frozenset(
    (
        "sleep",
        "mkdir",
        "chmod",
        "chown",
        "cat",
        "tee",
        "rm",
        "cp",
        "mv",
        "ln",
        "touch",
        "ls",
        "date",
        "nvidia-smi",
        "grep",
        "sed",
        "awk",
        "seq",
    )
)


@dataclass
class Launched:
    """The command of a text that starts the server; `environ` and `cwd` as they are where it stands.

    `set` are the variables that the text itself sets; `open` says what could not be followed, a sentence each.
    """

    words: tuple[str, ...]
    line: int
    environ: dict[str, str]
    cwd: str
    set: dict[str, str] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)


def launched_by(
    text: str, environ: Mapping[str, str], cwd: str, arguments: tuple[str, ...] = (), home: str | None = None
) -> Launched | None:
    """The launch in a text: the command of an engine or container that it starts, else its last command.

    `home` is the folder that the script is in.
    """
    every = ways(text, Setting(environ, cwd, arguments, home))
    way = next((w for w in every if _servers(w)), every[0])
    servers = _servers(way)
    start = servers[0] if servers else _last(way)
    if start is None:
        return None
    told = [*way.unknown, *start.unknown]
    if len(servers) > 1:
        told.append(f"the script starts {len(servers)} servers; only the first is checked")
    others = {_servers(w)[0].words for w in every if _servers(w)} - {start.words}
    if servers and others:
        told += [f"the script has conditions; it is assumed that {guard}" for guard in way.guards[:4]]
    return Launched(_settled(start.words), start.line, start.environ, start.cwd, start.set, told)


def _settled(words: tuple[str, ...]) -> tuple[str, ...]:
    """Without the unset variables that stand where further options may: `vllm serve Q --seed 3 $EXTRA`."""
    kept = [w for n, w in enumerate(words) if n < 4 or words[n - 1][:1] == "-" or not re.fullmatch(r"\$\{\w+\}", w)]
    return tuple(kept)


def _servers(way: Way) -> list[Start]:
    return [s for s in way.starts if s.words and serves(s.words)]


def _last(way: Way) -> Start | None:
    found = [s for s in way.starts if s.words and s.words[0] not in _ASIDE]
    return found[-1] if found else None
