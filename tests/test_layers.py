"""The arrows between modules, read out of the source: no circle, and no import that a string hides."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests import sources

pytestmark = pytest.mark.alone

SOURCES = {
    ".".join(path.relative_to(sources.ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sources.SOURCES
}
# Modules that load others by a name which is no part of doctor.
OTHERS = {"doctor.collect.python.stdlib": "modules that are compiled into the interpreter"}
IMPORTING = re.compile(r"^\s*(?:from|import) doctor\b", re.MULTILINE)
INTERPRETER = "doctor.link.python."  # statements hold expressions, and those hold functions: one circle by nature


def folder_of(module: str) -> str:
    """The package that a module stands in; of a package, itself."""
    return module if SOURCES[module].name == "__init__.py" else module.rpartition(".")[0]


def nodes(module: str) -> tuple[ast.AST, ...]:
    """All nodes of a module's source."""
    return sources.nodes_of(SOURCES[module])


def loads(module: str) -> Iterator[ast.Call]:
    """The calls that import a module by name."""
    for node in nodes(module):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            if name == "__import__" or (name == "import_module" and getattr(owner, "id", "importlib") == "importlib"):
                yield node


def registry(module: str, call: ast.Call) -> list[str] | None:
    """What a registry's lazy load `import_module(f"FOLDER.{name}")` can load: the modules of its own folder that its
    file names. None for any other call."""
    text = call.args[0] if call.args else None
    if not isinstance(text, ast.JoinedStr) or len(text.values) != 2:
        return None
    lead, name = text.values
    if not isinstance(lead, ast.Constant) or not isinstance(name, ast.FormattedValue):
        return None
    if lead.value != f"{folder_of(module)}.":
        return None
    named = {n.value for n in nodes(module) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return sorted(found for word in named if (found := f"{lead.value}{word}") in SOURCES)


def imports(module: str) -> set[str]:
    """The modules of doctor that a module imports, at its top, in a function or by a registry."""
    found: set[str] = set()
    for node in nodes(module):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            whole = (f"{node.module}.{alias.name}" for alias in node.names)
            found.update(name if name in SOURCES else str(node.module) for name in whole)
    for call in loads(module):
        found.update(registry(module, call) or ())
    return found & SOURCES.keys()


def circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """The strongly connected components of more than one module, after Tarjan."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    out: list[set[str]] = []

    def visit(at: str) -> None:
        index[at] = low[at] = len(index)
        stack.append(at)
        for to in arrows[at]:
            if to not in index:
                visit(to)
            if to in stack:
                low[at] = min(low[at], low[to])
        if low[at] == index[at]:
            place = stack.index(at)
            if len(stack) - place > 1:
                out.append(set(stack[place:]))
            del stack[place:]

    for module in arrows:
        if module not in index:
            visit(module)
    return out


def test_no_circle_but_the_interpreters() -> None:
    found = [c for c in circles({m: imports(m) for m in SOURCES}) if not all(m.startswith(INTERPRETER) for m in c)]
    assert not found, "\n".join(" <-> ".join(sorted(c)) for c in found)


def test_circles_are_found() -> None:
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a", "e"}, "e": set(), "f": {"g"}, "g": {"f"}}
    assert sorted(sorted(c) for c in circles(arrows)) == [["a", "b", "c"], ["f", "g"]]


@pytest.mark.parametrize("module", SOURCES)
def test_no_string_hides_an_import(module: str) -> None:
    """A registry loads from its own folder; nothing else names a module of doctor in a string."""
    allowed: set[int] = set()
    for call in loads(module):
        text = call.args[0]
        if isinstance(text, ast.Constant):
            assert not str(text.value).startswith("doctor"), f"{module}:{call.lineno} hides an import"
        elif registry(module, call):
            allowed.update(id(n) for n in ast.walk(text))
        else:
            assert module in OTHERS, f"{module}:{call.lineno} loads what no reader can tell"
    for node in nodes(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in allowed:
            lead = node.value.removesuffix(".")
            assert not (lead.startswith("doctor.") and lead in SOURCES), f"{module}:{node.lineno} names {lead}"
            assert not IMPORTING.search(node.value), f"{module}:{node.lineno} holds code that imports doctor"


def test_only_those_load_others_that_do() -> None:
    assert {m for m in OTHERS if any(True for _ in loads(m))} == set(OTHERS)


NETWORK = {
    "aiohttp", "ftplib", "http", "httpx", "huggingface_hub", "imaplib", "poplib", "requests", "smtplib", "socket", "socketserver",
    "ssl", "telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc",
}  # fmt: skip
# What else may reach for a socket, and what for: nothing of it reads from another machine.
LOCAL = {
    "doctor.run.ready": {"http.client", "socket", "ssl"},  # asks the server that it started
    "doctor.run.start.ports": {"socket"},  # whether a port is free
    "doctor.base.secrets.private": {"socket"},  # this machine's name
    "doctor.collect.machine.sockets": {"socket"},  # how an address is written
    "doctor.fleet.connect": {"socket"},  # whether nodes reach each other
    "doctor.collect.machine.netlink": {"socket"},  # asks the kernel
    "doctor.collect.machine.network": {"socket"},  # this machine's name, and how an address is written
    "doctor.collect.machine.resolving": {"socket"},  # this machine's resolver, as the server would ask it
}
# Of the hub's client: where the hub is, what a file's address is, and where its cache lies. Nothing that asks the hub, as
# `build_hf_headers` and `get_token` do in newer releases.
HUB = {"constants", "hf_hub_url", "try_to_load_from_cache"}


def network(found_in: Iterable[ast.AST]) -> Iterator[tuple[str, set[str]]]:
    """The modules of NETWORK that a file imports anywhere, and the names that it takes from them."""
    for node in found_in:
        found = [(a.name, set[str]()) for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = {a.name for a in node.names}
            found = [(str(node.module), names), *((f"{node.module}.{name}", set[str]()) for name in names)]
        for module, names in found:
            if module in NETWORK or module.partition(".")[0] in NETWORK:
                yield module, names


def test_other_machines_are_read_by_the_bounded_client_alone() -> None:
    wrong = []
    for module in SOURCES:
        for name, taken in network(nodes(module)):
            if name.partition(".")[0] == "huggingface_hub":
                fine = taken <= HUB and module.startswith("doctor.collect.model.hub.")
            else:
                fine = module.startswith("doctor.remote.") or name in LOCAL.get(module, ())
            if not fine:
                wrong.append(f"{module} imports {name} {sorted(taken)}: ask doctor.remote.client")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "text",
    ["import requests", "from urllib.request import urlopen", "import urllib.request as u", "from urllib import request",
     "def f():\n    from huggingface_hub import hf_hub_download", "import http.client", "from requests.adapters import X"],
)  # fmt: skip
def test_a_network_import_is_found(text: str) -> None:
    assert any(not names <= HUB or not names for _, names in network(ast.walk(ast.parse(text))))


TESTS = sources.ROOT / "tests"
MARKED = [p for p in sorted(TESTS.rglob("test_*.py")) if re.search(r"^pytestmark = .*alone|^    pytest\.mark\.alone", p.read_text("utf-8"), re.M)]
GIVEN = {"pytest", "__future__", *sys.stdlib_module_names}


def outside(path: Path, seen: set[Path]) -> Iterator[str]:
    """What a file and all of ours that it loads import, and that is neither ours nor Python's own."""
    seen.add(path)
    for node in sources.nodes_of(path):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{a.name}" for a in node.names]
        for name in names:
            ours = list(files_of(name, path.parent))
            if not ours and name.partition(".")[0] not in GIVEN:
                yield name
            for file in ours:
                if file not in seen:
                    yield from outside(file, seen)


def files_of(name: str, beside: Path) -> Iterator[Path]:
    """The files of ours that an import loads: each package on the way, and the module."""
    words = name.split(".")
    for base in (sources.ROOT, beside):
        for end in range(1, len(words) + 1):
            place = base.joinpath(*words[:end])
            yield from (f for f in (place.with_suffix(".py"), place / "__init__.py") if f.is_file())


@pytest.mark.parametrize("path", MARKED, ids=lambda p: p.stem)
def test_what_is_marked_alone_reaches_no_dependency(path: Path) -> None:
    assert not set(outside(path, set()))


def test_a_dependency_that_is_reached_is_seen() -> None:
    assert {n.partition(".")[0] for n in outside(sources.PACKAGE / "cli" / "__init__.py", set())} >= {"click"}
