"""What must not be touched, and why: asked before anything is written, and again just before the switch."""

from __future__ import annotations

import glob
import os
import sys

from doctor.base.late import late_pattern
from doctor.repair.errors import Refused
from doctor.repair.place import Place
from doctor.repair.processes import users_of

NEW_ENVIRONMENT = "`fix --apply` without `--in-place` creates a new environment next to it"
_WINDOWS_DRIVE = late_pattern(r"/mnt/[a-z](?:/|$)")
MARGIN = 1.1


def refuse_system() -> None:
    """In place only where the exchange of two folders exists."""
    if not sys.platform.startswith("linux"):
        raise Refused(f"`--in-place` is not supported on this system ({sys.platform}); {NEW_ENVIRONMENT}")


def refuse_prefix(prefix: str) -> None:
    """Prefixes that are not a folder of the user's own."""
    if os.path.islink(prefix):
        raise Refused(f"`{prefix}` is a symbolic link; name the environment itself: `{os.path.realpath(prefix)}`")
    if not os.path.isdir(prefix):
        raise Refused(f"`{prefix}` is not an environment: the folder does not exist")
    if _WINDOWS_DRIVE.match(os.path.realpath(prefix) + "/"):
        raise Refused(f"`{prefix}` is on a Windows drive, which cannot exchange two folders; {NEW_ENVIRONMENT}")
    if os.path.ismount(prefix):
        raise Refused(f"`{prefix}` is itself a mounted file system and cannot be exchanged; {NEW_ENVIRONMENT}")
    if glob.glob(os.path.join(glob.escape(prefix), "lib", "python3*", "EXTERNALLY-MANAGED")):
        raise Refused(f"`{prefix}` is managed by the operating system (EXTERNALLY-MANAGED); {NEW_ENVIRONMENT}")
    if os.path.isdir(os.path.join(prefix, "conda-meta")) and _is_conda_base(prefix):
        raise Refused(f"`{prefix}` is conda's base environment, which conda itself runs from; {NEW_ENVIRONMENT}")
    if _is_own(prefix):
        raise Refused(f"qvl-doctor itself runs from `{prefix}`; install it elsewhere, e.g. with `uv tool install`")


def refuse_layout(place: Place) -> None:
    """Folders that are links out of the environment, and places where we may not write."""
    prefix = os.path.realpath(place.prefix)
    for part in (place.site, place.scripts):
        path = os.path.join(place.prefix, part)
        if os.path.lexists(path) and os.path.realpath(path) != os.path.join(prefix, part):
            raise Refused(
                f"`{path}` is, or is below, a symbolic link (to `{os.path.realpath(path)}`): a change would go "
                f"through it; {NEW_ENVIRONMENT}"
            )
        if os.path.isdir(path) and not _writable(path):
            raise Refused(f"no permission to write in `{path}`: it is read-only")
    if not _writable(place.prefix):
        raise Refused(f"no permission to write in `{place.prefix}`: it is read-only")
    parent = os.path.dirname(place.prefix)
    if not os.access(parent, os.W_OK | os.X_OK):
        raise Refused(f"no permission to write in `{parent}`, where the changed environment is created")


def refuse_processes(prefix: str) -> None:
    """Raises Refused naming the processes that run from the environment."""
    users = users_of(prefix)
    if users:
        named = ", ".join(f"{u.pid} (`{u.name}`, {u.why})" for u in users[:5])
        more = f" and {len(users) - 5} more" if len(users) > 5 else ""
        raise Refused(f"process {named}{more} runs from `{prefix}`; end it first")


def refuse_space(folder: str, needed: int) -> None:
    """Raises Refused where `needed` bytes and a tenth more are not free."""
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    if free < needed * MARGIN:
        raise Refused(
            f"no space: {needed * MARGIN / 2**20:.1f} MiB are needed on the disk of `{folder}` and "
            f"{free / 2**20:.1f} MiB are free"
        )


def _writable(path: str) -> bool:
    """Root may write anywhere; a folder that its owner marked read-only is left alone all the same."""
    return os.access(path, os.W_OK) and bool(os.stat(path).st_mode & 0o222)


def _is_conda_base(prefix: str) -> bool:
    return any(os.path.exists(os.path.join(prefix, name)) for name in ("condabin", "pkgs", "bin/conda", "envs"))


def _is_own(prefix: str) -> bool:
    real = os.path.realpath(prefix)
    package = os.path.realpath(__file__)
    return os.path.realpath(sys.prefix) == real or package.startswith(os.path.join(real, "lib") + os.sep)
