"""The GPUs, their driver, and everything on the way between a process and a device.

All memory is in bytes. Versions of the driver are strings as it writes them (`570.124.06`), CUDA versions are
`(major, minor)`, compute capabilities are `(major, minor)` too: `(8, 9)` for Ada.
"""

from __future__ import annotations

from typing import Literal

from doctor.base.record import dataclass
from doctor.facts.target import Problem

NvmlStatus = Literal[
    "ok", "no-library", "no-driver", "mismatch", "no-permission", "no-devices", "timed-out", "error", "not-asked"
]
LibraryOrigin = Literal["driver", "wsl", "compat", "stub"]


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that holds memory of a device; `memory_used` in bytes, None where the driver does not tell.

    `name` is the command from /proc, None for processes outside this container or of another user.
    """

    pid: int
    name: str | None = None
    memory_used: int | None = None


@dataclass(frozen=True, slots=True)
class MigInstance:
    """One slice of a device in MIG mode; memory in bytes."""

    uuid: str
    name: str
    memory_total: int | None = None
    memory_free: int | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU in NVML's order (by PCI bus). `memory_total` and `memory_free` in bytes.

    `capability` is the compute capability. `mig_enabled` and `ecc_enabled` are None where the card or the driver
    (WSL) does not support the question. `ecc_errors` counts uncorrected errors since the driver was loaded.
    `unified_memory` marks a GPU that shares the system's memory, whose size then stands here.
    `processes` is None where the driver does not tell who holds the memory. `reserved` are the bytes of `memory_total`
    that the driver keeps for itself; None where it does not tell.
    """

    index: int
    name: str
    capability: tuple[int, int]
    memory_total: int
    memory_free: int | None = None
    uuid: str | None = None
    bus_id: str | None = None
    mig_enabled: bool | None = None
    mig: tuple[MigInstance, ...] = ()
    ecc_enabled: bool | None = None
    ecc_errors: int | None = None
    compute_mode: str | None = None
    unified_memory: bool = False
    processes: tuple[GpuProcess, ...] | None = None
    reserved: int | None = None

    @property
    def usable(self) -> int:
        """Bytes that CUDA sees: all but what the driver keeps for itself."""
        return self.memory_total - (self.reserved or 0)


@dataclass(frozen=True, slots=True)
class CudaLibrary:
    """A `libcuda.so.1` that the loader could take, and how it would come to it.

    `path` is the file at the end of its links, `version` what that file's name says. `origin` is what it is:
    the driver's own, WSL's, a forward-compatibility package's, or a stub made for linking.
    `found_by` is `LD_LIBRARY_PATH`, `ld.so.cache` or `default path`.
    """

    path: str
    found_by: str
    origin: LibraryOrigin = "driver"
    version: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceNode:
    """A `/dev` file that CUDA opens; `accessible` says whether this user may read and write it."""

    path: str
    accessible: bool
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class OtherAccelerator:
    """A device that does not run CUDA, as `--gpu` names it: `vendor` whose it is, `runs` what code it runs (`ROCm`).

    `memory` are the bytes that were named, `shared` with the system (Strix Halo); `count` how many there are.
    """

    name: str
    vendor: str
    runs: str
    fix: str = ""
    memory: int | None = None
    shared: bool = False
    count: int = 1


def _speed(device: Device) -> tuple[int, int, int]:
    """What sorts the fastest first; equal ones stay as they are."""
    return -device.capability[0], -device.capability[1], -(device.memory_total >> 30)


@dataclass(frozen=True, slots=True)
class Gpu:
    """What this machine offers to CUDA, or what was declared with `--gpu` and `--driver`.

    `source` tells which of the two. `nvml` is how NVML answered (`not-asked`: nobody
    could ask it, as for another file system), `nvml_detail` its words. `driver_cuda` is the newest
    CUDA that the driver itself runs. `driver_platform` is `windows` under WSL, where driver numbers are Windows ones.
    `kernel_module` is the version of the loaded module, `user_library` that of the driver's libraries beside it.
    `libcuda` lists the candidates in the loader's order: the first one is what a process gets.
    `pci` names NVIDIA display or compute controllers on the PCI bus (`0000:01:00.0`), driver or not.
    `visible` is CUDA_VISIBLE_DEVICES, `container_visible` is NVIDIA_VISIBLE_DEVICES: None unset, "" set to nothing.
    `order` is CUDA_DEVICE_ORDER.
    `unreadable` are devices that NVML counts and cannot describe. `others` are declared ones that do not run CUDA.
    """

    source: Literal["nvml", "declared"] = "nvml"
    devices: tuple[Device, ...] = ()
    driver_version: str | None = None
    driver_cuda: tuple[int, int] | None = None
    driver_platform: Literal["linux", "windows"] = "linux"
    nvml: NvmlStatus = "ok"
    nvml_detail: str = ""
    kernel_module: str | None = None
    open_kernel_module: bool | None = None
    user_library: str | None = None
    libcuda: tuple[CudaLibrary, ...] = ()
    nodes: tuple[DeviceNode, ...] = ()
    pci: tuple[str, ...] = ()
    visible: str | None = None
    container_visible: str | None = None
    order: str | None = None
    unreadable: tuple[Problem, ...] = ()
    others: tuple[OtherAccelerator, ...] = ()

    @property
    def usable(self) -> tuple[Device, ...]:
        """The devices that CUDA_VISIBLE_DEVICES leaves, in its order; as CUDA does, it ends at the first bad entry.

        Without it, CUDA begins with the fastest of unequal ones: with the newest and largest, as far as is known here.
        """
        if self.visible is None:
            return self.devices if self.order == "PCI_BUS_ID" else tuple(sorted(self.devices, key=_speed))
        chosen: list[Device] = []
        for word in self.visible.split(","):
            device = self.named(word.strip())
            if device is None or device in chosen:
                break
            chosen.append(device)
        return tuple(chosen)

    def named(self, word: str) -> Device | None:
        """The device that one entry of CUDA_VISIBLE_DEVICES means: an index, `GPU-` or `MIG-` with enough of a UUID."""
        if word.isdigit():
            return next((d for d in self.devices if d.index == int(word)), None)
        if word.startswith("GPU-"):
            found = [d for d in self.devices if (d.uuid or "").startswith(word)]
            return found[0] if len(found) == 1 else None
        if word.startswith("MIG-"):
            return next((d for d in self.devices if any(m.uuid.startswith(word) for m in d.mig)), None)
        return None
