"""The model is not known, or not in the way it is asked for: model type, architecture, quantization, tokenizer."""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.explain.context import USUAL, Digest, packages_of
from doctor.explain.matching import Candidate
from doctor.explain.refine.history import releases_with, window_having
from doctor.explain.refine.refined import Refined, install, manual
from doctor.findings import Evidence, Remediation
from doctor.matrix.engines import serving_engines
from doctor.matrix.windows import Window

_SUFFIX = late_pattern(r"_(?:text|vision|audio|thinker|talker|moe_text)$")
_VISION = late_pattern(
    r"VL|Vision|Omni|Llava|InternVL|MiniCPMV|Paligemma|Mllama|Gemma3Config|Idefics|Glm4v|Pixtral|"
    r"Mistral3",
    re.I,
)
_DRAFT = late_pattern(r"Eagle|Medusa|MTP|Draft|MLPSpeculator", re.I)
_REMOTE = (
    "minicpmv",
    "minicpmo",
    "internvl_chat",
    "phi3_v",
    "deepseek_vl_v2",
    "kimi_vl",
    "qwen",
    "internlm",
    "baichuan",
    "chatglm",
)


def model_type(candidate: Candidate, digest: Digest) -> Refined:
    """For the group `type`: a `model_type` that transformers does not have."""
    kind = candidate.match.groupdict().get("type") or ""
    flat = kind.replace("_", "").replace("-", "").lower()
    if ".gguf" in digest.text.lower() or _is_gguf_name(kind, flat):
        return _gguf(kind)
    found = _known_type(kind, digest)
    have = digest.version("transformers")
    seen = f"the installed transformers {have}" if have else "the installed transformers"
    if kind in _REMOTE and found is None:
        return _remote(kind)
    if found is not None and have and found.direction is None:
        text = (
            f"`{kind}` should be known to transformers {have}, but the copy that was imported does not know it: "
            "it is older than the installed one"
        )
        return Refined(
            text,
            (
                install("transformers", "upgrade", found.having.spec()),
                manual("python -m pip show transformers, in the environment that runs"),
            ),
            confidence="medium",
        )
    text = f"{seen} is too old for the model type `{kind}`"
    text += f", which came with transformers {found.having.oldest}" if found else ": it predates this model"
    ways = [_to(found, "transformers")]
    if digest.engine in serving_engines():
        ways.append(
            install(digest.engine, "upgrade", title=f"and upgrade {digest.engine} to a release that supports the model")
        )
    return Refined(text, tuple(ways), evidence=_seen(found, f"model type {kind}"))


def _gguf(kind: str) -> Refined:
    return Refined(
        f"this is a GGUF file whose architecture name `{kind}` the installed transformers cannot map",
        (
            manual("use the safetensors checkpoint of the model (original or AWQ/GPTQ/FP8) instead of this GGUF file"),
            manual("or serve the GGUF file with llama.cpp"),
            install("transformers", "upgrade"),
        ),
    )


def _remote(kind: str) -> Refined:
    text = (
        f"the model type `{kind}` is not in any transformers release: the model includes its own code, "
        "which must be allowed"
    )
    return Refined(
        text,
        (
            manual(
                "start with --trust-remote-code (trust_remote_code=True), with the model's "
                "*.py files next to config.json"
            ),
            install("transformers", "upgrade"),
        ),
    )


def _to(found: Window | None, package: str) -> Remediation:
    """To a release that has it; where the data has none, to a newer one than is known."""
    return found.remediation() if found is not None and found.direction else install(package, "upgrade")


def _seen(found: Window | None, what: str) -> tuple[Evidence, ...]:
    return (found.evidence(what),) if found is not None else ()


def _is_gguf_name(kind: str, flat: str) -> bool:
    """GGUF writes `qwen3moe` where transformers has `qwen3_moe`."""
    from doctor.matrix import rows

    if "_" in kind or kind != flat:
        return False
    known = rows.keys("transformers", "model_types")
    return kind not in known and any(flat == k.replace("_", "") for k in known)


def _known_type(kind: str, digest: Digest) -> Window | None:
    """The transformers releases with the model type; a part of a model (`x_text`) came with the model or later."""
    for name in (kind, kind.replace("-", "_"), _SUFFIX.sub("", kind.replace("-", "_"))):
        found = window_having(digest, "transformers", "model_types", name)
        if found is not None:
            return found
    return None


def architecture(candidate: Candidate, digest: Digest) -> Refined:
    """For the group `arch` (or `archs`): an architecture the engine does not implement."""
    groups = candidate.match.groupdict()
    arch = (groups.get("arch") or "").strip("'\"[] ")
    engine = groups.get("engine") or candidate.crash.engine[0]
    engine = engine if engine != "any" else digest.engine or USUAL
    if _DRAFT.search(arch):
        return Refined(
            f"the draft model's architecture `{arch}` for speculative decoding is not implemented in {engine}",
            (manual("use a drafter that the engine supports (such as an EAGLE3 head), or drop --speculative-config"),),
        )
    found = window_having(digest, engine, "architectures", arch)
    have = digest.version(engine)
    if found is not None and found.direction == "downgrade":
        text = (
            f"`{arch}` was dropped from {engine} after {found.having.newest}: the installed release is too new for "
            "this model"
        )
        return Refined(
            text, (found.remediation(), manual("or use another engine or a newer model")), evidence=_seen(found, arch)
        )
    seen = f"{engine} {have}" if have else f"the installed {engine}"
    text = f"{seen} does not support the architecture `{arch}`: it is too old for this model or never implemented it"
    if found is not None:
        text = f"{seen} is too old for the architecture `{arch}`, which came with {engine} {found.having.oldest}"
    ways = [_to(found, engine)]
    other = "vLLM or transformers" if engine != USUAL else "another engine such as SGLang or transformers"
    ways.append(
        manual(f"or serve the model with {other}; a list of supported models is in the documentation of {engine}")
    )
    return Refined(text, tuple(ways), evidence=_seen(found, arch))


def quantization(candidate: Candidate, digest: Digest) -> Refined:
    """For the group `method`: a quantization method the engine refuses."""
    method = (candidate.match.groupdict().get("method") or "").strip("'\"")
    engine = candidate.crash.engine[0] if candidate.crash.engine[0] != "any" else digest.engine or USUAL
    found = window_having(digest, engine, "quantization", method)
    have = digest.version(engine)
    switch = manual("or use an AWQ, FP8 or unquantized checkpoint of the model, or another engine that reads this one")
    if found is not None and found.direction == "downgrade" and have:
        text = (
            f"{engine} dropped the quantization method `{method}` after {found.having.newest}: the installed release "
            "is too new"
        )
        return Refined(text, (found.remediation(), switch), evidence=_seen(found, method))
    seen = f"{engine} {have}" if have else f"the installed {engine}"
    text = f"{seen} does not know the quantization method `{method}`: it is too old for it"
    if found is not None:
        text += f" (supported from {engine} {found.having.oldest})"
    way = _to(found, engine) if have else install(engine, "upgrade", found.having.spec() if found else None)
    return Refined(text, (way, switch), evidence=_seen(found, method))


def tokenizer_class(candidate: Candidate, digest: Digest) -> Refined:
    """For the group `tokenizer`: a class that the checkpoint names and transformers does not have."""
    name = candidate.match.groupdict().get("tokenizer") or ""
    if name == "TokenizersBackend":
        ways = [install("transformers", "upgrade", ">=5")]
        if digest.engine in serving_engines():
            ways.append(
                install(digest.engine, "upgrade", title=f"with an {digest.engine} that works with transformers 5")
            )
        ways.append(
            manual("or set tokenizer_class in tokenizer_config.json to the real class, such as Qwen2TokenizerFast")
        )
        return Refined(
            "tokenizer_config.json was written by transformers 5 (`TokenizersBackend`): the installed "
            "transformers 4 is too old to load it",
            tuple(ways),
        )
    found = releases_with("transformers", "transformers", name)
    if found is not None and found.oldest:
        text = f"the installed transformers is too old for the tokenizer class `{name}`, which came with {found.oldest}"
        return Refined(
            text,
            (
                install("transformers", "upgrade", f">={found.oldest}"),
                manual("or correct tokenizer_class in tokenizer_config.json"),
            ),
        )
    file = f"tokenization_{name.removesuffix('Tokenizer').removesuffix('TokenizerFast').lower()}.py"
    return Refined(
        f"the tokenizer class `{name}` is a custom tokenizer, in the model's own remote code, which was not loaded",
        (
            manual("start with --trust-remote-code (trust_remote_code=True)"),
            manual(f"copy the tokenizer's code ({file}) from the original model next to tokenizer_config.json"),
            manual("or, if tokenizer_class in tokenizer_config.json is wrong, correct it or upgrade transformers"),
        ),
    )


def auto_class(candidate: Candidate, digest: Digest) -> Refined:
    """For the groups `config` and `auto`: a configuration that an Auto class does not take."""
    groups = candidate.match.groupdict()
    config, auto = groups.get("config") or "", groups.get("auto") or "AutoModel"
    base = config.rpartition(".")[2].removesuffix("Config")
    if not _VISION.search(config):
        return Refined(
            f"`{auto}` does not take a `{config.rpartition('.')[2]}`: the class does not fit the checkpoint",
            (
                manual(
                    "load it with the class that config.json names under `architectures`, such as "
                    f"{base}ForConditionalGeneration"
                ),
                install("transformers", "upgrade"),
            ),
            confidence="medium",
        )
    trace = candidate.line.trace
    outer = next((p for p in (packages_of(trace) if trace else []) if p not in ("transformers", "torch", "xoscar")), "")
    ways = [
        manual(f"load it with {base}ForConditionalGeneration, or AutoModelForImageTextToText, and an AutoProcessor")
    ]
    if outer:
        ways.append(
            install(outer, "upgrade", title=f"or upgrade {outer} to a release that knows this vision-language model")
        )
    return Refined(
        f"a vision-language (multimodal) checkpoint is loaded with `{auto}`, which takes text-only "
        f"models: its class is `{base}ForConditionalGeneration`",
        tuple(ways),
    )
