"""The model's config.json is missing or unusable.

Every engine reads `config.json` first: it names the architecture, the sizes and the quantization. transformers,
LMDeploy, vLLM and SGLang do not accept a folder without it as a model. If the file is cut short, is nested without end,
or holds `NaN` in place of a number, the start fails with a JSON error or an `OSError`.

What to do: download the file again from the model's source; interrupted downloads leave such files. If the path in the
command is a folder above or next to the model, name the model's own folder.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.model_files import fetch_again, file
from doctor.derived.packages.hidden import readable
from doctor.facts import Model, Weights, present
from doctor.findings import Evidence, NotApplicable, Open
from doctor.rules.rule import Rule, Verdict

CONFIG = "config.json"


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A finding where nothing could be read from config.json."""
    model: Model = present(case.facts, "model", Model)
    problem = next((p for p in model.problems if p.path == CONFIG), None)
    if model.source == "known":
        yield Open(f"`{CONFIG}` of `{model.path}` was not read")
        return
    if model.config or problem is None:
        return
    if isinstance(model.weights, Weights) and model.weights.format == "gguf":
        yield NotApplicable("a GGUF file includes its own configuration")
        return
    yield rule.finding(
        f"`{CONFIG}` of `{model.named or model.path}` {problem.message}: no engine can identify this model",
        key=CONFIG,
        location=file(model, CONFIG),
        evidence=[Evidence(CONFIG, problem.message, "a JSON object", model.path)],
        remediations=[readable(model.path) if problem.barred else fetch_again(model)],
    )


RULE = Rule(code="MDL001", name="config-unusable", severity="error", check=check, needs=("model",))
