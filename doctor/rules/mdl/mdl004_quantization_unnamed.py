"""The configuration describes a quantization but does not name its method.

`quantization_config` needs the key `quant_method` (`awq`, `gptq`, `fp8`, `compressed-tensors`), from which engines
choose the code that reads the weights. Without it, transformers exits with `The model's quantization config from the
arguments has no quant_method attribute`; engines that do not exit treat the weights as unquantized and fail when the
tensors do not fit. The blocks look alike, so a tool that rewrites config.json easily loses the key.

What to do: put the key back with the method of the program that wrote the weights, or download config.json again.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.known_model import is_of_family_alone
from doctor.derived.model_files import file
from doctor.facts import Model, present
from doctor.findings import Action, Evidence, NotApplicable, Open, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A finding where a block is there and names no method."""
    model: Model = present(case.facts, "model", Model)
    found = model.quantization
    if is_of_family_alone(model):
        yield Open(f"how the weights of `{model.path}` are stored is not known")
        return
    if found is None or found.method:
        if found is None:
            yield NotApplicable("the weights are not quantized")
        return
    likely = "compressed-tensors" if found.groups and "config_groups" in _keys(model) else None
    guess = f"; its `config_groups` are those of `{likely}`" if likely else ""
    text = f'add `"quant_method": "{likely}"`' if likely else "add `quant_method` with the method of the weights"
    text += f" to `quantization_config` in `{found.source}`"
    yield rule.finding(
        f"`quantization_config` in `{found.source}` does not name its `quant_method`{guess}",
        key="quant_method", confidence="medium", location=file(model, found.source),
        evidence=[Evidence("quant_method", "not there", "the method of the weights", found.source)],
        remediations=[Remediation(text, (Action("manual", text=text),), "manual")],
    )  # fmt: skip


def _keys(model: Model) -> set[str]:
    blocks = (model.config.get(part) for part in ("text_config", "llm_config"))
    places = (model.config, *(b for b in blocks if isinstance(b, dict)))
    found = (place.get("quantization_config") for place in places)
    return {key for block in found if isinstance(block, dict) for key in block}


RULE = Rule(code="MDL004", name="quantization-unnamed", severity="warning", check=check, needs=("model",))
