"""Which modules an editable installation brings, read from the `.pth` file or finder that its RECORD lists."""

from __future__ import annotations

import os

from doctor.base.files import Files
from doctor.collect.packages.record_file import Record
from doctor.collect.python.pth import read_finder

_MANY = 2000


def editable_modules(files: Files, location: str, record: Record) -> tuple[str, ...]:
    """The top-level names of an editable distribution; empty where its files don't tell."""
    names: set[str] = set()
    for first in sorted(record.first_names):
        path = os.path.join(location, first)
        if first.startswith("__editable___") and first.endswith("_finder.py"):
            names.update(name.partition(".")[0] for name, _ in read_finder(files, path))
        elif first.endswith(".pth"):
            for line in (files.text(path, 1 << 20) or "").splitlines():
                if os.path.isabs(line.strip()):
                    names.update(modules_in(files, files.inside(line.strip())))
    return tuple(sorted(names))


def modules_in(files: Files, folder: str) -> dict[str, str]:
    """The modules and packages that stand in a folder: name to path. Folders without `__init__.py` are left out."""
    found: dict[str, str] = {}
    for name in files.names(folder)[:_MANY]:
        path = os.path.join(folder, name)
        stem, dot, rest = name.partition(".")
        if not stem.isidentifier():
            continue
        if dot and (rest == "py" or rest.endswith(("so", "pyd"))):
            found.setdefault(stem, path)
        elif not dot and files.isfile(os.path.join(path, "__init__.py")):
            found[stem] = path
    return found
