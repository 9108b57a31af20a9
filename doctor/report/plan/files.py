"""A plan as a file that brings it about: a script, pins, a Dockerfile, a compose file."""

from __future__ import annotations

from collections.abc import Callable

from doctor.facts import Facts
from doctor.findings import Plan

FORMS: dict[str, Callable[[Facts, Plan, tuple[str, ...]], str]] = {}
