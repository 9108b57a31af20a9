"""Which CUDA a torch release on the index is built for, and the GPU architectures that its build wrote down."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.literals import constants
from doctor.matrix.files.row import Row

VERSION = "torch/version.py"
RECORD = "torch/lib/libtorch_python.so"
LARGEST_LIBRARY = 512 << 20
_ARCHITECTURES = late_pattern(rb"((?:sm|compute)_\d{2,3}[af]?(?: (?:sm|compute)_\d{2,3}[af]?){0,40}) ?\0")


def extract(files: Files) -> Row:
    """The kind `build`: `version`, `cuda` (`"12.8"`; None for a build without), `architectures`. Raises LayoutError."""
    known = constants(files.tree(VERSION))
    if not isinstance(known.get("__version__"), str) or "cuda" not in known:
        raise files.lacks(VERSION, "__version__ and cuda")
    cuda = known["cuda"]
    found = {"version": known["__version__"], "cuda": cuda if isinstance(cuda, str) else None}
    return {"build": {**found, "architectures": _architectures(files) if isinstance(cuda, str) else []}}


def _architectures(files: Files) -> list[str]:
    """What `torch.cuda.get_arch_list()` would say: the text that the build left in the library of the Python half."""
    lists = [m[1].decode().split() for m in _ARCHITECTURES.finditer(files.data(RECORD, LARGEST_LIBRARY))]
    if not lists:
        raise files.lacks(RECORD, "the architectures of a build for CUDA")
    return max(lists, key=len)
