"""The model's attention heads or quantized layers cannot be split evenly across the GPUs.

Tensor parallelism gives every GPU the same number of heads. A model with 28 heads can be split across 2, 4, 7 or 14
GPUs, but not 3 or 8: vLLM exits with `Total number of attention heads must be divisible by tensor parallel size`,
SGLang and LMDeploy with an assertion. Key and value heads are repeated if there are fewer of them than GPUs, but one
number must divide the other. vLLM splits the vision tower in the same way unless `--mm-encoder-tp-mode data` is set.
FP8 weights with one scale for each block of 128 rows cannot be split inside a block: experts 768 wide cannot be split
across 4 GPUs (`The output_size of gate's and up's weight = 192 is not divisible by weight quantization block_n = 128`).
Neither can AWQ weights with one scale for each group of 128 inputs: layers 29568 wide across 8 GPUs end in `The input
size is not aligned with the quantized weight shape. This can be caused by too large tensor parallel size`.

What to do: use a number of GPUs that divides the number of heads.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.asked import Asked
from doctor.derived.case import Case
from doctor.derived.memory.parallel import enough
from doctor.derived.model_files import served_model
from doctor.derived.option_findings import argument, shown
from doctor.derived.shards import Shards, left_over, undecided
from doctor.facts import Model
from doctor.findings import Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.memory.attention import attention
from doctor.memory.layout import layout
from doctor.rules.rule import Rule, Verdict

# options under which the heads are shared otherwise
OTHERWISE = ("--enable-dp-attention", "--dp", "--data-parallel-size", "--dp-size", "--cp", "--enable-expert-parallel",
             "--attn-cp-size", "--attn-dp-size", "--attention-context-parallel-size")  # fmt: skip


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A finding where heads would be left over."""
    found, model = case.asked, served_model(case.facts)
    if not isinstance(found, Asked):
        yield found
        return
    name, many = _parallel(found)
    if many is None and name:
        yield Open(f"across how many GPUs `{name}` splits the model is not known")
        return
    if many is None or many < 2:
        yield NotApplicable("only one GPU is used")
        return
    if not isinstance(model, Model):
        yield Open(f"how many attention heads the model has is unknown: {model.reason}")
        return
    found_layout = layout(model.config, model.model_type)
    shape = attention(found_layout) if found_layout else None
    if found_layout is None or shape is None:
        yield Open("the model's configuration does not say how many attention heads it has")
    elif not found.has("heads_by_tensor_parallel") and any(found.value(o) not in (None, "1") for o in OTHERWISE):
        yield Open("other options split the heads across fewer GPUs than `--tp` says")
    else:
        parts = Shards(found, model, found_layout, shape)
        if trouble := left_over(parts, many):
            fitting = [n for n in range(1, 65) if left_over(parts, n) is None]
            yield _finding(rule, found, name, many, trouble, (fitting, enough(case, many, fitting)))
        elif why := undecided(parts, many):
            yield Open(why)


def _parallel(asked: Asked) -> tuple[str, int | None]:
    for name in asked.data.names("tensor_parallel"):
        value = asked.value(name)
        if value is not None:
            return name, int(value) if value.isdigit() and len(value) < 5 else None
    return "", None


def _finding(
    rule: Rule, asked: Asked, name: str, many: int, trouble: str, found: tuple[list[int], int]
) -> Finding:  # fmt: skip
    """`found` are the numbers that divide, and the one to use."""
    fitting, best = found
    step = Remediation(f"use `{name} {best}`", (argument(name, str(best)),), "safe")
    return rule.finding(
        f"`{name} {many}` does not evenly divide {trouble}, so {asked.shown} will not start",
        key=name, location=Location("argument", name),
        evidence=[Evidence(name, str(many), f"one of {', '.join(map(str, fitting[:8]))}", shown(trouble))],
        remediations=[step],
    )  # fmt: skip


RULE = Rule(code="CMD008", name="heads-not-divisible", severity="error", check=check, needs=("launch", "distributions"))
