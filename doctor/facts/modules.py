"""What the import link check found: for each module, whether `import` would succeed, and if not, on what it fails."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from doctor.base.record import dataclass

CauseKind = Literal["missing-name", "missing-module", "missing-library", "missing-symbol", "error"]
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
class Use:
    """`importer` (an importable top-level name) takes `name` from `module`, of another distribution, unguarded."""

    importer: str
    module: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Modules:
    """Verdicts by module name: what the launch imports, the modules of its model, and packages beside the engine.

    `distributions` are those all of whose modules were judged, where that was asked for. `listed` are the engine's
    modules where the one that the launch names is not among them.
    `entries` are the modules that the launch imports, `optional` those of them that only one of several backends
    needs (module to backend). `eager` is every module that importing the entries reaches. `uses` are the names that
    the judged distributions take from others, whether they are there or not. `code` are the modules among `verdicts`
    that come with the model.
    """

    distributions: tuple[str, ...]
    verdicts: dict[str, ModuleStatus] = field(default_factory=dict)
    entries: tuple[str, ...] = ()
    optional: dict[str, str] = field(default_factory=dict)
    eager: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()
    code: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
