"""What is asked of which nodes, and the places that it names."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.fleet.asking import Limits
from doctor.fleet.carriers import Place, by_kubectl, by_slurm, by_ssh, listed, through


@dataclass(frozen=True, slots=True)
class Asking:
    """Saved facts, or nodes and the way to them: one of `files`, `hosts`, `nodes_file`, `ray`, `kubectl`, `slurm`.

    `words` are the options for doctor on each node, `launch` the command of rank 0. `python` runs doctor there. `port`
    is where connections are tried, 0 for any.
    """

    files: tuple[str, ...] = ()
    launch: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    nodes_file: str | None = None
    hosts: tuple[str, ...] = ()
    through: str | None = None
    ray: str | None = None
    kubectl: str | None = None
    slurm: str | None = None
    python: str | None = None
    fan_out: int = 32
    collecting: float = 180.0
    port: int = 0

    @property
    def limits(self) -> Limits:
        """The limits of one question and of all."""
        return Limits(collecting=self.collecting, fan_out=self.fan_out, port=self.port)

    @property
    def pythons(self) -> tuple[str, ...]:
        """Interpreters to try first; a folder is an environment."""
        return (self.python, f"{self.python.rstrip('/')}/bin/python") if self.python else ()


@dataclass(frozen=True, slots=True)
class How:
    """How the servers of `fleet run` are started: options of `run`, and seconds as `Starting` has them."""

    options: tuple[str, ...] = ()
    grace: float = 10.0
    patience: float = 30.0


def places(asking: Asking) -> list[Place]:
    """The nodes in the order of their ranks. Raises CarrierError."""
    if asking.kubectl:
        return by_kubectl(asking.kubectl)
    if asking.slurm:
        return by_slurm(asking.slurm)
    names = listed(asking.nodes_file) if asking.nodes_file else list(asking.hosts)
    return through(names, asking.through) if asking.through else by_ssh(names)
