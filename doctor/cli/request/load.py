"""Runs the pipeline for a command: user mistakes become usage errors, our failures exit with 3."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import click

from doctor.api import Request
from doctor.cli.answer.output import failure, notice, progress
from doctor.facts import NOT_REQUESTED, Facts
from doctor.findings import Report

T = TypeVar("T")
FACTS_LIMIT = 256 * 1024 * 1024


def run(request: Request) -> Report:
    """The report that the request asks for."""
    from doctor import api

    return guarded(request, api.check)


def guarded(request: Request, action: Callable[[Request], T]) -> T:
    """What `action` gives, with progress shown; its errors as the command line reports them."""
    from doctor.cli.help import model_at

    here = not request.target.root and not request.declared
    if request.model and here and (wrong := model_at(request.model)) is not None:
        raise click.UsageError(wrong)
    with mistakes(), progress("linking modules") as update:
        return action(dataclasses.replace(request, progress=update, tell=notice))


@contextmanager
def mistakes() -> Iterator[None]:
    """Reports what the user has to change as a usage error, and damaged data of ours as a failure."""
    from doctor.api import DataError, DeclarationError, TargetError

    try:
        yield
    except (TargetError, DeclarationError) as error:
        raise click.UsageError(str(error)) from None
    except DataError as error:
        raise failure(f"the data of qvl-doctor is damaged: {error}") from None


def load_facts(path: str, learned: bool = True) -> Facts:
    """Facts that `qvl-doctor facts` saved. Exits with 3 and one sentence for anything else.

    Without `learned`, what an earlier run of the launch logged is left out.
    """
    import json

    from doctor.base.files import Files, Unreadable
    from doctor.facts.codec import FactsError, facts_from_json

    try:
        facts = facts_from_json(json.loads(Files().read(path, FACTS_LIMIT)))
        return facts if learned else dataclasses.replace(facts, observed=NOT_REQUESTED)
    except Unreadable as error:
        raise failure(f"`{path}`, given as `--facts`, {error}") from None
    except (FactsError, ValueError, RecursionError, TypeError) as error:
        raise failure(f"{path} is not a facts file of this version: {error}") from None
