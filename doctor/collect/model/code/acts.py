"""What remote code could do beyond computing: reach the network, start programs, write files, load libraries, run text.

Read off the calls in its syntax tree, for the person who is about to trust it. It is a reading aid and no scanner for
malice: code that hides what it does is not found out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from doctor.base.text import one_line
from doctor.facts import CodeAct

MOST = 64
_SHOWN = 120
# what a call does -> module -> the beginnings of the functions' names, `*` for all of the module
_ACTS = {
    "network": {
        "requests": "*", "urllib.request": "*", "urllib3": "*", "httpx": "*", "aiohttp": "*", "socket": "*",
        "http.client": "*", "ftplib": "*", "huggingface_hub": "hf_hub_download snapshot_download", "torch.hub": "*",
    },
    "subprocess": {"subprocess": "*", "os": "system popen exec spawn posix_spawn startfile", "pty": "*"},
    "files": {
        "os": "remove unlink rmdir rename replace makedirs mkdir chmod chown symlink link truncate", "shutil": "*",
        "tempfile": "*",
    },
    "native": {
        "ctypes": "*", "cffi": "*", "torch.ops": "load_library", "torch.classes": "load_library",
        "torch.utils.cpp_extension": "*",
    },
    "eval": {
        "importlib": "import_module", "pickle": "load", "marshal": "load", "dill": "load", "cloudpickle": "load",
        "joblib": "load", "runpy": "*", "code": "interact", "builtins": "exec eval compile __import__",
    },
}  # fmt: skip
_BUILT_IN = ("eval", "exec", "compile", "__import__")
_WRITERS = ("write_text", "write_bytes", "unlink", "rmdir", "mkdir", "touch")


def acts_of(file: str, text: str, tree: ast.Module) -> list[CodeAct]:
    """The acts of one file, in the order of its lines; at most some sixty."""
    lines = text.split("\n")
    aliases = _aliases(tree)
    found = {(node.lineno, what) for node, what in _calls(tree, aliases)}
    return [
        CodeAct(file, line, what, one_line(lines[line - 1], _SHOWN) if line <= len(lines) else "")
        for line, what in sorted(found)[:MOST]
    ]


def _aliases(tree: ast.Module) -> dict[str, str]:
    """Name in the file -> what it was imported as."""
    out: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            out.update((a.asname, a.name) if a.asname else (a.name.split(".")[0],) * 2 for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            out.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
    return out


def _calls(tree: ast.Module, aliases: dict[str, str]) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _dotted(node.func, aliases)
        what = _act(name, node) if name else None
        if what is None and isinstance(node.func, ast.Attribute) and node.func.attr in _WRITERS:
            what = "files"
        if what:
            yield node, what


def _act(name: str, node: ast.Call) -> str | None:
    if name in ("open", "io.open", "os.open", "builtins.open"):
        return "files" if _writes(node) else None
    if name == "torch.load":
        safe = any(k.arg == "weights_only" and getattr(k.value, "value", None) is True for k in node.keywords)
        return None if safe else "eval"
    if name in _BUILT_IN:
        return "eval"
    for what, modules in _ACTS.items():
        for module, functions in modules.items():
            if name.startswith(f"{module}.") and _among(name[len(module) + 1 :], functions):
                return what
    return None


def _among(function: str, beginnings: str) -> bool:
    return beginnings == "*" or function.startswith(tuple(beginnings.split()))


def _writes(node: ast.Call) -> bool:
    """Whether `open` is called to write: a mode that says so, or one that cannot be read off."""
    mode = next((k.value for k in node.keywords if k.arg in ("mode", "flags")), node.args[1] if node.args[1:] else None)
    if mode is None:
        return False
    value = getattr(mode, "value", None)
    return not isinstance(value, str) or bool(set(value) & set("wax+"))


def _dotted(node: ast.AST, aliases: dict[str, str]) -> str | None:
    """`np.load` as `numpy.load`; None for a call of anything but a dotted name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute) and len(parts) < 12:
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join((aliases.get(node.id, node.id), *reversed(parts)))
