"""What `qvl-doctor fix` does with its options: the plan, its form, its exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from doctor import api
from doctor.cli.answer.output import NO_SERVER, console, failure, write
from doctor.cli.request.load import guarded, load_facts, mistakes

if TYPE_CHECKING:
    from doctor.collect.declared.request import DeclaredRequest
    from doctor.collect.python.target import TargetRequest
    from doctor.findings.proposal import Proposal

BESIDE = ("gateway", "metrics")
DEPLOYMENTS = ("compose", "kubernetes")
Made = tuple["Proposal", "api.Request | None"]  # a plan, and the question that it answers, unless facts were given


def plan(options: dict[str, Any], target: TargetRequest, declared: DeclaredRequest) -> int:
    """Makes and prints the plan; the exit status."""
    answers = made(options, target, declared)
    found = show(answers, options)
    return max(status(answer) for answer, _ in answers) if found is None else found


def made(options: dict[str, Any], target: TargetRequest, declared: DeclaredRequest) -> list[Made]:
    """The plans that the options ask for: one, or for a deployment's file one for each server of a compose project."""
    _beside(options)
    freedom = api.Freedom(keep=tuple(options["keep"]), prefer=options["prefer"])
    try:
        if options["facts_file"]:
            return [(api.plan(load_facts(options["facts_file"]), freedom, options["offline"]), None)]
        request = api.Request(
            target=target, launch=options["launch"], model=options["model"], gpu=options["gpu"],
            driver=options["driver"], declared=declared,
        )  # fmt: skip
        several = options["form"] in DEPLOYMENTS
        requests = guarded(request, lambda r: api.servers(r) if several else [r])
        return [(guarded(one, lambda r: api.plan(r, freedom, options["offline"])), one) for one in requests]
    except api.KeepError as error:
        raise click.UsageError(str(error)) from None
    except api.RepairError as error:
        raise failure(f"the resolver failed: {error}") from None


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
    if form in ("terminal", "brief", "json"):
        write(_text(answer, form), options["output"])
        return None
    text, fails = _file(answers, form, _beside(options))
    write(text, options["output"])
    return int(fails)


def _text(answer: Proposal, form: str) -> str:
    if form == "terminal":
        import io

        from rich.console import Console

        from doctor.report.plan.terminal import print_plan

        stream = io.StringIO()
        out = Console(width=100, file=stream, markup=False, highlight=False, emoji=False)
        print_plan(answer.before, answer.plan, out, idle=answer.idle, after=answer.after)
        return stream.getvalue()
    if form == "brief":
        from doctor.report.brief import plan_to_brief

        return plan_to_brief(answer)
    from doctor.report.json import dumps
    from doctor.report.plan.data import plan_to_json

    return dumps(plan_to_json(answer.plan, answer.before))


def _file(answers: list[Made], form: str, beside: tuple[str, ...]) -> tuple[str, bool]:
    """The file of this form, checked, and whether it fails. Raises click.ClickException where there is none."""
    from doctor.pipeline.plan_file import NoCommandError, NoPlanError

    try:
        with mistakes():
            return api.plan_file(form, answers, beside)
    except NoPlanError as error:
        raise click.ClickException(str(error)) from None
    except NoCommandError as error:
        raise click.UsageError(str(error)) from None


def status(answer: Proposal) -> int:
    """0 where nothing is left to mend once the plan is carried out, else 1; 4 where no server's command was found."""
    from doctor.report.launch import not_found

    found = answer.plan
    if not_found(answer.before) is not None:
        return NO_SERVER
    return 0 if answer.idle or (found.steps and not found.remains and found.conflict is None) else 1
