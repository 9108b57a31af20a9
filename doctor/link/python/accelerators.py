"""What module-level code learns about GPUs on a machine that has no driver for any."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from doctor.link.python.values import UNKNOWN, NativeVal, PyRaise, Value

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

_DRIVERS = ("libcuda.so", "libnvidia-ml.so")
# what is there only with a driver of NVIDIA, of a Tegra board, or of AMD
DEVICE_FILES = ("/dev/nvidia", "/proc/driver/nvidia", "/etc/nv_tegra_release", "/sys/class/tegra-firmware", "/dev/kfd")
_ABSENT = ("cuda", "xpu", "hpu", "mps", "backends.mps", "musa", "npu")

# backends that torch itself does not have: an attribute of the name appears with the package that registers it
_PLUGINS = {"npu": "torch-npu", "musa": "torch-musa", "hpu": "habana-torch-plugin", "mlu": "torch-mlu"}


def is_foreign_backend(module: str, name: str, version: Callable[[str], str | None]) -> bool:
    """Whether `torch.NAME` is a backend whose package is not installed."""
    return module == "torch" and name in _PLUGINS and version(_PLUGINS[name]) is None


def without_driver() -> dict[str, Value]:
    """`torch.cuda.is_available()` and its like, as torch answers where no driver is installed."""

    def no(machine: Machine, args: list[Value], kwargs: dict[str, Value]) -> Value:
        return False

    def zero(machine: Machine, args: list[Value], kwargs: dict[str, Value]) -> Value:
        return 0

    out: dict[str, Value] = {f"torch.{name}.is_available": NativeVal("is_available", no) for name in _ABSENT}
    out.update({f"torch.{name}.device_count": NativeVal("device_count", zero) for name in ("cuda", "xpu")})
    out["ctypes.CDLL"] = NativeVal("ctypes.CDLL", _load)
    return out


def _load(machine: Machine, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """`ctypes.CDLL(name)`; only of the driver's own libraries is it certain that they are missing."""
    name = args[0] if args else kwargs.get("name")
    if isinstance(name, str) and name.startswith(_DRIVERS):
        raise PyRaise(OSError, f"{name}: cannot open shared object file: No such file or directory")
    return UNKNOWN
