"""What an SGLang release accepts.

Layouts known: flags written out in `server_args.py`, or derived from annotated fields `name: A[type, Arg(...)]` there
(0.5.13) and in `arg_groups/fields` (later); models that name themselves by `EntryClass`; quantisation methods in a
table of SGLang's own (since 0.3.5), or vLLM's. A release that fits none is a LayoutError.
"""

from __future__ import annotations

import ast
from typing import Any

from doctor.matrix.extract.conversions import conversion
from doctor.matrix.extract.definitions import named, returned
from doctor.matrix.extract.fields import Settings
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.flags import Flag, acted, flags_of
from doctor.matrix.extract.literals import Names, Unknown, constants, jsonable, value
from doctor.matrix.extract.parsers import variables
from doctor.matrix.extract.projects.model_types import registered
from doctor.matrix.extract.projects.quant_classes import class_facts, schemes
from doctor.matrix.files.row import Row

MODELS = "sglang/srt/models"
ARGUMENTS = "sglang/srt/server_args.py"
FIELDS = "sglang/srt/arg_groups/fields"
QUANTIZATION = "sglang/srt/layers/quantization/__init__.py"
MODEL_CONFIG = ("sglang/srt/configs/model_config.py", "sglang/srt/model_config.py")

HUB = "hf_transformers"  # in the name of the file, wherever it lies, that holds the table of configurations


def extract(files: Files) -> Row:
    """The kinds `architectures.*`, `quantization.*`, `kv_cache`, `flags`, `parser`, `environment`, `model_types`.

    Raises LayoutError.
    """
    flags = _flags(files)
    row: Row = {
        **command(files),
        "architectures.default": _architectures(files),
        "flags": flags,
        **_quantization(files, flags),
        "kv_cache": {str(c): True for c in flags.get("--kv-cache-dtype", {}).get("choices") or ()},
        "model_types": registered(files, [m for m in files.below("sglang/srt") if HUB in m], "sglang/srt/configs"),
    }
    if vision := _vision(files):
        row["architectures.vision"] = vision
    return row


def command(files: Files) -> Row:
    """The kinds `parser` (whether a file of options can be named) and `environment` (the variables it names)."""
    members = [m for m in files.below("sglang") if "/test/" not in m and "/lang/" not in m]
    row: Row = {"environment": variables(files, members, "SGLANG", "SGL")}
    if '"--config" in argv' in files.text(ARGUMENTS):
        row["parser"] = {"config": True}
    return row


def _architectures(files: Files) -> dict[str, Any]:
    """`EntryClass = X`, `EntryClass = [X, Y]` at the end of each model's file."""
    out: dict[str, Any] = {}
    for member in files.below(MODELS):
        if "EntryClass" not in files.text(member):
            continue
        module = member[:-3].replace("/", ".")
        for node in files.outline(member).body:
            if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
                continue
            if ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target) == "EntryClass":
                named = [n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)]
                out.update({name: f"{module}.{name}" for name in named})
    if len(out) < 5:
        raise files.lacks(MODELS, "models with EntryClass")
    return out


def _vision(files: Files) -> dict[str, Any]:
    """The list `multimodal_model_archs` (since 0.4.4), else the names compared in `is_multimodal_model`."""
    member = files.first(*MODEL_CONFIG)
    if member is None:
        raise files.lacks(MODEL_CONFIG[0], "the model's settings")
    tree = files.tree(member)
    listed = constants(tree).get("multimodal_model_archs")
    if isinstance(listed, list):
        return {a: True for a in listed if isinstance(a, str)}
    for other in (member, "sglang/srt/utils.py", "sglang/srt/hf_transformers_utils.py"):
        for node in ast.walk(files.tree(other)) if files.has(other) else ():
            if isinstance(node, ast.FunctionDef) and node.name in ("is_multimodal_model", "is_multimodal_model_arch"):
                found = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
                return {a: True for a in found if a[:1].isupper() and " " not in a}
    return {}


def _quantization(files: Files, flags: dict[str, Flag]) -> Row:
    """Method -> `{"minimum_capability": 80}`; where the classes are vLLM's, the flag's choices without floors."""
    choices = flags.get("--quantization", {}).get("choices") or []
    if not files.has(QUANTIZATION):
        if not choices:
            raise files.lacks(QUANTIZATION, "the quantization methods")
        return {"quantization.default": {str(c): {} for c in choices if c is not None}}
    tables = [n for n in ast.walk(files.tree(QUANTIZATION)) if isinstance(n, ast.Dict)]
    classes = {k: c for table in tables for k, c in _class_table(table).items() if c[:1].isupper()}
    if not classes and not choices:
        raise files.lacks(QUANTIZATION, "the quantization methods")
    found = class_facts(files, QUANTIZATION.rpartition("/")[0])
    methods = dict.fromkeys([*classes, *(str(c) for c in choices if c is not None)])
    named = {m: found.get(classes.get(m, ""), {}) for m in methods}
    return {"quantization.default": named, "quantization.schemes": schemes(found)}


def _class_table(node: ast.Dict) -> dict[str, str]:
    pairs = list(zip(node.keys, node.values, strict=True))
    if not all(isinstance(k, ast.Constant) and isinstance(v, ast.Name) for k, v in pairs):
        return {}
    return {str(k.value): v.id for k, v in pairs if isinstance(k, ast.Constant) and isinstance(v, ast.Name)}


def _flags(files: Files) -> dict[str, Flag]:
    choices = [m for m in files.below("sglang/srt/arg_groups") if m.endswith("choices.py")]
    declared = files.below(FIELDS)
    settings = Settings().read(files.tree(m) for m in (ARGUMENTS, *choices, *declared))
    tree = files.tree(ARGUMENTS)
    out: dict[str, Flag] = {}
    for member in (ARGUMENTS, *declared):
        for node in (n for n in files.tree(member).body if isinstance(n, ast.ClassDef)):
            out.update(_annotated(node, settings, {**_imported(files, member, node), **settings.names}))
    for node in (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "ServerArgs"):
        defaults = {f"ServerArgs.{k}": v["default"] for k, v in settings.kwargs("ServerArgs").items() if "default" in v}
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name == "add_cli_args":
                known = {**_imported(files, ARGUMENTS, node), **settings.names, **defaults}
                known |= returned(files, ARGUMENTS, known)
                out.update(flags_of(method, known, _helpers(tree)))
    _refusals(tree, out)
    for flag in out.values():
        if found := conversion(files, (ARGUMENTS, *declared), flag.get("type", "")):
            flag["type"] = found
    if "--model-path" not in out or "--port" not in out or not {"--tp-size", "--tensor-parallel-size"} & set(out):
        raise files.lacks(ARGUMENTS, "the flags --model-path, --port and --tensor-parallel-size")
    return out


def _imported(files: Files, member: str, node: ast.ClassDef) -> Names:
    """What the choices in a class need from other files: `SUPPORTED_MODULES`, `ReasoningParser.DetectorMap`."""
    lists = [k.value for c in ast.walk(node) if isinstance(c, ast.Call) for k in c.keywords if k.arg == "choices"]
    adding = [n for n in ast.walk(node) if isinstance(n, ast.FunctionDef) and n.name == "add_cli_args"]
    lists += [n.value for f in adding for n in f.body if isinstance(n, ast.Assign)]
    names = [ast.unparse(n) for c in lists for n in ast.walk(c) if isinstance(n, (ast.Name, ast.Attribute))]
    return named(files, member, [n for n in dict.fromkeys(names) if n.count(".") < 2 and "(" not in n])


def _refusals(tree: ast.Module, out: dict[str, Flag]) -> None:
    """Old flags were rejected once; where their action only warns, they are taken."""
    action = next((n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "DeprecatedAction"), None)
    if action is None or not any(isinstance(n, ast.Raise) for n in ast.walk(action)):
        for flag in out.values():
            flag.pop("refused", None)


def _helpers(tree: ast.Module) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """The methods to which `add_cli_args` hands its parser on."""
    return {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name.startswith(("_add", "add_"))}


def _annotated(node: ast.ClassDef, settings: Settings, names: Names) -> dict[str, Flag]:
    """The fields `name: A[type, "help"]` and `name: A[type, Arg(...)]` of one class as flags."""
    out: dict[str, Flag] = {}
    fields = settings.kwargs(node.name)
    for line in node.body:
        if not isinstance(line, ast.AnnAssign) or not isinstance(line.annotation, ast.Subscript):
            continue
        if ast.unparse(line.annotation.value) not in ("A", "Annotated") or not isinstance(line.target, ast.Name):
            continue
        parts = line.annotation.slice.elts if isinstance(line.annotation.slice, ast.Tuple) else []
        given = next((p for p in parts[1:] if isinstance(p, ast.Call) and ast.unparse(p.func) == "Arg"), None)
        arg = {k.arg: k.value for k in given.keywords if k.arg} if given else {}
        if value(arg.get("no_cli"), {}) is True or line.target.id not in fields:
            continue
        name, flag = _with_arg(line.target.id, fields[line.target.id], arg, names)
        if line.value is None and not {"nargs", "action"} & arg.keys() and flag.get("type") != "bool":
            flag["required"] = True
        out[name] = flag
    return out


def _with_arg(name: str, flag: Flag, arg: dict[str, ast.expr], names: Names) -> tuple[str, Flag]:
    """A field's flag with what its `Arg(...)` says on top."""
    spelled = value(arg.get("cli_name"), names)
    flag = dict(flag)
    if "action" in arg:  # then the class of the field says nothing
        flag = {"type": "str", **{k: v for k, v in flag.items() if k == "default"}}
        more = arg["action_kwargs"].keys if isinstance(arg.get("action_kwargs"), ast.Dict) else []  # type: ignore[attr-defined]
        values = arg["action_kwargs"].values if more else []  # type: ignore[attr-defined]
        arg |= {str(value(k, {})): v for k, v in zip(more, values, strict=True) if k is not None}
        acted({k: v for k, v in arg.items() if k in ("action", "type", "nargs")}, flag)
    for key in ("choices", "nargs", "const", "aliases", "required"):
        found = value(arg[key], names) if key in arg else None
        if found is not None and not isinstance(found, Unknown):
            flag[key] = jsonable(found)
    if flag.get("type") not in ("int", "float", "bool"):
        flag["type"] = "str"  # whatever else a field is annotated as, its flag takes text
    if "type_parser" in arg:
        flag["type"] = "callable" if isinstance(arg["type_parser"], ast.Lambda) else ast.unparse(arg["type_parser"])
        if "nargs" not in arg:
            flag.pop("nargs", None)  # the whole list is one word for that function
    plain = f"--{name.replace('_', '-')}"
    return (spelled if isinstance(spelled, str) else plain), flag
