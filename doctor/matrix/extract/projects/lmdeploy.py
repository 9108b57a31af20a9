"""What an LMDeploy release accepts, for its two engines TurboMind and PyTorch and its vision front end.

Layouts known: architectures chosen by model name (before 0.2.5), a table of booleans (to 0.5.3), the PyTorch engine's
`MODULE_MAP` by architecture (since 0.6.0). A release that fits none is a LayoutError.
"""

from __future__ import annotations

import ast
from typing import Any

from packaging.version import Version

from doctor.base.late import late_pattern
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.flags import Flag, flags_of, functions
from doctor.matrix.extract.literals import constants, jsonable, value
from doctor.matrix.extract.parsers import backends_of, habits, variables
from doctor.matrix.extract.projects.lmdeploy_decisions import decisions, structured
from doctor.matrix.extract.registered import registered_names
from doctor.matrix.files.row import Row

TEMPLATES = "lmdeploy/model.py"
TURBOMIND = "lmdeploy/turbomind/supported_models.py"
PYTORCH_MAP = "lmdeploy/pytorch/models/module_map.py"
PYTORCH_OLD = "lmdeploy/pytorch/supported_models.py"
CONVERTER = ("lmdeploy/turbomind/converter.py", "lmdeploy/turbomind/deploy/converter.py")
LINEAR = ("lmdeploy/pytorch/nn/linear/__init__.py", "lmdeploy/pytorch/nn/linear.py")
SERVE, HELPERS = "lmdeploy/cli/serve.py", "lmdeploy/cli/utils.py"
BY_ARCHITECTURE, BY_MODULE = Version("0.2.5"), Version("0.6.0")

# what the standard library's `logging` calls its levels: the choices of `--log-level`
_LEVELS = ("CRITICAL", "FATAL", "ERROR", "WARN", "WARNING", "INFO", "DEBUG", "NOTSET")
_ADDED = late_pattern(r"logging\.addLevelName\([^,\n]{1,60},\s*['\"](\w{1,40})['\"]\)")


def extract(files: Files) -> Row:
    """The kinds `architectures.*`, `quantization.*`, `decisions`, `structured`, `kv_cache`, `flags`, `checks`,
    `parser`, `environment`.

    Raises LayoutError.
    """
    flags = _flags(files)
    row: Row = {
        **command(files),
        "decisions": decisions(files),
        "structured": structured(files),
        "flags": flags,
        "kv_cache": _kv_cache(files, flags),
        "checks": _checks(files),
        "quantization.turbomind": _turbomind_quantization(files),
        "architectures.vision": _vision(files),
    }
    if Version(files.version) >= BY_ARCHITECTURE:
        row["architectures.turbomind"] = _table(files, TURBOMIND, "SUPPORTED_ARCHS", "_SUPPORTED_ARCHS")
        row["architectures.pytorch"] = _pytorch(files)
    else:
        row["notes"] = {"architectures": "chosen by model name, not by architecture"}
    if linear := files.first(*LINEAR):
        row["quantization.pytorch"] = _pytorch_quantization(files, linear)
    elif Version(files.version) >= BY_MODULE:
        raise files.lacks(LINEAR[0], "the linear layers")
    return row


def command(files: Files) -> Row:
    """The kinds `parser` (its habits) and `environment` (the variables that its source names)."""
    row: Row = {"environment": variables(files, files.below("lmdeploy"), "LMDEPLOY")}
    if found := habits(files, HELPERS):
        row["parser"] = found
    return row


def _flags(files: Files) -> dict[str, Flag]:
    out = _written_flags(files)
    if "--chat-template" in out and (names := _templates(files)):
        out["--chat-template"]["named"] = names
    return out


def _templates(files: Files) -> list[str]:
    """The chat templates that `--chat-template` takes by name; anything else has to be a file. Empty if not checked."""
    if "in MODELS.module_dict.keys()" not in files.text(HELPERS) or not files.has(TEMPLATES):
        return []
    tree = files.tree(TEMPLATES)
    names = list(registered_names(tree, "MODELS"))
    older = constants(tree).get("DEPRECATED_CHAT_TEMPLATE_NAMES")
    known = {n for group in names if group is not None for n in group}
    return sorted(known | set(older if isinstance(older, list) else ())) if None not in names else []


def _written_flags(files: Files) -> dict[str, Flag]:
    found = functions(files.tree(SERVE)).get("add_parser_api_server")
    if found is None:
        raise files.lacks(SERVE, "add_parser_api_server")
    helper = next((n for n in files.tree(HELPERS).body if getattr(n, "name", "") == "ArgumentHelper"), None)
    if helper is None:
        raise files.lacks(HELPERS, "class ArgumentHelper")
    more = _ADDED.findall(files.text("lmdeploy/utils.py")) if files.has("lmdeploy/utils.py") else []
    levels = {"logging._nameToLevel": dict.fromkeys((*_LEVELS, *more), 0)}
    flags = flags_of(found, {**constants(files.tree(HELPERS)), **levels}, functions(helper))
    if "--tp" not in flags or "--server-port" not in flags:
        raise files.lacks(SERVE, "the flags --tp and --server-port")
    for name, backend in backends_of(files.tree(SERVE), flags).items():
        flags[name]["only"] = backend
    return flags


def _table(files: Files, member: str, *names: str) -> dict[str, Any]:
    known = constants(files.tree(member))
    table = next((known[n] for n in names if isinstance(known.get(n), dict)), None)
    if not table:
        raise files.lacks(member, f"the table {names[0]}")
    return {arch: jsonable(v) for arch, v in table.items() if v}


def _pytorch(files: Files) -> dict[str, Any]:
    if Version(files.version) < BY_MODULE and files.has(PYTORCH_OLD):
        return _table(files, PYTORCH_OLD, "_SUPPORTED_ARCHS")
    table = _table(files, PYTORCH_MAP, "MODULE_MAP")
    if not all(isinstance(v, str) and "." not in arch for arch, v in table.items()):
        raise files.lacks(PYTORCH_MAP, "MODULE_MAP from architectures to classes")
    return table


def _vision(files: Files) -> dict[str, Any]:
    """Architectures with a vision front end: the set in `check_vl_llm`, and each vision model's `_arch`."""
    found: dict[str, Any] = {}
    if check := (files.has("lmdeploy/archs.py") and functions(files.tree("lmdeploy/archs.py")).get("check_vl_llm")):
        for node in ast.walk(check):
            if isinstance(node, ast.Set):
                found.update(dict.fromkeys(_strings(node), True))
            elif isinstance(node, ast.Compare) and getattr(node.left, "id", "") == "arch":
                found.update(dict.fromkeys(_strings(node.comparators[0]), True))
    for member in files.below("lmdeploy/vl/model"):
        for node in files.tree(member).body:
            if isinstance(node, ast.ClassDef):
                found.update(dict.fromkeys(_arch(node), member[:-3].replace("/", ".")))
    if files.has("lmdeploy/vl/model/builder.py") and not found:
        raise files.lacks("lmdeploy/archs.py", "check_vl_llm with the vision architectures")
    return found


def _arch(node: ast.ClassDef) -> list[str]:
    for line in node.body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name) and line.targets[0].id == "_arch":
            return _strings(line.value)
    return []


def _strings(node: ast.expr) -> list[str]:
    found = value(node, {})
    return [found] if isinstance(found, str) else [a for a in jsonable(found) or () if isinstance(a, str)]


def _pytorch_quantization(files: Files, member: str) -> dict[str, Any]:
    """The methods that the linear layers are built for; any other raises `Unsupported quant method`."""
    build = functions(files.tree(member)).get("build_linear")
    if build is None:
        raise files.lacks(member, "build_linear")
    methods: dict[str, Any] = {m: {} for m, _ in _branches(build)}
    if not methods:
        raise files.lacks(member, "comparisons of quant_method")
    for method, least in _capabilities(files).items():
        methods.setdefault(method, {})["minimum_capability"] = least
    return methods


def _capabilities(files: Files) -> dict[str, int]:
    """`check_env/cuda.py`: `if self.model_format == "fp8": ... if props.major < 9` as `{"fp8": 90}`."""
    member, out = "lmdeploy/pytorch/check_env/cuda.py", dict[str, int]()
    if not files.has(member):
        return out
    for outer in ast.walk(files.tree(member)):
        if not isinstance(outer, ast.If) or not (method := _compared(outer.test, "model_format")):
            continue
        for node in ast.walk(outer):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Lt) and "major" in ast.unparse(node.left):
                least = value(node.comparators[0], {})
                if isinstance(least, int):
                    out[method] = least * 10
    return out


def _turbomind_quantization(files: Files) -> dict[str, Any]:
    """The methods that the converter takes, with the conditions that it asserts for each."""
    member = files.first(*CONVERTER)
    if member is None:
        raise files.lacks(CONVERTER[0], "the weight converter")
    tree = files.tree(member)
    methods: dict[str, Any] = {}
    for method, body in _branches(tree):
        if any(isinstance(n, ast.Raise) for n in body):
            continue
        conditions = [ast.unparse(n.test) for n in body if isinstance(n, ast.Assert)]
        methods[method] = {"conditions": conditions} if conditions else {}
    if not methods:
        formats = constants(tree).get("supported_formats") or _choices(files, "--model-format")
        methods = {m: {} for m in jsonable(formats) or () if m not in (None, "llama", "hf")}
        if not isinstance(formats, (list, dict)):
            raise files.lacks(member, "the quantization methods")
    for method, sizes in _group_sizes(tree).items():
        methods.setdefault(method, {})["group_sizes"] = sizes
    return methods


def _group_sizes(tree: ast.Module) -> dict[str, list[int]]:
    """`_SUPPORTED_GROUP_SIZES`, or `assert group_size == 128` below `if model_format in [...]`."""
    table = constants(tree).get("_SUPPORTED_GROUP_SIZES")
    if isinstance(table, dict):
        return {m: jsonable(s) for m, s in table.items() if isinstance(s, (set, list, frozenset))}
    out: dict[str, list[int]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "model_format" in ast.unparse(node.test):
            methods = [m for n in ast.walk(node.test) if isinstance(m := getattr(n, "value", None), str)]
            for inner in (n for n in node.body if isinstance(n, ast.Assert)):
                size = value(inner.test.comparators[0], {}) if isinstance(inner.test, ast.Compare) else None
                if isinstance(size, int) and ast.unparse(inner.test) == f"group_size == {size}":
                    out.update({m: [size] for m in methods})
    return out


def _branches(tree: ast.AST) -> list[tuple[str, list[ast.stmt]]]:
    """`if quant_method == "awq": BODY` and its `elif`s as `("awq", BODY)`."""
    return [
        (method, node.body)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and (method := _compared(node.test, "quant_method"))
    ]


def _compared(test: ast.expr, name: str) -> str | None:
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq) and ast.unparse(test.left).endswith(name):
        found = value(test.comparators[0], {})
        return found if isinstance(found, str) else None
    return None


def _kv_cache(files: Files, flags: dict[str, Flag]) -> dict[str, Any]:
    """The policies of `--quant-policy` by value: an enumeration since 0.13.0, else the flag's choices."""
    if files.has("lmdeploy/messages.py"):
        for node in files.tree("lmdeploy/messages.py").body:
            if isinstance(node, ast.ClassDef) and node.name == "QuantPolicy":
                inner = constants(ast.Module(node.body, []))
                return {str(v): name for name, v in inner.items() if isinstance(v, int)}
    return {str(c): True for c in flags.get("--quant-policy", {}).get("choices") or ()}


def _choices(files: Files, name: str) -> Any:
    return _flags(files).get(name, {}).get("choices")


def _checks(files: Files) -> dict[str, Any]:
    """The versions that its own checks at start compare with: `transformers` -> `MIN_..`, `MAX_..`, `.._SPEC`."""
    out: dict[str, Any] = {}
    for member in files.below("lmdeploy/pytorch/check_env"):
        for name, found in constants(files.tree(member)).items():
            if isinstance(found, str) and name.endswith(("_VERSION", "_VERSION_SPEC")):
                subject = name.removeprefix("MIN_").removeprefix("MAX_").partition("_VERSION")[0].lower()
                kind = "min" if name.startswith("MIN_") else "max" if name.startswith("MAX_") else "spec"
                out.setdefault(subject, {})[kind] = found
    return out
