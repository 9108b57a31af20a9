"""Doctor as one file that needs nothing but Python: `python -m doctor.fleet.single_file qvl-doctor.pyz`.

A zip archive of the package, its data, and the pure-Python packages without which `check`, `facts`, `fleet` and
`matrix list` do not run. Two builds of one source by one Python are the same bytes: names are sorted, times fixed, byte
code is marked as unchecked. Another Python reads the sources beside the byte code. Left out, for size and because they
need compiled code or the network: see LEFT_OUT.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import doctor
from doctor.base.byte_code import byte_code
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.packed import archive

BUNDLED = ("click", "rich", "packaging", "yaml", "importlib_metadata", "zipp", "pynvml", "typing_extensions", "tomli")
LEFT_OUT = (
    "uv and resolvelib (`fix` solves and applies with them)",
    "requests and huggingface-hub (the package index and the hub)",
    "py-spy, mcp", "syntax highlighting (pygments, markdown-it)",
)  # fmt: skip
LICENSED = ("click", "rich", "packaging", "PyYAML", "importlib-metadata", "zipp", "nvidia-ml-py", "typing-extensions",
            "tomli")  # fmt: skip
SKIPPED = ("tests/", "test/", "__pycache__/", "matrices/raising/", "matrices/schema/")
SUFFIXES = (".py", ".css", ".js", ".json", ".yaml", ".z", ".gz", ".xz", ".txt", "VERSION", "py.typed")
COLD = ("doctor/mcp/", "doctor/repair/", "doctor/plan/", "doctor/matrix/extract/projects/", "doctor/matrix/update/",
        "doctor/matrix/grid/", "doctor/report/plan/", "doctor/explain/", "doctor/probe/", "doctor/run/", "pynvml",
        "rich/_emoji_codes", "typing_extensions")  # compiled when they are used: their byte code is a tenth of the file
COLD_ON_NODES = (*COLD, "doctor/rules/", "doctor/report/", "doctor/memory/", "doctor/deployment/", "doctor/remote/",
                 "rich/", "yaml/", "importlib_metadata/", "zipp/")  # a node collects; its coordinator checks
TIME = (1980, 1, 1, 0, 0, 0)
MAIN = """import runpy, sys
if sys.version_info < (3, 10):
    sys.exit("qvl-doctor needs Python 3.10 or newer, and this is %d.%d" % sys.version_info[:2])
runpy.run_module("doctor", run_name="__main__", alter_sys=True)
"""
HEAD = b"#!/usr/bin/env -S python3 -I -S\n"


def build(cold: tuple[str, ...] = COLD) -> bytes:
    """The archive of the running doctor; the file itself where doctor runs from one. `cold` come as sources alone."""
    own = running_from()
    if own is not None:
        return own.read_bytes()
    out = io.BytesIO()
    out.write(HEAD)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in sorted(_files()):
            _add(archive, name, data)
            if name.endswith(".py") and not name.startswith(cold) and (code := byte_code(data, name)) is not None:
                _add(archive, f"{name}c", code)
    return out.getvalue()


def running_from() -> Path | None:
    """The single file that this doctor was started from, or None."""
    own = archive()
    return Path(own) if own else None


def _files() -> Iterator[tuple[str, bytes]]:
    yield "__main__.py", MAIN.encode()
    yield from _below(Path(doctor.__file__).parent, "doctor")
    if not (Path(doctor.__file__).parent / "matrices").is_dir():
        yield from _below(data_dir(), "doctor/matrices")
    for name in BUNDLED:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        place = Path(spec.origin)
        if place.name == "__init__.py":
            yield from _below(place.parent, name)
        else:
            yield place.name, place.read_bytes()
    yield from _licenses()


def _below(folder: Path, name: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        inner = f"{name}/{path.relative_to(folder).as_posix()}"
        if path.is_file() and inner.endswith(SUFFIXES) and not any(part in inner for part in SKIPPED):
            yield inner, path.read_bytes()


def _licenses() -> Iterator[tuple[str, bytes]]:
    """Name, version and license of each package: their terms ask for it."""
    for name in LICENSED:
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        for path in found.files or ():
            if "dist-info" in str(path) and path.name.upper().startswith(("LICEN", "COPYING", "METADATA")):
                yield f"licenses/{name}-{found.version}/{path.name}", Path(str(path.locate())).read_bytes()


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, TIME)
    info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
    archive.writestr(info, data)


def main(words: list[str]) -> int:
    """Writes the file that is named, and says what is not in it."""
    if len(words) != 1:
        sys.stderr.write("usage: python -m doctor.fleet.single_file FILE\n")
        return 2
    data = build()
    place = Path(words[0])
    place.write_bytes(data)
    place.chmod(0o755)
    sys.stdout.write(f"{place}: {len(data):,} bytes. Left out: {'; '.join(LEFT_OUT)}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
