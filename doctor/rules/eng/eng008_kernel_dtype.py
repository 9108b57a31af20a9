"""The kernels that the launch command asks for compute in float16 only, and the model would run in bfloat16.

AWQ and GPTQ have two kernels in vLLM and SGLang: the plain ones, which compute in float16 alone, and Marlin, which
takes bfloat16 too and is chosen by itself on GPUs from 8.0 on. `--quantization awq` forbids that choice. Many
checkpoints (Qwen2.5-VL-7B-Instruct-AWQ) still say bfloat16 in config.json, and the engine stops with `torch.bfloat16 is
not supported for quantization method awq. Supported dtypes: [torch.float16]`.

What to do: leave `--quantization` out, since the checkpoint names its method itself, or give `--dtype float16`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.facts import Facts, Model
from doctor.findings import Action, Evidence, Finding, Location, Remediation
from doctor.matrix.quantization import spelled
from doctor.matrix.turbomind import nested
from doctor.rules.arguments import option
from doctor.rules.eng.common import SOURCE, Chosen, engines
from doctor.rules.rule import NotApplicable, Rule, Verdict, present

AUTO = (None, "", "auto")


def check(rule: Rule, facts: Facts) -> Iterator[Verdict]:
    """One finding where the method named on the command line does not take the data type."""
    model: Model = present(facts, "model", Model)
    told = option(facts, "--quantization", "-q")
    if not told or model.quantization is None:
        yield NotApplicable("`--quantization` does not name a method for a quantised model")
        return
    given = option(facts, "--dtype")
    written = nested(model.config, "torch_dtype") or nested(model.config, "dtype")
    dtype = written if given in AUTO else given
    for chosen in engines(facts, "quantization.default"):
        taken = (chosen.row or {}).get("quantization.default", {})
        name = spelled(taken, told)
        known = taken[name].get("activation_dtypes") if name else None
        if name and known and isinstance(dtype, str) and dtype in ("bfloat16", "float16") and dtype not in known:
            yield _finding(rule, facts, chosen, name, dtype, known, given not in AUTO)


def _finding(
    rule: Rule, facts: Facts, chosen: Chosen, name: str, dtype: str, known: list[str], forced: bool
) -> Finding:
    where = f"`--dtype {dtype}`" if forced else f"`{dtype}` in config.json"
    drop = Remediation(
        "leave out `--quantization`: the checkpoint names its method itself",
        (Action("set_argument", name="--quantization", value=None),), "safe",
    )  # fmt: skip
    cast = Remediation(
        f"Use `--dtype {known[0]}`", (Action("set_argument", name="--dtype", value=known[0]),), "unsafe"
    )
    taken = " or ".join(f"`{k}`" for k in known)
    source = f"{chosen.shown}; get_supported_act_dtypes, {SOURCE}"
    return rule.finding(
        f"`--quantization {name}` of `{chosen.shown}` computes in {taken}, but the model would run in {where}",
        key=f"{chosen.name}:{name}", location=Location("argument", "--quantization"),
        evidence=[Evidence("data type", dtype, taken, source)], causes=["CMD005:--quantization"],
        remediations=[cast, drop] if forced else [drop, cast],
    )  # fmt: skip


RULE = Rule(code="ENG008", name="kernel-dtype", severity="error", check=check, needs=("model", "launch"))
