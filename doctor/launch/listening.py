"""Which server a command starts, as far as waiting for it needs: the port, the host, the key.

The defaults are those of the servers' own command lines; a port that a configuration file gives is not seen here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from doctor.base.record import dataclass
from doctor.matrix.engine_types import Engine, LaunchForm
from doctor.matrix.engines import engines, started
from doctor.matrix.files.data import DataError


@dataclass(frozen=True, slots=True)
class Server:
    """A recognised server: engine name, where it will listen, its API key, and whether it serves models.

    `sure` is False where the port may come from somewhere else: a settings file, a socket that is handed over.
    """

    engine: str
    host: str
    port: int
    serves_models: bool
    api_key: str | None = None
    sure: bool = True

    @property
    def address(self) -> str:
        """The address to ask, with a host that can be connected to."""
        host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]", "*": "127.0.0.1"}.get(self.host, self.host)
        if ":" in host and not host.startswith("["):
            host = f"[{host}]"
        return f"http://{host}:{self.port}"


# a server of whatever the words name: its own command line gives the port, and nothing tells what it serves
_UVICORN = Engine(
    "uvicorn", "uvicorn", "uvicorn", "uvicorn/main.py", "", (LaunchForm("uvicorn"), LaunchForm(module="uvicorn")),
    host="127.0.0.1", port=8000, options={"host": ("--host",), "port": ("--port",)},
)  # fmt: skip
_ELSEWHERE = {"--config", "--uds", "--fd", "--headless", "--env-file"}
_PREFIXES = {"env", "nohup", "nice", "ionice", "setsid", "stdbuf", "numactl", "taskset", "exec", "time", "chrt"}


def recognize(argv: Sequence[str], env: Mapping[str, str] | None = None) -> Server | None:
    """The server that `argv` starts, or None for a command we do not know. Pure: nothing is read or run."""
    env = os.environ if env is None else env
    program, module, rest = _program(list(argv))
    words = tuple(w for w in rest if not w.startswith("-"))
    known = _engines()
    one = _UVICORN if "uvicorn" in (program, module) else started(known, program, module, words)
    if one is None or one.port is None:
        return None
    port = _option(rest, one.names("port")) or ""
    number = int(port) if port.isdigit() and 0 < int(port) < 65536 else one.port
    elsewhere = {w.partition("=")[0] for w in rest} & _ELSEWHERE
    host = _option(rest, one.names("host")) or one.host
    return Server(one.name, host, number, one is not _UVICORN, _key(known, rest, env), bool(port) or not elsewhere)


def _engines() -> tuple[Engine, ...]:
    """The engines of the data; none where it is damaged: the server is started all the same, and only not watched."""
    try:
        return engines()
    except DataError:
        return ()


def _key(known: tuple[Engine, ...], rest: list[str], env: Mapping[str, str]) -> str | None:
    """The key that the server asks for: by its own option, or by a variable that what it runs looks at."""
    given = _option(rest, tuple(n for e in known for n in e.names("api_key")))
    return given or next((env[v] for e in known if (v := e.variables.get("api_key")) and env.get(v)), None)


def _program(words: list[str]) -> tuple[str, str | None, list[str]]:
    """The program's own name, the module of `python -m`, and the words after it."""
    while words and (PurePath(words[0]).name in _PREFIXES or _is_assignment(words[0])):
        words = words[1:]
        while words and words[0].startswith("-"):
            words = words[1:]
    if not words:
        return "", None, []
    name = PurePath(words[0]).name.removesuffix(".exe")
    if not is_python(name):
        return name, None, words[1:]
    at = 1
    while at < len(words) and words[at].startswith("-"):
        if words[at] == "-m" and at + 1 < len(words):
            return "", words[at + 1], words[at + 2 :]
        if words[at] == "-c":
            return name, None, []
        at += 2 if words[at] in ("-X", "-W") else 1
    return (PurePath(words[at]).name, None, words[at + 1 :]) if at < len(words) else (name, None, [])


def is_python(name: str) -> bool:
    """Whether a program of this name is a Python interpreter."""
    return name.rstrip("0123456789.").removesuffix("t").rstrip("0123456789.") in ("python", "pypy")


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.replace("_", "a").isalnum() and not name[:1].isdigit()


def _option(words: list[str], names: tuple[str, ...]) -> str | None:
    """The value of the last of these options, with `=` or as the next word; `-` and `_` are the same inside a name."""
    found, wanted = None, {n.replace("_", "-") for n in names}
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name.replace("_", "-") in wanted:
            found = value if equals else words[at + 1] if at + 1 < len(words) else found
    return found
