"""Which server a command starts, as far as waiting for it needs: the port, the host, the key.

The defaults are those of the servers' own command lines; a port that a configuration file gives is not seen here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from doctor.base.record import dataclass


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


@dataclass(frozen=True, slots=True)
class _Kind:
    engine: str
    programs: tuple[str, ...]
    modules: tuple[str, ...]
    words: tuple[str, ...]
    port: int
    host: str
    port_options: tuple[str, ...] = ("--port",)
    host_options: tuple[str, ...] = ("--host",)
    serves_models: bool = True


_KINDS = (
    _Kind("lmdeploy", ("lmdeploy",), ("lmdeploy",), ("serve", "api_server"), 23333, "0.0.0.0",
          ("--server-port",), ("--server-name",)),
    _Kind("vllm", ("vllm",), (), ("serve",), 8000, "0.0.0.0"),
    _Kind("vllm", (), ("vllm.entrypoints.openai.api_server",), (), 8000, "0.0.0.0"),
    _Kind("sglang", ("sglang",), (), ("serve",), 30000, "127.0.0.1"),
    _Kind("sglang", (), ("sglang.launch_server",), (), 30000, "127.0.0.1"),
    _Kind("transformers", ("transformers", "transformers-cli"), ("transformers",), ("serve",), 8000, "localhost"),
    _Kind("uvicorn", ("uvicorn",), ("uvicorn",), (), 8000, "127.0.0.1", serves_models=False),
)  # fmt: skip
_ELSEWHERE = {"--config", "--uds", "--fd", "--headless", "--env-file"}
_PREFIXES = {"env", "nohup", "nice", "ionice", "setsid", "stdbuf", "numactl", "taskset", "exec", "time", "chrt"}


def recognize(argv: Sequence[str], env: Mapping[str, str] | None = None) -> Server | None:
    """The server that `argv` starts, or None for a command we do not know. Pure: nothing is read or run."""
    env = os.environ if env is None else env
    program, module, rest = _program(list(argv))
    for kind in _KINDS:
        hit = module in kind.modules if module else program in kind.programs
        if hit and tuple(w for w in rest if not w.startswith("-"))[: len(kind.words)] == kind.words:
            host = _option(rest, kind.host_options) or kind.host
            port = _option(rest, kind.port_options) or ""
            number = int(port) if port.isdigit() and 0 < int(port) < 65536 else kind.port
            key = _option(rest, ("--api-key", "--api-keys")) or env.get("VLLM_API_KEY")
            elsewhere = {w.partition("=")[0] for w in rest} & _ELSEWHERE
            return Server(kind.engine, host, number, kind.serves_models, key, bool(port) or not elsewhere)
    return None


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
    found = None
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name.replace("_", "-") in names:
            found = value if equals else words[at + 1] if at + 1 < len(words) else found
    return found
