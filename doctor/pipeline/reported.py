"""A report that somebody wrote, judged by the rules of `check`: what it states is a declared environment."""

from __future__ import annotations

import os
from collections.abc import Iterator

from doctor.base.late import late_pattern
from doctor.collect.declared.reported import Reported, reported
from doctor.collect.declared.reported.machine import Machine
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetError, TargetRequest
from doctor.facts import Facts, Launch, Target
from doctor.findings import Evidence, Finding, Report
from doctor.launch.options import model_of, parallel
from doctor.matrix import rows
from doctor.matrix.declared import DeclarationError, declared_gpu
from doctor.matrix.engines import serving_engines
from doctor.pipeline.diagnosis import diagnose
from doctor.pipeline.request import Request

# the engine says the class that it took; a release without that class did not write it
_VARIABLE = late_pattern(r"\$\{(\w{1,80})\}")
_TOOK = late_pattern(r"(?:Resolved architecture: |Model class: )(?P<name>[A-Za-z0-9_]{4,80})\b")


def judged(text: str, name: str) -> tuple[Report | None, tuple[Finding, ...]]:
    """What `check` says of what a text states, and where the text contradicts itself; None where it is about no engine.

    Nothing else is asked, neither the hub nor an index.
    """
    found = reported(text, name)
    if found is None:
        return None, ()
    request = _request(found)
    try:
        report = diagnose(request)
    except (TargetError, DeclarationError):
        return None, ()
    serves = isinstance(report.facts.launch, Launch) and report.facts.launch.engine is not None
    if not serves and not any(e in found.packages for e in serving_engines()):
        return None, ()
    return report, (*_twice(found), *_impossible(found, text))


def _request(found: Reported) -> Request:
    """The question; of a container of an engine, whose packages the report does not state, the image answers."""
    words, unknown = _launch(found.command)
    launch = _read(words)
    machine, engines = found.machine, any(e in found.packages for e in serving_engines())
    contained = found.command and not words and not engines
    return Request(
        TargetRequest(python_version=machine.python, platform=machine.platform, cwd=os.devnull),
        launch=words or (("sh", "-c", found.command) if found.command else ()), model=_called(launch),
        gpu=_known(machine, launch), driver=machine.driver, unknown=unknown, environ={},
        declared=DeclaredRequest() if contained else DeclaredRequest(reported=found),
    )  # fmt: skip


def _read(words: tuple[str, ...]) -> Launch | None:
    from doctor.launch.read import read_launch

    return read_launch(words, {}, os.devnull) if words else None


def _launch(script: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """The engine's own command in a script, and the variables in it that nobody sets; empty for one in a container."""
    found = _read(("sh", "-c", script) if script else ())
    if found is None or found.engine is None or found.container is not None:
        return (), frozenset()
    before = ("env", *(f"{k}={v}" for k, v in found.environ.items())) if found.environ else ()
    return (*before, *found.argv), frozenset(n for word in found.argv for n in _VARIABLE.findall(word))


def _called(launch: Launch | None) -> str | None:
    """The official model whose name the path in the command ends in."""
    from doctor.matrix.models.members import members

    word = (model_of(launch) if launch else None) or ""
    last = word.rstrip("/").rpartition("/")[2].lower()
    if not last or (word.count("/") == 1 and word[0] not in "/."):
        return None  # no name, or that of a repository
    return next((m.id for m in members() if m.id.rpartition("/")[2].lower() == last), None)


def _known(machine: Machine, launch: Launch | None) -> str | None:
    """The GPU, where its name is one that is known; of which nobody says how many, as many as the command takes."""
    gpu = machine.gpu
    if gpu is not None and not machine.counted:
        gpu = f"{gpu} x{parallel(Facts(Target('declared', ''), launch=launch)) if launch else 1}"
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
