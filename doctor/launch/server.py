"""The server as its clients see it: where it listens, under which names it serves, and whether it asks for a key."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.facts import Distributions, Facts, Launch, Model
from doctor.launch.options import plain
from doctor.matrix import rows
from doctor.matrix.engine_types import Engine
from doctor.matrix.engines import engine_row, serving_engines

LOCAL = ("127.0.0.1", "localhost", "::1", "[::1]")


@dataclass(frozen=True, slots=True)
class Server:
    """`names` are those that it answers to, empty where they cannot be told; `local`: reached from its own host only.

    `host_told` says whether the command names the host; `version` is None where it is not known.
    """

    engine: str
    version: str | None
    host: str
    port: int | None
    names: tuple[str, ...]
    key: bool
    host_told: bool

    @property
    def local(self) -> bool:
        """Whether it listens on the loopback alone."""
        return self.host in LOCAL

    @property
    def data(self) -> Engine:
        """What is known of the engine: names of options by meaning, habits by release."""
        return engine_row(self.engine)

    @property
    def shown(self) -> str:
        """The engine with its release, where that is known."""
        return f"{self.engine} {self.version}" if self.version else self.engine


def server(facts: Facts) -> Server | None:
    """The server that the launch command starts; None for any other command."""
    launch = facts.launch
    if not isinstance(launch, Launch) or launch.engine not in serving_engines():
        return None
    engine = launch.engine
    version = facts.distributions.version(engine) if isinstance(facts.distributions, Distributions) else None
    flags = (rows.row(engine, version, "flags") or {}).get("flags", {}) if version else {}
    row = engine_row(engine)
    hosts, ports = values(launch, *row.names("host")), values(launch, *row.names("port"))
    host = hosts[0] if hosts else flags.get(row.option("host") or "", {}).get("default") or row.host
    port = ports[0] if ports else flags.get(row.option("port") or "", {}).get("default") or row.port
    key = bool(values(launch, *row.names("api_key"))) or row.variables.get("api_key", "") in launch.environ
    number = int(str(port)) if str(port).isdigit() else None
    return Server(engine, version, str(host), number, _names(facts, launch, version), key, bool(hosts))


def _names(facts: Facts, launch: Launch, version: str | None) -> tuple[str, ...]:
    row = engine_row(launch.engine)
    if told := values(launch, *row.names("served_name")):
        return told
    if not row.has("named_by_path", version, unknown=False):
        return ()
    word = model_word(launch)
    if word is None and isinstance(facts.model, Model):
        word = facts.model.named
    return (word,) if word else ()


def model_word(launch: Launch) -> str | None:
    """The model as the command names it, or None."""
    told = values(launch, *(n for n in engine_row(launch.engine).names("model") if n.startswith("-")))
    if told:
        return told[-1]
    words = launch.arguments
    if not words:
        start = next((i for i, w in enumerate(launch.argv) if w in ("api_server", "serve")), None)
        words = launch.argv[start + 1 :] if start is not None else ()
        words = words[1:] if words[:1] == ("api_server",) else words
    return words[0] if words and not words[0].startswith("-") else None


def values(launch: Launch, *names: str) -> tuple[str, ...]:
    """All values of the last of these options, `--name a b` or `--name=a`."""
    words, wanted = launch.arguments or launch.argv, {plain(n) for n in names}
    out: tuple[str, ...] = ()
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name.startswith("--") and plain(name) in wanted:
            if equals:
                out = (value,)
                continue
            found = []
            for after in words[index + 1 :]:
                if after.startswith("--"):
                    break
                found.append(after)
            out = tuple(found)
    return out


def given(launch: Launch, name: str) -> bool:
    """Whether the switch stands in the command."""
    words = launch.arguments or launch.argv
    return any(plain(w) == plain(name) for w in words if w.startswith("--"))
