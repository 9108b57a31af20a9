"""Files of a deployment, in any form that people write, as services: which form it is, its content says."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from doctor.base.text import one_line
from doctor.base.yaml_text import YamlError, load_all
from doctor.collect.declared.dockerfile import looks_like_dockerfile
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.declared.service import Service
from doctor.collect.declared.text import read_text
from doctor.collect.python.target import TargetError
from doctor.deployment import charts
from doctor.deployment.host import batch, just, make, powershell, procfile, quadlet, script, sky, supervisor, systemd
from doctor.deployment.host.source import Source
from doctor.deployment.kubernetes import stack_values
from doctor.deployment.kubernetes.manifests import services_of
from doctor.deployment.kubernetes.objects import Objects

LARGEST = 512 << 10
OPTION = "--deployment"
MOST = 100  # services of one compose file
Reader = Callable[[Source], list[Service]]
# the first whose form it is; what has a name of its own goes before what only looks like itself
_FORMS: tuple[tuple[Callable[[Source], bool], Reader], ...] = (
    (quadlet.is_quadlet, quadlet.services),
    (systemd.is_unit, systemd.services),
    (supervisor.is_supervisor, supervisor.services),
    (procfile.is_procfile, procfile.services),
    (just.is_justfile, just.services),
    (powershell.is_powershell, powershell.services),
    (batch.is_batch, batch.services),
    (script.is_script, script.services),
    (make.is_makefile, make.services),
)


def read_deployment(
    files: tuple[str, ...], environ: Mapping[str, str], cwd: str, root: str | None = None
) -> list[Service]:
    """Every service of the files together. Raises TargetError, with one sentence, for a file that cannot be read."""
    objects, out = Objects(), list[Service]()
    for file in files:
        path = os.path.abspath(os.path.join(cwd, file))
        source = Source(path, read_text(path, OPTION, LARGEST), environ, root)
        out += _read(source, objects)
    return out + services_of(objects)


def _read(source: Source, objects: Objects) -> list[Service]:
    """The services of one file; the objects of manifests are kept until all files are read."""
    if chart := charts.template(source.text, source.name):
        return [chart]
    if looks_like_dockerfile(source.path, source.text):
        return [Service(source.name, build=source.path, kind="Dockerfile", file=source.name)]
    if reader := next((services for fits, services in _FORMS if fits(source)), None):
        return reader(source)
    return _of_yaml(source, objects)


def _of_yaml(source: Source, objects: Objects) -> list[Service]:
    documents = _documents(source)
    tasks = [s for d in documents if sky.is_sky(d) for s in sky.services(d, source)]
    if tasks:
        return tasks
    stacks = [s for d in documents if stack_values.is_stack(d) for s in stack_values.services(d, source.name)]
    if stacks:
        return stacks
    if any(_is_compose(d) for d in documents):
        return _of_compose(source)
    if not any(isinstance(d, dict) and d.get("kind") for d in documents):
        why = f"`{source.name}` is not a deployment file in a known form"
        return [Service(source.name, kind="file", file=source.name, unread=why)]
    objects.add(documents, source.name)
    return []


def _documents(source: Source) -> list[Any]:
    """The documents of the file, else those that it has with its placeholders filled in. Raises TargetError."""
    filled = charts.with_names(source.text)
    told = ""
    for text in (source.text, *([filled] if filled else [])):
        try:
            return load_all(text)
        except YamlError as error:
            told = one_line(str(error), 120)
    hint = "; it is a template that nobody has filled in" if filled else ""
    raise TargetError(f"`{source.name}` is not valid YAML: {told}{hint}")


def _is_compose(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("services"), dict) and "kind" not in document


def _of_compose(source: Source) -> list[Service]:
    """Every service of a compose file, as `--compose` reads each."""
    from doctor.collect.declared.compose.service import project_of, started

    out = []
    project = project_of(DeclaredRequest(compose=source.path), source.environ, source.folder)
    for name in list(project.services)[:MOST]:
        try:
            service = started(project, name, source.path)
        except TargetError as error:
            service = Service(name, unread=str(error))
        service.file = source.name
        out.append(service)
    return out


def chosen(services: list[Service], wanted: str | None) -> list[Service]:
    """The services that a name means: by their own names, else by that of their object or container."""
    if wanted is None:
        return services
    exact = [s for s in services if s.name == wanted]
    found = exact or [s for s in services if wanted in s.labels]
    if not found:
        names = ", ".join(f"`{one_line(s.name, 40)}`" for s in services[:8] if s.name) or "none"
        raise TargetError(f"the deployment has no service `{one_line(wanted, 60)}`; it has {names}")
    return found
