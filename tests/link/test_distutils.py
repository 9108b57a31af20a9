"""`distutils` of Python 3.12 and later: there only where setuptools' `.pth` line serves its own copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from doctor.collect.python.modules import ModuleReader
from doctor.facts import Distributions, Problem, Target
from doctor.link.python.imports import check_one, with_deep_stack
from doctor.link.python.machine import Machine

LINE = (
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; "
    "enabled and __import__('_distutils_hack').add_shim();"
)
FILES = {
    "setuptools/__init__.py": "",
    "setuptools/_distutils/__init__.py": "",
    "setuptools/_distutils/version.py": "from distutils import errors\nclass LooseVersion:\n    pass\n",
    "setuptools/_distutils/errors.py": "",
    "pkg/__init__.py": "from distutils.version import LooseVersion\nif LooseVersion.__module__ == 'distutils.version':\n"
    "    import pkg.right\n",
    "pkg/right.py": "",
    "pkg/gone.py": "import distutils.msvc9compiler\n",
}


@pytest.mark.parametrize(
    ("python", "lines", "variables", "status"),
    [
        ("3.12", (LINE,), {}, "ok"),
        ("3.12", (), {}, "fail"),
        ("3.12", (LINE,), {"SETUPTOOLS_USE_DISTUTILS": "stdlib"}, "fail"),
        ("3.12", (LINE.replace("'local')", "'stdlib')"),), {}, "fail"),
        ("3.12", (LINE.replace("'local')", "'stdlib')"),), {"SETUPTOOLS_USE_DISTUTILS": "local"}, "ok"),
        ("3.11", (LINE,), {}, "ok"),
    ],
)
def test_the_line_and_its_variable_decide(
    tmp_path: Path, python: str, lines: tuple[str, ...], variables: dict[str, str], status: str
) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    said = tuple(Problem(str(tmp_path / "distutils-precedence.pth"), line) for line in lines)
    target = Target("paths", "test", python=python, paths=(str(tmp_path),), code_lines=said)
    machine = Machine(ModuleReader(target, Distributions(()), environ=variables, thorough=True))
    verdict = with_deep_stack(lambda: check_one(machine, "pkg"))
    assert verdict.status == status, verdict
    if status == "fail":
        assert verdict.cause is not None and verdict.cause.module == "distutils"
    else:
        assert with_deep_stack(lambda: check_one(machine, "pkg.gone")).status == "fail"
