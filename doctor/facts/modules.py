"""What the import link check found: for each module, whether `import` would succeed, and if not, on what it fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

CauseKind = Literal["missing-name", "missing-module", "missing-library", "missing-symbol", "gate", "error"]
Status = Literal["ok", "fail", "unknown"]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an import fails, named as Python's own message would name it.

    `module` is the module that is missing, or that lacks `name`; `file` and `line` are the statement that fails,
    relative to its search path entry; `chain` leads from the module that was asked for to the one that fails.
    `error` is the exception that Python would end with, `text` its message as far as it is known.
    """

    kind: CauseKind
    module: str
    name: str | None = None
    file: str | None = None
    line: int | None = None
    chain: tuple[str, ...] = ()
    error: str = "ImportError"
    text: str = ""


@dataclass(frozen=True, slots=True)
class ModuleStatus:
    """The verdict on one module; `reason` says why it is unknown."""

    status: Status
    cause: Cause | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Modules:
    """Verdicts by module name, and which distributions they cover.

    `entries` are the modules that the launch imports first; `eager` are all modules that importing those reaches.
    `external` is every module outside the checked distributions that a verdict depends on.
    """

    distributions: tuple[str, ...]
    verdicts: dict[str, ModuleStatus] = field(default_factory=dict)
    entries: tuple[str, ...] = ()
    eager: tuple[str, ...] = ()
