"""Builds real environments for tests: small wheels made by zipfile, venvs of the interpreters that are here."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

from doctor.collect.python.target import TargetRequest


def wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    files: dict[str, str] | None = None,
    requires: tuple[str, ...] = (),
    extras: tuple[str, ...] = (),
    python: str | None = None,
    tag: str = "py3-none-any",
    scripts: str = "",
) -> Path:
    """A wheel as build tools write it: METADATA, WHEEL, RECORD with hashes."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata += [f"Requires-Python: {python}"] if python else []
    metadata += [f"Provides-Extra: {e}" for e in extras] + [f"Requires-Dist: {r}" for r in requires]
    content = {f"{module}/__init__.py": f"__version__ = {version!r}\n"} if files is None else dict(files)
    content[f"{info}/METADATA"] = "\n".join(metadata) + "\n\nA package for tests.\n"
    content[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n"
    if scripts:
        content[f"{info}/entry_points.txt"] = f"[console_scripts]\n{scripts}\n"
    lines = [f"{_quoted(path)},sha256={digest(text.encode())},{len(text.encode())}" for path, text in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"]) + "\n"
    out = folder / f"{module}-{version}-{tag}.whl"
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return out


def _quoted(path: str) -> str:
    return f'"{path}"' if "," in path else path


def digest(data: bytes) -> str:
    """A sha256 as RECORD writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def unpack(archive: Path, site: Path) -> None:
    """A wheel laid out in a folder, as `--target` does; faster than an installer."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(site)


def make_venv(folder: Path, pip: bool = False, system: bool = False) -> Path:
    """A venv of the running interpreter's base."""
    venv.EnvBuilder(with_pip=pip, system_site_packages=system, symlinks=os.name != "nt").create(folder)
    return folder


def site_of(prefix: Path) -> Path:
    """The site-packages of a venv."""
    found = [*prefix.glob("lib/python*/site-packages"), *prefix.glob("Lib/site-packages")]
    return found[0]


def python_of(prefix: Path) -> Path:
    """The interpreter of a venv."""
    return prefix / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def request(**given: object) -> TargetRequest:
    """A request from nowhere in particular: no environment variables, the root folder as working directory."""
    values: dict[str, object] = {"environ": {}, "cwd": Path.cwd().anchor, "own_prefix": "/nowhere/of/doctor"}
    return TargetRequest(**{**values, **given})  # type: ignore[arg-type]


def ask(python: Path | str, code: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """What a real interpreter answers; the truth that tests compare with."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k != "VIRTUAL_ENV"}
    out = subprocess.run(
        [str(python), "-c", code], env={**clean, **(env or {})}, cwd=cwd, capture_output=True, text=True, timeout=60
    )
    assert out.returncode == 0, out.stderr
    return out.stdout


def interpreters() -> dict[str, Path]:
    """The real interpreters of this machine by minor version, the running one among them."""
    roots = [
        Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions",
        Path.home() / ".local/share/uv/python",
    ]
    found = {f"{sys.version_info[0]}.{sys.version_info[1]}": Path(sys.executable)}
    for root in roots:
        for exe in sorted(root.glob("*/bin/python3.[0-9]*")):
            minor = exe.name.removeprefix("python")
            if minor.replace(".", "").isdigit() and int(minor.split(".")[1]) >= 8:
                found.setdefault(minor, exe)
    system = Path("/usr/bin/python3")
    if system.exists():
        found["system"] = system
    return found
