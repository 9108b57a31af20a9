"""The launch command names a different quantization method than the model uses.

A checkpoint states its quantization method in its configuration, and the engines compare the two: vLLM and SGLang exit
with `Quantization method specified in the model config (compressed-tensors) does not match the quantization method
specified in the quantization argument (awq)`, LMDeploy with `mismatched quant method`. The repository name proves
nothing: many repositories named "AWQ-4bit" hold compressed-tensors. Nor can an option turn an unquantized checkpoint
into AWQ or GPTQ.

What to do: drop the option; the engine uses the method that the checkpoint states.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.asked import Asked
from doctor.derived.case import Case
from doctor.derived.model_files import served_model
from doctor.derived.option_findings import argument, shown
from doctor.derived.quantization.served import family
from doctor.facts import Model
from doctor.findings import Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.matrix import rows
from doctor.rules.rule import Rule, Verdict

# methods that read other checkpoints too, or decide for themselves
OPEN = ("moe_wna16", "humming", "ipex", "inc", "bitblas", "auto-round", "torchao", "experts_int8")
NEEDED = ("awq", "gptq", "compressed-tensors", "aqlm")  # not made of 16-bit weights while they are loaded


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A finding where option and checkpoint name different methods."""
    found, model = case.asked, served_model(case.facts)
    if not isinstance(found, Asked):
        yield found
        return
    option = found.data.option("quantization") or "the quantization"
    given = (found.value(option) or "").lower()
    if not given or given in ("none", "auto", "hf"):
        yield NotApplicable(f"`{option}` is not given")
        return
    if not isinstance(model, Model):
        yield Open(f"how the model is quantized is unknown: {model.reason}")
        return
    if given in OPEN:
        yield Open(f"`{given}` reads several checkpoint formats")
    elif (finding := _conflict(rule, found, model, option, given)) is not None:
        yield finding


def _conflict(rule: Rule, asked: Asked, model: Model, option: str, given: str) -> Finding | None:
    method = model.quantization.method.lower().replace("_", "-") if model.quantization else None
    if method is None:
        if family(given) not in NEEDED:
            return None
        message = f"`{option} {shown(given, 60)}` requires a checkpoint in that format, but this one is not quantized"
    elif given == method or _reads(asked, method, given):
        return None
    else:
        message = (
            f"`{option} {shown(given, 60)}` does not match the checkpoint, which is quantized with "
            f"`{shown(method, 60)}`, so {asked.shown} will not start"
        )  # fmt: skip
    source = model.quantization.source if model.quantization else "config.json"
    return rule.finding(
        message, key=option, location=Location("argument", option),
        evidence=[Evidence(f"quantization in {source}", method or "none", given, f"{shown(model.path)}/{source}")],
        remediations=[Remediation(f"remove `{option}`: {asked.engine} reads it from the checkpoint",
                                  (argument(option, None),), "safe")],
    )  # fmt: skip


def _reads(asked: Asked, method: str, given: str) -> bool:
    """Whether the release takes a checkpoint of `method` for what is asked: by another name, or whatever is asked."""
    own = family(method)
    if _taken_over(asked, method, own):
        return True
    same = family(given) == own or given in asked.data.other_methods.get(own, ())
    return same and not asked.has("compares_methods_by_name")


def _taken_over(asked: Asked, *methods: str) -> bool:
    """Whether the release takes such a checkpoint whatever the option says: `override_quantization_method`."""
    row = rows.row(asked.engine, asked.version, "quantization.default") or {}
    known = row.get("quantization.default", {})
    names = [n for n in known if n.replace("_", "-") in methods or family(n) in methods]
    return bool(names) and all((known[n] or {}).get("overrides") for n in names)


RULE = Rule(
    code="CMD005", name="quantization-conflict", severity="error", check=check, needs=("launch", "distributions")
)
