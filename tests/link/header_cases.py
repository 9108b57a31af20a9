"""Packages whose functions are called as they are imported: whatever their headers look like, calls fill parameters."""

_HEADERS = {
    "plain": "def f(a, b):\n    return a\n",
    "constants": "def f(a, b=None, *, c: bool = True, d=-1, e='x, y)', g=1.5e3):\n    '''doc'''\n    return a and c and d == -1 and e == 'x, y)'\n",
    "computed": "X = 1\ndef f(a, b=X, c=[1, 2], d=(), e=f'{X}'):\n    '''doc'''\n\n    return a and b == 1 and c == [1, 2]\n",
    "several_lines": "def f(\n    a: 'dict[str, int]',  # first (one)\n    b: tuple[int, ...] = None,\n) -> list[str]:\n\n    # said\n    return a\n",
    "rest": "def f(a, /, *rest, key=2, **more):\n    return rest == (2,) and key == 2 and not more\n",
    "one_line": "def f(a, b=3): return a\n",
    "commented": "def f(a, b=3):  # (says why\n# not indented\n    return a and b == 2\n",
    "tabs": "if True:\n\tdef f(a, b=None):\n\t\tc = a\n\t\td = b\n\t\treturn c\n",
    "method": "class C:\n    @staticmethod\n    def g(a, b=None):\n        x = a\n        return x\nf = C.g\n",
    "windows": "def f(a, b=None):\r\n    c = a\r\n    d = b\r\n    return c\r\n",
    "in_text": "TEXT = '''\ndef f(a):\n    return 0\n'''\ndef f(a, b=None):\n    return a and 'def f' in TEXT\n",
    "dedented_text": "def f(a, b=None):\n    text = '''\nnot indented\n'''\n    return a and 'not' in text\n",
    "made_by_another": "def made(k):\n    def f(a, b, c=k):\n        return c == 5\n    return f\nf = made(5)\n",
    "without_parameters": "def g():\n    x = 1\n    return x\n\ndef f(*given):\n    return g() == 1\n",
    "lambda_default": "def f(a, b=None, c=lambda x=1: x):\n    return c() == 1\n",
}
HEADER_CASES: dict[str, dict[str, str]] = {
    f"header_{name}": {
        "pkg/__init__.py": text,
        "pkg/a.py": "from pkg import f\nif f(1, 2):\n    import nowhere_a\n",
        "pkg/b.py": "from pkg import f\nif not f(1, 2):\n    import nowhere_a\n",
    }
    for name, text in _HEADERS.items()
} | {
    "header_without_a_body": {"pkg/__init__.py": "import json\ndef f(a):\n", "pkg/a.py": "x = 1"},
    "header_missing_name": {
        "pkg/__init__.py": "", "pkg/c.py": "y = 1", "pkg/a.py": "from pkg import c\ndef f(a, b=c.nope):\n    x = 1\n    return a\n    y = 1",
    },
}  # fmt: skip
