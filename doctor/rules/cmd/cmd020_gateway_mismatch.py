"""The gateway in front of the server requests something that the server does not offer.

A gateway such as LiteLLM sends each request to `api_base` + `/chat/completions` and requests the model by the name
after the provider (`openai/NAME`, `hosted_vllm/NAME`). The server answers only to the names it was started with, on its
own port, below `/v1`, and with the key it was given. Each mistake looks like a fault of the model: `404 Not Found`
(`/v1` is missing), `The model ... does not exist`, `Connection refused` (port), `401 Unauthorized`. In a container,
`localhost` is the gateway's own container; use the service name to reach the server.

What to do: make the two agree, in the gateway's file or in the command. LMDeploy serves the model as `--model-name`,
vLLM and SGLang as `--served-model-name`; without these options, the name is the model as written in the command.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from doctor.base.record import dataclass
from doctor.derived.case import Case
from doctor.facts import Gateway, GatewayModel, Launch, present
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation, Severity
from doctor.launch.server import LOCAL, Server, server
from doctor.rules.rule import Rule, Verdict

PROVIDERS = ("openai", "hosted_vllm", "vllm", "custom_openai", "openai_like")
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
    mine = [m for m in gateway.models if m.provider in PROVIDERS and m.api_base]
    if not mine:
        yield NotApplicable("no entry of the gateway names a server of its own")
        return
    contained = isinstance(facts.launch, Launch) and facts.launch.container is not None
    told = [(m, a) for m in mine if (a := _address(m)) is not None]
    if not told:
        yield Open("the addresses in the gateway's file come from variables")
    for model, address in told:
        if _another(address, here, len(told)):
            continue
        for found in (*_address_of(model, address, here, contained), *_name_and_key(model, here)):
            yield _finding(rule, gateway, model, found)


def _address(model: GatewayModel) -> SplitResult | None:
    try:
        found = urlsplit(model.api_base or "")
        return found if found.scheme in ("http", "https") and found.hostname and found.port != 0 else None
    except ValueError:
        return None


def _another(address: SplitResult, here: Server, count: int) -> bool:
    """Whether the entry is of another server: one of several, on another port."""
    return count > 1 and here.port is not None and (address.port or 80) != here.port


def _address_of(model: GatewayModel, address: SplitResult, here: Server, contained: bool) -> Iterator[Difference]:
    path = address.path.rstrip("/")
    if path != "/v1" and not path.endswith("/chat/completions"):
        fixed = f"{address.scheme}://{address.netloc}/v1"
        what = f"asks at `{model.api_base}`, but {here.engine} answers below `/v1`"
        yield Difference("path", what, model.api_base or "", fixed, (_by_hand(f"`api_base: {fixed}`"),))
    port = address.port or (443 if address.scheme == "https" else 80)
    if here.port is not None and port != here.port and not contained and address.hostname in LOCAL:
        what = f"asks at port {port}, but {here.engine} listens on {here.port}"
        yield Difference("port", what, str(port), str(here.port), (_by_hand(f"port {here.port} in `api_base`"),))
    if contained and address.hostname in LOCAL:
        what = f"asks at `{address.hostname}`, but the server runs in a container of its own"
        way = _by_hand("`api_base` to the name of the server's service, such as `http://SERVICE:PORT/v1`")
        yield Difference("host", what, address.hostname or "", "the name of the service", (way,), "warning")


def _by_hand(what: str) -> Remediation:
    return Remediation(f"set {what}", (Action("manual", text=f"set {what}"),))


def _name_and_key(model: GatewayModel, here: Server) -> Iterator[Difference]:
    if here.names and model.model not in here.names:
        served = " or ".join(f"`{n}`" for n in here.names[:3])
        flag = here.data.option("served_name") or ""
        action = Action("set_argument", name=flag, value=model.model)
        ways = (
            _by_hand(f"`model: {model.provider}/{here.names[0]}`"),
            Remediation(f"Use `{flag} {model.model}`", (action,), "unsafe"),
        )
        text = f"asks for the model `{model.model}`, but the server serves it as {served}"
        yield Difference("name", text, model.model, " or ".join(here.names), ways)
    if here.key and not model.key:
        what = f"sends no key, but the server asks for one (`{here.data.option('api_key')}`)"
        yield Difference("key", what, "none", "a key", (_by_hand("`api_key` to that key"),))


def _finding(rule: Rule, gateway: Gateway, model: GatewayModel, found: Difference) -> Finding:
    return rule.finding(
        f"The gateway's `{model.name}` {found.text}", key=f"{model.name}:{found.what}", severity=found.severity,
        location=Location("file", gateway.path, gateway.path, model.line),
        evidence=[Evidence(f"{found.what} of the server", found.observed, found.expected, SOURCE)],
        remediations=found.ways,
    )  # fmt: skip


RULE = Rule(code="CMD020", name="gateway-mismatch", severity="error", check=check, needs=("gateway", "launch"))
