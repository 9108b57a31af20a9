"""A Kubernetes probe asks a port on which the server does not listen.

A start or liveness probe that gets no answer restarts the container, forever; a readiness probe keeps it out of every
service. The server listens on the port of its command or on its engine's own (8000 for vLLM, 23333 for LMDeploy, 30000
for SGLang), whatever `containerPort` says. Only pods with a single container are checked: in others, the port may be
that of another container.

What to do: let the probe ask the server's port, or start the server on the port that the probe asks.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.container import container_of
from doctor.findings import Action, Evidence, Location, NotApplicable, Open, Remediation
from doctor.launch.server import server
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for all probes that ask another port."""
    container, here = container_of(case.facts), server(case.facts)
    if container is None or not container.probed or here is None:
        yield NotApplicable("no probe asks a port of the server")
        return
    if here.port is None:
        yield Open("the port of the server is not known")
        return
    wrong = [p.split() for p in container.probed if p.split()[1] != str(here.port)]
    if not wrong:
        return
    name, port = wrong[0]
    deadly = any(n != "readinessProbe" for n, _ in wrong)
    does = "restarts the container until it answers there" if deadly else "never finds it ready"
    text = f"set the port of {', '.join(f'`{n}`' for n, _ in wrong)} to {here.port}"
    flag = here.data.option("port")
    other = [Remediation(f"start the server with `{flag} {port}`", (Action("set_argument", name=flag, value=port),))]
    yield rule.finding(
        f"`{name}` asks port {port}, but {here.engine} listens on {here.port}, so Kubernetes {does}",
        severity="error" if deadly else "warning", location=Location("argument", name),
        evidence=[Evidence("port of the probe", port, str(here.port), container.how)],
        remediations=[Remediation(text, (Action("manual", text=text),)), *(other if flag else ())],
    )  # fmt: skip


RULE = Rule(code="CMD031", name="probe-asks-another-port", severity="error", check=check, needs=("launch",))
