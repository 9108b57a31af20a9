"""The engines' own arithmetic of memory beside ours, release by release, by the files of the published wheels.

Usage: memory_engines.py [--engine NAME] [--release VERSION ...] [--all-cases]. Of each release some files are read out
of its wheel by ranges and kept in the cache; memory_engines_child.py evaluates their functions with dummies around
them. vLLM: groups of layers, blocks, tokens and requests as it logs them, blocks that the
command sets, the largest image and video, LoRA's buffers. SGLang: the share of a card where the command
names none, also where attention is computed by copies. LMDeploy: what is set aside for a step, requests at once, how
GPUs are dealt out. Prints a row for each release and the first
differences; exits with 1 where there are any.
"""

from __future__ import annotations

import argparse
import fnmatch
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doctor.facts.model import Model
from doctor.launch.parallel import parallel
from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row
from doctor.matrix.extract.open import open_source
from doctor.memory.adapters import adapters, ranked
from doctor.memory.cache import of_full_layer, of_layer
from doctor.memory.divided import divided
from doctor.memory.drafter import Drafter
from doctor.memory.engines import Budget, default_share, runtime
from doctor.memory.fit import kept_by, steps
from doctor.memory.footprint import Footprint, footprint
from doctor.memory.pages import Pages, pages, state_bytes
from doctor.memory.pieces import Share, linear
from doctor.memory.sight import Sight
from doctor.memory.there import checks_what_is_set, sized

CHILD = Path(__file__).with_name("memory_engines_child.py")
CACHE = Path(os.environ.get("QVL_TEST_CACHE", "~/.cache/qvl-doctor-tests")).expanduser() / "memory-engines"
GIB = 1 << 30
RELEASES = {
    "vllm": ("0.8.5", "0.9.2", "0.11.0", "0.13.0", "0.16.0", "0.19.0", "0.24.0", "0.27.0", "0.29.0", "0.33.0"),
    "sglang": ("0.4.3.post4", "0.4.6", "0.4.8", "0.4.10", "0.5.3", "0.5.9", "0.5.13", "0.5.18", "0.5.23"),
    "lmdeploy": ("0.8.0", "0.11.1", "0.13.0", "0.18.0"),
}
FILES = {
    "vllm": ("vllm/v1/core/kv_cache*.py", "vllm/v1/kv_cache*.py", "vllm/utils/math_utils.py",
             "vllm/engine/arg_utils.py", "vllm/model_executor/models/qwen2_vl.py", "vllm/lora/layers/base_linear.py",
             "vllm/lora/layers/column_parallel_linear.py"),
    "sglang": ("sglang/srt/server_args.py", "sglang/srt/arg_groups/memory_hook.py",
               "sglang/srt/arg_groups/cuda_graph_hook.py", "sglang/srt/model_executor/model_runner.py",
               "sglang/srt/lora/mem_pool.py", "sglang/srt/lora/utils.py"),
    "lmdeploy": ("lmdeploy/pytorch/engine/executor/base.py", "lmdeploy/utils.py", "lmdeploy/messages.py",
                 "lmdeploy/pytorch/config.py", "lmdeploy/turbomind/turbomind.py",
                 "lmdeploy/turbomind/parallel_config.py"),
}  # fmt: skip
PLAIN: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "max_position_embeddings": 131072,
}  # fmt: skip
WINDOW, WHOLE = "sliding_attention", "full_attention"
WINDOWED: dict[str, Any] = {**PLAIN, "model_type": "gpt_oss", "num_hidden_layers": 24, "head_dim": 64,
                            "sliding_window": 128, "layer_types": [WINDOW, WHOLE] * 12}  # fmt: skip
GEMMA: dict[str, Any] = {**PLAIN, "model_type": "gemma3_text", "num_hidden_layers": 62, "sliding_window": 1024,
                         "layer_types": [*([WINDOW] * 5 + [WHOLE]) * 10, WINDOW, WINDOW]}  # fmt: skip
CLOSE: dict[str, Any] = {**WINDOWED, "num_hidden_layers": 22, "layer_types": [WINDOW] * 12 + [WHOLE] * 10}
GEMMA4: dict[str, Any] = {**GEMMA, "model_type": "gemma4_text", "num_hidden_layers": 30, "head_dim": 256,
                          "global_head_dim": 512, "num_global_key_value_heads": 2,
                          "layer_types": ([WINDOW] * 5 + [WHOLE]) * 5}  # fmt: skip
LINEAR: dict[str, Any] = {
    **PLAIN, "model_type": "qwen3_5_text", "num_hidden_layers": 64, "head_dim": 256, "num_key_value_heads": 4,
    "full_attention_interval": 4, "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_value_head_dim": 128,
    "linear_num_key_heads": 16, "linear_num_value_heads": 48, "mamba_ssm_dtype": "float32",
}  # fmt: skip
SEEING: dict[str, Any] = {"model_type": "gemma3", "text_config": PLAIN | {"model_type": "gemma3_text"},
                          "vision_config": {"model_type": "siglip_vision_model", "hidden_size": 1152,
                                            "intermediate_size": 4304, "num_hidden_layers": 27}}  # fmt: skip


@dataclass
class Row:
    """One release: how many numbers were compared, and each that differs (case, theirs, ours) or was not answered."""

    engine: str
    release: str
    compared: int = 0
    different: list[tuple[str, Any, Any]] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


def sources(engine: str, release: str) -> Path:
    """The release's files, read out of its wheel once."""
    folder = CACHE / f"{engine}-{release}"
    newest = {"vllm": "qwen2_vl.py", "lmdeploy": "turbomind.py", "sglang": "mem_pool.py"}[engine]
    if (folder / ".complete").exists() and list(folder.rglob(newest)):
        return folder
    wheel = open_source(f"{engine}=={release}")
    wanted = [n for n in wheel.names() if any(fnmatch.fnmatch(n, p) for p in FILES[engine])]
    wheel.prefetch(wanted)
    for name in wanted:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(wheel.read(name, 8 << 20))
    (folder / ".complete").touch()
    return folder


def theirs(engine: str, folder: Path, cases: list[dict[str, Any]]) -> list[Any]:
    """What the release itself answers, case by case."""
    done = subprocess.run([sys.executable, str(CHILD), engine, str(folder)], input=json.dumps(cases), text=True,
                          capture_output=True, timeout=300, env={"PATH": os.environ.get("PATH", "")})  # fmt: skip
    if done.returncode:
        return [done.stderr.strip().splitlines()[-1:]] * len(cases)
    return list(json.loads(done.stdout))


def model(config: dict[str, Any]) -> Footprint:
    """The weights of a model of which the configuration alone is known."""
    found = footprint(Model("m", config=config))
    assert found is not None and found.shape is not None
    return found


def blocks_and_groups(release: str) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """Cases of vLLM, each with our numbers."""
    row = engine_row("vllm")
    for config in (PLAIN, WINDOWED, GEMMA, CLOSE, GEMMA4, LINEAR):
        for context, room, reused, drafted in ((32768, 12, None, 0), (131072, 40, True, 0), (262144, 11, True, 3)):
            found = model(config)
            shape = found.shape
            assert shape is not None
            asked = Settings("vllm", release, windows=True, context=context, prefixes=reused, drafted=drafted)
            if shape.linear and (not row.has("groups_layers", release) or release == "0.9.2"):
                continue  # states are another thing there
            if shape.wide[1] and not row.has("fills_wider_groups", release):
                continue  # the model came later
            each = of_full_layer(shape, 1, (2.0, 0.0)), of_layer(shape, 1, (2.0, 0.0))
            ours = pages(shape, asked, each, 8192)
            block = ours.groups[0].block if shape.linear else 16
            names = ["sliding"] * shape.sliding + ["full"] * shape.full + ["linear"] * shape.linear
            shared = reused if reused is not None else row.has("shares_hybrid_prefixes", release)
            align = row.has("aligns_states", release) and shared
            yield {
                "layers": names, "block": block, "heads": shape.kv_heads, "dim": shape.head_dim,
                "wide": shape.wide, "dtype": "bfloat16",
                "window": shape.window, "state": int(state_bytes(shape, asked)), "drafted": drafted, "context": context,
                "batch": 8192, "room": room * GIB, "mode": "align" if align else "none",
            }, {"tokens": ours.logged(room * GIB, context), "requests": round(ours.requests(room * GIB, context), 2),
               "longest": ours.tokens_in(room * GIB)}  # fmt: skip


def usual_steps(release: str) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """Tokens and requests of one step on cards by name, of vLLM."""
    found, row = model(PLAIN), engine_row("vllm").memory
    cards = (("L4", 22), ("A100-SXM4-40GB", 39), ("A100-SXM4-80GB", 79), ("H100", 79), ("GB10", 119), ("B200", 178))
    for card, gib in cards:
        asked = Settings("vllm", release, ordinary=row.is_ordinary(release, f"NVIDIA {card}"))
        tokens, requests = steps(asked, gib * GIB, found)
        yield {"card": f"NVIDIA {card}", "gib": gib}, {"step": tokens, "at_once": requests}


def blocks_that_are_set(release: str) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """As many blocks as the command sets, and whether vLLM starts with them."""
    for config, many, room in ((PLAIN, 5000, 12), (PLAIN, 100, 12), (PLAIN, 5000, 1), (PLAIN, 100, 1)):
        found, context = model(config), 32768
        asked = Settings("vllm", release, windows=True, context=context, blocks=16 * many)
        kept = kept_by(found, asked, 8192, Drafter())
        assert isinstance(kept, Pages) and found.shape is not None
        there = Budget(room * GIB, room * GIB, 0, "", "", refuses=True)
        left = sized(there, kept, asked)
        checked = left if checks_what_is_set(left, asked) else there
        case = {
            "layers": ["full"] * 32, "block": 16, "heads": 8, "dim": 128, "wide": (0, 0), "dtype": "bfloat16",
            "window": 0, "state": 0, "drafted": 0, "context": context, "batch": 8192, "room": room * GIB,
            "mode": "none", "blocks": many,
        }  # fmt: skip
        fits = {"starts": int(kept.holds(context) <= checked.most)}
        yield case, {**fits, "tokens": kept.logged(left.most, context)} if fits["starts"] else fits


def tower_at_work(release: str) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """The largest image and the longest video that vLLM tries its tower out with."""
    asked = Settings("vllm", release)
    for pixels, context in itertools.product((12_845_056, 1_003_520, 200_704), (8192, 32_768, 128_000, 262_144)):
        seen = Sight(1, 1, 4, 784, pixels, videos=True)
        image = seen.image(asked)
        yield {"pixels": pixels, "context": context}, {"image": image, "video": seen.video(asked, context)}


def buffers(release: str) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """LoRA's buffers of a layer, as vLLM makes them on one GPU."""
    qkv = [("q", 4096, 4096), ("k", 4096, 1024), ("v", 4096, 1024)]
    for gpus, sharded, slots, rank in itertools.product((1, 4), (False, True), (1, 4), (16, 64)):
        asked = Settings("vllm", release, tp=gpus, adapters=slots, rank=rank, adapters_split=sharded)
        shares: dict[str, Share] = {"q": "split", "k": "kv", "v": "kv"}
        layers = {
            "merged": [linear(f"layers.{{}}.self_attn.{n}_proj", i, o, share=shares[n]) for n, i, o in qkv],
            "row": [linear("layers.{}.mlp.down_proj", 12288, 4096)],
        }
        for kind, pieces in layers.items():
            least, _ = adapters(ranked(pieces, 1), asked, divided(asked), 8)
            row = kind == "row"
            case = {
                "rank": rank, "slots": slots, "gpus": gpus, "sharded": sharded, "way": "plain" if row else "merged",
                "kind": "RowParallelLinear" if row else "ColumnParallelLinear",
                "in": 12288 // gpus if row else 4096, "out": [4096] if row else [o // gpus for _, _, o in qkv],
            }  # fmt: skip
            yield case, {"numbers": least // 2}


def of_vllm(release: str) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """All cases of vLLM."""
    yield from blocks_and_groups(release)
    yield from usual_steps(release)
    yield from blocks_that_are_set(release)
    yield from tower_at_work(release)
    yield from buffers(release)


def shares(release: str) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """Cases of SGLang."""
    words = {"": "", "EAGLE": "eagle", "STANDALONE": "draft_model", "NGRAM": "ngram"}
    for mib in (16376, 24564, 32607, 46068, 81559, 97871, 143771, 183359):
        for tp, pp in ((1, 1), (2, 1), (4, 1), (8, 1), (2, 2)):
            for seen, drafter in ((False, ""), (True, ""), (False, "EAGLE")):
                found = model(SEEING if seen else PLAIN)
                asked = Settings("sglang", release, tp=tp, pp=pp, vision=seen, drafter=words[drafter])
                share = default_share(asked, mib << 20, found)
                case = {"mib": mib, "tp": tp, "pp": pp, "vision": seen, "drafter": drafter, "eyes": [27, 1152]}
                yield case, {"share": round(share, 3)}


def copies(release: str) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """SGLang's share where attention is computed by copies."""
    for mib in (24564, 46068, 81559, 143771, 183359):
        for tp, many in ((2, 2), (8, 2), (8, 8)):
            found, asked = model(PLAIN), Settings("sglang", release, tp=tp, attention=tp // many)
            case = {"mib": mib, "tp": tp, "pp": 1, "vision": False, "drafter": "", "eyes": [27, 1152], "copies": many}
            yield case, {"share": round(default_share(asked, mib << 20, found), 3)}


def of_sglang(release: str) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """All cases of SGLang."""
    yield from shares(release)
    yield from copies(release)
    yield from pool_of_adapters(release)


def pool_of_adapters(release: str) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """SGLang's pool of LoRA adapters for all matrices of a layer, on one GPU."""
    found = model(PLAIN)
    for gpus, slots, rank in itertools.product((1, 2, 8), (1, 8), (16, 64)):
        asked = Settings("sglang", release, tp=gpus, adapters=slots, rank=rank)
        least, _ = adapters(found.ranked, asked, divided(asked), 8)
        yield {"rank": rank, "slots": slots, "gpus": gpus, "config": PLAIN}, {"numbers": least // 2 // 32}


def dealt(release: str) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """How LMDeploy deals out GPUs: those that are taken, and those that share attention, an MLP and the experts."""
    row, sizes = engine_row("lmdeploy"), (1, 2, 4, 8)
    for backend, cards, tp, dp, ep in itertools.product(row.backends, (4, 8), sizes, sizes, sizes):
        if backend == "turbomind" and ep > 1 and not row.has("solves_layout", release):
            continue
        said = {"tensor_parallel": tp, "data_parallel": dp, "expert_parallel": ep}
        found = parallel(said.get, lambda _: None, row, (release, backend, cards))
        case = {"backend": backend, "cards": cards, "tp": tp, "dp": dp, "ep": ep}
        yield case, {"gpus": found.tp * found.copies, "attention": found.attention or found.tp,
                     "dense": found.dense or found.tp, "experts": found.experts or found.tp}  # fmt: skip


def of_lmdeploy(release: str) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """All cases of LMDeploy."""
    yield from set_aside(release)
    yield from dealt(release)


def set_aside(release: str) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """Cases of LMDeploy's PyTorch engine."""
    found = model(PLAIN)
    row = engine_row("lmdeploy").memory
    for card in ("NVIDIA A10", "NVIDIA A100-SXM4-80GB", "NVIDIA H100 80GB HBM3", "NVIDIA L20Y"):
        usual = row.requests_of(release, card)
        for free in (2, 4, 8, 30):
            asked = Settings("lmdeploy", release, "pytorch", usual_requests=usual)
            block = of_layer(found.shape, 1, (2.0, 0.0)) * 64 * 32 if found.shape else 0
            case = {"card": card, "free": free * GIB, "block": int(block), "vocabulary": 128256}
            share = default_share(asked, 24 * GIB)
            aside = runtime(free * GIB, asked, found)
            yield case, {"aside": aside, "share": share, "requests": usual or row.requests[0]}


CASES = {"vllm": of_vllm, "sglang": of_sglang, "lmdeploy": of_lmdeploy}
NEAR = {"share": 0.0011, "requests": 0.011, "aside": 1}  # all others are equal


def compared(engine: str, release: str) -> Row:
    """All cases of one release."""
    row = Row(engine, release)
    pairs = list(CASES[engine](release))
    for (case, ours), said in zip(pairs, theirs(engine, sources(engine, release), [c for c, _ in pairs]), strict=True):
        if not isinstance(said, dict):
            row.silent.append(str(said))
            continue
        for name, value in ((n, v) for n, v in ours.items() if n in said):
            row.compared += 1
            if abs(said[name] - value) > NEAR.get(name, 0):
                short = {k: v for k, v in case.items() if k != "layers"}
                row.different.append((f"{name} {short}", said[name], value))
    return row


def main() -> int:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=sorted(CASES))
    parser.add_argument("--release", nargs="*")
    parser.add_argument("--all-cases", action="store_true")
    asked = parser.parse_args()
    bad = 0
    for engine in [asked.engine] if asked.engine else CASES:
        for release in asked.release or RELEASES[engine]:
            row = compared(engine, release)
            bad += len(row.different) + len(row.silent)
            print(f"{engine:9} {release:12} {row.compared:4} numbers, {len(row.different):3} differ, "
                  f"{len(row.silent)} not answered")  # fmt: skip
            for where, one, other in row.different[: None if asked.all_cases else 3]:
                print(f"    {where}: {one} there, {other} here")
            print(*(f"    {why}" for why in dict.fromkeys(row.silent)), sep="\n", end="\n" if row.silent else "")
    return bad > 0


if __name__ == "__main__":
    raise SystemExit(main())
