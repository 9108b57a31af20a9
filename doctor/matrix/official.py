"""The official container image of an engine's release, and the images of what stands beside a server."""

from __future__ import annotations

from functools import cache

from packaging.specifiers import SpecifierSet

from doctor.matrix import rows
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.files.tables import plain
from doctor.matrix.hardware import version as numbers
from doctor.matrix.images import Repository, repositories


def official(engine: str, version: str, runs: tuple[int, int] | None = None) -> tuple[str, str | None] | None:
    """Reference and CUDA of the image that holds this release and that a driver for CUDA `runs` starts.

    The newest that is no newer than the driver's; else the oldest of its major, which the driver runs too, though the
    runtime of containers has to be told so (`too_new`). None where no repository is known, or none of its images fits.
    """
    known = next((r for r in repositories() if r.distribution == engine), None)
    if known is None:
        return None
    fitting = [(s, c) for s, c in _tags(known, version) if runs is None or c is None or numbers(c)[:1] <= runs[:1]]
    if not fitting:
        return None
    older = [pair for pair in fitting if not too_new(pair[1], runs)]
    best = max if older else min
    suffix, made = best(older or fitting, key=lambda pair: numbers(pair[1] or "0"))
    return f"{known.repository}:v{version}{'-' if suffix else ''}{suffix}", made


def too_new(cuda: str | None, runs: tuple[int, int] | None) -> bool:
    """Whether an image of this CUDA states a requirement that a driver for CUDA `runs` does not meet."""
    return cuda is not None and runs is not None and numbers(cuda)[:2] > runs


def _tags(known: Repository, version: str) -> list[tuple[str, str | None]]:
    """The suffixes of this release's tags, each with its CUDA; where no row tells, that of the torch it requires."""
    told = [
        (v.suffix, v.cuda) for v in known.variants
        if "*" not in v.suffix and SpecifierSet(v.versions).contains(version, prereleases=True)
    ]  # fmt: skip
    return [*told] if told else [("", _torch_cuda(known.distribution or "", version))]


def _torch_cuda(engine: str, version: str) -> str | None:
    row = rows.row(engine, version, "requires") or {}
    for line in row.get("requires", {}).get("torch", []):
        specifier = line.partition(";")[0].partition("torch")[2].strip(" ()")
        for having, cuda in rows.history("torch", "build", "cuda"):
            if specifier.startswith("==") and having.contains(specifier[2:].strip()):
                return str(cuda)
    return None


@cache
def service(name: str) -> str:
    """The image of what `services.yaml` calls so, such as `gateway`. Raises DataError for damaged data."""
    path = data_dir() / "services.yaml"
    try:
        return str(next(row["image"] for row in plain(path) if row["name"] == name))
    except (TypeError, KeyError, StopIteration) as error:
        raise DataError(f"`{path}` cannot be used: {error}") from error
