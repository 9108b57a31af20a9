"""Which modules belong to the standard library of a Python version, for targets whose library is not at hand.

The base is the list of the running Python (`sys.stdlib_module_names`); what other versions have more or less is taken
from the "What's New in Python 3.x" documents, sections "Removed" and "New Modules".
"""

from __future__ import annotations

import sys
from functools import cache

_REMOVED = {
    (3, 9): {"_dummy_thread", "dummy_threading"},
    (3, 10): {"formatter", "parser", "symbol", "_bootlocale", "macpath"},
    (3, 11): {"binhex"},
    (3, 12): {"asynchat", "asyncore", "distutils", "imp", "smtpd"},
    (3, 13): {
        "aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap", "msilib", "nis",
        "nntplib", "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib",
    },
}  # fmt: skip
_ADDED = {
    (3, 9): {"zoneinfo", "graphlib"},
    (3, 11): {"tomllib"},
    (3, 14): {"annotationlib", "compression"},
}


@cache
def stdlib_names(version: tuple[int, int]) -> frozenset[str]:
    """The top-level standard library modules of a Python version, `(3, 10)` for 3.10."""
    names = set(sys.stdlib_module_names)
    for since, gone in _REMOVED.items():
        names = names - gone if since <= version else names | gone
    for since, new in _ADDED.items():
        names = names | new if since <= version else names - new
    return frozenset(names)


@cache
def compiled_names() -> frozenset[str]:
    """Standard library modules that may be compiled into the interpreter, so that no file shows them."""
    return frozenset(sys.builtin_module_names) | {n for n in sys.stdlib_module_names if n.startswith("_")} | {
        "array", "binascii", "cmath", "fcntl", "grp", "math", "mmap", "pyexpat", "readline", "resource", "select",
        "syslog", "termios", "unicodedata", "zlib", "time", "errno", "faulthandler", "gc", "itertools", "marshal",
        "posix", "pwd", "sys", "atexit", "builtins", "nt", "winreg", "msvcrt",
    }  # fmt: skip


@cache
def compiled_exports(name: str) -> frozenset[str] | None:
    """The names of a module that is compiled into our own interpreter; None for any other module."""
    if name not in sys.builtin_module_names:
        return None
    import importlib

    return frozenset(dir(importlib.import_module(name)))
