"""What the launch command asks for that decides about memory, as `doctor.launch.settings.Settings`."""

from __future__ import annotations

import json
import re

from doctor.facts import Distributions, Facts, Launch, Model
from doctor.launch.options import TENSOR_PARALLEL, engine, number, option
from doctor.launch.settings import Settings
from doctor.matrix import rows
from doctor.matrix.hardware import version

GIB = 1 << 30
ENGINES = ("lmdeploy", "vllm", "sglang")
PIPELINE = ("--pipeline-parallel-size", "-pp", "--pp", "--pp-size")
COPIES = ("--data-parallel-size", "-dp", "--dp", "--dp-size")
SHARES = {"vllm": ("--gpu-memory-utilization", "--device-memory-utilization"), "sglang": ("--mem-fraction-static",),
          "lmdeploy": ("--cache-max-entry-count",)}  # fmt: skip
CONTEXTS = {"vllm": "--max-model-len", "sglang": "--context-length", "lmdeploy": "--session-len"}
BATCHES = {
    "vllm": "--max-num-batched-tokens", "sglang": "--chunked-prefill-size", "lmdeploy": "--max-prefill-token-num",
}  # fmt: skip
REQUESTS = {"vllm": "--max-num-seqs", "sglang": "--max-running-requests", "lmdeploy": "--max-batch-size"}
POLICY_NAMES = {"none": "0", "int4": "4", "int8": "8", "fp8": "16", "fp8_e5m2": "17", "turbo_quant": "42"}
_HUMAN = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)([kKmMgGtT]?)(i?[bB]?)")
DECIMAL = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
BINARY = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def settings(facts: Facts) -> Settings:
    """The settings of the launch; of the engine that is here, or of none, where there is no launch."""
    name = engine_of(facts)
    release = facts.distributions.version(name) if name and isinstance(facts.distributions, Distributions) else None
    backend = backend_of(facts, release) if name == "lmdeploy" else "default"
    images = _images(facts)
    newer = name == "vllm" and (release is None or version(release) >= (0, 21))
    return Settings(
        engine=name or "", release=release, backend=backend, tp=_count(facts, *TENSOR_PARALLEL),
        pp=_count(facts, *PIPELINE), copies=_copies(facts, name), share=_share(facts, name),
        context=whole(option(facts, CONTEXTS[name])) if name else None, kv=_kv(facts, name),
        dtype=option(facts, "--dtype"), quantization=option(facts, "--quantization", "-q", "--model-format"),
        batch=_positive(facts, BATCHES.get(name or "")), requests=_positive(facts, REQUESTS.get(name or "")),
        images=images, vision_split=_split(facts, name),
        vision=not _on(facts, "--language-model-only", "--disable-vision-encoder"),
        eager=_on(facts, "--enforce-eager", "--eager-mode", "--disable-cuda-graph"),
        elastic=name == "vllm" and option(facts, CONTEXTS["vllm"]) in ("auto", "-1"),
        cache=whole(option(facts, "--kv-cache-memory-bytes")), blocks=_blocks(facts, name),
        offload=_gib(facts, "--cpu-offload-gb"), swap=_gib(facts, "--swap-space"),
        graphs_counted=newer, windows=name == "vllm" and not _on(facts, "--disable-hybrid-kv-cache-manager"),
    )  # fmt: skip


def engine_of(facts: Facts) -> str | None:
    """The engine of the launch, else the only one that is installed."""
    wanted = engine(facts)
    if wanted is not None or isinstance(facts.launch, Launch):
        return wanted if wanted in ENGINES else None
    there = [e for e in ENGINES if isinstance(facts.distributions, Distributions) and facts.distributions.version(e)]
    return there[0] if len(there) == 1 else None


def backend_of(facts: Facts, release: str | None) -> str:
    """LMDeploy's half: as asked, else TurboMind where that release has the model's architecture."""
    asked = option(facts, "--backend")
    if asked in ("pytorch", "turbomind"):
        return asked
    row = rows.row("lmdeploy", release, "architectures.turbomind") if release else None
    names = facts.model.architectures if isinstance(facts.model, Model) else ()
    known = (row or {}).get("architectures.turbomind", {})
    return "turbomind" if not names or not known or any(n in known for n in names) else "pytorch"


def whole(text: str | None) -> int | None:
    """A size as the engines read it: `32768`, `32k` (thousands), `32K` (of 1024), `1.5G`; None for anything else."""
    found = _HUMAN.fullmatch((text or "").strip())
    if found is None:
        return None
    unit = found[2]
    value = int(float(found[1]) * (BINARY if unit.isupper() else DECIMAL)[unit.lower()])
    return value or None


def _count(facts: Facts, *names: str) -> int:
    value = number(facts, *names)
    return int(value) if value is not None and 1 <= value < 4096 else 1


def _gib(facts: Facts, name: str) -> int:
    value = number(facts, name)
    return int(value * GIB) if value is not None and 0 <= value < 1 << 20 else 0


def _copies(facts: Facts, name: str | None) -> int:
    """Of LMDeploy, `--dp` deals out the GPUs of `--tp`; of SGLang with `--enable-dp-attention` too."""
    if name == "lmdeploy" or _on(facts, "--enable-dp-attention"):
        return 1
    return _count(facts, *COPIES)


def _share(facts: Facts, name: str | None) -> float | None:
    value = number(facts, *SHARES[name]) if name else None
    return value if value is not None and 0 < value <= 1 else None


def _kv(facts: Facts, name: str | None) -> str:
    if name == "lmdeploy":
        told = (option(facts, "--quant-policy") or "0").lower()
        return POLICY_NAMES.get(told, told)
    return option(facts, "--kv-cache-dtype") or "auto"


def _positive(facts: Facts, name: str | None) -> int | None:
    return whole(option(facts, name)) if name else None


def _blocks(facts: Facts, name: str | None) -> int | None:
    """The cache's size where the command gives it in tokens or blocks."""
    if name == "sglang":
        return whole(option(facts, "--max-total-tokens"))
    size = {"vllm": 16, "lmdeploy": 64}.get(name or "", 0)
    given = whole(option(facts, "--num-gpu-blocks-override", "--num-gpu-blocks"))
    block = whole(option(facts, "--block-size", "--cache-block-seq-len")) or size
    return given * block if given and block else None


def _images(facts: Facts) -> int | None:
    """Pictures of one request: JSON in the newer releases, `image=3` in the older ones."""
    told = option(facts, "--limit-mm-per-prompt", "--limit-mm-data-per-request")
    if not told:
        return None
    try:
        data = json.loads(told[:4096])
    except ValueError:
        found = re.search(r"image[=:](\d{1,6})", told[:4096])
        return int(found[1]) if found else None
    count = data.get("image") if isinstance(data, dict) else None
    count = count.get("count") if isinstance(count, dict) else count
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 1 << 20 else None


def _split(facts: Facts, name: str | None) -> bool:
    """Whether tensor parallelism divides the vision tower.

    vLLM and SGLang do by default, LMDeploy's PyTorch engine does. With TurboMind the tower is a model of its own, dealt
    out evenly over the same GPUs (lmdeploy/vl/model/builder.py: `max_memory` of tp devices, `device_map` auto).
    """
    if name == "vllm":
        return option(facts, "--mm-encoder-tp-mode") != "data"
    if name == "sglang":
        return not _on(facts, "--mm-enable-dp-encoder")
    return True


def _on(facts: Facts, *names: str) -> bool:
    return option(facts, *names) is not None
