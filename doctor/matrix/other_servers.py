"""Model servers that the rules do not cover, by their programs and modules: `matrices/other_servers.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from doctor.base.record import dataclass
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.tables import table


@dataclass(frozen=True, slots=True)
class OtherServer:
    """One server; `way` is what can be done about it here all the same."""

    name: str
    source: str
    programs: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    way: str = ""


@dataclass(frozen=True, slots=True)
class OtherServers:
    """The whole file."""

    verified: str
    servers: tuple[OtherServer, ...]


def other_server(program: str | None, module: str | None) -> OtherServer | None:
    """The server that this program or `python -m` module is; None for any other. Raises DataError for damaged data."""
    return _by_name(data_dir()).get(module or program or "")


def other_servers() -> tuple[OtherServer, ...]:
    """All of them. Raises DataError for damaged data."""
    return table(OtherServers, data_dir() / "other_servers.yaml").servers


@cache
def _by_name(data: Path) -> dict[str, OtherServer]:
    return {name: one for one in other_servers() for name in (*one.programs, *one.modules)}
