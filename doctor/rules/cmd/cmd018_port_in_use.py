"""Another process already listens on the port of the server.

The server binds its port when it starts, some of them only after the weights are loaded, and then exits with `[Errno
98] Address already in use`. Often it is an older server that is still running: `ss -ltnp` shows which process it is.
Where both servers share the port (`SO_REUSEPORT`, which vLLM sets), half of the requests go to the old one.

What to do: stop the other process, or choose another port.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.option_findings import argument
from doctor.facts import Host, Launch
from doctor.facts.gpu import Gpu
from doctor.findings import Evidence, Location, NotApplicable, Remediation
from doctor.launch.listening import served_at
from doctor.matrix.engines import engine_row
from doctor.rules.rule import Rule, Verdict

EVERY = ("0.0.0.0", "::", "", "*")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Only for a server that this machine itself would start, on a port that is certain."""
    launch, host, gpu = case.facts.launch, case.facts.host, case.facts.gpu
    asked = served_at(launch) if isinstance(launch, Launch) else None
    if asked is None or not asked.sure or not isinstance(launch, Launch):
        yield NotApplicable("no command that starts a server on this machine")
        return
    if not isinstance(host, Host) or host.root is not None or case.facts.target.kind != "installed":
        yield NotApplicable("the machine is another one")
        return
    if isinstance(gpu, Gpu) and gpu.source == "declared":
        yield NotApplicable("the machine is another one")
        return
    taken = [a for a in host.on_port(asked.port) if _meets(a, asked.host, asked.port)]
    if not taken:
        return
    option = engine_row(asked.engine).option("port")
    free = next(p for p in range(asked.port + 1, asked.port + 5000) if not host.on_port(p))
    steps = (argument(option, str(free)),) if option else ()
    ways = [Remediation(f"use another port: `{option} {free}`", steps, "unsafe")] if steps else []
    yield rule.finding(
        f"Port {asked.port} is in use: another process already listens on `{taken[0]}`, so the server will exit with "
        "`Address already in use`",
        key=str(asked.port), location=Location("argument", option or "port"), confidence="medium",
        evidence=[Evidence("listening", taken[0], f"port {asked.port} free", "/proc/net/tcp")],
        remediations=ways,
    )  # fmt: skip


def _meets(address: str, host: str, port: int) -> bool:
    """Whether a server on `host` and `port` would bind what another one has."""
    there, _, number = address.rpartition(":")
    there, host = there.strip("[]"), host.strip("[]")
    if number != str(port):
        return False
    same = there == host or (there in LOOPBACK and host in LOOPBACK)
    return same or there in EVERY or host in EVERY


RULE = Rule(code="CMD018", name="port-in-use", severity="warning", check=check, needs=("launch", "host"))
