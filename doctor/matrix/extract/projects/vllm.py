"""What a vLLM release accepts.

Layouts known: the registry in `model_loader.py` (0.2.0), in `models/__init__.py`, in `models/registry.py` (0.6.3);
quantisation as a table, or as a list of names with a table inside `get_quantization_config`; flags written out, or
derived from settings classes (since 0.8). A release that fits none is a LayoutError.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from doctor.matrix.extract.checks import checks
from doctor.matrix.extract.conversions import conversion
from doctor.matrix.extract.definitions import definition
from doctor.matrix.extract.fields import Settings
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.flags import Flag, flag, flags_of, functions
from doctor.matrix.extract.handed import handed_on, refused_when_made
from doctor.matrix.extract.literals import Names, constants, jsonable
from doctor.matrix.extract.parsers import habits, readable, variables
from doctor.matrix.extract.projects.model_types import registered
from doctor.matrix.extract.projects.quant_classes import class_facts, schemes
from doctor.matrix.extract.projects.vllm_kwargs import adds, listed_pairs, looped, spreads_of
from doctor.matrix.extract.projects.vllm_parsers import highest_share, refused_parsers
from doctor.matrix.extract.shapes import plain, shapes
from doctor.matrix.files.row import Row

MODELS = "vllm/model_executor/models"
REGISTRIES = (f"{MODELS}/registry.py", f"{MODELS}/__init__.py", "vllm/model_executor/model_loader.py")
QUANTIZATION = (
    "vllm/model_executor/layers/quantization/__init__.py",
    "vllm/model_executor/quantization_utils/__init__.py",
)
ARGUMENTS = "vllm/engine/arg_utils.py"
FRONT = (
    "vllm/entrypoints/common/cli_args.py",
    "vllm/entrypoints/launchers/cli_args.py",
    "vllm/entrypoints/openai/cli_args.py",
    "vllm/entrypoints/openai/api_server.py",
)

PARSERS = ("vllm/utils/argparse_utils.py", "vllm/utils/__init__.py", "vllm/utils.py")
SERVE = ("vllm/scripts.py", "vllm/entrypoints/cli/serve.py")
VARIABLES = "vllm/envs.py"
CONFIGURATIONS = ["vllm/transformers_utils/config.py"]
LORA = "LoRAModulePath"
PAIRS = "json or key=value"


def extract(files: Files) -> Row:
    """The kinds `architectures.*`, `quantization.*`, `kv_cache`, `flags`, `settings` and the habits of its parser.

    `parser` are its habits, `environment` the variables that its own list names, `model_types` those for which it has a
    configuration class itself. Raises LayoutError.
    """
    flags, settings = _flags(files)
    row: Row = {"settings": _shapes(files, flags, settings)} if "validate_json" in files.text(ARGUMENTS) else {}
    made = refused_when_made(files.tree(ARGUMENTS), "EngineArgs", "create_engine_config", settings.classes)
    stored = _kv_cache(files, flags)
    if found := {
        **_checks(files), **refused_parsers(files, flags), **_unchanged(files, made),
        **_refused_storage(files, flags, stored),
    }:  # fmt: skip
        row["checks.parsed"] = found
    return {
        **row,
        **command(files),
        **_architectures(files),
        **_quantization(files),
        "flags": flags,
        "kv_cache": stored,
        "model_types": registered(files, CONFIGURATIONS, "vllm/transformers_utils/configs"),
    }


def command(files: Files) -> Row:
    """The kinds `parser`, `flags.serve` (what `vllm serve` adds) and `environment` (where it lists its variables).

    `model_checked`: `vllm serve` refuses a `--model` beside the word that names the model.
    """
    row: Row = {}
    for member in SERVE:
        calls = (n for n in ast.walk(files.tree(member)) if isinstance(n, ast.Call)) if files.has(member) else ()
        added = [f for c in calls if ast.unparse(c.func) == "serve_parser.add_argument" and (f := flag(c, {}))]
        if added:
            row["flags.serve"] = dict(added)
    found = habits(files, *PARSERS)
    if any("if args.model != EngineArgs.model:" in files.text(m) for m in SERVE if files.has(m)):
        found["model_checked"] = True
    if found:
        row["parser"] = found
    if files.has(VARIABLES):
        row["environment"] = variables(files, [VARIABLES], "VLLM")
    return row


def _architectures(files: Files) -> Row:
    for member in REGISTRIES:
        known = constants(files.tree(member)) if files.has(member) else {}
        table = next((known[n] for n in ("_VLLM_MODELS", "_MODELS", "_MODEL_REGISTRY") if known.get(n)), None)
        if isinstance(table, dict):
            row: Row = {"architectures.default": {arch: _class(v) for arch, v in table.items()}}
            vision = known.get("_MULTIMODAL_MODELS")
            if isinstance(vision, dict):
                row["architectures.vision"] = {arch: _class(v) for arch, v in vision.items()}
            if isinstance(known.get("_PREVIOUSLY_SUPPORTED_MODELS"), dict):
                row["architectures.removed"] = jsonable(known["_PREVIOUSLY_SUPPORTED_MODELS"])
            return row
    raise files.lacks(REGISTRIES[0], "a table of models")


def _class(entry: Any) -> Any:
    """`("qwen2_vl", "Qwen2VL")` as `vllm.model_executor.models.qwen2_vl.Qwen2VL`; True where it is no such pair."""
    if isinstance(entry, (list, tuple)) and len(entry) >= 2 and all(isinstance(e, str) for e in entry[:2]):
        module = entry[0] if "." in entry[0] else f"{MODELS.replace('/', '.')}.{entry[0]}"
        return f"{module}.{entry[1]}"
    return True


def _quantization(files: Files) -> Row:
    """Method -> `{"minimum_capability": 75}`, as the method's class states it; conditional ones without a number."""
    member = files.first(*QUANTIZATION)
    if member is None:
        raise files.lacks(QUANTIZATION[0], "the quantization methods")
    tree = files.tree(member)
    tables = [t for n in ast.walk(tree) if isinstance(n, ast.Dict) and (t := _class_table(n))]
    classes = max(tables, key=len, default={})
    known = constants(tree)
    methods = dict.fromkeys([*classes, *(m for m in _listed(known) if isinstance(m, str))])
    if not methods:
        raise files.lacks(member, "the quantization methods")
    found = class_facts(files, member.rpartition("/")[0])
    named = {m: found.get(classes.get(m, ""), {}) for m in methods}
    return {"quantization.default": named, "quantization.schemes": schemes(found)}


def _listed(known: Names) -> list[Any]:
    for name in ("QuantizationMethods", "QUANTIZATION_METHODS"):
        if isinstance(known.get(name), list):
            return list(known[name])
    return []


def _kv_cache(files: Files, flags: dict[str, Flag]) -> dict[str, Any]:
    """What `--kv-cache-dtype` takes: its choices, or the literal type that it is checked against."""
    choices = flags.get("--kv-cache-dtype", {}).get("choices")
    if not choices and files.has("vllm/config/cache.py"):
        choices = constants(files.tree("vllm/config/cache.py")).get("CacheDType")
    return {str(c): True for c in choices or ()}


def _refused_storage(files: Files, flags: dict[str, Flag], stored: dict[str, Any]) -> dict[str, str]:
    """The condition on which the settings of the cache refuse a `--kv-cache-dtype` that has no choices of its own."""
    member = "vllm/config/cache.py"
    if not stored or "choices" in flags.get("--kv-cache-dtype", {}) or not files.has(member):
        return {}
    if "if not is_known_kv_cache_dtype(" not in files.text(member):
        return {}
    return {f"args.kv_cache_dtype not in {tuple(stored)!r}": f"--kv-cache-dtype takes one of {', '.join(stored)}"}


def _class_table(node: ast.Dict) -> dict[str, str]:
    out: dict[str, str] = {}
    for key, item in zip(node.keys, node.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str) or not isinstance(item, ast.Name):
            return {}
        out[key.value] = item.id
    return out


def _checks(files: Files) -> dict[str, str]:
    """Conditions over the parsed options that the server refuses at once, with what it says."""
    for member in FRONT:
        function = functions(files.tree(member)).get("validate_parsed_serve_args") if files.has(member) else None
        if isinstance(function, ast.FunctionDef):
            return checks(function, "args")
    return {}


def _unchanged(files: Files, made: dict[str, str]) -> dict[str, str]:
    """The conditions over options that the server's own start does not set before."""
    trees = [files.tree(m) for m in (*FRONT, *SERVE) if files.has(m)]
    stored = (n for t in trees for n in ast.walk(t) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store))
    names = {n.attr for n in stored}
    return {c: said for c, said in made.items() if not names & set(re.findall(r"args\.(\w+)", c))}


def _shapes(files: Files, flags: dict[str, Flag], settings: Settings) -> dict[str, Any]:
    """What the settings classes accept that options take as JSON."""
    config = definition(files, "vllm/config/__init__.py", "config")
    forbids = config is not None and "extra='forbid'" in ast.unparse(config.node)
    classes = [f["class"] for f in flags.values() if f.get("type") == "json object" and "class" in f]
    unpacked = {f["class"]: text for f in flags.values() if f.get("type") == "json.loads" and "class" in f
                if (text := _unpacking(files, f["class"]))}  # fmt: skip
    out = shapes(settings, list(dict.fromkeys([*classes, *unpacked])), forbids)
    for name, text in unpacked.items():
        if name in out and ".replace('-', '_')" in text:
            out[name]["hyphens"] = True
    front = files.first(*FRONT)
    if front and "--lora-modules" in flags and (made := plain(files, front, LORA)):
        flags["--lora-modules"]["class"] = LORA
        out |= made
    return out


def _unpacking(files: Files, name: str) -> str:
    """The method that makes class `name` of an object's keys (`X(**self.x)`), as text; empty where none does."""
    found = (f for f in ast.walk(files.tree(ARGUMENTS)) if isinstance(f, ast.FunctionDef))
    return next((t for f in found if f"{name}(**self." in (t := ast.unparse(f))), "")


def _flags(files: Files) -> tuple[dict[str, Flag], Settings]:
    front = files.first(*FRONT)
    if front is None:
        raise files.lacks(FRONT[0], "the server's command line")
    members = [ARGUMENTS, front, *_settings_members(files)]
    arguments = files.text(ARGUMENTS)
    settings = Settings(
        negatable="BooleanOptionalAction" in arguments and "_kwargs(" in arguments,
        unions="union_dict_and_str" in arguments, readable=readable(files.tree(ARGUMENTS)), files=files,
    ).read(files.tree(m) for m in members)  # fmt: skip
    out: dict[str, Flag] = {}
    for member in (ARGUMENTS, front):
        tree = files.tree(member)
        names = {**settings.names, **constants(tree)}
        for function in _parsers(tree):
            spreads = spreads_of(tree, function, settings)
            out.update(flags_of(function, {**names, **spreads}))
            out.update(looped(function, spreads))
            out.update(listed_pairs(function))
    if _takes_pairs(files.tree(ARGUMENTS)):
        out = {n: {**f, "type": PAIRS} if f.get("type") == "json" else f for n, f in out.items()}
    handed = handed_on(files.tree(ARGUMENTS), "EngineArgs", "create_engine_config")
    for name, made in out.items():
        if "bounds" in made:
            kept = (made["class"], name.lstrip("-").replace("-", "_")) in handed
            out[name] = {k: v for k, v in made.items() if k != "class" and (kept or k != "bounds")}
        if kind := conversion(files, (ARGUMENTS,), str(made.get("type", ""))):
            out[name] = {**out[name], "type": kind}
    share = out.get("--gpu-memory-utilization")
    if share is not None and "bounds" not in share and highest_share(files):
        share["bounds"] = {"le": 1}
    if "--tensor-parallel-size" not in out or "--port" not in out:
        raise files.lacks(ARGUMENTS, "the flags --tensor-parallel-size and --port")
    return out, settings


def _takes_pairs(tree: ast.Module) -> bool:
    """Whether dictionaries may also be written `key=value`: a parser that falls back on `nullable_kvs`."""
    found = functions(tree)
    falls_back = [n for n, f in found.items() if n != "nullable_kvs" and "nullable_kvs(" in ast.unparse(f)]
    derive = [ast.unparse(found[n]) for n in ("_compute_kwargs", "get_kwargs") if n in found]
    return any(name in text for name in falls_back for text in derive)


def _settings_members(files: Files) -> list[str]:
    single = [m for m in ("vllm/config.py", "vllm/utils/argparse_utils.py") if files.has(m)]
    found = [m for m in files.below("vllm/config") if m.endswith(".py")]
    cache = [m for m in ("vllm/model_executor/layers/quantization/__init__.py",) if files.has(m)]
    return sorted({*single, *found, *cache})


def _parsers(tree: ast.Module) -> list[ast.FunctionDef]:
    """The functions that add flags; where the old server had them at the end of the file, that part as one."""
    found = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and adds(n)]
    ends = [n for n in tree.body if isinstance(n, ast.If) and "__main__" in ast.unparse(n.test) and adds(n)]
    wrapped = [ast.FunctionDef(name="main", args=_NO_ARGUMENTS, body=n.body, decorator_list=[]) for n in ends]
    return found + wrapped


_NO_ARGUMENTS = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
