"""A health check asks for a path that the server does not have, or that it does not give without its API key.

The server answers with an error status (`404 Not Found`, or `401 Unauthorized` where `--api-key` is set), and the check
counts that as a failure, although the server works: the container never becomes healthy, and a start or liveness probe
of Kubernetes restarts it forever. `/health` exists in vLLM, SGLang and LMDeploy (0.5 and newer), and needs no key;
paths below `/v1` need it. Only checks that notice an error status count: `curl` without `--fail` does not.

What to do: ask for `/health`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.container import Probe, checked_container, in_pod, probes_of
from doctor.facts import Container, Launch
from doctor.findings import Action, Evidence, Location, NotApplicable, Remediation
from doctor.launch.options import option_of
from doctor.launch.server import Server, server
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each path that gets an error."""
    container, here, launch = checked_container(case.facts), server(case.facts), case.facts.launch
    asked = [p for p in probes_of(container) if p.path] if container is not None else []
    if container is None or here is None or not asked or not isinstance(launch, Launch) or launch.front is not None:
        yield NotApplicable("no health check asks the server for a path")
        return
    if not here.data.answers or option_of(launch.arguments, "--root-path") is not None:
        yield NotApplicable("the paths of the server are not known")
        return
    for path, why in {p.path or "": w for p in asked if p.port == str(here.port) and (w := _why(p, here))}.items():
        names = [p.name for p in asked if p.path == path]
        yield _finding(rule, container, here, (path, why), names)


def _why(probe: Probe, here: Server) -> str | None:
    """What is wrong with the path, as a clause behind the server's name; None for nothing."""
    path = probe.path or ""
    if not here.data.serves_path(path, here.version):
        return "does not have it"
    if here.key and not probe.keyed and path.startswith(here.data.keyed):
        return "gives it only with the API key"
    return None


def _finding(rule: Rule, container: Container, here: Server, wrong: tuple[str, str], names: list[str]) -> Verdict:
    path, why = wrong
    deadly = in_pod(container) and any(n != "readinessProbe" for n in names)
    does = "Kubernetes restarts the container forever" if deadly else "the container never becomes healthy"
    does = "Kubernetes never finds it ready" if in_pod(container) and not deadly else does
    good = "/health" if here.data.serves_path("/health", here.version) else "/v1/models"
    text = f"set the path of {', '.join(f'`{n}`' for n in dict.fromkeys(names))} to `{good}`"
    return rule.finding(
        f"`{names[0]}` asks for `{path}`, but {here.shown} {why}, so {does}", key=path,
        severity="error" if deadly else "warning", location=Location("argument", names[0]),
        evidence=[Evidence("path", path, good, here.data.source)],
        remediations=[Remediation(text, (Action("manual", text=text),))],
    )  # fmt: skip


RULE = Rule(code="CMD032", name="probe-path-not-served", severity="error", check=check, needs=("launch",))
