"""The machine of a report: Python, GPUs and driver, as reporters and `nvidia-smi` print them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from doctor.base.late import late_pattern
from doctor.base.record import dataclass

MOST_GPUS = 64
_PYTHON = late_pattern(r"^[-*]? ?Python(?: version)? {0,40}: {0,8}(?P<version>3\.\d{1,2}(?:\.\d{1,3})?)\b", re.I)
_DRIVER = late_pattern(
    r"(?:Nvidia driver|CUDA Driver|Driver) version {0,40}: {0,8}(?P<version>\d{3,4}\.\d{1,4}(?:\.\d{1,4})?)", re.I
)
# `GPU 0: NVIDIA A100-SXM4-80GB (UUID: ...)`, `GPU 0,1: NVIDIA H100 80GB HBM3`
_GPU = late_pattern(
    r"^(?:GPU models and configuration {0,40}: {0,8})?GPU (?P<which>\d{1,3}(?:, ?\d{1,3}){0,63}) ?: "
    r"(?P<name>[^\n(]{3,80}?)(?: \(UUID.{0,100})?$"
)
# `|   0  NVIDIA GeForce RTX 3090        Off | 00000000:01:00.0 Off |`
_ROW = late_pattern(
    r"^\| {1,6}(?P<which>\d{1,3}) {1,6}(?P<name>(?:NVIDIA|Tesla|Quadro|GeForce)[^|]{2,60}?) {1,60}"
    r"(?:On|Off|N/A|WDDM|TCC) {0,4}\|"
)
_TYPE = late_pattern(
    r"^[-*]? ?(?:GPU type|GPUs?|显卡) ?[:：] {0,4}"
    r"(?P<name>(?:\d{1,2} ?[x×*] ?)?(?:NVIDIA|Tesla|Quadro|GeForce|RTX)[^\n]{2,60})$",
    re.I,
)
_WINDOWS = late_pattern(r"^(?:sys\.platform: win32|OS {0,40}: {0,8}Microsoft Windows)")
_ARM = late_pattern(r"^(?:OS {0,40}: .{1,80}\((?:aarch64|arm64)\)|Architecture: {1,40}aarch64)")
_CUT = late_pattern(r"\.{3}$")


@dataclass(frozen=True, slots=True)
class Machine:
    """`gpu` and `platform` are written as the options take them; each is None where the report does not say it.

    GPUs of several kinds are left out: which of them the server gets is not said. `counted`: their number is said.
    """

    python: str | None = None
    gpu: str | None = None
    driver: str | None = None
    platform: str | None = None
    counted: bool = True


def machine(lines: Sequence[str]) -> Machine:
    """What the first block that says something of it says, of `plain` lines."""
    python = driver = None
    for line in lines:
        python = python or (m["version"] if (m := _PYTHON.match(line)) else None)
        driver = driver or (m["version"] if (m := _DRIVER.search(line)) else None)
    spec, counted = _spec(lines)
    return Machine(python, spec, driver, _platform(lines), counted)


def _platform(lines: Sequence[str]) -> str | None:
    for line in lines:
        if _WINDOWS.match(line):
            return "win-amd64"
        if _ARM.match(line):
            return "linux-aarch64"
    return None


def _spec(lines: Sequence[str]) -> tuple[str | None, bool]:
    """The GPUs, where all are of one kind, as `NAME xN`, and whether their number is said; cut names are no names."""
    for form in (_GPU, _ROW):
        counts = Counter(dict(_of_form(lines, form)).values())
        if counts:
            (name, count), *others = counts.most_common(2)
            return (None if others else f"{name} x{count}" if 1 < count <= MOST_GPUS else name), True
    types = dict.fromkeys(name for _, name in _of_form(lines, _TYPE))
    return (next(iter(types)), False) if len(types) == 1 else (None, True)


def _of_form(lines: Sequence[str], form: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if (match := form.match(line)) and not _CUT.search(match["name"].strip()):
            which = match["which"].split(",") if "which" in match.re.groupindex else ["0"]
            yield from ((one.strip(), match["name"].strip()) for one in which)
