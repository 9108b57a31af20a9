"""A GPU and a driver that one does not have here, as `--gpu` and `--driver` name them."""

from __future__ import annotations

import dataclasses
import re

from doctor.base.text import one_line
from doctor.facts import Unavailable
from doctor.facts.gpu import Device, Gpu
from doctor.matrix.hardware import drivers

MAX_DEVICES = 64
FORM = "NAME:MEMORY:CAPABILITY[xN], such as `RTX 4090:24GB:8.9x2`"
_MEMORY = re.compile(r"(\d{1,7}(?:\.\d{1,3})?) ?([MGT])i?B?", re.IGNORECASE)
_CAPABILITY = re.compile(r"(\d{1,2})\.(\d)(?: ?[xX] ?(\d{1,3}))?")
_DRIVER = re.compile(r"\d{3,4}(?:\.\d{1,4}){0,3}")
UNITS = {"M": 1024**2, "G": 1024**3, "T": 1024**4}


class DeclarationError(ValueError):
    """`--gpu` or `--driver` cannot be understood; the message is one sentence for the user."""


def declared_gpu(spec: str | None, driver: str | None, seen: Gpu | Unavailable | None = None) -> Gpu:
    """The facts of a machine with this GPU and this driver; nothing else is known of it.

    `spec` is NAME:MEMORY:CAPABILITY[xN]. Memory is counted in powers of two whatever the unit's spelling, because
    that is how cards are sold: a 24GB card has 24 GiB. All of it is free. With `driver` alone, the devices are those
    of `seen`. Raises DeclarationError.
    """
    devices = _devices(spec) if spec is not None else seen.devices if isinstance(seen, Gpu) else ()
    if driver is not None and not _DRIVER.fullmatch(driver.strip()):
        raise DeclarationError(f"`--driver {one_line(driver, 40)}` is not a driver version such as `570.86`")
    number = driver.strip() if driver else None
    return Gpu(
        source="declared", devices=devices, driver_version=number,
        driver_cuda=drivers().cuda_of(number) if number else None,
    )  # fmt: skip


def _devices(spec: str) -> tuple[Device, ...]:
    parts = spec.rsplit(":", 2)
    if len(parts) != 3 or not parts[0].strip():
        raise DeclarationError(f"`--gpu {one_line(spec, 60)}` does not match {FORM}")
    name, memory, capability = (part.strip() for part in parts)
    size, kind = _MEMORY.fullmatch(memory), _CAPABILITY.fullmatch(capability)
    if size is None:
        raise DeclarationError(f"`{one_line(memory, 40)}` of `--gpu` is not a memory size such as `24GB` or `24576MiB`")
    if kind is None:
        raise DeclarationError(
            f"`{one_line(capability, 40)}` of `--gpu` is not a compute capability such as `8.9` or `8.9x2`"
        )
    total, count = int(float(size[1]) * UNITS[size[2].upper()]), int(kind[3] or 1)
    if not 1 <= count <= MAX_DEVICES or total <= 0:
        raise DeclarationError(f"`--gpu` takes 1 to {MAX_DEVICES} devices with memory, not {count} of `{memory}`")
    one = Device(0, one_line(name, 80), (int(kind[1]), int(kind[2])), total, total)
    return tuple(dataclasses.replace(one, index=index) for index in range(count))
