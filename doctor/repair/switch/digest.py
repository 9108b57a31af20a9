"""The digest of a file's bytes."""

from __future__ import annotations

import hashlib

from doctor.base.opening import open_regular

_CHUNK = 1 << 20


def hash_file(path: str) -> bytes:
    """The sha256 of a file's bytes; links are not followed."""
    out = hashlib.sha256()
    handle, _ = open_regular(path, follow=False)
    with open(handle, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            out.update(chunk)
    return out.digest()
