"""What the house agreed on, held by tests: sizes, documentation, the rule registry."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from doctor.rules import RULES
from doctor.rules.fleet import FLEET_RULES
from tests.sources import PACKAGE, SOURCES, nodes_of, tree_of

LONGEST_FILE, LONGEST_FUNCTION, LONGEST_COMMAND = 300, 40, 25
MOST_PARAMETERS = 6
VAGUE = {"common", "core", "misc", "room", "telling", "told", "util", "utils", "wish", "words"}
BRITISH = re.compile(r"(?i)(?:quant|recogn|normal|serial|memo|optim|initial)is(?:e|ed|er|ing|ation)(?:_|s?$)|"
                     r"colour|behaviour|neighbour|centre|catalogue")  # fmt: skip


@pytest.mark.alone  # reads our text
@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_sizes_and_docstrings(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_FILE, "the file is too long"
    tree = tree_of(path)
    assert ast.get_docstring(tree), "the module has no docstring"
    for node in nodes_of(path):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or 0) - node.lineno + 1
            is_command = any("command" in ast.unparse(d) for d in node.decorator_list)
            assert length <= (LONGEST_COMMAND if is_command else LONGEST_FUNCTION), f"{node.name} has {length} lines"
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def named(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every name that a file gives to a class, a function or a parameter."""
    for node in nodes_of(path):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node
        elif isinstance(node, ast.arg):
            yield node.arg, node


@pytest.mark.alone  # reads our text
@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_function_takes_six_values_at_most(path: Path) -> None:
    for node in nodes_of(path):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            given = node.args
            every = (*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg)
            names = [a.arg for a in every if a is not None and a.arg not in ("self", "cls")]
            assert len(names) <= MOST_PARAMETERS, f"{path}:{node.lineno} takes {', '.join(names)}"


@pytest.mark.alone  # reads our text
@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_patterns_are_compiled_when_they_are_used(path: Path) -> None:
    for statement in tree_of(path).body:
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            calls = [ast.unparse(n.func) for n in ast.walk(statement) if isinstance(n, ast.Call)]
            assert "re.compile" not in calls, f"{path}:{statement.lineno} compiles a pattern at import: late_pattern"


@pytest.mark.alone  # reads our text
@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_names_say_their_trade(path: Path) -> None:
    assert path.stem.strip("_") not in VAGUE and not BRITISH.search(path.stem)
    for name, node in named(path):
        plain = name.strip("_").lower()
        assert plain not in VAGUE or (plain == "words" and isinstance(node, ast.arg)), f"{name} says no trade"
        assert not BRITISH.search(name), f"{name} is not spelled as Americans do"


def test_every_rule_is_registered_once() -> None:
    codes = [rule.code for rule in (*RULES, *FLEET_RULES)]
    assert len(set(codes)) == len(codes)
    files = sorted(p for p in (PACKAGE / "rules").glob("*/[a-z][a-z][a-z][0-9][0-9][0-9]_*.py"))
    assert sorted(code.lower() for code in codes) == sorted(p.name[:6] for p in files)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.code)
def test_every_rule_explains_itself(rule: object) -> None:
    code, name, text = rule.code, rule.name, rule.explanation  # type: ignore[attr-defined]
    assert re.fullmatch(r"[A-Z]{3}\d{3}", code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert len(text) > 120, "the explanation does not explain"


RULE_FILE = re.compile(r"doctor\.rules\.[a-z]{3}\.[a-z]{3}\d{3}_\w+")


@pytest.mark.alone  # reads our text
@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nobody_imports_a_rule_file_but_its_family(path: Path) -> None:
    parts = path.relative_to(PACKAGE).parts
    found = {(m[0], m[0].split(".")[2]) for m in RULE_FILE.finditer(path.read_text(encoding="utf-8"))}
    for name, family in found:
        assert parts == ("rules", family, "__init__.py"), f"{name} is imported: what others want belongs to derived/"


def test_rules_holds_rules_alone() -> None:
    beside = {str(p.relative_to(PACKAGE / "rules")) for p in (PACKAGE / "rules").rglob("*.py")}
    beside -= {name for name in beside if re.search(r"[a-z]{3}\d{3}_\w+\.py$", name) or name.endswith("__init__.py")}
    assert beside == {"rule.py", "engine.py", "fleet/rule.py", "fleet/engine.py"}


@pytest.mark.alone
def test_nothing_of_the_patient_is_imported_or_started() -> None:
    allowed = ("run", "nvml", "repair", "cli", "fleet")  # the last starts ssh and its like
    for path in SOURCES:
        parts = path.relative_to(PACKAGE).parts
        text = path.read_text(encoding="utf-8")
        if not any(part.startswith(word) for word in allowed for part in parts):
            assert not re.search(r"(?:import|from) subprocess|os\.(?:exec|spawn|posix_spawn|system|popen)", text), (
                f"{path} may start processes"
            )
        if parts != ("base", "record.py"):  # writes the `__init__` of our own classes, as the standard library does
            runs = re.search(r"^\s*(?:exec|eval)\((?!\"\"\))", text, re.M)  # an empty text does nothing
            assert not runs, f"{path} runs text"


@pytest.mark.alone
def test_files_are_opened_and_source_is_parsed_in_one_place() -> None:
    """`os.open` also stands where a process is started, for the null device."""
    openers = {"run/start/spawn.py", "run/start/precheck.py", "run/log/pump.py"}
    for path in SOURCES:
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith("base/"):
            continue
        for node in nodes_of(path):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            assert called not in ("ast.parse", "ast.literal_eval", "compile", "mmap.mmap"), f"{name} calls {called}"
            if called == "os.open":
                assert name in openers and ast.unparse(node.args[0]) == "os.devnull", f"{name} opens a file"  # type: ignore[attr-defined]
