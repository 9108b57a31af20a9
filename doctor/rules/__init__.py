"""The rules, bottom-up: the order of the report is the likely order of cause."""

from __future__ import annotations

from doctor.rules.rule import Rule

RULES: tuple[Rule, ...] = ()
