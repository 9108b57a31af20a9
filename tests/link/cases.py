"""Small packages, one for each thing that an import may depend on. What is right is not written here: Python says it."""

CASES: dict[str, dict[str, str]] = {
    "eager_missing": {"pkg/__init__.py": "import nowhere_to_be_found"},
    "function_level": {"pkg/__init__.py": "def f():\n    import nowhere_to_be_found\n    return 1\n    # more\n    # more"},
    "called_function": {"pkg/__init__.py": "def f():\n    import nowhere_to_be_found\n    x = 1\n    return x\n\nf()"},
    "guarded": {"pkg/__init__.py": "try:\n    import nowhere_to_be_found\nexcept ImportError:\n    nowhere_to_be_found = None"},
    "guarded_fallback_fails": {
        "pkg/__init__.py": "try:\n    import nowhere_a\nexcept ImportError:\n    from pkg import nowhere_b"
    },
    "guarded_wrong_kind": {"pkg/__init__.py": "try:\n    import nowhere_a\nexcept KeyError:\n    pass"},
    "guarded_by_tuple": {"pkg/__init__.py": "try:\n    import nowhere_a\nexcept (KeyError, ModuleNotFoundError):\n    pass"},
    "guarded_bare": {"pkg/__init__.py": "try:\n    import nowhere_a\nexcept:\n    pass"},
    "reraised": {"pkg/__init__.py": "try:\n    import nowhere_a\nexcept ImportError:\n    raise"},
    "reraised_as": {"pkg/__init__.py": "try:\n    import nowhere_a\nexcept ImportError as e:\n    raise ImportError('install a') from e"},
    "else_of_try": {"pkg/__init__.py": "try:\n    import json\nexcept ImportError:\n    pass\nelse:\n    import nowhere_a"},
    "finally_of_try": {"pkg/__init__.py": "try:\n    pass\nfinally:\n    import nowhere_a"},
    "type_checking": {"pkg/__init__.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import nowhere_a"},
    "type_checking_attr": {"pkg/__init__.py": "import typing\nif typing.TYPE_CHECKING:\n    import nowhere_a"},
    "not_type_checking": {"pkg/__init__.py": "from typing import TYPE_CHECKING\nif not TYPE_CHECKING:\n    import nowhere_a"},
    "version_old": {"pkg/__init__.py": "import sys\nif sys.version_info < (3, 8):\n    import nowhere_a"},
    "version_new": {"pkg/__init__.py": "import sys\nif sys.version_info >= (3, 8):\n    import nowhere_a"},
    "version_major": {"pkg/__init__.py": "import sys\nif sys.version_info[0] == 2:\n    import nowhere_a"},
    "version_attribute": {"pkg/__init__.py": "import sys\nif sys.version_info.major == 2:\n    import nowhere_a"},
    "platform": {"pkg/__init__.py": "import sys\nif sys.platform == 'win32':\n    import nowhere_a"},
    "platform_system": {"pkg/__init__.py": "import platform\nif platform.system() == 'Windows':\n    import nowhere_a"},
    "os_name": {"pkg/__init__.py": "import os\nif os.name == 'nt':\n    import nowhere_a"},
    "branches_that_may_not_run_add_nothing_certain": {
        "pkg/__init__.py": "import time\ndef one():\n    found = None\n    if time.time() < 1e9:\n        found = 'one'\n    return found\n"
        "def two():\n    found = None\n    if time.time() >= 1e9:\n        found = 'two'\n    return found\n"
        "def chosen():\n    there = []\n    for probe in (one, two):\n        if probe() is not None:\n            there.append(probe)\n"
        "    if len(there) >= 2:\n        raise RuntimeError(there)\n    return there\n\nchosen()\nimport nowhere_a",
    },
    "constant_false": {"pkg/__init__.py": "if 0:\n    import nowhere_a"},
    "relative": {"pkg/__init__.py": "from . import a", "pkg/a.py": "from .b import x", "pkg/b.py": "x = 1"},
    "relative_missing": {"pkg/__init__.py": "from . import a", "pkg/a.py": "from .b import y", "pkg/b.py": "x = 1"},
    "relative_too_far": {"pkg/__init__.py": "from .. import a"},
    "relative_parent": {"pkg/__init__.py": "", "pkg/q/__init__.py": "from ..b import x", "pkg/b.py": "x = 1"},
    "star": {"pkg/__init__.py": "from pkg.a import *\nfrom pkg.c import y", "pkg/a.py": "x = 1", "pkg/c.py": "from pkg.a import *\ny = x"},
    "star_reexport": {"pkg/__init__.py": "from pkg.b import x", "pkg/a.py": "x = 1", "pkg/b.py": "from pkg.a import *"},
    "star_private": {"pkg/__init__.py": "from pkg.b import _x", "pkg/a.py": "_x = 1", "pkg/b.py": "from pkg.a import *"},
    "star_all": {"pkg/__init__.py": "from pkg.b import _x", "pkg/a.py": "__all__ = ['_x']\n_x = 1", "pkg/b.py": "from pkg.a import *"},
    "star_all_hides": {"pkg/__init__.py": "from pkg.b import y", "pkg/a.py": "__all__ = ['x']\nx = y = 1", "pkg/b.py": "from pkg.a import *"},
    "star_all_lies": {"pkg/__init__.py": "from pkg.a import *", "pkg/a.py": "__all__ = ['nope']"},
    "star_all_submodule": {"pkg/__init__.py": "from pkg.q import *\nr.z", "pkg/q/__init__.py": "__all__ = ['r']", "pkg/q/r.py": "z = 1"},
    "star_all_built": {
        "pkg/__init__.py": "from pkg.a import *\nfrom pkg import y",
        "pkg/a.py": "__all__ = ['x']\n__all__ += ['y']\n__all__.append('z')\n__all__.extend(['w'])\nx = y = z = w = 1",
    },
    "reexport": {"pkg/__init__.py": "from .a import x as y\nfrom pkg import y", "pkg/a.py": "x = 1"},
    "reexport_missing": {"pkg/__init__.py": "from .a import x as y\nfrom pkg import x", "pkg/a.py": "x = 1"},
    "module_getattr": {"pkg/__init__.py": "from pkg.a import anything", "pkg/a.py": "def __getattr__(name):\n    return name"},
    "module_getattr_raises": {
        "pkg/__init__.py": "from pkg.a import nope",
        "pkg/a.py": "def __getattr__(name):\n    if name == 'yes':\n        return 1\n    raise AttributeError(name)",
    },
    "module_getattr_has": {
        "pkg/__init__.py": "from pkg.a import yes",
        "pkg/a.py": "def __getattr__(name):\n    if name == 'yes':\n        return 1\n    raise AttributeError(name)",
    },
    "module_getattr_table": {
        "pkg/__init__.py": "from pkg.a import x",
        "pkg/a.py": "import importlib\n_where = {'x': '.b'}\n\ndef __getattr__(name):\n    if name in _where:\n"
        "        return getattr(importlib.import_module(_where[name], 'pkg'), name)\n    raise AttributeError(name)",
        "pkg/b.py": "x = 1",
    },
    "module_getattr_table_broken": {
        "pkg/__init__.py": "from pkg.a import x",
        "pkg/a.py": "import importlib\n_where = {'x': '.b'}\n\ndef __getattr__(name):\n    if name in _where:\n"
        "        return getattr(importlib.import_module(_where[name], 'pkg'), name)\n    raise AttributeError(name)",
        "pkg/b.py": "import nowhere_a\nx = 1",
    },
    "submodule": {"pkg/__init__.py": "from pkg import a", "pkg/a.py": ""},
    "submodule_broken": {"pkg/__init__.py": "from pkg import a", "pkg/a.py": "import nowhere_a"},
    "submodule_attribute": {"pkg/__init__.py": "import pkg.a\nx = pkg.a.y", "pkg/a.py": "y = 1"},
    "attribute_missing": {"pkg/__init__.py": "import pkg.a\nclass C(pkg.a.Base):\n    pass", "pkg/a.py": "y = 1"},
    "parent_fails_first": {"pkg/__init__.py": "", "pkg/q/__init__.py": "import nowhere_a", "pkg/q/r.py": "", "pkg/s.py": "import pkg.q.r"},
    "not_a_package": {"pkg/__init__.py": "import pkg.a.b", "pkg/a.py": ""},
    "namespace": {"pkg/__init__.py": "import space.one, space.two", "space/one.py": "", "space/two/x.py": ""},
    "namespace_missing": {"pkg/__init__.py": "import space.three", "space/one.py": ""},
    "namespace_name": {"pkg/__init__.py": "from space import one, nope", "space/one.py": ""},
    "circular_ok": {"pkg/__init__.py": "from pkg import a", "pkg/a.py": "import pkg.b\nx = 1", "pkg/b.py": "import pkg.a"},
    "circular_breaks": {"pkg/__init__.py": "", "pkg/a.py": "from pkg.b import y\nx = 1", "pkg/b.py": "from pkg.a import x\ny = 1"},
    "circular_submodule": {"pkg/__init__.py": "from . import a", "pkg/a.py": "from . import b", "pkg/b.py": "from . import a"},
    "class_body": {"pkg/__init__.py": "class C:\n    import nowhere_a"},
    "method_body": {"pkg/__init__.py": "class C:\n    def m(self):\n        import nowhere_a\n        x = 1\n        return x"},
    "decorator_argument": {"pkg/__init__.py": "def d(x):\n    return lambda f: f\n\n@d(__import__('nowhere_a'))\ndef f():\n    pass"},
    "import_module": {"pkg/__init__.py": "import importlib\nimportlib.import_module('nowhere_a')"},
    "import_module_relative": {"pkg/__init__.py": "from importlib import import_module\nimport_module('.a', __name__)", "pkg/a.py": "import nowhere_a"},
    "find_spec": {"pkg/__init__.py": "import importlib.util\nif importlib.util.find_spec('nowhere_a') is not None:\n    import nowhere_a"},
    "find_spec_function": {
        "pkg/__init__.py": "from pkg.a import has_a\nif has_a():\n    import nowhere_a\n",
        "pkg/a.py": "import importlib.util\n_a = importlib.util.find_spec('nowhere_a') is not None\n\ndef has_a():\n    return _a",
    },
    "find_spec_cached": {
        "pkg/__init__.py": "from functools import lru_cache\nfrom importlib.util import find_spec\n\n@lru_cache\ndef has():\n"
        "    return find_spec('json') is not None\n\nif has():\n    import nowhere_a\n",
    },
    "metadata_version": {
        "pkg/__init__.py": "from importlib.metadata import version, PackageNotFoundError\ntry:\n    v = version('nowhere-a')\n"
        "except PackageNotFoundError:\n    v = None\nif v is not None:\n    import nowhere_a"
    },
    "metadata_unguarded": {"pkg/__init__.py": "import importlib.metadata\nv = importlib.metadata.version('nowhere-a')"},
    "metadata_compare": {
        "pkg/__init__.py": "from importlib.metadata import version\nfrom packaging.version import parse\n"
        "if parse(version('packaging')) < parse('1.0'):\n    import nowhere_a"
    },
    "metadata_compare_true": {
        "pkg/__init__.py": "from importlib.metadata import version\nfrom packaging import version as v\n"
        "if v.parse(version('packaging')) >= v.Version('1.0'):\n    import nowhere_a"
    },
    "suppress": {"pkg/__init__.py": "import contextlib\nwith contextlib.suppress(ImportError):\n    import nowhere_a"},
    "suppress_other": {"pkg/__init__.py": "from contextlib import suppress\nwith suppress(KeyError):\n    import nowhere_a"},
    "context_manager": {
        "pkg/__init__.py": "from contextlib import contextmanager\n\n@contextmanager\ndef optional():\n    try:\n        yield\n"
        "    except ImportError:\n        pass\n\nwith optional():\n    import nowhere_a"
    },
    "context_manager_passes": {
        "pkg/__init__.py": "from contextlib import contextmanager\n\n@contextmanager\ndef nothing():\n    x = 1\n    y = 2\n    yield\n\n"
        "with nothing():\n    import nowhere_a"
    },
    "context_class": {
        "pkg/__init__.py": "class Optional:\n    def __enter__(self):\n        return self\n    def __exit__(self, kind, value, tb):\n"
        "        x = 1\n        y = 2\n        return kind is not None\n\nwith Optional():\n    import nowhere_a"
    },
    "loop_of_imports": {"pkg/__init__.py": "import importlib\nfor name in ('json', 'nowhere_a'):\n    importlib.import_module(name)"},
    "loop_empty": {"pkg/__init__.py": "import importlib\nfor name in []:\n    importlib.import_module('nowhere_a')"},
    "globals_binding": {"pkg/__init__.py": "from pkg.a import x0", "pkg/a.py": "for i in range(3):\n    globals()[f'x{i}'] = i"},
    "globals_binding_missing": {"pkg/__init__.py": "from pkg.a import x7", "pkg/a.py": "for i in range(3):\n    globals()[f'x{i}'] = i"},
    "sys_modules": {"pkg/__init__.py": "import pkg.a\nimport made_up", "pkg/a.py": "import sys, types\nsys.modules['made_up'] = types.ModuleType('made_up')"},
    "sys_path": {"pkg/__init__.py": "import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), 'lib'))\nimport inner_one", "pkg/lib/inner_one.py": ""},
    "deleted_name": {"pkg/__init__.py": "from pkg.a import x", "pkg/a.py": "x = 1\ndel x"},
    "conditional_name": {"pkg/__init__.py": "from pkg.a import x", "pkg/a.py": "import sys\nif sys.version_info < (3,):\n    x = 1"},
    "augmented": {"pkg/__init__.py": "from pkg.a import x", "pkg/a.py": "x = 1\nx += 1"},
    "unpacked": {"pkg/__init__.py": "from pkg.a import x, y, z", "pkg/a.py": "x, (y, *z) = 1, (2, 3)"},
    "walrus": {"pkg/__init__.py": "from pkg.a import x", "pkg/a.py": "if (x := 1):\n    pass"},
    "for_target": {"pkg/__init__.py": "from pkg.a import x", "pkg/a.py": "for x in (1, 2):\n    pass"},
    "with_target": {"pkg/__init__.py": "from pkg.a import x", "pkg/a.py": "import contextlib\nwith contextlib.nullcontext(1) as x:\n    pass"},
    "except_target": {"pkg/__init__.py": "from pkg.a import x", "pkg/a.py": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    x = e"},
    "standard_library": {"pkg/__init__.py": "import json, os.path, xml.etree.ElementTree, concurrent.futures, importlib.metadata"},
    "standard_name": {"pkg/__init__.py": "from collections import OrderedDict, defaultdict, deque, Counter\nfrom typing import Any, Optional"},
    "standard_name_gone": {"pkg/__init__.py": "from collections import Mapping"},
    "standard_name_never": {"pkg/__init__.py": "from json import no_such_name_in_json"},
    "standard_submodule_gone": {"pkg/__init__.py": "import json.no_such"},
    "syntax_error": {"pkg/__init__.py": "import pkg.a", "pkg/a.py": "def f(:\n    pass"},
    "null_byte": {"pkg/__init__.py": "import pkg.a", "pkg/a.py": "x = 1\x00"},
    "raise_at_import": {"pkg/__init__.py": "raise ImportError('not for you')"},
    "raise_guarded": {"pkg/__init__.py": "try:\n    import pkg.a\nexcept ImportError:\n    pass", "pkg/a.py": "raise ImportError('not for you')"},
    "own_exception": {
        "pkg/__init__.py": "class Missing(ImportError):\n    pass\n\ntry:\n    raise Missing('x')\nexcept ImportError:\n    pass"
    },
    "own_exception_escapes": {"pkg/__init__.py": "class Missing(ImportError):\n    pass\n\nraise Missing('x')"},
    "optional_dependency": {
        "pkg/__init__.py": "class NotAvailable(BaseException):\n    pass\n\ndef has():\n    return False\n\ntry:\n    if not has():\n"
        "        raise NotAvailable()\nexcept NotAvailable:\n    pass\nelse:\n    import nowhere_a",
    },
    "lazy_class": {
        "pkg/__init__.py": "import sys, types, importlib\n\nclass Lazy(types.ModuleType):\n    def __init__(self, name, table):\n"
        "        super().__init__(name)\n        self._table = table\n        self.__path__ = __path__\n\n    def __getattr__(self, name):\n"
        "        if name in self._table:\n            return getattr(importlib.import_module('.' + self._table[name], 'pkg'), name)\n"
        "        raise AttributeError(name)\n\nsys.modules[__name__] = Lazy(__name__, {'x': 'a', 'y': 'b'})",
        "pkg/a.py": "x = 1", "pkg/b.py": "import nowhere_a\ny = 1", "pkg/c.py": "from pkg import x", "pkg/d.py": "from pkg import y",
        "pkg/e.py": "from pkg import z",
    },
    "environment_default": {"pkg/__init__.py": "import os\nif os.environ.get('QVL_NEVER_SET', '0') == '1':\n    import nowhere_a"},
    "environment_in": {"pkg/__init__.py": "import os\nif 'QVL_NEVER_SET' in os.environ:\n    import nowhere_a"},
    "ternary": {"pkg/__init__.py": "import importlib\nx = importlib.import_module('nowhere_a') if False else None"},
    "short_circuit": {"pkg/__init__.py": "import importlib\nx = False and importlib.import_module('nowhere_a')"},
    "while_once": {"pkg/__init__.py": "n = 0\nwhile n < 2:\n    n += 1\n    if n == 2:\n        import nowhere_a"},
    "two_missing": {"pkg/__init__.py": "from pkg.a import y, z", "pkg/a.py": "x = 1"},
    "iter_modules": {
        "pkg/__init__.py": "import pkgutil, importlib\nfor _, name, is_pkg in pkgutil.iter_modules(__path__):\n    importlib.import_module(f'pkg.{name}')",
        "pkg/a.py": "", "pkg/b.py": "import nowhere_a",
    },
    "typing_only_string": {"pkg/__init__.py": "def f(x: 'nowhere_a.T') -> 'nowhere_a.U':\n    return x"},
    "docstring_with_code": {"pkg/__init__.py": '"""Use it so:\n\nimport nowhere_a\n    def f():\n        pass\n"""\nx = 1\n\ndef g():\n    """\nfrom nowhere_b import c\n    """\n    y = 1\n    return y\n'},
    "main_guard": {"pkg/__init__.py": "if __name__ == '__main__':\n    import nowhere_a"},
    "all_missing_submodule": {"pkg/__init__.py": "from pkg.q import missing_one", "pkg/q/__init__.py": "__all__ = ['missing_one']"},
    "hasattr_guard": {"pkg/__init__.py": "import pkg.a\nif hasattr(pkg.a, 'new'):\n    from pkg.a import new\nelse:\n    from pkg.a import old", "pkg/a.py": "old = 1"},
    "getattr_default": {"pkg/__init__.py": "import pkg.a\nx = getattr(pkg.a, 'new', None)\nif x is None:\n    import nowhere_a", "pkg/a.py": "old = 1"},
    "partial_reload": {"pkg/__init__.py": "try:\n    import pkg.a\nexcept ImportError:\n    pass\nimport pkg.a", "pkg/a.py": "import nowhere_a"},
    "enumeration": {
        "pkg/__init__.py": "import enum\nclass Kind(enum.Enum):\n    ONE = enum.auto()\n    TWO = enum.auto()\n    ALSO = 'x'\n",
        "pkg/a.py": "from pkg import Kind\nchosen = Kind.ONE\nif chosen == Kind.TWO:\n    import nowhere_a",
        "pkg/b.py": "from pkg import Kind\nchosen = Kind.ONE\nif chosen is not Kind.TWO:\n    import nowhere_a",
        "pkg/c.py": "from pkg import Kind\nif Kind('x') is Kind.ALSO and Kind.ALSO.value == 'x':\n    import nowhere_a",
        "pkg/d.py": "from pkg import Kind\ntable = {Kind.ONE: 1, Kind.TWO: 2}\nif Kind.ONE not in table or Kind.ONE.name != 'ONE':\n    import nowhere_a",
    },
    "enumeration_of_texts": {
        "pkg/__init__.py": "import enum\nclass Kind(str, enum.Enum):\n    ONE = 'one'\n",
        "pkg/a.py": "from pkg import Kind\nif Kind.ONE != 'one':\n    import nowhere_a",
        "pkg/b.py": "from pkg import Kind\nif Kind.ONE == 'one':\n    import nowhere_a",
    },
    "class_of_an_error": {
        "pkg/__init__.py": "class OwnError(Exception):\n    pass\ndef fail():\n    raise OwnError('no')\n",
        "pkg/a.py": "from pkg import fail\ntry:\n    fail()\nexcept Exception as e:\n    if 'own' not in e.__class__.__name__.lower():\n        import nowhere_a",
        "pkg/b.py": "from pkg import fail\ntry:\n    fail()\nexcept Exception as e:\n    if type(e).__name__ == 'OwnError':\n        import nowhere_a",
    },
    "no_plugins": {
        "pkg/__init__.py": "from importlib.metadata import entry_points\nfound = entry_points(group='qvl.no_such_group')\n",
        "pkg/a.py": "from pkg import found\nif len(found) == 0:\n    import nowhere_a",
    },
    "files_by_a_pattern": {
        "pkg/__init__.py": "import glob, os\nhere = os.path.dirname(__file__)\n",
        "pkg/a.py": "from pkg import glob, here, os\nif glob.glob(os.path.join(here, 'data', 'no*.txt')):\n    import nowhere_a",
        "pkg/b.py": "from pkg import glob, here\nfor file in glob.glob(here + '/data/*.txt'):\n    import nowhere_a",
        "pkg/data/one.txt": "",
    },
    "loaded_as_python_starts": {
        "pkg/__init__.py": "import os, sys\nif not hasattr(sys.modules[os.name], 'getpid'):\n    x = 1",
        "pkg/a.py": "import sys\ntry:\n    sys.modules['nowhere_a']\nexcept KeyError:\n    import nowhere_a",
    },
    "bundled_copy_under_another_name": {
        "pkg/__init__.py": "",
        "pkg/a.py": "import sys\nimport pkg.copy\nsys.modules['bundled'] = pkg.copy\nimport bundled.part",
        "pkg/copy/__init__.py": "", "pkg/copy/part.py": "x = 1",
        "pkg/z.py": "from bundled.part import x",
    },
    "getter_asked_again": {
        "pkg/__init__.py": "import time\ndef __getattr__(name):\n    if name != 'current':\n        raise AttributeError(name)\n"
        "    try:\n        import nowhere_a\n    except ImportError:\n        pass\n    import pkg.late\n    return time.time()",
        "pkg/late.py": "x = 1",
        "pkg/a.py": "from pkg import current",
        "pkg/b.py": "from pkg import current\nimport sys\nif 'pkg.late' in sys.modules:\n    import nowhere_b",
        "pkg/c.py": "from pkg import other",
    },
    "getter_of_a_cycle": {
        "pkg/__init__.py": "import time\ndef __getattr__(name):\n    from pkg.low import x\n    return time.time()",
        "pkg/a.py": "from pkg import one",
        "pkg/b.py": "from pkg import one",
        "pkg/low.py": "from pkg.high import y\nx = 1",
        "pkg/high.py": "from pkg import one\ny = 1",
    },
}  # fmt: skip
