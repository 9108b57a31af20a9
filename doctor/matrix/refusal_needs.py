"""What a condition on which an engine refuses is about, and what satisfies it: told from the condition's text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from doctor.base import syntax
from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.syntax import Unparsable
from doctor.matrix.module_names import provider_of
from doctor.matrix.rows import row

_GPU = late_pattern(
    r"capability|device_count|^is_(?:cuda|rocm|hip|xpu|npu|cpu|tpu|hopper|blackwell|ampere|sm\w*)|^sm_?\d|arch_major"
)
_AVAILABLE = late_pattern(r"^(?:is|has|_is|_has)_(\w+?)(?:_available|_installed)(?:_and_\w+)?$")
_CONFIG = late_pattern(r"(?:config|cfg)$", re.I)
_OPPOSITE: dict[type[ast.cmpop], str] = {
    ast.Lt: "at least ", ast.LtE: "more than ", ast.Gt: "at most ", ast.GtE: "less than ", ast.Eq: "other than ",
}  # fmt: skip
_TRIED = late_pattern(r"^except [^\n]{1,100}? of import (?P<names>[\w., ]{1,200})$")


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing in a condition: `kind` is option, config key, package, GPU or variable; `name` as it is shown."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Needs:
    """What a condition is about, and as a clause what has to hold so that nothing is refused (empty: not readable)."""

    subjects: tuple[Subject, ...] = ()
    satisfied: str = ""


def needs_of(condition: str, project: str, version: str | None) -> Needs:
    """Reads a condition of `project`; the options are those of the release `version`, where it is known."""
    if tried := _TRIED.match(condition):
        names = [n.strip() for n in tried["names"].split(",") if n.strip(" .")]
        packages = tuple(Subject("package", _package(n)) for n in names)
        return Needs(packages, " and ".join(f"`import {n}` must work" for n in names))
    if not condition or condition.startswith(("except", "case ")):
        return Needs()
    try:
        test = syntax.expression(condition)
    except Unparsable:
        return Needs()
    options = _options(project, version)
    subjects = dict.fromkeys(s for node in ast.walk(test) for s in _subjects(node, options))
    return Needs(tuple(subjects)[:6], _Satisfied(options).of(test, 0))


class _Satisfied:
    """The opposite of a test, in words."""

    def __init__(self, options: dict[str, str]) -> None:
        self._options = options

    def of(self, test: ast.expr, depth: int) -> str:
        if depth > 4:
            return ""
        if isinstance(test, ast.BoolOp):
            parts = [self.of(v, depth + 1) for v in test.values]
            joint = " and " if isinstance(test.op, ast.Or) else ", or "
            return joint.join(dict.fromkeys(parts)) if all(parts) else ""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self._true(test.operand, depth)
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            return self._compared(test.left, test.ops[0], test.comparators[0])
        if isinstance(test, ast.BinOp) and isinstance(test.op, ast.Mod):
            return self._multiple(test)
        if isinstance(test, ast.Call) and _called(test) == "isinstance" and len(test.args) == 2:
            return f"{self._shown(test.args[0])} must not be of type {self._shown(test.args[1])}"
        return (
            f"{self._shown(test)} must not hold" if isinstance(test, ast.Call) else f"{self._shown(test)} must be off"
        )

    def _true(self, test: ast.expr, depth: int) -> str:
        if isinstance(test, ast.BoolOp):
            parts = [self._true(v, depth + 1) for v in test.values]
            return (" and " if isinstance(test.op, ast.And) else ", or ").join(parts)
        if isinstance(test, ast.Call):
            name = _called(test)
            if found := _AVAILABLE.match(name):
                return f"`{_package(found[1])}` must be installed"
            if name == "isinstance" and len(test.args) == 2:
                return f"{self._shown(test.args[0])} must be of type {self._shown(test.args[1])}"
            return f"{self._shown(test)} must hold"
        if isinstance(test, ast.Compare):
            return f"`{_text(test)}` must hold"
        return f"{self._shown(test)} must be set"

    def _compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> str:
        if isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mod) and isinstance(op, (ast.NotEq, ast.Gt)):
            return self._multiple(left) if _text(right) == "0" else f"`{_text(left)}` must be {_text(right)}"
        shown, other = self._shown(left), self._shown(right)
        if isinstance(op, (ast.Is, ast.Eq)) and _text(right) == "None":
            return f"{shown} must be given"
        if isinstance(op, (ast.IsNot, ast.NotEq)) and _text(right) == "None":
            return f"{shown} must not be given"
        if isinstance(op, ast.NotIn):
            return f"{shown} must be one of {other}"
        if isinstance(op, ast.In):
            several = isinstance(right, (ast.Tuple, ast.List, ast.Set))
            return f"{shown} must not be {'one of ' if several else 'in '}{other}"
        if isinstance(op, (ast.Is, ast.IsNot)):
            return f"{shown} must {'not ' if isinstance(op, ast.Is) else ''}be {other}"
        return f"{shown} must be {_OPPOSITE.get(type(op), '')}{other}"

    def _multiple(self, node: ast.BinOp) -> str:
        return f"{self._shown(node.left)} must be a multiple of {self._shown(node.right)}"

    def _shown(self, node: ast.expr) -> str:
        name = _last(node)
        if isinstance(node, ast.Constant) and not isinstance(node.value, str):
            return repr(node.value)
        return f"`{self._options[name]}`" if name in self._options else f"`{_text(node)}`"


def _subjects(node: ast.AST, options: dict[str, str]) -> Iterator[Subject]:
    if isinstance(node, ast.Call):
        if found := _AVAILABLE.match(_called(node)):
            yield Subject("package", _package(found[1]))
        elif _called(node) in ("find_spec", "version", "import_module", "has_package"):
            named = (a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str))
            yield from (Subject("package", _package(n)) for n in named)
        return
    name = _last(node)
    if not name:
        return
    owner = _last(node.value) if isinstance(node, ast.Attribute) else ""
    if name in options:
        yield Subject("option", options[name])
    elif name == "__version__" and owner:
        yield Subject("package", _package(owner))
    elif owner in ("envs", "environ"):
        yield Subject("variable", name)
    elif _GPU.search(name):
        yield Subject("GPU", name)
    elif isinstance(node, ast.Attribute) and _CONFIG.search(owner):
        yield Subject("config key", name)


def _options(project: str, version: str | None) -> dict[str, str]:
    """The options of a release by the names that its code has for them: `tp_size` -> `--tp-size`."""
    from doctor.matrix.rows import releases

    covered = releases(project)
    at = version or (covered.everything().newest if covered else None)
    flags = ((row(project, at, "flags") if at else None) or {}).get("flags", {})
    out: dict[str, str] = {}
    for flag, value in flags.items():
        spelled = [flag, *(value.get("aliases", ()) if isinstance(value, dict) else ())]
        for one in spelled:
            out.setdefault(one.lstrip("-").replace("-", "_"), flag)
    return {k: v for k, v in out.items() if len(k) > 1}


def _package(module: str) -> str:
    top = module.partition(".")[0]
    return provider_of(top) or top


def _last(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _called(node: ast.Call) -> str:
    return _last(node.func)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())
