"""The one service of a deployment that a question is about, where only one can be answered."""

from __future__ import annotations

from dataclasses import replace

from doctor.collect.python.target import TargetError
from doctor.deployment.read import chosen
from doctor.pipeline.neighbors import around, for_service
from doctor.pipeline.request import Request
from doctor.pipeline.services import every_service, request_of, serving


def only_service(request: Request) -> Request:
    """The request for the one service that names an engine. Raises TargetError where there are several, or none."""
    every = every_service(request)
    services = chosen(every, request.declared.service)
    if len(services) != 1:
        services = serving(services)
    if len(services) != 1:
        names = ", ".join(f"`{s.name}`" for s in services[:8]) or "none"
        raise TargetError(f"choose one service of the deployment with `--service`: {names}")
    if services[0].unread:
        raise TargetError(services[0].unread)
    known = for_service(around(every, request), services[0])
    return request_of(services[0], replace(request, around=known))
