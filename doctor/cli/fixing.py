"""What `qvl-doctor fix` does with its options: the plan, its form, its exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from doctor import pipeline
from doctor.cli.answer.output import NO_SERVER, console, failure, write
from doctor.cli.request.load import guarded, load_facts
from doctor.pipeline import Request
from doctor.pipeline.fix import KeepError, plan_facts
from doctor.plan.freedom import Freedom
from doctor.repair.errors import RepairError

if TYPE_CHECKING:
    from doctor.collect.declared.request import DeclaredRequest
    from doctor.collect.python.target import TargetRequest
    from doctor.findings.proposal import Proposal
    from doctor.pipeline.placed import Origin
    from doctor.report.plan.recipe import Doubts

NO_RELEASE = "nothing says which releases run: name an environment (`--python DIR`) or pins (`--requirements FILE`)"
BESIDE = ("gateway", "metrics")
DEPLOYMENTS = ("compose", "kubernetes")


Made = tuple["Proposal", "Request | None"]  # a plan, and the question that it answers, unless facts were given


def plan(options: dict[str, Any], target: TargetRequest, declared: DeclaredRequest) -> int:
    """Makes and prints the plan; the exit status."""
    answers = made(options, target, declared)
    found = show(answers, options)
    return max(status(answer) for answer, _ in answers) if found is None else found


def made(options: dict[str, Any], target: TargetRequest, declared: DeclaredRequest) -> list[Made]:
    """The plans that the options ask for: one, or for a deployment's file one for each server of a compose project."""
    _beside(options)
    freedom = Freedom(keep=tuple(options["keep"]), prefer=options["prefer"])
    try:
        if options["facts_file"]:
            return [(plan_facts(load_facts(options["facts_file"]), freedom, options["offline"]), None)]
        request = Request(
            target=target, launch=options["launch"], model=options["model"], gpu=options["gpu"],
            driver=options["driver"], declared=declared,
        )  # fmt: skip
        several = options["form"] in DEPLOYMENTS
        requests = guarded(request, lambda r: _each_server(r) if several else [r])
        return [(guarded(one, lambda r: pipeline.plan(r, freedom, options["offline"])), one) for one in requests]
    except KeepError as error:
        raise click.UsageError(str(error)) from None
    except RepairError as error:
        raise failure(f"the resolver failed: {error}") from None


def _each_server(request: Request) -> list[Request]:
    from doctor.pipeline.own import each_server

    return each_server(request)


def _beside(options: dict[str, Any]) -> tuple[str, ...]:
    """The services of `--with`. Raises click.UsageError."""
    names = tuple(n.strip() for n in ",".join(options["beside"] or ()).split(",") if n.strip())
    wrong = next((n for n in names if n not in BESIDE), None)
    if wrong:
        raise click.UsageError(f"`--with {wrong}` is not one of {', '.join(BESIDE)}")
    if names and options["form"] not in DEPLOYMENTS:
        raise click.UsageError("`--with` requires `--format compose` or `--format kubernetes`")
    return names


def show(answers: list[Made], options: dict[str, Any]) -> int | None:
    """Prints the plan in the form that was asked for; the exit status of a file that was checked itself."""
    form, answer = options["form"], answers[0][0]
    if form == "terminal" and options["output"] is None:
        from doctor.report.plan.terminal import print_plan

        print_plan(answer.before, answer.plan, console(), idle=answer.idle, after=answer.after)
        return None
    if form in ("terminal", "json"):
        write(_text(answer, form), options["output"])
        return None
    text, doubts = _file(answers, form, _beside(options))
    write(text, options["output"])
    return int(doubts.fails)


def _text(answer: Proposal, form: str) -> str:
    if form == "terminal":
        import io

        from rich.console import Console

        from doctor.report.plan.terminal import print_plan

        stream = io.StringIO()
        out = Console(width=100, file=stream, markup=False, highlight=False, emoji=False)
        print_plan(answer.before, answer.plan, out, idle=answer.idle, after=answer.after)
        return stream.getvalue()
    from doctor.report.json import dumps
    from doctor.report.plan.data import plan_to_json

    return dumps(plan_to_json(answer.plan, answer.before))


def _origins(requests: list[Request | None]) -> list[Origin | None]:
    """The user's services that the file is made from, where it is of another form than theirs."""
    from doctor.pipeline.origin import origins

    first = next(filter(None, requests), None)
    return guarded(first, lambda _: origins(requests)) if first else [None] * len(requests)


def _file(answers: list[Made], form: str, beside: tuple[str, ...]) -> tuple[str, Doubts]:
    """The file of this form, checked. Raises click.ClickException where there is nothing to write."""
    from doctor.pipeline.llama import llama_recipe
    from doctor.pipeline.own import own_service
    from doctor.pipeline.own_manifests import own_manifests
    from doctor.pipeline.recipe import recipe
    from doctor.pipeline.written import checked_text
    from doctor.report.plan.files import written

    reader = {"compose": own_service, "kubernetes": own_manifests}.get(form)
    own = [guarded(r, reader) if r and reader else None for _, r in answers]
    if form in DEPLOYMENTS and (alone := llama_recipe(answers[0][0], own[0])) is not None:
        return written(form, [alone], beside), alone.doubts
    for answer, _ in answers:
        if answer.plan.conflict or answer.plan.undecided or not answer.plan.pins:
            raise click.ClickException(f"there is no plan to write; run `fix --plan` to see why ({_reason(answer)})")
    came = _origins([r if o is None else None for (_, r), o in zip(answers, own, strict=True)])
    recipes = [recipe(a, o, c) for (a, _), o, c in zip(answers, own, came, strict=True)]
    if form in DEPLOYMENTS and any(one.engine is None or not one.command for one in recipes):
        raise click.UsageError("a deployment needs the launch command of an engine; add it after `--`")
    folder = own[0].folder if own[0] else None
    return checked_text(form, recipes, [a for a, _ in answers], beside, folder)


def _reason(answer: Proposal) -> str:
    from doctor.base.text import clean

    plan = answer.plan
    return clean(plan.undecided or (plan.conflict.sentences[0] if plan.conflict else NO_RELEASE), 300)


def status(answer: Proposal) -> int:
    """0 where nothing is left to mend once the plan is carried out, else 1; 4 where no server's command was found."""
    from doctor.report.launch import not_found

    found = answer.plan
    if not_found(answer.before) is not None:
        return NO_SERVER
    return 0 if answer.idle or (found.steps and not found.remains and found.conflict is None) else 1
