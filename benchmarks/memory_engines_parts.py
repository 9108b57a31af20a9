"""What the children of memory_engines.py share: a logger that keeps, an object with every name, functions of a file."""

import ast
from types import SimpleNamespace

SAID: list[str] = []


class Logger:
    """Keeps what is logged."""

    def __getattr__(self, name):
        return lambda text, *args, **kwargs: SAID.append(str(text) % args if args else str(text))


class Open(SimpleNamespace):
    """Whatever is asked and not said is nothing."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)


def functions(tree, names, owner=None):
    """Functions of a file, of a class in it or of the file itself."""
    body = next((n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == owner), tree.body)
    return [n for n in body if isinstance(n, ast.FunctionDef) and n.name in names]
