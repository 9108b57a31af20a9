"""What LMDeploy's TurboMind decides by code: which models it takes, and which settings of a quantisation."""

from __future__ import annotations

from typing import Any

from doctor.base.text import one_line
from doctor.matrix.files.row import Row
from doctor.matrix.models.decision import Names, follow

Config = dict[str, Any]
_DEEPEST = 20


def served_by(row: Row, architecture: str, config: Config, method: str | None) -> bool | None:
    """Whether TurboMind takes the model, as its `is_supported` decides; LMDeploy goes over to PyTorch where not.

    None where that hangs on a setting that is not known.
    """
    known = row.get("architectures.turbomind", {})
    decision = row.get("decisions", {}).get("supported")
    if architecture not in known or decision is None:
        return architecture in known

    def settings(_: Any, key: str) -> Any:
        return method if key == "quant_method" else nested(config, key)

    names: dict[str, Any] = {"cfg": config, "arch": architecture, "SUPPORTED_ARCHS": known, "model_path": ""}
    outcome = follow(_placed(decision), names | {"search_nested_config": settings, "triton_model_path": False})
    return outcome.returned if outcome.sure and isinstance(outcome.returned, bool) else None


def _placed(decision: list[Any]) -> list[Any]:
    """Without the question whether the folder holds a model of TurboMind's own old format."""
    out = []
    for part in decision:
        if part[0] == "if" and part[1][:2] == ["method", "exists"]:
            out += part[3]
        else:
            out.append(part)
    return out


def nested(config: Any, key: str, depth: int = 0) -> Any:
    """The first value of `key` at any depth, as LMDeploy searches for it; None where there is none."""
    if depth > _DEEPEST:
        return None
    if isinstance(config, dict):
        for name, value in config.items():
            if name == key:
                return value
            if isinstance(value, (dict, list)) and (found := nested(value, key, depth + 1)) is not None:
                return found
    elif isinstance(config, list):
        return next((f for v in config if (f := nested(v, key, depth + 1)) is not None), None)
    return None


def refusal(decision: list[Any], written: Config, given: str | None = None) -> str | None:
    """Why the converter refuses a quantisation as config.json has it, in words; None where it takes it or is unsure.

    `given` is what `--model-format` says.
    """
    outcome = follow(decision, {"quant_config": written, "engine_config.model_format": given, "group_size": None})
    return None if outcome.refused is None else _reason(outcome.refused, outcome.names, written, given)


def unsaid(decision: list[Any], written: Config) -> bool:
    """Whether a refusal hangs on a setting that is not among those that are known: `written` is a part of the block."""
    names = {"quant_config": written, "engine_config.model_format": None, "group_size": None}
    refused = follow(decision, names).refused
    keys = (k for k in ("version", "desc_act", "sym", "zero_point", "format") if k not in written)
    return refused is not None and (refused.startswith("KeyError") or any(k in refused for k in keys))


def _reason(refused: str, names: Names, written: Config, given: str | None) -> str:
    size = names.get("group_size") or names.get("_group_size")
    if "model_format" in refused and given:
        return f"`--model-format {given}` contradicts the checkpoint"
    if refused.startswith("version"):
        return f"it supports AWQ version `gemm`, not `{_shown(written.get('version'))}`"
    if "desc_act" in refused:
        here = ", ".join(f"`{k}: {str(bool(written[k])).lower()}`" for k in ("desc_act", "sym") if k in written)
        return f"it supports symmetric GPTQ without act-order (`desc_act`), and this has {here}"
    if "group_size" in refused or refused == "ValueError":
        sizes = names.get("_SUPPORTED_GROUP_SIZES", {}).get(str(written.get("quant_method"))) or [128]
        return f"it supports group size {' or '.join(map(str, sorted(sizes)))}, not {_shown(size)}"
    if "pack-quantized" in refused:
        return f"it supports the format `pack-quantized`, not `{_shown(names.get('_format'))}`"
    if "_num_bits" in refused:
        return f"it supports 4-bit integers, not {_shown(names.get('_num_bits'))}-bit {_shown(names.get('_type'))}"
    if refused.startswith("KeyError"):
        key = refused.partition(": ")[2].strip("'")
        return f"it reads `{key}` of the first group, which this older layout does not have (`{refused}`)"
    return f"it requires `{refused}`"


def _shown(value: Any) -> str:
    """A value out of config.json, which anyone may have written."""
    return one_line(str(value), 60)
