"""A GPU and a driver that one does not have here, as `--gpu` and `--driver` name them."""

from __future__ import annotations

import dataclasses
import re

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.facts import Unavailable
from doctor.facts.gpu import Device, Gpu, OtherAccelerator
from doctor.matrix.gpus import called, card, near, other, usable
from doctor.matrix.hardware import drivers

MAX_DEVICES = 64
FORM = "NAME[:MEMORY[:CAPABILITY]][xN], such as `RTX 4090x2` or `RTX 4090:24GB:8.9x2`"
_MEMORY = late_pattern(r"(\d{1,7}(?:\.\d{1,3})?) ?([MGT])i?B?", re.IGNORECASE)
_CAPABILITY = late_pattern(r"(\d{1,2})\.(\d)")
_COUNT = late_pattern(r"(?<![tT])[xX×*] ?(\d{1,3})$")  # `GTX 980` is one card
_COUNT_FIRST = late_pattern(r"^(\d{1,3}) ?[xX×*] ?(?=\S)")
_DRIVER = late_pattern(r"\d{3,4}(?:\.\d{1,4}){0,3}")
_MIG = late_pattern(r"[\s:-]*(?:MIG[\s-]*)?\b([1-7])g\.(\d{1,3})gb(?:\+\S{1,8})?$", re.IGNORECASE)
BETWEEN = ";"
UNITS = {"M": 1024**2, "G": 1024**3, "T": 1024**4}


class DeclarationError(ValueError):
    """`--gpu` or `--driver` cannot be understood; the message is one sentence for the user."""


def declared_gpu(spec: str | None, driver: str | None, seen: Gpu | Unavailable | None = None) -> Gpu:
    """The facts of a machine with this GPU and this driver; nothing else is known of it.

    `spec` is NAME[:MEMORY[:CAPABILITY]][xN], of several with `;` between them, as a repeated `--gpu` gives them; what
    the name alone leaves open comes from the table of cards. Memory is
    counted in powers of two whatever the unit's spelling, because that is how cards are sold: a 24GB card has 24 GiB.
    All of it is free. With `driver` alone, the devices are those of `seen`. Raises DeclarationError.
    """
    if driver is not None and not _DRIVER.fullmatch(driver.strip()):
        raise DeclarationError(f"`--driver {one_line(driver, 40)}` is not a driver version such as `580` or `570.86`")
    number = driver.strip() if driver else None
    cuda = drivers().cuda_of(number) if number else None
    specs = spec.split(BETWEEN) if spec is not None else []
    others = tuple(found for one in specs if (found := _other(one)))
    devices = tuple(d for one in specs if not _other(one) for d in _devices(one))
    if others and not devices:
        return Gpu(source="declared", others=others)
    if len(devices) > MAX_DEVICES:
        raise DeclarationError(f"`--gpu` takes 1 to {MAX_DEVICES} devices, not {len(devices)}")
    if spec is None and isinstance(seen, Gpu):
        devices = seen.devices
    devices = tuple(dataclasses.replace(d, index=n) for n, d in enumerate(devices)) if specs else devices
    return Gpu(source="declared", devices=devices, driver_version=number, driver_cuda=cuda, others=others)


def _parts(spec: str) -> tuple[str, str | None, str | None, int]:
    """Name, memory, capability (None where they are left out) and count, without surrounding blanks."""
    text, count = spec.strip(), 1
    for pattern in (_COUNT, _COUNT_FIRST):
        if found := pattern.search(text):
            text, count = (text[: found.start()] + text[found.end() :]).strip(), int(found[1])
            break
    parts = [p.strip() for p in text.rsplit(":", 2)]
    if len(parts) == 3 and _MEMORY.fullmatch(parts[2]):  # the name has a colon of its own
        parts = [f"{parts[0]}:{parts[1]}", parts[2]]
    name, memory, capability = (*parts, None, None)[:3]
    if not name or memory == "" or capability == "":
        raise DeclarationError(f"`--gpu {one_line(spec, 60)}` does not match {FORM}")
    return name, memory, capability, count


def _other(spec: str) -> OtherAccelerator | None:
    """A device that does not run CUDA, its memory and its count aside."""
    name, memory, _, count = _parts(spec)
    for said in (spec.strip(), name):
        if found := other(said):
            size = _MEMORY.fullmatch(memory or "")
            given = int(float(size[1]) * UNITS[size[2].upper()]) if size else None
            shown = one_line(name if given else said, 80)
            return OtherAccelerator(
                shown, found.vendor, found.runs, found.fix, given or None, found.shares(name), min(count, MAX_DEVICES)
            )
    return None


def _slice(name: str) -> tuple[str, int | None]:
    """The card of a MIG slice (`A100 MIG 3g.40gb`) and the slice's bytes; the name itself and None for a whole card.

    A seventh of the cores keeps 5 % of the memory in its name back, larger slices 2 % (NVML on A100 and H100).
    """
    found = _MIG.search(name)
    if found is None:
        return name, None
    return name[: found.start()].strip(), int(int(found[2]) * UNITS["G"] * (0.95 if found[1] == "1" else 0.98))


def _devices(spec: str) -> tuple[Device, ...]:
    name, memory, capability, count = _parts(spec)
    whole_card, part = _slice(name)
    if part is not None and memory is None and (known := card(whole_card)) is not None:
        one = Device(0, one_line(name, 80), known.version, part, part)
        return tuple(dataclasses.replace(one, index=index) for index in range(count))
    size, kind = _MEMORY.fullmatch(memory or ""), _CAPABILITY.fullmatch(capability or "")
    if memory is not None and size is None:
        raise DeclarationError(f"`{one_line(memory, 40)}` of `--gpu` is not a memory size such as `24GB` or `24576MiB`")
    if capability is not None and kind is None:
        raise DeclarationError(
            f"`{one_line(capability, 40)}` of `--gpu` is not a compute capability such as `8.9` or `8.9x2`"
        )
    total = int(float(size[1]) * UNITS[size[2].upper()]) if size else None
    known = card(name, total)
    if known is None and (total is None or kind is None):
        raise _unknown(name)
    version = (int(kind[1]), int(kind[2])) if kind else known.version if known else (0, 0)
    total = total if total is not None else known.bytes if known else 0
    if not 1 <= count <= MAX_DEVICES or total <= 0:
        raise DeclarationError(f"`--gpu` takes 1 to {MAX_DEVICES} devices with memory, not {count} of `{memory}`")
    whole = size is not None and kind is not None
    shown = one_line(name if whole or known is None else called(name, known), 80)
    has = known.usable_bytes if known is not None and size is None else usable(known, total)
    one = Device(
        0, shown, version, total, has, unified_memory=known.unified if known else False, reserved=total - has or None
    )
    return tuple(dataclasses.replace(one, index=index) for index in range(count))


def _unknown(name: str) -> DeclarationError:
    meant = " or ".join(f"`{n}`" for n in near(name))
    shown = one_line(name, 60)
    did = f"; did you mean {meant}?" if meant else "."
    return DeclarationError(
        f"`--gpu {shown}` is not a known GPU{did} For another one give its memory and compute capability: "
        f"`--gpu '{shown}:24GB:8.9'`"
    )
