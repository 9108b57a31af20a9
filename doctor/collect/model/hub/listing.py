"""What the hub says that a repository holds: a commit, and names, sizes and digests of files, each of them checked."""

from __future__ import annotations

import hashlib
from dataclasses import field
from typing import Any

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.collect.model import plain

LARGEST = 8 << 20  # bytes of the answer
MOST_FILES = 20_000
_COMMIT = late_pattern(r"[0-9a-f]{40,64}\Z")
_GIT, _SHA256 = late_pattern(r"[0-9a-f]{40}\Z"), late_pattern(r"[0-9a-f]{64}\Z")
_PART = late_pattern(r"[^\x00-\x1f\x7f/\\:*?\"<>|\u202a-\u202e\u2066-\u2069\ud800-\udfff]{1,200}\Z")


class Refused(ValueError):
    """The hub's answer cannot be used; the message says of the repository what is wrong. `late`: for want of time."""

    def __init__(self, message: str, *, late: bool = False) -> None:
        super().__init__(message)
        self.late = late


@dataclass(frozen=True, slots=True)
class Digest:
    """What a file's content must give: `git` the id of a git blob (SHA-1), `sha256` that of a large file."""

    kind: str
    value: str

    def fits(self, data: bytes) -> bool:
        """Whether `data` is what was digested."""
        if self.kind == "sha256":
            return hashlib.sha256(data).hexdigest() == self.value
        head = b"blob %d\0" % len(data)
        return hashlib.sha1(head + data, usedforsecurity=False).hexdigest() == self.value


@dataclass(frozen=True, slots=True)
class Listed:
    """One file: its `size` in bytes and its digest, each None where the hub does not tell it."""

    size: int | None
    digest: Digest | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one commit by name."""

    revision: str
    files: dict[str, Listed] = field(default_factory=dict)


def listing(body: bytes) -> Listing:
    """The answer to `/api/models/NAME?blobs=true`. Raises Refused for one that is none."""
    try:
        found = plain.parse(body, unique=True)
    except plain.NotPlain as error:
        raise Refused(f"is not available: the hub's answer {error}") from None
    sha, siblings = found.get("sha"), found.get("siblings")
    if not isinstance(sha, str) or not _COMMIT.match(sha) or not isinstance(siblings, list):
        raise Refused("is not available: the hub does not say which files it has")
    if len(siblings) > MOST_FILES:
        raise Refused(f"is not read: the hub lists more than {MOST_FILES} files")
    files: dict[str, Listed] = {}
    for one in siblings:
        name = one.get("rfilename") if isinstance(one, dict) else None
        if isinstance(name, str) and safe(name):
            if name in files:
                raise Refused("is not available: the hub lists a file twice")
            files[name] = _listed(one)
    return Listing(sha, files)


def safe(name: str) -> bool:
    """Whether a name of the hub is one of a file inside its folder, on every system."""
    parts = name.split("/")
    return len(name) <= 1000 and len(parts) <= 16 and all(_PART.match(p) and p.strip(". ") for p in parts)


def _listed(one: dict[str, Any]) -> Listed:
    size, large = one.get("size"), one.get("lfs")
    size = size if type(size) is int and 0 <= size < 1 << 50 else None
    if large is not None:
        value = large.get("sha256") if isinstance(large, dict) else None
        return Listed(size, Digest("sha256", value) if isinstance(value, str) and _SHA256.match(value) else None)
    value = one.get("blobId")
    return Listed(size, Digest("git", value) if isinstance(value, str) and _GIT.match(value) else None)
