"""Installs pins into a clone with uv and makes the result the environment's own: scripts start its interpreter."""

from __future__ import annotations

import csv
import io
import os
import shlex
import stat
from contextlib import suppress

from doctor.base.late import late_pattern
from doctor.base.new_files import create_private
from doctor.base.record import dataclass
from doctor.repair.installed import Installed, encoded, read_installed
from doctor.repair.place import Place
from doctor.repair.switch.apart import separated
from doctor.repair.wheels.prepare import ONLY_WHEELS, Prepared
from doctor.repair.wheels.uv import checked_uv

# the kernel reads this much of a script's first line (Linux before 5.1; BINPRM_BUF_SIZE less the newline)
LONGEST_SHEBANG = 127
_SHELL = late_pattern(rb"#!/bin/sh\n'''exec' (.{1,4096}) \"\$0\" \"\$@\"\n' '''\n")
_PLAIN = late_pattern(rb"#!([^\n]{1,4096})\n")
_LEFT_BY_UV = (".lock",)


@dataclass(frozen=True, slots=True)
class Installation:
    """What uv is to do: the pins; `again` are installed anew though the version is there, `removed` uninstalled."""

    prepared: Prepared
    again: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def install(tree: str, place: Place, wanted: Installation, work: str, keep: tuple[int, ...]) -> None:
    """Brings `tree`, a clone of `place`, to what is wanted, offline. `keep` are open files that uv inherits.

    uv is started with the Python that the environment was made from: nothing of the clone is run.
    """
    before = set(os.listdir(tree))
    base = place.base if place.kind == "venv" else os.path.join(tree, os.path.relpath(place.base, place.prefix))
    into = ["--prefix", tree, "--python", base, "--no-config", "--offline"]
    if wanted.removed:
        checked_uv(["pip", "uninstall", *into, *wanted.removed], "removing from the clone", cwd=work, keep=keep)
    if wanted.prepared.pins:
        _install(into, wanted.prepared, wanted.again, work, keep)
    for name in _LEFT_BY_UV:
        path = os.path.join(tree, name)
        if name not in before and os.path.isfile(path):
            os.unlink(path)
    installed = read_installed(os.path.join(tree, place.site))
    for pin in wanted.prepared.pins:
        for found in installed.get(pin.name, []):
            _make_own(tree, place, base, found)


def _install(into: list[str], prepared: Prepared, again: tuple[str, ...], work: str, keep: tuple[int, ...]) -> None:
    locked = os.path.join(work, "locked.txt")
    prepared.write(locked)
    reinstalled = [part for name in again for part in ("--reinstall-package", name)]
    checked_uv(
        ["pip", "install", *into, "--require-hashes", "--no-compile-bytecode", *ONLY_WHEELS,
         *prepared.options, *reinstalled, "-r", locked],
        "installing", cwd=work, keep=keep,
    )  # fmt: skip


def _make_own(tree: str, place: Place, base: str, found: Installed) -> None:
    """Scripts of a distribution get the live environment's interpreter; RECORD says what then is there."""
    site = os.path.join(tree, place.site)
    rows: list[tuple[str, str, str]] = []
    changed = False
    for fields in _fields(found.record):
        path = os.path.join(site, fields[0])
        if os.path.dirname(fields[0]) == os.path.basename(found.info) and fields[0].endswith("/uv_cache.json"):
            os.unlink(path)  # times and inode of the wheel: of use to nobody here, and different each time
            changed = True
            continue
        with suppress(OSError):
            separated(path)
        if os.path.normpath(path).startswith(os.path.join(tree, place.scripts) + os.sep):
            data = _with_interpreter(path, place, base)
            if data is not None:
                _replace(path, data)
                fields = (fields[0], encoded(data), str(len(data)))
                changed = True
        rows.append(fields)
    if changed:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        _replace(found.record, text.getvalue().encode("utf-8", "surrogateescape"))


def _fields(record: str) -> list[tuple[str, str, str]]:
    with open(record, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return [(r[0], r[1] if len(r) > 1 else "", r[2] if len(r) > 2 else "") for r in csv.reader(file) if r]


def _with_interpreter(path: str, place: Place, base: str) -> bytes | None:
    """The script with its first lines changed, or None where it does not start the interpreter that uv was given."""
    with open(path, "rb") as file:
        data = file.read()
    match = _SHELL.match(data) or _PLAIN.match(data)
    if match is None:
        return None
    words = shlex.split(os.fsdecode(match[1])) if match.re is _SHELL else [os.fsdecode(match[1])]
    if len(words) != 1 or os.path.realpath(words[0]) != os.path.realpath(base):
        return None
    return shebang(interpreter_of(place)) + data[match.end() :]


def interpreter_of(place: Place) -> str:
    """`bin/python` of the environment, or the name that is there instead."""
    names = ("python", "python3", f"python{place.python}")
    paths = [os.path.join(place.prefix, place.scripts, n) for n in names]
    return next((p for p in paths if os.path.lexists(p)), paths[0])


def shebang(interpreter: str) -> bytes:
    """The first lines of a script; a path that is too long, or has a blank, goes through the shell, as pip does."""
    raw = os.fsencode(interpreter)
    if len(raw) + 2 <= LONGEST_SHEBANG and b" " not in raw:
        return b"#!" + raw + b"\n"
    quoted = os.fsencode(shlex.quote(interpreter))
    return b"#!/bin/sh\n'''exec' " + quoted + b" \"$0\" \"$@\"\n' '''\n"


def _replace(path: str, data: bytes) -> None:
    """Never written in place: the file may be shared with uv's cache or another tree."""
    mode = stat.S_IMODE(os.stat(path).st_mode)
    beside = f"{path}.qvl-tmp"
    with open(create_private(beside), "wb") as file:
        file.write(data)
    os.chmod(beside, mode)
    os.rename(beside, path)
