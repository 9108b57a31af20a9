"""What is read of LMDeploy's decisions against the real functions out of its wheels, over thousands of settings.

The functions are taken out of the wheel (read by range from the package index) and run with stand-ins for what they
call; the same settings go through the data.
"""

from __future__ import annotations

import ast
import itertools
import random
from functools import cache
from types import CodeType
from typing import Any

import pytest

from doctor.matrix import rows
from doctor.matrix.extract.open import open_source
from doctor.matrix.extract.projects.lmdeploy_decisions import CONVERTER, SUPPORTED
from doctor.matrix.models.turbomind import nested, refusal, served_by
from doctor.remote.errors import IndexUnavailable, WheelError

pytestmark = [pytest.mark.registry, pytest.mark.timeout(300)]
RELEASES = ("0.6.0", "0.7.3", "0.9.2", "0.10.2", "0.11.1", "0.12.0", "0.12.3", "0.13.0", "0.14.0", "0.18.0")


@cache
def module(release: str, *members: str) -> ast.Module:
    try:
        wheel = open_source(f"lmdeploy=={release}")
        member = next(m for m in members if m in wheel.names())
        return ast.parse(wheel.read(member, 1 << 20))
    except (IndexUnavailable, WheelError) as error:
        pytest.skip(str(error))


@cache
def code(tree: ast.Module, name: str, keep: Any = None) -> CodeType:
    """The function of this name, with its module's constants; `keep(body)` may shorten it. Compiled once."""
    found = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    if keep:
        found.body = keep(found.body)
    found.args = ast.parse("def f(*_, **__): 0").body[0].args  # type: ignore[attr-defined]
    found.returns, found.decorator_list = None, []
    helpers = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("_validate")]
    constants = [n for n in tree.body if isinstance(n, ast.Assign) and "GROUP_SIZES" in ast.unparse(n.targets[0])]
    wanted = ast.fix_missing_locations(ast.Module([*constants, *helpers, found], []))
    return compile(wanted, name, "exec")


def function(compiled: CodeType, name: str, names: dict[str, Any]) -> Any:
    """A fresh function over these names."""
    exec(compiled, names)
    return names[name]


class Config:
    """A configuration as transformers gives it: attributes, nested ones too."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.__dict__.update({k: Config(v) if isinstance(v, dict) else v for k, v in data.items()})

    def to_dict(self) -> dict[str, Any]:
        return self.data


def settings(chance: random.Random, known: list[str]) -> dict[str, Any]:
    def size() -> dict[str, Any]:
        heads = chance.choice([16, 32, 40])
        head = {"head_dim": chance.choice([64, 80, 128, 256])} if chance.random() < 0.5 else {}
        kv = {"num_key_value_heads": chance.choice([None, 8])}
        wide = heads * chance.choice([64, 80, 128])
        return {"hidden_size": wide, "num_attention_heads": heads, "num_layers": chance.choice([28, 40]), **head, **kv}

    inner = {**size(), "architectures": [chance.choice([*known, "UnknownForCausalLM"])]}
    out: dict[str, Any] = {**size(), "llm_config": inner, "text_config": inner}
    if chance.random() < 0.5:
        out["vision_config"] = {"depth": 2}
    if chance.random() < 0.3:
        out["quantization_config"] = {"quant_method": chance.choice(["smooth_quant", "awq"])}
    return out


@pytest.mark.parametrize("release", RELEASES)
def test_the_models_that_turbomind_takes(release: str) -> None:
    row = rows.row("lmdeploy", release, "decisions", "architectures.turbomind")
    assert row is not None
    known, chance = row["architectures.turbomind"], random.Random(release)
    special = ["BaichuanForCausalLM", "Qwen2ForCausalLM", "LlamaForCausalLM", "InternVLChatModel", "MolmoForCausalLM",
               "ChatGLMModel", "LlavaForConditionalGeneration", "InternVLForConditionalGeneration",
               "DeepseekV2ForCausalLM", "Glm4MoeLiteForCausalLM"]  # fmt: skip
    both: list[tuple[Any, Any]] = []
    for _ in range(400):
        data = settings(chance, sorted(known))
        arch = chance.choice([*special, *known])
        names = {"get_model_arch": lambda *_, a=arch, d=data, **__: (a, Config(d)), "search_nested_config": nested,
                 "SUPPORTED_ARCHS": known, "model_path": "/nowhere", "trust_remote_code": False}  # fmt: skip
        real = function(code(module(release, SUPPORTED), "is_supported"), "is_supported", names)
        both.append((served_by(row, arch, data, nested(data, "quant_method")), wanted(real)))
    assert {r for _, r in both} == {True, False}
    unsure = sum(ours is None for ours, _ in both)
    assert all(ours in (real, None) for ours, real in both) and unsure <= len(both) * 0.25, unsure


def wanted(real: Any) -> bool | None:
    try:
        return bool(real())
    except (AttributeError, TypeError):
        return None


@pytest.mark.parametrize("release", RELEASES)
def test_the_quantisations_that_turbomind_takes(release: str) -> None:
    row = rows.row("lmdeploy", release, "decisions")
    assert row is not None
    decision = row["decisions"]["quantization"]
    counts = {True: 0, False: 0}
    for config, given in itertools.product(quantisations(), (None, "awq", "gptq")):
        real = real_refuses(release, config, given)
        counts[real] += 1
        assert (refusal(decision, config, given) is not None) == real, (config, given)
    assert min(counts.values()) > 5, counts


def quantisations() -> list[dict[str, Any]]:
    sizes = (0, 32, 64, 128)
    out: list[dict[str, Any]] = [
        {"quant_method": "awq", "group_size": s, "version": v, "bits": 4} for s in sizes for v in ("gemm", "gemv", None)
    ]
    out += [{"quant_method": "gptq", "group_size": s, "desc_act": d, "sym": y} for s in sizes for d in (True, False)
            for y in (True, False)]  # fmt: skip
    out += [{"quant_method": m} for m in ("fp8", "mxfp4", "bitsandbytes", "aqlm")]
    for style in ("pack-quantized", "float-quantized", None):
        for size, bits, kind in itertools.product((-1, 32, 64, 128), (4, 8), ("int", "float")):
            group = {"weights": {"group_size": size, "num_bits": bits, "type": kind}}
            whole = group | ({"format": style} if style else {})
            out.append({"quant_method": "compressed-tensors", "config_groups": {"group_0": whole}})
    return out


def quantization_alone(body: list[ast.stmt]) -> list[ast.stmt]:
    """The part of the converter's body that looks at the quantization."""
    start = next(i for i, n in enumerate(body) if isinstance(n, ast.If) and "quant_config" in ast.unparse(n.test))
    end = next(
        i for i, n in enumerate(body)
        if i > start and any(w in ast.unparse(n) for w in ("registered_name", "dtype"))
    )  # fmt: skip
    return [*ast.parse("quant_config, group_size, mixed_awq = given_config, None, False").body, *body[start:end]]


def real_refuses(release: str, config: dict[str, Any], given: str | None) -> bool:
    tree = module(release, *CONVERTER)
    name = next(n.name for n in tree.body if getattr(n, "name", "") in ("get_tm_model", "get_tm_config"))

    class Engine:
        model_format = given

    names = {"given_config": config, "engine_config": Engine()}
    try:
        function(code(tree, name, quantization_alone), name, names)()
    except (AssertionError, KeyError, ValueError):
        return True
    return False
