"""The gateway in front of the server requests something that the server does not offer.

A gateway such as LiteLLM sends each request to `api_base` + `/chat/completions` and requests the model by the name
after the provider (`openai/NAME`, `hosted_vllm/NAME`). The server answers only to the names it was started with, on its
own port, below `/v1`, and with the key it was given. Each mistake looks like a fault of the model: `404 Not Found`
(`/v1` is missing), `The model ... does not exist`, `Connection refused` (port), `401 Unauthorized`. In a container,
`localhost` is the gateway's own container; use the service name to reach the server.

With a compose project, every entry is compared with the service that its address leads to. Fallbacks and aliases must
name an entry of `model_list`.

What to do: make the two agree, in the gateway's file or in the command. LMDeploy serves the model as `--model-name`,
vLLM and SGLang as `--served-model-name`; without these options, the name is the model as written in the command.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import SplitResult

from doctor.base.address import LOCAL, split_address
from doctor.base.record import dataclass
from doctor.derived.case import Case
from doctor.derived.container import container_of
from doctor.derived.neighbors import Lead, around, lead, outer_port, port_of, server_behind
from doctor.facts import Facts, Gateway, GatewayModel, Neighbor, present
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation, Severity
from doctor.launch.server import Server, server
from doctor.rules.rule import Rule, Verdict

Entry = tuple[GatewayModel, SplitResult]
PROVIDERS = ("openai", "hosted_vllm", "vllm", "custom_openai", "openai_like", "text-completion-openai")
SOURCE = "litellm 1.75.8, llms/openai/chat/gpt_transformation.py: get_complete_url"


@dataclass(frozen=True, slots=True)
class Difference:
    """A thing in which an entry differs from the server: `what` (path, port, host, name, key) and how to settle it."""

    what: str
    text: str
    observed: str
    expected: str
    ways: tuple[Remediation, ...]
    severity: Severity = "error"


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each entry and each thing in which it differs from the server."""
    facts = case.facts
    gateway: Gateway = present(facts, "gateway", Gateway)
    here = server(facts)
    if gateway.kind != "litellm" or here is None:
        yield NotApplicable("no server and gateway to compare")
        return
    yield from _references(rule, gateway)
    mine = [m for m in gateway.models if m.provider in PROVIDERS and m.api_base]
    if not mine:
        yield NotApplicable("no entry of the gateway names a server of its own")
        return
    named = [(m, a) for m in mine if (a := split_address(m.api_base)) is not None]
    if not named:
        yield Open("the addresses in the gateway's file come from variables")
    services = around(facts)
    client = next((n for n in services if "litellm" in (n.image or "").lower()), None)
    inside = [(m, a) for m, a in named if services and lead(services, a, client).kind != "elsewhere"]
    plain = [(m, a) for m, a in named if a.scheme == "http" or a.hostname in LOCAL]  # `https` is somebody else's
    outside = [] if inside or client else _of_this_server(plain, here)
    if outside is None:
        yield Open("which of the gateway's addresses is this server's is not known")
    for model, address in inside:
        for found in _in_deployment(facts, model, address, client):
            yield _finding(rule, gateway, model, found)
    for model, address in outside or ():
        for found in _alone(facts, model, address, here):
            yield _finding(rule, gateway, model, found)


def _references(rule: Rule, gateway: Gateway) -> Iterator[Finding]:
    """Fallbacks and aliases that name no entry: the gateway finds out when it needs them."""
    known = {m.name for m in gateway.models}
    if any("*" in name for name in known):
        return
    for one in gateway.references:
        if one.name not in known:
            listed = ", ".join(f"`{n}`" for n in sorted(known)[:5]) or "none"
            way = _by_hand(f"a name of `model_list` in `{one.entry}`: {listed}")
            yield rule.finding(
                f"The gateway's `{one.entry}` names `{one.name}`, which is not in its `model_list`",
                key=f"{one.entry}:{one.name}", severity="warning",
                location=Location("file", gateway.path, gateway.path, one.line),
                evidence=[Evidence("model_list", one.name, listed, gateway.path)], remediations=[way],
            )  # fmt: skip


def _of_this_server(named: list[Entry], here: Server) -> list[Entry] | None:
    """The entries of one server among several: those of its name and port, else of one of these; None: not known."""
    if len({a.netloc for _, a in named}) < 2:
        return named
    by_name = [(m, a) for m, a in named if m.model in here.names]
    by_port = [(m, a) for m, a in named if here.port is None or port_of(a) == here.port]
    both = [entry for entry in by_name if entry in by_port]
    for found in (both, by_name):
        if found:
            hosts = {a.netloc for _, a in found}
            return [(m, a) for m, a in named if a.netloc in hosts]
    return by_port if len({a.netloc for _, a in by_port}) == 1 else None


def _in_deployment(
    facts: Facts, model: GatewayModel, address: SplitResult, client: Neighbor | None
) -> Iterator[Difference]:
    """An entry against the service that its address leads to."""
    found = lead(around(facts), address, client)
    there = server_behind(facts, found.neighbor) if found.neighbor else None
    if found.kind in ("itself", "unpublished", "no service"):
        yield from _nobody(facts, found, address, client)
    if found.neighbor is None or there is None:
        return
    if found.kind == "apart" and client is not None:
        yield _apart(client, found.neighbor)
        return
    yield from _path(model, address, there)
    if there.port is not None and found.port != there.port:
        asked = f"connects to `{found.neighbor.service}` at port {port_of(address)}"
        yield _port(asked, port_of(address), there, outer_port(found.neighbor, there.port))
    yield from _name_and_key(model, there)


def _nobody(facts: Facts, found: Lead, address: SplitResult, client: Neighbor | None) -> Iterator[Difference]:
    """An address at which no service of the deployment answers."""
    serving = [n for n in around(facts) if n.engine] or list(around(facts))
    names = ", ".join(f"`{n.service}`" for n in serving[:5])
    severity: Severity = "warning"
    if found.kind == "no service":
        if client is not None or len(serving) == 1:
            what = f"connects to `{address.hostname}`, but no service has that name; the servers are {names}"
            way = _by_hand(f"the host of `api_base` to {names}")
            sure = client is not None and not client.pod  # an operator makes Services that no file has
            severity = "error" if sure else "warning"
            yield Difference("host", what, address.hostname or "", names, (way,), severity)
        return
    what = f"connects to `{address.hostname}`, but the server runs in its own container"
    way = _by_hand(f"`api_base` to the name of the server's service, such as `http://{serving[0].service}:PORT/v1`")
    severity = "error" if client is not None and found.kind == "itself" and not found.neighbor else "warning"
    yield Difference("host", what, address.hostname or "", "the name of the service", (way,), severity)


def _apart(client: Neighbor, there: Neighbor) -> Difference:
    """A server whose name the gateway cannot look up."""
    mine, other = (", ".join(f"`{n}`" for n in one.networks[:4]) for one in (client, there))
    what = f"connects to `{there.service}`, which shares no network with `{client.service}`: {other}, not {mine}"
    way = Remediation(
        f"put both on one network: `networks: [{there.networks[0]}]` in `{client.service}`, too",
        (Action("manual", text=f"add the network {there.networks[0]} to {client.service}"),),
    )
    return Difference("network", what, mine, other, (way,))


def _alone(facts: Facts, model: GatewayModel, address: SplitResult, here: Server) -> Iterator[Difference]:
    """An entry against the server of the command, where no other service is known."""
    contained = container_of(facts) is not None
    yield from _path(model, address, here)
    port = port_of(address)
    if here.port is not None and port != here.port and not contained and address.hostname in LOCAL:
        yield _port(f"connects to port {port}", port, here)
    if contained and address.hostname in LOCAL:
        what = f"connects to `{address.hostname}`, but the server runs in its own container"
        way = _by_hand("`api_base` to the name of the server's service, such as `http://SERVICE:PORT/v1`")
        yield Difference("host", what, address.hostname or "", "the name of the service", (way,), "warning")
    yield from _name_and_key(model, here)


def _path(model: GatewayModel, address: SplitResult, here: Server) -> Iterator[Difference]:
    path = address.path.rstrip("/")
    if path != "/v1" and not path.endswith("/chat/completions"):
        fixed = f"{address.scheme}://{address.netloc}/v1"
        what = f"connects to `{model.api_base}`, but {here.engine} serves its API below `/v1`"
        yield Difference("path", what, model.api_base or "", fixed, (_by_hand(f"`api_base: {fixed}`"),))


def _port(asked: str, port: int, here: Server, outer: int | None = None) -> Difference:
    """`outer` is the port of the service's name that leads to the server's, where that is another one."""
    at = f" (port {outer} of its Service)" if outer else ""
    what, right = f"{asked}, but {here.engine} listens on {here.port}{at}", outer or here.port
    return Difference("port", what, str(port), str(right), (_by_hand(f"port {right} in `api_base`"),))


def _by_hand(what: str) -> Remediation:
    return Remediation(f"set {what}", (Action("manual", text=f"set {what}"),))


def _name_and_key(model: GatewayModel, here: Server) -> Iterator[Difference]:
    if here.names and "*" not in model.model and model.model not in here.names:
        served = " or ".join(f"`{n}`" for n in here.names[:3])
        flag = here.data.option("served_name") or ""
        action = Action("set_argument", name=flag, value=model.model)
        ways = (
            _by_hand(f"`model: {model.provider}/{here.names[0]}`"),
            Remediation(f"use `{flag} {model.model}`", (action,), "unsafe"),
        )
        text = f"requests the model `{model.model}`, but the server serves it as {served}"
        yield Difference("name", text, model.model, " or ".join(here.names), ways)
    if here.key and not model.key:
        what = f"sends no key, but the server requires one (`{here.data.option('api_key')}`)"
        yield Difference("key", what, "none", "a key", (_by_hand("`api_key` to that key"),))


def _finding(rule: Rule, gateway: Gateway, model: GatewayModel, found: Difference) -> Finding:
    return rule.finding(
        f"The gateway's `{model.name}` {found.text}", key=f"{model.name}:{found.what}", severity=found.severity,
        location=Location("file", gateway.path, gateway.path, model.line),
        evidence=[Evidence(f"{found.what} of the server", found.observed, found.expected, SOURCE)],
        remediations=found.ways,
    )  # fmt: skip


RULE = Rule(code="CMD020", name="gateway-mismatch", severity="error", check=check, needs=("gateway", "launch"))
