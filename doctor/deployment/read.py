"""Files of a deployment, in any form that people write, as services: which form it is, its content says."""

from __future__ import annotations

import os
from collections.abc import Mapping

from doctor.base.text import one_line
from doctor.base.yaml_text import YamlError, load_all
from doctor.collect.declared.service import Service
from doctor.collect.declared.text import name_of, read_text
from doctor.collect.python.target import TargetError
from doctor.deployment.charts import template
from doctor.deployment.kubernetes.manifests import services_of
from doctor.deployment.kubernetes.objects import Objects

LARGEST = 512 << 10
OPTION = "--deployment"


def read_deployment(
    files: tuple[str, ...], environ: Mapping[str, str], cwd: str, root: str | None = None
) -> list[Service]:
    """Every service of the files together. Raises TargetError, with one sentence, for a file that cannot be read."""
    objects, out = Objects(), list[Service]()
    for file in files:
        text, name = read_text(os.path.join(cwd, file), OPTION, LARGEST), name_of(file)
        if chart := template(text, name):
            out.append(chart)
            continue
        try:
            objects.add(load_all(text), name)
        except YamlError as error:
            raise TargetError(f"`{name}` is not valid YAML: {one_line(str(error), 120)}") from None
    return out + services_of(objects)


def chosen(services: list[Service], wanted: str | None) -> list[Service]:
    """The services that a name means: by their own names, else by that of their object or container."""
    if wanted is None:
        return services
    exact = [s for s in services if s.name == wanted]
    found = exact or [s for s in services if wanted in s.labels]
    if not found:
        names = ", ".join(f"`{one_line(s.name, 40)}`" for s in services[:8]) or "none"
        raise TargetError(f"the deployment has no service `{one_line(wanted, 60)}`; it has {names}")
    return found
