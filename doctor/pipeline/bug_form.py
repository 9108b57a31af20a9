"""What a project's bug form asks for, filled from what `check` reads."""

from __future__ import annotations

from doctor.collect.machine.toolchain import collect_toolchain
from doctor.pipeline.diagnosis import diagnose
from doctor.pipeline.request import Request
from doctor.report.forms.form import bug_form


def filled_form(project: str, request: Request) -> str:
    """The form of vllm, lmdeploy, sglang or transformers as Markdown. Raises as `diagnose` does."""
    report = diagnose(request)
    return bug_form(project, report, collect_toolchain(report.facts.target, request.environ))
