"""The server as its clients see it: where it listens, under which names it serves, and whether it asks for a key."""

from __future__ import annotations

from doctor.base.address import LOCAL
from doctor.base.record import dataclass
from doctor.facts import Facts, Launch, Model
from doctor.launch.asked import form_of
from doctor.launch.options import model_of, options_of
from doctor.matrix import rows
from doctor.matrix.engine_types import Engine
from doctor.matrix.engines import engine_row, serving_engines


@dataclass(frozen=True, slots=True)
class Server:
    """`names` are those that it answers to, empty where they cannot be told; `local`: reached from its own host only.

    `host_told` says whether the command names the host; `version` is None where it is not known. `forwarded`: the
    port is that of a name that leads on to it.
    """

    engine: str
    version: str | None
    host: str
    port: int | None
    names: tuple[str, ...]
    key: bool
    host_told: bool
    forwarded: bool = False

    @property
    def listens(self) -> str:
        """How its port is its own: what leads on to it is only where it answers."""
        return "answers at" if self.forwarded else "listens on"

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
    told = facts.model.named if isinstance(facts.model, Model) else None
    return server_of(launch, facts.version(launch.engine), told)


def server_of(launch: Launch, version: str | None = None, model: str | None = None) -> Server | None:
    """The server of a command that starts an engine; `model` is the user's word for a model that it does not name."""
    row = engine_row(launch.engine)
    if launch.engine is None or form_of(launch) is None:
        return None
    known = (rows.row(row.name, version, "flags") or {}).get("flags", {}) if version else {}
    hosts, ports = (options_of(launch, version, *row.names(n)) for n in ("host", "port"))
    host = hosts[0] if hosts else known.get(row.option("host") or "", {}).get("default") or row.host
    port = ports[0] if ports else known.get(row.option("port") or "", {}).get("default") or row.port
    keys = options_of(launch, version, *row.names("api_key"))
    key = bool(keys) or row.variables.get("api_key", "") in launch.environ
    number = int(str(port)) if str(port).isdigit() else None
    names = _names(launch, version, model)
    return Server(row.name, version, str(host), number, names, key, bool(hosts))


def _names(launch: Launch, version: str | None, model: str | None) -> tuple[str, ...]:
    row = engine_row(launch.engine)
    if told := options_of(launch, version, *row.names("served_name")):
        return told
    if not row.has("named_by_path", version, unknown=False):
        return ()
    word = model_of(launch, version) or model
    return (word,) if word else ()
