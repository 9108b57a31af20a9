"""The environment to repair, as its own files tell it: no program of it is started."""

from __future__ import annotations

import glob
import os
from typing import Literal

from doctor.base.late import late_pattern
from doctor.base.opening import first_text
from doctor.base.record import dataclass
from doctor.repair.errors import Refused

_LIBRARY = late_pattern(r"python(3\.\d{1,2})t?$")


@dataclass(frozen=True, slots=True)
class Place:
    """An environment: `site` and `scripts` are relative to `prefix`; `base` is the interpreter to ask for its layout.

    `base` belongs to the installation that a venv was made from; a conda environment has only its own.
    """

    prefix: str
    kind: Literal["venv", "conda"]
    python: str
    site: str
    base: str
    scripts: str = "bin"


def prefix_of(given: str) -> str:
    """The prefix that `--python` means: a folder, or the folder above the interpreter's `bin`. Links stay.

    Raises Refused for what is not there.
    """
    path = os.path.abspath(os.path.expanduser(given))
    if os.path.isdir(path):
        inner = os.path.join(path, ".venv")
        parent = os.path.dirname(path)
        if _is_environment(path):
            return path
        if _is_environment(inner):
            return inner
        return parent if os.path.basename(path) == "bin" and _is_environment(parent) else path
    if not os.path.lexists(path):
        raise Refused(f"`{given}`, given as `--python`, does not exist")
    return os.path.dirname(os.path.dirname(path))


def read_place(prefix: str) -> Place:
    """Raises Refused for what is no environment of the user's own."""
    if not os.path.isdir(prefix):
        raise Refused(f"`{prefix}` is not a folder")
    settings = _settings(prefix)
    conda = os.path.isdir(os.path.join(prefix, "conda-meta"))
    if settings is None and not conda:
        raise Refused(
            f"`{prefix}` is not a virtual environment (no `pyvenv.cfg`) or a conda environment, and only "
            "those can be changed; `fix --apply` without `--in-place` creates a new one"
        )
    libraries = sorted(
        p for p in glob.glob(os.path.join(glob.escape(prefix), "lib", "python3.*")) if _LIBRARY.search(p)
    )
    found = [p for p in libraries if os.path.isdir(os.path.join(p, "site-packages"))]
    if len(found) != 1:
        raise Refused(f"`{prefix}` has {len(found) or 'no'} `lib/pythonX.Y/site-packages`; one was expected")
    match = _LIBRARY.search(found[0])
    python = match[1] if match else ""
    base = _base(prefix, python, settings or {})
    site = os.path.join("lib", os.path.basename(found[0]), "site-packages")
    return Place(prefix, "conda" if settings is None else "venv", python, site, base)


def _is_environment(path: str) -> bool:
    return os.path.isfile(os.path.join(path, "pyvenv.cfg")) or os.path.isdir(os.path.join(path, "conda-meta"))


def _settings(prefix: str) -> dict[str, str] | None:
    try:
        lines = first_text(os.path.join(prefix, "pyvenv.cfg"), 1 << 16).splitlines()
    except OSError:
        return None
    return {k.strip().lower(): v.strip() for k, _, v in (line.partition("=") for line in lines)}


def _base(prefix: str, python: str, settings: dict[str, str]) -> str:
    """The interpreter that the environment was made from; for conda, the environment's own."""
    home = settings.get("home")
    if home is None:
        return os.path.join(prefix, "bin", f"python{python}")
    names = (f"python{python}", "python3", "python")
    for path in [*(os.path.join(home, n) for n in names), settings.get("base-executable", "")]:
        if os.path.isfile(path) and not os.path.realpath(path).startswith(os.path.realpath(prefix) + os.sep):
            return path
    raise Refused(f"the base Python of `{prefix}` is gone: `pyvenv.cfg` names `{home}`")
