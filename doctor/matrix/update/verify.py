"""Reads releases again and compares with what the data says of them."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.matrix.extract.projects.registry import Project
from doctor.matrix.extract.release import Reader
from doctor.matrix.files.facts_file import FactsFile
from doctor.matrix.files.merged import text_of
from doctor.matrix.files.names_file import NamesIndex
from doctor.matrix.update.build import Offer


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that is not as it was written: `kind` and `key` as in a row, or `names` and a module."""

    version: str
    kind: str
    key: str
    written: str
    read: str


def compare(project: Project, offer: Offer) -> list[Difference]:
    """What reading `offer` again gives other than the data does. Raises LayoutError, WheelError, NamesError."""
    source = offer.open()
    try:
        row, names = Reader(project).read(source, offer.version)
    finally:
        source.close()
    facts = text_of(project.name, "facts")
    written = (FactsFile(facts).row(offer.version) if facts else None) or {}
    written.pop("tags", None)
    pairs = {(kind, key) for side in (row, written) for kind, facts in side.items() for key in facts}
    out = [
        Difference(offer.version, kind, key, repr(old), repr(new))
        for kind, key in sorted(pairs)
        if (old := written.get(kind, {}).get(key)) != (new := row.get(kind, {}).get(key))
    ]
    if names is not None:
        index = text_of(project.name, "names")
        provided = (NamesIndex(index).provided(offer.version) if index else None) or {}
        out += [
            Difference(offer.version, "names", module, _only(provided, names, module), _only(names, provided, module))
            for module in sorted({*provided, *names})
            if provided.get(module) != names.get(module)
        ]
    return out


def _only(here: dict[str, frozenset[str]], there: dict[str, frozenset[str]], module: str) -> str:
    return " ".join(sorted(here.get(module, frozenset()) - there.get(module, frozenset())))[:200]
