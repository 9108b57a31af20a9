"""What is true of a Linux that runs inside Windows (WSL). All memory in bytes."""

from __future__ import annotations

from typing import Literal

from doctor.base.record import dataclass


@dataclass(frozen=True, slots=True)
class WslConfig:
    """The `[wsl2]` part of one Windows user's `.wslconfig`; None where it does not say.

    `memory` and `swap` in bytes, `vm_idle_timeout` in milliseconds. `problem` says why it could not be read fully.
    `encoding` is how the file is written (`utf-8`, `utf-16`), because WSL reads only the first.
    """

    path: str
    memory: int | None = None
    swap: int | None = None
    processors: int | None = None
    networking_mode: str | None = None
    localhost_forwarding: bool | None = None
    firewall: bool | None = None
    vm_idle_timeout: int | None = None
    kernel: str | None = None
    encoding: str = "utf-8"
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Wsl:
    """`version` is 1 or 2. `dxg` is the GPU device of WSL2 (`/dev/dxg`); `/dev/nvidia*` do not exist there.

    `driver_library` is Windows' libcuda under `/usr/lib/wsl/lib`, None where it is not mounted. `linux_driver` are
    files of a Linux NVIDIA driver in the system's library folders, which must not be there. `nvidia_smi` is the
    program under `/usr/lib/wsl/lib`; `nvidia_smi_on_path` says whether a shell finds one. `systemd` is whether it
    runs as process 1. `crash_dumps` are dump files that WSL kept, newest first.
    """

    version: Literal[1, 2]
    kernel: str
    distribution: str | None = None
    dxg: bool = False
    driver_library: str | None = None
    linux_driver: tuple[str, ...] = ()
    linux_packages: tuple[str, ...] = ()
    nvidia_smi: str | None = None
    nvidia_smi_on_path: bool = False
    systemd: bool = False
    configs: tuple[WslConfig, ...] = ()
    crash_dumps: tuple[str, ...] = ()
