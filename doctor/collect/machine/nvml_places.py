"""Where the driver's own NVML lies, and the environment in which a loader finds no other.

A library of that name on the target's LD_LIBRARY_PATH is the target's code, and is not loaded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from doctor.base.held import without_loader

LIBRARY = "libnvidia-ml.so.1"
ASKED = "QVL_DOCTOR_NVML"  # a folder that the user wants NVML from all the same
# beside the loader's cache and default folders: WSL, device plugins of Kubernetes, NixOS
PLACES = ("/usr/lib/wsl/lib", "/usr/local/nvidia/lib64", "/run/opengl-driver/lib", "/usr/lib64/nvidia",
          "/usr/lib/nvidia", "/usr/local/nvidia/lib", "/usr/lib/aarch64-linux-gnu/tegra")  # fmt: skip


def folders(environ: Mapping[str, str]) -> list[str]:
    """The folders that are looked into before the loader's own."""
    named = environ.get(ASKED)
    if named:
        return [named]
    return [place for place in PLACES if os.path.exists(os.path.join(place, LIBRARY))]


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without what would load code of the target into a child of doctor."""
    kept = without_loader(environ)
    if found := folders(environ):
        own = kept.get("LD_LIBRARY_PATH")
        kept["LD_LIBRARY_PATH"] = os.pathsep.join([*found, own] if own else found)
    return kept


def preload(environ: Mapping[str, str]) -> str | None:
    """Loads the driver's own library, so that whoever asks for its name later gets it; why not, else None.

    Only where LD_LIBRARY_PATH could name another one: that of a running process cannot be taken back.
    """
    on_path = [p for p in environ.get("LD_LIBRARY_PATH", "").split(":") if p not in PLACES]
    if not any(os.path.exists(os.path.join(p, LIBRARY)) for p in on_path):
        return None
    import ctypes

    from doctor.base.files import Files
    from doctor.collect.machine.library_search import candidates

    own = next((path for path, _ in candidates(Files(None), LIBRARY, clean(environ))), None)
    if own is None:
        return f"the {LIBRARY} on LD_LIBRARY_PATH is not the driver's; {ASKED} names another folder"
    try:
        ctypes.CDLL(own, mode=getattr(ctypes, "RTLD_GLOBAL", 0))
    except OSError as error:
        return f"the driver's library cannot be loaded: {error}"
    return None
