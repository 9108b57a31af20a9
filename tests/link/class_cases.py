"""Packages whose import runs hooks: of classes, of modules, of the import system. Python says what is right."""

CLASS_CASES: dict[str, dict[str, str]] = {
    "super_init": {
        "pkg/__init__.py": "class A:\n    def __init__(self, x):\n        self.x = x\n        self.y = 1\n\nclass B(A):\n"
        "    def __init__(self):\n        super().__init__(2)\n        self.z = 3\n\nb = B()\nv = b.x + b.y + b.z\n",
    },
    "super_init_missing": {
        "pkg/__init__.py": "class A:\n    def __init__(self, x):\n        self.x = x\n        self.y = 1\n\nclass B(A):\n"
        "    def __init__(self):\n        super().__init__(2)\n        self.z = 3\n\nb = B()\nv = b.w\n",
    },
    "super_named": {
        "pkg/__init__.py": "class A(object):\n    def __init__(self, x):\n        self.x = x\n        self.y = 1\n\nclass B(A):\n"
        "    def __init__(self):\n        super(B, self).__init__(2)\n        self.z = 3\n\nv = B().x\n",
    },
    "super_skipped": {
        "pkg/__init__.py": "class A:\n    def __init__(self):\n        self.x = 1\n        self.y = 1\n\nclass B(A):\n"
        "    def __init__(self):\n        self.z = 3\n        self.w = 4\n\nv = B().x\n",
    },
    "super_diamond": {
        "pkg/__init__.py": "class A:\n    def __init__(self):\n        self.a = 1\n\nclass B(A):\n    def __init__(self):\n"
        "        super().__init__()\n        self.b = 1\n\nclass C(A):\n    def __init__(self):\n        super().__init__()\n"
        "        self.c = 1\n\nclass D(B, C):\n    pass\n\nd = D()\nv = d.a + d.b + d.c\n",
    },
    "super_new": {
        "pkg/__init__.py": "class A:\n    def __new__(cls, x):\n        self = super().__new__(cls)\n        self.x = x\n"
        "        return self\n\nv = A(1).x\n",
    },
    "super_new_int": {
        "pkg/__init__.py": "from pkg.a import RED, BLUE", "pkg/a.py": "class Named(int):\n    def __new__(cls, value, name):\n"
        "        self = super(Named, cls).__new__(cls, value)\n        self.name = name\n        return self\n\n"
        "def make(*names):\n    items = [Named(i, n) for i, n in enumerate(names)]\n"
        "    globals().update({i.name: i for i in items})\n    return items\n\nALL = make('RED', 'BLUE')\n",
    },
    "set_name": {
        "pkg/__init__.py": "class Field:\n    def __init__(self, default):\n        self.default = default\n\n"
        "    def __set_name__(self, owner, name):\n        self.name = name\n        self.owner = owner\n\n"
        "    def get(self):\n        n = self.name\n        return n\n\nclass Settings:\n    debug = Field(1)\n\nv = Settings.debug.get()\n",
    },
    "set_name_not_run": {
        "pkg/__init__.py": "class Field:\n    def __set_name__(self, owner, name):\n        self.name = name\n        self.owner = owner\n\nv = Field().name\n",
    },
    "init_subclass": {
        "pkg/__init__.py": "from pkg.a import table\nfrom pkg import b\nimport importlib\nfor name in table:\n    importlib.import_module(name)\n",
        "pkg/a.py": "table = []\n\nclass Base:\n    def __init_subclass__(cls, uses=None, **kw):\n        super().__init_subclass__(**kw)\n        table.append(uses)\n        x = 1\n",
        "pkg/b.py": "from pkg.a import Base\n\nclass B(Base, uses='nowhere_a'):\n    pass\n",
    },
    "metaclass_registry": {
        "pkg/__init__.py": "class Meta(type):\n    known = {}\n\n    def __new__(mcs, name, bases, space):\n"
        "        cls = super().__new__(mcs, name, bases, space)\n        mcs.known[name] = cls\n        return cls\n\n"
        "class A(metaclass=Meta):\n    x = 1\n\nclass B(A):\n    pass\n\nif 'B' in Meta.known:\n    import nowhere_a\n",
    },
    "metaclass_singleton": {
        "pkg/__init__.py": "class One(type):\n    made = {}\n\n    def __call__(cls, *a):\n        if cls not in cls.made:\n"
        "            cls.made[cls] = super().__call__(*a)\n        return cls.made[cls]\n\nclass A(metaclass=One):\n"
        "    def __init__(self):\n        self.x = 1\n        self.y = 2\n\nv = A().x\n",
    },
    "descriptor": {
        "pkg/__init__.py": "class Lazy:\n    def __init__(self, name):\n        self.name = name\n\n    def __get__(self, owner, kind):\n"
        "        __import__(self.name)\n        return self.name\n\nclass A:\n    x = Lazy('json')\n    y = Lazy('nowhere_a')\n\na = A()\nv = a.x\n",
        "pkg/a.py": "import pkg\nv = pkg.a_missing if False else pkg.A().y\n",
    },
    "property_with_setter": {
        "pkg/__init__.py": "class A:\n    def __init__(self):\n        self.x = 1\n\n    @property\n    def x(self):\n        y = self._x\n"
        "        return y\n\n    @x.setter\n    def x(self, value):\n        self._x = value\n        self._seen = 1\n\nv = A()._x\n",
    },
    "helper_sets_attributes": {
        "pkg/__init__.py": "import copy\n\nclass A:\n    def __init__(self):\n        self.__dict__.update(x=1)\n        setattr(self, 'y' + '1', 2)\n\na = A()\nv = a.x + a.y1\n",
    },
    "ducks_of_an_abstract_class": {
        "pkg/__init__.py": "from collections.abc import Mapping\nif not isinstance({}, Mapping):\n    import nowhere_a\n",
    },
    "main_module": {"pkg/__init__.py": "import __main__\nx = getattr(__main__, 'x', None)"},
    "namespace_path": {"pkg/__init__.py": "import space\nfor p in space.__path__:\n    pass\nfrom space import one", "space/one.py": ""},
    "path_of_a_module": {"pkg/__init__.py": "import pkg.a\npkg.a.__path__", "pkg/a.py": ""},
    "path_extended": {
        "pkg/__init__.py": "import os\n__path__.append(os.path.join(os.path.dirname(__file__), 'more'))\nfrom pkg import extra",
        "pkg/more/extra.py": "x = 1",
    },
    "path_replaced": {
        "pkg/__init__.py": "import os\n__path__ = [os.path.join(os.path.dirname(__file__), 'more')]\nfrom pkg import extra",
        "pkg/more/extra.py": "import nowhere_a",
    },
    "sys_path_of_another": {
        "pkg/__init__.py": "", "pkg/a.py": "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib'))\nimport inner_two",
        "pkg/b.py": "import inner_two", "pkg/c.py": "import pkg.a\nimport inner_two", "pkg/lib/inner_two.py": "",
    },
    "parents_of_a_path": {
        "pkg/__init__.py": "import sys\nfrom pathlib import Path\nroot = Path(__file__).resolve().parents[0]\nif str(root / 'lib') not in sys.path:\n"
        "    sys.path.insert(0, str(root / 'lib'))\nimport inner_three", "pkg/lib/inner_three.py": "",
    },
    "finder": {
        "pkg/__init__.py": "from pkg import a\nimport pkg.vendored.one", "pkg/real_one.py": "x = 1",
        "pkg/a.py": "import sys\nfrom importlib.util import spec_from_loader\n\nclass Finder:\n    def __init__(self, prefix):\n"
        "        self.prefix = prefix\n\n    def find_spec(self, name, path, target=None):\n        if name.startswith(self.prefix):\n"
        "            return spec_from_loader(name, self)\n        return None\n\n    def create_module(self, spec):\n"
        "        root, _, tail = spec.name.rpartition('.')\n        real = 'pkg.real_' + tail if tail != 'vendored' else 'pkg'\n"
        "        __import__(real)\n        return sys.modules[real]\n\n    def exec_module(self, module):\n        pass\n\n"
        "sys.meta_path.append(Finder('pkg.vendored'))\n",
        "pkg/c.py": "import pkg.vendored.two",
    },
    "spec_from_file": {
        "pkg/__init__.py": "import importlib.util, os, sys\nfile = os.path.join(os.path.dirname(__file__), 'odd-name.py')\n"
        "spec = importlib.util.spec_from_file_location('pkg.odd', file)\nmodule = importlib.util.module_from_spec(spec)\n"
        "sys.modules['pkg.odd'] = module\nspec.loader.exec_module(module)\nfrom pkg.odd import x",
        "pkg/odd-name.py": "x = 1", "pkg/c.py": "from pkg.odd import y",
    },
    "origin_of_a_spec": {
        "pkg/__init__.py": "import importlib.util\nfrom pathlib import Path\nspec = importlib.util.find_spec('pkg')\n"
        "assert spec is not None and spec.origin is not None\nif not (Path(spec.origin).parent / 'data').exists():\n    import nowhere_a",
        "pkg/data/x.txt": "",
    },
    "circle_of_three": {
        "pkg/__init__.py": "", "pkg/a.py": "from pkg.b import y\nx = 1", "pkg/b.py": "from pkg.c import z\ny = 1", "pkg/c.py": "from pkg import a\nz = 1",
        "pkg/d.py": "import pkg.c", "pkg/e.py": "from pkg.c import z",
    },
    "circle_by_entry": {
        "pkg/__init__.py": "", "pkg/a.py": "import pkg.b\nX = 1\nimport pkg.c", "pkg/b.py": "import pkg.c\nY = 1",
        "pkg/c.py": "from pkg.a import X\nZ = 1", "pkg/e.py": "import pkg.a", "pkg/f.py": "import pkg.b",
    },
    "circle_by_package": {
        "pkg/__init__.py": "", "pkg/q/__init__.py": "from .a import A\nfrom .b import B", "pkg/q/a.py": "A = 1", "pkg/q/b.py": "from pkg.q import A\nB = 1",
        "pkg/r.py": "from pkg.q.b import B",
    },
    "package_fails": {"pkg/__init__.py": "from pkg import a\nimport nowhere_a", "pkg/a.py": "", "pkg/q/__init__.py": "", "pkg/q/r.py": ""},
    "guarded_by_unknown": {
        "pkg/__init__.py": "import random\ntry:\n    if random.random() > 2:\n        import nowhere_a\nexcept Exception:\n    pass"
    },
    "module_below_a_module": {
        "pkg/__init__.py": "from pkg.a.inner import x", "pkg/a.py": "import sys, types\ninner = types.ModuleType(f'{__name__}.inner')\n"
        "inner.x = 1\nsys.modules[inner.__name__] = inner\n",
    },
    "maybe_returned": {
        "pkg/__init__.py": "from pkg.a import x", "pkg/a.py": "import random\n\ndef bind(*names):\n    if random.random() > 2:\n        return\n"
        "    globals().update({n: 1 for n in names})\n    y = 1\n\nbind('x', 'z')\n",
    },
    "locals_of_a_function": {
        "pkg/__init__.py": "from pkg.a import f", "pkg/a.py": "def fill():\n    def f():\n        pass\n    g = 1\n"
        "    globals().update({n: v for n, v in locals().items() if n in {'f'}})\n    x = 1\n\nfill()\n",
        "pkg/b.py": "from pkg.a import g",
    },
    "regex_groups": {"pkg/__init__.py": "import re\nm = re.match(r'v(\\d+)', 'v12')\nif m.group(1) != '12':\n    import nowhere_a"},
    "loop_over_globals": {
        "pkg/__init__.py": "from pkg.a import B_TOO, nope", "pkg/a.py": "A = 1\nB = 2\nfor _n, _v in list(globals().items()):\n"
        "    if not _n.startswith('_'):\n        globals()[_n + '_TOO'] = _v\n",
    },
    "globals_update": {"pkg/__init__.py": "from pkg.a import x", "pkg/a.py": "globals().update({'x': 1})\n"},
    "dataclass_by_position": {
        "pkg/__init__.py": "from dataclasses import dataclass, field\nfrom typing import ClassVar\n\n@dataclass(frozen=True)\nclass A:\n"
        "    x: str\n    kind: ClassVar[int] = 3\n    y: str | None = None\n    z: list = field(default_factory=list)\n\n"
        "    @property\n    def is_y(self):\n        return self.y is not None\n\n@dataclass\nclass B(A if False else object):\n"
        "    a: int = 0\n    b: int = 1\n\n    def __post_init__(self):\n        self.c = self.a + self.b\n",
        "pkg/a.py": "import pkg\none = pkg.A('nowhere_a')\nif not one.is_y:\n    __import__(one.x)",
        "pkg/b.py": "import pkg\none = pkg.A('nowhere_a', 'json')\nif one.is_y:\n    __import__(one.y)",
        "pkg/c.py": "import pkg\nif pkg.B(2, b=3).c == 5:\n    import nowhere_a",
    },
    "class_attribute_none": {
        "pkg/__init__.py": "class A:\n    x = None\n    def f(self):\n        return self.x\n\nif A().x is None and A.x is None:\n    import nowhere_a",
        "pkg/a.py": "class B:\n    y = None\n\nB().y",
    },
    "resolve_name": {
        "pkg/__init__.py": "", "pkg/q.py": "class C:\n    where = 'nowhere_a'\n",
        "pkg/a.py": "from pkgutil import resolve_name\n__import__(resolve_name('pkg.q.C').where)",
        "pkg/b.py": "from pkgutil import resolve_name\n__import__(resolve_name('pkg.q:C.where'))",
        "pkg/c.py": "from pkgutil import resolve_name\nresolve_name('pkg.nowhere_a:C')",
    },
    "decorators": {
        "pkg/__init__.py": "",
        "pkg/decorator_raises.py": "def deco(f):\n    import nowhere_a\n    return f\n\n@deco\ndef g():\n    pass",
        "pkg/decorator_wraps_and_changes.py": "def deco(f):\n    def inner(*a, **k):\n        return f(*a, **k) + 5\n    return inner\n\n@deco\ndef g(x):\n    return x + 1\nif g(1) == 2:\n    import nowhere_a",
        "pkg/decorator_registers.py": "R = {}\ndef deco(name):\n    def inner(f):\n        R[name] = f\n        return f\n    return inner\n\n@deco('x')\ndef g():\n    pass\nif 'x' in R:\n    import nowhere_a",
        "pkg/decorator_returns_none.py": "def deco(f):\n    return None\n\n@deco\ndef g():\n    pass\nif g is None:\n    import nowhere_a",
        "pkg/class_decorator_registers.py": "R = []\ndef deco(c):\n    R.append(c)\n    c.extra = 1\n    return c\n\n@deco\nclass A:\n    pass\nif len(R) == 1 and A.extra == 1:\n    import nowhere_a",
        "pkg/class_decorator_import.py": "def deco(c):\n    import nowhere_a\n    return c\n\n@deco\nclass A:\n    pass",
        "pkg/decorator_object.py": "class Reg:\n    def __init__(self):\n        self.all = {}\n    def register(self, name):\n        def inner(f):\n            if name in self.all:\n                raise KeyError(name)\n            self.all[name] = f\n            return f\n        return inner\n\nr = Reg()\n@r.register('x')\ndef g():\n    pass\nif list(r.all) == ['x']:\n    import nowhere_a",
        "pkg/method_decorator.py": "def deco(f):\n    def inner(self):\n        return 7\n    return inner\n\nclass A:\n    @deco\n    def g(self):\n        return 1\nif A().g() == 7:\n    import nowhere_a",
        "pkg/decorator_order.py": "def a(f):\n    return lambda: f() + 'a'\ndef b(f):\n    return lambda: f() + 'b'\n@a\n@b\ndef g():\n    return 'nowhere_'\n__import__(g()) if g() == 'nowhere_ba' else None",
        "pkg/decorator_with_super.py": "def deco(f):\n    def inner(self):\n        return f(self)\n    return inner\n\nclass A:\n    def g(self):\n        return 'nowhere_a'\n\nclass B(A):\n    @deco\n    def g(self):\n        return super().g()\n\n__import__(B().g())",
        "pkg/decorator_of_a_class_body.py": "class A:\n    def deco(f):\n        return lambda self: 'nowhere_a'\n\n    @deco\n    def g(self):\n        return 'json'\n\n__import__(A().g())",
        "pkg/decorator_by_a_class.py": "class Lazy:\n    def __init__(self, f):\n        self.f = f\n\n    def __call__(self):\n        return self.f() + '_a'\n\n@Lazy\ndef g():\n    return 'nowhere'\n\n__import__(g())",
    },
    "standard_loop": {"pkg/__init__.py": "import re._parser as p\nfrom re._constants import CATEGORY_DIGIT\nv = p.CATEGORY_DIGIT"},
}  # fmt: skip
