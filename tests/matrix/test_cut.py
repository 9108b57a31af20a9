"""Files without the bodies that import nothing bind and import what they do whole."""

from __future__ import annotations

import ast

import pytest

from doctor.matrix.extract.bindings import bindings, parse
from doctor.matrix.extract.cut import without_bodies
from doctor.matrix.extract.imports import imports_of

LONG = "".join(f"    value_{n} = {n} + sum(range({n}))\n" for n in range(12))
CASES = {
    "plain": f"def f(a, b=1):\n{LONG}\nX = 1\n",
    "method": "class A:\n    def f(self) -> dict[str, int]:\n" + LONG.replace("    ", "        ") + "    y = 2\n\nX = 1\n",
    "an import inside": f"def f():\n{LONG}    import a.b\n    from c import d\nX = 1\n",
    "a string that is not indented": f'def f():\n{LONG}    x = """\nimport lost\nY = 2\n"""\n{LONG}X = 1\n',
    "two of them": f"def f():\n{LONG}    x = '''\nY = 2\n''' + '''\nZ = 3\n'''\n{LONG}X = 1\n",
    "a header of several lines": f'@wrap(1)\nasync def f(\n    a: str = "(",\n    *, b=g(1, "x)"),\n) -> None:\n{LONG}\nclass B(A): pass\n',
    "a comment outside": f"def f():\n{LONG}# not indented\n{LONG}X = 1\n",
    "a header with a comment": f"def f(  # why (\n    a,\n):\n{LONG}X = 1\n",
    "comments between parameters": f"def f(\n    a,  # it's (a\n    b=1,\n) -> 'C':\n{LONG}X = 1\n",
    "the word in a text": f"def f():\n    \"\"\"Import what is important.\"\"\"\n{LONG}X = 1\n",
    "an import beside a colon": f"def f():\n{LONG}    if a: import b\n    x = 1; from c import d\nX = 1\n",
    "tabs": "def f():\n" + LONG.replace("    ", "\t") + "X = 1\n",
    "a continued line": f"def f():\n{LONG}    x = 1 + \\\n2\nX = 1\n",
    "the end of the file": f"X = 1\ndef f():\n{LONG}",
    "exports": f"__all__ = ['f']\ndef f():\n{LONG}\nfrom a import *\nif TYPE_CHECKING:\n    import b\n",
    "two functions in an if": f"if A:\n    def f():\n{LONG.replace('    ', '        ')}else:\n    f = None\n",
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_left_binds_and_imports_the_same(name: str) -> None:
    text = CASES[name]
    whole, cut = parse(text), parse(without_bodies("\n" + text))
    assert whole is not None
    if cut is not None:  # else the whole file is read
        assert (bindings(cut), imports_of(cut)) == (bindings(whole), imports_of(whole))


def test_most_of_a_long_body_is_gone() -> None:
    assert ast.unparse(ast.parse(without_bodies("\n" + CASES["plain"]))) == "def f(a, b=1):\n    ...\nX = 1"
    assert without_bodies("\n" + CASES["an import inside"]) == "\n" + CASES["an import inside"]


COMMENTED = "\ndef f(\n" + "    a,  # what a ( is for, \'and b\n" * 60 + "):" + "\ndef f(  # a b c d e f g h i j k l m n o p" * 2_000


@pytest.mark.parametrize("text", [COMMENTED, "\ndef f(" + "a(b)" * 300 + "\ndef f(a)" + "-> 'x' " * 300, "\ndef f(" * 40_000, "\ndef f(" + "(" * 200_000, "\ndef f(a):" * 40_000, "\ndef f('" * 40_000])
def test_hostile_text_takes_no_time(text: str) -> None:
    import time

    began = time.process_time()
    without_bodies(text)
    assert time.process_time() - began < 5
