"""The configuration refers to Python files that should come with the model but are missing.

`auto_map` in config.json names classes in Python files of the model's repository. transformers loads those files when
the server starts; if one is missing, it exits with `does not appear to have a file named modeling_....py`. Copies made
by quantization or fine-tuning programs often include the configuration but not the files. A reference such as
`owner/name--module.Class` means code from another repository, which is downloaded from the hub at each first start.

What to do: copy the Python files from the model's original repository.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.model_files import bare, code_unread, file
from doctor.derived.units import listed
from doctor.facts import Model, present
from doctor.findings import Action, Evidence, Open, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for the files that are missing, one for each that cannot be read."""
    model: Model = present(case.facts, "model", Model)
    code = model.code
    if code is None:
        yield code_unread(model)
        return
    own = tuple(name for name in code.missing if "--" not in name)
    others = tuple(name for name in code.missing if "--" in name)
    if own and (bare(model) or model.source == "cache"):
        yield Open(f"the model's code ({listed(own)}) is not available")
    elif own:
        text = f"copy {listed(own)} from the repository of the original model"
        yield rule.finding(
            f"`auto_map` points to {listed(own)}, which {'is' if len(own) == 1 else 'are'} not among the model's files",
            key="missing", location=file(model, own[0]),
            evidence=[Evidence(name, "not there", "there", "auto_map") for name in own[:8]],
            remediations=[Remediation(text, (Action("manual", text=text),), "manual")],
        )  # fmt: skip
    if others:
        yield Open(f"{listed(others)} of another repository is not available")
    for problem in code.problems[:8]:
        if "points outside" in problem.message or "is not read" in problem.message:
            yield Open(f"`{problem.path}` of the model's code {problem.message}")
            continue
        yield rule.finding(
            f"`{problem.path}` of the model's code {problem.message}", key=problem.path, severity="warning",
            location=file(model, problem.path), evidence=[Evidence(problem.path, problem.message, "Python code")],
        )  # fmt: skip


RULE = Rule(code="MDL005", name="remote-code-missing", severity="error", check=check, needs=("model",))
