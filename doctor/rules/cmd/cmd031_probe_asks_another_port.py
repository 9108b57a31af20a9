"""A health check or a Kubernetes probe asks a port on which the server does not listen.

A start or liveness probe that gets no answer restarts the container, forever; a readiness probe keeps it out of every
service. With Docker, the container becomes unhealthy, and services that wait for it with `condition: service_healthy`
never start. The server listens on the port of its command or on its engine's own (8000 for vLLM, 23333 for LMDeploy,
30000 for SGLang), whatever `containerPort` says. Only pods with a single container are checked: in others, the port may
be that of another container. A container in which another program runs in front of the server is not checked.

What to do: let the probe ask the server's port, or start the server on the port that the probe asks.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.container import checked_container, in_pod, probes_of
from doctor.facts import Container, Launch
from doctor.findings import Action, Evidence, Location, NotApplicable, Open, Remediation
from doctor.launch.server import server
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for all probes that ask another port."""
    container, here = checked_container(case.facts), server(case.facts)
    launch = case.facts.launch
    behind = isinstance(launch, Launch) and launch.front is not None
    if container is None or not container.probed or here is None or behind:
        yield NotApplicable("no probe asks a port of the server")
        return
    if here.port is None:
        yield Open("the port of the server is not known")
        return
    each = [(p.name, p.port) for p in probes_of(container)]
    wrong = [(n, p) for n, p in each if p != str(here.port)]
    if not wrong or (not in_pod(container) and len(wrong) < len(each)):  # one that asks several may ask others, too
        return
    name, port = wrong[0]
    deadly, does = _consequence(container, [n for n, _ in wrong])
    text = f"set the port of {', '.join(f'`{n}`' for n, _ in wrong)} to {here.port}"
    flag = here.data.option("port")
    other = [Remediation(f"start the server with `{flag} {port}`", (Action("set_argument", name=flag, value=port),))]
    yield rule.finding(
        f"`{name}` checks port {port}, but {here.engine} listens on {here.port}, so {does}",
        severity="error" if deadly else "warning", location=Location("argument", name),
        evidence=[Evidence("port of the probe", port, str(here.port), container.how)],
        remediations=[Remediation(text, (Action("manual", text=text),)), *(other if flag else ())],
    )  # fmt: skip


def _consequence(container: Container, names: list[str]) -> tuple[bool, str]:
    """Whether the container is restarted for it, and what happens."""
    if not in_pod(container):
        return False, "the container never becomes healthy"
    if any(n != "readinessProbe" for n in names):
        return True, "Kubernetes restarts the container until it answers there"
    return False, "Kubernetes never finds it ready"


RULE = Rule(code="CMD031", name="probe-asks-another-port", severity="error", check=check, needs=("launch",))
