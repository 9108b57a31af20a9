"""The flow of a diagnosis: collect facts, link them, run the rules, report."""

from __future__ import annotations

from functools import partial

from doctor import __version__
from doctor.facts import Facts
from doctor.findings import Report
from doctor.pipeline.collecting import collect
from doctor.pipeline.request import Request


def diagnose(request: Request) -> Report:
    """The whole answer. Raises TargetError or DeclarationError (both ValueError) for what the user has to change."""
    if request.declared.deployments:
        from doctor.pipeline.deployed import diagnose_services

        return diagnose_services(request, diagnose, judge)
    return answered(judge(collect(request), request.select, request.ignore))


def answered(report: Report) -> Report:
    """A report as it is shown: with fixes that were tried on paper."""
    from doctor.pipeline.remedies import with_checked_fixes

    return with_checked_fixes(report, partial(judge, bare=True))


def judge(facts: Facts, select: tuple[str, ...] = (), ignore: tuple[str, ...] = (), bare: bool = False) -> Report:
    """The report on facts, whether just collected or saved elsewhere; `bare` as `rules.engine.evaluate` has it."""
    from doctor.rules import RULES
    from doctor.rules import engine as rule_engine

    rules = rule_engine.select(RULES, select, ignore)
    return Report(facts, rule_engine.evaluate(facts, rules, bare), versions())


def versions() -> dict[str, str]:
    """Doctor's version and that of its data."""
    from doctor.matrix.files.data import data_version

    return {"doctor": __version__, "matrix": data_version()}
