"""What transformers would demand before it runs a file: the same answer as its own function gives, by release."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

import pytest

from doctor.base.files import Unreadable
from doctor.collect.model.code.imports import imports_of
from doctor.collect.model.parsing import parsed
from doctor.facts import CodeImport
from tests.link.real_packages import laid_out

RELEASES = {"4.33.3": "text", "4.44.2": "text", "4.46.1": "text-flash", "4.49.0": "text-flash", "4.51.3": "tree-flash",
            "4.52.4": "tree", "4.57.3": "tree", "5.23.0": "tree"}  # fmt: skip
# the function as the release has it, in a process that need not import the release
CHILD = """
import ast, json, os, re, sys, types
from typing import List, Union
folder = sys.argv[1]
tree = ast.parse(open(os.path.join(folder, "transformers/dynamic_module_utils.py"), encoding="utf-8").read())
node = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "get_imports")
names = ast.parse(open(os.path.join(folder, "transformers/utils/import_utils.py"), encoding="utf-8").read()).body
known = types.SimpleNamespace()
for one in names:
    for name in [getattr(one, "name", None)] + [getattr(t, "id", None) for t in getattr(one, "targets", [])] + [
        (a.asname or a.name).split(".")[0] for a in getattr(one, "names", []) if isinstance(a, ast.alias)]:
        if name:
            setattr(known, name, 1)
package, utils = types.ModuleType("transformers"), types.ModuleType("transformers.utils")
package.utils, utils.import_utils = utils, known
sys.modules.update({"transformers": package, "transformers.utils": utils})
space = {"re": re, "ast": ast, "os": os, "List": List, "Union": Union}
exec(compile(ast.Module([node], []), "real", "exec"), space)
out = {}
for file in json.load(sys.stdin):
    try:
        out[file] = sorted(space["get_imports"](file))
    except Exception as error:
        out[file] = None
print(json.dumps(out))
"""
CASES = {
    "plain": "import a\nimport b.c\nfrom d.e import f\nfrom . import g\nfrom .h import i\n",
    "two": "import a, b\nimport c as d\nimport e;import f\n",
    "try": "try:\n    import a\nexcept ImportError:\n    import b\nelse:\n    import c\nimport d\n",
    "retry": "retry: int = 3\nimport a\ntry:\n    import b\nexcept (ImportError, OSError) as error:\n    pass\nimport c\n",
    "retry-late": "def f(retry: int):\n    import a\n    assert 'except' or {1: 2}\nimport b\n",
    "no-except": "try:\n    import a\nfinally:\n    import b\n",
    "flash": "if is_flash_attn_2_available():\n    from flash_attn import a\n    from flash_attn.b import (c,\n        d)\nimport e\n",
    "flash-other": "if is_flash_attn_2_available():\n    import flash_attn\n    from flash_attn import a\n\n\n    from other import x\nimport e\n",
    "flash-long": "if is_flash_attn_greater_or_equal('2'):\n    from flash_attn import a\n",
    "available": "if is_torch_available():\n    import a\nelif is_vision_available() and x:\n    import b\nelse:\n    import c\nif x.is_torch_available():\n    import d\n",
    "checking": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a import b\n",
    "docstring": '"""\nimport words here\nimport wordy\nfrom the house import nothing\n\nfrom  time  import x\n"""\nimport a\n',
    "inside": "class A:\n    def f(self):\n        import a\n        with b:\n            from c import d\n        return lambda: 0\n",
    "comments": "import a  # why\nfrom b import c  # why\nimport d \t\n\n\n   \nimport e\n",
    "continued": "from a import (\n    b,\n)\nfrom \\\n  c import d\nimport \\\n  e\n",
    "async": "async def f():\n    async with a:\n        import b\n    async for x in y:\n        import c\n",
    "match": "match a:\n    case 1:\n        import b\n",
    "crlf": "import a\r\nimport b\r\nfrom c import d\r\n",
    "star": "from a import *\nfrom b.c import *\n",
    "nested-try": "try:\n    try:\n        import a\n    except ValueError:\n        import b\nexcept ImportError:\n    import c\nimport d\n",
    "text-try": "x = 'try: to except: this'\nimport a\n# try : again\nimport b\n# except that: no\nimport c\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The cases above, and real files of Python itself and of this environment."""
    folder = tmp_path_factory.mktemp("cases")
    for name, text in CASES.items():
        (folder / f"{name}.py").write_bytes(text.encode())
    standard = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:60]
    installed = sorted(p for p in Path(sysconfig.get_path("purelib")).glob("*/*.py"))[:160]
    return [str(p) for p in (*sorted(folder.glob("*.py")), *standard, *installed)]


@cache
def ours_of(file: str) -> tuple[CodeImport, ...] | None:
    """Our own answer on a file; None for one that does not parse."""
    try:
        text, tree = parsed(Path(file).read_bytes())
    except Unreadable:
        return None
    return tuple(imports_of(file, text, tree))


@pytest.mark.registry
@pytest.mark.parametrize("release", RELEASES)
def test_the_same_packages_as_the_release_finds(release: str, files: list[str]) -> None:
    folder = laid_out(f"transformers-{release}", [f"transformers=={release}"])
    more = sorted(str(p) for p in (folder / "transformers").glob("models/*/modeling_*.py"))[:60]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder)], input=json.dumps(files + more), capture_output=True, text=True,
        timeout=300, check=True, env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    real = json.loads(done.stdout)
    compared, wrong = 0, {}
    for file, theirs in real.items():
        imports = ours_of(file)
        if imports is None or theirs is None:
            continue
        ours = {i.module.partition(".")[0] for i in imports if RELEASES[release] in i.checked}
        compared += 1
        if ours != set(theirs):
            wrong[file] = (sorted(ours - set(theirs)), sorted(set(theirs) - ours))
    assert compared > 200, "too little was compared"
    assert not wrong, wrong
