"""uv as the resolver behind every plan: what it makes of requirements for another Python than doctor's.

It is never pointed at the target's interpreter: doctor's own serves it for what it wants to know of itself, and the
target's Python and platform are told in words. Nothing is built from source.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from doctor.base.late import late_pattern
from doctor.base.owned import read_owned, write_owned
from doctor.base.secrets.hide import redact_text
from doctor.base.text import clean
from doctor.facts import Target
from doctor.facts.host import Libc
from doctor.matrix.update.build import cache_dir
from doctor.remote.errors import IndexUnavailable
from doctor.remote.index_settings import index_settings
from doctor.repair.errors import RepairError
from doctor.repair.wheels.uv import run_uv, uv_version

SECONDS = 90
LARGEST_ANSWER = 4 << 20
USUAL_GLIBC = 35  # of Ubuntu 22.04 and of the engines' images
FRESH = 600  # seconds; package indexes let their pages be kept as long
_PIN = late_pattern(r"([A-Za-z0-9][A-Za-z0-9._-]{0,200})==([A-Za-z0-9][A-Za-z0-9.!+_-]{0,100})\s*(?:;.*)?$")
_NO_WHEEL = late_pattern(r"([a-z0-9][a-z0-9._-]{0,200})==(\S{1,60}) has no usable wheels")
_NETWORK = ("Failed to fetch", "error sending request", "Could not connect", "dns error", "tcp connect", "timed out",
            "Network connectivity is disabled", "network was disabled")  # fmt: skip
_GLIBC = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)


class UvError(RepairError):
    """uv could not do what was asked; the message is its own, cleaned."""


class Unreachable(UvError):
    """The package index could not be asked, so nothing is known."""


class Unresolvable(UvError):
    """The resolver says that no set of releases meets these requirements."""


class OnlySource(UvError):
    """A release has no wheel for this platform, or none at all: its distribution's `name` and its `version`."""

    def __init__(self, name: str, version: str, message: str) -> None:
        super().__init__(message)
        self.name, self.version = name, version


@lru_cache(maxsize=1)
def version() -> str:
    """`uv 0.9.1`. Raises RepairError."""
    return uv_version()


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for uv: the user's, with pip's index settings where uv has none of its own."""
    out = dict(environ)
    if not any(out.get(k) for k in ("UV_DEFAULT_INDEX", "UV_INDEX_URL")):
        try:
            found = index_settings(environ)
        except IndexUnavailable:
            found = None
        if found and found.source != "the default of pip":
            out["UV_DEFAULT_INDEX"] = found.url
    for mine, theirs in (("UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"), ("UV_FIND_LINKS", "PIP_FIND_LINKS")):
        if environ.get(theirs) and not out.get(mine):
            out[mine] = ",".join(environ[theirs].split()) if mine == "UV_FIND_LINKS" else environ[theirs]
    certificates = environ.get("PIP_CERT")
    if certificates and not out.get("SSL_CERT_FILE"):
        out["SSL_CERT_FILE"] = certificates
    return out


def platform_of(target: Target, libc: Libc | None) -> str:
    """The target's platform in uv's words (`x86_64-manylinux_2_31`); Linux on x86-64 where it is not known."""
    name = (target.platform or "linux-x86_64").replace("_", "-").lower()
    arm = name.endswith(("aarch64", "arm64"))
    if "win" in name and "darwin" not in name:
        return "aarch64-pc-windows-msvc" if arm else "x86_64-pc-windows-msvc"
    if "macos" in name or "darwin" in name:
        return "aarch64-apple-darwin" if arm else "x86_64-apple-darwin"
    machine = "aarch64" if arm else "x86_64"
    if libc is not None and libc.kind == "musl":
        return f"{machine}-unknown-linux-musl"
    found = re.match(r"2\.(\d{1,3})", libc.version or "") if libc else None
    best = max((g for g in _GLIBC if g <= int(found[1])), default=17) if found else USUAL_GLIBC
    return f"{machine}-manylinux_2_{best}"


def compile_pins(
    requirements: Sequence[str],
    *,
    python: str,
    platform: str,
    prefer: Mapping[str, str] | None = None,
    without: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Exact releases (distribution -> version) of everything that the requirements need, on another Python.

    A requirement `-c NAME<2` bounds a release without asking for the distribution. `prefer` are releases that are kept
    where they fit, `without` distributions that are left out whoever asks for them.
    Raises Unresolvable, OnlySource, Unreachable or UvError.
    """
    asked = {
        "in.txt": [r for r in requirements if not r.startswith("-c ")],
        "bounds.txt": [r.removeprefix("-c ") for r in requirements if r.startswith("-c ")],
        "out.txt": [f"{n}=={v}" for n, v in (prefer or {}).items()],
        "without.txt": [f"{name}; python_version < '3'" for name in without],
    }  # fmt: skip
    arguments = [
        "pip", "compile", "in.txt", "--output-file", "out.txt", "--override", "without.txt",
        *(("--constraint", "bounds.txt") if asked["bounds.txt"] else ()),
        "--python", sys.executable, "--python-version", python, "--python-platform", platform,
        "--only-binary", ":all:", "--no-header", "--no-annotate", "--quiet",
    ]  # fmt: skip
    return _asked(asked, arguments, environment(os.environ if environ is None else environ))


def _asked(asked: dict[str, list[str]], arguments: list[str], variables: dict[str, str]) -> dict[str, str]:
    """uv's answer to these files, or the one that it gave a short while ago."""
    memory = _remembered(asked, arguments, variables)
    if (known := _recent(memory)) is not None:
        return known
    with tempfile.TemporaryDirectory(prefix="qvl-doctor-") as folder:
        for name, lines in asked.items():
            Path(folder, name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        try:
            done = run_uv(arguments, cwd=folder, environ=variables, timeout=SECONDS)
        except RepairError as error:
            raise Unreachable(str(error)) from None
        if done.status:
            raise _error(done.err)
        pins = dict(_pins(Path(folder, "out.txt").read_text(encoding="utf-8")))
    _remember(memory, pins)
    return pins


def _remembered(asked: dict[str, list[str]], arguments: list[str], variables: Mapping[str, str]) -> Path:
    """Where the answer to this question is kept; what the indexes are told is part of the question."""
    settings = sorted((k, v) for k, v in variables.items() if k.startswith(("UV_", "PIP_")))
    text = json.dumps([asked, arguments, settings, version()])
    return cache_dir().parent / "resolved" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"


def _recent(file: Path) -> dict[str, str] | None:
    """The answer, if uv gave it a short while ago: as long as an index's own pages may be kept."""
    try:
        if not 0 <= time.time() - file.stat().st_mtime < FRESH:
            return None
        data = json.loads(read_owned(file, LARGEST_ANSWER, 1))
    except (OSError, ValueError, RecursionError):
        return None
    fine = isinstance(data, dict) and all(isinstance(v, str) and _PIN.match(f"{n}=={v}") for n, v in data.items())
    return data if fine and data else None


def _remember(file: Path, pins: dict[str, str]) -> None:
    with contextlib.suppress(OSError):
        write_owned(file, json.dumps(pins).encode(), 1)


def _pins(text: str) -> Iterable[tuple[str, str]]:
    for line in text.splitlines():
        match = _PIN.match(re.sub(r"\[[^\]]*\]", "", line.strip()))
        if match:
            yield match[1].lower().replace("_", "-").replace(".", "-"), match[2]


def _error(text: str) -> UvError:
    """What uv's words mean; a missing wheel and a dead network are no proof that there is no way."""
    said = clean(redact_text(" ".join(text.split())), 2000).removeprefix("error: ")
    if any(word.lower() in said.lower() for word in _NETWORK):
        return Unreachable(said)
    source = _NO_WHEEL.search(said)
    if source:
        return OnlySource(source[1].replace("_", "-"), source[2], said)
    if "No solution found" in said:
        return Unresolvable(said)
    return UvError(said)
