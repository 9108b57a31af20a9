"""The place in a file of this machine that says a message: for a traceback whose files are here."""

from __future__ import annotations

from pathlib import PurePosixPath

from doctor.base.late import late_pattern
from doctor.base.opening import first_bytes
from doctor.matrix.extract.bindings import parse
from doctor.matrix.extract.raising.sites import Site, sites_of
from doctor.matrix.files.message_digest import Spoken, encoded

LARGEST = 4 << 20
_INSTALLED = late_pattern(r"/(?:site|dist)-packages/\w[\w./-]{1,300}\.py\Z")


def own_site(path: str, line: int, spoken: Spoken) -> Site | None:
    """The place on this line of an installed file with this message; None where the file is not here or not that one.

    The path is a log's: only regular Python files below a `site-packages` folder are read, and of those only the start.
    """
    if not path.startswith("/") or not _INSTALLED.search(path) or ".." in PurePosixPath(path).parts:
        return None
    try:
        data = first_bytes(path, LARGEST + 1)
    except (OSError, ValueError):
        return None
    tree = parse(data.decode("utf-8-sig", "replace")) if len(data) <= LARGEST else None
    near = [s for s in sites_of(tree) if s.line <= line <= s.last] if tree is not None else []
    return next((s for s in near if (digest := encoded(s.message)) and spoken.fit(digest)), None)
