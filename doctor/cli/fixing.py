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

BESIDE = ("gateway", "metrics")


def plan(options: dict[str, Any], target: TargetRequest, declared: DeclaredRequest) -> int:
    """Makes and prints the plan; the exit status."""
    answer = made(options, target, declared)
    show(answer, options)
    return status(answer)


def made(options: dict[str, Any], target: TargetRequest, declared: DeclaredRequest) -> Proposal:
    """The plan that the options ask for."""
    _beside(options)
    freedom = Freedom(keep=tuple(options["keep"]), prefer=options["prefer"])
    try:
        if options["facts_file"]:
            return plan_facts(load_facts(options["facts_file"]), freedom, options["offline"])
        request = Request(
            target=target, launch=options["launch"], model=options["model"], gpu=options["gpu"],
            driver=options["driver"], declared=declared,
        )  # fmt: skip
        return guarded(request, lambda r: pipeline.plan(r, freedom, options["offline"]))
    except KeepError as error:
        raise click.UsageError(str(error)) from None
    except RepairError as error:
        raise failure(f"the resolver failed: {error}") from None


def _beside(options: dict[str, Any]) -> tuple[str, ...]:
    """The services of `--with`. Raises click.UsageError."""
    names = tuple(n.strip() for n in (options["beside"] or "").split(",") if n.strip())
    wrong = next((n for n in names if n not in BESIDE), None)
    if wrong:
        raise click.UsageError(f"`--with {wrong}` is not one of {', '.join(BESIDE)}")
    if names and options["form"] != "compose":
        raise click.UsageError("`--with` requires `--format compose`")
    return names


def show(answer: Proposal, options: dict[str, Any]) -> None:
    """Prints the plan in the form that was asked for."""
    form = options["form"]
    if form == "terminal" and options["output"] is None:
        from doctor.report.plan.terminal import print_plan

        print_plan(answer.before, answer.plan, console(), idle=answer.idle)
        return
    write(_text(answer, form, _beside(options)), options["output"])


def _text(answer: Proposal, form: str, beside: tuple[str, ...]) -> str:
    if form == "terminal":
        import io

        from rich.console import Console

        from doctor.report.plan.terminal import print_plan

        stream = io.StringIO()
        out = Console(width=100, file=stream, markup=False, highlight=False, emoji=False)
        print_plan(answer.before, answer.plan, out, idle=answer.idle)
        return stream.getvalue()
    if form == "json":
        from doctor.report.json import dumps
        from doctor.report.plan.data import plan_to_json

        return dumps(plan_to_json(answer.plan, answer.before))
    from doctor.pipeline.recipe import recipe
    from doctor.report.plan.files import written

    if answer.plan.conflict or answer.plan.undecided or not answer.plan.pins:
        raise click.ClickException(f"there is no plan to write; run `fix --plan` to see why ({_reason(answer)})")
    made_of = recipe(answer)
    if form == "compose" and (made_of.engine is None or not made_of.command):
        raise click.UsageError("a deployment needs the launch command of an engine; add it after `--`")
    return written(form, made_of, beside)


def _reason(answer: Proposal) -> str:
    from doctor.base.text import clean

    plan = answer.plan
    return clean(plan.undecided or (plan.conflict.sentences[0] if plan.conflict else "no packages found"), 300)


def status(answer: Proposal) -> int:
    """0 where nothing is left to mend once the plan is carried out, else 1; 4 where no server's command was found."""
    from doctor.report.launch import not_found

    found = answer.plan
    if not_found(answer.before) is not None:
        return NO_SERVER
    return 0 if answer.idle or (found.steps and not found.remains and found.conflict is None) else 1

