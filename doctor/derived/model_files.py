"""What a finding on a model's files is made of, and whether the files are here at all."""

from __future__ import annotations

from typing import Any

from doctor.base.quoting import quoted
from doctor.derived.known_model import is_of_family_alone
from doctor.facts import Facts, Model, Unavailable
from doctor.findings import Action, Location, NotApplicable, Open, Remediation

SHORT = {"half": "float16", "float": "float32", "fp16": "float16", "bf16": "bfloat16", "torch.float16": "float16",
         "torch.bfloat16": "bfloat16", "torch.float32": "float32", "torch.half": "float16"}  # fmt: skip


def file(model: Model, name: str, line: int | None = None) -> Location:
    """A file of the model."""
    return Location("file", model.named or model.path, name, line)


def bare(model: Model) -> bool:
    """A folder with configuration and without any weights: somebody asks about a model that is elsewhere."""
    weights = model.weights
    return isinstance(weights, Unavailable) or not weights.files


def stated_dtype(config: dict[str, Any]) -> str | None:
    """The data type that a configuration states, in any of its generations, such as `bfloat16`."""
    parts = (config, *(config[k] for k in ("text_config", "llm_config") if isinstance(config.get(k), dict)))
    found = next((p[k] for p in parts for k in ("dtype", "torch_dtype") if isinstance(p.get(k), str)), None)
    return SHORT.get(found, found) if found else None


def fetch_again(model: Model) -> Remediation:
    """The way to get whole files: from the hub where the model is named so, else by hand."""
    if model.source != "folder" and model.named:
        command = f"hf download {quoted(model.named)}"
        return Remediation(f"fetch the files again: `{command}`", (Action("manual", text=command),), "manual")
    text = "copy or download the model's files again"
    return Remediation(text, (Action("manual", text=text),), "manual")


def code_unread(model: Model) -> NotApplicable | Open:
    """Why a model has no code in the facts: it has none, or it is known by its name and its files were not read."""
    if model.source == "known" and model.remote_code:
        return Open(f"the Python files of `{model.path}` were not read")
    return NotApplicable("the model has no code")


def served_model(facts: Facts) -> Model | Open | NotApplicable:
    """The model that the command serves, or why it is not known."""
    if isinstance(facts.model, Model):
        alone = is_of_family_alone(facts.model)
        return Open(f"only the family of `{facts.model.path}` is known") if alone else facts.model
    if facts.model.reason == "not_requested":
        return NotApplicable("no model is named")
    return Open(facts.model.detail or "the model's configuration is not known")
