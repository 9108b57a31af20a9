"""Which CUDA a torch release on the index is built for. What it is compiled for in detail lies in its libraries."""

from __future__ import annotations

from typing import Any

from doctor.matrix.extract.files import Files
from doctor.matrix.extract.literals import constants

VERSION = "torch/version.py"


def extract(files: Files) -> dict[str, dict[str, Any]]:
    """The kind `build`: `cuda` (`"12.8"`; None for a build without) and `version`. Raises LayoutError."""
    known = constants(files.tree(VERSION))
    if not isinstance(known.get("__version__"), str) or "cuda" not in known:
        raise files.lacks(VERSION, "__version__ and cuda")
    cuda = known["cuda"]
    return {"build": {"version": known["__version__"], "cuda": cuda if isinstance(cuda, str) else None}}
