"""The data type of the launch does not work with the kernels for these quantized weights.

Kernels for quantized weights support certain types only, and the engines check: vLLM and SGLang exit if `--dtype`, or
the type that the checkpoint states, is not supported by the method. Many AWQ checkpoints state `bfloat16`, which the
plain AWQ kernels do not support. Marlin does, and the engine picks it automatically unless `--quantization awq` forbids
that. LMDeploy's TurboMind computes AWQ and GPTQ in float16 regardless of `--dtype`. The types that each method supports
are read from the release.

vLLM also rejects `--dtype float16` for types of models that are numerically unstable in it, such as Gemma 2 and 3.

What to do: drop `--quantization`, since the checkpoint names its own method, or set `--dtype` to one of the listed
types.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.asked import SOURCE, Asked
from doctor.derived.case import Case
from doctor.derived.model_files import SHORT, served_model, stated_dtype
from doctor.derived.option_findings import argument, shown
from doctor.derived.quantization.served import family
from doctor.facts import Model
from doctor.findings import Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.matrix import rows
from doctor.matrix.refusals import DtypeRefusal, holds_for, refusals
from doctor.rules.rule import Rule, Verdict

NEWER = {"awq": "awq_marlin", "gptq": "gptq_marlin"}


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A finding where the type is not among those that the method computes in."""
    found, model = case.asked, served_model(case.facts)
    if not isinstance(found, Asked):
        yield found
        return
    given, method = found.value("--dtype") or "auto", (found.value("--quantization") or "").lower()
    if given == "auto" and not method:
        yield NotApplicable("neither a data type nor a quantization method is set")
        return
    if not isinstance(model, Model):
        yield Open(f"how the model is quantized is unknown: {model.reason}")
        return
    refused = _refused(found, model, SHORT.get(given, given))
    if refused is not None:
        yield _type_refuses(rule, found, model, given, refused)
        return
    own = model.quantization.method.lower() if model.quantization else ""
    dtype = SHORT.get(given, given) if given != "auto" else stated_dtype(model.config)
    if found.has("dtype_of_backend"):
        yield from _lmdeploy(rule, found, SHORT.get(given, given), own)
    elif not own or (method and family(method) != family(own)):
        yield NotApplicable("the model is not quantized" if not own else "the method does not match the checkpoint's")
    elif dtype is None:
        yield Open("the data type of the model is not known")
    else:
        yield from _method(rule, found, method or own, dtype, bool(method))


def _refused(asked: Asked, model: Model, dtype: str) -> DtypeRefusal | None:
    """The row that says that the release refuses this type for the model's type."""
    rows_ = (r for r in refusals().dtypes if r.engine == asked.engine and r.dtype == dtype)
    return next((r for r in rows_ if model.model_type in r.types and holds_for(r.releases, asked.version)), None)


def _type_refuses(rule: Rule, asked: Asked, model: Model, given: str, row: DtypeRefusal) -> Finding:
    name = shown(given, 40)
    return rule.finding(
        f"{asked.shown} rejects `--dtype {name}` for models of type `{model.model_type}`, which are numerically "
        "unstable in it",
        key="--dtype", location=Location("argument", "--dtype"),
        evidence=[Evidence("--dtype", name, "bfloat16 or float32", f"{asked.shown}: {row.source}")],
        remediations=[
            Remediation("use `--dtype bfloat16`", (argument("--dtype", "bfloat16"),), "safe"),
            Remediation("remove `--dtype`", (argument("--dtype", None),), "safe"),
        ],
    )  # fmt: skip


def _method(rule: Rule, asked: Asked, method: str, dtype: str, named: bool) -> Iterator[Verdict]:
    """A method that is named is taken; else the engine chooses among kernels by the GPU: what none takes is wrong."""
    names = (method,) if named else (method, NEWER.get(method, method))
    found = [types for name in names if (types := _types(asked, name))]
    if not found:
        yield Open(f"the data types of `{shown(method, 60)}` in {asked.shown} are not in the data")
    elif not any(dtype in types for types in found):
        yield _finding(rule, asked, method, dtype, sorted({t for types in found for t in types}))


def _types(asked: Asked, method: str) -> list[str] | None:
    row = rows.row(asked.engine, asked.version, "quantization.default") or {}
    found = row.get("quantization.default", {}).get(method)
    types = found.get("activation_dtypes") if isinstance(found, dict) else None
    return [SHORT.get(t, t) for t in types] if types else None


def _finding(rule: Rule, asked: Asked, method: str, dtype: str, types: list[str]) -> Finding:
    given, named = asked.value("--dtype") or "auto", bool(asked.value("--quantization"))
    listed = " and ".join(f"`{t}`" for t in types)
    what = f"`--dtype {shown(given, 40)}`" if given != "auto" else f"`{dtype}`, the data type of the checkpoint,"
    kernels = f"`--quantization {shown(method, 60)}`" if named else f"a checkpoint quantized with `{shown(method, 60)}`"
    cast = Remediation(f"use `--dtype {types[0]}`", (argument("--dtype", types[0]),), "safe")
    ways = [Remediation("remove `--dtype`", (argument("--dtype", None),), "safe") if given != "auto" else cast]
    if named and given == "auto":
        drop = (argument("--quantization", None),)
        ways.insert(0, Remediation("remove `--quantization`: the checkpoint names its method itself", drop, "safe"))
    elif named:
        ways.insert(0, cast)
    return rule.finding(
        f"{what} conflicts with {kernels}: {asked.shown} supports only {listed} for it",
        key="--dtype", location=Location("argument", "--dtype" if given != "auto" else "--quantization"),
        evidence=[Evidence("data type", dtype, ", ".join(types), f"{asked.shown}: get_supported_act_dtypes")],
        remediations=ways,
    )  # fmt: skip


def _lmdeploy(rule: Rule, asked: Asked, dtype: str, own: str) -> Iterator[Verdict]:
    if own not in ("awq", "gptq") or dtype != "bfloat16" or asked.value("--backend") == "pytorch":
        yield NotApplicable("no data type is set that conflicts with the quantization")
        return
    yield rule.finding(
        f"`--dtype bfloat16` is ignored: TurboMind computes `{own}` weights in float16", key="--dtype",
        severity="warning", location=Location("argument", "--dtype"),
        evidence=[Evidence("--dtype", "bfloat16", "float16", f"{asked.shown}: {SOURCE}; its weight converter")],
        remediations=[Remediation("use `--dtype float16`", (argument("--dtype", "float16"),), "safe")],
    )  # fmt: skip


RULE = Rule(code="CMD006", name="dtype-conflict", severity="error", check=check, needs=("launch", "distributions"))
