"""Which distribution provides an importable name, where that is known: `matrices/module_names.yaml`, `names.yaml`.

A module often has another name than its distribution, and a distribution named like a module may be a stranger's. So a
name that neither file has is unknown, and no installation is proposed for it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from doctor.base.record import dataclass
from doctor.facts import normalize
from doctor.matrix import rows
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.files.tables import plain


@dataclass(frozen=True)
class ModuleNames:
    """Importable name -> distribution."""

    known: dict[str, str]


def provider_of(module: str) -> str | None:
    """The distribution (as installers are given it) that provides the top level of `module`; None where unknown.

    Raises DataError for damaged data.
    """
    top = module.partition(".")[0]
    found = _load(data_dir()).known.get(top)
    if found is None and rows.releases(normalize(top)) is not None:
        return normalize(top)
    return found


@cache
def _load(folder: Path) -> ModuleNames:
    known: dict[str, str] = {}
    for name, keys in (("names.yaml", ("distributions",)), ("module_names.yaml", ("other", "same"))):
        try:
            data = plain(folder / name)
            for key in keys:
                part = data[key]
                known |= {t: t.replace("_", "-") for t in part.split()} if isinstance(part, str) else part
        except (KeyError, TypeError) as error:
            raise DataError(f"{name}: {error}") from error
    return ModuleNames({str(k): str(v) for k, v in known.items()})
