"""Procfiles: a line of shell text for each process."""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.collect.declared.service import Service
from doctor.deployment.host.source import Source
from doctor.launch.variables import assignments

MOST = 200
_LINE = late_pattern(r"([A-Za-z0-9_-]{1,100}):\s*(\S.*)$")


def is_procfile(source: Source) -> bool:
    """By its name; any other file of such lines could be YAML."""
    return bool(re.match(r"procfile(?:[._-].*)?$|.*\.procfile$", source.name.lower()))


def services(source: Source) -> list[Service]:
    """Every process, with the variables of `.env` beside it and the port that is handed to it."""
    environ = {"PORT": "5000", **assignments(source.beside(".env") or "")}
    lines = (_LINE.match(line.strip()) for line in source.text.splitlines()[:MOST])
    return [
        source.program("Procfile process", ("sh", "-c", m[2]), m[1], variables=environ, folder=source.folder)
        for m in lines if m is not None
    ]  # fmt: skip
