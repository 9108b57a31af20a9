"""Templates: text that becomes a manifest only when Helm, or something else, fills it in."""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.collect.declared.service import Service

_OF_HELM_TEXT = r"""
\{\{-?\s* (?: [\w\s]*\(?\$?\.(?:Values|Release|Chart|Capabilities|Files)\b | include\s | template\s | define\s )
"""
_OF_HELM = late_pattern(_OF_HELM_TEXT, re.VERBOSE)
_PLACE = late_pattern(r"\{\{-?\s*\.?(\w[\w.]{0,100})\s*-?\}\}|<([A-Za-z][\w-]{0,100})>(?=\s*$)", re.MULTILINE)


def template(text: str, file: str) -> Service | None:
    """The template as a service of which nothing can be read; None for any other text."""
    if not _OF_HELM.search(text):
        return None
    why = f"`{file}` is a template of a Helm chart; pass what `helm template RELEASE CHART` prints"
    return Service(file, kind="Helm template", file=file, unread=why)


def with_names(text: str) -> str | None:
    """The text with `${NAME}`, a value that nobody knows, for each `{{ NAME }}` in it; None without any."""
    filled = _PLACE.sub(lambda m: "${" + re.sub(r"\W", "_", m[1] or m[2]) + "}", text)
    return None if filled == text else filled
