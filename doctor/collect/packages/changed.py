"""Files that are not what was installed: people comment out lines to get past an error, and upgrades stop half-way."""

from __future__ import annotations

import os
from collections.abc import Iterator

from doctor.base.files import Files
from doctor.collect.packages.collisions import sha256
from doctor.collect.packages.record_file import Record, is_inside
from doctor.facts import ChangedFile, Distribution

MOST = 400  # files of one distribution that are listed: a half-done upgrade changes thousands


def changed_files(files: Files, owner: Distribution, record: Record | None, deep: bool) -> Iterator[ChangedFile]:
    """The `.py` files of a distribution that differ from RECORD, or are missing.

    A different size tells at once. Where it is equal the content is hashed, but not for files whose inode has not
    changed since RECORD was written: that time cannot be set back. `deep` hashes all of them.
    """
    if record is None or owner.editable:
        return
    written = files.changed_at(os.path.join(owner.metadata_path, "RECORD"))
    for entry in record.entries(suffix=".py"):
        if not is_inside(entry.path):
            continue
        path = os.path.join(owner.location, *entry.path.split("/"))
        size = files.size(path)
        if size is None:
            yield ChangedFile(owner.name, entry.path, "missing")
        elif entry.size is not None and size != entry.size:
            yield ChangedFile(owner.name, entry.path, "modified")
        elif deep or written is None or (files.changed_at(path) or written + 1) > written:
            digest = sha256(files, path)
            if digest is not None and digest != entry.sha256:
                yield ChangedFile(owner.name, entry.path, "modified")


def half_installed(files: Files, owner: Distribution, record: Record | None) -> tuple[ChangedFile, ...]:
    """The `.py` files of a distribution that are missing or of another size than RECORD says, at most `MOST`.

    No file is read: an upgrade that stopped half-way leaves files of another release, whose sizes differ.
    """
    out: list[ChangedFile] = []
    for entry in record.entries(suffix=".py") if record is not None and not owner.editable else ():
        if not is_inside(entry.path):
            continue
        size = files.size(os.path.join(owner.location, *entry.path.split("/")))
        if size is None or (entry.size is not None and size != entry.size):
            out.append(ChangedFile(owner.name, entry.path, "missing" if size is None else "modified"))
        if len(out) >= MOST:
            break
    return tuple(out)
