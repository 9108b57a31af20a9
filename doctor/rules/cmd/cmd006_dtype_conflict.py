"""`--dtype` names a data type in which the quantised weights of this model are not computed.

Kernels for quantised weights know certain types only, and the engines compare: vLLM and SGLang stop where `--dtype` is
not among those of the method that the checkpoint names. LMDeploy's TurboMind computes AWQ and GPTQ in float16, whatever
`--dtype` says. Which types a method has is read out of the release. Where `--quantization` is given too, ENG008 judges.

What to do: set `--dtype` to one of the types that are listed, or leave it out.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.facts import Facts, Model
from doctor.findings import Evidence, Finding, Location, Remediation
from doctor.matrix import rows
from doctor.rules.cmd.common import SOURCE, Asked, argument, asked, shown, the_model
from doctor.rules.rule import NotApplicable, Open, Rule, Verdict

SHORT = {"half": "float16", "float": "float32", "fp16": "float16", "bf16": "bfloat16", "torch.float16": "float16",
         "torch.bfloat16": "bfloat16", "torch.float32": "float32", "torch.half": "float16"}  # fmt: skip
NEWER = {"awq": "awq_marlin", "gptq": "gptq_marlin"}


def check(rule: Rule, facts: Facts) -> Iterator[Verdict]:
    """A finding where the type is not among those that the method computes in."""
    found, model = asked(facts), the_model(facts)
    if not isinstance(found, Asked):
        yield found
        return
    given = found.value("--dtype") or "auto"
    if given == "auto" or found.value("--quantization"):
        yield NotApplicable("no data type is named, or a method beside it")
        return
    if not isinstance(model, Model):
        yield Open(f"how the model is quantised is not known: {model.reason}")
        return
    own, dtype = model.quantization.method.lower() if model.quantization else "", SHORT.get(given, given)
    if found.engine == "lmdeploy":
        yield from _lmdeploy(rule, found, dtype, own)
    elif not own:
        yield NotApplicable("nothing is quantised")
    else:
        yield from _method(rule, found, own, dtype, given)


def _method(rule: Rule, asked: Asked, own: str, dtype: str, given: str) -> Iterator[Verdict]:
    """The engine chooses among kernels by the GPU: what none of them takes is wrong."""
    found = [types for name in (own, NEWER.get(own, own)) if (types := _types(asked, name))]
    if not found:
        yield Open(f"the data types of `{shown(own, 60)}` in {asked.shown} are not in the data")
    elif not any(dtype in types for types in found):
        yield _finding(rule, asked, own, dtype, sorted({t for types in found for t in types}), given)


def _types(asked: Asked, method: str) -> list[str] | None:
    row = rows.row(asked.engine, asked.version, "quantization.default") or {}
    found = row.get("quantization.default", {}).get(method)
    types = found.get("activation_dtypes") if isinstance(found, dict) else None
    return [SHORT.get(t, t) for t in types] if types else None


def _finding(rule: Rule, asked: Asked, method: str, dtype: str, types: list[str], given: str) -> Finding:
    listed = " and ".join(f"`{t}`" for t in types)
    drop = Remediation("leave `--dtype` out", (argument("--dtype", None),), "safe")
    return rule.finding(
        f"`--dtype {shown(given, 40)}` does not go with a checkpoint quantised by `{shown(method, 60)}`: {asked.shown} "
        f"computes it in {listed} only",
        key="--dtype", location=Location("argument", "--dtype"),
        evidence=[Evidence("--dtype", dtype, ", ".join(types), f"{asked.shown}: get_supported_act_dtypes")],
        remediations=[drop],
    )  # fmt: skip


def _lmdeploy(rule: Rule, asked: Asked, dtype: str, own: str) -> Iterator[Verdict]:
    if own not in ("awq", "gptq") or dtype != "bfloat16" or asked.value("--backend") == "pytorch":
        yield NotApplicable("no data type is named that the quantisation would not have")
        return
    yield rule.finding(
        f"`--dtype bfloat16` is set aside: TurboMind computes `{own}` weights in float16", key="--dtype",
        severity="warning", location=Location("argument", "--dtype"),
        evidence=[Evidence("--dtype", "bfloat16", "float16", f"{asked.shown}: {SOURCE}; its weight converter")],
        remediations=[Remediation("use `--dtype float16`", (argument("--dtype", "float16"),), "safe")],
    )  # fmt: skip


RULE = Rule(code="CMD006", name="dtype-conflict", severity="error", check=check, needs=("launch", "distributions"))
