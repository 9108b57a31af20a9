"""Which environment is meant, and what its folders say about its Python."""

from __future__ import annotations

from typing import Literal

from doctor.base.files import BARRED
from doctor.base.record import dataclass

TargetKind = Literal["installed", "paths", "declared"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the target that could not be read or used: one sentence, and the file it is about."""

    path: str
    message: str

    @property
    def barred(self) -> bool:
        """Whether it is there, and this user may not read it."""
        return BARRED in self.message


@dataclass(frozen=True, slots=True)
class Target:
    """The environment under diagnosis; every path is as seen from this machine (below `root`, if one is given).

    `paths` are the entries that the target's `sys.path` would hold beside its standard library, in order,
    `.pth` path lines included. `stdlib` lists the standard library's folders (pure and `lib-dynload`).
    `python` is `X.Y` or `X.Y.Z`, whatever the files tell. `platform` is in sysconfig's form (`linux-x86_64`).
    `code_lines` are the `.pth` lines that this Python would run at start-up; they are named, never run. `editable` are
    the modules that setuptools' editable finders bring: top-level name, path of the package folder or `.py` file.
    `front` is the folder that this launch puts before everything else (the working directory for `python -m`).
    """

    kind: TargetKind
    why: str
    python: str | None = None
    prefix: str | None = None
    base_prefix: str | None = None
    executable: str | None = None
    paths: tuple[str, ...] = ()
    stdlib: tuple[str, ...] = ()
    platform: str | None = None
    root: str | None = None
    externally_managed: bool = False
    code_lines: tuple[Problem, ...] = ()
    editable: tuple[tuple[str, str], ...] = ()
    front: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def python_minor(self) -> tuple[int, int] | None:
        """`(3, 10)` of `3.10.12`; None where the version is not known."""
        parts = (self.python or "").split(".")
        if len(parts) < 2 or not (parts[0].isdigit() and parts[1].isdigit()):
            return None
        return int(parts[0]), int(parts[1])
