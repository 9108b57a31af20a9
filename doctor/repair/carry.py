"""Carries an installed distribution into a new environment, file by file, as its RECORD lists them.

Nothing is built or downloaded. So local builds, editable installs, files that the user changed and what no index has
come along as they are.
"""

from __future__ import annotations

import base64
import csv
import io
import os
import stat
from configparser import ConfigParser, Error

from doctor.base.new_files import create_or_empty
from doctor.base.opening import first_text
from doctor.base.record import dataclass
from doctor.repair.errors import Refused, RepairError
from doctor.repair.install import interpreter_of, shebang
from doctor.repair.installed import Row, encoded, read_record
from doctor.repair.place import Place
from doctor.repair.switch.apart import Copier


class NotCarried(RepairError):
    """A distribution cannot be carried as it is; it has to be installed anew."""


@dataclass(frozen=True, slots=True)
class Carried:
    """An installed distribution: where it stands (`location`, a search path entry) and its metadata folder."""

    name: str
    version: str
    location: str
    info: str
    editable: bool = False


def carry(one: Carried, old_prefix: str | None, to: Place, copier: Copier) -> None:
    """Puts its files into `to`. Raises NotCarried where it is not whole, before anything is written."""
    record = os.path.join(one.info, "RECORD")
    if not os.path.isfile(record):
        raise NotCarried(f"`{one.name}` {one.version} has no RECORD")
    if _text(os.path.join(one.info, "INSTALLER")).strip() == "conda":
        raise NotCarried(f"`{one.name}` {one.version} was installed by conda and depends on conda's libraries")
    try:
        listed = read_record(record)
    except Refused as error:
        raise NotCarried(str(error)) from None
    moves = [(row, move) for row in listed if (move := _move(row, one, old_prefix, to))]
    site = os.path.join(to.prefix, to.site)
    scripts = os.path.join(to.prefix, to.scripts) + os.sep
    rows: list[tuple[str, str, str]] = []
    folders: set[str] = set()
    for row, (source, target) in moves:
        relative = _below(target, site)
        if source == record:
            rows.append((relative, "", ""))
            continue
        data = _script(source, to) if target.startswith(scripts) else None
        if (folder := os.path.dirname(target)) not in folders:
            os.makedirs(folder, exist_ok=True)
            folders.add(folder)
        if data is None:
            _put(source, target, copier)
            rows.append((relative, _field(row), row.size))
        else:
            _write(target, data, 0o755)
            rows.append((relative, encoded(data), str(len(data))))
    rows += _entry_points(one, site, to, {r[0] for r in rows})
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    _write(os.path.join(site, os.path.basename(one.info), "RECORD"), text.getvalue().encode("utf-8", "surrogateescape"))


def _move(row: Row, one: Carried, old_prefix: str | None, to: Place) -> tuple[str, str] | None:
    """`(from, to)` of a file; None for byte code, and for scripts that a `--target` installation left behind."""
    if row.path.endswith((".pyc", ".pyo")) or "__pycache__" in row.path.split("/"):
        return None
    source = os.path.normpath(os.path.join(one.location, row.path))
    inside = source.startswith(one.location + os.sep)
    if not inside and old_prefix is None:
        return None
    first = row.path.split("/")[0]
    if inside and not (first == "bin" and old_prefix is None):
        target = os.path.join(to.prefix, to.site, _below(source, one.location))
    elif inside:
        target = os.path.join(to.prefix, to.scripts, os.path.basename(source))
    elif old_prefix and source.startswith(old_prefix + os.sep):
        target = os.path.join(to.prefix, _below(source, old_prefix))
    else:
        raise NotCarried(f"`{one.name}` {one.version} lists `{row.path}`, which is outside its environment")
    try:
        at = os.stat(source)
    except OSError:
        if not row.digest:
            return None  # what an installer made on its own, such as another name of a script
        raise NotCarried(f"`{row.path}` of `{one.name}` {one.version} is missing") from None
    if stat.S_ISDIR(at.st_mode):
        return None  # virtualenv lists folders too
    if not stat.S_ISREG(at.st_mode):
        raise NotCarried(f"`{row.path}` of `{one.name}` {one.version} is not a file")
    return source, target


def _below(path: str, folder: str) -> str:
    """The path as seen from a folder. Most are below it, which is seen without looking anything up."""
    return path[len(folder) + 1 :] if path.startswith(folder + os.sep) else os.path.relpath(path, folder)


def _script(source: str, to: Place) -> bytes | None:
    """A script that starts an interpreter by its path, made to start the new one's; None for all others."""
    with open(source, "rb") as file:
        data = file.read(4096)
        if not data.startswith(b"#!"):
            return None
        data += file.read()
    head, _, rest = data.partition(b"\n")
    if head == b"#!/bin/sh" and rest.startswith(b"'''exec'"):
        head, _, rest = rest.partition(b"\n' '''\n")
        return shebang(interpreter_of(to)) + rest if b"python" in head else None
    program = os.path.basename(head[2:].split(b" -")[0].strip())  # `#!/usr/bin/env python` stays as it is
    if not program.startswith(b"python"):
        return None
    return shebang(interpreter_of(to)) + rest


def _entry_points(one: Carried, site: str, to: Place, there: set[str]) -> list[tuple[str, str, str]]:
    """Console scripts that its entry points name and that are not there: `--target` installations lose them."""
    parser = ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(_text(os.path.join(one.info, "entry_points.txt")))
    except Error:
        return []
    rows = []
    for name, value in parser.items("console_scripts") if parser.has_section("console_scripts") else ():
        module, _, attribute = value.partition("[")[0].strip().partition(":")
        target = os.path.join(to.prefix, to.scripts, name)
        relative = os.path.relpath(target, site)
        sound = all(p.isidentifier() for p in (*module.split("."), *attribute.split(".")))
        if relative in there or os.path.lexists(target) or not sound or "/" in name or name.startswith("."):
            continue
        code = f"import sys\nfrom {module} import {attribute.split('.')[0]}\nsys.exit({attribute}())\n"
        data = shebang(interpreter_of(to)) + code.encode()
        _write(target, data, 0o755)
        rows.append((relative, encoded(data), str(len(data))))
    return rows


def _field(row: Row) -> str:
    """The hash as RECORD writes it: a Row holds it in hexadecimal."""
    if not row.digest:
        return ""
    try:
        return "sha256=" + base64.urlsafe_b64encode(bytes.fromhex(row.digest)).rstrip(b"=").decode()
    except ValueError:
        return row.digest


def _put(source: str, target: str, copier: Copier) -> None:
    if os.path.lexists(target):
        return  # two distributions own it; the first one on the path is the one that counts
    at = os.lstat(source)
    if stat.S_ISLNK(at.st_mode):
        source = os.path.realpath(source)
        at = os.stat(source)
    copier.put(source, target, at)


def _write(path: str, data: bytes, mode: int = 0o644) -> None:
    with open(create_or_empty(path, mode), "wb") as file:
        file.write(data)


def _text(path: str) -> str:
    try:
        return first_text(path, 1 << 20)
    except OSError:
        return ""
