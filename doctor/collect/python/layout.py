"""The search path of a Python and where its standard library stands, as `site` would compute them; nothing runs."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Mapping
from dataclasses import field

from doctor.base.files import Files
from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.collect.python.interpreter import Interpreter
from doctor.collect.python.pth import SearchPath

_SYSCONFIG = late_pattern(r"_sysconfigdata_[a-z]*_([a-z]+)\d*_([A-Za-z0-9_\-]*)\.py$")
_ELF_MACHINES = {
    0x3E: "x86_64",
    0xB7: "aarch64",
    0x03: "i686",
    0x15: "ppc64le",
    0x16: "s390x",
    0x28: "armv7l",
    0xF3: "riscv64",
}


@dataclass(frozen=True)
class Start:
    """How the interpreter is started: its environment variables, its working directory, the flags `-E -I -s -S -P`."""

    environ: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "."
    flags: frozenset[str] = frozenset()

    @property
    def reads_environment(self) -> bool:
        """Whether `PYTHON*` variables count."""
        return not self.flags & {"E", "I"}


def search_path(files: Files, python: Interpreter, start: Start) -> SearchPath:
    """The entries of `sys.path` beside the standard library, in order, `.pth` path lines included."""
    out = SearchPath(files)
    for entry in _pythonpath(files, start):
        out.add(entry)
    if "S" in start.flags or python.version is None:
        return out
    own, shared = _site_folders(files, python)
    user = _user_site(files, python, start)
    before = own if python.venv else []
    after = shared if not python.venv or python.system_site else []
    for folder in [*before, *user, *([] if python.venv else own), *after]:
        out.add_site(folder)
    return out


def _pythonpath(files: Files, start: Start) -> list[str]:
    value = start.environ.get("PYTHONPATH", "") if start.reads_environment else ""
    entries = [files.inside(os.path.join(start.cwd, e)) for e in value.split(os.pathsep)] if value else []
    return [os.path.normpath(e) for e in entries if files.exists(e)]


def _site_folders(files: Files, python: Interpreter) -> tuple[list[str], list[str]]:
    """The prefix's own site folders, and those that a venv sees of its base if it asked for them."""
    debian, fedora = _patches(files, python)
    own = _prefix_folders(files, python, python.prefix, debian, fedora)
    base = python.base_prefix
    shared = _prefix_folders(files, python, base, debian, fedora, False) if base and python.venv else []
    return own, shared


def _patches(files: Files, python: Interpreter) -> tuple[bool, bool]:
    """Whether the base's own `site.py` looks into `dist-packages` (Debian) or adds `/usr/local` (Fedora)."""
    source = files.maybe(os.path.join(python.library, "site.py"), 1 << 20) or b"" if python.library else b""
    return b'"dist-packages"' in source or b"'dist-packages'" in source, b'"/usr/local"' in source


def _prefix_folders(
    files: Files, python: Interpreter, prefix: str, debian: bool, fedora: bool, venv: bool | None = None
) -> list[str]:
    if python.libdir == "Lib":
        return (
            [prefix, os.path.join(prefix, "Lib", "site-packages")]
            if not python.venv or venv is False
            else [os.path.join(prefix, "Lib", "site-packages")]
        )
    lib = python.libdir or ""
    venv = python.venv if venv is None else venv
    libs = (
        ["lib"]
        if files.real(os.path.join(prefix, "lib64")) == files.real(os.path.join(prefix, "lib"))
        else ["lib64", "lib"]
    )
    plain = [os.path.join(prefix, name, lib, "site-packages") for name in libs]
    if debian:
        extra = [os.path.join(prefix, *parts) for parts in (
            ("local", "lib", lib, "dist-packages"), ("lib", "python3", "dist-packages"), ("lib", lib, "dist-packages"),
        )]  # fmt: skip
        return [*plain, *extra] if venv else extra
    if fedora and not venv and prefix == files.inside("/usr"):
        plain = [os.path.join(prefix, "local", name, lib, "site-packages") for name in ("lib64", "lib")] + plain
    if os.name == "nt":
        plain.append(os.path.join(prefix, "Lib", "site-packages"))
    return plain


def _user_site(files: Files, python: Interpreter, start: Start) -> list[str]:
    """The user's own site folder, where this start would take it; a venv does only with its system's packages."""
    environ = start.environ
    off = start.flags & {"s", "I"} or (start.reads_environment and environ.get("PYTHONNOUSERSITE"))
    if off or (python.venv and not python.system_site):
        return []
    minor = ".".join((python.version or "").split(".")[:2])
    base = environ.get("PYTHONUSERBASE") if start.reads_environment else None
    if python.libdir == "Lib":
        base = base or os.path.join(environ.get("APPDATA", ""), "Python")
        folder = os.path.join(base, f"Python{minor.replace('.', '')}", "site-packages")
        return [folder] if os.path.isabs(folder) else []
    home = environ.get("HOME", "")
    framework = os.path.join("Library", "Python", minor) if ".framework" in python.prefix else ".local"
    base = base or (os.path.join(home, framework) if home else "")
    lib = ("lib", "python") if ".framework" in python.prefix else ("lib", python.libdir or "")
    return [os.path.join(files.inside(base), *lib, "site-packages")] if os.path.isabs(base) else []


def stdlib_folders(files: Files, python: Interpreter) -> tuple[str, ...]:
    """The standard library's folders that exist: the pure one, and that of its extension modules."""
    if python.library is None:
        return ()
    extra = [os.path.join(python.library, "lib-dynload")]
    if python.base_prefix and python.libdir == "Lib":
        extra = [os.path.join(python.base_prefix, "DLLs")]
    elif python.base_prefix:
        extra.append(os.path.join(python.base_prefix, "lib64", python.libdir or "", "lib-dynload"))
    folders = [python.library, *(e for e in extra if files.isdir(e))]
    return tuple(dict.fromkeys(files.real(f) if files.root else f for f in folders))


def externally_managed(files: Files, python: Interpreter) -> bool:
    """Whether the operating system's package manager forbids pip here (PEP 668); never in a venv."""
    if python.venv or python.library is None:
        return False
    return files.isfile(os.path.join(python.library, "EXTERNALLY-MANAGED"))


def platform_of(files: Files, python: Interpreter) -> str | None:
    """The platform in sysconfig's form, from the build data in the standard library, the binary, or this machine."""
    if python.library:
        for name in files.names(python.library):
            match = _SYSCONFIG.match(name)
            if match and match[1] == "linux":
                return "linux-" + (match[2].split("-")[0] or "unknown")
    machine = _elf_machine(files, python.executable) if python.executable else None
    if machine:
        return f"linux-{machine}"
    return host_platform() if files.root is None else None


def host_platform() -> str:
    """The platform of this machine, in sysconfig's form."""
    return sysconfig.get_platform()


def _elf_machine(files: Files, path: str) -> str | None:
    head = files.head(path, 20)
    if head[:4] != b"\x7fELF" or len(head) < 20:
        return None
    return _ELF_MACHINES.get(int.from_bytes(head[18:20], "little" if head[5] == 1 else "big"))
