"""The health check fails while the server is still loading its weights.

Loading a vision-language model takes one to several minutes, and a first start with its download and compilation much
longer; `/health` answers only after that. Docker counts failures from the end of `start_period` (default 0 s), one
every `interval` (30 s), and marks the container unhealthy after `retries` (3) of them: by default, after 90 s. Services
that wait for it (`depends_on: condition: service_healthy`) then fail with `dependency failed to start: container is
unhealthy`, orchestrators and watchdogs restart it, and loading starts over, forever.

In Kubernetes a start probe, or without one a liveness probe, restarts the container when it has failed
`failureThreshold` (3) times, one check every `periodSeconds` (10 s), the first after `initialDelaySeconds` (0 s).

What to do: set a `start_period` of ten minutes or more. The first check that succeeds ends that period, so a long one
costs nothing. In Kubernetes, add a start probe with `failureThreshold: 120`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.container import checked_container, in_pod, key_in, set_in
from doctor.facts import Container
from doctor.findings import Evidence, Location, NotApplicable, Open
from doctor.rules.rule import Rule, Verdict

LEAST = 180  # seconds: 15 GiB of weights from a disk of 200 MB/s, with the engine's own start


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for a health check that gives less than a few minutes."""
    container = checked_container(case.facts)
    if container is None or not container.healthcheck:
        yield NotApplicable("no container has its own health check")
    elif container.patience is None:
        yield Open("how long the health check waits is unknown, or set by the image")
    elif container.patience < LEAST:
        yield _finding(rule, container, container.patience)


def _finding(rule: Rule, container: Container, seconds: int) -> Verdict:
    does = "marks the container unhealthy"
    told, sum_of = "The health check", "start_period + interval x retries"
    if in_pod(container):
        does, told = "restarts the container", "The start or liveness probe"
        sum_of = "initialDelaySeconds + periodSeconds x failureThreshold"
    pod = "add `startupProbe: {httpGet: {path: /health, port: PORT}, periodSeconds: 10, failureThreshold: 120}`"
    return rule.finding(
        f"{told} {does} after {seconds} s, but loading a model takes minutes",
        location=Location("argument", key_in(container, "healthcheck", "--health-start-period", "startupProbe")),
        evidence=[Evidence(sum_of, f"{seconds} s", f"{LEAST} s or more", container.how)],
        remediations=[set_in(container, "healthcheck: {start_period: 10m}", "--health-start-period=10m", pod)],
    )


RULE = Rule(code="CMD026", name="health-check-too-early", severity="warning", check=check, needs=("launch",))
