"""The single file as it is sent to nodes: built once for this doctor, and kept in its cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import doctor
from doctor.base.owned import read_owned, write_owned
from doctor.collect.cache import folder
from doctor.fleet.single_file import COLD_ON_NODES, build, running_from

LARGEST = 64 << 20


def file_to_send() -> bytes:
    """The bytes of the single file; without a cache to write to, they are built each time."""
    if running_from() is not None:
        return build()
    try:
        place = folder() / "single-file" / f"{_key()}.pyz"
    except RuntimeError:  # no home folder
        return build(COLD_ON_NODES)
    with contextlib.suppress(OSError):
        return read_owned(place, LARGEST)
    data = build(COLD_ON_NODES)
    with contextlib.suppress(OSError):
        write_owned(place, data)
        for other in place.parent.glob("*.pyz"):
            if other != place:
                other.unlink(missing_ok=True)
    return data


def being_built() -> Callable[[], bytes]:
    """`file_to_send`, begun in a thread of its own, so that nodes are reached meanwhile; the call waits for it."""
    pool = ThreadPoolExecutor(max_workers=1)
    built = pool.submit(file_to_send)
    pool.shutdown(wait=False)
    return built.result


def _key() -> str:
    """A digest of the size and time of each source and data file, and of the Python whose byte code goes with them."""
    from doctor.matrix.files.data import data_dir

    seen = hashlib.sha256(sys.version.encode())
    for root in (Path(doctor.__file__).parent, data_dir()):
        for place, folders, names in os.walk(root):
            folders[:] = sorted(f for f in folders if f != "__pycache__")
            for name in sorted(names):
                status = Path(place, name).stat()
                seen.update(f"{place}/{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return seen.hexdigest()[:32]
