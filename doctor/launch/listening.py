"""Where a server that a command starts will listen, as far as waiting for it needs: the port, the host, the key.

The command is read as everybody reads it; the defaults are those of the servers' own command lines. A port that a
configuration file gives is not seen here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from doctor.base.address import LOCAL
from doctor.base.record import dataclass
from doctor.facts import Launch
from doctor.launch.asked import starts_server
from doctor.launch.options import option_of, options_of
from doctor.launch.read import read_whole
from doctor.launch.server import server_of
from doctor.matrix.engines import engine_row, engines, option_names
from doctor.matrix.files.data import DataError


@dataclass(frozen=True, slots=True)
class Server:
    """A recognized server: engine name, where it will listen, its API key, and whether it serves models.

    `sure` is False where the port may come from somewhere else: a settings file, a socket that is handed over, another
    machine or a container.
    """

    engine: str
    host: str
    port: int
    serves_models: bool
    api_key: str | None = None
    sure: bool = True
    tls: bool = False

    @property
    def address(self) -> str:
        """The address to ask, with a host that can be connected to."""
        host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]", "*": "127.0.0.1"}.get(self.host, self.host)
        if ":" in host and not host.startswith("["):
            host = f"[{host}]"
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


# what makes a server speak TLS; each takes both files, or the switch of an engine that reads them from variables
_TLS = ("--ssl-keyfile", "--ssl-certfile", "--ssl", "--enable-ssl")
_ELSEWHERE = {"--config", "--uds", "--fd", "--headless", "--env-file"}
# a server of whatever its words name: its own command line gives the port, and nothing tells what it serves
_UVICORN = "uvicorn"


def recognize(argv: Sequence[str], env: Mapping[str, str] | None = None) -> Server | None:
    """The server that `argv` starts, or None for a command we do not know. Nothing is run."""
    env = os.environ if env is None else env
    try:
        launch = read_whole(tuple(argv), env)
        if starts_server(launch):
            return _engine(launch, env)
        return _uvicorn(launch, env) if _UVICORN in (launch.program, launch.module) else None
    except DataError:  # ours is damaged: the server is started all the same, and only not watched
        return None


def served_at(launch: Launch) -> Server | None:
    """Where the engine's server of a command that was read already will listen; None for any other command."""
    return _engine(launch, launch.environ) if starts_server(launch) else None


def _engine(launch: Launch, env: Mapping[str, str]) -> Server | None:
    """Where the engine's server will listen; None for one on another machine, or in a container without the port."""
    found, row = server_of(launch), engine_row(launch.engine)
    if found is None or launch.machine is not None:
        return None
    told = options_of(launch, None, *row.names("port"))
    port = found.port if found.port is not None and 0 < found.port < 65536 else row.port
    outside = _published(launch, port)
    if port is None or outside is None:
        return None
    host = found.host if launch.container is None else LOCAL[0]
    elsewhere = {w.partition("=")[0] for w in launch.arguments} & _ELSEWHERE
    key = next(iter(options_of(launch, None, *row.names("api_key"))), None) or _key_of(env)
    sure = (bool(told) or not elsewhere) and launch.container is None
    return Server(row.name, host, outside, True, key, sure, _speaks_tls(launch.arguments))


def _published(launch: Launch, port: int | None) -> int | None:
    """The port of this machine behind which a container's port is; the port itself outside of containers."""
    if launch.container is None or "host" in launch.container.ports:
        return port
    for mapping in launch.container.ports:
        outer, _, inner = mapping.partition("/")[0].rpartition(":")
        number = outer.rpartition(":")[2]
        if inner == str(port) and number.isdigit():
            return int(number)
    return None


def _uvicorn(launch: Launch, env: Mapping[str, str]) -> Server:
    words = launch.argv
    told = option_of(words, "--port") or ""
    port = int(told) if told.isdigit() and 0 < int(told) < 65536 else 8000
    elsewhere = {w.partition("=")[0] for w in words} & _ELSEWHERE
    host = option_of(words, "--host") or LOCAL[0]
    key = option_of(words, *option_names("api_key")) or _key_of(env)
    return Server(_UVICORN, host, port, False, key, bool(told) or not elsewhere, _speaks_tls(words))


def _speaks_tls(words: Sequence[str]) -> bool:
    return any(word.partition("=")[0].replace("_", "-") in _TLS for word in words)


def _key_of(env: Mapping[str, str]) -> str | None:
    """The key in a variable that what is run looks at."""
    return next((env[v] for e in engines() if (v := e.variables.get("api_key")) and env.get(v)), None)
