"""Tensors of a checkpoint that the model's class does not have: another layout, class or family, or an adapter."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.explain.context import Digest
from doctor.explain.matching import Candidate
from doctor.explain.refine.refined import Refined, install, manual
from doctor.matrix.engines import serving_engines

_STATE_DICT = late_pattern(r"loading state_dict for (?P<name>\w{1,80}(?:ForConditionalGeneration|ForCausalLM|Model))\b")


def weight_name(candidate: Candidate, digest: Digest) -> Refined:
    """For the groups `key`, `name` or `param`: a tensor that does not fit the engine's class; the engine is named."""
    groups = candidate.match.groupdict()
    tensor = groups.get("key") or groups.get("name") or groups.get("param") or ""
    engine = digest.engine if digest.engine in serving_engines() else ""
    have = digest.version(engine) if engine else None
    who = f"{engine} {have}" if have else (engine or "the program")
    newer = f"upgrade {engine} to a release that supports this checkpoint"
    ways = [install(engine, "upgrade", title=newer)] if engine else []
    wrong = _other_class(candidate, digest)
    if wrong is not None:
        return wrong
    if tensor.split(".")[0] == "base_model" or "lora" in tensor:
        return _adapter(tensor)
    ways.append(manual("or use the original (unquantized, AWQ or GPTQ) checkpoint of the model"))
    named = f" (`{tensor}`)" if tensor else ""
    text = f"the checkpoint's tensors do not match the model class of {who}{named}: the release is too old for this "
    return Refined(f"{text}checkpoint or its quantization, or the checkpoint has another layout", tuple(ways))


def _adapter(tensor: str) -> Refined:
    """A folder that PEFT saved: its tensors are named after the wrapper around the model."""
    return Refined(
        f"the checkpoint is a LoRA (PEFT) model whose adapter was never merged: its tensors are named `{tensor}`",
        (
            manual("merge the adapter (merge_and_unload(), then save_pretrained) and serve the merged folder"),
            manual("or serve the base model and load the adapter with --enable-lora --lora-modules NAME=PATH"),
        ),
    )


def _other_class(candidate: Candidate, digest: Digest) -> Refined | None:
    """`size mismatch` where a program loads a checkpoint into a class that it names: it may be another one's."""
    param = candidate.match.groupdict().get("param")
    trace = candidate.line.trace
    said = _STATE_DICT.search(f"{trace.message}\n{candidate.line.text}" if trace else candidate.line.text)
    if param is None or said is None or digest.engine in serving_engines():
        return None
    name = said["name"]
    return Refined(
        f"the checkpoint's tensors do not have the shapes of `{name}` (`{param}`): it belongs to another class, or "
        "config.json to another checkpoint",
        (
            manual("load it with the class that its config.json names under `architectures`, or with an Auto class "
                   "such as AutoModelForImageTextToText; a later family has a class of its own"),
            manual("or, if the class is right, get config.json and the weights of the same checkpoint again"),
        ),
    )  # fmt: skip
