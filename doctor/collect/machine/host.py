"""Host facts: the machine that we run on, or what the files below another root say about theirs."""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

from doctor.base.files import Files
from doctor.base.late import late_pattern
from doctor.base.secrets.hide import redact_text
from doctor.base.secrets.names import is_secret_name
from doctor.base.text import one_line
from doctor.collect.machine.library_search import candidates
from doctor.collect.machine.limits import cgroup, meminfo, open_files
from doctor.collect.machine.mounts import Mount, disk, mounts, shm
from doctor.collect.machine.sockets import listening
from doctor.collect.machine.wsl import collect_wsl
from doctor.facts import Target, Unavailable
from doctor.facts.host import Disk, Host, Libc

MAX_LIBC = 8 * 1024 * 1024
VECTOR_FLAGS = frozenset({
    "sse4_1", "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_bf16", "avx512_vnni",
    "avx512_fp16", "amx_tile", "amx_bf16", "asimd", "asimddp", "bf16", "sve", "sve2", "i8mm",
})  # fmt: skip
TOLD = late_pattern(
    r"(?:CUDA|NVIDIA|VLLM|LMDEPLOY|SGLANG|SGL|NCCL|TRITON|TORCH|TORCHINDUCTOR|PYTORCH|HF|HUGGINGFACE|TRANSFORMERS"
    r"|MODELSCOPE|OMP|MKL|UV|XDG|GLOO|UCX)_[A-Z0-9_]{1,60}"
    r"|PYTHON[A-Z]{1,30}|LD_LIBRARY_PATH|LD_PRELOAD|CC|CXX|TMPDIR|LANG|LC_ALL"
    r"|WSL_DISTRO_NAME|WSL_UTF8|VIRTUAL_ENV|CONDA_PREFIX|TP_SOCKET_IFNAME|HOST_IP|MASTER_ADDR|MASTER_PORT|RAY_ADDRESS"
)
MARKERS = {"/run/.containerenv": "podman", "/.dockerenv": "docker", "/.singularity.d": "apptainer"}
IN_CGROUP = {
    "kubepods": "kubernetes", "docker": "docker", "libpod": "podman", "containerd": "containerd", "/lxc": "lxc",
}  # fmt: skip
ELF_MACHINES = {0x3E: "x86_64", 0xB7: "aarch64", 0x15: "ppc64le", 0xF3: "riscv64", 0x03: "i386", 0x16: "s390x"}
_GLIBC = late_pattern(rb"GNU C Library [^\n\0]{0,120}release version (\d{1,2}\.\d{1,3})")
_MUSL = late_pattern(rb"\0(1\.\d\.\d{1,2})\0")


def collect_host(
    target: Target | None = None,
    root: str | None = None,
    model: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Host | Unavailable:
    """The facts; `model` is a local folder if there is one. `environ` is what the server would start with.

    `Unavailable` on systems other than Linux, unless `root` names a Linux file system. With a root, everything about
    a running machine (memory, limits, free space) comes from what lies below it, or is None.
    """
    tree = Files(root)
    if tree.own and not sys.platform.startswith("linux"):
        return Unavailable("not_supported", f"the host checks support Linux only, and this is {sys.platform}")
    variables: Mapping[str, str] = os.environ if environ is None else environ
    libc, machine = _libc(tree)
    os_id, os_name = _os_release(tree)
    memory, table = meminfo(tree), mounts(tree)
    model_name, count, flags = _cpu(tree)
    header = _header(target)
    shm_total, shm_free = shm(tree, table)
    return Host(
        system="linux", machine=machine, os_id=os_id, os_name=os_name, kernel=_kernel(tree), libc=libc,
        memory_total=memory.get("MemTotal"), memory_available=memory.get("MemAvailable"),
        swap_total=memory.get("SwapTotal"), swap_free=memory.get("SwapFree"), cgroup=cgroup(tree),
        cpu_count=_cpu_count(tree, count), cpu_model=model_name, cpu_flags=flags, shm_total=shm_total,
        shm_free=shm_free, open_files=open_files(tree), disks=_disks(tree, table, target, model, variables),
        compiler=_compiler(tree, variables), header_expected=header,
        python_header=header if header and Path(header).is_file() else None, container=_container(tree, variables),
        wsl=collect_wsl(tree, variables), root=None if tree.own else root, environment=_environment(variables),
        listening=listening(tree),
    )  # fmt: skip


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    names = sorted(n for n in environ if TOLD.fullmatch(n) and not is_secret_name(n))
    return {name: one_line(redact_text(environ[name]), 1000) for name in names}


def _os_release(tree: Files) -> tuple[str | None, str | None]:
    text = tree.first_text("/etc/os-release", 16384) or tree.first_text("/usr/lib/os-release", 16384) or ""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    values = {key.strip(): one_line(value.strip().strip("\"'"), 100) for key, _, value in pairs}
    name = values.get("PRETTY_NAME") or " ".join(filter(None, (values.get("NAME"), values.get("VERSION_ID"))))
    return values.get("ID"), name or None


def _kernel(tree: Files) -> str | None:
    text = tree.first_text("/proc/sys/kernel/osrelease", 256)
    if not text:
        words = (tree.first_text("/proc/version", 1024) or "").split()
        text = words[2] if words[:2] == ["Linux", "version"] and len(words) > 2 else ""
    return one_line(text, 100) or None


def _libc(tree: Files) -> tuple[Libc | None, str | None]:
    """The C library and the machine that it is built for, both out of its file."""
    for path, _ in candidates(tree, "libc.so.6", {}):
        data = tree.first(path, MAX_LIBC) or b""
        begin = data.find(b"GNU C Library ")
        match = _GLIBC.match(data, begin) if begin >= 0 else None
        return Libc("glibc", match[1].decode() if match else None, tree.found(path) or path), _machine(data)
    for name in tree.few_names("/lib"):
        if name.startswith("ld-musl-"):
            data = tree.first(f"/lib/{name}", MAX_LIBC) or b""
            match = _MUSL.search(data)
            return Libc("musl", match[1].decode() if match else None, f"/lib/{name}"), _machine(data)
    return None, os.uname().machine if tree.own else None


def _machine(data: bytes) -> str | None:
    if data[:4] != b"\x7fELF" or len(data) < 20:
        return None
    order = ">" if data[5:6] == b"\x02" else "<"
    return ELF_MACHINES.get(struct.unpack_from(order + "H", data, 18)[0])


def _cpu(tree: Files) -> tuple[str | None, int | None, tuple[str, ...] | None]:
    """`(model, how many, vector extensions)` out of /proc/cpuinfo."""
    text = tree.first_text("/proc/cpuinfo", 4 * 1024 * 1024)
    if not text:
        return None, None, None
    first: dict[str, str] = {}
    for line in text.split("\n\n", 1)[0].splitlines():
        key, _, value = line.partition(":")
        first.setdefault(key.strip(), value.strip())
    words = (first.get("flags") or first.get("Features") or "").split()
    count = text.count("\nprocessor") + text.startswith("processor")
    flags = tuple(sorted(VECTOR_FLAGS.intersection(words))) if words else None
    return one_line(first.get("model name", ""), 100) or None, count or None, flags


def _cpu_count(tree: Files, listed: int | None) -> int | None:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if tree.own and affinity else listed


def _compiler(tree: Files, environ: Mapping[str, str]) -> str | None:
    """What Triton would call: `CC`, else gcc, else clang."""
    for name in (environ.get("CC", "").split()[:1] or [""])[0], "gcc", "clang":
        if name.startswith("/"):
            return name if tree.isfile(name) else None
        if name and (found := which(tree, name, environ)):
            return found
    return None


def which(tree: Files, name: str, environ: Mapping[str, str]) -> str | None:
    """The first `name` on PATH (a usual one for another root) that is an executable file."""
    usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    for folder in (environ.get("PATH", usual) if tree.own else usual).split(":"):
        path = f"{folder}/{name}"
        if folder.startswith("/") and tree.isfile(path) and os.access(tree.inside(tree.found(path) or path), os.X_OK):
            return path
    return None


def _header(target: Target | None) -> str | None:
    """Where the target's own Python.h belongs, as this machine spells it."""
    prefix = target and (target.base_prefix or target.prefix)
    if target is None or not prefix or target.python_minor is None:
        return None
    return f"{prefix}/include/python{target.python_minor[0]}.{target.python_minor[1]}/Python.h"


def _disks(
    tree: Files, table: list[Mount], target: Target | None, model: str | None, environ: Mapping[str, str]
) -> tuple[Disk, ...]:
    places: dict[str, str | None] = {"hf-cache": _hf_cache(tree, environ), "model": model}
    if tree.own:
        places |= {"target": target.prefix if target else None, "tmp": environ.get("TMPDIR") or "/tmp"}
    return tuple(disk(tree, table, use, path) for use, path in places.items() if path)  # type: ignore[arg-type]


def _hf_cache(tree: Files, environ: Mapping[str, str]) -> str | None:
    """The folder that holds downloaded models, by the hub's own rules."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environ.get(name):
            return environ[name]
    home = environ.get("HOME") or ""
    base = environ.get("HF_HOME") or f"{environ.get('XDG_CACHE_HOME') or f'{home}/.cache'}/huggingface"
    return f"{base}/hub" if base.startswith("/") and (tree.own or environ.get("HF_HOME")) else None


def _container(tree: Files, environ: Mapping[str, str]) -> str | None:
    """The runtime that this is a container of, or None."""
    if tree.own and environ.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    if tree.own and (environ.get("APPTAINER_CONTAINER") or environ.get("SINGULARITY_CONTAINER")):
        return "apptainer"
    for path, runtime in MARKERS.items():
        if tree.exists(path):
            return runtime
    named = (tree.first_text("/run/systemd/container", 64) or "").strip()
    if named and re.fullmatch(r"[a-z0-9-]{1,32}", named):
        return None if named == "wsl" else named
    groups = tree.first_text("/proc/1/cgroup", 16384) or ""
    return next((runtime for word, runtime in IN_CGROUP.items() if word in groups), None)
