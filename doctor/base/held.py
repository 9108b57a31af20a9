"""What the launcher held back from doctor's own process, put back as the data that it is.

The launcher (`launcher/qvl-doctor`) starts Python without what LD_PRELOAD and its like name, and the shell that runs
it loses variables whose names are none for it. By now the loader and the interpreter have read what they read: the
variables are what the user has set again, for the checks, and for the server that `run` starts.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

BACK = ("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__")
HELD = "QVL_DOCTOR_HELD_"
WHOLE = f"{HELD}ENVIRON"  # every variable as the kernel gave them to the launcher, in base64
_RUNS_CODE = ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE")
_OF_LOADERS = ("LD_", "PYTHON", "__PYVENV", "GLIBC_TUNABLES")
_LIBRARIES_OBEY = ("OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES", "GCONV_PATH")
_own: list[str] = []  # where the loader finds our own Python's library, where it has to be told


def put_back() -> None:
    """Makes `os.environ` what the user had, with or without the launcher; no library of our own loads code for it."""
    _put_back()
    for name in _LIBRARIES_OBEY:
        if name in os.environ:
            os.unsetenv(name)  # OpenSSL would load modules when it is first used; `os.environ` still has it, as data


def _put_back() -> None:
    whole = os.environ.pop(WHOLE, None)
    held = {name: value for name in BACK if (value := os.environ.pop(HELD + name, None)) is not None}
    if not held and whole is None:
        return
    if own := os.environ.pop("LD_LIBRARY_PATH", None):
        _own[:] = [own]
    os.environ.update(held)
    import base64

    with contextlib.suppress(ValueError):  # cut short: the rest stays as the shell passed it on
        _become(_variables(base64.b64decode(whole or "", validate=True)))


def _variables(block: bytes) -> dict[bytes, bytes]:
    """The variables of an environment block: `NAME=VALUE`, each ended by a zero byte; the first of a name counts."""
    pairs = (one.partition(b"=") for one in reversed(block.split(b"\0")))
    return {name: value for name, equals, value in pairs if name and equals}


def _become(wanted: dict[bytes, bytes]) -> None:
    if not wanted:
        return
    for name in set(os.environb) - set(wanted):
        del os.environb[name]
    os.environb.update(wanted)


def without_loader(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for a child of doctor's own: none that would make it load the code of a target."""
    kept = {n: v for n, v in environ.items() if not n.startswith(_OF_LOADERS) and n not in _LIBRARIES_OBEY}
    return {**kept, "LD_LIBRARY_PATH": _own[0]} if _own else kept


def not_promised(environ: Mapping[str, str], platform: str) -> str | None:
    """What to say where there is no launcher (Windows) and code of others may run in doctor; None elsewhere."""
    named = next((name for name in _RUNS_CODE if environ.get(name)), None)
    if platform != "win32" or named is None:
        return None
    return f"{named} is set, and on Windows its code may run inside qvl-doctor; unset it to be sure"
