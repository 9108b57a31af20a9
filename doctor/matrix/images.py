"""Container images: which release of an engine, of torch or of Python a tag stands for."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.files.tables import table
from doctor.matrix.other_servers import other_servers

_CUDA = late_pattern(r"(?:^|-)cu(?:da)?(\d{2})\.?(\d{1,2})(?:\.\d+)?(?:-|$)")


@dataclass(frozen=True, slots=True)
class Variant:
    """The CUDA of tags with this suffix (a shell pattern), for the releases that `versions` admits."""

    suffix: str
    cuda: str
    versions: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """What the images of the releases that `versions` admits run before the words of a command."""

    versions: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository of images. Its tags name releases of `distribution`, or of Python itself where `python` is set.

    `extras` are those that the image installs; `entrypoint` is what runs before the words of a command, where
    `entrypoints` has nothing for the release; a tag that names none is of the newest. `starts` is the shell pattern of
    the tags that it is of, where others run something else.
    """

    repository: str
    source: str
    verified: str
    distribution: str | None = None
    python: bool = False
    extras: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    entrypoints: tuple[Start, ...] = ()
    variants: tuple[Variant, ...] = ()
    starts: str = "*"


@dataclass(frozen=True, slots=True)
class Image:
    """A reference taken apart. `version` is None for a tag such as `latest`; `cuda` where the tag does not tell."""

    reference: str
    repository: Repository
    version: str | None
    cuda: str | None


def image(reference: str) -> Image | None:
    """What `vllm/vllm-openai:v0.11.0` is; None for a repository that the data does not know.

    A registry in front and a digest behind are left aside: mirrors carry the same images.
    """
    name, tag = _taken_apart(reference)
    known = next((r for r in repositories() if r.repository == name), None)
    if known is None:
        return None
    body = re.sub(r"^v(?=\d)", "", tag)
    text, _, suffix = body.partition("-")
    version = _version(text)
    return Image(reference, known, version, _cuda(known, version, suffix) if version else None)


def entrypoint(reference: str) -> tuple[str, ...]:
    """What an image runs before the words of a command; empty where the data does not tell."""
    from packaging.specifiers import SpecifierSet

    found = image(reference)
    if found is None:
        return ()
    for start in found.repository.entrypoints:
        if found.version is None or SpecifierSet(start.versions).contains(found.version, prereleases=True):
            return start.command
    tag = _taken_apart(reference)[1]
    return found.repository.entrypoint if fnmatchcase(tag, found.repository.starts) else ()


def repositories() -> tuple[Repository, ...]:
    """Every repository that the data knows. Raises DataError for a file of ours that does not hold what it should."""
    return _load(data_dir() / "images")


@cache
def names_of_others() -> tuple[str, ...]:
    """What the images, programs and modules of model servers are called that the rules do not cover."""
    images = (r.repository for r in repositories() if r.distribution is None and not r.python)
    return (*images, *(n for one in other_servers() for n in (*one.programs, *one.modules)))


def image_name(reference: str) -> str:
    """The last part of an image's name, without owner, tag and digest, in lower case."""
    return _taken_apart(reference)[0].rpartition("/")[2]


def _taken_apart(reference: str) -> tuple[str, str]:
    """The last two parts of the repository's name (`library/` for a single one), and the tag."""
    name = reference.partition("@")[0]
    head, _, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    owner = head.rpartition("/")[2]
    if not owner or "." in owner or ":" in owner:
        owner = "library"
    return f"{owner}/{last}".lower(), tag or "latest"


def _version(text: str) -> str | None:
    from packaging.version import InvalidVersion, Version

    try:
        return str(Version(text)) if text[:1].isdigit() and "." in text else None
    except InvalidVersion:
        return None


def _cuda(known: Repository, version: str, suffix: str) -> str | None:
    from packaging.specifiers import SpecifierSet

    for variant in known.variants:
        if fnmatchcase(suffix, variant.suffix) and SpecifierSet(variant.versions).contains(version, prereleases=True):
            return variant.cuda
    found = _CUDA.search(suffix)
    return f"{found[1]}.{found[2]}" if found else None


@cache
def _load(folder: Path) -> tuple[Repository, ...]:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    out = []
    for path in sorted(folder.glob("*.yaml")):
        one = table(Repository, path)
        try:
            for versions in (*(v.versions for v in one.variants), *(e.versions for e in one.entrypoints)):
                SpecifierSet(versions)
        except InvalidSpecifier as error:
            raise DataError(f"{path.name}: {error}") from error
        out.append(one)
    return tuple(out)
