"""check, plan and explain as functions: what the command line, `qvl-doctor mcp` and your own programs call.

    >>> from doctor.api import check, plan, explain
    >>> report = check("vllm serve Qwen/Qwen2-VL-7B-Instruct")
    >>> for finding in report.findings:
    ...     print(finding.rule, finding.message)

Versions are semantic: within one major version no name in `__all__` goes away, no parameter and no attribute of what is
returned changes its meaning, and new ones have defaults. Names that are not in `__all__`, and modules that it does not
name, may change with every release. Nothing of the environment that is checked is run; `apply` builds another one.

What the user has to change is a `ValueError` with one sentence (`TargetError`, `DeclarationError`, `KeepError`,
`ExplainError`), damaged data of ours a `DataError`, a resolver or an installation that failed a `RepairError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.base.late import late_pattern
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetError, TargetRequest
from doctor.facts import Facts
from doctor.findings import Finding, Plan, Report
from doctor.matrix.declared import DeclarationError
from doctor.matrix.files.data import DataError
from doctor.pipeline.request import Request
from doctor.plan.freedom import Freedom, KeepError
from doctor.repair.errors import RepairError

if TYPE_CHECKING:
    from doctor.explain.meaning import Meaning
    from doctor.explain.reading import Stream
    from doctor.facts import Modules
    from doctor.findings import StartVerdict
    from doctor.findings.proposal import Proposal
    from doctor.findings.settings import Settings
    from doctor.matrix.grid.cells import Grid
    from doctor.repair.apply import Applied
    from doctor.repair.switch.inplace import WantedPins
    from doctor.repair.wheels.prepare import Source
    from doctor.run.explained import Explanation

Question = Request | Facts | str | Sequence[str]
"""A launch command, as a shell line or as words; a `Request`, which can say everything; or facts that were saved."""

__all__ = [
    "DataError", "DeclarationError", "DeclaredRequest", "Facts", "Finding", "Freedom", "KeepError", "Plan",
    "Question", "RepairError", "Report", "Request", "TargetError", "TargetRequest", "apply", "bug_form",
    "check", "check_saved", "code_of", "collect", "explain", "grid", "link", "meaning", "plan", "plan_file", "precheck",
    "request", "servers",
]  # fmt: skip

_CODE = late_pattern(r"[A-Za-z]{3}\d{3}", re.ASCII)


def check(question: Question = (), select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> Report:
    """Whether a server will start, and why not; `select` and `ignore` are rule codes or their beginnings.

    Without a command, the environment alone is checked. Raises TargetError or DeclarationError.
    """
    from doctor.pipeline import answered, diagnose, judge

    if isinstance(question, Facts):
        return answered(judge(question, select, ignore))
    asked = request(question)
    return diagnose(replace(asked, select=select or asked.select, ignore=ignore or asked.ignore))


def check_saved(facts: Facts, asked: Request) -> Report:
    """The answer for saved facts, with the rules, settings and baseline of a request."""
    from doctor.pipeline import replayed

    return replayed(facts, asked)


def plan(question: Question = (), freedom: Freedom | None = None, offline: bool = False) -> Proposal:
    """The smallest change after which the server starts, proven by the same rules, with the reports before and after.

    `freedom` says what may change. A resolver is asked unless `offline`. Raises KeepError, RepairError, and what
    `check` raises.
    """
    from doctor import pipeline

    free = freedom or Freedom()
    if isinstance(question, Facts):
        from doctor.pipeline.fix import plan_facts

        return plan_facts(question, free, offline)
    return pipeline.plan(request(question), free, offline)


def explain(source: str | Path | Stream, facts: Facts | None = None, log_dir: str | None = None) -> Explanation:
    """Why a server crashed, from its log: a file, a folder of logs, a run (a folder, an id, `last`) or a binary stream.

    `facts` are those of the machine that wrote it. Raises ExplainError for a source that is none of these, OSError
    where it cannot be read.
    """
    from doctor.run.explained import explained

    return explained(source, facts, log_dir)


def meaning(code: str) -> Meaning | None:
    """What the code of a rule or of a known crash means; None for an unknown one."""
    from doctor.explain.meaning import meaning_of
    from doctor.rules.fleet import EVERY_RULE

    rule = next((r for r in EVERY_RULE if r.code == code.upper()), None)
    return meaning_of(code.upper(), rule)


def code_of(subject: str) -> str | None:
    """The code that a word is (`imp001`), in capitals; None for anything else, and where a file has that name."""
    is_code = _CODE.fullmatch(subject) is not None and not Path(subject).exists()
    return subject.upper() if is_code else None


def servers(asked: Request) -> list[Request]:
    """The question about each server of the deployment that is named, itself where none is. Raises as `check`."""
    from doctor.pipeline.own import each_server

    return each_server(asked)


def plan_file(
    form: str, answers: Sequence[tuple[Proposal, Request | None]], beside: tuple[str, ...] = ()
) -> tuple[str, bool]:
    """Plans as a file, checked before it is given: its text, and whether our own check finds an error in it.

    `form` is sh, requirements, dockerfile, compose or kubernetes; `beside` are gateway and metrics, for the last two.
    With each plan comes the question that it answers, where that names a deployment of one's own. Raises NoPlanError,
    NoCommandError, and what `check` raises.
    """
    from doctor.pipeline.plan_file import plan_file as made

    return made(form, answers, beside)


def bug_form(project: str, question: Question = ()) -> str:
    """What the bug form of vllm, lmdeploy, sglang or transformers asks for, as Markdown to paste, secrets hidden.

    Raises as `check`, and TargetError for saved facts: they do not hold everything that is asked for.
    """
    from doctor.pipeline.bug_form import filled_form

    return filled_form(project, request(question))


def collect(question: Question = ()) -> Facts:
    """What `check` would see, with secrets hidden: facts to save, to send and to check again. Raises as `check`."""
    from doctor import pipeline

    return question if isinstance(question, Facts) else pipeline.collect(request(question))


def link(names: Sequence[str], question: Question = ()) -> Modules:
    """Which modules of installed distributions cannot be imported, and why. Raises TargetError."""
    from doctor import pipeline

    return pipeline.link(tuple(names), request(question))


def grid(engine: str, library: str = "transformers", model: str | None = None) -> Grid:
    """Which releases of an engine work with which of a library: `lmdeploy`, `vllm>=0.11`, `lmdeploy==0.11.1`.

    `model` is a name on the hub, a family or an architecture. Raises GridError.
    """
    from doctor.matrix.grid.asked import asked_grid

    return asked_grid((engine, library), model)


def apply(asked: Request, wanted: WantedPins | Plan, source: Source, say: Callable[[str], None]) -> Applied:
    """Builds a new environment beside the target, with the pins of a plan; the target stays as it is.

    `say` is given a sentence for each step. Raises RepairError with nothing left behind, and what `check` raises.
    """
    from doctor.pipeline.repair import new_environment, pins_wanted_by

    return new_environment(asked, pins_wanted_by(wanted) if isinstance(wanted, Plan) else wanted, source, say)


def precheck(argv: tuple[str, ...], settings: Settings | None = None) -> StartVerdict:
    """What speaks against starting this command here and now, but for the rules that `settings` ignore."""
    from doctor import pipeline

    return pipeline.precheck(argv, settings)


def request(question: Question) -> Request:
    """The question as the one value that all of them take. Raises TargetError for quotes that are not closed."""
    if isinstance(question, Request):
        return question
    if isinstance(question, Facts):
        raise TargetError("saved facts hold no files: name the environment itself")
    return Request(TargetRequest(), _argv(question) if isinstance(question, str) else tuple(question), online=True)


def _argv(line: str) -> tuple[str, ...]:
    """The words of a shell line; a script of one where it is more than words."""
    from doctor.launch.typed_line import argv_of

    try:
        return argv_of(line)
    except ValueError as error:
        raise TargetError(f"the command cannot be read: {error}") from None
