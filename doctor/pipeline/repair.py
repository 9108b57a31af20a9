"""Joins what changes environments with what judges them."""

from __future__ import annotations

from doctor.collect.target import TargetError, TargetRequest
from doctor.pipeline import Request, diagnose
from doctor.repair.errors import RepairError
from doctor.repair.inplace import Switched, switch
from doctor.repair.pins import Pinned
from doctor.repair.prepare import Say, Source
from doctor.repair.verify import Judge

CLOSED = "PKG001"


def judge_for(prefix: str, request: Request) -> Judge:
    """A judge by all rules, for the environment at `prefix` and for its clone: the same problem under the same key.

    Problems are errors, and requirements that are not met (`CLOSED`) whatever they need: a change is to leave none.
    The machine, the launch and the model are those of `request`.
    """

    def judge(tree: str) -> dict[str, str]:
        from dataclasses import replace

        target = TargetRequest(python=tree, environ=request.target.environ, cwd=request.target.cwd)
        try:
            report = diagnose(replace(request, target=target, use_cache=tree == prefix))
        except TargetError as error:
            raise RepairError(f"the environment cannot be judged: {error}") from None
        return {
            f"{f.rule}:{f.key}".replace(tree, prefix): f"{f.rule}: {f.message}".replace(tree, prefix)
            for f in report.findings
            if f.severity == "error" or f.rule == CLOSED
        }

    return judge


def switch_in_place(prefix: str, pins: tuple[Pinned, ...], source: Source, request: Request, say: Say) -> Switched:
    """`fix --apply --in-place`. Raises RepairError with the environment as it was."""
    return switch(prefix, pins, source, judge_for(prefix, request), say)
