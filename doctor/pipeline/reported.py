"""A report that somebody wrote, judged by the rules of `check`: what it states is a declared environment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from doctor.collect.declared.reported import Reported, reported
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetError, TargetRequest
from doctor.facts import Launch
from doctor.findings import Evidence, Finding, Report
from doctor.matrix import rows
from doctor.matrix.declared import DeclarationError, declared_gpu
from doctor.matrix.engines import serving_engines
from doctor.pipeline.diagnosis import diagnose
from doctor.pipeline.request import Request

# the engine says the class that it took; a release without that class did not write it
_TOOK = re.compile(r"(?:Resolved architecture: |Model class: )(?P<name>[A-Za-z0-9_]{4,80})\b")


def judged(text: str, name: str) -> tuple[Report | None, tuple[Finding, ...]]:
    """What `check` says of what a text states, and where the text contradicts itself; None where it is about no engine.

    Nothing else is asked, neither the hub nor an index.
    """
    found = reported(text, name)
    if found is None:
        return None, ()
    try:
        report = diagnose(_request(found))
    except (TargetError, DeclarationError):
        return None, ()
    serves = isinstance(report.facts.launch, Launch) and report.facts.launch.engine is not None
    if not serves and not any(e in found.packages for e in serving_engines()):
        return None, ()
    return report, (*_twice(found), *_impossible(found, text))


def _request(found: Reported) -> Request:
    told = found.machine
    return Request(
        TargetRequest(python_version=told.python, platform=told.platform), launch=found.command, gpu=_known(told.gpu),
        driver=told.driver, declared=DeclaredRequest(reported=found), environ={},
    )


def _known(gpu: str | None) -> str | None:
    """The GPU, where its name is one that is known."""
    try:
        declared_gpu(gpu, None)
    except DeclarationError:
        return None
    return gpu


def _twice(found: Reported) -> Iterator[Finding]:
    for first, other in found.twice:
        message = f"`{first.key}` is stated as {first.version} and as {other.version}; the first is what was checked"
        where = f"lines {first.line} and {other.line}"
        yield _contradiction(first.key, message, Evidence("report", other.version, first.version, where))


def _impossible(found: Reported, text: str) -> Iterator[Finding]:
    """A model class in the engine's own words that the stated release does not have, and another one has."""
    named = dict.fromkeys(m["name"] for m in _TOOK.finditer(text))
    for engine in serving_engines():
        release = found.packages[engine].version if engine in found.packages else None
        row = rows.row(engine, release, "architectures.default") if release else None
        known = (row or {}).get("architectures.default", {})
        for name in named if known else ():
            having = rows.releases_having(engine, "architectures.default", name)
            if name not in known and having is not None and having.newest:
                message = f"the log shows `{name}`, which {engine} {release} does not have: another release wrote it"
                seen = Evidence(f"architectures of {engine} {release}", name, f"{engine}{having.spec()}", "the log")
                yield _contradiction(name, message, seen)


def _contradiction(key: str, message: str, evidence: Evidence) -> Finding:
    return Finding(
        rule="RUN007", name="report-contradicts-itself", severity="warning", confidence="high", key=key,
        message=message[0].upper() + message[1:], evidence=(evidence,),
    )  # fmt: skip
