"""Which releases of transformers reject the `size` of an image processor's file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doctor.matrix import rows
from doctor.matrix.refusals import SizeKeys, holds_for, refusals
from doctor.matrix.releases import ReleaseSet


def size_row(preprocessor: Mapping[str, Any]) -> SizeKeys | None:
    """The row that `size` of preprocessor_config.json does not satisfy; None where no release rejects it."""
    size, kind = preprocessor.get("size"), preprocessor.get("image_processor_type")
    row = next((r for r in refusals().sizes if kind in r.classes), None)
    return row if row is not None and isinstance(size, dict) and not all(k in size for k in row.keys) else None


def rejecting(preprocessor: Mapping[str, Any]) -> ReleaseSet | None:
    """The releases of transformers that reject it; None where none does, or the data has no releases."""
    row, known = size_row(preprocessor), rows.releases("transformers")
    if row is None or known is None:
        return None
    return ReleaseSet(known, sum(holds_for(row.releases, v) << i for i, v in enumerate(known.versions)))
