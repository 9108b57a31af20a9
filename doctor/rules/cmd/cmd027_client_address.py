"""A client of the server asks at an address where the server does not listen.

An adapter, a web interface or a proxy finds the server by an address in a variable (`LMDEPLOY_BASE_URL`,
`OPENAI_API_BASE_URL`), in an option, or in nginx's `proxy_pass`. The port in it must be the one that the server listens
on: inside a compose project the container's own port, not the published one. Both must be in one network of the
project, too. A loop that waits for `/health` at another port never ends. The server itself starts; its clients get
`Connection refused`, or cannot resolve its name.

What to do: set the address or port named in the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from doctor.base.address import LOCAL, split_address
from doctor.base.late import late_pattern
from doctor.derived.case import Case
from doctor.derived.neighbors import around, lead, port_of, reached, server_behind
from doctor.facts import Facts, Gateway, Launch, Neighbor, Route
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Remediation
from doctor.launch.server import Server, server
from doctor.rules.rule import Rule, Verdict

# variables that can only mean the server of a model
_OF_MODELS = late_pattern(r"LMDEPLOY|VLLM|SGLANG|OPENAI|LLM|VLM|MODEL|INFERENCE|COMPLETION", re.IGNORECASE)


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each address that leads to a server, but to another port of it."""
    facts = case.facts
    here, services = server(facts), around(facts)
    if here is None:
        yield NotApplicable("no server to ask")
        return
    found: dict[str, Finding] = {}
    for one in (*_own(rule, facts, here), *_of_services(rule, facts), *_of_nginx(rule, facts)):
        found.setdefault(one.key, one)
    if not found and not services and not _routes(facts):
        yield NotApplicable("no client of the server is known")
    yield from found.values()


def _routes(facts: Facts) -> tuple[Route, ...]:
    return facts.launch.routes if isinstance(facts.launch, Launch) else ()


def _own(rule: Rule, facts: Facts, here: Server) -> Iterator[Finding]:
    """What runs in front of the server in the same container, or on the same machine."""
    for route in _routes(facts):
        address = split_address(route.url)
        meant = _OF_MODELS.search(route.name) or not route.name.isupper()
        if address and meant and address.hostname in LOCAL and here.port not in (None, port_of(address)):
            yield _finding(rule, route, port_of(address), here, "")


def _of_services(rule: Rule, facts: Facts) -> Iterator[Finding]:
    services = around(facts)
    for client in services:
        for route in client.routes:
            yield from _of_route(rule, facts, client, route)


def _of_nginx(rule: Rule, facts: Facts) -> Iterator[Finding]:
    gateway = facts.gateway
    if not isinstance(gateway, Gateway) or gateway.kind != "nginx":
        return
    client = next((n for n in around(facts) if "nginx" in (n.image or "").lower()), None)
    for route in gateway.routes:
        yield from _of_route(rule, facts, client, route, gateway.path)


def _of_route(
    rule: Rule, facts: Facts, client: Neighbor | None, route: Route, path: str | None = None
) -> Iterator[Finding]:
    """An address of a client against the service that it leads to."""
    address = split_address(route.url)
    there = lead(around(facts), address, client) if address else None
    behind = server_behind(facts, there.neighbor) if there and there.neighbor else None
    if address is None or there is None or behind is None or there.neighbor is None:
        return
    if there.kind == "apart" and client is not None:
        yield _of_networks(rule, route, client, there.neighbor, path)
        return
    if behind.port in (None, there.port):
        return
    meant = bool(_OF_MODELS.search(route.name)) or path is not None
    if there.kind == "published" or not (meant or there.kind == "service"):
        return
    if any(_inner(p) == str(there.port) for p in there.neighbor.published) and not meant:
        return  # another program of the same container
    who = f"`{client.service}`" if client is not None else ""
    asked = port_of(address) if there.neighbor.forwards else there.port
    yield _finding(rule, route, asked, reached(there.neighbor, behind), who, path)


def _of_networks(rule: Rule, route: Route, client: Neighbor, there: Neighbor, path: str | None) -> Finding:
    """A server that is in none of the client's networks."""
    mine, other = (", ".join(f"`{n}`" for n in one.networks[:4]) for one in (client, there))
    text = f"add the network `{there.networks[0]}` to `{client.service}`"
    return rule.finding(
        f"`{route.name}` of `{client.service}` connects to `{there.service}`, which is not on its network: "
        f"{other}, not {mine}",
        key=f"{client.service}:{route.name}:network",
        location=Location("file", path, path, route.line) if path else Location("environment", route.name),
        evidence=[Evidence("networks", mine, other, "networks of the compose project")],
        remediations=[Remediation(text, (Action("manual", text=text),))],
    )  # fmt: skip


def _inner(published: str) -> str:
    return published.partition("/")[0].rpartition(":")[2]


def _finding(rule: Rule, route: Route, port: int, here: Server, client: str, path: str | None = None) -> Finding:
    text = f"set port {here.port} in `{route.name}`"
    where = f" of {client}" if client else ""
    return rule.finding(
        f"`{route.name}`{where} connects to port {port} (`{route.url}`), but {here.engine} {here.listens} {here.port}",
        key=f"{client.strip('`')}:{route.name}:{port}",
        location=Location("file", path, path, route.line) if path else Location("environment", route.name),
        evidence=[Evidence("port", str(port), str(here.port), f"flags of {here.shown}")],
        remediations=[Remediation(text, (Action("manual", text=text),))],
    )  # fmt: skip


RULE = Rule(code="CMD027", name="client-address", severity="error", check=check, needs=("launch",))
