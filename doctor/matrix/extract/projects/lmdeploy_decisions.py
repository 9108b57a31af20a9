"""What LMDeploy's TurboMind decides by code: which models it takes, and which settings of a quantisation."""

from __future__ import annotations

import ast
from typing import Any

from doctor.matrix.extract.decision import expression, statements
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.flags import functions

SUPPORTED = "lmdeploy/turbomind/supported_models.py"
GUIDED = "lmdeploy/pytorch/engine/guided_process.py"
SERVER = "lmdeploy/serve/openai/api_server.py"
GRAMMARS = ("outlines", "xgrammar")  # by their first eight letters: `outlines.fsm.guide` too
CONVERTER = ("lmdeploy/turbomind/converter.py", "lmdeploy/turbomind/deploy/converter.py")


def decisions(files: Files) -> dict[str, Any]:
    """`supported`: `is_supported()` (since 0.2.5); `quantization`: what the converter asserts (since 0.6.0)."""
    out: dict[str, Any] = {}
    if files.has(SUPPORTED) and (found := functions(files.tree(SUPPORTED)).get("is_supported")):
        out["supported"] = statements(found.body)
    member = files.first(*CONVERTER)
    known = functions(files.tree(member)) if member else {}
    for name in ("get_tm_model", "get_tm_config"):
        if member and (function := known.get(name)) and (body := _checks(function)):
            out["quantization"] = statements([*_helpers(files.tree(member), body), *body])
    return out


def structured(files: Files) -> dict[str, Any]:
    """How a request for structured output is met: `imports` of the PyTorch engine, `pytorch_only` (no TurboMind)."""
    out: dict[str, Any] = {}
    if files.has(GUIDED):
        nodes = [n for n in files.tree(GUIDED).body if isinstance(n, ast.ImportFrom) and n.module and not n.level]
        names = sorted(f"{n.module}:{a.name}" for n in nodes for a in n.names if (n.module or "")[:8] in GRAMMARS)
        plain = [n for n in files.tree(GUIDED).body if isinstance(n, ast.Import)]
        out["imports"] = [*sorted(a.name for n in plain for a in n.names if a.name[:8] in GRAMMARS), *names]
    if files.has(SERVER) and "only pytorch backend can use response_format" in files.text(SERVER):
        out["pytorch_only"] = True
    return out


def _checks(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    """`if quant_config: ...`, and what is then asked of the group size."""
    start = next((i for i, n in enumerate(function.body) if _tests(n, "quant_config")), None)
    if start is None:
        return []
    after = function.body[start + 1 :]
    sized = (n for n in after[:3] if _tests(n, "model_format") or _tests(n, "group_size") or _sets_size(n))
    return [function.body[start], *sized]


def _tests(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.If) and name in ast.unparse(node.test)


def _sets_size(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "group_size"


def _helpers(tree: ast.Module, body: list[ast.stmt]) -> list[ast.stmt]:
    """The functions of the module that these statements call, and the constants that those use."""
    called = {n.func.id for s in body for n in ast.walk(s) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    helpers = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name in called]
    used = {n.id for h in helpers for n in ast.walk(h) if isinstance(n, ast.Name)}
    wanted = [n for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) in used]
    return [*(n for n in wanted if expression(n.value) != ["?"]), *helpers]
