"""Model families: what documents say of them, beside what is extracted from the engines.

An architecture that no family names is covered by extraction alone: `model("Gemma3ForConditionalGeneration")`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Literal

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.matrix.engines import engine_row, names_of_engines
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.files.tables import plain, table

_DATE = late_pattern(r"20\d\d-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Helper:
    """A distribution that the model needs beside the engine's own requirements.

    `engines` are those that need it, all where none is named; `required` False means: only for some inputs.
    """

    package: str
    why: str
    source: str
    verified: str
    specifier: str = ""
    engines: tuple[str, ...] = ()
    required: bool = True


@dataclass(frozen=True, slots=True)
class RemoteCode:
    """What the Python files in the model's repository import: top-level `packages`, and `names` as `MODULE:NAME`.

    `engines` are those that run these files; the others have the model in their own code.
    """

    packages: tuple[str, ...]
    source: str
    verified: str
    names: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attested:
    """A combination that somebody has seen.

    `packages` is distribution -> specifiers, of which one must hold; `name` is what it failed by.
    """

    outcome: Literal["works", "fails"]
    packages: dict[str, tuple[str, ...]]
    what: str
    source: str
    verified: str
    engines: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model's own card asks for: distribution -> specifier; only of the models `ids`, where some are named."""

    packages: dict[str, str]
    source: str
    verified: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """The releases of an engine that have a model of which config.json says this `version`, under one architecture."""

    engine: str
    version: str
    releases: str
    source: str
    verified: str


@dataclass(frozen=True, slots=True)
class Image:
    """An official container image that holds a release of an engine which declares the family."""

    reference: str
    engine: str
    version: str
    cuda: str
    source: str
    verified: str

    @property
    def driver(self) -> str | None:
        """The oldest Linux driver on which its CUDA runs, minor-version compatibility counted in."""
        from doctor.matrix.hardware import drivers, version

        number = version(self.cuda)
        return drivers().oldest_driver((number[0], number[1])) if len(number) > 1 else None


@dataclass(frozen=True, slots=True)
class Family:
    """One family of models.

    `ids` are patterns of repository names; `architectures` stand in config.json, `aliases` only in an engine's list
    (architecture -> what must be done to get there). `shared` architectures belong to text-only models as well.
    """

    name: str
    title: str
    generation: str
    architectures: tuple[str, ...]
    model_types: tuple[str, ...]
    source: str
    verified: str
    ids: tuple[str, ...] = ()
    aliases: dict[str, str] | None = None
    shared: tuple[str, ...] = ()
    helpers: tuple[Helper, ...] = ()
    remote_code: RemoteCode | None = None
    asked: tuple[Asked, ...] = ()
    attested: tuple[Attested, ...] = ()
    images: tuple[Image, ...] = ()
    generations: tuple[Generation, ...] = ()
    successor: str | None = None
    note: str = ""

    @property
    def every_architecture(self) -> tuple[str, ...]:
        """Those of config.json and those that only an engine uses."""
        return (*self.architectures, *(self.aliases or {}))


def families() -> tuple[Family, ...]:
    """Every documented family, by file name. Raises DataError for a file of ours that does not hold what it should."""
    return _all(data_dir() / "models")


@cache
def _all(folder: Path) -> tuple[Family, ...]:
    found = tuple(_load(path) for path in sorted(folder.glob("*.yaml")))
    names = [f.name for f in found]
    for family in found:
        if names.count(family.name) > 1:
            raise DataError(f"two files name their family `{family.name}`")
        if family.successor is not None and family.successor not in names:
            raise DataError(f"{family.name}: its successor `{family.successor}` is not a family")
    return found


def model(text: str) -> Family | None:
    """The family meant by its name or title, a repository's name, an architecture or a model type.

    What no document names is made up of what the engines and transformers declare; None where they do not either.
    """
    key, last = _key(text), text.rstrip("/").rpartition("/")[2].lower()
    if "/" in text:  # a repository or a folder: only names can match, and the lists hold none of them
        found = max(((len(p), path) for path, p in _patterns(data_dir() / "models") if fnmatch(last, p)), default=None)
        return _narrowed(_load(found[1]), last) if found else None
    for family in families():
        if key in (_key(family.name), _key(family.title)):
            return _narrowed(family, "")
    for family in families():
        if text in family.every_architecture or text in family.model_types:
            return _narrowed(family, text)
    matching = [(p, f) for f in families() for p in f.ids if fnmatch(last, p.lower())]
    return _narrowed(max(matching, key=lambda pair: len(pair[0]))[1], last) if matching else _declared(text)


@cache
def _patterns(folder: Path) -> tuple[tuple[Path, str], ...]:
    """The patterns of names of every family with its file, in small letters: read without the rest of the files."""
    return tuple((path, pattern.lower()) for path in sorted(folder.glob("*.yaml")) for pattern in ids_of(path))


def ids_of(path: Path) -> tuple[str, ...]:
    """The key `ids` of a family's file. Raises DataError for a file that cannot be read."""
    data = plain(path)
    return tuple(str(one) for one in (data.get("ids") if isinstance(data, dict) else None) or ())


def _narrowed(family: Family, text: str) -> Family:
    """The family with what concerns `text` alone: a name in lower case, one of its architectures or model types."""
    asked = tuple(a for a in family.asked if not a.ids or any(fnmatch(text, i.lower()) for i in a.ids))
    pairs = [(a, t) for a in family.architectures for t in _types(a) & set(family.model_types)]
    mine = [pair for pair in pairs if text in pair]
    if not mine or len(family.architectures) == 1:
        return replace(family, asked=asked)
    return replace(
        family, asked=asked, architectures=tuple(dict.fromkeys(a for a, _ in mine)),
        model_types=tuple(dict.fromkeys(t for _, t in mine)),
    )  # fmt: skip


def _types(architecture: str) -> set[str]:
    """The model types whose class in transformers this architecture is."""
    from doctor.matrix import rows

    return {str(t) for _, t in rows.history("transformers", "architectures.default", architecture)}


def _declared(text: str) -> Family | None:
    """A family of which nothing but its declarations is known."""
    from doctor.matrix import rows

    known = {a for engine in names_of_engines() for kind in _kinds(engine) for a in rows.keys(engine, kind)}
    listed = [text] if text in known else rows.keys("transformers", "architectures.default")
    architectures = tuple(sorted(a for a in listed if a in known and (a == text or text in _types(a))))
    types = tuple(sorted(_types(text))) if text in known else (text,)
    if not architectures:
        return None
    return Family(text, text, "", architectures, types, "the lists of the engines and of transformers", "", note=NOTE)


NOTE = "no document read; only what the wheels declare"


@cache
def _kinds(engine: str) -> tuple[str, ...]:
    row = engine_row(engine)
    return tuple(f"architectures.{name}" for name in (row.halves if row.library else (*row.halves, "vision")))


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


@cache
def _load(path: Path) -> Family:
    family = table(Family, path)
    if wrong := next(_wrong(family), None):
        raise DataError(f"{path.name}: {wrong}")
    return family


def _wrong(family: Family) -> Iterator[str]:
    """What does not hold, one sentence each."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    stated: list[Family | Helper | Asked | Attested | Image | RemoteCode | Generation]
    stated = [family, *family.helpers, *family.asked, *family.attested, *family.images, *family.generations]
    for row in [*stated, *([family.remote_code] if family.remote_code else [])]:
        if not row.source.strip() or not _DATE.fullmatch(row.verified):
            yield f"{type(row).__name__} has no source or no day of verification"
        if unknown := set(getattr(row, "engines", ())) - set(names_of_engines()):
            yield f"{sorted(unknown)} are not engines"
    for image in family.images:
        if image.engine not in names_of_engines():
            yield f"`{image.engine}` is not an engine"
    pairs = [pair for asked in family.asked for pair in asked.packages.items()]
    pairs += [(p, s) for seen in family.attested for p, every in seen.packages.items() for s in every]
    pairs += [(g.engine, g.releases) for g in family.generations]
    for package, specifier in [*pairs, *((h.package, h.specifier) for h in family.helpers)]:
        try:
            SpecifierSet(specifier)
        except InvalidSpecifier:
            yield f"`{specifier}` of {package} is not a specifier"
    for name in family.remote_code.names if family.remote_code else ():
        if ":" not in name:
            yield f"`{name}` is not MODULE:NAME"
