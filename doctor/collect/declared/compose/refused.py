"""What Compose refuses in a project: it starts none of the services then. As Docker Compose 2.40 says it.

Values that are filled in and merged are looked at, those of the services that Compose starts alone.
"""

from __future__ import annotations

import datetime
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from doctor.base.late import late_pattern
from doctor.base.text import conjoined, one_line
from doctor.base.values import mapping
from doctor.collect.declared.compose.ports import PortError, ports_of
from doctor.collect.declared.compose.project import DEFAULTS, Project
from doctor.collect.declared.compose.tags import scalar
from doctor.launch.compose_keys import kind_of, wrong_keys
from doctor.launch.container import seconds, size_of

MOST, MOST_SERVICES = 10, 500
_NAME = late_pattern(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,200}$")
_WORDS = ("command", "entrypoint")
_SIZES = ("shm_size", "mem_limit", "mem_reservation")
Service = Mapping[str, Any]


def refused(project: Project, started: Mapping[str, Service]) -> tuple[str, ...]:
    """A sentence without its stop for each thing for which Compose refuses the project."""
    out: dict[str, None] = {}
    circle = _circle({n: _needed(s) for n, s in started.items()})
    if circle:
        out[f"the services {conjoined(f'`{one_line(n, 60)}`' for n in circle)} depend on each other in a circle"] = None
    for name, service in started.items():
        shown = f"service `{one_line(name, 60)}`"
        for text in (*wrong_keys(service), *_values(service), *_links(service, project, started)):
            out[f"{shown}: {text}"] = None
            if len(out) >= MOST:
                return tuple(out)
    return tuple(out)


def _values(service: Service) -> Iterator[str]:
    """Values of a kind or a form that Compose does not take."""
    for key in _WORDS:
        yield from _argv_refused(key, service.get(key))
    yield from _environment(service.get("environment"))
    yield from _health(service.get("healthcheck"))
    try:
        ports_of(service.get("ports"))
    except PortError as error:
        yield str(error)
    limits = mapping(service, "deploy", "resources", "limits")
    sizes = {**{k: service.get(k) for k in _SIZES}, "deploy.resources.limits.memory": limits.get("memory")}
    for key, value in sizes.items():
        if isinstance(value, str) and value and size_of(value) is None:
            yield f"`{key}: {one_line(value, 40)}` is not a size such as `16gb`"
    yield from _devices(service)
    scale, replicas = service.get("scale"), mapping(service, "deploy").get("replicas")
    if isinstance(scale, int) and isinstance(replicas, int) and scale != replicas:
        yield f"`scale: {scale}` and `deploy.replicas: {replicas}` differ"


def _argv_refused(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for word in value[:2000]:
            if not isinstance(word, str):
                shown = scalar(word).lower() if isinstance(word, bool) else scalar(word) or f"a {kind_of(word)}"
                yield f"`{one_line(shown, 40)}` in `{key}` is not a text; write it in quotes"
                return
    elif isinstance(value, str):
        try:
            shlex.split(value, comments=False)
        except ValueError:
            yield f"a quote in `{key}` is not closed"


def _environment(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        if any(isinstance(v, (list, Mapping)) for v in value[:2000]):
            yield "an entry of the list `environment` is not a text; write `NAME=value`"
        names = [scalar(v).partition("=")[0] for v in value[:2000]]
        bad = [n for n in names if n != n.rstrip()]
        if bad:
            yield f"the variable `{one_line(bad[0], 60)}` has a space in front of its `=`"
    for name, one in list(value.items())[:2000] if isinstance(value, Mapping) else ():
        if isinstance(one, (list, Mapping)):
            yield f"the variable `{one_line(str(name), 60)}` is a list or a mapping, not a text"
        elif isinstance(one, datetime.date):
            yield f"the variable `{one_line(str(name), 60)}` is a date, not a text; write it in quotes"


def _health(value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        return
    test = value.get("test")
    if "test" in value and test is None and value.get("disable") is not True:
        yield "`healthcheck.test` is empty"
    if isinstance(test, list) and test and test[0] not in ("CMD", "CMD-SHELL", "NONE"):
        yield "`healthcheck.test` is a list that does not begin with `CMD`, `CMD-SHELL` or `NONE`"
    for key in ("interval", "timeout", "start_period", "start_interval"):
        one = value.get(key)
        if one is not None and (not isinstance(one, str) or seconds(one) is None):
            yield f"`healthcheck.{key}: {one_line(scalar(one), 40)}` is not a duration such as `30s`"


def _devices(service: Service) -> Iterator[str]:
    devices = mapping(service, "deploy", "resources", "reservations").get("devices")
    for one in devices[:50] if isinstance(devices, list) else ():
        if isinstance(one, Mapping) and "capabilities" not in one:
            yield "a device of `deploy.resources.reservations` has no `capabilities`; add `capabilities: [gpu]`"
        if isinstance(one, Mapping) and isinstance(one.get("capabilities", []), list):
            inner = [c for c in one.get("capabilities", []) if not isinstance(c, str)]
            yield from ["an entry of `capabilities` is not a text; write `[gpu]`"] if inner else ()
        elif isinstance(one, Mapping):
            yield "`capabilities` is not a list; write `[gpu]`"
        if isinstance(one, Mapping) and not re.match(r"-?\d+$|all$", scalar(one.get("count", "all"))):
            yield f"`count: {one_line(scalar(one['count']), 40)}` is neither a number nor `all`"
        if isinstance(one, Mapping) and one.get("count") is not None and one.get("device_ids"):
            yield "a device has both `count` and `device_ids`; keep one of them"


def _links(service: Service, project: Project, started: Mapping[str, Service]) -> Iterator[str]:
    """Names of networks, volumes and services that the project does not have."""
    if not service.get("image") and not service.get("build") and not service.get("provider"):
        yield "it has neither `image` nor `build`"
    networks = service.get("networks")
    if networks and service.get("network_mode"):
        yield "`network_mode` and `networks` exclude each other"
    if len(project.files) == 1 and os.path.basename(project.files[0]) not in DEFAULTS:
        return  # another file may stand below it, and define them
    yield from _undefined("network", list(networks or ()), project, "default")
    yield from _undefined("volume", _named_volumes(service.get("volumes")), project)
    needed = service.get("depends_on")
    for name in list(needed)[:100] if isinstance(needed, (list, Mapping)) else ():
        detail = needed[name] if isinstance(needed, Mapping) else None
        if isinstance(detail, Mapping) and detail.get("required") is False:
            continue
        if scalar(name) not in project.services:
            yield f"it depends on the service `{one_line(scalar(name), 60)}`, which does not exist"
        elif scalar(name) not in started:
            yield f"it depends on the service `{one_line(scalar(name), 60)}`, whose profile is not enabled"


def _needed(service: Service) -> list[str]:
    needed = service.get("depends_on")
    return [scalar(n) for n in list(needed)[:100]] if isinstance(needed, (list, Mapping)) else []


def _circle(needs: dict[str, list[str]]) -> list[str]:
    """Services of which each depends on the next and the last on the first; none where there are too many."""
    if len(needs) > MOST_SERVICES:
        return []
    left = dict(needs)
    while done := [n for n, needed in left.items() if not any(d in left for d in needed)]:
        for name in done:
            del left[name]
    if not left:
        return []
    way = [next(iter(left))]
    while way.count(way[-1]) < 2:
        way.append(next(d for d in left[way[-1]] if d in left))
    return way[way.index(way[-1]) : -1]


def _undefined(kind: str, names: list[Any], project: Project, *more: str) -> Iterator[str]:
    known = project.sections.get(f"{kind}s")
    known = {*more, *(known if isinstance(known, Mapping) else ())}
    lacking = [f"`{one_line(scalar(n), 60)}`" for n in names[:100] if scalar(n) not in known]
    if lacking:
        yield f"it uses the {kind} {conjoined(lacking[:3])}, which the top-level `{kind}s` does not define"


def _named_volumes(volumes: Any) -> list[str]:
    out = []
    for one in volumes[:200] if isinstance(volumes, list) else ():
        if isinstance(one, Mapping):
            source = scalar(one.get("source") or "") if one.get("type") in ("volume", None) else ""
        else:
            source, colon, _ = scalar(one).partition(":")
            source = source if colon else ""
        if source and _NAME.match(source) and len(source) > 1:
            out.append(source)
    return out
