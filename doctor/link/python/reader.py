"""What the link check sees of an environment: the one interface between pure linking and the machine."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Protocol, TypeVar

from doctor.facts import Cause
from doctor.facts.source import Body, Found, SourceProblem

__all__ = ["Found", "Reader", "SourceProblem"]

T = TypeVar("T")


class Reader(Protocol):
    """Finds and reads modules; every answer is cached by the implementation. No method runs anything."""

    python: tuple[int, int]
    platform: str
    paths: tuple[str, ...]
    driverless: bool  # no GPU driver is installed where the modules are imported, for certain

    def find(self, name: str, search: list[str] | None) -> Found | None:
        """The module `name`: top-level on the search path (`search` None), else in its parent's folders."""

    def compiled_exports(self, name: str) -> frozenset[str] | None:
        """The names of a module that is compiled into the interpreter; None where they are not known."""

    def parse(self, file: str) -> ast.Module:
        """The syntax tree of a source file without bodies of functions and constant defaults. Raises SourceProblem."""

    def body(self, file: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Body:
        """The statements of a function that `parse` left out; puts its parameters into `node`. Raises SourceProblem."""

    def text(self, file: str) -> bytes:
        """The bytes of a source file. Raises SourceProblem."""

    def said(self, file: str, what: str, work: Callable[[bytes], T]) -> T:
        """What `work` says of the text of a file, kept by content: JSON's types. Raises SourceProblem."""

    def version(self, distribution: str) -> str | None:
        """The version in the metadata of an installed distribution, or None."""

    def build(self, distribution: str) -> str | None:
        """Its full version with the local part, where one is known."""

    def owners(self, top_level: str) -> tuple[str, ...]:
        """The distributions (as named in their metadata) that bring this importable name."""

    def has_entry_points(self, group: str) -> bool:
        """Whether an installed distribution declares an entry point of this group."""

    def surface(self, distribution: str | None) -> bool:
        """Whether this distribution's modules are only looked at as text (foundations such as torch or numpy)."""

    def python_files(self, folder: str) -> list[str]:
        """The `.py` files below `folder`, as paths relative to it with `/`, sorted."""

    def names(self, folder: str) -> list[str]:
        """The names in `folder`, sorted; empty where it cannot be listed."""

    def is_dir(self, path: str) -> bool:
        """Whether a folder of this path is in the environment."""

    def is_file(self, path: str) -> bool:
        """Whether a file of this path is in the environment."""

    def native(self, file: str, loaded: tuple[str, ...]) -> Cause | None:
        """Why the dynamic loader would refuse this extension after the modules `loaded`; None if it would not."""

    def environment(self, name: str) -> str | None:
        """The value of an environment variable that the launch would see, if it may be known."""
