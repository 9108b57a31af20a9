"""What the configuration classes of a transformers release take for keys that config.json leaves out.

A published config.json states only what differs from the class (Qwen2-VL leaves out the depth of its vision tower), so
a model's size cannot be told without them. Two forms of class are read: arguments of `__init__` (4.x) and annotated
fields (5.x). Kept are the keys that decide about shapes; `subs` says which class stands behind `vision_config`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from doctor.base.late import late_pattern
from doctor.matrix.extract.errors import LayoutError
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.literals import UNKNOWN, constants, jsonable, value

FOLDER = "transformers/models"
# Token ids, rates of dropout and the like say nothing of a size.
_SHAPE = late_pattern(
    r"(?:.*(?:hidden|intermediate|head|layer|depth|embed|dim|vocab|expert|patch|channel|chans|image_size|position|rank|"
    r"window|merge|ratio|bias|deepstack|dense|sparse|select|downsample|scale_factor|query|sparse_step|max_source|pool|tile|norm_topk|"
    r"block_size|conv_kernel|interval|reduction|pixel_shuffle|use_qk_norm|swin|output).*|n_group|topk_group)"
)
_NOISE = late_pattern(
    r"(?:_token_id|token_index|dropout|initializer|drop_path|_act$|activation|theta|eps$|^output_|_coef|factor$|method|"
    r"strategy|_fn$)"
)
_KEEP = ("scale_factor", "use_sliding_window")
Configs = dict[str, dict[str, Any]]


def config_defaults(files: Files) -> Configs:
    """Model type -> `defaults` (key -> plain value) and `subs` (key -> `type`, `init`). Raises LayoutError."""
    out: Configs = {}
    for member in files.below(FOLDER):
        if "/configuration_" in member:
            out.update(dict(_in_file(files.tree(member))))
    if len(out) < 50:
        raise LayoutError(files.release, FOLDER, "configuration classes")
    return dict(sorted(out.items()))


def _in_file(tree: ast.Module) -> Iterator[tuple[str, dict[str, Any]]]:
    names = constants(tree)
    classes = {n.name: n for n in tree.body if isinstance(n, ast.ClassDef)}
    types = {name: _said(node, "model_type") for name, node in classes.items()}
    for name, node in classes.items():
        model_type = types[name]
        if isinstance(model_type, str) and model_type:
            found: dict[str, Any] = {}
            for ancestor in reversed(list(_ancestors(node, classes))):
                found.update(_fields(ancestor, names))
            yield model_type, {"defaults": found, "subs": _subs(node, types)}


def _ancestors(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> Iterator[ast.ClassDef]:
    """The class and those of the same file that it is made from, itself first."""
    seen: set[str] = set()
    while node.name not in seen:
        seen.add(node.name)
        yield node
        base = next((b.id for b in node.bases if isinstance(b, ast.Name) and b.id in classes), None)
        if base is None:
            return
        node = classes[base]


def _fields(node: ast.ClassDef, names: dict[str, Any]) -> dict[str, Any]:
    pairs: list[tuple[str, ast.expr]] = []
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.value is not None:
            pairs.append((item.target.id, item.value))
        elif isinstance(item, ast.FunctionDef) and item.name == "__init__":
            given = [*item.args.posonlyargs, *item.args.args]
            pairs += zip([a.arg for a in given[len(given) - len(item.args.defaults) :]], item.args.defaults,
                         strict=True)  # fmt: skip
            pairs += [(a.arg, d) for a, d in zip(item.args.kwonlyargs, item.args.kw_defaults, strict=True) if d]
    kept = {k: value(v, names) for k, v in pairs if k in _KEEP or (_SHAPE.fullmatch(k) and not _NOISE.search(k))}
    return {k: jsonable(v) for k, v in kept.items() if v is not UNKNOWN and v is not None and _small(v)}


def _small(found: Any) -> bool:
    items = found if isinstance(found, (list, tuple)) else [found]
    return len(items) <= 64 and all(isinstance(i, (int, float)) for i in items)


def _subs(node: ast.ClassDef, types: dict[str, Any]) -> dict[str, Any]:
    """`vision_config` and the like: the model type of their class, and what the outer class gives it instead."""
    for name in ("sub_configs_defaults", "sub_configs"):
        table = next((s.value for s in node.body if isinstance(s, ast.Assign) and ast.unparse(s.targets[0]) == name),
                     None)  # fmt: skip
        if isinstance(table, ast.Dict):
            pairs = ((k, v) for k, v in zip(table.keys, table.values, strict=True) if isinstance(k, ast.Constant))
            return {str(k.value): _sub(v, types) for k, v in pairs}
    return {}


def _sub(node: ast.expr, types: dict[str, Any]) -> dict[str, Any]:
    if isinstance(node, ast.Name):
        return {"type": types.get(node.id) or None}
    words = {k.arg: k.value for k in node.keywords} if isinstance(node, ast.Call) else {}
    named, init = words.get("model_type"), value(words.get("init_kwargs"), {})
    held = words.get("config_class")
    own = types.get(held.id) if isinstance(held, ast.Name) else None
    out: dict[str, Any] = {"type": named.value if isinstance(named, ast.Constant) else own or None}
    if own is None:
        given = init if isinstance(init, dict) else {}
        out["init"] = {k: v for k, v in given.items() if isinstance(v, (int, float)) and not _NOISE.search(k)}
    return out


def _said(node: ast.ClassDef, name: str) -> Any:
    for item in node.body:
        target = item.targets[0] if isinstance(item, ast.Assign) else getattr(item, "target", None)
        held = getattr(item, "value", None)
        if isinstance(target, ast.Name) and target.id == name and isinstance(held, ast.Constant):
            return held.value
    return None


def main() -> None:
    """`python -m doctor.matrix.extract.projects.configs SOURCE...` prints transformers.json; the newest first."""
    import json
    import sys

    from doctor.matrix.extract.open import open_source

    out: dict[str, Any] = {"sources": [], "types": {}}
    for what in sys.argv[1:]:
        source = open_source(what)
        version = re.search(r"(\d+\.\d+\.\d+)", what)
        release = f"transformers {version[1] if version else what}"
        out["sources"].append(release)
        for model_type, found in config_defaults(Files("transformers", release.split()[1], source)).items():
            out["types"].setdefault(model_type, {**found, "from": len(out["sources"]) - 1})
        source.close()
    lines = ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in out["types"].items())
    print(f'{{"sources":{json.dumps(out["sources"])},"types":{{\n{lines}\n}}}}')


if __name__ == "__main__":
    main()
