"""The launch command requests a longer context than the model was made for.

Positions beyond those that a model was trained on produce nonsense or read outside of tables. vLLM exits
(`User-specified max_model_len is greater than the derived max_model_len`) unless `VLLM_ALLOW_LONG_MAX_MODEL_LEN=1` is
set; SGLang since 0.5.1 exits unless `SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN=1` is set; LMDeploy continues, and its
answers get worse.

What to do: request at most the context that the model has, or set up the position scaling that its model card
describes.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.asked import Asked
from doctor.derived.case import Case
from doctor.derived.memory.parallel import longest_here
from doctor.derived.model_files import served_model
from doctor.derived.option_findings import argument, shown
from doctor.facts import Model
from doctor.findings import Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.memory.attention import longest
from doctor.memory.layout import layout
from doctor.rules.rule import Rule, Verdict

OVERRIDES = ("--hf-overrides", "--rope-scaling", "--json-model-override-args", "--rope-scaling-factor")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A finding where the context asked for is longer than the model's."""
    found, model = case.asked, served_model(case.facts)
    if not isinstance(found, Asked):
        yield found
        return
    option = found.data.option("context") or "the context"
    wanted = tokens(found.value(option))
    if wanted is None:
        yield NotApplicable(f"`{option}` is not given as a number")
        return
    if not isinstance(model, Model):
        yield Open(f"how long a context the model has is not known: {model.reason}")
        return
    shape = layout(model.config, model.model_type)
    most = longest(shape) if shape else 0
    other = model.config.get("model_max_length")
    most = max(most, other) if isinstance(other, int) and found.has("reads_model_max_length") else most
    changed = next((o for o in OVERRIDES if found.value(o) is not None), None)
    if not most or changed:
        yield Open(f"`{changed}` changes the model's positions" if changed else "the model states no longest context")
    elif wanted > most:
        yield _finding(rule, found, (option, wanted, most), longest_here(case, most), model)


def _finding(rule: Rule, asked: Asked, given: tuple[str, int, int], fits: int, model: Model) -> Finding:
    """`given` are the option, what it asks for, and the most that the model has; `fits` is what this machine has room
    for."""
    option, wanted, most = given
    stops = _stops(asked)
    then = f"{asked.shown} will not start" if stops else "answers beyond that are unreliable"
    why = ", the longest request that fits here" if fits < most else ""
    ways = [Remediation(f"use `{option} {fits}`{why}", (argument(option, str(fits)),), "safe" if stops else "unsafe")]
    return rule.finding(
        f"`{option} {wanted}` exceeds the model's context of {most:,} tokens: {then}", key=option,
        severity="error" if stops else "warning", location=Location("argument", option),
        evidence=[Evidence("longest context in config.json", str(most), f"at least {wanted}", shown(model.path))],
        remediations=ways,
    )  # fmt: skip


def _stops(asked: Asked) -> bool:
    """Whether the release refuses it, rather than warns."""
    variable = asked.data.variables.get("long_context")
    if variable is None or asked.launch.environ.get(variable, "").strip().lower() in ("1", "true", "yes"):
        return False
    return asked.has("stops_at_long_context")


def tokens(text: str | None) -> int | None:
    """A number of tokens as vLLM reads it (`8k` is 8000, `8K` 8192); None for anything else."""
    text = (text or "").strip()
    number, unit = (text[:-1], text[-1:]) if text[-1:] in "kKmM" and text else (text, "")
    scale = {"": 1, "k": 10**3, "K": 1 << 10, "m": 10**6, "M": 1 << 20}[unit]
    try:
        return int(float(number) * scale) if unit in "km" and unit else int(number) * scale
    except (ValueError, OverflowError):
        return None


RULE = Rule(code="CMD007", name="context-too-long", severity="error", check=check, needs=("launch", "distributions"))
