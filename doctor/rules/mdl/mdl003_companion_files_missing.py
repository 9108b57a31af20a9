"""The tokenizer, the chat template or the image processor is missing from the model's folder.

Weights alone are not enough: the tokenizer turns text into numbers, the processor's configuration says how images are
cropped and scaled, and the chat template how a conversation is formatted. Without a tokenizer, the server does not
start. Without a chat template, the endpoint `/v1/chat/completions` returns an error or, worse, uses a default template
that the model was not trained on. Fine-tuned and requantized copies are often missing these files.

What to do: copy the missing files from the model that this one was made from.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.files import BARRED
from doctor.derived.case import Case
from doctor.derived.model_files import bare, file
from doctor.derived.packages.hidden import readable
from doctor.facts import Model, present
from doctor.findings import Action, Evidence, Finding, NotApplicable, Open, Remediation
from doctor.rules.rule import Rule, Verdict

_VISION = ("vision_config", "visual", "vit_config", "vision_tower", "mm_vision_tower")
_TOKENS = ("tokenizer", "tekken", "spiece", "vocab", "merges", "sentencepiece")
_FILES = {
    "tokenizer": "tokenizer.json", "chat_template": "chat_template.jinja", "processor": "preprocessor_config.json",
}  # fmt: skip
_SAID = {
    "tokenizer": "has no tokenizer, and the server needs one to start",
    "chat_template": "has no chat template, so requests to `/v1/chat/completions` may fail or be misformatted",
    "processor": "accepts images but has no image processor configuration",
}


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each kind of file; nothing where there are no weights either."""
    model: Model = present(case.facts, "model", Model)
    if bare(model) and model.source == "folder":
        yield NotApplicable("only the configuration is available")
        return
    for problem in model.problems:
        if problem.message == BARRED and problem.path != "config.json":
            yield _barred(rule, model, problem.path)
    for kind, message in _SAID.items():
        there = getattr(model, kind)
        if kind == "processor" and (model.code or not any(key in model.config for key in _VISION)):
            continue  # code of the model's own may prepare pictures itself
        if kind == "chat_template" and _of_the_engine(model):
            continue
        if there is None:
            yield Open(f"it is unknown whether the model has a {kind.replace('_', ' ')}")
        elif not there:
            yield rule.finding(
                f"`{model.named or model.path}` {message}", key=kind,
                severity="note" if kind == "chat_template" else "warning", location=file(model, _FILES[kind]),
                evidence=[Evidence(_FILES[kind], "not there", "there", model.path)],
                remediations=[_copy(kind)],
            )  # fmt: skip


def _barred(rule: Rule, model: Model, name: str) -> Finding:
    """A file that is there and that this user may not read: whoever opens it gets Python's PermissionError."""
    return rule.finding(
        f"`{name}` of `{model.named or model.path}` {BARRED}, and the server opens it when it starts",
        key=name, severity="error" if name.startswith(_TOKENS) else "warning", location=file(model, name),
        evidence=[Evidence(name, BARRED, "readable", model.path)], remediations=[readable(f"{model.path}/{name}")],
    )  # fmt: skip


def _of_the_engine(model: Model) -> bool:
    """Models from before chat templates: the engines carry theirs, as code of their own."""
    return model.code is not None and "AutoTokenizer" in model.code.classes


def _copy(kind: str) -> Remediation:
    text = f"copy the {kind.replace('_', ' ')}'s files (such as `{_FILES[kind]}`) from the original model"
    return Remediation(text, (Action("manual", text=text),), "manual")


RULE = Rule(code="MDL003", name="companion-files-missing", severity="warning", check=check, needs=("model",))
