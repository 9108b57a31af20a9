"""Every case is imported by Python itself in a child process, and linked by us; the answers have to agree."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from doctor.collect.python.modules import ModuleReader
from doctor.facts import Distribution, Distributions, ModuleStatus, Target
from doctor.link.python.environment import LinkRequest, link_environment
from doctor.link.python.imports import check_one, with_deep_stack
from doctor.link.python.machine import Machine
from tests.link.cases import CASES
from tests.link.class_cases import CLASS_CASES
from tests.link.documentation_cases import DOCUMENTATION_CASES
from tests.link.header_cases import HEADER_CASES

_ASK = """
import sys, json
sys.path[:0] = [sys.argv[1]]
try:
    __import__(sys.argv[2])
    print("null")
except BaseException as error:
    print(json.dumps([type(error).__name__, [c.__name__ for c in type(error).__mro__], getattr(error, "name", None), str(error)]))
"""


def lay_out(folder: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    stems = [
        n.removesuffix(".py").removesuffix("/__init__")
        for n in files
        if n.startswith("pkg/") and n.endswith(".py") and "/lib/" not in n and "/more/" not in n and "-" not in n
    ]
    return [s.replace("/", ".") for s in stems]


def real(folder: Path, module: str) -> list[object] | None:
    done = subprocess.run(
        [sys.executable, "-c", _ASK, str(folder), module],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd="/",
    )
    answer: list[object] | None = json.loads(done.stdout.splitlines()[-1])
    return answer


def linked(folder: Path, module: str) -> ModuleStatus:
    machine = Machine(reader(folder))
    return with_deep_stack(lambda: check_one(machine, module))


def linked_together(folder: Path, modules: list[str]) -> dict[str, ModuleStatus]:
    return link_environment(reader(folder), LinkRequest((), tuple(modules))).verdicts


def reader(folder: Path) -> ModuleReader:
    import packaging

    site = str(Path(packaging.__file__).parents[1])
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    target = Target("paths", "test", python=minor, paths=(str(folder), site))
    known = Distributions(
        (Distribution("packaging", "packaging", packaging.__version__, site, site, top_level=("packaging",)),)
    )
    return ModuleReader(target, known, thorough=True)


_ALL = {**CASES, **CLASS_CASES, **DOCUMENTATION_CASES, **HEADER_CASES}


@pytest.mark.parametrize("case", _ALL)
def test_agrees_with_python(case: str, tmp_path: Path) -> None:
    modules = lay_out(tmp_path, _ALL[case])
    together = linked_together(tmp_path, modules)
    for module in modules:
        truth, said = real(tmp_path, module), linked(tmp_path, module)
        reason = together[module].reason or ""
        if "imported first" in reason or "can be loaded" in reason:  # where another import before it lets it in
            assert said.status == "fail"
        else:
            assert together[module].status == said.status, f"{module}: {said}, {together[module]}"
        if truth is None:
            assert said.status == "ok", f"{module}: Python imports it, we say {said}"
        else:
            kind, _, name, text = truth
            assert said.status == "fail", f"{module}: Python ends with {kind}: {text}, we say {said}"
            for cause in (said.cause, together[module].cause):
                assert cause is not None
                if kind in ("ModuleNotFoundError", "ImportError") and name and "cannot import name" not in str(text):
                    assert name in (cause.module, f"{cause.module}.{cause.name}"), f"{module}: {text} / {cause}"
                if "cannot import name" in str(text):
                    assert f"'{cause.name}'" in str(text), f"{module}: {text} / {cause}"


# `pkg.half` fails alone, in Python too; who comes to it through the other end of the cycle loads it
_CYCLE = {
    "pkg/__init__.py": "",
    "pkg/half.py": "import pkg.other\nx = 1\n",
    "pkg/other.py": "from pkg.half import x\n",
}


@pytest.mark.parametrize("way", ["a", "z"])
def test_where_a_cycle_is_entered_decides_and_the_names_of_others_do_not(tmp_path: Path, way: str) -> None:
    lay_out(tmp_path, {**_CYCLE, f"pkg/{way}.py": "import pkg.other\n"})
    modules = tuple(sorted(f"pkg.{n}" for n in ("half", "other", way)))
    assert real(tmp_path, "pkg.half") is not None and real(tmp_path, f"pkg.{way}") is None
    verdicts = link_environment(reader(tmp_path), LinkRequest((), modules)).verdicts
    assert verdicts["pkg.half"].status == "unknown" and verdicts[f"pkg.{way}"].status == "ok"
    first = link_environment(reader(tmp_path), LinkRequest((), modules, entries=("pkg.half",))).verdicts
    assert first["pkg.half"].status == "fail", "what the launch imports first fails, whatever else would load it"


def test_what_a_failing_package_has_left_loaded_is_not_fine_for_who_comes_to_it_first(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/a.py": "try:\n    import pkg.broken\nexcept ImportError:\n    pass\nfrom pkg.broken.part import x\n",
        "pkg/b.py": "from pkg.broken.part import x\n",
        "pkg/c.py": "import pkg.b\n",
        "pkg/broken/__init__.py": "from pkg.broken.part import x\nimport nowhere_to_be_found\n",
        "pkg/broken/part.py": "x = 1\n",
    }
    lay_out(tmp_path, files)
    said = linked_together(tmp_path, ["pkg.a", "pkg.b", "pkg.c"])
    assert [real(tmp_path, f"pkg.{n}") is None for n in "abc"] == [True, False, False]
    assert said["pkg.a"].status == "ok" and "ok" not in (said["pkg.b"].status, said["pkg.c"].status)
