"""`.pth` files and editable finders, read as text: path lines are followed, code lines are named and never run."""

from __future__ import annotations

import ast
import os
from dataclasses import field

from doctor.base.files import Files, Unreadable
from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.secrets.hide import redact_text
from doctor.base.syntax import Unparsable, literal, parse
from doctor.base.text import one_line
from doctor.collect.python.pth_code import PathLine
from doctor.facts import Problem

_LIMIT = 1 << 20
_FINDER = late_pattern(r"import\s+(__editable___[A-Za-z0-9_]{1,200}_finder)\b")


@dataclass
class SearchPath:
    """The search path as it grows: entries in order, each once, and what their `.pth` files said."""

    files: Files
    paths: list[str] = field(default_factory=list)
    code_lines: list[Problem] = field(default_factory=list)
    editable: list[tuple[str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)

    def add(self, path: str, *, first: bool = False) -> bool:
        """Appends an entry (or puts it `first`) unless it is there already, by whatever name. Whether it was new."""
        real = os.path.normcase(self.files.real(path))
        if real in self.seen:
            return False
        self.seen.add(real)
        self.paths.insert(0 if first else len(self.paths), real if self.files.root else path)
        return True

    def add_site(self, folder: str) -> None:
        """A site folder and what its `.pth` files add, as `site.addsitedir` does. Nothing, where it does not exist."""
        real = self.files.real(folder)
        if real in self.sites or not self.files.isdir(folder):
            return
        self.sites.add(real)
        self.add(folder)
        try:
            names = sorted(self.files.listdir(folder))
        except Unreadable as error:
            self.problems.append(Problem(folder, f"`{folder}` {error}"))
            return
        for name in names:
            if name.endswith(".pth") and not name.startswith("."):
                self._read_pth(folder, os.path.join(folder, name))

    def _read_pth(self, folder: str, path: str) -> None:
        try:
            text = self.files.read(path, _LIMIT).decode("utf-8-sig", "surrogateescape")
        except Unreadable as error:
            self.problems.append(Problem(path, f"`{os.path.basename(path)}` {error}"))
            return
        for line in text.splitlines():
            if line.startswith(("import ", "import\t")):
                self._code_line(folder, path, line)
            elif line.strip() and not line.startswith("#"):
                self._path_line(folder, line.rstrip())

    def _code_line(self, folder: str, path: str, line: str) -> None:
        match = _FINDER.match(line)
        if match and (found := read_finder(self.files, os.path.join(folder, match[1] + ".py"))):
            self.editable.extend(e for e in found if e not in self.editable)
        else:
            self.code_lines.append(Problem(path, one_line(redact_text(line[:4096]), 200)))
            for first, entry in PathLine(self.files, folder, self.paths, {}).added(line):
                inside = self.files.inside(entry) if os.path.isabs(entry) and self.files.root else entry
                if "\0" not in entry and os.path.isabs(inside) and self.files.exists(inside):
                    self.add(os.path.normpath(inside), first=first)

    def _path_line(self, folder: str, line: str) -> None:
        if "\0" in line:
            return
        entry = self.files.inside(line) if os.path.isabs(line) else os.path.normpath(os.path.join(folder, line))
        if self.files.exists(entry):
            self.add(entry)


def read_finder(files: Files, path: str) -> list[tuple[str, str]]:
    """The modules that a setuptools editable finder serves: its `MAPPING` and `NAMESPACES`, read as literals."""
    source = files.text(path, _LIMIT)
    try:
        body = parse(source or "").body
    except Unparsable:
        return []
    out = []
    for name, place in _mapping(body):
        if found := _locate(files, files.inside(place) if os.path.isabs(place) else place):
            out.append((name, found))
    return out


def _mapping(body: list[ast.stmt]) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for statement in body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        names = {t.id for t in targets if isinstance(t, ast.Name)}
        value = getattr(statement, "value", None)
        if not names & {"MAPPING", "NAMESPACES"} or value is None:
            continue
        try:
            table = literal(value)
        except Unparsable:
            continue
        for key, places in table.items() if isinstance(table, dict) else ():
            for place in [places] if isinstance(places, str) else places if isinstance(places, list) else []:
                if isinstance(key, str) and isinstance(place, str) and "\0" not in place:
                    out.append((key, place))
    return out


def _locate(files: Files, place: str) -> str | None:
    if files.exists(place):
        return place
    return place + ".py" if files.isfile(place + ".py") else None
