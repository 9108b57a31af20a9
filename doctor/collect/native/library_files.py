"""Which files of a distribution are shared libraries, and which of those Python imports as modules."""

from __future__ import annotations

import glob
import os
import posixpath
import re
from collections.abc import Iterator

from doctor.base.late import late_pattern
from doctor.collect.native.libraries import LibraryReader
from doctor.facts.distribution import Distribution

_MAX_RECORD = 64 << 20
_MAX_WALK = 20_000
_LINE = late_pattern(rb'^"?([^",\n]*?[^",/\n]\.so(?:\.[0-9][^",/\n]*)?)"?(?:,|$)', re.M)
_LIBRARY = late_pattern(r".\.so(\.\d[\w.]*)?$")
_SUFFIX = late_pattern(r"^(?P<stem>[A-Za-z_]\w*)(?:\.(?P<tag>abi3|cpython-(?P<version>\d+)[\w-]*))?\.so$")


def libraries_of(distribution: Distribution, reader: LibraryReader) -> Iterator[str]:
    """Paths, relative to the search path entry, of the shared libraries that a distribution brought."""
    record = reader.data(os.path.join(distribution.metadata_path, "RECORD"), _MAX_RECORD)
    if not record:
        yield from _walk(distribution, reader)
        return
    for match in _LINE.finditer(record):
        path = match[1].decode("utf-8", "surrogateescape")
        if not path.startswith(("/", "..")):
            yield posixpath.normpath(path)


def _walk(distribution: Distribution, reader: LibraryReader) -> Iterator[str]:
    """The same where no RECORD says it (Debian, conda, editable): the folders it brings are looked through."""
    left = _MAX_WALK
    for top in distribution.top_level:
        for file in reader.find(f"{glob.escape(os.path.join(distribution.location, top))}.*so"):
            yield posixpath.basename(file)
        for folder, _, names in os.walk(os.path.join(distribution.location, top)):
            reader.watch(folder)
            left -= len(names) + 1
            if left < 0:
                return
            for name in sorted(names):
                if _LIBRARY.search(name):
                    yield os.path.relpath(os.path.join(folder, name), distribution.location).replace(os.sep, "/")


def module_name(path: str, python: tuple[int, int] | None) -> str | None:
    """The name under which this Python would import the file, going by its path alone; None for other libraries.

    Whether it is a module at all, only its `PyInit_` symbol says.
    """
    folder, _, file = path.rpartition("/")
    match = _SUFFIX.match(file)
    if not match:
        return None
    version = match["version"]
    if version and python and version != f"{python[0]}{python[1]}":
        return None
    parts = [*(folder.split("/") if folder else ()), match["stem"]]
    return ".".join(parts) if all(p.isidentifier() for p in parts) else None
