"""Where a module is, and why its source cannot be read: the words that finding and linking share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.base.record import dataclass

if TYPE_CHECKING:
    import ast


@dataclass(frozen=True, slots=True)
class Found:
    """Where a module is.

    `kind`: source (.py), extension (.so, .pyd), bytecode (.pyc alone), namespace (folders without `__init__`),
    stdlib (part of the target's Python; `file` is its source, where there is one), unreadable (if it is there, it is in
    a folder, the first of `search`, that may not be listed).
    `search` are the folders of its submodules, None for a module that is no package.
    `distribution` is the normalized name of the distribution that owns it, where known.
    """

    name: str
    kind: str
    file: str | None = None
    search: tuple[str, ...] | None = None
    distribution: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """The statements of a function, and whether its text has the words that others look for in them.

    `yields`: it may be a generator. `documents`: it may write docstrings.
    """

    statements: list[ast.stmt]
    yields: bool = True
    documents: bool = True


class SourceProblem(ValueError):
    """A source file that cannot be interpreted: unreadable, too large, not UTF-8, or not this Python's syntax.

    `fatal` is true where Python itself would raise on it (a SyntaxError), false where only we give up. `unreadable`:
    the system does not give us the bytes; it gives them to Python only where its user or its bytecode is another.
    """

    def __init__(self, message: str, *, fatal: bool = False, line: int | None = None, unreadable: bool = False) -> None:
        super().__init__(message)
        self.fatal = fatal
        self.unreadable = unreadable
        self.line = line
