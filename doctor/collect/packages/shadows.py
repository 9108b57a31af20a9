"""Modules in the folder that a launch puts first on the path, which hide installed ones: a file named `torch.py`."""

from __future__ import annotations

import os

from doctor.base.files import Files
from doctor.collect.packages.editable import modules_in
from doctor.facts import Distribution, Shadow, Target

STANDARD_LIBRARY = "the standard library"


def find_shadows(files: Files, target: Target, installed: tuple[Distribution, ...]) -> tuple[Shadow, ...]:
    """What stands in `target.front` under the name of an installed module or of one of the standard library."""
    front = target.front
    if front is None or files.real(front) in {files.real(p) for p in (*target.paths, *target.stdlib)}:
        return ()
    editable = {files.real(path) for _, path in target.editable}
    owners = {name: one for one in reversed(installed) for name in one.top_level}
    found = []
    for module, path in modules_in(files, front).items():
        if files.real(path) in editable:
            continue
        if module in owners:
            found.append(Shadow(module, path, owners[module].name))
        elif _in_stdlib(files, target, module):
            found.append(Shadow(module, path, STANDARD_LIBRARY))
    return tuple(found)


def _in_stdlib(files: Files, target: Target, module: str) -> bool:
    for folder in target.stdlib:
        place = os.path.join(folder, module)
        if files.isfile(place + ".py") or files.isfile(os.path.join(place, "__init__.py")):
            return True
        if folder.endswith("lib-dynload") and any(n.split(".")[0] == module for n in files.names(folder)):
            return True
    return False
