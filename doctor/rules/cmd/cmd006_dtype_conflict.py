"""The data type of the launch does not go with the quantisation.

Kernels for quantised weights compute in certain types only. vLLM and SGLang stop where `--dtype`, or the type that the
checkpoint states, is not among those of the method: its plain AWQ kernels know `float16` alone, and many AWQ
checkpoints state `bfloat16`. LMDeploy's TurboMind goes on in float16, whatever `--dtype` says. Which types a method has
is read out of the release.

What to do: set `--dtype float16`, or leave `--quantization` out, so that the engine takes its newer kernels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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
    stated = _stated(model.config) if isinstance(model, Model) else None
    dtype = SHORT.get(given, given) if given != "auto" else stated
    method = (found.value("--quantization") or "").lower()
    own = model.quantization.method.lower() if isinstance(model, Model) and model.quantization else ""
    if found.engine == "lmdeploy":
        yield from _lmdeploy(rule, found, SHORT.get(given, given), own)
        return
    if not (method or own):
        yield NotApplicable("nothing is quantised")
        return
    if dtype is None:
        yield Open("the data type of the model is not known") if method else NotApplicable("no data type is named")
        return
    yield from _method(rule, found, method, own, dtype, given)


def _method(rule: Rule, asked: Asked, method: str, own: str, dtype: str, given: str) -> Iterator[Verdict]:
    """Without the option, the engine chooses among kernels by the GPU: the newest that it may choose is judged."""
    chosen = method or NEWER.get(own, own)
    types = _types(asked, chosen)
    if types is None:
        yield Open(f"the data types of `{shown(chosen, 60)}` in {asked.shown} are not in the data")
    elif dtype not in types:
        yield _finding(rule, asked, chosen, dtype, types, given, bool(method))


def _types(asked: Asked, method: str) -> list[str] | None:
    row = rows.row(asked.engine, asked.version, "quantization.default") or {}
    found = row.get("quantization.default", {}).get(method)
    types = found.get("activation_dtypes") if isinstance(found, dict) else None
    return [SHORT.get(t, t) for t in types] if types else None


def _finding(
    rule: Rule, asked: Asked, method: str, dtype: str, types: list[str], given: str, named: bool
) -> Finding:
    where = f"`--dtype {shown(given, 40)}`" if given != "auto" else f"`{dtype}`, the type of the checkpoint,"
    listed = " and ".join(f"`{t}`" for t in types)
    best = "float16" if "float16" in types else types[0]
    ways = [Remediation(f"use `--dtype {best}`", (argument("--dtype", best),), "safe")]
    if named and NEWER.get(method):
        title = "leave `--quantization` out: the engine may then take kernels that know the type"
        ways.append(Remediation(title, (argument("--quantization", None),), "unsafe"))
    return rule.finding(
        f"{where} does not go with the quantisation `{shown(method, 60)}`: {asked.shown} computes it in {listed} only",
        key="--dtype", location=Location("argument", "--dtype"),
        evidence=[Evidence("data type", dtype, ", ".join(types), f"{asked.shown}: get_supported_act_dtypes in its wheel")],
        remediations=ways,
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


def _stated(config: dict[str, Any]) -> str | None:
    places = (config, *(config[k] for k in ("text_config", "llm_config") if isinstance(config.get(k), dict)))
    for place in places:
        for key in ("dtype", "torch_dtype"):
            if isinstance(place.get(key), str):
                return SHORT.get(place[key], str(place[key]))
    return None


RULE = Rule(code="CMD006", name="dtype-conflict", severity="error", check=check, needs=("launch", "distributions"))
