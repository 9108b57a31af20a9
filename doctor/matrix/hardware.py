"""Drivers, CUDA and compute capabilities: typed access to `matrices/hardware`."""

from __future__ import annotations

from functools import cache
from typing import Literal

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.tables import table

Platform = Literal["linux", "windows"]
Cuda = tuple[int, int]
_NUMBERS = late_pattern(r"\d{1,5}(?:\.\d{1,5}){0,4}")


@dataclass(frozen=True, slots=True)
class Floor:
    """The oldest driver on which every CUDA of this major runs, per platform; None where none is documented."""

    major: int
    linux: str | None
    windows: str | None


@dataclass(frozen=True, slots=True)
class DriverRow:
    """The oldest driver that brings this CUDA, per platform."""

    cuda: str
    linux: str | None
    windows: str | None


@dataclass(frozen=True, slots=True)
class TorchRow:
    """The CUDA that the index's torch wheels are built for, from the release `since` on."""

    since: str
    cuda: str


@dataclass(frozen=True, slots=True)
class Drivers:
    """The table of `driver_cuda.yaml`, newest first."""

    source: str
    verified: str
    floors: tuple[Floor, ...]
    drivers: tuple[DriverRow, ...]
    torch: tuple[TorchRow, ...]

    def cuda_of(self, driver: str, platform: Platform = "linux") -> Cuda | None:
        """The newest CUDA that this driver certainly runs; a driver newer than the table gets the table's newest.

        `580` and `580.65` are families: any release of them, and so not older than `580.65.06`.
        """
        number = version(driver)
        for row in self.drivers:
            least = getattr(row, platform)
            if number and least and number >= version(least)[: len(number)]:
                return version(row.cuda)[0], version(row.cuda)[1]
        return None

    def oldest_driver(self, cuda: Cuda, platform: Platform = "linux") -> str | None:
        """The oldest driver on which this CUDA runs, minor-version compatibility counted in."""
        found = next((f for f in self.floors if f.major == cuda[0]), None)
        return getattr(found, platform) if found else None

    def torch_for(self, major: int) -> str | None:
        """The specifier of torch releases whose wheels on the index are built for this CUDA major, or None."""
        mine = [i for i, row in enumerate(self.torch) if version(row.cuda)[:1] == (major,)]
        if not mine:
            return None
        upper = f",<{self.torch[mine[0] - 1].since}" if mine[0] > 0 else ""
        return f">={self.torch[mine[-1]].since}{upper}"


@dataclass(frozen=True, slots=True)
class CapabilityRow:
    """What an option with one of `values` needs; an empty `option` is the engine itself.

    `outcome` says what the engine does on an older card, `fix` what to do instead. `stated`: the releases that stop for
    a checkpoint that states such a value, too, where the option leaves it to the checkpoint. `option` may be a variable
    that the command sets.
    """

    engine: str
    option: str
    values: tuple[str, ...]
    versions: str
    minimum: str
    outcome: Literal["error", "fallback"]
    source: str
    fix: str
    backend: str | None = None
    stated: str | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """The share of a card that an engine reserves at its start unless told otherwise, from the release `since` on.

    `checked`: it stops where less is free.
    """

    engine: str
    since: str
    share: float
    checked: bool
    source: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The rows of `capability.yaml`; `shares` newest first."""

    verified: str
    shares: tuple[Share, ...]
    rows: tuple[CapabilityRow, ...]

    def share(self, engine: str, release: str | None) -> Share | None:
        """The row of this engine release; the newest where the release is not known. None for other engines."""
        number = version(release) if release else ()
        mine = [s for s in self.shares if s.engine == engine]
        return next((s for s in mine if not number or version(s.since) <= number), None)


def version(text: str) -> tuple[int, ...]:
    """The numbers at the front of `570.86.10` or `0.11.1rc2+cu128`, to compare; empty where there are none."""
    found = _NUMBERS.match(text.strip())
    return tuple(int(part) for part in found[0].split(".")) if found else ()


@cache
def drivers() -> Drivers:
    """Which CUDA which driver runs. Raises DataError for damaged data."""
    return table(Drivers, data_dir() / "hardware" / "driver_cuda.yaml")


@cache
def capabilities() -> Capabilities:
    """What the engines' options ask of a GPU. Raises DataError for damaged data."""
    return table(Capabilities, data_dir() / "hardware" / "capability.yaml")
