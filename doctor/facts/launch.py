"""The command that the user wants to start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Launch:
    """A launch command taken apart: `argv` as given (secrets redacted), the engine, the module or command it starts.

    `module` is what `python -m` names; `program` is the console command; both None for anything we do not know.
    """

    argv: tuple[str, ...]
    engine: str | None = None
    module: str | None = None
    program: str | None = None
    subcommand: tuple[str, ...] = ()
    workdir: str | None = None
