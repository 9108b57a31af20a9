"""Doctor's own environment: whether it is one for doctor alone, which nobody starts a server from."""

from __future__ import annotations

import os
from collections.abc import Iterator

# files that installers of single tools leave in the environments they make for them
_TOOL_MARKS = ("uv-receipt.toml", "pipx_metadata.json")
_MARKS = ("pyvenv.cfg", "conda-meta")  # of an environment that somebody made, unlike a system's Python


def is_private(prefix: str) -> bool:
    """Whether the environment that runs doctor is for doctor alone: a tool installer's, or one without torch.

    Every server that doctor knows needs torch. Somebody who installs doctor next to a server means that environment.
    """
    prefix = os.path.realpath(prefix)
    if any(os.path.isfile(os.path.join(prefix, mark)) for mark in _TOOL_MARKS) or _is_ephemeral(prefix):
        return True
    made = any(os.path.lexists(os.path.join(prefix, mark)) for mark in _MARKS)
    return made and not any(os.path.isdir(os.path.join(folder, "torch")) for folder in _site_folders(prefix))


def _is_ephemeral(prefix: str) -> bool:
    """Whether a prefix lies in uv's cache, where `uvx` makes environments for one command."""
    return f"{os.sep}archive-v" in prefix or f"{os.sep}environments-v" in prefix


def _site_folders(prefix: str) -> Iterator[str]:
    yield os.path.join(prefix, "Lib", "site-packages")
    for library in ("lib", "lib64"):
        folder = os.path.join(prefix, library)
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if name.startswith(("python", "pypy")):
                yield os.path.join(folder, name, "site-packages")
