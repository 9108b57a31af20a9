"""Templates of Helm charts: text that becomes a manifest only when Helm fills it in."""

from __future__ import annotations

import re

from doctor.collect.declared.service import Service

_ACTION = re.compile(
    r"\{\{-?\s*(?:/\*|include\b|template\b|define\b|if\b|range\b|with\b|toYaml\b|\$?\.(?:Values|Release|Chart)\b|tpl\b)"
)


def template(text: str, file: str) -> Service | None:
    """The template as a service of which nothing can be read; None for any other text."""
    if not _ACTION.search(text[: 1 << 20]):
        return None
    why = f"`{file}` is a template of a Helm chart; pass what `helm template RELEASE CHART` prints"
    return Service(file, kind="Helm template", file=file, unread=why)
