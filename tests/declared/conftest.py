"""A declaration written into a folder, read as the command line reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetRequest
from doctor.facts import Facts
from doctor.findings import Report
from doctor.pipeline import Request, collect, judge

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files below the test's folder; the first one's path comes back."""

    def put(**files: str) -> Path:
        paths = []
        for name, text in files.items():
            path = tmp_path / name.replace("__", ".").replace("_in_", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            paths.append(path)
        return paths[0]

    return put


def facts_of(
    *requirements: Path, environ: dict[str, str] | None = None, launch: tuple[str, ...] = (), python: str | None = None,
    **named: str | None,
) -> Facts:  # fmt: skip
    """The facts of a declaration, without any environment variable but those given."""
    declared = DeclaredRequest(tuple(map(str, requirements)), **named)
    gone = environ or {}
    target = TargetRequest(python_version=python, environ=gone)
    return collect(Request(target, launch, declared=declared, environ=gone))


def versions(facts: Facts) -> dict[str, str]:
    """The releases that the declaration fixes, by name."""
    return {d.key: d.build or d.version for d in facts.distributions.installed}  # type: ignore[union-attr]


def problems(facts: Facts) -> list[str]:
    """What could not be understood."""
    return [p.message for p in facts.distributions.problems]  # type: ignore[union-attr]


def messages(report: Report, code: str) -> list[str]:
    """What a rule found."""
    return [f.message for f in report.findings if f.rule == code]


def status(report: Report, code: str) -> str:
    """What became of a rule."""
    return next(r.status for r in report.results if r.code == code)


__all__ = ["facts_of", "judge", "messages", "problems", "status", "versions"]
