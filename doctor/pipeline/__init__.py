"""The flow on one page: diagnose(), plan() and link(), each from a request to its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.pipeline.collecting import collect
from doctor.pipeline.diagnosis import answered, diagnose, judge, replayed
from doctor.pipeline.request import Request

if TYPE_CHECKING:
    from doctor.facts import Modules
    from doctor.findings import StartVerdict
    from doctor.findings.proposal import Proposal
    from doctor.findings.settings import Settings
    from doctor.plan.freedom import Freedom

__all__ = ["Request", "answered", "collect", "diagnose", "judge", "link", "plan", "precheck", "replayed"]


def plan(request: Request, freedom: Freedom, offline: bool = False) -> Proposal:
    """Collects the facts and makes the plan. Raises TargetError or DeclarationError as `diagnose` does."""
    from doctor.pipeline.fix import plan_facts

    return plan_facts(collect(request), freedom, offline, request.environ)


def link(names: tuple[str, ...], request: Request) -> Modules:
    """The verdicts on all modules of distributions. Raises TargetError where one is not installed in the target."""
    from doctor.pipeline.linking import link_distributions

    return link_distributions(names, request)


def precheck(argv: tuple[str, ...], settings: Settings | None = None) -> StartVerdict:
    """What `run` asks before it starts a server: the errors that speak against it, with the facts behind them."""
    from doctor.pipeline.before_start import checked

    return checked(argv, settings)
