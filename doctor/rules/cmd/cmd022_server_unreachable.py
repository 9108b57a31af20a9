"""The server runs in a container and cannot be reached from outside it.

A server that listens on `127.0.0.1` in a container listens on the container's own loopback, which published ports and
other services never reach. SGLang does this unless `--host 0.0.0.0` is given; LMDeploy and vLLM listen on all addresses
by default. A published port (`8000:8000`) must also be the one that the server listens on: 23333 for LMDeploy, 8000 for
vLLM, 30000 for SGLang, unless the command sets another. The server itself looks healthy either way; clients get
`Connection refused` or `Connection reset by peer`.

A container in which another program runs in front of the server is not checked: that one is the one to be reached.

What to do: set the address or port named in the message. With `network_mode: host`, none of this applies.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.container import container_of
from doctor.facts import Launch
from doctor.findings import Action, Evidence, Location, NotApplicable, Remediation
from doctor.launch.options import option
from doctor.launch.server import Server, server
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for the address, one for the port."""
    container, here = container_of(case.facts), server(case.facts)
    follows = option(case.facts, "--node-rank") not in (None, "", "0")  # only the first of several serves
    behind = isinstance(case.facts.launch, Launch) and case.facts.launch.front is not None
    if behind:
        yield NotApplicable("another program runs in front of the server, and is the one to be reached")
        return
    if container is None or here is None or "host" in container.ports or follows:
        yield NotApplicable("the server runs in no container with a network of its own")
        return
    if here.local:
        yield _address(rule, here)
    inner = [p for p in (_inner(port) for port in container.ports) if p is not None]
    if inner and here.port is not None and not any(low <= here.port <= high for low, high in inner):
        yield _port(rule, here, inner)


def _inner(port: str) -> tuple[int, int] | None:
    """The container's side of `127.0.0.1:8000:8000/tcp` or `9000-9002`; None for what is not understood."""
    low, _, high = port.partition("/")[0].rpartition(":")[2].partition("-")
    if not low.isdigit() or (high and not high.isdigit()) or len(low) > 5 or len(high) > 5:
        return None
    return int(low), int(high or low)


def _address(rule: Rule, here: Server) -> Verdict:
    flag = here.data.option("host") or ""
    why = f"`{flag} {here.host}`" if here.host_told else f"{here.engine}'s default without `{flag}`"
    action = Action("set_argument", name=flag, value="0.0.0.0")
    return rule.finding(
        f"The server listens on `{here.host}` inside the container ({why}), which is not reachable from outside",
        key="address", location=Location("argument", flag),
        evidence=[Evidence("address", here.host, "0.0.0.0", f"flags of {here.shown}")],
        remediations=[Remediation(f"use `{flag} 0.0.0.0`", (action,), "safe")],
    )  # fmt: skip


def _port(rule: Rule, here: Server, inner: list[tuple[int, int]]) -> Verdict:
    flag = here.data.option("port") or ""
    published = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in inner[:5])
    action = Action("set_argument", name=flag, value=str(inner[0][0]))
    text = f"publish the server's port, such as `{here.port}:{here.port}`"
    return rule.finding(
        f"The container publishes port {published}, but the server listens on {here.port}",
        key="port", severity="warning" if len(inner) > 1 else "error", location=Location("argument", flag),
        evidence=[Evidence("port", published, str(here.port), f"flags of {here.shown}")],
        remediations=[Remediation(f"use `{flag} {inner[0][0]}`", (action,), "safe"),
                      Remediation(text, (Action("manual", text=text),))],
    )  # fmt: skip


RULE = Rule(code="CMD022", name="server-unreachable", severity="error", check=check, needs=("launch",))
