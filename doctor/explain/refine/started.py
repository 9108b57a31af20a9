"""`python -m MODULE` of an engine whose release has no such module: the command is wrong, not the environment."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.explain.context import Digest
from doctor.explain.matching import Candidate
from doctor.explain.refine.history import releases_with, window
from doctor.explain.refine.refined import Refined, manual
from doctor.findings import Remediation
from doctor.matrix.engine_types import Engine
from doctor.matrix.engines import engines

_SPECIFICATION = late_pattern(r"Error while finding module specification for '(?P<module>[\w.]{1,160})'")


def started_module(module: str, candidate: Candidate, digest: Digest) -> Refined | None:
    """The answer where Python itself did not find the module to start, and the engine never had it or moved it."""
    if candidate.line.trace is not None:
        return None  # a module imports it, which the command does not name
    found = _SPECIFICATION.search(candidate.line.text[:1024])
    name = found["module"] if found else module
    engine = next((e for e in engines() if not e.library and name.startswith(f"{e.package}.")), None)
    having = releases_with(engine.name, name) if engine is not None else None
    if engine is None or having is None:
        return None
    have = digest.version(engine.name)
    if having.newest and (have is None or having.contains(have) is not False):
        return None
    who = f"{engine.name} {have}" if have else f"`{engine.name}`"
    elsewhere = f"it is in releases {having.spec()}" if having.newest else "no published release has it"
    text = f"`python -m {name}` cannot start, because {who} has no such module; {elsewhere}"
    other = window(digest, engine.name, name) if have else None
    return Refined(text, (*_ways(engine, have), *((other.remediation(),) if other is not None else ())))


def _ways(engine: Engine, version: str | None) -> list[Remediation]:
    command = next((f for f in engine.launches if f.program), None)
    out = [manual(f"start it with `{' '.join((command.program or '', *command.subcommand))}`")] if command else []
    for form in engine.launches:
        having = releases_with(engine.name, form.module) if form.module and "." in form.module else None
        if having is not None and having.newest and (version is None or having.contains(version)):
            out.append(manual(f"or use `python -m {form.module}`, which this release has"))
            break
    return out
