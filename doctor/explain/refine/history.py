"""Which releases of a package have a name or a module, and how to get there from the one that the log shows."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from doctor.explain.context import Digest
from doctor.matrix.releases import ReleaseSet
from doctor.matrix.windows import Window, window_of

_BACKENDS = ("default", "pytorch", "turbomind", "vision")


def releases_with(distribution: str, module: str, name: str | None = None) -> ReleaseSet | None:
    """The releases with `module` (and `name` in it); None where no index covers the distribution, or it is damaged."""
    from doctor.matrix import providers

    try:
        return providers.releases_with(distribution, module, name)
    except (ValueError, OSError):
        return None


def window(digest: Digest, distribution: str, module: str, name: str | None = None) -> Window | None:
    """The releases that would do, beside the installed one; None where none is known to."""
    return window_of(distribution, digest.version(distribution), releases_with(distribution, module, name))


def window_having(digest: Digest, project: str, kind: str, key: str) -> Window | None:
    """The same for what a project's releases declare: `architectures` and `quantization` of an engine in any of its
    backends, `model_types` of transformers."""
    from doctor.matrix import rows

    out: ReleaseSet | None = None
    try:
        for each in (kind, *(f"{kind}.{backend}" for backend in _BACKENDS)):
            found = rows.releases_having(project, each, key)
            out = found if out is None or found is None else out | found
    except (ValueError, OSError):
        return None
    return window_of(project, digest.version(project), out)


def parsed(version: str | None) -> Version | None:
    """A version to compare, or None for none or a bad one."""
    try:
        return Version(version) if version else None
    except InvalidVersion:
        return None
