"""Plans as the file that somebody asked for: a script, pins, a Dockerfile, a deployment; checked before it is given."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.base.text import clean
from doctor.findings.proposal import Proposal
from doctor.pipeline.llama import llama_recipe
from doctor.pipeline.origin import origins
from doctor.pipeline.own import own_service
from doctor.pipeline.own_manifests import own_manifests
from doctor.pipeline.recipe import recipe
from doctor.pipeline.request import Request
from doctor.pipeline.written import checked_text
from doctor.report.plan.files import written

NO_RELEASE = "nothing says which releases run: name an environment (`--python DIR`) or pins (`--requirements FILE`)"
DEPLOYMENTS = ("compose", "kubernetes")
Made = tuple[Proposal, "Request | None"]  # a plan, and the question that it answers, unless facts were given


class NoPlanError(ValueError):
    """There is no plan that could be written; one sentence for the user."""


class NoCommandError(ValueError):
    """The file needs the command of an engine, and none was given; one sentence for the user."""


def plan_file(form: str, answers: Sequence[Made], beside: tuple[str, ...] = ()) -> tuple[str, bool]:
    """The text of this form, and whether our own check finds an error in it.

    Raises NoPlanError, NoCommandError, and TargetError or DeclarationError where the user's own file cannot be read.
    """
    reader = {"compose": own_service, "kubernetes": own_manifests}.get(form)
    own = [reader(r) if r and reader else None for _, r in answers]
    if form in DEPLOYMENTS and (alone := llama_recipe(answers[0][0], own[0])) is not None:
        return written(form, [alone], beside), alone.doubts.fails
    for answer, _ in answers:
        if answer.plan.conflict or answer.plan.undecided or not answer.plan.pins:
            raise NoPlanError(f"there is no plan to write; run `fix --plan` to see why ({_reason(answer)})")
    came = origins([r if o is None else None for (_, r), o in zip(answers, own, strict=True)])
    recipes = [recipe(a, o, c) for (a, _), o, c in zip(answers, own, came, strict=True)]
    if form in DEPLOYMENTS and any(one.engine is None or not one.command for one in recipes):
        raise NoCommandError("a deployment needs the launch command of an engine; add it after `--`")
    folder = own[0].folder if own[0] else None
    text, doubts = checked_text(form, recipes, [a for a, _ in answers], beside, folder)
    return text, doubts.fails


def _reason(answer: Proposal) -> str:
    plan = answer.plan
    return clean(plan.undecided or (plan.conflict.sentences[0] if plan.conflict else NO_RELEASE), 300)
