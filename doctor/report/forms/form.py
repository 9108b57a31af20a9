"""A bug form, ready to paste: our verdict, what the project's own reporter would print, and the launch command."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby

from doctor.base.late import late_pattern
from doctor.base.secrets.hide import redact_text
from doctor.base.secrets.redactor import Redactor
from doctor.base.text import clean, one_line
from doctor.facts import Gpu, Launch
from doctor.facts.toolchain import Toolchain
from doctor.findings import Report
from doctor.launch.edit import pasted
from doctor.report.content import SIGNS
from doctor.report.forms import others, vllm
from doctor.report.forms.known import Known, Row
from doctor.report.screen import finding_line, screen

FORMS = {
    "vllm": vllm.rows, "lmdeploy": others.lmdeploy, "sglang": others.sglang, "transformers": others.transformers,
}  # fmt: skip
LEADS = {"transformers": "- {label}: ", "vllm": "{label:<{width}} : "}  # as each project writes it
WIDTH = 100
_VARIABLE = late_pattern(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+")
VALUE, COMMAND = 400, 2000  # characters


def bug_form(project: str, report: Report, tools: Toolchain) -> str:
    """Markdown, secrets hidden. `project` is one of FORMS."""
    known = Known(report, tools)
    rows = FORMS[project](known)
    rows += [] if project == "vllm" else list(known.environment_of(project))  # vLLM's own reporter lists them
    label = max(len(label) for label, _ in rows if not label.startswith("["))
    hide = Redactor(private=True).text  # not for versions, which look like addresses
    rows = [(label, hide(value) if _VARIABLE.fullmatch(label) else value) for label, value in rows]
    lines = [*map(hide, _verdict(report)), "", "```text", *_fields(rows, project, label), "```"]
    launch = report.facts.launch
    if isinstance(launch, Launch) and (words := launch.given or launch.argv):
        lines += ["", "Launch command:", "", "```sh", hide(one_line(pasted(words), COMMAND)), "```"]
    return "".join(f"{redact_text(clean(line))}\n" for line in lines)


def _verdict(report: Report) -> list[str]:
    """The verdict, its first cause and what is said to fix it."""
    shown, named = screen(report), report.versions.get("doctor", "")
    lines = [f"qvl-doctor {named}: {SIGNS[shown.kind]} {shown.said}"]
    if (cause := shown.cause) is not None:
        lines.append(finding_line(cause))
    lines += [f"fix: {step}" for step in shown.todo.steps[:2]]
    if isinstance(report.facts.gpu, Gpu) and report.facts.gpu.source == "declared":
        lines.append("The GPU is assumed, not read from this machine.")
    return [part for line in lines for part in textwrap.wrap(one_line(line), WIDTH, subsequent_indent="  ")]


def _fields(rows: list[Row], project: str, width: int) -> Iterator[str]:
    """A line for each field; libraries that the form lists under one label stand beside each other."""
    for label, group in groupby(rows, key=lambda row: row[0]):
        values = [value for _, value in group]
        if label.startswith("["):
            text = ", ".join(values)
            yield from textwrap.wrap(f"{label} {text}", WIDTH, subsequent_indent="  ", break_on_hyphens=False)
            continue
        if _VARIABLE.fullmatch(label):
            yield from (f"{label}={one_line(value, VALUE)}" for value in values)
            continue
        lead = LEADS.get(project, "{label}: ").format(label=label, width=width)
        for value in values:
            first, *more = value.split("\n")
            yield f"{lead}{one_line(first, VALUE)}"
            yield from (f"  {one_line(line, VALUE)}" for line in more)
