"""The machine, or the file system below `--root`: what a server needs from it. All sizes in bytes."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from doctor.base.reading import Addresses, on_port
from doctor.base.record import dataclass
from doctor.facts.wsl import Wsl

DiskUse = Literal["hf-cache", "model", "target", "tmp"]


@dataclass(frozen=True, slots=True)
class Libc:
    """The C library of the target's file system: `kind` glibc or musl, `version` such as `2.36`, read from `path`."""

    kind: Literal["glibc", "musl"]
    version: str | None
    path: str


@dataclass(frozen=True, slots=True)
class Disk:
    """Where something lies: `path` as configured (it need not exist yet), its mount point, type and free bytes."""

    use: DiskUse
    path: str
    mount: str | None = None
    fstype: str | None = None
    total: int | None = None
    free: int | None = None


@dataclass(frozen=True, slots=True)
class Cgroup:
    """The limits of the control group that this process runs in; None means no limit. Memory and swap in bytes.

    `cpus` is the CPU quota in whole and part CPUs. `memory_used` counts the page cache too.
    """

    version: Literal[1, 2]
    memory_limit: int | None = None
    memory_used: int | None = None
    swap_limit: int | None = None
    cpus: float | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """One machine. None stands for what it does not tell (another file system has no memory, no limits).

    `cpu_flags` holds the vector extensions that wheels are built for, out of /proc/cpuinfo. `shm_total` and
    `shm_free` are of /dev/shm. `open_files` is RLIMIT_NOFILE `(soft, hard)`, -1 for no limit. `compiler` is the C
    compiler that Triton would find (`CC`, gcc, clang, cc). `python_header` is the target's Python.h;
    `header_expected` is where it should be. `container` names the runtime (docker, podman, kubernetes, lxc, ...).
    `environment` holds the variables that change what a server does, by allowlist, secrets never. `listening` are the
    addresses on which some process takes TCP connections, such as `127.0.0.1:8000` and `[::]:22`.
    """

    system: str
    machine: str | None = None
    os_id: str | None = None
    os_name: str | None = None
    kernel: str | None = None
    libc: Libc | None = None
    memory_total: int | None = None
    memory_available: int | None = None
    swap_total: int | None = None
    swap_free: int | None = None
    cgroup: Cgroup | None = None
    cpu_count: int | None = None
    cpu_model: str | None = None
    cpu_flags: tuple[str, ...] | None = None
    shm_total: int | None = None
    shm_free: int | None = None
    open_files: tuple[int, int] | None = None
    disks: tuple[Disk, ...] = ()
    compiler: str | None = None
    python_header: str | None = None
    header_expected: str | None = None
    container: str | None = None
    wsl: Wsl | None = None
    root: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    listening: tuple[str, ...] = ()

    @property
    def usable_memory(self) -> int | None:
        """Bytes that a process may take in all: the machine's memory or the control group's limit, the smaller."""
        limit = self.cgroup.memory_limit if self.cgroup else None
        known = [m for m in (self.memory_total, limit) if m is not None]
        return min(known, default=None)

    def on_port(self, port: int) -> tuple[str, ...]:
        """The addresses with this port on which some process takes connections."""
        known = self.listening
        return known.on(port) if isinstance(known, Addresses) else on_port(known, port)

    def disk(self, use: DiskUse) -> Disk | None:
        """Where things of this use lie, or None."""
        return next((d for d in self.disks if d.use == use), None)
