"""How a model's weights are quantised, out of the blocks and files in which that is written.

`quantization_config` of config.json decides (inside the language model's part too; `compression_config` is the older
name of one method), else the files that quantising programs leave beside it. The name of a repository says nothing.
As transformers has it, a block without `quant_method` is of no known method: it stays empty here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from doctor.base.text import one_line
from doctor.collect.model import plain
from doctor.collect.model.place import Place
from doctor.facts import Quantization, QuantizationGroup

MOST = 64
MOST_IGNORED = 2000
PARTS = ("text_config", "llm_config", "language_config")
# file -> the method of the program that writes it, where the file does not say
FILES = {"quantize_config.json": "gptq", "quant_config.json": "awq", "hf_quant_config.json": "modelopt"}
_IGNORED = ("ignore", "modules_to_not_convert", "ignored_layers", "exclude_modules", "llm_int8_skip_modules")
_FLOATS = ("fp8", "fbgemm_fp8", "mxfp4", "nvfp4", "modelopt", "modelopt_fp4", "mxfp8")


def read_quantization(place: Place, config: dict[str, Any]) -> Quantization | None:
    """The quantisation, None where nothing tells of one."""
    for part in (config, *(config[k] for k in PARTS if isinstance(config.get(k), dict))):
        for key, method in (("quantization_config", ""), ("compression_config", "compressed-tensors")):
            found = part.get(key)
            if isinstance(found, dict) and found:
                return quantization(found, method, "config.json")
    for name, method in FILES.items():
        found = plain.maybe(place, name)
        if found:
            return quantization(_inner(found), _producer(found) or method, name)
    return None


def _inner(found: dict[str, Any]) -> dict[str, Any]:
    """ModelOpt keeps its values one level deeper."""
    inside = found.get("quantization")
    return {**inside, "producer": ""} if isinstance(inside, dict) else found


def _producer(found: dict[str, Any]) -> str | None:
    producer = found.get("producer")
    name = producer.get("name") if isinstance(producer, dict) else None
    return name if isinstance(name, str) else None


def quantization(found: dict[str, Any], method: str, source: str) -> Quantization:
    """One block, taken apart; `method` is what it is where the block itself does not say."""
    told = found.get("quant_method") or found.get("quant_type") or ""
    named = told if isinstance(told, str) and told else _loaded(found) or method
    groups = tuple(_groups(found)) or tuple(_one(found, named.lower()))
    return Quantization(
        _name(named), _settings(found), groups[:MOST], tuple(_ignored(found)), _act_order(found), _kv_bits(found),
        source,
    )  # fmt: skip


def _loaded(found: dict[str, Any]) -> str:
    return "bitsandbytes" if found.get("load_in_4bit") is True or found.get("load_in_8bit") is True else ""


def _groups(found: dict[str, Any]) -> Iterator[QuantizationGroup]:
    """Those of compressed-tensors, in which each group of layers has a scheme for weights and one for inputs."""
    groups = found.get("config_groups")
    for group in list(groups.values())[:MOST] if isinstance(groups, dict) else ():
        weights = group.get("weights") if isinstance(group, dict) else None
        if not isinstance(weights, dict):
            continue
        kind = weights.get("type")
        targets = group.get("targets")
        yield QuantizationGroup(
            _number(weights.get("num_bits")),
            "int" if kind == "int" else "float" if kind == "float" else None,
            _number(weights.get("group_size")),
            _truth(weights.get("symmetric")),
            _text(weights.get("strategy")),
            _text(group.get("format")) or _text(found.get("format")),
            _block(weights.get("block_structure")),
            isinstance(group.get("input_activations"), dict),
            tuple(_name(t) for t in targets[:MOST] if isinstance(t, str)) if isinstance(targets, list) else (),
        )


def _one(found: dict[str, Any], method: str) -> Iterator[QuantizationGroup]:
    """The one way in which every other method stores weights; nothing where not even the bits are known."""
    algorithm = (_text(found.get("quant_algo")) or "").upper()
    bits, kind = _bits(found, method, algorithm), _kind(found, method, algorithm)
    if bits is None and kind is None:
        return
    block = _block(found.get("weight_block_size"))
    size = _number(found.get("group_size", found.get("q_group_size")))
    symmetric = _truth(found.get("sym"))
    if symmetric is None and (zero := _truth(found.get("zero_point"))) is not None:
        symmetric = not zero
    strategy = "block" if block else "channel" if size == -1 else "group" if size else None
    scheme = found.get("activation_scheme")
    told = isinstance(scheme, str) or method in ("fbgemm_fp8", "smooth_quant")
    activations = told or algorithm in ("FP8", "NVFP4", "W8A8_SQ_PER_CHANNEL")
    form = _text(found.get("version")) or _text(found.get("checkpoint_format")) or _text(found.get("fmt"))
    yield QuantizationGroup(bits, kind, size, symmetric, strategy, form, block, activations)


def _bits(found: dict[str, Any], method: str, algorithm: str) -> int | None:
    for key in ("bits", "w_bit", "weight_bits", "num_bits"):
        if (bits := _number(found.get(key))) is not None:
            return bits
    if method == "bitsandbytes":
        return 4 if found.get("load_in_4bit") is True else 8
    if re.search(r"FP4|W4", algorithm) or method in ("mxfp4", "nvfp4", "modelopt_fp4"):
        return 4
    return 8 if "FP8" in algorithm or "W8" in algorithm or method in ("fp8", "fbgemm_fp8", "mxfp8") else None


def _kind(found: dict[str, Any], method: str, algorithm: str) -> Any:
    if method == "bitsandbytes":
        return "float" if found.get("load_in_4bit") is True else "int"
    if "FP" in algorithm or method in _FLOATS:
        return "int" if algorithm.startswith("W4A16") else "float"
    return "int" if method in ("gptq", "awq", "gptq_marlin", "awq_marlin", "smooth_quant", "auto-round") else None


def _act_order(found: dict[str, Any]) -> bool | None:
    """GPTQ's desc_act; compressed-tensors names the order itself."""
    told = _truth(found.get("desc_act"))
    groups = found.get("config_groups")
    if told is not None or not isinstance(groups, dict):
        return told
    schemes = [g.get("weights") for g in list(groups.values())[:MOST] if isinstance(g, dict)]
    orders = [s["actorder"] for s in schemes if isinstance(s, dict) and "actorder" in s]
    return any(o not in (None, False, "weight", "static") for o in orders) if orders else None


def _kv_bits(found: dict[str, Any]) -> int | None:
    scheme = found.get("kv_cache_scheme")
    if isinstance(scheme, dict):
        return _number(scheme.get("num_bits"))
    algorithm = (_text(found.get("kv_cache_quant_algo")) or "").upper()
    return 8 if "8" in algorithm else 4 if "4" in algorithm else None


def _ignored(found: dict[str, Any]) -> Iterator[str]:
    for key in _IGNORED:
        names = found.get(key)
        if isinstance(names, list):
            yield from (_name(n) for n in names[:MOST_IGNORED] if isinstance(n, str))
            return


def _settings(found: dict[str, Any]) -> dict[str, bool | int | float | str]:
    pairs = ((_name(k), v) for k, v in list(found.items())[:MOST])
    return {k: _name(v) if isinstance(v, str) else v for k, v in pairs if isinstance(v, (bool, int, float, str))}


def _block(value: Any) -> tuple[int, int] | None:
    """`[128, 128]`, or `128x128` as compressed-tensors once wrote it."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,5}x\d{1,5}", value):
        value = [int(part) for part in value.split("x")]
    if isinstance(value, list) and len(value) == 2 and all(type(v) is int and 0 < v < 1 << 20 for v in value):
        return value[0], value[1]
    return None


def _number(value: Any) -> int | None:
    return value if type(value) is int and -1 <= value < 1 << 20 else None


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return _name(value) if isinstance(value, str) and value else None


def _name(text: str) -> str:
    return one_line(text, 200)
