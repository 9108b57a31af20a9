"""Reads and parses source files of the target, bounded in size, without running anything."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable
from typing import TypeVar

from doctor.base.files import Files
from doctor.base.late import late_pattern
from doctor.base.opening import NotRegular, open_regular, read_up_to
from doctor.base.syntax import Unparsable, parse
from doctor.collect.python.skeleton import body_region, lines_of, skeleton
from doctor.collect.python.texts import Texts
from doctor.facts.source import Body, SourceProblem

T = TypeVar("T")
SOURCE_LIMIT = 8 * 1024 * 1024
KEPT = 16
KEPT_BYTES = 24 << 20
_CODING = late_pattern(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


class Sources:
    """Source files of one Python version, below `root` where one is given.

    `seen` remembers what was looked at, with time and size, for the cache.
    """

    def __init__(self, python: tuple[int, int], root: str | None = None) -> None:
        self.python = python
        self.files = Files(root)
        self.seen: dict[str, tuple[int, int] | None] = {}
        self._sources: dict[str, list[str]] = {}
        self._texts: dict[str, bytes] = {}
        self._size = 0
        self.texts: Texts | None = None

    def note(self, path: str) -> None:
        """Remembers when the file or folder was last changed."""
        try:
            info = os.stat(self.files.at(path))
            self.seen[path] = (info.st_mtime_ns, info.st_size)
        except (OSError, ValueError):
            self.seen[path] = None

    def text(self, file: str) -> bytes:
        """The bytes of a source file; the last few are kept. Raises SourceProblem."""
        if file not in self._texts:
            text = self._texts[file] = self._read(file)
            self._size += len(text)
            while self._size > KEPT_BYTES and len(self._texts) > 1:
                self._size -= len(self._texts.pop(next(iter(self._texts))))
        return self._texts[file]

    def said(self, file: str, what: str, work: Callable[[bytes], T]) -> T:
        """What `work` says of the text of a file: from what is kept of texts, where this is a kept question."""
        text = self.text(file)
        return work(text) if self.texts is None else self.texts.said(text, what, work)

    def _read(self, file: str) -> bytes:
        try:
            handle, status = open_regular(self.files.at(file))
        except NotRegular:
            self.note(file)
            raise SourceProblem("is not a regular file") from None
        except (OSError, ValueError) as error:
            self.note(file)
            raise SourceProblem(f"cannot be read: {getattr(error, 'strerror', error)}", unreadable=True) from None
        self.seen[file] = (status.st_mtime_ns, status.st_size)
        try:
            if status.st_size > SOURCE_LIMIT:
                raise SourceProblem(f"is {status.st_size >> 20} MiB large; {SOURCE_LIMIT >> 20} MiB are read")
            return read_up_to(handle, SOURCE_LIMIT, status.st_size)
        finally:
            os.close(handle)

    def _decoded(self, file: str) -> str:
        data = self.text(file)
        data = data.removeprefix(b"\xef\xbb\xbf")
        coding = "utf-8"
        for line in data.split(b"\n", 2)[:2]:
            if match := _CODING.match(line):
                coding = match[1].decode("ascii", "replace")
                break
        try:
            return data.decode(coding)
        except (UnicodeError, LookupError) as error:
            raise SourceProblem(f"is not {coding}: {error}", fatal=True, line=1) from None

    def parse(self, file: str) -> ast.Module:
        """The syntax tree of a source file, long function bodies left out. Raises SourceProblem."""
        text = self._decoded(file)
        try:
            return _parse(skeleton(text), self.python)
        except Unparsable:
            pass
        try:
            return _parse(text, self.python)
        except Unparsable as error:
            known = self.python <= sys.version_info[:2]
            raise SourceProblem(f"does not parse: {error}", fatal=known, line=error.line) from None

    def body(self, file: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Body:
        """The statements of a function that `parse` left out; its parameters come with them. Raises SourceProblem."""
        if not _is_left_out(node):
            return Body(node.body)
        lines = self._lines(file)
        at = node.lineno - 1
        indent = len(lines[at]) - len(lines[at].lstrip(" \t")) if at < len(lines) else 0
        region = body_region(lines, at, indent)
        if region is None:
            return Body(node.body)
        text = "\n".join(lines[at : region[1]])
        lead = "\n" * (at - 1) + "if True:\n" if indent and at else "\n" * at  # so that lines keep their numbers
        try:
            tree = _parse(lead + text, self.python)
        except Unparsable as error:
            raise SourceProblem(f"does not parse: {error}", line=error.line) from None
        function = _first_function(tree)
        if function is None:
            return Body(node.body)
        if _has_no_parameters(node.args):
            node.args = function.args
        return Body(function.body, "yield" in text, "__doc__" in text)

    def _lines(self, file: str) -> list[str]:
        if file not in self._sources:
            if len(self._sources) >= KEPT:
                self._sources.pop(next(iter(self._sources)))
            self._sources[file] = lines_of(self._decoded(file))
        return self._sources[file]


def _is_left_out(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the body is the one that a skeleton puts in the place of all."""
    first = node.body[0]
    alone = len(node.body) == 1 and isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return alone and first.value.value is Ellipsis  # type: ignore[attr-defined]


def _first_function(tree: ast.Module) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    first = tree.body[0] if tree.body else None
    inner = first.body[0] if isinstance(first, ast.If) else first
    return inner if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)) else None


def _has_no_parameters(arguments: ast.arguments) -> bool:
    listed = arguments.posonlyargs or arguments.args or arguments.kwonlyargs
    return not listed and arguments.vararg is None and arguments.kwarg is None


def _parse(text: str, python: tuple[int, int]) -> ast.Module:
    """The tree by the target's grammar; text beyond the bounds is a SourceProblem at once, a SyntaxError Unparsable."""
    try:
        return parse(text, python if python < sys.version_info[:2] else None)
    except Unparsable as error:
        if error.reason == "syntax":
            raise
        raise SourceProblem(f"does not parse: {error}", fatal=error.reason == "value") from None
