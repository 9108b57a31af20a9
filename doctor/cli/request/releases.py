"""Releases as the commands of `matrix` name them, and what stopped the reading of one."""

from __future__ import annotations

import click
from packaging.version import InvalidVersion, Version

from doctor.base.text import clean
from doctor.matrix.extract.projects.registry import PROJECTS, Project, project


def reason(error: Exception) -> str:
    """An error as one sentence; of one that took too long, how to wait longer."""
    said = clean(str(error), 2000)
    return f"{said}; `--timeout SECONDS` waits longer" if "in time" in said or "within" in said else said


def asked(text: str, whole: bool) -> tuple[Project, str | None]:
    """The project of `NAME==VERSION` and its release, None for NAME alone where `whole`. Raises click.UsageError."""
    name, _, version = text.partition("==")
    found = project(name)
    if found is None:
        names = ", ".join(p.name for p in PROJECTS)
        raise click.UsageError(f"{clean(name, 100)!r} is not a project of the matrix; expected one of {names}")
    if not version and not whole:
        raise click.UsageError(f"which release of {found.name}? NAME==VERSION, or --all-new")
    try:
        return found, str(Version(version)) if version else None
    except InvalidVersion as error:
        raise click.UsageError(f"{clean(version, 100)!r} is not a version") from error
