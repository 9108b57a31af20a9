"""The server as its clients see it: where it listens, under which names it serves, and whether it asks for a key."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from doctor.base.record import dataclass
from doctor.facts import Distributions, Facts, Launch, Model
from doctor.matrix import rows

HOSTS = {"lmdeploy": "--server-name", "vllm": "--host", "sglang": "--host"}
PORTS = {"lmdeploy": "--server-port", "vllm": "--port", "sglang": "--port"}
NAMES = {"lmdeploy": "--model-name", "vllm": "--served-model-name", "sglang": "--served-model-name"}
KEYS = {"lmdeploy": "--api-keys", "vllm": "--api-key", "sglang": "--api-key"}
MODELS = {"lmdeploy": ("--model-path",), "vllm": ("--model",), "sglang": ("--model-path", "--model")}
USUAL = {"lmdeploy": ("0.0.0.0", 23333), "vllm": ("0.0.0.0", 8000), "sglang": ("127.0.0.1", 30000)}
LOCAL = ("127.0.0.1", "localhost", "::1", "[::1]")
# lmdeploy/serve/async_engine.py: up to 0.4.2 the name comes from the chat template, since 0.6.5 it is the path as given
NAMED_BY_PATH = Version("0.6.5")


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
    def shown(self) -> str:
        """The engine with its release, where that is known."""
        return f"{self.engine} {self.version}" if self.version else self.engine


def server(facts: Facts) -> Server | None:
    """The server that the launch command starts; None for any other command."""
    launch = facts.launch
    if not isinstance(launch, Launch) or launch.engine not in USUAL:
        return None
    engine = launch.engine
    version = facts.distributions.version(engine) if isinstance(facts.distributions, Distributions) else None
    flags = (rows.row(engine, version, "flags") or {}).get("flags", {}) if version else {}
    hosts, ports = values(launch, HOSTS[engine]), values(launch, PORTS[engine])
    host = hosts[0] if hosts else flags.get(HOSTS[engine], {}).get("default") or USUAL[engine][0]
    port = ports[0] if ports else flags.get(PORTS[engine], {}).get("default") or USUAL[engine][1]
    key = bool(values(launch, KEYS[engine])) or (engine == "vllm" and "VLLM_API_KEY" in launch.environ)
    number = int(port) if str(port).isdigit() else None
    return Server(engine, version, str(host), number, _names(facts, launch, version), key, bool(hosts))


def _names(facts: Facts, launch: Launch, version: str | None) -> tuple[str, ...]:
    engine = launch.engine or ""
    if told := values(launch, NAMES[engine]):
        return told
    if engine == "lmdeploy" and not _by_path(version):
        return ()
    word = model_word(launch)
    if word is None and isinstance(facts.model, Model):
        word = facts.model.named
    return (word,) if word else ()


def _by_path(version: str | None) -> bool:
    try:
        return version is not None and Version(version) >= NAMED_BY_PATH
    except InvalidVersion:
        return False


def model_word(launch: Launch) -> str | None:
    """The model as the command names it, or None."""
    told = values(launch, *MODELS.get(launch.engine or "", ()))
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
    words = launch.arguments or launch.argv
    out: tuple[str, ...] = ()
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name.startswith("--") and f"--{name[2:].replace('_', '-')}" in names:
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
    return any(f"--{w[2:].replace('_', '-')}" == name for w in words if w.startswith("--"))
