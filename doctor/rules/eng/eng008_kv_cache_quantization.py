"""The KV cache cannot be stored in the format that the command requests.

A smaller KV cache leaves room for more tokens: LMDeploy stores it in 8 or 4 bits with `--quant-policy`, vLLM and SGLang
in FP8 with `--kv-cache-dtype`. Not every backend supports this for every model. LMDeploy's TurboMind rejects the FP8
policies 16 and 17 that its PyTorch engine has had since 0.13.0, and its documentation excludes models whose heads are
not 128 wide; for its PyTorch engine the documentation excludes Qwen2.5-VL and Qwen3-VL (INT8 and INT4) and Qwen2-VL
(INT4). What the documentation says is reported as a warning, since it lags behind the code.

What to do: drop the option, or use the policy that works or the other backend. Fewer tokens (`--session-len`,
`--max-model-len`) save memory, too.
"""

from __future__ import annotations

from collections.abc import Iterator

from packaging.specifiers import SpecifierSet

from doctor.derived.case import Case
from doctor.derived.engine import Chosen
from doctor.derived.quantization.served import weakest_device
from doctor.facts import Facts, Model
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.launch.options import option
from doctor.matrix.models.turbomind import nested, served_by
from doctor.rules.rule import Rule, Verdict

FLAG = "--quant-policy"
FLOAT, NONE = ("16", "17"), ("", "0", "none")
ASSERTED = "messages.py of lmdeploy 0.14.0 and 0.18.0: `invalid quant_policy for TurboMind, FP8 ... is not supported`"
WIDE = "lmdeploy's documentation, supported_models.md: TurboMind's KV cache in 4 or 8 bits needs a head_dim of 128"
TABLE = "lmdeploy's documentation, supported_models.md: the columns KV INT8 and KV INT4 of the PyTorch engine"
EXCLUDED = {
    "Qwen2VLForConditionalGeneration": ("4",),
    "Qwen2_5_VLForConditionalGeneration": ("4", "8"),
    "Qwen3VLForConditionalGeneration": ("4", "8"),
    "Qwen3VLMoeForConditionalGeneration": ("4", "8"),
}
FP8_ARITHMETIC = (8, 9)
KINDS = ("decisions", "architectures.turbomind", "architectures.pytorch")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for LMDeploy; for the others it is open where a GPU has no FP8 arithmetic."""
    facts = case.facts
    policy, stored = (option(facts, FLAG) or "").lower(), option(facts, "--kv-cache-dtype")
    if policy in NONE and stored in (None, "", "auto"):
        yield NotApplicable("the command does not request a smaller KV cache")
        return
    for chosen in case.engine:
        if chosen.data.backends and policy not in NONE:
            yield from _lmdeploy(rule, facts, chosen, _number(chosen, policy))
        elif chosen.has("fp8_cache") and (stored or "").startswith("fp8"):
            device = weakest_device(facts)
            if device is not None and device.capability < FP8_ARITHMETIC and stored != "fp8_e5m2":
                yield Open(f"whether {chosen.shown} stores its KV cache as `{stored}` on a GPU below 8.9 hangs on the "
                           "attention backend that it takes; `fp8_e5m2` needs no FP8 arithmetic")  # fmt: skip


def _number(chosen: Chosen, policy: str) -> str:
    """The policy as a number: later releases take names such as `int8` too."""
    names = {str(n).lower(): v for v, n in chosen.table("kv_cache").items()}
    return names.get("fp8" if policy == "fp8_e4m3" else policy, policy)


def _lmdeploy(rule: Rule, facts: Facts, chosen: Chosen, policy: str) -> Iterator[Verdict]:
    model = facts.model if isinstance(facts.model, Model) else None
    turbomind = _turbomind(facts, chosen, model)
    if turbomind is None:
        yield Open("which backend LMDeploy takes is not known, and with it what it does with the KV cache")
    elif turbomind and policy in FLOAT:
        if SpecifierSet(">=0.13.0").contains(chosen.version, prereleases=True):
            text = f"`{FLAG} {policy}` requests an FP8 KV cache, which `{chosen.shown}` rejects with turbomind"
            ways = [_set(FLAG, "8"), _set("--backend", "pytorch")]
            yield _finding(rule, chosen, policy, text, ASSERTED, ways)
    elif turbomind and policy in ("4", "8") and (width := _width(model)) not in (None, 128):
        text = f"`{FLAG} {policy}` needs heads of 128 with turbomind, but this model's are {width} wide"
        yield _finding(rule, chosen, policy, text, WIDE, [_set(FLAG, "0")])
    elif not turbomind and model and policy in EXCLUDED.get(next(iter(model.architectures), ""), ()):
        text = f"`{FLAG} {policy}` is not supported for `{model.architectures[0]}` by the pytorch backend of `lmdeploy`"
        better = "8" if "8" not in EXCLUDED[model.architectures[0]] else "0"
        yield _finding(rule, chosen, policy, text, TABLE, [_set(FLAG, better)])


def _turbomind(facts: Facts, chosen: Chosen, model: Model | None) -> bool | None:
    """Whether TurboMind serves; None where that cannot be told."""
    if option(facts, "--backend") == "pytorch":
        return False
    if model is None or not model.architectures:
        return None
    method = model.quantization.method if model.quantization else None
    return served_by(chosen.row(*KINDS), model.architectures[0], model.config, method)


def _width(model: Model | None) -> int | None:
    """How wide a head is, from the language model's part of the configuration."""
    config = model.config if model else {}
    text = next((config[k] for k in ("text_config", "llm_config") if isinstance(config.get(k), dict)), config)
    told = nested({"head_dim": text.get("head_dim")}, "head_dim")
    if isinstance(told, int) and not isinstance(told, bool):
        return told
    hidden, heads = text.get("hidden_size"), text.get("num_attention_heads")
    return hidden // heads if isinstance(hidden, int) and isinstance(heads, int) and heads > 0 else None


def _set(name: str, value: str) -> Remediation:
    action = Action("set_argument", name=name, value=None if value == "0" else value)
    return Remediation(f"remove `{name}`" if value == "0" else f"use `{name} {value}`", (action,), "unsafe")


def _finding(
    rule: Rule, chosen: Chosen, policy: str, text: str, source: str, ways: list[Remediation]
) -> Finding:
    """An error where the engine itself asserts it; what its documentation says is no more than likely."""
    sure = source == ASSERTED
    return rule.finding(
        text, key=chosen.name, severity="error" if sure else "warning",
        confidence="high" if sure else "medium", location=Location("argument", FLAG),
        evidence=[Evidence(FLAG, policy, "another policy", source)], remediations=ways,
    )  # fmt: skip


RULE = Rule(
    code="ENG008", name="kv-cache-quantisation", severity="error", check=check, needs=("launch", "distributions")
)  # fmt: skip
