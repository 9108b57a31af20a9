"""A launch that serves one model from several machines: how many, which one this is, and where they meet.

A rule asks `group_of(case)`; which interface a library then takes is in `interfaces`.
"""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.derived.case import Case, memoized
from doctor.derived.container import in_compose
from doctor.facts import Facts, Host, Launch, Network, present
from doctor.facts.launch import RAY
from doctor.launch.options import engine, option
from doctor.matrix.engines import engine_row, option_names

MOST = 1 << 16
SCHEMES = ("tcp://", "http://")


@dataclass(frozen=True, slots=True)
class Group:
    """`nodes` machines of which this is number `rank` (None: not said), which meet at `address` and `port`.

    `said` is where the number stands: `--nnodes 2`, `Slurm job serve.sbatch`. `address_said` names the option, "" for
    an engine without one. `by_ray`: Ray brings the machines together.
    """

    nodes: int
    said: str
    rank: int | None = None
    address: str | None = None
    port: int | None = None
    address_said: str = ""
    by_ray: bool = False


@memoized
def group_of(case: Case) -> Group | None:
    """The group; None for a launch on one machine, and where nothing says that there are more."""
    facts = case.facts
    nodes, said = _count(facts)
    if nodes < 2:
        return None
    place = _number(facts, "group_place")
    if place is None and said.startswith("-"):
        place = 0  # the default of every engine
    name, text = _given(facts, "group_address")
    host, port = split_place(text or "")
    row = engine_row(engine(facts))
    ray = _given(facts, "executor")[1] == "ray" or (not said.startswith("-") and _in_ray_cluster(facts))
    if port is None and row.option("group_port"):
        port = _number(facts, "group_port") or row.group_port
    return Group(nodes, said, place, host or None, port, name, ray)


def _in_ray_cluster(facts: Facts) -> bool:
    """Whether its container is one of a Ray cluster: by its kind, or as its own words say."""
    container = facts.launch.container if isinstance(facts.launch, Launch) else None
    return container is not None and (container.how == RAY or in_compose(container))


def split_place(text: str) -> tuple[str, int | None]:
    """`host:port`, `[v6]:port` or a host alone; a scheme in front is taken off."""
    for scheme in SCHEMES:
        text = text.removeprefix(scheme)
    text = text.strip().rstrip("/")
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    return host, int(port) if port.isdigit() and 0 < int(port) < 65536 else None


def group_names(facts: Facts) -> tuple[str, ...]:
    """Names of machines that the launch mentions: what a collector has resolved."""
    _, text = _given(facts, "group_address")
    host = split_place(text or "")[0]
    return (host,) if host and "$" not in host else ()


def variable(facts: Facts, name: str) -> str | None:
    """A variable as the server gets it: the command's own, else that of the environment it starts in."""
    if isinstance(facts.launch, Launch) and name in facts.launch.environ:
        return facts.launch.environ[name]
    return facts.host.environment.get(name) if isinstance(facts.host, Host) else None


def elsewhere(facts: Facts) -> str | None:
    """Why this machine's interfaces are not those of the server: it has a network of its own; None where they are."""
    container = facts.launch.container if isinstance(facts.launch, Launch) else None
    if container is None or "host" in container.ports:
        return None
    return f"the server runs in a container ({container.how}) with interfaces of its own"


def _count(facts: Facts) -> tuple[int, str]:
    name, text = _given(facts, "group_size")
    if text and text.isdigit() and int(text) < MOST:
        return int(text), f"{name} {text}"
    launch = facts.launch
    given = (launch.container, launch.granted) if isinstance(launch, Launch) else ()
    found = max((one for one in given if one is not None), key=lambda one: one.nodes, default=None)
    if found is not None and found.nodes > 1:
        return found.nodes, found.how
    return 1, ""


def _given(facts: Facts, meaning: str) -> tuple[str, str | None]:
    """The option as the command has it and its value, None where it is absent."""
    known = engine_row(engine(facts)).names(meaning) if engine(facts) else ()
    for name in dict.fromkeys((*known, *option_names(meaning))):
        if (value := option(facts, name)) is not None:
            return name, value
    return (known or ("",))[0], None


def _number(facts: Facts, meaning: str) -> int | None:
    text = _given(facts, meaning)[1] or ""
    return int(text) if text.isdigit() and int(text) < MOST else None


def network_of(case: Case) -> Network:
    """The network facts, for rules that name them in `needs`."""
    network: Network = present(case.facts, "network", Network)
    return network
