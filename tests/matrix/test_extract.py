"""The readers of source text: names, lazy packages, values, flags, imports."""

from __future__ import annotations

import ast
import io
import zipfile

import pytest

from doctor.matrix.extract.bindings import bindings, parse
from doctor.matrix.extract.errors import LayoutError
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.flags import flags_of, functions
from doctor.matrix.extract.imports import imports_of
from doctor.matrix.extract.literals import UNKNOWN, constants, value
from doctor.matrix.extract.package_names import importable
from doctor.matrix.extract.projects.lmdeploy import extract as lmdeploy
from doctor.remote.source import ZipSource


def source(files: dict[str, str]) -> ZipSource:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return ZipSource(out, "demo-1.0-py3-none-any.whl", None)


def bound(text: str) -> set[str]:
    tree = parse(text)
    assert tree is not None
    return bindings(tree).names


def test_names_of_every_branch_count_but_type_checking() -> None:
    text = """
import os.path, json as j
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from x import Hidden
else:
    late = 1
try:
    import fast
except ImportError:
    fast = slow = None
a, (b, *c) = 1, (2, 3)
d: int
e: int = 1
with open("x") as f: pass
for g in (): pass
class K: inner = 1
def fun(): local = 1
del e
"""
    assert bound(text) == {
        "os", "j", "TYPE_CHECKING", "late", "fast", "slow", "a", "b", "c", "f", "g", "K", "fun",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["def (", "\0", "-" * 100_000 + "1", "(" * 5000])
def test_what_cannot_be_parsed_is_none(text: str) -> None:
    assert parse(text) is None


LAZY = """
from typing import TYPE_CHECKING
from .utils import _LazyModule, hidden
_import_structure = {"models.bert": ["BertModel"], "utils": ["logging"]}
try:
    if not ok(): raise Missing()
except Missing:
    from .utils import dummy_pt_objects
    _import_structure["utils.dummy_pt_objects"] = [n for n in dir(dummy_pt_objects) if not n.startswith("_")]
else:
    _import_structure["gen"] = []
    _import_structure["gen"].extend(["Beam"])
    _import_structure["gen"].append("Search")
if TYPE_CHECKING:
    from .gen import OnlyForTypes
else:
    import sys
    sys.modules[__name__] = _LazyModule(__name__, globals()["__file__"], _import_structure,
                                        extra_objects={"__version__": "1"})
"""
READS = """
from ...utils import _LazyModule
from ...utils.import_utils import define_import_structure
import sys
_file = globals()["__file__"]
sys.modules[__name__] = _LazyModule(__name__, _file, define_import_structure(_file), module_spec=__spec__)
"""


def test_lazy_packages_of_each_generation() -> None:
    names = importable(
        source(
            {
                "p/__init__.py": LAZY,
                "p/gen.py": "Beam = Search = 1",
                "p/models/__init__.py": "",
                "p/models/q/__init__.py": READS,
                "p/models/q/modeling_q.py": "__all__ = ['QModel']\n__all__ += ['QTextModel']\nclass Private: pass",
                "p/models/q/processing_q.py": "@requires(backends=('torch',))\nclass QProcessor: pass",
                "p/models/q/modular_q.py": "__all__ = ['NotThis']",
                "p/hub/__init__.py": "_SUBMOD_ATTRS = {'api': ['HfApi']}\n__getattr__, __dir__ = attach(_SUBMOD_ATTRS)",
                "other/x.py": "y = 1",
            }
        ),
        ["p"],
    )
    assert names["p"] == {"BertModel", "logging", "Beam", "Search", "__version__"}
    assert names["p.models.q"] == {"QModel", "QTextModel", "QProcessor"}
    assert "HfApi" in names["p.hub"]
    assert "Private" in names["p.models.q.modeling_q"]
    assert "other.x" not in names


def test_star_imports_follow_all_or_public_names() -> None:
    names = importable(
        source(
            {
                "p/__init__.py": "from .a import *\nfrom .b import *",
                "p/a.py": "x = _y = 1",
                "p/b.py": "__all__ = ['_z']\n_z = w = 1",
                "p/loop.py": "from .loop import *",
            }
        ),
        ["p"],
    )
    assert names["p"] == {"x", "_z"}
    assert names["p.loop"] == frozenset()


def test_a_module_that_cannot_be_read_may_have_any_name() -> None:
    names = importable(source({"p/__init__.py": "def (", "p/dyn.py": "x = 1\ndef __getattr__(name): return 1"}), ["p"])
    assert names["p"] == {"*"}
    assert names["p.dyn"] == {"x", "__getattr__", "*"}


def test_values_are_computed_without_running() -> None:
    text = """
PATH = 'a.b'
MAP = dict(one=1)
MAP.update({f'{PATH}.two': f'{PATH}!'})
MAP['three'] = [1, 2] + [3]
if True:
    MAP.update(four=4)
Kind = Literal["x", "y"]
LIST = list(get_args(Kind))
BOTH = {**MAP, 'z': None}
BAD = __import__('os').system('false')
ORDERED = OrderedDict([("k", "v")], **MAP)
"""
    tree = parse(text)
    assert tree is not None
    found = constants(tree)
    assert found["MAP"] == {"one": 1, "a.b.two": "a.b!", "three": [1, 2, 3], "four": 4}
    assert found["LIST"] == ["x", "y"]
    assert found["BOTH"]["z"] is None
    assert found["BAD"] is UNKNOWN
    assert found["ORDERED"]["k"] == "v" and found["ORDERED"]["one"] == 1


@pytest.mark.parametrize("text", ["2 ** 9999999", "'a' * 10 ** 9", "1 << 10 ** 9", "9 ** 9 ** 9"])
def test_no_value_grows_without_bound(text: str) -> None:
    assert value(ast.parse(text, mode="eval").body, {}) is UNKNOWN


def test_flags_follow_helpers_and_their_defaults() -> None:
    text = """
class Helper:
    @staticmethod
    def tp(parser, default=1):
        return parser.add_argument('--tp', '-t', type=int, default=default, choices=CHOICES)
def build(parser):
    Helper.tp(parser, default=2)
    parser.add_argument('--on', action='store_true')
    parser.add_argument('model')
    parser.add_argument('--late', default=compute(), type=lambda s: s)
"""
    tree = parse(text)
    assert tree is not None
    flags = flags_of(functions(tree)["build"], {"CHOICES": [1, 2]}, functions(tree))
    assert flags == {
        "--tp": {"type": "int", "aliases": ["-t"], "choices": [1, 2], "default": 2},
        "--on": {"type": "bool", "default": False},
        "model": {"type": "str"},
        "--late": {"type": "callable"},
    }


def test_imports_say_when_they_run() -> None:
    text = """
import torch
from .a import b
try:
    import maybe
except ImportError:
    pass
if something: import cond
def f():
    import later
class C:
    from x import y
"""
    tree = parse(text)
    assert tree is not None
    assert {(i.level, i.module, i.name, i.when) for i in imports_of(tree)} == {
        (0, "torch", None, "eager"), (1, "a", "b", "eager"), (0, "maybe", None, "guarded"),
        (0, "cond", None, "guarded"), (0, "later", None, "later"), (0, "x", "y", "eager"),
    }  # fmt: skip


def test_an_unknown_layout_is_an_error_that_names_file_and_release() -> None:
    files = Files("lmdeploy", "99.0", source({"lmdeploy/cli/serve.py": "def other(): pass"}))
    with pytest.raises(LayoutError, match=r"lmdeploy 99\.0: lmdeploy/cli/serve\.py does not contain add_parser_api"):
        lmdeploy(files)


def test_imports_that_only_one_half_makes() -> None:
    """`a` is common, `b` and `c` are halves; what both or the common part import belongs to none."""
    import ast

    from doctor.matrix.extract.imports import half_facts, imports_of

    texts = {
        "e": "",
        "e.a": "from transformers import Common",
        "e.b": "from transformers import Common, OnlyB, Both\nimport e.d",
        "e.c": "from transformers import Both\ndef f():\n    from transformers import Later",
        "e.d": "import peft",
    }
    files = {m: (f"{m}.py", imports_of(ast.parse(text))) for m, text in texts.items()}
    found = half_facts(files, ["e.a"], {"b": ["e.b"], "c": ["e.c"]})
    assert found == {"transformers:OnlyB": "b", "peft": "b"}


def test_what_the_modules_of_models_import() -> None:
    """Through other modules of the engine; what every start imports, and what is guarded, is left out."""
    import ast

    from doctor.matrix.extract.imports import imports_of, model_facts

    texts = {
        "e": "",
        "e.start": "import e.common",
        "e.common": "from transformers import Common",
        "e.m.llava": "from .pixtral import P\nfrom e.common import c\ntry:\n    import timm\nexcept ImportError: pass",
        "e.m.pixtral": "from transformers.models.pixtral import Rotary\nimport e.m.llava\nimport os",
        "e.m.other": "import peft",
    }
    files = {m: (f"{m}.py", imports_of(ast.parse(text))) for m, text in texts.items()}
    assert model_facts(files, ["e.start"], ["e.m.llava"]).keys() == {
        "e.m.llava e.m.pixtral", "e.m.pixtral transformers.models.pixtral:Rotary", "e.m.pixtral e.m.llava",
    }  # fmt: skip
