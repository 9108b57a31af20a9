"""What a Linux inside Windows (WSL) looks like from within, the Windows user's `.wslconfig` included."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from doctor.base.files import Files
from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.collect.machine.library_search import DEFAULT_DIRS
from doctor.facts.wsl import Wsl, WslConfig

MAX_USERS = 64
MAX_CONFIG = 64 * 1024
MAX_DUMPS = 20
NOT_PEOPLE = frozenset({"Public", "Default", "Default User", "All Users", "desktop.ini"})
PACKAGES = late_pattern(
    r"(?:nvidia-driver-|libnvidia-compute-|libcuda1$|nvidia-open|cuda-drivers|nvidia-dkms-)\S{0,60}"
)
_DRIVER_FILE = late_pattern(r"(?:libcuda|libnvidia-ml|libnvidia-ptxjitcompiler)\.so\.\d{3,4}\.\d[\d.]{0,12}")
_SIZE = late_pattern(r"(\d{1,15}) ?([KMGT]?)B?", re.IGNORECASE)
UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def collect_wsl(tree: Files, environ: Mapping[str, str]) -> Wsl | None:
    """The facts, or None where this is no WSL."""
    release = tree.first_text("/proc/sys/kernel/osrelease", 256) or tree.first_text("/proc/version", 1024) or ""
    kernel = one_line(release, 200)
    if "microsoft" not in kernel.lower() and not tree.exists("/run/WSL"):
        return None
    old = "-Microsoft" in kernel and "WSL2" not in kernel and "standard" not in kernel
    homes = _homes(tree)
    library = next((f for n in ("libcuda.so.1", "libcuda.so") if tree.isfile(f := f"/usr/lib/wsl/lib/{n}")), None)
    smi = "/usr/lib/wsl/lib/nvidia-smi"
    return Wsl(
        version=1 if old else 2, kernel=kernel, distribution=one_line(environ.get("WSL_DISTRO_NAME", ""), 60) or None,
        dxg=tree.exists("/dev/dxg"), driver_library=library, linux_driver=_linux_driver(tree),
        linux_packages=_packages(tree), nvidia_smi=smi if tree.isfile(smi) else None,
        nvidia_smi_on_path=_on_path(tree, environ),
        systemd=(tree.first_text("/proc/1/comm", 32) or "").strip() == "systemd",
        configs=tuple(c for home in homes if (c := read_config(tree, f"{home}/.wslconfig"))),
        crash_dumps=_crash_dumps(tree, homes),
    )  # fmt: skip


def read_config(tree: Files, path: str) -> WslConfig | None:
    """One `.wslconfig`; None where there is none. What cannot be understood is named in `problem`."""
    data = tree.first(path, MAX_CONFIG)
    if data is None:
        return None
    text, encoding = _decoded(data)
    values, odd = _section(text, "wsl2")
    size = {key: _size(values[key]) for key in ("memory", "swap") if key in values}
    odd += [f"`{key}={one_line(values[key], 40)}`" for key, found in size.items() if found is None]
    count = values.get("processors", "")
    idle = values.get("vmidletimeout", "")
    return WslConfig(
        path=path, memory=size.get("memory"), swap=size.get("swap"),
        processors=int(count) if count.isdigit() and len(count) < 6 else None,
        networking_mode=one_line(values.get("networkingmode", ""), 30).lower() or None,
        localhost_forwarding=_truth(values.get("localhostforwarding")), firewall=_truth(values.get("firewall")),
        vm_idle_timeout=int(idle) if re.fullmatch(r"-?\d{1,12}", idle) else None,
        kernel=one_line(values.get("kernel", ""), 200) or None, encoding=encoding,
        problem=f"cannot be parsed: {', '.join(odd[:3])}" if odd else None,
    )  # fmt: skip


def _decoded(data: bytes) -> tuple[str, str]:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace"), "utf-16"
    return data.decode("utf-8-sig", "replace"), "utf-8"


def _section(text: str, wanted: str) -> tuple[dict[str, str], list[str]]:
    """The keys of one section, lower case, and lines that are none of comment, section or `key=value`."""
    values: dict[str, str] = {}
    odd: list[str] = []
    section = ""
    for raw in text.splitlines():
        line = raw.split("#", 1)[0].strip()
        key, equals, value = line.partition("=")
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip().lower()
        elif line and not equals:
            odd.append(f"`{one_line(line, 40)}`")
        elif section == wanted and equals:
            values[key.strip().lower()] = value.strip().strip("\"'")
    return values, odd


def _size(word: str) -> int | None:
    match = _SIZE.fullmatch(word)
    return int(match[1]) * UNITS[match[2].upper()] if match else None


def _truth(word: str | None) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get((word or "").lower())


def _homes(tree: Files) -> list[str]:
    """The Windows users' folders, where drive C is mounted (`/etc/wsl.conf` may say elsewhere)."""
    values, _ = _section(tree.first_text("/etc/wsl.conf", MAX_CONFIG) or "", "automount")
    base = values.get("root", "/mnt/")
    users = f"{base if base.startswith('/') else '/mnt'}/c/Users".replace("//", "/")
    return [f"{users}/{name}" for name in tree.few_names(users)[:MAX_USERS] if name not in NOT_PEOPLE]


def _linux_driver(tree: Files) -> tuple[str, ...]:
    """Files of a Linux driver in the system's folders; links into WSL's own are as they should be."""
    names = ((folder, name) for folder in DEFAULT_DIRS for name in tree.few_names(folder))
    found = (f"{folder}/{name}" for folder, name in names if _DRIVER_FILE.fullmatch(name))
    real = (tree.found(path) or path for path in found)
    return tuple(dict.fromkeys(path for path in real if not path.startswith(("/usr/lib/wsl/", "/mnt/"))))


def _packages(tree: Files) -> tuple[str, ...]:
    """Installed Debian packages that bring a Linux driver."""
    found = []
    for block in (tree.first_text("/var/lib/dpkg/status", 32 * 1024 * 1024) or "").split("\n\n"):
        name = block[9 : block.find("\n")] if block.startswith("Package: ") else ""
        if PACKAGES.fullmatch(name) and "\nStatus: install ok installed" in block:
            found.append(name)
    return tuple(found[:MAX_DUMPS])


def _on_path(tree: Files, environ: Mapping[str, str]) -> bool:
    usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    folders = (environ.get("PATH", usual) if tree.own else usual).split(":")
    return any(tree.isfile(os.path.join(f, "nvidia-smi")) for f in folders if f.startswith("/"))


def _crash_dumps(tree: Files, homes: list[str]) -> tuple[str, ...]:
    folders = (f"{home}/AppData/Local/Temp/wsl-crashes" for home in homes)
    return tuple(f"{f}/{one_line(name, 120)}" for f in folders for name in tree.few_names(f)[-MAX_DUMPS:])
