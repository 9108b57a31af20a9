"""A deployment judged: every service that starts a server by the same rules, and one answer for all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from doctor.collect.declared.service import Service
from doctor.collect.python.target import TargetError
from doctor.deployment.read import chosen
from doctor.facts import Facts, Launch, Target
from doctor.findings import Report, RuleResult, ServiceAnswer
from doctor.launch.asked import starts_server
from doctor.matrix.other_servers import other_server
from doctor.pipeline.mounted_gateway import mounted_gateway
from doctor.pipeline.neighbors import around, for_service
from doctor.pipeline.request import Request
from doctor.pipeline.services import every_service, request_of

Diagnose = Callable[[Request], Report]
Judge = Callable[[Facts, tuple[str, ...], tuple[str, ...]], Report]
WORST = ("fail", "broken", "open", "pass", "notApplicable")
MOST = 40  # services that are judged


def diagnose_services(request: Request, diagnose: Diagnose, judge: Judge) -> Report:
    """The answer for the services of the deployment files. Raises TargetError or DeclarationError."""
    every = every_service(request)
    request = replace(request, gateway=request.gateway or mounted_gateway(every))
    known = replace(request, around=around(every, request))
    answers = tuple(map(partial(_answer, known, diagnose), chosen(every, request.declared.service)[:MOST]))
    judged = [(a.name, a.report) for a in answers if a.report is not None]
    serving = [(name, report) for name, report in judged if _serves(report)]
    if len(serving) > 1:
        return _together(serving, answers)
    if serving:
        return replace(serving[0][1], services=answers)
    facts = _nothing(request, _other(answers) or Launch((), why=_why(answers)))
    return replace(judge(facts, request.select, request.ignore), services=answers)


def _other(answers: tuple[ServiceAnswer, ...]) -> Launch | None:
    """The first command that starts a model server which the rules do not cover."""
    launches = (a.report.facts.launch for a in answers if a.report is not None)
    found = (one for one in launches if isinstance(one, Launch) and other_server(one.program, one.module))
    return next(found, None)


def _why(answers: tuple[ServiceAnswer, ...]) -> str:
    """Why no server was found: what the first service that says something says."""
    for one in answers:
        launch = one.report.facts.launch if one.report is not None else None
        if isinstance(launch, Launch) and launch.why:
            return launch.why
        if one.why or one.report is not None:
            return one.why or f"the own command of `{one.image}` is not known"
    return "the files hold no service that starts a program"


def _answer(request: Request, diagnose: Diagnose, service: Service) -> ServiceAnswer:
    named = [p for p in request.declared.deployments if Path(p).name == Path(service.file).name]
    path = named[0] if len(named) == 1 else service.file
    told = ServiceAnswer(service.name, service.kind, service.file, service.image, why=service.unread, path=path)
    if service.unread:
        return told
    try:
        seen = replace(request, around=for_service(request.around, service))
        return replace(told, report=diagnose(request_of(service, seen)))
    except TargetError as error:
        return replace(told, why=str(error))


def _serves(report: Report) -> bool:
    launch = report.facts.launch
    return isinstance(launch, Launch) and (starts_server(launch) or launch.engine is not None)


def _together(serving: list[tuple[str, Report]], answers: tuple[ServiceAnswer, ...]) -> Report:
    """One report on several servers: the worst of every rule, each finding with the service that it is about."""
    first = max((report for _, report in serving), key=lambda r: (r.count("error"), r.count("warning")))
    by_code = [_worst([(name, report.results[at]) for name, report in serving]) for at in range(len(first.results))]
    return replace(first, results=_one_primary(by_code), services=answers, way_out=None)


def _worst(results: list[tuple[str, RuleResult]]) -> RuleResult:
    """What became of one rule in all services."""
    _, worst = min(results, key=lambda pair: WORST.index(pair[1].status))
    findings = tuple(
        replace(f, service=name, message=f"{name}: {f.message}") for name, result in results for f in result.findings
    )
    return replace(worst, findings=findings)


def _one_primary(results: Iterable[RuleResult]) -> tuple[RuleResult, ...]:
    """Only the first primary finding stays one."""
    out, seen = [], False
    for result in results:
        kept = []
        for finding in result.findings:
            kept.append(replace(finding, primary=finding.primary and not seen))
            seen |= finding.primary
        out.append(replace(result, findings=tuple(kept)))
    return tuple(out)


def _nothing(request: Request, launch: Launch) -> Facts:
    """The facts of files in which no command was found."""
    names = ", ".join(map(os.path.basename, request.declared.deployments))
    return Facts(Target("declared", f"--deployment {names}"), launch=launch)
