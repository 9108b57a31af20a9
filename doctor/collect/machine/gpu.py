"""GPU facts: what NVML says, and what the files on the way to the driver say."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from doctor.base.files import Files
from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.collect.machine import nvml_places
from doctor.collect.machine.library_search import candidates
from doctor.collect.machine.nvml_child import Answer, Probe
from doctor.facts import Unavailable
from doctor.facts.gpu import CudaLibrary, DeviceNode, Gpu, LibraryOrigin

TIMEOUT, TIMEOUT_EACH = 5.0, 3.0  # seconds; a GPU without persistence mode takes some to wake up
_MODULE = late_pattern(r"Kernel Module(?: for \S{1,32})? {1,8}(\d{1,4}(?:\.\d{1,4}){1,3})")
_FILE_VERSION = late_pattern(r"\.so\.(\d{3,4}(?:\.\d{1,4}){1,3})$")
_NODE = late_pattern(r"nvidia(?:ctl|-uvm|\d{1,3})")


class GpuCollection:
    """A collection under way: the driver is asked in a child process from the start, `finish` waits for it.

    `root` is another file system; its GPU is this machine's, if this machine has one. `environ` is the environment
    that the server would start in. `timeout` is in seconds, counted from the start; None is 5 and 3 for each card.
    """

    def __init__(
        self, root: str | None = None, environ: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> None:
        self.tree = Files(root)
        self.environ = os.environ if environ is None else environ
        self.supported = sys.platform.startswith(("linux", "win"))
        self.probe: Probe | None = None
        if self.supported and _has_nvml(Files(None), self.environ):
            self.probe = Probe(self.environ, timeout or TIMEOUT + TIMEOUT_EACH * len(_pci(Files(None))))

    def finish(self) -> Gpu | Unavailable:
        """The facts; `Unavailable` only on systems that have no NVML at all."""
        if not self.supported:
            return Unavailable("not_supported", f"there is no NVIDIA driver for {sys.platform}")
        answer = self.probe.finish() if self.probe else Answer("no-library", "no `libnvidia-ml.so.1` on this machine")
        if not self.tree.own and answer.status != "ok":
            answer = Answer("not-asked", "the target is another root file system, which has no GPU of its own")
        return _gpu(self.tree, self.environ, answer)


def _has_nvml(tree: Files, environ: Mapping[str, str]) -> bool:
    """Whether a child is worth its 40 ms: where no loader cache can be read we cannot tell and ask."""
    if not sys.platform.startswith("linux"):
        return True
    if not tree.exists("/etc/ld.so.cache"):
        return True
    return bool(candidates(tree, nvml_places.LIBRARY, nvml_places.clean(environ)))


def _gpu(tree: Files, environ: Mapping[str, str], answer: Answer) -> Gpu:
    module = _kernel_module(tree)
    libraries = tuple(_library(tree, p, by) for p, by in candidates(tree, "libcuda.so.1", environ))
    return Gpu(
        devices=answer.devices,
        driver_version=answer.driver_version or (module and module[0]) or None,
        driver_cuda=answer.driver_cuda,
        driver_platform="windows" if _in_wsl(tree) or sys.platform == "win32" else "linux",
        nvml=answer.status,
        nvml_detail=answer.detail,
        kernel_module=module[0] if module else None,
        open_kernel_module=module[1] if module else None,
        user_library=_user_library(tree, environ, libraries),
        libcuda=libraries,
        nodes=_nodes(tree),
        pci=_pci(tree),
        visible=environ.get("CUDA_VISIBLE_DEVICES"),
        container_visible=environ.get("NVIDIA_VISIBLE_DEVICES"),
        order=environ.get("CUDA_DEVICE_ORDER"),
        unreadable=answer.unreadable,
    )


def _in_wsl(tree: Files) -> bool:
    return "microsoft" in (tree.first_text("/proc/version", 4096) or "").lower()


def _kernel_module(tree: Files) -> tuple[str, bool | None] | None:
    """`(version, is it the open one)` of the loaded module."""
    line = tree.first_text("/proc/driver/nvidia/version", 4096) or ""
    if match := _MODULE.search(line):
        return match[1], "Open Kernel Module" in line
    version = one_line(tree.first_text("/sys/module/nvidia/version", 64) or "", 32)
    return (version, None) if version[:1].isdigit() else None


def _library(tree: Files, path: str, found_by: str) -> CudaLibrary:
    real = tree.found(path) or path
    return CudaLibrary(real, found_by, _origin(path, real), _file_version(real))


def _origin(path: str, real: str) -> LibraryOrigin:
    for each in (path, real):
        if "/stubs/" in each:
            return "stub"
        if "/compat/" in each or "/compat.orig/" in each or "/cuda-compat" in each:
            return "compat"
    return "wsl" if real.startswith(("/usr/lib/wsl/", "/mnt/")) else "driver"


def _file_version(path: str) -> str | None:
    match = _FILE_VERSION.search(path)
    return match[1] if match else None


def _user_library(tree: Files, environ: Mapping[str, str], libcuda: tuple[CudaLibrary, ...]) -> str | None:
    """The version of the driver's own libraries: NVML's, because a forward-compatibility package brings none."""
    for path, _ in candidates(tree, "libnvidia-ml.so.1", environ):
        if "/stubs/" not in path:
            return _file_version(tree.found(path) or path)
    return next((c.version for c in libcuda if c.origin == "driver"), None)


def _nodes(tree: Files) -> tuple[DeviceNode, ...]:
    return tuple(_node(tree, f"/dev/{n}") for n in tree.few_names("/dev") if _NODE.fullmatch(n) or n == "dxg")


def _node(tree: Files, path: str) -> DeviceNode:
    place = tree.inside(path)
    try:
        mode = f"{Path(place).stat().st_mode & 0o777:04o}"
    except OSError:
        mode = None
    return DeviceNode(path, os.access(place, os.R_OK | os.W_OK), mode)


def _pci(tree: Files) -> tuple[str, ...]:
    """NVIDIA's display and compute controllers (class 03), by bus address."""
    base = "/sys/bus/pci/devices"
    return tuple(
        name for name in tree.few_names(base)
        if (tree.first_text(f"{base}/{name}/vendor", 16) or "").strip() == "0x10de"
        and (tree.first_text(f"{base}/{name}/class", 16) or "").startswith("0x03")
    )  # fmt: skip
