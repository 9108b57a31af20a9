"""Weights read from a configuration, next to the same model built by transformers on the meta device.

    python benchmarks/parameters.py --python VENV/bin/python [--only TYPE] [--show N]

VENV holds torch (its CPU build is enough) and transformers; they run in a child, one configuration after the other.
For every type of model that transformers maps to a class for pictures and text, and for the language models of `TEXT`,
there are two configurations: the class's own defaults, and another depth and width. Each is read by doctor as the
config.json that transformers saves. Printed are those whose bytes (16 bits a parameter) differ by more than 0.5 %, or
whose size doctor calls unknown, then how many agree. The status is 1 where one that doctor calls known differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from doctor.base.files import Files
from doctor.collect.model.place import Folder
from doctor.collect.model.reading import read_model
from doctor.memory.footprint import footprint

CLOSE = 0.005
TIMEOUT = 1500
TEXT = (
    "llama", "mistral", "mixtral", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "qwen3_next", "gemma", "gemma2",
    "gemma3_text", "phi3", "glm", "glm4", "glm4_moe", "deepseek_v2", "deepseek_v3", "cohere", "cohere2", "granite",
    "olmo2", "gpt_oss", "ernie4_5", "ernie4_5_moe", "lfm2", "minimax", "nemotron_h", "seed_oss", "hunyuan_v1_dense",
    "smollm3", "starcoder2", "falcon_h1", "exaone4", "bamba",
)  # fmt: skip
CHILD = """
import copy, json, sys, warnings
warnings.filterwarnings("ignore")
import torch, transformers
from transformers.models.auto import modeling_auto as auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
transformers.logging.set_verbosity_error()
text, only = json.load(sys.stdin)
known = auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
classes = {kind: known[kind] for kind in text if kind in known}
classes.update(auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES)

def other(config):
    parts = ("text_config", "llm_config", "thinker_config")
    inner = next((getattr(config, name) for name in parts if hasattr(config, name)), config)
    inner = getattr(inner, "text_config", inner)
    layers = getattr(inner, "num_hidden_layers", 0)
    kept = layers - layers % 2 - 2 if layers > 8 else layers
    for name in ("layer_types", "mlp_layer_types"):
        if isinstance(getattr(inner, name, None), list):
            setattr(inner, name, getattr(inner, name)[:kept])
    inner.num_hidden_layers = kept
    if getattr(inner, "intermediate_size", None):
        inner.intermediate_size = inner.intermediate_size * 3 // 4 // 64 * 64
    if isinstance(getattr(inner, "vocab_size", None), int):
        inner.vocab_size += 256
    eyes = getattr(config, "vision_config", None)
    for name in ("depth", "num_hidden_layers"):
        own = name not in getattr(type(eyes), "attribute_map", {})
        if own and isinstance(getattr(eyes, name, None), int) and getattr(eyes, name) > 8:
            setattr(eyes, name, getattr(eyes, name) - 1)
    return config

for kind, names in sorted(classes.items()):
    if only and kind != only:
        continue
    for way in ("default", "other"):
        row = {"type": kind, "way": way}
        try:
            config = CONFIG_MAPPING[kind]()
            config = other(config) if way == "other" else config
            name = names if isinstance(names, str) else names[0]
            saved = json.loads(config.to_json_string())
            saved["architectures"] = [name]
            with torch.device("meta"):
                model = getattr(transformers, name)._from_config(config)
            model.tie_weights()
            row |= {"name": name, "config": saved, "parameters": sum(p.numel() for p in model.parameters())}
        except Exception as error:
            row["error"] = repr(error)[:200]
        print(json.dumps(row), flush=True)
"""


@dataclass(frozen=True)
class Compared:
    """One configuration: parameters as built, and doctor's bytes; None where it does not know the type."""

    type: str
    way: str
    built: int
    ours: int | None
    sure: bool

    @property
    def off(self) -> float:
        """Doctor's bytes less the real ones, as a part of these."""
        return (self.ours or 0) / (2 * self.built) - 1


def built(python: str, only: str | None) -> Iterator[dict[str, Any]]:
    """What transformers says of each configuration."""
    asked = json.dumps([TEXT, only])
    done = subprocess.run([python, "-c", CHILD], input=asked, capture_output=True, text=True, timeout=TIMEOUT)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    yield from map(json.loads, done.stdout.splitlines())


def compared(row: dict[str, Any]) -> Compared:
    """The configuration as doctor reads it from a folder."""
    with tempfile.TemporaryDirectory() as folder:
        saved = {**row["config"], "dtype": "bfloat16"}
        (Path(folder) / "config.json").write_text(json.dumps(saved))
        found = footprint(read_model(Folder(Files(), folder), folder, use_cache=False))
    sure = found is not None and found.tower and not found.guessed and not found.assumed
    return Compared(row["type"], row["way"], row["parameters"], found.total if found else None, sure)


def main() -> int:
    """Prints the differences and the count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True)
    parser.add_argument("--only")
    parser.add_argument("--show", type=int, default=200)
    given = parser.parse_args()
    rows = list(built(given.python, given.only))
    for row in rows:
        if "error" in row:
            print(f"{row['type']:28} {row['way']:8} transformers cannot build it: {row['error'][:120]}")
    found = [compared(row) for row in rows if "error" not in row]
    wrong = [c for c in found if c.sure and abs(c.off) > CLOSE]
    unsure = [c for c in found if not c.sure]
    for one in sorted(wrong + unsure, key=lambda c: (c.sure, -abs(c.off)))[: given.show]:
        said = f"{100 * one.off:+8.2f} %" if one.ours is not None else "    open"
        verdict = "WRONG" if one.sure else "said to be unsure"
        print(f"{one.type:28} {one.way:8} {one.built / 1e9:9.3f} B {said}  {verdict}")
    good = [c for c in found if c.sure and abs(c.off) <= CLOSE]
    kinds = len({c.type for c in good})
    known = f"{len(good)} configurations of {kinds} types within 0.5 %"
    print(f"{known}, {len(wrong)} wrong, {len(unsure)} said to be unsure")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
