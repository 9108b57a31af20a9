"""What the classes of quantisation methods say of themselves, in vLLM and in SGLang, which took them over."""

from __future__ import annotations

import ast
from typing import Any

from doctor.matrix.extract.files import Files
from doctor.matrix.extract.literals import value
from doctor.matrix.files.row import Row

FLOOR, DTYPES, TAKEN = "get_min_capability", "get_supported_act_dtypes", "override_quantization_method"
SCHEME = "CompressedTensors"
_SAME = {"half": "float16", "float": "float32"}


def class_facts(files: Files, folder: str) -> Row:
    """Class -> `minimum_capability` (75) and `activation_dtypes` (`["float16"]`), each where it is a constant.

    `overrides`: the class takes its checkpoints whatever method the command names.
    """
    out: Row = {}
    for member in files.below(folder):
        text = files.text(member)
        if FLOOR in text or DTYPES in text or TAKEN in text:
            for node in ast.walk(files.tree(member)):
                if isinstance(node, ast.ClassDef) and (found := _facts(node)):
                    out[node.name] = found
    return out


def schemes(found: Row) -> dict[str, Any]:
    """`CompressedTensorsWNA16` -> its floor as `{"minimum_capability": 80}`; the configuration's own class aside."""
    return {c: f for c, f in found.items() if c.startswith(SCHEME) and c != f"{SCHEME}Config" and "Method" not in c}


def _facts(node: ast.ClassDef) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for method in (m for m in node.body if isinstance(m, ast.FunctionDef)):
        if method.name == TAKEN and _takes_any(method):
            out["overrides"] = True
        returns = [n.value for n in ast.walk(method) if isinstance(n, ast.Return)]
        if len(returns) != 1:
            continue
        if method.name == FLOOR and isinstance(least := value(returns[0], {}), int):
            out["minimum_capability"] = least
        elif method.name == DTYPES and (named := _dtypes(returns[0])):
            out["activation_dtypes"] = named
    return out


def _takes_any(method: ast.FunctionDef) -> bool:
    """Whether it answers with a name, and without a look at the method that the user named."""
    returns = (n.value for n in ast.walk(method) if isinstance(n, ast.Return))
    named = [r for r in returns if isinstance(r, ast.Constant) and isinstance(r.value, str)]
    asked = any(isinstance(n, ast.Name) and n.id == "user_quant" for n in ast.walk(method))
    return bool(named) and not asked


def _dtypes(node: ast.expr | None) -> list[str]:
    """`[torch.half, torch.bfloat16]` as `["float16", "bfloat16"]`; empty for anything else."""
    parts = node.elts if isinstance(node, ast.List) else []
    names = [p.attr for p in parts if isinstance(p, ast.Attribute) and ast.unparse(p.value) == "torch"]
    return [_SAME.get(n, n) for n in names] if len(names) == len(parts) else []
